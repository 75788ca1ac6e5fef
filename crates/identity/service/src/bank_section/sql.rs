//! SQL of the bank section.

db::statements! {
    /// Opens it, or opens it anew.
    OPEN: "INSERT INTO bank_section (account_id, session_id, method, opened_at, seen_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id, session_id) DO UPDATE SET
        method = excluded.method, opened_at = excluded.opened_at, seen_at = excluded.seen_at"
        (Bytes, Bytes, Text, Int, Int) -> ();
    /// When it was opened and used.
    FIND: "SELECT method, opened_at, seen_at FROM bank_section WHERE account_id = $1 AND session_id = $2"
        (Bytes, Bytes) -> (Text, Int, Int);
    /// Notes its use; a locked one stays locked.
    TOUCH: "UPDATE bank_section SET seen_at = $1 WHERE account_id = $2 AND session_id = $3 AND seen_at < $4
        AND seen_at > $5 AND opened_at > $6" (Int, Bytes, Bytes, Int, Int, Int) -> ();
    /// Locks it.
    LOCK: "DELETE FROM bank_section WHERE account_id = $1 AND session_id = $2" (Bytes, Bytes) -> ();
    /// Forgets what is over.
    FORGET: "DELETE FROM bank_section WHERE opened_at < $1 AND (account_id, session_id) IN
        (SELECT account_id, session_id FROM bank_section WHERE opened_at < $2 ORDER BY opened_at LIMIT $3)"
        (Int, Int, Int) -> ();
}
