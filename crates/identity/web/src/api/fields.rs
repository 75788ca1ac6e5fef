//! Fields of requests: read by the types of `kernel`, their errors as stable codes.

use jiff::civil::Date;
use kernel::{
    Email, Identifier, Phone,
    code::CodeError,
    documents::{
        BirthDate, DateError, DepartmentCode, DocumentError, Inn, PassportIssueDate,
        PassportNumber, Snils, past_date,
    },
    email::EmailError,
    name::{NameError, NamePart},
    phone::PhoneError,
    text,
};

use super::problems::Fields;

/// A field, or the stable code of what is wrong with it.
pub type Read<T> = Result<T, &'static str>;

/// Longest address, place and issuer, characters.
const LINE_MAX: usize = 300;

pub(crate) const fn code(error: CodeError) -> &'static str {
    match error {
        CodeError::Empty => "code_empty",
        CodeError::TooLong => "code_too_long",
        CodeError::NotDigits => "code_not_digits",
        CodeError::Length => "code_length",
        CodeError::Ambiguous => "code_ambiguous",
    }
}

/// A phone number.
pub fn phone(typed: &str) -> Read<Phone> {
    Phone::parse(typed).map_err(|error| match error {
        PhoneError::Empty => "phone_empty",
        PhoneError::TooLong => "phone_too_long",
        PhoneError::NotDigits => "phone_not_digits",
        PhoneError::TooShort => "phone_too_short",
        PhoneError::NoSuchNumber => "phone_no_such_number",
        PhoneError::NotPersonal => "phone_not_personal",
    })
}

/// A phone or an address, not both.
pub fn identifier(
    fields: &mut Fields,
    typed_phone: Option<&str>,
    typed_email: Option<&str>,
) -> Option<Identifier> {
    match (typed_phone, typed_email) {
        (Some(typed), None) => fields.take("phone", phone(typed)).map(Identifier::Phone),
        (None, Some(typed)) => fields.take("email", email(typed)).map(Identifier::Email),
        _ => fields.take("phone", Err("one_of_two")),
    }
}

pub(crate) fn email(typed: &str) -> Read<Email> {
    Email::parse(typed).map_err(|error| match error {
        EmailError::Empty => "email_empty",
        EmailError::TooLong => "email_too_long",
        EmailError::At => "email_at",
        EmailError::Local => "email_local",
        EmailError::Domain => "email_domain",
        EmailError::LookAlike => "email_look_alike",
    })
}

pub(crate) fn name(typed: &str) -> Read<String> {
    let part = NamePart::parse(typed).map_err(name_code)?;
    Ok(part.as_str().to_owned())
}

/// What is wrong with a part of a name.
pub const fn name_code(error: NameError) -> &'static str {
    match error {
        NameError::Empty => "name_empty",
        NameError::TooLong => "name_too_long",
        NameError::Invisible => "name_invisible",
        NameError::NotLetters => "name_not_letters",
        NameError::MixedAlphabets => "name_mixed_alphabets",
        NameError::Punctuation => "name_punctuation",
    }
}

/// What is wrong with a date.
pub const fn date(error: DateError) -> &'static str {
    match error {
        DateError::Empty => "date_empty",
        DateError::Format => "date_format",
        DateError::Future => "date_future",
        DateError::TooYoung => "date_too_young",
        DateError::TooOld => "date_too_old",
        DateError::BeforeFourteen => "date_before_fourteen",
    }
}

pub(crate) fn birth_date(typed: &str, today: Date) -> Read<String> {
    let born = BirthDate::parse(typed, today).map_err(date)?;
    Ok(born.date().to_string())
}

/// The date of issue, judged by the birth date where that is known.
pub(crate) fn issue_date(typed: &str, born: Option<&str>, today: Date) -> Read<String> {
    match born.and_then(|born| BirthDate::parse(born, today).ok()) {
        Some(born) => PassportIssueDate::parse(typed, born, today).map(PassportIssueDate::date),
        None => past_date(typed, today),
    }
    .map(|issued| issued.to_string())
    .map_err(date)
}

/// What is wrong with a document's number.
pub const fn document(error: DocumentError) -> &'static str {
    match error {
        DocumentError::Empty => "document_empty",
        DocumentError::TooLong => "document_too_long",
        DocumentError::NotDigits => "document_not_digits",
        DocumentError::Length { .. } => "document_length",
        DocumentError::Checksum => "document_checksum",
        DocumentError::NotIssued => "document_not_issued",
    }
}

pub(crate) fn passport_number(typed: &str) -> Read<String> {
    let number = PassportNumber::parse(typed).map_err(document)?;
    Ok(number.as_str().to_owned())
}

pub(crate) fn department(typed: &str) -> Read<String> {
    let department = DepartmentCode::parse(typed).map_err(document)?;
    Ok(department.pretty())
}

pub(crate) fn inn(typed: &str) -> Read<String> {
    let inn = Inn::parse_person(typed).map_err(document)?;
    Ok(inn.as_str().to_owned())
}

pub(crate) fn snils(typed: &str) -> Read<String> {
    let snils = Snils::parse(typed).map_err(document)?;
    Ok(snils.as_str().to_owned())
}

/// One line of free text: an address, a place, an issuer. Nothing in it can turn a text around or hide (A33).
pub(crate) fn line(typed: &str) -> Read<String> {
    let is_empty = || typed.chars().all(char::is_whitespace);
    let is_long = || {
        typed
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .count()
            > LINE_MAX
    };
    text::line(typed, LINE_MAX).ok_or_else(|| {
        if is_empty() {
            "text_empty"
        } else if is_long() {
            "text_too_long"
        } else {
            "text_invisible"
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::problems::FIELD_CODES;

    /// Every code a field can get is in the published list.
    #[test]
    fn codes_are_listed() {
        let source = include_str!("fields.rs");
        let quoted = source.split('"').skip(1).step_by(2);
        let is_code = |text: &&str| {
            text.contains('_') && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        };
        let codes: Vec<&str> = quoted.filter(is_code).collect();
        assert!(codes.len() > 30);
        for code in codes {
            assert!(FIELD_CODES.contains(&code), "{code}");
        }
    }

    #[test]
    fn lines_are_plain() {
        assert_eq!(
            line("  г. Тверь,\tд. 1 \n").as_deref(),
            Ok("г. Тверь, д. 1")
        );
        assert_eq!(line(" \n"), Err("text_empty"));
        assert_eq!(line("a\0b"), Err("text_invisible"));
        assert_eq!(line("a\u{202e}b"), Err("text_invisible"));
        assert_eq!(line(&"я".repeat(301)), Err("text_too_long"));
        assert!(line(&"я".repeat(300)).is_ok());
    }

    #[test]
    fn a_passport_without_a_birth_date() {
        let today = jiff::civil::date(2026, 3, 2);
        assert_eq!(
            issue_date("01.06.2010", None, today).as_deref(),
            Ok("2010-06-01")
        );
        assert_eq!(
            issue_date("2010-06-01", Some("2000-06-01"), today),
            Err("date_before_fourteen")
        );
        assert_eq!(issue_date("2027-06-01", None, today), Err("date_future"));
    }
}
