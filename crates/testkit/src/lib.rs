//! Test harness: clocks, chance, databases on both engines, a proxy that breaks connections,
//! a server process, a browser.
//!
//! Nothing here is part of the product. Helpers panic with a text that says what to do, because a
//! test has nobody to return an error to.
#![expect(
    clippy::disallowed_methods,
    reason = "the harness is where real time, the environment and processes come from in tests"
)]

#[cfg(feature = "passkeys")]
pub mod authenticator;
#[cfg(feature = "browser")]
pub mod browser;
pub mod chance;
pub mod clock;
pub mod engines;
pub mod postgres;
pub mod proxy;
mod retries;
pub mod server;
pub mod tools;
mod watcher;

pub use chance::SeededChance;
pub use clock::TestClock;
pub use db::Engine;
pub use engines::{TestDb, race};
pub use retries::retried;

/// A pool whose hashes cost next to nothing, for the tests of everything but the cost.
pub fn hasher(vault: &vault::Vault, chance: std::sync::Arc<dyn kernel::Chance>) -> vault::Hasher {
    let cost = vault::Cost::new(64, 1).expect("a small cost");
    let crowd = vault::Crowd::default();
    vault::Hasher::start(vault, chance, cost, crowd).expect("a thread")
}

/// A vault with keys of its own, the same in every test.
pub fn vault() -> vault::Vault {
    vault::Vault::ephemeral(SeededChance::new(2)).expect("fresh keys are good keys")
}
