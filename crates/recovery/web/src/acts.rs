//! What pages and the API do alike: each command runs once per key, and its answer can be kept and given again (EV-3).

use db::{BoxFuture, WriteTx};
use identity_core::challenge::Purpose;
use identity_service::{
    Env, ServiceError,
    codes::{self, BrowserKey},
};
use identity_web::{
    State,
    acts::{AskDone, Refusal},
    state::Fault,
};
use kernel::{Identifier, Visitor, code::OneTimeCode};
use recovery_core::CaseNumber;
use recovery_service::{
    case::{self, Found},
    facts::{self, Saved, Told},
    phone::{self, Bound, Proved},
    resume::{self, Resumed},
    start::{self, Started},
    stop::{self, StopLink, StopToken},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use webkit::once::{Once, OnceKey, once};

type Input<C> = (Env, Visitor, C);

/// What became of a start.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StartDone {
    /// Open.
    Open {
        /// Ten digits.
        number: String,
        /// Microseconds UTC.
        expires_at: i64,
    },
    /// Not now.
    NotNow {
        /// Microseconds UTC.
        until: i64,
    },
}

/// What became of naming the phone to be used.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BoundDone {
    /// What became of its code.
    Asked(AskDone),
    /// This browser works on no case.
    NoCase,
}

/// What became of a code.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CodeDone {
    /// It was right.
    Done,
    /// No case.
    NoCase,
    /// No.
    Refused(Refusal),
}

/// What became of a page of facts.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SavedDone {
    /// Saved.
    Done,
    /// The phone comes first.
    PhoneFirst,
    /// No case.
    NoCase,
}

/// The commands, over the surroundings of a request.
pub(crate) struct Acts<'a>(pub(crate) &'a State);

impl Acts<'_> {
    /// Runs a command once.
    async fn act<C, T, F>(
        &self,
        name: &'static str,
        key: OnceKey,
        visitor: &Visitor,
        cmd: C,
        command: F,
    ) -> Result<Once<T>, Fault>
    where
        C: Send + Sync + 'static,
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
        F: for<'t> Fn(&'t mut WriteTx, &'t Input<C>) -> BoxFuture<'t, Result<T, ServiceError>>
            + Send
            + Sync
            + 'static,
    {
        let state = self.0;
        let input = (state.env.clone(), visitor.clone(), cmd);
        Ok(once(&state.db, &state.site.vault, name, key, input, command).await?)
    }

    /// Starts a case (A2).
    pub(crate) async fn start(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        identifier: Identifier,
        browser: BrowserKey,
    ) -> Result<Once<StartDone>, Fault> {
        let cmd = (identifier, browser);
        self.act(
            "recovery.start",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, (identifier, browser))| {
                Box::pin(async move {
                    let started = start::start(tx, env, visitor, identifier, browser).await?;
                    Ok(match started {
                        Started::Open { number, expires_at } => StartDone::Open {
                            number: number.as_str().to_owned(),
                            expires_at: expires_at.as_micros(),
                        },
                        Started::NotNow { until } => StartDone::NotNow {
                            until: until.as_micros(),
                        },
                    })
                })
            },
        )
        .await
    }

    /// Names the phone to be used and asks for its code.
    pub(crate) async fn ask_phone(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        to_bind: Identifier,
        browser: BrowserKey,
    ) -> Result<Once<BoundDone>, Fault> {
        let cmd = (to_bind, browser);
        self.act(
            "recovery.ask_phone",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, (to_bind, browser))| {
                Box::pin(async move {
                    Ok(
                        match phone::ask(tx, env, visitor, browser, to_bind).await? {
                            Bound::Asked(asked) => BoundDone::Asked(asked.into()),
                            Bound::NoCase => BoundDone::NoCase,
                        },
                    )
                })
            },
        )
        .await
    }

    /// Checks that code.
    pub(crate) async fn prove_phone(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        code: OneTimeCode,
        browser: BrowserKey,
    ) -> Result<Once<CodeDone>, Fault> {
        let cmd = (code, browser);
        self.act(
            "recovery.prove_phone",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, (code, browser))| {
                Box::pin(async move {
                    Ok(match phone::prove(tx, env, visitor, browser, code).await? {
                        Proved::Done => CodeDone::Done,
                        Proved::NoCase => CodeDone::NoCase,
                        Proved::NotAccepted(why) => CodeDone::Refused(why.into()),
                        Proved::Refused(why) => CodeDone::Refused(why.into()),
                    })
                })
            },
        )
        .await
    }

    /// Saves one page of facts.
    pub(crate) async fn save(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        told: Told,
        browser: BrowserKey,
    ) -> Result<Once<SavedDone>, Fault> {
        let cmd = (told, browser);
        self.act(
            "recovery.save",
            key,
            visitor,
            cmd,
            |tx, (env, _, (told, browser))| {
                Box::pin(async move {
                    Ok(match facts::save(tx, env, browser, told).await? {
                        Saved::Done => SavedDone::Done,
                        Saved::PhoneFirst => SavedDone::PhoneFirst,
                        Saved::NoCase => SavedDone::NoCase,
                    })
                })
            },
        )
        .await
    }

    /// Asks for a code to come back by.
    pub(crate) async fn ask_resume(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        bound: Identifier,
        browser: BrowserKey,
    ) -> Result<Once<AskDone>, Fault> {
        let cmd = (bound, browser);
        self.act(
            "recovery.ask_resume",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, (bound, browser))| {
                Box::pin(async move {
                    let asked = resume::ask(tx, env, visitor, bound, browser).await?;
                    Ok(asked.into())
                })
            },
        )
        .await
    }

    /// Comes back.
    pub(crate) async fn resume(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        code: OneTimeCode,
        number: CaseNumber,
        browser: BrowserKey,
    ) -> Result<Once<CodeDone>, Fault> {
        let cmd = (code, number, browser);
        self.act(
            "recovery.resume",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, (code, number, browser))| {
                Box::pin(async move {
                    let resumed = resume::resume(tx, env, visitor, browser, code, number).await?;
                    Ok(match resumed {
                        Resumed::Done => CodeDone::Done,
                        Resumed::NoCase => CodeDone::NoCase,
                        Resumed::NotAccepted(why) => CodeDone::Refused(why.into()),
                        Resumed::Refused(why) => CodeDone::Refused(why.into()),
                    })
                })
            },
        )
        .await
    }

    /// The owner's stop (A38).
    pub(crate) async fn stop(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        token: StopToken,
    ) -> Result<Once<StopLink>, Fault> {
        self.act(
            "recovery.stop",
            key,
            visitor,
            token,
            |tx, (env, visitor, token)| Box::pin(stop::press(tx, env, visitor, token)),
        )
        .await
    }

    /// What a link of the owner's leads to.
    pub(crate) async fn look_stop(&self, token: &str) -> Result<StopLink, Fault> {
        let Some(token) = StopToken::from_text(token) else {
            return Ok(StopLink::Over);
        };
        let input = (self.0.env.clone(), token);
        self.0
            .read("recovery.look_stop", input, |tx, (env, token)| {
                Box::pin(stop::look(tx, env, token))
            })
            .await
    }

    /// The case a browser works on.
    pub(crate) async fn look(&self, browser: BrowserKey) -> Result<Option<Found>, Fault> {
        let input = (self.0.env.clone(), browser);
        self.0
            .read("recovery.look", input, |tx, (env, browser)| {
                Box::pin(case::look(tx, env, browser))
            })
            .await
    }

    /// What the code of the phone to be used is bound to, while this browser works on a case.
    pub(crate) async fn phone_flow(
        &self,
        browser: BrowserKey,
    ) -> Result<Option<BrowserKey>, Fault> {
        self.0
            .read("recovery.flow", browser, |tx, browser| {
                Box::pin(async move {
                    let place = case::of_browser(tx, browser).await?;
                    Ok(place.map(|place| phone::flow(browser, place.case)))
                })
            })
            .await
    }

    /// The code of the phone to be used, where one was asked for.
    pub(crate) async fn phone_code(
        &self,
        browser: BrowserKey,
    ) -> Result<Option<codes::Status>, Fault> {
        let input = (self.0.env.clone(), browser);
        self.0
            .read("recovery.phone_code", input, |tx, (env, browser)| {
                Box::pin(phone::status(tx, env, browser))
            })
            .await
    }
}

/// For what a code of the phone to be used is.
pub(crate) const PHONE: Purpose = Purpose::RecoveryPhone;
/// For what a code to come back is.
pub(crate) const RESUME: Purpose = Purpose::RecoveryResume;
