//! A house without HTTP: the real services on a real database, a phone that is simulated and a clock that is moved.

use std::{net::IpAddr, sync::Arc};

use db::{BoxFuture, WriteTx, params};
use identity_core::{Policy, challenge::Purpose, consent::Source, next_path::NextPath};
use identity_service::{
    Env, ServiceError,
    breaker::Breaker,
    codes::{self, Ask, Asked, BrowserKey, Check},
    email, session,
    sign_in::{self, Register, Registered, Verified},
};
use jobs::{Runner, RunnerSettings};
use kernel::{AccountId, Email, Identifier, Locale, Phone, Visitor, code::OneTimeCode};
use notify::{
    Channel, Courier,
    simulated::SimulatedPhone,
    texts::{Composer, TextSettings},
};
use recovery_core::CaseNumber;
use recovery_service::{
    case::{self, Case, Found},
    facts::{self, Saved, Told},
    phone::{self, Bound, Proved},
    resume::{self, Resumed},
    start::{self, Started, Tell, TellOwner},
    stop::{self, StopLink, StopToken},
};
use testkit::TestDb;

pub const ANNA: &str = "+7 912 000-00-01";
pub const ANNA_MAIL: &str = "anna@kabinet.example";
pub const NOBODY: &str = "+7 912 000-00-09";
pub const NEW: &str = "+7 913 000-00-02";
pub const OTHER: &str = "+7 914 000-00-03";

/// Looks at the tables from outside.
pub mod raw {
    db::statements! {
        /// Cases there are.
        CASES: "SELECT COUNT(*) FROM recovery_case" () -> (Int);
        /// Cases that count.
        COUNT: "SELECT COUNT(*) FROM recovery_case WHERE surplus = FALSE" () -> (Int);
        /// Numbers there are.
        NUMBERS: "SELECT COUNT(*) FROM recovery_number" () -> (Int);
        /// Seats there are.
        SEATS: "SELECT COUNT(*) FROM recovery_seat" () -> (Int);
        /// Cases whose key is there.
        KEYS: "SELECT COUNT(*) FROM recovery_case WHERE data_key IS NOT NULL" () -> (Int);
        /// Cases with anything told in them.
        TOLD: "SELECT COUNT(*) FROM recovery_case WHERE facts IS NOT NULL OR phone IS NOT NULL" () -> (Int);
        /// Cases that a link stops.
        LINKED: "SELECT COUNT(*) FROM recovery_case WHERE stop_hash IS NOT NULL" () -> (Int);
        /// Jobs there are.
        JOBS: "SELECT COUNT(*) FROM job" () -> (Int);
    }
}

pub struct House {
    pub test: TestDb,
    pub env: Env,
    pub phone: SimulatedPhone,
    pub runner: Runner,
}

pub fn browser(n: u8) -> BrowserKey {
    [n; 32]
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

pub fn mail(text: &str) -> Identifier {
    Identifier::Email(Email::parse(text).unwrap())
}

/// Six digits that stand alone in a text.
fn six(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit()))
        .map(str::to_owned)
}

/// The token of the first link that stops a case.
pub fn stop_token(text: &str) -> Option<StopToken> {
    let (_, rest) = text.split_once("/stop/")?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
    StopToken::from_text(&rest[..end.unwrap_or(rest.len())])
}

impl House {
    pub fn new(test: TestDb) -> Self {
        let vault = testkit::vault();
        let chance: Arc<dyn kernel::Chance> = test.chance().clone();
        let env = Env {
            vault: vault.clone(),
            hasher: testkit::hasher(&vault, Arc::clone(&chance)),
            chance: Arc::clone(&chance),
            policy: Arc::new(Policy::default()),
            breaker: Arc::new(Breaker::default()),
            origin: "https://kabinet.example".into(),
            consent_version: "2026-11".into(),
        };
        let phone = SimulatedPhone::new(test.clock().clone(), None);
        let composer = Composer::new(&TextSettings::new("https://kabinet.example")).unwrap();
        let courier = Courier::new(test.db(), vault.clone(), composer, phone.ways(), None);
        let runner = Runner::new(test.db(), vault, chance, RunnerSettings::default());
        let runner = courier.register(runner).handle::<Tell>(TellOwner {
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

    pub async fn count(&self, statement: &'static db::Statement) -> i64 {
        self.test
            .read("test.count", statement, |tx, statement| {
                Box::pin(async move { tx.query_one(statement, params![]).await?.int(0) })
            })
            .await
            .unwrap_or_else(|error: db::DbError| panic!("{error}"))
    }

    pub fn wait(&self, seconds: u64) {
        self.test
            .clock()
            .advance(std::time::Duration::from_secs(seconds));
    }

    pub async fn deliver(&self) {
        while self.runner.run_due().await > 0 {}
    }

    /// Texts to an identifier, newest first.
    pub async fn inbox(&self, to: &Identifier) -> Vec<String> {
        self.deliver().await;
        let all = self.phone.messages();
        all.into_iter()
            .filter(|message| message.to == to.as_str() && message.channel != Channel::Call)
            .map(|message| message.text)
            .collect()
    }

    /// The newest code to an identifier.
    pub async fn code(&self, to: &Identifier) -> OneTimeCode {
        let inbox = self.inbox(to).await;
        let code = inbox.iter().find_map(|text| six(text));
        OneTimeCode::parse(&code.expect("a message with a code"), 6).unwrap()
    }

    /// Anna, with a phone and an address; answers her account.
    pub async fn anna(&self) -> AccountId {
        let key = browser(200);
        let ask = Ask {
            purpose: Purpose::SignIn,
            identifier: phone(ANNA),
            call: false,
            browser: key,
            known: None,
            next: NextPath::default(),
            link: None,
            about: None,
        };
        let asked = self
            .write(ask, |tx, (env, ask)| {
                Box::pin(async move { codes::ask(tx, env, &visitor(), ask).await })
            })
            .await;
        assert_eq!(asked, Asked::Sent);
        let check = Check {
            purpose: Purpose::SignIn,
            browser: key,
            known: None,
            code: self.code(&phone(ANNA)).await,
        };
        let verified = self
            .write(check, |tx, (env, check)| {
                Box::pin(async move { sign_in::verify(tx, env, &visitor(), check).await })
            })
            .await;
        assert!(matches!(verified, Verified::NeedsConsent));
        let register = Register {
            browser: key,
            known: None,
            personal_data: true,
            marketing: Vec::new(),
            source: Source::Registration,
        };
        let registered = self
            .write(register, |tx, (env, cmd)| {
                Box::pin(async move { sign_in::register(tx, env, &visitor(), cmd).await })
            })
            .await;
        let Registered::In(welcome) = registered else {
            panic!("not registered")
        };
        let who = self
            .test
            .read(
                "test",
                (self.env.clone(), welcome.token.clone()),
                |tx, (env, token)| Box::pin(session::find(tx, env, token)),
            )
            .await
            .unwrap_or_else(|error: ServiceError| panic!("{error}"));
        let who = Arc::new(who.expect("a session"));
        let address = Email::parse(ANNA_MAIL).unwrap();
        let input = (Arc::clone(&who), address);
        self.write(input, |tx, (env, (who, address))| {
            Box::pin(async move { email::add(tx, env, &visitor(), who, address).await })
        })
        .await;
        let code = self.code(&mail(ANNA_MAIL)).await;
        let confirmed = self
            .write((Arc::clone(&who), code), |tx, (env, (who, code))| {
                Box::pin(async move { email::confirm(tx, env, &visitor(), who, code).await })
            })
            .await;
        assert_eq!(confirmed, email::Confirmed::Done);
        self.deliver().await;
        who.account.id
    }

    pub async fn start_from(
        &self,
        who: &Visitor,
        identifier: &Identifier,
        key: BrowserKey,
    ) -> Started {
        let input = (who.clone(), identifier.clone(), key);
        self.write(input, |tx, (env, (who, identifier, key))| {
            Box::pin(start::start(tx, env, who, identifier, key))
        })
        .await
    }

    /// Starts a case; answers its number.
    pub async fn start(&self, identifier: &Identifier, key: BrowserKey) -> CaseNumber {
        match self.start_from(&visitor(), identifier, key).await {
            Started::Open { number, .. } => number,
            other @ Started::NotNow { .. } => panic!("{other:?}"),
        }
    }

    pub async fn look(&self, key: BrowserKey) -> Option<Found> {
        self.test
            .read("test", (self.env.clone(), key), |tx, (env, key)| {
                Box::pin(case::look(tx, env, key))
            })
            .await
            .unwrap_or_else(|error: ServiceError| panic!("{error}"))
    }

    /// The open case of a browser.
    pub async fn case(&self, key: BrowserKey) -> Box<Case> {
        match self.look(key).await {
            Some(Found::Whole(case)) => case,
            other => panic!("{other:?}"),
        }
    }

    pub async fn ask_phone(&self, key: BrowserKey, to: &Identifier) -> Bound {
        self.write((key, to.clone()), |tx, (env, (key, to))| {
            Box::pin(async move { phone::ask(tx, env, &visitor(), key, to).await })
        })
        .await
    }

    pub async fn prove(&self, key: BrowserKey, code: &OneTimeCode) -> Proved {
        self.write((key, code.clone()), |tx, (env, (key, code))| {
            Box::pin(async move { phone::prove(tx, env, &visitor(), key, code).await })
        })
        .await
    }

    /// Binds a phone to the case of a browser.
    pub async fn bind(&self, key: BrowserKey, to: &Identifier) {
        assert_eq!(self.ask_phone(key, to).await, Bound::Asked(Asked::Sent));
        let code = self.code(to).await;
        assert_eq!(self.prove(key, &code).await, Proved::Done);
    }

    pub async fn save(&self, key: BrowserKey, told: Told) -> Saved {
        self.write((key, told), |tx, (env, (key, told))| {
            Box::pin(facts::save(tx, env, key, told))
        })
        .await
    }

    pub async fn ask_resume(&self, key: BrowserKey, to: &Identifier) -> Asked {
        self.write((key, to.clone()), |tx, (env, (key, to))| {
            Box::pin(async move { resume::ask(tx, env, &visitor(), to, key).await })
        })
        .await
    }

    pub async fn resume(
        &self,
        key: BrowserKey,
        code: &OneTimeCode,
        number: &CaseNumber,
    ) -> Resumed {
        let input = (key, code.clone(), number.clone());
        self.write(input, |tx, (env, (key, code, number))| {
            Box::pin(async move { resume::resume(tx, env, &visitor(), key, code, number).await })
        })
        .await
    }

    pub async fn look_stop(&self, token: &StopToken) -> StopLink {
        self.test
            .read(
                "test",
                (self.env.clone(), token.clone()),
                |tx, (env, token)| Box::pin(stop::look(tx, env, token)),
            )
            .await
            .unwrap_or_else(|error: ServiceError| panic!("{error}"))
    }

    pub async fn stop(&self, token: &StopToken) -> StopLink {
        self.write(token.clone(), |tx, (env, token)| {
            Box::pin(async move { stop::press(tx, env, &visitor(), token).await })
        })
        .await
    }

    /// Who the claimant says they are.
    pub fn person() -> Told {
        Told::Person {
            surname: "Образцова".to_owned(),
            given: "Анна".to_owned(),
            patronymic: String::new(),
            birth_date: "1990-05-12".to_owned(),
            passport: "9210123434".to_owned(),
        }
    }
}
