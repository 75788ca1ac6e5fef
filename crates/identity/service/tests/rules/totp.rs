//! ID-8: authenticator apps.

use std::sync::Arc;

use identity_service::{
    second_factor,
    step_up::{Performed, Progress},
    totp::{Add, Added, Confirmed, Remove, Removed},
};
use notify::Channel;
use testkit::{TestDb, race};

use crate::{
    house::{ANNA, House, browser, phone},
    steps::came_to,
    tools::wrong,
};

db::statements! {
    /// Sealed secrets.
    SECRETS: "SELECT sealed FROM totp" () -> (Bytes);
    /// Apps that are connected.
    CONNECTED: "SELECT COUNT(*) FROM totp WHERE confirmed_at IS NOT NULL" () -> (Int);
}

testkit::both_engines! {
    /// ID-8: an app counts once its first code was right; the secret is shown to the session that made it, until
    /// then only; the owner is told.
    async fn an_app_counts_after_its_first_code(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        assert!(house.pending(&who).await.is_none());
        assert_eq!(house.at_once(&who, Add {}).await, Added::Begun);
        let shown = house.pending(&who).await.unwrap();
        assert!(shown.uri.starts_with("otpauth://totp/kabinet.example:"), "{}", shown.uri);
        let secret = crate::steps::secret(&shown.secret);
        assert_eq!(secret.len(), 20);
        assert_eq!(came_to(&house.try_totp(&who, &house.totp(&secret, 0)).await), "not there");
        // Another session of the same account sees no secret and confirms nothing.
        house.wait(70);
        let other = house.enter(&phone(ANNA), browser(2)).await;
        let other = house.signed_in(&other).await;
        assert!(house.pending(&other).await.is_none());
        assert_eq!(house.confirm_totp(&other, &house.totp(&secret, 0)).await, Confirmed::Over);
        let bad = wrong(&house.totp(&secret, 0));
        assert_eq!(house.confirm_totp(&who, &bad).await, Confirmed::Wrong);
        assert_eq!(house.count(&CONNECTED).await, 0);
        let told = house.notices(&phone(ANNA), Channel::Sms).await.len();
        assert_eq!(house.confirm_totp(&who, &house.totp(&secret, 0)).await, Confirmed::Done);
        assert!(house.pending(&who).await.is_none(), "shown no more");
        assert_eq!(house.notices(&phone(ANNA), Channel::Sms).await.len(), told + 1);
        assert_eq!(house.count(&CONNECTED).await, 1);
        // A second one needs the first: what is strongest is asked for.
        let Performed::Needs(_) = house.perform(&who, Add {}, None).await else { panic!("an app beside an app") };
        house.settled().await;
    }

    /// ID-8: no code is taken twice, of 64 at once one is; a code of the minute before last is none.
    async fn no_code_is_taken_twice(db: TestDb) {
        let house = Arc::new(House::new(db));
        let (_, who) = house.anna().await;
        let secret = house.with_totp(&who).await;
        let typed = house.totp(&secret, 0);
        let answers = {
            let (house, who) = (Arc::clone(&house), Arc::clone(&who));
            race(64, move |_| {
                let (house, who, typed) = (Arc::clone(&house), Arc::clone(&who), typed.clone());
                async move { came_to(&house.try_totp(&who, &typed).await) }
            }).await
        };
        assert_eq!(answers.iter().filter(|a| **a == "right").count(), 1);
        assert_eq!(answers.iter().filter(|a| **a == "used").count(), 63);
        assert_eq!(came_to(&house.try_totp(&who, &house.totp(&secret, -1)).await), "used");
        assert_eq!(came_to(&house.try_totp(&who, &house.totp(&secret, 1)).await), "right");
        house.wait(120);
        assert_eq!(came_to(&house.try_totp(&who, &house.totp(&secret, -2)).await), "wrong");
        assert_eq!(came_to(&house.try_totp(&who, &house.totp(&secret, 0)).await), "right");
        house.settled().await;
    }

    /// ID-2a, ID-8: wrong codes are counted before they are compared: of 64 at once ten are looked at; the owner
    /// hears of it; then even the right one rests.
    async fn tries_are_counted(db: TestDb) {
        let house = Arc::new(House::new(db));
        let (_, who) = house.anna().await;
        let secret = house.with_totp(&who).await;
        let told = house.notices(&phone(ANNA), Channel::Sms).await.len();
        let near = [-1, 0, 1].map(|off| house.totp(&secret, off));
        let typed = (0..).map(|n| format!("{n:06}")).find(|t| !near.contains(t)).unwrap();
        let answers = {
            let (house, who) = (Arc::clone(&house), Arc::clone(&who));
            race(64, move |_| {
                let (house, who, typed) = (Arc::clone(&house), Arc::clone(&who), typed.clone());
                async move { came_to(&house.try_totp(&who, &typed).await) }
            }).await
        };
        assert_eq!(answers.iter().filter(|a| **a == "wrong").count(), 10);
        assert_eq!(answers.iter().filter(|a| **a == "rests").count(), 54);
        assert_eq!(came_to(&house.try_totp(&who, &house.totp(&secret, 0)).await), "rests");
        assert_eq!(house.notices(&phone(ANNA), Channel::Sms).await.len(), told + 2, "at five and at ten");
        house.wait(3_700);
        assert_eq!(came_to(&house.try_totp(&who, &house.totp(&secret, 0)).await), "right");
        house.settled().await;
    }

    /// ID-8: an app is a proof for a step, and disconnecting it asks for one of its own.
    async fn an_app_proves_its_own_end(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let secret = house.with_totp(&who).await;
        let step = house.needs(&who, Remove {}).await;
        assert_eq!(house.perform(&who, Remove {}, Some(step)).await, Performed::Needs(step));
        let progress = house.prove_by_totp(&who, step, &house.totp(&secret, 0)).await;
        assert_eq!(progress, Progress::Proved);
        assert_eq!(house.perform(&who, Remove {}, Some(step)).await, Performed::Done(Removed::Done));
        assert_eq!(house.count(&CONNECTED).await, 0);
        house.settled().await;
    }

    /// ID-8: while sign-in always asks for a second factor, the only one stays.
    async fn the_only_second_factor_stays(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        assert_eq!(house.at_once(&who, second_factor::Always {}).await, second_factor::Set::Nothing);
        let secret = house.with_totp(&who).await;
        let always = house.by_totp(&who, second_factor::Always {}, &secret).await;
        assert_eq!(always, second_factor::Set::Done);
        assert_eq!(house.by_totp(&who, Remove {}, &secret).await, Removed::Needed);
        let off = house.by_totp(&who, second_factor::NotAlways {}, &secret).await;
        assert_eq!(off, second_factor::Set::Done);
        assert_eq!(house.by_totp(&who, Remove {}, &secret).await, Removed::Done);
        house.settled().await;
    }

    /// ID-8: the secret stands in the database sealed only, and a code proves nothing but by its own use.
    async fn the_secret_is_sealed(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let secret = house.with_totp(&who).await;
        let rows = house.test.read("test.sealed", (), |tx, ()| Box::pin(async move {
            let row = tx.query_one(&SECRETS, db::params![]).await?;
            row.bytes(0)
        })).await.unwrap_or_else(|error: db::DbError| panic!("{error}"));
        assert!(!rows.windows(secret.len()).any(|part| part == secret));
        house.wait(60);
        let typed = house.totp(&secret, 0);
        house.ask(&phone(ANNA), browser(9)).await;
        let answer = house.verify(browser(9), &typed).await;
        assert_eq!(crate::tools::name(&answer), "Wrong { left: 4 }", "an app's code is no code by SMS");
    }
}
