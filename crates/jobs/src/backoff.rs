//! How long a failed job waits.

use std::time::Duration;

use kernel::Chance;

const BASE: Duration = Duration::from_secs(2);
const FACTOR: u32 = 4;
/// Longest wait between two tries.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(24 * 3600);

/// The longest wait after the try number `tries` (from 1) failed: 2 s, 8 s, 32 s, … a day.
pub(crate) fn ceiling(tries: u32) -> Duration {
    let power = FACTOR.saturating_pow(tries.saturating_sub(1));
    BASE.saturating_mul(power).min(WAIT_MAX)
}

/// Full jitter: evenly from a millisecond to the ceiling, so that jobs that failed together do not come
/// back together. Never zero: one that fails at once would be tried five times in a row.
pub(crate) fn wait(tries: u32, chance: &dyn Chance) -> Duration {
    let millis = u32::try_from(ceiling(tries).as_millis()).unwrap_or(u32::MAX);
    Duration::from_millis(u64::from(chance.below(millis)).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceilings_grow_fourfold_to_a_day() {
        let seconds: Vec<u64> = (1..=10).map(|tries| ceiling(tries).as_secs()).collect();
        assert_eq!(
            seconds,
            [2, 8, 32, 128, 512, 2048, 8192, 32_768, 86_400, 86_400]
        );
        assert_eq!(ceiling(u32::MAX), WAIT_MAX);
    }

    #[test]
    fn waits_fill_the_whole_range_and_are_never_zero() {
        let chance = testkit::SeededChance::new(3);
        for tries in [1, 2, 5, 40] {
            let waits: Vec<_> = (0..2000).map(|_| wait(tries, &*chance)).collect();
            let (low, high) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
            assert!(!low.is_zero() && *high <= ceiling(tries));
            assert!(*low < ceiling(tries) / 20 && *high > ceiling(tries) / 20 * 19);
            let mean = waits.iter().sum::<Duration>() / 2000;
            let half = ceiling(tries) / 2;
            assert!(mean.abs_diff(half) < half / 10, "mean {mean:?}");
        }
    }
}
