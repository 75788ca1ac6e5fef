//! The password (ID-3): set, replaced, removed, shown. The shop never needs it.

use audit::Action as Logged;
use db::{BoxFuture, WriteTx};
use identity_core::{
    assurance::{Action, Method},
    guessing::Refused,
    own::Own,
    password::{Password, PasswordError, Strength},
    policy::WRONG_CLOSES,
};
use kernel::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};
use vault::{Phc, Verdict};

use crate::{
    account,
    env::{Env, ServiceError},
    notice::{self, Notice},
    second_factor,
    secret::{self, Attempt, Kept, Kind, Shower},
    shown::Proof,
    slices::Taken,
    step_up::{At, Authorised, Sensitive},
};

/// The password was set or replaced.
pub const SET: Logged = Logged::new("password.set");
/// It was removed.
pub const REMOVED: Logged = Logged::new("password.removed");
/// A wrong one was given.
pub const WRONG: Logged = Logged::new("password.wrong");

/// Sets the password, or replaces it. What was typed is hashed before it gets here.
#[derive(Clone, Serialize, Deserialize)]
pub struct SetPassword {
    phc: Phc,
    strength: Strength,
}

impl std::fmt::Debug for SetPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetPassword")
            .field("strength", &self.strength)
            .finish_non_exhaustive()
    }
}

impl SetPassword {
    /// Judges a password for its owner and hashes it, outside any transaction.
    pub async fn prepare(
        env: &Env,
        own: &Own,
        typed: &str,
    ) -> Result<Result<Self, PasswordError>, ServiceError> {
        let (password, strength) = match Password::chosen(typed, own) {
            Ok(chosen) => chosen,
            Err(why) => return Ok(Err(why)),
        };
        let phc = secret::hash(env, password.expose()).await?;
        Ok(Ok(Self { phc, strength }))
    }

    /// How strong it is.
    pub fn strength(&self) -> Strength {
        self.strength
    }

    /// Whether this is the command for that password: asked when the same request comes again with its proof.
    pub async fn is_for(&self, env: &Env, typed: &str) -> Result<bool, ServiceError> {
        let Some(password) = Password::typed(typed) else {
            return Ok(false);
        };
        Ok(secret::is_hash_of(env, &self.phc, password.expose()).await?)
    }
}

impl Sensitive for SetPassword {
    const ACTION: Action = Action::SetPassword;
    type Done = Strength;

    fn takes(&self) -> Option<Taken> {
        Some(Taken::Secret(Kind::Password))
    }

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<Strength, ServiceError>> {
        Box::pin(async move {
            let replaced =
                secret::set(tx, at.account, Kind::Password, &self.phc, WRONG_CLOSES).await?;
            let details = at
                .details()
                .fact("replaced", if replaced { "yes" } else { "no" });
            audit::append(tx, at.who.entry(SET, &details)).await?;
            notice::tell(tx, at.env, at.visitor, at.account, Notice::PasswordSet).await?;
            Ok(self.strength)
        })
    }
}

/// Removes the password.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RemovePassword {}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Removed {
    /// There is none any more.
    Done,
    /// Sign-in always asks for a second factor and this is the only one: the setting goes first.
    Needed,
}

impl Sensitive for RemovePassword {
    const ACTION: Action = Action::RemovePassword;
    type Done = Removed;

    fn takes(&self) -> Option<Taken> {
        Some(Taken::Secret(Kind::Password))
    }

    fn took(done: &Removed) -> bool {
        *done == Removed::Done
    }

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<Removed, ServiceError>> {
        Box::pin(async move {
            if second_factor::would_be_last(tx, at.account, Method::Password).await? {
                return Ok(Removed::Needed);
            }
            if secret::remove(tx, at.account.id, Kind::Password).await? {
                audit::append(tx, at.who.entry(REMOVED, &at.details())).await?;
                notice::tell(tx, at.env, at.visitor, at.account, Notice::PasswordRemoved).await?;
            }
            Ok(Removed::Done)
        })
    }
}

/// What became of asking for a try.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reserved {
    /// Counted: compare, then settle.
    Try(Attempt),
    /// Passwords rest: microseconds UTC until when.
    Rests(i64),
    /// Closed after too many wrong ones, until it is set anew.
    Closed,
}

/// Counts a try at the password of an account. Where there is none the same is answered, and in the end that it
/// was wrong.
pub async fn reserve(
    tx: &mut WriteTx,
    env: &Env,
    account: AccountId,
) -> Result<Reserved, ServiceError> {
    let account = account::lock(tx, env, account).await?;
    let now = tx.now();
    let attempt = |phc: Option<Phc>, nth: u32| {
        Reserved::Try(Attempt {
            account: account.id,
            kind: Kind::Password,
            phc,
            at: now.as_micros(),
            nth,
        })
    };
    let Some(kept) = secret::lock(tx, &account, Kind::Password).await? else {
        return Ok(attempt(None, 0));
    };
    match kept.guesses.may_try(&env.policy, now) {
        Ok(()) => {}
        Err(Refused::Rests { until } | Refused::Network { until }) => {
            return Ok(Reserved::Rests(until.as_micros()));
        }
        Err(Refused::Closed) => return Ok(Reserved::Closed),
    }
    let guesses = kept.guesses.wrong(&env.policy, now);
    let nth = guesses.in_row;
    let kept = Kept {
        tries_left: WRONG_CLOSES.saturating_sub(nth),
        guesses,
        ..kept
    };
    secret::save(tx, &account, Kind::Password, &kept).await?;
    Ok(attempt(Some(kept.phc), nth))
}

/// What a try came to.
#[derive(Debug, Clone, Copy)]
pub enum Settled {
    /// It was the password.
    Right(Proof),
    /// It was not, or it has been replaced meanwhile.
    Wrong,
}

/// Writes down what a try came to.
pub async fn settle(
    tx: &mut WriteTx,
    env: &Env,
    shower: Shower<'_>,
    attempt: &Attempt,
    verdict: &Verdict,
) -> Result<Settled, ServiceError> {
    let account = account::lock(tx, env, attempt.account).await?;
    let kept = secret::same_as_then(tx, &account, attempt).await?;
    let Some(kept) = kept.filter(|_| verdict.is_right()) else {
        let details = shower.details();
        audit::append(tx, shower.entry(WRONG, &account, &details)).await?;
        if matches!(attempt.nth, 5 | 10 | 30 | WRONG_CLOSES) {
            notice::tell(tx, env, shower.visitor, &account, Notice::Suspicious).await?;
        }
        return Ok(Settled::Wrong);
    };
    let mut guesses = kept.guesses.right();
    // It was counted as wrong before anybody knew.
    guesses.recent = guesses.recent.without(Timestamp::from_micros(attempt.at));
    let kept = Kept {
        phc: verdict.rehashed().cloned().unwrap_or(kept.phc),
        tries_left: WRONG_CLOSES,
        guesses,
        set_at: kept.set_at,
    };
    secret::save(tx, &account, Kind::Password, &kept).await?;
    Ok(Settled::Right(Proof {
        account: account.id,
        method: Method::Password,
        since: Some(kept.set_at),
    }))
}
