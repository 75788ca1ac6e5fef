//! SQL of sessions and known browsers.

db::statements! {
    /// Begins a session.
    ADD: "INSERT INTO session (account_id, session_id, token_hash, method, browser_hash, device, created_at,
        seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        (Bytes, Bytes, Bytes, Text, Bytes, Bytes, Int, Int) -> ();
    /// A session with its account: the one read of every request.
    FIND: "SELECT s.token_hash, s.method, s.browser_hash, s.created_at, s.seen_at,
        a.data_key, a.locale, a.level, a.created_at, a.frozen_at
        FROM session s JOIN account a ON a.account_id = s.account_id
        WHERE s.account_id = $1 AND s.session_id = $2"
        (Bytes, Bytes) -> (Bytes, Text, Bytes, Int, Int, Bytes, Text, Text, Int, OptInt);
    /// Every session of an account.
    LIST: "SELECT session_id, method, browser_hash, device, created_at, seen_at FROM session
        WHERE account_id = $1 ORDER BY seen_at DESC, session_id" (Bytes) -> (Bytes, Text, Bytes, Bytes, Int, Int);
    /// Notes that a session was seen.
    TOUCH: "UPDATE session SET seen_at = $1 WHERE account_id = $2 AND session_id = $3 AND seen_at < $4"
        (Int, Bytes, Bytes, Int) -> ();
    /// Ends a session.
    END: "DELETE FROM session WHERE account_id = $1 AND session_id = $2" (Bytes, Bytes) -> ();
    /// Ends all but one.
    END_OTHERS: "DELETE FROM session WHERE account_id = $1 AND session_id <> $2" (Bytes, Bytes) -> ();
    /// Ends sessions that slept too long; one that was used meanwhile goes on.
    FORGET: "DELETE FROM session WHERE seen_at < $1 AND (account_id, session_id) IN
        (SELECT account_id, session_id FROM session WHERE seen_at < $2 ORDER BY seen_at LIMIT $3)"
        (Int, Int, Int) -> ();
    /// The browser of a session.
    BROWSER_OF: "SELECT browser_hash FROM session WHERE account_id = $1 AND session_id = $2"
        (Bytes, Bytes) -> (Bytes);
    /// Notes that an account signed in with a browser it knows.
    BROWSER_SEEN: "UPDATE known_browser SET last_at = $1 WHERE account_id = $2 AND browser_hash = $3"
        (Int, Bytes, Bytes) -> ();
    /// Makes a browser known.
    BROWSER_ADD: "INSERT INTO known_browser (account_id, browser_hash, first_at, last_at, wrong_in_row, wrong)
        VALUES ($1, $2, $3, $4, $5, $6)" (Bytes, Bytes, Int, Int, Int, Bytes) -> ();
    /// Forgets a browser.
    BROWSER_FORGET: "DELETE FROM known_browser WHERE account_id = $1 AND browser_hash = $2"
        (Bytes, Bytes) -> ();
    /// Forgets all but one.
    BROWSER_FORGET_OTHERS: "DELETE FROM known_browser WHERE account_id = $1 AND browser_hash <> $2"
        (Bytes, Bytes) -> ();
}
