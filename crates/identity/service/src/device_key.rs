//! Keys that browsers made for the passcode (ID-3): the public halves, what they are asked to sign, and what
//! they signed.

pub(crate) mod sql;

use std::{fmt::Write as _, time::Duration};

use db::{DbError, ReadTx, WriteTx, params};
use kernel::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};
use vault::{DEVICE_KEY_BYTES, Token};

use crate::{
    codes::BrowserKey,
    env::{Env, ServiceError},
};

kernel::id! {
    /// What a device key is asked to sign.
    pub CeremonyId;
}

/// How long a signature may take.
const LIFE: Duration = Duration::from_secs(300);
const PURPOSE: &str = "passcode";
const SEALED: &str = "identity.ceremony.passcode";

/// The public half of a key that a browser has just made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKey(Vec<u8>);

impl NewKey {
    /// An uncompressed point of P-256. `None` when it cannot be one.
    pub fn new(point: &[u8]) -> Option<Self> {
        (point.len() == DEVICE_KEY_BYTES && point.first() == Some(&4)).then(|| Self(point.to_vec()))
    }

    /// What the browser keeps it under: the first half of its SHA-256.
    fn id(&self) -> [u8; 16] {
        let hash = vault::token_hash(&self.0);
        hash.first_chunk().copied().unwrap_or_default()
    }
}

/// Keeps the key of a browser, in the place of the one it had.
pub(crate) async fn keep(
    tx: &mut WriteTx,
    account: AccountId,
    browser: &[u8; 32],
    key: &NewKey,
) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(&sql::FORGET_BROWSER, params![account.as_bytes(), browser])
        .await?;
    let id = key.id();
    let row = params![account.as_bytes(), &id, browser, &key.0, now, now];
    tx.execute_one(&sql::ADD, row).await
}

/// Drops every key of an account.
pub(crate) async fn drop_all(tx: &mut WriteTx, account: AccountId) -> Result<(), DbError> {
    tx.execute(&sql::FORGET_ALL, params![account.as_bytes()])
        .await?;
    Ok(())
}

/// The id under which a browser keeps its key for an account, when the server knows one of it.
pub async fn of_browser(
    tx: &mut ReadTx,
    account: AccountId,
    browser: &[u8; 32],
) -> Result<Option<[u8; 16]>, DbError> {
    let key = params![account.as_bytes(), browser];
    let row = tx.query_opt(&sql::OF_BROWSER, key).await?;
    row.map(|row| row.array(0)).transpose()
}

/// The browsers of an account that have a key, by the hash of their token.
pub(crate) async fn browsers(
    tx: &mut ReadTx,
    account: AccountId,
) -> Result<Vec<[u8; 32]>, DbError> {
    let rows = tx
        .query(&sql::BROWSERS, params![account.as_bytes()])
        .await?;
    rows.iter().map(|row| row.array(0)).collect()
}

/// What a browser is asked to sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Its id.
    pub id: CeremonyId,
    /// The key to sign with, as lower-case hex.
    pub key: String,
    /// The text to sign, as its UTF-8 bytes.
    pub text: String,
}

/// Asks the key of a browser for a signature. `None` when the server knows no key of this browser.
pub async fn challenge(
    tx: &mut WriteTx,
    env: &Env,
    account: AccountId,
    bound_to: &BrowserKey,
    browser: &[u8; 32],
) -> Result<Option<Challenge>, ServiceError> {
    let Some(key) = of_browser(tx, account, browser).await? else {
        return Ok(None);
    };
    let now = tx.now();
    let id = CeremonyId::new(now, &*env.chance);
    let token = Token::new(&*env.chance);
    let text = format!("kabinet.passcode.v1.{id}.{}", token.expose().as_str());
    let sealed = env.vault.seal_system(SEALED, text.as_bytes());
    let row = params![
        bound_to,
        id.as_bytes(),
        PURPOSE,
        &sealed,
        now,
        now.saturating_add(LIFE)
    ];
    tx.execute_one(&sql::ASK, row).await?;
    let key = key.iter().fold(String::new(), |mut text, byte| {
        // Writing into a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    Ok(Some(Challenge { id, key, text }))
}

/// A signature for a challenge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The challenge.
    pub id: CeremonyId,
    /// r and s, 64 bytes.
    pub signature: Vec<u8>,
}

/// Whether the key of this browser signed the challenge, now and for the first time. The challenge is used up
/// whatever it was (A59).
pub(crate) async fn check(
    tx: &mut WriteTx,
    env: &Env,
    account: AccountId,
    bound_to: &BrowserKey,
    browser: &[u8; 32],
    signed: &Signed,
) -> Result<bool, ServiceError> {
    let now = tx.now();
    let ceremony = params![bound_to, signed.id.as_bytes()];
    let Some(row) = tx.query_opt(&sql::ASKED, ceremony).await? else {
        return Ok(false);
    };
    let (purpose, expires_at): (String, Timestamp) = (row.text(0)?, row.timestamp(2)?);
    let sealed = row.bytes(1)?;
    let used = params![now, bound_to, signed.id.as_bytes()];
    if tx.execute(&sql::USE, used).await? != 1 || purpose != PURPOSE || now >= expires_at {
        return Ok(false);
    }
    let text = env.vault.open_system(SEALED, &sealed)?;
    let key = params![account.as_bytes(), browser];
    let Some(row) = tx.query_opt(&sql::OF_BROWSER, key).await? else {
        return Ok(false);
    };
    if !vault::device_signed(&row.bytes(1)?, &text, &signed.signature) {
        return Ok(false);
    }
    let used = params![now, account.as_bytes(), browser];
    tx.execute(&sql::USED, used).await?;
    Ok(true)
}
