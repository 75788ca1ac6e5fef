//! How long a use case holds its transaction, and with what.
//!
//! Nothing but SQL is awaited inside a transaction, and nothing heavy is computed there. SQLite refuses a use
//! case that awaits something else; on PostgreSQL it is counted. What a use case computes is measured as time
//! of its thread, so that a busy machine does not count.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use crate::instant;

/// Says whether a statement is under way, to whoever watches.
#[derive(Clone, Default)]
pub(crate) struct UnderWay(Arc<AtomicBool>);

impl UnderWay {
    pub(crate) fn set(&self, is: bool) {
        self.0.store(is, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What was seen of one use case.
pub(crate) struct Hold {
    began: Instant,
    computed: Duration,
    foreign: bool,
}

impl Hold {
    pub(crate) fn begin() -> Self {
        Self {
            began: instant(),
            computed: Duration::ZERO,
            foreign: false,
        }
    }

    /// Runs one step of the use case and counts its time on this thread.
    pub(crate) fn step<T>(&mut self, step: impl FnOnce() -> T) -> T {
        let before = thread_time();
        let done = step();
        self.computed = self
            .computed
            .saturating_add(thread_time().saturating_sub(before));
        done
    }

    /// Writes down how it went.
    pub(crate) fn end(&self, transaction: &'static str) {
        metrics::histogram!("kabinet_db_hold_seconds", "transaction" => transaction)
            .record(self.began.elapsed().as_secs_f64());
        metrics::histogram!("kabinet_db_hold_cpu_seconds", "transaction" => transaction)
            .record(self.computed.as_secs_f64());
        if self.foreign {
            metrics::counter!("kabinet_db_foreign_awaits_total", "transaction" => transaction)
                .increment(1);
        }
    }
}

/// A use case that is watched while it runs.
pub(crate) struct Watched<F> {
    use_case: F,
    hold: Hold,
    under_way: UnderWay,
    transaction: &'static str,
}

impl<F> Watched<F> {
    pub(crate) fn new(transaction: &'static str, under_way: UnderWay, use_case: F) -> Self {
        Self {
            use_case,
            hold: Hold::begin(),
            under_way,
            transaction,
        }
    }
}

impl<F: Future + Unpin> Future for Watched<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let (hold, use_case) = (&mut this.hold, &mut this.use_case);
        match hold.step(|| Pin::new(use_case).poll(cx)) {
            Poll::Ready(output) => {
                hold.end(this.transaction);
                Poll::Ready(output)
            }
            Poll::Pending => {
                // It waits, and not for the database.
                hold.foreign |= !this.under_way.get();
                Poll::Pending
            }
        }
    }
}

fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn poll<F: Future + Unpin>(watched: &mut Watched<F>) -> Poll<F::Output> {
        Pin::new(watched).poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Waiting for the database is what a transaction is for; waiting for anything else is seen.
    #[test]
    fn only_a_foreign_wait_is_foreign() {
        for (sql, foreign) in [(true, false), (false, true)] {
            let under_way = UnderWay::default();
            let mut watched = Watched::new("test", under_way.clone(), std::future::pending::<()>());
            under_way.set(sql);
            assert!(poll(&mut watched).is_pending());
            assert_eq!(watched.hold.foreign, foreign);
        }
    }

    /// What is computed counts, however slow the machine; what is slept does not.
    #[test]
    fn computing_counts_and_sleeping_does_not() {
        let mut hold = Hold::begin();
        hold.step(|| std::thread::sleep(Duration::from_millis(60)));
        assert!(
            hold.computed < Duration::from_millis(30),
            "{:?}",
            hold.computed
        );
        hold.step(|| {
            let before = thread_time();
            while thread_time().saturating_sub(before) < Duration::from_millis(60) {
                std::hint::black_box(before);
            }
        });
        assert!(
            hold.computed >= Duration::from_millis(60),
            "{:?}",
            hold.computed
        );
        assert!(hold.began.elapsed() >= Duration::from_millis(60));
    }
}
