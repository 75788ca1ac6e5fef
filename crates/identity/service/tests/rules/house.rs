//! A whole front door without HTTP: the real services on a real database, a phone that is simulated and a
//! clock that is moved by hand.

use std::{net::IpAddr, sync::Arc};

use db::{BoxFuture, WriteTx};
use identity_core::{Policy, challenge::Purpose, consent::Source, next_path::NextPath};
use identity_service::{
    Env, ServiceError, Suspicion, TellSuspicion,
    breaker::Breaker,
    codes::{self, Ask, Asked, Check},
    session::{self, SessionToken, SignedIn},
    sign_in::{self, Register, Registered, Verified, Welcome},
    trusted::{FreezeByTrusted, TrustedFreeze},
};
use jobs::{Runner, RunnerSettings};
use kernel::{Identifier, Locale, Phone, Visitor, code::OneTimeCode};
use notify::{
    Carrier, Channel, Courier, LearntCodes, Ways,
    simulated::SimulatedPhone,
    texts::{Composer, TextSettings},
};
use testkit::TestDb;
use vault::Vault;

pub struct House {
    pub test: TestDb,
    pub env: Env,
    pub phone: SimulatedPhone,
    pub runner: Runner,
}

/// One browser: its sitting's key and its long-lived token.
#[derive(Debug, Clone, Copy)]
pub struct Browser {
    pub key: [u8; 32],
    pub known: Option<[u8; 32]>,
}

pub fn browser(n: u8) -> Browser {
    Browser {
        key: [n; 32],
        known: None,
    }
}

pub fn visitor() -> Visitor {
    visitor_from([192, 0, 2, 7])
}

pub fn visitor_from(address: [u8; 4]) -> Visitor {
    Visitor {
        network: IpAddr::from(address),
        agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
        locale: Locale::Ru,
    }
}

pub fn phone(text: &str) -> Identifier {
    Identifier::Phone(Phone::parse(text).unwrap())
}

pub const ANNA: &str = "+7 912 000-00-01";

impl House {
    pub fn new(test: TestDb) -> Self {
        Self::with(test, Policy::default())
    }

    pub fn with(test: TestDb, policy: Policy) -> Self {
        let phone = SimulatedPhone::new(test.clock().clone(), None);
        let ways = phone.ways();
        Self::built(test, policy, testkit::vault(), phone, ways, None)
    }

    /// With keys of its own.
    pub fn locked(test: TestDb, policy: Policy, vault: Vault) -> Self {
        let phone = SimulatedPhone::new(test.clock().clone(), None);
        let ways = phone.ways();
        Self::built(test, policy, vault, phone, ways, None)
    }

    /// With a call gateway that chooses the calling number.
    pub fn calling(test: TestDb, policy: Policy, gateway: Arc<dyn Carrier>) -> Self {
        let policy = Policy {
            calls_learnt: true,
            ..policy
        };
        let phone = SimulatedPhone::new(test.clock().clone(), None);
        let others: Arc<dyn Carrier> = Arc::new(phone.clone());
        let ways = Ways::new(vec![
            (Channel::Sms, Arc::clone(&others)),
            (Channel::Email, others),
            (Channel::Call, gateway),
        ]);
        let learnt = Arc::new(codes::LearnCalls::new(&testkit::vault()));
        Self::built(test, policy, testkit::vault(), phone, ways, Some(learnt))
    }

    fn built(
        test: TestDb,
        policy: Policy,
        vault: Vault,
        phone: SimulatedPhone,
        ways: Ways,
        learnt: Option<Arc<dyn LearntCodes>>,
    ) -> Self {
        let chance: Arc<dyn kernel::Chance> = test.chance().clone();
        let env = Env {
            vault: vault.clone(),
            hasher: testkit::hasher(&vault, Arc::clone(&chance)),
            chance: Arc::clone(&chance),
            policy: Arc::new(policy),
            breaker: Arc::new(Breaker::default()),
            origin: "https://kabinet.example".into(),
            consent_version: "2026-11".into(),
        };
        let composer = Composer::new(&TextSettings::new("https://kabinet.example")).unwrap();
        let courier = Courier::new(test.db(), vault.clone(), composer, ways, learnt);
        let tell = TellSuspicion {
            db: test.db(),
            env: env.clone(),
        };
        let runner = Runner::new(test.db(), vault, chance, RunnerSettings::default());
        let runner = courier
            .register(runner)
            .handle::<Suspicion>(tell)
            .handle::<TrustedFreeze>(FreezeByTrusted {
                db: test.db(),
                env: env.clone(),
            });
        Self {
            test,
            env,
            phone,
            runner,
        }
    }

    /// Writes with the house's surroundings.
    pub async fn write<C, T, F>(&self, input: C, f: F) -> T
    where
        C: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t> Fn(&'t mut WriteTx, &'t (Env, C)) -> BoxFuture<'t, Result<T, ServiceError>>
            + Send
            + Sync
            + 'static,
    {
        self.test
            .write("test", (self.env.clone(), input), f)
            .await
            .unwrap()
    }

    pub async fn ask_as(
        &self,
        who: &Visitor,
        to: &Identifier,
        browser: Browser,
        call: bool,
    ) -> Asked {
        let ask = Ask {
            purpose: Purpose::SignIn,
            identifier: to.clone(),
            call,
            browser: browser.key,
            known: browser.known,
            next: NextPath::default(),
            link: None,
            about: None,
        };
        self.write((who.clone(), ask), |tx, (env, (who, ask))| {
            Box::pin(codes::ask(tx, env, who, ask))
        })
        .await
    }

    pub async fn ask(&self, to: &Identifier, browser: Browser) -> Asked {
        self.ask_as(&visitor(), to, browser, false).await
    }

    /// Delivers what is due and reads the newest code that went to an identifier.
    pub async fn code(&self, to: &Identifier) -> String {
        while self.runner.run_due().await > 0 {}
        let messages = self.phone.messages();
        // A notice to the same number may have come at the same moment.
        let is_code = |text: &str| {
            text.lines()
                .last()
                .is_some_and(|line| line.starts_with('@'))
        };
        let message = messages.iter().find(|message| {
            message.to == to.as_str()
                && (message.channel != notify::Channel::Sms || is_code(&message.text))
        });
        let text = &message.expect("a message to this identifier").text;
        let digits = |line: &str| {
            line.chars()
                .filter(char::is_ascii_digit)
                .collect::<String>()
        };
        match message.unwrap().channel {
            notify::Channel::Sms => {
                digits(text.lines().last().unwrap().split('#').next_back().unwrap())
            }
            notify::Channel::Call => text[text.len() - 6..].to_owned(),
            notify::Channel::Email => OneTimeCode::parse(text, 6).map_or_else(
                |_| {
                    text.split_whitespace()
                        .find(|w| w.len() == 6 && digits(w) == *w)
                        .unwrap()
                        .to_owned()
                },
                |code| code.expose().to_owned(),
            ),
        }
    }

    pub async fn verify_as(&self, who: &Visitor, browser: Browser, code: &str) -> Verified {
        let check = Check {
            purpose: Purpose::SignIn,
            browser: browser.key,
            known: browser.known,
            code: OneTimeCode::parse(code, code.len()).unwrap(),
        };
        self.write((who.clone(), check), |tx, (env, (who, check))| {
            Box::pin(sign_in::verify(tx, env, who, check))
        })
        .await
    }

    pub async fn verify(&self, browser: Browser, code: &str) -> Verified {
        self.verify_as(&visitor(), browser, code).await
    }

    pub async fn register(&self, browser: Browser) -> Registered {
        let cmd = Register {
            browser: browser.key,
            known: browser.known,
            personal_data: true,
            marketing: Vec::new(),
            source: Source::Registration,
        };
        self.write((visitor(), cmd), |tx, (env, (who, cmd))| {
            Box::pin(sign_in::register(tx, env, who, cmd))
        })
        .await
    }

    /// Asks, reads the phone, enters: somebody new or somebody known.
    pub async fn enter(&self, to: &Identifier, browser: Browser) -> Box<Welcome> {
        assert_eq!(self.ask(to, browser).await, Asked::Sent);
        let code = self.code(to).await;
        match self.verify(browser, &code).await {
            Verified::In(welcome) => welcome,
            Verified::NeedsConsent => match self.register(browser).await {
                Registered::In(welcome) => welcome,
                _ => panic!("not registered"),
            },
            Verified::NeedsSecond => panic!("a second factor was asked for"),
            Verified::NotAccepted(why) => panic!("the right code was not accepted: {why:?}"),
            Verified::Refused(why) => panic!("the right code was not looked at: {why:?}"),
        }
    }

    pub async fn who(&self, token: &SessionToken) -> Option<SignedIn> {
        let input = (self.env.clone(), token.clone());
        self.test
            .read("test", input, |tx, (env, token)| {
                Box::pin(session::find(tx, env, token))
            })
            .await
            .unwrap()
    }

    pub fn wait(&self, seconds: u64) {
        self.test
            .clock()
            .advance(std::time::Duration::from_secs(seconds));
    }
}
