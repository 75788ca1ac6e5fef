//! The breaker of the whole installation: money spent on codes (ID-2b) and spraying (A10).
//!
//! Every sent code and every try adds to a counter in one of 64 buckets. The server reads the sums every few
//! seconds ([`refresh`]) and keeps the verdict in memory: a request never waits for a global count. The
//! budget may therefore be overdrawn by what is sent between two readings.

pub(crate) mod sql;

use std::sync::atomic::{AtomicU8, Ordering};

use db::{Db, DbError, WriteTx, params};
use identity_core::{Policy, guessing::looks_like_spraying};
use kernel::Timestamp;

use crate::env::Subject;

const BUCKETS: i64 = 64;
/// Length of a slot, seconds.
const SLOT: i64 = 300;
const SLOTS_A_DAY: i64 = 288;

/// How much of the day's budget is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Budget {
    /// Enough.
    Open,
    /// Over 80 %: the operator is told (A20).
    Alarm,
    /// Spent: SMS and calls go only to numbers that lead to an account (A20).
    Spent,
}

/// The verdicts in force.
#[derive(Debug, Default)]
pub struct Breaker {
    budget: AtomicU8,
    slow: AtomicU8,
}

impl Breaker {
    /// The budget.
    pub fn budget(&self) -> Budget {
        match self.budget.load(Ordering::Relaxed) {
            0 => Budget::Open,
            1 => Budget::Alarm,
            _ => Budget::Spent,
        }
    }

    /// Whether so many codes are wrong that unknown browsers get fewer tries.
    pub fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed) != 0
    }

    fn set(&self, budget: Budget, slow: bool) {
        let before = self.budget.swap(budget as u8, Ordering::Relaxed);
        if before != budget as u8 {
            tracing::warn!(?budget, "the budget of codes changed state");
        }
        if self.slow.swap(u8::from(slow), Ordering::Relaxed) != u8::from(slow) {
            tracing::warn!(slow, "the share of wrong codes changed state");
        }
        metrics::gauge!("kabinet_code_budget_state").set(f64::from(budget as u8));
        metrics::gauge!("kabinet_code_slow_mode").set(f64::from(u8::from(slow)));
    }
}

/// What one transaction adds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) sent: i64,
    pub(crate) spent: i64,
    pub(crate) tries: i64,
    pub(crate) wrong: i64,
}

fn slot(now: Timestamp) -> i64 {
    now.as_secs().div_euclid(SLOT)
}

/// Adds to the counters. One of the last statements of a transaction: others wait for the row.
pub(crate) async fn add(tx: &mut WriteTx, subject: &Subject, tally: Tally) -> Result<(), DbError> {
    let [first, ..] = subject;
    let bucket = i64::from(first & 63);
    let slot = slot(tx.now());
    let Tally {
        sent,
        spent,
        tries,
        wrong,
    } = tally;
    let row = params![bucket, slot, sent, spent, tries, wrong];
    tx.defer(&[(&sql::ADD, row)]).await
}

/// Reads the sums and sets the verdicts. Run every few seconds.
pub async fn refresh(db: &Db, breaker: &Breaker, policy: &Policy) -> Result<(), DbError> {
    let (spent, tries, wrong) = db
        .read("breaker.refresh", (), |tx, ()| {
            Box::pin(async move {
                let day = slot(tx.now()).saturating_sub(SLOTS_A_DAY);
                let lately = slot(tx.now()).saturating_sub(1);
                let (mut spent, mut tries, mut wrong) = (0_i64, 0_i64, 0_i64);
                for bucket in 0..BUCKETS {
                    let row = tx.query_one(&sql::SUM, params![bucket, day]).await?;
                    spent = spent.saturating_add(row.int(0)?);
                    let row = tx.query_one(&sql::TRIES, params![bucket, lately]).await?;
                    tries = tries.saturating_add(row.int(0)?);
                    wrong = wrong.saturating_add(row.int(1)?);
                }
                Ok::<_, DbError>((spent, tries, wrong))
            })
        })
        .await?;
    let budget = if spent >= policy.budget_per_day {
        Budget::Spent
    } else if spent >= policy.budget_per_day.saturating_mul(8) / 10 {
        Budget::Alarm
    } else {
        Budget::Open
    };
    let count = |x: i64| u64::try_from(x).unwrap_or(0);
    breaker.set(
        budget,
        looks_like_spraying(count(wrong), count(tries), policy),
    );
    Ok(())
}

/// Forgets counters older than two days.
pub async fn forget(tx: &mut WriteTx) -> Result<(), DbError> {
    let before = slot(tx.now()).saturating_sub(SLOTS_A_DAY.saturating_mul(2));
    for bucket in 0..BUCKETS {
        tx.execute(&sql::FORGET, params![bucket, before]).await?;
    }
    Ok(())
}
