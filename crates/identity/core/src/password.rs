//! Passwords (ID-3): long rather than intricate. Length comes before composition, what is common or the person's
//! own is refused, nothing is ever cut off (NIST SP 800-63B-4 §3.1.1.2).

mod estimate;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::own::Own;

pub use estimate::is_common;

/// Fewest characters. NIST asks for 15 where the password is the only factor and 8 beside another; it is never
/// the only one here, since a session begins with a code.
pub const CHARS_LEAST: usize = 12;
/// Most characters: more than a manager makes, and a bound for the work.
pub const CHARS_MOST: usize = 128;

/// How hard a password is to guess by somebody who knows how people choose them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Accepted, and it could be better.
    Weak,
    /// Will do.
    Fair,
    /// Good.
    Good,
    /// Nobody guesses it.
    Excellent,
}

impl Strength {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::Fair => "fair",
            Self::Good => "good",
            Self::Excellent => "excellent",
        }
    }
}

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum PasswordError {
    /// Fewer than [`CHARS_LEAST`] characters.
    #[error("too short")]
    Short,
    /// More than [`CHARS_MOST`]; cut off silently it would be another password.
    #[error("too long")]
    Long,
    /// One of those tried first, or put together of them.
    #[error("too common")]
    Common,
    /// Holds the person's name, number, address or date.
    #[error("made of what is known of the person")]
    Own,
}

/// Bits, in tenths, below which a password is put together of what is tried first.
const COMMON: u32 = 280;
const FAIR: u32 = 400;
const GOOD: u32 = 560;
const EXCELLENT: u32 = 800;

/// A password as it is hashed: normalised, so that the same keys give the same bytes on every system (NFKC).
/// Wiped when dropped, never printed.
pub struct Password(Zeroizing<String>);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Password {
    /// As typed, to be compared with the one that was set. Nothing is judged but that it could be one: what is
    /// longer was never set and is not worth hashing.
    pub fn typed(text: &str) -> Option<Self> {
        // A character never gets shorter than a byte, and NFKC makes at most 18 of one (U+FDFA).
        if text.len() > CHARS_MOST.saturating_mul(18) {
            return None;
        }
        let normal: Zeroizing<String> = Zeroizing::new(text.nfkc().collect());
        let count = normal.chars().count();
        (1..=CHARS_MOST).contains(&count).then_some(Self(normal))
    }

    /// One that is to be set, judged for its owner.
    pub fn chosen(text: &str, own: &Own) -> Result<(Self, Strength), PasswordError> {
        let Some(password) = Self::typed(text) else {
            return Err(if text.is_empty() {
                PasswordError::Short
            } else {
                PasswordError::Long
            });
        };
        if password.0.chars().count() < CHARS_LEAST {
            return Err(PasswordError::Short);
        }
        if own.is_in(&password.0) {
            return Err(PasswordError::Own);
        }
        let bits = estimate::tenths_of_bits(&password.0);
        let strength = match bits {
            0..COMMON => return Err(PasswordError::Common),
            COMMON..FAIR => Strength::Weak,
            FAIR..GOOD => Strength::Fair,
            GOOD..EXCELLENT => Strength::Good,
            _ => Strength::Excellent,
        };
        Ok((password, strength))
    }

    /// The bytes to hash.
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::own::tests::anna;
    use proptest::prelude::*;

    fn judged(text: &str) -> Result<Strength, PasswordError> {
        Password::chosen(text, &anna()).map(|(_, strength)| strength)
    }

    /// ID-3: length is what counts; no rule asks for capitals, digits or signs.
    #[test]
    fn length_comes_before_composition() {
        assert_eq!(judged("vkbdtmqwxh"), Err(PasswordError::Short));
        assert!(judged("лиловый поезд уходит").is_ok());
        assert!(judged("vkbdtmqwxhfs").is_ok());
        assert_eq!(judged(""), Err(PasswordError::Short));
        assert!(judged(&"яблоко-облако-".repeat(9)).is_ok());
        assert_eq!(judged(&"я".repeat(129)), Err(PasswordError::Long));
        assert_eq!(judged(&"я".repeat(100_000)), Err(PasswordError::Long));
    }

    /// ID-3: what is tried first is refused, also doubled, with digits behind it, in capitals, in the other
    /// keyboard layout, with signs for letters.
    #[test]
    fn common_ones_are_refused() {
        for text in [
            "password1234",
            "Password2024",
            "passwordpassword",
            "p@ssw0rdp@ssw0rd",
            "qwertyuiop12",
            "1qaz2wsx3edc",
            "123456789012",
            "111111111111",
            "abcdefghijkl",
            "gfhjkmgfhjkm",
            "парольпароль",
            "Пароль123456",
            "йцукенгшщзхъ",
            "любовьлюбовь",
            "iloveyou2023",
            "qwerty123456",
            "zxcvbnmzxcvbnm",
            "987654321987654321",
            "dragondragon1",
        ] {
            assert_eq!(judged(text), Err(PasswordError::Common), "{text}");
        }
    }

    #[test]
    fn ones_own_is_refused() {
        assert_eq!(
            judged("solovyeva и двенадцать стульев"),
            Err(PasswordError::Own)
        );
        assert_eq!(judged("кот Барсик 89120004417"), Err(PasswordError::Own));
    }

    #[test]
    fn strength_is_told() {
        assert_eq!(judged("monkeydragon12"), Ok(Strength::Weak));
        assert_eq!(judged("vkbdtmqwxhfsp"), Ok(Strength::Fair));
        assert_eq!(judged("vkbdtmqwxhfspjzr1"), Ok(Strength::Good));
        assert_eq!(judged("fK7!mQ2#zR9@vX4$pL-wT6"), Ok(Strength::Excellent));
    }

    /// The same characters typed on another system are the same password.
    #[test]
    fn spellings_are_one_password() {
        let composed = Password::typed("ёжик-й-ﬁ").unwrap();
        let decomposed = Password::typed("е\u{308}жик-и\u{306}-fi").unwrap();
        assert_eq!(composed.expose(), decomposed.expose());
        assert_ne!(
            composed.expose(),
            Password::typed("Ёжик-й-fi").unwrap().expose()
        );
        assert_eq!(format!("{composed:?}"), "Password(…)");
    }

    proptest! {
        /// Nothing that a manager makes is refused or cut off: what is hashed is all that was typed.
        #[test]
        fn managers_are_welcome(text in "[!-~]{16,128}") {
            if let Ok((password, strength)) = Password::chosen(&text, &Own::default()) {
                prop_assert_eq!(password.expose(), text.as_bytes());
                prop_assert!(strength >= Strength::Weak);
            }
        }

        /// Whatever is typed is judged without a fault, and only between the bounds accepted.
        #[test]
        fn anything_is_judged(text in any::<String>()) {
            if let Ok((password, _)) = Password::chosen(&text, &anna()) {
                let count = std::str::from_utf8(password.expose()).unwrap().chars().count();
                prop_assert!((CHARS_LEAST..=CHARS_MOST).contains(&count));
            }
        }
    }
}
