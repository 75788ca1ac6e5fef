//! Fields of facts as they are typed, the same on pages and in the API: a value to be kept, or what is wrong with it.

use jiff::civil::Date;
use kernel::{
    documents::{BirthDate, DateError, DocumentError, PassportNumber, past_date},
    name::{NameError, NamePart},
    text,
};
use recovery_core::{
    facts::Operation,
    typed::{self, TypedError},
};

/// Longest code word, characters.
const WORD_MAX: usize = 60;

/// What is wrong with a field.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wrong {
    Name(NameError),
    Date(DateError),
    Document(DocumentError),
    Month(TypedError),
    Amount,
    Word,
}

/// Nothing typed is nothing told.
fn told(typed: &str) -> Option<&str> {
    Some(typed.trim()).filter(|typed| !typed.is_empty())
}

pub(crate) fn name(typed: &str) -> Result<String, Wrong> {
    let Some(typed) = told(typed) else {
        return Ok(String::new());
    };
    let part = NamePart::parse(typed).map_err(Wrong::Name)?;
    Ok(part.as_str().to_owned())
}

pub(crate) fn birth_date(typed: &str, today: Date) -> Result<String, Wrong> {
    let Some(typed) = told(typed) else {
        return Ok(String::new());
    };
    let born = BirthDate::parse(typed, today).map_err(Wrong::Date)?;
    Ok(born.date().to_string())
}

pub(crate) fn passport(typed: &str) -> Result<String, Wrong> {
    let Some(typed) = told(typed) else {
        return Ok(String::new());
    };
    let number = PassportNumber::parse(typed).map_err(Wrong::Document)?;
    Ok(number.as_str().to_owned())
}

pub(crate) fn opened(typed: &str, today: Date) -> Result<String, Wrong> {
    match told(typed) {
        None => Ok(String::new()),
        Some(typed) => typed::month(typed, (today.year(), today.month())).map_err(Wrong::Month),
    }
}

pub(crate) fn code_word(typed: &str) -> Result<String, Wrong> {
    match told(typed) {
        None => Ok(String::new()),
        Some(typed) => text::line(typed, WORD_MAX).ok_or(Wrong::Word),
    }
}

pub(crate) fn day(typed: &str, today: Date) -> Result<String, Wrong> {
    let Some(typed) = told(typed) else {
        return Ok(String::new());
    };
    let day = past_date(typed, today).map_err(Wrong::Date)?;
    Ok(day.to_string())
}

pub(crate) fn amount(typed: &str) -> Result<Option<i64>, Wrong> {
    told(typed)
        .map(|typed| typed::amount(typed).map_err(|_| Wrong::Amount))
        .transpose()
}

/// `2001-02-28` as `28.02.2001`, the way it is typed.
pub(crate) fn shown_date(iso: &str) -> String {
    let mut parts: Vec<&str> = iso.split('-').collect();
    parts.reverse();
    parts.join(".")
}

/// An operation the way it is typed.
pub(crate) fn shown_operation(operation: &Operation) -> (String, String) {
    let minor = operation.minor.map(typed::amount_text);
    (shown_date(&operation.day), minor.unwrap_or_default())
}
