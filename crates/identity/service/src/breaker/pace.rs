//! How many codes went out in the last minute, told from readings of counters that are kept by five minutes.

use std::collections::VecDeque;
use std::time::Duration;

use kernel::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);

/// What the counters said at a moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reading {
    pub(super) at: Timestamp,
    /// The slot of that moment.
    pub(super) slot: i64,
    /// Sent in it so far.
    pub(super) here: i64,
    /// Sent in the slot before it.
    pub(super) before: i64,
}

/// The readings of the last minute and the one before them. A process that has just begun knows nothing of the
/// minute before it.
#[derive(Debug, Default)]
pub(super) struct Pace(VecDeque<Reading>);

impl Pace {
    /// Takes a reading; answers how many were sent since the latest one that is a minute old, or since the
    /// oldest there is.
    pub(super) fn in_last_minute(&mut self, now: Reading) -> u64 {
        let old = |reading: &Reading| now.at.since(reading.at) >= MINUTE;
        while self.0.get(1).is_some_and(old) {
            self.0.pop_front();
        }
        self.0.push_back(now);
        let since = self.0.front().copied().unwrap_or(now);
        let sent = match now.slot.saturating_sub(since.slot) {
            0 => now.here.saturating_sub(since.here),
            1 => now
                .here
                .saturating_add(now.before)
                .saturating_sub(since.here),
            // Nobody looked for a whole slot; what this one holds is all that may be of this minute.
            _ => now.here,
        };
        u64::try_from(sent).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A20: what is told is what was sent since some moment 60 to 65 seconds ago, when readings come every
        /// five seconds, over the edges of slots too.
        #[test]
        fn a_minute_is_a_minute(sends in prop::collection::vec(0_i64..50, 1..400), start in 0_i64..300) {
            let mut pace = Pace::default();
            let mut slots = std::collections::BTreeMap::<i64, i64>::new();
            for (n, sent) in sends.iter().enumerate() {
                let at = start + 5 * i64::try_from(n).unwrap();
                let slot = at.div_euclid(300);
                *slots.entry(slot).or_default() += sent;
                let of = |slot| slots.get(&slot).copied().unwrap_or(0);
                let told = pace.in_last_minute(Reading {
                    at: Timestamp::from_secs(at), slot, here: of(slot), before: of(slot - 1),
                });
                let minute = &sends[(n + 1).saturating_sub(12).max(1)..=n];
                let expected = if n == 0 { 0 } else { minute.iter().sum::<i64>() };
                prop_assert_eq!(told, u64::try_from(expected).unwrap(), "reading {}", n);
            }
        }
    }
}
