//! Requests that are taken back: begun, and reset by the peer before they are answered (A106).

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

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
