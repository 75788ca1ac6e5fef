//! ИНН, the taxpayer's number.

use serde::{Deserialize, Serialize};

use super::{DocumentError, digits, last, number_type, weighted};

/// An INN: 12 digits for a person, 10 for a legal entity, check digits right.
///
/// The rule of the check digits is the tax service's published one; the tests
/// compare with python-stdnum.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Inn(String);

/// Whose number it is, by its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InnHolder {
    /// 12 digits.
    Person,
    /// 10 digits.
    Entity,
}

number_type!(Inn);

impl Inn {
    /// Reads an INN of a person or of a legal entity.
    pub fn parse(typed: &str) -> Result<Self, DocumentError> {
        Self::of_length(typed, &[10, 12])
    }

    /// Reads an INN of a person: 12 digits, nothing else.
    pub fn parse_person(typed: &str) -> Result<Self, DocumentError> {
        Self::of_length(typed, &[12])
    }

    fn of_length(typed: &str, lengths: &'static [usize]) -> Result<Self, DocumentError> {
        const WEIGHTS: [u32; 11] = [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8];
        let digits = digits(typed, lengths)?;
        let checks: &[usize] = if digits.len() == 12 { &[10, 11] } else { &[9] };
        for &place in checks {
            // The digits before the check digit, under the last weights.
            let weights = WEIGHTS
                .iter()
                .copied()
                .skip(WEIGHTS.len().saturating_sub(place));
            let check = weighted(&digits, weights) % 11 % 10;
            let found = digits.chars().nth(place).and_then(|c| c.to_digit(10));
            if found != Some(check) {
                return Err(DocumentError::Checksum);
            }
        }
        Ok(Self(digits))
    }

    /// Whose number it is.
    pub fn holder(&self) -> InnHolder {
        if self.0.len() == 12 {
            InnHolder::Person
        } else {
            InnHolder::Entity
        }
    }

    /// The last four digits: `••••••••3804`.
    pub fn masked(&self) -> String {
        last(&self.0, 4)
    }
}
