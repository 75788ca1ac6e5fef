//! ID-2: a call whose number the gateway chooses. Its code is the end of the number that the gateway answers
//! with; until then there is none.

use std::{sync::Arc, time::Duration};

use identity_core::Policy;
use identity_service::{
    breaker,
    codes::{Asked, LearnCalls},
};
use kernel::MessageId;
use notify::{Channel, LearntCodes as _, http_gateway::HttpGateway};
use testkit::TestDb;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::method};

use crate::{
    house::{ANNA, Browser, House, browser, phone, visitor},
    leaks::{holds, written},
    tools::{after, name},
};

/// The number the gateway rings from, and the codes in it.
const NUMBER: &str = "+7 (495) 123-45-67";
const SIX: &str = "234567";
const FOUR: &str = "4567";

async fn gateway() -> (MockServer, Arc<HttpGateway>) {
    let server = MockServer::start().await;
    let settings = serde_json::json!({
        "url": format!("{}/call", server.uri()),
        "body": {"json": {"to": "{to}", "code": "{code}"}},
        "calling_number": "/from",
        "timeout_seconds": 1,
    });
    let settings = serde_json::from_value(settings).unwrap();
    let carrier = HttpGateway::new(settings, Channel::Call).unwrap();
    (server, Arc::new(carrier))
}

/// The gateway answers with these, each once, in their order.
async fn answers(server: &MockServer, all: &[serde_json::Value]) {
    for answer in all {
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(200).set_body_json(answer))
            .up_to_n_times(1)
            .mount(server)
            .await;
    }
}

fn from(number: &str) -> serde_json::Value {
    serde_json::json!({ "from": number })
}

fn code_in(request: &Request) -> String {
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    body["code"].as_str().unwrap().to_owned()
}

async fn call(house: &House, browser: Browser) {
    let asked = house.ask_as(&visitor(), &phone(ANNA), browser, true).await;
    assert_eq!(asked, Asked::Sent);
}

testkit::both_engines! {
    /// ID-2: the last six digits of the number that rings are the code; we sent none.
    async fn the_code_is_the_end_of_the_number_that_rings(db: TestDb) {
        let (server, carrier) = gateway().await;
        answers(&server, &[from(NUMBER)]).await;
        let house = House::calling(db, Policy::default(), carrier);
        call(&house, browser(1)).await;
        house.deliver().await;
        let requests = server.received_requests().await.unwrap();
        assert_eq!(requests.iter().map(code_in).collect::<Vec<_>>(), [""]);
        assert_eq!(house.status(browser(1)).await.unwrap().digits, 6);
        assert_eq!(name(&house.verify(browser(1), "234568").await), "Wrong { left: 4 }");
        assert_eq!(name(&house.verify(browser(1), SIX).await), "needs consent");
        assert_eq!(name(&house.verify(browser(1), SIX).await), "Dead", "A13: once");
        house.settled().await;
    }

    /// ID-2: a browser the account knows types four of them, and has two tries.
    async fn a_known_browser_types_four(db: TestDb) {
        let (server, carrier) = gateway().await;
        answers(&server, &[from(NUMBER)]).await;
        let house = House::calling(db, Policy::default(), carrier);
        let welcome = house.enter(&phone(ANNA), browser(1)).await;
        let known = after(browser(1), &welcome);
        house.wait(60);
        call(&house, known).await;
        house.deliver().await;
        assert_eq!(house.status(known).await.unwrap().digits, 4);
        assert_eq!(name(&house.verify(known, "4568").await), "Wrong { left: 1 }");
        assert_eq!(name(&house.verify(known, FOUR).await), "in");
        house.settled().await;
    }

    /// ID-2a, A7, A8: before the gateway has answered every try is wrong, counts like any other, and the
    /// number that comes later gives none of them back.
    async fn a_try_before_the_answer_is_wrong_and_counts(db: TestDb) {
        let (server, carrier) = gateway().await;
        answers(&server, &[from(NUMBER)]).await;
        let house = House::calling(db, Policy::default(), carrier);
        call(&house, browser(1)).await;
        for left in (1..=4).rev() {
            let tried = house.verify(browser(1), SIX).await;
            assert_eq!(name(&tried), format!("Wrong {{ left: {left} }}"));
        }
        house.deliver().await;
        assert_eq!(house.count(&crate::tools::raw::IN_ROW).await, 4);
        assert_eq!(name(&house.verify(browser(1), "000000").await), "Dead");
        assert_eq!(name(&house.verify(browser(1), SIX).await), "Dead", "A8: even the right one");
        house.settled().await;
    }

    /// A1, A7, A20: when the budget is spent nobody calls a number without an account; whoever tries codes
    /// there sees the same as where a call is on its way.
    async fn a_call_that_is_never_made_looks_the_same(db: TestDb) {
        let (_server, carrier) = gateway().await;
        let policy = Policy { budget_per_day: 1, ..Policy::default() };
        let house = House::calling(db, policy, carrier);
        let known = phone(ANNA);
        house.enter(&known, browser(1)).await;
        house.wait(7_200);
        breaker::refresh(&house.test.db(), &house.env.breaker, &house.env.policy).await.unwrap();
        assert_eq!(house.env.breaker.budget(), breaker::Budget::Spent);
        let mut seen = Vec::new();
        for (n, number) in [(2, &known), (3, &phone("+7 913 000-00-02"))] {
            let mut answers = vec![format!("{:?}", house.ask_as(&visitor(), number, browser(n), true).await)];
            for tried in ["000000", "000001", "000002", "000003", "000004", "000005"] {
                answers.push(name(&house.verify(browser(n), tried).await));
            }
            seen.push(answers);
        }
        assert_eq!(seen[0], seen[1]);
    }

    /// F7: an answer without a usable number is tried once more; only the number of the last call counts.
    async fn a_repeated_call_has_a_number_of_its_own(db: TestDb) {
        let (server, carrier) = gateway().await;
        answers(&server, &[from("12345"), from(NUMBER)]).await;
        let house = House::calling(db, Policy::default(), carrier);
        call(&house, browser(1)).await;
        house.deliver().await;
        assert_eq!(name(&house.verify(browser(1), "012345").await), "Wrong { left: 4 }");
        assert_eq!(name(&house.verify(browser(1), SIX).await), "Wrong { left: 3 }");
        house.wait(5);
        house.deliver().await;
        assert_eq!(server.received_requests().await.unwrap().len(), 2);
        assert_eq!(name(&house.verify(browser(1), SIX).await), "needs consent");
        house.settled().await;
    }

    /// F7, I4: told again, as after a crash, the digits of the last call replace the former ones, tries stay
    /// counted, and a code that was used or replaced learns nothing more (A17).
    async fn learning_twice_leaves_the_last_number(db: TestDb) {
        let (server, carrier) = gateway().await;
        answers(&server, &[from("+7 495 000-00-01")]).await;
        let house = House::calling(db, Policy::default(), carrier);
        call(&house, browser(1)).await;
        house.deliver().await;
        let message = house.status(browser(1)).await.unwrap().message.unwrap();
        assert_eq!(name(&house.verify(browser(1), "999999").await), "Wrong { left: 4 }");
        for _ in 0..2 {
            learn(&house, message, NUMBER).await;
        }
        assert_eq!(name(&house.verify(browser(1), "000001").await), "Wrong { left: 3 }");
        assert_eq!(name(&house.verify(browser(1), SIX).await), "needs consent");
        learn(&house, message, "+7 495 000-00-02").await;
        assert_eq!(name(&house.verify(browser(1), "000002").await), "Dead");
        house.wait(60);
        house.ask(&phone(ANNA), browser(1)).await;
        learn(&house, message, NUMBER).await;
        assert_eq!(name(&house.verify(browser(1), SIX).await), "Wrong { left: 4 }");
        let sent = house.code(&phone(ANNA)).await;
        assert_eq!(name(&house.verify(browser(1), &sent).await), "needs consent");
    }

    /// A17: a call that is answered after a newer code was asked for opens nothing.
    async fn a_late_answer_does_not_revive_a_code(db: TestDb) {
        let (server, carrier) = gateway().await;
        let slow = ResponseTemplate::new(200).set_body_json(from(NUMBER));
        Mock::given(method("POST"))
            .respond_with(slow.set_delay(Duration::from_millis(50)))
            .mount(&server)
            .await;
        let house = House::calling(db, Policy::default(), carrier);
        call(&house, browser(1)).await;
        house.wait(60);
        house.ask(&phone(ANNA), browser(2)).await;
        house.deliver().await;
        assert_eq!(name(&house.verify(browser(1), SIX).await), "Dead");
        assert_eq!(name(&house.verify(browser(2), SIX).await), "Wrong { left: 4 }");
        let code = house.code(&phone(ANNA)).await;
        assert_eq!(name(&house.verify(browser(2), &code).await), "needs consent");
        house.settled().await;
    }

    /// A18: neither the number nor its digits are in the database, before or after they are used.
    async fn the_number_is_kept_nowhere(db: TestDb) {
        let (server, carrier) = gateway().await;
        answers(&server, &[from(NUMBER)]).await;
        let house = House::calling(db, Policy::default(), carrier);
        call(&house, browser(1)).await;
        house.deliver().await;
        assert_eq!(name(&house.verify(browser(1), SIX).await), "needs consent");
        let Some(all) = written(&house) else { return };
        assert!(holds(&all, "sign_in"), "the search finds what is there");
        for secret in [NUMBER, "4951234567", SIX] {
            assert!(!holds(&all, secret), "{} characters are in the file", secret.len());
        }
    }
}

async fn learn(house: &House, message: MessageId, number: &'static str) {
    house
        .write((message, number), |tx, (env, (message, number))| {
            Box::pin(async move {
                let subject = env.subject(&phone(ANNA));
                LearnCalls::new(&env.vault)
                    .learnt(tx, &subject, *message, number)
                    .await?;
                Ok(())
            })
        })
        .await;
}
