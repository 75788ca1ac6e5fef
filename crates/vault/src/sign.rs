//! Signatures over the heads of the audit log (Ed25519, RFC 8032).

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};

use crate::derive::length;

/// The length of a signature, in bytes.
pub const SIGNATURE_BYTES: usize = 64;

/// A signature. Public.
pub type Signature = [u8; SIGNATURE_BYTES];

/// What is signed: the purpose with its length, then the message, so that a signature for one
/// purpose proves nothing for another.
fn signed(purpose: &str, message: &[u8]) -> Vec<u8> {
    [
        b"kabinet signature v1".as_slice(),
        &length(purpose.as_bytes()),
        purpose.as_bytes(),
        message,
    ]
    .concat()
}

pub(crate) fn sign(key: &SigningKey, purpose: &str, message: &[u8]) -> Signature {
    key.sign(&signed(purpose, message)).to_bytes()
}

/// The public half of the signing key: an auditor checks the log with it and needs nothing else.
/// Text form: 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

/// Bytes or text that are not a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a public key is 32 bytes on the curve, written as 64 hexadecimal digits")]
pub struct PublicKeyError;

impl PublicKey {
    pub(crate) fn of(key: &SigningKey) -> Self {
        Self(key.verifying_key().to_bytes())
    }

    /// From 32 bytes. Refuses what is not a point of the curve.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PublicKeyError> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| PublicKeyError)?;
        VerifyingKey::from_bytes(&bytes).map_err(|_| PublicKeyError)?;
        Ok(Self(bytes))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `signature` was made over `message` for `purpose` with the private half.
    /// Signatures of other than 64 bytes are refused; so are those only weak keys have.
    pub fn verify(&self, purpose: &str, message: &[u8], signature: &[u8]) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&self.0) else {
            return false;
        };
        let Ok(signature) = ed25519_dalek::Signature::from_slice(signature) else {
            return false;
        };
        key.verify_strict(&signed(purpose, message), &signature)
            .is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        Self::from_bytes(&hex::decode(text).map_err(|_| PublicKeyError)?)
    }
}
