//! The freeze (ID-13): one factor is enough to freeze, never to enter. A frozen account's money does not go
//! out and its other sessions are ended; lifting it asks for every identifier the account has.

use audit::{Action, Actor, Details, Entry};
use db::{DbError, ReadTx, WriteTx, params};
use identity_core::{
    account::unfreeze_needs,
    challenge::{NotAccepted, Purpose},
    guessing::Refused,
    next_path::NextPath,
};
use kernel::{Identifier, Visitor, code::OneTimeCode};

use crate::{
    account::{self, Account},
    codes::{self, Ask, Asked, Check, Checked},
    counters,
    env::{Env, ServiceError},
    link::{self, LinkToken},
    notice::{self, Notice},
    session::{self, SignedIn},
};

/// The account was frozen.
pub const FROZEN: Action = Action::new("account.frozen");
/// The freeze was lifted.
pub const UNFROZEN: Action = Action::new("account.unfrozen");

/// What the page of an «это не я» link shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmLink {
    /// It can be pressed.
    Open,
    /// It was pressed or has run out.
    Over,
}

/// Looks at an «это не я» link without using it (A31).
pub async fn look(
    tx: &mut ReadTx,
    env: &Env,
    token: &LinkToken,
) -> Result<AlarmLink, ServiceError> {
    let found = link::find(tx, env, link::Purpose::Alarm, token).await?;
    Ok(found
        .filter(|found| !found.is_over)
        .map_or(AlarmLink::Over, |_| AlarmLink::Open))
}

/// «Это не я»: freezes, ends every session but that of the owner who presses, if they are signed in.
pub async fn alarm(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    token: &LinkToken,
    presser: Option<&SignedIn>,
) -> Result<AlarmLink, ServiceError> {
    let found = link::find(tx, env, link::Purpose::Alarm, token).await?;
    let Some(found) = found.filter(|found| !found.is_over) else {
        return Ok(AlarmLink::Over);
    };
    counters::lock_browsers(tx, found.account.id).await?;
    let account = account::lock(tx, env, found.account.id).await?;
    if !link::consume(tx, token).await? {
        return Ok(AlarmLink::Over);
    }
    let keep = presser.filter(|who| who.account.id == account.id);
    freeze(tx, env, visitor, &account, keep, &found.payload).await?;
    Ok(AlarmLink::Open)
}

/// Freezes a locked account whose browsers are locked too.
pub(crate) async fn freeze(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    account: &Account,
    keep: Option<&SignedIn>,
    cause: &str,
) -> Result<(), ServiceError> {
    let now = tx.now();
    let ended = session::end_all(tx, account.id, keep).await?;
    let frozen = tx
        .execute(&account::sql::FREEZE, params![now, account.id.as_bytes()])
        .await?
        == 1;
    if frozen {
        notice::tell(tx, env, visitor, account, Notice::Frozen).await?;
    }
    let actor = keep.map_or(Actor::Visitor, |_| Actor::Customer(account.id));
    let details = Details::of(visitor)
        .fact("cause", cause)
        .fact("sessions_ended", ended.to_string());
    let entry = Entry::new(FROZEN, actor)
        .about(account.id)
        .with(details.seal(&account.key));
    audit::append(tx, entry).await?;
    Ok(())
}

/// Freezes the account of whoever asks, from its own cabinet.
pub async fn freeze_mine(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
) -> Result<(), ServiceError> {
    counters::lock_browsers(tx, who.account.id).await?;
    let account = account::lock(tx, env, who.account.id).await?;
    freeze(tx, env, visitor, &account, Some(who), "cabinet").await
}

/// What became of a freeze by code, from any browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByCode {
    /// Done; the same words when no account was there to freeze (RE-10).
    Done,
    /// Not the code, or not any more.
    NotAccepted(NotAccepted),
    /// Not even looked at.
    Refused(Refused),
}

/// Freezes by a code to one identifier.
pub async fn by_code(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    cmd: &Check,
) -> Result<ByCode, ServiceError> {
    let cmd = Check {
        purpose: Purpose::Freeze,
        ..cmd.clone()
    };
    match codes::check(tx, env, visitor, &cmd).await? {
        Checked::NotAccepted(why) => Ok(ByCode::NotAccepted(why)),
        Checked::Refused(why) => Ok(ByCode::Refused(why)),
        Checked::Right(proved) => {
            codes::end(tx, Purpose::Freeze, &cmd.browser).await?;
            if let Some(owner) = proved.owner {
                counters::lock_browsers(tx, owner).await?;
                let account = account::lock(tx, env, owner).await?;
                freeze(tx, env, visitor, &account, None, "code").await?;
            }
            Ok(ByCode::Done)
        }
    }
}

/// What lifting the freeze still asks for, in order; empty when everything was proved.
async fn unfreeze_left(
    tx: &mut ReadTx,
    env: &Env,
    who: &SignedIn,
    has_email: bool,
) -> Result<Vec<Purpose>, ServiceError> {
    let mut left = Vec::new();
    for purpose in unfreeze_needs(has_email) {
        if !codes::is_proved(tx, env, *purpose, &who.browser_key()).await? {
            left.push(*purpose);
        }
    }
    Ok(left)
}

/// Where lifting a freeze stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfreezing {
    /// The account is not frozen (any more).
    Open,
    /// This proof comes next.
    Next(Purpose),
}

/// A step of lifting the freeze: asks for the next code.
pub async fn ask_unfreeze(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
) -> Result<Result<Purpose, Asked>, ServiceError> {
    // Nothing is decided here, so the account is not locked: an identifier is locked before it, below.
    let owned = account::identifiers(tx, &who.account).await?;
    let email = account::email(&owned);
    let left = unfreeze_left(tx, env, who, email.is_some()).await?;
    let purpose = left.first().copied().unwrap_or(Purpose::UnfreezePhone);
    let to = match purpose {
        Purpose::UnfreezeEmail => email,
        _ => account::phone(&owned),
    };
    let to = to.ok_or(ServiceError::Inconsistent("an account without a phone"))?;
    let ask = Ask {
        purpose,
        identifier: to.identifier.clone(),
        call: false,
        browser: who.browser_key(),
        known: Some(who.browser),
        next: NextPath::default(),
        link: None,
        about: None,
    };
    Ok(match codes::ask(tx, env, visitor, &ask).await? {
        Asked::Sent => Ok(purpose),
        other => Err(other),
    })
}

/// What became of a code that lifts a freeze.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfrozen {
    /// The freeze is lifted.
    Done,
    /// Right; this proof comes next.
    Next(Purpose),
    /// Not the code, or not any more.
    NotAccepted(NotAccepted),
    /// Not even looked at.
    Refused(Refused),
}

/// Checks one code; with the last one the freeze is lifted.
pub async fn unfreeze(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    purpose: Purpose,
    code: &OneTimeCode,
) -> Result<Unfrozen, ServiceError> {
    let browser = who.browser_key();
    let check = Check {
        purpose,
        browser,
        known: Some(who.browser),
        code: code.clone(),
    };
    match codes::check(tx, env, visitor, &check).await? {
        Checked::NotAccepted(why) => return Ok(Unfrozen::NotAccepted(why)),
        Checked::Refused(why) => return Ok(Unfrozen::Refused(why)),
        Checked::Right(_) => {}
    }
    let account = account::lock(tx, env, who.account.id).await?;
    let owned = account::identifiers(tx, &account).await?;
    let has_email = account::email(&owned).is_some();
    if let Some(next) = unfreeze_left(tx, env, who, has_email).await?.first() {
        return Ok(Unfrozen::Next(*next));
    }
    for purpose in unfreeze_needs(has_email) {
        codes::end(tx, *purpose, &browser).await?;
    }
    let lifted = tx
        .execute(&account::sql::UNFREEZE, params![account.id.as_bytes()])
        .await?
        == 1;
    if lifted {
        notice::tell(tx, env, visitor, &account, Notice::Unfrozen).await?;
        audit::append(tx, who.entry(UNFROZEN, &Details::of(visitor))).await?;
    }
    Ok(Unfrozen::Done)
}

/// Asks for a code to freeze by, from any browser. The same answer whether or not an account is there.
pub async fn ask_by_code(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    identifier: &Identifier,
    browser: codes::BrowserKey,
) -> Result<Asked, ServiceError> {
    let ask = Ask {
        purpose: Purpose::Freeze,
        identifier: identifier.clone(),
        call: false,
        browser,
        known: None,
        next: NextPath::default(),
        link: None,
        about: None,
    };
    codes::ask(tx, env, visitor, &ask).await
}

/// A refusal other areas ask for before money leaves (BA-*).
pub async fn is_frozen(tx: &mut ReadTx, account: kernel::AccountId) -> Result<bool, DbError> {
    let row = tx
        .query_opt(&account::sql::FIND, params![account.as_bytes()])
        .await?;
    row.map_or(Ok(true), |row| Ok(row.opt_timestamp(4)?.is_some()))
}
