//! Checks, generated files and benches, run as `cargo xtask`.
fn main() {}
