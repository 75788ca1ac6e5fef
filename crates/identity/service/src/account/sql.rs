//! SQL of accounts.

db::statements! {
    /// Claims an identifier; touches nothing when it is taken (A51).
    CLAIM: "INSERT INTO identifier (subject, kind, account_id, claimed_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (subject) DO NOTHING" (Bytes, Text, Bytes, Int) -> ();
    /// Makes an account.
    ADD: "INSERT INTO account (account_id, data_key, locale, level, created_at)
        VALUES ($1, $2, $3, $4, $5)" (Bytes, Bytes, Text, Text, Int) -> ();
    /// One account.
    FIND: "SELECT data_key, locale, level, created_at, frozen_at FROM account WHERE account_id = $1"
        (Bytes) -> (Bytes, Text, Text, Int, OptInt);
    /// The same, locked.
    LOCK: "SELECT data_key, locale, level, created_at, frozen_at FROM account WHERE account_id = $1{lock}"
        (Bytes) -> (Bytes, Text, Text, Int, OptInt);
    /// Keeps an identifier with its account, sealed.
    IDENTIFIER_ADD: "INSERT INTO account_identifier (account_id, kind, subject, sealed, verified_at, proved_at)
        VALUES ($1, $2, $3, $4, $5, $6)" (Bytes, Text, Bytes, Bytes, Int, Int) -> ();
    /// The identifiers of an account.
    IDENTIFIERS: "SELECT kind, subject, sealed, verified_at, proved_at FROM account_identifier
        WHERE account_id = $1 ORDER BY kind" (Bytes) -> (Text, Bytes, Bytes, Int, Int);
    /// Control was proved again (ID-8a).
    PROVED: "UPDATE account_identifier SET proved_at = $1 WHERE account_id = $2 AND subject = $3"
        (Int, Bytes, Bytes) -> ();
    /// A level was reached.
    LEVEL: "UPDATE account SET level = $1 WHERE account_id = $2" (Text, Bytes) -> ();
    /// The language of messages.
    LOCALE: "UPDATE account SET locale = $1 WHERE account_id = $2" (Text, Bytes) -> ();
    /// Freezes; touches nothing when it is frozen already.
    FREEZE: "UPDATE account SET frozen_at = $1 WHERE account_id = $2 AND frozen_at IS NULL"
        (Int, Bytes) -> ();
    /// Lifts a freeze.
    UNFREEZE: "UPDATE account SET frozen_at = NULL WHERE account_id = $1 AND frozen_at IS NOT NULL"
        (Bytes) -> ();
}
