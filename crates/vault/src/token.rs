//! Random tokens: sessions, links, browsers.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Chance;
use zeroize::{Zeroize, Zeroizing};

use crate::derive::{same, token_hash};

/// A secret of 256 random bits that a browser or a link carries. The database keeps only
/// [`Token::hash`] (A28). Never printed by `Debug`, and there is no `Display`.
#[derive(Clone)]
pub struct Token([u8; Token::BYTES]);

/// A text that is not a token. Says nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token")]
pub struct TokenError;

impl Token {
    /// The length of a token, in bytes.
    pub const BYTES: usize = 32;
    /// The length of its text, in characters.
    pub const TEXT_LENGTH: usize = 43;

    /// A new random token.
    pub fn new(chance: &dyn Chance) -> Self {
        Self(chance.bytes())
    }

    /// Reads the text form: exactly 43 characters of base64url without padding, in the one
    /// spelling that [`Token::expose`] writes.
    pub fn from_text(text: &str) -> Result<Self, TokenError> {
        if text.len() != Self::TEXT_LENGTH {
            return Err(TokenError);
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError)?);
        let bytes = bytes.as_slice().try_into().map_err(|_| TokenError)?;
        Ok(Self(bytes))
    }

    /// The text for the cookie or the link. Nowhere else.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0))
    }

    /// What the database keeps: SHA-256 of the 32 bytes.
    pub fn hash(&self) -> [u8; 32] {
        token_hash(&self.0)
    }
}

/// Compares in constant time.
impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }
}

impl Eq for Token {}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
