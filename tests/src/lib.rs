//! Whole-product tests: a real process, a real browser.
