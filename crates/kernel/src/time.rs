//! Moments of time and where they come from.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment: microseconds since 1970-01-01T00:00:00Z, the same number that
/// stands in the database.
///
/// In JSON it is that number too. To show it to a person, see
/// [`Timestamp::to_zoned`].
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The last moment that can be written down.
    pub const MAX: Self = Self(i64::MAX);

    /// From microseconds since the epoch, UTC. Negative is before 1970.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From whole seconds since the epoch, UTC; held at the ends of the range.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch, UTC.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since the epoch, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment and `span` later; `None` past the end of the range.
    /// Parts of a microsecond are cut off.
    pub fn checked_add(self, span: Duration) -> Option<Self> {
        let micros = i64::try_from(span.as_micros()).ok()?;
        self.0.checked_add(micros).map(Self)
    }

    /// This moment and `span` earlier; `None` before the start of the range.
    pub fn checked_sub(self, span: Duration) -> Option<Self> {
        let micros = i64::try_from(span.as_micros()).ok()?;
        self.0.checked_sub(micros).map(Self)
    }

    /// This moment and `span` later, held at the end of the range.
    #[must_use]
    pub fn saturating_add(self, span: Duration) -> Self {
        self.checked_add(span).unwrap_or(Self(i64::MAX))
    }

    /// This moment and `span` earlier, held at the start of the range.
    #[must_use]
    pub fn saturating_sub(self, span: Duration) -> Self {
        self.checked_sub(span).unwrap_or(Self(i64::MIN))
    }

    /// How long after `earlier` this moment is; zero when it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        if self.0 <= earlier.0 {
            return Duration::ZERO;
        }
        Duration::from_micros(self.0.abs_diff(earlier.0))
    }

    /// The same moment for showing in a time zone; `None` outside the years
    /// -9999 to 9999, which jiff cannot show.
    pub fn to_zoned(self, zone: jiff::tz::TimeZone) -> Option<jiff::Zoned> {
        Some(
            jiff::Timestamp::from_microsecond(self.0)
                .ok()?
                .to_zoned(zone),
        )
    }

    /// The calendar date of this moment in a time zone, by which ages and
    /// «today» are counted; `None` as in [`Timestamp::to_zoned`].
    pub fn date_in(self, zone: jiff::tz::TimeZone) -> Option<jiff::civil::Date> {
        self.to_zoned(zone).map(|zoned| zoned.date())
    }
}

/// RFC 3339 in UTC, for logs and machines.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => write!(f, "{moment}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

/// Where the present moment comes from.
///
/// Passed in as `Arc<dyn Clock>`, so that tests and the demo can move it. Only
/// the binary owns a clock that asks the system.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shows_in_a_time_zone() {
        let moment = Timestamp::from_micros(1_790_000_000_123_456);
        assert_eq!(moment.to_string(), "2026-09-21T14:13:20.123456Z");
        let moscow = jiff::tz::TimeZone::get("Europe/Moscow").unwrap();
        assert_eq!(
            moment.to_zoned(moscow).unwrap().to_string(),
            "2026-09-21T17:13:20.123456+03:00[Europe/Moscow]"
        );
    }

    #[test]
    fn the_date_depends_on_the_zone() {
        let late = Timestamp::from_secs(1_790_000_000 + 8 * 3600); // 22:13 UTC
        let date = |zone: &str| {
            late.date_in(jiff::tz::TimeZone::get(zone).unwrap())
                .unwrap()
                .to_string()
        };
        assert_eq!(
            (date("UTC"), date("Europe/Moscow")),
            ("2026-09-21".into(), "2026-09-22".into())
        );
    }

    #[test]
    fn ends_of_the_range_do_not_panic() {
        assert_eq!(Timestamp::MAX.saturating_add(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.checked_add(Duration::from_micros(1)), None);
        assert_eq!(
            Timestamp::MAX.since(Timestamp::from_micros(i64::MIN)),
            Duration::from_micros(u64::MAX)
        );
        assert_eq!(Timestamp::MAX.to_zoned(jiff::tz::TimeZone::UTC), None);
        assert_eq!(Timestamp::MAX.to_string(), "9223372036854775807us");
        assert_eq!(Timestamp::from_micros(-1).as_millis(), -1);
    }

    proptest! {
        #[test]
        fn adding_and_since_agree(start in -1_000_000_000_000_000i64..4_000_000_000_000_000, micros in 0u64..1_000_000_000_000_000) {
            let start = Timestamp::from_micros(start);
            let span = Duration::from_micros(micros);
            let later = start.checked_add(span).unwrap();
            prop_assert_eq!(later.since(start), span);
            prop_assert_eq!(start.since(later), Duration::ZERO);
            prop_assert_eq!(later.checked_sub(span), Some(start));
            prop_assert!(later >= start);
        }
    }
}
