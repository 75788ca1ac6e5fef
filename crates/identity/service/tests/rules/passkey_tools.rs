//! Passkeys of the tests: the moves of the service, in the three steps a page takes.

use std::sync::Arc;

use identity_core::{next_path::NextPath, passkeys::Fault};
use identity_service::{
    passkeys::{
        self, Adding, Assertion, Attestation, BeginAdding, Begun, CeremonyId, Entered, Judged,
        PasskeyId, Proved, Purpose, Refusal, RequestOptions, SignIn, Which,
    },
    session::SignedIn,
    sign_in::Welcome,
    step_up::{self, Performed, StepId},
};
use kernel::Visitor;
use serde_json::{Value, json};
use testkit::authenticator::Authenticator;

use crate::house::{Browser, House, visitor};

pub const ORIGIN: &str = "https://kabinet.example";

pub fn device(seed: u8) -> Authenticator {
    Authenticator::new(ORIGIN, seed)
}

/// Options as the browser gets them.
pub fn options<O: serde::Serialize>(begun: &Begun<O>) -> Value {
    json!(begun)["options"].clone()
}

impl House {
    pub async fn begin_adding(&self, who: &Arc<SignedIn>) -> BeginAdding {
        self.write(Arc::clone(who), |tx, (env, who)| {
            Box::pin(async move { passkeys::begin_adding(tx, env, who).await })
        })
        .await
    }

    /// The ceremony and the options of a new key.
    pub async fn asked_to_add(&self, who: &Arc<SignedIn>) -> (CeremonyId, Value) {
        match self.begin_adding(who).await {
            BeginAdding::Begun(begun) => (begun.ceremony, options(&begun)),
            other => panic!("{other:?}"),
        }
    }

    pub async fn finish_adding(
        &self,
        who: &Arc<SignedIn>,
        id: CeremonyId,
        answer: &Value,
        name: Option<&str>,
    ) -> Adding {
        let made = Attestation::read(&answer.to_string());
        let input = (self.env.clone(), Arc::clone(who), id);
        let seen = self
            .test
            .read("test.look", input, |tx, (env, who, id)| {
                Box::pin(passkeys::look_new(tx, env, who, *id))
            })
            .await
            .unwrap_or_else(|error: identity_service::ServiceError| panic!("{error}"));
        let judged = seen.judge(&self.env, made);
        let input = (Arc::clone(who), judged, name.map(str::to_owned));
        self.write(input, |tx, (env, (who, judged, name))| {
            Box::pin(async move {
                passkeys::add(tx, env, &visitor(), who, judged, name.as_deref()).await
            })
        })
        .await
    }

    /// Adds a device's key to the account of somebody who signed in just now.
    pub async fn with_passkey(&self, who: &Arc<SignedIn>, device: &mut Authenticator) -> PasskeyId {
        let (id, options) = self.asked_to_add(who).await;
        let answer = device.create(&options);
        match self.finish_adding(who, id, &answer, None).await {
            Adding::Performed(Performed::Done(passkeys::Added::Done(id))) => id,
            other => panic!("{other:?}"),
        }
    }

    pub async fn begin_sign_in(&self, browser: Browser) -> Begun<RequestOptions> {
        self.write(browser, |tx, (env, browser)| {
            Box::pin(async move { passkeys::begin_sign_in(tx, env, &browser.key).await })
        })
        .await
        .expect("a site")
    }

    pub async fn judge(&self, which: Which, answer: &Value) -> Judged {
        let shown = Assertion::read(&answer.to_string());
        let input = (self.env.clone(), which, shown.clone());
        let looked = self
            .test
            .read("test.look", input, |tx, (env, which, shown)| {
                Box::pin(passkeys::look(tx, env, which, shown))
            })
            .await
            .unwrap_or_else(|error: identity_service::ServiceError| panic!("{error}"));
        looked.judge(&self.env, &shown)
    }

    pub async fn judge_sign_in(&self, browser: Browser, id: CeremonyId, answer: &Value) -> Judged {
        let which = Which {
            browser: browser.key,
            id,
            purpose: Purpose::SignIn,
        };
        self.judge(which, answer).await
    }

    pub async fn enter_judged(&self, who: &Visitor, browser: Browser, judged: Judged) -> Entered {
        let cmd = SignIn {
            judged,
            known: browser.known,
            next: NextPath::default(),
        };
        self.write((who.clone(), cmd), |tx, (env, (who, cmd))| {
            Box::pin(passkeys::sign_in(tx, env, who, cmd))
        })
        .await
    }

    /// Answers a ceremony: who is in, or why not.
    pub async fn sign_in_with(
        &self,
        browser: Browser,
        id: CeremonyId,
        answer: &Value,
    ) -> Result<Box<Welcome>, (Option<Fault>, Refusal)> {
        let judged = self.judge_sign_in(browser, id, answer).await;
        let fault = judged.fault();
        match self.enter_judged(&visitor(), browser, judged).await {
            Entered::In(welcome) => Ok(welcome),
            Entered::NotTaken(why) => Err((fault, why)),
        }
    }

    /// A whole sign-in with a device.
    pub async fn enter_with(
        &self,
        browser: Browser,
        device: &mut Authenticator,
    ) -> Result<Box<Welcome>, (Option<Fault>, Refusal)> {
        let begun = self.begin_sign_in(browser).await;
        let answer = device.get(&options(&begun));
        self.sign_in_with(browser, begun.ceremony, &answer).await
    }

    pub async fn begin_proof(
        &self,
        who: &Arc<SignedIn>,
        step: StepId,
    ) -> Option<Begun<RequestOptions>> {
        self.write((Arc::clone(who), step), |tx, (env, (who, step))| {
            Box::pin(async move { passkeys::begin_proof(tx, env, who, *step).await })
        })
        .await
    }

    pub async fn answer_proof(
        &self,
        who: &Arc<SignedIn>,
        step: StepId,
        id: CeremonyId,
        answer: &Value,
    ) -> (Option<Fault>, Proved) {
        let which = Which {
            browser: step_up::browser_key(who, step),
            id,
            purpose: Purpose::Prove,
        };
        let judged = self.judge(which, answer).await;
        let fault = judged.fault();
        let input = (Arc::clone(who), step, judged);
        let proved = self
            .write(input, |tx, (env, (who, step, judged))| {
                Box::pin(
                    async move { passkeys::prove(tx, env, &visitor(), who, *step, judged).await },
                )
            })
            .await;
        (fault, proved)
    }

    /// A whole proof with a device.
    pub async fn prove_with(
        &self,
        who: &Arc<SignedIn>,
        step: StepId,
        device: &mut Authenticator,
    ) -> (Option<Fault>, Proved) {
        let begun = self.begin_proof(who, step).await.expect("a key to show");
        let answer = device.get(&options(&begun));
        self.answer_proof(who, step, begun.ceremony, &answer).await
    }

    pub async fn passkeys(&self, who: &Arc<SignedIn>) -> Vec<passkeys::Listed> {
        self.test
            .read("test.list", Arc::clone(who), |tx, who| {
                Box::pin(passkeys::list(tx, &who.account))
            })
            .await
            .unwrap_or_else(|error: identity_service::ServiceError| panic!("{error}"))
    }
}
