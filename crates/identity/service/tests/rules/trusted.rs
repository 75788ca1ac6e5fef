//! ID-8a: trusted people may freeze, never enter.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use identity_core::challenge::{NotAccepted, Purpose};
use identity_service::{
    codes::{Asked, Check},
    freeze,
    session::SignedIn,
    trusted::{self, ByTrusted, FreezeByTrusted, Listed, Name, Named, Remove, TrustedFreeze},
};
use jobs::{Handler, JobError, Lease, Runner, RunnerSettings};
use kernel::{AccountId, Identifier};
use notify::Channel;
use testkit::TestDb;

use crate::{
    house::{ANNA, Browser, House, browser, phone, visitor},
    steps::code,
    tools::{raw, wrong},
};

const BORIS: &str = "+7 913 000-00-02";
const VERA: &str = "+7 914 000-00-03";

fn named(name: &str, number: &str) -> Name {
    Name {
        name: name.to_owned(),
        phone: phone(number).as_str().to_owned(),
    }
}

impl House {
    async fn people(&self, who: &Arc<SignedIn>) -> Vec<Listed> {
        self.test
            .read("test.people", Arc::clone(who), |tx, who| {
                Box::pin(trusted::list(tx, &who.account))
            })
            .await
            .unwrap_or_else(|error: identity_service::ServiceError| panic!("{error}"))
    }

    async fn ask_trusted(&self, own: &Identifier, b: Browser) {
        loop {
            let asked = self
                .write((own.clone(), b.key), |tx, (env, (own, key))| {
                    Box::pin(async move { trusted::ask(tx, env, &visitor(), own, *key).await })
                })
                .await;
            match asked {
                Asked::Sent => return,
                Asked::NotNow(not_now) => self.test.clock().set(not_now.until()),
                other => panic!("{other:?}"),
            }
        }
    }

    async fn trusted_freeze(&self, b: Browser, typed: &str, friend: &Identifier) -> ByTrusted {
        let check = Check {
            purpose: Purpose::TrustedFreeze,
            browser: b.key,
            known: None,
            code: code(typed),
        };
        self.write((check, friend.clone()), |tx, (env, (check, friend))| {
            Box::pin(async move { trusted::freeze(tx, env, &visitor(), check, friend).await })
        })
        .await
    }

    async fn is_frozen(&self, account: AccountId) -> bool {
        self.test
            .read("test.frozen", account, |tx, account| {
                Box::pin(freeze::is_frozen(tx, *account))
            })
            .await
            .unwrap()
    }

    /// Proves a phone and asks for the freeze of a friend.
    async fn freeze_friend(&self, own: &str, friend: &str, b: Browser) -> ByTrusted {
        self.ask_trusted(&phone(own), b).await;
        let typed = self.code(&phone(own)).await;
        let answer = self.trusted_freeze(b, &typed, &phone(friend)).await;
        self.deliver().await;
        answer
    }
}

testkit::both_engines! {
    /// ID-8a: naming takes a proof of its own; both sides are told, the named one in words that name nobody; two at
    /// most, each once, never oneself.
    async fn two_at_most_and_both_are_told(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let answer = house.by_phone(&who, named("Борис", BORIS), &phone(ANNA)).await;
        assert_eq!(answer, Named::Done);
        let text = house.inbox(&phone(BORIS), Channel::Sms).await.remove(0).text;
        assert!(text.contains("доверенное лицо") && text.contains("/freeze"), "{text}");
        assert!(!text.contains("912") && !text.contains("Борис"), "{text}");
        assert!(!house.notices(&phone(ANNA), Channel::Sms).await.is_empty());
        house.wait(3_700);
        for (cmd, expected) in [
            (named("Он же", BORIS), Named::Same),
            (named("Я", ANNA), Named::Own),
            (named("Чужая страна", "+1 202 555 0143"), Named::Country),
            (named("Вера", VERA), Named::Done),
            (named("Третий", "+7 915 000-00-04"), Named::Full),
        ] {
            house.wait(3_700);
            assert_eq!(house.by_phone(&who, cmd, &phone(ANNA)).await, expected);
        }
        let people = house.people(&who).await;
        let names: Vec<_> = people.iter().map(|person| person.name.as_str()).collect();
        assert_eq!(names, ["Борис", "Вера"]);
        house.wait(3_700);
        let id = people[0].id.clone();
        assert!(house.by_phone(&who, Remove { id }, &phone(ANNA)).await);
        let text = house.inbox(&phone(BORIS), Channel::Sms).await.remove(0).text;
        assert!(text.contains("больше не доверенное"), "{text}");
        assert_eq!(house.people(&who).await.len(), 1);
        house.settled().await;
    }

    /// A4, ID-2b: naming and removing over and over sends no more than four people a message in a day.
    async fn naming_is_no_way_to_send_messages(db: TestDb) {
        let house = House::new(db);
        let (welcome, who) = house.anna().await;
        let secret = house.with_totp(&who).await;
        let mut answers = Vec::new();
        for n in 10..16 {
            let who = house.signed_in(&welcome).await;
            let cmd = named("Знакомый", &format!("+7 913 000-00-{n}"));
            answers.push(house.by_totp(&who, cmd, &secret).await);
            if let Some(person) = house.people(&who).await.pop() {
                house.by_totp(&who, Remove { id: person.id }, &secret).await;
            }
        }
        assert_eq!(answers, [Named::Done, Named::Done, Named::Done, Named::Done, Named::Enough, Named::Enough]);
    }

    /// ID-8a, RE-10: a trusted person's phone freezes, and nothing else about them does; everybody hears the same.
    async fn only_the_named_freeze(db: TestDb) {
        let house = House::new(db);
        let (welcome, who) = house.anna().await;
        house.by_phone(&who, named("Борис", BORIS), &phone(ANNA)).await;
        house.wait(3_700);
        let anna = welcome.account;
        // A stranger, and a friend who has no account: the same answer, nothing happens.
        assert_eq!(house.freeze_friend(VERA, ANNA, browser(6)).await, ByTrusted::Taken);
        assert_eq!(house.freeze_friend(BORIS, "+7 915 000-00-04", browser(7)).await, ByTrusted::Taken);
        assert!(!house.is_frozen(anna).await);
        // A code for it opens nothing, and a wrong one freezes nothing.
        house.ask_trusted(&phone(BORIS), browser(8)).await;
        let typed = house.code(&phone(BORIS)).await;
        assert_eq!(crate::tools::name(&house.verify(browser(8), &typed).await), "Dead", "never to enter");
        let refused = house.trusted_freeze(browser(8), &wrong(&typed), &phone(ANNA)).await;
        assert_eq!(refused, ByTrusted::NotAccepted(NotAccepted::Wrong { left: 4 }));
        assert!(!house.is_frozen(anna).await);
        assert_eq!(house.trusted_freeze(browser(8), &typed, &phone(ANNA)).await, ByTrusted::Taken);
        house.deliver().await;
        assert!(house.is_frozen(anna).await);
        assert!(house.who(&welcome.token).await.is_none(), "every session has ended");
        let again = house.trusted_freeze(browser(8), &typed, &phone(ANNA)).await;
        assert_eq!(again, ByTrusted::NotAccepted(NotAccepted::Dead), "each code for one friend");
        assert_eq!(house.count(&raw::ACCOUNTS).await, 1, "nobody became a customer by it");
        house.settled().await;
    }

    /// ID-8a: who was removed freezes no more.
    async fn the_removed_freeze_nothing(db: TestDb) {
        let house = House::new(db);
        let (welcome, who) = house.anna().await;
        house.by_phone(&who, named("Борис", BORIS), &phone(ANNA)).await;
        let id = house.people(&who).await.remove(0).id;
        house.wait(3_700);
        house.by_phone(&who, Remove { id }, &phone(ANNA)).await;
        assert_eq!(house.freeze_friend(BORIS, ANNA, browser(7)).await, ByTrusted::Taken);
        assert!(!house.is_frozen(welcome.account).await);
    }

    /// F11: a freeze that could not be carried out is tried again.
    async fn a_freeze_is_carried_out_in_the_end(db: TestDb) {
        let house = House::new(db);
        let (welcome, who) = house.anna().await;
        house.by_phone(&who, named("Борис", BORIS), &phone(ANNA)).await;
        house.wait(3_700);
        house.ask_trusted(&phone(BORIS), browser(8)).await;
        let typed = house.code(&phone(BORIS)).await;
        assert_eq!(house.trusted_freeze(browser(8), &typed, &phone(ANNA)).await, ByTrusted::Taken);
        let inner = FreezeByTrusted {
            db: house.test.db(),
            env: house.env.clone(),
        };
        let flaky = Flaky {
            inner,
            failed: AtomicBool::new(false),
        };
        let chance = Arc::clone(&house.env.chance);
        let vault = house.env.vault.clone();
        let runner = Runner::new(house.test.db(), vault, chance, RunnerSettings::default())
            .handle::<TrustedFreeze>(flaky);
        runner.run_due().await;
        assert!(!house.is_frozen(welcome.account).await, "the first try failed");
        house.wait(3_600);
        runner.run_due().await;
        assert!(house.is_frozen(welcome.account).await);
        testkit::retried(&house.test, "identity.trusted_freeze").await;
        house.settled().await;
    }
}

/// Fails the first time.
struct Flaky {
    inner: FreezeByTrusted,
    failed: AtomicBool,
}

#[async_trait]
impl Handler<TrustedFreeze> for Flaky {
    async fn run(&self, job: TrustedFreeze, lease: &Lease) -> Result<(), JobError> {
        if !self.failed.swap(true, Ordering::Relaxed) {
            return Err(JobError::Again {
                code: "broken_for_the_test",
                after: None,
            });
        }
        self.inner.run(job, lease).await
    }
}
