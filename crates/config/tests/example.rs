//! The annotated example file says what the program does.

use std::path::Path;

use config::{ConfigError, Limits, Settings, Severity};

const EXAMPLE: &str = include_str!("../../../docs/kabinet.example.toml");
const FILE: &str = "kabinet.toml";

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let variables = variables
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Settings::from_parts(Some((Path::new(FILE), text)), variables)
}

fn refused(settings: &Settings) -> Vec<String> {
    let problems = settings.validate();
    problems
        .into_iter()
        .filter(|p| p.severity == Severity::Refusal)
        .map(|p| p.setting)
        .collect()
}

/// The example says the truth: as it stands it is the defaults.
#[test]
fn the_example_is_the_defaults() {
    let mut settings = read(EXAMPLE, &[]).unwrap();
    settings.source = None;
    assert_eq!(
        format!("{settings:#?}"),
        format!("{:#?}", Settings::default())
    );
    let missing = refused(&settings);
    assert_eq!(
        missing,
        [
            "keys.master",
            "sms.kind",
            "privacy.company_name",
            "privacy.support_phone"
        ]
    );
}

/// Every limit stands in the example, under its name.
#[test]
fn the_example_has_every_limit() {
    let limits = figment::providers::Serialized::defaults(Limits::default());
    let data = figment::Provider::data(&limits).unwrap();
    let names: Vec<_> = data.values().flat_map(figment::value::Map::keys).collect();
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        assert!(
            EXAMPLE.contains(&format!("\n{name} = ")),
            "{name} is not in the example"
        );
    }
}

/// The other ways shown in the example can be read, and their placeholders are
/// refused.
#[test]
fn the_other_ways_of_the_example() {
    let mut text = EXAMPLE.replace("#: ", "");
    for section in ["sms", "call", "email"] {
        text = text.replace(&format!("[{section}]\nkind = \"none\"\n"), "");
    }
    let mut settings = read(&text, &[]).unwrap();
    settings.source = None;
    let mut refused = refused(&settings);
    refused.sort();
    refused.dedup();
    assert_eq!(
        refused,
        [
            "call.headers",
            "call.report_secret",
            "database.url",
            "email.password",
            "keys.master",
            "place.mmdb",
            "privacy.company_name",
            "privacy.support_phone",
            "sms.password",
        ]
    );
}
