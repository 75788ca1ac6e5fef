//! One seam to SQLite and PostgreSQL. The only crate that knows an engine.
//!
//! A use case is an async function over a transaction; [`Db::write`] and [`Db::read`] run it:
//!
//! - On **SQLite** one thread writes. Callers queue, share a commit and are answered after it.
//! - On **PostgreSQL** a pooled connection runs the use case under READ COMMITTED; the whole transaction is
//!   run again when the server asks for it, and a COMMIT whose answer was lost is
//!   [`DbError::UnknownCommit`], or is decided by the idempotency key when the transaction holds one.
//!
//! SQL is written once, in the common subset, as registered [`Statement`]s. Nothing but SQL may be awaited
//! inside a transaction.

mod clock;
mod error;
pub mod fail;
mod hold;
pub mod idempotency;
mod inspect;
mod migrate;
pub mod portable;
mod postgres;
mod sqlite;
mod statement;
mod tx;
mod value;
mod work;

use std::{
    panic::AssertUnwindSafe,
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use futures_util::FutureExt;

pub use clock::HonestClock;
pub use error::{ClockAhead, DbError, MigrateError, OpenError};
pub use inspect::{Column, Described};
pub use migrate::{Migrated, Migration, expand};

pub use statement::{Engine, Statement};
pub use tx::{ReadTx, WriteTx};
pub use value::{Kind, Param, Row, Value};

/// The future of a use case, borrowed from its transaction and its input.
pub use futures_util::future::BoxFuture;
use kernel::Clock;

/// Where the data is.
#[derive(Clone)]
pub enum DbSettings {
    /// A file in this machine's own file system.
    Sqlite {
        /// The file; made when missing.
        path: PathBuf,
        /// Reading connections, at least 1.
        readers: usize,
    },
    /// A PostgreSQL server, 15 or newer.
    Postgres {
        /// `postgresql://user:password@host:port/name`.
        url: String,
        /// Connections, at least 2.
        connections: usize,
    },
}

impl std::fmt::Debug for DbSettings {
    // The address may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite { path, readers } => f
                .debug_struct("Sqlite")
                .field("path", path)
                .field("readers", readers)
                .finish(),
            Self::Postgres { connections, .. } => f
                .debug_struct("Postgres")
                .field("connections", connections)
                .finish_non_exhaustive(),
        }
    }
}

enum Inner {
    Sqlite {
        writer: sqlite::Writer,
        readers: sqlite::Readers,
        path: PathBuf,
    },
    Postgres {
        runner: Arc<postgres::Runner>,
    },
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db")
            .field("engine", &self.engine())
            .finish_non_exhaustive()
    }
}

impl Db {
    /// Opens the database; a SQLite file is made when missing. The schema is not touched:
    /// see [`Db::migrate`].
    pub async fn open(settings: DbSettings, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let inner = match settings {
            DbSettings::Sqlite { path, readers } => {
                let writer = sqlite::Writer::start(path.clone(), Arc::clone(&clock))?;
                let readers = sqlite::Readers::open(&path, readers.max(1))?;
                Inner::Sqlite {
                    writer,
                    readers,
                    path,
                }
            }
            DbSettings::Postgres { url, connections } => {
                let postgres = postgres::Postgres::open(&url, connections.max(2))?;
                postgres.check_version().await?;
                Inner::Postgres {
                    runner: Arc::new(postgres::Runner {
                        postgres: Arc::new(postgres),
                        clock: Arc::clone(&clock),
                        pauses: AtomicU64::new(0),
                    }),
                }
            }
        };
        Ok(Self {
            inner: Arc::new(inner),
            clock,
        })
    }

    /// Which engine this is; for metrics and tests, never for a use case.
    pub fn engine(&self) -> Engine {
        match &*self.inner {
            Inner::Sqlite { .. } => Engine::Sqlite,
            Inner::Postgres { .. } => Engine::Postgres,
        }
    }

    /// The clock transactions take their time from.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Runs a use case that writes, as one transaction named `name` (`area.use_case`).
    ///
    /// `Ok` is answered only after the commit is durable; `Err` undoes everything. The use case may run
    /// several times, so it takes its input by reference. A statement that failed fails the transaction,
    /// whatever the use case makes of the error.
    ///
    /// Answers within 5 seconds. After that a transaction that was waiting is [`DbError::Busy`] or
    /// [`DbError::Timeout`], one that was ending is [`DbError::UnknownCommit`].
    pub async fn write<C, T, E, F>(&self, name: &'static str, input: C, use_case: F) -> Result<T, E>
    where
        C: Send + Sync + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: for<'t> Fn(&'t mut WriteTx, &'t C) -> BoxFuture<'t, Result<T, E>>
            + Send
            + Sync
            + 'static,
    {
        self.write_by(Deadline::usual(), name, input, use_case)
            .await
    }

    /// The same with another limit, for schema changes and restoring.
    pub(crate) async fn write_by<C, T, E, F>(
        &self,
        deadline: Deadline,
        name: &'static str,
        input: C,
        use_case: F,
    ) -> Result<T, E>
    where
        C: Send + Sync + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: for<'t> Fn(&'t mut WriteTx, &'t C) -> BoxFuture<'t, Result<T, E>>
            + Send
            + Sync
            + 'static,
    {
        let use_case = Box::new(work::Write { input, use_case });
        work::own(name, self.run(deadline, name, use_case).await)
    }

    async fn run(
        &self,
        deadline: Deadline,
        name: &'static str,
        use_case: Box<dyn work::Writing>,
    ) -> work::Answer {
        let answer = match &*self.inner {
            Inner::Sqlite { writer, .. } => writer.call(name, deadline, use_case).await,
            Inner::Postgres { runner } => Arc::clone(runner).write(name, deadline, use_case).await,
        };
        metrics::histogram!("kabinet_db_write_seconds", "transaction" => name)
            .record(deadline.elapsed().as_secs_f64());
        answer
    }

    /// Runs a use case that only reads. Answers within 5 seconds.
    pub async fn read<C, T, E, F>(&self, name: &'static str, input: C, use_case: F) -> Result<T, E>
    where
        C: Send + Sync,
        T: Send,
        E: From<DbError> + Send,
        F: for<'t> FnOnce(&'t mut ReadTx, &'t C) -> BoxFuture<'t, Result<T, E>> + Send,
    {
        let mut reading = work::Read {
            input: &input,
            use_case: Some(use_case),
            outcome: None,
        };
        self.look(name, &mut reading).await?;
        // A use case that ended gave something.
        reading
            .outcome
            .unwrap_or_else(|| Err(DbError::panicked(name).into()))
    }

    async fn look(
        &self,
        name: &'static str,
        use_case: &mut dyn work::Reading,
    ) -> Result<(), DbError> {
        let deadline = Deadline::usual();
        let now = self.clock.now();
        let answer = match &*self.inner {
            Inner::Sqlite { readers, .. } => readers.read(name, deadline, now, use_case).await,
            Inner::Postgres { runner } => {
                let session = runner.postgres.reading(deadline).await?;
                let mut tx = ReadTx {
                    session: tx::Session::Postgres(Box::new(session)),
                    now,
                };
                let work = AssertUnwindSafe(async { use_case.run(&mut tx).await });
                match tokio::time::timeout(deadline.left(), work.catch_unwind()).await {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(_)) => Err(DbError::panicked(name)),
                    Err(_) => Err(DbError::Timeout),
                }
            }
        };
        metrics::histogram!("kabinet_db_read_seconds", "transaction" => name)
            .record(deadline.elapsed().as_secs_f64());
        answer
    }

    /// Lets waiting writers finish and closes the file. PostgreSQL connections close with the last clone.
    pub fn close(&self) {
        match &*self.inner {
            Inner::Sqlite { writer, .. } => writer.close(),
            Inner::Postgres { runner } => runner.postgres.pool.close(),
        }
    }
}

/// When a caller has to have its answer.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    began: Instant,
    patience: Duration,
}

impl Deadline {
    /// What a person at a page waits for, with enough left of five seconds to end a transaction.
    pub(crate) fn usual() -> Self {
        Self {
            began: instant(),
            patience: Duration::from_millis(4_500),
        }
    }

    /// For schema changes and restoring, which somebody watches.
    pub(crate) fn patient() -> Self {
        Self {
            began: instant(),
            patience: Duration::from_secs(6 * 3_600),
        }
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.began.elapsed()
    }

    pub(crate) fn left(self) -> Duration {
        self.patience.saturating_sub(self.elapsed())
    }

    pub(crate) fn is_over(self) -> bool {
        self.left().is_zero()
    }

    /// A COMMIT that was begun late still gets a moment: giving up on it leaves its outcome unknown.
    pub(crate) fn left_to_commit(self) -> Duration {
        self.left().max(Duration::from_millis(400))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "bounds and measures durations; what is kept comes from the Clock"
)]
pub(crate) fn instant() -> Instant {
    Instant::now()
}
