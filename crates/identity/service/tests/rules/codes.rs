//! ID-2: what one code is worth, and to whom.

use std::sync::Arc;

use identity_core::{
    challenge::{NotAccepted, Purpose},
    sending::NotNow,
};
use identity_service::{
    codes::Asked,
    freeze::ByCode,
    sign_in::{Registered, Verified},
};
use notify::Channel;
use testkit::{Engine, TestDb, race};

use crate::{
    house::{ANNA, Browser, House, browser, phone, visitor, visitor_from},
    tools::{after, email, name, raw, wrong},
};

const BORIS: &str = "+7 913 000-00-02";
const WRONG_4: &str = "Wrong { left: 4 }";

testkit::both_engines! {
    /// ID-2: a code lives five minutes; after that the answer says so.
    async fn a_code_lives_five_minutes(db: TestDb) {
        let house = House::new(db);
        let (anna, boris) = (phone(ANNA), phone(BORIS));
        house.ask(&anna, browser(1)).await;
        house.ask(&boris, browser(2)).await;
        let (first, second) = (house.code(&anna).await, house.code(&boris).await);
        house.wait(299);
        assert_eq!(name(&house.verify(browser(1), &first).await), "needs consent");
        house.wait(1);
        assert_eq!(name(&house.verify(browser(2), &second).await), "Expired");
        assert_eq!(house.count(&raw::TRIES).await, 1, "an expired code is not tried");
    }

    /// ID-2, A15: a code serves the purpose it was asked for and no other, and does no harm there.
    async fn a_code_serves_one_purpose(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        house.ask(&anna, browser(1)).await;
        let code = house.code(&anna).await;
        assert_eq!(house.freeze_by(browser(1), &code).await, ByCode::NotAccepted(NotAccepted::Dead));
        house.wait(60);
        assert_eq!(house.ask_for(Purpose::Freeze, &anna, browser(1)).await, Asked::Sent);
        assert_ne!(house.freeze_by(browser(1), &code).await, ByCode::Done);
        assert_eq!(name(&house.verify(browser(1), &code).await), "needs consent", "it lives where it belongs");
        house.settled().await;
    }

    /// ID-2, A16: a code typed in another browser than the one that asked is refused, always.
    async fn a_code_serves_one_browser(db: TestDb) {
        let house = House::new(db);
        let (anna, boris) = (phone(ANNA), phone(BORIS));
        house.ask(&anna, browser(1)).await;
        house.ask(&boris, browser(3)).await;
        let code = house.code(&anna).await;
        assert_eq!(name(&house.verify(browser(2), &code).await), "Dead", "a browser that never asked");
        assert_eq!(name(&house.verify(browser(3), &code).await), WRONG_4, "one that asked for another number");
        assert_eq!(name(&house.verify(browser(1), &code).await), "needs consent");
    }

    /// A16, A17: two browsers ask for one number; the second code voids the first and serves only the second.
    async fn the_latest_browser_holds_the_only_live_code(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        house.ask(&anna, browser(1)).await;
        let first = house.code(&anna).await;
        house.wait(60);
        house.ask(&anna, browser(2)).await;
        let second = house.code(&anna).await;
        assert_eq!(house.count(&raw::UNENDED).await, 1);
        assert_eq!(name(&house.verify(browser(1), &first).await), "Dead");
        assert_eq!(name(&house.verify(browser(1), &second).await), "Dead");
        assert_eq!(name(&house.verify(browser(2), &second).await), "needs consent");
    }

    /// A17: the old code is dead as soon as a new one was asked for.
    async fn a_resent_code_voids_the_old(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        house.ask(&anna, browser(1)).await;
        let old = house.code(&anna).await;
        house.wait(60);
        house.ask(&anna, browser(1)).await;
        let new = house.code(&anna).await;
        assert_ne!(old, new);
        assert_eq!(name(&house.verify(browser(1), &old).await), WRONG_4);
        assert_eq!(name(&house.verify(browser(1), &new).await), "needs consent");
    }

    /// A8: of 1,000 codes tried on one challenge five are looked at; afterwards even the right one is refused,
    /// in the same words.
    async fn a_code_dies_after_five_wrong_tries(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        house.ask(&anna, browser(1)).await;
        let code = house.code(&anna).await;
        for expected in [WRONG_4, "Wrong { left: 3 }", "Wrong { left: 2 }", "Wrong { left: 1 }", "Dead"] {
            assert_eq!(name(&house.verify(browser(1), &wrong(&code)).await), expected);
        }
        for n in 0..995_u32 {
            let tried = format!("{n:06}");
            assert_eq!(name(&house.verify(browser(1), &tried).await), "Dead");
        }
        assert_eq!(name(&house.verify(browser(1), &code).await), "Dead");
        assert_eq!(house.count(&raw::TRIES).await, 5);
    }

    /// ID-2: the next code after 60 s, then 2, 5, 10 minutes; page and text carry the running number.
    async fn waits_grow_and_codes_are_numbered(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        for (serial, pause) in [(1, 60), (2, 120), (3, 300), (4, 600)] {
            assert_eq!(house.ask(&anna, browser(1)).await, Asked::Sent);
            let status = house.status(browser(1)).await.unwrap();
            assert_eq!((status.serial, status.digits), (serial, 6));
            let text = &house.inbox(&anna, Channel::Sms).await[0].text;
            assert!(text.contains(&format!("№ {serial}")) || text.contains(&format!("№\u{a0}{serial}")), "{text}");
            house.wait(pause - 1);
            let until = house.now().saturating_add(std::time::Duration::from_secs(1));
            assert_eq!(house.ask(&anna, browser(2)).await, Asked::NotNow(NotNow::Pause { until }));
            house.wait(1);
        }
        assert_eq!(house.ask(&anna, browser(1)).await, Asked::Sent);
    }

    /// ID-2: in a browser nobody knows a call carries six digits.
    async fn a_call_carries_six_digits(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        let stranger = Browser { known: Some([7; 32]), ..browser(1) };
        assert_eq!(house.ask_as(&visitor(), &anna, stranger, true).await, Asked::Sent);
        assert_eq!(house.status(stranger).await.unwrap().digits, 6);
        let code = house.call_code(&anna, 6).await;
        assert_eq!(name(&house.verify(stranger, &code).await), "needs consent");
        house.settled().await;
    }

    /// ID-2: four digits only for sign-in, only in a browser the account knows, and two tries.
    async fn a_short_call_code_is_for_known_browsers(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        let welcome = house.enter(&anna, browser(1)).await;
        let known = after(browser(1), &welcome);
        house.wait(60);
        assert_eq!(house.ask_as(&visitor(), &anna, known, true).await, Asked::Sent);
        assert_eq!(house.status(known).await.unwrap().digits, 4);
        let code = house.call_code(&anna, 4).await;
        assert_eq!(name(&house.verify(known, &wrong(&code)).await), "Wrong { left: 1 }");
        assert_eq!(name(&house.verify(known, &wrong(&code)).await), "Dead");
        assert_eq!(name(&house.verify(known, &code).await), "Dead");
        house.wait(60);
        assert_eq!(house.ask_as(&visitor(), &anna, known, true).await, Asked::Sent);
        let code = house.call_code(&anna, 4).await;
        assert_eq!(name(&house.verify(known, &code).await), "in");
        house.wait(60);
        house.wait(3600);
        assert_eq!(house.ask_as(&visitor(), &anna, browser(2), true).await, Asked::Sent);
        assert_eq!(house.status(browser(2)).await.unwrap().digits, 6, "another browser gets six");
        house.settled().await;
    }

    /// A13: of 64 that bring the right code at once exactly one gets a session.
    async fn one_of_64_right_ones_gets_in(db: TestDb) {
        let house = Arc::new(House::new(db));
        let anna = phone(ANNA);
        house.enter(&anna, browser(1)).await;
        house.wait(60);
        house.ask(&anna, browser(2)).await;
        let code = house.code(&anna).await;
        let answers = race(64, |_| {
            let (house, code) = (Arc::clone(&house), code.clone());
            async move { name(&house.verify(browser(2), &code).await) }
        }).await;
        let count = |what: &str| answers.iter().filter(|answer| *answer == what).count();
        assert_eq!((count("in"), count("Dead")), (1, 63), "{answers:?}");
        assert_eq!((house.count(&raw::SESSIONS).await, house.count(&raw::USED).await), (2, 2));
        house.settled().await;
    }

    /// A14: of 64 wrong ones at once exactly five are counted, for the code and for the identifier.
    async fn five_of_64_wrong_ones_are_counted(db: TestDb) {
        let house = Arc::new(House::new(db));
        let anna = phone(ANNA);
        house.ask(&anna, browser(2)).await;
        let code = house.code(&anna).await;
        let answers = race(64, |_| {
            let (house, code) = (Arc::clone(&house), wrong(&code));
            async move { name(&house.verify(browser(2), &code).await) }
        }).await;
        assert!(answers.iter().all(|answer| answer.starts_with("Wrong") || answer == "Dead"), "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| answer.starts_with("Wrong")).count(), 4);
        assert_eq!((house.count(&raw::TRIES).await, house.count(&raw::IN_ROW).await), (5, 5));
        house.settled().await;
    }

    /// A51: 64 browsers that proved one number register at once: one account, whichever they are in.
    async fn one_number_is_one_account(db: TestDb) {
        let house = Arc::new(House::new(db));
        let anna = phone(ANNA);
        // Four browsers hold a proof of the same number, each asked and proved in its turn.
        for n in 1..=4 {
            house.ask_in_time(&visitor(), &anna, browser(n)).await;
            let code = house.code(&anna).await;
            assert_eq!(name(&house.verify(browser(n), &code).await), "needs consent");
        }
        let entered = race(64, |n| {
            let house = Arc::clone(&house);
            async move {
                let n = u8::try_from(n % 4).unwrap() + 1;
                match house.register(browser(n)).await {
                    Registered::In(welcome) => Some((welcome.account, welcome.is_new)),
                    _ => None,
                }
            }
        }).await;
        let entered: Vec<_> = entered.into_iter().flatten().collect();
        assert_eq!(entered.len(), 4, "each proof serves once");
        assert_eq!(entered.iter().filter(|(_, is_new)| *is_new).count(), 1);
        assert!(entered.iter().all(|(account, _)| *account == entered[0].0));
        assert_eq!((house.count(&raw::ACCOUNTS).await, house.count(&raw::IDENTIFIERS).await), (1, 1));
        house.settled().await;
    }

    /// A42 at the front door: a browser proves its own number and, while that is judged, asks for another's.
    /// The proof stays with the number it was made for. Only PostgreSQL lets the two overlap.
    async fn a_proof_does_not_move_to_another_number(db: TestDb) {
        if db.engine() == Engine::Sqlite {
            return;
        }
        let house = Arc::new(House::new(db));
        let (mine, victims) = (phone(ANNA), phone(BORIS));
        let victim = house.enter(&victims, browser(9)).await.account;
        house.wait(60);
        house.ask(&mine, browser(1)).await;
        let code = house.code(&mine).await;
        let (held, release) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
        let holder = tokio::spawn({
            let house = Arc::clone(&house);
            let input = (house.env.subject(&mine), Arc::clone(&held), Arc::clone(&release));
            async move {
                house.write(input, |tx, (_, (subject, held, release))| Box::pin(async move {
                    tx.query_one(&raw::HOLD, db::params![subject]).await?;
                    held.notify_one();
                    release.notified().await;
                    Ok(())
                })).await
            }
        });
        held.notified().await;
        let judged = tokio::spawn({
            let house = Arc::clone(&house);
            async move { name(&house.verify(browser(1), &code).await) }
        });
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert_eq!(house.ask(&victims, browser(1)).await, Asked::Sent);
        release.notify_one();
        holder.await.unwrap();
        assert_eq!(judged.await.unwrap(), "Dead");
        let registered = house.register(browser(1)).await;
        assert!(!matches!(&registered, Registered::In(welcome) if welcome.account == victim), "a stranger is in");
        assert!(matches!(registered, Registered::ProofMissing));
    }

    /// ID-1: the box must be ticked, and the proof waits for it a quarter of an hour, not longer.
    async fn a_proof_waits_fifteen_minutes(db: TestDb) {
        let house = House::new(db);
        house.ask(&phone(ANNA), browser(1)).await;
        let code = house.code(&phone(ANNA)).await;
        assert!(matches!(house.verify(browser(1), &code).await, Verified::NeedsConsent));
        assert!(matches!(house.register(browser(2)).await, Registered::ProofMissing), "another browser");
        house.wait(15 * 60);
        assert!(matches!(house.register(browser(1)).await, Registered::ProofMissing));
        assert_eq!(house.count(&raw::ACCOUNTS).await, 0);
    }

    /// ID-1, A1: an address that leads nowhere gets a letter without a code, and no account begins with it.
    async fn no_account_begins_with_an_address(db: TestDb) {
        let house = House::new(db);
        let nobody = email("nobody@example.org");
        assert_eq!(house.ask_as(&visitor_from([192, 0, 2, 9]), &nobody, browser(1), false).await, Asked::Sent);
        let letters = house.inbox(&nobody, Channel::Email).await;
        assert_eq!(letters.len(), 1);
        let has_code = letters[0].text.split_whitespace().any(|w| w.len() == 6 && w.bytes().all(|b| b.is_ascii_digit()));
        assert!(!has_code, "{}", letters[0].text);
        // Even the right code, were it guessed, would not make one.
        let input = (house.env.subject(&nobody), browser(1).key);
        house.write(input, |tx, (_, (subject, key))| Box::pin(async move {
            let now = tx.now();
            tx.execute_one(&force::PROVE, db::params![now, key, subject]).await?;
            Ok(())
        })).await;
        assert!(matches!(house.register(browser(1)).await, Registered::ProofMissing));
        assert_eq!(house.count(&raw::ACCOUNTS).await, 0);
    }
}

mod force {
    db::statements! {
        /// Pretends a proof.
        PROVE: "UPDATE code_flow SET proved_at = $1 WHERE browser = $2 AND subject = $3"
            (Int, Bytes, Bytes) -> ();
    }
}
