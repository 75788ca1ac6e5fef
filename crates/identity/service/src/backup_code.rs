//! Backup codes (ID-8): ten of 75 bits, kept as keyed hashes, each good once. A used one is replaced at once by a
//! new one that is shown; a new set kills the old one.

pub(crate) mod sql;

use audit::{Action as Logged, Actor, Details, Entry};
use db::{BoxFuture, DbError, ReadTx, WriteTx, params};
use identity_core::{
    assurance::{Action, Method},
    backup_code::{BackupCode, CODES, SIGNS},
    guessing::Guesses,
};
use kernel::{AccountId, Timestamp, Visitor};
use serde::{Deserialize, Serialize};

use crate::{
    account::Account,
    env::{Env, ServiceError},
    notice::{self, Notice},
    shown::{self, Proof},
    slices::Taken,
    step_up::{At, Authorised, Sensitive},
    tries::{self, Tried, Where},
};

/// A set was issued; the one before is dead.
pub const ISSUED: Logged = Logged::new("backup_code.issued");
/// One was used and replaced.
pub const USED: Logged = Logged::new("backup_code.used");

/// A restore has voided the codes; said at the first sign-in after it (F18).
pub const VOID: Logged = Logged::new("backup_code.void");

/// Tells the owner, once, that the codes of a restored backup count no more and new ones must be made.
pub(crate) async fn tell_void(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    account: &Account,
) -> Result<(), ServiceError> {
    let key = params![account.id.as_bytes()];
    if tx.execute(&sql::FORGET_VOID, key).await? == 0 {
        return Ok(());
    }
    notice::tell_news(tx, env, account, Notice::BackupCodesVoid).await?;
    let entry = Entry::new(VOID, Actor::System)
        .about(account.id)
        .with(Details::of(visitor).seal(&account.key));
    audit::append(tx, entry).await?;
    Ok(())
}

fn hash(env: &Env, account: AccountId, code: &BackupCode) -> [u8; 32] {
    env.vault.code_mac(account.as_bytes(), code.plain())
}

/// Draws a code and keeps its hash.
async fn add(tx: &mut WriteTx, env: &Env, account: AccountId) -> Result<BackupCode, DbError> {
    let bytes: [u8; SIGNS] = env.chance.bytes();
    let code = BackupCode::from_random(bytes);
    let now = tx.now();
    let hash = hash(env, account, &code);
    tx.execute_one(&sql::ADD, params![account.as_bytes(), &hash, now])
        .await?;
    Ok(code)
}

/// Issues a set of codes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Issue {}

impl Sensitive for Issue {
    const ACTION: Action = Action::IssueBackupCodes;
    /// The codes: shown now and never again.
    type Done = Vec<BackupCode>;

    fn takes(&self) -> Option<Taken> {
        Some(Taken::BackupCodes)
    }

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<Vec<BackupCode>, ServiceError>> {
        Box::pin(async move {
            let account = at.account.id;
            tx.execute(&sql::REMOVE, params![account.as_bytes()])
                .await?;
            let mut codes = Vec::with_capacity(CODES);
            for _ in 0..CODES {
                codes.push(add(tx, at.env, account).await?);
            }
            let notice = Notice::BackupCodesIssued;
            notice::tell(tx, at.env, at.visitor, at.account, notice).await?;
            audit::append(tx, at.who.entry(ISSUED, &Details::of(at.visitor))).await?;
            Ok(codes)
        })
    }
}

/// A code that was right, and the one that takes its place.
pub struct Used {
    /// The proof.
    pub proof: Proof,
    /// The new code: shown now and never again.
    pub fresh: BackupCode,
}

/// Checks a code and uses it up. The account is locked. Whatever comes out must be committed, or the try was free.
pub async fn check(
    tx: &mut WriteTx,
    place: Where<'_>,
    code: &BackupCode,
) -> Result<Tried<Used>, ServiceError> {
    let Where { env, account, .. } = place;
    let (id, now) = (account.id, tx.now());
    if left(tx, id).await? == 0 {
        return Ok(Tried::NotThere);
    }
    let guesses = lock(tx, id).await?;
    if let Err(refused) = guesses.may_try(&env.policy, now) {
        return Ok(refused.into());
    }
    let hash = hash(env, id, code);
    let made = params![id.as_bytes(), &hash];
    let made = tx.query_opt(&sql::MADE, made).await?;
    let used = params![now, id.as_bytes(), &hash];
    let made = made.map(|row| row.timestamp(0)).transpose()?;
    let used = tx.execute(&sql::USE, used).await? == 1;
    let Some(since) = made.filter(|_| used) else {
        let guesses = guesses.wrong(&env.policy, now);
        save(tx, id, &guesses).await?;
        place.refused(tx, Method::BackupCode, &guesses).await?;
        return Ok(Tried::Wrong);
    };
    save(tx, id, &guesses.right()).await?;
    let fresh = add(tx, env, id).await?;
    notice::tell(tx, env, place.visitor, account, Notice::BackupCodeUsed).await?;
    let entry = place.entry(USED, &Details::of(place.visitor));
    audit::append(tx, entry).await?;
    Ok(Tried::Right(Used {
        proof: place.proof(Method::BackupCode, since),
        fresh,
    }))
}

async fn lock(tx: &mut WriteTx, account: AccountId) -> Result<Guesses, DbError> {
    let key = params![account.as_bytes()];
    if let Some(row) = tx.query_opt(&sql::TRIES, key).await? {
        return tries::read(&row, 0);
    }
    Ok(Guesses::default())
}

async fn save(tx: &mut WriteTx, account: AccountId, guesses: &Guesses) -> Result<(), DbError> {
    let wrong = guesses.recent.to_bytes();
    let row = params![
        account.as_bytes(),
        guesses.in_row,
        &wrong,
        guesses.rest_until
    ];
    tx.execute_one(&sql::TRIES_SAVE, row).await
}

/// How many codes are left.
pub async fn left(tx: &mut ReadTx, account: AccountId) -> Result<i64, DbError> {
    let key = params![account.as_bytes()];
    tx.query_one(&sql::LEFT, key).await?.int(0)
}

/// Since when the oldest unused code is there.
pub(crate) async fn oldest(
    tx: &mut ReadTx,
    account: AccountId,
) -> Result<Option<Timestamp>, DbError> {
    let codes = params![account.as_bytes()];
    tx.query_one(&shown::sql::BACKUP, codes)
        .await?
        .opt_timestamp(0)
}
