//! Putting one identifier in the place of another.

use audit::{Actor, Details, Entry};
use db::{DbError, WriteTx, params};
use identity_core::{assurance::Method, changes::Kind};
use kernel::{Identifier, Timestamp, Visitor};
use notify::texts::SecurityEvent;
use serde::{Deserialize, Serialize};

use super::{CHANGED, Changed, holding, owned_of, sql, telling};
use crate::{
    account::{self, Account, IDENTIFIER, Owned},
    env::{Env, ServiceError, Subject, decode, encode},
    link, number,
    session::SignedIn,
    shown::{self, Proof},
};

kernel::id! {
    /// A change that was made.
    pub(super) ChangeId;
}

/// Where a change is made.
#[derive(Clone, Copy)]
pub(super) struct Making<'t> {
    pub(super) env: &'t Env,
    /// Locked.
    pub(super) account: &'t Account,
    /// Its identifiers as they are.
    pub(super) owned: &'t [Owned],
    /// Who, from where; nobody when a hold is over.
    pub(super) by: Option<(&'t SignedIn, &'t Visitor)>,
}

/// What left, to be put back by an undoing.
#[derive(Serialize, Deserialize)]
pub(super) struct Left {
    identifier: String,
    verified_at: i64,
    proved_at: i64,
    doubt: Option<(String, i64)>,
}

const LEFT: &str = "identity.change";

impl Left {
    pub(super) fn identifier(&self) -> Result<Identifier, ServiceError> {
        decode(&self.identifier)
    }

    pub(super) fn open(account: &Account, sealed: &[u8]) -> Result<Self, ServiceError> {
        let opened = account.key.open(LEFT, sealed)?;
        serde_json::from_slice(&opened).map_err(|_| ServiceError::Inconsistent("a sealed change"))
    }
}

/// Claims the new one and puts it in the place of the present one; `None` when it leads elsewhere. Claimed before
/// anything is released: whoever waits for another's claim has let nothing go that the other could wait for.
pub(super) async fn put(
    tx: &mut WriteTx,
    env: &Env,
    account: &Account,
    present: &Owned,
    to: &Identifier,
    (verified_at, proved_at): (Timestamp, Timestamp),
) -> Result<Option<Left>, ServiceError> {
    let (kind, subject) = (Kind::of(to), env.subject(to));
    if !account::claim(tx, &subject, to, account.id).await? {
        return Ok(None);
    }
    let id = account.id.as_bytes();
    let released = params![&present.subject, id];
    tx.execute_one(&sql::RELEASE, released).await?;
    let sealed = account.key.seal(IDENTIFIER, encode(to).as_bytes());
    let row = params![&subject, &sealed, verified_at, proved_at, id, kind.as_str()];
    tx.execute_one(&sql::REPLACE, row).await?;
    let doubt = take_doubt(tx, &present.subject).await?;
    for method in Method::ALL.into_iter().filter(|m| kind.is_shown_by(*m)) {
        tx.execute(&sql::UNSHOW, params![id, method.as_str()])
            .await?;
    }
    Ok(Some(Left {
        identifier: encode(&present.identifier),
        verified_at: present.verified_at.as_micros(),
        proved_at: present.proved_at.as_micros(),
        doubt,
    }))
}

/// The doubt of an identifier goes with it: whoever brings it next proves it then.
async fn take_doubt(tx: &mut WriteTx, subject: &Subject) -> Result<Option<(String, i64)>, DbError> {
    let row = tx.query_opt(&sql::DOUBT, params![subject]).await?;
    let Some(row) = row else { return Ok(None) };
    tx.execute(&number::sql::CLEAR, params![subject]).await?;
    Ok(Some((row.text(0)?, row.int(1)?)))
}

/// Puts what left back, with its age and its doubt; false when it leads elsewhere by now.
pub(super) async fn put_back(
    tx: &mut WriteTx,
    env: &Env,
    account: &Account,
    present: &Owned,
    left: &Left,
) -> Result<bool, ServiceError> {
    let to = left.identifier()?;
    let times = (
        Timestamp::from_micros(left.verified_at),
        Timestamp::from_micros(left.proved_at),
    );
    if put(tx, env, account, present, &to, times).await?.is_none() {
        return Ok(false);
    }
    if let Some((reason, since)) = &left.doubt {
        let subject = env.subject(&to);
        let row = params![&subject, reason.as_str(), *since];
        tx.execute_one(&number::sql::DOUBT, row).await?;
    }
    Ok(true)
}

/// Replaces what an account has by what was proved, now: everybody is told, and a change that somebody made can be
/// undone (A48). One that has waited cannot: its owner has had the time of the hold.
pub(super) async fn replace(
    tx: &mut WriteTx,
    making: Making<'_>,
    to: &Identifier,
) -> Result<Changed, ServiceError> {
    let Making {
        env,
        account,
        owned,
        by,
    } = making;
    let kind = Kind::of(to);
    let Some(present) = owned_of(owned, kind) else {
        return Ok(Changed::Nothing);
    };
    let now = tx.now();
    let Some(left) = put(tx, env, account, present, to, (now, now)).await? else {
        return Ok(Changed::Taken);
    };
    let id = account.id.as_bytes();
    tx.execute(&sql::END, params![id, kind.as_str()]).await?;
    let undo = match by {
        Some((who, _)) => {
            tx.execute(&sql::UNSTEP, params![id, who.session.as_bytes()])
                .await?;
            let proof = Proof {
                account: account.id,
                method: match kind {
                    Kind::Phone => Method::Sms,
                    Kind::Email => Method::Email,
                },
                since: Some(now),
            };
            shown::note(tx, who.session, &proof).await?;
            Some(keep(tx, env, account, kind, &left).await?)
        }
        None => None,
    };
    let event = match kind {
        Kind::Phone => SecurityEvent::PhoneChanged,
        Kind::Email => SecurityEvent::EmailChanged,
    };
    let telling = telling::Telling {
        env,
        account,
        event,
        object: to.masked(),
        visitor: by.map(|(_, visitor)| visitor),
    };
    telling.changed(tx, owned, to, undo.as_deref()).await?;
    let details = by.map_or_else(Details::default, |(_, visitor)| Details::of(visitor));
    let details = details.fact("kind", kind.as_str());
    let entry = match by {
        Some((who, _)) => who.entry(CHANGED, &details),
        None => Entry::new(CHANGED, Actor::System)
            .about(account.id)
            .with(details.fact("by", "hold").seal(&account.key)),
    };
    audit::append(tx, entry).await?;
    Ok(Changed::Done)
}

/// Keeps what left, and answers the path of the link that puts it back.
async fn keep(
    tx: &mut WriteTx,
    env: &Env,
    account: &Account,
    kind: Kind,
    left: &Left,
) -> Result<String, ServiceError> {
    let now = tx.now();
    let id = ChangeId::new(now, &*env.chance);
    let account_id = account.id.as_bytes();
    let text =
        serde_json::to_vec(left).map_err(|_| ServiceError::Inconsistent("a change is JSON"))?;
    let sealed = account.key.seal(LEFT, &text);
    let before = now.saturating_sub(env.policy.undo_life);
    tx.execute(&sql::FORGET, params![account_id, before])
        .await?;
    let row = params![account_id, id.as_bytes(), kind.as_str(), &sealed, now];
    tx.execute_one(&sql::ADD, row).await?;
    let token = link::make(tx, env, account, link::Purpose::Undo, &id.to_string()).await?;
    Ok(telling::path(&token))
}

/// Ends what waits of both kinds.
pub(super) async fn end_holds(tx: &mut WriteTx, account: &Account) -> Result<(), DbError> {
    for kind in Kind::ALL {
        holding::end(tx, account.id, kind).await?;
    }
    Ok(())
}
