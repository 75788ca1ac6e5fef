//! SQL of the counters.

db::statements! {
    /// The counts of an identifier, locked, and made when it was never counted: one statement for both, so
    /// that the time it takes does not tell them apart (A1).
    SUBJECT_TAKE: "INSERT INTO code_subject (subject, serial, step, sends, calls, wrong_in_row, wrong)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (subject) DO UPDATE SET serial = code_subject.serial
        RETURNING serial, step, sends, calls, wrong_in_row, wrong, rest_until"
        (Bytes, Int, Int, Bytes, Bytes, Int, Bytes) -> (Int, Int, Bytes, Bytes, Int, Bytes, OptInt);
    /// The counts of an identifier, locked: everything about one identifier happens one after the other.
    SUBJECT: "SELECT serial, step, sends, calls, wrong_in_row, wrong, rest_until
        FROM code_subject WHERE subject = $1{lock}"
        (Bytes) -> (Int, Int, Bytes, Bytes, Int, Bytes, OptInt);
    /// The same, only to look.
    SUBJECT_LOOK: "SELECT serial, step, sends, calls, wrong_in_row, wrong, rest_until
        FROM code_subject WHERE subject = $1"
        (Bytes) -> (Int, Int, Bytes, Bytes, Int, Bytes, OptInt);
    /// Writes them back.
    SUBJECT_SAVE: "UPDATE code_subject SET serial = $1, step = $2, sends = $3, calls = $4,
        wrong_in_row = $5, wrong = $6, rest_until = $7, forget_at = $8 WHERE subject = $9"
        (Int, Int, Bytes, Bytes, Int, Bytes, OptInt, OptInt, Bytes) -> ();
    /// Forgets identifiers whose counts decide nothing any more. The outer look at the moment is made again under
    /// the row's lock: a row that began to count meanwhile stays.
    SUBJECT_FORGET: "DELETE FROM code_subject WHERE forget_at < $1 AND subject IN
        (SELECT subject FROM code_subject WHERE forget_at < $2 ORDER BY forget_at LIMIT $3)"
        (Int, Int, Int) -> ();
    /// The times a network did something, locked.
    NETWORK: "SELECT stamps FROM code_network WHERE scope = $1{lock}" (Bytes) -> (Bytes);
    /// Makes the row of a network that was never counted: what is not there cannot be locked.
    NETWORK_FIRST: "INSERT INTO code_network (scope, stamps, touched_at) VALUES ($1, $2, $3)
        ON CONFLICT (scope) DO NOTHING" (Bytes, Bytes, Int) -> ();
    /// Writes them.
    NETWORK_SAVE: "INSERT INTO code_network (scope, stamps, touched_at) VALUES ($1, $2, $3)
        ON CONFLICT (scope) DO UPDATE SET stamps = excluded.stamps, touched_at = excluded.touched_at"
        (Bytes, Bytes, Int) -> ();
    /// Forgets networks that have been quiet for longer than any window.
    NETWORK_FORGET: "DELETE FROM code_network WHERE touched_at < $1 AND scope IN
        (SELECT scope FROM code_network WHERE touched_at < $2 ORDER BY touched_at LIMIT $3)"
        (Int, Int, Int) -> ();
    /// What a range of numbers was sent and used, locked.
    RANGE: "SELECT sends, sent, used, blocked_until FROM code_range WHERE scope = $1{lock}"
        (Bytes) -> (Bytes, Int, Int, OptInt);
    /// The same, made when it was never counted, by one statement for both (A1).
    RANGE_TAKE: "INSERT INTO code_range (scope, sends, sent, used) VALUES ($1, $2, $3, $4)
        ON CONFLICT (scope) DO UPDATE SET sent = code_range.sent
        RETURNING sends, sent, used, blocked_until"
        (Bytes, Bytes, Int, Int) -> (Bytes, Int, Int, OptInt);
    /// Writes it.
    RANGE_SAVE: "INSERT INTO code_range (scope, sends, sent, used, blocked_until, forget_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (scope) DO UPDATE SET sends = excluded.sends,
        sent = excluded.sent, used = excluded.used, blocked_until = excluded.blocked_until,
        forget_at = excluded.forget_at" (Bytes, Bytes, Int, Int, OptInt, OptInt) -> ();
    /// Forgets ranges whose counts decide nothing any more.
    RANGE_FORGET: "DELETE FROM code_range WHERE forget_at < $1 AND scope IN
        (SELECT scope FROM code_range WHERE forget_at < $2 ORDER BY forget_at LIMIT $3)"
        (Int, Int, Int) -> ();
    /// The count of one known browser, locked.
    BROWSER: "SELECT wrong_in_row, wrong, rest_until FROM known_browser
        WHERE account_id = $1 AND browser_hash = $2{lock}"
        (Bytes, Bytes) -> (Int, Bytes, OptInt);
    /// Locks every browser of an account, before the account itself.
    BROWSERS_LOCK: "SELECT browser_hash FROM known_browser WHERE account_id = $1
        ORDER BY browser_hash{lock}" (Bytes) -> (Bytes);
    /// Writes it.
    BROWSER_SAVE: "UPDATE known_browser SET wrong_in_row = $1, wrong = $2, rest_until = $3
        WHERE account_id = $4 AND browser_hash = $5"
        (Int, Bytes, OptInt, Bytes, Bytes) -> ();
}
