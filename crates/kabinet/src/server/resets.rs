//! Requests that are taken back: begun, and reset by the peer before they are answered (A106). A reset drops the
//! answer that is being made; where the body is still being read, it is the body that fails.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use hyper::body::{Body, Frame, SizeHint};
use tokio_util::sync::CancellationToken;

/// How many requests of one connection may be taken back.
#[derive(Clone)]
pub(super) struct Budget {
    left: Arc<AtomicU32>,
    spent: CancellationToken,
}

impl Budget {
    pub(super) fn new(most: u32) -> Self {
        Self {
            left: Arc::new(AtomicU32::new(most)),
            spent: CancellationToken::new(),
        }
    }

    /// Cancelled when one more was taken back than may be.
    pub(super) fn spent(&self) -> CancellationToken {
        self.spent.clone()
    }

    /// Answers, and counts when the answer is dropped before its end: that is what a reset does.
    pub(super) fn watch<F: Future>(&self, answer: F) -> impl Future<Output = F::Output> + use<F> {
        let begun = Begun {
            budget: self.clone(),
            answered: false,
        };
        async move {
            let answer = answer.await;
            begun.ended();
            answer
        }
    }

    /// The body of a request, watched likewise.
    pub(super) fn body<B>(&self, body: B) -> Watched<B> {
        Watched {
            body,
            budget: self.clone(),
        }
    }

    fn taken_back(&self) {
        let left = |left: u32| left.checked_sub(1);
        let taken = self
            .left
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, left);
        if taken.is_err() {
            self.spent.cancel();
        }
    }
}

/// A body that counts when it breaks off.
pub(super) struct Watched<B> {
    body: B,
    budget: Budget,
}

impl<B: Body + Unpin> Body for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Err(_))) = &polled {
            self.budget.taken_back();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request that is being answered.
struct Begun {
    budget: Budget,
    answered: bool,
}

impl Begun {
    fn ended(mut self) {
        self.answered = true;
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if !self.answered {
            self.budget.taken_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A106: answered requests cost nothing; one more than may be taken back ends the connection.
    #[tokio::test]
    async fn only_what_is_taken_back_counts() {
        let budget = Budget::new(2);
        for _ in 0..10 {
            budget.watch(async {}).await;
        }
        drop(budget.watch(async {}));
        drop(budget.watch(std::future::pending::<()>()));
        assert!(!budget.spent().is_cancelled());
        drop(budget.watch(async {}));
        assert!(budget.spent().is_cancelled());
    }
}
