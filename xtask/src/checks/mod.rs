//! What is looked at without compiling anything. Every check has a test that feeds it a breach.

mod codes;
mod docs;
mod duplicates;
mod edges;
mod licences;
pub mod migrations;
mod places;
mod retries;
mod rust;
mod source;
mod statements;

use std::fmt;

use crate::tree::Tree;

/// One breach: where, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    path: String,
    line: Option<usize>,
    what: String,
}

impl Finding {
    fn file(path: &str, what: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line: None,
            what: what.into(),
        }
    }

    /// `line` counts from 1.
    fn line(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            ..Self::file(path, what)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.what),
            None => write!(f, "{}: {}", self.path, self.what),
        }
    }
}

type Check = fn(&Tree) -> Vec<Finding>;

const CHECKS: [(&str, Check); 10] = [
    ("crate edges", edges::check),
    ("paths in docs", docs::check),
    ("words in code", source::check),
    ("size of files", source::sizes),
    ("place of SQL", statements::places),
    ("registered statements", statements::registered),
    ("migrations", migrations::check),
    ("machine paths", places::check),
    ("codes of errors", codes::check),
    ("retries of jobs", retries::check),
];

/// Runs every check and prints what it found.
pub fn all() -> Result<(), String> {
    let tree = Tree::read()?;
    let mut findings: Vec<Finding> = Vec::new();
    for (name, check) in CHECKS {
        let found = check(&tree);
        println!(
            "{:24} {}",
            name,
            if found.is_empty() { "ok" } else { "FAILED" }
        );
        findings.extend(found);
    }
    for (name, found) in [
        ("licences", licences::check()?),
        ("duplicate crates", duplicates::check(&tree)?),
    ] {
        println!(
            "{:24} {}",
            name,
            if found.is_empty() { "ok" } else { "FAILED" }
        );
        findings.extend(found);
    }
    if findings.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    Err(format!("{}\n{} findings", lines.join("\n"), lines.len()))
}
