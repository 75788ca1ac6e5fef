//! What an entry says.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use kernel::{AccountId, SessionId, Visitor};
use serde::{Deserialize, Serialize};
use vault::{DataKey, Vault, VaultError};

use crate::Action;

kernel::id! {
    /// A member of staff.
    pub StaffId;
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The customer, signed in.
    Customer(AccountId),
    /// Somebody not signed in.
    Visitor,
    /// Kabinet by itself, such as a job.
    System,
    /// Whoever runs the installation, by the command line.
    Operator,
    /// A member of staff.
    Staff(StaffId),
}

/// An actor in the database that this program does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a known actor")]
pub struct ActorError;

impl Actor {
    /// The stable name of the kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Customer(_) => "customer",
            Self::Visitor => "visitor",
            Self::System => "system",
            Self::Operator => "operator",
            Self::Staff(_) => "staff",
        }
    }

    pub(crate) fn id(&self) -> Option<&[u8; 16]> {
        match self {
            Self::Customer(account) => Some(account.as_bytes()),
            Self::Staff(staff) => Some(staff.as_bytes()),
            Self::Visitor | Self::System | Self::Operator => None,
        }
    }

    pub(crate) fn read(kind: &str, id: Option<&[u8]>) -> Result<Self, ActorError> {
        match (kind, id) {
            ("customer", Some(id)) => AccountId::from_bytes(id)
                .map(Self::Customer)
                .map_err(|_| ActorError),
            ("staff", Some(id)) => StaffId::from_bytes(id)
                .map(Self::Staff)
                .map_err(|_| ActorError),
            ("visitor", None) => Ok(Self::Visitor),
            ("system", None) => Ok(Self::System),
            ("operator", None) => Ok(Self::Operator),
            _ => Err(ActorError),
        }
    }
}

/// The personal part of an entry: from where, with what, and a few facts. Kept only sealed, and not printed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// The address the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<IpAddr>,
    /// What the browser called itself; at most [`Details::AGENT_MAX`] bytes are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Facts by stable names, such as `channel` → `sms`. Never a code, a token or a password.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
}

/// Why sealed details cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DetailsError {
    /// The key is gone or another one, or the bytes were changed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// What was opened is not details.
    #[error("the opened details are not understood")]
    Format,
}

impl Details {
    /// How much of the browser's name is kept, in bytes.
    pub const AGENT_MAX: usize = 512;
    const PURPOSE: &'static str = "audit.details";

    /// Where a request came from.
    pub fn of(visitor: &Visitor) -> Self {
        let agent = &visitor.agent;
        let end = agent.floor_char_boundary(Self::AGENT_MAX);
        Self {
            network: Some(visitor.network),
            agent: agent.get(..end).map(str::to_owned),
            facts: BTreeMap::new(),
        }
    }

    /// The same with one more fact.
    #[must_use]
    pub fn fact(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// Seals the details under the key of the account they are about.
    pub fn seal(&self, key: &DataKey) -> SealedDetails {
        SealedDetails(key.seal(Self::PURPOSE, &self.bytes()))
    }

    /// Seals the details of an entry that is about no account.
    pub fn seal_system(&self, vault: &Vault) -> SealedDetails {
        SealedDetails(vault.seal_system(Self::PURPOSE, &self.bytes()))
    }

    fn bytes(&self) -> Vec<u8> {
        let Ok(bytes) = serde_json::to_vec(self) else {
            unreachable!("a struct of texts with text keys is always JSON");
        };
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Self, DetailsError> {
        serde_json::from_slice(bytes).map_err(|_| DetailsError::Format)
    }
}

impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Details(…)")
    }
}

/// Details as they stand in the log.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SealedDetails(pub(crate) Vec<u8>);

impl SealedDetails {
    /// No details.
    pub const NONE: Self = Self(Vec::new());

    /// Opens what [`Details::seal`] made. After the account's key was destroyed nothing does.
    pub fn open(&self, key: &DataKey) -> Result<Details, DetailsError> {
        if self.0.is_empty() {
            return Ok(Details::default());
        }
        Details::read(&key.open(Details::PURPOSE, &self.0)?)
    }

    /// Opens what [`Details::seal_system`] made.
    pub fn open_system(&self, vault: &Vault) -> Result<Details, DetailsError> {
        if self.0.is_empty() {
            return Ok(Details::default());
        }
        Details::read(&vault.open_system(Details::PURPOSE, &self.0)?)
    }
}

impl fmt::Debug for SealedDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedDetails(…)")
    }
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What.
    pub action: Action,
    /// By whom.
    pub actor: Actor,
    /// To which account, if any.
    pub account: Option<AccountId>,
    /// On whose behalf, when not the actor's own.
    pub on_behalf: Option<AccountId>,
    /// In which session.
    pub session: Option<SessionId>,
    /// From where and how.
    pub details: SealedDetails,
}

impl Entry {
    /// What a customer did to their own account.
    pub fn by_customer(action: Action, account: AccountId) -> Self {
        Self::new(action, Actor::Customer(account)).about(account)
    }

    /// What somebody did.
    pub fn new(action: Action, actor: Actor) -> Self {
        Self {
            action,
            actor,
            account: None,
            on_behalf: None,
            session: None,
            details: SealedDetails::NONE,
        }
    }

    /// The account it concerns.
    #[must_use]
    pub fn about(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// The account it was done for by somebody else.
    #[must_use]
    pub fn on_behalf_of(mut self, account: AccountId) -> Self {
        self.on_behalf = Some(account);
        self
    }

    /// The session it was done in.
    #[must_use]
    pub fn in_session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// From where and how.
    #[must_use]
    pub fn with(mut self, details: SealedDetails) -> Self {
        self.details = details;
        self
    }
}
