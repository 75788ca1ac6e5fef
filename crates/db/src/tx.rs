//! The two transaction types. What a use case may do is what its argument can do: a [`ReadTx`] has no way
//! to write.

use std::ops::{Deref, DerefMut};

use kernel::Timestamp;

use crate::{
    DbError, Param, Row, Statement,
    postgres::{PgSession, Rows},
    sqlite::SqliteSession,
};

/// The engine's side of a transaction.
pub(crate) enum Session {
    Sqlite(SqliteSession),
    Postgres(Box<PgSession>),
}

/// Reading. On both engines each statement sees what was committed when it began (READ COMMITTED); a use
/// case that needs one moment for several statements joins them.
pub struct ReadTx {
    pub(crate) session: Session,
    pub(crate) now: Timestamp,
}

impl ReadTx {
    /// The time of this transaction, fixed when it began.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Every row of the answer.
    pub async fn query(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, DbError> {
        statement.check(params)?;
        match &mut self.session {
            Session::Sqlite(session) => session.query(statement, params),
            Session::Postgres(session) => session.query(statement, params).await,
        }
    }

    /// The one row, or `None`; more than one is an error.
    pub async fn query_opt(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<Option<Row>, DbError> {
        let mut rows = self.query(statement, params).await?;
        match rows.len() {
            0 | 1 => Ok(rows.pop()),
            actual => Err(row_count(
                statement,
                u64::try_from(actual).unwrap_or(u64::MAX),
            )),
        }
    }

    /// The one row; none, or more than one, is an error.
    pub async fn query_one(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<Row, DbError> {
        self.query_opt(statement, params)
            .await?
            .ok_or_else(|| row_count(statement, 0))
    }
}

fn row_count(statement: &'static Statement, actual: u64) -> DbError {
    DbError::RowCount {
        statement: statement.name,
        expected: 1,
        actual: Some(actual),
    }
}

fn exactly_one(statement: &'static Statement, touched: u64) -> Result<(), DbError> {
    match touched {
        1 => Ok(()),
        actual => Err(row_count(statement, actual)),
    }
}

/// Reading and writing. Returning `Err` from the use case undoes everything it did; what must remain after
/// a refusal (a counted wrong try) is therefore part of an `Ok`.
pub struct WriteTx {
    pub(crate) read: ReadTx,
}

impl Deref for WriteTx {
    type Target = ReadTx;
    fn deref(&self) -> &ReadTx {
        &self.read
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut ReadTx {
        &mut self.read
    }
}

impl WriteTx {
    /// Runs a statement that returns no rows; answers how many it touched.
    pub async fn execute(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<u64, DbError> {
        statement.check(params)?;
        match &mut self.read.session {
            Session::Sqlite(session) => session.execute(statement, params),
            Session::Postgres(session) => session.execute(statement, params).await,
        }
    }

    /// The same for a statement that must touch exactly one row.
    pub async fn execute_one(
        &mut self,
        statement: &'static Statement,
        params: &[Param<'_>],
    ) -> Result<(), DbError> {
        let touched = self.execute(statement, params).await?;
        exactly_one(statement, touched)
    }

    /// Several statements without rows, in order; one round trip on PostgreSQL. Answers how many rows each
    /// touched.
    pub async fn batch(
        &mut self,
        steps: &[(&'static Statement, &[Param<'_>])],
    ) -> Result<Vec<u64>, DbError> {
        for (statement, params) in steps {
            statement.check(params)?;
        }
        match &mut self.read.session {
            Session::Sqlite(session) => steps
                .iter()
                .map(|(statement, params)| session.execute(statement, params))
                .collect(),
            Session::Postgres(session) => session.batch(steps).await,
        }
    }

    /// Statements whose answers nobody looks at, in order. On PostgreSQL they travel with the next statement
    /// or with COMMIT and cost no round trip of their own.
    ///
    /// Their errors fail the transaction, but may be told only by a later statement or by its end: a use
    /// case that makes its own answer of a conflict executes instead. Meant for new rows, and for rows the
    /// transaction has locked: a wait for a lock while COMMIT is on its way ends as
    /// [`DbError::UnknownCommit`] when time runs out.
    pub async fn defer(
        &mut self,
        steps: &[(&'static Statement, &[Param<'_>])],
    ) -> Result<(), DbError> {
        self.defer_rows(steps, Rows::Any).await
    }

    /// The same for statements that must each touch exactly one row; another number fails the transaction,
    /// whatever the use case makes of it, also when it is found out on the way to COMMIT.
    pub async fn defer_one(
        &mut self,
        steps: &[(&'static Statement, &[Param<'_>])],
    ) -> Result<(), DbError> {
        self.defer_rows(steps, Rows::One).await
    }

    async fn defer_rows(
        &mut self,
        steps: &[(&'static Statement, &[Param<'_>])],
        rows: Rows,
    ) -> Result<(), DbError> {
        for (statement, params) in steps {
            statement.check(params)?;
            match &mut self.read.session {
                Session::Sqlite(session) => {
                    let touched = session.execute(statement, params)?;
                    if rows == Rows::One {
                        session.note(exactly_one(statement, touched))?;
                    }
                }
                Session::Postgres(session) => session.defer(statement, params, rows).await?,
            }
        }
        Ok(())
    }

    /// Says that this transaction holds an idempotency key, so that after a COMMIT whose outcome is unknown
    /// it may simply be run again: the key decides.
    pub(crate) fn mark_keyed(&mut self) {
        if let Session::Postgres(session) = &mut self.read.session {
            session.keyed = true;
        }
    }
}
