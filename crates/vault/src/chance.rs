//! The operating system's random source.

use kernel::Chance;

/// Random bytes of the operating system (`getrandom`), the only source used in production.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsChance;

impl Chance for OsChance {
    /// Fills `bytes` with unpredictable bytes.
    ///
    /// # Panics
    /// When the operating system has no random source. Going on with predictable keys and codes
    /// would be worse than stopping, and there is no caller who could mend it.
    fn fill(&self, bytes: &mut [u8]) {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the source of the chance that is passed in everywhere else"
        )]
        let filled = getrandom::fill(bytes);
        assert!(
            filled.is_ok(),
            "the operating system has no random source: refusing to make predictable keys"
        );
    }
}
