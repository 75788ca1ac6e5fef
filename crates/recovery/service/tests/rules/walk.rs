//! RE-3, RE-11, A41, A42, A46: binding the phone, telling, coming back.

use identity_core::challenge::NotAccepted;
use identity_service::codes::Asked;
use kernel::code::OneTimeCode;
use recovery_core::{Proof, facts::Operation};
use recovery_service::{
    facts::{Saved, Told},
    phone::{Bound, Proved},
    resume::Resumed,
};
use testkit::TestDb;

use crate::house::{ANNA, House, NEW, NOBODY, OTHER, browser, phone};

fn knowledge() -> Told {
    Told::Knowledge {
        opened: "2024-03".to_owned(),
        code_word: "подснежник".to_owned(),
        operations: [
            Operation {
                day: "2026-11-20".to_owned(),
                minor: Some(123_456),
            },
            Operation::default(),
        ],
    }
}

testkit::both_engines! {
    /// RE-3: what was told is there page by page; a page told again takes its place and leaves the other alone.
    async fn it_is_saved_as_it_goes(db: TestDb) {
        let house = House::new(db);
        house.anna().await;
        house.start(&phone(ANNA), browser(1)).await;
        assert_eq!(house.save(browser(1), House::person()).await, Saved::PhoneFirst);
        house.bind(browser(1), &phone(NEW)).await;
        assert_eq!(house.save(browser(1), House::person()).await, Saved::Done);
        assert_eq!(house.save(browser(1), knowledge()).await, Saved::Done);
        let case = house.case(browser(1)).await;
        assert_eq!((case.facts.surname.as_str(), case.facts.opened.as_str()), ("Образцова", "2024-03"));
        assert_eq!(case.phone, Some(phone(NEW)));
        assert_eq!(case.facts.operations[0].minor, Some(123_456));
        // Photos are not taken, so nothing can be handed in.
        assert_eq!(case.proofs().missing(), Some(Proof::PassportPhoto));
        let Told::Person { given, .. } = House::person() else { unreachable!() };
        let emptied = Told::Person {
            surname: String::new(), given, patronymic: String::new(),
            birth_date: String::new(), passport: String::new(),
        };
        assert_eq!(house.save(browser(1), emptied).await, Saved::Done);
        let facts = house.case(browser(1)).await.facts.clone();
        assert!(!facts.has_person() && facts.has_knowledge());
    }

    /// A42: a proof is of one value: naming another phone voids it, and the code of one proves no other.
    async fn a_proof_is_of_one_value(db: TestDb) {
        let house = House::new(db);
        house.start(&phone(NOBODY), browser(1)).await;
        house.bind(browser(1), &phone(NEW)).await;
        assert!(house.case(browser(1)).await.proofs().phone);
        assert_eq!(house.ask_phone(browser(1), &phone(OTHER)).await, Bound::Asked(Asked::Sent));
        let case = house.case(browser(1)).await;
        assert!(!case.proofs().phone, "another one is named: the proof is void");
        assert_eq!(case.phone, Some(phone(OTHER)));
        assert_eq!(house.save(browser(1), House::person()).await, Saved::PhoneFirst);
    }

    /// A42: two browsers on one case: the code of the phone that one named does not prove the phone that the other
    /// named meanwhile.
    async fn a_code_of_a_phone_that_was_replaced(db: TestDb) {
        let house = House::new(db);
        let number = house.start(&phone(NOBODY), browser(1)).await;
        house.bind(browser(1), &phone(NEW)).await;
        house.wait(400);
        house.ask_resume(browser(2), &phone(NEW)).await;
        let back = house.code(&phone(NEW)).await;
        assert_eq!(house.resume(browser(2), &back, &number).await, Resumed::Done);
        house.wait(400);
        assert_eq!(house.ask_phone(browser(1), &phone(NEW)).await, Bound::Asked(Asked::Sent));
        let first = house.code(&phone(NEW)).await;
        assert_eq!(house.ask_phone(browser(2), &phone(OTHER)).await, Bound::Asked(Asked::Sent));
        assert_eq!(house.prove(browser(1), &first).await, Proved::NotAccepted(NotAccepted::Dead));
        let case = house.case(browser(1)).await;
        assert!(!case.proofs().phone && case.phone == Some(phone(OTHER)));
    }

    /// A46, A42: a code serves the browser and the case it was asked for in, once.
    async fn a_code_is_bound_to_browser_and_case(db: TestDb) {
        let house = House::new(db);
        house.start(&phone(NOBODY), browser(1)).await;
        house.start(&phone(OTHER), browser(2)).await;
        assert_eq!(house.ask_phone(browser(1), &phone(NEW)).await, Bound::Asked(Asked::Sent));
        let code = house.code(&phone(NEW)).await;
        assert_eq!(house.prove(browser(2), &code).await, Proved::NotAccepted(NotAccepted::Dead), "another browser");
        // The same browser before another case.
        house.start(&phone("+7 915 000-00-04"), browser(1)).await;
        assert_eq!(house.prove(browser(1), &code).await, Proved::NotAccepted(NotAccepted::Dead), "another case");
        assert_eq!(house.prove(browser(3), &code).await, Proved::NoCase, "no case");
        house.wait(3_601);
        house.bind(browser(2), &phone(NEW)).await;
        let used = house.code(&phone(NEW)).await;
        assert_eq!(house.prove(browser(2), &used).await, Proved::NotAccepted(NotAccepted::Dead), "once");
        house.wait(3_601);
        assert_eq!(house.ask_phone(browser(2), &phone(OTHER)).await, Bound::Asked(Asked::Sent));
        let late = house.code(&phone(OTHER)).await;
        house.wait(601);
        let answer = house.prove(browser(2), &late).await;
        assert!(matches!(answer, Proved::NotAccepted(_)), "ten minutes at most: {answer:?}");
    }

    /// A46: a code that was asked for in one case proves nothing in another one that the same browser came to, though
    /// that one names the same phone.
    async fn a_code_of_one_case_is_none_of_another(db: TestDb) {
        let house = House::new(db);
        house.start(&phone(NOBODY), browser(1)).await;
        let number = house.start(&phone(OTHER), browser(2)).await;
        house.bind(browser(2), &phone(NEW)).await;
        house.wait(3_601);
        assert_eq!(house.ask_phone(browser(1), &phone(NEW)).await, Bound::Asked(Asked::Sent));
        let of_the_first = house.code(&phone(NEW)).await;
        house.wait(61);
        assert_eq!(house.ask_resume(browser(1), &phone(NEW)).await, Asked::Sent);
        let back = house.code(&phone(NEW)).await;
        assert_eq!(house.resume(browser(1), &back, &number).await, Resumed::Done);
        assert_eq!(house.prove(browser(1), &of_the_first).await, Proved::NotAccepted(NotAccepted::Dead));
    }

    /// RE-11: back from another browser by number and code; the number alone, or the code alone, leads nowhere.
    async fn back_by_number_and_code(db: TestDb) {
        let house = House::new(db);
        let number = house.start(&phone(NOBODY), browser(1)).await;
        house.bind(browser(1), &phone(NEW)).await;
        house.save(browser(1), House::person()).await;
        let other = house.start(&phone(OTHER), browser(2)).await;
        house.bind(browser(2), &phone(OTHER)).await;
        house.wait(3_601);
        assert_eq!(house.ask_resume(browser(3), &phone(NEW)).await, Asked::Sent);
        let code = house.code(&phone(NEW)).await;
        assert_eq!(house.resume(browser(4), &code, &number).await, Resumed::NotAccepted(NotAccepted::Dead), "another browser");
        let wrong = if code.expose() == "000000" { "111111" } else { "000000" };
        let wrong = OneTimeCode::parse(wrong, 6).unwrap();
        assert!(matches!(house.resume(browser(3), &wrong, &number).await, Resumed::NotAccepted(_)));
        assert_eq!(house.resume(browser(3), &code, &other).await, Resumed::NoCase, "the phone is not of that case");
        assert!(house.look(browser(3)).await.is_none());
        assert_eq!(house.resume(browser(3), &code, &number).await, Resumed::NotAccepted(NotAccepted::Dead), "a code serves for one number");
        house.wait(3_601);
        assert_eq!(house.ask_resume(browser(3), &phone(NEW)).await, Asked::Sent);
        let code = house.code(&phone(NEW)).await;
        assert_eq!(house.resume(browser(3), &code, &number).await, Resumed::Done);
        assert_eq!(house.case(browser(3)).await.facts.surname, "Образцова");
    }

    /// RE-11: a phone that was named and not proved leads to no case.
    async fn an_unproved_phone_leads_nowhere(db: TestDb) {
        let house = House::new(db);
        let number = house.start(&phone(NOBODY), browser(1)).await;
        assert_eq!(house.ask_phone(browser(1), &phone(NEW)).await, Bound::Asked(Asked::Sent));
        house.wait(3_601);
        assert_eq!(house.ask_resume(browser(2), &phone(NEW)).await, Asked::Sent);
        let code = house.code(&phone(NEW)).await;
        assert_eq!(house.resume(browser(2), &code, &number).await, Resumed::NoCase);
    }
}
