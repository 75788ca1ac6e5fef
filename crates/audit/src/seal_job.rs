//! Sealing: once a minute the heads are signed, in the database and then in the file outside it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use db::{Db, DbError, ReadTx, Row, WriteTx, params};
use vault::Vault;

use crate::chain::Hash;
use crate::seal::{Head, Heads};
use crate::seal_file::{append_seals, last_seal};
use crate::verify::hash_or_zeros;
use crate::{Seal, SealFileError, sql};

/// How many seals are read from the database at once.
pub(crate) const SEALS_PAGE: i64 = 200;

/// Why the log was not sealed. The program goes on; the operator must look.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The file of seals failed.
    #[error(transparent)]
    File(#[from] SealFileError),
    /// The database was sealed with another key file (F19).
    #[error(
        "this database belongs to another key file (its log is signed by {sealed_by}, this key file signs \
         as {ours}): start with the key file it was made with"
    )]
    OtherKey {
        /// The public key of the last seal, hexadecimal.
        sealed_by: String,
        /// Our public key.
        ours: String,
    },
    /// The file holds seals that the database does not.
    #[error(
        "the database is older than its file of seals {path} (seal {in_database} against {in_file}): it was \
         cut off or restored from a copy. After a restore, put the file of seals of the same copy in place \
         and keep this one as evidence"
    )]
    DatabaseBehind {
        /// The file.
        path: PathBuf,
        /// The number of the newest seal in the database, 0 for none.
        in_database: i64,
        /// The number of the newest seal in the file.
        in_file: i64,
    },
    /// The file and the database disagree on a seal.
    #[error(
        "seal {number} in the database is not the one in {path}: the database was replaced by a branch of \
         itself; run the verification of the log"
    )]
    Forked {
        /// The file.
        path: PathBuf,
        /// The seal.
        number: i64,
    },
    /// A head is not after the one that was sealed.
    #[error(
        "the head of bucket {bucket} was changed back to before the last seal: nothing more is sealed, run the \
         verification of the log"
    )]
    WentBack {
        /// The bucket.
        bucket: u8,
    },
    /// The worker thread that writes the file ended.
    #[error("writing the file of seals was interrupted")]
    Interrupted,
}

impl SealError {
    /// A stable name for logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Db(_) => "audit.seal.database",
            Self::File(_) => "audit.seal.file",
            Self::OtherKey { .. } => "audit.seal.other_key",
            Self::DatabaseBehind { .. } => "audit.seal.database_behind",
            Self::Forked { .. } => "audit.seal.forked",
            Self::WentBack { .. } => "audit.seal.went_back",
            Self::Interrupted => "audit.seal.interrupted",
        }
    }
}

/// Signs the heads as they are now and keeps the seal in the database.
///
/// # Errors
/// `OtherKey`; `WentBack`; `Db(Conflict)` when another node made the seal of this moment: that one will do.
pub async fn seal(tx: &mut WriteTx, vault: &Vault) -> Result<Seal, SealError> {
    let last = tx.query_opt(&sql::LAST_SEAL, params![0_i64]).await?;
    seal_after(tx, last, vault).await
}

/// The seal after the one just read. Reading it only once matters: whoever looks at its age, and then asks
/// again for its number, may put a second seal right behind somebody else's.
async fn seal_after(tx: &mut WriteTx, last: Option<Row>, vault: &Vault) -> Result<Seal, SealError> {
    check_signer(last.as_ref(), vault)?;
    let (number, prev) = match &last {
        Some(row) => (row.int(0)?.saturating_add(1), row.array(2)?),
        None => (1, [0; 32]),
    };
    let sealed = heads(tx, &sql::SEALED).await?;
    let heads = heads(tx, &sql::HEADS).await?;
    let changed: Vec<Head> = heads
        .iter()
        .filter(|head| sealed.get(head.bucket) != Some(head))
        .copied()
        .collect();
    // A history that was cut must not get a new signature.
    for head in &changed {
        if sealed
            .get(head.bucket)
            .is_some_and(|sealed| sealed.seq >= head.seq)
        {
            return Err(SealError::WentBack {
                bucket: head.bucket,
            });
        }
    }
    let seal = Seal::make((number, prev), tx.now(), changed, heads.root(), vault);
    for head in &seal.changed {
        tx.execute_one(&sql::NOTE, params![head.bucket, head.seq, &head.hash])
            .await?;
    }
    let changed = seal.changed_bytes();
    let added = params![
        seal.number,
        seal.at,
        &changed,
        &seal.root,
        &seal.prev,
        &seal.hash,
        &seal.key,
        &seal.signature
    ];
    tx.execute_one(&sql::ADD_SEAL, added).await?;
    Ok(seal)
}

async fn heads(tx: &mut ReadTx, statement: &'static db::Statement) -> Result<Heads, DbError> {
    let mut heads = Heads::empty();
    for row in tx.query(statement, params![0_i64]).await? {
        let bucket = u8::try_from(row.int(0)?).map_err(|_| row.wrong(0, "not a bucket"))?;
        heads.set(Head {
            bucket,
            seq: row.int(1)?,
            hash: row.array(2)?,
        });
    }
    Ok(heads)
}

fn check_signer(last: Option<&Row>, vault: &Vault) -> Result<(), SealError> {
    let Some(row) = last else { return Ok(()) };
    let sealed_by: Hash = row.array(3)?;
    let ours = vault.public_key();
    if sealed_by == *ours.as_bytes() {
        return Ok(());
    }
    Err(SealError::OtherKey {
        sealed_by: hex::encode(sealed_by),
        ours: ours.to_string(),
    })
}

/// Refuses a key file that is not the one this database was sealed with, so that a start with a wrong key
/// file ends before anything is written under it (F19). A database without seals belongs to nobody yet.
pub async fn check_key(db: &Db, vault: &Vault) -> Result<(), SealError> {
    db.read("audit.check_key", vault.clone(), |tx, vault| {
        Box::pin(async move {
            let last = tx.query_opt(&sql::LAST_SEAL, params![0_i64]).await?;
            check_signer(last.as_ref(), vault)
        })
    })
    .await
}

/// The periodic job: seals, unless some node did less than `every` ago, and brings the file at `path` up to
/// date. Gives the new seal, if one was made.
///
/// # Errors
/// `DatabaseBehind` and `Forked` before anything is sealed: a wrong history must not get a signature.
pub async fn seal_now(
    db: &Db,
    vault: &Vault,
    path: &Path,
    every: Duration,
) -> Result<Option<Seal>, SealError> {
    export_seals(db, path).await?;
    let made = db
        .write(
            "audit.seal",
            (vault.clone(), every),
            |tx, (vault, every)| {
                Box::pin(async move {
                    let last = tx.query_opt(&sql::LAST_SEAL, params![0_i64]).await?;
                    if let Some(row) = &last
                        && tx.now().since(row.timestamp(1)?) < *every
                    {
                        return Ok(None);
                    }
                    seal_after(tx, last, vault).await.map(Some)
                })
            },
        )
        .await;
    let made = match made {
        Err(SealError::Db(DbError::Conflict { .. })) => None,
        made => made?,
    };
    export_seals(db, path).await?;
    Ok(made)
}

/// Appends to the file the seals that only the database has, after checking that the file's newest one is
/// also the database's. Gives how many were appended.
pub async fn export_seals(db: &Db, path: &Path) -> Result<u64, SealError> {
    let mut after = {
        let path = path.to_owned();
        blocking(move || last_seal(&path)).await?
    };
    if let Some(in_file) = &after {
        check_file(db, path, in_file).await?;
    }
    let mut appended = 0_u64;
    loop {
        let from = after.as_ref().map_or(0, |seal| seal.number);
        let seals = page_of_seals(db, from).await?;
        let Some(last) = seals.last() else {
            return Ok(appended);
        };
        after = Some(last.clone());
        appended = appended.saturating_add(seals.len() as u64);
        let path = path.to_owned();
        blocking(move || append_seals(&path, &seals)).await?;
    }
}

async fn check_file(db: &Db, path: &Path, in_file: &Seal) -> Result<(), SealError> {
    let before = in_file.number.saturating_sub(1);
    match page_of_seals(db, before).await?.first() {
        Some(same) if same == in_file => Ok(()),
        Some(other) if other.number == in_file.number => Err(SealError::Forked {
            path: path.to_owned(),
            number: in_file.number,
        }),
        _ => {
            let in_database = db
                .read("audit.last_seal", (), |tx, ()| {
                    Box::pin(async move {
                        let row = tx.query_opt(&sql::LAST_SEAL, params![0_i64]).await?;
                        row.map_or(Ok(0), |row| row.int(0))
                    })
                })
                .await?;
            Err(SealError::DatabaseBehind {
                path: path.to_owned(),
                in_database,
                in_file: in_file.number,
            })
        }
    }
}

/// The seals of the database after a number, oldest first, up to a page.
pub(crate) async fn page_of_seals(db: &Db, after: i64) -> Result<Vec<Seal>, DbError> {
    db.read("audit.seals", after, |tx, after| {
        Box::pin(async move {
            let rows = tx.query(&sql::SEALS, params![*after, SEALS_PAGE]).await?;
            rows.iter().map(read_seal).collect()
        })
    })
    .await
}

fn read_seal(row: &Row) -> Result<Seal, DbError> {
    Ok(Seal {
        number: row.int(0)?,
        at: row.timestamp(1)?,
        // What a forger made unreadable must still reach the verifier, which finds the signature wrong.
        changed: Seal::read_changed(&row.bytes(2)?).unwrap_or_default(),
        root: hash_or_zeros(row, 3)?,
        prev: hash_or_zeros(row, 4)?,
        hash: hash_or_zeros(row, 5)?,
        key: hash_or_zeros(row, 6)?,
        signature: row.bytes(7)?,
    })
}

/// Files are written on a thread where waiting for the disk holds nobody up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SealFileError> + Send + 'static,
) -> Result<T, SealError> {
    let done = tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| SealError::Interrupted)?;
    Ok(done?)
}
