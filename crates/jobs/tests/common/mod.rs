//! What the tests share.
#![allow(
    clippy::allow_attributes,
    dead_code,
    reason = "each test file uses its own part"
)]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use db::{Db, DbError, Row, params};
use jobs::{Counts, Handler, Job, JobError, Lease, Runner, RunnerSettings, When};
use kernel::JobId;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use testkit::TestDb;

pub mod sql {
    db::statements! {
        ALL_ROWS: "SELECT job_id, state, payload, run_at, tries, error_code, created_at FROM job ORDER BY created_at, job_id" ()
            -> (Bytes, Text, OptBytes, OptInt, Int, OptText, Int);
        BY_KIND: "SELECT state, payload, run_at, tries, error_code, lease_owner FROM job WHERE kind = $1" (Text)
            -> (Text, OptBytes, OptInt, Int, OptText, OptText);
        IN_HAND: "SELECT COUNT(*) FROM schedule WHERE lease_owner IS NOT NULL" () -> (Int);
    }
}

/// A job that carries a number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Note {
    pub text: String,
}

impl Job for Note {
    const KIND: &'static str = "test.note";
}

pub fn note(text: &str) -> Note {
    Note {
        text: text.to_owned(),
    }
}

/// Notes what it was given; answers what it was told to.
#[derive(Clone)]
pub struct Notes {
    pub seen: Arc<Mutex<Vec<(String, Lease)>>>,
    pub answer: Arc<dyn Fn(&Note) -> Result<(), JobError> + Send + Sync>,
}

impl Notes {
    pub fn new() -> Self {
        Self::answering(|_| Ok(()))
    }

    pub fn answering(
        answer: impl Fn(&Note) -> Result<(), JobError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            seen: Arc::default(),
            answer: Arc::new(answer),
        }
    }

    pub fn texts(&self) -> Vec<String> {
        let mut texts: Vec<_> = self.seen.lock().iter().map(|x| x.0.clone()).collect();
        texts.sort();
        texts
    }
}

#[async_trait]
impl Handler<Note> for Notes {
    async fn run(&self, job: Note, lease: &Lease) -> Result<(), JobError> {
        self.seen.lock().push((job.text.clone(), *lease));
        (self.answer)(&job)
    }
}

pub fn settings(owner: &str) -> RunnerSettings {
    RunnerSettings {
        owner: owner.to_owned(),
        poll: Duration::from_millis(20),
        ..RunnerSettings::default()
    }
}

pub fn runner(db: &TestDb, owner: &str) -> Runner {
    Runner::new(
        db.db(),
        testkit::vault(),
        db.chance().clone(),
        settings(owner),
    )
}

pub async fn add(db: &TestDb, text: &str, when: When) -> JobId {
    add_job(db, note(text), text.as_bytes().to_vec(), when).await
}

pub async fn add_job<J: Job>(db: &TestDb, job: J, spread: Vec<u8>, when: When) -> JobId {
    let input = (job, spread, when, testkit::vault(), db.chance().clone());
    db.write(
        "test.add",
        input,
        |tx, (job, spread, when, vault, chance)| {
            Box::pin(async move { jobs::enqueue(tx, vault, &**chance, spread, job, *when).await })
        },
    )
    .await
    .unwrap_or_else(|why: DbError| panic!("{why}"))
}

pub async fn counts(db: &Db) -> Counts {
    db.read("test.counts", (), |tx, ()| {
        Box::pin(async move { jobs::counts(tx).await })
    })
    .await
    .unwrap()
}

pub async fn rows(db: &Db) -> Vec<Row> {
    db.read("test.rows", (), |tx, ()| {
        Box::pin(async move { tx.query(&sql::ALL_ROWS, params![]).await })
    })
    .await
    .unwrap()
}

/// How much periodic work somebody has in hand.
pub async fn in_hand(db: &Db) -> i64 {
    db.read("test.in_hand", (), |tx, ()| {
        Box::pin(async move { tx.query_one(&sql::IN_HAND, params![]).await?.int(0) })
    })
    .await
    .unwrap()
}

/// Waits for something that must come true soon.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}
