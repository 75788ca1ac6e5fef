//! The vault: what the rest of the house asks.

use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use kernel::{AccountId, Chance, Timestamp};
use zeroize::Zeroizing;

use crate::aead::{self, Bound};
use crate::derive::{Key32, derive, mac};
use crate::ring::{context_account, context_lasting, context_system};
use crate::sign::{PublicKey, Signature, sign};
use crate::{
    DataKey, KeyFile, KeyFileError, KeyId, KeyRing, MasterKeys, Opened, Pepper, VaultError,
    WrappedKey, WrappedSecrets,
};

/// Keys in use. Cheap to clone; the keys are wiped when the last clone goes.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    masters: Arc<dyn MasterKeys>,
    index: Key32,
    code: Key32,
    pepper: Key32,
    signing: SigningKey,
    /// The current one last; never empty.
    system: Vec<(KeyId, Key32)>,
    chance: Arc<dyn Chance>,
}

/// What a phone, an e-mail or a document is found by: the same for the same value, and says
/// nothing of it without the key file. Not printed: it singles a person out all the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlindIndex([u8; 32]);

impl BlindIndex {
    /// From the bytes of the database.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes for the database.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Deref for BlindIndex {
    type Target = [u8; 32];

    fn deref(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<BlindIndex> for [u8; 32] {
    fn from(index: BlindIndex) -> Self {
        index.0
    }
}

impl fmt::Debug for BlindIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlindIndex(…)")
    }
}

impl Vault {
    /// The vault of the key file at `path`.
    pub fn open(path: &Path, chance: Arc<dyn Chance>) -> Result<Self, KeyFileError> {
        KeyFile::open(path)?.vault(chance)
    }

    /// The vault of a key ring in memory.
    pub fn of_ring(ring: &KeyRing, chance: Arc<dyn Chance>) -> Result<Self, VaultError> {
        let masters = Arc::new(ring.file_masters(Arc::clone(&chance))?);
        Self::with_masters(masters, &ring.secrets, chance)
    }

    /// A vault whose keys die with it, for tests.
    pub fn ephemeral(chance: Arc<dyn Chance>) -> Result<Self, VaultError> {
        Self::of_ring(&KeyRing::generate(Timestamp::EPOCH, &*chance), chance)
    }

    /// The vault over any source of master keys, such as a key service.
    pub fn with_masters(
        masters: Arc<dyn MasterKeys>,
        secrets: &WrappedSecrets,
        chance: Arc<dyn Chance>,
    ) -> Result<Self, VaultError> {
        let open = |context: &[u8], wrapped: &WrappedKey| {
            let (master, blob) = wrapped.parts()?;
            masters.unwrap(master, context, blob)
        };
        let lasting = open(&context_lasting(), &secrets.lasting)?;
        let mut system = Vec::new();
        for (id, wrapped) in &secrets.system {
            system.push((*id, open(&context_system(*id), wrapped)?));
        }
        if system.is_empty() {
            return Err(VaultError::Malformed);
        }
        let seed = derive(&lasting, "kabinet v1 audit signing");
        Ok(Self(Arc::new(Inner {
            index: derive(&lasting, "kabinet v1 blind index"),
            code: derive(&lasting, "kabinet v1 code mac"),
            pepper: derive(&lasting, "kabinet v1 pepper"),
            signing: SigningKey::from_bytes(&seed),
            system,
            masters,
            chance,
        })))
    }

    /// Seals a value that belongs to no account, such as the payload of a job, for one purpose.
    pub fn seal_system(&self, purpose: &str, plain: &[u8]) -> Vec<u8> {
        let Some((id, key)) = self.0.system.last() else {
            unreachable!("a vault is made with at least one system key");
        };
        aead::seal(key, *id, &system_bound(purpose), plain, &*self.0.chance)
    }

    /// Opens what [`Vault::seal_system`] made for the same purpose, also before a rotation.
    pub fn open_system(&self, purpose: &str, sealed: &[u8]) -> Result<Opened, VaultError> {
        let named = aead::key_of(sealed)?;
        let (id, key) = self
            .0
            .system
            .iter()
            .find(|(id, _)| *id == named)
            .ok_or(VaultError::UnknownKey(named))?;
        aead::open(key, *id, &system_bound(purpose), sealed)
    }

    /// A new random data key for an account, wrapped by the current master.
    pub fn new_data_key(&self, account: AccountId) -> Result<WrappedKey, VaultError> {
        self.wrap(account, &Zeroizing::new(self.0.chance.bytes()))
    }

    /// Opens an account's data key. Refuses the key of another account.
    pub fn unwrap(&self, account: AccountId, wrapped: &WrappedKey) -> Result<DataKey, VaultError> {
        let (master, blob) = wrapped.parts()?;
        let key = self
            .0
            .masters
            .unwrap(master, &context_account(&account), blob)?;
        Ok(DataKey::new(key, account, Arc::clone(&self.0.chance)))
    }

    /// The master under which new data keys are wrapped.
    pub fn current_master(&self) -> KeyId {
        self.0.masters.current()
    }

    /// The masters that are here only for what they wrapped before.
    pub fn old_masters(&self) -> Vec<KeyId> {
        self.0.masters.old()
    }

    /// Whether the data key is wrapped by another master than the current one.
    pub fn needs_rewrap(&self, wrapped: &WrappedKey) -> bool {
        wrapped.master() != Ok(self.0.masters.current())
    }

    /// The same data key wrapped by the current master. What it sealed stays readable.
    pub fn rewrap(
        &self,
        account: AccountId,
        wrapped: &WrappedKey,
    ) -> Result<WrappedKey, VaultError> {
        self.wrap(account, self.unwrap(account, wrapped)?.secret())
    }

    /// What a value is found by: HMAC-SHA256 of its kind (`phone`, `email`, `passport`…) and its
    /// canonical text. The caller makes the text canonical (A52).
    pub fn index(&self, kind: &str, canonical: &str) -> BlindIndex {
        BlindIndex(mac(&self.0.index, &[kind.as_bytes(), canonical.as_bytes()]))
    }

    /// What is kept of a code: HMAC-SHA256 under the server's key with a salt of its own, for
    /// example the id of its challenge (A18). Compare with [`same`](crate::same).
    pub fn code_mac(&self, salt: &[u8], code: &str) -> [u8; 32] {
        mac(&self.0.code, &[salt, code.as_bytes()])
    }

    /// The server's share of password hashes.
    pub fn pepper(&self) -> Pepper {
        Pepper(self.0.pepper.clone())
    }

    /// Signs a message for one purpose (Ed25519).
    pub fn sign(&self, purpose: &str, message: &[u8]) -> Signature {
        sign(&self.0.signing, purpose, message)
    }

    /// The key that checks [`Vault::sign`]. It stays the same through rotations, and names the
    /// key file: another file has another one.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::of(&self.0.signing)
    }

    fn wrap(&self, account: AccountId, key: &[u8; 32]) -> Result<WrappedKey, VaultError> {
        let (master, blob) = self.0.masters.wrap(&context_account(&account), key)?;
        Ok(WrappedKey::from_parts(master, &blob))
    }
}

fn system_bound(purpose: &str) -> Bound<'_> {
    Bound {
        purpose,
        subject: &[],
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault(master {})", self.0.masters.current())
    }
}
