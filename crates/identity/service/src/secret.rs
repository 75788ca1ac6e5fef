//! Chosen secrets as they are kept: the slow hash, sealed with the account's data key, and the tries (ID-3, RE-9).
//!
//! A secret is verified in three steps. `reserve` counts the try in a transaction of its own, before anything is
//! compared, and answers an [`Attempt`]; the pool of slow hashes compares; `settle` writes down what was found.
//! However many come at once, only as many are compared as there are tries.

pub(crate) mod sql;

use audit::{Action as Logged, Details, Entry};
use db::{DbError, ReadTx, Row, WriteTx, params};
use identity_core::{guessing::Guesses, own::Own, recent::Recent};
use kernel::{AccountId, Identifier, Timestamp, Visitor};
use serde::{Deserialize, Serialize};
use vault::{Overloaded, Phc, Place, Typed, Verdict};

use crate::{
    account::{self, Account},
    env::{Env, ServiceError},
    profile,
    session::SignedIn,
};

/// Which secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The password.
    Password,
    /// The passcode.
    Passcode,
    /// The code word.
    CodeWord,
}

impl Kind {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Passcode => "passcode",
            Self::CodeWord => "code_word",
        }
    }

    const fn purpose(self) -> &'static str {
        match self {
            Self::Password => "identity.secret.password",
            Self::Passcode => "identity.secret.passcode",
            Self::CodeWord => "identity.secret.code_word",
        }
    }
}

/// A try that was counted and waits for the pool. It may be kept, sealed, and goes nowhere else.
#[derive(Clone, Serialize, Deserialize)]
pub struct Attempt {
    pub(crate) account: AccountId,
    pub(crate) kind: Kind,
    /// What to compare with; nothing when there is nothing.
    pub(crate) phc: Option<Phc>,
    /// When it was counted.
    pub(crate) at: i64,
    /// The how manieth wrong one in a row it is, should it be wrong.
    pub(crate) nth: u32,
}

impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempt")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Attempt {
    /// Compares what was typed, in the pool, outside any transaction. Without a secret the same work is done.
    pub async fn compare(&self, place: Place, typed: &[u8]) -> Result<Verdict, Overloaded> {
        place.compare(Typed::new(typed), self.phc.clone()).await
    }
}

/// A secret as it is kept.
pub(crate) struct Kept {
    pub(crate) phc: Phc,
    pub(crate) tries_left: u32,
    pub(crate) guesses: Guesses,
    /// When it was chosen.
    pub(crate) set_at: Timestamp,
}

fn read(row: &Row, account: &Account, kind: Kind) -> Result<Kept, ServiceError> {
    let sealed = account.key.open(kind.purpose(), &row.bytes(0)?)?;
    let number = |column: usize| {
        u32::try_from(row.int(column)?).map_err(|_| row.wrong(column, "out of range"))
    };
    Ok(Kept {
        phc: Phc::from_text(sealed.text()?),
        tries_left: number(1)?,
        guesses: Guesses {
            in_row: number(2)?,
            recent: Recent::from_bytes(&row.bytes(3)?).ok_or_else(|| row.wrong(3, "torn times"))?,
            rest_until: row.opt_timestamp(4)?,
        },
        set_at: row.timestamp(5)?,
    })
}

/// Locks and reads a secret. The account is locked already.
pub(crate) async fn lock(
    tx: &mut WriteTx,
    account: &Account,
    kind: Kind,
) -> Result<Option<Kept>, ServiceError> {
    let key = params![account.id.as_bytes(), kind.as_str()];
    let row = tx.query_opt(&sql::LOCK, key).await?;
    row.map(|row| read(&row, account, kind)).transpose()
}

/// Since when an account has a secret, and how many tries are left.
pub async fn standing(
    tx: &mut ReadTx,
    account: AccountId,
    kind: Kind,
) -> Result<Option<(Timestamp, u32)>, DbError> {
    let key = params![account.as_bytes(), kind.as_str()];
    let row = tx.query_opt(&sql::STANDING, key).await?;
    row.map(|row| {
        let left = u32::try_from(row.int(1)?).map_err(|_| row.wrong(1, "out of range"))?;
        Ok((row.timestamp(0)?, left))
    })
    .transpose()
}

/// Since when an account has a secret that may still be tried: what taking it away takes (A50).
pub(crate) async fn opens_since(
    tx: &mut ReadTx,
    account: AccountId,
    kind: Kind,
) -> Result<Option<Timestamp>, ServiceError> {
    let standing = standing(tx, account, kind).await?;
    Ok(standing.and_then(|(since, left)| (left > 0).then_some(since)))
}

/// Sets a secret, or puts it in the place of the one that was there. True when one was.
pub(crate) async fn set(
    tx: &mut WriteTx,
    account: &Account,
    kind: Kind,
    phc: &Phc,
    tries: u32,
) -> Result<bool, DbError> {
    let replaced = remove(tx, account.id, kind).await?;
    let sealed = account.key.seal(kind.purpose(), phc.expose().as_bytes());
    let none: &[u8] = &[];
    let row = params![
        account.id.as_bytes(),
        kind.as_str(),
        &sealed,
        tx.now(),
        tries,
        0_i64,
        none
    ];
    tx.execute_one(&sql::ADD, row).await?;
    Ok(replaced)
}

/// Writes tries and hash back.
pub(crate) async fn save(
    tx: &mut WriteTx,
    account: &Account,
    kind: Kind,
    kept: &Kept,
) -> Result<(), DbError> {
    let sealed = account
        .key
        .seal(kind.purpose(), kept.phc.expose().as_bytes());
    let wrong = kept.guesses.recent.to_bytes();
    let row = params![
        &sealed,
        kept.tries_left,
        kept.guesses.in_row,
        &wrong,
        kept.guesses.rest_until,
        account.id.as_bytes(),
        kind.as_str()
    ];
    tx.execute_one(&sql::SAVE, row).await
}

/// Removes a secret. True when there was one.
pub(crate) async fn remove(
    tx: &mut WriteTx,
    account: AccountId,
    kind: Kind,
) -> Result<bool, DbError> {
    let key = params![account.as_bytes(), kind.as_str()];
    Ok(tx.execute(&sql::REMOVE, key).await? == 1)
}

/// Finds the secret of an attempt as it is now; `None` when it was removed or replaced since it was counted.
pub(crate) async fn same_as_then(
    tx: &mut WriteTx,
    account: &Account,
    attempt: &Attempt,
) -> Result<Option<Kept>, ServiceError> {
    if account.id != attempt.account {
        return Err(ServiceError::Inconsistent("an attempt at another account"));
    }
    let kept = lock(tx, account, attempt.kind).await?;
    Ok(kept.filter(|kept| Some(&kept.phc) == attempt.phc.as_ref()))
}

/// Who shows a secret: the owner signed in, or somebody at the door who has shown a first factor.
#[derive(Debug, Clone, Copy)]
pub struct Shower<'a> {
    /// From where.
    pub visitor: &'a Visitor,
    /// The session, where there is one.
    pub who: Option<&'a SignedIn>,
}

impl Shower<'_> {
    pub(crate) fn entry(&self, action: Logged, account: &Account, details: &Details) -> Entry {
        match self.who {
            Some(who) => who.entry(action, details),
            None => Entry::new(action, audit::Actor::Visitor)
                .about(account.id)
                .with(details.seal(&account.key)),
        }
    }

    pub(crate) fn details(&self) -> Details {
        Details::of(self.visitor)
    }
}

/// What is known of the owner, and so no secret.
pub async fn own(tx: &mut ReadTx, account: &Account) -> Result<Own, ServiceError> {
    let mut own = Own::of(&profile::load(tx, account).await?);
    for owned in account::identifiers(tx, account).await? {
        own = match &owned.identifier {
            Identifier::Phone(phone) => own.phone(phone.as_str()),
            Identifier::Email(email) => {
                let name = email.as_str().split('@').next().unwrap_or_default();
                own.word(name)
            }
        };
    }
    Ok(own)
}

/// Hashes a secret that is to be set, outside any transaction.
pub(crate) async fn hash(env: &Env, secret: &[u8]) -> Result<Phc, Overloaded> {
    env.hasher.place()?.hash(Typed::new(secret)).await
}

/// Whether a hash is of this secret.
pub(crate) async fn is_hash_of(env: &Env, phc: &Phc, secret: &[u8]) -> Result<bool, Overloaded> {
    let verdict = env
        .hasher
        .place()?
        .compare(Typed::new(secret), Some(phc.clone()));
    Ok(verdict.await?.is_right())
}
