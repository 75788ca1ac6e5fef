//! A case as the database has it, opened with its own key.

pub(crate) mod sql;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use db::{DbError, ReadTx, Row, WriteTx, params};
use identity_service::{Env, ServiceError, Subject, codes::BrowserKey, neighbours};
use kernel::{AccountId, Identifier, Timestamp};
use recovery_core::{CaseNumber, Facts, Proofs, State};
use serde::{Deserialize, Serialize};
use vault::{DataKey, WrappedKey};

kernel::id! {
    /// A recovery case.
    pub CaseId;
}

/// Where a case lies: its holder, who is the shard, and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The account, or the id that stands for nobody.
    pub holder: AccountId,
    /// The case.
    pub case: CaseId,
}

/// What was claimed when the case was started.
#[derive(Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) number: String,
    pub(crate) identifier: String,
}

pub(crate) const CLAIM: &str = "recovery.claim";
pub(crate) const PHONE: &str = "recovery.phone";
pub(crate) const FACTS: &str = "recovery.facts";

/// The id that stands for the account of an identifier that leads to none. The same for the same identifier, so that
/// what is counted is counted alike.
pub(crate) fn nobody(env: &Env, subject: &Subject) -> Result<AccountId, ServiceError> {
    let text = URL_SAFE_NO_PAD.encode(subject);
    let scope = neighbours::scope(env, "recovery.nobody", &text);
    let (head, _) = scope.split_at(16);
    AccountId::from_bytes(head).map_err(|_| ServiceError::Inconsistent("an id of sixteen bytes"))
}

/// The case's key is bound to the case as an account's is to the account.
pub(crate) fn owner_of_key(case: CaseId) -> Result<AccountId, ServiceError> {
    AccountId::from_bytes(case.as_bytes())
        .map_err(|_| ServiceError::Inconsistent("an id of sixteen bytes"))
}

/// A case, opened.
pub struct Case {
    /// Where it lies.
    pub place: Place,
    /// Where it stands now.
    pub state: State,
    /// Since when.
    pub opened_at: Timestamp,
    /// A case that is not handed in ends then.
    pub expires_at: Timestamp,
    /// The phone to be used.
    pub phone: Option<Identifier>,
    /// When that phone was proved.
    pub phone_proved_at: Option<Timestamp>,
    /// What was told.
    pub facts: Facts,
    /// When something was told last.
    pub saved_at: Option<Timestamp>,
    /// Its number.
    pub number: CaseNumber,
    pub(crate) phone_subject: Option<Subject>,
    pub(crate) key: DataKey,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// A case that was found.
#[derive(Debug)]
pub enum Found {
    /// With everything in it.
    Whole(Box<Case>),
    /// Its key was destroyed: only its state is left.
    Erased(State),
}

impl Case {
    /// What there is of what is needed to hand it in.
    pub fn proofs(&self) -> Proofs {
        Proofs {
            phone: self.phone_proved_at.is_some(),
            person: self.facts.has_person(),
            // Photos are not taken yet, so nothing can be handed in.
            passport_photo: false,
            selfie: false,
        }
    }

    /// Whether the claimant may still change what is in it.
    pub const fn is_editable(&self) -> bool {
        matches!(self.state, State::Draft | State::Asked)
    }
}

fn read(row: &Row, env: &Env, place: Place, now: Timestamp) -> Result<Found, ServiceError> {
    let expires_at = row.timestamp(4)?;
    let state =
        State::from_name(&row.text(2)?, None).ok_or_else(|| row.wrong(2, "no state of a case"))?;
    // The sweep may come a little later than the end.
    let state = match state.take(recovery_core::Step::Expire) {
        Ok(expired) if now >= expires_at => expired,
        _ => state,
    };
    let Some(wrapped) = row.opt_bytes(0)? else {
        return Ok(Found::Erased(state));
    };
    if state == State::Expired {
        return Ok(Found::Erased(state));
    }
    let key = env
        .vault
        .unwrap(owner_of_key(place.case)?, &WrappedKey::from_bytes(wrapped))?;
    let wrong = |what| move |_: serde_json::Error| ServiceError::Inconsistent(what);
    let claim = key.open(CLAIM, &row.bytes(1)?)?;
    let claim: Claim = serde_json::from_slice(&claim).map_err(wrong("a sealed claim"))?;
    let phone = match row.opt_bytes(5)? {
        Some(sealed) => {
            let opened = key.open(PHONE, &sealed)?;
            Some(neighbours::read_identifier(opened.text()?)?)
        }
        None => None,
    };
    let facts = match row.opt_bytes(8)? {
        Some(sealed) => {
            let opened = key.open(FACTS, &sealed)?;
            serde_json::from_slice(&opened).map_err(wrong("sealed facts"))?
        }
        None => Facts::default(),
    };
    Ok(Found::Whole(Box::new(Case {
        place,
        state,
        opened_at: row.timestamp(3)?,
        expires_at,
        phone,
        phone_proved_at: row.opt_timestamp(7)?,
        facts,
        saved_at: row.opt_timestamp(9)?,
        number: CaseNumber::parse(&claim.number)
            .map_err(|_| ServiceError::Inconsistent("a sealed number"))?,
        phone_subject: row.opt_array(6)?,
        key,
    })))
}

/// One case.
pub async fn find(tx: &mut ReadTx, env: &Env, place: Place) -> Result<Option<Found>, ServiceError> {
    let key = params![place.holder.as_bytes(), place.case.as_bytes()];
    let row = tx.query_opt(&sql::FIND, key).await?;
    let now = tx.now();
    row.map(|row| read(&row, env, place, now)).transpose()
}

/// One case, locked.
pub(crate) async fn lock(
    tx: &mut WriteTx,
    env: &Env,
    place: Place,
) -> Result<Option<Found>, ServiceError> {
    let key = params![place.holder.as_bytes(), place.case.as_bytes()];
    let row = tx.query_opt(&sql::LOCK, key).await?;
    let now = tx.now();
    row.map(|row| read(&row, env, place, now)).transpose()
}

pub(crate) fn place(row: &Row) -> Result<Place, DbError> {
    Ok(Place {
        holder: AccountId::from_bytes(&row.array::<16>(0)?)
            .map_err(|_| row.wrong(0, "not an id"))?,
        case: CaseId::from_bytes(&row.array::<16>(1)?).map_err(|_| row.wrong(1, "not an id"))?,
    })
}

/// The case a browser works on.
pub async fn of_browser(tx: &mut ReadTx, browser: &BrowserKey) -> Result<Option<Place>, DbError> {
    let row = tx.query_opt(&sql::SEAT, params![browser]).await?;
    row.map(|row| place(&row)).transpose()
}

/// What a browser sees of the case it works on (RE-11).
pub async fn look(
    tx: &mut ReadTx,
    env: &Env,
    browser: &BrowserKey,
) -> Result<Option<Found>, ServiceError> {
    match of_browser(tx, browser).await? {
        Some(place) => find(tx, env, place).await,
        None => Ok(None),
    }
}

/// The open case a browser works on, locked; `None` when there is none that may be changed.
pub(crate) async fn lock_mine(
    tx: &mut WriteTx,
    env: &Env,
    browser: &BrowserKey,
) -> Result<Option<Box<Case>>, ServiceError> {
    let Some(place) = of_browser(tx, browser).await? else {
        return Ok(None);
    };
    Ok(match lock(tx, env, place).await? {
        Some(Found::Whole(case)) if case.is_editable() => Some(case),
        _ => None,
    })
}

/// Puts a browser before a case.
pub(crate) async fn seat(
    tx: &mut WriteTx,
    browser: &BrowserKey,
    place: Place,
) -> Result<(), DbError> {
    let now = tx.now();
    let row = params![browser, place.holder.as_bytes(), place.case.as_bytes(), now];
    tx.defer(&[(&sql::SEAT_SET, row)]).await
}
