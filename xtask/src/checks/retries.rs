//! Every kind of job has a test that sees it fail once and be tried again.

use std::collections::BTreeSet;

use super::Finding;
use super::rust::{Literal, is_test_file, line_of, split, without_tests};
use crate::tree::Tree;

/// How a kind is declared: `const KIND: &'static str = "area.what";`.
const KIND: &str = "const KIND:";
/// The macro that declares several.
const KINDS: &str = "kinds!(";
/// What a test calls: `testkit::retried(&db, "area.what")`.
const SEEN: &str = "retried(";

/// Kinds without a call of `testkit::retried` that names them.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let seen = seen(tree);
    let mut findings = Vec::new();
    for (path, text) in tree.with_ending("rs") {
        if is_test_file(path) {
            continue;
        }
        for (line, kind) in declared(text) {
            match kind {
                None => findings.push(Finding::line(
                    path,
                    line,
                    "a kind of job is declared by its name written out, or in kinds!(…)",
                )),
                Some(kind) if !seen.contains(kind) => findings.push(Finding::line(
                    path,
                    line,
                    format!(
                        "no test sees the job «{kind}» tried again: call testkit::retried(&db, \"{kind}\")"
                    ),
                )),
                Some(_) => {}
            }
        }
    }
    findings
}

fn seen(tree: &Tree) -> BTreeSet<&str> {
    let tests = tree.with_ending("rs").filter(|(path, _)| {
        is_test_file(path) && !path.starts_with("crates/testkit/") && !path.starts_with("xtask/")
    });
    let mut seen = BTreeSet::new();
    for (_, text) in tests {
        let (code, literals) = split(text);
        for (at, _) in code.match_indices(SEEN) {
            let end = code[at..].find(')').map_or(code.len(), |end| at + end);
            seen.extend(
                within(text, &literals, at, end)
                    .into_iter()
                    .map(|(_, kind)| kind),
            );
        }
    }
    seen
}

/// The kinds a file declares, with their lines; `None` where the name is not to be seen.
fn declared(text: &str) -> Vec<(usize, Option<&str>)> {
    let (code, literals) = split(text);
    let code = without_tests(&code);
    let mut declared = Vec::new();
    for (at, _) in code.match_indices(KIND) {
        let end = code[at..].find(';').map_or(code.len(), |end| at + end);
        let line = line_of(text, at);
        let of_macro = code[at..end].contains('$') && code.contains(KINDS);
        match within(text, &literals, at, end).first() {
            Some((_, kind)) => declared.push((line, Some(*kind))),
            // The trait itself declares no value.
            None if of_macro || !code[at..end].contains('=') => {}
            None => declared.push((line, None)),
        }
    }
    for (at, _) in code.match_indices(KINDS) {
        let end = code[at..].find(')').map_or(code.len(), |end| at + end);
        let kinds = within(text, &literals, at, end);
        declared.extend(kinds.into_iter().map(|(line, kind)| (line, Some(kind))));
    }
    declared
}

/// The strings between two bytes of a file, with their lines.
fn within<'a>(
    text: &'a str,
    literals: &[Literal<'a>],
    from: usize,
    to: usize,
) -> Vec<(usize, &'a str)> {
    let start = text.as_ptr() as usize;
    let inside = literals
        .iter()
        .filter(|literal| (from..to).contains(&(literal.text.as_ptr() as usize - start)));
    inside.map(|literal| (literal.line, literal.text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(product: &str, test: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("crates/x/src/a.rs", product),
            ("crates/x/tests/a.rs", test),
        ]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    const ONE: &str = "impl Job for A {\n const KIND: &'static str = \"a.b\";\n}";
    const MORE: &str = "const KIND: &'static str = $kind;\nkinds!(A \"a.one\", B \"a.two\");";

    #[test]
    fn a_kind_without_a_test_is_named() {
        let found_one = found(ONE, "// retried(&db, \"a.b\")\nother(\"a.b\");");
        assert_eq!(found_one.len(), 1, "{found_one:?}");
        assert!(found_one[0].starts_with("crates/x/src/a.rs:2: no test sees the job «a.b»"));
        let found_more = found(MORE, "testkit::retried(&house.db, \"a.two\").await;");
        assert_eq!(found_more.len(), 1, "{found_more:?}");
        assert!(found_more[0].contains("«a.one»"));
    }

    #[test]
    fn a_kind_with_a_test_is_fine() {
        assert!(found(ONE, "testkit::retried(&db, \"a.b\").await;").is_empty());
        let both = "retried(&db, \"a.one\"); retried(&db, \"a.two\");";
        assert!(found(MORE, both).is_empty());
        assert!(found("trait Job { const KIND: &'static str; }", "").is_empty());
    }

    #[test]
    fn a_hidden_name_is_a_breach() {
        let found = found("const KIND: &'static str = NAME;", "");
        assert!(found[0].contains("written out"), "{found:?}");
    }
}
