//! Passkeys: beginnings, and answers that are judged outside the transaction and written once.

use std::sync::Arc;

use db::{BoxFuture, WriteTx};
use identity_core::{next_path::NextPath, passkeys::Fault as Why};
use identity_service::{
    Env, ServiceError,
    codes::BrowserKey,
    passkeys::{
        self, Added, Adding, Assertion, Attestation, BeginAdding, Begun, CeremonyId, Judged,
        PasskeyId, Proved, Purpose, RequestOptions, SignIn, Which,
    },
    session::SignedIn,
    step_up::{self, StepId},
};
use kernel::Visitor;
use serde::{Deserialize, Serialize};
use webkit::once::{Once, OnceKey};

use super::{Entered, SensitiveDone, ShownDone};
use crate::state::{Fault, State};

pub use identity_service::passkeys::Refusal as NotTaken;

/// What became of a sign-in by passkey.
#[derive(Clone, Serialize, Deserialize)]
pub enum PasskeyDone {
    /// In.
    In(Entered),
    /// Not taken.
    NotTaken(NotTaken),
}

/// What became of a passkey as the second factor at sign-in.
#[derive(Clone, Serialize, Deserialize)]
pub enum SecondPasskey {
    /// In.
    In(Entered),
    /// Not taken.
    NotTaken(NotTaken),
    /// The code's proof is over: begin anew.
    Over,
}

/// What became of showing a passkey for a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProvedDone {
    /// Taken.
    Shown(ShownDone),
    /// Not taken.
    NotTaken(NotTaken),
}

/// What became of a new passkey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AddingDone {
    /// It is good: added, or waiting for a proof.
    Performed(SensitiveDone<Added>),
    /// Not taken.
    Refused(Why),
}

/// An answer of a browser, for one ceremony.
#[derive(Clone)]
pub struct Answered {
    /// Which ceremony.
    pub ceremony: CeremonyId,
    /// The browser's JSON.
    pub json: String,
}

impl State {
    /// Begins something: each time anew, for a challenge serves once anyway.
    async fn begin<C, T, F>(&self, name: &'static str, cmd: C, command: F) -> Result<T, Fault>
    where
        C: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t> Fn(&'t mut WriteTx, &'t (Env, C)) -> BoxFuture<'t, Result<T, ServiceError>>
            + Send
            + Sync
            + 'static,
    {
        Ok(self
            .db
            .write(name, (self.env.clone(), cmd), command)
            .await?)
    }

    /// Begins a sign-in by passkey; `None` where no passkeys are made.
    pub async fn begin_passkey_sign_in(
        &self,
        browser: BrowserKey,
    ) -> Result<Option<Begun<RequestOptions>>, Fault> {
        self.begin("passkey.begin", browser, |tx, (env, browser)| {
            Box::pin(passkeys::begin_sign_in(tx, env, browser))
        })
        .await
    }

    /// Shows a passkey as the second factor at sign-in (ID-8).
    pub async fn second_passkey(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        (browser, known): (BrowserKey, Option<[u8; 32]>),
        answered: Answered,
    ) -> Result<Once<SecondPasskey>, Fault> {
        let judged = self.judge(browser, Purpose::SignIn, &answered).await?;
        self.act(
            "passkey.second",
            key,
            visitor,
            (judged, known),
            |tx, (env, visitor, (judged, known))| {
                Box::pin(async move {
                    use passkeys::Second as S;
                    Ok(
                        match passkeys::second(tx, env, visitor, judged, *known).await? {
                            S::In(welcome) => SecondPasskey::In(welcome.into()),
                            S::NotTaken(why) => SecondPasskey::NotTaken(why),
                            S::Over => SecondPasskey::Over,
                        },
                    )
                })
            },
        )
        .await
    }

    /// Begins to add a passkey.
    pub async fn begin_adding_passkey(&self, who: Arc<SignedIn>) -> Result<BeginAdding, Fault> {
        self.begin("passkey.begin_adding", who, |tx, (env, who)| {
            Box::pin(passkeys::begin_adding(tx, env, who))
        })
        .await
    }

    /// Begins to show a passkey for a step; `None` when there is none to show or the step is over.
    pub async fn begin_passkey_proof(
        &self,
        who: Arc<SignedIn>,
        step: StepId,
    ) -> Result<Option<Begun<RequestOptions>>, Fault> {
        self.begin(
            "passkey.begin_proof",
            (who, step),
            |tx, (env, (who, step))| Box::pin(passkeys::begin_proof(tx, env, who, *step)),
        )
        .await
    }

    async fn judge(
        &self,
        browser: BrowserKey,
        purpose: Purpose,
        answered: &Answered,
    ) -> Result<Judged, Fault> {
        let which = Which {
            browser,
            id: answered.ceremony,
            purpose,
        };
        let shown = Assertion::read(&answered.json);
        let input = (self.env.clone(), which, shown.clone());
        let looked = self
            .read("passkey.look", input, |tx, (env, which, shown)| {
                Box::pin(passkeys::look(tx, env, which, shown))
            })
            .await?;
        Ok(looked.judge(&self.env, &shown))
    }

    /// Signs in by passkey.
    pub async fn passkey_sign_in(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        (browser, known): (BrowserKey, Option<[u8; 32]>),
        answered: Answered,
        next: NextPath,
    ) -> Result<Once<PasskeyDone>, Fault> {
        let judged = self.judge(browser, Purpose::SignIn, &answered).await?;
        let cmd = SignIn {
            judged,
            known,
            next,
        };
        self.act(
            "passkey.sign_in",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, cmd)| {
                Box::pin(async move {
                    Ok(match passkeys::sign_in(tx, env, visitor, cmd).await? {
                        passkeys::Entered::In(welcome) => PasskeyDone::In(welcome.into()),
                        passkeys::Entered::NotTaken(why) => PasskeyDone::NotTaken(why),
                    })
                })
            },
        )
        .await
    }

    /// Shows a passkey for a step.
    pub async fn prove_by_passkey(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        step: StepId,
        answered: Answered,
    ) -> Result<Once<ProvedDone>, Fault> {
        let browser = step_up::browser_key(&who, step);
        let judged = self.judge(browser, Purpose::Prove, &answered).await?;
        let cmd = (who, step, judged);
        self.act(
            "passkey.prove",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, (who, step, judged))| {
                Box::pin(async move {
                    let proved = passkeys::prove(tx, env, visitor, who, *step, judged).await?;
                    Ok(match proved {
                        Proved::Taken(progress) => ProvedDone::Shown(progress.into()),
                        Proved::NotTaken(why) => ProvedDone::NotTaken(why),
                    })
                })
            },
        )
        .await
    }

    /// Adds a passkey under a name, or says what it needs first.
    pub async fn add_passkey(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        answered: Answered,
        name: Option<String>,
    ) -> Result<Once<AddingDone>, Fault> {
        let made = Attestation::read(&answered.json);
        let input = (self.env.clone(), Arc::clone(&who), answered.ceremony);
        let seen = self
            .read("passkey.look_new", input, |tx, (env, who, id)| {
                Box::pin(passkeys::look_new(tx, env, who, *id))
            })
            .await?;
        let cmd = (who, seen.judge(&self.env, made), name);
        self.act(
            "passkey.add",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, (who, judged, name))| {
                Box::pin(async move {
                    let name = name.as_deref();
                    let adding = passkeys::add(tx, env, visitor, who, judged, name).await?;
                    Ok(match adding {
                        Adding::Performed(performed) => AddingDone::Performed(performed.into()),
                        Adding::Refused(why) => AddingDone::Refused(why),
                    })
                })
            },
        )
        .await
    }

    /// Gives a passkey another name; false when there is none such.
    pub async fn rename_passkey(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        id: PasskeyId,
        name: Option<String>,
    ) -> Result<Once<bool>, Fault> {
        self.act(
            "passkey.rename",
            key,
            visitor,
            (who, id, name),
            |tx, (env, visitor, (who, id, name))| {
                Box::pin(passkeys::rename(
                    tx,
                    env,
                    visitor,
                    who,
                    *id,
                    name.as_deref(),
                ))
            },
        )
        .await
    }
}
