//! A clock that stands still until a test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use kernel::{Clock, Timestamp};

/// 2026-03-02 09:00:00 UTC, noon in Moscow on a working Monday: no daylight saving, no holiday, so
/// that a test that does not care about the calendar is not surprised by it.
pub const MONDAY_NOON_MICROS: i64 = 1_772_442_000_000_000;

/// A clock that a test sets and moves; clones of the `Arc` see the same time.
#[derive(Debug)]
pub struct TestClock {
    micros: AtomicI64,
}

impl TestClock {
    /// A clock standing at [`MONDAY_NOON_MICROS`].
    pub fn new() -> Arc<Self> {
        Self::at(Timestamp::from_micros(MONDAY_NOON_MICROS))
    }

    /// A clock standing at `now`.
    pub fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            micros: AtomicI64::new(now.as_micros()),
        })
    }

    /// Moves the clock forward and answers the new time.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let by = micros(by);
        Timestamp::from_micros(self.micros.fetch_add(by, Ordering::SeqCst) + by)
    }

    /// Moves the clock back, as a broken time server does (F9).
    pub fn rewind(&self, by: Duration) -> Timestamp {
        let by = micros(by);
        Timestamp::from_micros(self.micros.fetch_sub(by, Ordering::SeqCst) - by)
    }

    /// Puts the clock at `now`, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.micros.store(now.as_micros(), Ordering::SeqCst);
    }
}

fn micros(by: Duration) -> i64 {
    i64::try_from(by.as_micros()).expect("a test moves the clock by less than 292,000 years")
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_only_when_moved() {
        let clock = TestClock::new();
        let start = clock.now();
        assert_eq!(clock.now(), start);
        let later = clock.advance(Duration::from_secs(60));
        assert_eq!(later.as_micros() - start.as_micros(), 60_000_000);
        assert_eq!(clock.now(), later);
        clock.rewind(Duration::from_secs(61));
        assert_eq!(clock.now().as_micros(), start.as_micros() - 1_000_000);
        clock.set(start);
        assert_eq!(clock.now(), start);
    }
}
