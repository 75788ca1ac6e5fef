//! ID-8: backup codes.

use std::{collections::BTreeSet, sync::Arc};

use identity_core::backup_code::{BackupCode, SIGNS};
use identity_service::{backup_code::Issue, step_up::Performed};
use notify::Channel;
use testkit::{TestDb, race};

use crate::{
    house::{ANNA, House, phone},
    steps::came_to,
    tools::{email, raw},
};

db::statements! {
    /// Codes not used.
    LEFT: "SELECT COUNT(*) FROM backup_code WHERE used_at IS NULL" () -> (Int);
    /// Codes used.
    USED: "SELECT COUNT(*) FROM backup_code WHERE used_at IS NOT NULL" () -> (Int);
}

testkit::both_engines! {
    /// ID-8: ten different codes; a used one is replaced at once, the new one works, the old one never again;
    /// every channel hears of it.
    async fn a_used_code_is_replaced(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let mail = email("anna@example.org");
        house.with_email(&who, &mail).await;
        let step = house.needs(&who, Issue {}).await;
        house.prove_both(&who, step).await;
        let Performed::Done(codes) = house.perform(&who, Issue {}, Some(step)).await else { panic!("not issued") };
        assert_eq!(codes.iter().map(BackupCode::grouped).collect::<BTreeSet<_>>().len(), 10);
        let told = house.notices(&mail, Channel::Email).await.len();
        let tried = house.try_backup(&who, &codes[3]).await;
        let identity_service::tries::Tried::Right(fresh) = tried else { panic!("{}", came_to(&tried)) };
        assert!(!codes.contains(&fresh));
        assert_eq!(house.notices(&mail, Channel::Email).await.len(), told + 1);
        assert_eq!((house.count(&LEFT).await, house.count(&USED).await), (10, 1));
        assert_eq!(came_to(&house.try_backup(&who, &codes[3]).await), "wrong");
        assert_eq!(came_to(&house.try_backup(&who, &fresh).await), "right");
        house.settled().await;
    }

    /// ID-8: of 64 at once with the same code one is right, and one new code is made.
    async fn one_of_64_is_right(db: TestDb) {
        let house = Arc::new(House::new(db));
        let (_, who) = house.anna().await;
        let codes = house.by_phone(&who, Issue {}, &phone(ANNA)).await;
        let answers = {
            let (house, who, code) = (Arc::clone(&house), Arc::clone(&who), codes[0].clone());
            race(64, move |_| {
                let (house, who, code) = (Arc::clone(&house), Arc::clone(&who), code.clone());
                async move { came_to(&house.try_backup(&who, &code).await) }
            }).await
        };
        assert_eq!(answers.iter().filter(|a| **a == "right").count(), 1);
        assert_eq!((house.count(&LEFT).await, house.count(&USED).await), (10, 1));
        assert_eq!(answers.iter().filter(|a| **a == "wrong").count(), 10, "then it rests");
        house.settled().await;
    }

    /// ID-8: a new set kills the old one and is told of; it takes a proof of its own.
    async fn a_new_set_kills_the_old(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let old = house.by_phone(&who, Issue {}, &phone(ANNA)).await;
        let told = house.notices(&phone(ANNA), Channel::Sms).await.len();
        let step = house.needs(&who, Issue {}).await;
        let fresh = house.prove_by_backup(&who, step, &old[0]).await;
        let new = match house.perform(&who, Issue {}, Some(step)).await {
            identity_service::step_up::Performed::Done(new) => new,
            _ => panic!("not done"),
        };
        assert_eq!(house.notices(&phone(ANNA), Channel::Sms).await.len(), told + 2, "used, issued");
        assert_eq!(came_to(&house.try_backup(&who, &old[5]).await), "wrong");
        assert_eq!(came_to(&house.try_backup(&who, &fresh).await), "wrong");
        assert_eq!(came_to(&house.try_backup(&who, &new[5]).await), "right");
        house.settled().await;
    }

    /// ID-8: a code of one account opens no other, and nobody without codes is tried.
    async fn a_code_is_one_accounts(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let codes = house.by_phone(&who, Issue {}, &phone(ANNA)).await;
        let boris = house.enter(&phone("+7 913 000-00-02"), crate::house::browser(4)).await;
        let boris = house.signed_in(&boris).await;
        assert_eq!(came_to(&house.try_backup(&boris, &codes[0]).await), "not there");
        let other = phone("+7 913 000-00-02");
        house.by_phone(&boris, Issue {}, &other).await;
        assert_eq!(came_to(&house.try_backup(&boris, &codes[0]).await), "wrong");
        let guessed = BackupCode::from_random([7; SIGNS]);
        assert_eq!(came_to(&house.try_backup(&who, &guessed).await), "wrong");
        assert_eq!(house.count(&raw::ACCOUNTS).await, 2);
    }
}
