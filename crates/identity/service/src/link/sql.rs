//! SQL of links.

db::statements! {
    /// Keeps a link by the hash of its token.
    ADD: "INSERT INTO account_link (account_id, token_hash, purpose, payload, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)" (Bytes, Bytes, Text, Bytes, Int, Int) -> ();
    /// One link.
    FIND: "SELECT purpose, payload, created_at, expires_at, used_at FROM account_link
        WHERE account_id = $1 AND token_hash = $2" (Bytes, Bytes) -> (Text, Bytes, Int, Int, OptInt);
    /// Uses it; touches nothing when it was used.
    USE: "UPDATE account_link SET used_at = $1 WHERE account_id = $2 AND token_hash = $3 AND used_at IS NULL"
        (Int, Bytes, Bytes) -> ();
    /// Forgets an account's old links.
    FORGET: "DELETE FROM account_link WHERE account_id = $1 AND expires_at < $2" (Bytes, Int) -> ();
}
