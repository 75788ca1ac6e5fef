//! Accounts: making one, loading one with its data key, its identifiers.

pub(crate) mod sql;

use db::{DbError, ReadTx, Row, WriteTx, params};
use identity_core::account::Level;
use kernel::{AccountId, Identifier, Locale, Timestamp, Visitor};
use vault::{DataKey, WrappedKey};

use crate::env::{self, Env, ServiceError, Subject};

/// An account with its data key: whoever holds this can open its personal data.
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Opens its personal data.
    pub key: DataKey,
    /// The language of its messages.
    pub locale: Locale,
    /// Identity level.
    pub level: Level,
    /// Since when.
    pub created_at: Timestamp,
    /// Frozen since then.
    pub frozen_at: Option<Timestamp>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// An identifier of an account.
#[derive(Debug, Clone)]
pub struct Owned {
    /// Its blind index.
    pub subject: Subject,
    /// The identifier.
    pub identifier: Identifier,
    /// When it was first proved.
    pub verified_at: Timestamp,
    /// When it was last proved.
    pub proved_at: Timestamp,
}

pub(crate) const IDENTIFIER: &str = "identity.identifier";

/// Reads the five columns of an account that begin at `first`.
pub(crate) fn read(
    row: &Row,
    first: usize,
    id: AccountId,
    env: &Env,
) -> Result<Account, ServiceError> {
    let at = |n: usize| first.saturating_add(n);
    let wrapped = WrappedKey::from_bytes(row.bytes(at(0))?);
    let locale = row
        .text(at(1))?
        .parse()
        .map_err(|_| row.wrong(at(1), "no language"))?;
    let level = Level::from_name(&row.text(at(2))?).ok_or_else(|| row.wrong(at(2), "no level"))?;
    Ok(Account {
        id,
        key: env.vault.unwrap(id, &wrapped)?,
        locale,
        level,
        created_at: row.timestamp(at(3))?,
        frozen_at: row.opt_timestamp(at(4))?,
    })
}

/// One account.
pub async fn find(
    tx: &mut ReadTx,
    env: &Env,
    id: AccountId,
) -> Result<Option<Account>, ServiceError> {
    let row = tx.query_opt(&sql::FIND, params![id.as_bytes()]).await?;
    row.map(|row| read(&row, 0, id, env)).transpose()
}

/// One account, locked until the transaction ends; what is decided about it stays true meanwhile.
pub(crate) async fn lock(
    tx: &mut WriteTx,
    env: &Env,
    id: AccountId,
) -> Result<Account, ServiceError> {
    let row = tx.query_one(&sql::LOCK, params![id.as_bytes()]).await?;
    read(&row, 0, id, env)
}

/// Makes an account for an identifier that has just been proved; `None` when somebody else took it in the
/// meantime.
pub(crate) async fn create(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    subject: &Subject,
    identifier: &Identifier,
) -> Result<Option<Account>, ServiceError> {
    let now = tx.now();
    let id = AccountId::new(now, &*env.chance);
    if !claim(tx, subject, identifier, id).await? {
        return Ok(None);
    }
    let wrapped = env.vault.new_data_key(id)?;
    let level = Level::Limited;
    let locale = visitor.locale;
    let row = params![
        id.as_bytes(),
        wrapped.as_bytes(),
        locale.tag(),
        level.as_str(),
        now
    ];
    tx.defer(&[(&sql::ADD, row)]).await?;
    let key = env.vault.unwrap(id, &wrapped)?;
    let account = Account {
        id,
        key,
        locale,
        level,
        created_at: now,
        frozen_at: None,
    };
    keep(tx, &account, subject, identifier).await?;
    Ok(Some(account))
}

/// Claims an identifier for an account; false when it is taken.
pub(crate) async fn claim(
    tx: &mut WriteTx,
    subject: &Subject,
    identifier: &Identifier,
    id: AccountId,
) -> Result<bool, DbError> {
    let now = tx.now();
    let row = params![subject, identifier.kind(), id.as_bytes(), now];
    Ok(tx.execute(&sql::CLAIM, row).await? == 1)
}

/// Keeps a claimed identifier with its account.
pub(crate) async fn keep(
    tx: &mut WriteTx,
    account: &Account,
    subject: &Subject,
    identifier: &Identifier,
) -> Result<(), DbError> {
    let now = tx.now();
    let sealed = account
        .key
        .seal(IDENTIFIER, env::encode(identifier).as_bytes());
    let row = params![
        account.id.as_bytes(),
        identifier.kind(),
        subject,
        &sealed,
        now,
        now
    ];
    tx.defer(&[(&sql::IDENTIFIER_ADD, row)]).await
}

/// The identifiers of an account.
pub async fn identifiers(tx: &mut ReadTx, account: &Account) -> Result<Vec<Owned>, ServiceError> {
    let rows = tx
        .query(&sql::IDENTIFIERS, params![account.id.as_bytes()])
        .await?;
    rows.iter()
        .map(|row| {
            let opened = account.key.open(IDENTIFIER, &row.bytes(2)?)?;
            Ok(Owned {
                subject: row.array(1)?,
                identifier: env::decode(opened.text()?)?,
                verified_at: row.timestamp(3)?,
                proved_at: row.timestamp(4)?,
            })
        })
        .collect()
}

/// The confirmed e-mail of an account, if any.
pub fn email(owned: &[Owned]) -> Option<&Owned> {
    owned
        .iter()
        .find(|owned| matches!(owned.identifier, Identifier::Email(_)))
}

/// The phone of an account.
pub fn phone(owned: &[Owned]) -> Option<&Owned> {
    owned
        .iter()
        .find(|owned| matches!(owned.identifier, Identifier::Phone(_)))
}

/// Sets the language of messages.
pub async fn set_locale(
    tx: &mut WriteTx,
    account: AccountId,
    locale: Locale,
) -> Result<(), DbError> {
    tx.execute_one(&sql::LOCALE, params![locale.tag(), account.as_bytes()])
        .await
}
