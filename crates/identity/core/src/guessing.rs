//! Whether a code may be tried now, and what a wrong one costs (ID-2a).
//!
//! Wrong tries follow the identifier, across codes, channels and browsers: a new code resets nothing, a
//! success does. A browser that the account knows has a count of its own, so a stranger's guessing never
//! shuts the owner out of it.

use std::time::Duration;

use kernel::Timestamp;

use crate::{Policy, policy::WRONG_CLOSES, recent::Recent};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Wrong tries for one identifier (or one known browser of its account).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guesses {
    /// Wrong ones since the last success.
    pub in_row: u32,
    /// The latest wrong ones.
    pub recent: Recent,
    /// No code is looked at before then.
    pub rest_until: Option<Timestamp>,
}

/// Why a code is not even looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Codes rest; other factors still work.
    Rests {
        /// Until then.
        until: Timestamp,
    },
    /// Code sign-in is closed until a stronger factor is shown.
    Closed,
    /// The network has guessed too often.
    Network {
        /// Until then.
        until: Timestamp,
    },
}

impl Guesses {
    /// May a code be tried now?
    pub fn may_try(&self, policy: &Policy, now: Timestamp) -> Result<(), Refused> {
        if self.in_row >= WRONG_CLOSES {
            return Err(Refused::Closed);
        }
        let hour = self.recent.full_until(now, HOUR, policy.wrong_per_hour);
        let day = self.recent.full_until(now, DAY, policy.wrong_per_day);
        let rest = self.rest_until.filter(|until| now < *until);
        match rest.max(hour).max(day) {
            Some(until) => Err(Refused::Rests { until }),
            None => Ok(()),
        }
    }

    /// Notes a wrong try. From the tenth in a row each costs a rest, twice as long each time.
    #[must_use]
    pub fn wrong(self, policy: &Policy, now: Timestamp) -> Self {
        let in_row = self.in_row.saturating_add(1);
        let over = in_row.checked_sub(policy.wrong_rests);
        let rest = over.map(|over| {
            let doubled = 1_u32.checked_shl(over).unwrap_or(u32::MAX);
            policy
                .rest_first
                .saturating_mul(doubled)
                .min(policy.rest_most)
        });
        Self {
            in_row,
            recent: self
                .recent
                .with(now, policy.wrong_per_day.max(policy.wrong_per_hour)),
            rest_until: rest.map(|rest| now.saturating_add(rest)),
        }
    }

    /// A success clears the row; the day's wrong tries still count towards the day.
    #[must_use]
    pub fn right(self) -> Self {
        Self {
            in_row: 0,
            rest_until: None,
            ..self
        }
    }

    /// Whether the owner should hear of it: at five, at ten, and whenever it closes.
    pub fn is_suspicious(&self) -> bool {
        matches!(self.in_row, 5 | 10 | 30 | WRONG_CLOSES)
    }
}

/// Wrong tries from one address and from its /24 or /64 (A10).
pub fn network_may_try(
    address: &Recent,
    site: &Recent,
    policy: &Policy,
    now: Timestamp,
) -> Result<(), Refused> {
    let address = address.full_until(now, policy.wrong_window, policy.network_wrong);
    let site = site.full_until(now, policy.wrong_window, policy.site_wrong);
    address
        .max(site)
        .map_or(Ok(()), |until| Err(Refused::Network { until }))
}

/// Whether the share of wrong tries in the whole installation looks like spraying (A10).
pub fn looks_like_spraying(wrong: u64, tries: u64, policy: &Policy) -> bool {
    tries >= policy.spray_floor
        && wrong.saturating_mul(100) > tries.saturating_mul(policy.spray_percent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + secs)
    }

    /// ID-2a: after 10 in a row codes rest, and the rests grow to an hour (A11: never longer by itself).
    #[test]
    fn the_rests_grow() {
        let policy = Policy {
            wrong_per_hour: 1_000,
            wrong_per_day: 1_000,
            ..Policy::default()
        };
        let (mut guesses, mut now) = (Guesses::default(), at(0));
        for n in 1..=9 {
            guesses = guesses.wrong(&policy, now);
            assert_eq!(guesses.may_try(&policy, now), Ok(()), "wrong try {n}");
        }
        for rest in [5, 10, 20, 40, 60, 60, 60] {
            guesses = guesses.wrong(&policy, now);
            let until = now.saturating_add(Duration::from_secs(rest * 60));
            assert_eq!(guesses.may_try(&policy, now), Err(Refused::Rests { until }));
            assert_eq!(guesses.may_try(&policy, until), Ok(()));
            now = until;
        }
    }

    /// ID-2a: 100 in a row close it; a success in between does not let it come to that.
    #[test]
    fn a_hundred_in_a_row_close() {
        let policy = Policy::default();
        let mut guesses = Guesses::default();
        for n in 0..99 {
            guesses = guesses.wrong(&policy, at(n * 100_000));
        }
        let later = at(100 * 100_000);
        assert_eq!(guesses.may_try(&policy, later), Ok(()));
        assert_eq!(guesses.clone().right().in_row, 0);
        let closed = guesses.wrong(&policy, later);
        assert_eq!(
            closed.may_try(&policy, at(1_000_000_000)),
            Err(Refused::Closed)
        );
    }

    proptest! {
        /// A9: an attacker who tries whenever it is allowed makes at most 10 tries an hour and 30 a day,
        /// whatever the owner's successes in between: a chance of 3·10⁻⁵ a day.
        #[test]
        fn a_day_gives_thirty_tries(pauses in prop::collection::vec(0_i64..3_000, 1..400), owner in any::<u64>()) {
            let policy = Policy::default();
            let (mut guesses, mut now, mut tried) = (Guesses::default(), 0, Vec::new());
            for (n, pause) in pauses.into_iter().enumerate() {
                now += pause;
                if guesses.may_try(&policy, at(now)).is_ok() {
                    guesses = guesses.wrong(&policy, at(now));
                    tried.push(now);
                }
                if owner >> (n % 64) & 1 == 1 { guesses = guesses.right(); }
            }
            for (i, first) in tried.iter().enumerate() {
                let day = tried[i..].iter().take_while(|t| **t - first < 86_400).count();
                let hour = tried[i..].iter().take_while(|t| **t - first < 3_600).count();
                prop_assert!(day <= 30 && hour <= 10);
            }
        }
    }

    /// A10: the share counts only when there is something to share.
    #[test]
    fn spraying_is_a_share() {
        let policy = Policy::default();
        assert!(!looks_like_spraying(50, 50, &policy));
        assert!(!looks_like_spraying(30, 100, &policy));
        assert!(looks_like_spraying(31, 100, &policy));
    }
}
