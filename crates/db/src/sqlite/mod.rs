//! SQLite: one connection, how it is opened, how a statement runs on it.

mod readers;
mod writer;

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig, types::ValueRef};
use smallvec::SmallVec;

pub(crate) use readers::Readers;
pub(crate) use writer::Writer;

use crate::{DbError, Kind, OpenError, Param, Row, Statement, Value, statement::Engine};

/// Prepared statements kept per connection. Larger than the number of registered statements, so that a
/// statement is parsed once per connection and never again.
const STATEMENTS_KEPT: usize = 1024;

/// A connection, lent to one transaction at a time.
pub(crate) struct SqliteSession {
    pub(crate) conn: Connection,
    writes: bool,
    /// The first statement of the present transaction that failed; it fails the transaction whatever the
    /// use case makes of it, as on PostgreSQL.
    pub(crate) failed: Option<DbError>,
}

/// Opens a connection with the settings every connection has.
///
/// WAL with `synchronous=FULL`: a commit that was answered is on the disk. `query_only` on readers makes
/// writing through them impossible, whatever the statement says.
pub(crate) fn open(path: &Path, reader: bool) -> Result<SqliteSession, OpenError> {
    private(path).map_err(|e| OpenError::Unreachable(e.to_string()))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)
        .map_err(|e| OpenError::Unreachable(e.to_string()))?;
    let setup = || -> rusqlite::Result<()> {
        conn.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        // A plan never depends on the values that are bound. Without this SQLite plans some statements
        // anew at every call: a third of the time of finding a session.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        conn.busy_timeout(std::time::Duration::from_secs(3))?;
        conn.pragma_update(None, "journal_mode", "WAL")?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update(None, "foreign_keys", true)?;
        conn.pragma_update(None, "cache_size", if reader { -8_000 } else { -16_000 })?;
        conn.pragma_update(None, "temp_store", "MEMORY")?;
        conn.pragma_update(None, "journal_size_limit", 64_000_000)?;
        conn.pragma_update(None, "query_only", reader)?;
        Ok(())
    };
    setup().map_err(|e| OpenError::Unreachable(e.to_string()))?;
    Ok(SqliteSession {
        conn,
        writes: !reader,
        failed: None,
    })
}

/// Makes the file readable by its owner alone; SQLite gives the files beside it the same mode.
fn private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    match std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    }
}

impl SqliteSession {
    pub(crate) fn query(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, DbError> {
        let answer = self.check().and_then(|()| self.rows(statement, params));
        self.note(answer)
    }

    pub(crate) fn execute(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<u64, DbError> {
        let answer = self.check().and_then(|()| self.touch(statement, params));
        self.note(answer)
    }

    /// A failing disk makes SQLite roll the transaction back by itself; what the use case then writes must
    /// not slip in outside of one.
    fn check(&self) -> Result<(), DbError> {
        match &self.failed {
            Some(error) => Err(error.clone()),
            None if self.writes && self.conn.is_autocommit() => Err(rolled_back()),
            None => Ok(()),
        }
    }

    /// Remembers the first error: it fails the transaction whatever the use case makes of it.
    pub(crate) fn note<T>(&mut self, answer: Result<T, DbError>) -> Result<T, DbError> {
        if self.writes
            && let Err(error) = &answer
        {
            self.failed.get_or_insert_with(|| error.clone());
        }
        answer
    }

    fn rows(
        &self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, DbError> {
        let fail = |e: rusqlite::Error| driver_error(statement.name, &e);
        let mut prepared = self
            .conn
            .prepare_cached(statement.text_for(Engine::Sqlite))
            .map_err(fail)?;
        if prepared.column_count() != statement.columns.len() {
            return Err(DbError::Misuse {
                statement: statement.name,
                why: "the columns are not as declared",
            });
        }
        bind(&mut prepared, params).map_err(fail)?;
        let mut rows = prepared.raw_query();
        let mut answer = Vec::new();
        while let Some(row) = rows.next().map_err(fail)? {
            let mut values = SmallVec::new();
            for (column, kind) in statement.columns.iter().enumerate() {
                let value = row.get_ref(column).map_err(fail)?;
                values.push(read(statement, column, *kind, value)?);
            }
            answer.push(Row::new(statement, values));
        }
        Ok(answer)
    }

    fn touch(&self, statement: &'static Statement, params: &[Param<'_>]) -> Result<u64, DbError> {
        let fail = |e: rusqlite::Error| driver_error(statement.name, &e);
        let mut prepared = self
            .conn
            .prepare_cached(statement.text_for(Engine::Sqlite))
            .map_err(fail)?;
        bind(&mut prepared, params).map_err(fail)?;
        let touched = prepared.raw_execute().map_err(fail)?;
        Ok(u64::try_from(touched).unwrap_or(u64::MAX))
    }

    /// Runs fixed text (transaction control, schema steps).
    pub(crate) fn control(&self, text: &'static str) -> Result<(), DbError> {
        let fail = |e: rusqlite::Error| driver_error(text, &e);
        self.conn
            .prepare_cached(text)
            .map_err(fail)?
            .raw_execute()
            .map_err(fail)?;
        Ok(())
    }
}

pub(crate) fn rolled_back() -> DbError {
    DbError::Unavailable("the transaction was rolled back".to_owned())
}

pub(crate) fn bind(
    prepared: &mut rusqlite::CachedStatement<'_>,
    params: &[Param<'_>],
) -> rusqlite::Result<()> {
    for (place, param) in (1_usize..).zip(params) {
        match param {
            Param::Null => prepared.raw_bind_parameter(place, rusqlite::types::Null)?,
            Param::Int(x) => prepared.raw_bind_parameter(place, x)?,
            Param::Text(x) => prepared.raw_bind_parameter(place, x)?,
            Param::Bytes(x) => prepared.raw_bind_parameter(place, x)?,
            Param::Bool(x) => prepared.raw_bind_parameter(place, i64::from(*x))?,
        }
    }
    Ok(())
}

fn read(
    statement: &'static Statement,
    column: usize,
    kind: Kind,
    value: ValueRef<'_>,
) -> Result<Value, DbError> {
    let wrong = |why| DbError::Inconsistent {
        statement: statement.name,
        column,
        why,
    };
    Ok(match (kind.base(), value) {
        (_, ValueRef::Null) if kind.is_optional() => Value::Null,
        (_, ValueRef::Null) => return Err(wrong("unexpected NULL")),
        (Kind::Int, ValueRef::Integer(x)) => Value::Int(x),
        (Kind::Bool, ValueRef::Integer(x)) => Value::Bool(x != 0),
        (Kind::Text, ValueRef::Text(x)) => {
            Value::Text(String::from_utf8(x.to_vec()).map_err(|_| wrong("not UTF-8"))?)
        }
        (Kind::Bytes, ValueRef::Blob(x)) => Value::Bytes(x.to_vec()),
        _ => return Err(wrong("another kind than declared")),
    })
}

/// Sorts what the driver reports into our kinds. Disk full, I/O errors and a read-only file are
/// "unavailable": the operation is refused, the process lives, reads go on (F3).
pub(crate) fn driver_error(statement: &'static str, error: &rusqlite::Error) -> DbError {
    let message = || error.to_string();
    match error.sqlite_error() {
        Some(e)
            if e.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                || e.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
                || e.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_ROWID =>
        {
            DbError::Conflict { statement }
        }
        Some(e) => match e.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => DbError::Busy,
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationInterrupted => DbError::Unavailable(message()),
            _ => DbError::Driver {
                statement,
                message: message(),
            },
        },
        None => DbError::Driver {
            statement,
            message: message(),
        },
    }
}
