//! Links that travel in messages: «это не я» and «Подтвердить почту». Opening one changes nothing, for mail
//! scanners open links too (A31); the page it leads to has a button.

pub(crate) mod sql;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use db::{DbError, ReadTx, WriteTx, params};
use kernel::{AccountId, Timestamp};

use crate::{
    account::{self, Account},
    env::{Env, ServiceError},
};

/// What a link is for; it serves nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Alarm,
    Email,
    /// Undoes a change that was made.
    Undo,
    /// Stops a change that waits.
    Stop,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Email => "email",
            Self::Undo => "undo",
            Self::Stop => "stop",
        }
    }
}

/// What a link carries in its path: the account, for the row, and 128 random bits, for the right (A38). Short,
/// because it stands in an SMS.
#[derive(Clone)]
pub struct LinkToken {
    pub(crate) account: AccountId,
    secret: [u8; 16],
}

impl LinkToken {
    /// From the text of a path.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (account, secret) = bytes.split_first_chunk::<16>()?;
        let account = AccountId::from_bytes(account).ok()?;
        Some(Self {
            account,
            secret: secret.try_into().ok()?,
        })
    }

    pub(crate) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode([*self.account.as_bytes(), self.secret].concat())
    }

    fn hash(&self) -> [u8; 32] {
        vault::token_hash(&self.secret)
    }
}

impl std::fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkToken(…)")
    }
}

/// A link that was found.
pub(crate) struct Found {
    pub(crate) account: Account,
    pub(crate) payload: String,
    pub(crate) is_over: bool,
}

const PAYLOAD: &str = "identity.link";

/// Makes a link; answers the text for its path.
pub(crate) async fn make(
    tx: &mut WriteTx,
    env: &Env,
    account: &Account,
    purpose: Purpose,
    payload: &str,
) -> Result<String, ServiceError> {
    let token = draw(env, account.id);
    keep(tx, env, account, purpose, &token, payload).await?;
    Ok(token.text())
}

/// Draws a link that is not kept yet.
pub(crate) fn draw(env: &Env, account: AccountId) -> LinkToken {
    LinkToken {
        account,
        secret: env.chance.bytes(),
    }
}

/// Keeps a link that was drawn.
pub(crate) async fn keep(
    tx: &mut WriteTx,
    env: &Env,
    account: &Account,
    purpose: Purpose,
    token: &LinkToken,
    payload: &str,
) -> Result<(), ServiceError> {
    let now = tx.now();
    let life = match purpose {
        Purpose::Alarm => env.policy.alarm_life,
        Purpose::Email => env.policy.email_link_life,
        Purpose::Undo => env.policy.undo_life,
        // It ends with what it stops; a server that slept makes that later.
        Purpose::Stop => env.policy.change_hold.saturating_mul(2),
    };
    let sealed = account.key.seal(PAYLOAD, payload.as_bytes());
    let expires: Timestamp = now.saturating_add(life);
    let id = account.id;
    let hash = token.hash();
    let row = params![
        id.as_bytes(),
        &hash,
        purpose.as_str(),
        &sealed,
        now,
        expires
    ];
    tx.execute(&sql::FORGET, params![id.as_bytes(), now])
        .await?;
    tx.defer(&[(&sql::ADD, row)]).await?;
    Ok(())
}

/// Finds a link of this purpose.
pub(crate) async fn find(
    tx: &mut ReadTx,
    env: &Env,
    purpose: Purpose,
    token: &LinkToken,
) -> Result<Option<Found>, ServiceError> {
    let hash = token.hash();
    let key = params![token.account.as_bytes(), &hash];
    let Some(row) = tx.query_opt(&sql::FIND, key).await? else {
        return Ok(None);
    };
    if row.text(0)? != purpose.as_str() {
        return Ok(None);
    }
    let Some(account) = account::find(tx, env, token.account).await? else {
        return Ok(None);
    };
    let opened = account.key.open(PAYLOAD, &row.bytes(1)?)?;
    let is_over = row.opt_timestamp(4)?.is_some() || tx.now() >= row.timestamp(3)?;
    let payload = opened.text()?.to_owned();
    Ok(Some(Found {
        account,
        payload,
        is_over,
    }))
}

/// Uses a link up; false when it was used before.
pub(crate) async fn consume(tx: &mut WriteTx, token: &LinkToken) -> Result<bool, DbError> {
    let now = tx.now();
    let hash = token.hash();
    let key = params![now, token.account.as_bytes(), &hash];
    Ok(tx.execute(&sql::USE, key).await? == 1)
}
