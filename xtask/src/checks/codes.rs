//! Codes of errors: written as `docs/ERRORS.md` says, and listed there once.

use std::collections::BTreeMap;

use super::Finding;
use super::rust::{is_test_file, line_of, split, without_tests};
use crate::tree::Tree;

const LIST: &str = "docs/ERRORS.md";
const SOURCE: &str = "crates/identity/web/src/api/problems.rs";
/// Where the codes of whole problems begin in the source, and those of single fields.
const STARTS: [(&str, &str); 2] = [("codes! {", "}"), ("FIELD_CODES", "];")];
/// Where the same begin in the document.
const TABLE: &str = "## Codes of the API";
const FIELDS: &str = "Codes of one field";

/// The codes of the API and those of the log.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = of_the_log(tree);
    let (Some(source), Some(list)) = (tree.get(SOURCE), tree.get(LIST)) else {
        findings.push(Finding::file(LIST, format!("or {SOURCE} is missing")));
        return findings;
    };
    let listed = [table(list), fields(list)];
    for ((start, end), listed) in STARTS.iter().zip(listed) {
        let made = made(source, start, end);
        if made.is_empty() || listed.is_empty() {
            findings.push(Finding::file(
                SOURCE,
                format!("no codes are found at «{start}»"),
            ));
        }
        for (line, code) in &made {
            if !is_api_code(code) {
                findings.push(Finding::line(
                    SOURCE,
                    *line,
                    format!("«{code}» is not snake case"),
                ));
            }
            if made.iter().filter(|(_, other)| other == code).count() > 1 {
                findings.push(Finding::line(
                    SOURCE,
                    *line,
                    format!("«{code}» stands twice"),
                ));
            }
            if !listed.contains_key(code) {
                findings.push(Finding::line(
                    SOURCE,
                    *line,
                    format!("«{code}» is not in {LIST}"),
                ));
            }
        }
        for (code, lines) in &listed {
            if lines.len() > 1 {
                findings.push(Finding::line(
                    LIST,
                    lines[1],
                    format!("«{code}» is listed twice"),
                ));
            }
            if !made.iter().any(|(_, other)| other == code) {
                findings.push(Finding::line(
                    LIST,
                    lines[0],
                    format!("«{code}» is no code"),
                ));
            }
        }
    }
    findings
}

/// Words of small letters and digits, joined by underscores.
fn is_api_code(code: &str) -> bool {
    code.starts_with(|c: char| c.is_ascii_lowercase())
        && code.split('_').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

/// The same, perhaps behind the names of crate and part, divided by dots.
fn is_log_code(code: &str) -> bool {
    code.split('.').all(is_api_code)
}

/// What functions called `code` answer: names for logs, metrics and rows.
fn of_the_log(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree
        .with_ending("rs")
        .filter(|(path, _)| !is_test_file(path))
    {
        let (code, literals) = split(text);
        let code = without_tests(&code);
        for (at, _) in code.match_indices("fn code(") {
            let head = code[at..].split('{').next().unwrap_or_default();
            if !head.contains("&'static str") {
                continue;
            }
            let end = code[at..]
                .find("\n    }")
                .map_or(code.len(), |end| at + end);
            let (from, to) = (line_of(text, at), line_of(text, end));
            let inside = literals
                .iter()
                .filter(|one| (from..=to).contains(&one.line));
            for literal in inside.filter(|one| !is_log_code(one.text)) {
                let what = format!("«{}» is not a code like vault.not_text", literal.text);
                findings.push(Finding::line(path, literal.line, what));
            }
        }
    }
    findings
}

/// The codes in the source between two words: the first string of each line.
fn made<'a>(source: &'a str, start: &str, end: &str) -> Vec<(usize, &'a str)> {
    let Some(from) = source.find(start) else {
        return Vec::new();
    };
    let to = source[from..]
        .find(&format!("\n{end}"))
        .map_or(source.len(), |to| from + to);
    let (from, to) = (line_of(source, from), line_of(source, to));
    let (_, literals) = split(source);
    let mut made: Vec<(usize, &str)> = Vec::new();
    for literal in literals {
        let is_first = made.last().is_none_or(|(line, _)| *line != literal.line);
        if (from..=to).contains(&literal.line) && is_first {
            made.push((literal.line, literal.text));
        }
    }
    made
}

type Listed<'a> = BTreeMap<&'a str, Vec<usize>>;

/// The first column of the table.
fn table(list: &str) -> Listed<'_> {
    let mut listed = Listed::new();
    let lines = list.lines().zip(1..).skip_while(|(line, _)| *line != TABLE);
    for (line, number) in lines
        .skip(1)
        .take_while(|(line, _)| !line.starts_with("## "))
    {
        if let Some(code) = line
            .strip_prefix("| `")
            .and_then(|rest| rest.split('`').next())
        {
            listed.entry(code).or_default().push(number);
        }
    }
    listed
}

/// What stands between backquotes after the colon.
fn fields(list: &str) -> Listed<'_> {
    let mut listed = Listed::new();
    for (line, number) in list
        .lines()
        .zip(1..)
        .filter(|(line, _)| line.starts_with(FIELDS))
    {
        let codes = line.split_once(": ").map_or("", |(_, codes)| codes);
        for code in codes.split('`').skip(1).step_by(2) {
            listed.entry(code).or_default().push(number);
        }
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "codes! {\n    A = \"bad_request\" BAD \"It is bad\";\n}\npub const FIELD_CODES: &[&str] = &[\n    \"name_empty\",\n];\n";
    const DOC: &str = "## Codes of the API\n| code | status |\n|---|---|\n| `bad_request` | 400 |\n\nCodes of one field, in `errors[].code`: `name_empty`.\n";

    fn found(source: &str, list: &str) -> Vec<String> {
        let tree = Tree::of(&[(SOURCE, source), (LIST, list)]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_list_is_the_other() {
        assert_eq!(found(GOOD, DOC), Vec::<String>::new());
    }

    #[test]
    fn each_breach_is_named() {
        let dotted = found(
            &GOOD.replace("bad_request", "bad.request"),
            &DOC.replace("bad_request", "bad.request"),
        );
        assert!(
            dotted[0].contains("«bad.request» is not snake case"),
            "{dotted:?}"
        );
        let unlisted = found(&GOOD.replace("name_empty", "name_new"), DOC);
        assert!(unlisted[0].contains("«name_new» is not in"), "{unlisted:?}");
        assert!(
            unlisted[1].contains("«name_empty» is no code"),
            "{unlisted:?}"
        );
        let twice = found(
            GOOD,
            &DOC.replace(
                "| `bad_request` | 400 |",
                "| `bad_request` | 400 |\n| `bad_request` | 400 |",
            ),
        );
        assert!(twice[0].contains("listed twice"), "{twice:?}");
        let twice = found(
            &GOOD.replace(
                "    \"name_empty\",",
                "    \"name_empty\",\n    \"name_empty\",",
            ),
            DOC,
        );
        assert!(twice[0].contains("stands twice"), "{twice:?}");
        assert!(!found("", DOC).is_empty() && !found(GOOD, "").is_empty());
    }

    #[test]
    fn a_code_of_the_log_may_have_parts() {
        let file = |code| {
            let text = format!(
                "impl E {{\n    pub fn code(&self) -> &'static str {{\n        match self {{ E::A => \"{code}\" }}\n    }}\n}}"
            );
            of_the_log(&Tree::of(&[("crates/x/src/error.rs", &text)])).len()
        };
        assert_eq!(
            ["vault.not_text", "busy", "audit.seal.went_back"].map(file),
            [0; 3]
        );
        assert_eq!(["Vault.x", "a..b", "not text", "a_", "7"].map(file), [1; 5]);
    }
}
