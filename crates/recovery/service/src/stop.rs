//! The owner's stop (A38, RE-7, RE-12): from the link in a message to any old channel, without signing in. Opening the
//! link changes nothing, for mail scanners open links too (A31). It wins until the case is executed.

use audit::{Action, Actor, Details, Entry};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use db::{ReadTx, WriteTx, params};
use identity_service::{Env, ServiceError, neighbours};
use kernel::{AccountId, Visitor};
use notify::texts::SecurityEvent;
use recovery_core::{State, Step};
use serde::{Deserialize, Serialize};

use crate::case::{self, CaseId, Found, Place, sql};

/// The owner stopped a case.
pub const STOPPED: Action = Action::new("recovery.stopped");

/// What the link carries in its path: the account, for the row, and 128 random bits, for the right (A38).
#[derive(Clone)]
pub struct StopToken {
    holder: AccountId,
    secret: [u8; 16],
}

impl StopToken {
    /// From the text of a path.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (holder, secret) = bytes.split_first_chunk::<16>()?;
        Some(Self {
            holder: AccountId::from_bytes(holder).ok()?,
            secret: secret.try_into().ok()?,
        })
    }
}

impl std::fmt::Debug for StopToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StopToken(…)")
    }
}

/// How far a link has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopLink {
    /// The case can be stopped.
    Open,
    /// It is stopped.
    Stopped,
    /// It has ended otherwise, or never was.
    Over,
}

const fn link_of(state: State) -> StopLink {
    match state {
        State::Stopped => StopLink::Stopped,
        state if state.is_open() => StopLink::Open,
        _ => StopLink::Over,
    }
}

async fn find(tx: &mut ReadTx, token: &StopToken) -> Result<Option<Place>, ServiceError> {
    let hash = vault::token_hash(&token.secret);
    let key = params![token.holder.as_bytes(), &hash];
    let Some(row) = tx.query_opt(&sql::STOP_FIND, key).await? else {
        return Ok(None);
    };
    let case = CaseId::from_bytes(&row.array::<16>(0)?).map_err(|_| row.wrong(0, "not an id"))?;
    Ok(Some(Place {
        holder: token.holder,
        case,
    }))
}

const fn state(found: &Found) -> State {
    match found {
        Found::Whole(case) => case.state,
        Found::Erased(state) => *state,
    }
}

/// Looks at a link without using it.
pub async fn look(tx: &mut ReadTx, env: &Env, token: &StopToken) -> Result<StopLink, ServiceError> {
    let Some(place) = find(tx, token).await? else {
        return Ok(StopLink::Over);
    };
    let found = case::find(tx, env, place).await?;
    Ok(found.map_or(StopLink::Over, |found| link_of(state(&found))))
}

/// Presses the link's button. Pressing it again changes nothing.
pub async fn press(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    token: &StopToken,
) -> Result<StopLink, ServiceError> {
    let Some(place) = find(tx, token).await? else {
        return Ok(StopLink::Over);
    };
    let account = neighbours::lock(tx, env, place.holder).await?;
    let Some(found) = case::lock(tx, env, place).await? else {
        return Ok(StopLink::Over);
    };
    let before = state(&found);
    let Ok(stopped) = before.take(Step::Stop) else {
        return Ok(link_of(before));
    };
    let now = tx.now();
    let closed = params![
        stopped.as_str(),
        now,
        place.holder.as_bytes(),
        place.case.as_bytes()
    ];
    tx.execute_one(&sql::CLOSE, closed).await?;
    if let Some(account) = account {
        let event = SecurityEvent::RecoveryStopped;
        neighbours::tell(tx, env, &account, event, visitor, "/freeze").await?;
        let entry = Entry::new(STOPPED, Actor::Visitor)
            .about(account.id)
            .with(Details::of(visitor).seal(&account.key));
        audit::append(tx, entry).await?;
    }
    Ok(StopLink::Stopped)
}
