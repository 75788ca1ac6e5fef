//! When what was counted about strangers' requests counts for nothing any more and may be forgotten.
//!
//! A row that may go decides nothing: without it every answer is the same. What has no such moment is kept.

use std::time::Duration;

use kernel::Timestamp;

use crate::{
    Policy,
    guessing::Guesses,
    sending::{Range, Sends},
};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Wrong tries in a row are kept for ever where an account stands behind the identifier (ID-2a: a hundred close
/// it). Where none does there is nothing to guess into, and what strangers made up would grow without end.
const STRANGERS_KEPT: Duration = DAY.saturating_mul(365);
/// How long the share of used codes of a quiet range of numbers is kept: many times its block (A19).
const RANGES_KEPT: Duration = DAY.saturating_mul(30);

/// From when on the counts of an identifier decide nothing; `None` keeps them.
pub fn subject(
    sends: &Sends,
    guesses: &Guesses,
    has_owner: bool,
    policy: &Policy,
) -> Option<Timestamp> {
    let longest_wait = policy.send_waits.iter().max().copied().unwrap_or_default();
    let window = DAY.max(policy.send_calm).max(longest_wait);
    let after = |last: Option<Timestamp>, kept| last.map(|last| last.saturating_add(kept));
    let row = match (guesses.in_row, has_owner) {
        (0, _) => None,
        (_, true) => return None,
        (_, false) => Some(guesses.recent.last()?.saturating_add(STRANGERS_KEPT)),
    };
    let until = after(sends.recent.last(), window)
        .max(after(sends.calls.last(), window))
        .max(after(guesses.recent.last(), DAY))
        .max(guesses.rest_until)
        .max(row)?;
    whole_day(until)
}

/// From when on the counts of a range of numbers decide nothing; `None` keeps them.
pub fn range(range: &Range) -> Option<Timestamp> {
    let quiet = range
        .sends
        .last()
        .map(|last| last.saturating_add(RANGES_KEPT));
    whole_day(quiet.max(range.blocked_until)?)
}

/// The end of the day, so that the moment changes once a day and not with every request.
fn whole_day(until: Timestamp) -> Option<Timestamp> {
    let day = i64::try_from(DAY.as_micros()).ok()?;
    let days = until.as_micros().div_euclid(day).checked_add(1)?;
    Some(Timestamp::from_micros(days.checked_mul(day)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::WRONG_CLOSES;
    use proptest::prelude::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + secs)
    }

    /// What an identifier's row decides at a moment.
    fn decided(sends: &Sends, guesses: &Guesses, policy: &Policy, now: Timestamp) -> String {
        let next = sends.clone().sent(policy, now, true);
        format!(
            "{:?} {:?} {:?} {} {} {:?}",
            sends.may_send(policy, now, false),
            sends.may_send(policy, now, true),
            guesses.may_try(policy, now),
            next.serial,
            next.step,
            guesses.clone().wrong(policy, now).in_row,
        )
    }

    proptest! {
        /// ID-2a, ID-2b, A9: whatever happened, at the moment told and ever after a row that was forgotten
        /// answers as the row that was kept, but for a stranger's year-old row of wrong tries.
        #[test]
        fn a_forgotten_row_decided_nothing(
            steps in prop::collection::vec((0_i64..100_000, 0_u8..4), 1..60),
            owner in any::<bool>(),
            later in 0_i64..10_000_000,
        ) {
            let policy = Policy::default();
            let (mut sends, mut guesses, mut now) = (Sends::default(), Guesses::default(), 0);
            for (gap, step) in steps {
                now += gap;
                match step {
                    0 => sends = sends.sent(&policy, at(now), false),
                    1 => sends = sends.sent(&policy, at(now), true),
                    2 => guesses = guesses.wrong(&policy, at(now)),
                    _ => (sends, guesses) = (sends.succeeded(), guesses.right()),
                }
            }
            if let Some(until) = subject(&sends, &guesses, owner, &policy) {
                prop_assert!(guesses.in_row == 0 || !owner);
                // The moment may have passed already when nothing but successes came since.
                let then = until.max(at(now)).saturating_add(Duration::from_secs(u64::try_from(later).unwrap()));
                let row = decided(&sends, &Guesses { in_row: 0, ..guesses.clone() }, &policy, then);
                prop_assert_eq!(row, decided(&Sends::default(), &Guesses::default(), &policy, then));
                if guesses.in_row > 0 {
                    prop_assert!(until.since(guesses.recent.last().unwrap()) >= STRANGERS_KEPT);
                }
            } else {
                prop_assert!((guesses.in_row > 0 && owner) || sends == Sends::default());
            }
        }

        /// A19: a range is kept while it is blocked, and long after its last code.
        #[test]
        fn a_blocked_range_is_kept(gaps in prop::collection::vec(0_i64..4_000, 1..60)) {
            let policy = Policy::default();
            let (mut counted, mut now) = (Range::default(), 0);
            for gap in gaps {
                now += gap;
                counted = counted.sent(&policy, at(now));
            }
            let until = range(&counted).unwrap();
            prop_assert!(counted.may_send(&policy, until).is_ok());
            prop_assert!(until.since(at(now)) >= RANGES_KEPT);
        }
    }

    /// ID-2a: the row that closes code sign-in for an account never goes, however long it is quiet.
    #[test]
    fn a_closed_account_stays_closed() {
        let policy = Policy::default();
        let guesses = (0..WRONG_CLOSES).fold(Guesses::default(), |guesses, n| {
            guesses.wrong(&policy, at(i64::from(n)))
        });
        assert_eq!(subject(&Sends::default(), &guesses, true, &policy), None);
        assert!(subject(&Sends::default(), &guesses, false, &policy).is_some());
    }
}
