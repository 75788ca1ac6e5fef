//! Licences of everything we build on.

use serde_json::Value;

use super::Finding;
use crate::run;

/// Licences that ask for no more than notice; MPL-2.0 asks for the source of its own files only.
const ALLOWED: [&str; 17] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

/// Asks cargo for the whole graph.
pub fn check() -> Result<Vec<Finding>, String> {
    let output = run::cargo(&["metadata", "--format-version", "1", "--locked"])
        .output()
        .map_err(|why| format!("cargo metadata: {why}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|why| why.to_string())?;
    Ok(breaches(&metadata))
}

fn breaches(metadata: &Value) -> Vec<Finding> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages
        .filter_map(|package| {
            let licence = package["license"].as_str().unwrap_or("none named");
            let name = package["name"].as_str().unwrap_or_default();
            (!accepts(licence)).then(|| Finding::file(name, format!("its licence is {licence}")))
        })
        .collect()
}

/// Whether an SPDX expression leaves us a choice that is allowed.
fn accepts(expression: &str) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let (accepted, rest) = any(&tokens);
    accepted && rest.is_empty()
}

fn any<'a>(tokens: &'a [&'a str]) -> (bool, &'a [&'a str]) {
    let (mut accepted, mut rest) = every(tokens);
    while let Some((&"OR", after)) = rest.split_first() {
        let (next, left) = every(after);
        accepted |= next;
        rest = left;
    }
    (accepted, rest)
}

fn every<'a>(tokens: &'a [&'a str]) -> (bool, &'a [&'a str]) {
    let (mut accepted, mut rest) = one(tokens);
    while let Some((&"AND", after)) = rest.split_first() {
        let (next, left) = one(after);
        accepted &= next;
        rest = left;
    }
    (accepted, rest)
}

fn one<'a>(tokens: &'a [&'a str]) -> (bool, &'a [&'a str]) {
    match tokens {
        ["(", inside @ ..] => {
            let (accepted, rest) = any(inside);
            rest.split_first()
                .filter(|(close, _)| **close == ")")
                .map_or((false, rest), |(_, after)| (accepted, after))
        }
        [name, "WITH", exception, rest @ ..] => (
            ALLOWED.contains(&format!("{name} WITH {exception}").as_str()),
            rest,
        ),
        [name, rest @ ..] => (ALLOWED.contains(name), rest),
        [] => (false, tokens),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_as_written() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR MIT",
        ] {
            assert!(accepts(good), "{good}");
        }
        for bad in [
            "AGPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR ISC",
            "",
            "none named",
        ] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    #[test]
    fn a_package_with_another_licence_is_named() {
        let metadata = serde_json::json!({ "packages": [
            { "name": "good", "license": "MIT" }, { "name": "bad", "license": "AGPL-3.0" }, { "name": "silent" },
        ] });
        let found: Vec<String> = breaches(&metadata)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            found,
            [
                "bad: its licence is AGPL-3.0",
                "silent: its licence is none named"
            ]
        );
    }
}
