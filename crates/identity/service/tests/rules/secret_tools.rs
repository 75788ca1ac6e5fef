//! What the tests of chosen secrets share: a browser's key, and the use cases in their three steps.

use std::sync::Arc;

use audit::StaffId;
use identity_core::{
    assurance::{Has, Method},
    own::Own,
};
use identity_service::{
    code_word,
    device_key::{self, Challenge, NewKey, Signed},
    passcode::{self, SetPasscode, With},
    password::{self, Reserved, SetPassword},
    secret::{Attempt, Shower},
    session::SignedIn,
    sign_in::Welcome,
    step_up::{self, Performed, Progress, Sensitive, StepId},
};
use kernel::AccountId;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use vault::Verdict;

use crate::house::{ANNA, House, browser, phone, visitor};

pub const PASSWORD: &str = "лиловый поезд уходит";
pub const PASSCODE: &str = "8305";
pub const WORD: &str = "Зелёный крокодил";

pub mod raw {
    db::statements! {
        /// Secrets there are.
        SECRETS: "SELECT COUNT(*) FROM secret" () -> (Int);
        /// Tries left, the fewest of all.
        LEFT: "SELECT CAST(COALESCE(MIN(tries_left), -1) AS BIGINT) FROM secret" () -> (Int);
        /// Device keys there are.
        KEYS: "SELECT COUNT(*) FROM device_key" () -> (Int);
        /// Entries of the log about a code word that staff made.
        BY_STAFF: "SELECT COUNT(*) FROM audit_entry WHERE action = 'code_word.compared'
            AND actor_kind = 'staff'" () -> (Int);
    }
}

/// A key as a browser makes one.
pub struct Device {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Device {
    pub fn new() -> Self {
        let random = SystemRandom::new();
        let alg = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(alg, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(alg, document.as_ref(), &random).unwrap();
        Self { pair, random }
    }

    pub fn public(&self) -> NewKey {
        NewKey::new(self.pair.public_key().as_ref()).unwrap()
    }

    pub fn sign(&self, challenge: &Challenge) -> Signed {
        let signature = self.pair.sign(&self.random, challenge.text.as_bytes());
        Signed {
            id: challenge.id,
            signature: signature.unwrap().as_ref().to_vec(),
        }
    }
}

/// How a passcode is shown in a test.
#[derive(Clone)]
pub enum By {
    Key(Signed),
    Step(StepId),
}

impl House {
    pub async fn owner(&self) -> (Box<Welcome>, Arc<SignedIn>) {
        let welcome = self.enter_in_time(&phone(ANNA), browser(1)).await;
        let who = self.signed_in(&welcome).await;
        (welcome, who)
    }

    pub async fn sensitive<C: Sensitive + Clone>(
        &self,
        who: &Arc<SignedIn>,
        cmd: C,
        step: Option<StepId>,
    ) -> Performed<C::Done> {
        self.write(
            (Arc::clone(who), cmd, step),
            |tx, (env, (who, cmd, step))| {
                Box::pin(
                    async move { step_up::perform(tx, env, &visitor(), who, cmd, *step).await },
                )
            },
        )
        .await
    }

    pub async fn set_password(&self, who: &Arc<SignedIn>, text: &str) {
        let cmd = SetPassword::prepare(&self.env, &Own::default(), text).await;
        let done = self.sensitive(who, cmd.unwrap().unwrap(), None).await;
        assert!(matches!(done, Performed::Done(_)), "{done:?}");
    }

    pub async fn set_passcode(&self, who: &Arc<SignedIn>, key: Option<NewKey>) {
        let cmd = SetPasscode::prepare(&self.env, &Own::default(), PASSCODE, key).await;
        let done = self.sensitive(who, cmd.unwrap().unwrap(), None).await;
        assert_eq!(done, Performed::Done(()));
    }

    pub async fn compare(&self, attempt: &Attempt, typed: &str) -> Verdict {
        let place = self.env.hasher.place().unwrap();
        attempt.compare(place, typed.as_bytes()).await.unwrap()
    }

    pub async fn reserve_password(&self, account: AccountId) -> password::Reserved {
        self.write(account, |tx, (env, account)| {
            Box::pin(password::reserve(tx, env, *account))
        })
        .await
    }

    pub async fn settle_password(
        &self,
        who: &Arc<SignedIn>,
        attempt: Attempt,
        verdict: Verdict,
    ) -> Option<Method> {
        let input = (Arc::clone(who), attempt, verdict);
        let settled = self
            .write(input, |tx, (env, (who, attempt, verdict))| {
                Box::pin(async move {
                    let visitor = visitor();
                    let shower = Shower {
                        visitor: &visitor,
                        who: Some(who),
                    };
                    password::settle(tx, env, shower, attempt, verdict).await
                })
            })
            .await;
        match settled {
            password::Settled::Right(proof) => Some(proof.method()),
            password::Settled::Wrong => None,
        }
    }

    /// Shows the password for a step.
    pub async fn prove_by_password(
        &self,
        who: &Arc<SignedIn>,
        step: StepId,
        text: &str,
    ) -> Progress {
        let shown = self.show_password(who, step, text).await;
        shown.expect("the right password")
    }

    /// The same with any; `None` when it is wrong.
    pub async fn show_password(
        &self,
        who: &Arc<SignedIn>,
        step: StepId,
        text: &str,
    ) -> Option<Progress> {
        let Reserved::Try(attempt) = self.reserve_password(who.account.id).await else {
            panic!("passwords rest")
        };
        let verdict = self.compare(&attempt, text).await;
        let input = (Arc::clone(who), step, attempt, verdict);
        self.write(input, |tx, (env, (who, step, attempt, verdict))| {
            Box::pin(async move {
                let visitor = visitor();
                let shower = Shower {
                    visitor: &visitor,
                    who: Some(who),
                };
                let settled = password::settle(tx, env, shower, attempt, verdict).await?;
                let password::Settled::Right(proof) = settled else {
                    return Ok(None);
                };
                let shown = step_up::show(tx, env, &visitor, who, *step, &proof).await?;
                Ok(Some(shown))
            })
        })
        .await
    }

    /// «right», «wrong», «rests», «closed».
    pub async fn try_password(&self, who: &Arc<SignedIn>, typed: &str) -> &'static str {
        match self.reserve_password(who.account.id).await {
            password::Reserved::Try(attempt) => {
                let verdict = self.compare(&attempt, typed).await;
                match self.settle_password(who, attempt, verdict).await {
                    Some(Method::Password) => "right",
                    Some(other) => panic!("{other:?}"),
                    None => "wrong",
                }
            }
            password::Reserved::Rests(_) => "rests",
            password::Reserved::Closed => "closed",
        }
    }

    pub async fn challenge(&self, who: &Arc<SignedIn>) -> Option<Challenge> {
        self.write(Arc::clone(who), |tx, (env, who)| {
            Box::pin(async move {
                let bound_to = who.browser_key();
                device_key::challenge(tx, env, who.account.id, &bound_to, &who.browser).await
            })
        })
        .await
    }

    pub async fn reserve_passcode(&self, who: &Arc<SignedIn>, by: By) -> passcode::Reserved {
        self.write((Arc::clone(who), by), |tx, (env, (who, by))| {
            Box::pin(async move {
                let bound_to = who.browser_key();
                let with = match by {
                    By::Key(signed) => With::Key {
                        bound_to: &bound_to,
                        browser: &who.browser,
                        signed,
                    },
                    By::Step(step) => With::CodeOfStep(who, *step),
                };
                passcode::reserve(tx, env, who.account.id, with).await
            })
        })
        .await
    }

    pub async fn settle_passcode(
        &self,
        who: &Arc<SignedIn>,
        attempt: Attempt,
        verdict: Verdict,
        step: Option<StepId>,
        key: Option<NewKey>,
    ) -> String {
        let input = (Arc::clone(who), attempt, verdict, step, key);
        self.write(input, |tx, (env, (who, attempt, verdict, step, key))| {
            Box::pin(async move {
                let visitor = visitor();
                let shower = Shower {
                    visitor: &visitor,
                    who: Some(who),
                };
                let key = key.as_ref().map(|key| (&who.browser, key));
                let settled = passcode::settle(tx, env, shower, attempt, verdict, key).await?;
                Ok(match settled {
                    passcode::Settled::Right(proof) => match step {
                        Some(step) => {
                            let shown =
                                step_up::show(tx, env, &visitor, who, *step, &proof).await?;
                            format!("right, {shown:?}")
                        }
                        None => "right".to_owned(),
                    },
                    passcode::Settled::Wrong { left } => format!("wrong, {left} left"),
                    passcode::Settled::Gone => "gone".to_owned(),
                })
            })
        })
        .await
    }

    pub async fn try_passcode(&self, who: &Arc<SignedIn>, by: By, typed: &str) -> String {
        match self.reserve_passcode(who, by).await {
            passcode::Reserved::Try(attempt) => {
                let verdict = self.compare(&attempt, typed).await;
                self.settle_passcode(who, attempt, verdict, None, None)
                    .await
            }
            other => format!("{other:?}"),
        }
    }

    pub async fn try_with_key(&self, who: &Arc<SignedIn>, device: &Device, typed: &str) -> String {
        let Some(challenge) = self.challenge(who).await else {
            return "no key".to_owned();
        };
        self.try_passcode(who, By::Key(device.sign(&challenge)), typed)
            .await
    }

    pub async fn prove_by_key(&self, who: &Arc<SignedIn>, device: &Device, step: StepId) -> String {
        let signed = device.sign(&self.challenge(who).await.unwrap());
        let passcode::Reserved::Try(attempt) = self.reserve_passcode(who, By::Key(signed)).await
        else {
            panic!("a good signature")
        };
        let verdict = self.compare(&attempt, PASSCODE).await;
        self.settle_passcode(who, attempt, verdict, Some(step), None)
            .await
    }

    pub async fn reserve_word(&self, account: AccountId) -> code_word::Reserved {
        self.write(account, |tx, (env, account)| {
            Box::pin(code_word::reserve(tx, env, *account))
        })
        .await
    }

    pub async fn say_word(&self, account: AccountId, staff: StaffId, said: &str) -> String {
        let attempt = match self.reserve_word(account).await {
            code_word::Reserved::Try(attempt) => attempt,
            other => return format!("{other:?}"),
        };
        let said = identity_core::code_word::CodeWord::typed(said).unwrap();
        let place = self.env.hasher.place().unwrap();
        let verdict = attempt.compare(place, said.expose()).await.unwrap();
        let settled = self
            .write(
                (attempt, verdict, staff),
                |tx, (env, (attempt, verdict, staff))| {
                    Box::pin(code_word::settle(tx, env, *staff, attempt, verdict))
                },
            )
            .await;
        format!("{settled:?}")
    }

    pub async fn has(&self, who: &Arc<SignedIn>) -> Has {
        self.act(who, |tx, (_, who)| {
            Box::pin(async move { identity_service::shown::has(tx, &who.account).await })
        })
        .await
    }

    pub async fn open_step(&self, who: &Arc<SignedIn>) -> StepId {
        let cmd = identity_service::bank_section::Open {
            next: "/bank".to_owned(),
        };
        match self.sensitive(who, cmd, None).await {
            Performed::Needs(step) => step,
            other => panic!("{other:?}"),
        }
    }
}
