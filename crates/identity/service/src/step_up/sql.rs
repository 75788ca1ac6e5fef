//! SQL of step-up.

db::statements! {
    /// Forgets the unused steps of a session for the same action: one waits at a time.
    REPLACE: "DELETE FROM step_up WHERE account_id = $1 AND session_id = $2 AND action = $3 AND used_at IS NULL"
        (Bytes, Bytes, Text) -> ();
    /// The step of a session that waits for an action and was not proved yet.
    WAITING: "SELECT step_id, payload_mac, created_at, old_only FROM step_up WHERE account_id = $1
        AND session_id = $2 AND action = $3 AND used_at IS NULL AND proved_at IS NULL"
        (Bytes, Bytes, Text) -> (Bytes, Bytes, Int, Bool);
    /// Keeps an action that waits for a proof.
    ADD: "INSERT INTO step_up (account_id, step_id, session_id, action, payload, payload_mac, target, shown,
        old_only, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        (Bytes, Bytes, Bytes, Text, Bytes, Bytes, OptBytes, Text, Bool, Int, Int) -> ();
    /// One step.
    FIND: "SELECT session_id, action, payload, payload_mac, shown, created_at, expires_at, proved_at, used_at,
        target, old_only FROM step_up WHERE account_id = $1 AND step_id = $2"
        (Bytes, Bytes) -> (Bytes, Text, Bytes, Bytes, Text, Int, Int, OptInt, OptInt, OptBytes, Bool);
    /// The same, locked.
    LOCK: "SELECT session_id, action, payload, payload_mac, shown, created_at, expires_at, proved_at, used_at,
        target, old_only FROM step_up WHERE account_id = $1 AND step_id = $2{lock}"
        (Bytes, Bytes) -> (Bytes, Text, Bytes, Bytes, Text, Int, Int, OptInt, OptInt, OptBytes, Bool);
    /// Notes what was shown for it.
    SHOWN: "UPDATE step_up SET shown = $1, proved_at = $2 WHERE account_id = $3 AND step_id = $4
        AND used_at IS NULL" (Text, OptInt, Bytes, Bytes) -> ();
    /// Uses its proof; touches nothing when it was used.
    USE: "UPDATE step_up SET used_at = $1 WHERE account_id = $2 AND step_id = $3 AND proved_at IS NOT NULL
        AND used_at IS NULL" (Int, Bytes, Bytes) -> ();
    /// Whether a session is still there.
    SESSION: "SELECT session_id FROM session WHERE account_id = $1 AND session_id = $2{lock}"
        (Bytes, Bytes) -> (Bytes);
    /// Forgets what has run out.
    FORGET: "DELETE FROM step_up WHERE expires_at < $1 AND (account_id, step_id) IN
        (SELECT account_id, step_id FROM step_up WHERE expires_at < $2 ORDER BY expires_at LIMIT $3)"
        (Int, Int, Int) -> ();
}
