//! Typed ids, clock, chance, phone, e-mail and document numbers: pure, no input or output.
//!
//! Nothing here reads a clock, a file, the network or a random source: time
//! comes as a [`Timestamp`] or a [`Clock`], randomness as a [`Chance`].
//!
//! One person must never become two because they typed the same thing in two
//! ways (abuse case A52), so every type that leads to a person has exactly one
//! canonical form, made by its `parse`.

pub mod agent;
pub mod chance;
pub mod code;
pub mod documents;
pub mod email;
pub mod id;
pub mod identifier;
pub mod locale;
pub mod name;
pub mod network;
pub mod phone;
pub mod text;
pub mod time;

pub use chance::Chance;
pub use code::{CodeError, OneTimeCode};
pub use email::{Email, EmailError};
pub use id::{AccountId, BrowserId, ChallengeId, EventId, IdError, JobId, MessageId, SessionId};
pub use identifier::Identifier;
pub use locale::Locale;
pub use name::{NameError, NamePart};
pub use network::Visitor;
pub use phone::{Phone, PhoneError, PhoneKind};
pub use time::{Clock, Timestamp};
