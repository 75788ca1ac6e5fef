//! SQL of changes.

db::statements! {
    /// An identifier leads to its account no longer.
    RELEASE: "DELETE FROM identifier WHERE subject = $1 AND account_id = $2" (Bytes, Bytes) -> ();
    /// Puts another identifier in the place of one.
    REPLACE: "UPDATE account_identifier SET subject = $1, sealed = $2, verified_at = $3, proved_at = $4
        WHERE account_id = $5 AND kind = $6" (Bytes, Bytes, Int, Int, Bytes, Text) -> ();
    /// What sessions have shown by codes to an identifier that is gone counts no more.
    UNSHOW: "DELETE FROM session_proof WHERE account_id = $1 AND method = $2" (Bytes, Text) -> ();
    /// Nor does what was shown so for actions of other sessions.
    UNSTEP: "DELETE FROM step_up WHERE account_id = $1 AND session_id <> $2 AND used_at IS NULL"
        (Bytes, Bytes) -> ();
    /// Why an identifier is in doubt.
    DOUBT: "SELECT reason, since FROM doubted_identifier WHERE subject = $1" (Bytes) -> (Text, Int);
    /// Keeps a change that was made.
    ADD: "INSERT INTO identifier_change (account_id, change_id, kind, sealed, changed_at)
        VALUES ($1, $2, $3, $4, $5)" (Bytes, Bytes, Text, Bytes, Int) -> ();
    /// One change.
    FIND: "SELECT kind, sealed, changed_at, undone_at FROM identifier_change
        WHERE account_id = $1 AND change_id = $2" (Bytes, Bytes) -> (Text, Bytes, Int, OptInt);
    /// When one was made last.
    LAST: "SELECT MAX(changed_at) FROM identifier_change WHERE account_id = $1" (Bytes) -> (OptInt);
    /// All changes of a kind are undone, or cannot be any more.
    UNDO: "UPDATE identifier_change SET undone_at = $1 WHERE account_id = $2 AND kind = $3 AND undone_at IS NULL"
        (Int, Bytes, Text) -> ();
    /// Forgets an account's changes that cannot be undone any more.
    FORGET: "DELETE FROM identifier_change WHERE account_id = $1 AND changed_at < $2" (Bytes, Int) -> ();
    /// Begins a hold.
    HOLD: "INSERT INTO identifier_hold (account_id, kind, hold_id, sealed, started_at, told, told_at, next_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)" (Bytes, Text, Bytes, Bytes, Int, Int, Int, OptInt) -> ();
    /// The holds of an account.
    HOLDS: "SELECT kind, hold_id, sealed, started_at, told, told_at, disputed_at FROM identifier_hold
        WHERE account_id = $1 ORDER BY kind" (Bytes) -> (Text, Bytes, Bytes, Int, Int, Int, OptInt);
    /// How far a hold is.
    SAVE: "UPDATE identifier_hold SET told = $1, told_at = $2, disputed_at = $3, next_at = $4
        WHERE account_id = $5 AND kind = $6" (Int, Int, OptInt, OptInt, Bytes, Text) -> ();
    /// Ends a hold.
    END: "DELETE FROM identifier_hold WHERE account_id = $1 AND kind = $2" (Bytes, Text) -> ();
    /// Holds about which something is to be done.
    DUE: "SELECT account_id, kind FROM identifier_hold WHERE next_at <= $1 ORDER BY next_at LIMIT $2"
        (Int, Int) -> (Bytes, Text);
    /// Since when an account knows a browser.
    KNOWN_SINCE: "SELECT first_at FROM known_browser WHERE account_id = $1 AND browser_hash = $2"
        (Bytes, Bytes) -> (Int);
}
