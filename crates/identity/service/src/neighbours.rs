//! What other areas may ask of identity beside its use cases: whom an identifier leads to, how often something
//! happened lately, and that an account's owner is told. Whoever asks keeps to the order of locks in `counters`.

use std::time::Duration;

use db::{DbError, ReadTx, WriteTx};
use identity_core::challenge::Channel;
use kernel::{AccountId, Identifier, Timestamp, Visitor, agent, network};
use notify::texts::SecurityEvent;

use crate::{
    account::{self, Account},
    codes, counters,
    env::{self, Env, ServiceError, Subject},
    post::{self, Post, Words},
};

/// The account an identifier leads to. What is done next must be the same for nobody (RE-10).
pub async fn owner(tx: &mut ReadTx, subject: &Subject) -> Result<Option<AccountId>, DbError> {
    codes::owner(tx, subject).await
}

/// One account, locked; `None` when there is none such.
pub async fn lock(
    tx: &mut WriteTx,
    env: &Env,
    id: AccountId,
) -> Result<Option<Account>, ServiceError> {
    match account::find(tx, env, id).await? {
        Some(_) => account::lock(tx, env, id).await.map(Some),
        None => Ok(None),
    }
}

/// A keyed hash under which something without an account is counted or found.
pub fn scope(env: &Env, kind: &str, value: &str) -> [u8; 32] {
    env.scope(kind, value)
}

/// Something that may happen so often in a sliding window, at most two days long.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Under what it is counted, of [`scope`].
    pub scope: [u8; 32],
    /// How long.
    pub length: Duration,
    /// How often.
    pub most: usize,
}

/// Counts one event in several windows, or says when it fits into all of them and counts it nowhere.
pub async fn count<const N: usize>(
    tx: &mut WriteTx,
    mut windows: [Window; N],
) -> Result<Result<(), Timestamp>, DbError> {
    // In the order of the keys, as everywhere.
    windows.sort_unstable_by_key(|window| window.scope);
    let now = tx.now();
    let (mut counted, mut until) = (Vec::with_capacity(N), None);
    for Window {
        scope,
        length,
        most,
    } in windows
    {
        let stamps = counters::lock_network(tx, &scope).await?;
        until = until.max(stamps.full_until(now, length, most));
        counted.push((scope, stamps.with(now, most)));
    }
    if let Some(until) = until {
        return Ok(Err(until));
    }
    for (scope, stamps) in counted {
        counters::save_network(tx, &scope, &stamps).await?;
    }
    Ok(Ok(()))
}

/// Tells an account's owner on every confirmed channel of something that another area knows of. The link leads to
/// that area's own page, where the owner says no.
pub async fn tell(
    tx: &mut WriteTx,
    env: &Env,
    account: &Account,
    event: SecurityEvent,
    from: &Visitor,
    link: &str,
) -> Result<(), ServiceError> {
    let device = agent::device_name(&from.agent, account.locale);
    let place = network::masked(from.network);
    for owned in account::identifiers(tx, account).await? {
        let channel = match owned.identifier {
            Identifier::Phone(_) => Channel::Sms,
            Identifier::Email(_) => Channel::Email,
        };
        let post = Post {
            to: &owned.identifier,
            channel,
            locale: account.locale,
            worthless_after: None,
            words: Words::Notice {
                event,
                object: None,
                device: Some(device.clone()),
                place: Some(place.clone()),
                alarm: link.to_owned(),
            },
        };
        post::post(tx, env, post).await?;
    }
    Ok(())
}

/// An identifier as it is sealed.
pub fn write_identifier(identifier: &Identifier) -> String {
    env::encode(identifier)
}

/// Reads what [`write_identifier`] made.
pub fn read_identifier(text: &str) -> Result<Identifier, ServiceError> {
    env::decode(text)
}
