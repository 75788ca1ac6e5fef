//! Backups that do not know where they came from: everything in one file, the same bytes for the same rows
//! on either engine, so that an installation can also move from SQLite to PostgreSQL and back.
//!
//! A backup is one consistent moment, taken while the program serves. A restore goes into an empty database;
//! one that did not get to its end leaves a database nothing serves from. What a backup must not bring back
//! to life (sessions, codes) is voided by whoever owns it, between [`unsettled`] and [`settle`] (F18).

mod format;
mod rows;

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};

use kernel::Timestamp;

use crate::{
    Db, DbError, Deadline, Inner, MigrateError, Migration, ReadTx, Value, WriteTx, params,
    tx::Session,
};
use format::{Header, In, Piece};
use rows::{Batch, Table};

/// Rows of one transaction of a restore; with [`BATCH_BYTES`] it bounds the memory a restore takes.
const BATCH_ROWS: usize = 1_000;
/// Bytes of texts and blobs of one such transaction; one row may be more.
const BATCH_BYTES: usize = 4 << 20;
/// The migration that makes the table of restores.
pub(crate) const RESTORE_TABLE: i64 = 6;

/// Why a backup or a restore did not come about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PortableError {
    /// The file cannot be read or written.
    #[error("the backup file: {0}")]
    File(#[from] io::Error),
    /// The file does not begin like a backup.
    #[error("this is not a backup")]
    NotABackup,
    /// The file is of a format this program does not know.
    #[error("the backup is of format {0}, which this program does not know")]
    Version(u16),
    /// The file was cut off or changed since it was written. Nothing was restored.
    #[error("the backup is damaged")]
    Damaged,
    /// A field is longer than a backup can hold, or there are too many of something.
    #[error("a value is too long for a backup")]
    TooLong,
    /// The backup has a migration this program does not know, or knows with another text.
    #[error(
        "the backup has migration {0}, which this program does not know: use the newer program"
    )]
    Newer(String),
    /// A restore goes into an empty database only.
    #[error("the database is not empty: table {0} has rows")]
    NotEmpty(String),
    /// The database has other tables or columns than the backup.
    #[error("the database has another schema than the backup: table {0}")]
    Schema(String),
    /// A table without a primary key has no order.
    #[error("table {0} has no primary key")]
    NoKey(String),
    /// The schema could not be made.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl PortableError {
    fn read(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged,
            _ => Self::File(error),
        }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// The moment the backup holds.
    pub taken_at: Timestamp,
    /// Rows, all tables together.
    pub rows: u64,
}

/// What was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// The moment the backup holds.
    pub taken_at: Timestamp,
    /// When the restore ended.
    pub restored_at: Timestamp,
    /// Rows, all tables together.
    pub rows: u64,
}

mod sql {
    crate::statements! {
        /// A restore begins.
        BEGIN: "INSERT INTO db_restore (id, taken_at, begun_at) VALUES ($1, $2, $3)" (Int, Int, Int) -> ();
        /// It got to its end.
        FINISH: "UPDATE db_restore SET restored_at = $1 WHERE id = $2 AND restored_at IS NULL"
            (Int, Int) -> ();
        /// The restore this database came from, if any.
        FIND: "SELECT restored_at, settled_at FROM db_restore WHERE id = $1" (Int) -> (OptInt, OptInt);
        /// What it must not bring back is voided.
        SETTLE: "UPDATE db_restore SET settled_at = $1 WHERE id = $2" (Int, Int) -> ();
    }
}
pub(crate) use sql::ALL as STATEMENTS;

/// When this database was restored from a backup, while nobody has voided yet what that must not bring back;
/// `None` when there is nothing to do.
pub async fn unsettled(tx: &mut ReadTx) -> Result<Option<Timestamp>, DbError> {
    match tx.query_opt(&sql::FIND, params![1_i64]).await? {
        Some(row) if row.opt_int(1)?.is_none() => row.opt_timestamp(0),
        _ => Ok(None),
    }
}

/// Says that it is voided, in the transaction that did so.
pub async fn settle(tx: &mut WriteTx) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute_one(&sql::SETTLE, params![now, 1_i64]).await
}

impl Db {
    /// Writes a backup of this moment into `to` and gives it back, flushed. Memory does not grow with the
    /// database.
    pub async fn export<W>(&self, to: W) -> Result<(W, Exported), PortableError>
    where
        W: Write + Send + 'static,
    {
        let taken_at = self.clock().now();
        let micros = taken_at.as_micros();
        let copying = match &*self.inner {
            Inner::Sqlite { path, .. } => {
                let path = path.clone();
                tokio::task::spawn_blocking(move || {
                    // A connection of its own: a long copy must not keep a reader from the pages.
                    let session = crate::sqlite::open(&path, true)
                        .map_err(|e| DbError::Unavailable(e.to_string()))?;
                    rows::export_sqlite(&session, micros, to)
                })
            }
            Inner::Postgres { runner } => {
                let session = runner.postgres.reading(Deadline::usual()).await?;
                let runtime = tokio::runtime::Handle::current();
                tokio::task::spawn_blocking(move || {
                    runtime.block_on(rows::export_postgres(session, micros, to))
                })
            }
        };
        let (to, rows) = copying.await.map_err(|_| DbError::panicked("export"))??;
        Ok((to, Exported { taken_at, rows }))
    }

    /// Writes a backup to `path`, readable by its owner alone. The name appears, or an older backup of that
    /// name is replaced, only when the whole file is on the disk (F10).
    pub async fn export_file(&self, path: &Path) -> Result<Exported, PortableError> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        // What a killed backup left behind may have any mode.
        match fs::remove_file(&part) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e.into()),
            _ => {}
        }
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)?;
        let (file, exported) = self.export(BufWriter::with_capacity(1 << 18, file)).await?;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&part, path)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(exported)
    }

    /// Restores a backup file into this database, which must be empty; see [`Db::import`]. `beside` puts in
    /// place what belongs to the rows and lies elsewhere: it is called when all rows are there, and before
    /// the restore counts as done.
    pub async fn import_file<F>(&self, path: &Path, beside: F) -> Result<Restored, PortableError>
    where
        F: FnOnce() -> std::io::Result<()> + Send,
    {
        let from = BufReader::with_capacity(1 << 18, File::open(path)?);
        self.import_all(&Migration::all()?, from, beside).await
    }

    /// Restores a backup into this database, which must be empty: without tables, or with the tables of
    /// the backup's schema and no rows. Nothing is written before the whole backup was found undamaged.
    ///
    /// Should the restore not get to its end, [`Db::migrate`] and [`Db::pending`] refuse the database from then
    /// on: remove it and restore again.
    pub async fn import<R>(&self, from: R) -> Result<Restored, PortableError>
    where
        R: Read + Seek + Send + 'static,
    {
        self.import_with(&Migration::all()?, from).await
    }

    /// The same with a given list of migrations, for tests.
    #[doc(hidden)]
    pub async fn import_with<R>(
        &self,
        all: &[Migration],
        from: R,
    ) -> Result<Restored, PortableError>
    where
        R: Read + Seek + Send + 'static,
    {
        self.import_all(all, from, || Ok(())).await
    }

    async fn import_all<R, F>(
        &self,
        all: &[Migration],
        mut from: R,
        beside: F,
    ) -> Result<Restored, PortableError>
    where
        R: Read + Seek + Send + 'static,
        F: FnOnce() -> std::io::Result<()> + Send,
    {
        // Reading and checking are in place: a restore has the program to itself.
        let (file, header) = In::begin(&mut from)?;
        file.verify()?;
        let theirs = schema_of(&header, all)?;
        from.rewind()?;
        let (mut file, _) = In::begin(&mut from)?;

        self.migrate_with(&theirs).await?;
        let tables = rows::tables(self.columns().await?);
        self.refuse_rows(&tables).await?;
        self.mark_begun(header.taken_at).await?;

        let mut rows = 0_u64;
        let mut batch = Filling::default();
        loop {
            match file.next()? {
                Piece::Table(shape) => {
                    let own = tables.iter().find(|table| table.shape == shape);
                    let own = own.ok_or_else(|| PortableError::Schema(shape.table.clone()))?;
                    batch = Filling {
                        table: Some(Arc::new(own.clone())),
                        ..Filling::default()
                    };
                }
                Piece::Row(row) => {
                    rows = rows.saturating_add(1);
                    if batch.push(row) {
                        self.insert(batch.take()).await?;
                    }
                }
                Piece::TableEnd => self.insert(batch.take()).await?,
                Piece::End => break,
            }
        }
        beside()?;
        let restored_at = self.mark_restored().await?;
        // A backup of an older program: its schema is now brought up to date like any other.
        self.migrate_with(all).await?;
        let taken_at = Timestamp::from_micros(header.taken_at);
        Ok(Restored {
            taken_at,
            restored_at,
            rows,
        })
    }

    async fn refuse_rows(&self, tables: &[Table]) -> Result<(), PortableError> {
        for table in tables {
            let name = table.shape.table.clone();
            let any = self.any_row(name.clone()).await?;
            if any {
                return Err(PortableError::NotEmpty(name));
            }
        }
        Ok(())
    }

    async fn any_row(&self, table: String) -> Result<bool, DbError> {
        self.read("db.any_row", table, |tx, table| {
            Box::pin(async move {
                let text = format!("SELECT 1 FROM \"{table}\" LIMIT 1");
                match &mut tx.session {
                    Session::Sqlite(session) => session
                        .conn
                        .prepare(&text)
                        .and_then(|mut statement| statement.exists([]))
                        .map_err(|e| crate::sqlite::driver_error("import", &e)),
                    Session::Postgres(session) => Ok(!session.messages(&text).await?.is_empty()),
                }
            })
        })
        .await
    }

    async fn insert(&self, batch: Option<Batch>) -> Result<(), PortableError> {
        let Some(batch) = batch else { return Ok(()) };
        self.write_by(Deadline::patient(), "db.import", batch, |tx, batch| {
            Box::pin(async move { batch.insert(&mut tx.session).await })
        })
        .await
        .map_err(PortableError::Db)
    }

    async fn mark_begun(&self, taken_at: i64) -> Result<(), PortableError> {
        let answer = self
            .write("db.import_begin", taken_at, |tx, taken_at| {
                Box::pin(async move {
                    let now = tx.now();
                    tx.execute_one(&sql::BEGIN, params![1_i64, *taken_at, now])
                        .await
                })
            })
            .await;
        answer.map_err(|error| match error {
            DbError::Conflict { .. } => PortableError::NotEmpty("db_restore".to_owned()),
            other => PortableError::Db(other),
        })
    }

    async fn mark_restored(&self) -> Result<Timestamp, DbError> {
        self.write("db.import_end", (), |tx, ()| {
            Box::pin(async move {
                let now = tx.now();
                tx.execute_one(&sql::FINISH, params![now, 1_i64]).await?;
                Ok(now)
            })
        })
        .await
    }

    /// Whether a restore was begun here and did not get to its end.
    pub(crate) async fn is_half_restored(&self) -> Result<bool, DbError> {
        self.read("db.half_restored", (), |tx, ()| {
            Box::pin(async move {
                match tx.query_opt(&sql::FIND, params![1_i64]).await? {
                    Some(row) => Ok(row.opt_int(0)?.is_none()),
                    None => Ok(false),
                }
            })
        })
        .await
    }
}

/// The migrations of the backup, as this program knows them.
fn schema_of(header: &Header, all: &[Migration]) -> Result<Vec<Migration>, PortableError> {
    let numbers: BTreeSet<i64> = header
        .migrations
        .iter()
        .map(|(number, ..)| *number)
        .collect();
    for (number, name, hash) in &header.migrations {
        let known = all.iter().any(|m| m.number == *number && m.hash() == *hash);
        if !known {
            return Err(PortableError::Newer(name.clone()));
        }
    }
    let is_theirs = |m: &&Migration| numbers.contains(&m.number) || m.number == RESTORE_TABLE;
    Ok(all.iter().filter(is_theirs).cloned().collect())
}

/// A batch that is being filled.
#[derive(Default)]
struct Filling {
    table: Option<Arc<Table>>,
    rows: Vec<Vec<Value>>,
    bytes: usize,
}

impl Filling {
    /// Takes a row; answers whether the batch is full.
    fn push(&mut self, row: Vec<Value>) -> bool {
        let size = |value: &Value| match value {
            Value::Text(x) => x.len(),
            Value::Bytes(x) => x.len(),
            _ => 0,
        };
        self.bytes = row.iter().map(size).fold(self.bytes, usize::saturating_add);
        self.rows.push(row);
        self.rows.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    fn take(&mut self) -> Option<Batch> {
        self.bytes = 0;
        let rows = std::mem::take(&mut self.rows);
        let table = self.table.clone().filter(|_| !rows.is_empty())?;
        Some(Batch { table, rows })
    }
}
