//! Recovery decided: no input or output, no clock, no chance of its own.
//!
//! | to find | look in |
//! |---|---|
//! | where a case stands and what may happen to it next | `case` |
//! | the number of a case, as it is told to a person | `number` |
//! | how many cases may be started | `limits` |
//! | what the claimant tells | `facts`, `typed` |

pub mod case;
pub mod facts;
pub mod limits;
pub mod number;
pub mod typed;

pub use case::{Proof, Proofs, State, Step};
pub use facts::Facts;
pub use number::CaseNumber;
