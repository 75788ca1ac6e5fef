//! ID-9: sessions and devices.

use std::sync::Arc;

use db::{Db, DbSettings};
use identity_core::{Policy, session::Method};
use identity_service::{
    codes::Asked,
    history,
    session::{self, Listed, SessionToken, SignedIn},
    sign_in::{Registered, Welcome},
};
use kernel::SessionId;
use notify::Channel;
use testkit::TestDb;

use crate::{
    house::{ANNA, Browser, House, browser, phone, visitor},
    tools::{after, email, raw},
};

/// No limits on sends: for tests that sign in very often.
fn generous() -> Policy {
    Policy {
        send_waits: Vec::new(),
        sends_per_hour: 1_000,
        sends_per_day: 1_000,
        network_sends_per_day: 1_000,
        range_sends: 1_000,
        ..Policy::default()
    }
}

impl House {
    async fn list(&self, who: &Arc<SignedIn>) -> Vec<Listed> {
        let input = (self.env.clone(), Arc::clone(who));
        self.test
            .read("test.list", input, |tx, (env, who)| {
                Box::pin(session::list(tx, env, who))
            })
            .await
            .unwrap()
    }

    async fn end(&self, who: &Arc<SignedIn>, session: SessionId) -> bool {
        self.write((Arc::clone(who), session), |tx, (_, (who, session))| {
            Box::pin(async move { session::end(tx, &visitor(), who, *session).await })
        })
        .await
    }

    async fn end_others(&self, who: &Arc<SignedIn>) -> u64 {
        self.act(who, |tx, (env, who)| {
            Box::pin(async move { session::end_others(tx, env, &visitor(), who).await })
        })
        .await
    }

    async fn touch(&self, welcome: &Welcome) {
        self.write(
            (welcome.account, welcome.session),
            |tx, (_, (account, session))| {
                Box::pin(async move { Ok(session::touch(tx, *account, *session).await?) })
            },
        )
        .await;
    }

    /// The same database through another handle, as another node has it.
    async fn other_node(&self) -> Db {
        let settings = match (self.test.file(), self.test.url()) {
            (Some(path), _) => DbSettings::Sqlite { path, readers: 1 },
            (None, Some(url)) => DbSettings::Postgres {
                url,
                connections: 2,
            },
            (None, None) => panic!("no engine"),
        };
        Db::open(settings, self.test.clock().clone()).await.unwrap()
    }
}

testkit::both_engines! {
    /// ID-9: the list shows every device with how it came in, when, and which one this is; ending one ends it.
    async fn devices_are_listed_and_ended(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        let first = house.enter(&anna, browser(1)).await;
        house.wait(60);
        let second = house.enter(&anna, browser(2)).await;
        let who = house.signed_in(&first).await;
        let listed = house.list(&who).await;
        assert_eq!(listed.len(), 2);
        assert_eq!((listed[0].session, listed[0].is_current), (second.session, false));
        assert_eq!((listed[1].session, listed[1].is_current), (first.session, true));
        assert!(listed.iter().all(|l| l.method == Method::Sms && l.network == visitor().network));
        assert!(listed[0].agent.contains("Firefox"));
        assert!(house.end(&who, second.session).await);
        assert!(!house.end(&who, second.session).await, "once");
        assert!(house.who(&second.token).await.is_none());
        assert_eq!(house.list(&who).await.len(), 1);
        house.settled().await;
    }

    /// ID-9: nobody ends a session of another account.
    async fn a_foreign_session_cannot_be_ended(db: TestDb) {
        let house = House::new(db);
        let anna = house.enter(&phone(ANNA), browser(1)).await;
        let boris = house.enter(&phone("+7 913 000-00-02"), browser(2)).await;
        let who = house.signed_in(&boris).await;
        assert!(!house.end(&who, anna.session).await);
        assert_eq!(house.end_others(&who).await, 0);
        assert!(house.who(&anna.token).await.is_some());
    }

    /// ID-9: ending all others leaves this one; signing out ends this one.
    async fn all_others_end_at_once(db: TestDb) {
        let house = House::with(db, generous());
        let anna = phone(ANNA);
        let mut entered = Vec::new();
        for n in 1..=4 {
            entered.push(house.enter(&anna, browser(n)).await);
            house.wait(1);
        }
        let who = house.signed_in(&entered[0]).await;
        let told = house.notices(&anna, Channel::Sms).await.len();
        assert_eq!(house.end_others(&who).await, 3);
        assert_eq!(house.end_others(&who).await, 0);
        let told = house.notices(&anna, Channel::Sms).await.len() - told;
        assert_eq!(told, 1, "ID-13: once, when sessions really ended");
        for (n, welcome) in entered.iter().enumerate() {
            assert_eq!(house.who(&welcome.token).await.is_some(), n == 0);
        }
        house.act(&who, |tx, (_, who)| Box::pin(async move { session::sign_out(tx, &visitor(), who).await })).await;
        assert!(house.who(&entered[0].token).await.is_none());
        house.settled().await;
    }

    /// ID-2, ID-9: a device whose session was ended by another is a stranger's again: six digits, and a notice
    /// when it comes back.
    async fn an_ended_device_is_forgotten(db: TestDb) {
        let house = House::with(db, generous());
        let anna = phone(ANNA);
        let first = house.enter(&anna, browser(1)).await;
        let second = house.enter(&anna, browser(2)).await;
        let lost = after(browser(2), &second);
        let who = house.signed_in(&first).await;
        house.wait(1);
        house.ask_as(&visitor(), &anna, lost, true).await;
        assert_eq!(house.status(lost).await.unwrap().digits, 4, "known so far");
        house.end(&who, second.session).await;
        house.wait(1);
        assert_eq!(house.ask_as(&visitor(), &anna, lost, true).await, Asked::Sent);
        assert_eq!(house.status(lost).await.unwrap().digits, 6);
    }

    /// A26: what one node ends is dead on another at once.
    async fn an_ended_session_is_dead_on_every_node(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        let first = house.enter(&anna, browser(1)).await;
        house.wait(60);
        let second = house.enter(&anna, browser(2)).await;
        let node = house.other_node().await;
        let find = async |token: &SessionToken| {
            let input = (house.env.clone(), token.clone());
            node.read("test", input, |tx, (env, token)| Box::pin(session::find(tx, env, token))).await.unwrap()
        };
        assert!(find(&second.token).await.is_some());
        let who = house.signed_in(&first).await;
        house.end_others(&who).await;
        assert!(find(&second.token).await.is_none());
        assert!(find(&first.token).await.is_some());
        house.act(&who, |tx, (_, who)| Box::pin(async move { session::sign_out(tx, &visitor(), who).await })).await;
        assert!(find(&first.token).await.is_none());
        node.close();
    }

    /// A29: at most fifty live; the longest unused goes first.
    async fn fifty_live(db: TestDb) {
        let house = House::with(db, generous());
        let anna = phone(ANNA);
        let first = house.enter(&anna, browser(1)).await;
        let told = house.notices(&anna, Channel::Sms).await.len();
        let mut second = None;
        for n in 2..=53 {
            house.wait(10);
            let welcome = house.enter(&anna, browser(n)).await;
            if n == 2 { second = Some(welcome); }
            if n == 30 { house.touch(&first).await; }
        }
        assert_eq!(house.count(&raw::SESSIONS).await, 50);
        let who = house.signed_in(&first).await;
        assert_eq!(house.list(&who).await.len(), 50, "the first was used since, so it stays");
        assert!(house.who(&second.unwrap().token).await.is_none(), "the second was not");
        let events = house.act(&who, |tx, (_, who)| Box::pin(async move {
            history::page(tx, who, None, 100).await
        })).await;
        let room: Vec<_> = events.iter().filter(|event| event.action == "session.made_room").collect();
        assert_eq!(room.len(), 3, "ID-14: each that had to go is in the history");
        assert!(room.iter().all(|event| event.facts["count"] == "1" && event.actor == "system"));
        let told = house.notices(&anna, Channel::Sms).await.len() - told;
        assert_eq!(told, 52 + 3, "ID-13: and the owner is told, beside each new device");
    }

    /// ID-9: a session ends after ninety days without use; use prolongs it.
    async fn ninety_days_idle(db: TestDb) {
        let house = House::new(db);
        let welcome = house.enter(&phone(ANNA), browser(1)).await;
        let day = 86_400;
        assert!(!house.who(&welcome.token).await.unwrap().is_due);
        house.wait(90 * day - 1);
        assert!(house.who(&welcome.token).await.unwrap().is_due);
        house.touch(&welcome).await;
        assert!(!house.who(&welcome.token).await.unwrap().is_due);
        house.wait(90 * day - 1);
        assert!(house.who(&welcome.token).await.is_some());
        house.wait(1);
        assert!(house.who(&welcome.token).await.is_none());
    }

    /// ID-9, ID-13: a new device is told of on every confirmed channel, with «это не я»; a known one is not.
    async fn a_new_device_is_told_everywhere(db: TestDb) {
        let house = House::with(db, generous());
        let (anna, mail) = (phone(ANNA), email("anna@example.org"));
        let first = house.enter(&anna, browser(1)).await;
        house.with_email(&house.signed_in(&first).await, &mail).await;
        let told = async || (house.notices(&anna, Channel::Sms).await.len(), house.notices(&mail, Channel::Email).await.len());
        let (sms, letters) = told().await;
        house.wait(1);
        house.enter(&anna, browser(2)).await;
        assert_eq!(told().await, (sms + 1, letters + 1));
        house.wait(1);
        house.enter(&anna, after(browser(3), &first)).await;
        assert_eq!(told().await, (sms + 1, letters + 1), "the first browser again");
        house.settled().await;
    }

    /// A25: the key a browser signed in with leads nowhere afterwards, and each sign-in is a session of its own.
    async fn the_sitting_ends_with_the_sign_in(db: TestDb) {
        let house = House::with(db, generous());
        let anna = phone(ANNA);
        let first = house.enter(&anna, browser(1)).await;
        assert!(house.status(browser(1)).await.is_none());
        assert_eq!(house.count(&raw::FLOWS).await, 0);
        assert!(matches!(house.register(browser(1)).await, Registered::ProofMissing));
        house.wait(1);
        let second = house.enter(&anna, browser(1)).await;
        assert_ne!(first.session, second.session);
        assert_ne!(first.token.expose(), second.token.expose());
        assert!(second.browser.is_some(), "without its long-lived token a browser is a new one");
    }

    /// A25: signing in over a live session ends that one, in the same transaction; those of other browsers and of
    /// other accounts in the same browser live.
    async fn a_browser_has_one_session_of_an_account(db: TestDb) {
        let house = House::with(db, generous());
        let (anna, boris) = (phone(ANNA), phone("+7 913 000-00-02"));
        let first = house.enter(&anna, browser(1)).await;
        let here = after(browser(1), &first);
        house.wait(1);
        let elsewhere = house.enter(&anna, browser(2)).await;
        let of_boris = house.enter(&boris, Browser { key: [3; 32], ..here }).await;
        house.wait(1);
        let again = house.enter(&anna, Browser { key: [4; 32], ..here }).await;
        assert!(house.who(&first.token).await.is_none(), "the token of before is dead");
        for alive in [&again, &elsewhere, &of_boris] {
            assert!(house.who(&alive.token).await.is_some());
        }
        house.wait(1);
        let others = [&elsewhere, &again].map(|welcome| welcome.session);
        let who = house.signed_in(&again).await;
        let listed: Vec<_> = house.list(&who).await.iter().map(|one| one.session).collect();
        assert!(listed.len() == 2 && others.iter().all(|one| listed.contains(one)));
        house.settled().await;
    }

    /// A28: a token is 256 random bits, checked by hash; a wrong bit, a foreign account or session is nobody.
    async fn a_token_cannot_be_guessed(db: TestDb) {
        let house = House::new(db);
        let anna = house.enter(&phone(ANNA), browser(1)).await;
        let boris = house.enter(&phone("+7 913 000-00-02"), browser(2)).await;
        let (a, b) = (anna.token.expose(), boris.token.expose());
        let part = |text: &str, n: usize| text.splitn(3, '.').nth(n).unwrap().to_owned();
        assert!(part(&a, 2).len() >= 43, "256 bits in base64");
        let forged = [
            format!("{}.{}.{}", part(&a, 0), part(&a, 1), part(&b, 2)),
            format!("{}.{}.{}", part(&b, 0), part(&a, 1), part(&a, 2)),
            format!("{}.{}.{}", part(&a, 0), part(&b, 1), part(&a, 2)),
        ];
        for text in &forged {
            let token = SessionToken::from_text(text).unwrap();
            assert!(house.who(&token).await.is_none(), "{text}");
        }
        assert!(house.who(&SessionToken::from_text(&a).unwrap()).await.is_some());
        for text in ["", ".", "..", "a.b.c", &a[..a.len() - 1], &format!("{a}A"), &a.replace('.', "/")] {
            assert!(SessionToken::from_text(text).is_none(), "{text}");
        }
        assert_eq!(format!("{:?}", anna.token), "SessionToken(…)");
    }
}
