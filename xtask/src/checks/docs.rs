//! Paths quoted in the documentation exist.

use super::Finding;
use crate::tree::Tree;

/// Made by running something, so never in the tree.
const MADE: [&str; 3] = ["target/", "tests/output", "data/"];

/// Pages that describe crates deleted long ago mislead more than none.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (page, text) in tree.with_ending("md") {
        for (number, line) in text.lines().enumerate() {
            for path in quoted(line).filter(|path| !tree.has(path)) {
                let what = format!("`{path}` does not exist");
                findings.push(Finding::line(page, number + 1, what));
            }
            for target in linked(line).filter(|target| !tree.has(&resolve(page, target))) {
                let what = format!("the link to `{target}` leads nowhere");
                findings.push(Finding::line(page, number + 1, what));
            }
        }
    }
    findings
}

/// What stands between backticks and looks like a path of the project.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`')
        .skip(1)
        .step_by(2)
        .filter(|quote| looks_like_path(quote))
}

fn looks_like_path(quote: &str) -> bool {
    let placeholder =
        quote.contains(|c: char| "<>*{}…$?=&() ,@:|".contains(c)) || quote.contains("NNNN");
    let absolute = quote.starts_with(['/', '~', '-', '%']);
    let made = MADE.iter().any(|made| quote.starts_with(made));
    if placeholder || absolute || made {
        return false;
    }
    match quote.split_once('/') {
        // `serde/derive` or `text/html` is no path; one of ours starts in a folder of ours.
        Some((top, _)) => TOPS.contains(&top),
        None => {
            quote.contains('.')
                && FILES.iter().any(|ending| quote.ends_with(ending))
                && quote == quote.trim_start_matches('.')
        }
    }
}

const TOPS: [&str; 10] = [
    "crates",
    "docs",
    "migrations",
    "tests",
    "xtask",
    "benches",
    "locales",
    "assets",
    ".ci",
    ".cargo",
];
const FILES: [&str; 3] = ["Cargo.toml", "clippy.toml", "LICENSE.md"];

/// Targets of links that do not leave the project.
fn linked(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(at, _)| {
        let rest = &line[at + 2..];
        let target = &rest[..rest.find(')')?];
        let target = target.split('#').next().unwrap_or_default();
        let outside = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
        (!outside).then_some(target)
    })
}

fn resolve(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_and_linked_paths_must_exist() {
        let page = "`crates/db/src/lib.rs`, `crates/db`, [x](../README.md#a), `text/html`, `migrations/NNNN_x/up.sql`,\n\
            `crates/gone/src/lib.rs` and [y](GONE.md) and [z](https://example.org/x) and `crates/<area>/core`";
        let tree = Tree::of(&[
            ("docs/A.md", page),
            ("README.md", ""),
            ("crates/db/src/lib.rs", ""),
        ]);
        let found: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "docs/A.md:2: `crates/gone/src/lib.rs` does not exist",
                "docs/A.md:2: the link to `GONE.md` leads nowhere",
            ]
        );
    }
}
