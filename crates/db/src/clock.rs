//! A clock that stays honest when the system's does not.
//!
//! Holds, codes and cooling-off periods are promises about time. If somebody sets the machine's clock, they
//! must neither end early nor come back to life (F9). So time here follows the wall clock only while it
//! agrees with the machine's own steady count of seconds; a jump is reported and not followed. A high-water
//! mark in the database carries that across restarts: time never goes back below it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kernel::{Clock, Timestamp};
use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};

use crate::{ClockAhead, Db, DbError, MigrateError};

/// Most by which the wall clock may differ from the steady count and still be followed.
const DRIFT_MAX: Duration = Duration::from_secs(2);
/// A wall clock further than this ahead of the mark at start is taken for a mistake.
const ABSENCE_MAX: Duration = Duration::from_secs(60 * 24 * 3600);

/// Where the two counts come from; a test gives its own.
pub trait TimeSource: Send + Sync {
    /// Wall clock, microseconds UTC.
    fn wall(&self) -> i64;
    /// Steady count since some start, microseconds, going on while the machine sleeps.
    fn steady(&self) -> i64;
}

struct Machine;

impl TimeSource for Machine {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    fn wall(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    fn steady(&self) -> i64 {
        let time = clock_gettime(ClockId::Boottime);
        time.tv_sec
            .saturating_mul(1_000_000)
            .saturating_add(time.tv_nsec / 1_000)
    }
}

struct State {
    wall: i64,
    steady: i64,
    last: i64,
    jumped: bool,
}

/// The clock of a running server.
pub struct HonestClock {
    source: Box<dyn TimeSource>,
    state: Mutex<State>,
}

impl HonestClock {
    /// Starts from the machine's clock.
    pub fn start() -> Self {
        Self::from_source(Box::new(Machine))
    }

    /// Starts from a given source.
    pub fn from_source(source: Box<dyn TimeSource>) -> Self {
        let (wall, steady) = (source.wall(), source.steady());
        let state = State {
            wall,
            steady,
            last: wall,
            jumped: false,
        };
        Self {
            source,
            state: Mutex::new(state),
        }
    }

    /// Takes the database's high-water mark into account. A clock behind the mark goes on from the mark; one
    /// implausibly far ahead is refused unless `accept_ahead`.
    pub fn honour(&self, mark: Timestamp, accept_ahead: bool) -> Result<(), ClockAhead> {
        let now = self.now();
        if now.since(mark) > ABSENCE_MAX && mark.as_micros() > 0 && !accept_ahead {
            return Err(ClockAhead { now, mark });
        }
        let mut state = self.state.lock();
        if mark.as_micros() > state.last {
            state.wall = mark.as_micros();
            state.steady = self.source.steady();
            state.last = mark.as_micros();
            state.jumped = true;
        }
        Ok(())
    }

    /// Whether the machine's clock disagrees at present, so that an operator should look.
    pub fn disagrees(&self) -> bool {
        self.now();
        self.state.lock().jumped
    }
}

impl Clock for HonestClock {
    fn now(&self) -> Timestamp {
        let mut state = self.state.lock();
        let (wall, steady) = (self.source.wall(), self.source.steady());
        let expected = state
            .wall
            .saturating_add(steady.saturating_sub(state.steady));
        let drift = u128::from(wall.abs_diff(expected));
        if drift <= DRIFT_MAX.as_micros() {
            (state.wall, state.steady, state.jumped) = (wall, steady, false);
        } else {
            if !state.jumped {
                tracing::error!(
                    drift_seconds = drift / 1_000_000,
                    "the system clock jumped; not followed"
                );
            }
            (state.wall, state.steady, state.jumped) = (expected, steady, true);
        }
        state.last = state.last.max(state.wall);
        Timestamp::from_micros(state.last)
    }
}

mod sql {
    crate::statements! {
        /// The latest time the database has seen.
        MARK: "SELECT at FROM clock_mark WHERE id = $1" (Int) -> (Int);
        /// Raises it; never lowers it.
        RAISE: "INSERT INTO clock_mark (id, at) VALUES ($1, $2)
                ON CONFLICT (id) DO UPDATE SET at = excluded.at WHERE clock_mark.at < excluded.at"
            (Int, Int) -> ();
    }
}
pub(crate) use sql::ALL as STATEMENTS;

impl Db {
    /// The latest time this database has seen; 0 in a new one.
    pub async fn clock_mark(&self) -> Result<Timestamp, DbError> {
        self.read("db.clock_mark", (), |tx, ()| {
            Box::pin(async move {
                let row = tx.query_opt(&sql::MARK, crate::params![1_i64]).await?;
                row.map_or(Ok(Timestamp::from_micros(0)), |row| row.timestamp(0))
            })
        })
        .await
    }

    /// Writes the present time into the mark. The server does so every few seconds and at its end.
    pub async fn raise_clock_mark(&self) -> Result<(), DbError> {
        self.write("db.raise_clock_mark", (), |tx, ()| {
            Box::pin(async move {
                let now = tx.now();
                tx.execute(&sql::RAISE, crate::params![1_i64, now]).await?;
                Ok(())
            })
        })
        .await
    }
}

impl From<ClockAhead> for MigrateError {
    fn from(ahead: ClockAhead) -> Self {
        Self::Db(DbError::Unavailable(ahead.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    };

    #[derive(Clone, Default)]
    struct Set(Arc<AtomicI64>, Arc<AtomicI64>);
    impl Set {
        fn pass(&self, wall: i64, steady: i64) {
            self.0.fetch_add(wall, Ordering::SeqCst);
            self.1.fetch_add(steady, Ordering::SeqCst);
        }
    }
    impl TimeSource for Set {
        fn wall(&self) -> i64 {
            self.0.load(Ordering::SeqCst)
        }
        fn steady(&self) -> i64 {
            self.1.load(Ordering::SeqCst)
        }
    }

    const SECOND: i64 = 1_000_000;
    const HOUR: i64 = 3_600 * SECOND;
    const YEAR: i64 = 365 * 24 * HOUR;

    /// F9: +1 h, −1 h, +10 years: time goes on by the steady count and the jump is told.
    #[test]
    fn jumps_are_not_followed() {
        for jump in [HOUR, -HOUR, 10 * YEAR, -10 * YEAR] {
            let set = Set::default();
            set.pass(50 * YEAR, 0);
            let clock = HonestClock::from_source(Box::new(set.clone()));
            let before = clock.now();
            set.pass(jump + 60 * SECOND, 60 * SECOND);
            assert_eq!(
                clock.now().since(before),
                Duration::from_secs(60),
                "jump {jump}"
            );
            assert!(clock.disagrees());
            set.pass(-jump, 0);
            assert_eq!(clock.now().since(before), Duration::from_secs(60));
            assert!(
                !clock.disagrees(),
                "a clock set right again is followed again"
            );
        }
    }

    /// F9: small corrections by a time service are followed, yet time never runs backwards.
    #[test]
    fn small_corrections_are_followed_forwards() {
        let set = Set::default();
        set.pass(50 * YEAR, 0);
        let clock = HonestClock::from_source(Box::new(set.clone()));
        let before = clock.now();
        set.pass(2 * SECOND, SECOND);
        assert_eq!(clock.now().since(before), Duration::from_secs(2));
        set.pass(0, SECOND);
        assert_eq!(clock.now().since(before), Duration::from_secs(2));
        assert!(!clock.disagrees());
    }

    /// F9: after a restart with a clock set back, time goes on from the mark.
    #[test]
    fn a_restart_does_not_turn_time_back() {
        let set = Set::default();
        set.pass(50 * YEAR, 0);
        let clock = HonestClock::from_source(Box::new(set.clone()));
        let mark = Timestamp::from_micros(50 * YEAR + HOUR);
        clock.honour(mark, false).unwrap();
        assert_eq!(clock.now(), mark);
        set.pass(SECOND, SECOND);
        assert_eq!(clock.now().since(mark), Duration::from_secs(1));
    }

    /// F9: a clock ten years ahead at start is refused, unless the operator says it is right.
    #[test]
    fn a_start_far_ahead_is_refused() {
        let set = Set::default();
        set.pass(60 * YEAR, 0);
        let clock = HonestClock::from_source(Box::new(set));
        let mark = Timestamp::from_micros(50 * YEAR);
        assert!(clock.honour(mark, false).is_err());
        assert!(clock.honour(mark, true).is_ok());
        assert!(
            clock.honour(Timestamp::from_micros(0), false).is_ok(),
            "a new database has no mark"
        );
    }
}
