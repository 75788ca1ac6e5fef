//! Settings: one file, the environment, and checked defaults.
//!
//! [`Settings::load`] merges, each over the one before: the defaults written
//! in this crate, one TOML file, and variables `KABINET_<SECTION>__<KEY>`. A
//! key that does not exist is an error, not a silence. [`Settings::validate`]
//! then names everything that is wrong at once, with what to do. The annotated
//! list of every key is `docs/kabinet.example.toml`, which a test reads.
//!
//! Secrets are [`secrecy::SecretString`]: they do not print, and no error here
//! repeats a value.

mod carriers;
mod error;
mod limits;
mod load;
mod network;
mod sections;
pub mod span;
mod validate;

pub use carriers::{
    Answer, CallSettings, EmailSettings, HttpGateway, Method, SmppSettings, SmsSettings,
    SmtpSettings, Tls,
};
pub use error::ConfigError;
pub use limits::{CLOSING_WRONG_CODES, CODE_DIGITS, KNOWN_BROWSER_CALL_DIGITS, Limits};
pub use network::{Cidr, CidrError};
pub use sections::{Brand, Data, Database, DatabaseTarget, Hashing, Keys, Place, Privacy, Server};
pub use validate::{Problem, Severity};

use std::path::PathBuf;

use serde::Deserialize;

/// Everything that an operator can set. `Default` is what holds when nothing
/// is set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where it listens and how long it waits for a client.
    pub server: Server,
    /// Which database.
    pub database: Database,
    /// The folder for everything that is not in the database.
    pub data: Data,
    /// The keys that encrypt personal data.
    pub keys: Keys,
    /// What slow hashes of chosen secrets cost.
    pub hashing: Hashing,
    /// How SMS are sent.
    pub sms: SmsSettings,
    /// How calls that carry a code are made.
    pub call: CallSettings,
    /// How e-mail is sent.
    pub email: EmailSettings,
    /// Every number of the rules that may be changed.
    pub limits: Limits,
    /// The name that messages and letters bear.
    pub brand: Brand,
    /// What the law wants said.
    pub privacy: Privacy,
    /// How a place is found for an address.
    pub place: Place,
    /// The file that was read, for judging its mode.
    #[serde(skip)]
    pub source: Option<PathBuf>,
}
