//! Randomness, passed in so that tests can repeat it.

/// A source of random bytes fit for secrets.
///
/// Passed in as `Arc<dyn Chance>`. In production it is the operating system's
/// generator; a test gives a seeded one. A source that cannot give bytes must
/// stop the process rather than return weak ones: there is no error here to
/// ignore.
pub trait Chance: Send + Sync {
    /// Fills the whole slice with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

impl<C: Chance + ?Sized> Chance for std::sync::Arc<C> {
    fn fill(&self, bytes: &mut [u8]) {
        (**self).fill(bytes);
    }
}

impl dyn Chance + '_ {
    /// `N` random bytes, such as a token of 32.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A number from 0 to `n - 1`, each equally likely. 0 when `n` is 0.
    pub fn below(&self, n: u32) -> u32 {
        // Numbers under 2^32 mod n are drawn again: keeping them would make
        // the small remainders likelier (NIST SP 800-90A, simple discard).
        // Less than half of all draws are thrown away, whatever n is.
        let Some(reject_under) = n.wrapping_neg().checked_rem(n) else {
            return 0;
        };
        loop {
            let drawn = u32::from_le_bytes(self.bytes());
            if drawn >= reject_under {
                return drawn.checked_rem(n).unwrap_or(0);
            }
        }
    }

    /// A code of `n` decimal digits, leading zeros kept, each code equally
    /// likely. It is a secret: wrap it in [`crate::code::OneTimeCode`] before
    /// it goes anywhere.
    pub fn digits(&self, n: usize) -> String {
        (0..n)
            .filter_map(|_| char::from_digit(self.below(10), 10))
            .collect()
    }
}

#[cfg(test)]
pub(crate) mod seeded {
    use super::Chance;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// SplitMix64 (Steele, Lea, Flood 2014): repeatable, for tests only.
    pub(crate) struct Seeded(AtomicU64);

    impl Seeded {
        pub(crate) fn new(seed: u64) -> Self {
            Self(AtomicU64::new(seed))
        }
    }

    impl Chance for Seeded {
        fn fill(&self, bytes: &mut [u8]) {
            const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
            for chunk in bytes.chunks_mut(8) {
                let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                z ^= z >> 31;
                chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::seeded::Seeded;
    use super::*;
    use proptest::prelude::*;
    use std::sync::Mutex;

    /// Gives out a prepared list of 32-bit numbers.
    struct Listed(Mutex<Vec<u32>>);
    impl Chance for Listed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0.lock().unwrap().remove(0).to_le_bytes());
        }
    }

    #[test]
    fn below_throws_the_biased_draws_away() {
        // 2^32 mod 10 = 6: 0 to 5 are drawn again, 6 is the first that counts.
        let listed = Listed(Mutex::new(vec![0, 5, 6, 4_294_967_295]));
        let chance: &dyn Chance = &listed;
        assert_eq!(chance.below(10), 6);
        assert_eq!(chance.below(10), 5);
        assert_eq!(chance.below(0), 0);
    }

    #[test]
    fn digits_are_spread_evenly() {
        let source = Seeded::new(7);
        let chance: &dyn Chance = &source;
        let mut seen = [0u32; 10];
        for digit in chance.digits(100_000).bytes() {
            seen[usize::from(digit - b'0')] += 1;
        }
        // Chi-squared with 9 degrees of freedom: over 27.9 once in a thousand.
        let off: f64 = seen
            .iter()
            .map(|&n| (f64::from(n) - 10_000.0).powi(2) / 10_000.0)
            .sum();
        assert!(off < 27.9, "chi-squared {off}, {seen:?}");
    }

    proptest! {
        #[test]
        fn below_is_below(seed: u64, n in 1u32..) {
            let source = Seeded::new(seed);
            let chance: &dyn Chance = &source;
            prop_assert!(chance.below(n) < n);
        }

        #[test]
        fn digits_are_digits_of_that_length(seed: u64, n in 0usize..20) {
            let source = Seeded::new(seed);
            let chance: &dyn Chance = &source;
            let code = chance.digits(n);
            prop_assert_eq!(code.len(), n);
            prop_assert!(code.bytes().all(|b| b.is_ascii_digit()));
        }
    }
}
