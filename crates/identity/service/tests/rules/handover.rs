//! ID-7: a computer is let in by a signed-in phone.

use std::sync::Arc;

use identity_core::{assurance::Method, handover::State, next_path::NextPath};
use identity_service::{
    freeze,
    handover::{self, Asking, Begun, Chosen, Entered, HandoverToken, LetIn, Seen},
    session::SignedIn,
    sign_in::Welcome,
    step_up::Performed,
};
use kernel::Visitor;
use notify::Channel;
use testkit::{TestDb, race};

use crate::{
    house::{ANNA, Browser, House, browser, phone, visitor, visitor_from},
    tools::raw,
};

db::statements! {
    /// Connects an app.
    APP: "INSERT INTO totp (account_id, session_id, sealed, made_at, confirmed_at, last_step, wrong_in_row, wrong)
        VALUES ($1, $2, $3, $4, $5, 0, 0, $6)" (Bytes, Bytes, Bytes, Int, Int, Bytes) -> ();
    /// Always asks for the second factor.
    ALWAYS: "INSERT INTO second_factor (account_id, since) VALUES ($1, $2)" (Bytes, Int) -> ();
    /// What is kept of requests.
    KEPT: "SELECT request, browser, sealed FROM handover" () -> (Bytes, Bytes, Bytes);
}

fn said(entered: &Entered) -> &'static str {
    match entered {
        Entered::In(_) => "in",
        Entered::Waiting => "waiting",
        Entered::Refused => "refused",
        Entered::Over => "over",
    }
}

impl House {
    async fn begin(&self, from: &Visitor, b: Browser) -> Begun {
        self.write((from.clone(), b.key), |tx, (env, (from, key))| {
            Box::pin(async move {
                let next = NextPath::parse("/profile/data").unwrap();
                handover::begin(tx, env, from, key, &next).await
            })
        })
        .await
    }

    async fn computer(&self, b: Browser) -> HandoverToken {
        match self.begin(&visitor_from([198, 51, 100, 9]), b).await {
            Begun::Waiting(token) => token,
            Begun::NotNow { .. } => panic!("not now"),
        }
    }

    async fn seen(&self, token: &HandoverToken, b: Browser) -> Option<Seen> {
        let input = (self.env.clone(), token.clone(), b.key);
        self.test
            .read("test.seen", input, |tx, (env, token, key)| {
                Box::pin(handover::look(tx, env, token, key))
            })
            .await
            .unwrap_or_else(|error: identity_service::ServiceError| panic!("{error}"))
    }

    async fn asking(&self, token: &HandoverToken) -> Option<Asking> {
        let input = (self.env.clone(), token.clone());
        self.test
            .read("test.asking", input, |tx, (env, token)| {
                Box::pin(handover::look_asking(tx, env, token))
            })
            .await
            .unwrap_or_else(|error: identity_service::ServiceError| panic!("{error}"))
    }

    async fn choose(
        &self,
        who: &Arc<SignedIn>,
        token: &HandoverToken,
        number: u8,
    ) -> Result<LetIn, Chosen> {
        let input = (Arc::clone(who), token.clone(), number);
        self.write(input, |tx, (env, (who, token, number))| {
            Box::pin(
                async move { handover::choose(tx, env, &visitor(), who, token, *number).await },
            )
        })
        .await
    }

    async fn pick_up(&self, token: &HandoverToken, b: Browser) -> Entered {
        self.write((token.clone(), b), |tx, (env, (token, b))| {
            Box::pin(
                async move { handover::enter(tx, env, &visitor(), token, &b.key, b.known).await },
            )
        })
        .await
    }

    /// The phone does all it should.
    async fn let_in(&self, who: &Arc<SignedIn>, token: &HandoverToken, b: Browser) {
        let number = self.seen(token, b).await.unwrap().number;
        let cmd = self.choose(who, token, number).await.unwrap();
        match self.perform(who, cmd, None).await {
            Performed::Done(chosen) => assert_eq!(chosen, Chosen::Right),
            _ => panic!("a session of this minute needs nothing more"),
        }
    }

    async fn in_by_device(&self, who: &Arc<SignedIn>, b: Browser) -> Box<Welcome> {
        let token = self.computer(b).await;
        self.let_in(who, &token, b).await;
        match self.pick_up(&token, b).await {
            Entered::In(welcome) => welcome,
            other => panic!("{}", said(&other)),
        }
    }
}

testkit::both_engines! {
    /// ID-7: the computer waits, the phone sees what asks, finds the number, confirms; the computer enters once and
    /// its owner is told on every channel.
    async fn a_phone_lets_a_computer_in(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let b = browser(5);
        let token = house.computer(b).await;
        assert_eq!(token.expose().len(), 22, "128 bits");
        let seen = house.seen(&token, b).await.unwrap();
        assert_eq!(seen.state, State::Waiting);
        let asking = house.asking(&token).await.unwrap();
        assert!(asking.offered.contains(&seen.number));
        assert_eq!(asking.network, std::net::IpAddr::from([198, 51, 100, 9]));
        assert_eq!(said(&house.pick_up(&token, b).await), "waiting");
        assert_eq!(house.seen(&token, b).await.unwrap().state, State::Waiting, "looking changes nothing");
        let told = house.notices(&phone(ANNA), Channel::Sms).await.len();
        house.let_in(&who, &token, b).await;
        assert!(house.asking(&token).await.is_none(), "no second confirmation");
        assert_eq!(house.seen(&token, b).await.unwrap().state, State::Approved);
        let entered = house.pick_up(&token, b).await;
        let Entered::In(welcome) = entered else { panic!("{}", said(&entered)) };
        assert_eq!(welcome.next.as_str(), "/profile/data");
        let computer = house.signed_in(&welcome).await;
        assert_eq!((computer.method, computer.account.id), (Method::Device, who.account.id));
        assert_eq!(house.notices(&phone(ANNA), Channel::Sms).await.len(), told + 1);
        assert_eq!(said(&house.pick_up(&token, b).await), "over");
        house.settled().await;
    }

    /// ID-7, ID-8: a phone that had only codes to show lets nobody in once sign-in asks for a second factor; one
    /// that has shown it does.
    async fn the_second_factor_is_asked_for_here_too(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let b = browser(5);
        let token = house.computer(b).await;
        house.let_in(&who, &token, b).await;
        // Between the phone's yes and the computer's entering the owner asks for more in another browser.
        house.write(who.account.id, |tx, (_, account)| Box::pin(async move {
            let (id, now) = (account.as_bytes(), tx.now());
            let none: &[u8] = &[];
            tx.execute_one(&APP, db::params![id, id, none, now, now, none]).await?;
            Ok(tx.execute_one(&ALWAYS, db::params![id, now]).await?)
        })).await;
        let sessions = house.count(&raw::SESSIONS).await;
        assert_eq!(said(&house.pick_up(&token, b).await), "over");
        assert_eq!(house.count(&raw::SESSIONS).await, sessions);
        house.settled().await;
    }

    /// ID-7: the session is bound to the browser that asked; another one that has the token sees and gets nothing.
    async fn another_browser_gets_nothing(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let (b, thief) = (browser(5), browser(6));
        let token = house.computer(b).await;
        assert!(house.seen(&token, thief).await.is_none());
        house.let_in(&who, &token, b).await;
        assert!(house.seen(&token, thief).await.is_none());
        assert_eq!(said(&house.pick_up(&token, thief).await), "over");
        assert_eq!(said(&house.pick_up(&token, b).await), "in");
    }

    /// ID-7: one wrong number ends the request; the owner is told; the right one helps no more.
    async fn one_wrong_number_ends_it(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let b = browser(5);
        let token = house.computer(b).await;
        let number = house.seen(&token, b).await.unwrap().number;
        let other = house.asking(&token).await.unwrap().offered.into_iter().find(|n| *n != number).unwrap();
        let told = house.notices(&phone(ANNA), Channel::Sms).await.len();
        assert_eq!(house.choose(&who, &token, other).await.unwrap_err(), Chosen::Wrong);
        assert_eq!(house.notices(&phone(ANNA), Channel::Sms).await.len(), told + 1);
        assert_eq!(house.choose(&who, &token, number).await.unwrap_err(), Chosen::Over);
        assert_eq!(house.seen(&token, b).await.unwrap().state, State::Refused);
        assert_eq!(said(&house.pick_up(&token, b).await), "refused");
        house.settled().await;
    }

    /// ID-7: of 64 guesses at once at most one is looked at, and of 64 pick-ups one enters.
    async fn races_have_one_winner(db: TestDb) {
        let house = Arc::new(House::new(db));
        let (_, who) = house.anna().await;
        let b = browser(5);
        let token = house.computer(b).await;
        let offered = house.asking(&token).await.unwrap().offered;
        let wrong = {
            let shown = house.seen(&token, b).await.unwrap().number;
            offered.into_iter().find(|n| *n != shown).unwrap()
        };
        let answers = {
            let (house, who, token) = (Arc::clone(&house), Arc::clone(&who), token.clone());
            race(64, move |_| {
                let (house, who, token) = (Arc::clone(&house), Arc::clone(&who), token.clone());
                async move { house.choose(&who, &token, wrong).await.unwrap_err() }
            }).await
        };
        assert_eq!(answers.iter().filter(|a| **a == Chosen::Wrong).count(), 1);
        let token = house.computer(b).await;
        house.let_in(&who, &token, b).await;
        let before = house.count(&raw::SESSIONS).await;
        let answers = {
            let (house, token) = (Arc::clone(&house), token.clone());
            race(64, move |_| {
                let (house, token) = (Arc::clone(&house), token.clone());
                async move { said(&house.pick_up(&token, b).await) }
            }).await
        };
        assert_eq!(answers.iter().filter(|a| **a == "in").count(), 1);
        assert_eq!(house.count(&raw::SESSIONS).await, before + 1);
        house.settled().await;
    }

    /// ID-7: two minutes to confirm, two to enter; a refusal and an ended phone let nobody in.
    async fn it_ends_by_itself(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let b = browser(5);
        let token = house.computer(b).await;
        let number = house.seen(&token, b).await.unwrap().number;
        house.wait(120);
        assert!(house.asking(&token).await.is_none());
        assert_eq!(house.choose(&who, &token, number).await.unwrap_err(), Chosen::Over);
        let token = house.computer(b).await;
        house.let_in(&who, &token, b).await;
        house.wait(120);
        assert_eq!(said(&house.pick_up(&token, b).await), "over", "not picked up in time");
        let token = house.computer(b).await;
        let refused = {
            let input = (Arc::clone(&who), token.clone());
            house.write(input, |tx, (env, (who, token))| Box::pin(async move {
                handover::refuse(tx, env, &visitor(), who, token).await
            })).await
        };
        assert!(refused);
        assert_eq!(said(&house.pick_up(&token, b).await), "refused");
        let again = house.enter_in_time(&phone(ANNA), browser(1)).await;
        let again = house.signed_in(&again).await;
        let token = house.computer(b).await;
        house.let_in(&again, &token, b).await;
        house.act(&again, |tx, (_, who)| Box::pin(async move {
            identity_service::session::sign_out(tx, &visitor(), who).await
        })).await;
        assert_eq!(said(&house.pick_up(&token, b).await), "over", "the phone was signed out meanwhile (I6)");
        house.settled().await;
    }

    /// ID-7: a let-in computer lets nobody in for a day, and shows all anew for anything sensitive.
    async fn no_chains_of_computers(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let welcome = house.in_by_device(&who, browser(5)).await;
        let computer = house.signed_in(&welcome).await;
        let token = house.computer(browser(6)).await;
        let number = house.seen(&token, browser(6)).await.unwrap().number;
        let chosen = house.choose(&computer, &token, number).await.unwrap_err();
        assert!(matches!(chosen, Chosen::TooYoung { .. }), "{chosen:?}");
        house.needs(&computer, identity_service::totp::Add {}).await;
        house.wait(24 * 3_600);
        let token = house.computer(browser(6)).await;
        let number = house.seen(&token, browser(6)).await.unwrap().number;
        let cmd = house.choose(&computer, &token, number).await.unwrap();
        house.needs(&computer, cmd).await;
    }

    /// ID-7, ID-13: a frozen account lets nobody in, also when it was frozen between yes and entering.
    async fn a_frozen_account_lets_nobody_in(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let b = browser(5);
        let early = house.computer(b).await;
        house.let_in(&who, &early, b).await;
        let token = house.computer(b).await;
        let number = house.seen(&token, b).await.unwrap().number;
        let cmd = house.choose(&who, &token, number).await.unwrap();
        house.act(&who, |tx, (env, who)| Box::pin(async move {
            freeze::freeze_mine(tx, env, &visitor(), who).await
        })).await;
        assert_eq!(house.choose(&who, &token, number).await.unwrap_err(), Chosen::Frozen);
        assert_eq!(house.perform(&who, cmd, None).await, Performed::Frozen);
        assert_eq!(said(&house.pick_up(&early, b).await), "over");
    }

    /// ID-7: a phone that has shown itself long ago proves itself first; the step is for this computer only.
    async fn the_phone_proves_itself(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        house.wait(301);
        let b = browser(5);
        let token = house.computer(b).await;
        let number = house.seen(&token, b).await.unwrap().number;
        let cmd = house.choose(&who, &token, number).await.unwrap();
        let step = house.needs(&who, cmd.clone()).await;
        assert_eq!(house.seen(&token, b).await.unwrap().state, State::Waiting);
        house.prove_now(&who, step, &phone(ANNA)).await;
        let other = house.computer(browser(6)).await;
        let number = house.seen(&other, browser(6)).await.unwrap().number;
        let foreign = house.choose(&who, &other, number).await.unwrap();
        // What was confirmed is what runs (A77): the proof of one computer lets no other in by its step.
        let performed = house.perform(&who, foreign, Some(step)).await;
        assert_eq!(performed, Performed::Done(Chosen::Right), "the session itself is fresh now");
        assert!(matches!(house.perform(&who, cmd, Some(step)).await, Performed::Done(Chosen::Right)));
    }

    /// ID-7, A28: the token stands in the database as a hash, the numbers sealed; one network asks thirty times.
    async fn tokens_are_kept_as_hashes(db: TestDb) {
        let house = House::new(db);
        let from = visitor_from([198, 51, 100, 9]);
        let mut tokens = Vec::new();
        for _ in 0..30 {
            match house.begin(&from, browser(5)).await {
                Begun::Waiting(token) => tokens.push(token.expose()),
                Begun::NotNow { .. } => panic!("not now"),
            }
        }
        assert!(matches!(house.begin(&from, browser(7)).await, Begun::NotNow { .. }));
        assert!(matches!(house.begin(&visitor_from([203, 0, 113, 7]), browser(7)).await, Begun::Waiting(_)));
        let kept = house.test.read("test.kept", (), |tx, ()| Box::pin(async move {
            let rows = tx.query(&KEPT, db::params![]).await?;
            rows.iter().map(|row| Ok([row.bytes(0)?, row.bytes(1)?, row.bytes(2)?].concat())).collect()
        })).await;
        let kept: Vec<Vec<u8>> = kept.unwrap_or_else(|error: db::DbError| panic!("{error}"));
        let secret = HandoverToken::from_text(&tokens[0]).unwrap();
        assert_eq!(format!("{secret:?}"), "HandoverToken(…)");
        for bytes in kept {
            let text = String::from_utf8_lossy(&bytes);
            assert!(tokens.iter().all(|token| !text.contains(token)));
            assert!(!text.contains("offered"), "the numbers are sealed");
        }
        house.wait(601);
        assert!(matches!(house.begin(&from, browser(7)).await, Begun::Waiting(_)));
    }
}
