//! Running a whole transaction: begin, retry, commit, and what to do when nobody knows how it ended.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kernel::Clock;
use tokio::time::{sleep, timeout};

use super::{NotEnded, PgSession, Postgres};
use crate::{
    DbError, Deadline, fail,
    hold::Watched,
    tx::{ReadTx, Session, WriteTx},
    work::{Answer, Own, Refusal, Writing},
};

/// Times a transaction is run before its caller is told to come back.
const TRIES_MAX: u32 = 5;
/// First pause between tries; doubles, with full jitter.
const PAUSE: Duration = Duration::from_millis(4);

/// What a caller needs to run transactions.
pub(crate) struct Runner {
    pub(crate) postgres: Arc<Postgres>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pauses: AtomicU64,
}

/// How one try ended.
enum Try {
    /// For good.
    Done(Answer),
    /// The seam failed; nothing was changed by this try.
    Failed(DbError),
    /// A statement failed and the use case made its own error of it; nothing was changed by this try.
    Upset(DbError, Refusal),
    /// The server asks for the transaction again, or the connection was lost before COMMIT; nothing was
    /// changed.
    Again(DbError),
    /// COMMIT was sent and nobody knows. With an idempotency key the transaction may run again: the key's
    /// row tells (and its unique index waits for a COMMIT that is still going on).
    Unknown { keyed: bool },
}

impl Runner {
    /// Runs the use case until it commits, fails for good, or time is up.
    pub(crate) async fn write(
        self: Arc<Self>,
        name: &'static str,
        deadline: Deadline,
        use_case: Box<dyn Writing>,
    ) -> Answer {
        // In a task of its own: a caller that goes away must not cut a COMMIT in half.
        #[expect(
            clippy::disallowed_methods,
            reason = "the task is awaited here and bounded in time"
        )]
        let task = tokio::spawn(async move { self.tries(name, deadline, &*use_case).await });
        task.await
            .unwrap_or_else(|_| Err(DbError::panicked(name).into()))
    }

    async fn tries(
        &self,
        name: &'static str,
        deadline: Deadline,
        use_case: &dyn Writing,
    ) -> Answer {
        // Once a COMMIT is in doubt, a try that merely failed does not make it certain that nothing was
        // changed; only a try that got to its end does.
        let mut doubt = false;
        for attempt in 1_u32.. {
            let (error, again) = match self.one(name, deadline, use_case).await {
                Try::Done(answer) => return answer,
                Try::Upset(error, own) if !(doubt && error.is_passing()) => return Err(own),
                Try::Upset(error, _) | Try::Failed(error) => (error, false),
                Try::Again(error) => (error, true),
                Try::Unknown { keyed } => {
                    metrics::counter!("kabinet_db_unknown_commits").increment(1);
                    doubt = true;
                    (DbError::UnknownCommit, keyed)
                }
            };
            if !again || attempt >= TRIES_MAX || deadline.is_over() {
                return Err(if doubt { DbError::UnknownCommit } else { error }.into());
            }
            metrics::counter!("kabinet_db_retries", "transaction" => name).increment(1);
            sleep(self.pause(attempt)).await;
        }
        Err(DbError::Retry.into())
    }

    /// Full jitter: anything up to the doubled pause. Spread is all that is asked of it, so a counter
    /// through a mixing function will do (`SplitMix64`, Steele et al. 2014).
    fn pause(&self, attempt: u32) -> Duration {
        let most = PAUSE.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX));
        let micros = u64::try_from(most.as_micros()).unwrap_or(u64::MAX).max(1);
        let mut mixed = self
            .pauses
            .fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Duration::from_micros((mixed ^ (mixed >> 31)).checked_rem(micros).unwrap_or(0))
    }

    async fn one(&self, name: &'static str, deadline: Deadline, use_case: &dyn Writing) -> Try {
        let session = match self.postgres.writing(deadline).await {
            Ok(session) => session,
            Err(error) => return Try::Failed(error),
        };
        let under_way = session.under_way.clone();
        let mut tx = WriteTx {
            read: ReadTx {
                session: Session::Postgres(Box::new(session)),
                now: self.clock.now(),
            },
        };
        fail::point(name, "begun");
        let watched = Watched::new(name, under_way, use_case.run(&mut tx));
        let outcome = timeout(deadline.left(), watched).await;
        let Session::Postgres(mut session) = tx.read.session else {
            return Try::Failed(DbError::Misuse {
                statement: name,
                why: "not a PostgreSQL session",
            });
        };
        // On time-out the statement in flight is abandoned with its connection: nothing was committed.
        let Ok(outcome) = outcome else {
            return Try::Failed(DbError::Timeout);
        };
        let Some(error) = session.failed.take() else {
            return match outcome {
                Ok(value) => {
                    fail::point(name, "before_commit");
                    commit(*session, name, deadline, value).await
                }
                refused => {
                    roll_back(*session).await;
                    Try::Done(refused)
                }
            };
        };
        let again = session.lost || error == DbError::Retry;
        roll_back(*session).await;
        match outcome {
            _ if again => Try::Again(error),
            Ok(_) => Try::Failed(error),
            Err(own) => Try::Upset(error, own),
        }
    }
}

async fn commit(mut session: PgSession, name: &'static str, deadline: Deadline, value: Own) -> Try {
    let answer = timeout(deadline.left_to_commit(), session.commit()).await;
    fail::point(name, "after_commit");
    let keyed = session.keyed;
    match answer {
        Ok(Ok(())) => Try::Done(Ok(value)),
        Ok(Err(NotEnded::Before(statement, error))) => {
            let sorted = session.note(statement, &error);
            if session.lost || sorted == DbError::Retry {
                Try::Again(sorted)
            } else {
                Try::Failed(sorted)
            }
        }
        Ok(Err(NotEnded::Itself(error))) => {
            let sorted = session.note(name, &error);
            // 40003: the server itself does not know; XX and 58: it failed in the middle.
            let code = error.code().map_or("", |code| code.code());
            let middle = ["40003", "XX", "58"]
                .iter()
                .any(|class| code.starts_with(class));
            if session.lost || middle {
                Try::Unknown { keyed }
            } else if sorted == DbError::Retry {
                Try::Again(sorted)
            } else {
                Try::Failed(sorted)
            }
        }
        Err(_) => Try::Unknown { keyed },
    }
}

async fn roll_back(mut session: PgSession) {
    // When this fails the connection is closed with the session, and the server undoes the rest.
    if !session.lost {
        drop(timeout(Duration::from_secs(1), session.roll_back()).await);
    }
}
