//! Reading the whole log again, in pages, each bucket as far as the next seal speaks of it.

use std::io;

use db::{Db, DbError, Row, params};
use vault::PublicKey;

use crate::chain::{BUCKETS, Hash, Record};
use crate::check::{Check, Stored};
use crate::report::{Report, What};
use crate::seal::Head;
use crate::seal_job::page_of_seals;
use crate::{Seal, SealFileError, sql};

/// How many entries are in memory at once.
const PAGE: i64 = 500;

/// Why the log could not be read to its end. Tampering is not an error: it is in the report.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The file of seals could not be read.
    #[error(transparent)]
    File(#[from] SealFileError),
    /// The export could not be written.
    #[error("writing the export: {0}")]
    Write(#[from] io::Error),
}

/// Checks every entry and every seal, while the program may go on writing. `exported` are the seals of the
/// file ([`read_seals`](crate::read_seals)), which find what the database alone cannot show: a tail cut off
/// together with its seals, or a fork (A104). `trusted` are the public keys that may have signed.
///
/// Memory is bounded: a page of entries, a page of seals and 64 heads.
pub async fn verify(
    db: &Db,
    exported: Option<impl Iterator<Item = Result<Seal, SealFileError>> + Send>,
    trusted: &[PublicKey],
) -> Result<Report, VerifyError> {
    walk(db, exported, Check::new(trusted, None), &mut Nothing).await
}

/// Who else wants to see what passes.
pub(crate) trait Sink: Send {
    fn entry(&mut self, row: &Stored) -> io::Result<()>;
    fn seal(&mut self, seal: &Seal) -> io::Result<()>;
}

struct Nothing;

impl Sink for Nothing {
    fn entry(&mut self, _: &Stored) -> io::Result<()> {
        Ok(())
    }
    fn seal(&mut self, _: &Seal) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) async fn walk(
    db: &Db,
    exported: Option<impl Iterator<Item = Result<Seal, SealFileError>> + Send>,
    mut check: Check<'_>,
    sink: &mut dyn Sink,
) -> Result<Report, VerifyError> {
    let has_file = exported.is_some();
    let mut seals = Seals {
        db,
        page: Vec::new().into_iter(),
        after: 0,
        ended: false,
    };
    let mut file = exported.into_iter().flatten();
    let mut in_file = file.next().transpose()?;
    let mut in_db = seals.next().await?;
    while let Some(number) = [&in_file, &in_db]
        .into_iter()
        .flatten()
        .map(|seal| seal.number)
        .min()
    {
        let take = |from: &mut Option<Seal>| from.take_if(|seal| seal.number == number);
        let (ours, theirs) = (take(&mut in_db), take(&mut in_file));
        if has_file {
            compare(
                &mut check,
                number,
                (ours.as_ref(), in_db.is_some()),
                (theirs.as_ref(), in_file.is_some()),
            );
        }
        let (seen_db, seen_file) = (ours.is_some(), theirs.is_some());
        let trusted_first = match (ours, theirs) {
            // The file is out of reach of whoever owns the database.
            (Some(ours), Some(theirs)) => Some(if check.is_signed(&theirs) {
                theirs
            } else {
                ours
            }),
            (ours, theirs) => ours.or(theirs),
        };
        if let Some(seal) = trusted_first {
            if check.is_signed(&seal) {
                for head in &seal.changed {
                    pull(db, &mut check, head.bucket, head.seq, sink).await?;
                }
            }
            check.seal(&seal);
            sink.seal(&seal)?;
        }
        if seen_file {
            in_file = file.next().transpose()?;
        }
        if seen_db {
            in_db = seals.next().await?;
        }
    }
    for bucket in (0..BUCKETS)
        .filter(|bucket| check.shows(*bucket))
        .collect::<Vec<_>>()
    {
        finish(db, &mut check, bucket, sink).await?;
    }
    Ok(check.report())
}

/// Notes where the file and the database do not have the same seals.
fn compare(
    check: &mut Check<'_>,
    number: i64,
    (ours, more_ours): (Option<&Seal>, bool),
    (theirs, more_theirs): (Option<&Seal>, bool),
) {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours == theirs => {}
        (Some(ours), Some(theirs)) => {
            let both_signed = check.is_signed(ours) && check.is_signed(theirs);
            check.fail_seal(
                number,
                if both_signed {
                    What::Forked
                } else {
                    What::SignatureWrong
                },
            );
        }
        (None, Some(_)) => {
            check.fail_seal(
                number,
                if more_ours {
                    What::Deleted
                } else {
                    What::Truncated
                },
            );
        }
        // The end of the database may be a minute ahead of the file.
        (Some(_), None) if more_theirs => check.fail_seal(number, What::Deleted),
        (Some(_), None) => check.unexported = check.unexported.saturating_add(1),
        (None, None) => {}
    }
}

/// Reads a bucket up to the entry `upto`, as far as it is right.
async fn pull(
    db: &Db,
    check: &mut Check<'_>,
    bucket: u8,
    upto: i64,
    sink: &mut dyn Sink,
) -> Result<(), VerifyError> {
    if !check.shows(bucket) {
        return Ok(());
    }
    let mut limit = PAGE;
    loop {
        let Some(chain) = check.chain(bucket) else {
            return Ok(());
        };
        let after = chain.head.seq;
        if chain.problem.is_some() || after >= upto {
            return Ok(());
        }
        match page(db, bucket, after, upto, limit).await {
            Ok(rows) if rows.is_empty() => {
                let is_later = !page(db, bucket, after, i64::MAX, 1).await?.is_empty();
                let what = if is_later {
                    What::Deleted
                } else {
                    What::Truncated
                };
                chain.fail_next(what);
            }
            Ok(rows) => {
                for row in rows {
                    let before = check.chain(bucket).map(|chain| chain.head.seq);
                    check.entry(&row);
                    if check.chain(bucket).map(|chain| chain.head.seq) != before {
                        sink.entry(&row)?;
                    }
                }
            }
            // Somebody wrote what cannot even be read (text that is not UTF-8). Find the entry.
            Err(DbError::Inconsistent { .. }) if limit > 1 => limit = 1,
            Err(DbError::Inconsistent { .. }) => chain.fail_next(What::Edited),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The end of a bucket. The head is read before the entries it must have, and again after entries it must
/// not have, so that writing meanwhile does not look like tampering.
async fn finish(
    db: &Db,
    check: &mut Check<'_>,
    bucket: u8,
    sink: &mut dyn Sink,
) -> Result<(), VerifyError> {
    let mut head = head_of(db, bucket).await?;
    loop {
        if let Some(head) = &head {
            pull(db, check, bucket, head.seq, sink).await?;
        }
        let Some(chain) = check.chain(bucket) else {
            return Ok(());
        };
        let at = chain.head.seq;
        let has_later = match page(db, bucket, at, i64::MAX, 1).await {
            Ok(rows) => !rows.is_empty(),
            Err(DbError::Inconsistent { .. }) => true,
            Err(error) => return Err(error.into()),
        };
        let newer = if has_later {
            head_of(db, bucket).await?
        } else {
            None
        };
        let moved = newer.as_ref().is_some_and(|newer| newer.seq > at);
        if chain.problem.is_none() && moved {
            head = newer;
            continue;
        }
        chain.finish(head.as_ref());
        if has_later {
            chain.fail_head();
        }
        return Ok(());
    }
}

async fn head_of(db: &Db, bucket: u8) -> Result<Option<Head>, DbError> {
    db.read("audit.head", bucket, |tx, bucket| {
        Box::pin(async move {
            let Some(row) = tx.query_opt(&sql::PEEK, params![*bucket]).await? else {
                return Ok(None);
            };
            Ok(Some(Head {
                bucket: *bucket,
                seq: row.int(0)?,
                hash: hash_or_zeros(&row, 1)?,
            }))
        })
    })
    .await
}

/// A hash of another length than 32 is certainly wrong; zeros are too, and can be compared.
pub(crate) fn hash_or_zeros(row: &Row, column: usize) -> Result<Hash, DbError> {
    Ok(Hash::try_from(row.bytes(column)?.as_slice()).unwrap_or([0; 32]))
}

async fn page(
    db: &Db,
    bucket: u8,
    after: i64,
    upto: i64,
    limit: i64,
) -> Result<Vec<Stored>, DbError> {
    db.read(
        "audit.page",
        (bucket, after, upto, limit),
        |tx, (bucket, after, upto, limit)| {
            Box::pin(async move {
                let rows = tx
                    .query(&sql::PAGE, params![*bucket, *after, *upto, *limit])
                    .await?;
                rows.iter().map(|row| stored(*bucket, row)).collect()
            })
        },
    )
    .await
}

fn stored(bucket: u8, row: &Row) -> Result<Stored, DbError> {
    Ok(Stored {
        record: Record {
            bucket,
            seq: row.int(0)?,
            event_id: row.bytes(1)?,
            account_id: row.opt_bytes(2)?,
            at: row.int(3)?,
            actor_kind: row.text(4)?,
            actor_id: row.opt_bytes(5)?,
            action: row.text(6)?,
            on_behalf: row.opt_bytes(7)?,
            session_id: row.opt_bytes(8)?,
            details: row.bytes(9)?,
        },
        prev: row.bytes(10)?,
        hash: row.bytes(11)?,
    })
}

/// The seals of the database, read in pages.
struct Seals<'d> {
    db: &'d Db,
    page: std::vec::IntoIter<Seal>,
    after: i64,
    ended: bool,
}

impl Seals<'_> {
    async fn next(&mut self) -> Result<Option<Seal>, DbError> {
        if let Some(seal) = self.page.next() {
            self.after = seal.number;
            return Ok(Some(seal));
        }
        if self.ended {
            return Ok(None);
        }
        self.page = page_of_seals(self.db, self.after).await?.into_iter();
        self.ended = self.page.len() == 0;
        let next = self.page.next();
        self.after = next.as_ref().map_or(self.after, |seal| seal.number);
        Ok(next)
    }
}
