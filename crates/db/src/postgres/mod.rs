//! PostgreSQL: a pooled session and how a statement runs on it.

mod connection;
mod run;
mod tls;
mod types;

use std::time::Duration;

use deadpool::{
    Runtime,
    managed::{Object, Pool, PoolError},
};
use futures_util::{
    TryStreamExt,
    future::{join, join_all},
};
use smallvec::SmallVec;
use tokio_postgres::{Client, error::SqlState};

use crate::{DbError, Deadline, OpenError, Param, Row, Statement, hold::UnderWay};
use connection::Maker;
pub(crate) use run::Runner;
pub(crate) use types::PgParam;
use types::read;

/// How long a caller waits for a free connection before it is told the database is unavailable.
const CONNECT_TIME: Duration = Duration::from_secs(2);
/// PostgreSQL 15.
const OLDEST: i64 = 150_000;

/// A pool of connections to one server.
pub(crate) struct Postgres {
    pub(crate) pool: Pool<Maker>,
}

impl Postgres {
    pub(crate) fn open(url: &str, connections: usize) -> Result<Self, OpenError> {
        let (mut config, tls) = tls::read(url)?;
        // The server gives up before the caller does, so that a hung statement does not keep its
        // connection; a client that vanished mid-transaction does not keep its locks.
        let mut options = config.get_options().unwrap_or_default().to_owned();
        options.push_str(
            " -c statement_timeout=4s -c lock_timeout=3s \
             -c idle_in_transaction_session_timeout=15s -c default_transaction_isolation=read\\ committed \
             -c synchronous_commit=on -c jit=off",
        );
        config.options(&options);
        config.application_name("kabinet");
        config.connect_timeout(CONNECT_TIME);
        config.keepalives_idle(Duration::from_secs(10));
        config.tcp_user_timeout(Duration::from_secs(5));
        let pool = Pool::builder(Maker { config, tls })
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
        let mut session = self
            .reading(Deadline::usual())
            .await
            .map_err(|e| unreachable(e.to_string()))?;
        let texts = session.messages("SHOW server_version_num").await;
        let texts = texts.map_err(|e| unreachable(e.to_string()))?;
        let version = texts
            .first()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        if version < OLDEST {
            Err(OpenError::TooOld(version / 10_000))
        } else {
            Ok(())
        }
    }

    /// A session for one read, in which every statement stands for itself.
    pub(crate) async fn reading(&self, deadline: Deadline) -> Result<PgSession, DbError> {
        // Opening a connection may follow waiting for a place, so the two limits do not bound the sum.
        let lent = tokio::time::timeout(deadline.left(), self.pool.get()).await;
        let lent =
            lent.map_err(|_| DbError::Unavailable("no free connection in time".to_owned()))?;
        Ok(PgSession {
            lent: lent.map_err(|e| DbError::Unavailable(pool_text(&e)))?,
            phase: Phase::Single,
            busy: false,
            under_way: UnderWay::default(),
            keyed: false,
            failed: None,
            lost: false,
        })
    }

    /// A session for one transaction; BEGIN is owed.
    pub(crate) async fn writing(&self, deadline: Deadline) -> Result<PgSession, DbError> {
        let mut session = self.reading(deadline).await?;
        session.phase = Phase::Owed;
        Ok(session)
    }
}

/// The pool's errors may carry the address with its password, so only their kind is told.
fn pool_text(error: &PoolError<tokio_postgres::Error>) -> String {
    match error {
        PoolError::Timeout(_) => "no free connection in time".to_owned(),
        PoolError::Backend(e) => e.as_db_error().map_or_else(
            || "the server cannot be reached".to_owned(),
            |e| format!("the server refuses: {}", e.code().code()),
        ),
        _ => "the connections are closed".to_owned(),
    }
}

/// How the statements of a session belong together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Each stands for itself.
    Single,
    /// They form a transaction whose BEGIN is owed: it is sent together with the first of them, one round
    /// trip less.
    Owed,
    /// They form a transaction, which has begun.
    Open,
}

/// A connection lent to one transaction or one read.
pub(crate) struct PgSession {
    lent: Object<Maker>,
    phase: Phase,
    /// Something is under way on the connection: an answer, or a transaction. A session dropped like that
    /// (a panic, a caller that went away, time that ran out) closes its connection, else the next caller
    /// would go on inside what it left.
    busy: bool,
    /// Whether an answer is waited for.
    pub(crate) under_way: UnderWay,
    /// The transaction holds an idempotency key.
    pub(crate) keyed: bool,
    /// The first statement that failed; it fails the transaction whatever the use case makes of it.
    pub(crate) failed: Option<DbError>,
    /// The connection failed.
    pub(crate) lost: bool,
}

impl Drop for PgSession {
    fn drop(&mut self) {
        if self.busy || self.lost {
            self.lent.kill();
        }
    }
}

impl PgSession {
    pub(crate) fn client(&self) -> &Client {
        self.lent.client()
    }

    pub(crate) async fn query(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, DbError> {
        let prepared = self.prepare(statement).await?;
        let begin = self.enter();
        let params: SmallVec<[PgParam<'_>; 12]> = params.iter().copied().map(PgParam).collect();
        let client = self.client();
        let sent = async {
            let rows = client.query_raw(&prepared, params.iter()).await?;
            rows.try_collect::<Vec<_>>().await
        };
        let answer = after_begin(client, begin, sent).await;
        self.leave();
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
        let begin = self.enter();
        let params: SmallVec<[PgParam<'_>; 12]> = params.iter().copied().map(PgParam).collect();
        let client = self.client();
        let answer = after_begin(client, begin, client.execute_raw(&prepared, params.iter())).await;
        self.leave();
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
        let begin = self.enter();
        let params: Vec<SmallVec<[PgParam<'_>; 12]>> = steps
            .iter()
            .map(|(_, params)| params.iter().copied().map(PgParam).collect())
            .collect();
        let client = self.client();
        let sent = prepared
            .iter()
            .zip(&params)
            .map(|(p, x)| client.execute_raw(p, x.iter()));
        let sent = async { Ok(join_all(sent).await) };
        let answers = after_begin(client, begin, sent).await;
        self.leave();
        let first = steps.first().map_or("batch", |(s, _)| s.name);
        let answers = answers.map_err(|e| self.note(first, &e))?;
        steps
            .iter()
            .zip(answers)
            .map(|((statement, _), answer)| answer.map_err(|e| self.note(statement.name, &e)))
            .collect()
    }

    /// Runs fixed or schema text that returns no rows.
    pub(crate) async fn simple(&mut self, text: &str) -> Result<(), DbError> {
        self.check()?;
        let begin = self.enter();
        let client = self.client();
        let answer = after_begin(client, begin, client.batch_execute(text)).await;
        self.leave();
        answer.map_err(|e| {
            let message = e
                .as_db_error()
                .map_or_else(|| e.to_string(), |e| e.message().to_owned());
            match self.note("schema", &e) {
                DbError::Driver { statement, .. } => DbError::Driver { statement, message },
                other => other,
            }
        })
    }

    /// Runs text and collects the first column of every row it answers.
    pub(crate) async fn messages(&mut self, text: &str) -> Result<Vec<String>, DbError> {
        use tokio_postgres::SimpleQueryMessage::Row;
        self.check()?;
        let begin = self.enter();
        let client = self.client();
        let answer = after_begin(client, begin, client.simple_query(text)).await;
        self.leave();
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
        self.check()?;
        let before = std::mem::replace(&mut self.busy, true);
        self.under_way.set(true);
        let answer = self.lent.prepare(statement).await;
        self.under_way.set(false);
        self.busy = before;
        answer.map_err(|e| self.note(statement.name, &e))
    }

    /// Ends the transaction with `COMMIT` or `ROLLBACK`; nothing to do when nothing was sent. An error
    /// leaves the session busy, so that its connection is closed.
    pub(crate) async fn end(&mut self, how: &'static str) -> Result<(), tokio_postgres::Error> {
        if self.phase == Phase::Open {
            self.client().batch_execute(how).await?;
            self.busy = false;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), DbError> {
        match &self.failed {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Answers whether BEGIN has to go first.
    fn enter(&mut self) -> bool {
        self.busy = true;
        self.under_way.set(true);
        let owed = self.phase == Phase::Owed;
        if owed {
            self.phase = Phase::Open;
        }
        owed
    }

    fn leave(&mut self) {
        self.under_way.set(false);
        self.busy = self.phase == Phase::Open;
    }

    /// Sorts what the driver reports and remembers what it means for the whole transaction.
    pub(crate) fn note(
        &mut self,
        statement: &'static str,
        error: &tokio_postgres::Error,
    ) -> DbError {
        let sorted = sort(statement, error);
        // Out of room or memory (53, 58) the connection itself is sound.
        let sound = error
            .code()
            .is_some_and(|c| ["53", "58"].iter().any(|x| c.code().starts_with(x)));
        self.lost |= matches!(sorted, DbError::Unavailable(_)) && !sound;
        if self.phase != Phase::Single {
            self.failed.get_or_insert_with(|| sorted.clone());
        }
        sorted
    }
}

/// Sends BEGIN just before `sent`, without waiting for its answer.
async fn after_begin<T>(
    client: &Client,
    begin: bool,
    sent: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, tokio_postgres::Error> {
    if begin {
        let (begun, answer) = join(client.batch_execute("BEGIN"), sent).await;
        begun.and(answer)
    } else {
        sent.await
    }
}

/// Sorts by SQLSTATE class only: constraint names differ between PostgreSQL and its relatives.
pub(crate) fn sort(statement: &'static str, error: &tokio_postgres::Error) -> DbError {
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
    } else if ["08", "57", "53", "58"]
        .iter()
        .any(|class| text.starts_with(class))
        || ["25006", "25P03"].contains(&text)
    {
        DbError::Unavailable(format!("{statement}: {text}"))
    } else {
        DbError::Driver {
            statement,
            message: text.to_owned(),
        }
    }
}
