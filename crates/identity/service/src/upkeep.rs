//! Forgetting what has served: codes, half-finished sign-ins, counts of networks, of identifiers and of ranges,
//! sessions that slept too long, the breaker's tallies and the answers kept under idempotency keys. Everything
//! that strangers' requests can make grow is here; what still counts is not touched.

use std::time::Duration;

use async_trait::async_trait;
use db::{Db, DbError, Statement, params};
use identity_core::Policy;
use jobs::{JobError, Periodic};
use kernel::Timestamp;

use crate::{
    bank_section, breaker, codes, counters, device_key, env::Env, handover, session, shown, step_up,
};

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
    session_idle: Duration,
}

impl Cleanup {
    /// For this database and these limits.
    pub fn new(db: &Db, env: &Env) -> Self {
        let Policy { session_idle, .. } = *env.policy;
        Self {
            db: db.clone(),
            session_idle,
        }
    }

    /// What goes, and how long before now its moment lies.
    fn sweeps(&self) -> [(&'static Statement, Duration); 11] {
        [
            // Flows before codes, so that no flow names a code that is gone.
            (&codes::sql::FLOW_FORGET, KEPT),
            (&codes::sql::FORGET, KEPT),
            (&counters::sql::NETWORK_FORGET, KEPT),
            // These rows name the moment themselves.
            (&counters::sql::SUBJECT_FORGET, Duration::ZERO),
            (&counters::sql::RANGE_FORGET, Duration::ZERO),
            (&session::sql::FORGET, self.session_idle),
            (&bank_section::sql::FORGET, KEPT),
            (&shown::sql::FORGET, KEPT),
            (&step_up::sql::FORGET, KEPT),
            (&device_key::sql::FORGET, KEPT),
            (&handover::sql::FORGET, KEPT),
        ]
    }
}

#[async_trait]
impl Periodic for Cleanup {
    async fn run(&self) -> Result<(), JobError> {
        for (statement, kept) in self.sweeps() {
            for _ in 0..BATCHES {
                if forget(&self.db, statement, kept).await? < u64::from(AT_ONCE) {
                    break;
                }
            }
        }
        for _ in 0..BATCHES {
            let answers: Result<u64, DbError> = self
                .db
                .write("upkeep.answers", (), |tx, ()| {
                    Box::pin(db::idempotency::forget(tx, AT_ONCE))
                })
                .await;
            if answers? < u64::from(AT_ONCE) {
                break;
            }
        }
        let tallies: Result<(), DbError> = self
            .db
            .write("upkeep.tallies", (), |tx, ()| Box::pin(breaker::forget(tx)))
            .await;
        Ok(tallies?)
    }
}

async fn forget(db: &Db, statement: &'static Statement, kept: Duration) -> Result<u64, DbError> {
    db.write(
        "upkeep.forget",
        (statement, kept),
        |tx, (statement, kept)| {
            Box::pin(async move {
                let before: Timestamp = tx.now().saturating_sub(*kept);
                tx.execute(statement, params![before, before, AT_ONCE])
                    .await
            })
        },
    )
    .await
}
