//! Whole-product tests: a real process, a real browser.

/// Every registered statement of the product, for the tests that read, prepare and explain them.
pub fn statements() -> Vec<&'static db::Statement> {
    [db::Db::statements()].concat()
}
