//! Just enough of Rust's grammar to tell code from comments, strings and tests.

/// A string literal of the code and the line it starts on, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub struct Literal<'a> {
    pub line: usize,
    pub text: &'a str,
}

/// The code with comments and the insides of strings blanked, line by line as before, and the
/// strings.
pub fn split(text: &str) -> (String, Vec<Literal<'_>>) {
    let mut code = String::with_capacity(text.len());
    let mut literals = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let length = comment(rest).or_else(|| {
            let (start, end, length) = string(text, at)?;
            literals.push(Literal {
                line: line_of(text, at),
                text: &text[at + start..at + end],
            });
            Some(length)
        });
        if let Some(length) = length.or_else(|| character(rest)) {
            // Byte by byte, so that a place in the code is the same place in the text.
            let blanks = rest[..length].bytes();
            code.extend(blanks.map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
            at += length;
        } else {
            let next = rest.chars().next().unwrap_or(' ');
            code.push(next);
            at += next.len_utf8();
        }
    }
    (code, literals)
}

/// The line of a byte, counted from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Blanks every item behind `#[cfg(test)]`; `code` must have come out of [`split`].
pub fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    let mut from = 0;
    while let Some(start) = out[from..].find("#[cfg(test)]").map(|at| from + at) {
        let Some(length) = item_length(&out[start..]) else {
            break;
        };
        let blank: String = out[start..start + length]
            .chars()
            .map(|c| if c == '\n' { c } else { ' ' })
            .collect();
        out.replace_range(start..start + length, &blank);
        from = start + blank.len();
    }
    out
}

/// Whether a file is compiled for tests only, by the house's naming.
pub fn is_test_file(path: &str) -> bool {
    let beside = ["tests/", "benches/", "xtask/", "crates/testkit/"];
    beside.iter().any(|folder| path.starts_with(folder))
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs")
}

fn item_length(item: &str) -> Option<usize> {
    let open = item.find(['{', ';'])?;
    if item[open..].starts_with(';') {
        return Some(open + 1);
    }
    let mut depth = 0_usize;
    for (at, c) in item[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(open + at + 1);
        }
    }
    None
}

fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if !rest.starts_with("/*") {
        return None;
    }
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    Some(rest.len())
}

/// Start and end of the inside, and the length of the whole, of a string literal at `at`.
fn string(text: &str, at: usize) -> Option<(usize, usize, usize)> {
    let rest = &text[at..];
    let before = text[..at].chars().next_back();
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let prefix = ["br", "cr", "r", "b", "c", ""]
        .into_iter()
        .find(|prefix| rest.starts_with(prefix) && rest[prefix.len()..].starts_with(['"', '#']))?;
    if in_word && !prefix.is_empty() {
        return None;
    }
    let after = &rest[prefix.len()..];
    if !prefix.ends_with('r') {
        return after.starts_with('"').then(|| plain(after, prefix.len()));
    }
    let hashes = after.len() - after.trim_start_matches('#').len();
    if !after[hashes..].starts_with('"') {
        return None;
    }
    let start = prefix.len() + hashes + 1;
    let close = format!("\"{}", "#".repeat(hashes));
    let inside = rest[start..].find(&close).unwrap_or(rest.len() - start);
    let end = start + inside;
    Some((start, end, (end + close.len()).min(rest.len())))
}

fn plain(after: &str, prefix: usize) -> (usize, usize, usize) {
    let mut escaped = false;
    for (at, c) in after.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return (prefix + 1, prefix + at, prefix + at + 1),
            _ => {}
        }
    }
    let end = prefix + after.len();
    (prefix + 1, end, end)
}

/// A character literal such as `'"'`, which would otherwise open a string; not a lifetime.
fn character(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    let mut chars = inside.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        let (escaped, _) = chars.next()?;
        let from = escaped + 1;
        return inside[from..].find('\'').map(|end| from + end + 2);
    }
    let (at, second) = chars.next()?;
    (second == '\'').then_some(at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_characters_are_blanked() {
        let text = "let a = \"x.unwrap()\"; // b.unwrap()\nlet c = '\"'; let d: &'a str = r#\"q\"z\"#; /* e /* f */ g */ h";
        let (code, literals) = split(text);
        assert_eq!(code.lines().count(), 2);
        assert!(!code.contains("unwrap") && !code.contains('q') && !code.contains('g'));
        assert!(code.contains("let d: &'a str =") && code.ends_with('h'));
        let texts: Vec<&str> = literals.iter().map(|literal| literal.text).collect();
        assert_eq!(texts, ["x.unwrap()", "q\"z"]);
        assert_eq!(literals[1].line, 2);
    }

    #[test]
    fn a_place_in_the_code_is_the_same_place_in_the_text() {
        let text = "let a = \"Анна\"; // комментарий\nlet b = 'б'; seen(\"b\")";
        let (code, _) = split(text);
        assert_eq!(code.len(), text.len());
        assert_eq!(code.find("seen("), text.find("seen("));
    }

    #[test]
    fn tests_are_blanked_and_lines_kept() {
        let code =
            "a();\n#[cfg(test)]\nmod tests {\n fn b() { c(); }\n}\n#[cfg(test)]\nmod more;\nd();";
        let left = without_tests(code);
        assert!(
            left.contains("a()")
                && left.contains("d()")
                && !left.contains("c()")
                && !left.contains("more")
        );
        assert_eq!(line_of(&left, left.find("d()").unwrap()), 8);
    }
}
