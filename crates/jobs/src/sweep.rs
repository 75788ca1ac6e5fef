//! Forgetting what is finished, and watching what is not.

use std::{collections::HashSet, time::Duration};

use async_trait::async_trait;
use db::{Db, DbError, params};
use kernel::{JobId, Timestamp};

use crate::{BUCKETS, JobError, Periodic, runner::Core, sql};

pub(crate) const NAME: &str = "jobs.sweep";
pub(crate) const PERIOD: Duration = Duration::from_secs(600);
/// How long a done job is remembered, and with it its dedup key.
const DONE_KEPT: Duration = Duration::from_secs(24 * 3600);
/// How long a dead job is there to be looked at.
const DEAD_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// Most rows deleted by one transaction.
const ROWS_MAX: i64 = 500;
/// How often the queue is measured.
const WATCH: Duration = Duration::from_secs(60);

/// Forgets finished jobs.
pub(crate) struct Sweeper(pub(crate) Db);

#[async_trait]
impl Periodic for Sweeper {
    async fn run(&self) -> Result<(), JobError> {
        for bucket in 0..BUCKETS {
            for (state, kept) in [("done", DONE_KEPT), ("dead", DEAD_KEPT)] {
                while forget(&self.0, bucket, state, kept).await? >= ROWS_MAX.unsigned_abs() {}
            }
        }
        Ok(())
    }
}

async fn forget(db: &Db, bucket: u8, state: &'static str, kept: Duration) -> Result<u64, DbError> {
    db.write(
        "jobs.forget",
        (bucket, state, kept),
        |tx, (bucket, state, kept)| {
            Box::pin(async move {
                let before = tx.now().saturating_sub(*kept);
                // A job is older than its end, so this id bounds the scan from above.
                let oldest = JobId::new(before, &Zeros);
                let row = params![
                    *bucket,
                    *bucket,
                    oldest.as_bytes(),
                    *state,
                    before,
                    ROWS_MAX
                ];
                tx.execute(&sql::FORGET, row).await
            })
        },
    )
    .await
}

/// No chance at all: makes the smallest id of a moment.
struct Zeros;

impl kernel::Chance for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// What a runner sees of the queue once a minute.
pub(crate) struct Watch {
    core: Core,
    next: Timestamp,
    warned: HashSet<String>,
}

impl Watch {
    pub(crate) fn new(core: Core) -> Self {
        Self {
            core,
            next: Timestamp::from_micros(i64::MIN),
            warned: HashSet::new(),
        }
    }

    /// Measures how long the oldest job of each kind has been due, and warns of kinds this program does
    /// not know: a newer one may, so they are left alone.
    pub(crate) async fn tick(&mut self) {
        let now = self.core.db.clock().now();
        if now < self.next {
            return;
        }
        self.next = now.saturating_add(WATCH);
        let Ok(kinds) = oldest(&self.core.db).await else {
            return;
        };
        for kind in self.core.kinds.keys() {
            metrics::gauge!("kabinet_jobs_late_seconds", "kind" => *kind).set(0.0);
        }
        for (kind, oldest) in kinds {
            let late = now.since(oldest).as_secs_f64();
            if self.core.kinds.contains_key(kind.as_str()) {
                metrics::gauge!("kabinet_jobs_late_seconds", "kind" => kind).set(late);
            } else if self.warned.insert(kind.clone()) {
                tracing::warn!(
                    kind,
                    "jobs of an unknown kind wait; left to a program that knows it"
                );
            }
        }
    }
}

/// Each kind that has unfinished jobs, with the time since when its oldest may be taken.
async fn oldest(db: &Db) -> Result<Vec<(String, Timestamp)>, DbError> {
    db.read("jobs.watch", (), |tx, ()| {
        Box::pin(async move {
            let mut kinds = Vec::new();
            let mut last = String::new();
            loop {
                let row = tx.query_one(&sql::NEXT_KIND, params![&last]).await?;
                let Some(kind) = row.opt_text(0)? else {
                    return Ok(kinds);
                };
                let row = tx.query_one(&sql::OLDEST, params![&kind]).await?;
                if let Some(oldest) = row.opt_timestamp(0)? {
                    kinds.push((kind.clone(), oldest));
                }
                last = kind;
            }
        })
    })
    .await
}
