//! After a new master key was made, the data keys of all accounts are wrapped by it, in the background and in
//! bounded steps; then the old master can be retired. Nothing else hangs on a master: the installation's own
//! secrets and the system keys, under which payloads of jobs and the like are sealed, live in the key file and
//! are wrapped anew when it is rotated.
//!
//! A key that was rewrapped leaves its old master's range of the index, so the work resumes wherever it was
//! interrupted and needs no note of how far it came.

pub(crate) mod sql;

use async_trait::async_trait;
use audit::{Actor, Details, Entry};
use db::{Db, DbError, ReadTx, WriteTx, params};
use jobs::{JobError, Periodic};
use kernel::AccountId;
use vault::{KeyId, Vault, WrappedKey};

use crate::env::{ServiceError, account_id};

/// Keys rewrapped in one transaction, so that the writer is not held up.
const AT_ONCE: u32 = 200;
/// Transactions of one run; what is left then waits for the next.
const BATCHES: u32 = 500;

/// The regular work.
pub struct Rewrap {
    db: Db,
    vault: Vault,
    at_once: u32,
    batches: u32,
}

impl Rewrap {
    /// For this database and these keys.
    pub fn new(db: &Db, vault: &Vault) -> Self {
        Self::in_steps(db, vault, AT_ONCE, BATCHES)
    }

    /// With steps of `at_once` keys, and at most `batches` steps in one run.
    pub fn in_steps(db: &Db, vault: &Vault, at_once: u32, batches: u32) -> Self {
        Self {
            db: db.clone(),
            vault: vault.clone(),
            at_once,
            batches,
        }
    }

    /// One run; answers how many keys were rewrapped.
    pub async fn run_once(&self) -> Result<u64, ServiceError> {
        let mut done = 0_u64;
        let mut steps = self.batches;
        for master in self.vault.old_masters() {
            loop {
                let Some(left) = steps.checked_sub(1) else {
                    return Ok(done);
                };
                steps = left;
                let input = (self.vault.clone(), master, self.at_once);
                let count = self
                    .db
                    .write("keys.rewrap", input, |tx, (vault, master, at_once)| {
                        Box::pin(step(tx, vault, *master, *at_once))
                    })
                    .await?;
                done = done.saturating_add(count);
                if count < u64::from(self.at_once) {
                    break;
                }
            }
        }
        Ok(done)
    }
}

#[async_trait]
impl Periodic for Rewrap {
    async fn run(&self) -> Result<(), JobError> {
        match self.run_once().await {
            Ok(0) => Ok(()),
            Ok(count) => {
                tracing::info!(count, "data keys were wrapped by the present master key");
                Ok(())
            }
            Err(ServiceError::Db(error)) => Err(error.into()),
            Err(error) => {
                tracing::error!(%error, "data keys were not rewrapped");
                Err(JobError::Again {
                    code: "rewrap",
                    after: None,
                })
            }
        }
    }
}

/// Rewraps some keys of one master; answers how many.
async fn step(
    tx: &mut WriteTx,
    vault: &Vault,
    master: KeyId,
    at_once: u32,
) -> Result<u64, ServiceError> {
    let (from, to) = WrappedKey::range_of(master);
    let rows = tx.query(&sql::NEXT, params![&from, &to, at_once]).await?;
    let mut keys = rows
        .iter()
        .map(|row| Ok((account_id(row, 0)?, row.bytes(1)?)))
        .collect::<Result<Vec<_>, DbError>>()?;
    // In the order in which accounts are locked elsewhere, should two servers do this at once.
    keys.sort_by_key(|(account, _)| *account.as_bytes());
    let mut done = 0_u64;
    for (account, old) in keys {
        done = done.saturating_add(replace(tx, vault, account, &old).await?);
    }
    if done > 0 {
        let details = Details::default()
            .fact("from", master.to_string())
            .fact("to", vault.current_master().to_string())
            .fact("count", done.to_string());
        let entry = Entry::new(audit::action::DATA_KEYS_REWRAPPED, Actor::System)
            .with(details.seal_system(vault));
        audit::append(tx, entry).await?;
    }
    Ok(done)
}

async fn replace(
    tx: &mut WriteTx,
    vault: &Vault,
    account: AccountId,
    old: &[u8],
) -> Result<u64, ServiceError> {
    let new = vault.rewrap(account, &WrappedKey::from_bytes(old))?;
    let row = params![new.as_bytes(), account.as_bytes(), old];
    Ok(tx.execute(&sql::REPLACE, row).await?)
}

/// How many data keys a master wraps.
pub async fn count(tx: &mut ReadTx, master: KeyId) -> Result<u64, DbError> {
    let (from, to) = WrappedKey::range_of(master);
    let row = tx.query_one(&sql::COUNT, params![&from, &to]).await?;
    u64::try_from(row.int(0)?).map_err(|_| row.wrong(0, "a negative count"))
}

/// How many data keys there are, whoever wraps them.
pub async fn count_all(tx: &mut ReadTx) -> Result<u64, DbError> {
    let row = tx.query_one(&sql::ALL_KEYS, params![]).await?;
    u64::try_from(row.int(0)?).map_err(|_| row.wrong(0, "a negative count"))
}
