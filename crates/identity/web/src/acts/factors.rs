//! Second factors, letting in, numbers that age and trusted people: each command once per key.

use std::sync::Arc;

use identity_core::{backup_code::BackupCode, next_path::NextPath, password::Password};
use identity_service::{
    ServiceError,
    codes::{BrowserKey, Check},
    handover::{self, Begun, Chosen, HandoverToken, LetIn},
    number::{self, Reason},
    password::Reserved,
    session::SignedIn,
    sign_in::{self, Answer, Second},
    step_up::{self, StepId},
    totp,
    tries::{Tried, Where},
    trusted,
};
use kernel::{Identifier, Phone, Visitor, code::OneTimeCode};
use serde::{Deserialize, Serialize};
use webkit::once::{Once, OnceKey};

use super::{AskDone, Entered, Refusal, ShownDone, secrets::half};
use crate::state::{Fault, State};

/// Why a second factor was not accepted. `None` for what was right.
fn refusal<T>(tried: &Tried<T>) -> Option<Refusal> {
    Some(match tried {
        Tried::Right(_) => return None,
        Tried::Used => Refusal::FactorUsed,
        Tried::Wrong => Refusal::FactorWrong,
        Tried::Rests { until } => Refusal::Rests {
            until: until.as_micros(),
        },
        Tried::Closed | Tried::NotThere => Refusal::Closed,
    })
}

/// What became of a second factor at sign-in. Holds secrets: kept sealed, never printed.
#[derive(Clone, Serialize, Deserialize)]
pub enum SecondDone {
    /// In; with the code that takes the place of a used backup code.
    In(Entered, Option<BackupCode>),
    /// No.
    Refused(Refusal),
    /// The first code's proof is over: begin anew.
    Over,
}

/// What became of a backup code shown for a step. Holds a secret: kept sealed, never printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct BackupShown {
    /// How far the step is.
    pub shown: ShownDone,
    /// The code that takes the place of the used one.
    pub fresh: Option<BackupCode>,
}

/// What became of the first code of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TotpDone {
    /// The app is connected.
    Done,
    /// Nothing waits: begin anew.
    Over,
    /// No.
    Refused(Refusal),
}

/// What became of asking to be let in. Holds a secret: kept sealed, never printed.
#[derive(Clone, Serialize, Deserialize)]
pub enum BeginDone {
    /// The token for the QR code and the browser that asked.
    Waiting(String),
    /// Too many.
    NotNow {
        /// Microseconds UTC.
        until: i64,
    },
}

/// What became of the computer's entering. Holds secrets: kept sealed, never printed.
#[derive(Clone, Serialize, Deserialize)]
pub enum PickUpDone {
    /// In.
    In(Entered),
    /// The phone has not answered yet.
    Waiting,
    /// The phone said no.
    Refused,
    /// Over.
    Over,
}

/// What became of the code that confirms the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NumberDone {
    /// It is the owner's.
    Done,
    /// Something stronger clears the doubt.
    ShowMore,
    /// The doubt waits.
    Waits {
        /// Microseconds UTC.
        until: i64,
    },
    /// No.
    Refused(Refusal),
}

/// What became of a trusted person's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrustedDone {
    /// Taken, whatever it leads to.
    Taken,
    /// No.
    Refused(Refusal),
}

/// What is shown for a step by the transaction alone.
#[derive(Clone)]
pub enum Factor {
    /// A code of the app.
    Totp(OneTimeCode),
    /// A backup code.
    BackupCode(BackupCode),
}

async fn show_factor(
    tx: &mut db::WriteTx,
    env: &identity_service::Env,
    visitor: &Visitor,
    (who, step, factor): (&SignedIn, StepId, &Factor),
) -> Result<BackupShown, identity_service::ServiceError> {
    let account = step_up::lock_account(tx, env, who).await?;
    // A step that is over takes no code: a backup code would be used up for nothing.
    let waiting = step_up::look(tx, who, step).await?;
    if waiting.is_none_or(|waiting| waiting.is_used) {
        return Ok(BackupShown {
            shown: ShownDone::Over,
            fresh: None,
        });
    }
    let place = Where {
        env,
        visitor,
        account: &account,
        session: Some(who.session),
    };
    let tried = match factor {
        Factor::Totp(code) => totp::check(tx, place, code)
            .await?
            .map(|proof| (proof, None)),
        Factor::BackupCode(code) => {
            let tried = identity_service::backup_code::check(tx, place, code).await?;
            tried.map(|used| (used.proof, Some(used.fresh)))
        }
    };
    if let Some(why) = refusal(&tried) {
        return Ok(BackupShown {
            shown: ShownDone::Refused(why),
            fresh: None,
        });
    }
    let Tried::Right((proof, fresh)) = tried else {
        return Err(identity_service::ServiceError::Inconsistent("a try"));
    };
    let progress = step_up::show(tx, env, visitor, who, step, &proof).await?;
    Ok(BackupShown {
        shown: progress.into(),
        fresh,
    })
}

impl State {
    /// Checks a second factor at sign-in (ID-8).
    pub async fn second(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        door: (BrowserKey, Option<[u8; 32]>),
        answer: Answer,
    ) -> Result<Once<SecondDone>, Fault> {
        self.act(
            "sign_in.second",
            key,
            visitor,
            (door, answer),
            |tx, (env, visitor, (door, answer))| {
                Box::pin(async move {
                    Ok(
                        match sign_in::second(tx, env, visitor, *door, answer).await? {
                            Second::In(welcome, fresh) => SecondDone::In(welcome.into(), fresh),
                            Second::Over => SecondDone::Over,
                            Second::Refused(tried) => {
                                refusal(&tried).map_or(SecondDone::Over, SecondDone::Refused)
                            }
                        },
                    )
                })
            },
        )
        .await
    }

    /// Checks the password as the second factor at sign-in: counted, compared in the pool, settled, like for a step.
    pub async fn second_password(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        door: (BrowserKey, Option<[u8; 32]>),
        typed: &str,
    ) -> Result<Once<SecondDone>, Fault> {
        let Some(typed) = Password::typed(typed) else {
            return Ok(Once::Done(SecondDone::Refused(Refusal::Password)));
        };
        // A place first: a crowd costs nobody a try (A109).
        let place = self.env.hasher.place().map_err(ServiceError::from)?;
        let reserved = self
            .act(
                "sign_in.reserve_password",
                half(&key, "reserve"),
                visitor,
                door.0,
                |tx, (env, _, browser)| Box::pin(sign_in::reserve_password(tx, env, browser)),
            )
            .await?;
        let refused = |why| Ok(Once::Done(SecondDone::Refused(why)));
        let attempt = match reserved {
            Once::Done(Some(Reserved::Try(attempt))) => attempt,
            Once::Done(Some(Reserved::Rests(until))) => {
                return refused(Refusal::PasswordRests { until });
            }
            Once::Done(Some(Reserved::Closed)) => return refused(Refusal::PasswordClosed),
            Once::Done(None) => return Ok(Once::Done(SecondDone::Over)),
            Once::Mismatch => return Ok(Once::Mismatch),
        };
        let verdict = attempt.compare(place, typed.expose()).await;
        let verdict = verdict.map_err(ServiceError::from)?;
        self.act(
            "sign_in.settle_password",
            half(&key, "settle"),
            visitor,
            (door, attempt, verdict),
            |tx, (env, visitor, (door, attempt, verdict))| {
                Box::pin(async move {
                    use sign_in::ByPassword as B;
                    let done =
                        sign_in::settle_password(tx, env, visitor, *door, (attempt, verdict));
                    Ok(match done.await? {
                        B::In(welcome) => SecondDone::In(welcome.into(), None),
                        B::Wrong => SecondDone::Refused(Refusal::Password),
                        B::Over => SecondDone::Over,
                    })
                })
            },
        )
        .await
    }

    /// Shows a code of the app, or a backup code, for a step.
    pub async fn show_factor(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        step: StepId,
        factor: Factor,
    ) -> Result<Once<BackupShown>, Fault> {
        self.act(
            "step_up.show_factor",
            key,
            visitor,
            (who, step, factor),
            |tx, (env, visitor, (who, step, factor))| {
                Box::pin(show_factor(tx, env, visitor, (who, *step, factor)))
            },
        )
        .await
    }

    /// Confirms an app by its first code.
    pub async fn confirm_totp(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        code: OneTimeCode,
    ) -> Result<Once<TotpDone>, Fault> {
        self.act(
            "totp.confirm",
            key,
            visitor,
            (who, code),
            |tx, (env, visitor, (who, code))| {
                Box::pin(async move {
                    use totp::Confirmed as C;
                    Ok(match totp::confirm(tx, env, visitor, who, code).await? {
                        C::Done => TotpDone::Done,
                        C::Over => TotpDone::Over,
                        C::Wrong => TotpDone::Refused(Refusal::FactorWrong),
                        C::Rests { until } => TotpDone::Refused(Refusal::Rests {
                            until: until.as_micros(),
                        }),
                    })
                })
            },
        )
        .await
    }

    /// A computer asks to be let in (ID-7).
    pub async fn begin_handover(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        browser: BrowserKey,
        next: NextPath,
    ) -> Result<Once<BeginDone>, Fault> {
        self.act(
            "handover.begin",
            key,
            visitor,
            (browser, next),
            |tx, (env, visitor, (browser, next))| {
                Box::pin(async move {
                    Ok(
                        match handover::begin(tx, env, visitor, browser, next).await? {
                            Begun::Waiting(token) => BeginDone::Waiting(token.expose()),
                            Begun::NotNow { until } => BeginDone::NotNow {
                                until: until.as_micros(),
                            },
                        },
                    )
                })
            },
        )
        .await
    }

    /// The phone has chosen a number.
    pub async fn choose_number(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        token: HandoverToken,
        number: u8,
    ) -> Result<Once<Result<LetIn, Chosen>>, Fault> {
        self.act(
            "handover.choose",
            key,
            visitor,
            (who, token, number),
            |tx, (env, visitor, (who, token, number))| {
                Box::pin(handover::choose(tx, env, visitor, who, token, *number))
            },
        )
        .await
    }

    /// The phone says no; true when the request still waited.
    pub async fn refuse_handover(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        token: HandoverToken,
    ) -> Result<Once<bool>, Fault> {
        self.act(
            "handover.refuse",
            key,
            visitor,
            (who, token),
            |tx, (env, visitor, (who, token))| {
                Box::pin(handover::refuse(tx, env, visitor, who, token))
            },
        )
        .await
    }

    /// The computer picks its session up.
    pub async fn pick_up(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        token: HandoverToken,
        door: (BrowserKey, Option<[u8; 32]>),
    ) -> Result<Once<PickUpDone>, Fault> {
        self.act(
            "handover.enter",
            key,
            visitor,
            (token, door),
            |tx, (env, visitor, (token, (browser, known)))| {
                Box::pin(async move {
                    use handover::Entered as E;
                    Ok(
                        match handover::enter(tx, env, visitor, token, browser, *known).await? {
                            E::In(welcome) => PickUpDone::In(welcome.into()),
                            E::Waiting => PickUpDone::Waiting,
                            E::Refused => PickUpDone::Refused,
                            E::Over => PickUpDone::Over,
                        },
                    )
                })
            },
        )
        .await
    }

    /// Asks for the code that confirms the number (ID-8a).
    pub async fn ask_number(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        call: bool,
    ) -> Result<Once<AskDone>, Fault> {
        self.act(
            "number.ask",
            key,
            visitor,
            (who, call),
            |tx, (env, visitor, (who, call))| {
                Box::pin(async move { Ok(number::ask(tx, env, visitor, who, *call).await?.into()) })
            },
        )
        .await
    }

    /// Confirms the number by code.
    pub async fn confirm_number(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        code: OneTimeCode,
    ) -> Result<Once<NumberDone>, Fault> {
        self.act(
            "number.confirm",
            key,
            visitor,
            (who, code),
            |tx, (env, visitor, (who, code))| {
                Box::pin(async move {
                    use number::Confirmed as C;
                    Ok(match number::confirm(tx, env, visitor, who, code).await? {
                        C::Done => NumberDone::Done,
                        C::ShowMore => NumberDone::ShowMore,
                        C::Waits { until } => NumberDone::Waits {
                            until: until.as_micros(),
                        },
                        C::NotAccepted(why) => NumberDone::Refused(why.into()),
                        C::Refused(why) => NumberDone::Refused(why.into()),
                    })
                })
            },
        )
        .await
    }

    /// An operator says that a number has changed (ID-8a).
    pub async fn number_signal(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        phone: Phone,
        reason: Reason,
    ) -> Result<Once<()>, Fault> {
        self.act(
            "number.signal",
            key,
            visitor,
            (phone, reason),
            |tx, (env, _, (phone, reason))| Box::pin(number::signal(tx, env, phone, *reason)),
        )
        .await
    }

    /// A trusted person asks for the code to their own phone (ID-8a).
    pub async fn ask_trusted(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        own: Identifier,
        browser: BrowserKey,
    ) -> Result<Once<AskDone>, Fault> {
        self.act(
            "trusted.ask",
            key,
            visitor,
            (own, browser),
            |tx, (env, visitor, (own, browser))| {
                Box::pin(
                    async move { Ok(trusted::ask(tx, env, visitor, own, *browser).await?.into()) },
                )
            },
        )
        .await
    }

    /// A trusted person freezes a friend's account.
    pub async fn trusted_freeze(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        check: Check,
        friend: Identifier,
    ) -> Result<Once<TrustedDone>, Fault> {
        self.act(
            "trusted.freeze",
            key,
            visitor,
            (check, friend),
            |tx, (env, visitor, (check, friend))| {
                Box::pin(async move {
                    use trusted::ByTrusted as B;
                    Ok(
                        match trusted::freeze(tx, env, visitor, check, friend).await? {
                            B::Taken => TrustedDone::Taken,
                            B::NotAccepted(why) => TrustedDone::Refused(why.into()),
                            B::Refused(why) => TrustedDone::Refused(why.into()),
                        },
                    )
                })
            },
        )
        .await
    }
}
