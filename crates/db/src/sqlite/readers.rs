//! The pool of reading connections.

use std::path::Path;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{SqliteSession, open};
use crate::{DbError, OpenError};

/// Connections that can only read. A read runs in place on the caller's thread: a point read in a page
/// cache takes microseconds, less than handing it to another thread would.
pub(crate) struct Readers {
    free: Mutex<Vec<SqliteSession>>,
    places: Semaphore,
}

impl Readers {
    pub(crate) fn open(path: &Path, count: usize) -> Result<Self, OpenError> {
        let free = (0..count).map(|_| open(path, true)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { free: Mutex::new(free), places: Semaphore::new(count) })
    }

    /// Lends a connection to `f` and takes it back.
    pub(crate) async fn with<T, Fut: Future<Output = (Option<SqliteSession>, T)>>(
        &self,
        f: impl FnOnce(SqliteSession) -> Fut,
    ) -> Result<T, DbError> {
        let unavailable = || DbError::Unavailable("the reading connections are closed".to_owned());
        let _place = self.places.acquire().await.map_err(|_| unavailable())?;
        let session = self.free.lock().pop().ok_or_else(unavailable)?;
        let (session, answer) = f(session).await;
        self.free.lock().extend(session);
        Ok(answer)
    }
}
