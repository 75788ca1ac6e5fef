//! SQL of trusted people.

db::statements! {
    /// Names one.
    ADD: "INSERT INTO trusted_person (account_id, subject, sealed, named_at) VALUES ($1, $2, $3, $4)"
        (Bytes, Bytes, Bytes, Int) -> ();
    /// All of an account.
    LIST: "SELECT subject, sealed, named_at FROM trusted_person WHERE account_id = $1 ORDER BY named_at, subject"
        (Bytes) -> (Bytes, Bytes, Int);
    /// Whether somebody is one.
    FIND: "SELECT named_at FROM trusted_person WHERE account_id = $1 AND subject = $2" (Bytes, Bytes) -> (Int);
    /// Removes one.
    REMOVE: "DELETE FROM trusted_person WHERE account_id = $1 AND subject = $2" (Bytes, Bytes) -> ();
}
