//! Words that may not stand in code, and the size of files.

use super::Finding;
use super::rust::{is_test_file, line_of, split, without_tests};
use crate::tree::Tree;

const EVERYWHERE: [(&str, &str); 5] = [
    ("todo!(", "finish it, or return an error"),
    ("unimplemented!(", "finish it, or return an error"),
    ("dbg!(", "remove it"),
    ("allow(", "use #[expect(lint, reason = \"…\")]"),
    (
        "#[ignore",
        "a test that does not run is no test; a slow one is #[ignore = \"slow…\"] and runs in the whole run",
    ),
];

const PRODUCT: [(&str, &str); 4] = [
    (".unwrap()", "return an error"),
    (".expect(", "return an error"),
    (".unwrap_err()", "return an error"),
    ("panic!(", "return an error"),
];

const LINES: usize = 600;
const ENDINGS: [&str; 6] = ["rs", "css", "js", "html", "sql", "ftl"];

/// Unfinished code, silenced lints, panics in the product.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_ending("rs") {
        let (code, _) = split(text);
        for (word, instead) in EVERYWHERE {
            find(path, &code, word, instead, &mut findings);
        }
        findings.retain(|finding| !is_slow(finding, path, text));
        if !is_test_file(path) {
            let code = without_tests(&code);
            for (word, instead) in PRODUCT {
                find(path, &code, word, instead, &mut findings);
            }
        }
    }
    findings
}

/// `#[ignore = "slow…"]`: left out of quick runs, run by `cargo xtask test`.
fn is_slow(finding: &Finding, path: &str, text: &str) -> bool {
    let line = finding.line.and_then(|line| text.lines().nth(line - 1));
    finding.path == path && line.is_some_and(|line| line.contains("#[ignore = \"slow"))
}

fn find(path: &str, code: &str, word: &str, instead: &str, findings: &mut Vec<Finding>) {
    for (at, _) in code.match_indices(word) {
        // `#[allow(` and `#![allow(` in all their spellings, not a function of that name.
        let before = code[..at].trim_end();
        if word == "allow(" && (!before.ends_with(['[', ',']) || is_shared(path)) {
            continue;
        }
        let line = line_of(code, at);
        findings.push(Finding::line(path, line, format!("`{word}`: {instead}")));
    }
}

/// A module of `tests` is compiled into every test program of a crate, each of which uses its own
/// part: what is dead code in one is used in another, so no expectation can hold.
fn is_shared(path: &str) -> bool {
    path.contains("/tests/") && path.ends_with("/mod.rs")
}

/// A file past 600 lines is often two things in one.
pub fn sizes(tree: &Tree) -> Vec<Finding> {
    let kinds = ENDINGS.iter().flat_map(|ending| tree.with_ending(ending));
    kinds
        .filter_map(|(path, text)| {
            let lines = text.lines().count();
            (lines > LINES).then(|| Finding::file(path, format!("{lines} lines, at most {LINES}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(path: &str, text: &str) -> Vec<String> {
        let found = check(&Tree::of(&[(path, text)]));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_clean_file_passes() {
        let text = "// todo!() in a comment\nfn f() -> Option<u8> { allow(1); Some(\"x.unwrap()\".len() as u8) }\n\
            #[cfg(test)]\nmod tests { fn t() { f().unwrap(); } }";
        assert!(words("crates/db/src/lib.rs", text).is_empty());
        assert!(words("crates/testkit/src/lib.rs", "fn f() { x.expect(1); }").is_empty());
        assert!(words("tests/tests/x.rs", "#[ignore = \"slow: 200 MB\"] fn f() {}").is_empty());
    }

    #[test]
    fn each_word_is_found_with_its_line() {
        let breaches = [
            "\nfn f() { todo!() }",
            "\nfn f() { unimplemented!() }",
            "\nfn f() { dbg!(1); }",
            "\n#[allow(dead_code)] fn f() {}",
            "\n#![allow(dead_code)]",
            "\n#[cfg_attr(test, allow(dead_code))]",
            "\n#[ignore] fn f() {}",
            "\n#[ignore = \"later\"] fn f() {}",
            "\nfn f() { x.unwrap(); }",
            "\nfn f() { x.expect(\"y\"); }",
            "\nfn f() { panic!() }",
        ];
        for breach in breaches {
            let found = words("crates/db/src/lib.rs", breach);
            assert_eq!(found.len(), 1, "{breach}");
            assert!(
                found[0].starts_with("crates/db/src/lib.rs:2: "),
                "{}",
                found[0]
            );
        }
    }

    #[test]
    fn long_files_are_found() {
        let (long, short) = ("x\n".repeat(LINES + 1), "x\n".repeat(LINES));
        let tree = Tree::of(&[("a.rs", &long), ("b.css", &short), ("c.md", &long)]);
        let found = sizes(&tree);
        assert_eq!(found, [Finding::file("a.rs", "601 lines, at most 600")]);
    }
}
