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
    /// Drops every device key: one that was dropped since must not live again.
    DEVICE_KEYS: "DELETE FROM device_key" () -> ();
    /// Forgets what devices and authenticators were asked to sign.
    CEREMONIES: "DELETE FROM ceremony" () -> ();
    /// Forgets every computer that waits to be let in.
    HANDOVERS: "DELETE FROM handover" () -> ();
    /// Kills every link that was sent.
    LINKS: "DELETE FROM account_link" () -> ();
    /// Forgets what sessions have shown.
    SHOWN: "DELETE FROM session_proof" () -> ();
    /// Forgets the actions that waited for a proof, and the proofs that waited for their action.
    STEPS: "DELETE FROM step_up" () -> ();
    /// Locks every bank section.
    BANK: "DELETE FROM bank_section" () -> ();
    /// Voids every backup code that looks unused.
    BACKUP_CODES: "UPDATE backup_code SET void_at = $1 WHERE used_at IS NULL AND void_at IS NULL" (Int) -> ();
    /// Begins the clock of every change that waits anew, and has the owner told anew: a change that was stopped since
    /// the backup is not made before they hear of it.
    HOLDS: "UPDATE identifier_hold SET started_at = $1, told = 0, told_at = $2, next_at = $3
        WHERE disputed_at IS NULL" (Int, Int, Int) -> ();
    /// Takes no code of an app for a step that could have been taken before.
    APPS: "UPDATE totp SET last_step = $1 WHERE last_step < $2" (Int, Int) -> ();
}

/// What is ended, without a parameter.
pub(crate) const ENDED: [&db::Statement; 11] = [
    &SESSIONS,
    &CODES,
    &FLOWS,
    &BROWSERS,
    &DEVICE_KEYS,
    &CEREMONIES,
    &HANDOVERS,
    &LINKS,
    &SHOWN,
    &STEPS,
    &BANK,
];
