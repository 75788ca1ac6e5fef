//! The pool of reading connections.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    task::{Context, Poll, Waker},
};

use kernel::Timestamp;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{SqliteSession, open};
use crate::{
    DbError, Deadline, OpenError,
    tx::{ReadTx, Session},
    work::Reading,
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
    pub(crate) async fn read(
        &self,
        name: &'static str,
        deadline: Deadline,
        now: Timestamp,
        use_case: &mut dyn Reading,
    ) -> Result<(), DbError> {
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
            use_case
                .run(&mut tx)
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
        }));
        if let Session::Sqlite(session) = tx.session {
            self.free.lock().push(session);
        }
        match polled {
            Ok(Poll::Ready(())) => Ok(()),
            Ok(Poll::Pending) => Err(DbError::foreign(name)),
            Err(_) => Err(DbError::panicked(name)),
        }
    }
}
