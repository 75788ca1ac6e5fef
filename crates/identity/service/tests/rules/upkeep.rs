//! Forgetting what has served, and nothing else.

use identity_service::{codes::Asked, upkeep::Cleanup};
use jobs::Periodic as _;
use testkit::TestDb;

use crate::{
    house::{ANNA, House, browser, phone},
    tools::{name, raw, wrong},
};

testkit::both_engines! {
    /// Codes, flows and networks are gone after two days and not before; what is counted per identifier, the
    /// account and its session stay (ID-2a, ID-9).
    async fn old_codes_are_forgotten(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        let welcome = house.enter(&anna, browser(1)).await;
        house.wait(60);
        house.ask(&anna, browser(2)).await;
        let code = house.code(&anna).await;
        house.verify(browser(2), &wrong(&code)).await;
        let cleanup = Cleanup::new(&house.test.db());
        let rows = async || {
            (house.count(&raw::CODES).await, house.count(&raw::FLOWS).await, house.count(&raw::NETWORKS).await)
        };
        let before = rows().await;
        assert_eq!(before, (2, 1, 4));
        house.wait(2 * 86_400 - 120);
        cleanup.run().await.unwrap();
        assert_eq!(rows().await, before, "still young");
        house.wait(200);
        cleanup.run().await.unwrap();
        assert_eq!(rows().await, (0, 0, 0));
        assert_eq!(house.count(&raw::IN_ROW).await, 1, "the row of wrong tries goes on");
        assert!(house.who(&welcome.token).await.is_some());
        assert_eq!(name(&house.verify(browser(2), &code).await), "Dead");
        assert!(house.status(browser(2)).await.is_none());
        assert_eq!(house.ask(&anna, browser(2)).await, Asked::Sent);
        house.settled().await;
    }
}
