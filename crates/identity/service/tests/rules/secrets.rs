//! Chosen secrets: password, passcode, code word (ID-3, RE-9; A27, A28, A77, A109).

use std::sync::Arc;

use audit::StaffId;
use identity_core::{
    assurance::{Action, Method},
    code_word::CodeWordError,
    own::Own,
    passcode::PasscodeError,
    password::{PasswordError, Strength},
};
use identity_service::{
    code_word::{self, CodeWordSet, SetCodeWord},
    passcode::{self, RemovePasscode, SetPasscode},
    password::{self, RemovePassword, SetPassword},
    secret::{self, Kind, Shower},
    session,
    step_up::{self, Performed, Progress},
};
use testkit::TestDb;

use crate::{
    house::{ANNA, House, browser, phone, visitor},
    passkeys::Pay,
    secret_tools::{By, Device, PASSCODE, PASSWORD, WORD, raw},
};

testkit::both_engines! {
    /// ID-3: the password is set, shown, replaced and removed; the owner hears of each change.
    async fn a_password_lives(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.owner().await;
        let before = house.notices(&phone(ANNA), notify::Channel::Sms).await.len();
        assert_eq!(house.try_password(&who, PASSWORD).await, "wrong", "none is set");
        house.set_password(&who, PASSWORD).await;
        assert!(house.has(&who).await.password);
        assert_eq!(house.try_password(&who, PASSWORD).await, "right");
        assert_eq!(house.try_password(&who, "Лиловый поезд уходит").await, "wrong");
        assert_eq!(house.try_password(&who, PASSWORD).await, "right");
        // With the password there, its own change asks for it.
        let cmd = SetPassword::prepare(&house.env, &Own::default(), "другой длинный пароль").await;
        let cmd = cmd.unwrap().unwrap();
        assert_eq!(cmd.strength(), Strength::Good);
        assert!(cmd.is_for(&house.env, "другой длинный пароль").await.unwrap());
        assert!(!cmd.is_for(&house.env, PASSWORD).await.unwrap());
        let Performed::Needs(step) = house.sensitive(&who, cmd.clone(), None).await else { panic!() };
        // A77: the step confirms this password and no other.
        let other = SetPassword::prepare(&house.env, &Own::default(), "вор ставит свой пароль").await;
        let other = house.sensitive(&who, other.unwrap().unwrap(), Some(step)).await;
        assert!(matches!(other, Performed::Needs(other) if other != step), "{other:?}");
        let Performed::Needs(step) = house.sensitive(&who, cmd.clone(), None).await else { panic!() };
        let password::Reserved::Try(attempt) = house.reserve_password(who.account.id).await else { panic!() };
        let verdict = house.compare(&attempt, PASSWORD).await;
        let shown = house.write((Arc::clone(&who), attempt, verdict), move |tx, (env, (who, attempt, verdict))| {
            Box::pin(async move {
                let visitor = visitor();
                let shower = Shower { visitor: &visitor, who: Some(who) };
                let password::Settled::Right(proof) = password::settle(tx, env, shower, attempt, verdict).await? else { panic!() };
                step_up::show(tx, env, &visitor, who, step, &proof).await
            })
        }).await;
        assert_eq!(shown, Progress::Proved);
        assert_eq!(house.sensitive(&who, cmd, Some(step)).await, Performed::Done(Strength::Good));
        assert_eq!(house.try_password(&who, PASSWORD).await, "wrong");
        assert_eq!(house.try_password(&who, "другой длинный пароль").await, "right");
        let removed = house.sensitive(&who, RemovePassword {}, None).await;
        assert!(matches!(removed, Performed::Needs(_)), "removing asks for a proof of its own");
        assert_eq!(house.notices(&phone(ANNA), notify::Channel::Sms).await.len() - before, 2);
        house.settled().await;
    }

    /// A62: what was chosen today lets no money go, a password and a passcode as little as a key; a day later each
    /// does, and one that was replaced waits again.
    async fn a_new_secret_lets_no_money_go(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.owner().await;
        let pay = Pay { rubles: 100 };
        let key = Device::new();
        house.set_passcode(&who, Some(key.public())).await;
        assert_eq!(house.sensitive(&who, pay.clone(), None).await, Performed::NothingToShow);
        house.wait(86_399);
        assert_eq!(house.sensitive(&who, pay.clone(), None).await, Performed::NothingToShow);
        house.wait(1);
        let step = house.needs(&who, pay.clone()).await;
        assert_eq!(house.prove_by_key(&who, &key, step).await, "right, Proved");
        assert_eq!(house.sensitive(&who, pay.clone(), Some(step)).await, Performed::Done(()));
        // The passcode has just been shown, and adds a password; that does not stand in for it.
        let cmd = SetPassword::prepare(&house.env, &Own::default(), PASSWORD).await.unwrap().unwrap();
        house.sensitive(&who, cmd, None).await;
        let step = house.needs(&who, pay.clone()).await;
        let left = Progress::More(vec![vec![Method::Passcode]]);
        assert_eq!(house.prove_by_password(&who, step, PASSWORD).await, left);
        assert_eq!(house.sensitive(&who, pay.clone(), Some(step)).await, Performed::Needs(step));
        // Replaced by whoever knew the password of a minute: the ripe one is gone, and nothing is ripe.
        house.set_passcode(&who, Some(key.public())).await;
        assert_eq!(house.sensitive(&who, pay.clone(), None).await, Performed::NothingToShow);
        house.wait(86_400);
        let step = house.needs(&who, pay.clone()).await;
        assert_eq!(house.prove_by_password(&who, step, PASSWORD).await, Progress::Proved);
        assert_eq!(house.sensitive(&who, pay, Some(step)).await, Performed::Done(()));
    }

    /// ID-3, A109: of 64 wrong tries at once exactly ten are compared; then passwords rest, the right one too,
    /// and the owner hears of it at five and at ten.
    async fn ten_wrong_passwords_rest(db: TestDb) {
        let house = Arc::new(House::new(db));
        let (_, who) = house.owner().await;
        house.set_password(&who, PASSWORD).await;
        let before = house.notices(&phone(ANNA), notify::Channel::Sms).await.len();
        let (house2, who2) = (Arc::clone(&house), Arc::clone(&who));
        let answers = testkit::race(64, move |_| {
            let (house, who) = (Arc::clone(&house2), Arc::clone(&who2));
            async move { house.try_password(&who, "неверный длинный пароль").await }
        })
        .await;
        assert_eq!(answers.iter().filter(|a| **a == "wrong").count(), 10);
        assert_eq!(answers.iter().filter(|a| **a == "rests").count(), 54);
        assert_eq!(house.try_password(&who, PASSWORD).await, "rests");
        assert_eq!(house.notices(&phone(ANNA), notify::Channel::Sms).await.len() - before, 2);
        house.wait(3_600);
        assert_eq!(house.try_password(&who, PASSWORD).await, "right");
        // A success takes its own try back: the day's budget is not spent by the owner.
        for _ in 0..40 {
            assert_eq!(house.try_password(&who, PASSWORD).await, "right");
        }
        house.settled().await;
    }

    /// A hundred wrong ones in a row close the password until it is set anew.
    async fn a_hundred_wrong_passwords_close(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.owner().await;
        house.set_password(&who, PASSWORD).await;
        let mut wrong = 0;
        while wrong < 100 {
            match house.try_password(&who, "неверный длинный пароль").await {
                "wrong" => wrong += 1,
                "rests" => house.wait(1_800),
                other => panic!("{other} after {wrong}"),
            }
        }
        house.wait(86_400);
        assert_eq!(house.try_password(&who, PASSWORD).await, "closed");
        assert!(!house.has(&who).await.password);
    }

    /// A hash made at less than today's cost is made anew when its owner shows the password.
    async fn hashes_follow_the_cost(db: TestDb) {
        let mut house = House::new(db);
        let (_, who) = house.owner().await;
        house.set_password(&who, PASSWORD).await;
        let chance = Arc::clone(&house.env.chance);
        let dearer = vault::Cost::new(128, 1).unwrap();
        house.env.hasher = vault::Hasher::start(&house.env.vault, chance, dearer, vault::Crowd::default()).unwrap();
        assert_eq!(house.try_password(&who, PASSWORD).await, "right");
        let password::Reserved::Try(attempt) = house.reserve_password(who.account.id).await else { panic!() };
        let verdict = house.compare(&attempt, PASSWORD).await;
        assert!(verdict.is_right() && verdict.rehashed().is_none(), "it was kept at the new cost");
    }

    /// ID-3: what may not be a secret is refused with the owner's own data at hand.
    async fn ones_own_is_refused(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.owner().await;
        let own = house.act(&who, |tx, (_, who)| {
            Box::pin(async move { secret::own(tx, &who.account).await })
        }).await;
        let judged = SetPassword::prepare(&house.env, &own, "мой номер 9120000001!").await.unwrap();
        assert_eq!(judged.err(), Some(PasswordError::Own));
        let judged = SetPasscode::prepare(&house.env, &own, "0001", None).await.unwrap();
        assert_eq!(judged.err(), Some(PasscodeError::Own));
        let judged = SetPasscode::prepare(&house.env, &own, "1111", None).await.unwrap();
        assert_eq!(judged.err(), Some(PasscodeError::Common));
        let judged = SetCodeWord::prepare(&house.env, &own, "кодовое слово").await.unwrap();
        assert_eq!(judged.err(), Some(CodeWordError::Common));
    }

    /// ID-3, A27: five tries with the browser's key, then the passcode is gone and so are the keys.
    async fn five_wrong_passcodes_and_it_is_gone(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.owner().await;
        let device = Device::new();
        house.set_passcode(&who, Some(device.public())).await;
        assert_eq!(house.try_with_key(&who, &device, PASSCODE).await, "right");
        for left in [4, 3] {
            assert_eq!(house.try_with_key(&who, &device, "8306").await, format!("wrong, {left} left"));
        }
        assert_eq!(house.try_with_key(&who, &device, PASSCODE).await, "right", "a success clears");
        for left in [4, 3, 2, 1] {
            assert_eq!(house.try_with_key(&who, &device, "8306").await, format!("wrong, {left} left"));
        }
        let before = house.notices(&phone(ANNA), notify::Channel::Sms).await.len();
        assert_eq!(house.try_with_key(&who, &device, "8306").await, "gone");
        assert_eq!(house.try_with_key(&who, &device, PASSCODE).await, "no key");
        assert!(!house.has(&who).await.passcode);
        assert_eq!((house.count(&raw::SECRETS).await, house.count(&raw::KEYS).await), (0, 0));
        assert_eq!(house.notices(&phone(ANNA), notify::Channel::Sms).await.len() - before, 1);
        house.settled().await;
    }

    /// A27: of 64 wrong ones at once, each with a good signature of its own, exactly five are compared.
    async fn five_of_sixty_four(db: TestDb) {
        let house = Arc::new(House::new(db));
        let (_, who) = house.owner().await;
        let device = Device::new();
        house.set_passcode(&who, Some(device.public())).await;
        let mut signed = Vec::new();
        for _ in 0..64 {
            let challenge = house.challenge(&who).await.unwrap();
            signed.push(device.sign(&challenge));
        }
        let (house2, who2) = (Arc::clone(&house), Arc::clone(&who));
        let reserved = testkit::race(64, move |n| {
            let (house, who, by) = (Arc::clone(&house2), Arc::clone(&who2), By::Key(signed[n].clone()));
            async move { house.reserve_passcode(&who, by).await }
        })
        .await;
        let attempts: Vec<_> = reserved.into_iter().filter_map(|reserved| match reserved {
            passcode::Reserved::Try(attempt) => Some(attempt),
            passcode::Reserved::Gone => None,
            other => panic!("{other:?}"),
        }).collect();
        assert_eq!(attempts.len(), 5);
        for attempt in attempts {
            let verdict = house.compare(&attempt, "8306").await;
            assert_eq!(house.settle_passcode(&who, attempt, verdict, None, None).await, "gone");
        }
        house.settled().await;
    }

    /// A27, A59: a try counts only with the signature of this browser's key: another key, an old challenge, the
    /// same one again, another session's count nothing, so nobody uses the owner's tries up.
    async fn strangers_use_no_tries_up(db: TestDb) {
        let house = Arc::new(House::new(db));
        let (_, who) = house.owner().await;
        let (device, thief) = (Device::new(), Device::new());
        house.set_passcode(&who, Some(device.public())).await;
        for _ in 0..10 {
            assert_eq!(house.try_with_key(&who, &thief, "8306").await, "NotThisBrowser");
        }
        let late = device.sign(&house.challenge(&who).await.unwrap());
        house.wait(301);
        assert_eq!(house.try_passcode(&who, By::Key(late), "8306").await, "NotThisBrowser");
        let foreign = device.sign(&house.challenge(&who).await.unwrap());
        let second = house.enter_in_time(&phone(ANNA), browser(2)).await;
        let other = house.signed_in(&second).await;
        assert!(house.challenge(&other).await.is_none(), "that browser has no key");
        assert_eq!(house.try_passcode(&other, By::Key(foreign), "8306").await, "NotThisBrowser");
        assert_eq!(house.count(&raw::LEFT).await, 5);
        // One signature, 64 times at once: one try.
        let once = device.sign(&house.challenge(&who).await.unwrap());
        let (house2, who2) = (Arc::clone(&house), Arc::clone(&who));
        let answers = testkit::race(64, move |_| {
            let (house, who, by) = (Arc::clone(&house2), Arc::clone(&who2), By::Key(once.clone()));
            async move { house.try_passcode(&who, by, "8306").await }
        })
        .await;
        assert_eq!(answers.iter().filter(|a| *a == "wrong, 4 left").count(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|a| *a == "NotThisBrowser").count(), 63);
        assert_eq!(house.count(&raw::LEFT).await, 4);
    }

    /// ID-3: in a browser without the key it comes with a fresh code for the same step; then that browser may
    /// have a key of its own.
    async fn without_the_key_a_fresh_code(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.owner().await;
        house.set_passcode(&who, None).await;
        assert!(house.challenge(&who).await.is_none());
        let step = house.open_step(&who).await;
        assert_eq!(house.try_passcode(&who, By::Step(step), "8306").await, "CodeFirst");
        house.wait(70);
        let asked = house.write((Arc::clone(&who), step), |tx, (env, (who, step))| {
            Box::pin(async move { step_up::ask_code(tx, env, &visitor(), who, *step, step_up::To::Phone).await })
        }).await;
        assert_eq!(asked, Some(identity_service::codes::Asked::Sent));
        let code = kernel::code::OneTimeCode::parse(&house.code(&phone(ANNA)).await, 6).unwrap();
        let tried = house.write((Arc::clone(&who), step, code), |tx, (env, (who, step, code))| {
            Box::pin(async move {
                step_up::check_code(tx, env, &visitor(), who, *step, step_up::To::Phone.purpose(), code).await
            })
        }).await;
        // The code alone opens nothing.
        assert_eq!(tried, step_up::Tried::Right(Progress::More(vec![vec![Method::Passcode]])));
        assert_eq!(house.try_passcode(&who, By::Step(step), "8306").await, "wrong, 4 left");
        assert_eq!(house.open_step(&who).await, step, "the same step for five minutes");
        house.wait(300 - 70);
        let other = house.open_step(&who).await;
        assert_ne!(other, step);
        assert_eq!(house.try_passcode(&who, By::Step(step), PASSCODE).await, "CodeFirst", "replaced step");
        assert_eq!(house.try_passcode(&who, By::Step(other), PASSCODE).await, "CodeFirst", "another step");
        house.settled().await;
    }

    /// ID-3: after the code and the passcode this browser has a key, and next time needs no code; the bank
    /// section opens (ID-9, A27).
    async fn a_browser_gets_its_key(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.owner().await;
        house.set_passcode(&who, None).await;
        let step = house.open_step(&who).await;
        house.wait(70);
        house.write((Arc::clone(&who), step), |tx, (env, (who, step))| {
            Box::pin(async move { step_up::ask_code(tx, env, &visitor(), who, *step, step_up::To::Phone).await })
        }).await;
        let code = kernel::code::OneTimeCode::parse(&house.code(&phone(ANNA)).await, 6).unwrap();
        house.write((Arc::clone(&who), step, code), |tx, (env, (who, step, code))| {
            Box::pin(async move {
                step_up::check_code(tx, env, &visitor(), who, *step, step_up::To::Phone.purpose(), code).await
            })
        }).await;
        let device = Device::new();
        let passcode::Reserved::Try(attempt) = house.reserve_passcode(&who, By::Step(step)).await else { panic!() };
        let verdict = house.compare(&attempt, PASSCODE).await;
        let settled = house.settle_passcode(&who, attempt, verdict, Some(step), Some(device.public())).await;
        assert_eq!(settled, "right, Proved");
        let cmd = identity_service::bank_section::Open { next: "/bank".to_owned() };
        assert_eq!(house.sensitive(&who, cmd, Some(step)).await, Performed::Done(()));
        assert_eq!(house.try_with_key(&who, &device, PASSCODE).await, "right");
        let listed = house.act(&who, |tx, (env, who)| {
            Box::pin(async move { session::list(tx, env, who).await })
        }).await;
        assert!(listed[0].has_key);
        house.settled().await;
    }

    /// ID-3: the key goes with its browser: when its session is ended from elsewhere, and when the account is
    /// frozen.
    async fn keys_go_with_their_browsers(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.owner().await;
        let device = Device::new();
        house.set_passcode(&who, Some(device.public())).await;
        let second = house.enter_in_time(&phone(ANNA), browser(2)).await;
        let other = house.signed_in(&second).await;
        assert_eq!(house.count(&raw::KEYS).await, 1);
        let session = who.session;
        let ended = house.act(&other, move |tx, (_, other)| {
            Box::pin(async move { session::end(tx, &visitor(), other, session).await })
        }).await;
        assert!(ended);
        assert_eq!(house.count(&raw::KEYS).await, 0);
        assert!(house.has(&other).await.passcode, "the passcode itself stays");
    }

    /// ID-13: a freeze leaves a key only to the browser that asked for it.
    async fn a_freeze_drops_keys(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.owner().await;
        house.set_passcode(&who, Some(Device::new().public())).await;
        house.act(&who, |tx, (env, who)| {
            Box::pin(async move { identity_service::freeze::freeze_mine(tx, env, &visitor(), who).await })
        }).await;
        assert_eq!(house.count(&raw::KEYS).await, 1, "the browser in hand");
        let other = house.signed_in(&*house.enter_in_time(&phone(ANNA), browser(3)).await).await;
        house.act(&other, |tx, (env, who)| {
            Box::pin(async move { identity_service::freeze::freeze_mine(tx, env, &visitor(), who).await })
        }).await;
        assert_eq!(house.count(&raw::KEYS).await, 0);
    }

    /// A new passcode makes the keys of other browsers worthless; removing it drops them.
    async fn a_new_passcode_has_new_keys(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.owner().await;
        let (old, new) = (Device::new(), Device::new());
        house.set_passcode(&who, Some(old.public())).await;
        let cmd = SetPasscode::prepare(&house.env, &Own::default(), "6194", Some(new.public())).await;
        let cmd = cmd.unwrap().unwrap();
        let Performed::Needs(step) = house.sensitive(&who, cmd.clone(), None).await else { panic!("asks for itself") };
        assert_eq!(house.prove_by_key(&who, &old, step).await, "right, Proved");
        assert_eq!(house.sensitive(&who, cmd, Some(step)).await, Performed::Done(()));
        assert_eq!(house.try_with_key(&who, &old, "6194").await, "NotThisBrowser");
        assert_eq!(house.try_with_key(&who, &new, PASSCODE).await, "wrong, 4 left");
        assert_eq!(house.try_with_key(&who, &new, "6194").await, "right");
        let Performed::Needs(step) = house.sensitive(&who, RemovePasscode {}, None).await else { panic!("asks") };
        let challenge = house.challenge(&who).await.unwrap();
        let passcode::Reserved::Try(attempt) = house.reserve_passcode(&who, By::Key(new.sign(&challenge))).await else { panic!() };
        let verdict = house.compare(&attempt, "6194").await;
        assert_eq!(house.settle_passcode(&who, attempt, verdict, Some(step), None).await, "right, Proved");
        assert_eq!(house.sensitive(&who, RemovePasscode {}, Some(step)).await, Performed::Done(()));
        assert_eq!((house.count(&raw::SECRETS).await, house.count(&raw::KEYS).await), (0, 0));
        house.settled().await;
    }

    /// RE-9: three tries in all, «осталось 2» after the first; then closed. The log names the member of staff.
    async fn a_code_word_has_three_tries(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.owner().await;
        let staff = StaffId::new(house.now(), &*house.env.chance);
        let account = who.account.id;
        assert_eq!(house.say_word(account, staff, "что угодно").await, "NotSet");
        let cmd = SetCodeWord::prepare(&house.env, &Own::default(), WORD).await.unwrap().unwrap();
        assert_eq!(house.sensitive(&who, cmd.clone(), None).await, Performed::Done(CodeWordSet::Done));
        assert_eq!(house.sensitive(&who, cmd, None).await, Performed::Done(CodeWordSet::HasOne));
        assert_eq!(house.say_word(account, staff, " зеленый-КРОКОДИЛ").await, "Right");
        assert_eq!(house.say_word(account, staff, "синий крокодил").await, "Wrong { left: 2 }");
        assert_eq!(house.say_word(account, staff, "красный крокодил").await, "Wrong { left: 1 }");
        let before = house.notices(&phone(ANNA), notify::Channel::Sms).await.len();
        assert_eq!(house.say_word(account, staff, "белый крокодил").await, "Closed");
        assert_eq!(house.say_word(account, staff, WORD).await, "Closed", "even the right one");
        assert_eq!(house.notices(&phone(ANNA), notify::Channel::Sms).await.len() - before, 1);
        assert_eq!(house.count(&raw::BY_STAFF).await, 4);
        house.settled().await;
    }

    /// RE-9: of 64 tries at once three are compared.
    async fn three_of_sixty_four(db: TestDb) {
        let house = Arc::new(House::new(db));
        let (_, who) = house.owner().await;
        let cmd = SetCodeWord::prepare(&house.env, &Own::default(), WORD).await.unwrap().unwrap();
        house.sensitive(&who, cmd, None).await;
        let (house2, account) = (Arc::clone(&house), who.account.id);
        let reserved = testkit::race(64, move |_| {
            let house = Arc::clone(&house2);
            async move { house.reserve_word(account).await }
        })
        .await;
        let tries = reserved.iter().filter(|r| matches!(r, code_word::Reserved::Try(_))).count();
        assert_eq!(tries, 3);
    }

    /// A18, A28: no secret, and no hash of one, is readable in the database.
    async fn no_secret_is_in_the_database(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.owner().await;
        house.set_password(&who, PASSWORD).await;
        house.wait(1);
        house.settled().await;
        let Some(file) = house.test.file() else { return };
        let mut all = Vec::new();
        for entry in std::fs::read_dir(file.parent().unwrap()).unwrap() {
            all.extend(std::fs::read(entry.unwrap().path()).unwrap());
        }
        let holds = |text: &str| all.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(holds("password.set"), "the search finds what is there");
        for secret in [PASSWORD, "argon2id", "m=64,t=1"] {
            assert!(!holds(secret), "{secret}");
        }
    }
}

/// Nothing of a secret is printed.
#[tokio::test]
async fn debug_shows_no_secret() {
    let chance: Arc<dyn kernel::Chance> = testkit::SeededChance::new(7);
    let vault = testkit::vault();
    let hasher = testkit::hasher(&vault, Arc::clone(&chance));
    let phc = hasher
        .place()
        .unwrap()
        .hash(vault::Typed::new(b"8305"))
        .await
        .unwrap();
    let printed = format!("{phc:?} {:?} {:?}", Kind::Passcode, Action::SetPasscode);
    assert!(
        !printed.contains("argon2id") && !printed.contains("8305"),
        "{printed}"
    );
}
