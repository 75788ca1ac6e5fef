//! What an auditor gets: a file that proves itself, checked without the database and without Kabinet's keys.
//!
//! One line of JSON each: a first line naming the format, then entries, and between them the seals, each after
//! the entries it covers; a last line tells that nothing was cut off. An export for one account shows that
//! account's entries, and of the other entries of its bucket nothing but their digests: the chain can still be
//! followed, so that nothing was left out.

use std::io::{self, BufRead, Write};

use db::Db;
use kernel::AccountId;
use serde::{Deserialize, Serialize};
use vault::PublicKey;

use crate::chain::{BUCKETS, Hash, Record, bucket_of};
use crate::check::{Check, Stored};
use crate::report::{Report, What};
use crate::verify::{Sink, VerifyError, walk};
use crate::{Seal, SealFileError};

const FORMAT: &str = "kabinet audit export";
const VERSION: u32 = 1;

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every entry.
    All,
    /// The entries of one account.
    Account(AccountId),
}

/// Why an export cannot be checked. Tampering is not an error: it is in the report.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A line is not understood.
    #[error("line {0} of the export is not understood")]
    Line(usize),
    /// The last line is missing: the file was cut.
    #[error("the export was cut off")]
    Cut,
    /// It cannot be read.
    #[error("reading the export: {0}")]
    Read(#[from] io::Error),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Start {
        format: String,
        version: u32,
        account: Option<AccountId>,
    },
    Entry(Box<Shown>),
    Other {
        bucket: u8,
        seq: i64,
        digest: String,
    },
    Seal(String),
    End {
        lines: u64,
    },
}

/// An entry with its bytes in hexadecimal. Details are sealed: who may read them asks Kabinet.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    bucket: u8,
    seq: i64,
    event_id: String,
    account_id: Option<String>,
    at: i64,
    actor_kind: String,
    actor_id: Option<String>,
    action: String,
    on_behalf: Option<String>,
    session_id: Option<String>,
    details: String,
    hash: String,
}

impl Shown {
    fn of(row: &Stored) -> Self {
        let record = &row.record;
        let opt = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(hex::encode);
        Self {
            bucket: record.bucket,
            seq: record.seq,
            event_id: hex::encode(&record.event_id),
            account_id: opt(&record.account_id),
            at: record.at,
            actor_kind: record.actor_kind.clone(),
            actor_id: opt(&record.actor_id),
            action: record.action.clone(),
            on_behalf: opt(&record.on_behalf),
            session_id: opt(&record.session_id),
            details: hex::encode(&record.details),
            hash: hex::encode(&row.hash),
        }
    }

    /// The entry after the one whose hash is `prev`.
    fn read(self, prev: &Hash) -> Option<Stored> {
        let opt = |text: Option<String>| text.map(hex::decode).transpose().ok();
        Some(Stored {
            record: Record {
                bucket: self.bucket,
                seq: self.seq,
                event_id: hex::decode(self.event_id).ok()?,
                account_id: opt(self.account_id)?,
                at: self.at,
                actor_kind: self.actor_kind,
                actor_id: opt(self.actor_id)?,
                action: self.action,
                on_behalf: opt(self.on_behalf)?,
                session_id: opt(self.session_id)?,
                details: hex::decode(self.details).ok()?,
            },
            prev: prev.to_vec(),
            hash: hex::decode(self.hash).ok()?,
        })
    }
}

/// Writes the log, or what of it concerns one account, and checks it on the way. Entries after the first bad
/// one of their bucket are not written.
pub async fn export(
    db: &Db,
    exported: Option<impl Iterator<Item = Result<Seal, SealFileError>> + Send>,
    trusted: &[PublicKey],
    scope: Scope,
    to: &mut (dyn Write + Send),
) -> Result<Report, VerifyError> {
    let account = match scope {
        Scope::All => None,
        Scope::Account(account) => Some(account),
    };
    let mut writer = Writer {
        to,
        account,
        lines: 0,
    };
    writer.line(&Line::Start {
        format: FORMAT.to_owned(),
        version: VERSION,
        account,
    })?;
    let check = Check::new(trusted, account.as_ref().map(bucket_of));
    let report = walk(db, exported, check, &mut writer).await?;
    let lines = writer.lines;
    writer.line(&Line::End { lines })?;
    writer.to.flush()?;
    Ok(report)
}

struct Writer<'w> {
    to: &'w mut (dyn Write + Send),
    account: Option<AccountId>,
    lines: u64,
}

impl Writer<'_> {
    fn line(&mut self, line: &Line) -> io::Result<()> {
        self.lines = self.lines.saturating_add(1);
        serde_json::to_writer(&mut *self.to, line)?;
        self.to.write_all(b"\n")
    }
}

impl Sink for Writer<'_> {
    fn entry(&mut self, row: &Stored) -> io::Result<()> {
        let is_shown = self.account.is_none_or(|account| {
            row.record.account_id.as_deref() == Some(account.as_bytes().as_slice())
        });
        let line = if is_shown {
            Line::Entry(Box::new(Shown::of(row)))
        } else {
            Line::Other {
                bucket: row.record.bucket,
                seq: row.record.seq,
                digest: hex::encode(row.record.digest()),
            }
        };
        self.line(&line)
    }

    fn seal(&mut self, seal: &Seal) -> io::Result<()> {
        self.line(&Line::Seal(seal.to_line()))
    }
}

/// Checks an export by itself: all an auditor needs besides the file are the public keys.
pub fn verify_export(reader: impl BufRead, trusted: &[PublicKey]) -> Result<Report, ExportError> {
    let mut lines = (1_usize..).zip(reader.lines()).map(|(number, line)| {
        let line = serde_json::from_str(&line?).map_err(|_| ExportError::Line(number))?;
        Ok::<(usize, Line), ExportError>((number, line))
    });
    let only = match lines.next().transpose()? {
        Some((
            _,
            Line::Start {
                format,
                version: VERSION,
                account,
            },
        )) if format == FORMAT => account.as_ref().map(bucket_of),
        _ => return Err(ExportError::Line(1)),
    };
    let mut check = Check::new(trusted, only);
    let mut read = 1_u64;
    let mut is_whole = false;
    for line in lines {
        let (number, line) = line?;
        if is_whole {
            return Err(ExportError::Line(number));
        }
        match line {
            Line::End { lines } if lines == read => is_whole = true,
            Line::Start { .. } | Line::End { .. } => return Err(ExportError::Line(number)),
            other => take(&mut check, other).ok_or(ExportError::Line(number))?,
        }
        read = read.saturating_add(1);
    }
    if is_whole {
        Ok(check.report())
    } else {
        Err(ExportError::Cut)
    }
}

fn take(check: &mut Check<'_>, line: Line) -> Option<()> {
    match line {
        Line::Entry(shown) if shown.bucket < BUCKETS => {
            let bucket = shown.bucket;
            let prev = check.chain(bucket)?.head.hash;
            match shown.read(&prev) {
                Some(row) => check.entry(&row),
                None => check.chain(bucket)?.fail_next(What::Edited),
            }
            Some(())
        }
        Line::Other {
            bucket,
            seq,
            digest,
        } if bucket < BUCKETS => {
            let mut bytes: Hash = [0; 32];
            hex::decode_to_slice(digest, &mut bytes).ok()?;
            check.chain(bucket)?.digest(seq, &bytes);
            Some(())
        }
        Line::Seal(text) => {
            check.seal(&Seal::from_line(&text).ok()?);
            Some(())
        }
        _ => None,
    }
}
