//! What can go wrong between a use case and its database, told apart so that nobody has to guess.

use kernel::Timestamp;

/// Why a statement or a transaction failed.
///
/// The variants keep three worlds apart: the driver or server failed (try again, perhaps elsewhere),
/// our own data is not what the code believes (a bug: stop and look), and a statement touched another
/// number of rows than it must. "Not found" is none of them: it is `Ok(None)`.
///
/// The text names statements and places, never values, so it may be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// The database cannot be reached, or refuses work (disk full, read only, shutting down).
    /// Nothing was changed.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Too many callers wait for the writer. Nothing was changed.
    #[error("the database is busy")]
    Busy,
    /// The transaction took longer than it may. Nothing was changed.
    #[error("the transaction took too long")]
    Timeout,
    /// The connection was lost, or time ran out, while COMMIT was under way: the change may be there or
    /// not. Ask again with the same idempotency key.
    #[error("the outcome of the commit is unknown")]
    UnknownCommit,
    /// The engine asks for the whole transaction to be run again (SQLSTATE 40001, 40P01, 55P03).
    /// [`Db::write`](crate::Db::write) does so by itself; seen outside only when every try failed.
    #[error("the transaction has to be run again")]
    Retry,
    /// A row with this key exists already (SQLSTATE 23505). Which one: the statement says.
    #[error("{statement}: a row with this key exists")]
    Conflict {
        /// The statement's name.
        statement: &'static str,
    },
    /// What was read is not what the schema promises.
    #[error("{statement}, column {column}: {why}")]
    Inconsistent {
        /// The statement's name.
        statement: &'static str,
        /// The column's place in the row, from 0.
        column: usize,
        /// What is wrong, without the value.
        why: &'static str,
    },
    /// A statement that must touch `expected` rows touched `actual`.
    #[error("{statement}: {} rows instead of {expected}", .actual.map_or_else(|| "other".to_owned(), |n| n.to_string()))]
    RowCount {
        /// The statement's name.
        statement: &'static str,
        /// How many rows it must touch.
        expected: u64,
        /// How many it touched; `None` where the engine only tells that it was another number.
        actual: Option<u64>,
    },
    /// A breach of the house rules found at run time: a wrong parameter, or something other than SQL
    /// awaited inside a transaction.
    #[error("{statement}: {why}")]
    Misuse {
        /// The statement or transaction.
        statement: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// Anything else the driver reports.
    #[error("{statement}: {message}")]
    Driver {
        /// The statement's name.
        statement: &'static str,
        /// The driver's code and message; drivers do not print parameters.
        message: String,
    },
}

impl DbError {
    pub(crate) fn foreign(statement: &'static str) -> Self {
        Self::Misuse {
            statement,
            why: "awaits something other than SQL",
        }
    }

    pub(crate) fn panicked(statement: &'static str) -> Self {
        Self::Misuse {
            statement,
            why: "the use case panicked",
        }
    }

    /// Whether the same command can be sent again and nothing was changed by this one.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::Busy | Self::Timeout | Self::Retry
        )
    }
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file or server cannot be reached or is refused.
    #[error("cannot open the database: {0}")]
    Unreachable(String),
    /// The server is older than PostgreSQL 15.
    #[error("PostgreSQL {0} is too old, 15 is the oldest supported")]
    TooOld(i64),
    /// The address is not understood.
    #[error("the database address is not understood: {0}")]
    Address(String),
}

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// A released migration was edited: the hash of what ran differs from the hash of what is here.
    #[error("migration {0} was changed after it had been applied")]
    Changed(String),
    /// The database has a migration this binary does not know and no newer binary said it may.
    #[error("the database is at migration {0}, newer than this program")]
    Newer(i64),
    /// A restore was begun in this database and did not get to its end: remove it and restore again.
    #[error("a restore into this database was not finished: remove it and restore again")]
    HalfRestored,
    /// A folder is not named `NNNN_<area>_<what>` or holds no `up.sql`.
    #[error("migration folder {0} is malformed")]
    Malformed(String),
    /// A step failed.
    #[error("migration {name}, step {step}: {message}")]
    Step {
        /// The folder.
        name: String,
        /// The step's number, from 1.
        step: usize,
        /// What the engine said.
        message: String,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Why the clock was not accepted at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system clock reads {now}, the database was last used at {mark}")]
pub struct ClockAhead {
    /// What the system clock reads.
    pub now: Timestamp,
    /// The high-water mark in the database.
    pub mark: Timestamp,
}
