//! SQL of letting in.

db::statements! {
    /// Keeps a request.
    ADD: "INSERT INTO handover (request, browser, sealed, created_at, expires_at, tries)
        VALUES ($1, $2, $3, $4, $5, $6)" (Bytes, Bytes, Bytes, Int, Int, Int) -> ();
    /// One request.
    FIND: "SELECT browser, sealed, created_at, expires_at, account_id, session_id, approved_at, refused_at, used_at
        FROM handover WHERE request = $1"
        (Bytes) -> (Bytes, Bytes, Int, Int, OptBytes, OptBytes, OptInt, OptInt, OptInt);
    /// The same, locked.
    LOCK: "SELECT browser, sealed, created_at, expires_at, account_id, session_id, approved_at, refused_at, used_at
        FROM handover WHERE request = $1{lock}"
        (Bytes) -> (Bytes, Bytes, Int, Int, OptBytes, OptBytes, OptInt, OptInt, OptInt);
    /// The phone said yes.
    APPROVE: "UPDATE handover SET account_id = $1, session_id = $2, approved_at = $3, tries = tries + 1
        WHERE request = $4 AND approved_at IS NULL AND refused_at IS NULL AND used_at IS NULL"
        (Bytes, Bytes, Int, Bytes) -> ();
    /// The phone said no.
    REFUSE: "UPDATE handover SET account_id = $1, refused_at = $2, tries = tries + 1
        WHERE request = $3 AND approved_at IS NULL AND refused_at IS NULL AND used_at IS NULL"
        (Bytes, Int, Bytes) -> ();
    /// The computer enters; touches nothing when it has.
    USE: "UPDATE handover SET used_at = $1 WHERE request = $2 AND approved_at IS NOT NULL AND used_at IS NULL"
        (Int, Bytes) -> ();
    /// Forgets old ones.
    FORGET: "DELETE FROM handover WHERE expires_at < $1 AND request IN
        (SELECT request FROM handover WHERE expires_at < $2 ORDER BY expires_at LIMIT $3)"
        (Int, Int, Int) -> ();
}
