//! The one reader of typed one-time codes (A12).

use std::fmt;

use zeroize::Zeroizing;

use crate::{Chance, text};

/// The longest text taken for a code, in characters: room for a pasted
/// sentence around it. The field itself has the same limit.
pub const MAX_TYPED_CHARS: usize = 64;

/// A one-time code: decimal digits, leading zeros kept.
///
/// Never prints, cannot be serialised or compared (compare keyed hashes), and
/// is wiped from memory when dropped.
#[derive(Clone)]
pub struct OneTimeCode(Zeroizing<String>);

/// Why a text holds no code. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Nothing was typed.
    #[error("the code is empty")]
    Empty,
    /// More than 64 characters.
    #[error("the text is longer than 64 characters")]
    TooLong,
    /// Control characters, or digits of another script.
    #[error("the code has characters that are not the digits 0 to 9")]
    NotDigits,
    /// No group of digits has the length of a code.
    #[error("the text holds no code of the right length")]
    Length,
    /// Different groups of digits could be the code.
    #[error("the text holds several codes")]
    Ambiguous,
}

impl OneTimeCode {
    /// Finds the code of `length` digits in what was typed or pasted.
    ///
    /// Digits broken up by spaces and dashes are one run, words and other
    /// signs end it. Neighbouring groups of a run that together have exactly
    /// `length` digits are a candidate; there must be one. So «Ваш код 123
    /// 456», «код № 3: 123456» and «код № 3 123-456» are read, while «12 34 56
    /// 78» could be two codes of six and is refused. Fullwidth digits count;
    /// digits of other scripts are refused, since no text of ours has them.
    pub fn parse(typed: &str, length: usize) -> Result<Self, CodeError> {
        // A million characters are not walked through.
        if typed
            .chars()
            .take(MAX_TYPED_CHARS.saturating_add(1))
            .count()
            > MAX_TYPED_CHARS
        {
            return Err(CodeError::TooLong);
        }
        let mut found: Option<Zeroizing<String>> = None;
        let runs = runs(typed)?;
        if runs.is_empty() {
            return Err(if typed.trim().is_empty() {
                CodeError::Empty
            } else {
                CodeError::Length
            });
        }
        for candidate in runs.iter().flat_map(|run| candidates(run, length)) {
            match &found {
                Some(earlier) if *earlier != candidate => return Err(CodeError::Ambiguous),
                _ => found = Some(candidate),
            }
        }
        found.map(Self).ok_or(CodeError::Length)
    }

    /// A new code of `length` digits.
    pub fn draw(length: usize, chance: &dyn Chance) -> Self {
        Self(Zeroizing::new(chance.digits(length)))
    }

    /// The digits, for hashing and for the message that carries them, nothing
    /// else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeCode(•••)")
    }
}

type Run = Vec<Zeroizing<String>>;

/// The runs of the text, each a list of its groups of digits.
fn runs(typed: &str) -> Result<Vec<Run>, CodeError> {
    let mut runs: Vec<Run> = vec![];
    let mut run: Run = vec![];
    let mut group = Zeroizing::new(String::new());
    for c in typed.chars() {
        if let Some(digit) = text::ascii_digit(c) {
            group.push(digit);
            continue;
        }
        let joins = text::is_space(c) || text::is_dash(c) || text::is_invisible(c);
        if !joins && (c.is_control() || c.is_numeric()) {
            return Err(CodeError::NotDigits);
        }
        if !group.is_empty() {
            run.push(std::mem::take(&mut group));
        }
        if !joins && !run.is_empty() {
            runs.push(std::mem::take(&mut run));
        }
    }
    if !group.is_empty() {
        run.push(group);
    }
    if !run.is_empty() {
        runs.push(run);
    }
    Ok(runs)
}

/// Every stretch of neighbouring groups that has exactly `length` digits.
fn candidates(run: &Run, length: usize) -> impl Iterator<Item = Zeroizing<String>> {
    (0..run.len()).filter_map(move |start| {
        let mut joined = Zeroizing::new(String::new());
        for group in run.iter().skip(start) {
            joined.push_str(group);
            if joined.len() >= length {
                break;
            }
        }
        (joined.len() == length && length > 0).then_some(joined)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::seeded::Seeded;
    use proptest::prelude::*;

    fn read(typed: &str, length: usize) -> Result<String, CodeError> {
        OneTimeCode::parse(typed, length).map(|code| code.expose().to_owned())
    }

    /// A12 and ux.md §3.
    #[test]
    fn a12_reads_what_people_paste() {
        for typed in [
            "123456",
            " 123456",
            "123456\n",
            "123 456",
            "123-456",
            "12 34 56",
            "1 2 3 4 5 6",
            "123\u{a0}456",
            "123—456",
            "\u{200b}123\u{2060}456",
            "１２３４５６",
            "Ваш код 123 456",
            "Ваш код: 123456.",
            "код № 3: 123456",
            "код № 3 — 123 456",
            "код №3 123456",
            "123456 (код № 3)",
            "G-123456",
            "123456 @kabinet.example #123456",
            "«123456»",
        ] {
            assert_eq!(read(typed, 6), Ok("123456".into()), "{typed}");
        }
        assert_eq!(read("звонок с номера … 12 34", 4), Ok("1234".into()));
        assert_eq!(read("000000", 6), Ok("000000".into()));
    }

    #[test]
    fn a12_refuses_the_rest() {
        for (typed, why) in [
            ("", CodeError::Empty),
            (" \t", CodeError::Empty),
            ("код", CodeError::Length),
            ("12345", CodeError::Length),
            ("1234567", CodeError::Length),
            ("123,456", CodeError::Length),
            ("код № 3: 12345", CodeError::Length),
            ("12 34 56 78", CodeError::Ambiguous),
            ("123456 или 654321", CodeError::Ambiguous),
            ("123 456 789", CodeError::Ambiguous),
            ("١٢٣٤٥٦", CodeError::NotDigits),
            ("12345²", CodeError::NotDigits),
            ("123456\0", CodeError::NotDigits),
            ("123\u{1b}456", CodeError::NotDigits),
        ] {
            assert_eq!(read(typed, 6), Err(why), "{typed:?}");
        }
        assert_eq!(read(&" ".repeat(65), 6), Err(CodeError::TooLong));
        assert_eq!(read(&"1".repeat(1_000_000), 6), Err(CodeError::TooLong));
        assert_eq!(read("123456", 0), Err(CodeError::Length));
    }

    /// A18: a code cannot get into a log by its type.
    #[test]
    fn a18_never_prints() {
        let code = OneTimeCode::parse("123456", 6).unwrap();
        assert_eq!(
            format!("{code:?} {code:#?}"),
            "OneTimeCode(•••) OneTimeCode(•••)"
        );
    }

    proptest! {
        #[test]
        fn a_drawn_code_reads_back(seed: u64, length in 4usize..9, gap in 1usize..4) {
            let source = Seeded::new(seed);
            let drawn = OneTimeCode::draw(length, &source);
            prop_assert_eq!(drawn.expose().len(), length);
            let spaced: Vec<_> = drawn.expose().as_bytes().chunks(gap).map(|c| std::str::from_utf8(c).unwrap()).collect();
            prop_assert_eq!(read(&format!("Код: {}!", spaced.join(" ")), length), Ok(drawn.expose().to_owned()));
        }

        #[test]
        fn never_panics(typed: String, length in 0usize..10) {
            if let Ok(code) = read(&typed, length) {
                prop_assert_eq!(code.len(), length);
            }
        }
    }
}
