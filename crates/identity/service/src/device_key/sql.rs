//! SQL of device keys and what they are asked to sign.

db::statements! {
    /// Keeps the public half of a browser's key.
    ADD: "INSERT INTO device_key (account_id, key_id, browser_hash, public_key, created_at, used_at)
        VALUES ($1, $2, $3, $4, $5, $6)" (Bytes, Bytes, Bytes, Bytes, Int, Int) -> ();
    /// The key of a browser.
    OF_BROWSER: "SELECT key_id, public_key FROM device_key WHERE account_id = $1 AND browser_hash = $2"
        (Bytes, Bytes) -> (Bytes, Bytes);
    /// The browsers that have one.
    BROWSERS: "SELECT browser_hash FROM device_key WHERE account_id = $1" (Bytes) -> (Bytes);
    /// Notes that it signed.
    USED: "UPDATE device_key SET used_at = $1 WHERE account_id = $2 AND browser_hash = $3"
        (Int, Bytes, Bytes) -> ();
    /// Drops the key of a browser.
    FORGET_BROWSER: "DELETE FROM device_key WHERE account_id = $1 AND browser_hash = $2" (Bytes, Bytes) -> ();
    /// Drops all but one browser's.
    FORGET_OTHERS: "DELETE FROM device_key WHERE account_id = $1 AND browser_hash <> $2" (Bytes, Bytes) -> ();
    /// Drops all.
    FORGET_ALL: "DELETE FROM device_key WHERE account_id = $1" (Bytes) -> ();
    /// Asks for a signature.
    ASK: "INSERT INTO ceremony (browser, ceremony_id, purpose, sealed, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)" (Bytes, Bytes, Text, Bytes, Int, Int) -> ();
    /// What was asked, locked.
    ASKED: "SELECT purpose, sealed, expires_at FROM ceremony WHERE browser = $1 AND ceremony_id = $2{lock}"
        (Bytes, Bytes) -> (Text, Bytes, Int);
    /// Uses it up; touches nothing when it was used.
    USE: "UPDATE ceremony SET used_at = $1 WHERE browser = $2 AND ceremony_id = $3 AND used_at IS NULL"
        (Int, Bytes, Bytes) -> ();
    /// Forgets what has run out.
    FORGET: "DELETE FROM ceremony WHERE expires_at < $1 AND (browser, ceremony_id) IN
        (SELECT browser, ceremony_id FROM ceremony WHERE expires_at < $2 ORDER BY expires_at LIMIT $3)"
        (Int, Int, Int) -> ();
}
