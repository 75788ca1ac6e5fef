//! ID-13: «это не я», and the freeze.

use std::sync::Arc;

use identity_core::challenge::{NotAccepted, Purpose};
use identity_service::{
    codes::Asked,
    freeze::{self, AlarmLink, ByCode, Unfrozen},
    history,
    link::LinkToken,
    session::SignedIn,
};
use kernel::{Identifier, code::OneTimeCode};
use notify::Channel;
use testkit::{TestDb, race};

use crate::{
    house::{ANNA, House, browser, phone, visitor},
    tools::{email, raw, wrong},
};

const MAIL: &str = "anna@example.org";

impl House {
    async fn look_alarm(&self, token: &LinkToken) -> AlarmLink {
        let input = (self.env.clone(), token.clone());
        self.test
            .read("test.look", input, |tx, (env, token)| {
                Box::pin(freeze::look(tx, env, token))
            })
            .await
            .unwrap()
    }

    async fn alarm(&self, token: &LinkToken, presser: Option<Arc<SignedIn>>) -> AlarmLink {
        self.write((token.clone(), presser), |tx, (env, (token, presser))| {
            Box::pin(
                async move { freeze::alarm(tx, env, &visitor(), token, presser.as_deref()).await },
            )
        })
        .await
    }

    async fn ask_unfreeze(&self, who: &Arc<SignedIn>) -> Result<Purpose, Asked> {
        self.act(who, |tx, (env, who)| {
            Box::pin(async move { freeze::ask_unfreeze(tx, env, &visitor(), who).await })
        })
        .await
    }

    async fn unfreeze(&self, who: &Arc<SignedIn>, purpose: Purpose, code: &str) -> Unfrozen {
        let input = (
            Arc::clone(who),
            purpose,
            OneTimeCode::parse(code, 6).unwrap(),
        );
        self.write(input, |tx, (env, (who, purpose, code))| {
            Box::pin(
                async move { freeze::unfreeze(tx, env, &visitor(), who, *purpose, code).await },
            )
        })
        .await
    }

    async fn ask_freeze(&self, to: &Identifier, key: [u8; 32]) -> Asked {
        self.write((to.clone(), key), |tx, (env, (to, key))| {
            Box::pin(async move { freeze::ask_by_code(tx, env, &visitor(), to, *key).await })
        })
        .await
    }

    async fn frozen(&self, account: kernel::AccountId) -> bool {
        self.test
            .read("test.frozen", account, |tx, account| {
                Box::pin(freeze::is_frozen(tx, *account))
            })
            .await
            .unwrap()
    }

    /// How often something stands in the history.
    async fn history(&self, who: &Arc<SignedIn>, action: &str) -> usize {
        let events = self
            .test
            .read("test.history", Arc::clone(who), |tx, who| {
                Box::pin(history::page(tx, who, None, 100))
            })
            .await
            .unwrap();
        events.iter().filter(|event| event.action == action).count()
    }
}

testkit::both_engines! {
    /// ID-13, A31: looking at «это не я» changes nothing; pressing freezes, ends every session, once.
    async fn the_alarm_freezes_and_ends_sessions_once(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        let first = house.enter(&anna, browser(1)).await;
        house.wait(60);
        let thief = house.enter(&anna, browser(2)).await;
        let token = house.notices(&anna, Channel::Sms).await.remove(0);
        assert_eq!(house.look_alarm(&token).await, AlarmLink::Open);
        assert!(!house.frozen(first.account).await);
        assert_eq!(house.alarm(&token, None).await, AlarmLink::Open);
        assert!(house.frozen(first.account).await);
        assert!(house.who(&first.token).await.is_none() && house.who(&thief.token).await.is_none());
        let told = house.notices(&anna, Channel::Sms).await.len();
        assert_eq!(told, 2, "the freeze is told of too");
        house.wait(60);
        let again = house.enter_in_time(&anna, browser(3)).await;
        assert_eq!(house.alarm(&token, None).await, AlarmLink::Over);
        assert_eq!(house.look_alarm(&token).await, AlarmLink::Over);
        assert!(house.who(&again.token).await.is_some(), "a used link ends nothing more");
        assert!(house.frozen(first.account).await, "signing in does not lift a freeze");
        house.settled().await;
    }

    /// ID-13: the owner who presses while signed in keeps that one session.
    async fn the_presser_stays(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        let mine = house.enter(&anna, browser(1)).await;
        house.wait(60);
        let thief = house.enter(&anna, browser(2)).await;
        let token = house.notices(&anna, Channel::Sms).await.remove(0);
        let who = house.signed_in(&mine).await;
        house.alarm(&token, Some(who)).await;
        assert!(house.who(&mine.token).await.is_some());
        assert!(house.who(&thief.token).await.is_none());
        house.settled().await;
    }

    /// ID-13: a session of another account that presses is kept out of it.
    async fn a_foreign_presser_changes_nothing(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        let first = house.enter(&anna, browser(1)).await;
        house.wait(60);
        house.enter(&anna, browser(2)).await;
        let boris = house.enter(&phone("+7 913 000-00-02"), browser(3)).await;
        let token = house.notices(&anna, Channel::Sms).await.remove(0);
        let who = house.signed_in(&boris).await;
        house.alarm(&token, Some(who)).await;
        assert!(house.frozen(first.account).await && !house.frozen(boris.account).await);
        assert!(house.who(&first.token).await.is_none() && house.who(&boris.token).await.is_some());
    }

    /// ID-13: pressed 64 times at once it works once; while sign-ins go on nothing blocks for good.
    async fn one_of_64_presses_counts(db: TestDb) {
        let house = Arc::new(House::new(db));
        let anna = phone(ANNA);
        let first = house.enter(&anna, browser(1)).await;
        house.wait(60);
        house.enter(&anna, browser(2)).await;
        let token = house.notices(&anna, Channel::Sms).await.remove(0);
        let answers = race(64, |_| {
            let (house, token) = (Arc::clone(&house), token.clone());
            async move { house.alarm(&token, None).await }
        }).await;
        assert_eq!(answers.iter().filter(|answer| **answer == AlarmLink::Open).count(), 1);
        assert_eq!(house.count(&raw::SESSIONS).await, 0);
        house.wait(60);
        let again = house.enter_in_time(&anna, browser(3)).await;
        let who = house.signed_in(&again).await;
        assert_eq!(house.history(&who, "account.frozen").await, 1);
        assert!(house.frozen(first.account).await);
        house.settled().await;
    }

    /// ID-13, I6: freezing, signing in and ending others at once, over and over: no deadlock, no session that
    /// outlives a freeze that came after it.
    async fn freezing_and_entering_at_once(db: TestDb) {
        let house = Arc::new(House::new(db));
        let anna = phone(ANNA);
        let mine = house.enter(&anna, browser(1)).await;
        house.wait(70);
        let other = house.enter(&anna, browser(2)).await;
        // Of another browser: signing in with the presser's own would replace its session (A25).
        let known = crate::tools::after(browser(2), &other);
        for _ in 0..4 {
            house.ask_in_time(&visitor(), &anna, known).await;
            let code = house.code(&anna).await;
            let who = house.who(&mine.token).await.map(Arc::new);
            let Some(who) = who else { break };
            race(3, |n| {
                let (house, code, who) = (Arc::clone(&house), code.clone(), Arc::clone(&who));
                async move {
                    match n {
                        0 => { house.verify(known, &code).await; }
                        1 => { house.act(&who, |tx, (env, who)| Box::pin(async move {
                            freeze::freeze_mine(tx, env, &visitor(), who).await
                        })).await; }
                        _ => { house.act(&who, |tx, (env, who)| Box::pin(async move {
                            identity_service::session::end_others(tx, env, &visitor(), who).await
                        })).await; }
                    }
                }
            }).await;
            assert!(house.who(&mine.token).await.is_some(), "the presser's own goes on");
        }
        house.settled().await;
    }

    /// ID-13: from any browser one factor is enough to freeze, never to enter; the same words and messages when
    /// nobody is there (RE-10).
    async fn one_factor_freezes_and_never_enters(db: TestDb) {
        let house = House::new(db);
        let (anna, nobody) = (phone(ANNA), phone("+7 913 000-00-02"));
        let mine = house.enter(&anna, browser(1)).await;
        house.wait(60);
        for (n, number) in [(5, &anna), (6, &nobody)] {
            assert_eq!(house.ask_freeze(number, browser(n).key).await, Asked::Sent);
            let code = house.code(number).await;
            let refused = house.freeze_by(browser(n), &wrong(&code)).await;
            assert_eq!(refused, ByCode::NotAccepted(NotAccepted::Wrong { left: 4 }));
            assert_eq!(crate::tools::name(&house.verify(browser(n), &code).await), "Dead", "never to enter");
            assert_eq!(house.freeze_by(browser(n), &code).await, ByCode::Done);
            assert_eq!(house.freeze_by(browser(n), &code).await, ByCode::NotAccepted(NotAccepted::Dead));
            assert!(matches!(house.register(browser(n)).await, identity_service::sign_in::Registered::ProofMissing));
        }
        assert!(house.frozen(mine.account).await);
        assert!(house.who(&mine.token).await.is_none());
        assert_eq!(house.count(&raw::ACCOUNTS).await, 1);
        house.settled().await;
    }

    /// ID-13: lifting a freeze asks for every identifier; the phone alone is not enough, nor a code for another
    /// purpose; the owner is told.
    async fn lifting_needs_every_identifier(db: TestDb) {
        let house = House::new(db);
        let (anna, mail) = (phone(ANNA), email(MAIL));
        let mine = house.enter(&anna, browser(1)).await;
        let who = house.signed_in(&mine).await;
        house.with_email(&who, &mail).await;
        house.act(&who, |tx, (env, who)| Box::pin(async move { freeze::freeze_mine(tx, env, &visitor(), who).await })).await;
        assert!(house.frozen(mine.account).await);
        house.wait(3600);
        let who = house.signed_in(&mine).await;
        assert_eq!(house.ask_unfreeze(&who).await, Ok(Purpose::UnfreezePhone));
        let code = house.code(&anna).await;
        assert_eq!(house.unfreeze(&who, Purpose::UnfreezeEmail, &code).await, Unfrozen::NotAccepted(NotAccepted::Dead));
        assert_eq!(house.unfreeze(&who, Purpose::UnfreezePhone, &code).await, Unfrozen::Next(Purpose::UnfreezeEmail));
        assert!(house.frozen(mine.account).await, "the phone alone is not enough");
        assert_eq!(house.ask_unfreeze(&who).await, Ok(Purpose::UnfreezeEmail));
        let code = house.letter_code(&mail).await;
        let told = house.notices(&mail, Channel::Email).await.len();
        assert_eq!(house.unfreeze(&who, Purpose::UnfreezeEmail, &code).await, Unfrozen::Done);
        assert!(!house.frozen(mine.account).await);
        assert_eq!(house.notices(&mail, Channel::Email).await.len(), told + 1);
        assert_eq!(house.history(&who, "account.unfrozen").await, 1);
        house.settled().await;
    }

    /// ID-13: an old proof does not lift a newer freeze.
    async fn a_stale_proof_lifts_nothing(db: TestDb) {
        let house = House::new(db);
        let (anna, mail) = (phone(ANNA), email(MAIL));
        let mine = house.enter(&anna, browser(1)).await;
        let who = house.signed_in(&mine).await;
        house.with_email(&who, &mail).await;
        house.act(&who, |tx, (env, who)| Box::pin(async move { freeze::freeze_mine(tx, env, &visitor(), who).await })).await;
        house.wait(3600);
        assert_eq!(house.ask_unfreeze(&who).await, Ok(Purpose::UnfreezePhone));
        let code = house.code(&anna).await;
        house.unfreeze(&who, Purpose::UnfreezePhone, &code).await;
        house.wait(15 * 60);
        assert_eq!(house.ask_unfreeze(&who).await, Ok(Purpose::UnfreezePhone), "asked for anew");
        assert!(house.frozen(mine.account).await);
    }
}
