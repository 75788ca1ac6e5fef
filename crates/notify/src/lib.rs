//! SMS, calls and e-mail: channels, texts, delivery.
//!
//! [`texts`] turns a typed message into words, the carriers ([`smpp`],
//! [`http_gateway`], [`smtp`], [`simulated`]) hand them to the outside world,
//! [`breaker`] keeps a broken carrier from being hammered. Nothing here knows
//! what a sign-in is: who may be written to and how often is decided above.
//!
//! Codes, addresses and texts appear in no log, metric or error of this crate.

pub mod breaker;
pub mod carrier;
pub mod deliver;
pub mod http_gateway;
pub mod outbox;
pub mod settings;
pub mod simulated;
pub mod smpp;
pub mod sms;
pub mod smtp;
pub mod texts;
mod tls;
pub mod webhook;

pub use carrier::{
    Body, Carrier, Channel, DeliveryReport, FailureReason, Handed, NotKept, Outgoing, Refusal,
    ReportState, Reports, SendError,
};
pub use deliver::{Courier, LearntCodes, Ways};
pub use outbox::{Delivery, DeliveryState, Keeper, Message, Suppression, delivery, send};
pub use tls::SetupError;

/// Every SQL statement of this crate, for the tests that prepare and guard them.
pub fn statements() -> Vec<&'static db::Statement> {
    outbox::sql::ALL.to_vec()
}
