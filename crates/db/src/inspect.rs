//! Looking at the engines themselves: what a statement is prepared as, how it would run, what the schema
//! is. For tests and `kabinet check`, never for a use case.

use crate::{BoxFuture, Db, DbError, Engine, Kind, ReadTx, Statement, postgres, tx::Session};

/// What an engine says a statement is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Kinds of the columns, where the engine knows them (SQLite knows plain columns only).
    pub columns: Vec<Option<Kind>>,
    /// Number of parameters.
    pub params: usize,
}

/// One column of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Column {
    /// Table.
    pub table: String,
    /// Column.
    pub name: String,
    /// `BIGINT`, `TEXT`, `BYTEA`; BOOLEAN reads as `BIGINT` because SQLite has none.
    pub kind: String,
    /// Whether NULL is refused.
    pub not_null: bool,
    /// Place in the primary key from 1, or 0.
    pub key: i64,
}

/// Statements of this crate, for the test that prepares every statement on both engines.
pub fn statements() -> Vec<&'static Statement> {
    [
        crate::clock::STATEMENTS,
        crate::idempotency::STATEMENTS,
        crate::migrate::STATEMENTS,
        crate::portable::STATEMENTS,
    ]
    .concat()
}

impl Db {
    /// Every statement of this crate.
    pub fn statements() -> Vec<&'static Statement> {
        statements()
    }

    /// Prepares a statement and says what the engine made of it.
    pub async fn describe(&self, statement: &'static Statement) -> Result<Described, DbError> {
        self.inspect(statement, |tx, statement| {
            Box::pin(async move {
                match &mut tx.session {
                    Session::Sqlite(session) => describe_sqlite(&session.conn, statement),
                    Session::Postgres(session) => session.describe(statement).await,
                }
            })
        })
        .await
    }

    /// The engine's plan, as text. Parameters are NULL, so on PostgreSQL sequential scans are priced out
    /// first: one that still appears has no index to use.
    pub async fn explain(&self, statement: &'static Statement) -> Result<String, DbError> {
        self.inspect(statement, |tx, statement| {
            Box::pin(async move {
                match &mut tx.session {
                    Session::Sqlite(session) => explain_sqlite(&session.conn, statement),
                    Session::Postgres(session) => session.explain(statement).await,
                }
            })
        })
        .await
    }

    /// The catalogue: every column of every table of ours, the same on both engines.
    pub async fn catalogue(&self) -> Result<Vec<Column>, DbError> {
        let mut columns = self.columns().await?;
        for column in &mut columns {
            if column.kind == "BOOLEAN" {
                "BIGINT".clone_into(&mut column.kind);
            }
        }
        columns.sort();
        Ok(columns)
    }

    /// The same with BOOLEAN where the engine has it.
    pub(crate) async fn columns(&self) -> Result<Vec<Column>, DbError> {
        self.inspect((), |tx, ()| {
            Box::pin(async move {
                match &mut tx.session {
                    Session::Sqlite(session) => catalogue_sqlite(&session.conn),
                    Session::Postgres(session) => session.columns().await,
                }
            })
        })
        .await
    }

    /// The database server's own clock, microseconds UTC; `None` on SQLite, which has none.
    pub async fn server_time(&self) -> Result<Option<i64>, DbError> {
        self.inspect((), |tx, ()| {
            Box::pin(async move {
                match &mut tx.session {
                    Session::Sqlite(_) => Ok(None),
                    Session::Postgres(session) => session.server_time().await.map(Some),
                }
            })
        })
        .await
    }

    /// Whether the role of this connection may change or remove rows of a table; `None` on SQLite, which has no
    /// roles: who writes the file may do everything.
    pub async fn may_rewrite(&self, table: &'static str) -> Result<Option<bool>, DbError> {
        self.inspect(table, |tx, table| {
            Box::pin(async move {
                match &mut tx.session {
                    Session::Sqlite(_) => Ok(None),
                    Session::Postgres(session) => session.may_rewrite(table).await.map(Some),
                }
            })
        })
        .await
    }

    async fn inspect<C, T, F>(&self, input: C, f: F) -> Result<T, DbError>
    where
        C: Send + Sync,
        T: Send,
        F: for<'t> FnOnce(&'t mut ReadTx, &'t C) -> BoxFuture<'t, Result<T, DbError>> + Send,
    {
        self.read("db.inspect", input, f).await
    }
}

fn describe_sqlite(
    conn: &rusqlite::Connection,
    statement: &'static Statement,
) -> Result<Described, DbError> {
    let fail = |e: rusqlite::Error| crate::sqlite::driver_error(statement.name, &e);
    let prepared = conn
        .prepare(statement.text_for(Engine::Sqlite))
        .map_err(fail)?;
    let kind = |declared: &str| match declared {
        "INTEGER" => Some(Kind::Int),
        "TEXT" => Some(Kind::Text),
        "BLOB" => Some(Kind::Bytes),
        _ => None,
    };
    let columns = prepared
        .columns()
        .map(|column| column.decl_type().and_then(kind))
        .collect();
    Ok(Described {
        columns,
        params: prepared.parameter_count(),
    })
}

fn explain_sqlite(
    conn: &rusqlite::Connection,
    statement: &'static Statement,
) -> Result<String, DbError> {
    let fail = |e: rusqlite::Error| crate::sqlite::driver_error(statement.name, &e);
    let text = format!("EXPLAIN QUERY PLAN {}", statement.text_for(Engine::Sqlite));
    let mut prepared = conn.prepare(&text).map_err(fail)?;
    let mut rows = prepared.raw_query();
    let mut lines = Vec::new();
    while let Some(row) = rows.next().map_err(fail)? {
        lines.push(row.get::<_, String>(3).map_err(fail)?);
    }
    Ok(lines.join("\n"))
}

pub(crate) fn catalogue_sqlite(conn: &rusqlite::Connection) -> Result<Vec<Column>, DbError> {
    let fail = |e: rusqlite::Error| crate::sqlite::driver_error("catalogue", &e);
    let mut prepared = conn
        .prepare(
            "SELECT t.name, c.name, c.type, c.\"notnull\", c.pk FROM sqlite_schema t \
             JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'",
        )
        .map_err(fail)?;
    let rows = prepared.query_map([], |row| {
        let kind: String = row.get(2)?;
        Ok(Column {
            table: row.get(0)?,
            name: row.get(1)?,
            kind: kind.replace("INTEGER", "BIGINT").replace("BLOB", "BYTEA"),
            not_null: row.get(3)?,
            key: row.get(4)?,
        })
    });
    rows.map_err(fail)?.collect::<Result<_, _>>().map_err(fail)
}

impl postgres::PgSession {
    async fn describe(&mut self, statement: &'static Statement) -> Result<Described, DbError> {
        use tokio_postgres::types::Type;
        let prepared = self.prepare(statement, crate::postgres::Rows::Any).await?;
        let kind = |ty: &Type| match *ty {
            Type::INT8 => Some(Kind::Int),
            Type::TEXT => Some(Kind::Text),
            Type::BYTEA => Some(Kind::Bytes),
            Type::BOOL => Some(Kind::Bool),
            _ => None,
        };
        let columns = prepared
            .columns()
            .iter()
            .map(|column| kind(column.type_()))
            .collect();
        Ok(Described {
            columns,
            params: prepared.params().len(),
        })
    }

    async fn explain(&mut self, statement: &'static Statement) -> Result<String, DbError> {
        let text = format!(
            "SET enable_seqscan = off; EXPLAIN (GENERIC_PLAN FALSE, COSTS OFF) EXECUTE explained({}); \
             DEALLOCATE explained; RESET enable_seqscan",
            vec!["NULL"; statement.params.len()].join(", ")
        );
        let kinds: Vec<&str> = statement
            .params
            .iter()
            .map(|kind| match kind.base() {
                Kind::Text => "text",
                Kind::Bytes => "bytea",
                Kind::Bool => "bool",
                _ => "int8",
            })
            .collect();
        let kinds = if kinds.is_empty() {
            String::new()
        } else {
            format!("({})", kinds.join(", "))
        };
        let prepare = format!(
            "PREPARE explained{kinds} AS {}",
            statement.text_for(Engine::Postgres)
        );
        let text = text
            .replace("GENERIC_PLAN FALSE, ", "")
            .replace("explained()", "explained");
        let plan = "SET plan_cache_mode = force_generic_plan";
        let answer = self
            .messages(&format!("{prepare}; {plan}; {text}; RESET plan_cache_mode"))
            .await;
        // What failed half-way leaves settings behind that the next caller must not have.
        self.lost |= answer.is_err();
        Ok(answer?.join("\n"))
    }

    pub(crate) async fn columns(&self) -> Result<Vec<Column>, DbError> {
        let fail = |e: &tokio_postgres::Error| DbError::Driver {
            statement: "catalogue",
            message: e.to_string(),
        };
        let rows = self
            .client()
            .query(
                "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), \
                 a.attnotnull, COALESCE(array_position(i.indkey::int2[], a.attnum) + 1, 0)::int8 \
                 FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT \
                 a.attisdropped LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
                 WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace",
                &[],
            )
            .await
            .map_err(|e| fail(&e))?;
        rows.iter()
            .map(|row| {
                let kind: String = row.try_get(2).map_err(|e| fail(&e))?;
                Ok(Column {
                    table: row.try_get(0).map_err(|e| fail(&e))?,
                    name: row.try_get(1).map_err(|e| fail(&e))?,
                    kind: kind.to_uppercase(),
                    not_null: row.try_get(3).map_err(|e| fail(&e))?,
                    key: row.try_get(4).map_err(|e| fail(&e))?,
                })
            })
            .collect()
    }

    async fn may_rewrite(&mut self, table: &str) -> Result<bool, DbError> {
        let answer = self
            .client()
            .query_one(
                "SELECT has_table_privilege($1, 'UPDATE, DELETE, TRUNCATE')",
                &[&table],
            )
            .await;
        let row = answer.map_err(|e| self.note("may_rewrite", &e))?;
        row.try_get(0).map_err(|e| self.note("may_rewrite", &e))
    }

    async fn server_time(&mut self) -> Result<i64, DbError> {
        let answer = self
            .client()
            .query_one(
                "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8",
                &[],
            )
            .await;
        let row = answer.map_err(|e| self.note("server_time", &e))?;
        row.try_get(0).map_err(|e| self.note("server_time", &e))
    }
}
