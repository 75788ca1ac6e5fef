//! The code word (RE-9): said to support, so it is written without regard to capitals, spaces and ё. It never
//! proves anything alone.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::own::{Own, fold};

/// Tries there are in all; the word is then closed until it is set anew through support. Fixed.
pub const TRIES: u32 = 3;
/// Fewest and most letters, digits and spaces, as normalised.
pub const CHARS_LEAST: usize = 6;
/// Most of them.
pub const CHARS_MOST: usize = 64;

/// What everybody says first.
const COMMON: &[&str] = &[
    "кодовое слово",
    "кодовоеслово",
    "слово",
    "мое слово",
    "пароль",
    "мой пароль",
    "секрет",
    "кабинет",
    "личный кабинет",
    "магазин",
    "банк",
    "любовь",
    "привет",
    "россия",
    "москва",
    "солнышко",
    "мамочка",
    "счастье",
    "спартак",
    "собака",
    "котенок",
    "code word",
    "codeword",
    "password",
    "secret",
    "kabinet",
    "qwerty",
    "йцукен",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "abcdef",
    "абвгде",
    "не знаю",
    "незнаю",
    "не помню",
    "непомню",
];

/// Why a code word is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum CodeWordError {
    /// Fewer than [`CHARS_LEAST`] characters.
    #[error("too short")]
    Short,
    /// More than [`CHARS_MOST`] characters.
    #[error("too long")]
    Long,
    /// Something that cannot be said: only letters, digits, spaces and hyphens can.
    #[error("cannot be said aloud")]
    Unsayable,
    /// What everybody says first.
    #[error("too common")]
    Common,
    /// The person's name, number, address or date.
    #[error("made of what is known of the person")]
    Own,
}

/// A code word in the form in which equal words are equal. Wiped when dropped, never printed.
pub struct CodeWord(Zeroizing<String>);

impl std::fmt::Debug for CodeWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CodeWord(…)")
    }
}

impl CodeWord {
    /// As heard or typed, to be compared with the one that was set.
    pub fn typed(text: &str) -> Result<Self, CodeWordError> {
        if text.len() > 4_096 {
            return Err(CodeWordError::Long);
        }
        let normal: Zeroizing<String> = Zeroizing::new(text.nfkc().collect());
        let folded = Zeroizing::new(fold(&normal).replace('-', " "));
        if !folded
            .chars()
            .all(|c| c.is_alphanumeric() || c.is_whitespace())
        {
            return Err(CodeWordError::Unsayable);
        }
        let words: Vec<&str> = folded.split_whitespace().collect();
        let word = Zeroizing::new(words.join(" "));
        match word.chars().count() {
            0..CHARS_LEAST => Err(CodeWordError::Short),
            CHARS_LEAST..=CHARS_MOST => Ok(Self(word)),
            _ => Err(CodeWordError::Long),
        }
    }

    /// One that is to be set, judged for its owner.
    pub fn chosen(text: &str, own: &Own) -> Result<Self, CodeWordError> {
        let word = Self::typed(text)?;
        let mut letters: Vec<char> = word.0.chars().filter(|c| *c != ' ').collect();
        letters.sort_unstable();
        letters.dedup();
        if COMMON.contains(&word.0.as_str()) || letters.len() <= 2 {
            return Err(CodeWordError::Common);
        }
        if own.is_in(&word.0) {
            return Err(CodeWordError::Own);
        }
        Ok(word)
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

    fn chosen(text: &str) -> Result<(), CodeWordError> {
        CodeWord::chosen(text, &anna()).map(|_| ())
    }

    /// RE-9: capitals, spaces, hyphens and ё do not matter, for it is heard.
    #[test]
    fn what_sounds_alike_is_alike() {
        let word = CodeWord::typed("зелёный крокодил").unwrap();
        for said in [
            "Зеленый  Крокодил",
            " ЗЕЛЁНЫЙ-КРОКОДИЛ ",
            "зелены\u{438}\u{306} крокодил",
        ] {
            assert_eq!(
                CodeWord::typed(said).unwrap().expose(),
                word.expose(),
                "{said}"
            );
        }
        assert_eq!(
            CodeWord::typed("Зеленый-крокодил").unwrap().expose(),
            word.expose()
        );
        assert_ne!(
            CodeWord::typed("зелёный крокодиль").unwrap().expose(),
            word.expose()
        );
        assert_eq!(format!("{word:?}"), "CodeWord(…)");
    }

    #[test]
    fn what_is_easy_is_refused() {
        assert_eq!(chosen("зелёный крокодил"), Ok(()));
        assert_eq!(chosen("кот"), Err(CodeWordError::Short));
        assert_eq!(chosen(&"кот ".repeat(40)), Err(CodeWordError::Long));
        assert_eq!(chosen(&"к".repeat(5_000)), Err(CodeWordError::Long));
        assert_eq!(chosen("кот & собака"), Err(CodeWordError::Unsayable));
        assert_eq!(chosen("Кодовое слово"), Err(CodeWordError::Common));
        assert_eq!(chosen("ааааааа"), Err(CodeWordError::Common));
        assert_eq!(chosen("Соловьева"), Err(CodeWordError::Own));
        assert_eq!(chosen("89120004417"), Err(CodeWordError::Own));
    }
}
