//! How often something happened lately: the times themselves, newest last, in one column of one row.
//!
//! Exact sliding windows: no counter that resets on the hour and lets twice the limit through around it.

use std::time::Duration;

use kernel::Timestamp;

/// The latest times something happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recent(Vec<Timestamp>);

impl Recent {
    /// From what [`Recent::to_bytes`] made. `None` when the length is no multiple of 8.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (times, rest) = bytes.as_chunks::<8>();
        let times = times
            .iter()
            .map(|t| Timestamp::from_micros(i64::from_be_bytes(*t)))
            .collect();
        rest.is_empty().then_some(Self(times))
    }

    /// Eight bytes a time, oldest first.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0
            .iter()
            .flat_map(|t| t.as_micros().to_be_bytes())
            .collect()
    }

    /// Adds one that happened now; only the latest `keep` stay.
    #[must_use]
    pub fn with(mut self, now: Timestamp, keep: usize) -> Self {
        self.0.push(now);
        let surplus = self.0.len().saturating_sub(keep);
        self.0.drain(..surplus);
        self
    }

    /// Takes back one that was added as of then.
    #[must_use]
    pub fn without(mut self, at: Timestamp) -> Self {
        if let Some(place) = self.0.iter().rposition(|t| *t == at) {
            self.0.remove(place);
        }
        self
    }

    /// How many happened within `window` before now.
    pub fn within(&self, now: Timestamp, window: Duration) -> usize {
        self.0.iter().filter(|t| now.since(**t) < window).count()
    }

    /// When another one fits under `most` in `window`: `None` when it fits now.
    pub fn full_until(&self, now: Timestamp, window: Duration, most: usize) -> Option<Timestamp> {
        let inside: Vec<_> = self.0.iter().filter(|t| now.since(**t) < window).collect();
        let surplus = inside.len().checked_sub(most)?;
        // The window has room again once all but `most - 1` of these have left it.
        let leaves = inside.get(surplus).copied().copied().unwrap_or(now);
        Some(leaves.saturating_add(window))
    }

    /// The latest one.
    pub fn last(&self) -> Option<Timestamp> {
        self.0.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// ID-2b, A9: whatever the timing, no window of any position holds more than the limit.
        #[test]
        fn no_window_ever_holds_more(gaps in prop::collection::vec(0_u64..40, 1..200), most in 1_usize..8) {
            let window = Duration::from_secs(100);
            let mut now = Timestamp::from_secs(1_000);
            let (mut recent, mut happened) = (Recent::default(), Vec::new());
            for gap in gaps {
                now = now.saturating_add(Duration::from_secs(gap));
                if recent.full_until(now, window, most).is_none() {
                    recent = recent.with(now, most);
                    happened.push(now);
                }
            }
            for (i, first) in happened.iter().enumerate() {
                let inside = happened[i..].iter().take_while(|t| t.since(*first) < window).count();
                prop_assert!(inside <= most);
            }
        }

        #[test]
        fn bytes_round_trip(times in prop::collection::vec(any::<i64>(), 0..40)) {
            let recent = Recent(times.into_iter().map(Timestamp::from_micros).collect());
            prop_assert_eq!(Recent::from_bytes(&recent.to_bytes()), Some(recent));
        }

        /// The time told is the first at which it fits.
        #[test]
        fn the_wait_told_is_exact(times in prop::collection::vec(0_i64..1_000, 1..20), most in 1_usize..6) {
            let mut times = times; times.sort_unstable();
            let recent = Recent(times.iter().map(|t| Timestamp::from_secs(*t)).collect());
            let (now, window) = (Timestamp::from_secs(1_000), Duration::from_secs(500));
            if let Some(until) = recent.full_until(now, window, most) {
                prop_assert!(recent.full_until(until, window, most).is_none());
                let before = until.saturating_sub(Duration::from_micros(1));
                prop_assert!(before < now || recent.full_until(before, window, most).is_some());
            }
        }
    }

    #[test]
    fn one_can_be_taken_back() {
        let at = |seconds| Timestamp::from_secs(seconds);
        let recent = Recent::default()
            .with(at(1), 9)
            .with(at(2), 9)
            .with(at(2), 9);
        let once = Recent::default().with(at(1), 9).with(at(2), 9);
        assert_eq!(recent.clone().without(at(2)), once);
        assert_eq!(recent.clone().without(at(3)), recent);
    }

    #[test]
    fn torn_bytes_are_refused() {
        assert_eq!(Recent::from_bytes(&[0; 9]), None);
    }
}
