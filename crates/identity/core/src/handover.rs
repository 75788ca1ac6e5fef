//! Letting a computer in by a signed-in phone (ID-7): the computer shows a number, the phone finds it among three.

use kernel::Timestamp;

use crate::{Policy, assurance::Method};

/// Numbers that the phone chooses among.
pub const CHOICES: usize = 3;
const LEAST: u32 = 10;
const NUMBERS: u32 = 90;

/// The numbers of one request, drawn once so that looking again tells nothing new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// What the phone offers, in the order it offers them.
    pub offered: [u8; CHOICES],
    /// Which of them the computer shows.
    pub shown: u8,
}

/// Draws three different numbers of two digits, and which of them is shown. `below(n)` gives an even number from
/// 0 to `n - 1`.
pub fn draw(mut below: impl FnMut(u32) -> u32) -> Numbers {
    let mut offered = [0; CHOICES];
    let mut taken: Vec<u8> = Vec::with_capacity(CHOICES);
    for place in &mut offered {
        loop {
            let drawn = below(NUMBERS).saturating_add(LEAST);
            let drawn = u8::try_from(drawn).unwrap_or_default();
            if !taken.contains(&drawn) {
                taken.push(drawn);
                *place = drawn;
                break;
            }
        }
    }
    let place = below(u32::try_from(CHOICES).unwrap_or(1));
    let place = usize::try_from(place).unwrap_or_default();
    Numbers {
        shown: offered.get(place).copied().unwrap_or_default(),
        offered,
    }
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The phone has not answered yet.
    Waiting,
    /// The phone said yes; the computer may enter.
    Approved,
    /// The phone said no, or chose a wrong number.
    Refused,
    /// Used, or its time is over.
    Over,
}

/// The times of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// It waits until then.
    pub expires_at: Timestamp,
    /// The phone said yes.
    pub approved_at: Option<Timestamp>,
    /// The phone said no.
    pub refused_at: Option<Timestamp>,
    /// The computer entered.
    pub used_at: Option<Timestamp>,
}

/// Where it stands now.
pub fn state(times: &Times, policy: &Policy, now: Timestamp) -> State {
    if times.used_at.is_some() {
        return State::Over;
    }
    if times.refused_at.is_some() {
        return State::Refused;
    }
    match times.approved_at {
        Some(at) if now < at.saturating_add(policy.handover_pickup) => State::Approved,
        None if now < times.expires_at => State::Waiting,
        Some(_) | None => State::Over,
    }
}

/// When a session may let others in: one that was let in itself only after a day, so that a phished computer
/// is not the first of a chain.
pub fn may_let_in_at(born_by: Method, born_at: Timestamp, policy: &Policy) -> Option<Timestamp> {
    (born_by == Method::Device).then(|| born_at.saturating_add(policy.handover_ripens))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn below(mut seed: u64) -> impl FnMut(u32) -> u32 {
        move |n| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            u32::try_from((seed >> 33) % u64::from(n)).unwrap()
        }
    }

    proptest! {
        /// ID-7: three different numbers of two digits, one of them the right one.
        #[test]
        fn three_different_numbers(seed: u64) {
            let numbers = draw(below(seed));
            let [a, b, c] = numbers.offered;
            prop_assert!(a != b && b != c && a != c);
            prop_assert!(numbers.offered.iter().all(|n| (10..=99).contains(n)));
            prop_assert!(numbers.offered.contains(&numbers.shown));
        }

        /// ID-7: what is over stays over, whatever the time.
        #[test]
        fn nothing_comes_back(
            expires in 0_i64..400, approved in prop::option::of(0_i64..400), refused in prop::option::of(0_i64..400),
            used in prop::option::of(0_i64..400), now in 0_i64..800, later in 0_i64..800,
        ) {
            let at = Timestamp::from_secs;
            let times = Times {
                expires_at: at(expires), approved_at: approved.map(at), refused_at: refused.map(at),
                used_at: used.map(at),
            };
            let policy = Policy::default();
            let first = state(&times, &policy, at(now));
            let then = state(&times, &policy, at(now + later));
            if matches!(first, State::Over | State::Refused) {
                prop_assert_eq!(then, first);
            }
            if used.is_some() || refused.is_some() {
                prop_assert!(!matches!(first, State::Approved | State::Waiting));
            }
        }
    }

    #[test]
    fn every_place_may_be_the_right_one() {
        let mut places = [0; CHOICES];
        for seed in 0..300 {
            let numbers = draw(below(seed * 7_919));
            let place = numbers.offered.iter().position(|n| *n == numbers.shown);
            places[place.unwrap()] += 1;
        }
        assert!(places.iter().all(|count| *count > 60), "{places:?}");
    }

    /// ID-7: a let-in session lets nobody in for a day.
    #[test]
    fn no_chains() {
        let policy = Policy::default();
        let born = Timestamp::from_secs(1_000);
        assert_eq!(may_let_in_at(Method::Sms, born, &policy), None);
        let ripe = may_let_in_at(Method::Device, born, &policy).unwrap();
        assert_eq!(ripe, Timestamp::from_secs(1_000 + 86_400));
    }
}
