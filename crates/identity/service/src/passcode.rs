//! The passcode (ID-3, A27): four digits, worth something only together with the key of the browser that set it,
//! or with a fresh code. Five tries, counted here; then it is gone and must be set anew. A try counts only once
//! the key has signed or the code was shown, so a stranger cannot use the owner's tries up.

use audit::{Action as Logged, Details};
use db::{BoxFuture, WriteTx};
use identity_core::{
    assurance::{Action, Method},
    own::Own,
    passcode::{Passcode, PasscodeError, TRIES},
};
use kernel::AccountId;
use serde::{Deserialize, Serialize};
use vault::{Phc, Verdict};

use crate::{
    account::{self, Account},
    codes::BrowserKey,
    device_key::{self, NewKey, Signed},
    env::{Env, ServiceError},
    notice::{self, Notice},
    secret::{self, Attempt, Kept, Kind, Shower},
    session::SignedIn,
    shown::{self, Proof},
    slices::Taken,
    step_up::{self, At, Authorised, Sensitive, StepId},
};

/// The passcode was set or replaced.
pub const SET: Logged = Logged::new("passcode.set");
/// It was removed.
pub const REMOVED: Logged = Logged::new("passcode.removed");
/// A wrong one was given.
pub const WRONG: Logged = Logged::new("passcode.wrong");
/// The fifth wrong one: it is gone.
pub const GONE: Logged = Logged::new("passcode.gone");
/// A browser got a key of its own.
pub const KEY_ADDED: Logged = Logged::new("device_key.added");

/// Sets the passcode, or replaces it. What was typed is hashed before it gets here.
#[derive(Clone, Serialize, Deserialize)]
pub struct SetPasscode {
    phc: Phc,
    key: Option<NewKey>,
}

impl std::fmt::Debug for SetPasscode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetPasscode")
            .field("has_key", &self.key.is_some())
            .finish_non_exhaustive()
    }
}

impl SetPasscode {
    /// Judges a passcode for its owner and hashes it, outside any transaction. Without a key it will come with a
    /// fresh code everywhere.
    pub async fn prepare(
        env: &Env,
        own: &Own,
        typed: &str,
        key: Option<NewKey>,
    ) -> Result<Result<Self, PasscodeError>, ServiceError> {
        let passcode = match Passcode::chosen(typed, own) {
            Ok(passcode) => passcode,
            Err(why) => return Ok(Err(why)),
        };
        let phc = secret::hash(env, passcode.expose()).await?;
        Ok(Ok(Self { phc, key }))
    }

    /// Whether this is the command for that passcode and key: asked when the same request comes again with its
    /// proof.
    pub async fn is_for(
        &self,
        env: &Env,
        typed: &str,
        key: Option<&NewKey>,
    ) -> Result<bool, ServiceError> {
        let Ok(passcode) = Passcode::typed(typed) else {
            return Ok(false);
        };
        let is_right = secret::is_hash_of(env, &self.phc, passcode.expose()).await?;
        Ok(is_right && self.key.as_ref() == key)
    }

    /// Whether this browser gets a key.
    pub fn has_key(&self) -> bool {
        self.key.is_some()
    }
}

impl Sensitive for SetPasscode {
    const ACTION: Action = Action::SetPasscode;
    type Done = ();

    fn takes(&self) -> Option<Taken> {
        Some(Taken::Secret(Kind::Passcode))
    }

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<(), ServiceError>> {
        Box::pin(async move {
            let replaced = secret::set(tx, at.account, Kind::Passcode, &self.phc, TRIES).await?;
            // The keys of other browsers were given for the passcode that was.
            device_key::drop_all(tx, at.account.id).await?;
            if let Some(key) = &self.key {
                device_key::keep(tx, at.account.id, &at.who.browser, key).await?;
            }
            let yes_no = |yes| if yes { "yes" } else { "no" };
            let details = at
                .details()
                .fact("replaced", yes_no(replaced))
                .fact("with_key", yes_no(self.key.is_some()));
            audit::append(tx, at.who.entry(SET, &details)).await?;
            notice::tell(tx, at.env, at.visitor, at.account, Notice::PasscodeSet).await
        })
    }
}

/// Removes the passcode, and the keys that were for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RemovePasscode {}

impl Sensitive for RemovePasscode {
    const ACTION: Action = Action::RemovePasscode;
    type Done = ();

    fn takes(&self) -> Option<Taken> {
        Some(Taken::Secret(Kind::Passcode))
    }

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<(), ServiceError>> {
        Box::pin(async move {
            device_key::drop_all(tx, at.account.id).await?;
            if secret::remove(tx, at.account.id, Kind::Passcode).await? {
                audit::append(tx, at.who.entry(REMOVED, &at.details())).await?;
                notice::tell(tx, at.env, at.visitor, at.account, Notice::PasscodeRemoved).await?;
            }
            Ok(())
        })
    }
}

/// What comes with the passcode.
#[derive(Debug, Clone, Copy)]
pub enum With<'a> {
    /// The signature of this browser's key.
    Key {
        /// What the challenge was bound to.
        bound_to: &'a BrowserKey,
        /// The browser's long-lived token, hashed.
        browser: &'a [u8; 32],
        /// What it signed.
        signed: &'a Signed,
    },
    /// A code by SMS or call that was shown for the same step.
    CodeOfStep(&'a SignedIn, StepId),
    /// A code by SMS or call shown just now, as the first factor of a sign-in.
    Code(&'a Proof),
}

/// What became of asking for a try.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reserved {
    /// Counted: compare, then settle.
    Try(Attempt),
    /// The signature is not this browser's, or its challenge is over. Nothing was counted.
    NotThisBrowser,
    /// A code to the phone comes first. Nothing was counted.
    CodeFirst,
    /// There is no passcode, or no tries are left: it must be set anew.
    Gone,
}

/// Counts a try at the passcode of an account.
pub async fn reserve(
    tx: &mut WriteTx,
    env: &Env,
    account: AccountId,
    with: With<'_>,
) -> Result<Reserved, ServiceError> {
    let account = account::lock(tx, env, account).await?;
    match with {
        With::Key {
            bound_to,
            browser,
            signed,
        } => {
            if !device_key::check(tx, env, account.id, bound_to, browser, signed).await? {
                return Ok(Reserved::NotThisBrowser);
            }
        }
        With::CodeOfStep(who, step) => {
            if !has_code(tx, &account, who, step).await? {
                return Ok(Reserved::CodeFirst);
            }
        }
        With::Code(proof) => {
            let is_code = matches!(proof.method, Method::Sms | Method::Call);
            if proof.account != account.id || !is_code {
                return Ok(Reserved::CodeFirst);
            }
        }
    }
    let kept = secret::lock(tx, &account, Kind::Passcode).await?;
    let Some(kept) = kept.filter(|kept| kept.tries_left > 0) else {
        return Ok(Reserved::Gone);
    };
    let kept = Kept {
        tries_left: kept.tries_left.saturating_sub(1),
        ..kept
    };
    secret::save(tx, &account, Kind::Passcode, &kept).await?;
    Ok(Reserved::Try(Attempt {
        account: account.id,
        kind: Kind::Passcode,
        nth: TRIES.saturating_sub(kept.tries_left),
        phc: Some(kept.phc),
        at: tx.now().as_micros(),
    }))
}

/// Whether a code to the phone was shown for a step that is still open; a doubted number's does not count
/// (ID-8a).
async fn has_code(
    tx: &mut WriteTx,
    account: &Account,
    who: &SignedIn,
    step: StepId,
) -> Result<bool, ServiceError> {
    if who.account.id != account.id || !shown::has(tx, account).await?.phone {
        return Ok(false);
    }
    let shown = step_up::shown_for(tx, who, step).await?;
    Ok(shown
        .iter()
        .any(|method| matches!(method, Method::Sms | Method::Call)))
}

/// What a try came to.
#[derive(Debug, Clone, Copy)]
pub enum Settled {
    /// It was the passcode.
    Right(Proof),
    /// It was not.
    Wrong {
        /// Tries left.
        left: u32,
    },
    /// It was not, and was the last try; or it has gone meanwhile. It must be set anew.
    Gone,
}

/// Writes down what a try came to. A browser that showed a code instead of a key may get a key of its own.
pub async fn settle(
    tx: &mut WriteTx,
    env: &Env,
    shower: Shower<'_>,
    attempt: &Attempt,
    verdict: &Verdict,
    new_key: Option<(&[u8; 32], &NewKey)>,
) -> Result<Settled, ServiceError> {
    let account = account::lock(tx, env, attempt.account).await?;
    let Some(kept) = secret::same_as_then(tx, &account, attempt).await? else {
        return Ok(Settled::Gone);
    };
    if !verdict.is_right() {
        return wrong(tx, env, shower, &account, &kept).await;
    }
    let kept = Kept {
        phc: verdict.rehashed().cloned().unwrap_or(kept.phc),
        tries_left: TRIES,
        ..kept
    };
    secret::save(tx, &account, Kind::Passcode, &kept).await?;
    if let Some((browser, key)) = new_key {
        device_key::keep(tx, account.id, browser, key).await?;
        let details = shower.details();
        audit::append(tx, shower.entry(KEY_ADDED, &account, &details)).await?;
        notice::tell(tx, env, shower.visitor, &account, Notice::KeyAdded).await?;
    }
    Ok(Settled::Right(Proof {
        account: account.id,
        method: Method::Passcode,
        since: Some(kept.set_at),
    }))
}

async fn wrong(
    tx: &mut WriteTx,
    env: &Env,
    shower: Shower<'_>,
    account: &Account,
    kept: &Kept,
) -> Result<Settled, ServiceError> {
    let left = kept.tries_left;
    let details: Details = shower.details().fact("left", left.to_string());
    audit::append(tx, shower.entry(WRONG, account, &details)).await?;
    if left > 0 {
        return Ok(Settled::Wrong { left });
    }
    secret::remove(tx, account.id, Kind::Passcode).await?;
    device_key::drop_all(tx, account.id).await?;
    audit::append(tx, shower.entry(GONE, account, &shower.details())).await?;
    notice::tell(tx, env, shower.visitor, account, Notice::PasscodeGone).await?;
    Ok(Settled::Gone)
}
