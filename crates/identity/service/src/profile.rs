//! Personal data (ID-10): one sealed value, changed field by field.

pub(crate) mod sql;

use audit::{Details, action};
use db::{ReadTx, WriteTx, params};
use identity_core::{
    account::{Level, Missing, level},
    profile::{Applied, Change, Profile},
};
use kernel::Visitor;

use crate::{
    account::{self, Account, Owned},
    env::{Env, ServiceError},
    notice::{self, Notice},
    session::SignedIn,
};

const PROFILE: &str = "identity.profile";

/// The profile of an account; empty when nothing was entered yet.
pub async fn load(tx: &mut ReadTx, account: &Account) -> Result<Profile, ServiceError> {
    Ok(load_version(tx, account).await?.0)
}

async fn load_version(tx: &mut ReadTx, account: &Account) -> Result<(Profile, i64), ServiceError> {
    let row = tx
        .query_opt(&sql::FIND, params![account.id.as_bytes()])
        .await?;
    let Some(row) = row else {
        return Ok((Profile::default(), 0));
    };
    let opened = account.key.open(PROFILE, &row.bytes(0)?)?;
    let profile = serde_json::from_slice(&opened)
        .map_err(|_| ServiceError::Inconsistent("a sealed profile"))?;
    Ok((profile, row.int(1)?))
}

/// Who the account belongs to and what it lacks.
#[derive(Debug)]
pub struct Standing {
    /// The profile.
    pub profile: Profile,
    /// Its identifiers.
    pub owned: Vec<Owned>,
    /// The level.
    pub level: Level,
    /// What is missing for the next one.
    pub missing: Vec<Missing>,
}

/// Profile, identifiers, level.
pub async fn standing(tx: &mut ReadTx, account: &Account) -> Result<Standing, ServiceError> {
    let profile = load(tx, account).await?;
    let owned = account::identifiers(tx, account).await?;
    let (level, missing) = level(&profile, account::email(&owned).is_some());
    Ok(Standing {
        profile,
        owned,
        level,
        missing,
    })
}

/// Changes one field. What is already there and needs a check waits for it.
pub async fn change(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    change: &Change,
) -> Result<Applied, ServiceError> {
    let account = account::lock(tx, env, who.account.id).await?;
    let (profile, version) = load_version(tx, &account).await?;
    let now = tx.now();
    let (profile, applied) = profile.with(change.clone(), now);
    if applied == Applied::Same {
        return Ok(applied);
    }
    let text = serde_json::to_vec(&profile)
        .map_err(|_| ServiceError::Inconsistent("a profile is always JSON"))?;
    let sealed = account.key.seal(PROFILE, &text);
    let id = account.id.as_bytes();
    if version == 0 {
        tx.execute_one(&sql::ADD, params![id, &sealed, 1_i64, now])
            .await?;
    } else {
        tx.execute_one(&sql::SAVE, params![&sealed, now, id, version])
            .await?;
    }
    raise_level(tx, &account).await?;
    notice::tell(tx, env, visitor, &account, Notice::ProfileChanged).await?;
    let details = Details::of(visitor).fact("field", change.field()).fact(
        "outcome",
        if applied == Applied::Waits {
            "waits"
        } else {
            "accepted"
        },
    );
    audit::append(tx, who.entry(action::PROFILE_CHANGED, &details)).await?;
    Ok(applied)
}

/// Writes the level the account has reached (ID-11).
pub(crate) async fn raise_level(tx: &mut WriteTx, account: &Account) -> Result<(), ServiceError> {
    let standing = standing(tx, account).await?;
    if standing.level != account.level {
        let row = params![standing.level.as_str(), account.id.as_bytes()];
        tx.execute_one(&account::sql::LEVEL, row).await?;
    }
    Ok(())
}
