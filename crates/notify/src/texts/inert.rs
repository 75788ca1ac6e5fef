//! Text from outside that cannot do anything inside a message (A33).

/// At most `most` characters of a text, on one line, without control,
/// direction and invisible characters, and without anything a phone would make
/// a link of.
///
/// A dot or a colon between letters makes links («evil.example» in a device
/// name), so a space goes after it; that also takes `://` apart.
pub fn inert(text: &str, most: usize) -> String {
    let mut cleaned = String::with_capacity(text.len().min(most.saturating_mul(4)));
    let mut before: Option<char> = None;
    for character in text.chars() {
        let character = match character {
            c if is_invisible(c) => continue,
            c if c.is_control() || c.is_whitespace() => ' ',
            c => c,
        };
        if character == ' ' && matches!(before, None | Some(' ')) {
            continue;
        }
        if matches!(before, Some('.' | ':')) && character.is_alphabetic()
            || before == Some(':') && character == '/'
        {
            cleaned.push(' ');
        }
        cleaned.push(character);
        before = Some(character);
    }
    let kept: String = cleaned.chars().take(most).collect();
    kept.trim_end().to_owned()
}

/// Direction marks and overrides, zero-width characters, byte order marks,
/// soft hyphens, variation selectors, tags: not seen, or changing what is.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A33: what people supply is shown and does nothing.
    #[test]
    fn a33_nothing_survives_that_acts() {
        for (from, to) in [
            ("Chrome, Android", "Chrome, Android"),
            ("  много \t\r\n пробелов  ", "много пробелов"),
            ("x\n@evil.example #000000", "x @evil. example #000000"),
            ("\u{202e}txet", "txet"),
            ("a\u{200b}b\u{feff}c", "abc"),
            ("https://evil.example/a", "https: //evil. example/a"),
            ("Firefox 128.0.1", "Firefox 128.0.1"),
            ("\0\u{1b}[31m", "[31m"),
        ] {
            assert_eq!(inert(from, 100), to, "{from:?}");
        }
        assert_eq!(inert("абвгд", 3), "абв");
    }

    proptest! {
        #[test]
        fn one_visible_line(text: String, most in 0usize..50) {
            let cleaned = inert(&text, most);
            prop_assert!(cleaned.chars().count() <= most);
            prop_assert!(!cleaned.chars().any(|c| c.is_control() || is_invisible(c)));
            prop_assert!(!cleaned.contains("://"));
        }
    }
}
