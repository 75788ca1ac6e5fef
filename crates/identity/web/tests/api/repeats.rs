//! EV-3: a request repeated happens once and gets the same answer.

use serde_json::json;
use std::sync::Arc;
use testkit::{TestDb, race};

use crate::house::{ANNA, BORIS, House, call};

testkit::both_engines! {
    /// EV-3, A76: every step of the door, repeated with its key, gives the same answer again.
    async fn a_repeated_step_happens_once(db: TestDb) {
        let house = House::new(db);
        let ask = call("POST", "/sign-in/codes").json(&json!({ "phone": ANNA })).key("ask-1");
        let first = house.send(ask.clone()).await.is(202);
        let second = house.send(ask).await.is(202);
        assert_eq!(first.body["flow"], second.body["flow"]);
        assert_eq!(house.texts(ANNA).await.len(), 1, "one message");
        let flow = first.body["flow"].as_str().unwrap();
        let code = house.code(ANNA).await;

        let verify = |code: &str, key: &str| call("POST", "/sign-in/verify").flow(flow).key(key).json(&json!({ "code": code }));
        for _ in 0..3 {
            let wrong = house.send(verify(&House::other(&code), "wrong")).await.refuses(422, "code_wrong");
            assert_eq!(wrong.body["tries_left"], 4, "one try");
        }
        let right = house.send(verify(&code, "right")).await.is(200);
        assert_eq!(house.send(verify(&code, "right")).await.body, right.body);
        house.send(verify(&code, "wrong")).await.refuses(422, "idempotency_key_reused");

        let register = call("POST", "/sign-in/register").flow(flow).key("reg").json(&json!({ "personal_data": true }));
        let inside = house.send(register.clone()).await.is(200);
        assert_eq!(house.send(register).await.is(200).body, inside.body, "the same session");
        let token = inside.body["session_token"].as_str().unwrap();
        let devices = house.send(call("GET", "/devices").bearer(token)).await;
        assert_eq!(devices.body["devices"].as_array().unwrap().len(), 1);
    }

    /// A76: a key with another body, path or method is refused; a key of another account is another key.
    async fn a_key_names_one_request(db: TestDb) {
        let house = House::new(db);
        let (anna, _) = house.enter(ANNA).await;
        let (boris, _) = house.enter(BORIS).await;
        let inn = |token: &str, body| call("PUT", "/profile/inn").bearer(token).key("k").json(&body);
        house.send(inn(&anna, json!({ "inn": "500100732259" }))).await.is(200);
        let again = house.send(inn(&anna, json!({ "inn": "500100732259" }))).await.is(200);
        assert_eq!(again.body["outcome"], "accepted", "as the first time");
        house.send(inn(&anna, json!({ "inn": "5001 0073 2259" }))).await.refuses(422, "idempotency_key_reused");
        let other = call("PUT", "/subscriptions").bearer(&anna).key("k").json(&json!({ "on": [] }));
        house.send(other).await.refuses(422, "idempotency_key_reused");
        house.send(inn(&boris, json!({ "inn": "500100732259" }))).await.is(200);
        let ask = |phone: &str| call("POST", "/sign-in/codes").key("same").json(&json!({ "phone": phone }));
        house.wait(600);
        house.send(ask("+7 912 000-00-03")).await.is(202);
        house.send(ask("+7 912 000-00-04")).await.refuses(422, "idempotency_key_reused");
    }

    /// EV-3: without a key, or with one that is none, nothing is carried out.
    async fn a_key_is_needed(db: TestDb) {
        let house = House::new(db);
        let ask = || call("POST", "/sign-in/codes").json(&json!({ "phone": ANNA }));
        house.send(ask()).await.refuses(400, "idempotency_key_missing");
        for key in ["", "two words", &"x".repeat(129)] {
            house.send(ask().key(key)).await.refuses(400, "idempotency_key_invalid");
        }
        let mut twice = ask().key("a");
        twice.headers.push(("idempotency-key".into(), "b".into()));
        house.send(twice).await.refuses(400, "idempotency_key_invalid");
        assert!(house.texts(ANNA).await.is_empty());
    }

    /// A76: 64 at once with one key: one message, one answer.
    async fn sixty_four_at_once(db: TestDb) {
        let house = Arc::new(House::new(db));
        let replies = race(64, |_| {
            let house = Arc::clone(&house);
            async move {
                let ask = call("POST", "/sign-in/codes").key("once").json(&json!({ "phone": ANNA }));
                house.send(ask).await
            }
        })
        .await;
        let flows: Vec<_> = replies.into_iter().map(|reply| reply.is(202).body["flow"].clone()).collect();
        assert!(flows.iter().all(|flow| *flow == flows[0]));
        assert_eq!(house.texts(ANNA).await.len(), 1);
    }
}
