//! What the tests of changes share.

use std::{sync::Arc, time::Duration};

use identity_core::{
    Policy,
    changes::{Kind, Stopped},
};
use identity_service::{
    changes::{
        self, AskedNew, ChangeEmail, ChangePhone, Changed, HoldEmail, HoldPhone, Holds, Link,
        Pressed, Standing, Verified,
    },
    codes::Asked,
    link::LinkToken,
    session::SignedIn,
    step_up::{Performed, Progress, Sensitive, StepId, To, Tried},
};
use jobs::Periodic as _;
use kernel::{AccountId, Identifier};
use notify::Channel;

use crate::{
    house::{House, visitor},
    secret_tools::PASSWORD,
    steps::code,
    tools::link,
};

pub const DAY: u64 = 86_400;
pub const NEW: &str = "+7 913 000-00-77";
pub const MAIL: &str = "anna@example.org";

/// Limits that let one number be asked for by many at once.
pub fn patient() -> Policy {
    Policy {
        send_waits: vec![Duration::ZERO],
        sends_per_hour: 10_000,
        sends_per_day: 10_000,
        network_sends_per_day: 10_000,
        range_sends: 10_000,
        sends_per_minute: 100_000,
        budget_per_day: i64::MAX,
        ..Policy::default()
    }
}

pub fn to(identifier: &Identifier) -> String {
    identifier.as_str().to_owned()
}

impl House {
    pub async fn ask_new(&self, who: &Arc<SignedIn>, new: &Identifier) -> AskedNew {
        loop {
            let input = (Arc::clone(who), new.clone());
            let asked = self
                .write(input, |tx, (env, (who, new))| {
                    Box::pin(
                        async move { changes::ask(tx, env, &visitor(), who, new, false).await },
                    )
                })
                .await;
            match asked {
                AskedNew::Asked(Asked::NotNow(not_now)) => self.test.clock().set(not_now.until()),
                other => return other,
            }
        }
    }

    pub async fn new_code(&self, new: &Identifier) -> String {
        match new {
            Identifier::Phone(_) => self.code(new).await,
            Identifier::Email(_) => self.letter_code(new).await,
        }
    }

    pub async fn verify_new(&self, who: &Arc<SignedIn>, kind: Kind, typed: &str) -> Verified {
        let input = (Arc::clone(who), kind, code(typed));
        self.write(input, |tx, (env, (who, kind, code))| {
            Box::pin(async move { changes::verify(tx, env, &visitor(), who, *kind, code).await })
        })
        .await
    }

    /// Proves a new phone or e-mail by its code.
    pub async fn prove_new(&self, who: &Arc<SignedIn>, new: &Identifier) -> Verified {
        assert_eq!(
            self.ask_new(who, new).await,
            AskedNew::Asked(Asked::Sent),
            "CH-5: the same answer for all"
        );
        let typed = self.new_code(new).await;
        self.verify_new(who, Kind::of(new), &typed).await
    }

    pub async fn change_phone(
        &self,
        who: &Arc<SignedIn>,
        new: &Identifier,
        step: Option<StepId>,
    ) -> Performed<Changed> {
        self.perform(who, ChangePhone { to: to(new) }, step).await
    }

    /// Asks for a change and shows these codes for its step, and the password where it is asked for.
    pub async fn step_of<C: Sensitive<Done = Changed> + Clone>(
        &self,
        who: &Arc<SignedIn>,
        cmd: C,
        codes: &[(To, &Identifier)],
        by_password: bool,
    ) -> StepId {
        let Performed::Needs(step) = self.perform(who, cmd, None).await else {
            panic!("no proof was asked for");
        };
        if by_password {
            self.prove_by_password(who, step, PASSWORD).await;
        }
        for (by, at) in codes {
            self.prove_by_code(who, step, *by, at).await;
        }
        step
    }

    pub async fn prove_by_code(
        &self,
        who: &Arc<SignedIn>,
        step: StepId,
        by: To,
        at: &Identifier,
    ) -> Tried {
        self.wait(61);
        assert_eq!(self.step_code(who, step, by).await, Some(Asked::Sent));
        let typed = self.new_code(at).await;
        self.try_code(who, step, by, &typed).await
    }

    /// CH-1 from its beginning to its end, for an account with nothing but its phone.
    pub async fn moved(
        &self,
        who: &Arc<SignedIn>,
        old: &Identifier,
        new: &Identifier,
    ) -> Performed<Changed> {
        assert_eq!(self.prove_new(who, new).await, Verified::Free);
        let cmd = ChangePhone { to: to(new) };
        let step = self.step_of(who, cmd, &[(To::Phone, old)], false).await;
        self.change_phone(who, new, Some(step)).await
    }

    /// Begins a hold with the password.
    pub async fn held(&self, who: &Arc<SignedIn>, new: &Identifier) -> Performed<Changed> {
        assert_eq!(self.prove_new(who, new).await, Verified::Free);
        match new {
            Identifier::Phone(_) => {
                let cmd = HoldPhone { to: to(new) };
                let step = self.step_of(who, cmd.clone(), &[], true).await;
                self.perform(who, cmd, Some(step)).await
            }
            Identifier::Email(_) => {
                let cmd = HoldEmail { to: to(new) };
                let step = self.step_of(who, cmd.clone(), &[], true).await;
                self.perform(who, cmd, Some(step)).await
            }
        }
    }

    pub async fn change_email(
        &self,
        who: &Arc<SignedIn>,
        new: &Identifier,
        step: Option<StepId>,
    ) -> Performed<Changed> {
        self.perform(who, ChangeEmail { to: to(new) }, step).await
    }

    /// Links of changes that went to somebody, newest first.
    pub async fn change_links(&self, at: &Identifier) -> Vec<LinkToken> {
        let channel = match at {
            Identifier::Phone(_) => Channel::Sms,
            Identifier::Email(_) => Channel::Email,
        };
        let inbox = self.inbox(at, channel).await;
        inbox
            .iter()
            .filter_map(|message| link(&message.text, "/change/"))
            .collect()
    }

    pub async fn look_change(&self, token: &LinkToken) -> Link {
        let input = (self.env.clone(), token.clone());
        self.test
            .read("test.look", input, |tx, (env, token)| {
                Box::pin(changes::look(tx, env, token))
            })
            .await
            .unwrap_or_else(|error: identity_service::ServiceError| panic!("{error}"))
    }

    pub async fn press_change(&self, token: &LinkToken) -> Pressed {
        self.write(token.clone(), |tx, (env, token)| {
            Box::pin(async move { changes::press(tx, env, &visitor(), token, None).await })
        })
        .await
    }

    pub async fn stop_change(&self, who: &Arc<SignedIn>, kind: Kind) -> Option<Stopped> {
        self.write((Arc::clone(who), kind), |tx, (env, (who, kind))| {
            Box::pin(async move { changes::stop(tx, env, &visitor(), who, *kind).await })
        })
        .await
    }

    pub async fn changing(&self, account: AccountId) -> Standing {
        let input = (self.env.clone(), account);
        self.test
            .read("test.standing", input, |tx, (env, account)| {
                Box::pin(changes::standing(tx, &env.policy, *account))
            })
            .await
            .unwrap_or_else(|error: db::DbError| panic!("{error}"))
    }

    /// The regular work runs.
    pub async fn sweep(&self) {
        let holds = Holds::new(&self.test.db(), &self.env);
        holds.run().await.expect("a run");
    }

    /// The account with these identifiers, as its owner sees it.
    pub async fn leads(&self, who: &Arc<SignedIn>) -> Vec<String> {
        let input = Arc::clone(who);
        let owned = self
            .test
            .read("test.owned", input, |tx, who| {
                Box::pin(identity_service::account::identifiers(tx, &who.account))
            })
            .await;
        let owned = owned.unwrap_or_else(|error: identity_service::ServiceError| panic!("{error}"));
        owned
            .iter()
            .map(|owned| owned.identifier.as_str().to_owned())
            .collect()
    }

    /// Everybody has proved one new number, and has a proved step for the change to it, within five minutes.
    pub async fn all_proved(
        &self,
        all: &[(Arc<SignedIn>, Identifier)],
        new: &Identifier,
    ) -> Vec<(Arc<SignedIn>, StepId)> {
        let mut ready = Vec::new();
        for (who, mine) in all {
            assert_eq!(self.prove_new(who, new).await, Verified::Free);
            let Performed::Needs(step) = self.change_phone(who, new, None).await else {
                panic!("no proof was asked for");
            };
            assert_eq!(
                self.step_code(who, step, To::Phone).await,
                Some(Asked::Sent)
            );
            let typed = self.code(mine).await;
            let tried = self.try_code(who, step, To::Phone, &typed).await;
            assert_eq!(tried, Tried::Right(Progress::Proved));
            ready.push((Arc::clone(who), step));
        }
        ready
    }

    /// The session with its account as it is now.
    pub async fn reread(&self, who: &Arc<SignedIn>) -> SignedIn {
        let input = (self.env.clone(), who.account.id);
        let account = self
            .test
            .read("test.account", input, |tx, (env, id)| {
                Box::pin(identity_service::account::find(tx, env, *id))
            })
            .await
            .unwrap_or_else(|error: identity_service::ServiceError| panic!("{error}"));
        SignedIn {
            session: who.session,
            account: account.expect("an account"),
            method: who.method,
            browser: who.browser,
            created_at: who.created_at,
            is_due: false,
        }
    }

    pub async fn proves(&self, who: &Arc<SignedIn>, step: StepId) -> Progress {
        self.prove_by_password(who, step, PASSWORD).await
    }
}
