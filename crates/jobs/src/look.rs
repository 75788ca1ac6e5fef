//! Looking at the queue from outside, for `check` and for tests.

use db::{DbError, ReadTx, params};

use crate::sql;

/// How many jobs are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Waiting.
    pub queued: u64,
    /// In the hands of a runner.
    pub leased: u64,
    /// Done, or dropped because they had become worthless.
    pub done: u64,
    /// Given up: somebody has to look.
    pub dead: u64,
}

impl Counts {
    /// Neither done nor dead (I7).
    pub fn unfinished(&self) -> u64 {
        self.queued.saturating_add(self.leased)
    }
}

/// Counts the jobs over all buckets. It reads the whole table: not for every request.
pub async fn counts(tx: &mut ReadTx) -> Result<Counts, DbError> {
    let mut counts = Counts::default();
    for row in tx.query(&sql::COUNT, params![]).await? {
        let count = u64::try_from(row.int(1)?).map_err(|_| row.wrong(1, "negative"))?;
        match row.text(0)?.as_str() {
            "queued" => counts.queued = count,
            "leased" => counts.leased = count,
            "done" => counts.done = count,
            "dead" => counts.dead = count,
            _ => return Err(row.wrong(0, "an unknown state")),
        }
    }
    Ok(counts)
}
