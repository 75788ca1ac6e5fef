//! Adding a passkey (A61, A62).

use audit::Details;
use db::{BoxFuture, ReadTx, WriteTx, params};
use identity_core::{
    assurance::Action,
    passkeys::{Fault, KEYS_MOST},
};
use kernel::Visitor;
use serde::{Deserialize, Serialize};

use super::{
    ADDED, Attestation, Begun, CreationOptions, HANDLE, Kept, PasskeyId, Purpose, Site, Which,
    answer::text, ceremony, handle, index, keys, of_account, options, sql,
};
use crate::{
    account,
    env::{Env, ServiceError},
    notice::{self, Notice},
    session::SignedIn,
    step_up::{self, At, Authorised, Performed, Sensitive},
};

/// What became of beginning to add one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BeginAdding {
    /// For the browser.
    Begun(Box<Begun<CreationOptions>>),
    /// The account has as many as it may.
    TooMany,
    /// This installation is at an address for which no browser makes passkeys.
    NotHere,
}

/// Begins to add a passkey to the account of whoever asks.
pub async fn begin_adding(
    tx: &mut WriteTx,
    env: &Env,
    who: &SignedIn,
) -> Result<BeginAdding, ServiceError> {
    let Some(site) = Site::of(env) else {
        return Ok(BeginAdding::NotHere);
    };
    let keys = of_account(tx, &who.account).await?;
    if keys.len() >= KEYS_MOST {
        return Ok(BeginAdding::TooMany);
    }
    let challenge = ceremony::challenge(env);
    let asked = ceremony::Asked::new(&challenge, Some(who.account.id), Vec::new());
    // Before the account, in the order of locks: the answer takes them so.
    let id = ceremony::begin(tx, env, &who.browser_key(), Purpose::Add, &asked).await?;
    let account = step_up::lock(tx, env, who).await?;
    let fresh: [u8; 64] = env.chance.bytes();
    let sealed = account.key.seal(HANDLE, &fresh);
    let now = tx.now();
    let row = params![account.id.as_bytes(), &sealed, now];
    tx.execute(&sql::HANDLE_ADD, row).await?;
    let handle = handle(tx, &account)
        .await?
        .ok_or(ServiceError::Inconsistent("a handle that was just made"))?;
    let owned = account::identifiers(tx, &account).await?;
    let name = account::phone(&owned)
        .or_else(|| owned.first())
        .map(|owned| owned.identifier.masked())
        .unwrap_or_default();
    let have: Vec<Kept> = keys.into_iter().map(|key| key.kept).collect();
    Ok(BeginAdding::Begun(Box::new(Begun {
        ceremony: id,
        options: options::creation(&site, &challenge, &handle, &name, &have),
    })))
}

/// What an answer is judged by.
#[derive(Debug, Clone)]
pub struct Seen {
    which: Which,
    asked: Result<ceremony::Asked, Fault>,
}

/// Reads what a new key is judged by.
pub async fn look_new(
    tx: &mut ReadTx,
    env: &Env,
    who: &SignedIn,
    id: ceremony::CeremonyId,
) -> Result<Seen, ServiceError> {
    let which = Which {
        browser: who.browser_key(),
        id,
        purpose: Purpose::Add,
    };
    let asked = ceremony::look(tx, env, &which).await?;
    let is_mine = |asked: &ceremony::Asked| asked.account == Some(who.account.id);
    Ok(Seen {
        which,
        asked: asked.and_then(|asked| is_mine(&asked).then_some(asked).ok_or(Fault::Ceremony)),
    })
}

/// A new key that was judged. Only [`Seen::judge`] makes one.
#[derive(Debug, Clone)]
pub struct JudgedNew {
    which: Which,
    verdict: Result<Kept, Fault>,
}

impl JudgedNew {
    /// Why it is not taken.
    pub fn fault(&self) -> Option<Fault> {
        self.verdict.as_ref().err().copied()
    }
}

impl Seen {
    /// Judges a new key. Computes only, for about a millisecond: outside a transaction.
    pub fn judge(self, env: &Env, made: Result<Attestation, Fault>) -> JudgedNew {
        let verdict = self.asked.and_then(|asked| {
            let made = made?;
            let site = Site::of(env).ok_or(Fault::Ceremony)?;
            let new = keys::new_key(&site, &asked.challenge, &made)?;
            Ok(Kept {
                id: text(&made.credential),
                key: new.key,
                counter: new.counter,
                is_eligible: new.is_eligible,
                is_backed_up: new.is_backed_up,
                aaguid: new.aaguid,
                transports: made.transports,
                name: None,
            })
        });
        JudgedNew {
            which: self.which,
            verdict,
        }
    }
}

/// Adds a key that was judged. It travels sealed in its step and is never read from a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Add {
    kept: Kept,
}

impl Add {
    /// The name its owner gave it.
    pub fn name(&self) -> Option<&str> {
        self.kept.name.as_deref()
    }
}

/// What became of adding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Added {
    /// It is in the list.
    Done(PasskeyId),
    /// The credential belongs to an account already (A61).
    Taken,
    /// The account has as many as it may.
    TooMany,
}

impl Sensitive for Add {
    const ACTION: Action = Action::AddPasskey;
    type Done = Added;

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<Added, ServiceError>> {
        Box::pin(async move {
            let (now, account) = (tx.now(), at.account);
            if of_account(tx, account).await?.len() >= KEYS_MOST {
                return Ok(Added::TooMany);
            }
            let id = PasskeyId::new(now, &*at.env.chance);
            let credential = index(at.env, &self.kept.id);
            let claim = params![&credential, account.id.as_bytes(), id.as_bytes(), now];
            if tx.execute(&sql::CLAIM, claim).await? != 1 {
                return Ok(Added::Taken);
            }
            let sealed = self.kept.seal(account)?;
            let row = params![
                account.id.as_bytes(),
                id.as_bytes(),
                &credential,
                &sealed,
                now
            ];
            tx.execute_one(&sql::ADD, row).await?;
            notice::tell(tx, at.env, at.visitor, account, Notice::PasskeyAdded).await?;
            let synced = if self.kept.is_backed_up { "yes" } else { "no" };
            let details = Details::of(at.visitor).fact("synced", synced);
            audit::append(tx, at.who.entry(ADDED, &details)).await?;
            Ok(Added::Done(id))
        })
    }
}

/// What became of an answer to [`begin_adding`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adding {
    /// The key is good: added, or waiting for a proof.
    Performed(Performed<Added>),
    /// It is not taken.
    Refused(Fault),
}

/// Adds a judged key under a name, as [`super::name`] read it. The ceremony is used up either way.
pub async fn add(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    judged: &JudgedNew,
    name: Option<&str>,
) -> Result<Adding, ServiceError> {
    if !ceremony::take(tx, &judged.which).await? {
        return Ok(Adding::Refused(Fault::Ceremony));
    }
    let kept = match &judged.verdict {
        Ok(kept) => kept.clone(),
        Err(fault) => return Ok(Adding::Refused(*fault)),
    };
    let cmd = Add {
        kept: Kept {
            name: name.map(str::to_owned),
            ..kept
        },
    };
    let performed = step_up::perform(tx, env, visitor, who, &cmd, None).await?;
    Ok(Adding::Performed(performed))
}
