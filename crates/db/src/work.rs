//! Use cases without their types. What runs a transaction is long, and there are hundreds of use cases: it is
//! compiled once, for these, and not again for each of them.

use std::any::Any;

use futures_util::{FutureExt as _, TryFutureExt as _, future::BoxFuture};

use crate::{
    DbError,
    tx::{ReadTx, WriteTx},
};

/// A value or an error of a use case's own, as its caller knows it.
pub(crate) type Own = Box<dyn Any + Send>;

/// Why a transaction gave no value.
pub(crate) enum Refusal {
    /// The seam failed.
    Seam(DbError),
    /// The use case refused.
    Own(Own),
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        Self::Seam(error)
    }
}

/// How a transaction ended.
pub(crate) type Answer = Result<Own, Refusal>;

/// A use case that writes, with its input. It may run several times.
pub(crate) trait Writing: Send + Sync {
    fn run<'t>(&'t self, tx: &'t mut WriteTx) -> BoxFuture<'t, Answer>;
}

/// One of known types.
pub(crate) struct Write<C, F> {
    pub(crate) input: C,
    pub(crate) use_case: F,
}

impl<C, T, E, F> Writing for Write<C, F>
where
    C: Send + Sync,
    T: Send + 'static,
    E: Send + 'static,
    F: for<'t> Fn(&'t mut WriteTx, &'t C) -> BoxFuture<'t, Result<T, E>> + Send + Sync,
{
    fn run<'t>(&'t self, tx: &'t mut WriteTx) -> BoxFuture<'t, Answer> {
        (self.use_case)(tx, &self.input)
            .map_ok(|value| Box::new(value) as Own)
            .map_err(|error| Refusal::Own(Box::new(error)))
            .boxed()
    }
}

/// The answer in the caller's own words.
pub(crate) fn own<T: 'static, E: From<DbError> + 'static>(
    name: &'static str,
    answer: Answer,
) -> Result<T, E> {
    // What a use case gave is what its caller was promised: both are of one call.
    let other = || {
        E::from(DbError::Misuse {
            statement: name,
            why: "the answer is another use case's",
        })
    };
    match answer {
        Ok(value) => value.downcast().map(|value| *value).map_err(|_| other()),
        Err(Refusal::Seam(error)) => Err(error.into()),
        Err(Refusal::Own(error)) => Err(error.downcast().map_or_else(|_| other(), |error| *error)),
    }
}

/// A use case that reads; it keeps what it gave.
pub(crate) trait Reading: Send {
    fn run<'t>(&'t mut self, tx: &'t mut ReadTx) -> BoxFuture<'t, ()>;
}

/// One of known types. It runs once.
pub(crate) struct Read<'c, C, T, E, F> {
    pub(crate) input: &'c C,
    pub(crate) use_case: Option<F>,
    pub(crate) outcome: Option<Result<T, E>>,
}

impl<C, T, E, F> Reading for Read<'_, C, T, E, F>
where
    C: Sync,
    T: Send,
    E: Send,
    F: for<'t> FnOnce(&'t mut ReadTx, &'t C) -> BoxFuture<'t, Result<T, E>> + Send,
{
    fn run<'t>(&'t mut self, tx: &'t mut ReadTx) -> BoxFuture<'t, ()> {
        let outcome = &mut self.outcome;
        match self.use_case.take() {
            Some(use_case) => use_case(tx, self.input)
                .map(|answer| *outcome = Some(answer))
                .boxed(),
            None => std::future::ready(()).boxed(),
        }
    }
}
