//! What every use case of identity has at hand besides its transaction.

use std::sync::Arc;

use identity_core::Policy;
use kernel::{AccountId, Chance, Email, Identifier, Phone};
use vault::{Hasher, Overloaded, Vault, VaultError};

use crate::breaker::Breaker;

/// The surroundings of a use case. Cheap to clone.
#[derive(Clone)]
pub struct Env {
    /// Keys.
    pub vault: Vault,
    /// Slow hashes of chosen secrets; never inside a transaction.
    pub hasher: Hasher,
    /// Chance.
    pub chance: Arc<dyn Chance>,
    /// Limits.
    pub policy: Arc<Policy>,
    /// What the installation as a whole has spent and seen fail.
    pub breaker: Arc<Breaker>,
    /// Where links lead: `https://host`, from the configuration and never from a request (A34).
    pub origin: Arc<str>,
    /// Version of the consent text in force.
    pub consent_version: Arc<str>,
}

/// Why a use case failed, apart from what it answers.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The database.
    #[error(transparent)]
    Db(#[from] db::DbError),
    /// A key is missing or something sealed does not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Too many slow hashes are waiting: come back in a moment (A109).
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// The session ended while it was asking (I6).
    #[error("the session is over")]
    SessionOver,
    /// Our own data is not what it must be.
    #[error("inconsistent data: {0}")]
    Inconsistent(&'static str),
}

/// The blind index of an identifier: what rows about it are found by.
pub type Subject = [u8; 32];

impl Env {
    /// The blind index of an identifier.
    pub fn subject(&self, identifier: &Identifier) -> Subject {
        *self
            .vault
            .index(identifier.kind(), &identifier.index_form())
            .as_bytes()
    }

    /// The keyed hash under which something without an account is counted.
    pub(crate) fn scope(&self, kind: &str, value: &str) -> [u8; 32] {
        *self.vault.index(kind, value).as_bytes()
    }

    /// Seals an identifier that has no account yet.
    pub(crate) fn seal_identifier(&self, identifier: &Identifier) -> Vec<u8> {
        self.vault.seal_system(FLOW, encode(identifier).as_bytes())
    }

    /// Opens what [`Env::seal_identifier`] made.
    pub(crate) fn open_identifier(&self, sealed: &[u8]) -> Result<Identifier, ServiceError> {
        decode(self.vault.open_system(FLOW, sealed)?.text()?)
    }
}

const FLOW: &str = "identity.flow";

pub(crate) fn encode(identifier: &Identifier) -> String {
    format!("{}:{}", identifier.kind(), identifier.as_str())
}

pub(crate) fn decode(text: &str) -> Result<Identifier, ServiceError> {
    let wrong = ServiceError::Inconsistent("a sealed identifier");
    match text.split_once(':') {
        Some(("phone", value)) => Phone::parse(value)
            .map(Identifier::Phone)
            .map_err(|_| wrong),
        Some(("email", value)) => Email::parse(value)
            .map(Identifier::Email)
            .map_err(|_| wrong),
        _ => Err(wrong),
    }
}

/// An account id from a row.
pub(crate) fn account_id(row: &db::Row, column: usize) -> Result<AccountId, db::DbError> {
    AccountId::from_bytes(&row.array::<16>(column)?).map_err(|_| row.wrong(column, "not an id"))
}
