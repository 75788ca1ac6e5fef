//! Step-up: one mechanism for every sensitive action.
//!
//! An action is a plain command ([`Sensitive`]). [`perform`] runs it when the session has shown enough, and
//! otherwise seals it into a step and answers which step it was. Proofs are then shown for that step
//! ([`show`]), and [`perform`] with the same command and the step's id runs it: once, in the session that
//! asked, with the content that was confirmed (what you see is what you confirm; OWASP Transaction
//! Authorization 1.1, 1.5, 2.8).

mod by_code;
pub(crate) mod sql;

pub use by_code::{To, Tried, ask_code, check_code};

use audit::{Action as Logged, Details};
use db::{BoxFuture, ReadTx, Row, WriteTx, params};
use identity_core::{
    assurance::{self, Action, Has, Method, Missing, Shown, Strength, Way},
    slices::Slice,
};
use kernel::{Locale, Timestamp, Visitor};
use serde::{Serialize, de::DeserializeOwned};
use vault::same;

use crate::{
    account::{self, Account},
    codes::BrowserKey,
    env::{Env, ServiceError},
    session::SignedIn,
    shown::{self, Proof},
    slices::{self, Taken},
};

kernel::id! {
    /// An action that waits for a proof.
    pub StepId;
}

/// A proof was shown for an action.
pub const PROVED: Logged = Logged::new("step_up.proved");
/// An action asked for a proof.
pub const ASKED: Logged = Logged::new("step_up.asked");

/// The right to run one sensitive action now. Only [`perform`] hands it out.
#[derive(Debug)]
pub struct Authorised(());

/// A sensitive action with all that was typed for it.
pub trait Sensitive: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Which one.
    const ACTION: Action;
    /// What became of it.
    type Done: Send;

    /// What it is done to, as the messages with its codes name it, masked where it names a person's number or
    /// address, and never in words that whoever asks has chosen (A15). `None` where the action says it all.
    fn target(&self, _: Locale) -> Option<String> {
        None
    }

    /// What of the ways to the account this takes away or replaces (A50); `None` for what only adds.
    fn takes(&self) -> Option<Taken> {
        None
    }

    /// Whether it was taken in fact.
    fn took(_: &Self::Done) -> bool {
        true
    }

    /// Does it. The account is locked and is as it is now.
    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        right: Authorised,
    ) -> BoxFuture<'t, Result<Self::Done, ServiceError>>;
}

/// Where a sensitive action runs.
#[derive(Clone, Copy)]
pub struct At<'t> {
    /// The surroundings.
    pub env: &'t Env,
    /// From where it was asked.
    pub visitor: &'t Visitor,
    /// By whom.
    pub who: &'t SignedIn,
    /// Their account, locked.
    pub account: &'t Account,
}

impl At<'_> {
    /// From where, for the log.
    pub(crate) fn details(&self) -> Details {
        Details::of(self.visitor)
    }
}

/// What became of asking for a sensitive action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Performed<T> {
    /// Done.
    Done(T),
    /// A proof first, for this step.
    Needs(StepId),
    /// The account has nothing that would do: it must be given something first.
    NothingToShow,
    /// The account is frozen: nothing about its safety changes until the freeze is lifted.
    Frozen,
    /// Something was taken away within the day, and the account has nothing old to show (A50).
    TooSoon {
        /// It waits until then.
        until: Timestamp,
    },
}

const PAYLOAD: &str = "identity.step";
const TARGET: &str = "identity.step_target";

struct Step {
    session: [u8; 16],
    action: Action,
    sealed: Vec<u8>,
    mac: Vec<u8>,
    shown: Vec<Method>,
    created_at: Timestamp,
    expires_at: Timestamp,
    proved_at: Option<Timestamp>,
    used_at: Option<Timestamp>,
    target: Option<Vec<u8>>,
    old_only: bool,
}

fn read(row: &Row) -> Result<Step, ServiceError> {
    let shown = row.text(4)?;
    let shown = shown.split(',').filter(|name| !name.is_empty());
    let shown: Option<Vec<_>> = shown.map(Method::from_name).collect();
    Ok(Step {
        session: row.array(0)?,
        action: Action::from_name(&row.text(1)?).ok_or_else(|| row.wrong(1, "no action"))?,
        sealed: row.bytes(2)?,
        mac: row.bytes(3)?,
        shown: shown.ok_or_else(|| row.wrong(4, "no method"))?,
        created_at: row.timestamp(5)?,
        expires_at: row.timestamp(6)?,
        proved_at: row.opt_timestamp(7)?,
        used_at: row.opt_timestamp(8)?,
        target: row.opt_bytes(9)?,
        old_only: row.bool(10)?,
    })
}

impl Step {
    fn is_open(&self, who: &SignedIn, now: Timestamp) -> bool {
        self.session == *who.session.as_bytes() && self.used_at.is_none() && now < self.expires_at
    }
}

/// Locks the account of a session that must still be there (I6): what ended meanwhile does nothing more.
pub(crate) async fn lock(
    tx: &mut WriteTx,
    env: &Env,
    who: &SignedIn,
) -> Result<Account, ServiceError> {
    let account = account::lock(tx, env, who.account.id).await?;
    let key = params![account.id.as_bytes(), who.session.as_bytes()];
    if tx.query_opt(&sql::SESSION, key).await?.is_none() {
        return Err(ServiceError::SessionOver);
    }
    Ok(account)
}

/// Locks the account of a session for a verifier that is called from outside.
pub async fn lock_account(
    tx: &mut WriteTx,
    env: &Env,
    who: &SignedIn,
) -> Result<Account, ServiceError> {
    lock(tx, env, who).await
}

fn mac(env: &Env, step: StepId, payload: &[u8]) -> [u8; 32] {
    let payload = vault::token_hash(payload);
    env.vault.code_mac(step.as_bytes(), &hex::encode(payload))
}

/// Runs a sensitive action, or says what it needs first.
pub async fn perform<C: Sensitive>(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    cmd: &C,
    step: Option<StepId>,
) -> Result<Performed<C::Done>, ServiceError> {
    let account = lock(tx, env, who).await?;
    if account.frozen_at.is_some() && C::ACTION != Action::OpenBank {
        return Ok(Performed::Frozen);
    }
    let slice = slices::of(tx, account.id, cmd.takes()).await?;
    let strength = C::ACTION.need().strength;
    let asks = Asks {
        action: C::ACTION,
        payload: &serde_json::to_vec(cmd)
            .map_err(|_| ServiceError::Inconsistent("a command is JSON"))?,
        old_only: matches!(slice, Slice::Another { .. }),
    };
    if let Slice::Another { until } = slice
        && assurance::old_ways(strength, &shown::has(tx, &account).await?).is_empty()
    {
        return Ok(Performed::TooSoon { until });
    }
    let held = match step {
        Some(step) => consume(tx, env, &account, who, &asks, step).await?,
        None => Held::Nothing,
    };
    let left = match held {
        Held::Proof => Missing::Nothing,
        Held::Step(step) => return Ok(Performed::Needs(step)),
        Held::Nothing => {
            let session = shown::of_session(tx, account.id, who.session).await?;
            let counting = assurance::counting(C::ACTION.need(), &session, tx.now());
            let has = shown::has(tx, &account).await?;
            missing(asks.old_only, strength, &has, &counting, tx.now())
        }
    };
    match left {
        Missing::Nothing => {
            let at = At {
                env,
                visitor,
                who,
                account: &account,
            };
            let done = cmd.run(tx, at, Authorised(())).await?;
            if slice.counts() && C::took(&done) {
                slices::note(tx, account.id).await?;
            }
            Ok(Performed::Done(done))
        }
        Missing::NothingToShow => Ok(Performed::NothingToShow),
        Missing::OneOf(_) => {
            let target = cmd.target(account.locale);
            let step = wait(tx, env, visitor, who, &asks, target.as_deref()).await?;
            Ok(Performed::Needs(step))
        }
    }
}

/// What is asked for: an action with its content, and whether only what is old proves it (A50).
struct Asks<'t> {
    action: Action,
    payload: &'t [u8],
    old_only: bool,
}

fn missing(
    old_only: bool,
    strength: Strength,
    has: &Has,
    shown: &[Shown],
    now: Timestamp,
) -> Missing {
    if old_only {
        return assurance::missing_old(strength, has, shown, now);
    }
    assurance::missing(strength, has, shown, now)
}

/// What a step that was brought is worth.
enum Held {
    /// Its proof; it is used now.
    Proof,
    /// Not proved yet.
    Step(StepId),
    /// Nothing: used, run out, or for something else.
    Nothing,
}

/// Uses the proof of a step, when it was made in this session, for this action, with this content, and was
/// not used before.
async fn consume(
    tx: &mut WriteTx,
    env: &Env,
    account: &Account,
    who: &SignedIn,
    asks: &Asks<'_>,
    id: StepId,
) -> Result<Held, ServiceError> {
    let now = tx.now();
    let key = params![who.account.id.as_bytes(), id.as_bytes()];
    let Some(row) = tx.query_opt(&sql::LOCK, key).await? else {
        return Ok(Held::Nothing);
    };
    let step = read(&row)?;
    let is_this = step.action == asks.action && same(&step.mac, &mac(env, id, asks.payload));
    if !is_this || !step.is_open(who, now) {
        return Ok(Held::Nothing);
    }
    // Something else was taken since this step began: it asks for less than is needed now.
    let is_enough = step.old_only || !asks.old_only;
    if step.proved_at.is_none() {
        return Ok(if is_enough {
            Held::Step(id)
        } else {
            Held::Nothing
        });
    }
    let step = Step {
        old_only: asks.old_only,
        ..step
    };
    if !is_enough && left(tx, account, who, &step, None).await? != Missing::Nothing {
        return Ok(Held::Nothing);
    }
    let used = params![now, who.account.id.as_bytes(), id.as_bytes()];
    Ok(match tx.execute(&sql::USE, used).await? {
        1 => Held::Proof,
        _ => Held::Nothing,
    })
}

/// The step of this session that waits for the same with the same content, unless half its life is over: asking
/// again, by a second tap or sixty at once, does not pull it from under whoever is confirming it.
async fn waiting(
    tx: &mut WriteTx,
    env: &Env,
    who: &SignedIn,
    asks: &Asks<'_>,
) -> Result<Option<StepId>, ServiceError> {
    let key = params![
        who.account.id.as_bytes(),
        who.session.as_bytes(),
        asks.action.as_str()
    ];
    let now = tx.now();
    for row in tx.query(&sql::WAITING, key).await? {
        let id = StepId::from_bytes(&row.array::<16>(0)?).map_err(|_| row.wrong(0, "not an id"))?;
        let is_young = now.since(row.timestamp(2)?) < asks.action.step_reused();
        let is_enough = row.bool(3)? || !asks.old_only;
        if is_young && is_enough && same(&row.bytes(1)?, &mac(env, id, asks.payload)) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

async fn wait(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    asks: &Asks<'_>,
    target: Option<&str>,
) -> Result<StepId, ServiceError> {
    if let Some(id) = waiting(tx, env, who, asks).await? {
        return Ok(id);
    }
    let now = tx.now();
    let account = who.account.id.as_bytes();
    let session = who.session.as_bytes();
    let action = asks.action.as_str();
    tx.execute(&sql::REPLACE, params![account, session, action])
        .await?;
    let id = StepId::new(now, &*env.chance);
    let key = &who.account.key;
    let sealed = key.seal(PAYLOAD, asks.payload);
    let target = target.map(|text| key.seal(TARGET, text.as_bytes()));
    let mac = mac(env, id, asks.payload);
    let row = params![
        account,
        id.as_bytes(),
        session,
        action,
        &sealed,
        &mac,
        target.as_deref(),
        "",
        asks.old_only,
        now,
        now.saturating_add(asks.action.step_life()),
    ];
    tx.execute_one(&sql::ADD, row).await?;
    let details = Details::of(visitor).fact("action", action);
    audit::append(tx, who.entry(ASKED, &details)).await?;
    Ok(id)
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Everything was shown: the action may run.
    Proved,
    /// One of these ways, of each what is left.
    More(Vec<Way>),
    /// Used, run out, or another session's: begin anew.
    Over,
}

/// Shows a proof for a step. The session has shown it too.
pub async fn show(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    id: StepId,
    proof: &Proof,
) -> Result<Progress, ServiceError> {
    if proof.account != who.account.id {
        return Err(ServiceError::Inconsistent("a proof of another account"));
    }
    let account = lock(tx, env, who).await?;
    shown::note(tx, who.session, proof).await?;
    let now = tx.now();
    let key = params![account.id.as_bytes(), id.as_bytes()];
    let row = tx.query_opt(&sql::LOCK, key).await?;
    let step = row.as_ref().map(read).transpose()?;
    let Some(step) = step.filter(|step| step.is_open(who, now)) else {
        return Ok(Progress::Over);
    };
    let mut methods = step.shown.clone();
    if !methods.contains(&proof.method) {
        methods.push(proof.method);
    }
    let missing = left(tx, &account, who, &step, Some(proof)).await?;
    let proved_at = (missing == Missing::Nothing).then_some(now);
    let names: Vec<_> = methods.iter().map(|method| method.as_str()).collect();
    let names = names.join(",");
    let row = params![&*names, proved_at, account.id.as_bytes(), id.as_bytes()];
    tx.execute_one(&sql::SHOWN, row).await?;
    let details = Details::of(visitor)
        .fact("action", step.action.as_str())
        .fact("method", proof.method.as_str());
    audit::append(tx, who.entry(PROVED, &details)).await?;
    Ok(match missing {
        Missing::Nothing => Progress::Proved,
        Missing::OneOf(ways) => Progress::More(ways),
        Missing::NothingToShow => Progress::Over,
    })
}

/// What is still to be shown for a step.
async fn left(
    tx: &mut ReadTx,
    account: &Account,
    who: &SignedIn,
    step: &Step,
    proof: Option<&Proof>,
) -> Result<Missing, ServiceError> {
    let now = tx.now();
    let need = step.action.need();
    let session = shown::of_session(tx, account.id, who.session).await?;
    let mut counting = assurance::counting(need, &session, now);
    // What was shown for this step is also noted with the session, with the age of its key.
    counting.extend(
        session
            .iter()
            .filter(|shown| step.shown.contains(&shown.method) && shown.at >= step.created_at),
    );
    if let Some(proof) = proof {
        counting.push(Shown {
            method: proof.method,
            at: now,
            since: proof.since,
        });
    }
    let has = shown::has(tx, account).await?;
    Ok(missing(step.old_only, need.strength, &has, &counting, now))
}

/// A step as its page shows it.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Which action.
    pub action: Action,
    /// What was typed for it, as JSON of the command.
    pub payload: Vec<u8>,
    /// How far it is.
    pub progress: Progress,
    /// When it ends.
    pub expires_at: Timestamp,
    /// It has run already; its answer was kept.
    pub is_used: bool,
    /// What was shown for it.
    pub shown: Vec<Method>,
    /// What it is done to, as messages name it.
    pub target: Option<String>,
    /// Only what has been with the account for long proves it (A50).
    pub old_only: bool,
}

/// Looks at a step; `None` when it is over or another session's.
pub async fn look(
    tx: &mut ReadTx,
    who: &SignedIn,
    id: StepId,
) -> Result<Option<Waiting>, ServiceError> {
    let key = params![who.account.id.as_bytes(), id.as_bytes()];
    let row = tx.query_opt(&sql::FIND, key).await?;
    let step = row.as_ref().map(read).transpose()?;
    let is_mine = |step: &Step| step.session == *who.session.as_bytes();
    let Some(step) = step.filter(|step| is_mine(step) && tx.now() < step.expires_at) else {
        return Ok(None);
    };
    let progress = match step.proved_at {
        Some(_) => Progress::Proved,
        None => match left(tx, &who.account, who, &step, None).await? {
            Missing::Nothing => Progress::Proved,
            Missing::OneOf(ways) => Progress::More(ways),
            Missing::NothingToShow => Progress::Over,
        },
    };
    let payload = who.account.key.open(PAYLOAD, &step.sealed)?;
    let target = match &step.target {
        Some(sealed) => Some(who.account.key.open(TARGET, sealed)?.text()?.to_owned()),
        None => None,
    };
    Ok(Some(Waiting {
        action: step.action,
        payload: payload.to_vec(),
        progress,
        expires_at: step.expires_at,
        is_used: step.used_at.is_some(),
        shown: step.shown,
        target,
        old_only: step.old_only,
    }))
}

/// What was shown for a step that is still open.
pub(crate) async fn shown_for(
    tx: &mut WriteTx,
    who: &SignedIn,
    id: StepId,
) -> Result<Vec<Method>, ServiceError> {
    let key = params![who.account.id.as_bytes(), id.as_bytes()];
    let row = tx.query_opt(&sql::LOCK, key).await?;
    let step = row.as_ref().map(read).transpose()?;
    let step = step.filter(|step| step.is_open(who, tx.now()));
    Ok(step.map_or_else(Vec::new, |step| step.shown))
}

/// Gives a step up.
pub async fn cancel(tx: &mut WriteTx, who: &SignedIn, action: Action) -> Result<(), ServiceError> {
    let key = params![
        who.account.id.as_bytes(),
        who.session.as_bytes(),
        action.as_str()
    ];
    tx.execute(&sql::REPLACE, key).await?;
    Ok(())
}

/// The key that the codes of a step are bound to: a code confirms this step and nothing else (A15).
pub fn browser_key(who: &SignedIn, id: StepId) -> BrowserKey {
    let key = [
        b"step".as_slice(),
        who.session.as_bytes(),
        id.as_bytes().as_slice(),
    ];
    vault::token_hash(&key.concat())
}

/// Whether an account could ever do this action as it is: what a page asks before it shows a form.
pub async fn could(
    tx: &mut ReadTx,
    who: &SignedIn,
    strength: Strength,
) -> Result<bool, ServiceError> {
    let has = shown::has(tx, &who.account).await?;
    Ok(!assurance::ways(strength, &has).is_empty())
}
