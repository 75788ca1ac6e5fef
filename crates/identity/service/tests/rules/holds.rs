//! CH-2, CH-3, A49: changes that wait.

use std::sync::Arc;

use identity_core::changes::{Kind, Stopped};
use identity_service::{
    changes::{ChangePhone, Changed, Link, Pressed, Verified},
    freeze,
    step_up::{Performed, To},
};
use notify::Channel;
use testkit::{TestDb, race};

use crate::{
    change_tools::{DAY, MAIL, NEW, to},
    house::{ANNA, House, browser, phone},
    tools::{after, email},
};

const THIRD: &str = "+7 915 000-00-03";

fn held(done: &Performed<Changed>) -> bool {
    matches!(done, Performed::Done(Changed::Held { .. }))
}

testkit::both_engines! {
    /// CH-2: told on day 0, 7 and 13 on both channels, made on day 14, each once however often the server looks, and
    /// in spite of a server that slept; the bank can see that something moves (A44).
    async fn a_lost_number_goes_by_itself(db: TestDb) {
        let house = House::new(db);
        let (old, new, mail) = (phone(ANNA), phone(NEW), email(MAIL));
        let (welcome, who) = house.owner().await;
        house.with_email(&who, &mail).await;
        house.first_password(&who).await;
        assert!(held(&house.held(&who, &new).await));
        assert_eq!(house.leads(&who).await, [to(&mail), to(&old)], "nothing yet");
        let moving = house.changing(welcome.account).await.phone.expect("it moves");
        assert_eq!(moving.until.since(moving.since).as_secs(), 14 * DAY);
        assert_eq!(house.prove_new(&who, &phone(THIRD)).await, Verified::Free);
        let mut told = Vec::new();
        for day in 0..=15_u64 {
            house.test.clock().set(moving.since.saturating_add(std::time::Duration::from_secs(day * DAY)));
            for _ in 0..3 {
                house.sweep().await;
            }
            let links = (house.change_links(&old).await.len(), house.change_links(&mail).await.len());
            assert_eq!(links.0, links.1);
            told.push(links.0);
            let is_moved = house.leads(&who).await.contains(&to(&new));
            assert_eq!(is_moved, day >= 14, "day {day}");
        }
        assert_eq!(told, [1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3]);
        assert_eq!(house.leads(&who).await, [to(&mail), to(&new)]);
        assert_eq!(house.changing(welcome.account).await.phone, None);
        for at in [&old, &new] {
            assert!(!house.notices(at, Channel::Sms).await.is_empty(), "told of the end");
        }
        let entered = house.enter_in_time(&new, browser(2)).await;
        assert_eq!(entered.account, welcome.account);
        house.settled().await;
    }

    /// A49: the passcode, the password or a passkey first; an account with codes alone begins no hold.
    async fn codes_begin_no_hold(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.owner().await;
        let new = phone(NEW);
        assert_eq!(house.prove_new(&who, &new).await, Verified::Free);
        let cmd = identity_service::changes::HoldPhone { to: to(&new) };
        assert_eq!(house.perform(&who, cmd, None).await, Performed::NothingToShow);
    }

    /// CH-2: a link that was sent to the old number stops the clock once and nothing more; the owner's session ends
    /// the change, and then it can begin anew.
    async fn the_old_number_stops_the_clock(db: TestDb) {
        let house = House::new(db);
        let (old, new) = (phone(ANNA), phone(NEW));
        let (welcome, who) = house.owner().await;
        house.first_password(&who).await;
        house.wait(DAY);
        assert!(held(&house.held(&who, &new).await));
        assert_eq!(house.held(&who, &phone(THIRD)).await, Performed::Done(Changed::Waits));
        let link = house.change_links(&old).await.remove(0);
        assert_eq!(house.look_change(&link).await, Link::Stop(Kind::Phone));
        assert_eq!(house.press_change(&link).await, Pressed::Disputed(Kind::Phone));
        let stands = house.changing(welcome.account).await.phone.expect("it is there");
        assert!(stands.disputed_at.is_some());
        house.wait(40 * DAY);
        house.sweep().await;
        assert_eq!(house.leads(&who).await, [to(&old)], "its clock stands");
        assert_eq!(house.press_change(&link).await, Pressed::Over);
        assert_eq!(house.stop_change(&who, Kind::Phone).await, Some(Stopped::Ended));
        assert_eq!(house.stop_change(&who, Kind::Phone).await, None);
        assert!(held(&house.held(&who, &new).await));
        house.settled().await;
    }

    /// A49: a link that was sent to the mailbox ends the change of the phone.
    async fn the_mailbox_ends_it(db: TestDb) {
        let house = House::new(db);
        let (old, new, mail) = (phone(ANNA), phone(NEW), email(MAIL));
        let (welcome, who) = house.owner().await;
        house.with_email(&who, &mail).await;
        house.first_password(&who).await;
        assert!(held(&house.held(&who, &new).await));
        let link = house.change_links(&mail).await.remove(0);
        assert_eq!(house.press_change(&link).await, Pressed::Ended(Kind::Phone));
        assert_eq!(house.changing(welcome.account).await.phone, None);
        let other = house.change_links(&old).await.remove(0);
        assert_eq!(house.press_change(&other).await, Pressed::Over, "what it would stop is over");
        house.wait(20 * DAY);
        house.sweep().await;
        assert_eq!(house.leads(&who).await, [to(&mail), to(&old)]);
        house.settled().await;
    }

    /// A49: who signs in by a code to the number that was said to be lost stops the clock; in a browser that the
    /// account knew before, it ends the change.
    async fn entering_by_the_old_number_stops_it(db: TestDb) {
        let house = House::new(db);
        let (old, new) = (phone(ANNA), phone(NEW));
        let (welcome, who) = house.owner().await;
        let known = after(browser(1), &welcome);
        house.first_password(&who).await;
        house.wait(DAY);
        assert!(held(&house.held(&who, &new).await));
        house.wait(DAY);
        let stranger = house.enter_in_time(&old, browser(7)).await;
        let stands = house.changing(welcome.account).await.phone.expect("it is there");
        assert!(stands.disputed_at.is_some(), "a new browser with the old number alone");
        let stranger = house.signed_in(&stranger).await;
        assert_eq!(house.stop_change(&stranger, Kind::Phone).await, Some(Stopped::Already), "once");
        house.wait(DAY);
        house.enter_in_time(&old, known).await;
        assert_eq!(house.changing(welcome.account).await.phone, None, "a known browser");
        house.settled().await;
    }

    /// CH-2: a cancel from a session that was born by the old number alone stops the clock; one of the owner's own
    /// browser ends the change.
    async fn a_button_is_worth_its_session(db: TestDb) {
        let house = House::new(db);
        let (old, new) = (phone(ANNA), phone(NEW));
        let (welcome, who) = house.owner().await;
        house.first_password(&who).await;
        let thief = house.enter_in_time(&old, browser(7)).await;
        house.wait(DAY);
        assert!(held(&house.held(&who, &new).await));
        let thief = house.signed_in(&thief).await;
        assert_eq!(house.stop_change(&thief, Kind::Phone).await, Some(Stopped::Ended), "known since before");
        assert!(held(&house.held(&who, &new).await));
        assert_eq!(house.stop_change(&who, Kind::Phone).await, Some(Stopped::Ended));
        assert_eq!(house.changing(welcome.account).await.phone, None);
        house.settled().await;
    }

    /// A51: what somebody else has by then is not taken; the change ends and the owner is told.
    async fn a_number_that_was_taken_meanwhile(db: TestDb) {
        let house = House::new(db);
        let (old, new) = (phone(ANNA), phone(NEW));
        let (welcome, who) = house.owner().await;
        house.first_password(&who).await;
        assert!(held(&house.held(&who, &new).await));
        let boris = house.enter_in_time(&new, browser(4)).await;
        assert!(boris.is_new, "a hold reserves nothing");
        for _ in 0..3 {
            house.wait(7 * DAY);
            house.sweep().await;
        }
        assert_eq!(house.leads(&who).await, [to(&old)]);
        assert_eq!(house.changing(welcome.account).await.phone, None);
        assert!(house.who(&boris.token).await.is_some());
        house.settled().await;
    }

    /// A51: of 64 holds for one number that end at the same moment exactly one is made.
    async fn one_of_many_holds_wins(db: TestDb) {
        let house = Arc::new(House::with(db, crate::change_tools::patient()));
        let new = phone(NEW);
        let mut all = Vec::new();
        for n in 0..64_u8 {
            let mine = phone(&format!("+7 912 {:03}-00-{n:02}", 100 + u16::from(n)));
            let welcome = house.enter_in_time(&mine, browser(n)).await;
            let who = house.signed_in(&welcome).await;
            house.first_password(&who).await;
            assert!(held(&house.held(&who, &new).await));
            all.push((who, mine));
        }
        for days in [7, 6] {
            house.wait(days * DAY);
            house.sweep().await;
        }
        house.wait(2 * DAY);
        race(8, |_| {
            let house = Arc::clone(&house);
            async move { house.sweep().await }
        })
        .await;
        let mut won = 0;
        for (who, mine) in &all {
            let leads = house.leads(who).await;
            assert!(leads == [to(mine)] || leads == [to(&new)], "{leads:?}");
            won += usize::from(leads == [to(&new)]);
            assert_eq!(house.changing(who.account.id).await.phone, None);
        }
        assert_eq!(won, 1);
        house.settled().await;
    }

    /// A49: a frozen account changes nothing; its hold goes on when the freeze is lifted.
    async fn a_frozen_account_moves_nothing(db: TestDb) {
        let house = House::new(db);
        let (old, new) = (phone(ANNA), phone(NEW));
        let (_, who) = house.owner().await;
        house.first_password(&who).await;
        assert!(held(&house.held(&who, &new).await));
        house.act(&who, |tx, (env, who)| {
            Box::pin(async move { freeze::freeze_mine(tx, env, &crate::house::visitor(), who).await })
        }).await;
        for _ in 0..4 {
            house.wait(7 * DAY);
            house.sweep().await;
        }
        assert_eq!(house.leads(&who).await, [to(&old)]);
        let who = Arc::new(house.reread(&who).await);
        assert_eq!(house.perform(&who, ChangePhone { to: to(&new) }, None).await, Performed::Frozen);
        house.settled().await;
    }

    /// CH-1 in the middle of CH-2: the number was found again; the hold ends with the change.
    async fn a_change_at_once_ends_the_hold(db: TestDb) {
        let house = House::new(db);
        let (old, new, third) = (phone(ANNA), phone(NEW), phone(THIRD));
        let (welcome, who) = house.owner().await;
        house.first_password(&who).await;
        assert!(held(&house.held(&who, &new).await));
        assert_eq!(house.prove_new(&who, &third).await, Verified::Free);
        let cmd = ChangePhone { to: to(&third) };
        let step = house.step_of(&who, cmd, &[(To::Phone, &old)], true).await;
        assert_eq!(house.change_phone(&who, &third, Some(step)).await, Performed::Done(Changed::Done));
        assert_eq!(house.changing(welcome.account).await.phone, None);
        house.wait(20 * DAY);
        house.sweep().await;
        assert_eq!(house.leads(&who).await, [to(&third)]);
        house.settled().await;
    }

    /// CH-3: the mailbox is lost: the same hold, the same words, by the phone's link it ends.
    async fn a_lost_mailbox_goes_by_itself(db: TestDb) {
        let house = House::new(db);
        let (old, mail, new) = (phone(ANNA), email(MAIL), email("anna@new.example"));
        let (welcome, who) = house.owner().await;
        house.with_email(&who, &mail).await;
        house.first_password(&who).await;
        assert!(held(&house.held(&who, &new).await));
        let link = house.change_links(&mail).await.remove(0);
        assert_eq!(house.press_change(&link).await, Pressed::Disputed(Kind::Email));
        let link = house.change_links(&old).await.remove(0);
        assert_eq!(house.press_change(&link).await, Pressed::Ended(Kind::Email));
        house.wait(DAY);
        assert!(held(&house.held(&who, &new).await));
        for days in [7, 6, 1] {
            house.wait(days * DAY);
            house.sweep().await;
        }
        assert_eq!(house.leads(&who).await, [to(&new), to(&old)]);
        assert_eq!(house.changing(welcome.account).await.email, None);
        house.settled().await;
    }

    /// F18: a restored backup begins every clock anew and has the owner told anew: nobody knows what was stopped since.
    async fn a_restore_begins_the_clock_anew(db: TestDb) {
        let house = House::new(db);
        let (old, new) = (phone(ANNA), phone(NEW));
        let (welcome, who) = house.owner().await;
        house.first_password(&who).await;
        assert!(held(&house.held(&who, &new).await));
        house.wait(13 * DAY);
        house.sweep().await;
        house.write((), |tx, _| Box::pin(async move {
            Ok(identity_service::restore::after_restore(tx).await?)
        })).await;
        let before = house.change_links(&old).await.len();
        house.sweep().await;
        assert_eq!(house.change_links(&old).await.len(), before + 1, "told anew, with a link that lives");
        house.wait(2 * DAY);
        house.sweep().await;
        assert_eq!(house.leads(&who).await, [to(&old)]);
        assert!(house.changing(welcome.account).await.phone.is_some());
        house.settled().await;
    }
}
