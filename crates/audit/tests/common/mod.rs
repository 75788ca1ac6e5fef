//! What the tests share: a log with seals, and hands that change it past the program.
#![allow(
    clippy::allow_attributes,
    dead_code,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "each test file uses its own part, and all of it is for tests"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use audit::{Action, Details, Entry, Report, Seal, SealFileError, action, chain};
use db::{Db, DbError, Param, Statement, params};
use kernel::AccountId;
use tempfile::TempDir;
use testkit::TestDb;
use vault::{DataKey, Vault};

/// SQL that the program itself does not have.
pub mod raw {
    db::statements! {
        /// A row of the log.
        ROW: "SELECT event_id, account_id, at, actor_kind, actor_id, action, on_behalf, session_id, details,
                prev_hash, hash FROM audit_entry WHERE bucket = $1 AND seq = $2" (Int, Int)
            -> (Bytes, OptBytes, Int, Text, OptBytes, Text, OptBytes, OptBytes, Bytes, Bytes, Bytes);
        /// Changes.
        SET_ACTION: "UPDATE audit_entry SET action = $1 WHERE bucket = $2 AND seq = $3" (Text, Int, Int) -> ();
        SET_AT: "UPDATE audit_entry SET at = $1 WHERE bucket = $2 AND seq = $3" (Int, Int, Int) -> ();
        SET_ACCOUNT: "UPDATE audit_entry SET account_id = $1 WHERE bucket = $2 AND seq = $3"
            (OptBytes, Int, Int) -> ();
        SET_ACTOR_KIND: "UPDATE audit_entry SET actor_kind = $1 WHERE bucket = $2 AND seq = $3"
            (Text, Int, Int) -> ();
        SET_ACTOR_ID: "UPDATE audit_entry SET actor_id = $1 WHERE bucket = $2 AND seq = $3"
            (OptBytes, Int, Int) -> ();
        SET_EVENT: "UPDATE audit_entry SET event_id = $1 WHERE bucket = $2 AND seq = $3" (Bytes, Int, Int) -> ();
        SET_ON_BEHALF: "UPDATE audit_entry SET on_behalf = $1 WHERE bucket = $2 AND seq = $3"
            (OptBytes, Int, Int) -> ();
        SET_SESSION: "UPDATE audit_entry SET session_id = $1 WHERE bucket = $2 AND seq = $3"
            (OptBytes, Int, Int) -> ();
        SET_DETAILS: "UPDATE audit_entry SET details = $1 WHERE bucket = $2 AND seq = $3" (Bytes, Int, Int) -> ();
        SET_PREV: "UPDATE audit_entry SET prev_hash = $1 WHERE bucket = $2 AND seq = $3" (Bytes, Int, Int) -> ();
        SET_HASH: "UPDATE audit_entry SET hash = $1 WHERE bucket = $2 AND seq = $3" (Bytes, Int, Int) -> ();
        MOVE: "UPDATE audit_entry SET seq = $1 WHERE bucket = $2 AND seq = $3" (Int, Int, Int) -> ();
        DELETE: "DELETE FROM audit_entry WHERE bucket = $1 AND seq = $2" (Int, Int) -> ();
        CUT: "DELETE FROM audit_entry WHERE bucket = $1 AND seq > $2" (Int, Int) -> ();
        HEAD: "UPDATE audit_head SET seq = $1, hash = $2 WHERE bucket = $3" (Int, Bytes, Int) -> ();
        DROP_HEAD: "DELETE FROM audit_head WHERE bucket = $1" (Int) -> ();
        CUT_SEALS: "DELETE FROM audit_seal WHERE number > $1" (Int) -> ();
        DELETE_SEAL: "DELETE FROM audit_seal WHERE number = $1" (Int) -> ();
        SEAL_SIGNATURE: "UPDATE audit_seal SET signature = $1 WHERE number = $2" (Bytes, Int) -> ();
        SEAL_ROOT: "UPDATE audit_seal SET root = $1 WHERE number = $2" (Bytes, Int) -> ();
        SEAL_AT: "UPDATE audit_seal SET at = $1 WHERE number = $2" (Int, Int) -> ();
        SEAL_CHANGED: "UPDATE audit_seal SET changed = $1 WHERE number = $2" (Bytes, Int) -> ();
        SEALED_HEAD: "UPDATE audit_sealed SET seq = $1, hash = $2 WHERE bucket = $3" (Int, Bytes, Int) -> ();
        COUNT: "SELECT COUNT(*) FROM audit_entry WHERE bucket >= $1" (Int) -> (Int);
    }
}

pub const SIGNED_IN: Action = action::SIGN_IN_SUCCEEDED;
pub const MINUTE: Duration = Duration::from_secs(60);

/// An account whose bucket is `bucket`.
pub fn account(bucket: u8, number: u8) -> AccountId {
    let id = AccountId::from_bytes(&[
        number,
        1,
        2,
        3,
        4,
        5,
        0x70,
        7,
        0x80,
        9,
        10,
        11,
        12,
        13,
        14,
        bucket | 0x40,
    ]);
    let id = id.unwrap();
    assert_eq!(chain::bucket_of(&id), bucket);
    id
}

/// A log on a database, the file of its seals and the vault that signs them.
pub struct Log {
    pub db: TestDb,
    pub vault: Vault,
    pub folder: TempDir,
}

impl Log {
    pub fn new(db: TestDb) -> Self {
        Self {
            db,
            vault: testkit::vault(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("seals.jsonl")
    }

    pub fn key(&self, account: AccountId) -> DataKey {
        self.vault
            .unwrap(account, &self.vault.new_data_key(account).unwrap())
            .unwrap()
    }

    /// Writes `count` entries about accounts of a bucket.
    pub async fn fill(&self, bucket: u8, count: u8) {
        for number in 0..count {
            let account = account(bucket, number % 3);
            let details = Details::default().fact("number", number.to_string());
            let entry =
                Entry::by_customer(SIGNED_IN, account).with(details.seal(&self.key(account)));
            write(&self.db, entry).await;
            self.db.clock().advance(Duration::from_secs(1));
        }
    }

    /// A minute passes and the log is sealed.
    pub async fn seal(&self) -> Seal {
        self.db.clock().advance(MINUTE);
        audit::seal_now(&self.db, &self.vault, &self.file(), MINUTE)
            .await
            .unwrap()
            .unwrap()
    }

    pub async fn verify(&self) -> Report {
        let keys = [self.vault.public_key()];
        let seals = self
            .file()
            .exists()
            .then(|| audit::read_seals(&self.file()).unwrap());
        audit::verify(&self.db, seals, &keys).await.unwrap()
    }

    pub async fn verify_without_file(&self) -> Report {
        let keys = [self.vault.public_key()];
        audit::verify(
            &self.db,
            None::<std::iter::Empty<Result<Seal, SealFileError>>>,
            &keys,
        )
        .await
        .unwrap()
    }

    /// What is wrong, as text.
    pub async fn found(&self) -> Vec<String> {
        texts(&self.verify().await)
    }

    /// Runs SQL past the program.
    pub async fn raw(&self, statement: &'static Statement, params: &[Param<'_>]) {
        raw(&self.db, statement, params).await;
    }

    /// A row as it is, however wrong.
    pub async fn values(&self, bucket: u8, seq: i64) -> Vec<db::Value> {
        self.db
            .read("test.values", (bucket, seq), |tx, (bucket, seq)| {
                Box::pin(async move {
                    let row = tx.query_one(&raw::ROW, params![*bucket, *seq]).await?;
                    Ok::<_, DbError>(row.values().to_vec())
                })
            })
            .await
            .unwrap()
    }

    /// The content of a row.
    pub async fn row(&self, bucket: u8, seq: i64) -> (chain::Record, chain::Hash, chain::Hash) {
        self.db
            .read("test.row", (bucket, seq), |tx, (bucket, seq)| {
                Box::pin(async move {
                    let row = tx.query_one(&raw::ROW, params![*bucket, *seq]).await?;
                    let record = chain::Record {
                        bucket: *bucket,
                        seq: *seq,
                        event_id: row.bytes(0)?,
                        account_id: row.opt_bytes(1)?,
                        at: row.int(2)?,
                        actor_kind: row.text(3)?,
                        actor_id: row.opt_bytes(4)?,
                        action: row.text(5)?,
                        on_behalf: row.opt_bytes(6)?,
                        session_id: row.opt_bytes(7)?,
                        details: row.bytes(8)?,
                    };
                    Ok::<_, DbError>((record, row.array(9)?, row.array(10)?))
                })
            })
            .await
            .unwrap()
    }

    /// Changes the time of an entry and hashes it and everything after it anew, heads included: the most that
    /// somebody without the signing key can do.
    pub async fn rewrite_from(&self, bucket: u8, first: i64, last: i64) {
        let (_, mut prev, _) = self.row(bucket, first).await;
        for seq in first..=last {
            let (mut record, _, _) = self.row(bucket, seq).await;
            if seq == first {
                record.at += 1;
                self.raw(&raw::SET_AT, params![record.at, bucket, seq])
                    .await;
            }
            let hash = chain::link(&prev, &record.digest());
            self.raw(&raw::SET_PREV, params![&prev, bucket, seq]).await;
            self.raw(&raw::SET_HASH, params![&hash, bucket, seq]).await;
            prev = hash;
        }
        self.raw(&raw::HEAD, params![last, &prev, bucket]).await;
    }

    /// Cuts a bucket after an entry, head included.
    pub async fn cut_after(&self, bucket: u8, last: i64) {
        let (_, _, hash) = self.row(bucket, last).await;
        self.raw(&raw::CUT, params![bucket, last]).await;
        self.raw(&raw::HEAD, params![last, &hash, bucket]).await;
    }
}

pub fn texts(report: &Report) -> Vec<String> {
    report.problems.iter().map(ToString::to_string).collect()
}

pub async fn write(db: &Db, entry: Entry) -> kernel::EventId {
    db.write("test.append", entry, |tx, entry| {
        Box::pin(async move { audit::append(tx, entry.clone()).await })
    })
    .await
    .unwrap()
}

pub async fn raw(db: &Db, statement: &'static Statement, params: &[Param<'_>]) {
    // Owned, because the use case may run again.
    let values: Vec<db::Value> = params
        .iter()
        .map(|param| match param {
            Param::Null => db::Value::Null,
            Param::Int(x) => db::Value::Int(*x),
            Param::Text(x) => db::Value::Text((*x).to_owned()),
            Param::Bytes(x) => db::Value::Bytes(x.to_vec()),
            Param::Bool(x) => db::Value::Bool(*x),
        })
        .collect();
    db.write("test.raw", values, move |tx, values| {
        Box::pin(async move {
            let params: Vec<Param<'_>> = values.iter().map(db::Value::as_param).collect();
            tx.execute(statement, &params).await
        })
    })
    .await
    .unwrap();
}

pub fn line_count(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap().lines().count()
}
