//! Identity shown: pages and JSON.
//!
//! `acts` holds the commands both faces share; `pages` parses forms and renders views; `api` is the same as
//! JSON; `views` are the typed contexts of the templates.

pub mod acts;
pub mod api;
mod looks;
pub mod pages;
pub mod state;
pub mod views;

pub use pages::{codes, common, pages};
pub use state::State;
