//! Identity shown: pages and JSON.
