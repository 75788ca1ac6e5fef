//! The queue as its callers see it, on both engines.

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use common::{Note, Notes, add, add_job, counts, in_hand, note, rows, runner, until};
use db::DbError;
use jobs::{Handler, Job, JobError, Lease, Periodic, When};
use kernel::Clock;
use serde::{Deserialize, Serialize};
use testkit::TestDb;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Never ends, as a handler whose server dies does not.
struct Stuck(Arc<AtomicUsize>);

#[async_trait]
impl Handler<Note> for Stuck {
    async fn run(&self, _: Note, _: &Lease) -> Result<(), JobError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }
}

/// Another kind beside [`Note`].
#[derive(Serialize, Deserialize)]
struct Other;

impl Job for Other {
    const KIND: &'static str = "test.other";
}

struct Count(Arc<AtomicUsize>);

#[async_trait]
impl Periodic for Count {
    async fn run(&self) -> Result<(), JobError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

testkit::both_engines! {
    /// I2, I3: the job exists exactly if the transaction commits.
    async fn a_job_is_part_of_the_transaction(db: TestDb) {
        let input = (testkit::vault(), db.chance().clone());
        let refused = db.write("test.refuse", input, |tx, (vault, chance)| Box::pin(async move {
            jobs::enqueue(tx, vault, &**chance, b"x", &note("never"), When::default()).await?;
            Err::<(), DbError>(DbError::Busy)
        })).await;
        assert_eq!(refused, Err(DbError::Busy));
        assert!(rows(&db).await.is_empty());
        let id = add(&db, "kept", When::default()).await;
        let notes = Notes::new();
        assert_eq!(runner(&db, "a").handle(notes.clone()).run_due().await, 1);
        let seen = notes.seen.lock().clone();
        assert_eq!(seen, [("kept".to_owned(), Lease { job: id, tries: 1, enqueued_at: db.clock().now() })]);
        assert_eq!(counts(&db).await.done, 1);
    }

    /// One job per kind and key, whatever it is spread by, until a day after it is done.
    async fn a_key_makes_one_job(db: TestDb) {
        let when = When { dedup: Some([7; 32]), ..When::default() };
        let first = add(&db, "first", when).await;
        assert_eq!(add(&db, "second", when).await, first);
        assert_ne!(add_job(&db, Other, vec![], when).await, first, "another kind has keys of its own");
        assert_ne!(add(&db, "third", When { dedup: Some([8; 32]), ..when }).await, first);
        add(&db, "free", When::default()).await;
        add(&db, "free", When::default()).await;
        assert_eq!(rows(&db).await.len(), 5);
        let notes = Notes::new();
        let runner = runner(&db, "a").handle(notes.clone());
        runner.run_due().await;
        assert_eq!(notes.texts(), ["first", "free", "free", "third"]);
        assert_eq!(add(&db, "second", when).await, first, "done, yet remembered");
        db.clock().advance(DAY + 2 * SECOND);
        runner.run_due().await;
        assert_ne!(add(&db, "second", when).await, first);
    }

    /// 64 callers with one key at once make one job.
    async fn a_key_makes_one_job_in_a_race(db: TestDb) {
        let ids = testkit::race(64, |_| {
            let (db, input) = (db.db(), (testkit::vault(), db.chance().clone()));
            async move {
                db.write("test.race", input, |tx, (vault, chance)| Box::pin(async move {
                    let when = When { dedup: Some([9; 32]), ..When::default() };
                    jobs::enqueue(tx, vault, &**chance, b"x", &note("once"), when).await
                })).await.unwrap_or_else(|why: DbError| panic!("{why}"))
            }
        }).await;
        assert!(ids.iter().all(|id| *id == ids[0]));
        assert_eq!(rows(&db).await.len(), 1);
    }

    /// F11: two runners side by side over 400 jobs: each is handled exactly once.
    async fn two_runners_share_the_work(db: TestDb) {
        for number in 0..400 {
            add(&db, &format!("{number:03}"), When::default()).await;
        }
        let (one, two) = (Notes::new(), Notes::new());
        let a = runner(&db, "a").handle(one.clone()).start();
        let b = runner(&db, "b").handle(two.clone()).start();
        until("all done", async || counts(&db).await.done == 400).await;
        a.stop().await;
        b.stop().await;
        let (one, two) = (one.texts(), two.texts());
        assert!(!one.is_empty() && !two.is_empty(), "both worked: {} and {}", one.len(), two.len());
        let mut all = [one, two].concat();
        all.sort();
        let expected: Vec<_> = (0..400).map(|number| format!("{number:03}")).collect();
        assert_eq!(all, expected);
    }

    /// F1, F11: the job of a killed runner is due again when its lease ends.
    async fn a_killed_runner_loses_nothing(db: TestDb) {
        add(&db, "survivor", When::default()).await;
        let began = Arc::new(AtomicUsize::new(0));
        let doomed = runner(&db, "doomed").handle(Stuck(began.clone()));
        // Dropping the future kills everything the runner does, in the middle of it.
        assert!(tokio::time::timeout(SECOND / 2, doomed.run_due()).await.is_err());
        assert_eq!(began.load(Ordering::SeqCst), 1);
        let notes = Notes::new();
        let heir = runner(&db, "heir").handle(notes.clone());
        db.clock().advance(59 * SECOND);
        assert_eq!(heir.run_due().await, 0, "the lease still holds");
        db.clock().advance(SECOND);
        assert_eq!(heir.run_due().await, 1);
        assert_eq!(notes.seen.lock()[0].1.tries, 2);
        assert_eq!((counts(&db).await.done, counts(&db).await.unfinished()), (1, 0));
    }

    /// F12: five tries with growing pauses, then dead; the queue flows on beside it.
    async fn a_poison_job_dies_and_the_queue_flows(db: TestDb) {
        add(&db, "poison", When::default()).await;
        let notes = Notes::answering(|job| if job.text == "poison" {
            Err(JobError::Again { code: "test.poison", after: None })
        } else {
            Ok(())
        });
        let runner = runner(&db, "a").handle(notes.clone());
        for (tries, most) in [(1, 2), (2, 8), (3, 32), (4, 128)] {
            add(&db, &format!("sound {tries}"), When::default()).await;
            assert_eq!(runner.run_due().await, 2);
            let row = &rows(&db).await[0];
            let wait = row.timestamp(3).unwrap().since(db.clock().now());
            assert_eq!((row.text(1).unwrap().as_str(), row.int(4).unwrap()), ("queued", tries));
            assert!(wait > Duration::ZERO && wait <= most * SECOND, "try {tries}: {wait:?}");
            db.clock().set(row.timestamp(3).unwrap().saturating_sub(Duration::from_micros(1)));
            assert_eq!(runner.run_due().await, 0, "not before its time");
            db.clock().advance(Duration::from_micros(1));
        }
        assert_eq!(runner.run_due().await, 1);
        let row = &rows(&db).await[0];
        assert_eq!((row.text(1).unwrap().as_str(), row.int(4).unwrap()), ("dead", 5));
        assert_eq!(row.opt_text(5).unwrap().as_deref(), Some("test.poison"));
        assert!(row.opt_bytes(2).unwrap().is_none() && row.opt_int(3).unwrap().is_none());
        db.clock().advance(DAY / 2);
        assert_eq!(runner.run_due().await, 0);
        assert_eq!((counts(&db).await.done, counts(&db).await.dead), (4, 1));
    }

    /// A gateway's own wish is honoured to the microsecond; `Never` is final.
    async fn a_handler_decides_when_and_whether_again(db: TestDb) {
        add(&db, "again", When::default()).await;
        add(&db, "never", When::default()).await;
        let notes = Notes::answering(|job| Err(match job.text.as_str() {
            "again" => JobError::Again { code: "test.busy", after: Some(90 * SECOND) },
            _ => JobError::Never { code: "test.refused" },
        }));
        let runner = runner(&db, "a").handle(notes.clone());
        assert_eq!(runner.run_due().await, 2);
        assert_eq!((counts(&db).await.queued, counts(&db).await.dead), (1, 1));
        db.clock().advance(90 * SECOND - Duration::from_micros(1));
        assert_eq!(runner.run_due().await, 0);
        db.clock().advance(Duration::from_micros(1));
        assert_eq!(runner.run_due().await, 1);
    }

    /// F18: what became worthless is dropped without running, also between two tries.
    async fn a_worthless_job_is_dropped(db: TestDb) {
        let end = db.clock().now().saturating_add(600 * SECOND);
        let when = When { worthless_after: Some(end), ..When::default() };
        add(&db, "late", when).await;
        add(&db, "failing", when).await;
        let notes = Notes::answering(|_| Err(JobError::Again { code: "test.down", after: Some(601 * SECOND) }));
        let failing = runner(&db, "a").handle(notes.clone());
        let later = When { not_before: Some(end.saturating_add(SECOND)), ..when };
        add(&db, "never in time", later).await;
        assert_eq!(failing.run_due().await, 2);
        assert_eq!(counts(&db).await.done, 2, "no try would come in time");
        let late = add(&db, "late again", when).await;
        db.clock().set(end.saturating_add(SECOND));
        assert_eq!(failing.run_due().await, 0);
        assert_eq!(notes.texts(), ["failing", "late"]);
        let rows = rows(&db).await;
        assert!(rows.iter().any(|row| row.array(0).unwrap() == *late.as_bytes()));
        for row in rows {
            assert_eq!(row.text(1).unwrap(), "done");
            assert_eq!(row.opt_text(5).unwrap().as_deref(), Some("jobs.expired"));
            assert!(row.opt_bytes(2).unwrap().is_none());
        }
    }

    /// `not_before` is kept, and jobs of a kind nobody here knows are left alone.
    async fn jobs_wait_for_their_time_and_their_program(db: TestDb) {
        let later = db.clock().now().saturating_add(60 * SECOND);
        add(&db, "later", When { not_before: Some(later), ..When::default() }).await;
        add_job(&db, Other, vec![], When::default()).await;
        let notes = Notes::new();
        let runner = runner(&db, "a").handle(notes.clone());
        assert_eq!(runner.run_due().await, 0);
        db.clock().advance(60 * SECOND);
        assert_eq!(runner.run_due().await, 1);
        let counts = counts(&db).await;
        assert_eq!((counts.queued, counts.done), (1, 1));
    }

    /// A handler that panics has used a try; the runner and the other jobs do not notice.
    async fn a_panic_is_a_try(db: TestDb) {
        add(&db, "panic", When::default()).await;
        add(&db, "sound", When::default()).await;
        let notes = Notes::answering(|job| if job.text == "panic" { panic!("as told") } else { Ok(()) });
        assert_eq!(runner(&db, "a").handle(notes.clone()).run_due().await, 2);
        let rows = rows(&db).await;
        let panicked = rows.iter().find(|row| row.text(1).unwrap() == "queued").unwrap();
        assert_eq!(panicked.opt_text(5).unwrap().as_deref(), Some("jobs.panic"));
        assert_eq!(counts(&db).await.done, 1);
    }

    /// Once per period, whoever does it, and what was missed is missed.
    async fn periodic_work_is_done_once_per_period(db: TestDb) {
        let count = Arc::new(AtomicUsize::new(0));
        let make = |owner| runner(&db, owner).every("test.tick", 60 * SECOND, Count(count.clone())).start();
        let (a, b) = (make("a"), make("b"));
        // When it is due next is written when it is put down: a clock that moves before that moves it too.
        let put_down = async || until("the periodic is put down", async || in_hand(&db).await == 0).await;
        for periods in 1..=3 {
            until("the periodic ran", async || count.load(Ordering::SeqCst) >= periods).await;
            tokio::time::sleep(SECOND / 5).await;
            assert_eq!(count.load(Ordering::SeqCst), periods);
            put_down().await;
            db.clock().advance(60 * SECOND);
        }
        until("the periodic ran", async || count.load(Ordering::SeqCst) == 4).await;
        put_down().await;
        db.clock().advance(600 * SECOND);
        until("the periodic ran", async || count.load(Ordering::SeqCst) >= 5).await;
        tokio::time::sleep(SECOND / 5).await;
        assert_eq!(count.load(Ordering::SeqCst), 5);
        a.stop().await;
        b.stop().await;
    }
}
