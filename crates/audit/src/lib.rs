//! The append-only log of every action on an account (SU-6), chained by hashes so that nobody, the owner of
//! the database included, can change the past unseen.
//!
//! - [`append`] writes an entry in the transaction of the action itself, as its last statements: it locks the
//!   head of one of 64 buckets, and whoever holds that lock should have nothing left to do but commit.
//! - [`seal_now`] signs the heads of all buckets once a minute and appends the signed line to a file outside
//!   the database. What was sealed can be neither cut off nor replaced by another history (A104).
//! - [`verify`] reads everything again and names the first bad row; [`export`] writes what an auditor needs to
//!   do the same without the database ([`verify_export`]).
//!
//! Personal details (address, device) are sealed under the account's data key, and the chain is over the
//! sealed bytes: erasing a person (DE-2) leaves the chain whole.
//!
//! On a database server give the program's role no more than this, so that even a hole in the program cannot
//! rewrite the log: `GRANT SELECT, INSERT ON audit_entry, audit_seal; GRANT SELECT, INSERT, UPDATE ON
//! audit_head, audit_sealed`.

pub mod action;
pub mod chain;
mod check;
mod entry;
mod export;
mod log;
mod report;
mod seal;
mod seal_file;
mod seal_job;
mod sql;
mod verify;

pub use action::Action;
pub use entry::{Actor, ActorError, Details, DetailsError, Entry, SealedDetails, StaffId};
pub use export::{ExportError, Scope, export, verify_export};
pub use log::{HISTORY_MAX, Item, append, append_all, history};
pub use report::{Place, Problem, Report, What};
pub use seal::{Head, Seal, SealTextError};
pub use seal_file::{SealFileError, read_seals};
pub use seal_job::{SealError, check_key, export_seals, seal, seal_now};
pub use sql::ALL as STATEMENTS;
pub use sql::ONLY_ADDED;
pub use verify::{VerifyError, verify};
