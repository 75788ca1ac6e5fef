//! Speed and memory as ratios to a raw limit of the same run.
#![expect(
    clippy::disallowed_methods,
    reason = "a bench reads the real clock and starts its own callers"
)]

pub mod db;
