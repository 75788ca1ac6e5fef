//! The links of messages: one undoes a change that was made (A48), one stops a change that waits (CH-2). Opening one
//! changes nothing (A31).

use audit::{Actor, Details, Entry};
use db::{ReadTx, WriteTx, params};
use identity_core::changes::{Kind, Stopped, Stopper};
use kernel::Visitor;
use notify::texts::SecurityEvent;
use serde::{Deserialize, Serialize};

use super::{
    UNDONE,
    holding::{self, HoldId, Kept},
    making::{self, ChangeId, Left},
    owned_of, sql,
    telling::Telling,
};
use crate::{
    account::{self, Account},
    counters,
    env::{Env, ServiceError},
    freeze,
    link::{self, LinkToken, Purpose},
    session::SignedIn,
};

/// What a link would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Puts the old one back.
    Undo(Kind),
    /// Stops a change that waits.
    Stop(Kind),
    /// Nothing: pressed, run out, or never was; or what it would stop is over.
    Over,
}

/// What pressing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pressed {
    /// The old one is back; sessions have ended, money is frozen.
    Undone(Kind),
    /// The old one leads to another account by now; sessions have ended, money is frozen.
    Gone(Kind),
    /// The change is over.
    Ended(Kind),
    /// Its clock stands.
    Disputed(Kind),
    /// Nothing.
    Over,
}

/// What a stopping link says of itself: what it stops, and whether it was sent to what is to be replaced.
fn stopping(payload: &str) -> Option<(Kind, Stopper, HoldId)> {
    let mut parts = payload.splitn(3, ' ');
    let kind = Kind::from_name(parts.next()?)?;
    let by = match parts.next()? {
        "contested" => Stopper::Contested,
        "owner" => Stopper::Owner,
        _ => return None,
    };
    Some((kind, by, parts.next()?.parse().ok()?))
}

/// The hold that a stopping link was sent for, while it waits.
async fn waiting(
    tx: &mut ReadTx,
    account: &Account,
    payload: &str,
) -> Result<Option<(Kept, Stopper)>, ServiceError> {
    let Some((kind, by, id)) = stopping(payload) else {
        return Ok(None);
    };
    let kept = holding::find(tx, account.id, kind).await?;
    Ok(kept.filter(|kept| kept.id == id).map(|kept| (kept, by)))
}

/// The change that an undoing link was sent for, while it can be undone.
async fn made(
    tx: &mut ReadTx,
    account: &Account,
    payload: &str,
) -> Result<Option<(Kind, Left)>, ServiceError> {
    let Ok(id) = payload.parse::<ChangeId>() else {
        return Ok(None);
    };
    let key = params![account.id.as_bytes(), id.as_bytes()];
    let Some(row) = tx.query_opt(&sql::FIND, key).await? else {
        return Ok(None);
    };
    if row.opt_timestamp(3)?.is_some() {
        return Ok(None);
    }
    let kind = Kind::from_name(&row.text(0)?).ok_or_else(|| row.wrong(0, "no kind"))?;
    Ok(Some((kind, Left::open(account, &row.bytes(1)?)?)))
}

/// Looks at a link without using it.
pub async fn look(tx: &mut ReadTx, env: &Env, token: &LinkToken) -> Result<Link, ServiceError> {
    if let Some(found) = link::find(tx, env, Purpose::Undo, token).await? {
        let made = made(tx, &found.account, &found.payload).await?;
        let made = made.filter(|_| !found.is_over);
        return Ok(made.map_or(Link::Over, |(kind, _)| Link::Undo(kind)));
    }
    if let Some(found) = link::find(tx, env, Purpose::Stop, token).await? {
        let waits = waiting(tx, &found.account, &found.payload).await?;
        let waits = waits.filter(|_| !found.is_over);
        return Ok(waits.map_or(Link::Over, |(kept, _)| Link::Stop(kept.kind)));
    }
    Ok(Link::Over)
}

/// Presses a link's button, in any browser.
pub async fn press(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    token: &LinkToken,
    presser: Option<&SignedIn>,
) -> Result<Pressed, ServiceError> {
    let undo = link::find(tx, env, Purpose::Undo, token).await?;
    if let Some(found) = undo.filter(|found| !found.is_over) {
        return undo_by(tx, env, visitor, token, &found, presser).await;
    }
    let stop = link::find(tx, env, Purpose::Stop, token).await?;
    let Some(found) = stop.filter(|found| !found.is_over) else {
        return Ok(Pressed::Over);
    };
    let account = account::lock(tx, env, found.account.id).await?;
    let Some((kept, by)) = waiting(tx, &account, &found.payload).await? else {
        return Ok(Pressed::Over);
    };
    if !link::consume(tx, token).await? {
        return Ok(Pressed::Over);
    }
    let entry = |logged, details: &Details| {
        Entry::new(logged, Actor::Visitor)
            .about(account.id)
            .with(details.seal(&account.key))
    };
    let stopped = holding::stop_by(tx, env, &account, &kept, by, (visitor, entry)).await?;
    Ok(match stopped {
        Stopped::Ended => Pressed::Ended(kept.kind),
        Stopped::Disputed(_) | Stopped::Already => Pressed::Disputed(kept.kind),
    })
}

/// The owner says that a change was not theirs: the old one is back where it is free, every session ends, money does
/// not leave, and nothing else of the same hand goes on: no later change can be undone into this one, no hold waits.
async fn undo_by(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    token: &LinkToken,
    found: &link::Found,
    presser: Option<&SignedIn>,
) -> Result<Pressed, ServiceError> {
    counters::lock_browsers(tx, found.account.id).await?;
    let account = account::lock(tx, env, found.account.id).await?;
    let Some((kind, left)) = made(tx, &account, &found.payload).await? else {
        return Ok(Pressed::Over);
    };
    if !link::consume(tx, token).await? {
        return Ok(Pressed::Over);
    }
    let owned = account::identifiers(tx, &account).await?;
    let present = owned_of(&owned, kind);
    let present = present.ok_or(ServiceError::Inconsistent("a change of nothing"))?;
    let old = left.identifier()?;
    let is_back =
        present.identifier == old || making::put_back(tx, env, &account, present, &left).await?;
    let now = tx.now();
    let key = params![now, account.id.as_bytes(), kind.as_str()];
    tx.execute(&sql::UNDO, key).await?;
    making::end_holds(tx, &account).await?;
    let keep = presser.filter(|who| who.account.id == account.id);
    freeze::freeze(tx, env, visitor, &account, keep, "undo").await?;
    if is_back {
        let telling = Telling {
            env,
            account: &account,
            event: match kind {
                Kind::Phone => SecurityEvent::PhoneRestored,
                Kind::Email => SecurityEvent::EmailRestored,
            },
            object: old.masked(),
            visitor: Some(visitor),
        };
        // Those that led here a moment ago, and the one that leads here again.
        let mut everybody: Vec<_> = owned.iter().map(|owned| &owned.identifier).collect();
        if !everybody.contains(&&old) {
            everybody.push(&old);
        }
        telling.plain(tx, &everybody).await?;
    }
    let details = Details::of(visitor)
        .fact("kind", kind.as_str())
        .fact("back", if is_back { "yes" } else { "no" });
    let entry = Entry::new(UNDONE, Actor::Visitor)
        .about(account.id)
        .with(details.seal(&account.key));
    audit::append(tx, entry).await?;
    Ok(if is_back {
        Pressed::Undone(kind)
    } else {
        Pressed::Gone(kind)
    })
}
