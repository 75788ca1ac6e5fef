//! СНИЛС, the number of the pension insurance.

use serde::{Deserialize, Serialize};

use super::{DocumentError, digits, number_type, weighted};

/// A SNILS: nine digits and two check digits, `112-233-445 95`.
///
/// The check digits count for numbers above 001-001-998; the older ones were
/// issued without (the Pension Fund's published rule).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Snils(String);

number_type!(Snils);

/// The last number issued without a rule for its check digits.
const LAST_UNCHECKED: &str = "001001998";

impl Snils {
    /// Reads a SNILS.
    pub fn parse(typed: &str) -> Result<Self, DocumentError> {
        let digits = digits(typed, &[11])?;
        let (number, check) = digits.split_at_checked(9).unwrap_or(("", ""));
        if number == "000000000" {
            return Err(DocumentError::NotIssued);
        }
        // Equal lengths: the order of texts is the order of numbers.
        if number > LAST_UNCHECKED {
            let expected = match weighted(number, (1..=9).rev()) % 101 {
                100 => 0,
                rest => rest,
            };
            if check != format!("{expected:02}") {
                return Err(DocumentError::Checksum);
            }
        }
        Ok(Self(digits))
    }

    /// As it is printed: `112-233-445 95`.
    pub fn pretty(&self) -> String {
        let part = |range| self.0.get(range).unwrap_or("");
        format!(
            "{}-{}-{} {}",
            part(0..3),
            part(3..6),
            part(6..9),
            part(9..11)
        )
    }

    /// The last two digits of the number and its check: `•••-•••-•45 95`.
    pub fn masked(&self) -> String {
        let part = |range| self.0.get(range).unwrap_or("");
        format!("•••-•••-•{} {}", part(7..9), part(9..11))
    }
}
