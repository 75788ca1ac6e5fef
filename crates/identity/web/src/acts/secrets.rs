//! Showing the password and the passcode for a step: the try is counted, compared in the pool of slow hashes, and
//! settled, each transaction once per key.

use std::sync::Arc;

use identity_core::{passcode::Passcode, password::Password};
use identity_service::{
    ServiceError,
    device_key::{self, Challenge, NewKey, Signed},
    passcode::{self, With},
    password,
    secret::{Attempt, Shower},
    session::SignedIn,
    step_up::{self, StepId},
};
use kernel::Visitor;
use vault::Verdict;
use webkit::once::{Once, OnceKey};

use super::{Refusal, ShownDone};
use crate::state::{Fault, State};

/// The key of one half of a command: the same form again repeats both.
pub(super) fn half(key: &OnceKey, name: &str) -> OnceKey {
    OnceKey {
        key: format!("{} {name}", key.key),
        ..key.clone()
    }
}

/// What comes with a passcode.
#[derive(Debug, Clone)]
pub enum PasscodeWith {
    /// The signature of this browser's key.
    Key(Signed),
    /// A code to the phone that was shown for the same step; the browser may get a key of its own now.
    Code(Option<NewKey>),
}

struct Settling {
    who: Arc<SignedIn>,
    step: StepId,
    attempt: Attempt,
    verdict: Verdict,
    new_key: Option<NewKey>,
}

impl State {
    /// Shows the password for a step.
    pub async fn show_password(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        step: StepId,
        typed: &str,
    ) -> Result<Once<ShownDone>, Fault> {
        // What could never have been set is not worth a hash, and tells nothing.
        let Some(typed) = Password::typed(typed) else {
            return Ok(Once::Done(ShownDone::Refused(Refusal::Password)));
        };
        // A place first: a crowd costs nobody a try (A109).
        let place = self.env.hasher.place().map_err(ServiceError::from)?;
        let account = who.account.id;
        let reserved = self
            .act(
                "password.reserve",
                half(&key, "reserve"),
                visitor,
                account,
                |tx, (env, _, account)| Box::pin(password::reserve(tx, env, *account)),
            )
            .await?;
        let refused = |why| Ok(Once::Done(ShownDone::Refused(why)));
        let attempt = match reserved {
            Once::Done(password::Reserved::Try(attempt)) => attempt,
            Once::Done(password::Reserved::Rests(until)) => {
                return refused(Refusal::PasswordRests { until });
            }
            Once::Done(password::Reserved::Closed) => return refused(Refusal::PasswordClosed),
            Once::Mismatch => return Ok(Once::Mismatch),
        };
        let verdict = attempt.compare(place, typed.expose()).await;
        let settling = Settling {
            who,
            step,
            attempt,
            verdict: verdict.map_err(ServiceError::from)?,
            new_key: None,
        };
        self.act(
            "password.settle",
            half(&key, "settle"),
            visitor,
            settling,
            |tx, (env, visitor, cmd)| {
                Box::pin(async move {
                    let shower = Shower {
                        visitor,
                        who: Some(&cmd.who),
                    };
                    let settled =
                        password::settle(tx, env, shower, &cmd.attempt, &cmd.verdict).await?;
                    Ok(match settled {
                        password::Settled::Right(proof) => {
                            let who = &cmd.who;
                            step_up::show(tx, env, visitor, who, cmd.step, &proof)
                                .await?
                                .into()
                        }
                        password::Settled::Wrong => ShownDone::Refused(Refusal::Password),
                    })
                })
            },
        )
        .await
    }

    /// Asks the key of this browser for a signature; `None` when the server knows no key of it.
    pub async fn ask_device(&self, who: Arc<SignedIn>) -> Result<Option<Challenge>, Fault> {
        let input = (self.env.clone(), who);
        let asked: Result<_, ServiceError> = self
            .db
            .write("passcode.challenge", input, |tx, (env, who)| {
                Box::pin(async move {
                    let bound_to = who.browser_key();
                    device_key::challenge(tx, env, who.account.id, &bound_to, &who.browser).await
                })
            })
            .await;
        Ok(asked?)
    }

    /// Shows the passcode for a step.
    pub async fn show_passcode(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        step: StepId,
        typed: &Passcode,
        with: PasscodeWith,
    ) -> Result<Once<ShownDone>, Fault> {
        let place = self.env.hasher.place().map_err(ServiceError::from)?;
        let new_key = match &with {
            PasscodeWith::Code(new_key) => new_key.clone(),
            PasscodeWith::Key(_) => None,
        };
        let reserved = self
            .act(
                "passcode.reserve",
                half(&key, "reserve"),
                visitor,
                (Arc::clone(&who), step, with),
                |tx, (env, _, (who, step, with))| {
                    Box::pin(async move {
                        let bound_to = who.browser_key();
                        let with = match with {
                            PasscodeWith::Key(signed) => With::Key {
                                bound_to: &bound_to,
                                browser: &who.browser,
                                signed,
                            },
                            PasscodeWith::Code(_) => With::CodeOfStep(who, *step),
                        };
                        passcode::reserve(tx, env, who.account.id, with).await
                    })
                },
            )
            .await?;
        let refused = |why| Ok(Once::Done(ShownDone::Refused(why)));
        let attempt = match reserved {
            Once::Done(passcode::Reserved::Try(attempt)) => attempt,
            Once::Done(passcode::Reserved::NotThisBrowser) => {
                return refused(Refusal::NotThisBrowser);
            }
            Once::Done(passcode::Reserved::CodeFirst) => return refused(Refusal::CodeFirst),
            Once::Done(passcode::Reserved::Gone) => return refused(Refusal::PasscodeGone),
            Once::Mismatch => return Ok(Once::Mismatch),
        };
        let verdict = attempt.compare(place, typed.expose()).await;
        let settling = Settling {
            who,
            step,
            attempt,
            verdict: verdict.map_err(ServiceError::from)?,
            new_key,
        };
        self.settle_passcode(half(&key, "settle"), visitor, settling)
            .await
    }

    async fn settle_passcode(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        settling: Settling,
    ) -> Result<Once<ShownDone>, Fault> {
        self.act(
            "passcode.settle",
            key,
            visitor,
            settling,
            |tx, (env, visitor, cmd)| {
                Box::pin(async move {
                    let who = &cmd.who;
                    let shower = Shower {
                        visitor,
                        who: Some(who),
                    };
                    let new_key = cmd.new_key.as_ref().map(|key| (&who.browser, key));
                    let settled =
                        passcode::settle(tx, env, shower, &cmd.attempt, &cmd.verdict, new_key)
                            .await?;
                    Ok(match settled {
                        passcode::Settled::Right(proof) => {
                            step_up::show(tx, env, visitor, who, cmd.step, &proof)
                                .await?
                                .into()
                        }
                        passcode::Settled::Wrong { left } => {
                            ShownDone::Refused(Refusal::Passcode { left })
                        }
                        passcode::Settled::Gone => ShownDone::Refused(Refusal::PasscodeGone),
                    })
                })
            },
        )
        .await
    }
}
