//! Rows out of and into whole tables, on either engine: the one place that makes SQL of names.

use std::{io::Write, sync::Arc};

use futures_util::{TryStreamExt, future::join_all};
use smallvec::SmallVec;

use super::{
    PortableError,
    format::{Header, Out, Shape},
};
use crate::{
    Column, DbError, Param, Value,
    postgres::{PgParam, PgSession},
    sqlite::{SqliteSession, driver_error},
    tx::Session,
};

/// Tables a backup leaves out: what says which schema a database has and how it was restored.
const OWN: [&str; 2] = ["schema_migration", "db_restore"];

const MIGRATIONS: &str = "SELECT number, name, hash FROM schema_migration ORDER BY number";

/// One table to be copied.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) shape: Shape,
    /// Types of the columns, in the catalogue's words.
    pub(super) kinds: Vec<String>,
    /// Columns of the primary key, in its order.
    key: Vec<(String, bool)>,
}

/// The tables of a catalogue, by name, with their columns by name.
pub(super) fn tables(mut catalogue: Vec<Column>) -> Vec<Table> {
    catalogue.sort();
    let mut tables: Vec<Table> = Vec::new();
    let mut keys: Vec<(i64, String, bool)> = Vec::new();
    for column in catalogue
        .into_iter()
        .filter(|c| !OWN.contains(&c.table.as_str()))
    {
        if tables.last().is_none_or(|t| t.shape.table != column.table) {
            let shape = Shape {
                table: column.table,
                columns: Vec::new(),
            };
            tables.push(Table {
                shape,
                kinds: Vec::new(),
                key: Vec::new(),
            });
            keys.clear();
        }
        if let Some(table) = tables.last_mut() {
            if column.key > 0 {
                keys.push((column.key, column.name.clone(), column.kind == "TEXT"));
                keys.sort();
                table.key = keys
                    .iter()
                    .map(|(_, name, text)| (name.clone(), *text))
                    .collect();
            }
            table.shape.columns.push(column.name);
            table.kinds.push(column.kind);
        }
    }
    tables
}

impl Table {
    fn columns(&self) -> String {
        let quoted: Vec<String> = self
            .shape
            .columns
            .iter()
            .map(|c| format!("\"{c}\""))
            .collect();
        quoted.join(", ")
    }

    /// Reads the table in the order of its key. Texts are compared by bytes on both engines.
    fn select(&self, collation: &str) -> Result<String, PortableError> {
        if self.key.is_empty() {
            return Err(PortableError::NoKey(self.shape.table.clone()));
        }
        let collate = |text: &bool| if *text { collation } else { "" };
        let key: Vec<String> = self
            .key
            .iter()
            .map(|(name, text)| format!("\"{name}\"{}", collate(text)))
            .collect();
        let (columns, table) = (self.columns(), &self.shape.table);
        Ok(format!(
            "SELECT {columns} FROM \"{table}\" ORDER BY {}",
            key.join(", ")
        ))
    }

    fn insert(&self) -> String {
        let places: Vec<String> = (1..=self.shape.columns.len())
            .map(|n| format!("${n}"))
            .collect();
        let (columns, table) = (self.columns(), &self.shape.table);
        format!(
            "INSERT INTO \"{table}\" ({columns}) VALUES ({})",
            places.join(", ")
        )
    }
}

fn damaged(table: &str) -> DbError {
    DbError::Driver {
        statement: "backup",
        message: format!("{table}: a value of another kind than its column"),
    }
}

/// Writes everything a SQLite connection sees at this moment; answers the number of rows.
pub(super) fn export_sqlite<W: Write>(
    session: &SqliteSession,
    taken_at: i64,
    to: W,
) -> Result<(W, u64), PortableError> {
    let conn = &session.conn;
    let fail = |e: rusqlite::Error| driver_error("export", &e);
    conn.execute_batch("BEGIN").map_err(fail)?;
    let mut migrations = Vec::new();
    {
        let mut statement = conn.prepare(MIGRATIONS).map_err(fail)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(fail)? {
            let text = |n| row.get(n).map_err(fail);
            migrations.push((
                row.get(0).map_err(fail)?,
                text(1)?,
                row.get(2).map_err(fail)?,
            ));
        }
    }
    let mut out = Out::begin(
        to,
        &Header {
            taken_at,
            migrations,
        },
    )?;
    let mut count = 0_u64;
    for table in tables(crate::inspect::catalogue_sqlite(conn)?) {
        let mut statement = conn.prepare(&table.select("")?).map_err(fail)?;
        out.table(&table.shape)?;
        let mut rows = statement.raw_query();
        let mut values = Vec::new();
        while let Some(row) = rows.next().map_err(fail)? {
            values.clear();
            for place in 0..table.shape.columns.len() {
                let value = row.get_ref(place).map_err(fail)?;
                values.push(plain(value).ok_or_else(|| damaged(&table.shape.table))?);
            }
            out.row(&values)?;
        }
        count = count.saturating_add(out.table_end()?);
    }
    conn.execute_batch("COMMIT").map_err(fail)?;
    Ok((out.end()?, count))
}

fn plain(value: rusqlite::types::ValueRef<'_>) -> Option<Value> {
    use rusqlite::types::ValueRef;
    Some(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(x) => Value::Int(x),
        ValueRef::Text(x) => Value::Text(String::from_utf8(x.to_vec()).ok()?),
        ValueRef::Blob(x) => Value::Bytes(x.to_vec()),
        ValueRef::Real(_) => return None,
    })
}

/// The same from PostgreSQL. Rows are read as they are written, so memory does not grow with the table.
pub(super) async fn export_postgres<W: Write>(
    mut session: PgSession,
    taken_at: i64,
    to: W,
) -> Result<(W, u64), PortableError> {
    session
        .simple("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    // Whatever goes wrong from here on closes the connection instead of lending it with this open.
    session.lost = true;
    session.simple("SET LOCAL statement_timeout = 0").await?;
    session
        .simple("SET LOCAL idle_in_transaction_session_timeout = 0")
        .await?;
    let fail = |e: tokio_postgres::Error| crate::postgres::sort("export", &e);
    let client = session.client();
    let mut migrations = Vec::new();
    for row in client.query(MIGRATIONS, &[]).await.map_err(fail)? {
        let hash: Vec<u8> = row.try_get(2).map_err(fail)?;
        let hash = hash.try_into().map_err(|_| damaged("schema_migration"))?;
        migrations.push((
            row.try_get(0).map_err(fail)?,
            row.try_get(1).map_err(fail)?,
            hash,
        ));
    }
    let mut out = Out::begin(
        to,
        &Header {
            taken_at,
            migrations,
        },
    )?;
    let mut count = 0_u64;
    for table in tables(session.columns().await?) {
        out.table(&table.shape)?;
        let text = table.select(" COLLATE \"C\"")?;
        let client = session.client();
        let none: [PgParam<'_>; 0] = [];
        let rows = client
            .query_raw(text.as_str(), none.iter())
            .await
            .map_err(fail)?;
        let mut rows = std::pin::pin!(rows);
        let mut values = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(fail)? {
            values.clear();
            for (place, kind) in table.kinds.iter().enumerate() {
                values.push(wire(&row, place, kind).map_err(fail)?);
            }
            out.row(&values)?;
        }
        count = count.saturating_add(out.table_end()?);
    }
    session.simple("COMMIT").await?;
    session.lost = false;
    Ok((out.end()?, count))
}

fn wire(
    row: &tokio_postgres::Row,
    place: usize,
    kind: &str,
) -> Result<Value, tokio_postgres::Error> {
    let value = match kind {
        "TEXT" => row.try_get::<_, Option<String>>(place)?.map(Value::Text),
        "BYTEA" => row.try_get::<_, Option<Vec<u8>>>(place)?.map(Value::Bytes),
        "BOOLEAN" => row.try_get::<_, Option<bool>>(place)?.map(Value::Bool),
        _ => row.try_get::<_, Option<i64>>(place)?.map(Value::Int),
    };
    Ok(value.unwrap_or(Value::Null))
}

/// Some rows of one table on their way in.
pub(super) struct Batch {
    pub(super) table: Arc<Table>,
    pub(super) rows: Vec<Vec<Value>>,
}

impl Batch {
    fn param<'a>(&self, value: &'a Value, kind: &str) -> Result<Param<'a>, DbError> {
        match (value, kind) {
            (Value::Null, _)
            | (Value::Int(_), "BIGINT")
            | (Value::Text(_), "TEXT")
            | (Value::Bytes(_), "BYTEA") => Ok(value.as_param()),
            (Value::Int(x @ 0..=1), "BOOLEAN") => Ok(Param::Bool(*x == 1)),
            _ => Err(damaged(&self.table.shape.table)),
        }
    }

    fn params<'a>(&self, row: &'a [Value]) -> Result<Params<'a>, DbError> {
        let pairs = row.iter().zip(&self.table.kinds);
        pairs
            .map(|(value, kind)| self.param(value, kind).map(PgParam))
            .collect()
    }

    /// Inserts the rows in the caller's transaction.
    pub(super) async fn insert(&self, session: &mut Session) -> Result<(), DbError> {
        let text = self.table.insert();
        match session {
            Session::Sqlite(session) => {
                let fail = |e: rusqlite::Error| driver_error("import", &e);
                let mut statement = session.conn.prepare_cached(&text).map_err(fail)?;
                for row in &self.rows {
                    let params: SmallVec<[Param<'_>; 12]> =
                        self.params(row)?.iter().map(|param| param.0).collect();
                    crate::sqlite::bind(&mut statement, &params).map_err(fail)?;
                    statement.raw_execute().map_err(fail)?;
                }
                Ok(())
            }
            Session::Postgres(session) => {
                session.simple("SET LOCAL statement_timeout = 0").await?;
                let rows = self.rows.iter().map(|row| self.params(row));
                let rows = rows.collect::<Result<Vec<_>, DbError>>()?;
                session.insert_all(&text, &rows).await
            }
        }
    }
}

pub(super) type Params<'a> = SmallVec<[PgParam<'a>; 12]>;

impl PgSession {
    async fn insert_all(&mut self, text: &str, rows: &[Params<'_>]) -> Result<(), DbError> {
        let client = self.client();
        let sent = async {
            let statement = client.prepare(text).await?;
            let sent = rows
                .iter()
                .map(|row| client.execute_raw(&statement, row.iter()));
            join_all(sent)
                .await
                .into_iter()
                .collect::<Result<Vec<u64>, _>>()
        };
        let answer = sent.await;
        answer.map(drop).map_err(|e| self.note("import", &e))
    }
}
