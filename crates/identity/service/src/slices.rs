//! When something that leads to an account was last taken away (A50).

pub(crate) mod sql;

use db::{DbError, ReadTx, WriteTx, params};
use identity_core::slices::{APART, Slice, judge};
use kernel::{AccountId, Timestamp};

async fn last(tx: &mut ReadTx, account: AccountId) -> Result<Option<Timestamp>, DbError> {
    let row = tx
        .query_opt(&sql::LAST, params![account.as_bytes()])
        .await?;
    row.map(|row| row.timestamp(0)).transpose()
}

/// What is said of taking away what has been there since then. The account is locked.
pub(crate) async fn of(
    tx: &mut WriteTx,
    account: AccountId,
    since: Option<Timestamp>,
) -> Result<Slice, DbError> {
    let now = tx.now();
    // Most actions take nothing, and ask for nothing more.
    if judge(since, None, now) == Slice::Free {
        return Ok(Slice::Free);
    }
    Ok(judge(since, last(tx, account).await?, now))
}

/// It was taken now.
pub(crate) async fn note(tx: &mut WriteTx, account: AccountId) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute_one(&sql::NOTE, params![account.as_bytes(), now])
        .await
}

/// From when on the next may be taken by whatever the account shows; `None` when it may be now.
pub async fn next_at(tx: &mut ReadTx, account: AccountId) -> Result<Option<Timestamp>, DbError> {
    let next = last(tx, account)
        .await?
        .map(|last| last.saturating_add(APART));
    Ok(next.filter(|next| tx.now() < *next))
}
