//! ID-12: consents and subscriptions.

use std::sync::Arc;

use identity_core::consent::{MarketingChannel, Source, Topic};
use identity_service::{
    consent::{self, Agreement, PERSONAL_DATA, SetSubscriptions, Subscribed, Unsubscribe},
    session::SignedIn,
    sign_in::{self, Register, Registered},
};
use kernel::AccountId;
use testkit::TestDb;

use crate::{
    house::{ANNA, House, browser, phone, visitor},
    tools::raw,
};

const SMS: (MarketingChannel, Topic) = (MarketingChannel::Sms, Topic::Offers);
const MAIL: (MarketingChannel, Topic) = (MarketingChannel::Email, Topic::News);

impl House {
    async fn agreements(&self, account: AccountId) -> Vec<Agreement> {
        self.test
            .read("test.consents", account, |tx, account| {
                Box::pin(consent::agreements(tx, *account))
            })
            .await
            .unwrap()
    }

    async fn on(&self, account: AccountId) -> Vec<(MarketingChannel, Topic)> {
        let on: Vec<Subscribed> = self
            .test
            .read("test.subscribed", account, |tx, account| {
                Box::pin(consent::subscribed(tx, *account))
            })
            .await
            .unwrap();
        on.iter().map(|s| (s.channel, s.topic)).collect()
    }

    async fn set(&self, who: &Arc<SignedIn>, on: &[(MarketingChannel, Topic)]) -> usize {
        let cmd = SetSubscriptions {
            on: on.to_vec(),
            source: Source::Cabinet,
        };
        self.write((Arc::clone(who), cmd), |tx, (env, (who, cmd))| {
            Box::pin(async move { consent::set(tx, env, &visitor(), who, cmd).await })
        })
        .await
    }

    async fn unsubscribe(&self, link: Unsubscribe) {
        self.write(link, |tx, (env, link)| {
            Box::pin(async move { consent::unsubscribe(tx, env, &visitor(), link).await })
        })
        .await;
    }

    async fn register_with(
        &self,
        personal_data: bool,
        marketing: &[(MarketingChannel, Topic)],
    ) -> Registered {
        let cmd = Register {
            browser: browser(1).key,
            known: None,
            personal_data,
            marketing: marketing.to_vec(),
            source: Source::Registration,
        };
        self.write(cmd, |tx, (env, cmd)| {
            Box::pin(async move { sign_in::register(tx, env, &visitor(), cmd).await })
        })
        .await
    }
}

testkit::both_engines! {
    /// ID-12: without the consent there is no account, and the proof waits for it; with it its version, time
    /// and source are kept; marketing is off unless it was ticked.
    async fn the_consent_comes_first(db: TestDb) {
        let house = House::new(db);
        house.ask(&phone(ANNA), browser(1)).await;
        let code = house.code(&phone(ANNA)).await;
        house.verify(browser(1), &code).await;
        assert!(matches!(house.register_with(false, &[]).await, Registered::ConsentMissing));
        assert_eq!(house.count(&raw::ACCOUNTS).await, 0);
        let Registered::In(welcome) = house.register_with(true, &[SMS]).await else { panic!("not in") };
        let given = house.agreements(welcome.account).await;
        let consent = given.iter().find(|agreement| agreement.kind == PERSONAL_DATA).unwrap();
        assert!(consent.granted);
        assert_eq!((consent.version.as_str(), consent.source, consent.at), ("2026-11", Source::Registration, house.now()));
        assert_eq!(house.on(welcome.account).await, [SMS]);
        house.settled().await;
    }

    /// ID-12: each switch is noted when it turns and only then.
    async fn switches_are_noted(db: TestDb) {
        let house = House::new(db);
        let welcome = house.enter(&phone(ANNA), browser(1)).await;
        let who = house.signed_in(&welcome).await;
        assert!(house.on(welcome.account).await.is_empty(), "all off at first");
        assert_eq!(house.set(&who, &[SMS, MAIL]).await, 2);
        assert_eq!(house.set(&who, &[SMS, MAIL]).await, 0);
        assert_eq!(house.set(&who, &[SMS]).await, 1);
        assert_eq!(house.on(welcome.account).await, [SMS]);
        let agreements = house.agreements(welcome.account).await;
        assert_eq!(agreements.len(), 4, "the required one and three turns");
        assert!(!agreements[0].granted && agreements[0].kind == "marketing.email.news");
        house.settled().await;
    }

    /// ID-12: off from the message itself, without signing in; only what the link names, as often as pressed.
    async fn a_message_unsubscribes(db: TestDb) {
        let house = House::new(db);
        let welcome = house.enter(&phone(ANNA), browser(1)).await;
        let who = house.signed_in(&welcome).await;
        house.set(&who, &[SMS, MAIL]).await;
        let text = Unsubscribe::text(&house.env, welcome.account, SMS.0, SMS.1);
        let link = Unsubscribe::from_text(&house.env, &text).unwrap();
        for _ in 0..2 {
            house.unsubscribe(link).await;
            assert_eq!(house.on(welcome.account).await, [MAIL]);
        }
        let latest = &house.agreements(welcome.account).await[0];
        assert_eq!((latest.granted, latest.source), (false, Source::Message));
        house.settled().await;
    }

    /// ID-12: a link that we did not make is none.
    async fn an_unsubscription_cannot_be_forged(db: TestDb) {
        let house = House::new(db);
        let anna = house.enter(&phone(ANNA), browser(1)).await.account;
        let boris = house.enter(&phone("+7 913 000-00-02"), browser(2)).await.account;
        let text = Unsubscribe::text(&house.env, anna, SMS.0, SMS.1);
        let forged = [
            text.replace(&anna.to_string(), &boris.to_string()),
            text.replace("sms", "email"),
            text.replace("offers", "news"),
            text[..text.len() - 1].to_owned(),
            format!("{text}0"),
            text.to_uppercase(),
            String::new(),
        ];
        for text in forged {
            assert!(Unsubscribe::from_text(&house.env, &text).is_none(), "{text}");
        }
    }
}
