//! Changes that wait (CH-2, A49): begun, told of, stopped, made when their time is over.

use async_trait::async_trait;
use audit::{Actor, Details, Entry};
use db::{Db, DbError, ReadTx, Row, WriteTx, params};
use identity_core::{
    Policy,
    assurance::Method,
    changes::{Due, Hold, Kind, Presser, Stopped, Stopper, stopper},
};
use jobs::{JobError, Periodic};
use kernel::{AccountId, Identifier, Timestamp, Visitor};
use notify::texts::SecurityEvent;

use super::{
    Changed, DISPUTED, HELD, LAPSED, STOPPED,
    making::{self, Making},
    owned_of, sql,
    telling::{self, Telling},
};
use crate::{
    account::{self, Account, Owned},
    env::{Env, ServiceError, Subject, account_id, decode, encode},
    link,
    session::SignedIn,
    shown, slices,
    step_up::{self, At},
};

kernel::id! {
    /// A change that waits.
    pub(super) HoldId;
}

const TO: &str = "identity.hold";
/// A frozen account changes nothing: what is due is looked at again after this long.
const THAW: std::time::Duration = std::time::Duration::from_secs(3_600);

/// A hold as its row has it.
pub(super) struct Kept {
    pub(super) kind: Kind,
    pub(super) id: HoldId,
    sealed: Vec<u8>,
    pub(super) hold: Hold,
}

impl Kept {
    fn read(row: &Row) -> Result<Self, DbError> {
        let kind = Kind::from_name(&row.text(0)?).ok_or_else(|| row.wrong(0, "no kind"))?;
        let id = HoldId::from_bytes(&row.array::<16>(1)?).map_err(|_| row.wrong(1, "no id"))?;
        let told = u32::try_from(row.int(4)?).map_err(|_| row.wrong(4, "out of range"))?;
        Ok(Self {
            kind,
            id,
            sealed: row.bytes(2)?,
            hold: Hold {
                started_at: row.timestamp(3)?,
                told,
                told_at: row.timestamp(5)?,
                disputed_at: row.opt_timestamp(6)?,
            },
        })
    }

    fn to(&self, account: &Account) -> Result<Identifier, ServiceError> {
        decode(account.key.open(TO, &self.sealed)?.text()?)
    }
}

async fn all(tx: &mut ReadTx, account: AccountId) -> Result<Vec<Kept>, DbError> {
    let rows = tx.query(&sql::HOLDS, params![account.as_bytes()]).await?;
    rows.iter().map(Kept::read).collect()
}

pub(super) async fn find(
    tx: &mut ReadTx,
    account: AccountId,
    kind: Kind,
) -> Result<Option<Kept>, DbError> {
    let found = all(tx, account).await?;
    Ok(found.into_iter().find(|kept| kept.kind == kind))
}

pub(super) async fn end(tx: &mut WriteTx, account: AccountId, kind: Kind) -> Result<bool, DbError> {
    let key = params![account.as_bytes(), kind.as_str()];
    Ok(tx.execute(&sql::END, key).await? == 1)
}

async fn save(
    tx: &mut WriteTx,
    account: AccountId,
    kind: Kind,
    hold: &Hold,
    next_at: Option<Timestamp>,
) -> Result<(), DbError> {
    let row = params![
        hold.told,
        hold.told_at,
        hold.disputed_at,
        next_at,
        account.as_bytes(),
        kind.as_str()
    ];
    tx.execute_one(&sql::SAVE, row).await
}

/// Begins one; the owner is told in the same transaction (day 0).
pub(super) async fn begin(
    tx: &mut WriteTx,
    at: At<'_>,
    owned: &[Owned],
    to: &Identifier,
) -> Result<Changed, ServiceError> {
    let (kind, now, account) = (Kind::of(to), tx.now(), at.account);
    if find(tx, account.id, kind).await?.is_some() {
        return Ok(Changed::Waits);
    }
    let hold = Hold::begun(now);
    let id = HoldId::new(now, &*at.env.chance);
    let sealed = account.key.seal(TO, encode(to).as_bytes());
    let row = params![
        account.id.as_bytes(),
        kind.as_str(),
        id.as_bytes(),
        &sealed,
        hold.started_at,
        hold.told,
        hold.told_at,
        hold.next_at(&at.env.policy),
    ];
    tx.execute_one(&sql::HOLD, row).await?;
    let kept = Kept {
        kind,
        id,
        sealed,
        hold,
    };
    tell(tx, at.env, account, owned, &kept, Some(at.visitor)).await?;
    let details = at.details().fact("kind", kind.as_str());
    audit::append(tx, at.who.entry(HELD, &details)).await?;
    let until = hold.ends_at(&at.env.policy).as_micros();
    Ok(Changed::Held { until })
}

/// Tells every way in that something is moving. Each gets a link of its own: what a press is worth depends on what the
/// link was sent to.
async fn tell(
    tx: &mut WriteTx,
    env: &Env,
    account: &Account,
    owned: &[Owned],
    kept: &Kept,
    visitor: Option<&Visitor>,
) -> Result<(), ServiceError> {
    let telling = Telling {
        env,
        account,
        event: match kept.kind {
            Kind::Phone => SecurityEvent::PhoneMoving,
            Kind::Email => SecurityEvent::EmailMoving,
        },
        object: kept.to(account)?.masked(),
        visitor,
    };
    let from = kept.hold.ends_at(&env.policy);
    for owned in owned {
        let is_contested = Kind::of(&owned.identifier) == kept.kind;
        let by = if is_contested { "contested" } else { "owner" };
        let payload = format!("{} {by} {}", kept.kind.as_str(), kept.id);
        let token = link::make(tx, env, account, link::Purpose::Stop, &payload).await?;
        let path = telling::path(&token);
        telling
            .back(tx, &owned.identifier, &path, Some(from))
            .await?;
    }
    Ok(())
}

/// Somebody stops what waits.
pub(super) async fn stop_by(
    tx: &mut WriteTx,
    env: &Env,
    account: &Account,
    kept: &Kept,
    by: Stopper,
    (visitor, entry): (&Visitor, impl FnOnce(audit::Action, &Details) -> Entry),
) -> Result<Stopped, ServiceError> {
    let stopped = kept.hold.stop(by, tx.now());
    let (event, logged) = match &stopped {
        Stopped::Already => return Ok(stopped),
        Stopped::Ended => {
            end(tx, account.id, kept.kind).await?;
            (SecurityEvent::MoveStopped, STOPPED)
        }
        Stopped::Disputed(hold) => {
            save(tx, account.id, kept.kind, hold, None).await?;
            (SecurityEvent::MoveDisputed, DISPUTED)
        }
    };
    let telling = Telling {
        env,
        account,
        event,
        object: String::new(),
        visitor: Some(visitor),
    };
    let owned = account::identifiers(tx, account).await?;
    let everybody: Vec<_> = owned.iter().map(|owned| &owned.identifier).collect();
    telling.plain(tx, &everybody).await?;
    let details = Details::of(visitor).fact("kind", kept.kind.as_str());
    audit::append(tx, entry(logged, &details)).await?;
    Ok(stopped)
}

/// Stops what waits, from a session of the account: one that has shown more than a code to what is to be replaced, or
/// that is in a browser which the account knew before, ends it; any other stops its clock. `None` when nothing waits.
pub async fn stop(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    kind: Kind,
) -> Result<Option<Stopped>, ServiceError> {
    let account = step_up::lock_account(tx, env, who).await?;
    let Some(kept) = find(tx, account.id, kind).await? else {
        return Ok(None);
    };
    let shown = shown::of_session(tx, account.id, who.session).await?;
    let mut shown: Vec<Method> = shown.iter().map(|shown| shown.method).collect();
    shown.extend(Method::from_name(who.method.as_str()));
    let presser = Presser {
        shown: &shown,
        is_known: knows(tx, account.id, &who.browser, &kept.hold).await?,
    };
    let by = stopper(kind, presser);
    let entry = |logged, details: &Details| who.entry(logged, details);
    let stopped = stop_by(tx, env, &account, &kept, by, (visitor, entry)).await?;
    Ok(Some(stopped))
}

/// Whether the account has known a browser since before a hold.
async fn knows(
    tx: &mut ReadTx,
    account: AccountId,
    browser: &[u8; 32],
    hold: &Hold,
) -> Result<bool, DbError> {
    let key = params![account.as_bytes(), browser];
    let row = tx.query_opt(&sql::KNOWN_SINCE, key).await?;
    let since = row.map(|row| row.timestamp(0)).transpose()?;
    Ok(since.is_some_and(|since| since < hold.started_at))
}

/// Somebody enters by a code to this identifier, and by what else they have shown. Where it was said to be lost, it is
/// not (A49).
pub(crate) async fn entered(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    account: &Account,
    (subject, shown, known): (&Subject, &[Method], Option<[u8; 32]>),
) -> Result<(), ServiceError> {
    let owned = account::identifiers(tx, account).await?;
    let Some(proved) = owned.iter().find(|owned| owned.subject == *subject) else {
        return Ok(());
    };
    let kind = Kind::of(&proved.identifier);
    let Some(kept) = find(tx, account.id, kind).await? else {
        return Ok(());
    };
    let is_known = match known {
        Some(browser) => knows(tx, account.id, &browser, &kept.hold).await?,
        None => false,
    };
    let by = stopper(kind, Presser { shown, is_known });
    let entry = |logged, details: &Details| {
        Entry::by_customer(logged, account.id).with(details.seal(&account.key))
    };
    stop_by(tx, env, account, &kept, by, (visitor, entry)).await?;
    Ok(())
}

/// One change that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moving {
    /// Since when.
    pub since: Timestamp,
    /// When it is made, if nobody stops it.
    pub until: Timestamp,
    /// Its clock stands since then.
    pub disputed_at: Option<Timestamp>,
}

/// How what leads to an account stands: what the bank obeys (A44, A49).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// The phone is changing.
    pub phone: Option<Moving>,
    /// The e-mail is changing.
    pub email: Option<Moving>,
    /// When one of them was changed last, as far back as it could be undone.
    pub changed_at: Option<Timestamp>,
}

/// How what leads to an account stands.
pub async fn standing(
    tx: &mut ReadTx,
    policy: &Policy,
    account: AccountId,
) -> Result<Standing, DbError> {
    let mut standing = Standing::default();
    for kept in all(tx, account).await? {
        let moving = Some(Moving {
            since: kept.hold.started_at,
            until: kept.hold.ends_at(policy),
            disputed_at: kept.hold.disputed_at,
        });
        match kept.kind {
            Kind::Phone => standing.phone = moving,
            Kind::Email => standing.email = moving,
        }
    }
    let last = tx
        .query_one(&sql::LAST, params![account.as_bytes()])
        .await?;
    standing.changed_at = last.opt_timestamp(0)?;
    Ok(standing)
}

/// What waits of a kind, with what it leads to, masked: for the owner's pages.
pub async fn moving(
    tx: &mut ReadTx,
    env: &Env,
    account: &Account,
    kind: Kind,
) -> Result<Option<(Moving, String)>, ServiceError> {
    let Some(kept) = find(tx, account.id, kind).await? else {
        return Ok(None);
    };
    let moving = Moving {
        since: kept.hold.started_at,
        until: kept.hold.ends_at(&env.policy),
        disputed_at: kept.hold.disputed_at,
    };
    Ok(Some((moving, kept.to(account)?.masked())))
}

/// The clocks of all holds begin anew, and the owners are told anew: after a restore nobody knows which of them were
/// stopped since, and their links are dead (F18).
pub(crate) async fn restart_all(tx: &mut WriteTx) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(&crate::restore::sql::HOLDS, params![now, now, now])
        .await?;
    Ok(())
}

/// Holds looked at in one run.
const AT_ONCE: u32 = 500;

/// The regular work: tells of what waits, and makes what nobody stopped.
pub struct Holds {
    db: Db,
    env: Env,
}

impl Holds {
    /// For this database.
    pub fn new(db: &Db, env: &Env) -> Self {
        Self {
            db: db.clone(),
            env: env.clone(),
        }
    }
}

#[async_trait]
impl Periodic for Holds {
    async fn run(&self) -> Result<(), JobError> {
        let due: Result<Vec<(AccountId, Kind)>, DbError> = self
            .db
            .read("changes.due", (), |tx, ()| Box::pin(due(tx)))
            .await;
        let mut failed = false;
        for (account, kind) in due? {
            let input = (self.env.clone(), account, kind);
            let done: Result<(), ServiceError> = self
                .db
                .write("changes.advance", input, |tx, (env, account, kind)| {
                    Box::pin(advance(tx, env, *account, *kind))
                })
                .await;
            // One that fails does not hold up the others.
            if let Err(error) = done {
                tracing::error!(%error, "a change that waits could not go on");
                failed = true;
            }
        }
        if failed {
            return Err(JobError::Again {
                code: "change_stands",
                after: None,
            });
        }
        Ok(())
    }
}

async fn due(tx: &mut ReadTx) -> Result<Vec<(AccountId, Kind)>, DbError> {
    let now = tx.now();
    let rows = tx.query(&sql::DUE, params![now, AT_ONCE]).await?;
    rows.iter()
        .map(|row| {
            let kind = Kind::from_name(&row.text(1)?).ok_or_else(|| row.wrong(1, "no kind"))?;
            Ok((account_id(row, 0)?, kind))
        })
        .collect()
}

/// Does what is due about one hold, once, on the server's time (decision 0005), whoever looks at it at the same time.
async fn advance(
    tx: &mut WriteTx,
    env: &Env,
    id: AccountId,
    kind: Kind,
) -> Result<(), ServiceError> {
    let account = account::lock(tx, env, id).await?;
    let Some(kept) = find(tx, id, kind).await? else {
        return Ok(());
    };
    let (policy, now) = (&env.policy, tx.now());
    let owned = account::identifiers(tx, &account).await?;
    match kept.hold.due(policy, now) {
        None => Ok(()),
        Some(Due::Tell) => {
            let hold = kept.hold.after_telling(policy, now);
            save(tx, id, kind, &hold, hold.next_at(policy)).await?;
            let kept = Kept { hold, ..kept };
            tell(tx, env, &account, &owned, &kept, None).await
        }
        Some(Due::Make) if account.frozen_at.is_some() => {
            let later = now.saturating_add(THAW);
            Ok(save(tx, id, kind, &kept.hold, Some(later)).await?)
        }
        Some(Due::Make) => make(tx, env, &account, &owned, &kept).await,
    }
}

/// Its time is over and nobody has stopped it: made, if what it leads to is free still (A51).
async fn make(
    tx: &mut WriteTx,
    env: &Env,
    account: &Account,
    owned: &[Owned],
    kept: &Kept,
) -> Result<(), ServiceError> {
    let to = kept.to(account)?;
    let making = Making {
        env,
        account,
        owned,
        by: None,
    };
    if owned_of(owned, kept.kind).is_some()
        && making::replace(tx, making, &to).await? == Changed::Done
    {
        // What leads to the account was taken today (A50).
        return Ok(slices::note(tx, account.id).await?);
    }
    end(tx, account.id, kept.kind).await?;
    let telling = Telling {
        env,
        account,
        event: SecurityEvent::MoveLapsed,
        object: String::new(),
        visitor: None,
    };
    let everybody: Vec<_> = owned.iter().map(|owned| &owned.identifier).collect();
    telling.plain(tx, &everybody).await?;
    let details = Details::default().fact("kind", kept.kind.as_str());
    let entry = Entry::new(LAPSED, Actor::System)
        .about(account.id)
        .with(details.seal(&account.key));
    audit::append(tx, entry).await?;
    Ok(())
}
