//! Named points at which a test kills the process, to see that what was answered survives (F1).
//!
//! Compiled only with the feature `failpoints`; without it [`point`] is empty. A point's name is the
//! transaction's name and the place: `sign_in.verify/after_commit`.

#[cfg(feature = "failpoints")]
mod enabled {
    use std::sync::{
        OnceLock,
        atomic::{AtomicI64, Ordering},
    };

    static ARMED: OnceLock<(String, AtomicI64)> = OnceLock::new();

    /// Arms the point `name`; the process aborts when it is passed for the `pass`-th time, from 1.
    pub fn arm(name: &str, pass: i64) {
        drop(ARMED.set((name.to_owned(), AtomicI64::new(pass))));
    }

    /// Aborts here when armed: no destructor runs and no buffer is flushed, like `kill -9`.
    pub fn point(transaction: &str, place: &str) {
        let Some((name, left)) = ARMED.get() else {
            return;
        };
        let here = name
            .split_once('/')
            .is_some_and(|(t, p)| t == transaction && p == place);
        if here && left.fetch_sub(1, Ordering::AcqRel) == 1 {
            std::process::abort();
        }
    }
}

#[cfg(feature = "failpoints")]
pub use enabled::{arm, point};

/// Nothing, in a build without the feature.
#[cfg(not(feature = "failpoints"))]
pub fn point(_transaction: &str, _place: &str) {}
