//! What leads to an account.

use serde::{Deserialize, Serialize};

use crate::{Email, Phone};

/// A phone number or an e-mail address that leads to an account («телефон,
/// почта»). `Debug` shows it masked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "lowercase")]
pub enum Identifier {
    /// A phone number.
    Phone(Phone),
    /// An e-mail address.
    Email(Email),
}

impl Identifier {
    /// The kind as it stands in the database and in blind indexes: `phone` or
    /// `email`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Phone(_) => "phone",
            Self::Email(_) => "email",
        }
    }

    /// The canonical form, the one that messages go to.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.as_str(),
            Self::Email(email) => email.as_str(),
        }
    }

    /// The key of uniqueness, to be hashed with a key (A52). See
    /// [`Email::index_form`].
    pub fn index_form(&self) -> String {
        match self {
            Self::Phone(phone) => phone.as_str().to_owned(),
            Self::Email(email) => email.index_form(),
        }
    }

    /// For screens and logs.
    pub fn masked(&self) -> String {
        match self {
            Self::Phone(phone) => phone.masked(),
            Self::Email(email) => email.masked(),
        }
    }
}

impl From<Phone> for Identifier {
    fn from(phone: Phone) -> Self {
        Self::Phone(phone)
    }
}

impl From<Email> for Identifier {
    fn from(email: Email) -> Self {
        Self::Email(email)
    }
}
