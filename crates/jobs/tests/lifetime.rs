//! Leases, payloads, waking and stopping, on both engines.

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use common::{Note, Notes, add, counts, rows, runner, settings, until};
use db::Value;
use jobs::{Handler, JobError, Lease, Runner, RunnerSettings, When};
use testkit::TestDb;
use tokio::sync::Semaphore;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
/// Planted in a payload and then searched for.
const MARKER: &str = "marker-7f3a-in-the-payload";

/// Ends when the test lets it.
#[derive(Clone)]
struct Gate(Arc<AtomicUsize>, Arc<Semaphore>);

impl Gate {
    fn new() -> Self {
        Self(Arc::default(), Arc::new(Semaphore::new(0)))
    }

    fn began(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Handler<Note> for Gate {
    async fn run(&self, _: Note, _: &Lease) -> Result<(), JobError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        self.1.acquire().await.unwrap().forget();
        Ok(())
    }
}

fn holds_marker(value: &Value) -> bool {
    let bytes = match value {
        Value::Bytes(bytes) => bytes.as_slice(),
        Value::Text(text) => text.as_bytes(),
        _ => return false,
    };
    bytes
        .windows(MARKER.len())
        .any(|part| part == MARKER.as_bytes())
}

testkit::both_engines! {
    /// A18: a payload is sealed while it waits and gone when the job is finished, in whatever way.
    async fn a_payload_is_sealed_and_then_gone(db: TestDb) {
        for text in ["done", "dead", "again"] {
            add(&db, &format!("{text} {MARKER}"), When::default()).await;
        }
        let sealed = rows(&db).await;
        assert!(sealed.iter().all(|row| row.bytes(2).unwrap().len() > MARKER.len()));
        assert!(!sealed.iter().any(|row| row.values().iter().any(holds_marker)));
        let notes = Notes::answering(|job| match job.text.split(' ').next() {
            Some("done") => Ok(()),
            Some("dead") => Err(JobError::Never { code: "test.never" }),
            _ => Err(JobError::Again { code: "test.again", after: None }),
        });
        runner(&db, "a").handle(notes.clone()).run_due().await;
        assert!(notes.texts().iter().all(|text| text.contains(MARKER)));
        for row in rows(&db).await {
            let finished = row.text(1).unwrap() != "queued";
            assert_eq!(row.opt_bytes(2).unwrap().is_none(), finished);
            assert!(!row.values().iter().any(holds_marker));
        }
        if let Some(file) = db.file() {
            assert!(testkit::server::files_with(file.parent().unwrap(), MARKER.as_bytes()).is_empty());
        }
    }

    /// F11: a handler that takes longer than its lease keeps it, and nobody else runs the job.
    async fn a_long_handler_keeps_its_lease(db: TestDb) {
        add(&db, "long", When::default()).await;
        let (slow, other) = (Gate::new(), Notes::new());
        let a = runner(&db, "a").handle(slow.clone()).start();
        until("the handler began", async || slow.began() == 1).await;
        let b = runner(&db, "b").handle(other.clone()).start();
        for _ in 0..5 {
            db.clock().advance(30 * SECOND);
            tokio::time::sleep(SECOND / 5).await;
        }
        slow.1.add_permits(1);
        until("done", async || counts(&db).await.done == 1).await;
        a.stop().await;
        b.stop().await;
        assert!(other.texts().is_empty());
        assert_eq!((slow.began(), rows(&db).await[0].int(4).unwrap()), (1, 1));
    }

    /// F12: a job whose runners all died with it is dead after five tries, without a sixth.
    async fn a_job_that_kills_its_runners_dies(db: TestDb) {
        add(&db, "deadly", When::default()).await;
        let gate = Gate::new();
        for tries in 1..=5 {
            let doomed = runner(&db, "doomed").handle(gate.clone());
            assert!(tokio::time::timeout(SECOND / 4, doomed.run_due()).await.is_err());
            assert_eq!(gate.began(), tries);
            db.clock().advance(61 * SECOND);
        }
        assert_eq!(runner(&db, "heir").handle(gate.clone()).run_due().await, 0);
        assert_eq!((gate.began(), counts(&db).await.dead), (5, 1));
        assert_eq!(rows(&db).await[0].opt_text(5).unwrap().as_deref(), Some("jobs.lost"));
    }

    /// F20: stopping lets what is at work end and takes nothing new.
    async fn a_stop_drains(db: TestDb) {
        add(&db, "at work", When::default()).await;
        let gate = Gate::new();
        let running = runner(&db, "a").handle(gate.clone()).start();
        until("the handler began", async || gate.began() == 1).await;
        let opener = gate.1.clone();
        let stopped = tokio::spawn(running.stop());
        tokio::time::sleep(SECOND / 5).await;
        add(&db, "too late", When::default()).await;
        assert!(!stopped.is_finished());
        opener.add_permits(1);
        stopped.await.unwrap();
        let counts = counts(&db).await;
        assert_eq!((gate.began(), counts.done, counts.queued), (1, 1, 1));
    }

    /// F20: what does not end within ten seconds is put back, due at once.
    async fn a_stop_does_not_wait_for_ever(db: TestDb) {
        add(&db, "stuck", When::default()).await;
        let gate = Gate::new();
        let running = runner(&db, "a").handle(gate.clone()).start();
        until("the handler began", async || gate.began() == 1).await;
        let began = Instant::now();
        running.stop().await;
        assert!((9..12).contains(&began.elapsed().as_secs()));
        gate.1.add_permits(1);
        assert_eq!(runner(&db, "heir").handle(gate.clone()).run_due().await, 1);
        assert_eq!(counts(&db).await.done, 1);
    }

    /// A wake starts a job without waiting for the poll, and `concurrency` is the most at once.
    async fn a_wake_is_quick_and_places_are_limited(db: TestDb) {
        let gate = Gate::new();
        let settings = RunnerSettings { poll: HOUR, concurrency: 3, ..settings("a") };
        let runner = Runner::new(db.db(), testkit::vault(), db.chance().clone(), settings);
        let running = runner.handle(gate.clone()).start();
        tokio::time::sleep(SECOND / 2).await;
        for number in 0..5 {
            add(&db, &number.to_string(), When::default()).await;
        }
        assert_eq!(gate.began(), 0, "the poll is an hour away");
        running.wake();
        until("woken", async || gate.began() == 3).await;
        running.wake();
        tokio::time::sleep(SECOND / 5).await;
        assert_eq!(gate.began(), 3);
        gate.1.add_permits(5);
        until("all done", async || counts(&db).await.done == 5).await;
        running.stop().await;
    }

    /// Done jobs are forgotten after a day, dead ones after thirty.
    async fn finished_jobs_are_forgotten(db: TestDb) {
        add(&db, "done", When::default()).await;
        add(&db, "dead", When::default()).await;
        let notes = Notes::answering(|job| match job.text.as_str() {
            "dead" => Err(JobError::Never { code: "test.never" }),
            _ => Ok(()),
        });
        let runner = runner(&db, "a").handle(notes);
        runner.run_due().await;
        for (hours, done, dead) in [(23, 1, 1), (2, 0, 1), (24 * 28, 0, 1), (24 * 2, 0, 0)] {
            db.clock().advance(hours * HOUR);
            runner.run_due().await;
            let counts = counts(&db).await;
            assert_eq!((counts.done, counts.dead), (done, dead), "after {hours} more hours");
        }
    }
}
