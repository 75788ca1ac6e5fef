//! Why settings cannot be read.

use std::path::PathBuf;

use figment::error::Kind;

/// Why settings cannot be read. Names files, keys and lines, never a value: a
/// value may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file named cannot be read.
    #[error("cannot read the configuration file {}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The file is not TOML.
    #[error("{} is not TOML: {why}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, column and what was expected.
        why: String,
    },
    /// A key that does not exist: usually a typing error.
    #[error("there is no setting `{key}`{}", nearest.as_ref().map_or_else(String::new, |n| format!(", did you mean `{n}`?")))]
    Unknown {
        /// The key, with its section.
        key: String,
        /// The nearest key that does exist.
        nearest: Option<String>,
    },
    /// A value of the wrong kind.
    #[error("the setting `{key}` {why}")]
    Value {
        /// The key, with its section.
        key: String,
        /// What it must be.
        why: String,
    },
}

impl ConfigError {
    /// Keeps what is needed to find and mend the setting, drops the value.
    pub(crate) fn from_figment(error: &figment::Error) -> Self {
        let key = error.path.join(".");
        let in_section = |name: &str| match error.path.split_last() {
            // The path of an unknown field already ends with it, or not.
            Some((last, _)) if last == name => key.clone(),
            _ if key.is_empty() => name.to_owned(),
            _ => format!("{key}.{name}"),
        };
        let why = match &error.kind {
            Kind::UnknownField(name, known) => {
                let key = in_section(name);
                return Self::Unknown {
                    nearest: nearest(name, known),
                    key,
                };
            }
            Kind::MissingField(name) => {
                return Self::Value {
                    key: in_section(name),
                    why: "is missing".to_owned(),
                };
            }
            Kind::UnknownVariant(_, known) => format!("must be one of: {}", known.join(", ")),
            Kind::InvalidType(_, expected)
            | Kind::InvalidValue(_, expected)
            | Kind::InvalidLength(_, expected) => format!("must be {expected}"),
            Kind::DuplicateField(_) => "is given twice".to_owned(),
            // Words of this crate's own types; none of them repeats a value.
            Kind::Message(message) if OWN_WORDS.iter().any(|own| message.contains(own)) => {
                format!("is wrong: {message}")
            }
            _ => "has a value that cannot be read".to_owned(),
        };
        Self::Value { key, why }
    }
}

/// Beginnings of messages that are known to hold no value.
const OWN_WORDS: [&str; 4] = [
    "a span is a whole number",
    "not a network:",
    "missing field `kind`",
    "invalid socket address syntax",
];

/// The known name with the fewest changed letters, if they are few.
fn nearest(name: &str, known: &[&str]) -> Option<String> {
    let (distance, best) = known.iter().map(|k| (distance(name, k), *k)).min()?;
    (distance <= 3).then(|| best.to_owned())
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (to, cell) in b.chars().zip(row.iter_mut().skip(1)) {
            let replace = diagonal.saturating_add(usize::from(from != to));
            diagonal = *cell;
            left = replace
                .min(left.saturating_add(1))
                .min(cell.saturating_add(1));
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_message_is_not_repeated() {
        let error = figment::Error::from("the password hunter2 is odd".to_owned())
            .with_path("sms.password");
        let said = ConfigError::from_figment(&error).to_string();
        assert_eq!(
            said,
            "the setting `sms.password` has a value that cannot be read"
        );
    }
}
