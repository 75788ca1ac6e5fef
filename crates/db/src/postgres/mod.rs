//! PostgreSQL: a pooled session, and how a transaction runs, is retried and ends.

mod run;
mod types;

use std::{str::FromStr, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use smallvec::SmallVec;
use tokio_postgres::{Config, NoTls, error::SqlState};

use crate::{DbError, OpenError, Param, Row, Statement, statement::Engine};
pub(crate) use run::Runner;
use types::{PgParam, pg_types, read};

/// How long a caller waits for a free connection before it is told the database is unavailable.
const CONNECT_TIME: Duration = Duration::from_secs(2);
/// The longest a read may take.
pub(crate) const READ_TIME: Duration = Duration::from_secs(5);
/// PostgreSQL 15.
const OLDEST: i64 = 150_000;

/// A pool of connections to one server.
pub(crate) struct Postgres {
    pub(crate) pool: Pool,
}

impl Postgres {
    pub(crate) async fn open(url: &str, connections: usize) -> Result<Self, OpenError> {
        let mut config = Config::from_str(url).map_err(|e| OpenError::Address(e.to_string()))?;
        // The server gives up before the caller does, so that a hung statement does not keep its
        // connection; a client that vanished mid-transaction does not keep its locks.
        let mut options = config.get_options().unwrap_or_default().to_owned();
        options.push_str(
            " -c statement_timeout=5s -c lock_timeout=3s \
             -c idle_in_transaction_session_timeout=15s -c default_transaction_isolation=read\\ committed \
             -c synchronous_commit=on -c jit=off",
        );
        config.options(&options);
        config.application_name("kabinet");
        config.connect_timeout(CONNECT_TIME);
        config.keepalives_idle(Duration::from_secs(10));
        config.tcp_user_timeout(Duration::from_secs(5));
        let manager = Manager::from_config(
            config,
            NoTls,
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let pool = Pool::builder(manager)
            .max_size(connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(CONNECT_TIME))
            .create_timeout(Some(CONNECT_TIME))
            .build()
            .map_err(|e| OpenError::Address(e.to_string()))?;
        Ok(Self { pool })
    }

    pub(crate) async fn check_version(&self) -> Result<(), OpenError> {
        let unreachable = |e: String| OpenError::Unreachable(e);
        let session = self.session().await.map_err(|e| unreachable(e.to_string()))?;
        let row = session.client.query_one("SHOW server_version_num", &[]).await;
        let text: String = row
            .and_then(|row| row.try_get(0))
            .map_err(|_| unreachable("the server does not tell its version".to_owned()))?;
        let version = text.parse().unwrap_or(0);
        if version < OLDEST { Err(OpenError::TooOld(version / 10_000)) } else { Ok(()) }
    }

    /// A session for one transaction or one read.
    pub(crate) async fn session(&self) -> Result<PgSession, DbError> {
        let client = self.pool.get().await.map_err(|e| DbError::Unavailable(pool_text(&e)))?;
        Ok(PgSession { client, begin: false, keyed: false, retry: false, lost: false })
    }
}

/// The pool's errors may carry the address with its password, so only their kind is told.
fn pool_text(error: &deadpool_postgres::PoolError) -> String {
    use deadpool_postgres::PoolError;
    match error {
        PoolError::Timeout(_) => "no free connection in time".to_owned(),
        PoolError::Backend(e) => e.as_db_error().map_or_else(
            || "the server cannot be reached".to_owned(),
            |e| format!("the server refuses: {}", e.code().code()),
        ),
        _ => "the connections are closed".to_owned(),
    }
}

/// A connection lent to one transaction.
pub(crate) struct PgSession {
    pub(crate) client: Object,
    /// BEGIN is owed: it is sent together with the first statement, one round trip less.
    pub(crate) begin: bool,
    /// The transaction holds an idempotency key.
    pub(crate) keyed: bool,
    /// A statement failed in a way that asks for the whole transaction again.
    pub(crate) retry: bool,
    /// The connection failed.
    pub(crate) lost: bool,
}

impl PgSession {
    pub(crate) async fn query(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, DbError> {
        let prepared = self.prepare(statement).await?;
        let params: SmallVec<[PgParam<'_>; 12]> = params.iter().copied().map(PgParam).collect();
        let sent = async {
            use futures_util::TryStreamExt;
            let rows = self.client.query_raw(&prepared, params.iter()).await?;
            rows.try_collect::<Vec<_>>().await
        };
        let answer = if std::mem::take(&mut self.begin) {
            let (begun, answer) = futures_util::future::join(self.client.batch_execute("BEGIN"), sent).await;
            begun.and(answer)
        } else {
            sent.await
        };
        let rows = answer.map_err(|e| self.note(statement.name, &e))?;
        rows.iter()
            .map(|row| {
                let mut values = SmallVec::new();
                for (column, kind) in statement.columns.iter().enumerate() {
                    values.push(read(statement, column, *kind, row)?);
                }
                Ok(Row::new(statement, values))
            })
            .collect()
    }

    pub(crate) async fn execute(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<u64, DbError> {
        let prepared = self.prepare(statement).await?;
        let params: SmallVec<[PgParam<'_>; 12]> = params.iter().copied().map(PgParam).collect();
        let sent = self.client.execute_raw(&prepared, params.iter());
        let answer = if std::mem::take(&mut self.begin) {
            let (begun, answer) = futures_util::future::join(self.client.batch_execute("BEGIN"), sent).await;
            begun.and(answer)
        } else {
            sent.await
        };
        answer.map_err(|e| self.note(statement.name, &e))
    }

    /// Sends every step before waiting for the first answer.
    pub(crate) async fn batch(
        &mut self,
        steps: &[(&'static Statement, &[Param<'_>])],
    ) -> Result<Vec<u64>, DbError> {
        let mut prepared = Vec::with_capacity(steps.len());
        for (statement, _) in steps {
            prepared.push(self.prepare(statement).await?);
        }
        let begin = std::mem::take(&mut self.begin);
        let params: Vec<SmallVec<[PgParam<'_>; 12]>> = steps
            .iter()
            .map(|(_, params)| params.iter().copied().map(PgParam).collect())
            .collect();
        let client = &self.client;
        let begun = async {
            if begin { client.batch_execute("BEGIN").await } else { Ok(()) }
        };
        let sent = prepared.iter().zip(&params).map(|(p, x)| client.execute_raw(p, x.iter()));
        let (begun, answers) =
            futures_util::future::join(begun, futures_util::future::join_all(sent)).await;
        let first = steps.first().map_or("batch", |(s, _)| s.name);
        begun.map_err(|e| self.note(first, &e))?;
        steps
            .iter()
            .zip(answers)
            .map(|((statement, _), answer)| answer.map_err(|e| self.note(statement.name, &e)))
            .collect()
    }

    /// Runs fixed or schema text that returns no rows.
    pub(crate) async fn simple(&mut self, text: &str) -> Result<(), DbError> {
        if std::mem::take(&mut self.begin) {
            self.client.batch_execute("BEGIN").await.map_err(|e| self.note("begin", &e))?;
        }
        let answer = self.client.batch_execute(text).await;
        answer.map_err(|e| {
            let message = e.as_db_error().map_or_else(|| e.to_string(), |e| e.message().to_owned());
            match self.note("schema", &e) {
                DbError::Driver { statement, .. } => DbError::Driver { statement, message },
                other => other,
            }
        })
    }

    /// Runs text and collects the first column of every row it answers.
    pub(crate) async fn messages(&mut self, text: &str) -> Result<Vec<String>, DbError> {
        use tokio_postgres::SimpleQueryMessage::Row;
        let answer = self.client.simple_query(text).await;
        let messages = answer.map_err(|e| self.note("messages", &e))?;
        let first = |message| match message {
            Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        Ok(messages.into_iter().filter_map(first).collect())
    }

    pub(crate) async fn prepare(
        &mut self,
        statement: &'static Statement,
    ) -> Result<tokio_postgres::Statement, DbError> {
        let types = pg_types(statement.params);
        self.client
            .prepare_typed_cached(statement.text_for(Engine::Postgres), &types)
            .await
            .map_err(|e| self.note(statement.name, &e))
    }

    /// Sorts what the driver reports and remembers what it means for the whole transaction.
    pub(crate) fn note(&mut self, statement: &'static str, error: &tokio_postgres::Error) -> DbError {
        let sorted = sort(statement, error);
        match sorted {
            DbError::Retry => self.retry = true,
            DbError::Unavailable(_) => self.lost = true,
            _ => {}
        }
        sorted
    }
}

/// Sorts by SQLSTATE class only: constraint names differ between PostgreSQL and its relatives.
fn sort(statement: &'static str, error: &tokio_postgres::Error) -> DbError {
    let Some(code) = error.code() else {
        return DbError::Unavailable(format!("{statement}: the connection failed"));
    };
    let text = code.code();
    if *code == SqlState::UNIQUE_VIOLATION {
        DbError::Conflict { statement }
    } else if ["40001", "40P01", "55P03"].contains(&text) {
        DbError::Retry
    } else if text == "57014" {
        DbError::Timeout
    } else if ["08", "57", "53", "58"].iter().any(|class| text.starts_with(class)) || text == "25006" {
        DbError::Unavailable(format!("{statement}: {text}"))
    } else {
        DbError::Driver { statement, message: text.to_owned() }
    }
}
