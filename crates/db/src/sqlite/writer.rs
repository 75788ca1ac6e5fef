//! The one writer: many callers, one fsync.
//!
//! Callers queue their use case. The writer begins a transaction, runs each waiting use case inside a
//! savepoint, commits once for the whole group and only then answers them all. Under load the group grows
//! while the previous fsync is under way, so throughput rises with the number of callers although every
//! single answer means "on the disk".

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Waker},
    thread::JoinHandle,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use kernel::Clock;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{SqliteSession, driver_error, open, rolled_back};
use crate::{
    DbError, Deadline, OpenError, fail,
    hold::Hold,
    instant,
    tx::{ReadTx, Session, WriteTx},
    work::{Answer, Writing},
};

/// Most callers that share one commit.
const GROUP_MAX: usize = 256;
/// A group stops taking callers after this long, so that the first of them does not wait for all.
const GROUP_TIME: Duration = Duration::from_millis(10);
/// Most callers that wait; one more is told that the database is busy.
const QUEUE_MAX: usize = 4096;

const WAITING: u8 = 0;
const RUNNING: u8 = 1;
const GIVEN_UP: u8 = 2;

/// A use case on its way through the writer.
struct Call {
    name: &'static str,
    use_case: Box<dyn Writing>,
    outcome: Option<Answer>,
    reply: oneshot::Sender<Answer>,
    turn: Arc<AtomicU8>,
}

impl Call {
    /// Claims the turn; false when the caller has given up.
    fn claim(&self) -> bool {
        self.turn
            .compare_exchange(WAITING, RUNNING, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Runs the use case; true when its changes are to be kept.
    fn run(&mut self, tx: &mut WriteTx) -> bool {
        // On SQLite every statement is ready at once, so a use case that awaits nothing but SQL finishes
        // in one poll. One that does not has awaited something else, which the house forbids.
        let mut hold = Hold::begin();
        let polled = hold.step(|| {
            catch_unwind(AssertUnwindSafe(|| {
                self.use_case
                    .run(tx)
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
            }))
        });
        hold.end(self.name);
        let failed = match &mut tx.read.session {
            Session::Sqlite(session) => session.failed.take(),
            Session::Postgres(_) => None,
        };
        let outcome = match (polled, failed) {
            (Ok(Poll::Ready(Ok(_))), Some(error)) => Err(error.into()),
            (Ok(Poll::Ready(outcome)), _) => outcome,
            (Ok(Poll::Pending), _) => Err(DbError::foreign(self.name).into()),
            (Err(_), _) => Err(DbError::panicked(self.name).into()),
        };
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
    }

    /// Answers the caller, after the commit.
    fn answer(self, commit: Result<(), DbError>) {
        let answer = match (self.outcome, commit) {
            // What a refused use case saw may have been written by a member of the same group, so a
            // failed commit fails its answer too.
            (Some(outcome), Ok(())) => outcome,
            (_, Err(error)) => Err(error.into()),
            (None, Ok(())) => Err(DbError::Busy.into()),
        };
        // A caller that is gone does not need the answer.
        drop(self.reply.send(answer));
    }
}

/// The queue to the writer thread.
pub(crate) struct Writer {
    queue: Mutex<Option<Sender<Call>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(crate) fn start(path: PathBuf, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let session = open(&path, false)?;
        let (sender, receiver) = crossbeam_channel::bounded(QUEUE_MAX);
        let tx = WriteTx {
            read: ReadTx {
                session: Session::Sqlite(session),
                now: clock.now(),
            },
        };
        let writer = Loop {
            tx,
            clock,
            receiver,
            path,
        };
        let thread = std::thread::Builder::new()
            .name("db-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|e| OpenError::Unreachable(e.to_string()))?;
        Ok(Self {
            queue: Mutex::new(Some(sender)),
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(crate) async fn call(
        &self,
        name: &'static str,
        deadline: Deadline,
        use_case: Box<dyn Writing>,
    ) -> Answer {
        let closed = || DbError::Unavailable("the writer is closed".to_owned());
        let (reply, mut answer) = oneshot::channel();
        let turn = Arc::new(AtomicU8::new(WAITING));
        let call = Call {
            name,
            use_case,
            outcome: None,
            reply,
            turn: Arc::clone(&turn),
        };
        let sent = match &*self.queue.lock() {
            Some(queue) => queue.try_send(call).map_err(|e| match e {
                TrySendError::Full(_) => DbError::Busy,
                TrySendError::Disconnected(_) => closed(),
            }),
            None => Err(closed()),
        };
        sent?;
        // Whether the use case never began and never will.
        let gave_up = || {
            turn.compare_exchange(WAITING, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
        };
        let first = tokio::time::timeout(deadline.left(), &mut answer).await;
        let answered = match first {
            Ok(answered) => answered,
            Err(_) if gave_up() => return Err(DbError::Busy.into()),
            // The writer is at it: the answer may be a commit that hangs in a failing disk.
            Err(_) => match tokio::time::timeout(deadline.left_to_commit(), answer).await {
                Ok(answered) => answered,
                Err(_) => return Err(DbError::UnknownCommit.into()),
            },
        };
        answered.unwrap_or_else(|_| {
            Err(if gave_up() {
                closed()
            } else {
                DbError::UnknownCommit
            }
            .into())
        })
    }

    /// Lets the waiting callers finish and ends the thread.
    pub(crate) fn close(&self) {
        self.queue.lock().take();
        let thread = self.thread.lock().take();
        // The last handle may die with the input of a use case, in the writer's own thread.
        let own = |thread: &JoinHandle<()>| thread.thread().id() == std::thread::current().id();
        if let Some(thread) = thread.filter(|thread| !own(thread)) {
            drop(thread.join());
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

struct Loop {
    tx: WriteTx,
    clock: Arc<dyn Clock>,
    receiver: Receiver<Call>,
    path: PathBuf,
}

impl Loop {
    fn run(mut self) {
        while let Ok(first) = self.receiver.recv() {
            let mut members = Vec::with_capacity(16);
            // What is not ours (a clock, a metrics recorder) must not end the only writer by a panic.
            let group = catch_unwind(AssertUnwindSafe(|| self.group(first, &mut members)));
            let commit = group.unwrap_or_else(|_| {
                Err(Stop {
                    error: DbError::panicked("the writer"),
                    doubt: true,
                })
            });
            let commit = commit.map_err(|stop| {
                let error = self.recover(stop);
                tracing::error!(%error, members = members.len(), "a group of transactions failed");
                error
            });
            metrics::histogram!("kabinet_db_group_members").record(to_f64(members.len()));
            for member in members {
                fail::point(member.name, "before_answer");
                // Dropping the input of a use case may panic too.
                drop(catch_unwind(AssertUnwindSafe(|| {
                    member.answer(commit.clone());
                })));
            }
        }
    }

    /// Runs `first` and whoever waits, in one transaction.
    fn group(&mut self, first: Call, members: &mut Vec<Call>) -> Result<(), Stop> {
        if let Err(error) = self.control("BEGIN IMMEDIATE") {
            if first.claim() {
                members.push(first);
            }
            return Err(error.into());
        }
        let began = instant();
        let mut kept = false;
        let mut next = Some(first);
        while let Some(mut member) = next.take() {
            if member.claim() {
                fail::point(member.name, "begun");
                let keeps = self.one(&mut member, kept);
                members.push(member);
                kept |= keeps?;
            }
            if members.len() < GROUP_MAX && began.elapsed() < GROUP_TIME {
                next = self.receiver.try_recv().ok();
            }
        }
        for member in &*members {
            fail::point(member.name, "before_commit");
        }
        self.commit()?;
        for member in &*members {
            fail::point(member.name, "after_commit");
        }
        Ok(())
    }

    /// Runs one member; answers whether its changes stay. The first of a group that keeps something needs
    /// no savepoint: undoing it is undoing everything so far, which is nothing.
    fn one(&mut self, member: &mut Call, shared: bool) -> Result<bool, DbError> {
        self.tx.read.now = self.clock.now();
        if shared {
            self.control("SAVEPOINT member")?;
        }
        let keep = member.run(&mut self.tx);
        // SQLite ends the whole transaction by itself when the disk fails under it. Everybody in the
        // group has lost what they wrote; a further savepoint would begin a transaction of its own.
        if self.session()?.conn.is_autocommit() {
            return Err(rolled_back());
        }
        match (keep, shared) {
            (true, true) => self.control("RELEASE member")?,
            (true, false) => {}
            (false, true) => {
                self.control("ROLLBACK TO member")?;
                self.control("RELEASE member")?;
            }
            (false, false) => {
                self.control("ROLLBACK")?;
                self.control("BEGIN IMMEDIATE")?;
            }
        }
        Ok(keep)
    }

    fn session(&self) -> Result<&SqliteSession, DbError> {
        match &self.tx.read.session {
            Session::Sqlite(session) => Ok(session),
            Session::Postgres(_) => Err(DbError::Misuse {
                statement: "the writer",
                why: "not a SQLite session",
            }),
        }
    }

    fn control(&self, text: &'static str) -> Result<(), DbError> {
        self.session()?.control(text)
    }

    fn commit(&self) -> Result<(), Stop> {
        let done = self.session()?.conn.execute_batch("COMMIT");
        done.map_err(|e| {
            // The frames may all be in the log although telling the disk to keep them failed: this
            // process takes them back, but a crash now would find them whole.
            let doubt = e.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure);
            Stop {
                error: driver_error("COMMIT", &e),
                doubt,
            }
        })
    }

    /// After a failed group: leave the transaction, and if that fails too, open the file anew, so that
    /// writing works again as soon as the disk does (F3). Answers what to tell the members.
    fn recover(&mut self, stop: Stop) -> DbError {
        let left = self.session().is_ok_and(|session| {
            session.conn.is_autocommit() || session.control("ROLLBACK").is_ok()
        });
        if !left {
            match open(&self.path, false) {
                Ok(session) => self.tx.read.session = Session::Sqlite(session),
                Err(error) => tracing::error!(%error, "the database file could not be opened anew"),
            }
        }
        if stop.doubt && self.settle().is_err() {
            DbError::UnknownCommit
        } else {
            stop.error
        }
    }

    /// Overwrites the frames of a commit that failed half-way, so that it stays undone whatever comes.
    /// The log's checksums run on from frame to frame: one new frame makes the old ones after it invalid.
    fn settle(&self) -> rusqlite::Result<()> {
        let Ok(SqliteSession { conn, .. }) = self.session() else {
            return Ok(());
        };
        let unused: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
        conn.pragma_update(None, "user_version", (unused ^ 1) & 1)
    }
}

/// Why a group did not commit.
struct Stop {
    error: DbError,
    /// Whether a crash could bring the group back.
    doubt: bool,
}

impl From<DbError> for Stop {
    fn from(error: DbError) -> Self {
        Self {
            error,
            doubt: false,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a metric")]
fn to_f64(x: usize) -> f64 {
    x as f64
}
