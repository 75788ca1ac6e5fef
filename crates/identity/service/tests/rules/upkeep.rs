//! Forgetting what has served, and nothing else.

use identity_core::Policy;
use identity_service::{codes::Asked, session, upkeep::Cleanup};
use jobs::Periodic as _;
use kernel::Identifier;
use testkit::TestDb;

use crate::{
    house::{ANNA, House, browser, phone, visitor},
    tools::{name, raw, wrong},
};

testkit::both_engines! {
    /// Codes, flows and networks are gone after two days and not before; what is counted per identifier, the
    /// account and its session stay (ID-2a, ID-9).
    async fn old_codes_are_forgotten(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        let welcome = house.enter(&anna, browser(1)).await;
        house.wait(60);
        house.ask(&anna, browser(2)).await;
        let code = house.code(&anna).await;
        house.verify(browser(2), &wrong(&code)).await;
        let cleanup = Cleanup::new(&house.test.db(), &house.env);
        let rows = async || {
            (house.count(&raw::CODES).await, house.count(&raw::FLOWS).await, house.count(&raw::NETWORKS).await)
        };
        let before = rows().await;
        assert_eq!(before, (2, 1, 4));
        house.wait(2 * 86_400 - 120);
        cleanup.run().await.unwrap();
        assert_eq!(rows().await, before, "still young");
        house.wait(200);
        cleanup.run().await.unwrap();
        assert_eq!(rows().await, (0, 0, 0));
        assert_eq!(house.count(&raw::IN_ROW).await, 1, "the row of wrong tries goes on");
        assert!(house.who(&welcome.token).await.is_some());
        assert_eq!(name(&house.verify(browser(2), &code).await), "Dead");
        assert!(house.status(browser(2)).await.is_none());
        assert_eq!(house.ask(&anna, browser(2)).await, Asked::Sent);
        house.settled().await;
    }

    /// ID-2a: a hundred wrong codes in a row close an account's number; no sweep opens it again, however late.
    /// What strangers made up about numbers without an account goes after a year, their sends after a day.
    async fn what_still_counts_is_kept(db: TestDb) {
        let policy = Policy {
            wrong_rests: 1_000,
            wrong_per_hour: 1_000,
            wrong_per_day: 1_000,
            network_wrong: 1_000,
            site_wrong: 1_000,
            network_sends_per_day: 1_000,
            range_conversion_percent: 0,
            ..Policy::default()
        };
        let house = House::with(db, policy);
        let (anna, nobody, quiet) = (phone(ANNA), phone("+7 913 000-00-02"), phone("+7 914 000-00-03"));
        let welcome = house.enter(&anna, browser(1)).await;
        let cleanup = Cleanup::new(&house.test.db(), &house.env);
        for number in [&anna, &nobody] {
            guess(&house, number, 100).await;
            assert_eq!(house.ask(number, browser(3)).await, Asked::Closed);
        }
        house.ask_in_time(&visitor(), &quiet, browser(4)).await;
        house.deliver().await;
        assert_eq!(house.count(&raw::SUBJECTS).await, 3);
        cleanup.run().await.unwrap();
        assert_eq!(house.count(&raw::SUBJECTS).await, 3, "nothing is old");
        house.wait(3 * 86_400);
        cleanup.run().await.unwrap();
        assert_eq!(house.count(&raw::SUBJECTS).await, 2, "who only asked is forgotten");
        assert_eq!(house.ask(&anna, browser(3)).await, Asked::Closed);
        assert_eq!(house.ask(&nobody, browser(3)).await, Asked::Closed);
        house.wait(400 * 86_400);
        cleanup.run().await.unwrap();
        assert_eq!(house.count(&raw::SUBJECTS).await, 1);
        assert_eq!(house.ask(&anna, browser(3)).await, Asked::Closed, "for an account it counts for ever");
        assert_eq!(house.ask(&nobody, browser(3)).await, Asked::Sent);
        assert_eq!(house.count(&raw::RANGES).await, 1, "ranges go after a month of quiet");
        assert!(house.who(&welcome.token).await.is_none());
        assert_eq!(house.count(&raw::SESSIONS).await, 0, "ID-9: ninety days idle");
        house.settled().await;
    }

    /// ID-9: a session goes when it slept ninety days and not before; one that was used stays.
    async fn idle_sessions_go(db: TestDb) {
        let house = House::new(db);
        let first = house.enter(&phone(ANNA), browser(1)).await;
        house.wait(60);
        let second = house.enter(&phone(ANNA), browser(2)).await;
        let cleanup = Cleanup::new(&house.test.db(), &house.env);
        house.wait(90 * 86_400 - 120);
        let used = (second.account, second.session);
        house.write(used, |tx, (_, (account, session))| Box::pin(async move {
            Ok(session::touch(tx, *account, *session).await?)
        })).await;
        cleanup.run().await.unwrap();
        assert_eq!(house.count(&raw::SESSIONS).await, 2);
        house.wait(120);
        cleanup.run().await.unwrap();
        assert_eq!(house.count(&raw::SESSIONS).await, 1);
        assert!(house.who(&first.token).await.is_none());
        assert!(house.who(&second.token).await.is_some());
    }

    /// ID-2a: a row that begins to count again while the sweep goes over it stays.
    async fn a_row_in_use_is_not_swept(db: TestDb) {
        let house = House::new(db);
        house.ask(&phone(ANNA), browser(1)).await;
        house.deliver().await;
        let cleanup = Cleanup::new(&house.test.db(), &house.env);
        for n in 2..20 {
            house.wait(3 * 86_400);
            let number = phone(ANNA);
            let (asked, swept) = tokio::join!(house.ask(&number, browser(n)), cleanup.run());
            assert_eq!((asked, swept.is_ok()), (Asked::Sent, true));
            assert_eq!(house.count(&raw::SUBJECTS).await, 1, "round {n}");
            house.deliver().await;
        }
    }

    /// A28, EV-3: answers under idempotency keys go after a day, all of them, however many there are.
    async fn every_old_answer_goes(db: TestDb) {
        let house = House::new(db);
        for some in 0..3_u16 {
            house.write(some, |tx, (_, some)| Box::pin(async move {
                for n in 0..400 {
                    let key = format!("{some}-{n}");
                    db::idempotency::claim(tx, b"scope", &key, &[1; 32]).await?;
                    db::idempotency::keep(tx, b"scope", &key, b"answer").await?;
                }
                Ok(())
            })).await;
        }
        let cleanup = Cleanup::new(&house.test.db(), &house.env);
        cleanup.run().await.unwrap();
        assert_eq!(house.count(&raw::ANSWERS).await, 1_200);
        house.wait(86_400 + 1);
        cleanup.run().await.unwrap();
        assert_eq!(house.count(&raw::ANSWERS).await, 0);
    }
}

/// So many wrong codes in a row, as soon as they may be tried.
async fn guess(house: &House, number: &Identifier, times: u32) {
    let mut left = times;
    while left > 0 {
        house.ask_in_time(&visitor(), number, browser(9)).await;
        let code = house.code(number).await;
        for _ in 0..left.min(5) {
            house.verify(browser(9), &wrong(&code)).await;
            left -= 1;
        }
    }
}
