//! What an account has and therefore is: levels, ways in, the freeze.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Policy, profile::Profile};

/// Identity levels (ID-11), lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A phone and nothing more.
    Limited,
    /// Name and a confirmed e-mail.
    Protected,
    /// Passport, and INN or SNILS, accepted.
    Identified,
}

impl Level {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Limited => "limited",
            Self::Protected => "protected",
            Self::Identified => "identified",
        }
    }

    /// From the stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Limited, Self::Protected, Self::Identified]
            .into_iter()
            .find(|level| level.as_str() == name)
    }
}

/// What stands between an account and the next level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Surname and given name.
    Name,
    /// A confirmed e-mail.
    Email,
    /// The birth date.
    BirthDate,
    /// The passport.
    Passport,
    /// INN or SNILS.
    InnOrSnils,
}

/// The level, and what is missing for the next one (ID-4, ID-11).
pub fn level(profile: &Profile, has_email: bool) -> (Level, Vec<Missing>) {
    let mut missing = Vec::new();
    if profile.name.is_none() {
        missing.push(Missing::Name);
    }
    if !has_email {
        missing.push(Missing::Email);
    }
    if !missing.is_empty() {
        return (Level::Limited, missing);
    }
    if profile.birth_date.is_none() {
        missing.push(Missing::BirthDate);
    }
    if profile.passport.is_none() {
        missing.push(Missing::Passport);
    }
    if profile.inn.is_none() && profile.snils.is_none() {
        missing.push(Missing::InnOrSnils);
    }
    let level = if missing.is_empty() {
        Level::Identified
    } else {
        Level::Protected
    };
    (level, missing)
}

/// Whether the owner should be asked "is this still yours?" (ID-8a).
pub fn is_aged(last_proved: Timestamp, policy: &Policy, now: Timestamp) -> bool {
    now.since(last_proved) >= policy.identifier_ages
}

/// A freeze (ID-13): outgoing money stops, the owner can still look and ask for help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freeze {
    /// Not frozen.
    Open,
    /// Frozen since then.
    Frozen {
        /// Since when.
        since: Timestamp,
    },
}

/// What lifting a freeze asks for: one code cannot undo what one factor may do, so every identifier the
/// account has is proved (ID-13; NIST SP 800-63B-4 §4.3 lets a suspension be lifted by valid factors only).
pub fn unfreeze_needs(has_email: bool) -> &'static [crate::challenge::Purpose] {
    use crate::challenge::Purpose::{UnfreezeEmail, UnfreezePhone};
    if has_email {
        &[UnfreezePhone, UnfreezeEmail]
    } else {
        &[UnfreezePhone]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::test_profile;

    /// ID-4, ID-11: limited until name and e-mail, protected until the documents, then identified.
    #[test]
    fn levels_follow_what_is_there() {
        use Missing::{Email, InnOrSnils, Name};
        let full = test_profile();
        assert_eq!(
            level(&Profile::default(), false),
            (Level::Limited, vec![Name, Email])
        );
        assert_eq!(level(&full, false), (Level::Limited, vec![Email]));
        assert_eq!(level(&full, true), (Level::Identified, vec![]));
        let without = Profile {
            inn: None,
            snils: None,
            ..full.clone()
        };
        assert_eq!(level(&without, true), (Level::Protected, vec![InnOrSnils]));
        let with_inn_only = Profile {
            snils: None,
            ..full
        };
        assert_eq!(level(&with_inn_only, true).0, Level::Identified);
    }

    /// ID-8a: a number is asked about after a year.
    #[test]
    fn numbers_age() {
        let policy = Policy::default();
        let year = 365 * 24 * 3_600;
        let proved = Timestamp::from_secs(0);
        assert!(!is_aged(proved, &policy, Timestamp::from_secs(year - 1)));
        assert!(is_aged(proved, &policy, Timestamp::from_secs(year)));
    }

    #[test]
    fn names_round_trip() {
        for name in ["limited", "protected", "identified"] {
            assert_eq!(Level::from_name(name).unwrap().as_str(), name);
        }
        assert!(Level::Limited < Level::Protected && Level::Protected < Level::Identified);
    }
}
