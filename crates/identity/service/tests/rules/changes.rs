//! CH-1, CH-3 to CH-5: another phone or e-mail with the old one at hand, and its undoing.

use std::sync::Arc;

use identity_core::{assurance::Method, changes::Kind};
use identity_service::{
    changes::{AskedNew, ChangeEmail, ChangePhone, Changed, Link, Pressed, Verified},
    freeze,
    session::SignedIn,
    sign_in::Verified as AtDoor,
    step_up::{Performed, Progress, To, Tried},
    totp,
};
use notify::Channel;
use testkit::{TestDb, race};

use crate::{
    change_tools::{DAY, MAIL, NEW, to},
    house::{ANNA, House, browser, phone},
    tools::{email, name, wrong},
};

const BORIS: &str = "+7 914 000-00-02";
const THIRD: &str = "+7 915 000-00-03";

async fn is_frozen(house: &House, who: &Arc<SignedIn>) -> bool {
    let account = who.account.id;
    let frozen = house.test.read("test.frozen", account, |tx, account| {
        Box::pin(freeze::is_frozen(tx, *account))
    });
    frozen
        .await
        .unwrap_or_else(|error: db::DbError| panic!("{error}"))
}

/// CH-4: an account is never without a phone: no statement of the area takes an identifier away from an account, they
/// only put another one in its place; and one is released in one place only, after another was claimed.
#[test]
fn nothing_removes_an_identifier() {
    for statement in identity_service::statements() {
        let text = statement.text;
        assert!(
            !text.contains("DELETE FROM account_identifier"),
            "{}",
            statement.name
        );
        let releases = text.contains("DELETE FROM identifier ");
        assert!(
            !releases || statement.name.ends_with("changes::sql::RELEASE"),
            "{}",
            statement.name
        );
    }
}

testkit::both_engines! {
    /// CH-1: the code to the new number, the code to the old one, changed at once; all three are told; the new number
    /// signs in, the old one makes nothing of the old account.
    async fn a_phone_is_changed(db: TestDb) {
        let house = House::new(db);
        let (old, new, mail) = (phone(ANNA), phone(NEW), email(MAIL));
        let (welcome, who) = house.owner().await;
        house.with_email(&who, &mail).await;
        assert_eq!(house.prove_new(&who, &new).await, Verified::Free);
        let cmd = ChangePhone { to: to(&new) };
        let step = house.step_of(&who, cmd, &[(To::Phone, &old), (To::Email, &mail)], false).await;
        assert_eq!(house.change_phone(&who, &new, Some(step)).await, Performed::Done(Changed::Done));
        assert_eq!(house.leads(&who).await, [to(&mail), to(&new)], "the e-mail stays");
        assert_eq!(house.change_links(&old).await.len(), 1);
        assert_eq!(house.change_links(&mail).await.len(), 1);
        assert_eq!(house.change_links(&new).await.len(), 0, "who has the new one cannot undo");
        assert_eq!(house.notices(&new, Channel::Sms).await.len(), 1);
        assert!(house.changing(welcome.account).await.changed_at.is_some());
        // The proof of the new one and the step are used up.
        assert!(!matches!(house.change_phone(&who, &new, Some(step)).await, Performed::Done(Changed::Done)));
        house.wait(DAY);
        let entered = house.enter_in_time(&new, browser(2)).await;
        assert_eq!((entered.account, entered.is_new), (welcome.account, false));
        let other = house.enter_in_time(&old, browser(3)).await;
        assert_ne!(other.account, welcome.account);
        assert!(other.is_new);
        house.settled().await;
    }

    /// A42: the proof is of exactly one number: another one, asked for afterwards, voids it; a proof of one makes no
    /// change to another; nor does a code of another session.
    async fn a_proof_is_of_one_number(db: TestDb) {
        let house = House::new(db);
        let (old, new, third) = (phone(ANNA), phone(NEW), phone(THIRD));
        let (_, who) = house.owner().await;
        assert_eq!(house.prove_new(&who, &new).await, Verified::Free);
        let cmd = ChangePhone { to: to(&third) };
        let step = house.step_of(&who, cmd, &[(To::Phone, &old)], false).await;
        let done = house.change_phone(&who, &third, Some(step)).await;
        assert_eq!(done, Performed::Done(Changed::NewFirst), "proved was another one");
        house.ask_new(&who, &third).await;
        let cmd = ChangePhone { to: to(&new) };
        let step = house.step_of(&who, cmd, &[(To::Phone, &old)], false).await;
        let done = house.change_phone(&who, &new, Some(step)).await;
        assert_eq!(done, Performed::Done(Changed::NewFirst), "editing it voids the proof");
        // The step of one number confirms no other.
        assert_eq!(house.prove_new(&who, &new).await, Verified::Free);
        let cmd = ChangePhone { to: to(&third) };
        let step = house.step_of(&who, cmd, &[(To::Phone, &old)], false).await;
        assert!(matches!(house.change_phone(&who, &new, Some(step)).await, Performed::Needs(_)));
        assert_eq!(house.leads(&who).await, [to(&old)]);
        house.settled().await;
    }

    /// A48: where a password is there, neither the session's own sign-in code nor the phone's codes suffice, nor does
    /// the password without a code to the old number or the e-mail; what was shown lives five minutes.
    async fn a_hijacked_session_changes_nothing(db: TestDb) {
        let house = House::new(db);
        let (old, new) = (phone(ANNA), phone(NEW));
        let (_, who) = house.owner().await;
        house.first_password(&who).await;
        assert_eq!(house.prove_new(&who, &new).await, Verified::Free);
        let cmd = ChangePhone { to: to(&new) };
        let step = house.step_of(&who, cmd.clone(), &[(To::Phone, &old)], false).await;
        assert!(matches!(house.change_phone(&who, &new, Some(step)).await, Performed::Needs(_)), "the phone alone");
        let left = house.proves(&who, step).await;
        assert_eq!(left, Progress::Proved);
        house.wait(301);
        assert!(matches!(house.change_phone(&who, &new, Some(step)).await, Performed::Needs(_)), "five minutes");
        let step = house.step_of(&who, cmd.clone(), &[], true).await;
        let left = house.proves(&who, step).await;
        assert_eq!(left, Progress::More(vec![vec![Method::Sms]]), "the password alone");
        assert!(matches!(house.change_phone(&who, &new, Some(step)).await, Performed::Needs(_)));
        assert_eq!(house.leads(&who).await, [to(&old)]);
        assert!(matches!(house.prove_by_code(&who, step, To::Phone, &old).await, Tried::Right(Progress::Proved)));
        assert_eq!(house.change_phone(&who, &new, Some(step)).await, Performed::Done(Changed::Done));
        house.settled().await;
    }

    /// A48: the old number puts itself back within fourteen days, once, and only by pressing; money is frozen and every
    /// session ends.
    async fn a_change_is_undone(db: TestDb) {
        let house = House::new(db);
        let (old, new) = (phone(ANNA), phone(NEW));
        let (welcome, who) = house.owner().await;
        assert_eq!(house.moved(&who, &old, &new).await, Performed::Done(Changed::Done));
        let link = house.change_links(&old).await.remove(0);
        house.wait(13 * DAY);
        for _ in 0..3 {
            assert_eq!(house.look_change(&link).await, Link::Undo(Kind::Phone), "looking changes nothing (A31)");
        }
        assert_eq!(house.leads(&who).await, [to(&new)]);
        assert_eq!(house.press_change(&link).await, Pressed::Undone(Kind::Phone));
        assert_eq!(house.press_change(&link).await, Pressed::Over);
        assert_eq!(house.look_change(&link).await, Link::Over);
        assert_eq!(house.leads(&who).await, [to(&old)]);
        assert!(is_frozen(&house, &who).await);
        assert!(house.who(&welcome.token).await.is_none(), "sessions end");
        let entered = house.enter_in_time(&old, browser(2)).await;
        assert_eq!(entered.account, welcome.account);
        house.settled().await;
    }

    /// A48: the link lives fourteen days and no longer.
    async fn an_undoing_has_its_time(db: TestDb) {
        let house = House::new(db);
        let (old, new) = (phone(ANNA), phone(NEW));
        let (_, who) = house.owner().await;
        house.moved(&who, &old, &new).await;
        let link = house.change_links(&old).await.remove(0);
        house.wait(14 * DAY);
        assert_eq!(house.press_change(&link).await, Pressed::Over);
        assert_eq!(house.leads(&who).await, [to(&new)]);
    }

    /// A48: a thief who changes the number twice does not outrun the first undoing, nor undoes it by the second.
    async fn the_first_undoing_wins(db: TestDb) {
        let house = House::new(db);
        let (old, new, third) = (phone(ANNA), phone(NEW), phone(THIRD));
        let (_, who) = house.owner().await;
        house.moved(&who, &old, &new).await;
        let first = house.change_links(&old).await.remove(0);
        house.wait(DAY);
        assert_eq!(house.moved(&who, &new, &third).await, Performed::Done(Changed::Done));
        let second = house.change_links(&new).await.remove(0);
        assert_eq!(house.press_change(&first).await, Pressed::Undone(Kind::Phone));
        assert_eq!(house.leads(&who).await, [to(&old)]);
        assert_eq!(house.press_change(&second).await, Pressed::Over);
        assert_eq!(house.leads(&who).await, [to(&old)]);
        house.settled().await;
    }

    /// A48, CH-5: an old number that somebody else has by now is not taken from them; the account is frozen all the
    /// same.
    async fn a_number_that_went_on_stays_gone(db: TestDb) {
        let house = House::new(db);
        let (old, new) = (phone(ANNA), phone(NEW));
        let (_, who) = house.owner().await;
        house.moved(&who, &old, &new).await;
        let boris = house.enter_in_time(&old, browser(2)).await;
        let link = house.change_links(&old).await.remove(0);
        assert_eq!(house.press_change(&link).await, Pressed::Gone(Kind::Phone));
        assert_eq!(house.leads(&who).await, [to(&new)]);
        assert!(is_frozen(&house, &who).await);
        assert!(house.who(&boris.token).await.is_some(), "Boris is not touched");
        house.settled().await;
    }

    /// CH-5: a number that leads to another account gets its code like any other; only after it the answer differs.
    async fn a_taken_number_says_nothing_before_its_code(db: TestDb) {
        let house = House::new(db);
        let boris = phone(BORIS);
        house.enter_in_time(&boris, browser(9)).await;
        let (_, who) = house.owner().await;
        house.wait(DAY);
        assert_eq!(house.prove_new(&who, &boris).await, Verified::Taken);
        let done = house.change_phone(&who, &boris, None).await;
        let Performed::Needs(step) = done else { panic!("{done:?}") };
        house.prove_by_code(&who, step, To::Phone, &phone(ANNA)).await;
        let done = house.change_phone(&who, &boris, Some(step)).await;
        assert_eq!(done, Performed::Done(Changed::NewFirst), "its proof is used up");
        house.wait(DAY);
        assert_eq!(house.ask_new(&who, &boris).await, house.ask_new(&who, &phone(THIRD)).await);
        assert_eq!(house.ask_new(&who, &phone(ANNA)).await, AskedNew::Same);
        assert_eq!(house.ask_new(&who, &email(MAIL)).await, AskedNew::Nothing, "ID-4: one is added");
        house.settled().await;
    }

    /// CH-5: wrong codes to a new number are counted like all others.
    async fn wrong_codes_are_counted(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.owner().await;
        house.ask_new(&who, &phone(NEW)).await;
        let typed = house.new_code(&phone(NEW)).await;
        let refused = house.verify_new(&who, Kind::Phone, &wrong(&typed)).await;
        assert!(matches!(refused, Verified::NotAccepted(_)), "{refused:?}");
        let refused = house.verify_new(&who, Kind::Email, &typed).await;
        assert!(matches!(refused, Verified::NotAccepted(_)), "of one purpose only (A15): {refused:?}");
        assert_eq!(house.verify_new(&who, Kind::Phone, &typed).await, Verified::Free);
    }

    /// A50: who has changed the phone today takes nothing more away today without something old, and the other way
    /// round.
    async fn one_slice_a_day(db: TestDb) {
        let house = House::new(db);
        let (old, new, mail) = (phone(ANNA), phone(NEW), email(MAIL));
        let (_, who) = house.owner().await;
        house.with_email(&who, &mail).await;
        house.first_password(&who).await;
        house.wait(2 * DAY);
        assert_eq!(house.prove_new(&who, &new).await, Verified::Free);
        let cmd = ChangePhone { to: to(&new) };
        let step = house.step_of(&who, cmd, &[(To::Phone, &old)], true).await;
        assert_eq!(house.change_phone(&who, &new, Some(step)).await, Performed::Done(Changed::Done));
        let other = email("thief@example.org");
        assert_eq!(house.prove_new(&who, &other).await, Verified::Free);
        let refused = house.change_email(&who, &other, None).await;
        assert!(matches!(refused, Performed::TooSoon { .. }), "{refused:?}");
        let refused = house.perform(&who, totp::Remove {}, None).await;
        assert!(!matches!(refused, Performed::Done(totp::Removed::Done)));
        house.wait(DAY);
        assert_eq!(house.prove_new(&who, &other).await, Verified::Free);
        let cmd = ChangeEmail { to: to(&other) };
        let step = house.step_of(&who, cmd, &[(To::Phone, &new)], true).await;
        assert_eq!(house.change_email(&who, &other, Some(step)).await, Performed::Done(Changed::Done));
        assert_eq!(house.leads(&who).await, [to(&other), to(&new)]);
        // CH-3: the old mailbox is told and puts itself back.
        let link = house.change_links(&mail).await.remove(0);
        assert_eq!(house.press_change(&link).await, Pressed::Undone(Kind::Email));
        assert_eq!(house.leads(&who).await, [to(&mail), to(&new)]);
        house.settled().await;
    }

    /// A51: of 64 accounts that race for one number exactly one wins, and nobody is left half-way.
    async fn one_of_many_gets_a_number(db: TestDb) {
        let house = Arc::new(House::with(db, crate::change_tools::patient()));
        let new = phone(NEW);
        let mut all = Vec::new();
        for n in 0..64_u8 {
            let mine = phone(&format!("+7 912 {:03}-00-{:02}", 100 + u16::from(n), n));
            let welcome = house.enter_in_time(&mine, browser(n)).await;
            let who = house.signed_in(&welcome).await;
            all.push((who, mine));
        }
        let ready = house.all_proved(&all, &new).await;
        let ready = Arc::new(ready);
        let answers = race(64, |n| {
            let (house, ready, new) = (Arc::clone(&house), Arc::clone(&ready), new.clone());
            async move {
                let (who, step) = &ready[n];
                house.change_phone(who, &new, Some(*step)).await
            }
        })
        .await;
        let won = answers.iter().filter(|a| **a == Performed::Done(Changed::Done)).count();
        let lost = answers.iter().filter(|a| **a == Performed::Done(Changed::Taken)).count();
        assert_eq!((won, lost), (1, 63), "{answers:?}");
        let mut with_new = 0;
        for (who, mine) in &all {
            let leads = house.leads(who).await;
            assert!(leads == [to(mine)] || leads == [to(&new)], "{leads:?}");
            with_new += usize::from(leads == [to(&new)]);
        }
        assert_eq!(with_new, 1);
        assert_eq!(house.count(&crate::tools::raw::IDENTIFIERS).await, 64, "none is lost, none too many");
        house.settled().await;
    }

    /// A51: one link pressed by 64 at once undoes once.
    async fn an_undoing_happens_once(db: TestDb) {
        let house = Arc::new(House::new(db));
        let (old, new) = (phone(ANNA), phone(NEW));
        let (_, who) = house.owner().await;
        house.moved(&who, &old, &new).await;
        let link = house.change_links(&old).await.remove(0);
        let answers = race(64, |_| {
            let (house, link) = (Arc::clone(&house), link.clone());
            async move { house.press_change(&link).await }
        })
        .await;
        assert_eq!(answers.iter().filter(|a| **a == Pressed::Undone(Kind::Phone)).count(), 1);
        assert_eq!(answers.iter().filter(|a| **a == Pressed::Over).count(), 63);
        assert_eq!(house.leads(&who).await, [to(&old)]);
        house.settled().await;
    }

    /// CH-4: after a change the account has one phone, and what the old one had shown opens nothing more.
    async fn what_the_old_one_had_shown_is_gone(db: TestDb) {
        let house = House::new(db);
        let (old, new) = (phone(ANNA), phone(NEW));
        let (_, who) = house.owner().await;
        house.wait(61);
        let thief = house.enter_in_time(&old, browser(5)).await;
        let thief = house.signed_in(&thief).await;
        assert_eq!(house.moved(&who, &old, &new).await, Performed::Done(Changed::Done));
        // The thief's session was born by a code to the old number minutes ago.
        let asked = house.perform(&thief, totp::Add {}, None).await;
        assert!(matches!(asked, Performed::Needs(_)), "no showing of the old number counts");
        assert_eq!(house.leads(&who).await.len(), 1);
        house.ask_in_time(&crate::house::visitor(), &old, browser(6)).await;
        let typed = house.code(&old).await;
        let at_door = house.verify(browser(6), &typed).await;
        assert!(matches!(at_door, AtDoor::NeedsConsent), "{}", name(&at_door));
    }
}
