//! Showing a passkey: what the answer is judged by, the judgement, and its consequences.

use audit::{Actor, Details, Entry};
use db::{ReadTx, WriteTx, params};
use identity_core::{
    assurance::Method,
    passkeys::{Fault, went_back},
};
use kernel::{AccountId, Timestamp, Visitor};
use serde::{Deserialize, Serialize};

use super::{
    Assertion, Begun, Kept, PasskeyId, Purpose, REFUSED, RequestOptions, SUSPECTED, Site, Which,
    ceremony, handle, keys, lock, of_account, options, owner, sql,
};
use crate::{
    account::{self, Account},
    env::{Env, ServiceError},
    notice::{self, Notice},
    session::SignedIn,
    shown::Proof,
    step_up::{self, Progress, StepId},
};

/// Answers not taken in a row of which the owner hears.
const WRONG_TELLS: i64 = 5;

/// Begins to show a key of the account for a step. `None` when the step is over, or there is no key to show.
pub async fn begin_proof(
    tx: &mut WriteTx,
    env: &Env,
    who: &SignedIn,
    step: StepId,
) -> Result<Option<Begun<RequestOptions>>, ServiceError> {
    let Some(site) = Site::of(env) else {
        return Ok(None);
    };
    if step_up::look(tx, who, step).await?.is_none() {
        return Ok(None);
    }
    let keys: Vec<Kept> = of_account(tx, &who.account)
        .await?
        .into_iter()
        .filter(|key| key.suspected_at.is_none())
        .map(|key| key.kept)
        .collect();
    if keys.is_empty() {
        return Ok(None);
    }
    let challenge = ceremony::challenge(env);
    let allowed = keys.iter().map(|key| key.id.clone()).collect();
    let asked = ceremony::Asked::new(&challenge, Some(who.account.id), allowed);
    let browser = step_up::browser_key(who, step);
    let id = ceremony::begin(tx, env, &browser, Purpose::Prove, &asked).await?;
    Ok(Some(Begun {
        ceremony: id,
        options: options::request(&site, &challenge, &keys),
    }))
}

/// Whose key was found.
#[derive(Debug, Clone)]
struct Found {
    account: AccountId,
    passkey: PasskeyId,
    kept: Kept,
    handle: Option<Vec<u8>>,
    is_suspected: bool,
}

/// What an answer is judged by.
#[derive(Debug, Clone)]
pub struct Looked {
    which: Which,
    asked: Result<ceremony::Asked, Fault>,
    found: Option<Found>,
}

/// Reads what an answer is judged by.
pub async fn look(
    tx: &mut ReadTx,
    env: &Env,
    which: &Which,
    shown: &Result<Assertion, Fault>,
) -> Result<Looked, ServiceError> {
    let asked = ceremony::look(tx, env, which).await?;
    let found = match (&asked, shown) {
        (Ok(_), Ok(shown)) => find(tx, env, &shown.credential).await?,
        _ => None,
    };
    Ok(Looked {
        which: *which,
        asked,
        found,
    })
}

async fn find(
    tx: &mut ReadTx,
    env: &Env,
    credential: &[u8],
) -> Result<Option<Found>, ServiceError> {
    let Some((id, passkey)) = owner(tx, env, credential).await? else {
        return Ok(None);
    };
    let key = params![id.as_bytes(), passkey.as_bytes()];
    let row = tx.query_opt(&sql::FIND, key).await?;
    let account = account::find(tx, env, id).await?;
    let (Some(row), Some(account)) = (row, account) else {
        return Ok(None);
    };
    Ok(Some(Found {
        account: id,
        passkey,
        kept: Kept::open(&account, &row.bytes(1)?)?,
        handle: handle(tx, &account).await?,
        is_suspected: row.opt_timestamp(3)?.is_some(),
    }))
}

/// A judged answer. Only [`Looked::judge`] makes one.
#[derive(Debug, Clone)]
pub struct Judged {
    pub(super) which: Which,
    verdict: Result<keys::Genuine, Fault>,
    /// Whose key it says it is, right or not.
    whose: Option<(AccountId, PasskeyId)>,
}

impl Judged {
    /// Why it is not taken.
    pub fn fault(&self) -> Option<Fault> {
        self.verdict.err()
    }

    /// The account it would open.
    pub(super) fn opens(&self) -> Option<AccountId> {
        self.verdict.ok()?;
        self.whose.map(|(account, _)| account)
    }
}

impl Looked {
    /// Judges an answer. Computes only, for about a millisecond: outside a transaction.
    pub fn judge(self, env: &Env, shown: &Result<Assertion, Fault>) -> Judged {
        let whose = self.found.as_ref().map(|f| (f.account, f.passkey));
        Judged {
            which: self.which,
            verdict: self.verdict(env, shown),
            whose,
        }
    }

    fn verdict(&self, env: &Env, shown: &Result<Assertion, Fault>) -> Result<keys::Genuine, Fault> {
        let asked = self.asked.as_ref().map_err(|fault| *fault)?;
        let shown = shown.as_ref().map_err(|fault| *fault)?;
        let site = Site::of(env).ok_or(Fault::Ceremony)?;
        let genuine = keys::before_key(&site, &asked.challenge, shown)?;
        let found = self.found.as_ref().ok_or(Fault::Unknown)?;
        // Step 5 of §7.2: asked for certain keys, only they will do.
        if asked.account.is_some()
            && (asked.account != Some(found.account) || !asked.allowed.contains(&found.kept.id))
        {
            return Err(Fault::NotAllowed);
        }
        // Step 6: the handle names the owner, and at sign-in nothing else does (A61).
        match &shown.handle {
            Some(handle) if Some(handle) != found.handle.as_ref() => {
                return Err(Fault::HandleOther);
            }
            None if asked.account.is_none() => return Err(Fault::HandleMissing),
            _ => {}
        }
        keys::signature(&site, &asked.challenge, shown, &found.kept)?;
        if found.is_suspected {
            return Err(Fault::Suspected);
        }
        Ok(genuine)
    }
}

/// What a person is told of an answer that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// Not taken; one word for every reason.
    No,
    /// Not taken, and nobody has this credential: the authenticator may forget it. Only said of an answer
    /// that was made for this site and this challenge. Whether a credential is known tells nothing of a
    /// person: its id is random, and who holds it holds the authenticator.
    Unknown,
    /// The key is genuine and there may be a copy of it: another way is asked for (A63).
    Suspected,
    /// The challenge was used or has run out: ask for another.
    Over,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unknown => Self::Unknown,
            Fault::Suspected | Fault::Counter => Self::Suspected,
            Fault::Ceremony => Self::Over,
            _ => Self::No,
        }
    }
}

/// What became of a judged answer.
#[derive(Debug, Clone)]
pub enum Shown {
    /// The owner has shown the key.
    Right(Proof),
    /// Not taken.
    NotTaken(Refusal),
}

/// Takes a judged answer, once. `Ok` with [`Shown::NotTaken`] must be committed all the same. `by` is who is
/// signed in, if somebody is; the account is locked in here.
pub async fn verify(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    judged: &Judged,
    by: Option<&SignedIn>,
) -> Result<Shown, ServiceError> {
    if !ceremony::take(tx, &judged.which).await? {
        return Ok(Shown::NotTaken(Refusal::Over));
    }
    let Some((owner, passkey)) = judged.whose else {
        return Ok(Shown::NotTaken(
            judged.fault().unwrap_or(Fault::Unknown).into(),
        ));
    };
    let account = match by {
        // A session that ended meanwhile does nothing more (I6).
        Some(who) if who.account.id == owner => step_up::lock(tx, env, who).await?,
        _ => account::lock(tx, env, owner).await?,
    };
    let taking = Taking {
        env,
        visitor,
        account: &account,
        passkey,
        by: by.filter(|who| who.account.id == owner),
    };
    match judged.verdict {
        Ok(genuine) => taking.take(tx, genuine).await,
        Err(fault) => taking.refuse(tx, fault).await,
    }
}

struct Taking<'t> {
    env: &'t Env,
    visitor: &'t Visitor,
    account: &'t Account,
    passkey: PasskeyId,
    by: Option<&'t SignedIn>,
}

impl Taking<'_> {
    async fn take(&self, tx: &mut WriteTx, genuine: keys::Genuine) -> Result<Shown, ServiceError> {
        let (now, id) = (tx.now(), self.account.id);
        let Some(row) = lock(tx, id, self.passkey).await? else {
            // Removed since it was judged.
            return Ok(Shown::NotTaken(Refusal::Unknown));
        };
        let mut kept = Kept::open(self.account, &row.bytes(1)?)?;
        let created_at: Timestamp = row.timestamp(2)?;
        if row.opt_timestamp(3)?.is_some() {
            return self.refuse(tx, Fault::Suspected).await;
        }
        if went_back(kept.counter, genuine.counter) {
            let key = params![now, id.as_bytes(), self.passkey.as_bytes()];
            if tx.execute(&sql::SUSPECT, key).await? == 1 {
                let event = Notice::PasskeySuspected;
                notice::tell(tx, self.env, self.visitor, self.account, event).await?;
                self.log(tx, SUSPECTED, Fault::Counter).await?;
            }
            return Ok(Shown::NotTaken(Refusal::Suspected));
        }
        kept.counter = genuine.counter;
        kept.is_backed_up = genuine.is_backed_up;
        let sealed = kept.seal(self.account)?;
        let row = params![&sealed, now, id.as_bytes(), self.passkey.as_bytes()];
        tx.execute_one(&sql::USED, row).await?;
        Ok(Shown::Right(Proof {
            account: id,
            method: Method::Passkey,
            since: Some(created_at),
        }))
    }

    async fn refuse(&self, tx: &mut WriteTx, fault: Fault) -> Result<Shown, ServiceError> {
        let id = self.account.id;
        if let Some(row) = lock(tx, id, self.passkey).await? {
            let wrong = row.int(4)?.saturating_add(1);
            let key = params![wrong, id.as_bytes(), self.passkey.as_bytes()];
            tx.execute_one(&sql::WRONG, key).await?;
            if wrong == WRONG_TELLS {
                let event = Notice::Suspicious;
                notice::tell(tx, self.env, self.visitor, self.account, event).await?;
            }
        }
        self.log(tx, REFUSED, fault).await?;
        Ok(Shown::NotTaken(fault.into()))
    }

    async fn log(
        &self,
        tx: &mut WriteTx,
        action: audit::Action,
        fault: Fault,
    ) -> Result<(), ServiceError> {
        let details = Details::of(self.visitor).fact("why", fault.as_str());
        let entry = match self.by {
            Some(who) => who.entry(action, &details),
            None => Entry::new(action, Actor::Visitor)
                .about(self.account.id)
                .with(details.seal(&self.account.key)),
        };
        audit::append(tx, entry).await?;
        Ok(())
    }
}

/// What became of showing a key for a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proved {
    /// Taken: this far is the step.
    Taken(Progress),
    /// Not taken.
    NotTaken(Refusal),
}

/// Shows a key for a step.
pub async fn prove(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    step: StepId,
    judged: &Judged,
) -> Result<Proved, ServiceError> {
    if judged.which.browser != step_up::browser_key(who, step) {
        return Err(ServiceError::Inconsistent("an answer for another step"));
    }
    match verify(tx, env, visitor, judged, Some(who)).await? {
        Shown::NotTaken(why) => Ok(Proved::NotTaken(why)),
        Shown::Right(proof) => {
            let progress = step_up::show(tx, env, visitor, who, step, &proof).await?;
            Ok(Proved::Taken(progress))
        }
    }
}
