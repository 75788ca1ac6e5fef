//! SQL of passkeys and of the ceremonies that make and show them.

db::statements! {
    /// Keeps what an authenticator is asked to sign.
    ASK: "INSERT INTO ceremony (browser, ceremony_id, purpose, sealed, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)" (Bytes, Bytes, Text, Bytes, Int, Int) -> ();
    /// How many a browser has asked for and not used.
    OPEN: "SELECT ceremony_id FROM ceremony WHERE browser = $1 AND used_at IS NULL ORDER BY ceremony_id DESC"
        (Bytes) -> (Bytes);
    /// Drops one that nobody will answer.
    DROP: "DELETE FROM ceremony WHERE browser = $1 AND ceremony_id = $2 AND used_at IS NULL"
        (Bytes, Bytes) -> ();
    /// What was asked, while it may be answered.
    ASKED: "SELECT purpose, sealed, expires_at FROM ceremony
        WHERE browser = $1 AND ceremony_id = $2 AND used_at IS NULL" (Bytes, Bytes) -> (Text, Bytes, Int);
    /// Uses it up, whatever the answer; touches nothing when it was used, has run out or is for something else.
    TAKE: "UPDATE ceremony SET used_at = $1 WHERE browser = $2 AND ceremony_id = $3 AND purpose = $4
        AND used_at IS NULL AND expires_at > $5" (Int, Bytes, Bytes, Text, Int) -> ();
    /// Whose a credential is.
    OWNER: "SELECT account_id, passkey_id FROM passkey_owner WHERE credential = $1" (Bytes) -> (Bytes, Bytes);
    /// Claims a credential for one account; touches nothing when it is taken (A61).
    CLAIM: "INSERT INTO passkey_owner (credential, account_id, passkey_id, claimed_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (credential) DO NOTHING" (Bytes, Bytes, Bytes, Int) -> ();
    /// Lets it go.
    UNCLAIM: "DELETE FROM passkey_owner WHERE credential = $1" (Bytes) -> ();
    /// Keeps a passkey.
    ADD: "INSERT INTO passkey (account_id, passkey_id, credential, sealed, created_at, wrong_in_row)
        VALUES ($1, $2, $3, $4, $5, 0)" (Bytes, Bytes, Bytes, Bytes, Int) -> ();
    /// The passkeys of an account, oldest first.
    LIST: "SELECT passkey_id, sealed, created_at, used_at, suspected_at FROM passkey WHERE account_id = $1
        ORDER BY passkey_id" (Bytes) -> (Bytes, Bytes, Int, OptInt, OptInt);
    /// One passkey.
    FIND: "SELECT credential, sealed, created_at, suspected_at, wrong_in_row FROM passkey
        WHERE account_id = $1 AND passkey_id = $2" (Bytes, Bytes) -> (Bytes, Bytes, Int, OptInt, Int);
    /// The same, locked.
    LOCK: "SELECT credential, sealed, created_at, suspected_at, wrong_in_row FROM passkey
        WHERE account_id = $1 AND passkey_id = $2{lock}" (Bytes, Bytes) -> (Bytes, Bytes, Int, OptInt, Int);
    /// It was shown.
    USED: "UPDATE passkey SET sealed = $1, used_at = $2, wrong_in_row = 0
        WHERE account_id = $3 AND passkey_id = $4" (Bytes, Int, Bytes, Bytes) -> ();
    /// An answer in its name was not taken.
    WRONG: "UPDATE passkey SET wrong_in_row = $1 WHERE account_id = $2 AND passkey_id = $3"
        (Int, Bytes, Bytes) -> ();
    /// There may be two of it (A63).
    SUSPECT: "UPDATE passkey SET suspected_at = $1 WHERE account_id = $2 AND passkey_id = $3
        AND suspected_at IS NULL" (Int, Bytes, Bytes) -> ();
    /// What is sealed of it has changed.
    SEAL: "UPDATE passkey SET sealed = $1 WHERE account_id = $2 AND passkey_id = $3" (Bytes, Bytes, Bytes) -> ();
    /// Removes it.
    REMOVE: "DELETE FROM passkey WHERE account_id = $1 AND passkey_id = $2" (Bytes, Bytes) -> ();
    /// The handle by which authenticators know the account.
    HANDLE: "SELECT sealed FROM passkey_user WHERE account_id = $1" (Bytes) -> (Bytes);
    /// Makes it; touches nothing when it is there.
    HANDLE_ADD: "INSERT INTO passkey_user (account_id, sealed, made_at) VALUES ($1, $2, $3)
        ON CONFLICT (account_id) DO NOTHING" (Bytes, Bytes, Int) -> ();
}
