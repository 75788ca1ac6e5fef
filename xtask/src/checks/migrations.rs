//! Migrations: well named, numbered once, and never edited after release.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::Finding;
use crate::tree::{Tree, workspace};

/// One line per released migration: its SHA-256 and its folder.
const LOCK: &str = "migrations/released.lock";

/// Names, numbers and locked hashes.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let present = present(tree);
    let mut numbers: BTreeMap<&str, &str> = BTreeMap::new();
    for folder in present.keys() {
        let Some(number) = number(folder) else {
            findings.push(Finding::file(
                folder,
                "is not called NNNN_<area>_<what>/up.sql",
            ));
            continue;
        };
        if let Some(other) = numbers.insert(number, folder) {
            findings.push(Finding::file(folder, format!("has the number of {other}")));
        }
    }
    let Some(lock) = tree.get(LOCK) else {
        findings.push(Finding::file(LOCK, "is missing"));
        return findings;
    };
    findings.extend(locked(lock, &present));
    findings
}

fn locked(lock: &str, present: &BTreeMap<&str, &str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut newest = "";
    let entries = lock
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut known = Vec::new();
    for line in entries {
        let Some((hash, folder)) = line.split_once("  ") else {
            findings.push(Finding::file(LOCK, format!("cannot be read: {line}")));
            continue;
        };
        known.push(folder);
        newest = newest.max(number(folder).unwrap_or_default());
        match present.get(folder) {
            None => findings.push(Finding::file(folder, "was released and is gone")),
            Some(text) if hash_of(text) != hash => {
                findings.push(Finding::file(
                    folder,
                    "was released and then edited: write a new migration",
                ));
            }
            Some(_) => {}
        }
    }
    for folder in present.keys().filter(|folder| !known.contains(folder)) {
        if number(folder).is_some_and(|number| number < newest) {
            findings.push(Finding::file(
                folder,
                "comes before a released one: databases in use would skip it",
            ));
        }
    }
    findings
}

/// Writes the lock anew from what is there, refusing to change a released line.
pub fn lock_all() -> Result<(), String> {
    let tree = Tree::read()?;
    let breaches = check(&tree);
    if let Some(breach) = breaches.first() {
        return Err(breach.to_string());
    }
    let mut text = String::from(
        "# Released migrations, written by `cargo xtask release`. Never edit one: write a new one.\n",
    );
    for (folder, sql) in present(&tree) {
        text.push_str(&format!("{}  {folder}\n", hash_of(sql)));
    }
    std::fs::write(workspace().join(LOCK), text).map_err(|why| format!("{LOCK}: {why}"))
}

fn present(tree: &Tree) -> BTreeMap<&str, &str> {
    tree.with_ending("sql")
        .filter_map(|(path, text)| {
            let inside = path.strip_prefix("migrations/")?;
            Some((inside.strip_suffix("/up.sql").unwrap_or(inside), text))
        })
        .collect()
}

/// The number of `NNNN_<area>_<what>`.
fn number(folder: &str) -> Option<&str> {
    let (number, name) = folder.split_once('_')?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let good = number.len() == 4
        && number.chars().all(|c| c.is_ascii_digit())
        && name.contains('_')
        && name.chars().all(plain);
    good.then_some(number)
}

fn hash_of(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "migrations/0001_db_base/up.sql";
    const TWO: &str = "migrations/0002_jobs_queue/up.sql";

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn released_migrations_may_not_change_vanish_or_be_preceded() {
        let lock = format!("# note\n{}  0002_jobs_queue\n", hash_of("b"));
        assert_eq!(
            found(&[
                (LOCK, &lock),
                (TWO, "b"),
                ("migrations/0003_audit_log/up.sql", "c")
            ]),
            [""; 0]
        );
        assert!(found(&[(LOCK, &lock), (TWO, "edited")])[0].contains("then edited"));
        assert!(found(&[(LOCK, &lock)])[0].contains("is gone"));
        assert!(found(&[(LOCK, &lock), (ONE, "a"), (TWO, "b")])[0].contains("would skip it"));
    }

    #[test]
    fn names_and_numbers_are_regular() {
        assert!(found(&[(LOCK, ""), ("migrations/1_x/up.sql", "")])[0].contains("is not called"));
        assert!(
            found(&[
                (LOCK, ""),
                (ONE, ""),
                ("migrations/0001_other_thing/up.sql", "")
            ])[0]
                .contains("has the number of")
        );
        assert!(found(&[(ONE, "")])[0].contains("is missing"));
    }
}
