//! Whole-product tests: a real process, a real browser.
#![expect(
    clippy::disallowed_methods,
    reason = "tests wait for a real process by the real clock"
)]

pub mod alike;
pub mod carriers;
pub mod demo;
pub mod samples;
pub mod site;
pub mod walk;
pub mod wire;

/// Every registered statement of the product, for the tests that read, prepare and explain them.
pub fn statements() -> Vec<&'static db::Statement> {
    [
        db::Db::statements(),
        audit::STATEMENTS.to_vec(),
        identity_service::statements(),
        jobs::STATEMENTS.to_vec(),
        notify::statements(),
        recovery_service::statements(),
    ]
    .concat()
}
