//! SQL of what sessions have shown and accounts could show.

db::statements! {
    /// Notes the latest showing of a method.
    NOTE: "INSERT INTO session_proof (account_id, session_id, method, at, since) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (account_id, session_id, method) DO UPDATE SET at = excluded.at,
        since = excluded.since" (Bytes, Bytes, Text, Int, OptInt) -> ();
    /// What a session has shown.
    OF_SESSION: "SELECT method, at, since FROM session_proof WHERE account_id = $1 AND session_id = $2"
        (Bytes, Bytes) -> (Text, Int, OptInt);
    /// Forgets what was shown long ago.
    FORGET: "DELETE FROM session_proof WHERE at < $1 AND (account_id, session_id, method) IN
        (SELECT account_id, session_id, method FROM session_proof WHERE at < $2 ORDER BY at LIMIT $3)"
        (Int, Int, Int) -> ();
    /// The secrets an account has, and whether they may still be tried.
    SECRETS: "SELECT kind, tries_left, set_at FROM secret WHERE account_id = $1" (Bytes) -> (Text, Int, Int);
    /// The passkeys of an account that were not suspected.
    PASSKEYS: "SELECT created_at FROM passkey WHERE account_id = $1 AND suspected_at IS NULL"
        (Bytes) -> (Int);
    /// A confirmed authenticator app.
    TOTP: "SELECT confirmed_at FROM totp WHERE account_id = $1 AND confirmed_at IS NOT NULL"
        (Bytes) -> (OptInt);
    /// Since when the oldest unused backup code is there; nothing where there is none.
    BACKUP: "SELECT MIN(made_at) FROM backup_code WHERE account_id = $1 AND used_at IS NULL
        AND void_at IS NULL" (Bytes) -> (OptInt);
    /// Whether an identifier is in doubt (ID-8a).
    DOUBT: "SELECT since FROM doubted_identifier WHERE subject = $1" (Bytes) -> (Int);
}
