//! SQL of authenticator apps.

db::statements! {
    /// The app of an account.
    FIND: "SELECT session_id, sealed, made_at, confirmed_at, last_step, wrong_in_row, wrong, rest_until
        FROM totp WHERE account_id = $1" (Bytes) -> (Bytes, Bytes, Int, OptInt, Int, Int, Bytes, OptInt);
    /// The same, locked.
    LOCK: "SELECT session_id, sealed, made_at, confirmed_at, last_step, wrong_in_row, wrong, rest_until
        FROM totp WHERE account_id = $1{lock}" (Bytes) -> (Bytes, Bytes, Int, OptInt, Int, Int, Bytes, OptInt);
    /// Makes a secret that waits for its first code, in the place of one that waited; its wrong tries stay.
    MAKE: "INSERT INTO totp (account_id, session_id, sealed, made_at, last_step, wrong_in_row, wrong)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account_id) DO UPDATE SET
        session_id = excluded.session_id, sealed = excluded.sealed, made_at = excluded.made_at"
        (Bytes, Bytes, Bytes, Int, Int, Int, Bytes) -> ();
    /// The first code was right.
    CONFIRM: "UPDATE totp SET confirmed_at = $1, last_step = $2 WHERE account_id = $3 AND confirmed_at IS NULL"
        (Int, Int, Bytes) -> ();
    /// A code was taken.
    TAKE: "UPDATE totp SET last_step = $1 WHERE account_id = $2" (Int, Bytes) -> ();
    /// Writes the tries.
    TRIES: "UPDATE totp SET wrong_in_row = $1, wrong = $2, rest_until = $3 WHERE account_id = $4"
        (Int, Bytes, OptInt, Bytes) -> ();
    /// Disconnects.
    REMOVE: "DELETE FROM totp WHERE account_id = $1 AND confirmed_at IS NOT NULL" (Bytes) -> ();
}
