//! Spans of time as an operator writes them: `"90s"`, `"5m"`, `"12h"`, `"90d"`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer, de, ser::SerializeSeq};

/// Reads a whole number and a unit: `ms`, `s`, `m`, `h`, `d`. A bare number is
/// refused: seconds taken for milliseconds have locked people out for hours.
pub fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(unit_at)?;
    let number: u64 = number.parse().ok()?;
    let seconds = match unit.trim() {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

/// Writes a span in its largest whole unit.
pub fn show(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        _ if span.subsec_millis() != 0 => format!("{}ms", span.as_millis()),
        0 => "0s".to_owned(),
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3_600 == 0 => format!("{}h", s / 3_600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

const EXPECTED: &str = "a span is a whole number and a unit (ms, s, m, h, d), like \"5m\"";

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from).map_err(|_| de::Error::custom(EXPECTED))?;
    parse(&text).ok_or_else(|| de::Error::custom(EXPECTED))
}

pub(crate) fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&show(*span))
}

/// The same for a list of spans.
pub(crate) mod list {
    use super::{
        Deserialize, Deserializer, Duration, EXPECTED, SerializeSeq, Serializer, de, parse, show,
    };

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<Duration>, D::Error> {
        Vec::<String>::deserialize(from)
            .ok()
            .and_then(|texts| texts.iter().map(|text| parse(text)).collect())
            .ok_or_else(|| de::Error::custom(EXPECTED))
    }

    pub(crate) fn serialize<S: Serializer>(spans: &[Duration], to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(spans.len()))?;
        for span in spans {
            list.serialize_element(&show(*span))?;
        }
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        for (text, millis) in [
            ("0s", 0),
            ("250ms", 250),
            ("90s", 90_000),
            ("5m", 300_000),
            ("12h", 43_200_000),
            ("90d", 7_776_000_000),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
            assert_eq!(show(Duration::from_millis(millis)), text);
        }
        assert_eq!(parse(" 5 m "), Some(Duration::from_secs(300)));
        for bad in [
            "",
            "5",
            "m",
            "-5m",
            "1.5h",
            "5 minutes",
            "5M",
            "99999999999999999999s",
            "99999999999999999d",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
