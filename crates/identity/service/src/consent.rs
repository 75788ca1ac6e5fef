//! Consents and subscriptions (ID-12).

pub(crate) mod sql;

use audit::{Action, Actor, Details, Entry, action};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use db::{DbError, ReadTx, Row, WriteTx, params};
use identity_core::consent::{MarketingChannel, Source, Topic};
use kernel::{AccountId, EventId, Timestamp, Visitor};

use crate::{
    account,
    env::{Env, ServiceError},
    session::SignedIn,
    sign_in::Register,
};

/// The stable name of the required consent.
pub const PERSONAL_DATA: &str = "personal_data";

/// The consent and the subscriptions of a registration.
pub(crate) async fn give_at_registration(
    tx: &mut WriteTx,
    env: &Env,
    account: AccountId,
    cmd: &Register,
) -> Result<(), DbError> {
    note(tx, env, account, PERSONAL_DATA, true, cmd.source).await?;
    for (channel, topic) in &cmd.marketing {
        switch(tx, env, account, *channel, *topic, true, cmd.source).await?;
    }
    Ok(())
}

async fn note(
    tx: &mut WriteTx,
    env: &Env,
    account: AccountId,
    kind: &str,
    granted: bool,
    source: Source,
) -> Result<(), DbError> {
    let now = tx.now();
    let id = EventId::new(now, &*env.chance);
    let version = &*env.consent_version;
    let row = params![
        account.as_bytes(),
        id.as_bytes(),
        kind,
        version,
        granted,
        source.as_str(),
        now
    ];
    tx.defer(&[(&sql::NOTE, row)]).await
}

/// Switches one subscription; false when it stood so already.
async fn switch(
    tx: &mut WriteTx,
    env: &Env,
    account: AccountId,
    channel: MarketingChannel,
    topic: Topic,
    on: bool,
    source: Source,
) -> Result<bool, DbError> {
    let now = tx.now();
    let key = (account.as_bytes(), channel.as_str(), topic.as_str());
    let touched = if on {
        let version = &*env.consent_version;
        let row = params![key.0, key.1, key.2, version, source.as_str(), now];
        tx.execute(&sql::ON, row).await?
    } else {
        tx.execute(&sql::OFF, params![key.0, key.1, key.2]).await?
    };
    if touched == 0 {
        return Ok(false);
    }
    let kind = format!("marketing.{}.{}", channel.as_str(), topic.as_str());
    note(tx, env, account, &kind, on, source).await?;
    Ok(true)
}

/// The switches as a customer wants them: what is listed is on, everything else off.
#[derive(Debug, Clone)]
pub struct SetSubscriptions {
    /// What is to be on.
    pub on: Vec<(MarketingChannel, Topic)>,
    /// Where they were set.
    pub source: Source,
}

/// Sets all switches at once; answers how many changed.
pub async fn set(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    cmd: &SetSubscriptions,
) -> Result<usize, ServiceError> {
    let account = who.account.id;
    let mut given = 0_usize;
    let mut withdrawn = 0_usize;
    for channel in MarketingChannel::ALL {
        for topic in Topic::ALL {
            let on = cmd.on.contains(&(channel, topic));
            if switch(tx, env, account, channel, topic, on, cmd.source).await? {
                let count = if on { &mut given } else { &mut withdrawn };
                *count = count.saturating_add(1);
            }
        }
    }
    let entry = |action: Action, count: usize| {
        who.entry(
            action,
            &Details::of(visitor).fact("count", count.to_string()),
        )
    };
    let mut entries = Vec::new();
    if given > 0 {
        entries.push(entry(action::CONSENT_GIVEN, given));
    }
    if withdrawn > 0 {
        entries.push(entry(action::CONSENT_WITHDRAWN, withdrawn));
    }
    audit::append_all(tx, entries).await?;
    Ok(given.saturating_add(withdrawn))
}

/// One agreement in the list.
#[derive(Debug, Clone)]
pub struct Agreement {
    /// `personal_data` or `marketing.<channel>.<topic>`.
    pub kind: String,
    /// Version of the text.
    pub version: String,
    /// Given, or taken back.
    pub granted: bool,
    /// Where.
    pub source: Source,
    /// When.
    pub at: Timestamp,
}

/// One subscription that is on.
#[derive(Debug, Clone)]
pub struct Subscribed {
    /// Channel.
    pub channel: MarketingChannel,
    /// Topic.
    pub topic: Topic,
    /// Version of the text agreed to.
    pub version: String,
    /// Where it was switched on.
    pub source: Source,
    /// When.
    pub at: Timestamp,
}

fn source(row: &Row, column: usize) -> Result<Source, DbError> {
    Source::from_name(&row.text(column)?).ok_or_else(|| row.wrong(column, "no source"))
}

/// Every agreement of an account, latest first, at most 200.
pub async fn agreements(tx: &mut ReadTx, account: AccountId) -> Result<Vec<Agreement>, DbError> {
    let rows = tx.query(&sql::LIST, params![account.as_bytes()]).await?;
    let read = |row: &Row| {
        Ok(Agreement {
            kind: row.text(0)?,
            version: row.text(1)?,
            granted: row.bool(2)?,
            source: source(row, 3)?,
            at: row.timestamp(4)?,
        })
    };
    rows.iter().map(read).collect()
}

/// What is on.
pub async fn subscribed(tx: &mut ReadTx, account: AccountId) -> Result<Vec<Subscribed>, DbError> {
    let rows = tx
        .query(&sql::SUBSCRIBED, params![account.as_bytes()])
        .await?;
    let read = |row: &Row| {
        let channel = MarketingChannel::from_name(&row.text(0)?);
        let topic = Topic::from_name(&row.text(1)?);
        Ok(Subscribed {
            channel: channel.ok_or_else(|| row.wrong(0, "no channel"))?,
            topic: topic.ok_or_else(|| row.wrong(1, "no topic"))?,
            version: row.text(2)?,
            source: source(row, 3)?,
            at: row.timestamp(4)?,
        })
    };
    rows.iter().map(read).collect()
}

/// A link in a marketing message: it can switch one subscription off and nothing else, so it needs no row,
/// only proof that we made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsubscribe {
    account: AccountId,
    /// The channel it ends.
    pub channel: MarketingChannel,
    /// The topic it ends.
    pub topic: Topic,
}

const UNSUBSCRIBE: &[u8] = b"identity.unsubscribe";

impl Unsubscribe {
    /// The text for the link's path.
    pub fn text(env: &Env, account: AccountId, channel: MarketingChannel, topic: Topic) -> String {
        let said = format!("{account}.{}.{}", channel.as_str(), topic.as_str());
        let mac = env.vault.code_mac(UNSUBSCRIBE, &said);
        format!("{said}.{}", URL_SAFE_NO_PAD.encode(mac))
    }

    /// From the text of a path; `None` unless we made it.
    pub fn from_text(env: &Env, text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let account = parts.next()?.parse().ok()?;
        let channel = MarketingChannel::from_name(parts.next()?)?;
        let topic = Topic::from_name(parts.next()?)?;
        let ours = Self::text(env, account, channel, topic);
        vault::same(ours.as_bytes(), text.as_bytes()).then_some(Self {
            account,
            channel,
            topic,
        })
    }
}

/// Switches off what the link names, without a sign-in.
pub async fn unsubscribe(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    link: &Unsubscribe,
) -> Result<(), ServiceError> {
    let Some(account) = account::find(tx, env, link.account).await? else {
        return Ok(());
    };
    let Unsubscribe { channel, topic, .. } = *link;
    if switch(tx, env, account.id, channel, topic, false, Source::Message).await? {
        let details = Details::of(visitor).fact("channel", channel.as_str());
        let entry = Entry::new(action::CONSENT_WITHDRAWN, Actor::Visitor)
            .about(account.id)
            .with(details.seal(&account.key));
        audit::append(tx, entry).await?;
    }
    Ok(())
}
