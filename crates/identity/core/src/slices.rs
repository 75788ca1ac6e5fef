//! What leads to an account is not taken away slice by slice (A50).
//!
//! Whoever has somebody's session open, and one proof, would take the owner's ways in one after the other before
//! the owner has read the first notice. So what has been there for a day is taken away or replaced at most once a
//! day, unless the owner is shown by something that has been there for a month. Adding takes nothing from anybody,
//! and what is new may go again at once: a person who furnishes an account in one sitting, and thinks better of
//! some of it, is never stopped. The reasons: `docs/decisions/0011-one-slice-a-day.md`.

use std::time::Duration;

use kernel::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// What is taken away lies this far apart.
pub const APART: Duration = DAY;
/// What has been there for less may go at once: its owner can hardly have come to rely on it.
pub const SETTLES: Duration = DAY;
/// Shown by something this old, more may go: no hijacker of today has made it.
pub const OLD: Duration = DAY.saturating_mul(30);

/// What is said of taking one thing away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slice {
    /// Nothing that counts is taken.
    Free,
    /// It may be taken, and is the one of this day.
    OfTheDay,
    /// Only for whoever shows something old; everybody else waits.
    Another {
        /// Until then.
        until: Timestamp,
    },
}

impl Slice {
    /// Whether it counts when it was taken.
    pub fn counts(self) -> bool {
        self != Self::Free
    }
}

/// Judges it: since when the thing has been there, where it leads to the account at all, and when one was taken last.
pub fn judge(since: Option<Timestamp>, last: Option<Timestamp>, now: Timestamp) -> Slice {
    let settled = since.is_some_and(|since| now.since(since) >= SETTLES);
    if !settled {
        return Slice::Free;
    }
    match last.filter(|last| now.since(*last) < APART) {
        Some(last) => Slice::Another {
            until: last.saturating_add(APART),
        },
        None => Slice::OfTheDay,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_secs(100 * 86_400);

    fn ago(secs: u32) -> Timestamp {
        NOW.saturating_sub(Duration::from_secs(secs.into()))
    }

    /// A50, at the edges of the day.
    #[test]
    fn one_a_day() {
        let (day, old) = (86_400, ago(40 * 86_400));
        let waits = |last: u32| Slice::Another {
            until: ago(last).saturating_add(APART),
        };
        let table = [
            (None, None, Slice::Free),
            (None, Some(ago(1)), Slice::Free),
            (Some(ago(day - 1)), Some(ago(1)), Slice::Free),
            (Some(ago(day)), None, Slice::OfTheDay),
            (Some(ago(day)), Some(ago(1)), waits(1)),
            (Some(old), Some(ago(day - 1)), waits(day - 1)),
            (Some(old), Some(ago(day)), Slice::OfTheDay),
        ];
        for (since, last, expected) in table {
            assert_eq!(judge(since, last, NOW), expected, "{since:?} {last:?}");
        }
    }

    proptest! {
        /// Whatever is tried and whenever: of what had settled never two within a day without something old.
        #[test]
        fn no_two_within_a_day(tries in prop::collection::vec((0_u32..40_000, 0_u32..200_000), 0..60)) {
            let (mut now, mut last) = (NOW, None);
            let mut taken: Vec<Timestamp> = Vec::new();
            for (wait, age) in tries {
                now = now.saturating_add(Duration::from_secs(wait.into()));
                let since = now.saturating_sub(Duration::from_secs(age.into()));
                match judge(Some(since), last, now) {
                    Slice::Free => prop_assert!(age < 86_400),
                    Slice::OfTheDay => {
                        taken.push(now);
                        last = Some(now);
                    }
                    Slice::Another { until } => {
                        prop_assert!(now < until);
                        prop_assert_eq!(judge(Some(since), last, until), Slice::OfTheDay);
                    }
                }
            }
            for pair in taken.windows(2) {
                prop_assert!(pair[1].since(pair[0]) >= APART);
            }
        }
    }
}
