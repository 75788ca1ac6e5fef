//! The pool of reading connections.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    task::{Context, Poll, Waker},
};

use futures_util::future::BoxFuture;
use kernel::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{SqliteSession, open};
use crate::{
    DbError, Deadline, OpenError,
    tx::{ReadTx, Session},
};

/// Connections that can only read. A read runs in place on the caller's thread: a point read in a page
/// cache takes microseconds, less than handing it to another thread would.
pub(crate) struct Readers {
    free: Mutex<Vec<SqliteSession>>,
    places: Semaphore,
}

impl Readers {
    pub(crate) fn open(path: &Path, count: usize) -> Result<Self, OpenError> {
        let free = (0..count)
            .map(|_| open(path, true))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            free: Mutex::new(free),
            places: Semaphore::new(count),
        })
    }

    /// Runs a use case on a free connection.
    pub(crate) async fn read<C, T, E, F>(
        &self,
        name: &'static str,
        deadline: Deadline,
        now: Timestamp,
        input: &C,
        use_case: F,
    ) -> Result<T, E>
    where
        E: From<DbError>,
        F: for<'t> FnOnce(&'t mut ReadTx, &'t C) -> BoxFuture<'t, Result<T, E>>,
    {
        let unavailable = || DbError::Unavailable("the reading connections are closed".to_owned());
        let place = tokio::time::timeout(deadline.left(), self.places.acquire()).await;
        let _place = place
            .map_err(|_| DbError::Busy)?
            .map_err(|_| unavailable())?;
        let session = self.free.lock().pop().ok_or_else(unavailable)?;
        let mut tx = ReadTx {
            session: Session::Sqlite(session),
            now,
        };
        // One poll, as in the writer: nothing but SQL is awaited. So nothing can cancel it half-way
        // either, and the connection always comes back.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            use_case(&mut tx, input)
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
        }));
        if let Session::Sqlite(session) = tx.session {
            self.free.lock().push(session);
        }
        match polled {
            Ok(Poll::Ready(answer)) => answer,
            Ok(Poll::Pending) => Err(DbError::foreign(name).into()),
            Err(_) => Err(DbError::panicked(name).into()),
        }
    }
}
