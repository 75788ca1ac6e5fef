//! Hashes, MACs and derived keys: the small pure functions the rest is made of.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A 32 byte key that is wiped when dropped.
pub(crate) type Key32 = Zeroizing<[u8; 32]>;

/// Derives a key for one use from a secret by HKDF-SHA256 (RFC 5869) without salt.
///
/// The secret is always 32 uniformly random bytes, so the extract step needs no salt (RFC 5869,
/// section 3.1); `label` alone tells the keys apart.
pub(crate) fn derive(secret: &[u8; 32], label: &str) -> Key32 {
    let mut key = Zeroizing::new([0; 32]);
    if hkdf(None, secret, label.as_bytes(), key.as_mut()).is_err() {
        unreachable!("HKDF-SHA256 gives up to 8160 bytes and 32 were asked for");
    }
    key
}

fn hkdf(
    salt: Option<&[u8]>,
    secret: &[u8],
    info: &[u8],
    out: &mut [u8],
) -> Result<(), hkdf::InvalidLength> {
    Hkdf::<Sha256>::new(salt, secret).expand(info, out)
}

/// HMAC-SHA256 (RFC 2104) over the parts, each prefixed by its length so that
/// `("ab", "c")` and `("a", "bc")` differ.
pub(crate) fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed(key);
    for part in parts {
        mac.update(&length(part));
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// HMAC pads a short key with zeros to the block of 64 bytes; doing it here leaves no error to
/// handle.
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0_u8; 64]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    Hmac::<Sha256>::new((&*block).into())
}

/// The length of a part as it stands before the part in everything authenticated.
pub(crate) fn length(part: &[u8]) -> [u8; 8] {
    // usize is at most 64 bits wide on every platform Rust has.
    (part.len() as u64).to_be_bytes()
}

/// SHA-256 of a random token, the only form in which tokens are stored (A28).
///
/// Only for values of at least 128 random bits: short codes go through
/// [`Vault::code_mac`](crate::Vault::code_mac).
pub fn token_hash(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Compares without telling by time where the first difference is (ASVS 11.2.4).
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        hex::decode(text).unwrap()
    }

    #[test]
    fn hmac_gives_the_answers_of_rfc_4231() {
        // Test cases 1 and 2 of section 4.
        let cases = [
            (
                bytes("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"),
                b"Hi There".to_vec(),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
        ];
        for (key, data, expected) in cases {
            let mut mac = keyed(&key);
            mac.update(&data);
            assert_eq!(hex::encode(mac.finalize().into_bytes()), expected);
        }
    }

    #[test]
    fn hkdf_gives_the_answers_of_rfc_5869() {
        // Test case 1 (with salt and info) and 3 (without) of appendix A.
        let mut out = [0; 42];
        hkdf(
            Some(&bytes("000102030405060708090a0b0c")),
            &[0x0b; 22],
            &bytes("f0f1f2f3f4f5f6f7f8f9"),
            &mut out,
        )
        .unwrap();
        assert_eq!(
            hex::encode(out),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
        hkdf(None, &[0x0b; 22], b"", &mut out).unwrap();
        assert_eq!(
            hex::encode(out),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
        );
    }

    #[test]
    fn sha_256_gives_the_answer_of_fips_180() {
        assert_eq!(
            hex::encode(token_hash(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn parts_do_not_run_together() {
        let key = [7; 32];
        assert_ne!(mac(&key, &[b"ab", b"c"]), mac(&key, &[b"a", b"bc"]));
        assert_ne!(mac(&key, &[b"ab"]), mac(&key, &[b"ab", b""]));
    }

    #[test]
    fn labels_make_different_keys() {
        assert_ne!(*derive(&[7; 32], "a"), *derive(&[7; 32], "b"));
    }

    #[test]
    fn comparing_sees_any_difference() {
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd"));
        assert!(!same(b"abc", b"ab"));
    }
}
