//! How a text is cut into short messages.
//!
//! 3GPP TS 23.038 and 23.040: one message carries 160 characters of the GSM
//! alphabet or 70 UTF-16 units; a part of a longer one loses 6 octets to the
//! header that says where it belongs, and carries 153 or 67.

/// The alphabet a text travels in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// The GSM 7-bit default alphabet, one septet in each octet (the message
    /// centre packs them).
    Gsm7,
    /// UTF-16, big-endian: everything the other cannot say, so all Russian.
    Ucs2,
}

/// A text cut into parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The alphabet of all parts.
    pub coding: Coding,
    /// The octets of each part, without the concatenation header.
    pub parts: Vec<Vec<u8>>,
}

/// More parts than this are refused: nobody pays for a novel by SMS.
pub const MAX_PARTS: usize = 8;

const GSM_BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Behind the escape 0x1B.
const GSM_EXTENDED: [(char, u8); 9] = [
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2F),
    ('[', 0x3C),
    ('~', 0x3D),
    (']', 0x3E),
    ('|', 0x40),
    ('€', 0x65),
];
const ESCAPE: u8 = 0x1B;

/// One character in the GSM alphabet: one octet, or the escape and one.
fn gsm(character: char) -> Option<Vec<u8>> {
    if character == '\u{1b}' {
        return None;
    }
    if let Some(at) = GSM_BASIC.chars().position(|c| c == character) {
        return u8::try_from(at).ok().map(|octet| vec![octet]);
    }
    GSM_EXTENDED
        .iter()
        .find(|(c, _)| *c == character)
        .map(|(_, octet)| vec![ESCAPE, *octet])
}

fn utf16(character: char) -> Vec<u8> {
    let mut units = [0; 2];
    character
        .encode_utf16(&mut units)
        .iter()
        .flat_map(|unit| unit.to_be_bytes())
        .collect()
}

/// Cuts a text into parts, never inside a character. An empty text is one
/// empty part.
pub fn split(text: &str) -> Parts {
    let as_gsm: Option<Vec<Vec<u8>>> = text.chars().map(gsm).collect();
    let (coding, characters, alone, joined) = match as_gsm {
        Some(characters) => (Coding::Gsm7, characters, 160, 153),
        None => (Coding::Ucs2, text.chars().map(utf16).collect(), 140, 134),
    };
    let total: usize = characters.iter().map(Vec::len).sum();
    if total <= alone {
        return Parts {
            coding,
            parts: vec![characters.concat()],
        };
    }
    let mut parts = Vec::new();
    let mut part = Vec::with_capacity(joined);
    for character in characters {
        if part.len().saturating_add(character.len()) > joined {
            parts.push(std::mem::take(&mut part));
        }
        part.extend(character);
    }
    parts.push(part);
    Parts { coding, parts }
}

/// How many short messages a text costs.
pub fn parts(text: &str) -> usize {
    split(text).parts.len()
}

/// The concatenation header (3GPP TS 23.040 §9.2.3.24.1) of part `number` of
/// `total`, both from 1; `reference` is the same in all parts of one message.
pub fn header(reference: u8, total: u8, number: u8) -> [u8; 6] {
    [5, 0, 3, reference, total, number]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn join(cut: &Parts) -> String {
        let octets = cut.parts.concat();
        match cut.coding {
            Coding::Ucs2 => String::from_utf16(
                &octets
                    .chunks(2)
                    .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                    .collect::<Vec<_>>(),
            )
            .unwrap(),
            Coding::Gsm7 => {
                let basic: Vec<char> = GSM_BASIC.chars().collect();
                let mut text = String::new();
                let mut octets = octets.into_iter();
                while let Some(octet) = octets.next() {
                    text.push(if octet == ESCAPE {
                        let next = octets.next().unwrap();
                        GSM_EXTENDED.iter().find(|(_, o)| *o == next).unwrap().0
                    } else {
                        basic[usize::from(octet)]
                    });
                }
                text
            }
        }
    }

    #[test]
    fn the_alphabet_has_its_places() {
        assert_eq!(GSM_BASIC.chars().count(), 128);
        for (character, place) in [('@', 0), ('\n', 10), (' ', 0x20), ('A', 0x41), ('à', 0x7F)] {
            assert_eq!(gsm(character), Some(vec![place]), "{character:?}");
        }
        assert_eq!(gsm('Я'), None);
        assert_eq!(gsm('\u{1b}'), None);
    }

    #[test]
    fn limits_are_the_standard_ones() {
        for (text, count) in [
            ("", 1),
            (&"a".repeat(160), 1),
            (&"a".repeat(161), 2),
            (&"a".repeat(306), 2),
            (&"a".repeat(307), 3),
            (&"€".repeat(80), 1),
            (&"€".repeat(81), 2),
            (&"я".repeat(70), 1),
            (&"я".repeat(71), 2),
            (&"я".repeat(134), 2),
            (&"я".repeat(135), 3),
        ] {
            assert_eq!(parts(text), count, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_cut(text in "[a-zа-я€😀 ]{0,400}") {
            let cut = split(&text);
            prop_assert_eq!(join(&cut), text);
            let most = if cut.parts.len() == 1 { 160 } else { 153 };
            for part in &cut.parts {
                prop_assert!(part.len() <= most);
                if cut.coding == Coding::Ucs2 {
                    // Each part is whole characters by itself.
                    let units: Vec<u16> = part.chunks(2).map(|p| u16::from_be_bytes([p[0], p[1]])).collect();
                    prop_assert!(String::from_utf16(&units).is_ok());
                } else {
                    prop_assert_ne!(part.last(), Some(&ESCAPE));
                }
            }
        }
    }
}
