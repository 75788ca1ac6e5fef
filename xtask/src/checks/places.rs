//! Paths of somebody's machine.

use super::Finding;
use super::rust::line_of;
use crate::tree::Tree;

/// Folders at the root of a machine where people keep their own things.
const OWN: [&str; 5] = ["home", "root", "Users", "work", "workspace"];

/// The project must mean the same wherever it is cloned.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.files() {
        for own in OWN {
            let folder = format!("/{own}/");
            for (at, _) in text.match_indices(&folder) {
                // Part of a longer path or of an address on a site.
                let before = text[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || "./-_:}*~<>$".contains(c)) {
                    continue;
                }
                let what = format!("a path of one machine: {folder}…");
                findings.push(Finding::line(path, line_of(text, at), what));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_paths_of_machines_are_found() {
        let bad = format!("\nsee {}root/x", '/');
        let tree = Tree::of(&[
            ("a.md", &bad),
            ("b.md", "crates/work/x, /usr/lib, example.org/home/x"),
        ]);
        let found = check(&tree);
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().starts_with("a.md:2:"));
    }
}
