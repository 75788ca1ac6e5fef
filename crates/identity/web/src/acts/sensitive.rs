//! Sensitive actions: each runs once per key, or answers which proof it needs first.

use std::sync::Arc;

use identity_core::challenge::Purpose;
use identity_service::{
    email,
    session::SignedIn,
    step_up::{self, Performed, Progress, Sensitive, StepId, To, Tried},
};
use kernel::{Email, Visitor, code::OneTimeCode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use webkit::once::{Once, OnceKey};

use super::{AskDone, Refusal, secrets::half};
use crate::state::{Fault, State};

/// What became of a sensitive action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SensitiveDone<T> {
    /// Done.
    Done(T),
    /// A proof first, for this step.
    Needs(StepId),
    /// The account has nothing that would do.
    NothingToShow,
    /// The account is frozen.
    Frozen,
    /// Something was taken away within the day (A50).
    TooSoon {
        /// It waits until then, microseconds UTC.
        until: i64,
    },
}

impl<T> From<Performed<T>> for SensitiveDone<T> {
    fn from(performed: Performed<T>) -> Self {
        match performed {
            Performed::Done(done) => Self::Done(done),
            Performed::Needs(step) => Self::Needs(step),
            Performed::NothingToShow => Self::NothingToShow,
            Performed::Frozen => Self::Frozen,
            Performed::TooSoon { until } => Self::TooSoon {
                until: until.as_micros(),
            },
        }
    }
}

/// What became of a proof shown for a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShownDone {
    /// Everything was shown: the action may run.
    Proved,
    /// More is asked for.
    More,
    /// The step is over: begin anew.
    Over,
    /// No.
    Refused(Refusal),
}

impl From<Progress> for ShownDone {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Proved => Self::Proved,
            Progress::More(_) => Self::More,
            Progress::Over => Self::Over,
        }
    }
}

impl State {
    /// Runs a sensitive action, or says what it needs first (step-up).
    pub async fn sensitive<C>(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        cmd: C,
        step: Option<StepId>,
    ) -> Result<Once<SensitiveDone<C::Done>>, Fault>
    where
        C: Sensitive,
        C::Done: Serialize + DeserializeOwned + Sync + 'static,
    {
        let cmd = (who, cmd, step);
        self.act(
            "step_up.perform",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, (who, cmd, step))| {
                Box::pin(async move {
                    let performed = step_up::perform(tx, env, visitor, who, cmd, *step).await?;
                    Ok(performed.into())
                })
            },
        )
        .await
    }

    /// Asks for the confirmation of an e-mail address (ID-4), or says what that needs first: whoever has just signed
    /// in has shown enough (A48).
    pub async fn add_email(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        address: Email,
        step: Option<StepId>,
    ) -> Result<Once<SensitiveDone<AskDone>>, Fault> {
        if step.is_none() {
            let asked = self.ask_email(half(&key, "ask"), visitor, &who, &address);
            match asked.await? {
                Once::Done(Some(done)) => return Ok(Once::Done(SensitiveDone::Done(done))),
                Once::Done(None) => {}
                Once::Mismatch => return Ok(Once::Mismatch),
            }
        }
        let allow = email::Allow {
            email: address.as_str().to_owned(),
        };
        let allowed = self
            .sensitive(half(&key, "allow"), visitor, Arc::clone(&who), allow, step)
            .await?;
        Ok(Once::Done(match allowed {
            Once::Mismatch => return Ok(Once::Mismatch),
            Once::Done(SensitiveDone::Needs(step)) => SensitiveDone::Needs(step),
            Once::Done(SensitiveDone::NothingToShow) => SensitiveDone::NothingToShow,
            Once::Done(SensitiveDone::Frozen) => SensitiveDone::Frozen,
            Once::Done(SensitiveDone::TooSoon { until }) => SensitiveDone::TooSoon { until },
            Once::Done(SensitiveDone::Done(())) => {
                let asked = self.ask_email(half(&key, "ask allowed"), visitor, &who, &address);
                match asked.await? {
                    Once::Done(Some(done)) => SensitiveDone::Done(done),
                    // What was shown is minutes old, so only a freeze can have come between.
                    Once::Done(None) => SensitiveDone::Frozen,
                    Once::Mismatch => return Ok(Once::Mismatch),
                }
            }
        }))
    }

    /// `None` when the session has not shown enough.
    async fn ask_email(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: &Arc<SignedIn>,
        address: &Email,
    ) -> Result<Once<Option<AskDone>>, Fault> {
        let cmd = (Arc::clone(who), address.clone());
        self.act(
            "email.add",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, (who, address))| {
                Box::pin(async move {
                    Ok(match email::add(tx, env, visitor, who, address).await? {
                        email::Added::Asked(asked) => Some(asked.into()),
                        email::Added::HasOne => Some(AskDone::HasOne),
                        email::Added::ProofFirst => None,
                    })
                })
            },
        )
        .await
    }

    /// Asks for a code for a step; `None` when the step is over.
    pub async fn ask_step_code(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        step: StepId,
        to: To,
    ) -> Result<Once<Option<AskDone>>, Fault> {
        let cmd = (who, step, to);
        self.act(
            "step_up.ask_code",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, (who, step, to))| {
                Box::pin(async move {
                    let asked = step_up::ask_code(tx, env, visitor, who, *step, *to).await?;
                    Ok(asked.map(AskDone::from))
                })
            },
        )
        .await
    }

    /// Checks a code for a step.
    pub async fn check_step_code(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        step: StepId,
        purpose: Purpose,
        code: OneTimeCode,
    ) -> Result<Once<ShownDone>, Fault> {
        let cmd = (who, step, purpose, code);
        self.act(
            "step_up.check_code",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, (who, step, purpose, code))| {
                Box::pin(async move {
                    let tried =
                        step_up::check_code(tx, env, visitor, who, *step, *purpose, code).await?;
                    Ok(match tried {
                        Tried::Right(progress) => progress.into(),
                        Tried::NotAccepted(why) => ShownDone::Refused(why.into()),
                        Tried::Refused(why) => ShownDone::Refused(why.into()),
                    })
                })
            },
        )
        .await
    }
}
