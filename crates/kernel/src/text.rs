//! Classes of characters shared by the readers of typed text, and free lines.

/// A free line of text as typed (an address, a place): spaces made single, ends trimmed. `None` when nothing is
/// left, when it is longer than `chars_max`, or when it holds control, direction or invisible characters, which
/// have no place in a line (A33).
pub fn line(typed: &str, chars_max: usize) -> Option<String> {
    let hidden = |c: char| is_invisible(c) || (c.is_control() && !is_space(c));
    if typed.chars().any(hidden) {
        return None;
    }
    let words: Vec<&str> = typed
        .split(is_space)
        .filter(|word| !word.is_empty())
        .collect();
    let line = words.join(" ");
    (!line.is_empty() && line.chars().count() <= chars_max).then_some(line)
}

/// An ASCII or fullwidth digit (U+FF10 to U+FF19) as ASCII.
pub(crate) fn ascii_digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '\u{FF10}'..='\u{FF19}' => char::from_digit(u32::from(c).checked_sub(0xFF10)?, 10),
        _ => None,
    }
}

/// A space of any width, tab and line ends included; no other control.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || (c.is_whitespace() && !c.is_control())
}

/// A hyphen, a dash or a minus.
pub(crate) fn is_dash(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}'
    )
}

/// A mark that is not seen: zero width, direction, byte order, soft hyphen.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E0FFF}')
}

/// The first character and dots: how a name or a mailbox is hinted at.
pub(crate) fn first_and_dots(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.nth(1)) {
        (Some(first), Some(_)) => format!("{first}•••"),
        // One or two characters: the first would be half of it.
        _ => "•••".to_owned(),
    }
}

#[cfg(test)]
mod line_tests {
    use super::line;

    /// A33: a line keeps its words and nothing hidden.
    #[test]
    fn lines_are_plain() {
        assert_eq!(
            line("  г. Тверь,\u{a0} ул.  Примерная ", 50).unwrap(),
            "г. Тверь, ул. Примерная"
        );
        for bad in ["", "   ", "a\u{202e}b", "a\u{200b}b", "a\0b", "abcdef"] {
            assert_eq!(line(bad, 5), None, "{bad:?}");
        }
    }
}
