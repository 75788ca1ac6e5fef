//! Tasks in the background: named, told to stop, started again when they panic.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Pause before a task that panicked is started again.
const AFTER_PANIC: Duration = Duration::from_secs(1);

/// All background tasks of the process.
#[derive(Clone, Debug)]
pub(crate) struct Supervisor {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Supervisor {
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self {
            tracker: TaskTracker::new(),
            stop,
        }
    }

    /// Runs `work` now and then every `period` until the stop. A failure is the work's own to log; a panic is
    /// logged and counted here, and the work goes on after a second.
    pub(crate) fn every<F, W>(&self, name: &'static str, period: Duration, work: W)
    where
        W: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send,
    {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            loop {
                let ran = AssertUnwindSafe(async { work().await }).catch_unwind();
                let pause = match stop.run_until_cancelled(ran).await {
                    None => return,
                    Some(Ok(())) => period,
                    Some(Err(_)) => {
                        metrics::counter!("kabinet_task_panics_total", "task" => name).increment(1);
                        tracing::error!(
                            task = name,
                            "a background task panicked and is started again"
                        );
                        AFTER_PANIC
                    }
                };
                if stop
                    .run_until_cancelled(tokio::time::sleep(pause))
                    .await
                    .is_none()
                {
                    return;
                }
            }
        });
    }

    /// Runs `work` once; it ends by itself after the stop.
    pub(crate) fn once(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(work);
    }

    /// What the work waits for.
    pub(crate) fn stopped(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Waits until every task has ended, after the stop.
    pub(crate) async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_goes_on() {
        let stop = CancellationToken::new();
        let supervisor = Supervisor::new(stop.clone());
        let runs = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&runs);
        supervisor.every("test", Duration::from_millis(1), move || {
            let run = seen.fetch_add(1, Ordering::SeqCst);
            async move { assert!(run != 0, "the first time") }
        });
        tokio::time::timeout(Duration::from_secs(10), async {
            while runs.load(Ordering::SeqCst) < 3 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap();
        stop.cancel();
        supervisor.ended().await;
    }
}
