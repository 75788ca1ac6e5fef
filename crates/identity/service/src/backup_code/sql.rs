//! SQL of backup codes.

db::statements! {
    /// Keeps a code's hash.
    ADD: "INSERT INTO backup_code (account_id, code_hash, made_at) VALUES ($1, $2, $3)" (Bytes, Bytes, Int) -> ();
    /// Uses a code up; touches nothing when it is not one, or was used.
    USE: "UPDATE backup_code SET used_at = $1 WHERE account_id = $2 AND code_hash = $3 AND used_at IS NULL
        AND void_at IS NULL" (Int, Bytes, Bytes) -> ();
    /// When a code was made.
    MADE: "SELECT made_at FROM backup_code WHERE account_id = $1 AND code_hash = $2" (Bytes, Bytes) -> (Int);
    /// Kills every code of an account.
    REMOVE: "DELETE FROM backup_code WHERE account_id = $1" (Bytes) -> ();
    /// How many are left.
    LEFT: "SELECT COUNT(*) FROM backup_code WHERE account_id = $1 AND used_at IS NULL AND void_at IS NULL"
        (Bytes) -> (Int);
    /// Forgets the codes that a restore has voided: the owner is told now.
    FORGET_VOID: "DELETE FROM backup_code WHERE account_id = $1 AND void_at IS NOT NULL" (Bytes) -> ();
    /// Wrong tries, locked.
    TRIES: "SELECT wrong_in_row, wrong, rest_until FROM backup_tries WHERE account_id = $1{lock}"
        (Bytes) -> (Int, Bytes, OptInt);
    /// Writes them.
    TRIES_SAVE: "INSERT INTO backup_tries (account_id, wrong_in_row, wrong, rest_until) VALUES ($1, $2, $3, $4)
        ON CONFLICT (account_id) DO UPDATE SET wrong_in_row = excluded.wrong_in_row, wrong = excluded.wrong,
        rest_until = excluded.rest_until" (Bytes, Int, Bytes, OptInt) -> ();
}
