//! Parts of a person's name: surname, given name, patronymic.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::text;

/// The longest part of a name, in characters.
pub const MAX_CHARS: usize = 100;

/// A surname, a given name or a patronymic: 1 to 100 characters.
///
/// Letters of one alphabet in each word (Cyrillic or Latin), with spaces,
/// hyphens, apostrophes and dots between them. Written one way: Unicode NFC,
/// one space, `-` for every dash, `'` for every apostrophe. Letter case and ё
/// stay as typed. Nothing in it can turn the text around or hide in it (A33);
/// templates still escape it. `Debug` shows it masked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NamePart(String);

/// Why a text is not a part of a name. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was typed.
    #[error("the name is empty")]
    Empty,
    /// More than 100 characters.
    #[error("the name is longer than 100 characters")]
    TooLong,
    /// Control, zero-width or direction characters.
    #[error("the name has invisible characters")]
    Invisible,
    /// A sign that names do not have: a digit, an emoji, another alphabet.
    #[error("the name has characters other than letters, spaces, hyphens, apostrophes and dots")]
    NotLetters,
    /// Cyrillic and Latin letters in one word, which look the same and are not.
    #[error("the name mixes Cyrillic and Latin letters in one word")]
    MixedAlphabets,
    /// A hyphen, apostrophe or dot that joins nothing.
    #[error("the name has a hyphen, an apostrophe or a dot out of place")]
    Punctuation,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    Cyrillic,
    Latin,
}

impl NamePart {
    /// Reads a part of a name as typed.
    pub fn parse(typed: &str) -> Result<Self, NameError> {
        // NFC can make a text shorter at most by its combining marks; a
        // million characters are not normalised to learn that.
        if typed.chars().take(MAX_CHARS.saturating_mul(4)).count() >= MAX_CHARS.saturating_mul(4) {
            return Err(NameError::TooLong);
        }
        let mut name = String::new();
        for c in typed.trim().nfc() {
            let c = match c {
                _ if text::is_space(c) => ' ',
                _ if text::is_invisible(c) || c.is_control() => return Err(NameError::Invisible),
                _ if text::is_dash(c) => '-',
                '\u{2019}' | '\u{2018}' | '\u{02BC}' | '`' | '\u{00B4}' | '\u{FF07}' => '\'',
                other => other,
            };
            if !(c == ' ' && name.ends_with(' ')) {
                name.push(c);
            }
        }
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.chars().count() > MAX_CHARS {
            return Err(NameError::TooLong);
        }
        check(&name)?;
        Ok(Self(name))
    }

    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which two names are the same to a clerk: small letters,
    /// ё as е, words parted by one space whatever parted them.
    pub fn matching_form(&self) -> String {
        let mut form = String::with_capacity(self.0.len());
        for c in self.0.chars().flat_map(char::to_lowercase) {
            match c {
                'ё' => form.push('е'),
                '\'' | '.' => {}
                ' ' | '-' if form.ends_with(' ') => {}
                ' ' | '-' => form.push(' '),
                other => form.push(other),
            }
        }
        form.trim_end().to_owned()
    }

    /// A hint for logs and for other people's screens: `И•••`.
    pub fn masked(&self) -> String {
        text::first_and_dots(&self.0)
    }
}

fn check(name: &str) -> Result<(), NameError> {
    let mut word: Option<Alphabet> = None;
    let mut before = ' ';
    for c in name.chars() {
        if let Some(alphabet) = alphabet(c) {
            if word.is_some_and(|of_word| of_word != alphabet) {
                return Err(NameError::MixedAlphabets);
            }
            word = Some(alphabet);
        } else {
            let fits = match c {
                ' ' | '-' => {
                    word = None;
                    // «Анна - Мария» is refused rather than guessed at.
                    c == ' ' && before != '-' || before.is_alphabetic() || before == '\''
                }
                // 's-Gravesande begins with one.
                '\'' => before != '\'' && before != '.',
                '.' => before.is_alphabetic(),
                _ => return Err(NameError::NotLetters),
            };
            if !fits {
                return Err(NameError::Punctuation);
            }
        }
        before = c;
    }
    if before == '-' || !name.chars().any(char::is_alphabetic) {
        return Err(NameError::Punctuation);
    }
    Ok(())
}

fn alphabet(c: char) -> Option<Alphabet> {
    if !c.is_alphabetic() {
        return None;
    }
    match c {
        '\u{0400}'..='\u{052F}' => Some(Alphabet::Cyrillic),
        'A'..='Z' | 'a'..='z' | '\u{00C0}'..='\u{024F}' | '\u{1E00}'..='\u{1EFF}' => {
            Some(Alphabet::Latin)
        }
        _ => None,
    }
}

impl fmt::Debug for NamePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NamePart({})", self.masked())
    }
}

impl TryFrom<String> for NamePart {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<NamePart> for String {
    fn from(name: NamePart) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_names() {
        for (typed, written) in [
            (" Иванова ", "Иванова"),
            ("Салтыков–Щедрин", "Салтыков-Щедрин"),
            ("Анна  \u{a0}Мария", "Анна Мария"),
            ("О’Коннор", "О'Коннор"),
            ("d`Artagnan", "d'Artagnan"),
            ("'s-Gravesande", "'s-Gravesande"),
            ("Jr. Smith", "Jr. Smith"),
            (
                "Алие\u{306}в",
                "Алие\u{306}в".nfc().collect::<String>().as_str(),
            ),
            ("и\u{306}", "й"),
            ("Müller", "Müller"),
            ("Nguyễn", "Nguyễn"),
            ("Қайрат", "Қайрат"),
            ("Оглы Smith", "Оглы Smith"),
            ("Я", "Я"),
        ] {
            assert_eq!(
                NamePart::parse(typed).map(|n| n.0),
                Ok(written.to_owned()),
                "{typed}"
            );
        }
        assert!(NamePart::parse(&"я".repeat(100)).is_ok());
    }

    /// A33: names are inert.
    #[test]
    fn a33_refuses_what_is_no_name() {
        for (typed, why) in [
            ("", NameError::Empty),
            ("  \u{a0} ", NameError::Empty),
            ("Иван\u{202e}ов", NameError::Invisible),
            ("Иван\u{200b}ов", NameError::Invisible),
            ("Иван\u{200d}ов", NameError::Invisible),
            ("Иван\u{ad}ов", NameError::Invisible),
            ("Иван\0", NameError::Invisible),
            ("Иван\u{2066}ов", NameError::Invisible),
            ("\u{e0041}Иван", NameError::Invisible),
            ("<script>", NameError::NotLetters),
            ("\"><svg", NameError::NotLetters),
            ("=СУММ", NameError::NotLetters),
            ("@Иван", NameError::NotLetters),
            ("Иван2", NameError::NotLetters),
            ("Иван😀", NameError::NotLetters),
            ("Ιωάννης", NameError::NotLetters),
            ("а\u{301}а", NameError::NotLetters),
            ("Ивaнов", NameError::MixedAlphabets),
            ("-Иван", NameError::Punctuation),
            ("Иван-", NameError::Punctuation),
            ("Анна--Мария", NameError::Punctuation),
            ("Анна - Мария", NameError::Punctuation),
            (".", NameError::Punctuation),
            ("'", NameError::Punctuation),
        ] {
            assert_eq!(NamePart::parse(typed), Err(why), "{typed:?}");
        }
        assert_eq!(NamePart::parse(&"я".repeat(101)), Err(NameError::TooLong));
        assert_eq!(
            NamePart::parse(&"я".repeat(1_000_000)),
            Err(NameError::TooLong)
        );
    }

    #[test]
    fn matching_and_masking() {
        let form = |s: &str| NamePart::parse(s).unwrap().matching_form();
        assert_eq!(form("СЕМЁНОВ-Тян-Шанский"), form("Семенов Тян Шанский"));
        assert_eq!(form("О’Коннор"), form("ОКоннор"));
        assert_ne!(form("Иванов"), form("Иванова"));
        assert_eq!(
            format!("{:?}", NamePart::parse("Иванов").unwrap()),
            "NamePart(И•••)"
        );
        assert_eq!(NamePart::parse("Ян").unwrap().masked(), "•••");
    }

    proptest! {
        #[test]
        fn written_form_stays(typed in "[а-яА-ЯёЁa-z' .\u{2019}-]{1,20}") {
            if let Ok(name) = NamePart::parse(&typed) {
                prop_assert_eq!(NamePart::parse(name.as_str()), Ok(name));
            }
        }

        #[test]
        fn never_panics(typed: String) {
            let _ = NamePart::parse(&typed);
        }
    }
}
