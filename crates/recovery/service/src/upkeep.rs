//! Keeping house: cases that were not handed in end, and with their key everything that was typed is gone; what has
//! ended long ago is forgotten; keys of cases follow the master key; a restored backup brings no case back.

pub(crate) mod sql;

use std::time::Duration;

use async_trait::async_trait;
use db::{Db, DbError, ReadTx, Statement, WriteTx, params};
use identity_service::{Env, ServiceError};
use jobs::{JobError, Periodic};
use kernel::Timestamp;
use recovery_core::{State, limits};
use vault::{KeyId, Vault, WrappedKey};

use crate::case;

/// Rows touched in one transaction, so that the writer is not held up.
const AT_ONCE: u32 = 200;
/// Transactions of one run; what is left then waits for the next.
const BATCHES: u32 = 200;
/// A number outlives its case: it is made before and forgotten after it. The longest case is not handed in, or lies
/// with reviewers and under its hold for less than a month.
const NUMBERS: Duration =
    Duration::from_secs(limits::KEPT.as_secs().saturating_add(60 * 24 * 3_600));

/// The regular work.
pub struct Cleanup {
    db: Db,
    vault: Vault,
}

impl Cleanup {
    /// For this database.
    pub fn new(db: &Db, env: &Env) -> Self {
        Self {
            db: db.clone(),
            vault: env.vault.clone(),
        }
    }
}

/// What goes, and how long before now its moment lies.
const SWEEPS: [(&Statement, Duration); 4] = [
    (&sql::FORGET, limits::KEPT),
    (&sql::NUMBER_FORGET, NUMBERS),
    (&sql::SEAT_FORGET, NUMBERS),
    (&sql::HOLDER_FORGET, NUMBERS),
];

#[async_trait]
impl Periodic for Cleanup {
    async fn run(&self) -> Result<(), JobError> {
        for _ in 0..BATCHES {
            let ended: Result<usize, ServiceError> = self
                .db
                .write("upkeep.cases", (), |tx, ()| Box::pin(expire(tx)))
                .await;
            if ended.map_err(failed)? < usize::try_from(AT_ONCE).unwrap_or(usize::MAX) {
                break;
            }
        }
        for (statement, kept) in SWEEPS {
            for _ in 0..BATCHES {
                if forget(&self.db, statement, kept).await? < u64::from(AT_ONCE) {
                    break;
                }
            }
        }
        for master in self.vault.old_masters() {
            for _ in 0..BATCHES {
                let input = (self.vault.clone(), master);
                let step: Result<usize, ServiceError> = self
                    .db
                    .write("keys.rewrap_cases", input, |tx, (vault, master)| {
                        Box::pin(rewrap(tx, vault, *master))
                    })
                    .await;
                if step.map_err(failed)? < usize::try_from(AT_ONCE).unwrap_or(usize::MAX) {
                    break;
                }
            }
        }
        Ok(())
    }
}

fn failed(error: ServiceError) -> JobError {
    match error {
        ServiceError::Db(error) => error.into(),
        error => {
            tracing::error!(%error, "cases were not kept in order");
            JobError::Again {
                code: "recovery_upkeep",
                after: None,
            }
        }
    }
}

async fn forget(db: &Db, statement: &'static Statement, kept: Duration) -> Result<u64, DbError> {
    db.write(
        "upkeep.forget_cases",
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

/// Ends drafts whose time is over; answers how many were looked at.
async fn expire(tx: &mut WriteTx) -> Result<usize, ServiceError> {
    let now = tx.now();
    let (draft, expired) = (State::Draft.as_str(), State::Expired.as_str());
    let rows = tx.query(&sql::DUE, params![draft, now, AT_ONCE]).await?;
    for row in &rows {
        let place = case::place(row)?;
        let ended = params![
            expired,
            now,
            place.holder.as_bytes(),
            place.case.as_bytes(),
            draft
        ];
        tx.execute(&sql::EXPIRE, ended).await?;
    }
    Ok(rows.len())
}

/// Ends every open case, after a backup was restored (F18): nobody knows which were stopped since. May be repeated.
pub async fn after_restore(tx: &mut WriteTx) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(&sql::RESTORED, params![State::Expired.as_str(), now])
        .await?;
    Ok(())
}

/// Rewraps some keys of one master; answers how many.
async fn rewrap(tx: &mut WriteTx, vault: &Vault, master: KeyId) -> Result<usize, ServiceError> {
    let (from, to) = WrappedKey::range_of(master);
    let rows = tx
        .query(&sql::KEYS_NEXT, params![&from, &to, AT_ONCE])
        .await?;
    for row in &rows {
        let id = case::CaseId::from_bytes(&row.array::<16>(0)?)
            .map_err(|_| row.wrong(0, "not an id"))?;
        let old = row.bytes(1)?;
        let holder = row.array::<16>(2)?;
        let new = vault.rewrap(
            case::owner_of_key(id)?,
            &WrappedKey::from_bytes(old.as_slice()),
        )?;
        let put = params![new.as_bytes(), &holder, id.as_bytes(), &old];
        tx.execute(&sql::KEY_REPLACE, put).await?;
    }
    Ok(rows.len())
}

/// How many keys of cases a master still wraps.
pub async fn keys_under(tx: &mut ReadTx, master: KeyId) -> Result<u64, DbError> {
    let (from, to) = WrappedKey::range_of(master);
    count(tx, &from, &to).await
}

/// How many keys of cases there are, whoever wraps them.
pub async fn keys(tx: &mut ReadTx) -> Result<u64, DbError> {
    // A wrapped key begins with its version, which is small.
    count(tx, &[], &[u8::MAX]).await
}

async fn count(tx: &mut ReadTx, from: &[u8], to: &[u8]) -> Result<u64, DbError> {
    let row = tx.query_one(&sql::KEYS_COUNT, params![from, to]).await?;
    u64::try_from(row.int(0)?).map_err(|_| row.wrong(0, "out of range"))
}
