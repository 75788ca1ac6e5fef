//! Reading: defaults, the file, the environment.

use std::path::Path;

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use figment::value::Value;

use crate::{ConfigError, Settings};

/// What every variable begins with.
const PREFIX: &str = "KABINET_";

/// Variables that are not settings: the command line reads them.
const NOT_SETTINGS: [&str; 3] = ["config", "log", "failpoint"];

/// How the names of variables begin that tests give each other.
const OF_TESTS: &str = "test";

/// Keys whose value in a variable is text even if it looks like a number or a
/// list: a password of `007` is not seven.
const TEXT: [&str; 28] = [
    "body",
    "caller_pointer",
    "company_name",
    "consent_version",
    "content_type",
    "dir",
    "en",
    "equals",
    "from",
    "host",
    "id_pointer",
    "kind",
    "listen",
    "master",
    "method",
    "mmdb",
    "operations_listen",
    "password",
    "pointer",
    "public_origin",
    "report_secret",
    "ru",
    "source",
    "support_phone",
    "system_id",
    "system_type",
    "url",
    "username",
];

impl Settings {
    /// Reads the defaults, then the file, then `KABINET_<SECTION>__<KEY>` from
    /// the environment, each over the one before. Without a file, only the
    /// other two.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let text = match path {
            Some(path) => Some((
                path,
                std::fs::read_to_string(path).map_err(|why| ConfigError::File {
                    path: path.to_owned(),
                    why: why.kind().to_string(),
                })?,
            )),
            None => None,
        };
        let variables: Vec<(String, String)> = Env::prefixed(PREFIX)
            .iter()
            .map(|(key, value)| (key.into_string(), value))
            .collect();
        Self::from_parts(
            text.as_ref().map(|(path, text)| (*path, text.as_str())),
            variables,
        )
    }

    /// The same from parts that were already read: the file's path and text,
    /// and variables without `KABINET_`, in any case.
    pub fn from_parts(
        file: Option<(&Path, &str)>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut figment = Figment::new();
        if let Some((path, text)) = file {
            let parsed = Toml::string(text);
            // Read once more only to tell a syntax error from a wrong value.
            if let Err(error) = figment::Provider::data(&parsed) {
                let why = syntax(&error.kind.to_string());
                return Err(ConfigError::Syntax {
                    path: path.to_owned(),
                    why,
                });
            }
            figment = figment.merge(parsed);
        }
        for (name, value) in variables {
            let name = name.to_ascii_lowercase();
            if NOT_SETTINGS.contains(&name.as_str()) || name.starts_with(OF_TESTS) {
                continue;
            }
            let path: Vec<&str> = name.split("__").collect();
            let is_text =
                path.last().is_some_and(|key| TEXT.contains(key)) || path.contains(&"headers");
            let value = if is_text {
                Value::from(value)
            } else {
                parsed(&value)
            };
            figment = figment.merge((path.join("."), value));
        }
        unused_keys(&figment)?;
        let mut settings: Self = figment
            .extract()
            .map_err(|error| ConfigError::from_figment(&error))?;
        settings.source = file.map(|(path, _)| path.to_owned());
        Ok(settings)
    }
}

/// A carrier of kind `none` reads no other key; one that stands there would be
/// passed over in silence.
fn unused_keys(figment: &Figment) -> Result<(), ConfigError> {
    for section in ["sms", "call", "email"] {
        let Ok(Value::Dict(_, keys)) = figment.find_value(section) else {
            continue;
        };
        if keys.get("kind").and_then(Value::as_str) == Some("none")
            && let Some(key) = keys.keys().find(|key| *key != "kind")
        {
            return Err(ConfigError::Unknown {
                key: format!("{section}.{key}"),
                nearest: None,
            });
        }
    }
    Ok(())
}

/// Numbers, true and false, and lists in brackets are what they look like;
/// everything else is text.
fn parsed(value: &str) -> Value {
    value.parse().unwrap_or_else(|_| Value::from(value))
}

/// The parser's message without the line of the file that it quotes, which may
/// hold a secret: where it stands, and what was expected.
fn syntax(message: &str) -> String {
    let kept = message.lines().map(str::trim).filter(|line| {
        let quoted = line
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .trim_start();
        !line.is_empty() && !quoted.starts_with('|')
    });
    kept.take(2).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syntax_error_does_not_quote_the_file() {
        let error = Settings::from_parts(
            Some((Path::new("k.toml"), "[sms]\npassword = \"hunter2")),
            [],
        );
        let said = error.unwrap_err().to_string();
        assert_eq!(
            said,
            "k.toml is not TOML: TOML parse error at line 2, column 20: invalid basic string"
        );
    }
}
