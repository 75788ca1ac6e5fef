//! SQLite's group commit: many callers, one commit, and what one of them may not do to the others.

mod support;

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    task::Poll,
    time::{Duration, Instant},
};

use db::{Db, DbError, Engine, params};
use futures_util::future::{BoxFuture, join_all};
use support::{On, add, ids, put, within};

mod raw {
    db::statements! {
        /// What SQLite does by itself when the disk fails under a transaction.
        ROLLBACK: "ROLLBACK" () -> ();
    }
}

/// Holds the writer until told to go on, so that what is sent meanwhile forms one group.
struct Gate {
    go: mpsc::Sender<()>,
    held: tokio::task::JoinHandle<Result<(), DbError>>,
}

impl Gate {
    async fn shut(db: &Db) -> Self {
        let (go, gone) = mpsc::channel::<()>();
        let (began, begun) = mpsc::channel::<()>();
        let db = db.clone();
        let input = (Mutex::new(gone), began);
        let held = tokio::spawn(async move {
            db.write("test.gate", input, |_, (gone, began)| {
                Box::pin(async move {
                    began.send(()).unwrap();
                    gone.lock().unwrap().recv().unwrap();
                    // An error keeps nothing, so the next member is the first that does.
                    Err(DbError::Busy)
                })
            })
            .await
        });
        tokio::task::spawn_blocking(move || begun.recv())
            .await
            .unwrap()
            .unwrap();
        Self { go, held }
    }

    async fn open(self) {
        self.go.send(()).unwrap();
        // It is a member of the group too, and fails with it.
        let answer = self.held.await.unwrap();
        assert!(
            matches!(answer, Err(DbError::Busy | DbError::Unavailable(_))),
            "{answer:?}"
        );
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    Keeps,
    Refuses,
    Panics,
    Sleeps,
    Conflicts,
    Swallows,
    LosesAll,
    LosesAllAndSwallows,
}

type Seen = Arc<Mutex<Vec<i64>>>;

fn member(db: &Db, id: i64, does: Does, seen: &Seen) -> BoxFuture<'static, Result<(), DbError>> {
    let (db, seen) = (db.clone(), Arc::clone(seen));
    Box::pin(async move {
        db.write("test.member", (id, does, seen), |tx, (id, does, seen)| {
            Box::pin(async move {
                seen.lock().unwrap().push(*id);
                put(tx, *id, "x").await?;
                match does {
                    Does::Keeps => {}
                    Does::Refuses => return Err(DbError::Timeout),
                    Does::Panics => panic!("this panic is meant"),
                    Does::Sleeps => tokio::task::yield_now().await,
                    Does::Conflicts => put(tx, *id, "x").await?,
                    Does::Swallows => drop(put(tx, *id, "x").await),
                    Does::LosesAll => {
                        tx.execute(&raw::ROLLBACK, params![]).await?;
                        put(tx, *id + 1000, "x").await?;
                    }
                    Does::LosesAllAndSwallows => {
                        tx.execute(&raw::ROLLBACK, params![]).await?;
                        drop(put(tx, *id + 1000, "x").await);
                    }
                }
                Ok(())
            })
        })
        .await
    })
}

/// Runs the members as one group, in order, and answers what each was told.
async fn group(on: &On, does: &[Does]) -> Vec<Result<(), DbError>> {
    let gate = Gate::shut(&on.db).await;
    let seen = Seen::default();
    let calls = (1..)
        .zip(does)
        .map(|(id, does)| member(&on.db, id, *does, &seen));
    let mut calls = join_all(calls);
    // Polled once, each has taken its place in the queue.
    let waiting = poll_fn(|cx| Poll::Ready(Pin::new(&mut calls).poll(cx).is_pending())).await;
    assert!(waiting);
    gate.open().await;
    let answers = within(Duration::from_secs(5), "the group", calls).await;
    let ran = seen.lock().unwrap().clone();
    assert!(
        ran.is_sorted() && ran.len() == does.len(),
        "each runs once, in the order it came: {ran:?}"
    );
    answers
}

/// I2, I3: whatever one member does, the others keep theirs and it keeps nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_member_takes_nobody_with_it() {
    use Does::*;
    for bad in [Refuses, Panics, Sleeps, Conflicts, Swallows] {
        for at in 0..4 {
            let on = On::start(Engine::Sqlite).await;
            let mut does = [Keeps; 4];
            does[at] = bad;
            let answers = group(&on, &does).await;
            let mut kept = Vec::new();
            for (id, (answer, does)) in (1..).zip(answers.iter().zip(does)) {
                assert_eq!(
                    answer.is_ok(),
                    does == Keeps,
                    "{bad:?} at {at}: {answers:?}"
                );
                kept.extend(answer.is_ok().then_some(id));
            }
            assert_eq!(ids(&on.db).await, kept, "{bad:?} at {at}");
        }
    }
}

/// F3: SQLite's own rollback in the middle of a group loses what the members before had written: they are
/// told so, and those after it are not mixed up with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_transaction_fails_every_member_that_was_in_it() {
    use Does::*;
    for bad in [LosesAll, LosesAllAndSwallows] {
        for at in 0..4 {
            let on = On::start(Engine::Sqlite).await;
            let mut does = [Keeps; 4];
            does[at] = bad;
            let answers = group(&on, &does).await;
            for (place, answer) in answers.iter().enumerate() {
                if place <= at {
                    assert!(
                        matches!(answer, Err(DbError::Unavailable(_))),
                        "{bad:?} at {at}: {answers:?}"
                    );
                } else {
                    assert_eq!(answer, &Ok(()), "{bad:?} at {at}: {answers:?}");
                }
            }
            let kept: Vec<i64> = (1..=4).skip(at + 1).collect();
            assert_eq!(ids(&on.db).await, kept, "{bad:?} at {at}");
            add(&on.db, 99).await.unwrap();
        }
    }
}

/// A queue has an end, and who waits too long is told so and is not carried out behind their back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_too_long_is_told_and_never_carried_out() {
    let on = On::start(Engine::Sqlite).await;
    let gate = Gate::shut(&on.db).await;
    let runs = Arc::new(AtomicU32::new(0));
    let began = Instant::now();
    let calls = (0..5000_i64).map(|_| {
        let (db, runs) = (on.db.clone(), runs.clone());
        async move {
            let answer = db
                .write("test.wait", runs, |_, runs| {
                    Box::pin(async move {
                        runs.fetch_add(1, Ordering::SeqCst);
                        Ok::<_, DbError>(())
                    })
                })
                .await;
            (answer, began.elapsed())
        }
    });
    let answers = join_all(calls).await;
    assert!(
        answers
            .iter()
            .all(|(answer, _)| *answer == Err(DbError::Busy))
    );
    let at_once = answers
        .iter()
        .filter(|(_, took)| *took < Duration::from_secs(1))
        .count();
    assert_eq!(
        at_once,
        5000 - 4096,
        "beyond the queue the answer comes at once"
    );
    let longest = answers.iter().map(|(_, took)| *took).max().unwrap();
    assert!(longest < Duration::from_secs(5), "{longest:?}");
    gate.open().await;
    // The writer first passes over those who gave up; until then the queue is still full.
    while add(&on.db, 1).await == Err(DbError::Busy) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    assert_eq!(ids(&on.db).await, [1]);
}

/// Readers go on while the writer is held, and see only what was committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_do_not_wait_for_the_writer() {
    let on = On::start(Engine::Sqlite).await;
    add(&on.db, 1).await.unwrap();
    let gate = Gate::shut(&on.db).await;
    for _ in 0..100 {
        assert_eq!(
            within(Duration::from_secs(1), "a read", ids(&on.db)).await,
            [1]
        );
    }
    gate.open().await;
}
