//! A clock that can be moved forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use db::HonestClock;
use kernel::{Clock, Timestamp};

/// Furthest that one demo may go ahead.
pub(crate) const AHEAD_MAX: Duration = Duration::from_secs(20 * 366 * 24 * 3_600);

/// The honest clock and what was added to it.
pub(crate) struct MovableClock {
    honest: Arc<HonestClock>,
    ahead_micros: AtomicI64,
}

impl MovableClock {
    pub(crate) fn new(honest: Arc<HonestClock>) -> Self {
        Self {
            honest,
            ahead_micros: AtomicI64::new(0),
        }
    }

    /// Moves forward; `false` when that would be too far.
    pub(crate) fn advance(&self, by: Duration) -> bool {
        let Ok(by) = i64::try_from(by.as_micros()) else {
            return false;
        };
        let most = i64::try_from(AHEAD_MAX.as_micros()).unwrap_or(i64::MAX);
        self.ahead_micros
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |ahead| {
                ahead.checked_add(by).filter(|ahead| *ahead <= most)
            })
            .is_ok()
    }

    /// How far it was moved.
    pub(crate) fn ahead(&self) -> Duration {
        let micros = self.ahead_micros.load(Ordering::Acquire);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        self.honest.now().saturating_add(self.ahead())
    }
}
