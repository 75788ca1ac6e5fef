//! The number of a case: told to a person, read out by telephone, typed again on another device (RE-11).
//!
//! It names a case and proves nothing. Nine digits by chance, so that nobody counts cases by it, and a tenth that
//! finds every wrong digit and every two that changed places (Damm, 2004).

use kernel::Chance;

/// Digits by chance.
const DRAWN: usize = 9;
/// Digits in all.
const LENGTH: usize = 10;
/// Longest text that is looked at, characters.
const TYPED_MAX: usize = 64;

/// The quasigroup of Damm's dissertation, order ten, totally anti-symmetric.
const DAMM: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// A case's number. Not a secret; it does not print all the same, for together with a phone it leads to a case.
#[derive(Clone, PartialEq, Eq)]
pub struct CaseNumber(String);

/// Why a text is no case number. Says nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Nothing was typed.
    #[error("no case number")]
    Empty,
    /// Not ten digits.
    #[error("a case number has ten digits")]
    Form,
    /// A digit is wrong, or two have changed places.
    #[error("a slip in a case number")]
    Check,
}

/// The check digit of digits; `None` where there is another character.
fn check(digits: &str) -> Option<u8> {
    digits.bytes().try_fold(0_u8, |interim, digit| {
        let digit = digit.checked_sub(b'0')?;
        let row = DAMM.get(usize::from(interim))?;
        row.get(usize::from(digit)).copied()
    })
}

impl CaseNumber {
    /// Draws one. Whether it is free is found out by the database.
    pub fn draw(chance: &dyn Chance) -> Self {
        let mut digits = chance.digits(DRAWN);
        let last = check(&digits).unwrap_or_default();
        digits.push(char::from(b'0'.saturating_add(last)));
        Self(digits)
    }

    /// From what a person typed: spaces, dashes and a sign of numero mean nothing.
    pub fn parse(typed: &str) -> Result<Self, NumberError> {
        if typed.chars().count() > TYPED_MAX {
            return Err(NumberError::Form);
        }
        let mut digits = String::with_capacity(LENGTH);
        for c in typed.chars() {
            match c {
                '0'..='9' => digits.push(c),
                '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '№' | '#' => {}
                c if c.is_whitespace() => {}
                _ => return Err(NumberError::Form),
            }
        }
        if digits.is_empty() {
            return Err(NumberError::Empty);
        }
        if digits.len() != LENGTH {
            return Err(NumberError::Form);
        }
        match check(&digits) {
            Some(0) => Ok(Self(digits)),
            _ => Err(NumberError::Check),
        }
    }

    /// Its ten digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it is shown: `123 456 789 0` reads badly, `123-456-7890` does not.
    pub fn pretty(&self) -> String {
        let (head, rest) = self.0.split_at(3);
        let (middle, tail) = rest.split_at(3);
        format!("{head}-{middle}-{tail}")
    }
}

impl std::fmt::Debug for CaseNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CaseNumber(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Counts up, so that whatever is drawn again comes out otherwise.
    struct Counting(std::sync::atomic::AtomicU64);

    impl Chance for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                let next = self
                    .0
                    .fetch_add(0x9e37_79b9_7f4a_7c15, std::sync::atomic::Ordering::Relaxed);
                *byte = next.to_be_bytes()[0];
            }
        }
    }

    fn number(nine: u32) -> CaseNumber {
        let digits = format!("{nine:09}");
        let last = check(&digits).unwrap();
        CaseNumber(format!("{digits}{last}"))
    }

    proptest! {
        /// RE-11: what is shown is read back, with whatever stands between the digits.
        #[test]
        fn shown_and_typed(nine in 0_u32..1_000_000_000) {
            let number = number(nine);
            for typed in [number.pretty(), number.as_str().to_owned(), format!(" № {} ", number.pretty().replace('-', " "))] {
                prop_assert_eq!(CaseNumber::parse(&typed), Ok(number.clone()));
            }
        }

        /// One wrong digit, or two neighbours that changed places, is a slip and no other case.
        #[test]
        fn slips_are_seen(nine in 0_u32..1_000_000_000, place in 0_usize..10, add in 1_u8..10) {
            let number = number(nine);
            let mut digits: Vec<u8> = number.as_str().bytes().collect();
            digits[place] = (digits[place] - b'0' + add) % 10 + b'0';
            prop_assert_eq!(CaseNumber::parse(std::str::from_utf8(&digits).unwrap()), Err(NumberError::Check));
            let mut digits: Vec<u8> = number.as_str().bytes().collect();
            let next = (place + 1).min(9);
            digits.swap(place, next);
            let swapped = std::str::from_utf8(&digits).unwrap();
            prop_assert!(swapped == number.as_str() || CaseNumber::parse(swapped) == Err(NumberError::Check));
        }

        #[test]
        fn nothing_panics(typed in "\\PC{0,80}") {
            let _ = CaseNumber::parse(&typed);
        }
    }

    #[test]
    fn what_is_no_number() {
        for (typed, expected) in [
            ("", NumberError::Empty),
            (" - ", NumberError::Empty),
            ("572", NumberError::Form),
            ("12345678901", NumberError::Form),
            ("abcdefghij", NumberError::Form),
            ("1234567891", NumberError::Check),
        ] {
            assert_eq!(CaseNumber::parse(typed), Err(expected), "{typed}");
        }
        assert_eq!(check("572"), Some(4), "the example of the dissertation");
    }

    #[test]
    fn drawn_ones_are_numbers() {
        let chance = Counting(std::sync::atomic::AtomicU64::new(1));
        for _ in 0..1_000 {
            let drawn = CaseNumber::draw(&chance);
            assert_eq!(CaseNumber::parse(drawn.as_str()), Ok(drawn));
        }
    }
}
