//! ID-4: the e-mail address.

use std::sync::Arc;

use identity_core::{account::Level, challenge::NotAccepted, session::Method};
use identity_service::{
    codes::Asked,
    email::{self, Added, Allow, Confirmed},
    link::LinkToken,
    profile,
    session::SignedIn,
    step_up::{Performed, Progress},
};
use notify::Channel;
use testkit::{TestDb, race};

use crate::{
    house::{ANNA, House, browser, phone, visitor},
    secret_tools::PASSWORD,
    tools::{email, link, wrong},
};

db::statements! {
    /// Lifts a freeze.
    THAW: "UPDATE account SET frozen_at = NULL WHERE account_id = $1" (Bytes) -> ();
}

const MAIL: &str = "anna@example.org";
const BORIS: &str = "+7 913 000-00-02";

impl House {
    async fn mail_link(&self) -> LinkToken {
        let letters = self.inbox(&email(MAIL), Channel::Email).await;
        letters
            .iter()
            .find_map(|letter| link(&letter.text, "/email/confirm/"))
            .expect("a link")
    }

    async fn look_mail(&self, token: &LinkToken) -> Option<String> {
        let input = (self.env.clone(), token.clone());
        self.test
            .read("test.look", input, |tx, (env, token)| {
                Box::pin(email::look(tx, env, token))
            })
            .await
            .unwrap()
    }

    async fn by_link(&self, token: &LinkToken) -> Confirmed {
        self.write(token.clone(), |tx, (env, token)| {
            Box::pin(async move { email::confirm_by_link(tx, env, &visitor(), token).await })
        })
        .await
    }

    async fn mails(&self, who: &Arc<SignedIn>) -> usize {
        let input = Arc::clone(who);
        self.test
            .read("test.standing", input, |tx, who| {
                Box::pin(profile::standing(tx, &who.account))
            })
            .await
            .unwrap()
            .owned
            .len()
            - 1
    }
}

testkit::both_engines! {
    /// ID-4: by code; afterwards the address signs in, and the owner was told on both channels (ID-13).
    async fn an_address_is_confirmed_by_code(db: TestDb) {
        let house = House::new(db);
        let (anna, mail) = (phone(ANNA), email(MAIL));
        let welcome = house.enter(&anna, browser(1)).await;
        let who = house.signed_in(&welcome).await;
        assert_eq!(house.add_email(&who, &mail).await, Added::Asked(Asked::Sent));
        let code = house.letter_code(&mail).await;
        let refused = house.confirm_email(&who, &wrong(&code)).await;
        assert_eq!(refused, Confirmed::NotAccepted(NotAccepted::Wrong { left: 4 }));
        assert_eq!(house.mails(&who).await, 0);
        assert_eq!(house.confirm_email(&who, &code).await, Confirmed::Done);
        assert_eq!(house.mails(&who).await, 1);
        assert_eq!(house.notices(&anna, Channel::Sms).await.len(), 1);
        assert_eq!(house.notices(&mail, Channel::Email).await.len(), 1);
        assert_eq!(house.add_email(&who, &email("other@example.org")).await, Added::HasOne);
        house.wait(60);
        let entered = house.enter_in_time(&mail, browser(2)).await;
        assert_eq!(entered.account, welcome.account);
        assert_eq!(house.who(&entered.token).await.unwrap().method, Method::Email);
        house.settled().await;
    }

    /// ID-4, A31: by link; looking changes nothing, pressing works once, in any browser.
    async fn an_address_is_confirmed_by_link(db: TestDb) {
        let house = House::new(db);
        let welcome = house.enter(&phone(ANNA), browser(1)).await;
        let who = house.signed_in(&welcome).await;
        house.add_email(&who, &email(MAIL)).await;
        let token = house.mail_link().await;
        for _ in 0..3 {
            assert_eq!(house.look_mail(&token).await.as_deref(), Some("a•••@example.org"));
        }
        assert_eq!(house.mails(&who).await, 0, "a mail scanner opens links");
        assert_eq!(house.by_link(&token).await, Confirmed::Done);
        assert_eq!(house.mails(&who).await, 1);
        assert_eq!(house.by_link(&token).await, Confirmed::LinkOver);
        assert_eq!(house.look_mail(&token).await, None);
        house.settled().await;
    }

    /// ID-4: of 64 that press one link at once one is told that it is done.
    async fn a_link_works_once(db: TestDb) {
        let house = Arc::new(House::new(db));
        let welcome = house.enter(&phone(ANNA), browser(1)).await;
        let who = house.signed_in(&welcome).await;
        house.add_email(&who, &email(MAIL)).await;
        let token = house.mail_link().await;
        let answers = race(64, |_| {
            let (house, token) = (Arc::clone(&house), token.clone());
            async move { house.by_link(&token).await }
        }).await;
        assert_eq!(answers.iter().filter(|answer| **answer == Confirmed::Done).count(), 1);
        assert_eq!(answers.iter().filter(|answer| **answer == Confirmed::LinkOver).count(), 63);
        house.settled().await;
    }

    /// ID-4: a link lives a day.
    async fn a_link_runs_out(db: TestDb) {
        let house = House::new(db);
        let welcome = house.enter(&phone(ANNA), browser(1)).await;
        let who = house.signed_in(&welcome).await;
        house.add_email(&who, &email(MAIL)).await;
        let token = house.mail_link().await;
        house.wait(86_400);
        assert_eq!(house.by_link(&token).await, Confirmed::LinkOver);
        assert_eq!(house.mails(&who).await, 0);
    }

    /// A4: an address that leads to another account gets the same answer until it is proved; its owner is told
    /// by the very letter.
    async fn a_taken_address_is_told_only_after_proof(db: TestDb) {
        let house = House::new(db);
        let (mail, free) = (email(MAIL), email("free@example.org"));
        let anna = house.enter(&phone(ANNA), browser(1)).await;
        house.with_email(&house.signed_in(&anna).await, &mail).await;
        house.wait(60);
        let boris = house.enter(&phone(BORIS), browser(2)).await;
        let who = house.signed_in(&boris).await;
        let before = house.inbox(&mail, Channel::Email).await.len();
        let taken = house.add_email(&who, &mail).await;
        assert_eq!(taken, Added::Asked(Asked::Sent));
        assert_eq!(house.inbox(&mail, Channel::Email).await.len(), before + 1);
        let code = house.letter_code(&mail).await;
        assert_eq!(house.confirm_email(&who, &wrong(&code)).await, Confirmed::NotAccepted(NotAccepted::Wrong { left: 4 }));
        assert_eq!(house.confirm_email(&who, &code).await, Confirmed::Taken);
        assert_eq!(house.mails(&who).await, 0);
        assert_eq!(house.add_email(&who, &free).await, taken, "the same words");
        house.settled().await;
    }

    /// ID-4: two accounts prove one address at once; one gets it.
    async fn an_address_is_of_one_account(db: TestDb) {
        let house = Arc::new(House::new(db));
        let mail = email(MAIL);
        let mut links = Vec::new();
        for (n, number) in [(1, ANNA), (2, BORIS)] {
            let welcome = house.enter(&phone(number), browser(n)).await;
            let who = house.signed_in(&welcome).await;
            house.add_email(&who, &mail).await;
            links.push(house.mail_link().await);
            house.wait(60);
        }
        let answers = race(16, |n| {
            let (house, token) = (Arc::clone(&house), links[n % 2].clone());
            async move { house.by_link(&token).await }
        }).await;
        assert_eq!(answers.iter().filter(|answer| **answer == Confirmed::Done).count(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| **answer == Confirmed::Taken).count(), 1, "{answers:?}");
        house.settled().await;
    }

    /// A16: a code for an address serves only the session that asked.
    async fn a_code_for_an_address_serves_one_session(db: TestDb) {
        let house = House::new(db);
        let anna = house.enter(&phone(ANNA), browser(1)).await;
        let boris = house.enter(&phone(BORIS), browser(2)).await;
        let (anna, boris) = (house.signed_in(&anna).await, house.signed_in(&boris).await);
        house.add_email(&anna, &email(MAIL)).await;
        let code = house.letter_code(&email(MAIL)).await;
        assert_eq!(house.confirm_email(&boris, &code).await, Confirmed::NotAccepted(NotAccepted::Dead));
        assert_eq!(house.confirm_email(&anna, &code).await, Confirmed::Done);
        assert_eq!(anna.account.level, Level::Limited, "a name is missing still (ID-4)");
    }

    /// A48: an old session asks for no address without a new proof; whoever has just signed in does. With the
    /// proof the address that was confirmed may be asked for, and nobody learns whether it is taken (A4).
    async fn an_old_session_adds_no_address(db: TestDb) {
        let house = House::new(db);
        let (anna, mail) = (phone(ANNA), email(MAIL));
        let welcome = house.enter(&anna, browser(1)).await;
        let who = house.signed_in(&welcome).await;
        house.wait(15 * 60);
        let sent = house.inbox(&mail, Channel::Email).await.len();
        assert_eq!(house.add_email(&who, &mail).await, Added::ProofFirst);
        assert_eq!(house.inbox(&mail, Channel::Email).await.len(), sent);
        let allow = Allow { email: MAIL.to_owned() };
        let step = house.needs(&who, allow.clone()).await;
        assert_eq!(house.add_email(&who, &mail).await, Added::ProofFirst, "asking is no proof");
        assert_eq!(house.prove_now(&who, step, &anna).await, Progress::Proved);
        // A77: the step confirms its own address.
        let other = Allow { email: "thief@example.org".to_owned() };
        assert_ne!(house.perform(&who, other, Some(step)).await, Performed::Needs(step));
        assert_eq!(house.perform(&who, allow, Some(step)).await, Performed::Done(()));
        house.with_email(&who, &mail).await;
        house.settled().await;
    }

    /// A48, CH-1: a code is not enough where the account has something stronger, however fresh the sign-in is.
    async fn a_code_adds_no_address_beside_a_password(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.owner().await;
        house.set_password(&who, PASSWORD).await;
        assert_eq!(house.add_email(&who, &email(MAIL)).await, Added::ProofFirst);
        let step = house.needs(&who, Allow { email: MAIL.to_owned() }).await;
        assert_eq!(house.prove_by_password(&who, step, PASSWORD).await, Progress::Proved);
        house.with_email(&who, &email(MAIL)).await;
        house.settled().await;
    }

    /// ID-13: while the account is frozen no address is added, neither by a code nor by a link that was sent
    /// before; the link still serves when the freeze was lifted.
    async fn a_frozen_account_gets_no_address(db: TestDb) {
        let house = House::new(db);
        let welcome = house.enter(&phone(ANNA), browser(1)).await;
        let who = house.signed_in(&welcome).await;
        house.add_email(&who, &email(MAIL)).await;
        let (code, token) = (house.letter_code(&email(MAIL)).await, house.mail_link().await);
        house.act(&who, |tx, (env, who)| {
            Box::pin(async move { identity_service::freeze::freeze_mine(tx, env, &visitor(), who).await })
        })
        .await;
        let who = house.signed_in(&welcome).await;
        assert_eq!(house.by_link(&token).await, Confirmed::Frozen);
        assert_eq!(house.confirm_email(&who, &code).await, Confirmed::Frozen);
        assert_eq!(house.add_email(&who, &email("other@example.org")).await, Added::ProofFirst);
        let allow = Allow { email: "other@example.org".to_owned() };
        assert_eq!(house.perform(&who, allow, None).await, Performed::Frozen);
        assert_eq!(house.mails(&who).await, 0);
        house.act(&who, |tx, (_, who)| Box::pin(async move {
            tx.execute_one(&THAW, db::params![who.account.id.as_bytes()]).await?;
            Ok(())
        }))
        .await;
        assert_eq!(house.by_link(&token).await, Confirmed::Done);
        house.settled().await;
    }
}
