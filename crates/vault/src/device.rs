//! Public keys that browsers made (WebCrypto, ECDSA P-256), and signatures by their private halves, which no
//! script can read out (ID-3).

use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

/// An uncompressed point: `04`, x, y (SEC 1, 2.3.3), as WebCrypto exports it "raw".
pub const DEVICE_KEY_BYTES: usize = 65;
/// r and s (IEEE P1363), as WebCrypto signs.
pub const DEVICE_SIGNATURE_BYTES: usize = 64;

/// Whether `signature` is the device key's over `message` (ECDSA P-256 with SHA-256). A point that is not on the
/// curve signs nothing.
pub fn device_signed(public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public_key)
        .verify(message, signature)
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        hex::decode(text).unwrap()
    }

    /// RFC 6979, appendix A.2.5: P-256, SHA-256, messages "sample" and "test".
    #[test]
    fn signatures_of_rfc_6979_are_right() {
        let key = bytes(concat!(
            "04",
            "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
            "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
        ));
        let sample = bytes(concat!(
            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
            "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
        ));
        let test = bytes(concat!(
            "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
            "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"
        ));
        assert!(device_signed(&key, b"sample", &sample));
        assert!(device_signed(&key, b"test", &test));
        assert!(!device_signed(&key, b"test", &sample));
        assert!(!device_signed(&key, b"sample", &sample[..63]));
        for place in [0, 1, 33, 64] {
            let mut other = key.clone();
            other[place] ^= 1;
            assert!(!device_signed(&other, b"sample", &sample), "{place}");
        }
        assert!(!device_signed(&[], b"sample", &sample));
    }
}
