//! What is wrong with a field, in words: one place for every parse error.

use kernel::documents::{DateError, DocumentError};
use kernel::email::EmailError;
use kernel::name::NameError;
use kernel::phone::PhoneError;
use webkit::i18n::Message;

/// A phone number.
pub const fn phone(error: PhoneError) -> Message {
    Message::new(match error {
        PhoneError::Empty => "phone-error-empty",
        PhoneError::NotPersonal => "phone-error-not-personal",
        PhoneError::TooLong
        | PhoneError::NotDigits
        | PhoneError::TooShort
        | PhoneError::NoSuchNumber => "phone-error-invalid",
    })
}

/// An e-mail address.
pub const fn email(error: EmailError) -> Message {
    Message::new(match error {
        EmailError::Empty => "email-error-empty",
        EmailError::LookAlike => "email-error-look-alike",
        EmailError::TooLong | EmailError::At | EmailError::Local | EmailError::Domain => {
            "email-error-invalid"
        }
    })
}

/// A part of a name.
pub const fn name(error: NameError) -> Message {
    Message::new(match error {
        NameError::Empty => "name-error-empty",
        NameError::TooLong => "name-error-too-long",
        NameError::MixedAlphabets => "name-error-mixed",
        NameError::Invisible | NameError::NotLetters | NameError::Punctuation => {
            "name-error-letters"
        }
    })
}

/// A date.
pub const fn date(error: DateError) -> Message {
    Message::new(match error {
        DateError::Empty => "date-error-empty",
        DateError::Format => "date-error-format",
        DateError::Future => "date-error-future",
        DateError::TooYoung => "date-error-too-young",
        DateError::TooOld => "date-error-too-old",
        DateError::BeforeFourteen => "date-error-before-fourteen",
    })
}

/// A document's number.
pub fn document(error: DocumentError) -> Message {
    match error {
        DocumentError::Empty => Message::new("document-error-empty"),
        DocumentError::TooLong | DocumentError::NotDigits => Message::new("document-error-digits"),
        DocumentError::Length { expected, got } => Message::new("document-error-length")
            .with("expected", expected.last().copied().unwrap_or_default())
            .with("got", got),
        DocumentError::Checksum => Message::new("document-error-checksum"),
        DocumentError::NotIssued => Message::new("document-error-not-issued"),
    }
}
