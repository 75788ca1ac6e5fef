//! Backup codes (ID-8): how they look and how a typed one is read.
//!
//! Fifteen signs of 32, so 75 bits (NIST SP 800-63B-4 §4.2.1.1 asks for 64), in groups of five. The alphabet has
//! no I, L, O and U, and what is typed for them is read as what was meant, on a Russian keyboard too.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Codes of one set.
pub const CODES: usize = 10;
/// Signs of a code.
pub const SIGNS: usize = 15;
const GROUP: usize = 5;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Longest text looked at, in characters.
const TYPED_MAX: usize = 64;

/// A backup code. Does not print. It is serialised for answers that are kept sealed, so that a form sent twice
/// shows the same codes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupCode(String);

impl BackupCode {
    /// From random bytes: five bits of each are taken, so that every sign is equally likely.
    pub fn from_random(bytes: [u8; SIGNS]) -> Self {
        let sign = |byte: u8| {
            let found = ALPHABET.get(usize::from(byte & 31));
            found.copied().map_or('0', char::from)
        };
        Self(bytes.into_iter().map(sign).collect())
    }

    /// Reads what was typed or pasted: case, spaces and dashes do not matter, and look-alikes are forgiven.
    pub fn parse(typed: &str) -> Option<Self> {
        let mut code = String::with_capacity(SIGNS);
        for c in typed.chars().take(TYPED_MAX.saturating_add(1)) {
            if c.is_whitespace() || is_dash(c) {
                continue;
            }
            code.push(meant(c)?);
        }
        (code.len() == SIGNS && typed.chars().count() <= TYPED_MAX).then_some(Self(code))
    }

    /// The fifteen signs, for hashing.
    pub fn plain(&self) -> &str {
        &self.0
    }

    /// As it is shown: `7F3KD-0QWXT-9M2VB`.
    pub fn grouped(&self) -> String {
        let groups: Vec<&str> = (0..SIGNS)
            .step_by(GROUP)
            .filter_map(|from| self.0.get(from..from.saturating_add(GROUP)))
            .collect();
        groups.join("-")
    }
}

impl fmt::Debug for BackupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackupCode(•••)")
    }
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '_' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// The sign that was meant: look-alikes of the Latin alphabet (Crockford) and of the Cyrillic one.
fn meant(c: char) -> Option<char> {
    let upper = c.to_uppercase().next()?;
    let meant = match upper {
        'O' | 'О' => '0',
        'I' | 'L' | 'І' => '1',
        'З' => '3',
        'А' => 'A',
        'В' => 'B',
        'Е' => 'E',
        'К' => 'K',
        'М' => 'M',
        'Н' => 'H',
        'Р' => 'P',
        'С' => 'C',
        'Т' => 'T',
        'Х' => 'X',
        other => other,
    };
    let is_sign = u8::try_from(meant).is_ok_and(|byte| ALPHABET.contains(&byte));
    is_sign.then_some(meant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// ID-8: whatever is printed is read again, in any case and with any spacing; nothing else is.
        #[test]
        fn what_is_shown_is_read(bytes in any::<[u8; SIGNS]>(), lower in any::<bool>(), gap in "[ -]{0,3}") {
            let code = BackupCode::from_random(bytes);
            let shown = code.grouped();
            prop_assert_eq!(shown.len(), 17);
            prop_assert!(!shown.contains(['I', 'L', 'O', 'U']));
            let typed = if lower { shown.to_lowercase() } else { shown };
            let typed = format!("{gap}{}", typed.replace('-', &gap));
            prop_assert_eq!(BackupCode::parse(&typed), Some(code));
        }

        #[test]
        fn any_text_is_safe(text in any::<String>()) {
            if let Some(code) = BackupCode::parse(&text) {
                prop_assert_eq!(code.plain().len(), SIGNS);
            }
        }
    }

    /// A code read out by somebody and typed on a Russian keyboard.
    #[test]
    fn look_alikes_are_forgiven() {
        let code = BackupCode::parse("01ABE-KMHPC-TX000").unwrap();
        assert_eq!(BackupCode::parse("оiаве кмнрс тхОoО"), Some(code.clone()));
        assert_eq!(BackupCode::parse("OlABE KMHPC TX000"), Some(code));
        for wrong in [
            "",
            "01ABE-KMHPC-TX00",
            "01ABE-KMHPC-TX0000",
            "01ABE-KMHPC-TX0!0",
            "01ABE-KMHPC-TX00U",
        ] {
            assert_eq!(BackupCode::parse(wrong), None, "{wrong}");
        }
        assert_eq!(BackupCode::parse(&" ".repeat(10_000)), None);
    }

    /// Every sign is equally likely and every byte gives one: 15 · 5 = 75 bits.
    #[test]
    fn signs_are_even() {
        let mut seen = std::collections::BTreeMap::new();
        for byte in 0..=255 {
            let code = BackupCode::from_random([byte; SIGNS]);
            *seen.entry(code.plain().to_owned()).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 32);
        assert!(seen.values().all(|count| *count == 8));
        assert_eq!(
            format!("{:?}", BackupCode::from_random([7; SIGNS])),
            "BackupCode(•••)"
        );
    }
}
