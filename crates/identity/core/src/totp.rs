//! Codes of authenticator apps (RFC 6238): six digits of HMAC-SHA-1 every thirty seconds, because that is what
//! every app understands. SHA-1 is not weak here: nothing rests on its collisions.

use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::Timestamp;
use sha1::Sha1;

/// Length of a secret, bytes: 160 bits, the length of the hash (RFC 4226 §4, R6).
pub const SECRET_BYTES: usize = 20;
/// Digits of a code.
pub const DIGITS: u32 = 6;
/// Length of a time step, seconds.
pub const STEP_SECS: i64 = 30;
/// Steps that a clock may be off by, either way (RFC 6238 §5.2).
const DRIFT: i64 = 1;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The time step of a moment.
pub fn step(now: Timestamp) -> i64 {
    now.as_secs().div_euclid(STEP_SECS)
}

/// The last step whose code is taken at a moment, for clocks that are ahead of ours.
pub fn last_open_step(now: Timestamp) -> i64 {
    step(now).saturating_add(DRIFT)
}

/// The code of a step, leading zeros kept. Empty when more digits are asked for than 31 bits hold.
pub fn code(secret: &[u8], step: i64, digits: u32) -> String {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret) else {
        return String::new();
    };
    mac.update(&step.to_be_bytes());
    let hash: [u8; 20] = mac.finalize().into_bytes().into();
    let [.., last] = hash;
    // Dynamic truncation (RFC 4226 §5.3).
    let offset = usize::from(last & 15);
    let four = hash.get(offset..).and_then(<[u8]>::first_chunk::<4>);
    let four = four.copied().unwrap_or_default();
    let number = u32::from_be_bytes(four) & 0x7fff_ffff;
    let modulus = 10_u32.checked_pow(digits);
    let Some(number) = modulus.and_then(|modulus| number.checked_rem(modulus)) else {
        return String::new();
    };
    let width = usize::try_from(digits).unwrap_or_default();
    format!("{number:0width$}")
}

/// What a typed code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// The code of this step, which becomes the last one taken.
    Right {
        /// The step.
        step: i64,
    },
    /// The code of a step that was taken before: the next one comes within thirty seconds.
    Used,
    /// Not the code.
    Wrong,
}

/// Judges a typed code: of this step, the one before or the one after, and none twice (RFC 6238 §5.2).
pub fn judge(secret: &[u8], typed: &str, last_step: i64, now: Timestamp) -> Judged {
    let present = step(now);
    let mut judged = Judged::Wrong;
    for step in present.saturating_sub(DRIFT)..=present.saturating_add(DRIFT) {
        // All three are computed and compared whole, whatever the first ones were.
        if !same(code(secret, step, DIGITS).as_bytes(), typed.as_bytes()) {
            continue;
        }
        judged = match judged {
            Judged::Right { .. } => judged,
            _ if step > last_step => Judged::Right { step },
            _ => Judged::Used,
        };
    }
    judged
}

fn same(a: &[u8], b: &[u8]) -> bool {
    let differ = a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b));
    a.len() == b.len() && differ == 0
}

/// A secret as people type it into an app: base32, for 20 bytes 32 letters and digits without padding.
pub fn base32(secret: &[u8]) -> String {
    let mut text = String::new();
    for chunk in secret.chunks(5) {
        let mut bytes = [0; 8];
        for (to, from) in bytes.iter_mut().skip(3).zip(chunk) {
            *to = *from;
        }
        let bits = u64::from_be_bytes(bytes);
        let letters = chunk.len().saturating_mul(8).div_ceil(5);
        for shift in [35, 30, 25, 20, 15, 10, 5, 0].into_iter().take(letters) {
            let index = usize::try_from(bits >> shift & 31).unwrap_or_default();
            text.push(BASE32.get(index).copied().map_or('A', char::from));
        }
    }
    text
}

/// The address that an app reads from the QR code (Key URI Format). `issuer` is whose account it is, `label`
/// which one; both are put in percent-encoded.
pub fn uri(issuer: &str, label: &str, secret: &[u8]) -> String {
    let (issuer, label) = (percent(issuer), percent(label));
    let secret = base32(secret);
    format!("otpauth://totp/{issuer}:{label}?secret={secret}&issuer={issuer}")
}

fn percent(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes()
        .map(|b| {
            if plain(b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    /// ID-8: the vectors of RFC 6238, appendix B, and of RFC 4226, appendix D.
    #[test]
    fn the_rfc_says_the_same() {
        for (secs, expected) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(code(SECRET, step(at(secs)), 8), expected, "{secs}");
        }
        let hotp = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ];
        for (count, expected) in (0..).zip(hotp) {
            assert_eq!(code(SECRET, count, 6), expected, "{count}");
        }
    }

    /// ID-8: one step either way, none further, none twice.
    #[test]
    fn a_step_either_way_and_none_twice() {
        let now = at(1_234_567_890);
        let present = step(now);
        for off in -3..=3 {
            let typed = code(SECRET, present + off, 6);
            let expected = if (-1..=1).contains(&off) {
                Judged::Right {
                    step: present + off,
                }
            } else {
                Judged::Wrong
            };
            assert_eq!(judge(SECRET, &typed, 0, now), expected, "{off}");
        }
        let typed = code(SECRET, present, 6);
        assert_eq!(judge(SECRET, &typed, present, now), Judged::Used);
        assert_eq!(judge(SECRET, &typed, present + 1, now), Judged::Used);
        let earlier = code(SECRET, present - 1, 6);
        assert_eq!(judge(SECRET, &earlier, present, now), Judged::Used);
        for typed in ["", "1", "0000000", "755224x"] {
            assert_eq!(judge(SECRET, typed, 0, now), Judged::Wrong);
        }
    }

    /// RFC 4648 §10, without its padding.
    #[test]
    fn base32_is_that_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
        assert_eq!(base32(&[0; SECRET_BYTES]).len(), 32);
    }

    #[test]
    fn the_address_is_escaped() {
        assert_eq!(
            uri("Кабинет", "+7 ••1", b"fooba"),
            "otpauth://totp/%D0%9A%D0%B0%D0%B1%D0%B8%D0%BD%D0%B5%D1%82:%2B7%20%E2%80%A2%E2%80%A21\
             ?secret=MZXW6YTB&issuer=%D0%9A%D0%B0%D0%B1%D0%B8%D0%BD%D0%B5%D1%82"
        );
    }

    proptest! {
        /// However codes come, each step is taken at most once and steps only grow.
        #[test]
        fn steps_only_grow(tries in prop::collection::vec((0_i64..600, -2_i64..=2), 1..60)) {
            let (mut last, mut now, mut taken) = (0, 1_700_000_000, Vec::new());
            for (pause, off) in tries {
                now += pause / 10;
                let typed = code(SECRET, step(at(now)) + off, 6);
                if let Judged::Right { step } = judge(SECRET, &typed, last, at(now)) {
                    prop_assert!(step > last);
                    last = step;
                    taken.push(step);
                }
            }
            let count = taken.len();
            taken.dedup();
            prop_assert_eq!(taken.len(), count);
        }
    }
}
