//! SQL of what a restored backup must not bring back.

db::statements! {
    /// Ends every session.
    SESSIONS: "DELETE FROM session" () -> ();
    /// Forgets every code.
    CODES: "DELETE FROM challenge" () -> ();
    /// Forgets where every browser stood.
    FLOWS: "DELETE FROM code_flow" () -> ();
    /// Forgets which browser is known to whom: one that was ended since the backup would be known again.
    BROWSERS: "DELETE FROM known_browser" () -> ();
    /// Kills every link that was sent.
    LINKS: "DELETE FROM account_link" () -> ();
}
