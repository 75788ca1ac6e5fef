//! Forgetting what has served: codes, half-finished sign-ins, counts of networks, the breaker's tallies and
//! the answers kept under idempotency keys.

use std::time::Duration;

use async_trait::async_trait;
use db::{Db, DbError, Statement, WriteTx, params};
use jobs::{JobError, Periodic};

use crate::{bank_section, breaker, codes, counters, handover, shown, step_up};

/// Everything here has ended long before: a code lives minutes, a proof a quarter of an hour, and no window of
/// a network is longer than a day.
pub const KEPT: Duration = Duration::from_secs(2 * 24 * 3_600);
/// Rows removed in one transaction, so that the writer is not held up.
const AT_ONCE: u32 = 500;
/// Transactions of one run; what is left then waits for the next.
const BATCHES: u32 = 200;

/// The regular work.
pub struct Cleanup {
    db: Db,
}

impl Cleanup {
    /// For this database.
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone() }
    }
}

#[async_trait]
impl Periodic for Cleanup {
    async fn run(&self) -> Result<(), JobError> {
        // Flows before codes, so that no flow names a code that is gone.
        for statement in [
            &codes::sql::FLOW_FORGET,
            &codes::sql::FORGET,
            &counters::sql::NETWORK_FORGET,
            &bank_section::sql::FORGET,
            &shown::sql::FORGET,
            &step_up::sql::FORGET,
            &handover::sql::FORGET,
        ] {
            for _ in 0..BATCHES {
                if batch(&self.db, statement).await? < u64::from(AT_ONCE) {
                    break;
                }
            }
        }
        let answers: Result<u64, DbError> = self
            .db
            .write("upkeep.answers", (), |tx, ()| {
                Box::pin(db::idempotency::forget(tx, AT_ONCE))
            })
            .await;
        answers?;
        let tallies: Result<(), DbError> = self
            .db
            .write("upkeep.tallies", (), |tx, ()| Box::pin(breaker::forget(tx)))
            .await;
        Ok(tallies?)
    }
}

async fn batch(db: &Db, statement: &'static Statement) -> Result<u64, DbError> {
    db.write("upkeep.forget", statement, |tx, statement| {
        Box::pin(forget(tx, statement))
    })
    .await
}

async fn forget(tx: &mut WriteTx, statement: &'static Statement) -> Result<u64, DbError> {
    let before = tx.now().saturating_sub(KEPT);
    tx.execute(statement, params![before, AT_ONCE]).await
}
