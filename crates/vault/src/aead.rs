//! The one way things are sealed: AES-256-GCM-SIV (RFC 8452).
//!
//! GCM-SIV because a repeated nonce (a cloned machine, a weak source) then shows only that two
//! equal plaintexts are equal, where plain GCM would give the key away.
//!
//! ```text
//! byte  0      version, 1
//! bytes 1..5   id of the key
//! bytes 5..17  nonce, random
//! bytes 17..   ciphertext, then 16 bytes of tag
//! ```

use aes_gcm_siv::aead::{AeadInOut, KeyInit};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use kernel::Chance;

use crate::derive::length;
use crate::{KeyId, Opened, VaultError};

/// The version byte every sealed value and wrapped key begins with.
pub(crate) const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// By how many bytes a sealed value is longer than what is in it.
pub const SEAL_OVERHEAD: usize = 1 + KeyId::BYTES + NONCE_BYTES + TAG_BYTES;

/// What a value is sealed for; it opens for nothing else.
pub(crate) struct Bound<'a> {
    /// What the value is, for example `profile.name`.
    pub purpose: &'a str,
    /// Whose it is: the 16 bytes of an account id, or empty for the system.
    pub subject: &'a [u8],
}

impl Bound<'_> {
    fn associated(&self, id: KeyId) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(b"kabinet seal");
        bytes.push(VERSION);
        bytes.extend_from_slice(id.as_bytes());
        for part in [self.purpose.as_bytes(), self.subject] {
            bytes.extend_from_slice(&length(part));
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// Seals `plain` under `key`.
pub(crate) fn seal(
    key: &[u8; 32],
    id: KeyId,
    bound: &Bound<'_>,
    plain: &[u8],
    chance: &dyn Chance,
) -> Vec<u8> {
    let mut nonce = [0; NONCE_BYTES];
    chance.fill(&mut nonce);
    let mut body = Vec::with_capacity(plain.len().saturating_add(TAG_BYTES));
    body.extend_from_slice(plain);
    if encrypt(key, &nonce, &bound.associated(id), &mut body).is_err() {
        unreachable!("AES-GCM-SIV takes up to 64 GiB, which no buffer of ours reaches");
    }
    let mut sealed = Vec::with_capacity(plain.len().saturating_add(SEAL_OVERHEAD));
    sealed.push(VERSION);
    sealed.extend_from_slice(id.as_bytes());
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&body);
    sealed
}

/// The id of the key a sealed value names.
pub(crate) fn key_of(sealed: &[u8]) -> Result<KeyId, VaultError> {
    split(sealed).map(|(id, _, _)| id)
}

/// Opens what [`seal`] made, or refuses.
pub(crate) fn open(
    key: &[u8; 32],
    id: KeyId,
    bound: &Bound<'_>,
    sealed: &[u8],
) -> Result<Opened, VaultError> {
    let (named, nonce, body) = split(sealed)?;
    if named != id {
        return Err(VaultError::UnknownKey(named));
    }
    let mut body = body.to_vec();
    decrypt(key, nonce, &bound.associated(id), &mut body).map_err(|_| VaultError::Refused)?;
    Ok(Opened::new(body))
}

fn split(sealed: &[u8]) -> Result<(KeyId, &[u8; NONCE_BYTES], &[u8]), VaultError> {
    let (version, rest) = sealed.split_first().ok_or(VaultError::Malformed)?;
    if *version != VERSION {
        return Err(VaultError::Malformed);
    }
    let (id, rest) = rest.split_first_chunk().ok_or(VaultError::Malformed)?;
    let (nonce, body) = rest.split_first_chunk().ok_or(VaultError::Malformed)?;
    if body.len() < TAG_BYTES {
        return Err(VaultError::Malformed);
    }
    Ok((KeyId::from_bytes(*id), nonce, body))
}

fn encrypt(
    key: &[u8; 32],
    nonce: &[u8; NONCE_BYTES],
    associated: &[u8],
    buffer: &mut Vec<u8>,
) -> Result<(), aes_gcm_siv::aead::Error> {
    Aes256GcmSiv::new(key.into()).encrypt_in_place(&Nonce::from(*nonce), associated, buffer)
}

fn decrypt(
    key: &[u8; 32],
    nonce: &[u8; NONCE_BYTES],
    associated: &[u8],
    buffer: &mut Vec<u8>,
) -> Result<(), aes_gcm_siv::aead::Error> {
    Aes256GcmSiv::new(key.into()).decrypt_in_place(&Nonce::from(*nonce), associated, buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8452, appendix C.2: with and without associated data.
    #[test]
    fn aes_256_gcm_siv_gives_the_answers_of_rfc_8452() {
        let mut key = [0; 32];
        key[0] = 1;
        let mut nonce = [0; NONCE_BYTES];
        nonce[0] = 3;
        let cases = [
            ("", "", "07f5f4169bbf55a8400cd47ea6fd400f"),
            (
                "",
                "0100000000000000",
                "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28",
            ),
            (
                "01",
                "0200000000000000",
                "1de22967237a813291213f267e3b452f02d01ae33e4ec854",
            ),
        ];
        for (associated, plain, sealed) in cases {
            let associated = hex::decode(associated).unwrap();
            let mut buffer = hex::decode(plain).unwrap();
            encrypt(&key, &nonce, &associated, &mut buffer).unwrap();
            assert_eq!(hex::encode(&buffer), sealed);
            decrypt(&key, &nonce, &associated, &mut buffer).unwrap();
            assert_eq!(hex::encode(&buffer), plain);
        }
    }
}
