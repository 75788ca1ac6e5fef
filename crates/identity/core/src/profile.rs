//! Personal data and what a change of it means (ID-10, ID-15).
//!
//! The values here are canonical texts: the types of `kernel` (names, INN, SNILS, passport) have checked them
//! before they come in. The whole profile is sealed with the account's data key and is one value.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

/// Surname, given name, patronymic.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// Surname.
    pub surname: String,
    /// Given name.
    pub given: String,
    /// Patronymic; not everyone has one.
    pub patronymic: Option<String>,
}

/// A passport of the Russian Federation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passport {
    /// Series and number, ten digits.
    pub number: String,
    /// Date of issue, `YYYY-MM-DD`.
    pub issued_on: String,
    /// Who issued it.
    pub issuer: String,
    /// Department code, `770-001`.
    pub department: String,
}

/// What is known of a person.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// The name.
    pub name: Option<Name>,
    /// Birth date, `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// Birth place.
    pub birth_place: Option<String>,
    /// Address of registration.
    pub address: Option<String>,
    /// The passport.
    pub passport: Option<Passport>,
    /// INN, 12 digits.
    pub inn: Option<String>,
    /// SNILS, 11 digits.
    pub snils: Option<String>,
    /// Changes that wait for a check, at most one a field.
    pub waiting: Vec<Waiting>,
}

/// A change that waits until an agent has seen the document (ID-15).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// What is asked for.
    pub change: Change,
    /// Since when, microseconds UTC.
    pub asked_at: i64,
}

/// One change of the profile.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "field", rename_all = "snake_case")]
pub enum Change {
    /// The name.
    Name(Name),
    /// Birth date and place.
    Birth {
        /// `YYYY-MM-DD`.
        date: String,
        /// Place.
        place: String,
    },
    /// The address.
    Address {
        /// As in the passport.
        address: String,
    },
    /// The passport.
    Passport(Passport),
    /// INN.
    Inn {
        /// 12 digits.
        inn: String,
    },
    /// SNILS.
    Snils {
        /// 11 digits.
        snils: String,
    },
}

macro_rules! redacted {
    ($($ty:ident),*) => {
        $(impl std::fmt::Debug for $ty {
            // Personal data does not reach a log by way of Debug.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($ty), "(…)"))
            }
        })*
    };
}
redacted!(Name, Passport, Profile, Waiting, Change);

impl Change {
    /// The field's stable name, for history and messages.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Name(_) => "name",
            Self::Birth { .. } => "birth",
            Self::Address { .. } => "address",
            Self::Passport(_) => "passport",
            Self::Inn { .. } => "inn",
            Self::Snils { .. } => "snils",
        }
    }
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Nothing differed.
    Same,
    /// It is in the profile.
    Accepted,
    /// It waits for a check; the old value stays until then.
    Waits,
}

impl Profile {
    /// Applies a change. What was empty is filled; a passport, address, name or birth date that is already
    /// there is changed only after a check (ID-10, ID-15), INN and SNILS never differ for one person and so
    /// wait too.
    #[must_use]
    pub fn with(mut self, change: Change, now: Timestamp) -> (Self, Applied) {
        let (present, same) = match &change {
            Change::Name(name) => (self.name.is_some(), self.name.as_ref() == Some(name)),
            Change::Birth { date, place } => {
                let same = self.birth_date.as_ref() == Some(date)
                    && self.birth_place.as_ref() == Some(place);
                (self.birth_date.is_some(), same)
            }
            Change::Address { address } => (
                self.address.is_some(),
                self.address.as_ref() == Some(address),
            ),
            Change::Passport(passport) => (
                self.passport.is_some(),
                self.passport.as_ref() == Some(passport),
            ),
            Change::Inn { inn } => (self.inn.is_some(), self.inn.as_ref() == Some(inn)),
            Change::Snils { snils } => (self.snils.is_some(), self.snils.as_ref() == Some(snils)),
        };
        if same {
            return (self, Applied::Same);
        }
        if present {
            self.waiting
                .retain(|waiting| waiting.change.field() != change.field());
            self.waiting.push(Waiting {
                change,
                asked_at: now.as_micros(),
            });
            return (self, Applied::Waits);
        }
        (self.filled(change), Applied::Accepted)
    }

    fn filled(mut self, change: Change) -> Self {
        match change {
            Change::Name(name) => self.name = Some(name),
            Change::Birth { date, place } => {
                self.birth_date = Some(date);
                self.birth_place = Some(place);
            }
            Change::Address { address } => self.address = Some(address),
            Change::Passport(passport) => self.passport = Some(passport),
            Change::Inn { inn } => self.inn = Some(inn),
            Change::Snils { snils } => self.snils = Some(snils),
        }
        self
    }

    /// The name to greet by.
    pub fn given(&self) -> Option<&str> {
        self.name.as_ref().map(|name| name.given.as_str())
    }
}

/// An invented person for tests.
#[cfg(test)]
pub(crate) fn test_profile() -> Profile {
    Profile {
        name: Some(Name {
            surname: "Образцова".into(),
            given: "Анна".into(),
            patronymic: Some("Петровна".into()),
        }),
        birth_date: Some("1990-05-17".into()),
        birth_place: Some("г. Тверь".into()),
        address: Some("г. Тверь, ул. Примерная, д. 1, кв. 2".into()),
        passport: Some(Passport {
            number: "2810123456".into(),
            issued_on: "2010-06-01".into(),
            issuer: "ОУФМС России по Тверской области".into(),
            department: "690-001".into(),
        }),
        inn: Some("500100732259".into()),
        snils: Some("11223344595".into()),
        waiting: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_secs(1)
    }

    /// ID-10, ID-15: what is empty is filled, what is there waits for a check and stays until then.
    #[test]
    fn a_second_passport_waits() {
        let profile = test_profile();
        let old = profile.passport.clone();
        let new = Passport {
            number: "2815654321".into(),
            ..old.clone().unwrap()
        };
        let (profile, applied) = profile.with(Change::Passport(new.clone()), now());
        assert_eq!(applied, Applied::Waits);
        assert!(profile.passport == old, "the old one stays");
        let newer = Passport {
            number: "2815654322".into(),
            ..new
        };
        let (profile, _) = profile.with(Change::Passport(newer.clone()), now());
        assert_eq!(profile.waiting.len(), 1, "one a field, the latest");
        assert!(profile.waiting[0].change == Change::Passport(newer));
        let (_, applied) = profile.clone().with(Change::Passport(old.unwrap()), now());
        assert_eq!(applied, Applied::Same);
        let (filled, applied) = Profile::default().with(
            Change::Inn {
                inn: "500100732259".into(),
            },
            now(),
        );
        assert_eq!(
            (applied, filled.inn.as_deref()),
            (Applied::Accepted, Some("500100732259"))
        );
    }

    /// Personal data does not print.
    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", test_profile()), "Profile(…)");
    }

    #[test]
    fn json_round_trips() {
        let profile = test_profile();
        let (profile, _) = profile.with(
            Change::Address {
                address: "г. Ржев".into(),
            },
            now(),
        );
        let text = serde_json::to_string(&profile).unwrap();
        assert!(serde_json::from_str::<Profile>(&text).unwrap() == profile);
    }
}
