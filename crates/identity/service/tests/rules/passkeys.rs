//! Passkeys (ID-5): made, shown, named, removed; A3, A59, A61, A62, A63.

use std::{collections::BTreeSet, sync::Arc};

use db::{BoxFuture, WriteTx};
use identity_core::{
    assurance::{Action, Method, RIPENS},
    passkeys::{Fault, KEYS_MOST},
};
use identity_service::{
    ServiceError,
    bank_section::Open,
    codes::Asked,
    freeze,
    passkeys::{self, Added, Adding, BeginAdding, Proved, Refusal, Remove, Removed},
    session::SignedIn,
    step_up::{At, Authorised, Performed, Progress, Sensitive, StepId, To, Tried},
};
use kernel::Identifier;
use notify::Channel;
use serde::{Deserialize, Serialize};
use testkit::{
    TestDb,
    authenticator::{Authenticator, from_base64url},
};

use crate::{
    house::{ANNA, House, browser, phone, visitor},
    passkey_tools::{device, options},
    tools::{after, email, raw, wrong},
};

const BORIS: &str = "+7 912 000-00-02";

db::statements! {
    /// Ceremonies that wait.
    WAITING: "SELECT COUNT(*) FROM ceremony WHERE used_at IS NULL" () -> (Int);
    /// Keys in the lists.
    KEYS: "SELECT COUNT(*) FROM passkey" () -> (Int);
    /// Credentials that are somebody's.
    CLAIMS: "SELECT COUNT(*) FROM passkey_owner" () -> (Int);
    /// Payments made by the tests.
    PAID: "SELECT COUNT(*) FROM trusted_person" () -> (Int);
    /// Makes one.
    PAY: "INSERT INTO trusted_person (account_id, subject, sealed, named_at) VALUES ($1, $2, $3, $4)"
        (Bytes, Bytes, Bytes, Int) -> ();
}

/// Money leaves: a row, so that it can be counted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pay {
    pub rubles: u32,
}

impl Sensitive for Pay {
    const ACTION: Action = Action::ApproveMoney;
    type Done = ();

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<(), ServiceError>> {
        Box::pin(async move {
            let now = tx.now();
            let subject: [u8; 32] = at.env.chance.bytes();
            let sum = self.rubles.to_be_bytes();
            let row = db::params![at.account.id.as_bytes(), &subject, &sum, now];
            tx.execute_one(&PAY, row).await?;
            Ok(())
        })
    }
}

impl House {
    async fn signed(&self, number: &str, n: u8) -> Arc<SignedIn> {
        let welcome = self.enter(&phone(number), browser(n)).await;
        self.signed_in(&welcome).await
    }

    async fn step_for<C: Sensitive + Clone>(&self, who: &Arc<SignedIn>, cmd: C) -> StepId
    where
        C::Done: std::fmt::Debug + 'static,
    {
        match self.sensitive(who, cmd, None).await {
            Performed::Needs(step) => step,
            other => panic!("{other:?}"),
        }
    }

    /// A second key, added with the proof of the first.
    async fn signed_with_new_key(
        &self,
        who: &Arc<SignedIn>,
        first: &mut Authenticator,
    ) -> Authenticator {
        let mut second = device(8);
        let (id, options) = self.asked_to_add(who).await;
        let answer = second.create(&options);
        let adding = self.finish_adding(who, id, &answer, None).await;
        let Adding::Performed(Performed::Needs(step)) = adding else {
            panic!("{adding:?}")
        };
        self.prove_with(who, step, first).await;
        self.with_passkey(who, &mut second).await;
        second
    }

    /// Proves a step by codes to both identifiers.
    async fn prove_by_codes(&self, who: &Arc<SignedIn>, step: StepId, mailbox: &Identifier) {
        self.prove_by_phone(who, step, &phone(ANNA)).await;
        self.wait(120);
        assert_eq!(
            self.step_code(who, step, To::Email).await,
            Some(Asked::Sent)
        );
        let code = self.letter_code(mailbox).await;
        let proved = self.try_code(who, step, To::Email, &code).await;
        assert_eq!(proved, Tried::Right(Progress::Proved));
    }

    /// How often the owner's phone heard of something.
    async fn heard(&self, words: &str) -> usize {
        let inbox = self.inbox(&phone(ANNA), Channel::Sms).await;
        inbox.iter().filter(|sms| sms.text.contains(words)).count()
    }
}

testkit::both_engines! {
    /// ID-5: a key made in one browser signs in from another, without any code, and the session remembers how.
    async fn a_passkey_signs_in(db: TestDb) {
        let house = House::new(db);
        let who = house.signed(ANNA, 1).await;
        let mut key = device(1);
        key.aaguid = *b"\xfb\xfc\x30\x07\x15\x4e\x4e\xcc\x8c\x0b\x6e\x02\x05\x57\xd7\xbd";
        key.flags = testkit::authenticator::SYNCED;
        house.with_passkey(&who, &mut key).await;
        let listed = house.passkeys(&who).await;
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].name.as_deref(), Some("iCloud Keychain"));
        assert!(listed[0].is_synced && listed[0].used_at.is_none());
        house.wait(60);
        let welcome = house.enter_with(browser(2), &mut key).await.expect("in");
        assert!(!welcome.is_new);
        let other = house.signed_in(&welcome).await;
        assert_eq!((other.account.id, other.method), (who.account.id, Method::Passkey));
        assert_eq!(house.passkeys(&who).await[0].used_at, Some(house.now()));
        // The owner heard of the key and of the new browser.
        assert_eq!(house.heard("добавлен ключ доступа").await, 1);
        assert_eq!(house.heard("новый вход").await, 1);
        // The browser is known now: no news.
        let again = house.enter_with(after(browser(2), &welcome), &mut key).await.expect("in");
        house.signed_in(&again).await;
        assert_eq!(house.heard("новый вход").await, 1);
        house.settled().await;
    }

    /// A3: what begins a sign-in has no byte of any account: a browser that an account knows is asked the same
    /// as any other.
    async fn beginning_tells_nothing(db: TestDb) {
        let house = House::new(db);
        let welcome = house.enter(&phone(ANNA), browser(1)).await;
        let who = house.signed_in(&welcome).await;
        house.with_passkey(&who, &mut device(1)).await;
        let known = house.begin_sign_in(after(browser(1), &welcome)).await;
        let stranger = house.begin_sign_in(browser(9)).await;
        assert_ne!(known.options.challenge, stranger.options.challenge);
        let shape = |begun: &passkeys::Begun<passkeys::RequestOptions>| {
            let mut options = options(begun);
            assert_eq!(from_base64url(options["challenge"].as_str().unwrap()).len(), 32);
            options["challenge"] = serde_json::Value::Null;
            options
        };
        assert_eq!(shape(&known), shape(&stranger));
        assert_eq!(
            shape(&known),
            serde_json::json!({
                "challenge": null, "timeout": 300_000, "rpId": "kabinet.example",
                "allowCredentials": [], "userVerification": "required",
            })
        );
        let bytes = |begun| serde_json::to_vec(begun).unwrap().len();
        assert_eq!(bytes(&known), bytes(&stranger));
    }

    /// A59: of 64 that replay one answer exactly one is in.
    async fn an_answer_serves_once(db: TestDb) {
        let house = Arc::new(House::new(db));
        let who = house.signed(ANNA, 1).await;
        let mut key = device(1);
        house.with_passkey(&who, &mut key).await;
        let begun = house.begin_sign_in(browser(2)).await;
        let answer = key.get(&options(&begun));
        let before = house.count(&raw::SESSIONS).await;
        // All were judged, and found good, before the first is written.
        let judged = house.judge_sign_in(browser(2), begun.ceremony, &answer).await;
        assert_eq!(judged.fault(), None);
        let house2 = Arc::clone(&house);
        let outcomes = testkit::race(64, move |_| {
            let (house, judged) = (Arc::clone(&house2), judged.clone());
            async move {
                match house.enter_judged(&visitor(), browser(2), judged).await {
                    passkeys::Entered::In(_) => None,
                    passkeys::Entered::NotTaken(why) => Some(why),
                }
            }
        })
        .await;
        let of = |what: Option<Refusal>| outcomes.iter().filter(|o| **o == what).count();
        assert_eq!((of(None), of(Some(Refusal::Over))), (1, 63));
        let later = house.sign_in_with(browser(2), begun.ceremony, &answer).await;
        assert_eq!(later.err(), Some((Some(Fault::Ceremony), Refusal::Over)));
        assert_eq!(house.count(&raw::SESSIONS).await, before + 1);
        house.settled().await;
    }

    /// A59: a challenge is bound to its browser and purpose, dies with a failure too, and after five minutes.
    async fn a_challenge_is_for_one_browser_and_one_purpose(db: TestDb) {
        let house = House::new(db);
        let who = house.signed(ANNA, 1).await;
        let mut key = device(1);
        house.with_passkey(&who, &mut key).await;
        let over = (Some(Fault::Ceremony), Refusal::Over);
        // Another browser.
        let begun = house.begin_sign_in(browser(2)).await;
        let answer = key.get(&options(&begun));
        let stolen = house.sign_in_with(browser(3), begun.ceremony, &answer).await;
        assert_eq!(stolen.err(), Some(over));
        // Another purpose: a challenge of a new key signs nobody in, and of a sign-in proves no step.
        let (add, creation) = house.asked_to_add(&who).await;
        let mut request = creation.clone();
        request["rpId"] = creation["rp"]["id"].clone();
        let crossed = key.get(&request);
        let mine = crate::house::Browser { key: who.browser_key(), known: None };
        assert_eq!(house.sign_in_with(mine, add, &crossed).await.err(), Some(over));
        let step = house.step_for(&who, Open { next: "/".to_owned() }).await;
        let (fault, proved) = house.answer_proof(&who, step, begun.ceremony, &answer).await;
        assert_eq!((fault, proved), (Some(Fault::Ceremony), Proved::NotTaken(Refusal::Over)));
        // A failure kills it.
        let begun = house.begin_sign_in(browser(2)).await;
        let draft = key.draft(&options(&begun));
        let bad = key.sign(&draft.clone().with(".get", ".git"));
        let failed = house.sign_in_with(browser(2), begun.ceremony, &bad).await;
        assert_eq!(failed.err(), Some((Some(Fault::Type), Refusal::No)));
        let good = key.sign(&draft);
        assert_eq!(house.sign_in_with(browser(2), begun.ceremony, &good).await.err(), Some(over));
        // Time kills it.
        let begun = house.begin_sign_in(browser(2)).await;
        let answer = key.get(&options(&begun));
        house.wait(300);
        assert_eq!(house.sign_in_with(browser(2), begun.ceremony, &answer).await.err(), Some(over));
        // A browser cannot pile them up.
        for _ in 0..20 {
            house.begin_sign_in(browser(5)).await;
        }
        assert!(house.count(&WAITING).await < 20);
        let last = house.begin_sign_in(browser(5)).await;
        let answer = key.get(&options(&last));
        assert!(house.sign_in_with(browser(5), last.ceremony, &answer).await.is_ok());
    }

    /// A61: a credential id is one account's; the user handle is 64 random bytes, another for each account.
    async fn a_credential_is_one_account_s(db: TestDb) {
        let house = House::new(db);
        let anna = house.signed(ANNA, 1).await;
        let boris = house.signed(BORIS, 2).await;
        let mut key = device(1);
        house.with_passkey(&anna, &mut key).await;
        let (id, options) = house.asked_to_add(&boris).await;
        let theirs = from_base64url(options["user"]["id"].as_str().unwrap());
        assert_eq!((theirs.len(), key.handle.len()), (64, 64));
        assert_ne!(theirs, key.handle);
        let account = boris.account.id.as_bytes();
        assert!(theirs.windows(16).all(|part| part != account));
        let mut thief = device(7);
        thief.credential = key.credential.clone();
        let answer = thief.create(&options);
        let taken = house.finish_adding(&boris, id, &answer, None).await;
        assert_eq!(taken, Adding::Performed(Performed::Done(Added::Taken)));
        // The handle stays the account's for the next key, and the key is Anna's still.
        let (_, again) = house.asked_to_add(&boris).await;
        assert_eq!(again["user"]["id"], options["user"]["id"]);
        let welcome = house.enter_with(browser(3), &mut key).await.expect("in");
        assert_eq!(welcome.account, anna.account.id);
        assert_eq!((house.count(&KEYS).await, house.count(&CLAIMS).await), (1, 1));
    }

    /// A62: a key is added only with a proof of the last five minutes, the strongest there is; the owner hears
    /// of it on every channel; for a day it lets no money go.
    async fn a_new_key_needs_a_proof_and_ripens(db: TestDb) {
        let house = House::new(db);
        let who = house.signed(ANNA, 1).await;
        let mailbox = email("anna@example.ru");
        house.with_email(&who, &mailbox).await;
        house.wait(300);
        let mut key = device(1);
        // The sign-in is too long ago, and with an e-mail both are asked for.
        let (id, options) = house.asked_to_add(&who).await;
        let answer = key.create(&options);
        let late = house.finish_adding(&who, id, &answer, None).await;
        let Adding::Performed(Performed::Needs(step)) = late else { panic!("{late:?}") };
        assert_eq!(house.count(&KEYS).await, 0);
        // No key yet: nothing to show for the step.
        assert!(house.begin_proof(&who, step).await.is_none());

        // An account with a phone alone, signed in just now.
        let boris = house.signed(BORIS, 2).await;
        let mut first = device(2);
        house.with_passkey(&boris, &mut first).await;
        // From now on the key itself is asked for: a code no longer suffices.
        let mut second = device(3);
        let (id, options) = house.asked_to_add(&boris).await;
        let answer = second.create(&options);
        let adding = house.finish_adding(&boris, id, &answer, Some("Рабочий")).await;
        let Adding::Performed(Performed::Needs(step)) = adding else { panic!("{adding:?}") };
        let (_, proved) = house.prove_with(&boris, step, &mut first).await;
        assert_eq!(proved, Proved::Taken(Progress::Proved));

        // Money: neither is a day old.
        let pay = Pay { rubles: 100 };
        assert_eq!(house.sensitive(&boris, pay.clone(), None).await, Performed::NothingToShow);
        house.wait(RIPENS.as_secs());
        let step = house.step_for(&boris, pay.clone()).await;
        let mut young = house.signed_with_new_key(&boris, &mut first).await;
        // A key that is younger proves, and money does not leave for it.
        let (_, proved) = house.prove_with(&boris, step, &mut young).await;
        assert!(matches!(proved, Proved::Taken(Progress::More(_))), "{proved:?}");
        assert!(matches!(house.sensitive(&boris, pay.clone(), Some(step)).await, Performed::Needs(_)));
        assert_eq!(house.count(&PAID).await, 0);
        let step = house.step_for(&boris, pay.clone()).await;
        let (_, proved) = house.prove_with(&boris, step, &mut first).await;
        assert_eq!(proved, Proved::Taken(Progress::Proved));
        assert_eq!(house.sensitive(&boris, pay, Some(step)).await, Performed::Done(()));
        assert_eq!(house.count(&PAID).await, 1);
    }

    /// A62: the notice of a new key goes to every channel, with its «это не я».
    async fn a_new_key_is_told_everywhere(db: TestDb) {
        let house = House::new(db);
        let who = house.signed(ANNA, 1).await;
        let mailbox = email("anna@example.ru");
        house.with_email(&who, &mailbox).await;
        let before = (
            house.notices(&phone(ANNA), Channel::Sms).await.len(),
            house.notices(&mailbox, Channel::Email).await.len(),
        );
        // Both identifiers were proved within five minutes only if both codes were given for the session.
        let (id, options) = house.asked_to_add(&who).await;
        let answer = device(1).create(&options);
        let adding = house.finish_adding(&who, id, &answer, None).await;
        let Adding::Performed(Performed::Needs(step)) = adding else { panic!("{adding:?}") };
        house.prove_by_codes(&who, step, &mailbox).await;
        let (id, options) = house.asked_to_add(&who).await;
        let answer = device(1).create(&options);
        let added = house.finish_adding(&who, id, &answer, None).await;
        assert!(matches!(added, Adding::Performed(Performed::Done(Added::Done(_)))), "{added:?}");
        assert_eq!(house.notices(&phone(ANNA), Channel::Sms).await.len(), before.0 + 1);
        assert_eq!(house.notices(&mailbox, Channel::Email).await.len(), before.1 + 1);
        house.settled().await;
    }

    /// A63: a counter that goes back is an event, a notice and no sign-in; the key is taken no more, another
    /// way is.
    async fn a_copy_is_noticed(db: TestDb) {
        let house = House::new(db);
        let who = house.signed(ANNA, 1).await;
        let mut key = device(1);
        house.with_passkey(&who, &mut key).await;
        let mut copy = key.clone();
        for n in 2..5 {
            house.enter_with(browser(n), &mut key).await.expect("in");
        }
        let before = house.count(&raw::SESSIONS).await;
        let caught = house.enter_with(browser(6), &mut copy).await;
        // The signature is right, so nothing but the counter is at fault, and that is found at the row.
        assert_eq!(caught.err(), Some((None, Refusal::Suspected)));
        assert_eq!(house.count(&raw::SESSIONS).await, before);
        assert!(house.passkeys(&who).await[0].suspected_at.is_some());
        assert_eq!(house.heard("похоже, есть копия").await, 1);
        // Neither of the two opens anything now.
        let original = house.enter_with(browser(7), &mut key).await;
        assert_eq!(original.err(), Some((Some(Fault::Suspected), Refusal::Suspected)));
        assert_eq!(house.heard("похоже, есть копия").await, 1);
        let open = Open { next: "/".to_owned() };
        assert_eq!(house.sensitive(&who, open, None).await, Performed::NothingToShow);
        house.enter_in_time(&phone(ANNA), browser(8)).await;
        house.settled().await;
    }

    /// A63: an authenticator without a counter is no copy.
    async fn no_counter_is_no_copy(db: TestDb) {
        let house = House::new(db);
        let who = house.signed(ANNA, 1).await;
        let mut key = device(1);
        key.counts = false;
        house.with_passkey(&who, &mut key).await;
        for n in 2..5 {
            house.enter_with(browser(n), &mut key).await.expect("in");
        }
        assert_eq!(house.passkeys(&who).await[0].suspected_at, None);
    }

    /// A50, A62: removing asks for a proof of its own; what is removed opens nothing and its authenticator is
    /// told.
    async fn a_removed_key_is_gone(db: TestDb) {
        let house = House::new(db);
        let who = house.signed(ANNA, 1).await;
        let mut key = device(1);
        let id = house.with_passkey(&who, &mut key).await;
        let begun = house.begin_sign_in(browser(2)).await;
        let answer = key.get(&options(&begun));
        let judged = house.judge_sign_in(browser(2), begun.ceremony, &answer).await;
        let step = house.step_for(&who, Remove { id }).await;
        let (_, proved) = house.prove_with(&who, step, &mut key).await;
        assert_eq!(proved, Proved::Taken(Progress::Proved));
        let removed = house.sensitive(&who, Remove { id }, Some(step)).await;
        assert_eq!(removed, Performed::Done(Removed::Done));
        assert_eq!((house.count(&KEYS).await, house.count(&CLAIMS).await), (0, 0));
        // What was judged before and is written after is not in either.
        let raced = house.enter_judged(&visitor(), browser(2), judged).await;
        assert!(matches!(raced, passkeys::Entered::NotTaken(Refusal::Unknown)));
        let gone = house.enter_with(browser(3), &mut key).await;
        assert_eq!(gone.err(), Some((Some(Fault::Unknown), Refusal::Unknown)));
        let accepted = house.act(&who, |tx, (env, who)| {
            Box::pin(async move { passkeys::accepted(tx, env, &who.account).await })
        }).await.expect("a handle");
        assert_eq!(accepted.rp_id, "kabinet.example");
        assert!(accepted.all_accepted_credential_ids.is_empty());
        assert_eq!(from_base64url(&accepted.user_id), key.handle);
        assert_eq!(house.heard("удалён ключ доступа").await, 1);
        // Again: it is asked for a proof as before, and there is nothing left to remove.
        assert!(matches!(house.sensitive(&who, Remove { id }, None).await, Performed::Needs(_)));
        house.settled().await;
    }

    /// ID-2a: a stronger factor opens what wrong codes have put to rest.
    async fn a_passkey_opens_codes_again(db: TestDb) {
        let house = House::new(db);
        let who = house.signed(ANNA, 1).await;
        let mut key = device(1);
        house.with_passkey(&who, &mut key).await;
        house.ask_in_time(&visitor(), &phone(ANNA), browser(2)).await;
        let code = house.code(&phone(ANNA)).await;
        for _ in 0..5 {
            house.verify(browser(2), &wrong(&code)).await;
        }
        assert_eq!(house.count(&raw::IN_ROW).await, 5);
        house.enter_with(browser(3), &mut key).await.expect("in");
        assert_eq!(house.count(&raw::IN_ROW).await, 0);
        house.settled().await;
    }

    /// ID-3: a passkey opens the bank section; another account's does not, nor one that was not asked for.
    async fn a_passkey_opens_the_bank(db: TestDb) {
        let house = House::new(db);
        let anna = house.signed(ANNA, 1).await;
        let boris = house.signed(BORIS, 2).await;
        let (mut hers, mut his) = (device(1), device(2));
        house.with_passkey(&anna, &mut hers).await;
        house.with_passkey(&boris, &mut his).await;
        let open = Open { next: "/".to_owned() };
        let step = house.step_for(&anna, open.clone()).await;
        let begun = house.begin_proof(&anna, step).await.expect("a key");
        let asked = options(&begun);
        assert_eq!(asked["allowCredentials"].as_array().unwrap().len(), 1);
        assert_eq!(asked["allowCredentials"][0]["transports"], serde_json::json!(["hybrid", "internal"]));
        let answer = his.get(&asked);
        let (fault, proved) = house.answer_proof(&anna, step, begun.ceremony, &answer).await;
        assert_eq!((fault, proved), (Some(Fault::NotAllowed), Proved::NotTaken(Refusal::No)));
        assert_eq!(house.sensitive(&anna, open.clone(), Some(step)).await, Performed::Needs(step));
        // Without a handle too: the key was asked for by name.
        let begun = house.begin_proof(&anna, step).await.expect("a key");
        let mut draft = hers.draft(&options(&begun));
        draft.handle = None;
        let (_, proved) = house.answer_proof(&anna, step, begun.ceremony, &hers.sign(&draft)).await;
        assert_eq!(proved, Proved::Taken(Progress::Proved));
        assert_eq!(house.sensitive(&anna, open, Some(step)).await, Performed::Done(()));
        house.settled().await;
    }

    /// ID-13: a frozen account adds no key; its keys still lead in, as its codes do.
    async fn a_frozen_account_adds_no_key(db: TestDb) {
        let house = House::new(db);
        let who = house.signed(ANNA, 1).await;
        let mut key = device(1);
        house.with_passkey(&who, &mut key).await;
        house.act(&who, |tx, (env, who)| {
            Box::pin(async move { freeze::freeze_mine(tx, env, &visitor(), who).await })
        }).await;
        let (id, options) = house.asked_to_add(&who).await;
        let answer = device(2).create(&options);
        let frozen = house.finish_adding(&who, id, &answer, None).await;
        assert_eq!(frozen, Adding::Performed(Performed::Frozen));
        house.enter_with(browser(3), &mut key).await.expect("in");
    }

    /// ID-13: at five answers not taken in a row the owner hears of it; the right one clears the row.
    async fn wrong_answers_are_told(db: TestDb) {
        let house = House::new(db);
        let who = house.signed(ANNA, 1).await;
        let mut key = device(1);
        house.with_passkey(&who, &mut key).await;
        let mut thief = device(9);
        (thief.credential, thief.handle) = (key.credential.clone(), key.handle.clone());
        for n in 0..9 {
            if n == 4 {
                assert_eq!(house.heard("подбирает").await, 0);
                house.enter_with(browser(2), &mut key).await.expect("in");
            }
            let refused = house.enter_with(browser(3), &mut thief).await;
            assert_eq!(refused.err(), Some((Some(Fault::Signature), Refusal::No)));
        }
        assert_eq!(house.heard("подбирает").await, 1);
        house.settled().await;
    }

    /// A key is named, and an account has no more of them than it may.
    async fn keys_are_named_and_few(db: TestDb) {
        let house = House::new(db);
        let who = house.signed(ANNA, 1).await;
        let mut key = device(1);
        let id = house.with_passkey(&who, &mut key).await;
        assert_eq!(house.passkeys(&who).await[0].name, None);
        for (typed, read) in [("  Ноутбук  дома ", Some("Ноутбук дома")), ("", None)] {
            let name = passkeys::name(typed).expect("a name");
            house.write((Arc::clone(&who), id, name), |tx, (env, (who, id, name))| {
                Box::pin(async move { passkeys::rename(tx, env, &visitor(), who, *id, name.as_deref()).await })
            }).await;
            assert_eq!(house.passkeys(&who).await[0].name.as_deref(), read);
        }
        for bad in ["a\u{202e}b", "a\0b", &"ж".repeat(61)] {
            assert_eq!(passkeys::name(bad), None, "{bad:?}");
        }
        house.enter_with(browser(2), &mut key).await.expect("in");
        let mut ids = BTreeSet::new();
        for n in 1..KEYS_MOST {
            let (ceremony, options) = house.asked_to_add(&who).await;
            assert_eq!(options["excludeCredentials"].as_array().unwrap().len(), n);
            let answer = device(u8::try_from(n).unwrap() + 1).create(&options);
            let adding = house.finish_adding(&who, ceremony, &answer, None).await;
            let Adding::Performed(Performed::Needs(step)) = adding else { panic!("{adding:?}") };
            house.prove_with(&who, step, &mut key).await;
            // Shown within five minutes: the next one needs no proof of its own.
            let (ceremony, options) = house.asked_to_add(&who).await;
            let answer = device(u8::try_from(n).unwrap() + 1).create(&options);
            let added = house.finish_adding(&who, ceremony, &answer, None).await;
            let Adding::Performed(Performed::Done(Added::Done(id))) = added else { panic!("{added:?}") };
            ids.insert(id);
            house.wait(301);
        }
        assert_eq!(ids.len(), KEYS_MOST - 1);
        assert_eq!(house.begin_adding(&who).await, BeginAdding::TooMany);
    }
}

/// Passkeys are for the site of the configuration, and there is none at a bare address.
#[tokio::test]
async fn the_site_is_the_configuration_s() {
    let test = TestDb::new(db::Engine::Sqlite).await;
    let house = House::new(test);
    let site = |origin: &str| {
        let env = identity_service::Env {
            origin: origin.into(),
            ..house.env.clone()
        };
        passkeys::Site::of(&env).map(|site| (site.id, site.origin))
    };
    let pair = |id: &str, origin: &str| Some((id.to_owned(), origin.to_owned()));
    assert_eq!(
        site("https://kabinet.example"),
        pair("kabinet.example", "https://kabinet.example")
    );
    assert_eq!(
        site("https://id.kabinet.example:8443/"),
        pair("id.kabinet.example", "https://id.kabinet.example:8443")
    );
    assert_eq!(
        site("http://localhost:8080"),
        pair("localhost", "http://localhost:8080")
    );
    for none in [
        "http://kabinet.example",
        "https://192.0.2.1",
        "https://[::1]",
        "kabinet",
    ] {
        assert_eq!(site(none), None, "{none}");
    }
}
