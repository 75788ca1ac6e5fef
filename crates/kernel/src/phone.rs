//! Phone numbers: one canonical form for every way of typing one (A52).

use std::fmt;

use phonenumber::Mode;
use phonenumber::metadata::{DATABASE, Descriptor};
use serde::{Deserialize, Serialize};

use crate::text;

/// The longest text taken for a number, in characters: E.164 has at most 15
/// digits, the rest is for spaces, dashes and brackets.
const MAX_TYPED_CHARS: usize = 32;

/// A phone number that a person can be reached at, in E.164: `+79001234567`.
///
/// `parse` is the only way to make one, and two spellings of a number always
/// give equal values. `Debug` shows it masked; serde writes the canonical
/// form, so serialise it only into what is stored encrypted or shown to its
/// owner.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone {
    e164: String,
    country_code: u16,
    kind: PhoneKind,
}

/// What the numbering plan says of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhoneKind {
    /// A mobile number: takes SMS.
    Mobile,
    /// A fixed line: a call at most.
    FixedLine,
    /// The plan does not tell (as in North America).
    Either,
}

/// Why a text is not a phone number. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Nothing was typed.
    #[error("the phone number is empty")]
    Empty,
    /// More than 32 characters.
    #[error("the phone number is longer than 32 characters")]
    TooLong,
    /// Letters or other signs that a number does not have.
    #[error("the phone number has characters other than digits, spaces, dashes and brackets")]
    NotDigits,
    /// Too few digits.
    #[error("the phone number is too short")]
    TooShort,
    /// No country's numbering plan has such a number.
    #[error("no such phone number exists")]
    NoSuchNumber,
    /// A number of a service, not of a person: toll-free, premium, satellite,
    /// internet telephony, pager (A21).
    #[error("the number belongs to a service, not to a person")]
    NotPersonal,
}

impl Phone {
    /// Reads a number as people type it.
    ///
    /// Spaces of any kind, dashes, brackets, dots and invisible marks (which
    /// contact lists add when copied) are dropped. Fullwidth and Arabic-Indic
    /// digits count as digits: the number is the same whatever keyboard typed
    /// it, and canonical is what comes out. Without a plus the number is
    /// Russian when it has 10 digits, or 11 beginning with 7 or 8; `8 10` is
    /// the Russian way to dial abroad; 11 to 15 other digits are taken for an
    /// international number whose plus was forgotten.
    pub fn parse(typed: &str) -> Result<Self, PhoneError> {
        if typed.chars().count() > MAX_TYPED_CHARS {
            return Err(PhoneError::TooLong);
        }
        let (plus, digits) = digits(typed)?;
        let digits = international(plus, &digits)?;
        match in_plan(&digits) {
            Some((code, kind)) => Self::of(&digits, code, kind?),
            // «+7 8 900 …», «+44 (0)20 …»: the digit dialled inside a country
            // does not belong to the number.
            None => without_trunk_prefix(&digits)
                .and_then(|shorter| in_plan(&shorter).map(|(code, kind)| (shorter, code, kind)))
                .ok_or(PhoneError::NoSuchNumber)
                .and_then(|(shorter, code, kind)| Self::of(&shorter, code, kind?)),
        }
    }

    fn of(digits: &str, country_code: u16, kind: PhoneKind) -> Result<Self, PhoneError> {
        // E.164 allows 15 digits.
        if digits.len() > 15 {
            return Err(PhoneError::NoSuchNumber);
        }
        Ok(Self {
            e164: format!("+{digits}"),
            country_code,
            kind,
        })
    }

    /// The canonical form, E.164: a plus and 8 to 15 digits.
    pub fn as_str(&self) -> &str {
        &self.e164
    }

    /// The country calling code: 7 for Russia and Kazakhstan.
    pub fn country_code(&self) -> u16 {
        self.country_code
    }

    /// What the numbering plan says of the number.
    pub fn kind(&self) -> PhoneKind {
        self.kind
    }

    /// Whether it takes SMS, or `None` when the numbering plan does not tell.
    pub fn is_mobile(&self) -> Option<bool> {
        match self.kind {
            PhoneKind::Mobile => Some(true),
            PhoneKind::FixedLine => Some(false),
            PhoneKind::Either => None,
        }
    }

    /// The number without its last four digits: the range that sends are
    /// counted by (A19), since who pumps SMS owns whole ranges.
    pub fn prefix_for_range(&self) -> &str {
        self.split_last_four().0
    }

    /// For screens and logs: `+7 ••• •••-12-34`.
    pub fn masked(&self) -> String {
        let (_, last) = self.split_last_four();
        let (a, b) = last.split_at_checked(2).unwrap_or(("", ""));
        let dots = if self.country_code == 7 {
            "••• •••"
        } else {
            "•••"
        };
        format!("+{} {dots}-{a}-{b}", self.country_code)
    }

    /// For the owner's own eyes: `+7 900 123-45-67`; abroad as that country
    /// writes it.
    pub fn pretty(&self) -> String {
        if let Some(national) = self.e164.strip_prefix("+7")
            && let (Some(a), Some(b), Some(c), Some(d)) = (
                national.get(..3),
                national.get(3..6),
                national.get(6..8),
                national.get(8..),
            )
        {
            return format!("+7 {a} {b}-{c}-{d}");
        }
        match phonenumber::parse(None, &self.e164) {
            // The library's reader drops a first digit that looks like a
            // trunk prefix; what it would change is shown plain.
            Ok(number) if number.format().mode(Mode::E164).to_string() == self.e164 => {
                number.format().mode(Mode::International).to_string()
            }
            _ => self.e164.clone(),
        }
    }

    fn split_last_four(&self) -> (&str, &str) {
        let at = self.e164.len().saturating_sub(4);
        self.e164.split_at_checked(at).unwrap_or(("", ""))
    }
}

/// Whether a plus stands first, and the digits as ASCII.
fn digits(typed: &str) -> Result<(bool, String), PhoneError> {
    let mut plus = false;
    let mut digits = String::new();
    for c in typed.chars() {
        if let Some(digit) = text::ascii_digit(c).or_else(|| arabic_digit(c)) {
            digits.push(digit);
        } else if matches!(c, '+' | '＋') && !plus && digits.is_empty() {
            plus = true;
        } else if !(text::is_space(c)
            || text::is_dash(c)
            || text::is_invisible(c)
            || matches!(c, '(' | ')' | '（' | '）' | '.'))
        {
            return Err(PhoneError::NotDigits);
        }
    }
    if digits.is_empty() {
        return Err(if plus {
            PhoneError::TooShort
        } else {
            PhoneError::Empty
        });
    }
    Ok((plus, digits))
}

/// Arabic-Indic and extended (Persian) digits, which phones' own keyboards type.
fn arabic_digit(c: char) -> Option<char> {
    let base = match c {
        '\u{0660}'..='\u{0669}' => 0x0660,
        '\u{06F0}'..='\u{06F9}' => 0x06F0,
        _ => return None,
    };
    char::from_digit(u32::from(c).checked_sub(base)?, 10)
}

/// The digits as dialled from abroad, without the plus.
fn international(plus: bool, digits: &str) -> Result<String, PhoneError> {
    if digits.len() > 16 {
        return Err(PhoneError::NoSuchNumber);
    }
    if plus {
        // The shortest full numbers there are have 7 digits (+683, Niue).
        if digits.len() < 7 {
            return Err(PhoneError::TooShort);
        }
        // No country has +89: it is the Russian 8 with a plus before it.
        return Ok(match digits.strip_prefix('8') {
            Some(rest) if rest.len() == 10 && rest.starts_with('9') => format!("7{rest}"),
            _ => digits.to_owned(),
        });
    }
    match digits.len() {
        0..=9 => Err(PhoneError::TooShort),
        10 => Ok(format!("7{digits}")),
        11 if digits.starts_with(['7', '8']) => Ok(format!("7{}", digits.get(1..).unwrap_or(""))),
        _ => Ok(digits.strip_prefix("810").unwrap_or(digits).to_owned()),
    }
}

/// The country code that `digits` begin with and the rest. Codes are never
/// beginnings of one another.
fn split_code(digits: &str) -> Option<(u16, &str)> {
    (1..=3).find_map(|len| {
        let (code, national) = digits.split_at_checked(len)?;
        let code = code.parse().ok().filter(|_| !code.starts_with('0'))?;
        DATABASE.region(&code).map(|_| (code, national))
    })
}

/// What the numbering plan of its country says of a whole number, or `None`
/// when no plan has it.
///
/// The library's own reader is not asked: it takes the first 8 of +7 843 …
/// (Kazan) for a trunk prefix and loses zeros that belong to the number.
fn in_plan(digits: &str) -> Option<(u16, Result<PhoneKind, PhoneError>)> {
    let (code, national) = split_code(digits)?;
    // Codes of no country: satellites, networks, international services.
    if matches!(code, 800 | 808 | 870 | 878 | 881 | 882 | 883 | 888 | 979) {
        return Some((code, Err(PhoneError::NotPersonal)));
    }
    DATABASE.by_code(&code)?.into_iter().find_map(|region| {
        let known = |of: Option<&Descriptor>| of.is_some_and(|d| d.is_match(national));
        let plan = region.descriptors();
        let ours = region
            .leading_digits()
            .is_none_or(|lead| lead.find(national).is_some_and(|found| found.start() == 0));
        if !ours || !plan.general().is_match(national) {
            return None;
        }
        let services = [
            plan.premium_rate(),
            plan.toll_free(),
            plan.shared_cost(),
            plan.voip(),
            plan.pager(),
            plan.uan(),
            plan.voicemail(),
        ];
        if services.into_iter().any(known) {
            return Some((code, Err(PhoneError::NotPersonal)));
        }
        let kind = match (known(plan.mobile()), known(plan.fixed_line())) {
            (true, false) => PhoneKind::Mobile,
            (false, true) => PhoneKind::FixedLine,
            (true, true) => PhoneKind::Either,
            (false, false) if known(plan.personal_number()) => PhoneKind::Either,
            (false, false) => return None,
        };
        Some((code, Ok(kind)))
    })
}

/// The number without the digit that is dialled inside its country only.
fn without_trunk_prefix(digits: &str) -> Option<String> {
    let (code, national) = split_code(digits)?;
    let prefix = DATABASE.by_code(&code)?.first()?.national_prefix()?;
    Some(format!("{code}{}", national.strip_prefix(prefix)?))
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({})", self.masked())
    }
}

impl TryFrom<String> for Phone {
    type Error = PhoneError;
    fn try_from(text: String) -> Result<Self, PhoneError> {
        Self::parse(&text)
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.e164
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A52: ways to write one number, and what must come out.
    const SAME: &[(&str, &str)] = &[
        ("+79001234567", "+79001234567"),
        ("+7 900 123-45-67", "+79001234567"),
        ("+7 (900) 123-45-67", "+79001234567"),
        ("8 (900) 123 45 67", "+79001234567"),
        ("89001234567", "+79001234567"),
        ("79001234567", "+79001234567"),
        ("9001234567", "+79001234567"),
        ("+89001234567", "+79001234567"),
        ("+7 8 900 123 45 67", "+79001234567"),
        ("８９００１２３４５６７", "+79001234567"),
        ("＋７（９００）１２３－４５－６７", "+79001234567"),
        ("+٧٩٠٠١٢٣٤٥٦٧", "+79001234567"),
        ("+۷۹۰۰۱۲۳۴۵۶۷", "+79001234567"),
        ("+7\u{a0}900\u{a0}123\u{2011}45\u{2011}67", "+79001234567"),
        ("\u{202a}+7 900 123-45-67\u{202c}", "+79001234567"),
        ("+7\u{200b}900\u{feff}1234567", "+79001234567"),
        ("+7.900.123.45.67", "+79001234567"),
        ("  +7 900 — 123 – 45 − 67\t", "+79001234567"),
        ("(+7) 900 1234567", "+79001234567"),
        ("8(900)1234567", "+79001234567"),
        ("+7 495 123-45-67", "+74951234567"),
        ("84951234567", "+74951234567"),
        ("+7 843 123-45-67", "+78431234567"),
        ("8 (843) 123-45-67", "+78431234567"),
        ("+7 8 843 123 45 67", "+78431234567"),
        ("+39 06 1234 5678", "+390612345678"),
        ("+7 701 234 56 78", "+77012345678"),
        ("87012345678", "+77012345678"),
        ("+375 29 123-45-67", "+375291234567"),
        ("375291234567", "+375291234567"),
        ("8 10 375 29 123 45 67", "+375291234567"),
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("+442079460958", "+442079460958"),
        ("+49 1512 3456789", "+4915123456789"),
        ("4915123456789", "+4915123456789"),
        ("8104915123456789", "+4915123456789"),
    ];

    #[test]
    fn a52_one_number_has_one_form() {
        for (typed, canonical) in SAME {
            assert_eq!(
                Phone::parse(typed).map(|p| p.e164),
                Ok((*canonical).to_owned()),
                "{typed}"
            );
        }
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        for (typed, why) in [
            ("", PhoneError::Empty),
            (" -() ", PhoneError::Empty),
            ("+", PhoneError::TooShort),
            ("02", PhoneError::TooShort),
            ("112", PhoneError::TooShort),
            ("+7", PhoneError::TooShort),
            ("123-45-67", PhoneError::TooShort),
            ("+7 900", PhoneError::TooShort),
            ("+7 900 123-45-6", PhoneError::NoSuchNumber),
            ("+7 900 123-45-678", PhoneError::NoSuchNumber),
            ("0000000000", PhoneError::NoSuchNumber),
            ("+0 900 123 45 67", PhoneError::NoSuchNumber),
            ("+999 123 456 789", PhoneError::NoSuchNumber),
            ("8900123456+7", PhoneError::NotDigits),
            ("++79001234567", PhoneError::NotDigits),
            ("tel:+79001234567", PhoneError::NotDigits),
            ("+7 900 123-45-67 доб. 12", PhoneError::NotDigits),
            ("+7 900 123-45-67,12", PhoneError::NotDigits),
            ("+7 900 CALLME", PhoneError::NotDigits),
            ("+79001234567\0", PhoneError::NotDigits),
            ("+7900123456²", PhoneError::NotDigits),
            ("+7 900 123 45 67                  ", PhoneError::TooLong),
            ("8 800 555-35-35", PhoneError::NotPersonal),
            ("8 809 123-45-67", PhoneError::NotPersonal),
            ("+881 6 2345 6789", PhoneError::NotPersonal),
            ("+883 5100 12345678", PhoneError::NotPersonal),
        ] {
            assert_eq!(Phone::parse(typed), Err(why), "{typed:?}");
        }
        assert_eq!(
            Phone::parse(&"1".repeat(1_000_000)),
            Err(PhoneError::TooLong)
        );
    }

    #[test]
    fn shows() {
        let phone = Phone::parse("89001231234").unwrap();
        assert_eq!(phone.masked(), "+7 ••• •••-12-34");
        assert_eq!(phone.pretty(), "+7 900 123-12-34");
        assert_eq!(phone.prefix_for_range(), "+7900123");
        assert_eq!(format!("{phone:?}"), "Phone(+7 ••• •••-12-34)");
        assert_eq!((phone.country_code(), phone.is_mobile()), (7, Some(true)));
        let minsk = Phone::parse("+375291234567").unwrap();
        assert_eq!(minsk.masked(), "+375 •••-45-67");
        assert_eq!(minsk.pretty(), "+375 29 123-45-67");
        assert_eq!(minsk.country_code(), 375);
        assert_eq!(
            Phone::parse("84951234567").unwrap().is_mobile(),
            Some(false)
        );
        assert_eq!(Phone::parse("+1 520 878 2491").unwrap().is_mobile(), None);
    }

    proptest! {
        #[test]
        fn any_russian_mobile_in_any_dress(national in 9_000_000_000u64..9_999_999_999, lead in 0usize..4, gaps in proptest::collection::vec(0usize..5, 10)) {
            let lead = ["+7", "8", "7", ""][lead];
            let mut typed = lead.to_owned();
            for (digit, gap) in national.to_string().chars().zip(gaps) {
                typed.push_str(["", "", "-", "\u{a0}", " "][gap]);
                typed.push(digit);
            }
            // Numbers the plan does not give out may be refused, never misread.
            if let Ok(phone) = Phone::parse(&typed) {
                prop_assert_eq!(phone.as_str(), format!("+7{national}"));
            }
        }

        #[test]
        fn canonical_stays(typed in "[+]?[0-9() -]{5,20}") {
            if let Ok(phone) = Phone::parse(&typed) {
                prop_assert_eq!(Phone::parse(phone.as_str()).unwrap(), phone.clone());
                prop_assert_eq!(Phone::parse(&phone.pretty()).unwrap(), phone);
            }
        }

        #[test]
        fn never_panics(typed: String) {
            let _ = Phone::parse(&typed);
        }
    }
}
