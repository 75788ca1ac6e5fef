//! What a job is and how it is written down.

use std::time::Duration;

use async_trait::async_trait;
use db::{DbError, Row, WriteTx, params};
use kernel::{Chance, JobId, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use vault::Vault;

use crate::sql;

/// Buckets the jobs are spread over; the shard key of the table.
pub const BUCKETS: u8 = 64;
/// Longest payload, in bytes of JSON. A job names what to do; what is larger lies in a table.
pub const PAYLOAD_MAX: usize = 64 * 1024;

/// A kind of durable work. The value is its payload: JSON, sealed with the vault's system key for the
/// purpose `jobs.<KIND>`.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name in the table, `area.what`; never changed once released.
    const KIND: &'static str;
    /// Tries before it is dead.
    const TRIES_MAX: u32 = 5;
    /// Longest time of one try. A handler still at work then is stopped, and the try counts.
    const TIME_MAX: Duration = Duration::from_secs(300);
}

/// When a job is to run. The default is at once, for ever, and as often as it is written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct When {
    /// Not before this time.
    pub not_before: Option<Timestamp>,
    /// After this time the job is dropped without running: a code that has expired is not sent, also not
    /// by a server restored from yesterday's backup (F18).
    pub worthless_after: Option<Timestamp>,
    /// At most one job of a kind has this key, until a day after it is done.
    pub dedup: Option<[u8; 32]>,
}

/// Why a handler did not do its work. Codes are stable and hold nothing personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// It may work later.
    #[error("{code}, again later")]
    Again {
        /// What went wrong.
        code: &'static str,
        /// When to try again; `None` leaves it to the backoff.
        after: Option<Duration>,
    },
    /// It will never work.
    #[error("{code}, never again")]
    Never {
        /// What went wrong.
        code: &'static str,
    },
}

impl JobError {
    /// The code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Again { code, .. } | Self::Never { code } => code,
        }
    }
}

/// A handler's database failed: try again.
impl From<DbError> for JobError {
    fn from(error: DbError) -> Self {
        tracing::warn!(%error, "the database failed in a job");
        Self::Again {
            code: "jobs.db",
            after: None,
        }
    }
}

/// What a handler may know about its try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The job; the same in every try, so fit to be an idempotency key of the effect.
    pub job: JobId,
    /// Which try this is, from 1.
    pub tries: u32,
    /// When the job was written down.
    pub enqueued_at: Timestamp,
}

/// Does one kind of job.
///
/// A try may be repeated although it succeeded, when the server died before that was written down: the
/// effect must bear it.
#[async_trait]
pub trait Handler<J: Job>: Send + Sync + 'static {
    /// One try.
    async fn run(&self, job: J, lease: &Lease) -> Result<(), JobError>;
}

/// Work without a payload, done once per period by one of all servers.
#[async_trait]
pub trait Periodic: Send + Sync + 'static {
    /// One run. After an error it runs again at its next time, or after the time the error names.
    async fn run(&self) -> Result<(), JobError>;
}

/// Writes a job down in the caller's transaction: it exists exactly if the transaction commits. Wake the
/// runner afterwards ([`crate::Wake`]); else it finds the job at its next poll.
///
/// `spread` (an account's id, a subject's hash) picks the bucket; where there is a dedup key, the key does,
/// so that equal keys always meet. Answers the id of the job; of the earlier one when the key was taken.
pub async fn enqueue<J: Job>(
    tx: &mut WriteTx,
    vault: &Vault,
    chance: &dyn Chance,
    spread: &[u8],
    job: &J,
    when: When,
) -> Result<JobId, DbError> {
    let sealed = seal(vault, job)?;
    let dedup = when.dedup.as_ref();
    let bucket = bucket(dedup.map_or(spread, <[u8; 32]>::as_slice));
    let now = tx.now();
    let id = JobId::new(now, chance);
    let row = params![
        bucket,
        id.as_bytes(),
        J::KIND,
        dedup,
        &sealed,
        when.not_before.unwrap_or(now),
        when.worthless_after,
        now,
    ];
    let Some(key) = dedup else {
        // Its id is new, so there is nothing that it could meet.
        tx.defer(&[(&sql::ENQUEUE, row)]).await?;
        return Ok(id);
    };
    if tx.execute(&sql::ENQUEUE, row).await? == 1 {
        return Ok(id);
    }
    let holder = tx
        .query_opt(&sql::HOLDER, params![bucket, J::KIND, key])
        .await?
        // Forgotten since the insert met it: the transaction has to be run again.
        .ok_or(DbError::Retry)?;
    id_of(&holder, 0)
}

/// The id in a column.
pub(crate) fn id_of(row: &Row, column: usize) -> Result<JobId, DbError> {
    let bytes: [u8; 16] = row.array(column)?;
    JobId::from_bytes(&bytes).map_err(|_| row.wrong(column, "not an id"))
}

fn seal<J: Job>(vault: &Vault, job: &J) -> Result<Vec<u8>, DbError> {
    let misuse = |why| DbError::Misuse {
        statement: J::KIND,
        why,
    };
    let json = serde_json::to_vec(job).map_err(|_| misuse("the payload is not JSON"))?;
    if json.len() > PAYLOAD_MAX {
        return Err(misuse("the payload is too large"));
    }
    Ok(vault.seal_system(&purpose(J::KIND), &json))
}

/// What payloads of a kind are sealed for.
pub(crate) fn purpose(kind: &str) -> String {
    format!("jobs.{kind}")
}

fn bucket(spread: &[u8]) -> i64 {
    let [first, ..] = vault::token_hash(spread);
    i64::from(first & (BUCKETS - 1))
}
