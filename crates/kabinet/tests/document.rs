//! The document is what the routes are, and each route has its row in the table of access.

use std::collections::BTreeMap;
use std::fs;

use identity_web::api::problems::Code;
use serde_json::Value;
use testkit::tools::workspace;

fn document() -> Value {
    serde_json::from_str(&kabinet::document()).unwrap()
}

/// Every operation of the document: method, path, operation.
fn operations() -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    assert!(all.len() > 90, "the document lists the operations");
    all
}

/// `docs/openapi.json` is what the routes say. `UPDATE_OPENAPI=1` writes it.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a developer says by the environment that the file may change"
)]
fn the_file_is_up_to_date() {
    let file = workspace().join("docs/openapi.json");
    let text = kabinet::document();
    if std::env::var("UPDATE_OPENAPI").is_ok() {
        fs::write(&file, &text).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == text,
        "docs/openapi.json is old: write it with UPDATE_OPENAPI=1 and read the change"
    );
}

/// Who may: each route has a row, and each row a route.
#[test]
fn every_route_is_in_the_table_of_access() {
    let table = fs::read_to_string(workspace().join("docs/access.toml")).unwrap();
    let table: toml::Table = table.parse().unwrap();
    let rows: BTreeMap<String, String> = table["api"]
        .as_table()
        .unwrap()
        .iter()
        .map(|(route, who)| (route.clone(), who.as_str().unwrap().to_owned()))
        .collect();
    let said: BTreeMap<String, String> = operations()
        .into_iter()
        .map(|(method, path, operation)| {
            let headers = operation["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let takes = |name: &str, place: &str| {
                headers
                    .iter()
                    .any(|one| one["name"] == name && one["in"] == place && one["required"] == true)
            };
            let who = if operation["security"].is_array() {
                "customer"
            } else if takes("Kabinet-Flow", "header") {
                "flow"
            } else if takes("token", "path") {
                "link"
            } else if takes("gateway", "path") {
                "gateway"
            } else {
                "anyone"
            };
            (format!("{method} {path}"), who.to_owned())
        })
        .collect();
    assert_eq!(rows, said, "docs/access.toml [api]");
}

/// EV-2, EV-3: every command takes a key, every error is a problem, every reference leads somewhere.
#[test]
fn the_document_is_whole() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let listed = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(listed, Code::ALL.len());
    assert!(
        document["components"]["schemas"]["FieldProblem"]["properties"]["code"]["enum"]
            .as_array()
            .is_some()
    );
    for (method, path, operation) in operations() {
        let name = format!("{method} {path}");
        assert!(
            operation["summary"].is_string(),
            "{name} says what it is for"
        );
        let keys = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let has_key = keys.iter().any(|one| one["name"] == "Idempotency-Key");
        let needs = ["POST", "PUT"].contains(&method.as_str()) && !path.contains("gateway");
        assert_eq!(has_key, needs, "{name}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            if status.starts_with('2') {
                continue;
            }
            let problem = &response["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(problem, "#/components/schemas/Problem", "{name} {status}");
        }
    }
    let text = kabinet::document();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
}
