//! SQL of chosen secrets.

db::statements! {
    /// One secret, locked.
    LOCK: "SELECT sealed, tries_left, wrong_in_row, wrong, rest_until, set_at FROM secret
        WHERE account_id = $1 AND kind = $2{lock}" (Bytes, Text) -> (Bytes, Int, Int, Bytes, OptInt, Int);
    /// Since when there is one.
    STANDING: "SELECT set_at, tries_left FROM secret WHERE account_id = $1 AND kind = $2"
        (Bytes, Text) -> (Int, Int);
    /// Keeps one.
    ADD: "INSERT INTO secret (account_id, kind, sealed, set_at, tries_left, wrong_in_row, wrong)
        VALUES ($1, $2, $3, $4, $5, $6, $7)" (Bytes, Text, Bytes, Int, Int, Int, Bytes) -> ();
    /// Writes hash and tries back.
    SAVE: "UPDATE secret SET sealed = $1, tries_left = $2, wrong_in_row = $3, wrong = $4, rest_until = $5
        WHERE account_id = $6 AND kind = $7" (Bytes, Int, Int, Bytes, OptInt, Bytes, Text) -> ();
    /// Removes one.
    REMOVE: "DELETE FROM secret WHERE account_id = $1 AND kind = $2" (Bytes, Text) -> ();
}
