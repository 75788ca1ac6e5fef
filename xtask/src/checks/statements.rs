//! SQL stands in `sql.rs` files, and every such file is registered.

use super::Finding;
use super::rust::{is_test_file, split, without_tests};
use crate::tree::Tree;

/// The one crate that knows an engine.
const SEAM: &str = "crates/db/";

const VERBS: [(&str, &str); 9] = [
    ("SELECT ", ""),
    ("INSERT INTO ", ""),
    ("UPDATE ", " SET "),
    ("DELETE FROM ", ""),
    ("CREATE TABLE ", ""),
    ("CREATE INDEX ", ""),
    ("ALTER TABLE ", ""),
    ("DROP TABLE ", ""),
    ("WITH ", " AS ("),
];

/// SQL text outside `sql.rs`, where no check would read it.
pub fn places(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let product = tree.with_ending("rs").filter(|(path, _)| {
        !is_test_file(path) && !path.starts_with(SEAM) && !path.ends_with("/sql.rs")
    });
    for (path, text) in product {
        let (code, literals) = split(text);
        let lines: Vec<String> = without_tests(&code).lines().map(str::to_owned).collect();
        for literal in literals.iter().filter(|literal| is_sql(literal.text)) {
            // A line of a test was blanked, apart from what surrounds the string itself.
            let product = lines
                .get(literal.line - 1)
                .is_some_and(|line| !line.trim().is_empty());
            if product {
                findings.push(Finding::line(
                    path,
                    literal.line,
                    "SQL text belongs into the capability's sql.rs",
                ));
            }
        }
    }
    findings
}

fn is_sql(text: &str) -> bool {
    let text = text.trim_start();
    VERBS
        .iter()
        .any(|(start, then)| text.starts_with(start) && text.contains(then))
}

/// Where the tests get all statements of the product from.
const PRODUCT: &str = "tests/src/lib.rs";

/// A `sql.rs` whose `ALL` no `statements()` and no `STATEMENTS` lists is prepared and guarded by no test.
pub fn registered(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree
        .with_ending("rs")
        .filter(|(path, _)| !is_test_file(path))
    {
        if !split(text).0.contains("statements! {") || path.starts_with(SEAM) {
            continue;
        }
        let Some((package, module)) = path.split_once("/src/") else {
            continue;
        };
        let Some(module) = module.strip_suffix("sql.rs") else {
            findings.push(Finding::file(
                path,
                "statements! belongs into a file called sql.rs",
            ));
            continue;
        };
        let name = format!("{}sql::ALL", module.replace('/', "::"));
        let lists = tree.files().any(|(other, text)| {
            other.starts_with(&format!("{package}/src/"))
                && (text.contains("fn statements()") || text.contains("as STATEMENTS"))
                && text.contains(&name)
        });
        if !lists {
            findings.push(Finding::file(
                path,
                format!("`{name}` is in no `fn statements()` of {package}"),
            ));
        }
        let package = crate_name(tree, package);
        let listed = tree.get(PRODUCT).unwrap_or_default();
        let forms = [
            format!("{package}::statements()"),
            format!("{package}::STATEMENTS"),
        ];
        if !forms.iter().any(|form| listed.contains(form)) {
            findings.push(Finding::file(PRODUCT, format!("lacks `{}`", forms[0])));
        }
    }
    findings.dedup();
    findings
}

/// The name of a package as it is written in code.
fn crate_name(tree: &Tree, package: &str) -> String {
    let manifest = tree.get(&format!("{package}/Cargo.toml"));
    let lines = manifest.unwrap_or_default().lines();
    let name = lines.filter_map(|line| line.strip_prefix("name = ")).next();
    name.unwrap_or_default().trim_matches('"').replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_outside_its_place_is_found() {
        let bad = "fn f() {\n run(\"SELECT a FROM b\"); run(\"Select a colour\"); }\n#[cfg(test)]\nmod tests { fn t() {\n run(\"DELETE FROM b\"); } }";
        let tree = Tree::of(&[
            ("crates/jobs/src/lib.rs", bad),
            ("crates/jobs/src/queue/sql.rs", bad),
            ("crates/db/src/lib.rs", bad),
            ("tests/tests/x.rs", bad),
        ]);
        let found: Vec<String> = places(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            ["crates/jobs/src/lib.rs:2: SQL text belongs into the capability's sql.rs"]
        );
    }

    #[test]
    fn unregistered_statements_are_found() {
        let sql = "db::statements! { A: \"SELECT 1\" () -> (Int); }";
        let manifest = ("crates/jobs/Cargo.toml", "[package]\nname = \"jobs\"");
        let product = (PRODUCT, "[db::statements(), jobs::statements()]");
        let lists = (
            "crates/jobs/src/lib.rs",
            "pub fn statements() { [queue::sql::ALL] }",
        );
        let queue = ("crates/jobs/src/queue/sql.rs", sql);
        assert!(registered(&Tree::of(&[queue, lists, manifest, product])).is_empty());
        let other = ("crates/jobs/src/other/sql.rs", sql);
        let found = registered(&Tree::of(&[other, lists, manifest, product]));
        assert!(found[0].to_string().contains("`other::sql::ALL`"));
        let found = registered(&Tree::of(&[queue, lists, manifest]));
        assert!(found[0].to_string().contains("lacks `jobs::statements()`"));
        let wrong = [("crates/jobs/src/queue.rs", sql)];
        assert!(
            registered(&Tree::of(&wrong))[0]
                .to_string()
                .contains("called sql.rs")
        );
    }
}
