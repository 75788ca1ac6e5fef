//! The passcode (ID-3): exactly four digits. It is worth something only together with a device's key or a fresh
//! code, and with five tries; the ones people choose first are refused all the same, for five tries at a common
//! one are not few (Bonneau et al., "A birthday present every eleven wallets", 2012).

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::own::Own;

/// Tries before it is gone and must be set anew (ID-3, A27). Fixed.
pub const TRIES: u32 = 5;
/// How many of the 10 000 are refused to everybody: 9.4 %. Beside them, the end of one's phone and one's dates.
pub const COMMON: usize = 939;

/// Why a passcode is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum PasscodeError {
    /// Not exactly four digits.
    #[error("not four digits")]
    NotFour,
    /// One of those tried first.
    #[error("too common")]
    Common,
    /// The end of the person's phone, or a date of theirs.
    #[error("made of what is known of the person")]
    Own,
}

/// Four digits. Wiped when dropped, never printed.
pub struct Passcode(Zeroizing<String>);

impl std::fmt::Debug for Passcode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passcode(…)")
    }
}

impl Passcode {
    /// As typed, to be compared with the one that was set. Spaces around and between are nothing.
    pub fn typed(text: &str) -> Result<Self, PasscodeError> {
        if text.len() > 64 {
            return Err(PasscodeError::NotFour);
        }
        let digits: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).collect());
        let is_four = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit());
        if is_four {
            Ok(Self(digits))
        } else {
            Err(PasscodeError::NotFour)
        }
    }

    /// One that is to be set, judged for its owner.
    pub fn chosen(text: &str, own: &Own) -> Result<Self, PasscodeError> {
        let passcode = Self::typed(text)?;
        if own.is_four(&passcode.0) {
            Err(PasscodeError::Own)
        } else if is_common(&passcode.0) {
            Err(PasscodeError::Common)
        } else {
            Ok(passcode)
        }
    }

    /// The bytes to hash.
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Lines, corners and crosses of a telephone's keys, and others that leaks show often.
const FAMOUS: &str = "1470 2580 3690 0741 0852 0963 7410 1475 3695 1593 3571 1590 3570 9510 7530 1379 9731 1397 \
    7931 3179 9713 7139 3971 1236 3214 7896 9874 1478 3698 7412 9632 1254 2365 4785 5896 4587 1452 2563 7845 8956 \
    5150 4128 1701 1066 1024 1369 2469 4417 5683 1492 1776 1812 7894 4561 1597 7531 9512 7535 2468 8642 1357 0420 \
    1357 9753 1248 3141 2718 5683 0007 0911 9110 1488 1703 1905 4815 1123 2358 1004";

/// Whether four digits are among those tried first: at most two different ones, a run by ones or twos, a year of
/// this century or the last, or a famous one.
fn is_common(digits: &str) -> bool {
    let mut different: Vec<u8> = digits.bytes().collect();
    different.sort_unstable();
    different.dedup();
    different.len() <= 2
        || is_run(digits.as_bytes())
        || digits.starts_with("19")
        || digits.starts_with("20")
        || FAMOUS.split_whitespace().any(|famous| famous == digits)
}

/// Steps of one or two up or down, around the end too: 7890, 8642, 9135 is none.
fn is_run(digits: &[u8]) -> bool {
    [1, 2, 8, 9].into_iter().any(|step| {
        digits.windows(2).all(|pair| match pair {
            [a, b] => (a.wrapping_sub(b'0').wrapping_add(step)) % 10 == b.wrapping_sub(b'0'),
            _ => false,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::own::tests::anna;

    /// ID-3: common ones are refused, and how many that is.
    #[test]
    fn a_tenth_is_refused() {
        let refused = (0..10_000)
            .filter(|n| {
                let judged = Passcode::chosen(&format!("{n:04}"), &Own::default());
                judged.err() == Some(PasscodeError::Common)
            })
            .count();
        assert_eq!(refused, COMMON);
    }

    /// The twenty most frequent of the published counts (`DataGenetics`, 2012) are all refused.
    #[test]
    fn the_most_frequent_are_refused() {
        for digits in [
            "1234", "1111", "0000", "1212", "7777", "1004", "2000", "4444", "2222", "6969", "9999",
            "3333", "5555", "6666", "1122", "1313", "8888", "4321", "2001", "1010",
        ] {
            assert!(
                Passcode::chosen(digits, &Own::default()).is_err(),
                "{digits}"
            );
        }
        for digits in [
            "7890", "0987", "8642", "1987", "2031", "2580", "1379", "3579",
        ] {
            assert_eq!(
                Passcode::chosen(digits, &Own::default()).err(),
                Some(PasscodeError::Common),
                "{digits}"
            );
        }
        for digits in ["8305", "4072", "6194"] {
            assert!(
                Passcode::chosen(digits, &Own::default()).is_ok(),
                "{digits}"
            );
        }
    }

    #[test]
    fn exactly_four_digits() {
        for text in [
            "",
            "123",
            "12345",
            "12a4",
            "１２３４",
            "-123",
            "8305\u{200b}",
        ] {
            assert_eq!(
                Passcode::typed(text).err(),
                Some(PasscodeError::NotFour),
                "{text:?}"
            );
        }
        assert_eq!(Passcode::typed(" 83 05 ").unwrap().expose(), b"8305");
        assert_eq!(format!("{:?}", Passcode::typed("8305")), "Ok(Passcode(…))");
    }

    #[test]
    fn ones_own_is_refused() {
        for digits in ["4417", "2304", "0423", "1987"] {
            assert_eq!(
                Passcode::chosen(digits, &anna()).err(),
                Some(PasscodeError::Own),
                "{digits}"
            );
        }
    }
}
