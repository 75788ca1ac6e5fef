//! Pages of identity: typed contexts and their templates.
//!
//! Every page is a struct with the shell `p` and its own data, and lists sample
//! values; `tests/pages.rs` renders all of them in every language.

pub mod code;
pub mod events;
pub mod home;
pub mod security;
pub mod sign_in;
