//! The internal passport: its number and who issued it.

use serde::{Deserialize, Serialize};

use super::{DocumentError, digits, number_type};

/// Series (4 digits) and number (6 digits) of a passport: `45 08 123456`.
///
/// There is no check digit. The first two digits are a region, so never 00.
/// Numbers begin at 000101, but older blanks are told of with less; only
/// 000000 is refused.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PassportNumber(String);

number_type!(PassportNumber);

impl PassportNumber {
    /// Reads series and number from one text: `45 08 123456`, `4508 № 123456`.
    pub fn parse(typed: &str) -> Result<Self, DocumentError> {
        let digits = digits(typed, &[10])?;
        if digits.starts_with("00") || digits.ends_with("000000") {
            return Err(DocumentError::NotIssued);
        }
        Ok(Self(digits))
    }

    /// Reads series and number from two fields; each must have its own length.
    pub fn from_parts(series: &str, number: &str) -> Result<Self, DocumentError> {
        // Zeros alone are fit to stand in one part: «45 00».
        let allow_zeros = |part: Result<String, DocumentError>, zeros: &str| match part {
            Err(DocumentError::NotIssued) => Ok(zeros.to_owned()),
            other => other,
        };
        let series = allow_zeros(digits(series, &[4]), "0000")?;
        let number = allow_zeros(digits(number, &[6]), "000000")?;
        Self::parse(&format!("{series}{number}"))
    }

    /// The four digits of the series.
    pub fn series(&self) -> &str {
        self.0.get(..4).unwrap_or("")
    }

    /// The six digits of the number.
    pub fn number(&self) -> &str {
        self.0.get(4..).unwrap_or("")
    }

    /// As it is printed: `45 08 123456`.
    pub fn pretty(&self) -> String {
        let part = |range| self.0.get(range).unwrap_or("");
        format!("{} {} {}", part(0..2), part(2..4), part(4..10))
    }

    /// The last three digits: `•• •• •••456`.
    pub fn masked(&self) -> String {
        format!("•• •• •••{}", self.0.get(7..).unwrap_or(""))
    }
}

/// The code of the office that issued a passport: `770-001`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DepartmentCode(String);

number_type!(DepartmentCode);

impl DepartmentCode {
    /// Reads a department code: six digits, the first two a region and so
    /// never 00.
    pub fn parse(typed: &str) -> Result<Self, DocumentError> {
        let digits = digits(typed, &[6])?;
        if digits.starts_with("00") {
            return Err(DocumentError::NotIssued);
        }
        Ok(Self(digits))
    }

    /// As it is printed: `770-001`.
    pub fn pretty(&self) -> String {
        let part = |range| self.0.get(range).unwrap_or("");
        format!("{}-{}", part(0..3), part(3..6))
    }

    /// The region alone: `77•-•••`.
    pub fn masked(&self) -> String {
        format!("{}•-•••", self.0.get(..2).unwrap_or(""))
    }
}
