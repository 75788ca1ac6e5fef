//! The names of what is logged.

use std::fmt;

/// What happened, as a stable dotted name such as `sign_in.succeeded`. Names are never renamed or reused:
/// they are in the chain for ever. Each area declares its own as constants; a malformed one does not compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Action(&'static str);

impl Action {
    /// A name of two or more parts divided by dots, each of `a-z`, `0-9` and `_`; at most 64 bytes.
    ///
    /// # Panics
    /// When the name is malformed; in a constant that is an error of compilation.
    pub const fn new(name: &'static str) -> Self {
        assert!(
            is_name(name.as_bytes()),
            "an action is named like sign_in.succeeded"
        );
        Self(name)
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

const fn is_name(mut name: &[u8]) -> bool {
    if name.len() > 64 {
        return false;
    }
    let (mut dots, mut part_is_empty) = (false, true);
    while let [byte, rest @ ..] = name {
        match *byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' => part_is_empty = false,
            b'.' if !part_is_empty => (dots, part_is_empty) = (true, true),
            _ => return false,
        }
        name = rest;
    }
    dots && !part_is_empty
}

macro_rules! actions {
    ($($(#[$doc:meta])* $constant:ident = $name:literal;)*) => {
        $($(#[$doc])* pub const $constant: Action = Action::new($name);)*
    };
}

actions! {
    /// An account was made.
    ACCOUNT_CREATED = "account.created";
    /// The account's personal data was erased.
    ACCOUNT_ERASED = "account.erased";
    /// A code was asked for.
    CODE_ASKED = "code.asked";
    /// A wrong code was given.
    CODE_REFUSED = "code.refused";
    /// Codes are no longer taken for a while.
    CODE_LOCKED = "code.locked";
    /// Signed in.
    SIGN_IN_SUCCEEDED = "sign_in.succeeded";
    /// Not signed in.
    SIGN_IN_REFUSED = "sign_in.refused";
    /// The customer signed out.
    SESSION_SIGNED_OUT = "session.signed_out";
    /// The customer ended another session.
    SESSION_ENDED = "session.ended";
    /// Every session but this one was ended.
    SESSION_ENDED_OTHERS = "session.ended_others";
    /// Kabinet ended the sessions unused for longest, so that a new one fits.
    SESSION_MADE_ROOM = "session.made_room";
    /// A phone or an e-mail was added.
    IDENTIFIER_ADDED = "identifier.added";
    /// A phone or an e-mail was replaced.
    IDENTIFIER_CHANGED = "identifier.changed";
    /// A phone or an e-mail was removed.
    IDENTIFIER_REMOVED = "identifier.removed";
    /// Part of the profile was changed.
    PROFILE_CHANGED = "profile.changed";
    /// A consent was given.
    CONSENT_GIVEN = "consent.given";
    /// A consent was taken back.
    CONSENT_WITHDRAWN = "consent.withdrawn";
    /// Data keys of accounts were wrapped by the present master key.
    DATA_KEYS_REWRAPPED = "data_key.rewrapped";
    /// An old master key was taken out of use.
    MASTER_KEY_RETIRED = "master_key.retired";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dotted_names_are_names() {
        for good in ["a.b", "sign_in.succeeded", "a.b.c2"] {
            assert!(is_name(good.as_bytes()), "{good}");
        }
        let long = format!("a.{}", "b".repeat(63));
        for bad in [
            "", ".", "a", "a.", ".a", "a..b", "A.b", "a b.c", "a.b\n", "a.б", &long,
        ] {
            assert!(!is_name(bad.as_bytes()), "{bad}");
        }
    }
}
