//! One transaction for everything a runner has to write: what ended, what goes on, what is taken.

use std::{sync::Arc, time::Duration};

use db::{Db, DbError, Param, Statement};
use kernel::{JobId, Timestamp};

use crate::sql;

/// Which try of which job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Try {
    pub(crate) bucket: i64,
    pub(crate) id: JobId,
    /// As it stands in the table: of a job that waits, the tries before the next.
    pub(crate) tries: u32,
}

/// How a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    Expired,
    Dead { code: &'static str },
}

impl End {
    pub(crate) const EXPIRED: &'static str = "jobs.expired";

    fn state(self) -> &'static str {
        match self {
            Self::Done | Self::Expired => "done",
            Self::Dead { .. } => "dead",
        }
    }

    fn code(self) -> Option<&'static str> {
        match self {
            Self::Done => None,
            Self::Expired => Some(Self::EXPIRED),
            Self::Dead { code } => Some(code),
        }
    }
}

/// One change of one job.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// A due job is taken.
    Lease(Try),
    /// A due job ends without being run.
    Drop(Try, End),
    /// A job at work goes on.
    Renew(Try),
    /// A job at work ended.
    Finish(Try, End),
    /// A job at work is put back.
    Again {
        it: Try,
        code: &'static str,
        run_at: Timestamp,
    },
}

impl Step {
    fn sql<'a>(
        &'a self,
        now: Timestamp,
        until: Timestamp,
        owner: &'a str,
    ) -> (&'static Statement, Vec<Param<'a>>) {
        macro_rules! step {
            ($statement:ident, $($x:expr),* $(,)?) => {
                (&sql::$statement, vec![$(Param::from($x)),*])
            };
        }
        match self {
            Self::Lease(Try { bucket, id, tries }) => step!(
                LEASE,
                owner,
                until,
                *bucket,
                *bucket,
                id.as_bytes(),
                *tries,
                now
            ),
            Self::Drop(Try { bucket, id, tries }, end) => step!(
                DROP_DUE,
                end.state(),
                end.code().unwrap_or_default(),
                now,
                *bucket,
                *bucket,
                id.as_bytes(),
                *tries,
                now
            ),
            Self::Renew(Try { bucket, id, tries }) => {
                step!(RENEW, until, *bucket, id.as_bytes(), owner, *tries)
            }
            Self::Finish(Try { bucket, id, tries }, end) => step!(
                FINISH,
                end.state(),
                end.code(),
                now,
                *bucket,
                id.as_bytes(),
                owner,
                *tries
            ),
            Self::Again { it, code, run_at } => step!(
                AGAIN,
                *code,
                *run_at,
                it.bucket,
                it.id.as_bytes(),
                owner,
                it.tries
            ),
        }
    }
}

/// What [`settle`] needs.
pub(crate) struct Settling {
    pub(crate) steps: Vec<Step>,
    pub(crate) owner: String,
    pub(crate) lease: Duration,
}

/// Writes all steps; answers for each whether its job was still ours to change.
pub(crate) async fn settle(db: &Db, settling: Arc<Settling>) -> Result<Vec<bool>, DbError> {
    db.write("jobs.settle", settling, |tx, settling| {
        Box::pin(async move {
            let now = tx.now();
            let until = now.saturating_add(settling.lease);
            let built: Vec<_> = settling
                .steps
                .iter()
                .map(|step| step.sql(now, until, &settling.owner))
                .collect();
            let batch: Vec<_> = built
                .iter()
                .map(|(statement, params)| (*statement, params.as_slice()))
                .collect();
            let touched = tx.batch(&batch).await?;
            Ok(touched.into_iter().map(|rows| rows == 1).collect())
        })
    })
    .await
}
