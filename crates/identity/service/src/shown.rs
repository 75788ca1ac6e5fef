//! What a session has shown of its owner, and what an account could show.

pub(crate) mod sql;

use db::{DbError, ReadTx, WriteTx, params};
use identity_core::assurance::{Has, Method, Shown};
use kernel::{AccountId, Identifier, SessionId, Timestamp};

use crate::{
    account::{self, Account},
    env::ServiceError,
};

/// Somebody has shown themselves, just now, in this transaction. Only the use case that checked it makes one.
#[derive(Debug, Clone, Copy)]
pub struct Proof {
    pub(crate) account: AccountId,
    pub(crate) method: Method,
    /// Since when the account has what was shown.
    pub(crate) since: Option<Timestamp>,
}

impl Proof {
    /// How.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Of whom.
    pub fn account(&self) -> AccountId {
        self.account
    }
}

/// Notes that a session has shown something.
pub(crate) async fn note(
    tx: &mut WriteTx,
    session: SessionId,
    proof: &Proof,
) -> Result<(), DbError> {
    let now = tx.now();
    let row = params![
        proof.account.as_bytes(),
        session.as_bytes(),
        proof.method.as_str(),
        now,
        proof.since,
    ];
    tx.defer(&[(&sql::NOTE, row)]).await
}

/// What a session has shown.
pub(crate) async fn of_session(
    tx: &mut ReadTx,
    account: AccountId,
    session: SessionId,
) -> Result<Vec<Shown>, DbError> {
    let key = params![account.as_bytes(), session.as_bytes()];
    let rows = tx.query(&sql::OF_SESSION, key).await?;
    rows.iter()
        .map(|row| {
            Ok(Shown {
                method: Method::from_name(&row.text(0)?)
                    .ok_or_else(|| row.wrong(0, "no method"))?,
                at: row.timestamp(1)?,
                since: row.opt_timestamp(2)?,
            })
        })
        .collect()
}

/// What an account could show now.
pub async fn has(tx: &mut ReadTx, account: &Account) -> Result<Has, ServiceError> {
    let now = tx.now();
    let id = account.id;
    let mut has = Has::default();
    for owned in account::identifiers(tx, account).await? {
        if tx
            .query_opt(&sql::DOUBT, params![&owned.subject])
            .await?
            .is_some()
        {
            continue;
        }
        let method = match owned.identifier {
            Identifier::Phone(_) => {
                has.phone = true;
                Method::Sms
            }
            Identifier::Email(_) => {
                has.email = true;
                Method::Email
            }
        };
        has.aged(method, owned.verified_at, now);
    }
    for row in tx.query(&sql::SECRETS, params![id.as_bytes()]).await? {
        if row.int(1)? <= 0 {
            continue;
        }
        let method = match row.text(0)?.as_str() {
            "password" => {
                has.password = true;
                Method::Password
            }
            "passcode" => {
                has.passcode = true;
                Method::Passcode
            }
            _ => continue,
        };
        has.aged(method, row.timestamp(2)?, now);
    }
    for row in tx.query(&sql::PASSKEYS, params![id.as_bytes()]).await? {
        has.passkey = true;
        has.aged(Method::Passkey, row.timestamp(0)?, now);
    }
    let app = tx.query_opt(&sql::TOTP, params![id.as_bytes()]).await?;
    if let Some(since) = app.map(|row| row.opt_timestamp(0)).transpose()?.flatten() {
        has.totp = true;
        has.aged(Method::Totp, since, now);
    }
    let codes = tx.query_one(&sql::BACKUP, params![id.as_bytes()]).await?;
    if let Some(since) = codes.opt_timestamp(0)? {
        has.backup_code = true;
        has.aged(Method::BackupCode, since, now);
    }
    Ok(has)
}
