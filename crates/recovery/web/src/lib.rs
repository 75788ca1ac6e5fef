//! Recovery shown: pages and JSON.
//!
//! `acts` holds the commands both faces share; `pages` parses forms and renders views; `api` is the same as JSON;
//! `views` are the typed contexts of the templates.

mod acts;
pub mod api;
mod pages;
mod typed;
pub mod views;

pub use pages::pages;
