//! Durable work: outbox, leases, backoff, dead letters.
//!
//! Every effect that leaves the process is a row first. [`enqueue`] writes it in the caller's transaction,
//! so it exists exactly if the cause does; a [`Runner`] carries it out:
//!
//! ```text
//! queued ──lease──> leased ──handler──> done
//!    ^                │  │
//!    └──── again ─────┘  └── never, or out of tries ──> dead
//! ```
//!
//! - A lease that its runner does not renew ends, and the job is due again: a killed server loses nothing.
//!   The dead server may have done the work already, so handlers bear being repeated.
//! - Payloads are sealed, and gone as soon as a job is finished, however it ended.
//! - Kinds do not wait for each other: each has its own places, and one stuck gateway blocks its own kind.
//! - A kind that this program does not know is left to a newer one, with a warning.

mod backoff;
mod handler;
mod job;
mod look;
mod periodic;
mod runner;
mod settle;
mod sql;
mod sweep;
mod work;

pub use job::{BUCKETS, Handler, Job, JobError, Lease, PAYLOAD_MAX, Periodic, When, enqueue};
pub use look::{Counts, counts};
pub use runner::{Runner, RunnerSettings, Running, STOP_TIME, Wake};
pub use sql::ALL as STATEMENTS;
