//! Data keys: one per account, and the end of a person when destroyed.

use std::fmt;
use std::sync::Arc;

use kernel::{AccountId, Chance};

use crate::aead::{self, Bound, VERSION};
use crate::derive::{Key32, derive};
use crate::{KeyId, Opened, VaultError};

/// An account's data key as it stands in the database: wrapped by a master key, useless without
/// the key file. Deleting it erases the account's personal data (DE-2).
///
/// Version byte, id of the master (4 bytes), then what the master made (65 bytes by the key
/// file). 70 bytes in all by the key file.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKey(Vec<u8>);

impl WrappedKey {
    /// From the bytes of the database. Whether they are sound shows when they are unwrapped.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes for the database.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The master key it is wrapped by.
    pub fn master(&self) -> Result<KeyId, VaultError> {
        self.parts().map(|(id, _)| id)
    }

    /// Between which bytes every key lies that `master` wrapped: from the first (inclusive) to the second
    /// (exclusive). A wrapped key begins with the name of its master, so those of one stand together in an
    /// index.
    pub fn range_of(master: KeyId) -> (Vec<u8>, Vec<u8>) {
        let from = [&[VERSION], master.as_bytes().as_slice()].concat();
        let next = u64::from_be_bytes(padded(&from)).saturating_add(1);
        let [.., a, b, c, d, e] = next.to_be_bytes();
        (from, vec![a, b, c, d, e])
    }

    pub(crate) fn from_parts(master: KeyId, blob: &[u8]) -> Self {
        Self([&[VERSION], master.as_bytes().as_slice(), blob].concat())
    }

    pub(crate) fn parts(&self) -> Result<(KeyId, &[u8]), VaultError> {
        let (version, rest) = self.0.split_first().ok_or(VaultError::Malformed)?;
        if *version != VERSION {
            return Err(VaultError::Malformed);
        }
        let (id, blob) = rest.split_first_chunk().ok_or(VaultError::Malformed)?;
        Ok((KeyId::from_bytes(*id), blob))
    }
}

/// Five bytes as the end of eight.
fn padded(bytes: &[u8]) -> [u8; 8] {
    let mut padded = [0; 8];
    for (to, from) in padded.iter_mut().rev().zip(bytes.iter().rev()) {
        *to = *from;
    }
    padded
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrappedKey(…)")
    }
}

/// An account's data key, open. Wiped when dropped; never leaves the process.
pub struct DataKey {
    key: Key32,
    id: KeyId,
    account: AccountId,
    chance: Arc<dyn Chance>,
}

impl DataKey {
    pub(crate) fn new(key: Key32, account: AccountId, chance: Arc<dyn Chance>) -> Self {
        // The name comes from the key itself, so that nothing more has to be stored and a value
        // of an earlier key of the account is told from a damaged one.
        let [a, b, c, d, ..] = *derive(&key, "kabinet v1 name of a data key");
        let id = KeyId::from_bytes([a, b, c, d]);
        Self {
            key,
            id,
            account,
            chance,
        }
    }

    /// Seals a value of this account for one purpose, for example `profile.name`. The purpose is
    /// a stable name: the value opens only under the same one. Longer than `plain` by
    /// [`SEAL_OVERHEAD`](crate::SEAL_OVERHEAD) bytes.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Vec<u8> {
        aead::seal(
            &self.key,
            self.id,
            &self.bound(purpose),
            plain,
            &*self.chance,
        )
    }

    /// Opens what [`DataKey::seal`] made for the same account and purpose.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Opened, VaultError> {
        aead::open(&self.key, self.id, &self.bound(purpose), sealed)
    }

    /// Whose key it is.
    pub fn account(&self) -> AccountId {
        self.account
    }

    pub(crate) fn secret(&self) -> &[u8; 32] {
        &self.key
    }

    fn bound<'a>(&'a self, purpose: &'a str) -> Bound<'a> {
        Bound {
            purpose,
            subject: self.account.as_bytes(),
        }
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({}, {})", self.id, self.account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// F19: the range of a master holds its keys and those of no other.
        #[test]
        fn a_master_has_a_range_of_its_own(one in any::<[u8; 4]>(), other in any::<[u8; 4]>(), blob in any::<[u8; 65]>()) {
            let (from, to) = WrappedKey::range_of(KeyId::from_bytes(one));
            let inside = |id| {
                let key = WrappedKey::from_parts(KeyId::from_bytes(id), &blob);
                key.as_bytes() >= from.as_slice() && key.as_bytes() < to.as_slice()
            };
            prop_assert!(inside(one));
            prop_assert_eq!(inside(other), one == other);
        }
    }

    /// The last name there is has an end too.
    #[test]
    fn the_last_name_has_an_end() {
        let (from, to) = WrappedKey::range_of(KeyId::from_bytes([0xff; 4]));
        assert!(to > from && to == [VERSION + 1, 0, 0, 0, 0]);
    }
}
