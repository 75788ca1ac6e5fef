//! SQL of doubted numbers.

db::statements! {
    /// A number is in doubt from now on.
    DOUBT: "INSERT INTO doubted_identifier (subject, reason, since) VALUES ($1, $2, $3)
        ON CONFLICT (subject) DO UPDATE SET reason = excluded.reason, since = excluded.since"
        (Bytes, Text, Int) -> ();
    /// It is no longer.
    CLEAR: "DELETE FROM doubted_identifier WHERE subject = $1" (Bytes) -> ();
}
