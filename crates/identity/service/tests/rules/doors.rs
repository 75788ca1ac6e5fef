//! ID-8: every door that begins a session asks for the second factor where it is asked for; F18: what a restore
//! voids; how the second factors that need more than one transaction let in.

use std::sync::Arc;

use identity_core::ways_back::Loss;
use identity_service::{
    backup_code::Issue,
    codes::Asked,
    passkeys,
    password::{self, RemovePassword, Reserved},
    restore,
    second_factor::{Always, NotAlways, Set},
    session::SignedIn,
    sign_in::{self, Answer, ByPassword, Registered},
    step_up::{Performed, Progress, To},
    tries::Tried,
    trusted::Name,
    ways_back,
};
use notify::Channel;
use testkit::{TestDb, authenticator::Authenticator, race};
use vault::Verdict;

use crate::{
    house::{ANNA, Browser, House, browser, phone, visitor},
    passkey_tools::{device, options},
    secret_tools::PASSWORD,
    steps::{came_to, code},
    tools::{email, name, raw},
};

db::statements! {
    /// Backup codes that a restore has voided.
    VOID: "SELECT COUNT(*) FROM backup_code WHERE void_at IS NOT NULL" () -> (Int);
    /// Entries of the log that say so.
    SAID: "SELECT COUNT(*) FROM audit_entry WHERE action = 'backup_code.void'" () -> (Int);
    /// Sessions whose first proof was a second factor, or that have shown one.
    STRONG: "SELECT COUNT(*) FROM (SELECT DISTINCT session_id FROM session_proof WHERE method IN
        ('passkey', 'password', 'passcode', 'totp', 'backup_code')) AS strong" () -> (Int);
    /// Guesses every password shut.
    SHUT: "UPDATE secret SET tries_left = 0, wrong_in_row = 100" () -> ();
    /// Wrong passwords in the log.
    WRONG: "SELECT COUNT(*) FROM audit_entry WHERE action = 'password.wrong'" () -> (Int);
}

impl House {
    async fn reserve_at_door(&self, b: Browser) -> Option<Reserved> {
        self.write(b.key, |tx, (env, key)| {
            Box::pin(sign_in::reserve_password(tx, env, key))
        })
        .await
    }

    /// The password at the door: «in», «wrong», «over», «rests», «closed».
    async fn password_at_door(&self, b: Browser, typed: &str) -> &'static str {
        let attempt = match self.reserve_at_door(b).await {
            Some(Reserved::Try(attempt)) => attempt,
            Some(Reserved::Rests(_)) => return "rests",
            Some(Reserved::Closed) => return "closed",
            None => return "over",
        };
        let verdict = self.compare(&attempt, typed).await;
        self.settle_at_door(b, attempt, verdict).await
    }

    async fn settle_at_door(
        &self,
        b: Browser,
        attempt: identity_service::secret::Attempt,
        verdict: Verdict,
    ) -> &'static str {
        let settled = self
            .write((b, attempt, verdict), |tx, (env, (b, attempt, verdict))| {
                Box::pin(async move {
                    let door = (b.key, b.known);
                    sign_in::settle_password(tx, env, &visitor(), door, (attempt, verdict)).await
                })
            })
            .await;
        match settled {
            ByPassword::In(_) => "in",
            ByPassword::Wrong => "wrong",
            ByPassword::Over => "over",
        }
    }

    /// The newest SMS with a code.
    async fn last_code_sms(&self) -> String {
        let inbox = self.inbox(&phone(ANNA), Channel::Sms).await;
        let codes = |text: &str| {
            text.lines()
                .last()
                .is_some_and(|line| line.starts_with('@'))
        };
        let found = inbox.iter().find(|message| codes(&message.text));
        found.expect("an SMS with a code").text.clone()
    }

    async fn restored(&self) {
        self.write((), |tx, (_, ())| {
            Box::pin(async move { Ok(restore::after_restore(tx).await?) })
        })
        .await;
    }

    async fn second_passkey(&self, b: Browser, device: &mut Authenticator) -> String {
        let begun = self.begin_sign_in(b).await;
        let answer = device.get(&options(&begun));
        let judged = self.judge_sign_in(b, begun.ceremony, &answer).await;
        let second = self
            .write((b, judged), |tx, (env, (b, judged))| {
                Box::pin(
                    async move { passkeys::second(tx, env, &visitor(), judged, b.known).await },
                )
            })
            .await;
        match second {
            passkeys::Second::In(_) => "in".to_owned(),
            passkeys::Second::NotTaken(why) => format!("{why:?}"),
            passkeys::Second::Over => "over".to_owned(),
        }
    }

    /// Anna with a password that sign-in always asks for.
    async fn with_password_asked(&self) -> Arc<SignedIn> {
        let (_, who) = self.owner().await;
        self.set_password(&who, PASSWORD).await;
        let step = self.needs(&who, Always {}).await;
        assert_eq!(
            self.prove_by_password(&who, step, PASSWORD).await,
            Progress::Proved
        );
        let set = self.perform(&who, Always {}, Some(step)).await;
        assert_eq!(set, Performed::Done(Set::Done));
        who
    }
}

testkit::both_engines! {
    /// ID-8: with the setting on no door begins a session for a code alone: not the phone's, not the mailbox's,
    /// not the consent page behind either; each ends at the second factor.
    async fn no_door_opens_to_a_code_alone(db: TestDb) {
        let house = House::new(db);
        let mail = email("anna@example.org");
        let who = house.with_password_asked().await;
        house.with_email(&who, &mail).await;
        let sessions = house.count(&raw::SESSIONS).await;
        for (n, to) in [(11, phone(ANNA)), (12, mail)] {
            let b = browser(n);
            let sessions = sessions + i64::from(n) - 11;
            assert_eq!(name(&house.first(&to, b).await), "needs second", "{n}");
            assert!(matches!(house.register(b).await, Registered::NeedsSecond), "{n}");
            assert_eq!(house.count(&raw::SESSIONS).await, sessions, "{n}");
            assert_eq!(house.password_at_door(b, PASSWORD).await, "in", "{n}");
            assert_eq!(house.count(&raw::SESSIONS).await, sessions + 1, "{n}");
        }
        assert_eq!(house.count(&STRONG).await, house.count(&raw::SESSIONS).await);
        house.settled().await;
    }

    /// ID-8, A14: the password as the second factor: wrong ones are counted before they are compared, of 64 at
    /// once as many as there are tries before it rests, and a right one enters once.
    async fn the_password_lets_in_once(db: TestDb) {
        let house = Arc::new(House::new(db));
        house.with_password_asked().await;
        let b = browser(5);
        assert_eq!(house.password_at_door(b, PASSWORD).await, "over", "nothing before the first code");
        assert_eq!(name(&house.first(&phone(ANNA), b).await), "needs second");
        assert_eq!(house.password_at_door(browser(6), PASSWORD).await, "over", "another browser");
        assert_eq!(house.password_at_door(b, "не тот длинный пароль").await, "wrong");
        assert_eq!(house.count(&WRONG).await, 1);
        let sessions = house.count(&raw::SESSIONS).await;
        let mut attempts = Vec::new();
        for _ in 0..4 {
            let Some(Reserved::Try(attempt)) = house.reserve_at_door(b).await else { panic!("a try") };
            let verdict = house.compare(&attempt, PASSWORD).await;
            attempts.push((attempt, verdict));
        }
        let answers = {
            let (house, attempts) = (Arc::clone(&house), Arc::new(attempts));
            race(64, move |n| {
                let (house, attempts) = (Arc::clone(&house), Arc::clone(&attempts));
                async move {
                    let (attempt, verdict) = attempts[n % attempts.len()].clone();
                    house.settle_at_door(b, attempt, verdict).await
                }
            }).await
        };
        assert_eq!(answers.iter().filter(|a| **a == "in").count(), 1, "{answers:?}");
        assert_eq!(house.count(&raw::SESSIONS).await, sessions + 1);
        house.settled().await;
    }

    /// ID-2a, ID-8: whoever has the number and guesses the password until it closes has not opened the door.
    async fn a_password_guessed_shut_opens_nothing(db: TestDb) {
        let house = House::new(db);
        house.with_password_asked().await;
        house.write((), |tx, (_, ())| Box::pin(async move {
            Ok(tx.execute(&SHUT, db::params![]).await?)
        })).await;
        let b = browser(5);
        assert_eq!(name(&house.first(&phone(ANNA), b).await), "needs second");
        assert_eq!(house.password_at_door(b, PASSWORD).await, "closed");
    }

    /// ID-8, A50: the only second factor is not taken away while sign-in asks for it; the setting goes first.
    async fn the_only_second_factor_stays(db: TestDb) {
        let house = House::new(db);
        let who = house.with_password_asked().await;
        let remove = async || {
            let step = house.needs(&who, RemovePassword {}).await;
            assert_eq!(house.prove_by_password(&who, step, PASSWORD).await, Progress::Proved);
            house.perform(&who, RemovePassword {}, Some(step)).await
        };
        assert_eq!(remove().await, Performed::Done(password::Removed::Needed));
        assert!(house.has(&who).await.password);
        let step = house.needs(&who, NotAlways {}).await;
        assert_eq!(house.prove_by_password(&who, step, PASSWORD).await, Progress::Proved);
        assert_eq!(house.perform(&who, NotAlways {}, Some(step)).await, Performed::Done(Set::Done));
        assert_eq!(remove().await, Performed::Done(password::Removed::Done));
        assert!(!house.has(&who).await.password);
        house.settled().await;
    }

    /// ID-8: with another second factor beside it each may go.
    async fn one_of_two_may_go(db: TestDb) {
        let house = House::new(db);
        let who = house.with_password_asked().await;
        let step = house.needs(&who, Issue {}).await;
        assert_eq!(house.prove_by_password(&who, step, PASSWORD).await, Progress::Proved);
        assert!(matches!(house.perform(&who, Issue {}, Some(step)).await, Performed::Done(_)));
        let step = house.needs(&who, RemovePassword {}).await;
        assert_eq!(house.prove_by_password(&who, step, PASSWORD).await, Progress::Proved);
        let removed = house.perform(&who, RemovePassword {}, Some(step)).await;
        assert_eq!(removed, Performed::Done(password::Removed::Done));
    }

    /// F18: a backup code that was used after the backup was taken is dead after its restore, like all of its set;
    /// the owner is told once, at the next sign-in, on every channel.
    async fn a_restore_voids_backup_codes(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let codes = house.by_phone(&who, Issue {}, &phone(ANNA)).await;
        // As the backup has it: every code unused, also the one that was used since.
        house.restored().await;
        house.restored().await;
        assert_eq!(house.count(&VOID).await, 10);
        assert_eq!(house.count(&raw::SESSIONS).await, 0);
        let told = async || {
            let inbox = house.inbox(&phone(ANNA), Channel::Sms).await;
            inbox.iter().filter(|message| message.text.contains("запасные коды больше не действуют")).count()
        };
        assert_eq!(told().await, 0);
        let welcome = house.enter_in_time(&phone(ANNA), browser(1)).await;
        assert_eq!(told().await, 1);
        assert_eq!((house.count(&VOID).await, house.count(&SAID).await), (0, 1));
        let who = house.signed_in(&welcome).await;
        let has = house.has(&who).await;
        assert!(!has.backup_code);
        assert_eq!(came_to(&house.try_backup(&who, &codes[0]).await), "not there");
        house.enter_in_time(&phone(ANNA), browser(1)).await;
        assert_eq!((told().await, house.count(&SAID).await), (1, 1), "once");
        house.settled().await;
    }

    /// F18: a code of the app that could have been taken before the restore is not taken after it; the next one is.
    async fn a_restore_takes_no_code_again(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let secret = house.with_totp(&who).await;
        house.by_totp(&who, Always {}, &secret).await;
        house.wait(3_700);
        // Taken after the backup was: the restored row knows nothing of it.
        let typed = house.totp(&secret, 0);
        house.restored().await;
        let b = browser(5);
        assert_eq!(name(&house.first(&phone(ANNA), b).await), "needs second");
        let refused = house.second(b, Answer::Totp(code(&typed))).await;
        assert!(matches!(refused, sign_in::Second::Refused(Tried::Used)));
        house.wait(60);
        let typed = house.totp(&secret, 0);
        assert!(matches!(house.second(b, Answer::Totp(code(&typed))).await, sign_in::Second::In(..)));
    }

    /// ID-8, A47: a passkey is the second factor of its owner's sign-in alone; of 64 answers to one challenge one
    /// enters, and a genuine key of somebody else opens neither account.
    async fn a_passkey_lets_in_once(db: TestDb) {
        let house = Arc::new(House::new(db));
        let (_, who) = house.anna().await;
        let (mut hers, mut his) = (device(1), device(2));
        house.with_passkey(&who, &mut hers).await;
        let boris = house.enter_in_time(&phone("+7 912 000-00-02"), browser(2)).await;
        let boris = house.signed_in(&boris).await;
        house.with_passkey(&boris, &mut his).await;
        let step = house.needs(&who, Always {}).await;
        house.prove_with(&who, step, &mut hers).await;
        assert_eq!(house.perform(&who, Always {}, Some(step)).await, Performed::Done(Set::Done));
        let b = browser(5);
        assert_eq!(house.second_passkey(b, &mut hers).await, "over", "nothing before the first code");
        assert_eq!(name(&house.first(&phone(ANNA), b).await), "needs second");
        let sessions = house.count(&raw::SESSIONS).await;
        assert_eq!(house.second_passkey(b, &mut his).await, "No");
        assert_eq!(house.count(&raw::SESSIONS).await, sessions);
        let begun = house.begin_sign_in(b).await;
        let answer = hers.get(&options(&begun));
        let judged = house.judge_sign_in(b, begun.ceremony, &answer).await;
        let answers = {
            let house = Arc::clone(&house);
            race(64, move |_| {
                let (house, judged) = (Arc::clone(&house), judged.clone());
                async move {
                    let second = house.write((b, judged), |tx, (env, (b, judged))| Box::pin(async move {
                        passkeys::second(tx, env, &visitor(), judged, b.known).await
                    })).await;
                    matches!(second, passkeys::Second::In(_))
                }
            }).await
        };
        assert_eq!(answers.into_iter().filter(|is_in| *is_in).count(), 1);
        assert_eq!(house.count(&raw::SESSIONS).await, sessions + 1);
        // At the other door the passkey is both factors.
        assert!(house.enter_with(browser(7), &mut hers).await.is_ok());
        house.settled().await;
    }

    /// ID-8, A50: the only passkey stays while sign-in asks for a second factor; one of two may go.
    async fn the_only_passkey_stays(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let mut first = device(1);
        let id = house.with_passkey(&who, &mut first).await;
        let step = house.needs(&who, Always {}).await;
        house.prove_with(&who, step, &mut first).await;
        assert_eq!(house.perform(&who, Always {}, Some(step)).await, Performed::Done(Set::Done));
        let step = house.needs(&who, passkeys::Remove { id }).await;
        house.prove_with(&who, step, &mut first).await;
        let removed = house.perform(&who, passkeys::Remove { id }, Some(step)).await;
        assert_eq!(removed, Performed::Done(passkeys::Removed::Needed));
        let second = house.with_passkey(&who, &mut device(2)).await;
        let step = house.needs(&who, passkeys::Remove { id: second }).await;
        house.prove_with(&who, step, &mut first).await;
        let removed = house.perform(&who, passkeys::Remove { id: second }, Some(step)).await;
        assert_eq!(removed, Performed::Done(passkeys::Removed::Done));
        house.settled().await;
    }

    /// ID-8a: the meter knows which passkeys survive the loss of their device, and which do not.
    async fn a_synced_passkey_survives_its_device(db: TestDb) {
        for is_synced in [false, true] {
            let house = House::new(TestDb::new(db.engine()).await);
            let (_, who) = house.anna().await;
            let mut phone_key = device(1);
            if is_synced {
                // Backup eligible, and backed up.
                phone_key.flags |= 0x18;
            }
            house.with_passkey(&who, &mut phone_key).await;
            let input = (house.env.clone(), Arc::clone(&who));
            let outlooks = house.test.read("test.outlooks", input, |tx, (env, who)| {
                Box::pin(ways_back::outlooks(tx, env, &who.account))
            }).await.unwrap_or_else(|error: identity_service::ServiceError| panic!("{error}"));
            let phone_lost = outlooks.iter().find(|outlook| outlook.loss == Loss::Phone).unwrap();
            assert_eq!(phone_lost.is_locked_out(), !is_synced, "{is_synced}");
        }
    }

    /// A15: the message with a step's code names what it confirms, and to whom it is done.
    async fn a_code_names_what_it_confirms(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        house.wait(600);
        let friend = Name { name: "Код 111111 верный".to_owned(), phone: "+79130000002".to_owned() };
        let step = house.needs(&who, friend).await;
        assert_eq!(house.step_code(&who, step, To::Phone).await, Some(Asked::Sent));
        let text = house.last_code_sms().await;
        assert!(text.contains("Доверенный: +7 ••• •••-00-02"), "the number, never the chosen words: {}", text.len());
        assert!(!text.contains("111111"));
        house.wait(600);
        let step = house.needs(&who, Issue {}).await;
        assert_eq!(house.step_code(&who, step, To::Phone).await, Some(Asked::Sent));
        assert!(house.last_code_sms().await.contains("Новые запасные коды"));
    }
}
