//! The bank section of a session (ID-9): opened by a passkey, the password or the passcode, locked after five
//! idle minutes, over after twelve hours. A shop session is never enough for it (A27).

pub(crate) mod sql;

use audit::{Action as Logged, Details};
use db::{BoxFuture, DbError, ReadTx, WriteTx, params};
use identity_core::{
    assurance::{Action, Method, OPENS_BANK},
    bank_section::{self as rules, Section},
};
use kernel::{Timestamp, Visitor};
use serde::{Deserialize, Serialize};

use crate::{
    env::{Env, ServiceError},
    session::SignedIn,
    shown,
    step_up::{At, Authorised, Sensitive},
};

/// The bank section was opened.
pub const OPENED: Logged = Logged::new("bank_section.opened");
/// It was locked by hand.
pub const LOCKED: Logged = Logged::new("bank_section.locked");

/// Opens the bank section of the session that asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Open {
    /// Where to go once it is open: a path of ours.
    pub next: String,
}

impl Sensitive for Open {
    const ACTION: Action = Action::OpenBank;
    type Done = ();

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<(), ServiceError>> {
        Box::pin(async move {
            let now = tx.now();
            let shown = shown::of_session(tx, at.account.id, at.who.session).await?;
            // A code that was shown in the same moment opens nothing here (ID-3).
            let opening = shown
                .iter()
                .filter(|shown| OPENS_BANK.contains(&shown.method));
            let latest = opening.max_by_key(|shown| shown.at);
            let method = latest.map_or(at.who.method, |shown| shown.method);
            let row = params![
                at.account.id.as_bytes(),
                at.who.session.as_bytes(),
                method.as_str(),
                now,
                now,
            ];
            tx.execute_one(&sql::OPEN, row).await?;
            let details = Details::of(at.visitor).fact("method", method.as_str());
            audit::append(tx, at.who.entry(OPENED, &details)).await?;
            Ok(())
        })
    }
}

/// Somebody is in the bank section: the right to use it now. Only [`enter`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct InBank {
    /// How it was opened.
    pub method: Method,
    /// Locks then, unless used before.
    pub locks_at: Timestamp,
    /// Ends then.
    pub ends_at: Timestamp,
    /// Its last use should be written.
    pub is_due: bool,
}

/// Whether the bank section of a session is open; `None` when it must be opened (again).
pub async fn enter(tx: &mut ReadTx, env: &Env, who: &SignedIn) -> Result<Option<InBank>, DbError> {
    let now = tx.now();
    let key = params![who.account.id.as_bytes(), who.session.as_bytes()];
    let Some(row) = tx.query_opt(&sql::FIND, key).await? else {
        return Ok(None);
    };
    let (opened_at, seen_at) = (row.timestamp(1)?, row.timestamp(2)?);
    let Section::Open { locks_at, ends_at } = rules::section(opened_at, seen_at, &env.policy, now)
    else {
        return Ok(None);
    };
    Ok(Some(InBank {
        method: Method::from_name(&row.text(0)?).ok_or_else(|| row.wrong(0, "no method"))?,
        locks_at,
        ends_at,
        is_due: rules::is_due(seen_at, &env.policy, now),
    }))
}

/// Writes that the bank section was used; one that has locked meanwhile stays locked.
pub async fn touch(tx: &mut WriteTx, env: &Env, who: &SignedIn) -> Result<(), DbError> {
    let now = tx.now();
    let row = params![
        now,
        who.account.id.as_bytes(),
        who.session.as_bytes(),
        now,
        now.saturating_sub(env.policy.bank_idle),
        now.saturating_sub(env.policy.bank_life),
    ];
    tx.execute(&sql::TOUCH, row).await?;
    Ok(())
}

/// Locks it at once.
pub async fn lock(tx: &mut WriteTx, visitor: &Visitor, who: &SignedIn) -> Result<(), ServiceError> {
    let key = params![who.account.id.as_bytes(), who.session.as_bytes()];
    if tx.execute(&sql::LOCK, key).await? == 1 {
        audit::append(tx, who.entry(LOCKED, &Details::of(visitor))).await?;
    }
    Ok(())
}
