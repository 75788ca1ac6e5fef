//! Repeated commands happen once (EV-3): the key, a hash of the request and the answer are kept in the
//! transaction of the effect.
//!
//! The answer is bytes the caller has sealed where it holds anything secret or personal.

use std::time::Duration;

use crate::{DbError, ReadTx, WriteTx, params};

/// How long an answer can be replayed.
pub const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Longest key taken from a caller, in bytes.
pub const KEY_MAX: usize = 128;

mod sql {
    crate::statements! {
        /// Claims a key. A second claim waits for the first transaction to end, then finds its row.
        CLAIM: "INSERT INTO idempotency (scope, key, request_hash, at) VALUES ($1, $2, $3, $4)
                ON CONFLICT (scope, key) DO NOTHING" (Bytes, Text, Bytes, Int) -> ();
        /// What an earlier claim left.
        FIND: "SELECT request_hash, answer FROM idempotency WHERE scope = $1 AND key = $2"
            (Bytes, Text) -> (Bytes, OptBytes);
        /// Keeps the answer beside the effect.
        KEEP: "UPDATE idempotency SET answer = $1 WHERE scope = $2 AND key = $3"
            (Bytes, Bytes, Text) -> ();
        /// Forgets some old keys.
        FORGET: "DELETE FROM idempotency WHERE (scope, key) IN
                 (SELECT scope, key FROM idempotency WHERE at < $1 ORDER BY at LIMIT $2)" (Int, Int) -> ();
    }
}
pub(crate) use sql::ALL as STATEMENTS;

/// What a key turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// Never seen: carry the command out, then [`keep`] its answer.
    Fresh,
    /// Carried out before: this is the answer.
    Replay(Vec<u8>),
    /// Seen with another request: refuse (422).
    Mismatch,
}

/// Claims `key` within `scope` (an account's id, or the hash of a browser that has no account yet).
pub async fn claim(
    tx: &mut WriteTx,
    scope: &[u8],
    key: &str,
    request_hash: &[u8; 32],
) -> Result<Claim, DbError> {
    tx.mark_keyed();
    let now = tx.now();
    if tx
        .execute(&sql::CLAIM, params![scope, key, request_hash, now])
        .await?
        == 1
    {
        return Ok(Claim::Fresh);
    }
    find(tx, scope, key, request_hash)
        .await?
        .ok_or(DbError::Retry)
}

/// Looks a key up without claiming it.
pub async fn find(
    tx: &mut ReadTx,
    scope: &[u8],
    key: &str,
    request_hash: &[u8; 32],
) -> Result<Option<Claim>, DbError> {
    let Some(row) = tx.query_opt(&sql::FIND, params![scope, key]).await? else {
        return Ok(None);
    };
    if row.array::<32>(0)? != *request_hash {
        return Ok(Some(Claim::Mismatch));
    }
    let answer = row.opt_bytes(1)?;
    answer
        .map(|answer| Some(Claim::Replay(answer)))
        .ok_or_else(|| row.wrong(1, "a committed key without its answer"))
}

/// Keeps the answer of the command whose key was claimed in this transaction.
pub async fn keep(tx: &mut WriteTx, scope: &[u8], key: &str, answer: &[u8]) -> Result<(), DbError> {
    tx.defer(&[(&sql::KEEP, params![answer, scope, key])]).await
}

/// Forgets keys older than [`KEPT`], at most `most` of them, so that the writer is not held up; answers how
/// many. Fewer than `most` means that none are left.
pub async fn forget(tx: &mut WriteTx, most: u32) -> Result<u64, DbError> {
    let before = tx.now().saturating_sub(KEPT);
    tx.execute(&sql::FORGET, params![before, most]).await
}
