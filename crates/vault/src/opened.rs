//! Opened secrets: wiped from memory when dropped, never printed.

use std::fmt;
use std::ops::Deref;

use zeroize::Zeroizing;

use crate::VaultError;

/// Bytes that were sealed, now open. Wiped when dropped; `Debug` shows nothing of them.
pub struct Opened(Zeroizing<Vec<u8>>);

impl Opened {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes as text.
    pub fn text(&self) -> Result<&str, VaultError> {
        std::str::from_utf8(&self.0).map_err(|_| VaultError::NotText)
    }
}

impl Deref for Opened {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Opened {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened(…)")
    }
}

/// The server's share of slow password hashes (Argon2id's secret input): a copy of the database
/// alone does not allow guessing.
pub struct Pepper(pub(crate) Zeroizing<[u8; 32]>);

impl Pepper {
    /// The 32 bytes, for the hash function and nothing else.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(…)")
    }
}
