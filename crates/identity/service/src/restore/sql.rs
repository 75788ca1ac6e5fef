//! SQL of what a restored backup must not bring back.

db::statements! {
    /// Ends every session.
    SESSIONS: "DELETE FROM session" () -> ();
    /// Forgets every code.
    CODES: "DELETE FROM challenge" () -> ();
    /// Forgets where every browser stood.
    FLOWS: "DELETE FROM code_flow" () -> ();
    /// Drops every device key: one that was dropped since must not live again.
    DEVICE_KEYS: "DELETE FROM device_key" () -> ();
    /// Forgets what devices and authenticators were asked to sign.
    CEREMONIES: "DELETE FROM ceremony" () -> ();
    /// Forgets every computer that waits to be let in.
    HANDOVERS: "DELETE FROM handover" () -> ();
    /// Kills every link that was sent.
    LINKS: "DELETE FROM account_link" () -> ();
}
