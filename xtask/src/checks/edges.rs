//! Which crate may use which: the manifests and `docs/edges.toml` say the same, and the list obeys
//! the floors.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Finding;
use crate::tree::Tree;

const LIST: &str = "docs/edges.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    /// From the ground up; a crate uses only crates of floors below its own.
    floors: Vec<Vec<String>>,
    /// Crates of ours beside the house, which may use all of it and which nothing may use.
    beside: Vec<String>,
    /// Crates of others that a pure crate may use.
    pure: Vec<String>,
    /// The crates that decide and do nothing: `pure` and the kernel is all they get.
    cores: Vec<String>,
    /// `from -> to` between two areas, each with its reason in a comment.
    between_areas: Vec<String>,
    /// What each crate uses of ours.
    uses: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Deserialize)]
struct Manifest {
    package: Option<Package>,
    #[serde(default)]
    dependencies: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

/// Compares the two.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let list: List = match tree.get(LIST).map(toml::from_str) {
        Some(Ok(list)) => list,
        Some(Err(why)) => return vec![Finding::file(LIST, why.to_string())],
        None => return vec![Finding::file(LIST, "is missing")],
    };
    let mut findings = obeys_floors(&list);
    let manifests = manifests(tree, &mut findings);
    for (name, (path, dependencies)) in &manifests {
        let ours = |name: &String| manifests.contains_key(name);
        let uses: BTreeSet<String> = dependencies
            .iter()
            .filter(|name| ours(name))
            .cloned()
            .collect();
        for other in uses.iter().filter(|other| list.beside.contains(other)) {
            if !list.beside.contains(name) {
                findings.push(Finding::file(
                    path,
                    format!("uses {other}, which is for tests"),
                ));
            }
        }
        if list.cores.contains(name) {
            let allowed = |other: &&String| ours(other) || list.pure.contains(other);
            for other in dependencies.iter().filter(|other| !allowed(other)) {
                findings.push(Finding::file(
                    path,
                    format!("decides only, so it may not use {other}"),
                ));
            }
        }
        if list.beside.contains(name) {
            continue;
        }
        match list.uses.get(name) {
            None => findings.push(Finding::file(path, format!("{name} is not in {LIST}"))),
            Some(listed) => findings.extend(differences(path, listed, &uses)),
        }
    }
    for name in list
        .uses
        .keys()
        .filter(|name| !manifests.contains_key(*name))
    {
        findings.push(Finding::file(LIST, format!("{name} does not exist")));
    }
    findings
}

fn differences(path: &str, listed: &BTreeSet<String>, uses: &BTreeSet<String>) -> Vec<Finding> {
    let added = uses
        .difference(listed)
        .map(|other| Finding::file(path, format!("uses {other}, which {LIST} does not say")));
    let gone = listed
        .difference(uses)
        .map(|other| Finding::file(path, format!("does not use {other}, as {LIST} says")));
    added.chain(gone).collect()
}

fn obeys_floors(list: &List) -> Vec<Finding> {
    let floor = |name: &String| list.floors.iter().position(|floor| floor.contains(name));
    let mut findings = Vec::new();
    for (name, uses) in &list.uses {
        if floor(name).is_none() {
            findings.push(Finding::file(LIST, format!("{name} stands on no floor")));
        }
        for other in uses {
            if floor(other) >= floor(name) {
                findings.push(Finding::file(
                    LIST,
                    format!("{name} may not use {other}: it is not below"),
                ));
            }
            let edge = format!("{name} -> {other}");
            let crosses = matches!((area(name), area(other)), (Some(one), Some(two)) if one != two);
            if crosses && !list.between_areas.contains(&edge) {
                findings.push(Finding::file(
                    LIST,
                    format!("{edge} crosses areas and is not in between_areas"),
                ));
            }
            if list.cores.contains(name) && other != "kernel" && !list.cores.contains(other) {
                findings.push(Finding::file(
                    LIST,
                    format!("{name} decides only, so it may not use {other}"),
                ));
            }
        }
    }
    for name in list
        .uses
        .keys()
        .filter(|name| name.ends_with("-core") && !list.cores.contains(name))
    {
        findings.push(Finding::file(
            LIST,
            format!("{name} is called a core and is not in cores"),
        ));
    }
    findings
}

/// `identity` of `identity-web`; the lower floors belong to no area.
fn area(name: &str) -> Option<&str> {
    let (area, layer) = name.rsplit_once('-')?;
    ["core", "service", "web"].contains(&layer).then_some(area)
}

type Manifests = BTreeMap<String, (String, BTreeSet<String>)>;

fn manifests(tree: &Tree, findings: &mut Vec<Finding>) -> Manifests {
    let mut manifests = Manifests::new();
    for (path, text) in tree
        .files()
        .filter(|(path, _)| path.ends_with("/Cargo.toml"))
    {
        match toml::from_str::<Manifest>(text) {
            Err(why) => findings.push(Finding::file(path, why.to_string())),
            Ok(manifest) => {
                if let Some(package) = manifest.package {
                    let dependencies = manifest.dependencies.into_keys().collect();
                    manifests.insert(package.name, (path.to_owned(), dependencies));
                }
            }
        }
    }
    manifests
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
floors = [["kernel"], ["db"], ["a-core"], ["a-service"], ["b-service"]]
beside = ["testkit"]
pure = ["serde"]
cores = ["kernel", "a-core"]
between_areas = ["b-service -> a-service"]
[uses]
kernel = []
db = ["kernel"]
a-core = ["kernel"]
a-service = ["a-core", "db"]
b-service = ["a-service"]
"#;

    fn manifest(name: &str, uses: &[&str]) -> (String, String) {
        let lines: String = uses
            .iter()
            .map(|other| format!("{other}.workspace = true\n"))
            .collect();
        let text = format!(
            "[package]\nname = \"{name}\"\n[dependencies]\n{lines}[dev-dependencies]\ntestkit = \"1\"\n"
        );
        (format!("crates/{name}/Cargo.toml"), text)
    }

    /// The good house, with some manifests and some lines of the list changed.
    fn found(changed: &[(&str, &[&str])], list: &[(&str, &str)]) -> Vec<String> {
        let mut house: BTreeMap<&str, &[&str]> = BTreeMap::from([
            ("kernel", &["serde"][..]),
            ("db", &["kernel", "tokio"]),
            ("a-core", &["kernel"]),
            ("a-service", &["a-core", "db"]),
            ("b-service", &["a-service"]),
            ("testkit", &["db"]),
        ]);
        house.extend(changed.iter().copied());
        let mut text = GOOD.to_owned();
        for (from, to) in list {
            assert!(text.contains(from));
            text = text.replace(from, to);
        }
        let mut files: Vec<(String, String)> = house
            .iter()
            .map(|(name, uses)| manifest(name, uses))
            .collect();
        files.push((LIST.into(), text));
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        check(&Tree::of(&files))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn one(found: &[String], what: &str) {
        assert!(
            found.len() == 1 && found[0].contains(what),
            "{what}: {found:?}"
        );
    }

    #[test]
    fn the_good_house_stands() {
        assert_eq!(found(&[], &[]), [""; 0]);
    }

    #[test]
    fn manifests_must_say_what_the_list_says() {
        one(&found(&[("db", &[])], &[]), "does not use kernel");
        one(
            &found(&[("b-service", &["a-service", "db"])], &[]),
            "uses db, which docs/edges.toml does not say",
        );
        one(&found(&[("c", &[])], &[]), "c is not in");
        one(
            &found(
                &[],
                &[
                    ("db = [\"kernel\"]", "db = [\"kernel\"]\ngone = []"),
                    ("[\"db\"]", "[\"db\", \"gone\"]"),
                ],
            ),
            "gone does not exist",
        );
        one(
            &found(
                &[("db", &["kernel", "testkit"])],
                &[
                    ("db = [\"kernel\"]", "db = [\"kernel\", \"testkit\"]"),
                    ("[\"kernel\"], ", "[\"kernel\", \"testkit\"], "),
                ],
            ),
            "which is for tests",
        );
    }

    #[test]
    fn the_list_must_obey_the_floors() {
        let up = found(
            &[("kernel", &["db"])],
            &[("kernel = []", "kernel = [\"db\"]")],
        );
        assert!(
            up[0].contains("kernel may not use db: it is not below"),
            "{up:?}"
        );
        one(
            &found(&[], &[("[\"b-service -> a-service\"]", "[]")]),
            "crosses areas",
        );
        one(
            &found(&[("a-core", &["kernel", "tokio"])], &[]),
            "may not use tokio",
        );
        one(
            &found(
                &[("a-core", &["kernel", "db"])],
                &[("a-core = [\"kernel\"]", "a-core = [\"kernel\", \"db\"]")],
            ),
            "may not use db",
        );
        one(
            &found(
                &[],
                &[("cores = [\"kernel\", \"a-core\"]", "cores = [\"kernel\"]")],
            ),
            "is not in cores",
        );
    }
}
