//! SQL of the profile.

db::statements! {
    /// The sealed profile.
    FIND: "SELECT sealed, version FROM profile WHERE account_id = $1" (Bytes) -> (Bytes, Int);
    /// Its first version.
    ADD: "INSERT INTO profile (account_id, sealed, version, updated_at) VALUES ($1, $2, $3, $4)"
        (Bytes, Bytes, Int, Int) -> ();
    /// The next version, if nobody was faster.
    SAVE: "UPDATE profile SET sealed = $1, version = version + 1, updated_at = $2
        WHERE account_id = $3 AND version = $4" (Bytes, Int, Bytes, Int) -> ();
}
