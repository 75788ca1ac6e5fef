//! A38, RE-12: the owner's stop, and what is left of a case that has ended.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use jobs::Periodic;
use recovery_core::{State, limits};
use recovery_service::{
    case::Found,
    facts::Saved,
    phone::Bound,
    resume::Resumed,
    stop::{StopLink, StopToken},
    upkeep::{Cleanup, after_restore},
};
use testkit::TestDb;

use crate::house::{ANNA, ANNA_MAIL, House, NEW, NOBODY, browser, mail, phone, raw, stop_token};

impl House {
    /// The link that stops the newest case of Anna.
    async fn link(&self) -> StopToken {
        let inbox = self.inbox(&phone(ANNA)).await;
        inbox
            .iter()
            .find_map(|text| stop_token(text))
            .expect("a link")
    }

    async fn keep_house(&self) {
        Cleanup::new(&self.test.db(), &self.env)
            .run()
            .await
            .unwrap();
    }
}

testkit::both_engines! {
    /// A38: one press, without a session; looking changes nothing; the claimant gets no further.
    async fn the_owner_stops_it(db: TestDb) {
        let house = House::new(db);
        house.anna().await;
        let number = house.start(&phone(ANNA), browser(1)).await;
        house.bind(browser(1), &phone(NEW)).await;
        let link = house.link().await;
        for _ in 0..3 {
            assert_eq!(house.look_stop(&link).await, StopLink::Open, "A31");
        }
        assert_eq!(house.stop(&link).await, StopLink::Stopped);
        assert_eq!(house.look_stop(&link).await, StopLink::Stopped);
        assert_eq!(house.case(browser(1)).await.state, State::Stopped);
        assert_eq!(house.save(browser(1), House::person()).await, Saved::NoCase);
        house.wait(400);
        let sent = house.inbox(&phone(NEW)).await.len();
        assert_eq!(house.ask_phone(browser(1), &phone(NEW)).await, Bound::NoCase);
        assert_eq!(house.inbox(&phone(NEW)).await.len(), sent, "nothing is sent for a case that has ended");
        let letters = house.inbox(&mail(ANNA_MAIL)).await;
        assert!(letters[0].contains("заморозить") || letters[0].contains("Если"), "{}", letters[0]);
        // The claimant may still see that it was stopped.
        house.wait(400);
        house.ask_resume(browser(2), &phone(NEW)).await;
        let code = house.code(&phone(NEW)).await;
        assert_eq!(house.resume(browser(2), &code, &number).await, Resumed::Done);
        assert_eq!(house.case(browser(2)).await.state, State::Stopped);
    }

    /// A38: sixty-four presses are one stop: one note in the log, one message to each channel.
    async fn a_race_of_presses(db: TestDb) {
        let house = Arc::new(House::new(db));
        house.anna().await;
        house.start(&phone(ANNA), browser(1)).await;
        let link = house.link().await;
        let before = house.inbox(&phone(ANNA)).await.len();
        let input = (house.clone(), link);
        let answers = testkit::race(64, move |_| {
            let (house, link) = (Arc::clone(&input.0), input.1.clone());
            async move { house.stop(&link).await }
        })
        .await;
        assert!(answers.iter().all(|link| *link == StopLink::Stopped));
        assert_eq!(house.inbox(&phone(ANNA)).await.len(), before + 1);
    }

    /// A38: a token of another account, or a guessed one, stops nothing.
    async fn no_other_link_stops_it(db: TestDb) {
        let house = House::new(db);
        let anna = house.anna().await;
        house.start(&phone(ANNA), browser(1)).await;
        house.deliver().await;
        let guessed = [anna.as_bytes().as_slice(), &[7; 16]].concat();
        let guessed = URL_SAFE_NO_PAD.encode(guessed);
        let guessed = StopToken::from_text(&guessed).unwrap();
        assert_eq!(house.stop(&guessed).await, StopLink::Over);
        assert_eq!(house.case(browser(1)).await.state, State::Draft);
        assert!(StopToken::from_text("nothing").is_none());
    }

    /// A draft ends after seven days: its key is destroyed, and everything that was typed with it; later the row goes.
    async fn drafts_end(db: TestDb) {
        let house = House::new(db);
        house.start(&phone(NOBODY), browser(1)).await;
        house.bind(browser(1), &phone(NEW)).await;
        assert_eq!(house.save(browser(1), House::person()).await, Saved::Done);
        house.wait(limits::DRAFT_LIFE.as_secs() - 3_600);
        house.keep_house().await;
        assert_eq!(house.case(browser(1)).await.state, State::Draft);
        house.wait(3_600);
        // Also before the sweep has come.
        assert!(matches!(house.look(browser(1)).await, Some(Found::Erased(State::Expired))));
        assert_eq!(house.save(browser(1), House::person()).await, Saved::NoCase);
        house.keep_house().await;
        assert_eq!((house.count(&raw::KEYS).await, house.count(&raw::TOLD).await), (0, 0));
        assert!(matches!(house.look(browser(1)).await, Some(Found::Erased(State::Expired))));
        assert_eq!(house.count(&raw::CASES).await, 1, "it counts for thirty days");
        house.wait(limits::KEPT.as_secs() + 1);
        house.keep_house().await;
        assert_eq!(house.count(&raw::CASES).await, 0);
        house.wait(100 * 24 * 3_600);
        house.keep_house().await;
        assert_eq!((house.count(&raw::NUMBERS).await, house.count(&raw::SEATS).await), (0, 0));
    }

    /// F18: a restored backup may hold a case that was stopped since: none is open after it.
    async fn a_restored_backup_opens_no_case(db: TestDb) {
        let house = House::new(db);
        house.start(&phone(NOBODY), browser(1)).await;
        house.write((), |tx, _| Box::pin(async move { Ok(after_restore(tx).await?) })).await;
        assert!(matches!(house.look(browser(1)).await, Some(Found::Erased(State::Expired))));
        assert_eq!(house.count(&raw::KEYS).await, 0);
    }
}
