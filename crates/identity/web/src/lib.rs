//! Identity shown: pages and JSON.

pub mod views;
