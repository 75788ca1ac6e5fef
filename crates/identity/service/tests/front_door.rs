//! The front door, end to end, on both engines.

#[expect(dead_code, reason = "each test program uses its own part of the house")]
mod house;

use house::{ANNA, House, browser, phone};
use identity_service::sign_in::Verified;
use testkit::TestDb;

testkit::both_engines! {
    /// ID-1: registration and sign-in are the same door.
    async fn a_number_becomes_an_account_and_then_leads_to_it(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        let first = house.enter(&anna, browser(1)).await;
        assert!(first.is_new);
        let who = house.who(&first.token).await.unwrap();
        assert_eq!(who.account.id, first.account);
        house.wait(70);
        let second = house.enter(&anna, browser(2)).await;
        assert!(!second.is_new);
        assert_eq!(second.account, first.account);
        assert!(house.who(&first.token).await.is_some(), "the first session goes on");
    }

    /// ID-2: a code is accepted once.
    async fn a_used_code_is_dead(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        house.enter(&anna, browser(1)).await;
        let code = house.code(&anna).await;
        assert!(!matches!(house.verify(browser(1), &code).await, Verified::In(_)));
    }
}
