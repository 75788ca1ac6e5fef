//! When something that leads to an account was last taken away (A50).

pub(crate) mod sql;

use db::{DbError, ReadTx, WriteTx, params};
use identity_core::{
    changes::Kind,
    slices::{APART, Slice, judge},
};
use kernel::{AccountId, Timestamp};

use crate::{
    backup_code, changes,
    env::ServiceError,
    passkeys::{self, PasskeyId},
    second_factor,
    secret::{self, Kind as Chosen},
    totp,
};

/// What leads to an account and can be taken away or replaced: a way to show oneself, or what sign-in asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The password, the passcode or the code word.
    Secret(Chosen),
    /// A passkey.
    Passkey(PasskeyId),
    /// The authenticator app.
    Totp,
    /// The unused backup codes.
    BackupCodes,
    /// That sign-in always asks for a second factor.
    SecondFactor,
    /// The phone or the e-mail, by another one.
    Identifier(Kind),
}

impl Taken {
    /// Since when the account has it; `None` when it has not, or when it opens nothing any more.
    async fn since(
        self,
        tx: &mut ReadTx,
        account: AccountId,
    ) -> Result<Option<Timestamp>, ServiceError> {
        match self {
            Self::Secret(kind) => secret::opens_since(tx, account, kind).await,
            Self::Passkey(id) => Ok(passkeys::opens_since(tx, account, id).await?),
            Self::Totp => Ok(totp::since(tx, account).await?),
            Self::BackupCodes => Ok(backup_code::oldest(tx, account).await?),
            Self::SecondFactor => Ok(second_factor::since(tx, account).await?),
            Self::Identifier(kind) => Ok(changes::since(tx, account, kind).await?),
        }
    }
}

async fn last(tx: &mut ReadTx, account: AccountId) -> Result<Option<Timestamp>, DbError> {
    let row = tx
        .query_opt(&sql::LAST, params![account.as_bytes()])
        .await?;
    row.map(|row| row.timestamp(0)).transpose()
}

/// What is said of taking something away. The account is locked.
pub(crate) async fn of(
    tx: &mut WriteTx,
    account: AccountId,
    taken: Option<Taken>,
) -> Result<Slice, ServiceError> {
    // Most actions take nothing, and ask for nothing more.
    let Some(taken) = taken else {
        return Ok(Slice::Free);
    };
    let since = taken.since(tx, account).await?;
    let now = tx.now();
    if judge(since, None, now) == Slice::Free {
        return Ok(Slice::Free);
    }
    Ok(judge(since, last(tx, account).await?, now))
}

/// It was taken now.
pub(crate) async fn note(tx: &mut WriteTx, account: AccountId) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute_one(&sql::NOTE, params![account.as_bytes(), now])
        .await
}

/// From when on the next may be taken by whatever the account shows; `None` when it may be now.
pub async fn next_at(tx: &mut ReadTx, account: AccountId) -> Result<Option<Timestamp>, DbError> {
    let next = last(tx, account)
        .await?
        .map(|last| last.saturating_add(APART));
    Ok(next.filter(|next| tx.now() < *next))
}
