//! SQL of the second factor's setting.

db::statements! {
    /// Whether sign-in always asks for it.
    FIND: "SELECT since FROM second_factor WHERE account_id = $1" (Bytes) -> (Int);
    /// What a door asks: whether sign-in always asks for a second factor, and whether a restore has voided the
    /// account's backup codes (F18).
    AT_DOOR: "SELECT COUNT(*), (SELECT COUNT(*) FROM backup_code WHERE account_id = $1 AND void_at IS NOT NULL),
        (SELECT COUNT(*) FROM identifier_hold WHERE account_id = $2)
        FROM second_factor WHERE account_id = $3"
        (Bytes, Bytes, Bytes) -> (Int, Int, Int);
    /// Switches it on; touches nothing when it is.
    ON: "INSERT INTO second_factor (account_id, since) VALUES ($1, $2) ON CONFLICT (account_id) DO NOTHING"
        (Bytes, Int) -> ();
    /// Switches it off.
    OFF: "DELETE FROM second_factor WHERE account_id = $1" (Bytes) -> ();
}
