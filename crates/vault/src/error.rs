//! What can go wrong with something sealed.

use crate::KeyId;

/// Why a sealed value or a wrapped key was not opened. Says nothing of its contents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Too short, or of a version this program does not know.
    #[error("the sealed value is cut or of an unknown version")]
    Malformed,
    /// Sealed by a key that is not here: another account's data key, a retired master, or a key
    /// file from before a rotation.
    #[error(
        "the value was sealed by key {0}, which is not in use here; \
         if keys were rotated, start every node with the new key file"
    )]
    UnknownKey(KeyId),
    /// The bytes do not authenticate: changed, or sealed for another purpose or account.
    #[error("the sealed value was changed, or belongs to another purpose or account")]
    Refused,
    /// The opened bytes are not the text they should be.
    #[error("the opened value is not text")]
    NotText,
    /// The key service did not answer (never by the key file).
    #[error("the key service is unavailable: {0}")]
    Unavailable(String),
}

impl VaultError {
    /// A stable name for logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "vault.malformed",
            Self::UnknownKey(_) => "vault.unknown_key",
            Self::Refused => "vault.refused",
            Self::NotText => "vault.not_text",
            Self::Unavailable(_) => "vault.unavailable",
        }
    }
}
