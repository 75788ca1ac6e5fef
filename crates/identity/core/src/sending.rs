//! Whether a code may be sent now: per identifier, per network, per range of numbers (ID-2, ID-2b).

use std::time::Duration;

use kernel::Timestamp;

use crate::{Policy, recent::Recent};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A range's share is told from about so many times `range_sends` of its latest codes (A19).
const RANGE_MEMORY: u64 = 10;

/// What was sent to one identifier, over all purposes and browsers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sends {
    /// Running number of the latest code («код № 3»); starts anew after a calm.
    pub serial: u32,
    /// Codes of every channel.
    pub recent: Recent,
    /// Calls alone.
    pub calls: Recent,
    /// How many codes in this series, which sets the next wait.
    pub step: u32,
}

/// Why no code goes out now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotNow {
    /// The pause after the previous code.
    Pause {
        /// When the next may be asked for.
        until: Timestamp,
    },
    /// The hour's or the day's codes are used up.
    UsedUp {
        /// When the next may be asked for.
        until: Timestamp,
    },
    /// Too many calls; another channel is open.
    Calls {
        /// When a call may be asked for again.
        until: Timestamp,
    },
    /// The network has asked for too many.
    Network {
        /// When the next may be asked for.
        until: Timestamp,
    },
    /// Too many codes went to this range of numbers, or nobody used them (A19).
    Range {
        /// When the next may be asked for.
        until: Timestamp,
    },
}

impl NotNow {
    /// When to come back.
    pub fn until(self) -> Timestamp {
        match self {
            Self::Pause { until }
            | Self::UsedUp { until }
            | Self::Calls { until }
            | Self::Network { until }
            | Self::Range { until } => until,
        }
    }
}

impl Sends {
    /// The pause before the next code, counted from the latest one.
    fn pause(&self, policy: &Policy) -> Duration {
        let place = usize::try_from(self.step)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        let waits = &policy.send_waits;
        waits
            .get(place)
            .or(waits.last())
            .copied()
            .unwrap_or_default()
    }

    fn calm(&self, policy: &Policy, now: Timestamp) -> bool {
        self.recent
            .last()
            .is_none_or(|last| now.since(last) >= policy.send_calm)
    }

    /// When the next code may be asked for; `None` when now.
    pub fn next_at(&self, policy: &Policy, now: Timestamp) -> Option<Timestamp> {
        let last = self.recent.last()?;
        let until = last.saturating_add(self.pause(policy));
        (until > now && !self.calm(policy, now)).then_some(until)
    }

    /// May one more go out to anybody? `call` for a call.
    pub fn may_send(&self, policy: &Policy, now: Timestamp, call: bool) -> Result<(), NotNow> {
        self.room(policy, now, call, 0)
    }

    /// May one more go out to a browser that the account knows? Strangers may have used up what anybody gets
    /// (ID-2a, A11).
    pub fn may_send_to_known(
        &self,
        policy: &Policy,
        now: Timestamp,
        call: bool,
    ) -> Result<(), NotNow> {
        self.room(policy, now, call, policy.known_sends_more)
    }

    fn room(&self, policy: &Policy, now: Timestamp, call: bool, more: usize) -> Result<(), NotNow> {
        if let Some(until) = self.next_at(policy, now) {
            return Err(NotNow::Pause { until });
        }
        let most = |limit: usize| limit.saturating_add(more);
        let hour = self
            .recent
            .full_until(now, HOUR, most(policy.sends_per_hour));
        let day = self.recent.full_until(now, DAY, most(policy.sends_per_day));
        if let Some(until) = hour.max(day) {
            return Err(NotNow::UsedUp { until });
        }
        if call && let Some(until) = self.calls.full_until(now, HOUR, policy.calls_per_hour) {
            return Err(NotNow::Calls { until });
        }
        Ok(())
    }

    /// Notes one that goes out.
    #[must_use]
    pub fn sent(self, policy: &Policy, now: Timestamp, call: bool) -> Self {
        let calm = self.calm(policy, now);
        let calls = if call {
            self.calls.with(now, policy.calls_per_hour)
        } else {
            self.calls
        };
        Self {
            serial: if calm {
                1
            } else {
                self.serial.saturating_add(1)
            },
            recent: self.recent.with(
                now,
                policy
                    .sends_per_day
                    .max(policy.sends_per_hour)
                    .saturating_add(policy.known_sends_more),
            ),
            calls,
            step: if calm { 1 } else { self.step.saturating_add(1) },
        }
    }

    /// After a success the waits begin anew; the day's count stays (A22).
    #[must_use]
    pub fn succeeded(self) -> Self {
        Self {
            step: 0,
            serial: 0,
            ..self
        }
    }
}

/// Whether a network that may ask for `most` codes a day may ask for one more.
pub fn network_may_send(sends: &Recent, most: usize, now: Timestamp) -> Result<(), NotNow> {
    sends
        .full_until(now, DAY, most)
        .map_or(Ok(()), |until| Err(NotNow::Network { until }))
}

/// What a range of numbers (the number without its last four digits) was sent and used (A19).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Range {
    /// Sent within the window.
    pub sends: Recent,
    /// Sent since the count began.
    pub sent: u64,
    /// Of these, used.
    pub used: u64,
    /// Refused until then.
    pub blocked_until: Option<Timestamp>,
}

impl Range {
    /// May one more go to this range? The answer depends on the range alone, so it may be told honestly: it
    /// says nothing about a single number (A1).
    pub fn may_send(&self, policy: &Policy, now: Timestamp) -> Result<(), NotNow> {
        let blocked = self.blocked_until.filter(|until| now < *until);
        let full = self
            .sends
            .full_until(now, policy.range_window, policy.range_sends);
        blocked
            .max(full)
            .map_or(Ok(()), |until| Err(NotNow::Range { until }))
    }

    /// Notes one that goes out; blocks the range when nobody uses its codes.
    #[must_use]
    pub fn sent(self, policy: &Policy, now: Timestamp) -> Self {
        let sends = self.sends.with(now, policy.range_sends);
        let sent = self.sent.saturating_add(1);
        let floor = u64::try_from(policy.range_sends).unwrap_or(u64::MAX);
        let converted = self.used.saturating_mul(100);
        let poor =
            sent >= floor && converted < sent.saturating_mul(policy.range_conversion_percent);
        if poor {
            let blocked_until = Some(now.saturating_add(policy.range_block));
            return Self {
                sends,
                sent: 0,
                used: 0,
                blocked_until,
            };
        }
        // Older codes weigh less and less, or a range that was used well for years could be pumped for months.
        if sent >= floor.saturating_mul(RANGE_MEMORY) {
            return Self {
                sends,
                sent: sent / 2,
                used: self.used / 2,
                ..self
            };
        }
        Self {
            sends,
            sent,
            ..self
        }
    }

    /// Notes that a code of this range was used.
    #[must_use]
    pub fn used(self) -> Self {
        Self {
            used: self.used.saturating_add(1),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + secs)
    }

    /// ID-2: the next code after 60 s, then 2, 5, 10 minutes.
    #[test]
    fn the_waits_grow() {
        let policy = Policy {
            sends_per_hour: 100,
            sends_per_day: 100,
            ..Policy::default()
        };
        let (mut sends, mut now) = (Sends::default(), at(0));
        for wait in [60, 120, 300, 600, 600] {
            assert_eq!(sends.may_send(&policy, now, false), Ok(()));
            sends = sends.sent(&policy, now, false);
            let until = now.saturating_add(Duration::from_secs(wait));
            let early = until.saturating_sub(Duration::from_micros(1));
            assert_eq!(
                sends.may_send(&policy, early, false),
                Err(NotNow::Pause { until })
            );
            now = until;
        }
        assert_eq!(sends.serial, 5, "«код № 5»");
    }

    /// ID-2b: 5 an hour, 10 a day; A23: 2 calls an hour.
    #[test]
    fn the_hour_and_the_day_are_counted() {
        let policy = Policy {
            send_waits: vec![Duration::ZERO],
            ..Policy::default()
        };
        let mut sends = Sends::default();
        for n in 0..5 {
            assert_eq!(sends.may_send(&policy, at(n), false), Ok(()));
            sends = sends.sent(&policy, at(n), false);
        }
        assert_eq!(
            sends.may_send(&policy, at(5), false),
            Err(NotNow::UsedUp { until: at(3_600) })
        );
        for n in 0..5 {
            sends = sends.sent(&policy, at(3_700 + n), n < 2);
        }
        assert_eq!(
            sends.may_send(&policy, at(7_400), false),
            Err(NotNow::UsedUp {
                until: at(24 * 3_600)
            })
        );
        let day = at(7_400);
        for n in 0..3 {
            assert_eq!(sends.may_send_to_known(&policy, day, false), Ok(()), "{n}");
            sends = sends.sent(&policy, day, false);
        }
        assert_eq!(
            sends.may_send_to_known(&policy, day, false),
            Err(NotNow::UsedUp {
                until: at(24 * 3_600)
            })
        );
        let calls = Sends::default()
            .sent(&policy, at(0), true)
            .sent(&policy, at(1), true);
        assert_eq!(
            calls.may_send(&policy, at(2), true),
            Err(NotNow::Calls { until: at(3_600) })
        );
        assert_eq!(
            calls.may_send(&policy, at(2), false),
            Ok(()),
            "the SMS is still open"
        );
    }

    /// A19: however many codes of a range were used before, pumping shows within a few hundred.
    #[test]
    fn old_takers_do_not_hide_pumping() {
        let policy = Policy::default();
        let mut range = Range::default();
        for n in 0..5_000 {
            range = range.sent(&policy, at(n * 60)).used();
        }
        let pumped = (5_000..).find(|n| {
            range = range.clone().sent(&policy, at(n * 60));
            range.blocked_until.is_some()
        });
        assert!(pumped.unwrap() < 5_500, "blocked at {pumped:?}");
    }

    /// A19: a range whose codes nobody uses is refused for a day.
    #[test]
    fn a_range_without_takers_is_blocked() {
        let policy = Policy {
            range_sends: 20,
            ..Policy::default()
        };
        let mut range = Range::default();
        for n in 0..19 {
            assert!(range.may_send(&policy, at(n * 60)).is_ok());
            range = range.sent(&policy, at(n * 60));
        }
        let used = (0..5)
            .fold(range.clone(), |range, _| range.used())
            .sent(&policy, at(1_200));
        assert!(
            used.may_send(&policy, at(1_300)).is_ok(),
            "five of twenty were used"
        );
        for (used, blocked) in [(3, true), (4, false)] {
            let range = (0..used).fold(range.clone(), |range, _| range.used());
            let answer = range.sent(&policy, at(1_200)).may_send(&policy, at(1_900));
            assert_eq!(answer.is_err(), blocked, "{used} of twenty were used");
        }
        let poor = range.sent(&policy, at(1_200));
        assert!(poor.may_send(&policy, at(1_300)).is_err());
        assert!(poor.may_send(&policy, at(1_200 + 24 * 3_600 - 1)).is_err());
        assert!(poor.may_send(&policy, at(1_200 + 24 * 3_600)).is_ok());
    }

    /// A19: 20 sends in ten minutes, used or not.
    #[test]
    fn a_range_is_slow_even_when_used() {
        let policy = Policy::default();
        let mut range = Range::default();
        for n in 0..20 {
            range = range.used().sent(&policy, at(n));
        }
        assert!(range.may_send(&policy, at(30)).is_err());
        assert!(range.may_send(&policy, at(601)).is_ok());
    }

    proptest! {
        /// ID-2b: whatever the timing, an identifier never gets more than its hour's and day's codes.
        #[test]
        fn never_more_than_the_limits(gaps in prop::collection::vec(0_i64..4_000, 1..120)) {
            let policy = Policy::default();
            let (mut sends, mut now, mut sent) = (Sends::default(), 0, Vec::new());
            for gap in gaps {
                now += gap;
                if sends.may_send(&policy, at(now), false).is_ok() {
                    sends = sends.sent(&policy, at(now), false);
                    if gap % 3 == 0 { sends = sends.succeeded(); }
                    sent.push(now);
                }
            }
            for (i, first) in sent.iter().enumerate() {
                let hour = sent[i..].iter().take_while(|t| **t - first < 3_600).count();
                let day = sent[i..].iter().take_while(|t| **t - first < 86_400).count();
                prop_assert!(hour <= 5 && day <= 10);
            }
        }
    }
}
