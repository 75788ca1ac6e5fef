//! Numbers and dates of Russian identity documents (ID-10).
//!
//! Each type holds a number that is well-formed and whose check digits are
//! right; that it was issued, and to whom, nobody here knows. They are personal
//! data: `Debug` shows them masked, errors never repeat what was typed.

mod dates;
mod inn;
mod passport;
mod snils;

pub use dates::{BirthDate, DateError, PassportIssueDate, Renewal, passport_renewal, past_date};
pub use inn::{Inn, InnHolder};
pub use passport::{DepartmentCode, PassportNumber};
pub use snils::Snils;

use crate::text;

/// Why a text is not a document's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Nothing was typed.
    #[error("the number is empty")]
    Empty,
    /// More than 32 characters.
    #[error("the text is longer than 32 characters")]
    TooLong,
    /// Something other than digits and the signs that this number is written
    /// with.
    #[error("the number has characters other than digits")]
    NotDigits,
    /// A wrong number of digits.
    #[error("the number has {got} digits, it needs {}", digits_needed(.expected))]
    Length {
        /// How many it may have.
        expected: &'static [usize],
        /// How many it has.
        got: usize,
    },
    /// The check digits do not fit: most likely a digit is mistyped.
    #[error("the check digits do not fit: a digit is wrong")]
    Checksum,
    /// Digits that are never issued, such as zeros alone.
    #[error("no such number is issued")]
    NotIssued,
}

impl DocumentError {
    /// A stable code for the API and for the texts in `locales`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "document.empty",
            Self::TooLong => "document.too_long",
            Self::NotDigits => "document.not_digits",
            Self::Length { .. } => "document.length",
            Self::Checksum => "document.checksum",
            Self::NotIssued => "document.not_issued",
        }
    }
}

fn digits_needed(expected: &[usize]) -> String {
    expected
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" or ")
}

/// The digits of a typed number as ASCII. Spaces of any kind, dashes, invisible
/// marks and № are dropped; fullwidth digits count.
fn digits(typed: &str, expected: &'static [usize]) -> Result<String, DocumentError> {
    if typed.chars().take(33).count() > 32 {
        return Err(DocumentError::TooLong);
    }
    let mut digits = String::new();
    for c in typed.chars() {
        match text::ascii_digit(c) {
            Some(digit) => digits.push(digit),
            None if c == '№' || text::is_space(c) || text::is_dash(c) || text::is_invisible(c) => {
            }
            None => return Err(DocumentError::NotDigits),
        }
    }
    if digits.is_empty() {
        return Err(DocumentError::Empty);
    }
    if !expected.contains(&digits.len()) {
        return Err(DocumentError::Length {
            expected,
            got: digits.len(),
        });
    }
    if digits.bytes().all(|b| b == b'0') {
        return Err(DocumentError::NotIssued);
    }
    Ok(digits)
}

/// The sum of each digit times its weight. At most 12 digits, so that it stays
/// far below the end of `u32`.
fn weighted(digits: &str, weights: impl IntoIterator<Item = u32>) -> u32 {
    digits
        .chars()
        .zip(weights)
        .fold(0u32, |sum, (digit, weight)| {
            sum.saturating_add(digit.to_digit(10).unwrap_or(0).saturating_mul(weight))
        })
}

/// Dots and the last `shown` digits.
fn last(digits: &str, shown: usize) -> String {
    let hidden = digits.len().saturating_sub(shown);
    format!(
        "{}{}",
        "•".repeat(hidden),
        digits.get(hidden..).unwrap_or("")
    )
}

/// What every number type has: text in, canonical text out, masked debug.
macro_rules! number_type {
    ($name:ident) => {
        impl $name {
            /// The digits alone: the canonical form, also for keyed hashes.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.masked())
            }
        }

        impl std::str::FromStr for $name {
            type Err = super::DocumentError;
            fn from_str(typed: &str) -> Result<Self, Self::Err> {
                Self::parse(typed)
            }
        }

        impl TryFrom<String> for $name {
            type Error = super::DocumentError;
            fn try_from(typed: String) -> Result<Self, Self::Error> {
                Self::parse(&typed)
            }
        }

        impl From<$name> for String {
            fn from(number: $name) -> Self {
                number.0
            }
        }
    };
}
use number_type;

#[cfg(test)]
mod tests;
