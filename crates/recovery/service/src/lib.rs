//! Recovery done: use cases with their SQL. Each is one function over a transaction.
//!
//! | to find | look in |
//! |---|---|
//! | a case as a row: reading, locking, which browser works on it | `case` |
//! | starting one, and telling the owner | `start` |
//! | binding the phone to be used | `phone` |
//! | what the claimant tells | `facts` |
//! | coming back by number and code | `resume` |
//! | the owner's stop | `stop` |
//! | forgetting, after a restored backup, new master keys | `upkeep` |
//!
//! Rows are locked in the order of identity, then holder, case, number, seat. Where a case and its account are both
//! locked, the account comes first.

pub mod case;
pub mod facts;
pub mod phone;
pub mod resume;
pub mod start;
pub mod stop;
pub mod upkeep;

/// Every statement of this area, for the test that prepares them on both engines.
pub fn statements() -> Vec<&'static db::Statement> {
    [case::sql::ALL, upkeep::sql::ALL].concat()
}
