//! One version of each crate, but for those with a reason in `docs/duplicates.toml`.
//!
//! Two versions are compiled twice, and their types do not fit each other. The list only shrinks by itself: an
//! entry that is needed no longer is a breach.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Finding;
use crate::run;
use crate::tree::Tree;

const LIST: &str = "docs/duplicates.toml";
/// What the product is built for; what only other systems need is never compiled.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Asks cargo for the graph of the platform.
pub fn check(tree: &Tree) -> Result<Vec<Finding>, String> {
    let arguments = [
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--filter-platform",
        PLATFORM,
    ];
    let output = run::cargo(&arguments)
        .output()
        .map_err(|why| format!("cargo metadata: {why}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|why| why.to_string())?;
    Ok(breaches(&metadata, tree.get(LIST).unwrap_or_default()))
}

fn breaches(metadata: &Value, list: &str) -> Vec<Finding> {
    let reasons = match list.parse::<toml::Table>() {
        Ok(reasons) => reasons,
        Err(why) => return vec![Finding::file(LIST, format!("cannot be read: {why}"))],
    };
    let mut findings = Vec::new();
    let versions = versions(metadata);
    for (name, versions) in &versions {
        match reasons
            .get(*name)
            .map(|reason| reason.as_str().unwrap_or_default())
        {
            None if versions.len() > 1 => {
                let all: Vec<&str> = versions.iter().copied().collect();
                findings.push(Finding::file(
                    name,
                    format!(
                        "is built in {} versions ({}): make it one, or say why in {LIST}",
                        all.len(),
                        all.join(", ")
                    ),
                ));
            }
            Some("") => findings.push(Finding::file(LIST, format!("{name} has no reason"))),
            _ => {}
        }
    }
    for name in reasons.keys() {
        if versions
            .get(name.as_str())
            .is_none_or(|versions| versions.len() < 2)
        {
            findings.push(Finding::file(
                LIST,
                format!("{name} is built once: remove its line"),
            ));
        }
    }
    findings
}

/// The versions of each crate that is built.
fn versions(metadata: &Value) -> BTreeMap<&str, BTreeSet<&str>> {
    let list = |value: &'static str, metadata: &'_ Value| {
        metadata[value].as_array().cloned().unwrap_or_default()
    };
    let built: BTreeSet<String> = list("nodes", &metadata["resolve"])
        .iter()
        .filter_map(|node| node["id"].as_str().map(str::to_owned))
        .collect();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let text = |key: &str| package[key].as_str().unwrap_or_default();
        if built.contains(text("id")) {
            versions
                .entry(text("name"))
                .or_default()
                .insert(text("version"));
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(list: &str) -> Vec<String> {
        let package = |name: &str, version: &str| serde_json::json!({ "id": format!("{name}@{version}"), "name": name, "version": version });
        let metadata = serde_json::json!({
            "packages": [package("a", "1.0.0"), package("a", "2.0.0"), package("b", "1.0.0"), package("c", "1.0.0"), package("c", "2.0.0")],
            "resolve": { "nodes": [{ "id": "a@1.0.0" }, { "id": "a@2.0.0" }, { "id": "b@1.0.0" }, { "id": "c@1.0.0" }] },
        });
        breaches(&metadata, list)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn two_versions_need_a_reason() {
        let without = found("");
        assert_eq!(without.len(), 1, "{without:?}");
        assert!(without[0].starts_with("a: is built in 2 versions (1.0.0, 2.0.0)"));
        assert!(found("a = \"x wants the old one\"").is_empty());
        assert!(found("a = \"\"")[0].contains("a has no reason"));
    }

    #[test]
    fn a_reason_that_is_not_needed_goes() {
        let stale = found("a = \"x\"\nb = \"y\"\nc = \"not built here\"\nd = \"gone\"");
        assert_eq!(stale.len(), 3, "{stale:?}");
        assert!(found("a =")[0].contains("cannot be read"));
    }
}
