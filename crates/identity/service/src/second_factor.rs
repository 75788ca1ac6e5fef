//! The second factor at sign-in (ID-8, ID-8a, A47): whether a code is enough, and what is asked for when not.
//!
//! Every door asks [`gate`] before it begins a session, and no session begins without the [`Enough`] that only the
//! gate makes. It asks for more when the owner wants it always, when the number was not proved for a year, and when
//! its operator has cast doubt on it; never when the account has nothing to show, for a setting must not lock its
//! owner out. A passkey is both factors. What a phone has shown when it let a computer in stands for the computer.

pub(crate) mod sql;

use audit::{Action as Logged, Details};
use db::{BoxFuture, DbError, ReadTx, WriteTx, params};
use identity_core::{
    account::is_aged,
    assurance::{Action, Has, Method},
    second_factor::{self as rules, Standing, Why},
};
use kernel::{AccountId, Identifier, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    account::{self, Account},
    env::{Env, ServiceError, Subject},
    notice::{self, Notice},
    secret, shown,
    slices::Taken,
    step_up::{At, Authorised, Sensitive},
};

/// Sign-in asks for a second factor from now on.
pub const ON: Logged = Logged::new("second_factor.on");
/// It no longer does.
pub const OFF: Logged = Logged::new("second_factor.off");

/// Asks for the second factor at every sign-in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Always {}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Set {
    /// Set.
    Done,
    /// It was so already.
    Same,
    /// The account has no second factor: one must be added first.
    Nothing,
}

impl Sensitive for Always {
    const ACTION: Action = Action::AskSecondFactor;
    type Done = Set;

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<Set, ServiceError>> {
        Box::pin(async move {
            if rules::ways(&shown::has(tx, at.account).await?).is_empty() {
                return Ok(Set::Nothing);
            }
            let now = tx.now();
            let row = params![at.account.id.as_bytes(), now];
            if tx.execute(&sql::ON, row).await? == 0 {
                return Ok(Set::Same);
            }
            notice::tell(tx, at.env, at.visitor, at.account, Notice::SecondFactorOn).await?;
            audit::append(tx, at.who.entry(ON, &Details::of(at.visitor))).await?;
            Ok(Set::Done)
        })
    }
}

/// No longer asks for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NotAlways {}

impl Sensitive for NotAlways {
    const ACTION: Action = Action::DropSecondFactor;
    type Done = Set;

    fn takes(&self) -> Option<Taken> {
        Some(Taken::SecondFactor)
    }

    fn took(done: &Set) -> bool {
        *done == Set::Done
    }

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<Set, ServiceError>> {
        Box::pin(async move {
            let row = params![at.account.id.as_bytes()];
            if tx.execute(&sql::OFF, row).await? == 0 {
                return Ok(Set::Same);
            }
            notice::tell(tx, at.env, at.visitor, at.account, Notice::SecondFactorOff).await?;
            audit::append(tx, at.who.entry(OFF, &Details::of(at.visitor))).await?;
            Ok(Set::Done)
        })
    }
}

/// Since when sign-in always asks.
pub(crate) async fn since(
    tx: &mut ReadTx,
    account: AccountId,
) -> Result<Option<Timestamp>, DbError> {
    let row = tx
        .query_opt(&sql::FIND, params![account.as_bytes()])
        .await?;
    row.map(|row| row.timestamp(0)).transpose()
}

/// Whether sign-in always asks.
pub async fn is_on(tx: &mut ReadTx, account: AccountId) -> Result<bool, DbError> {
    Ok(since(tx, account).await?.is_some())
}

/// Whether the setting is on and this method is the only one that satisfies it: then it cannot be taken away.
/// For every use case that removes a password, a passkey or an app.
pub(crate) async fn would_be_last(
    tx: &mut ReadTx,
    account: &Account,
    method: Method,
) -> Result<bool, ServiceError> {
    let ways = rules::ways(&has(tx, account).await?);
    Ok(ways == [method] && is_on(tx, account.id).await?)
}

/// What an account could show at a door. A password that was guessed shut is still asked for: otherwise whoever
/// has the number would guess until it closes, and then enter by the code alone.
async fn has(tx: &mut ReadTx, account: &Account) -> Result<Has, ServiceError> {
    let mut has = shown::has(tx, account).await?;
    let password = secret::standing(tx, account.id, secret::Kind::Password).await?;
    has.password = password.is_some();
    Ok(has)
}

/// How the identifier that was just proved stands: read before its proof is written down.
pub(crate) async fn standing(
    tx: &mut ReadTx,
    env: &Env,
    account: &Account,
    subject: &Subject,
) -> Result<Standing, ServiceError> {
    let owned = account::identifiers(tx, account).await?;
    let owned = owned.into_iter().find(|owned| owned.subject == *subject);
    let doubt = tx
        .query_opt(&shown::sql::DOUBT, params![subject])
        .await?
        .is_some();
    let aged = owned.is_some_and(|owned| {
        matches!(owned.identifier, Identifier::Phone(_))
            && is_aged(owned.proved_at, &env.policy, tx.now())
    });
    Ok(Standing {
        is_aged: aged,
        is_doubted: doubt,
    })
}

/// What a door is told.
pub(crate) enum Gate {
    /// A session may begin.
    Open(Enough),
    /// Not yet: why, and what would do.
    Asks(Why, Vec<Method>),
}

/// The right to begin one session: what was shown for it is enough. Only [`gate`] gives it, so there is no door
/// beside it.
#[derive(Debug)]
pub(crate) struct Enough {
    /// A restore has voided the account's backup codes, and the owner was not told yet.
    pub(crate) is_codes_void: bool,
    /// A change of the phone or the e-mail waits.
    pub(crate) has_hold: bool,
}

/// Asked by every door before it begins a session: whether what was shown is enough. `proved` is the identifier
/// whose code was shown, where one was.
pub(crate) async fn gate(
    tx: &mut ReadTx,
    env: &Env,
    account: &Account,
    proved: Option<&Subject>,
    shown: &[Method],
) -> Result<Gate, ServiceError> {
    let id = account.id.as_bytes();
    let row = tx.query_one(&sql::AT_DOOR, params![id, id, id]).await?;
    let is_on = row.int(0)? > 0;
    let enough = Enough {
        is_codes_void: row.int(1)? > 0,
        has_hold: row.int(2)? > 0,
    };
    if shown.iter().copied().any(rules::is_second) {
        return Ok(Gate::Open(enough));
    }
    let standing = match proved {
        Some(subject) => standing(tx, env, account, subject).await?,
        None => Standing::default(),
    };
    if !is_on && standing == Standing::default() {
        return Ok(Gate::Open(enough));
    }
    let has = has(tx, account).await?;
    Ok(match rules::needed(is_on, standing, &has) {
        Some((why, ways)) => Gate::Asks(why, ways),
        None => Gate::Open(enough),
    })
}

/// Why a code to this identifier is not enough to enter, and what would do; `None` when it is.
pub(crate) async fn needed(
    tx: &mut ReadTx,
    env: &Env,
    account: &Account,
    subject: &Subject,
) -> Result<Option<(Why, Vec<Method>)>, ServiceError> {
    Ok(match gate(tx, env, account, Some(subject), &[]).await? {
        Gate::Open(_) => None,
        Gate::Asks(why, ways) => Some((why, ways)),
    })
}
