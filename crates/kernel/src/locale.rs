//! The languages the interface speaks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A language of the interface. Russian comes first and is the default.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// Russian.
    #[default]
    Ru,
    /// English.
    En,
}

impl Locale {
    /// Every language there is.
    pub const ALL: [Self; 2] = [Self::Ru, Self::En];

    /// The language tag: `ru` or `en`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::En => "en",
        }
    }

    /// The language that a browser's `Accept-Language` asks for
    /// (RFC 9110 §12.5.4).
    ///
    /// The supported language of the highest weight wins, at equal weights the
    /// first; `*` and languages close to Russian in use here (be, kk, uk, …)
    /// are not guessed. When nothing fits: Russian if the header is empty or
    /// unreadable, English if it names only other languages, since who reads
    /// neither is likelier to read English.
    pub fn from_accept_language(header: &str) -> Self {
        let mut best: Option<(u16, Self)> = None;
        let mut named_another = false;
        // A browser sends under ten; the rest of a long header is noise.
        for part in header.split(',').take(32) {
            let (tag, parameters) = part.split_once(';').unwrap_or((part, ""));
            let weight = weight(parameters);
            let tag = tag.trim();
            let primary = tag.split('-').next().unwrap_or(tag);
            match primary.parse::<Self>() {
                Ok(locale) if weight > best.map_or(0, |(w, _)| w) => best = Some((weight, locale)),
                Ok(_) => {}
                Err(_) => {
                    named_another |= weight > 0
                        && (2..=3).contains(&primary.len())
                        && primary.bytes().all(|b| b.is_ascii_alphabetic());
                }
            }
        }
        match best {
            Some((_, locale)) => locale,
            None if named_another => Self::En,
            None => Self::Ru,
        }
    }
}

/// The weight `q=0.…` in thousandths; 1000 when absent, 0 when unreadable.
fn weight(parameters: &str) -> u16 {
    let Some(value) = parameters.split(';').find_map(|p| {
        let (name, value) = p.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("q")
            .then_some(value.trim())
    }) else {
        return 1000;
    };
    let (whole, part) = value.split_once('.').unwrap_or((value, ""));
    if part.len() > 3 || !part.bytes().all(|b| b.is_ascii_digit()) {
        return 0;
    }
    match whole {
        "1" => 1000,
        "0" => format!("{part:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

/// Not a language that the interface speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a language of the interface: ru, en")]
pub struct LocaleError;

impl FromStr for Locale {
    type Err = LocaleError;
    fn from_str(tag: &str) -> Result<Self, LocaleError> {
        Self::ALL
            .into_iter()
            .find(|l| l.tag().eq_ignore_ascii_case(tag))
            .ok_or(LocaleError)
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accept_language() {
        for (header, expected) in [
            ("", Locale::Ru),
            ("ru", Locale::Ru),
            ("ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", Locale::Ru),
            ("en-US,en;q=0.9,ru;q=0.8", Locale::En),
            ("EN-gb", Locale::En),
            ("en;q=0.8, ru;q=0.8", Locale::En),
            ("en;q=0.5, ru;q=0.501", Locale::Ru),
            ("en;q=0, ru;q=0.1", Locale::Ru),
            ("de-DE,de;q=0.9", Locale::En),
            ("de;q=0.9, ru;q=0.1", Locale::Ru),
            ("*", Locale::Ru),
            ("de;q=0", Locale::Ru),
            ("en;q=7, ru;q=0.1", Locale::Ru),
            ("en ; Q = 1.000 , ru;q=0.999", Locale::En),
            ("\u{0}\u{7f};;;===,,,", Locale::Ru),
        ] {
            assert_eq!(Locale::from_accept_language(header), expected, "{header}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(header: String) {
            Locale::from_accept_language(&header);
        }
    }
}
