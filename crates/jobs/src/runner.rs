//! The loop that carries jobs out.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use db::Db;
use kernel::{Chance, Timestamp};
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use vault::Vault;

use crate::{
    Handler, Job, Periodic,
    handler::Kind,
    periodic::{Clockwork, Regular},
    sweep,
    work::Work,
};

/// How long [`Running::stop`] waits for handlers at work.
pub const STOP_TIME: Duration = Duration::from_secs(10);
/// The runner looks for work at most this often, however often it is woken.
const PAUSE: Duration = Duration::from_millis(2);

/// How a runner works.
#[derive(Debug, Clone)]
pub struct RunnerSettings {
    /// This server's name, shown in the table beside what it has in hand; made unique by the runner.
    pub owner: String,
    /// A job is another runner's after this long without a sign of life.
    pub lease: Duration,
    /// How often to look for work nobody woke the runner for.
    pub poll: Duration,
    /// Most jobs of one kind at once, at least 1. Kinds do not share places.
    pub concurrency: usize,
}

impl Default for RunnerSettings {
    fn default() -> Self {
        Self {
            owner: "kabinet".to_owned(),
            lease: Duration::from_secs(60),
            poll: Duration::from_millis(200),
            concurrency: 16,
        }
    }
}

/// Wakes a runner in this process, so that a job enqueued here starts without waiting for the poll. Call it
/// after the commit; calls in quick succession cost one look.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Wakes it.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// What the parts of a runner share.
#[derive(Clone)]
pub(crate) struct Core {
    pub(crate) db: Db,
    pub(crate) vault: Vault,
    chance: Arc<dyn Chance>,
    pub(crate) settings: RunnerSettings,
    pub(crate) owner: String,
    pub(crate) kinds: BTreeMap<&'static str, Kind>,
    pub(crate) regulars: Vec<Regular>,
}

impl Core {
    pub(crate) fn chance(&self) -> &dyn Chance {
        &*self.chance
    }

    /// When a lease taken now is to be renewed: two more chances before it ends.
    pub(crate) fn renew_at(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.settings.lease.checked_div(3).unwrap_or_default())
    }
}

/// A runner: which kinds it knows and what it does regularly.
pub struct Runner {
    core: Core,
    wake: Wake,
}

impl Runner {
    /// A runner that knows no kind yet. Several, in one process or in many, share a database.
    pub fn new(db: Db, vault: Vault, chance: Arc<dyn Chance>, settings: RunnerSettings) -> Self {
        let unique = u64::from_le_bytes((&*chance as &dyn Chance).bytes());
        let core = Core {
            owner: format!("{}.{unique:016x}", settings.owner),
            regulars: Vec::new(),
            kinds: BTreeMap::new(),
            db,
            vault,
            chance,
            settings,
        };
        let sweeper = sweep::Sweeper(core.db.clone());
        let runner = Self {
            core,
            wake: Wake::default(),
        };
        runner.every(sweep::NAME, sweep::PERIOD, sweeper)
    }

    /// Gives it the handler of a kind; the last one counts.
    #[must_use]
    pub fn handle<J: Job>(mut self, handler: impl Handler<J>) -> Self {
        self.core.kinds.insert(J::KIND, Kind::of::<J>(handler));
        self
    }

    /// Does something once per `period` (at least a second), on one of all servers; the first time at once.
    /// `name` is the row all servers share.
    #[must_use]
    pub fn every(mut self, name: &'static str, period: Duration, periodic: impl Periodic) -> Self {
        let period = period.max(Duration::from_secs(1));
        self.core.regulars.push(Regular {
            name,
            period,
            periodic: Arc::new(periodic),
        });
        self
    }

    /// What wakes this runner, before and after its start.
    pub fn waker(&self) -> Wake {
        self.wake.clone()
    }

    /// Starts it. It stops at [`Running::stop`], or without waiting when the answer is dropped.
    #[expect(
        clippy::disallowed_methods,
        reason = "jobs is where background work goes"
    )]
    pub fn start(self) -> Running {
        let stop = CancellationToken::new();
        let wake = self.wake.clone();
        let task = tokio::spawn(run(self, stop.clone()));
        Running {
            wake,
            stop: stop.drop_guard(),
            task,
        }
    }

    /// For tests: runs everything that is due, and what that makes due, each job once, and the periodics
    /// that are due; answers how many jobs were run.
    pub async fn run_due(&self) -> usize {
        let mut work = Work::once(self.core.clone());
        let mut clockwork = Clockwork::new(self.core.clone());
        let (mut count, mut failures) = (0_usize, 0_u32);
        while failures < 5 {
            clockwork.tick(true).await;
            match work.tick(true).await {
                Ok(ticked) => {
                    count = count.saturating_add(ticked.taken);
                    if ticked.dropped == 0 && work.is_idle() && clockwork.is_idle() {
                        break;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "run_due");
                    failures = failures.saturating_add(1);
                }
            }
            tokio::select! {
                Some(joined) = work.tasks.join_next_with_id() => work.joined(joined),
                Some(joined) = clockwork.tasks.join_next_with_id() => clockwork.joined(&joined),
                () = sleep(PAUSE) => {}
            }
            while let Some(joined) = work.tasks.try_join_next_with_id() {
                work.joined(joined);
            }
        }
        count
    }
}

/// A started runner.
pub struct Running {
    wake: Wake,
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Running {
    /// Wakes it.
    pub fn wake(&self) {
        self.wake.wake();
    }

    /// What wakes it.
    pub fn waker(&self) -> Wake {
        self.wake.clone()
    }

    /// Takes nothing more, waits up to [`STOP_TIME`] for what is at work, and puts the rest back.
    pub async fn stop(self) {
        drop(self.stop);
        // Handlers get STOP_TIME; writing down what became of them gets some more.
        match timeout(STOP_TIME.saturating_mul(2), self.task).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => tracing::error!("the job runner had panicked"),
            Err(_) => tracing::error!("the job runner did not stop"),
        }
    }
}

async fn run(runner: Runner, stop: CancellationToken) {
    let Runner { core, wake } = runner;
    let poll = core.settings.poll;
    let mut work = Work::new(core.clone());
    let mut clockwork = Clockwork::new(core.clone());
    let mut watch = sweep::Watch::new(core);
    while !stop.is_cancelled() {
        clockwork.tick(true).await;
        watch.tick().await;
        let pause = match work.tick(true).await {
            Ok(ticked) if ticked.dropped > 0 => continue,
            Ok(_) => PAUSE,
            Err(error) => {
                tracing::warn!(%error, "the job runner cannot reach its table");
                poll
            }
        };
        step(&mut work, &mut clockwork, &wake, poll, &stop).await;
        // Handlers that end within the pause share a transaction.
        sleep(pause).await;
        gather(&mut work, &mut clockwork);
    }
    let drained = async {
        while !(work.is_idle() && clockwork.is_idle()) {
            write(&mut work, &mut clockwork).await;
            if !(work.is_idle() && clockwork.is_idle()) {
                step(
                    &mut work,
                    &mut clockwork,
                    &wake,
                    poll,
                    &CancellationToken::new(),
                )
                .await;
                gather(&mut work, &mut clockwork);
            }
        }
    };
    if timeout(STOP_TIME, drained).await.is_err() {
        tracing::warn!("jobs were still at work when the server stopped; they will be run again");
        work.give_up();
        clockwork.give_up();
        write(&mut work, &mut clockwork).await;
    }
}

/// Waits until something happens.
async fn step(
    work: &mut Work,
    clockwork: &mut Clockwork,
    wake: &Wake,
    poll: Duration,
    stop: &CancellationToken,
) {
    tokio::select! {
        Some(joined) = work.tasks.join_next_with_id() => work.joined(joined),
        Some(joined) = clockwork.tasks.join_next_with_id() => clockwork.joined(&joined),
        () = wake.0.notified() => {}
        () = sleep(poll) => {}
        () = stop.cancelled() => {}
    }
}

/// Notes whatever else has ended by now.
fn gather(work: &mut Work, clockwork: &mut Clockwork) {
    while let Some(joined) = work.tasks.try_join_next_with_id() {
        work.joined(joined);
    }
    while let Some(joined) = clockwork.tasks.try_join_next_with_id() {
        clockwork.joined(&joined);
    }
}

/// Writes down what ended, without taking anything.
async fn write(work: &mut Work, clockwork: &mut Clockwork) {
    clockwork.tick(false).await;
    if let Err(error) = work.tick(false).await {
        tracing::warn!(%error, "what became of the jobs could not be written down");
    }
}
