//! The breaker of the whole installation: money spent on codes (ID-2b) and spraying (A10).
//!
//! Every sent code and every try adds to a counter in one of 64 buckets. The server reads the sums every few
//! seconds ([`refresh`]) and keeps the verdict in memory: a request never waits for a global count. The
//! budget may therefore be overdrawn by what is sent between two readings.

mod pace;
pub(crate) mod sql;

use std::sync::atomic::{AtomicU8, Ordering};

use db::{Db, DbError, ReadTx, WriteTx, params};
use identity_core::{Policy, guessing::looks_like_spraying};
use kernel::Timestamp;
use parking_lot::Mutex;

use self::pace::{Pace, Reading};
use crate::env::Subject;

const BUCKETS: i64 = 64;
/// Length of a slot, seconds.
const SLOT: i64 = 300;
const SLOTS_A_DAY: i64 = 288;

/// How much is left of the day's money and of the minute's codes, whichever is scarcer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Budget {
    /// Enough.
    Open,
    /// Over the share at which the operator is told, 80 % by default (A20).
    Alarm,
    /// Used up: SMS and calls go only to numbers that lead to an account (A20).
    Spent,
}

/// The verdicts in force.
#[derive(Debug, Default)]
pub struct Breaker {
    budget: AtomicU8,
    slow: AtomicU8,
    pace: Mutex<Pace>,
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

/// What one reading found.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    /// Of the day.
    spent: i64,
    /// Of the window of spraying.
    tries: i64,
    wrong: i64,
    /// Codes that cost money, of this slot and of the one before.
    sent: Reading,
}

async fn read(tx: &mut ReadTx, spray_slots: i64) -> Result<Sums, DbError> {
    let current = slot(tx.now());
    let day = current.saturating_sub(SLOTS_A_DAY);
    let before = current.saturating_sub(1);
    let lately = current.saturating_sub(spray_slots);
    let mut sums = Sums {
        sent: Reading {
            at: tx.now(),
            slot: current,
            ..Reading::default()
        },
        ..Sums::default()
    };
    for bucket in 0..BUCKETS {
        let row = tx.query_one(&sql::SUM, params![bucket, day]).await?;
        sums.spent = sums.spent.saturating_add(row.int(0)?);
        let latest = params![bucket, lately.min(before)];
        for row in tx.query(&sql::LATEST, latest).await? {
            let (slot, sent) = (row.int(0)?, row.int(1)?);
            if slot == current {
                sums.sent.here = sums.sent.here.saturating_add(sent);
            } else if slot == before {
                sums.sent.before = sums.sent.before.saturating_add(sent);
            }
            if slot >= lately {
                sums.tries = sums.tries.saturating_add(row.int(2)?);
                sums.wrong = sums.wrong.saturating_add(row.int(3)?);
            }
        }
    }
    Ok(sums)
}

/// Reads the sums and sets the verdicts. Run every few seconds.
pub async fn refresh(db: &Db, breaker: &Breaker, policy: &Policy) -> Result<(), DbError> {
    let spray_slots = i64::try_from(policy.spray_window.as_secs())
        .unwrap_or(i64::MAX)
        .saturating_add(SLOT - 1)
        .div_euclid(SLOT);
    let sums = db
        .read("breaker.refresh", spray_slots, |tx, spray_slots| {
            Box::pin(read(tx, *spray_slots))
        })
        .await?;
    let count = |x: i64| u64::try_from(x).unwrap_or(0);
    let sent = breaker.pace.lock().in_last_minute(sums.sent);
    let day = share(count(sums.spent), count(policy.budget_per_day), policy);
    let minute = share(sent, policy.sends_per_minute, policy);
    breaker.set(
        day.max(minute),
        looks_like_spraying(count(sums.wrong), count(sums.tries), policy),
    );
    Ok(())
}

/// What is left when `used` of `most` is gone.
fn share(used: u64, most: u64, policy: &Policy) -> Budget {
    if used >= most {
        Budget::Spent
    } else if used.saturating_mul(100) >= most.saturating_mul(policy.alarm_percent) {
        Budget::Alarm
    } else {
        Budget::Open
    }
}

/// Forgets counters older than two days.
pub async fn forget(tx: &mut WriteTx) -> Result<(), DbError> {
    let before = slot(tx.now()).saturating_sub(SLOTS_A_DAY.saturating_mul(2));
    for bucket in 0..BUCKETS {
        tx.execute(&sql::FORGET, params![bucket, before]).await?;
    }
    Ok(())
}
