//! A2, A40: limits, and races for them.

use std::sync::Arc;

use recovery_core::limits;
use recovery_service::start::{Started, start};
use testkit::TestDb;

use crate::house::{
    ANNA, ANNA_MAIL, House, NOBODY, browser, mail, phone, raw, visitor, visitor_from,
};

fn is_open(started: &Started) -> bool {
    matches!(started, Started::Open { .. })
}

testkit::both_engines! {
    /// A2: three an hour from one address, whoever is meant; another address is not in its way.
    async fn three_an_hour_from_an_address(db: TestDb) {
        let house = House::new(db);
        for n in 0..3 {
            house.start(&phone(&format!("+7 912 000-01-{n:02}")), browser(n)).await;
        }
        let fourth = house.start_from(&visitor(), &phone("+7 912 000-01-09"), browser(9)).await;
        let Started::NotNow { until } = fourth else { panic!("{fourth:?}") };
        let elsewhere = house.start_from(&visitor_from([192, 0, 2, 8]), &phone("+7 912 000-01-09"), browser(9)).await;
        assert!(is_open(&elsewhere));
        house.test.clock().set(until);
        let later = house.start_from(&visitor(), &phone("+7 912 000-01-08"), browser(8)).await;
        assert!(is_open(&later), "the moment told is right");
    }

    /// A2: three a day with one identifier, from wherever, alike for a known and an unknown one; a refused start makes
    /// no row and does not count.
    async fn three_a_day_with_an_identifier(db: TestDb) {
        let house = House::new(db);
        house.anna().await;
        let mut told = Vec::new();
        for (side, identifier) in [phone(ANNA), phone(NOBODY)].iter().enumerate() {
            let from = |n: u8| visitor_from([198, 51, u8::try_from(side).unwrap(), n]);
            let mut answers = Vec::new();
            for n in 0..5 {
                let started = house.start_from(&from(n), identifier, browser(n)).await;
                answers.push(is_open(&started));
            }
            told.push(answers);
        }
        assert_eq!(told[0], [true, true, true, false, false]);
        assert_eq!(told[0], told[1]);
        assert_eq!(house.count(&raw::CASES).await, 6);
        house.wait(24 * 3_600);
        assert!(is_open(&house.start_from(&visitor(), &phone(ANNA), browser(1)).await));
    }

    /// A2: sixty-four at once from one address are three.
    async fn a_race_from_an_address(db: TestDb) {
        let house = Arc::new(House::new(db));
        let input = house.clone();
        let answers = testkit::race(64, move |n| {
            let house = Arc::clone(&input);
            async move {
                let identifier = phone(&format!("+7 912 000-02-{n:02}"));
                is_open(&house.start_from(&visitor(), &identifier, browser(u8::try_from(n).unwrap())).await)
            }
        })
        .await;
        assert_eq!(answers.into_iter().filter(|open| *open).count(), limits::STARTS_A_NETWORK);
        assert_eq!(house.count(&raw::CASES).await, 3);
    }

    /// A40: an account has two identifiers and so six starts a day; two open cases count, whoever starts how many at
    /// once. The others look alike to who started them.
    async fn two_open_cases_count(db: TestDb) {
        let house = Arc::new(House::new(db));
        house.anna().await;
        let input = house.clone();
        let answers = testkit::race(64, move |n| {
            let house = Arc::clone(&input);
            async move {
                let n = u8::try_from(n).unwrap();
                let identifier = if n.is_multiple_of(2) { phone(ANNA) } else { mail(ANNA_MAIL) };
                let who = visitor_from([203, 0, 113, n]);
                is_open(&house.start_from(&who, &identifier, browser(n)).await)
            }
        })
        .await;
        assert_eq!(answers.into_iter().filter(|open| *open).count(), 6);
        assert_eq!(house.count(&raw::COUNT).await, 2);
        assert_eq!(house.count(&raw::CASES).await, 6);
    }

    /// A40: three in thirty days count, even when the ones before have ended.
    async fn three_in_thirty_days_count(db: TestDb) {
        let house = House::new(db);
        house.anna().await;
        for n in 0..5 {
            house.start(&phone(ANNA), browser(n)).await;
            house.wait(8 * 24 * 3_600 - 1);
        }
        // The first left the window when the fifth was started.
        assert_eq!(house.count(&raw::COUNT).await, 4);
        assert_eq!(house.count(&raw::CASES).await, 5);
    }

    /// EV-3: a start is one transaction: what fails in it leaves nothing.
    async fn a_start_is_whole_or_not_at_all(db: TestDb) {
        let house = House::new(db);
        let before = house.count(&raw::CASES).await;
        let failed: Result<(), identity_service::ServiceError> = house
            .test
            .write("test", house.env.clone(), |tx, env| {
                Box::pin(async move {
                    start(tx, env, &visitor(), &phone(NOBODY), &browser(1)).await?;
                    Err(identity_service::ServiceError::Inconsistent("for the test"))
                })
            })
            .await;
        assert!(failed.is_err());
        assert_eq!(house.count(&raw::CASES).await, before);
        assert_eq!(house.count(&raw::NUMBERS).await, 0);
        assert!(house.look(browser(1)).await.is_none());
    }
}
