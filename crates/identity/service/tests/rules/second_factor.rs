//! ID-8, ID-8a, A47: when a right code is not enough to enter.

use std::sync::Arc;

use identity_core::{assurance::Method, backup_code::BackupCode, second_factor::Why};
use identity_service::{
    backup_code::Issue,
    email::Allow,
    number::{self, Reason},
    second_factor::Always,
    session::SignedIn,
    sign_in::{self, Answer, Registered, Second, Verified, Welcome},
    tries::Tried,
};
use kernel::{Identifier, Phone};
use notify::Channel;
use testkit::{TestDb, race};

use crate::{
    house::{ANNA, Browser, House, browser, phone, visitor},
    steps::{came_to, code},
    tools::{email, name, raw, wrong},
};

/// What became of a second factor, without what is in it.
fn said(second: &Second) -> &'static str {
    match second {
        Second::In(..) => "in",
        Second::Refused(tried) => came_to(tried),
        Second::Over => "over",
    }
}

fn welcome(second: Second) -> (Box<Welcome>, Option<BackupCode>) {
    match second {
        Second::In(welcome, fresh) => (welcome, fresh),
        other => panic!("{}", said(&other)),
    }
}

const YEAR: u64 = 366 * 24 * 3_600;

impl House {
    pub async fn second(&self, browser: Browser, answer: Answer) -> Second {
        self.write((browser, answer), |tx, (env, (browser, answer))| {
            Box::pin(async move {
                let door = (browser.key, browser.known);
                sign_in::second(tx, env, &visitor(), door, answer).await
            })
        })
        .await
    }

    async fn ways(&self, browser: Browser) -> Option<(Why, Vec<Method>)> {
        let input = (self.env.clone(), browser.key);
        self.test
            .read("test.ways", input, |tx, (env, key)| {
                Box::pin(sign_in::second_ways(tx, env, key))
            })
            .await
            .unwrap_or_else(|error: identity_service::ServiceError| panic!("{error}"))
    }

    /// The first code, right.
    pub async fn first(&self, to: &Identifier, browser: Browser) -> Verified {
        self.ask_in_time(&visitor(), to, browser).await;
        let typed = match to {
            Identifier::Phone(_) => self.code(to).await,
            Identifier::Email(_) => self.letter_code(to).await,
        };
        self.verify(browser, &typed).await
    }

    pub async fn signal(&self, number: &str) {
        let phone = Phone::parse(number).unwrap();
        self.write(phone, |tx, (env, phone)| {
            Box::pin(number::signal(tx, env, phone, Reason::SimChanged))
        })
        .await;
    }

    async fn methods(&self, who: &Arc<SignedIn>) -> Vec<String> {
        self.test
            .read("test.methods", Arc::clone(who), |tx, who| {
                Box::pin(async move {
                    let key = db::params![who.account.id.as_bytes(), who.session.as_bytes()];
                    let rows = tx.query(&SHOWN, key).await?;
                    rows.iter().map(|row| row.text(0)).collect()
                })
            })
            .await
            .unwrap_or_else(|error: db::DbError| panic!("{error}"))
    }
}

db::statements! {
    /// What a session has shown.
    SHOWN: "SELECT method FROM session_proof WHERE account_id = $1 AND session_id = $2 ORDER BY method"
        (Bytes, Bytes) -> (Text);
    /// Numbers in doubt.
    DOUBTS: "SELECT COUNT(*) FROM doubted_identifier" () -> (Int);
}

testkit::both_engines! {
    /// ID-8: with the setting on a right code begins no session; the second factor does, once; the session has
    /// shown both. Before the first code nothing tells of it, and the consent page is no way around it.
    async fn the_setting_asks_for_more(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let secret = house.with_totp(&who).await;
        house.by_totp(&who, Always {}, &secret).await;
        house.wait(3_700);
        let b = browser(5);
        assert!(house.ways(b).await.is_none());
        house.ask_in_time(&visitor(), &phone(ANNA), b).await;
        let typed = house.code(&phone(ANNA)).await;
        assert!(house.ways(b).await.is_none(), "nothing before the first code");
        assert_eq!(said(&house.second(b, Answer::Totp(code(&house.totp(&secret, 0)))).await), "over");
        assert_eq!(name(&house.verify(b, &wrong(&typed)).await), "Wrong { left: 4 }");
        assert!(house.ways(b).await.is_none());
        let sessions = house.count(&raw::SESSIONS).await;
        assert_eq!(name(&house.verify(b, &typed).await), "needs second");
        assert!(matches!(house.register(b).await, Registered::NeedsSecond), "no way around it");
        assert_eq!(house.count(&raw::SESSIONS).await, sessions);
        assert_eq!(house.ways(b).await, Some((Why::Setting, vec![Method::Totp])));
        // Another browser that knows the code of the app gets nowhere.
        let typed = house.totp(&secret, 0);
        assert_eq!(said(&house.second(browser(6), Answer::Totp(code(&typed))).await), "over");
        assert_eq!(said(&house.second(b, Answer::Totp(code(&wrong(&typed)))).await), "wrong");
        let told = house.notices(&phone(ANNA), Channel::Sms).await.len();
        let (entered, _) = welcome(house.second(b, Answer::Totp(code(&typed))).await);
        assert_eq!(house.notices(&phone(ANNA), Channel::Sms).await.len(), told + 1, "a new device");
        let entered = house.signed_in(&entered).await;
        assert_eq!(house.methods(&entered).await, ["sms", "totp"]);
        assert_eq!(said(&house.second(b, Answer::Totp(code(&house.totp(&secret, 1)))).await), "over", "once");
        house.settled().await;
    }

    /// ID-8: a backup code lets in and is replaced; of 64 at once one enters.
    async fn a_backup_code_lets_in_once(db: TestDb) {
        let house = Arc::new(House::new(db));
        let (_, who) = house.anna().await;
        let codes = house.by_phone(&who, Issue {}, &phone(ANNA)).await;
        let step = house.needs(&who, Always {}).await;
        let fresh = house.prove_by_backup(&who, step, &codes[0]).await;
        assert!(matches!(house.perform(&who, Always {}, Some(step)).await, identity_service::step_up::Performed::Done(_)));
        let b = browser(5);
        assert_eq!(name(&house.first(&phone(ANNA), b).await), "needs second");
        let before = house.count(&raw::SESSIONS).await;
        let answers = {
            let house = Arc::clone(&house);
            race(64, move |_| {
                let (house, fresh) = (Arc::clone(&house), fresh.clone());
                async move { said(&house.second(b, Answer::BackupCode(fresh)).await) }
            }).await
        };
        assert_eq!(answers.iter().filter(|a| **a == "in").count(), 1, "{answers:?}");
        assert_eq!(house.count(&raw::SESSIONS).await, before + 1);
        house.settled().await;
    }

    /// The first code's proof lives a quarter of an hour, no longer.
    async fn the_first_proof_ends(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let secret = house.with_totp(&who).await;
        house.by_totp(&who, Always {}, &secret).await;
        let b = browser(5);
        assert_eq!(name(&house.first(&phone(ANNA), b).await), "needs second");
        house.wait(15 * 60);
        assert!(house.ways(b).await.is_none());
        assert_eq!(said(&house.second(b, Answer::Totp(code(&house.totp(&secret, 0)))).await), "over");
    }

    /// ID-8: a code by e-mail asks for it too.
    async fn the_mailbox_is_no_way_around(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let mail = email("anna@example.org");
        let secret = house.with_totp(&who).await;
        house.by_totp(&who, Allow { email: "anna@example.org".to_owned() }, &secret).await;
        house.with_email(&who, &mail).await;
        house.by_totp(&who, Always {}, &secret).await;
        assert_eq!(name(&house.first(&mail, browser(5)).await), "needs second");
    }

    /// A47: a number not proved for a year lets its next holder nowhere, when the account has something stronger;
    /// the owner gets in with it, and the number is fresh again.
    async fn an_old_number_is_not_enough(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let secret = house.with_totp(&who).await;
        house.wait(YEAR);
        let b = browser(5);
        assert_eq!(name(&house.first(&phone(ANNA), b).await), "needs second");
        assert_eq!(house.ways(b).await, Some((Why::Aged, vec![Method::Totp])));
        // The proof alone does not make it fresh: asked again it is still old.
        let c = browser(6);
        assert_eq!(name(&house.first(&phone(ANNA), c).await), "needs second");
        welcome(house.second(c, Answer::Totp(code(&house.totp(&secret, 0)))).await);
        assert_eq!(name(&house.first(&phone(ANNA), browser(7)).await), "in");
        house.settled().await;
    }

    /// A47: with nothing stronger an old number still works: its owner is not locked out.
    async fn an_old_number_alone_still_works(db: TestDb) {
        let house = House::new(db);
        house.anna().await;
        house.wait(YEAR);
        assert_eq!(name(&house.first(&phone(ANNA), browser(5)).await), "in");
        assert_eq!(house.count(&raw::ACCOUNTS).await, 1);
    }

    /// ID-8a: a doubted number is a name, no longer a key; a second factor beside its code clears the doubt.
    async fn a_doubted_number_is_not_enough(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let secret = house.with_totp(&who).await;
        house.signal(ANNA).await;
        house.signal("+7 913 000-00-09").await;
        assert_eq!(house.count(&DOUBTS).await, 1, "what nobody has needs no doubt");
        let b = browser(5);
        assert_eq!(name(&house.first(&phone(ANNA), b).await), "needs second");
        assert_eq!(house.ways(b).await, Some((Why::Doubted, vec![Method::Totp])));
        welcome(house.second(b, Answer::Totp(code(&house.totp(&secret, 0)))).await);
        assert_eq!(house.count(&DOUBTS).await, 0);
        assert_eq!(name(&house.first(&phone(ANNA), browser(7)).await), "in");
        house.settled().await;
    }

    /// ID-2a: wrong second factors count for the account, over browsers, and the owner hears of it.
    async fn tries_follow_the_account(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let secret = house.with_totp(&who).await;
        house.by_totp(&who, Always {}, &secret).await;
        let told = house.notices(&phone(ANNA), Channel::Sms).await.len();
        for n in 0..2 {
            let b = browser(50 + n);
            assert_eq!(name(&house.first(&phone(ANNA), b).await), "needs second");
            for _ in 0..5 {
                let near = wrong(&house.totp(&secret, 0));
                let second = house.second(b, Answer::Totp(code(&near))).await;
                assert!(matches!(second, Second::Refused(Tried::Wrong)), "{}", said(&second));
            }
        }
        assert_eq!(house.notices(&phone(ANNA), Channel::Sms).await.len(), told + 2);
        let b = browser(51);
        assert_eq!(said(&house.second(b, Answer::Totp(code(&house.totp(&secret, 0)))).await), "rests");
    }
}
