//! The keys of an installation: masters that rotate, and what they wrap.

use std::fmt;
use std::str::FromStr;

use kernel::{AccountId, Chance, Timestamp};
use zeroize::Zeroizing;

use crate::aead::{self, Bound};
use crate::derive::{Key32, derive};
use crate::{VaultError, WrappedKey};

/// The name of a key: four random bytes, shown as eight hexadecimal digits. Not a secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KeyId::BYTES]);

impl KeyId {
    /// The length of a key's name, in bytes.
    pub const BYTES: usize = 4;

    /// The name as it stands in sealed values.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The name as it stands in sealed values.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    pub(crate) fn random(chance: &dyn Chance) -> Self {
        Self(chance.bytes())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A text that does not name a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a key is 8 hexadecimal digits")]
pub struct KeyIdError;

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let mut id = [0; Self::BYTES];
        hex::decode_to_slice(text, &mut id).map_err(|_| KeyIdError)?;
        Ok(Self(id))
    }
}

/// Where master keys live: the key file here, a key service (KMS, PKCS#11) elsewhere.
///
/// Called from within transactions, so it must not wait on a network: an implementation over a
/// key service fetches its wrapping keys at start and answers from memory.
pub trait MasterKeys: Send + Sync {
    /// The master under which new data keys are wrapped.
    fn current(&self) -> KeyId;

    /// The masters that only open what they wrapped before.
    fn old(&self) -> Vec<KeyId>;

    /// Wraps a key under the current master. The answer names the master used, and opens only
    /// with the same `context`.
    fn wrap(&self, context: &[u8], key: &[u8; 32]) -> Result<(KeyId, Vec<u8>), VaultError>;

    /// Unwraps a key that was wrapped under `master`.
    ///
    /// # Errors
    /// `UnknownKey` when the master is not here, `Refused` when the bytes were changed or the
    /// context is another one, `Unavailable` when the service does not answer.
    fn unwrap(
        &self,
        master: KeyId,
        context: &[u8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, VaultError>;
}

/// One master key of the key file.
pub(crate) struct Master {
    pub id: KeyId,
    pub created: Timestamp,
    pub secret: Key32,
}

impl Master {
    fn wrapping(&self) -> Key32 {
        derive(&self.secret, "kabinet v1 wrapping")
    }
}

/// The installation's own secrets, wrapped by a master. Kept in the key file.
#[derive(Clone)]
pub struct WrappedSecrets {
    /// The secret behind blind indexes, code MACs, the pepper and the signing key. It stays the
    /// same for the life of the installation: phones could not be found under another one.
    pub lasting: WrappedKey,
    /// The keys of system sealing, the current one last.
    pub system: Vec<(KeyId, WrappedKey)>,
}

/// What a key file holds, in memory.
pub struct KeyRing {
    pub(crate) generation: u32,
    /// The current one last; never empty.
    pub(crate) masters: Vec<Master>,
    pub(crate) secrets: WrappedSecrets,
}

/// Why an old master was not retired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RetireError {
    /// The master is the current one.
    #[error("master key {0} is the current one: rotate first")]
    Current(KeyId),
    /// No such master.
    #[error("the key file holds no master key {0}")]
    Unknown(KeyId),
    /// Accounts' keys are still wrapped by it: without it these accounts could never be read.
    #[error("{count} data keys are still wrapped by master key {id}: rewrap them first")]
    StillInUse {
        /// The master.
        id: KeyId,
        /// How many data keys were counted.
        count: u64,
    },
}

impl KeyRing {
    /// A ring with fresh random keys, of generation 1.
    pub fn generate(now: Timestamp, chance: &dyn Chance) -> Self {
        let master = fresh_master(&[], now, chance);
        let lasting = wrap_with(&master, &context_lasting(), &chance.bytes(), chance);
        let system = fresh_system(&[], &master, chance);
        Self {
            generation: 1,
            masters: vec![master],
            secrets: WrappedSecrets {
                lasting,
                system: vec![system],
            },
        }
    }

    /// How many times the file was made or rotated.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The masters, oldest first, with the moment each was made. The last is the current one.
    pub fn masters(&self) -> impl Iterator<Item = (KeyId, Timestamp)> + '_ {
        self.masters
            .iter()
            .map(|master| (master.id, master.created))
    }

    /// The next generation: a new master and a new system key; the lasting secret and the old
    /// system keys are wrapped anew. Old masters stay until [`KeyRing::retire`].
    ///
    /// # Errors
    /// When this ring cannot open its own secrets.
    pub(crate) fn rotated(&self, now: Timestamp, chance: &dyn Chance) -> Result<Self, VaultError> {
        let master = fresh_master(&self.masters, now, chance);
        let context = context_lasting();
        let lasting = wrap_with(
            &master,
            &context,
            &*self.open(&context, &self.secrets.lasting)?,
            chance,
        );
        let mut system = Vec::new();
        for (id, wrapped) in &self.secrets.system {
            let context = context_system(*id);
            let key = self.open(&context, wrapped)?;
            system.push((*id, wrap_with(&master, &context, &key, chance)));
        }
        system.push(fresh_system(&system, &master, chance));
        let mut masters: Vec<Master> = self.masters.iter().map(copy).collect();
        masters.push(master);
        Ok(Self {
            generation: self.generation.saturating_add(1),
            masters,
            secrets: WrappedSecrets { lasting, system },
        })
    }

    /// The next generation, without the old master `id`. `still_wrapped` is how many data keys
    /// of accounts the caller counted under it.
    pub(crate) fn retired(&self, id: KeyId, still_wrapped: u64) -> Result<Self, RetireError> {
        if self.current().is_some_and(|current| current.id == id) {
            return Err(RetireError::Current(id));
        }
        if !self.masters.iter().any(|master| master.id == id) {
            return Err(RetireError::Unknown(id));
        }
        if still_wrapped > 0 {
            return Err(RetireError::StillInUse {
                id,
                count: still_wrapped,
            });
        }
        Ok(Self {
            generation: self.generation.saturating_add(1),
            masters: self
                .masters
                .iter()
                .filter(|master| master.id != id)
                .map(copy)
                .collect(),
            secrets: self.secrets.clone(),
        })
    }

    fn current(&self) -> Option<&Master> {
        self.masters.last()
    }

    fn open(&self, context: &[u8], wrapped: &WrappedKey) -> Result<Key32, VaultError> {
        let (id, blob) = wrapped.parts()?;
        let master = self
            .masters
            .iter()
            .find(|master| master.id == id)
            .ok_or(VaultError::UnknownKey(id))?;
        unwrap_with(&master.wrapping(), id, context, blob)
    }

    /// The masters in the form the vault asks.
    pub(crate) fn file_masters(
        &self,
        chance: std::sync::Arc<dyn Chance>,
    ) -> Result<FileMasters, VaultError> {
        let current = self.current().ok_or(VaultError::Malformed)?.id;
        Ok(FileMasters {
            current,
            wrapping: self
                .masters
                .iter()
                .map(|master| (master.id, master.wrapping()))
                .collect(),
            chance,
        })
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("generation", &self.generation)
            .field("masters", &self.masters().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WrappedSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrappedSecrets(…)")
    }
}

/// The masters of a key file.
pub(crate) struct FileMasters {
    current: KeyId,
    wrapping: Vec<(KeyId, Key32)>,
    chance: std::sync::Arc<dyn Chance>,
}

impl FileMasters {
    fn key(&self, id: KeyId) -> Result<&Key32, VaultError> {
        self.wrapping
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, key)| key)
            .ok_or(VaultError::UnknownKey(id))
    }
}

impl MasterKeys for FileMasters {
    fn current(&self) -> KeyId {
        self.current
    }

    fn old(&self) -> Vec<KeyId> {
        let all = self.wrapping.iter().map(|(id, _)| *id);
        all.filter(|id| *id != self.current).collect()
    }

    fn wrap(&self, context: &[u8], key: &[u8; 32]) -> Result<(KeyId, Vec<u8>), VaultError> {
        let wrapping = self.key(self.current)?;
        let blob = seal_key(wrapping, self.current, context, key, &*self.chance);
        Ok((self.current, blob))
    }

    fn unwrap(
        &self,
        master: KeyId,
        context: &[u8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        unwrap_with(self.key(master)?, master, context, wrapped)
    }
}

/// What binds the lasting secret to its place.
pub(crate) fn context_lasting() -> Vec<u8> {
    b"lasting".to_vec()
}

/// What binds a system key to its name.
pub(crate) fn context_system(id: KeyId) -> Vec<u8> {
    [b"system".as_slice(), id.as_bytes()].concat()
}

/// What binds a data key to its account.
pub(crate) fn context_account(account: &AccountId) -> Vec<u8> {
    [b"account".as_slice(), account.as_bytes()].concat()
}

fn seal_key(
    wrapping: &[u8; 32],
    master: KeyId,
    context: &[u8],
    key: &[u8; 32],
    chance: &dyn Chance,
) -> Vec<u8> {
    let bound = Bound {
        purpose: "wrap",
        subject: context,
    };
    aead::seal(wrapping, master, &bound, key, chance)
}

fn wrap_with(master: &Master, context: &[u8], key: &[u8; 32], chance: &dyn Chance) -> WrappedKey {
    let blob = seal_key(&master.wrapping(), master.id, context, key, chance);
    WrappedKey::from_parts(master.id, &blob)
}

fn unwrap_with(
    wrapping: &[u8; 32],
    master: KeyId,
    context: &[u8],
    blob: &[u8],
) -> Result<Key32, VaultError> {
    let bound = Bound {
        purpose: "wrap",
        subject: context,
    };
    let opened = aead::open(wrapping, master, &bound, blob)?;
    let key: &[u8; 32] = opened
        .first_chunk()
        .filter(|_| opened.len() == 32)
        .ok_or(VaultError::Malformed)?;
    Ok(Zeroizing::new(*key))
}

fn fresh_master(taken: &[Master], now: Timestamp, chance: &dyn Chance) -> Master {
    Master {
        id: fresh_id(|id| taken.iter().any(|master| master.id == id), chance),
        created: now,
        secret: Zeroizing::new(chance.bytes()),
    }
}

fn fresh_system(
    taken: &[(KeyId, WrappedKey)],
    master: &Master,
    chance: &dyn Chance,
) -> (KeyId, WrappedKey) {
    let id = fresh_id(|id| taken.iter().any(|(other, _)| *other == id), chance);
    let key = Zeroizing::new(chance.bytes());
    (id, wrap_with(master, &context_system(id), &key, chance))
}

/// Names are short, so a name already taken is drawn again.
fn fresh_id(taken: impl Fn(KeyId) -> bool, chance: &dyn Chance) -> KeyId {
    loop {
        let id = KeyId::random(chance);
        if !taken(id) {
            return id;
        }
    }
}

fn copy(master: &Master) -> Master {
    Master {
        id: master.id,
        created: master.created,
        secret: master.secret.clone(),
    }
}
