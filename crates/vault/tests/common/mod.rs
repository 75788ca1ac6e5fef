//! What the tests share.
#![allow(
    clippy::allow_attributes,
    dead_code,
    reason = "each test file uses its own part"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::{AccountId, Chance, Timestamp};
use vault::Vault;

/// SplitMix64: repeatable, for tests only.
pub struct Seeded(AtomicU64);

impl Seeded {
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(seed)))
    }
}

impl Chance for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let step = 0x9E37_79B9_7F4A_7C15_u64;
            let mut z = self.0.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
        }
    }
}

pub fn vault(seed: u64) -> Vault {
    Vault::ephemeral(Seeded::new(seed)).unwrap()
}

pub fn account(seed: u64) -> AccountId {
    AccountId::new(Timestamp::EPOCH, &*Seeded::new(seed ^ 0xacc0))
}

pub const NOW: Timestamp = Timestamp::from_micros(1_763_781_234_000_000);
