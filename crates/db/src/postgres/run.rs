//! Running a whole transaction: begin, retry, commit, and what to do when nobody knows how it ended.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use kernel::Clock;
use tokio::time::{sleep, timeout};

use super::{PgSession, Postgres};
use crate::{
    DbError, fail,
    tx::{ReadTx, Session, WriteTx},
};

/// Times a transaction is run before its caller is told to come back.
const TRIES_MAX: u32 = 5;
/// The longest a caller waits for its transaction, all tries together.
const WHOLE_TIME: Duration = Duration::from_secs(5);
/// After this a COMMIT without an answer counts as unknown.
const COMMIT_TIME: Duration = Duration::from_secs(5);
/// First pause between tries; doubles, with full jitter.
const PAUSE: Duration = Duration::from_millis(4);

/// What a caller needs to run transactions.
pub(crate) struct Runner {
    pub(crate) postgres: Arc<Postgres>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pauses: AtomicU64,
}

/// How one try ended.
enum Try<T, E> {
    Done(Result<T, E>),
    Again(E),
}

impl Runner {
    /// Runs the use case until it commits, fails for good, or time is up.
    pub(crate) async fn write<C, T, E, F>(
        self: Arc<Self>,
        name: &'static str,
        input: C,
        use_case: F,
    ) -> Result<T, E>
    where
        C: Send + Sync + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: for<'t> Fn(&'t mut WriteTx, &'t C) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        // In a task of its own: a caller that goes away must not cut a COMMIT in half.
        #[expect(clippy::disallowed_methods, reason = "the task is awaited here and bounded in time")]
        let task = tokio::spawn(async move { self.tries(name, &input, &use_case).await });
        task.await.unwrap_or_else(|_| {
            Err(DbError::Misuse { statement: name, why: "the use case panicked" }.into())
        })
    }

    async fn tries<C, T, E, F>(&self, name: &'static str, input: &C, use_case: &F) -> Result<T, E>
    where
        E: From<DbError>,
        F: for<'t> Fn(&'t mut WriteTx, &'t C) -> BoxFuture<'t, Result<T, E>>,
    {
        let began = self.clock.now();
        for attempt in 1..=TRIES_MAX {
            let last = attempt == TRIES_MAX || self.clock.now().since(began) > WHOLE_TIME;
            match self.one(name, input, use_case).await {
                Try::Done(answer) => return answer,
                Try::Again(error) if last => return Err(error),
                Try::Again(_) => {
                    metrics::counter!("kabinet_db_retries", "transaction" => name).increment(1);
                    sleep(self.pause(attempt)).await;
                }
            }
        }
        Err(DbError::Retry.into())
    }

    /// Full jitter: anything up to the doubled pause. Spread is all that is asked of it, so a counter
    /// through a mixing function will do (SplitMix64, Steele et al. 2014).
    fn pause(&self, attempt: u32) -> Duration {
        let most = PAUSE.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX));
        let micros = u64::try_from(most.as_micros()).unwrap_or(u64::MAX).max(1);
        let mut mixed = self.pauses.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Duration::from_micros((mixed ^ (mixed >> 31)).checked_rem(micros).unwrap_or(0))
    }

    async fn one<C, T, E, F>(&self, name: &'static str, input: &C, use_case: &F) -> Try<T, E>
    where
        E: From<DbError>,
        F: for<'t> Fn(&'t mut WriteTx, &'t C) -> BoxFuture<'t, Result<T, E>>,
    {
        let session = match self.postgres.session().await {
            Ok(session) => session,
            Err(error) => return Try::Done(Err(error.into())),
        };
        let mut tx = WriteTx {
            read: ReadTx {
                session: Session::Postgres(Box::new(PgSession { begin: true, ..session })),
                now: self.clock.now(),
            },
        };
        fail::point(name, "begun");
        let outcome = timeout(WHOLE_TIME, use_case(&mut tx, input)).await;
        let Session::Postgres(session) = tx.read.session else {
            return Try::Done(Err(misuse(name).into()));
        };
        match outcome {
            // The statement in flight is abandoned with its connection: nothing was committed.
            Err(_) => {
                drop(deadpool_postgres::Object::take(session.client));
                Try::Done(Err(DbError::Timeout.into()))
            }
            Ok(Ok(value)) if !session.retry && !session.lost => {
                fail::point(name, "before_commit");
                commit(*session, name, value).await
            }
            Ok(outcome) => {
                let again = session.retry;
                roll_back(*session).await;
                let error = match outcome {
                    Err(error) => error,
                    Ok(_) => DbError::Retry.into(),
                };
                if again { Try::Again(error) } else { Try::Done(Err(error)) }
            }
        }
    }
}

/// Commits. When the connection is lost while the answer is on its way, the outcome is unknown: with an
/// idempotency key the transaction is simply run again, for the key's row tells (and its unique index
/// waits for a COMMIT that is still going on); without one the caller is told the truth.
async fn commit<T, E: From<DbError>>(mut session: PgSession, name: &'static str, value: T) -> Try<T, E> {
    if session.begin {
        // Nothing was ever sent.
        return Try::Done(Ok(value));
    }
    let answer = timeout(COMMIT_TIME, session.client.batch_execute("COMMIT")).await;
    fail::point(name, "after_commit");
    match answer {
        Ok(Ok(())) => return Try::Done(Ok(value)),
        Ok(Err(error)) => {
            let sorted = session.note(name, &error);
            let unsure = session.lost || error.code().is_some_and(|c| c.code().starts_with("XX"));
            if !unsure {
                let again = session.retry;
                return if again { Try::Again(sorted.into()) } else { Try::Done(Err(sorted.into())) };
            }
        }
        Err(_) => {}
    }
    metrics::counter!("kabinet_db_unknown_commits").increment(1);
    let keyed = session.keyed;
    drop(deadpool_postgres::Object::take(session.client));
    let error = DbError::UnknownCommit.into();
    if keyed { Try::Again(error) } else { Try::Done(Err(error)) }
}

async fn roll_back(session: PgSession) {
    if session.begin {
        return;
    }
    let done = timeout(Duration::from_secs(1), session.client.batch_execute("ROLLBACK")).await;
    if !matches!(done, Ok(Ok(()))) {
        // The server ends the transaction when the connection goes.
        drop(deadpool_postgres::Object::take(session.client));
    }
}

fn misuse(name: &'static str) -> DbError {
    DbError::Misuse { statement: name, why: "not a PostgreSQL session" }
}
