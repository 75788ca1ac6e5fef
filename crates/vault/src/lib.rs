//! Encryption per account, blind indexes and the keys behind them.
//!
//! ```text
//! key file ── master keys (rotate) ──wrap──> data key of each account ──seal──> personal data
//!         └── lasting secret (never changes, wrapped by the master)
//!              ├─ blind index   finds a phone or an e-mail without showing it
//!              ├─ code MAC      codes are stored only under it
//!              ├─ pepper        for slow hashes of chosen secrets
//!              └─ signing       signs the heads of the audit log
//!         └── system keys (a new one at each rotation) ──seal──> job payloads and the like
//! ```
//!
//! - Everything sealed is AES-256-GCM-SIV (RFC 8452) with a random 96-bit nonce; its associated
//!   data names the purpose and the account, so a value moved to another column or another
//!   person does not open.
//! - Destroying the wrapped data key of an account erases the person (DE-2).
//! - Nothing here prints a secret: `Debug` of every type is redacted or public by nature.
//! - There is no plaintext fallback: what cannot be opened is an error (F19).

mod aead;
mod chance;
mod data_key;
mod derive;
mod device;
mod error;
mod hasher;
mod key_file;
mod key_text;
mod opened;
mod ring;
mod sign;
mod slow;
mod token;
mod vault;

pub use aead::SEAL_OVERHEAD;
pub use chance::OsChance;
pub use data_key::{DataKey, WrappedKey};
pub use derive::{same, token_hash};
pub use device::{DEVICE_KEY_BYTES, DEVICE_SIGNATURE_BYTES, device_signed};
pub use error::VaultError;
pub use hasher::{Crowd, Hasher, Overloaded, Place, Typed, Verdict};
pub use key_file::{KeyFile, KeyFileError};
pub use opened::{Opened, Pepper};
pub use ring::{KeyId, KeyIdError, KeyRing, MasterKeys, RetireError, WrappedSecrets};
pub use sign::{PublicKey, PublicKeyError, SIGNATURE_BYTES, Signature};
pub use slow::{Cost, CostError, Phc};
pub use token::{Token, TokenError};
pub use vault::{BlindIndex, Vault};
