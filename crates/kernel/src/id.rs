//! Typed ids: one type per kind of thing, so that a session cannot be looked
//! up by an account's id.
//!
//! Each is a UUID of version 7 (RFC 9562 §5.7): 48 bits of milliseconds, then 74 random
//! bits. Ids made in different milliseconds sort by time, which keeps inserts
//! at the end of an index; within one millisecond their order is by chance and
//! nothing may rely on it. An id is no secret and no proof of anything.

/// Why bytes or text are not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not 16 bytes.
    #[error("an id has 16 bytes, got {0}")]
    Length(usize),
    /// Not a hyphenated UUID in lower or upper case.
    #[error("not a hyphenated UUID")]
    Format,
}

#[doc(hidden)]
pub fn fresh(now: crate::Timestamp, chance: &dyn crate::Chance) -> uuid::Uuid {
    // A moment before 1970 cannot be written into it; it counts as 1970.
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &chance.bytes::<10>()).into_uuid()
}

#[doc(hidden)]
pub fn from_text(text: &str) -> Result<uuid::Uuid, IdError> {
    // The other forms that the uuid crate reads (braces, urn:, no hyphens)
    // would give one thing several addresses.
    if text.len() != 36 {
        return Err(IdError::Format);
    }
    uuid::Uuid::try_parse(text).map_err(|_| IdError::Format)
}

/// Makes an id type: `kernel::id!(/** docs */ pub OrderId);`
#[macro_export]
macro_rules! id {
    ($($(#[$meta:meta])* $vis:vis $name:ident);+ $(;)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis struct $name($crate::id::Uuid);

        impl $name {
            /// A new id, made of this moment and of chance.
            $vis fn new(now: $crate::Timestamp, chance: &dyn $crate::Chance) -> Self {
                Self($crate::id::fresh(now, chance))
            }

            /// The 16 bytes that stand in the database.
            $vis fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// From the 16 bytes that stand in the database. Fails on any
            /// other number of bytes.
            $vis fn from_bytes(bytes: &[u8]) -> Result<Self, $crate::IdError> {
                match <[u8; 16]>::try_from(bytes) {
                    Ok(bytes) => Ok(Self($crate::id::Uuid::from_bytes(bytes))),
                    Err(_) => Err($crate::IdError::Length(bytes.len())),
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::write!(f, "{}({})", ::std::stringify!($name), self.0)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::IdError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::id::from_text(text).map(Self)
            }
        }

        impl $crate::id::serde::Serialize for $name {
            fn serialize<S: $crate::id::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> $crate::id::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::id::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <::std::borrow::Cow<'de, str> as $crate::id::serde::Deserialize>::deserialize(from)?;
                text.parse().map_err($crate::id::serde::de::Error::custom)
            }
        }
    )+};
}

#[doc(hidden)]
pub use serde;
#[doc(hidden)]
pub use uuid::Uuid;

id! {
    /// A person's account.
    pub AccountId;
    /// A signed-in session.
    pub SessionId;
    /// One request to prove control of something, for one purpose, used once.
    pub ChallengeId;
    /// A browser, known before and between sign-ins.
    pub BrowserId;
    /// A message to a person: SMS, call or e-mail.
    pub MessageId;
    /// A piece of durable work.
    pub JobId;
    /// An event in the account's history.
    pub EventId;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::seeded::Seeded;
    use crate::{Chance, Timestamp};
    use proptest::prelude::*;

    fn id(millis: i64, seed: u64) -> AccountId {
        let source = Seeded::new(seed);
        AccountId::new(
            Timestamp::from_micros(millis * 1000),
            &source as &dyn Chance,
        )
    }

    #[test]
    fn is_a_uuid_of_version_7() {
        let made = id(0x0123_4567_89AB, 1).to_string();
        assert_eq!(&made[..13], "01234567-89ab");
        assert_eq!(&made[14..15], "7", "version");
        assert!("89ab".contains(&made[19..20]), "variant");
        assert_eq!(
            format!("{:?}", id(0, 1)),
            format!("AccountId({})", id(0, 1))
        );
        assert_eq!(&id(-5, 1).to_string()[..13], "00000000-0000");
    }

    #[test]
    fn one_thing_has_one_address() {
        let good = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(good.parse::<AccountId>().unwrap().to_string(), good);
        for bad in [
            "",
            "x",
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
            "01890a5d-ac96-774b-bcce-b302099a805g",
            " 01890a5d-ac96-774b-bcce-b302099a805",
        ] {
            assert_eq!(bad.parse::<AccountId>(), Err(IdError::Format), "{bad}");
        }
        assert_eq!(SessionId::from_bytes(&[0; 15]), Err(IdError::Length(15)));
    }

    proptest! {
        #[test]
        fn goes_round(millis in 0i64..(1 << 48), seed: u64) {
            let made = id(millis, seed);
            prop_assert_eq!(made.to_string().parse::<AccountId>(), Ok(made));
            prop_assert_eq!(AccountId::from_bytes(made.as_bytes()), Ok(made));
        }

        #[test]
        fn later_ids_sort_later(early in 0i64..(1 << 47), step in 1i64..1_000_000, a: u64, b: u64) {
            prop_assert!(id(early, a) < id(early + step, b));
            prop_assert!(id(early, a).to_string() < id(early + step, b).to_string());
        }

        #[test]
        fn two_of_one_moment_differ(a: u64) {
            let source = Seeded::new(a);
            let chance: &dyn Chance = &source;
            prop_assert_ne!(EventId::new(Timestamp::EPOCH, chance), EventId::new(Timestamp::EPOCH, chance));
        }
    }
}
