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
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use futures_util::future::BoxFuture;
use kernel::Clock;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{SqliteSession, open};
use crate::{
    DbError, OpenError, fail,
    tx::{ReadTx, Session, WriteTx},
};

/// Most callers that share one commit.
const GROUP_MAX: usize = 256;
/// A group stops taking callers after this long, so that the first of them does not wait for all.
const GROUP_TIME: Duration = Duration::from_millis(10);
/// Most callers that wait; one more is told that the database is busy.
const QUEUE_MAX: usize = 4096;
/// How long a caller waits for its turn before it is told the database is busy.
const TURN_TIME: Duration = Duration::from_secs(5);

const WAITING: u8 = 0;
const RUNNING: u8 = 1;
const GIVEN_UP: u8 = 2;

/// A use case on its way through the writer, whatever its types.
trait Member: Send {
    /// Claims the turn; false when the caller has given up.
    fn claim(&self) -> bool;
    /// Runs the use case; true when its changes are to be kept.
    fn run(&mut self, tx: &mut WriteTx) -> bool;
    /// Answers the caller, after the commit.
    fn answer(self: Box<Self>, commit: Result<(), DbError>);
    /// The transaction's name.
    fn name(&self) -> &'static str;
}

struct Call<C, T, E, F> {
    name: &'static str,
    input: C,
    use_case: F,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
    turn: Arc<AtomicU8>,
}

impl<C, T, E, F> Member for Call<C, T, E, F>
where
    C: Send + Sync,
    T: Send,
    E: From<DbError> + Send,
    F: for<'t> Fn(&'t mut WriteTx, &'t C) -> BoxFuture<'t, Result<T, E>> + Send,
{
    fn claim(&self) -> bool {
        self.turn.compare_exchange(WAITING, RUNNING, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn run(&mut self, tx: &mut WriteTx) -> bool {
        let misuse = |why| DbError::Misuse { statement: self.name, why }.into();
        // On SQLite every statement is ready at once, so a use case that awaits nothing but SQL finishes
        // in one poll. One that does not has awaited something else, which the house forbids.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            (self.use_case)(tx, &self.input).as_mut().poll(&mut Context::from_waker(Waker::noop()))
        }));
        let outcome = match polled {
            Ok(Poll::Ready(outcome)) => outcome,
            Ok(Poll::Pending) => Err(misuse("awaits something other than SQL")),
            Err(_) => Err(misuse("the use case panicked")),
        };
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
    }

    fn answer(self: Box<Self>, commit: Result<(), DbError>) {
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

    fn name(&self) -> &'static str {
        self.name
    }
}

/// The queue to the writer thread.
pub(crate) struct Writer {
    queue: Mutex<Option<Sender<Box<dyn Member>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(crate) fn start(path: PathBuf, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let session = open(&path, false)?;
        let (sender, receiver) = crossbeam_channel::bounded(QUEUE_MAX);
        let tx = WriteTx {
            read: ReadTx { session: Session::Sqlite(session), now: clock.now() },
        };
        let thread = std::thread::Builder::new()
            .name("db-writer".to_owned())
            .spawn(move || Loop { tx, clock, receiver, path }.run())
            .map_err(|e| OpenError::Unreachable(e.to_string()))?;
        Ok(Self { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    pub(crate) async fn call<C, T, E, F>(
        &self,
        name: &'static str,
        input: C,
        use_case: F,
    ) -> Result<T, E>
    where
        C: Send + Sync + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: for<'t> Fn(&'t mut WriteTx, &'t C) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        let closed = || DbError::Unavailable("the writer is closed".to_owned());
        let (reply, mut answer) = oneshot::channel();
        let turn = Arc::new(AtomicU8::new(WAITING));
        let call = Call { name, input, use_case, outcome: None, reply, turn: Arc::clone(&turn) };
        let sent = match &*self.queue.lock() {
            Some(queue) => queue.try_send(Box::new(call)).map_err(|e| match e {
                TrySendError::Full(_) => DbError::Busy,
                TrySendError::Disconnected(_) => closed(),
            }),
            None => Err(closed()),
        };
        sent?;
        if let Ok(answer) = tokio::time::timeout(TURN_TIME, &mut answer).await {
            return answer.unwrap_or_else(|_| Err(closed().into()));
        }
        if turn.compare_exchange(WAITING, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            return Err(DbError::Busy.into());
        }
        // The writer is at it: the answer may be a commit that hangs in a failing disk.
        match tokio::time::timeout(TURN_TIME, answer).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(DbError::UnknownCommit.into())),
            Err(_) => Err(DbError::UnknownCommit.into()),
        }
    }

    /// Lets the waiting callers finish and ends the thread.
    pub(crate) fn close(&self) {
        self.queue.lock().take();
        if let Some(thread) = self.thread.lock().take() {
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
    receiver: Receiver<Box<dyn Member>>,
    path: PathBuf,
}

impl Loop {
    fn run(mut self) {
        while let Ok(first) = self.receiver.recv() {
            let mut members = Vec::with_capacity(16);
            let commit = self.group(first, &mut members);
            if let Err(error) = &commit {
                tracing::error!(%error, members = members.len(), "a group of transactions failed");
                self.recover();
            }
            metrics::histogram!("kabinet_db_group_members").record(to_f64(members.len()));
            for member in members {
                fail::point(member.name(), "before_answer");
                member.answer(commit.clone());
            }
        }
    }

    /// Runs `first` and whoever waits, in one transaction.
    fn group(
        &mut self,
        first: Box<dyn Member>,
        members: &mut Vec<Box<dyn Member>>,
    ) -> Result<(), DbError> {
        if let Err(error) = self.control("BEGIN IMMEDIATE") {
            if first.claim() {
                members.push(first);
            }
            return Err(error);
        }
        let began = now();
        let mut kept = false;
        let mut next = Some(first);
        while let Some(mut member) = next.take() {
            if member.claim() {
                fail::point(member.name(), "begun");
                let keeps = self.one(&mut member, kept);
                members.push(member);
                kept |= keeps?;
            }
            if members.len() < GROUP_MAX && began.elapsed() < GROUP_TIME {
                next = self.receiver.try_recv().ok();
            }
        }
        let name = members.first().map_or("", |m| m.name());
        fail::point(name, "before_commit");
        self.control("COMMIT")?;
        fail::point(name, "after_commit");
        Ok(())
    }

    /// Runs one member; answers whether its changes stay. The first of a group that keeps something needs
    /// no savepoint: undoing it is undoing everything so far, which is nothing.
    fn one(&mut self, member: &mut Box<dyn Member>, shared: bool) -> Result<bool, DbError> {
        self.tx.read.now = self.clock.now();
        if shared {
            self.control("SAVEPOINT member")?;
        }
        let keep = member.run(&mut self.tx);
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

    fn control(&self, text: &'static str) -> Result<(), DbError> {
        match &self.tx.read.session {
            Session::Sqlite(session) => session.control(text),
            Session::Postgres(_) => {
                Err(DbError::Misuse { statement: text, why: "not a SQLite session" })
            }
        }
    }

    /// After a failed group: leave the transaction, and if that fails too, open the file anew, so that
    /// writing works again as soon as the disk does (F3).
    fn recover(&mut self) {
        let Session::Sqlite(SqliteSession { conn }) = &self.tx.read.session else { return };
        if conn.is_autocommit() || self.control("ROLLBACK").is_ok() {
            return;
        }
        match open(&self.path, false) {
            Ok(session) => self.tx.read.session = Session::Sqlite(session),
            Err(error) => tracing::error!(%error, "the database file could not be opened anew"),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "measures how long a group has been open, decides nothing")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::cast_precision_loss, reason = "a metric")]
fn to_f64(x: usize) -> f64 {
    x as f64
}
