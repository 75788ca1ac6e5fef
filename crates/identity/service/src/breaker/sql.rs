//! SQL of the breaker.

db::statements! {
    /// Adds to one slot of one bucket.
    ADD: "INSERT INTO code_tally (bucket, slot, sent, spent, tries, wrong)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (bucket, slot) DO UPDATE SET
        sent = code_tally.sent + excluded.sent, spent = code_tally.spent + excluded.spent,
        tries = code_tally.tries + excluded.tries, wrong = code_tally.wrong + excluded.wrong"
        (Int, Int, Int, Int, Int, Int) -> ();
    /// One bucket's sums since a slot.
    SUM: "SELECT CAST(COALESCE(SUM(spent), 0) AS BIGINT) FROM code_tally
        WHERE bucket = $1 AND slot >= $2" (Int, Int) -> (Int);
    /// One bucket's latest slots: codes that cost money, tries and wrong ones.
    LATEST: "SELECT slot, sent, tries, wrong FROM code_tally WHERE bucket = $1 AND slot >= $2"
        (Int, Int) -> (Int, Int, Int, Int);
    /// Forgets one bucket's old slots.
    FORGET: "DELETE FROM code_tally WHERE bucket = $1 AND slot < $2" (Int, Int) -> ();
}
