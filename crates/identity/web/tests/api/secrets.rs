//! Password, passcode and code word by JSON (ID-3, RE-9): set, shown for a step, and nothing comes out again.

use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::json;
use testkit::TestDb;

use crate::house::{ANNA, Call, House, Reply, call};

const PASSWORD: &str = "лиловый поезд уходит";

impl House {
    async fn step(&self, call: Call) -> String {
        let refused = self.act(call).await.refuses(403, "step_up_needed");
        refused.body["step"].as_str().unwrap().to_owned()
    }

    async fn show(&self, token: &str, step: &str, what: &str, body: serde_json::Value) -> Reply {
        let path = format!("/steps/{step}/{what}");
        self.act(call("POST", &path).bearer(token).json(&body))
            .await
    }
}

testkit::both_engines! {
    /// ID-3, ID-9, A77: the password is judged, opens the bank section, and is replaced with its own proof.
    async fn the_password_opens_the_bank(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let put = |text: &str| call("PUT", "/password").bearer(&token).json(&json!({ "password": text }));
        for (text, code) in [
            ("vkbdtmqw", "password_short"),
            (&"long ".repeat(30), "password_long"),
            ("password1234", "password_common"),
            ("мой телефон 9120000001", "password_own"),
        ] {
            let refused = house.act(put(text)).await.refuses(422, "invalid");
            assert_eq!(refused.wrong(), format!("password: {code}"));
            assert!(!refused.text.contains(text));
        }
        let open = || call("POST", "/bank").bearer(&token);
        house.act(open()).await.refuses(409, "nothing_to_show");
        let set = house.act(put(PASSWORD)).await.is(200);
        assert_eq!(set.body, json!({ "strength": "good" }));
        let there = house.send(call("GET", "/secrets").bearer(&token)).await.is(200);
        assert!(there.body["password"]["set_at"].is_i64() && there.body["passcode"].is_null());
        let step = house.step(open()).await;
        house.show(&token, &step, "password", json!({ "password": "не тот длинный пароль" })).await
            .refuses(422, "password_wrong");
        let shown = house.show(&token, &step, "password", json!({ "password": PASSWORD })).await.is(200);
        assert_eq!(shown.body["is_proved"], true);
        let opened = house.act(open().with("kabinet-step", &step)).await.is(200);
        assert_eq!((&opened.body["is_open"], &opened.body["method"]), (&json!(true), &json!("password")));
        // Later its own change asks for it, and then runs with what was confirmed.
        house.wait(600);
        let new = "другой длинный пароль";
        let step = house.step(put(new)).await;
        house.show(&token, &step, "password", json!({ "password": PASSWORD })).await.is(200);
        house.act(put(new).with("kabinet-step", &step)).await.is(200);
        let step = house.step(open()).await;
        house.show(&token, &step, "password", json!({ "password": PASSWORD })).await
            .refuses(422, "password_wrong");
        house.show(&token, &step, "password", json!({ "password": new })).await.is(200);
    }

    /// ID-3, A27: the passcode with the device's key; without one a code to the phone comes first.
    async fn the_passcode_comes_with_a_key(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let random = SystemRandom::new();
        let alg = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let made = EcdsaKeyPair::generate_pkcs8(alg, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(alg, made.as_ref(), &random).unwrap();
        let put = |body| call("PUT", "/passcode").bearer(&token).json(&body);
        for (body, wrong) in [
            (json!({ "passcode": "123" }), "passcode: passcode_not_four"),
            (json!({ "passcode": "1234" }), "passcode: passcode_common"),
            (json!({ "passcode": "0001" }), "passcode: passcode_own"),
            (json!({ "passcode": "8305", "key": "04" }), "key: key_invalid"),
        ] {
            assert_eq!(house.act(put(body)).await.refuses(422, "invalid").wrong(), wrong);
        }
        house.act(put(json!({ "passcode": "8305" }))).await.is(204);
        let open = || call("POST", "/bank").bearer(&token);
        let step = house.step(open()).await;
        house.show(&token, &step, "passcode", json!({ "passcode": "8305" })).await.refuses(403, "code_first");
        let ask = call("POST", &format!("/steps/{step}/passcode/challenge")).bearer(&token);
        house.send(ask).await.refuses(403, "code_first");
        house.wait(70);
        house.show(&token, &step, "codes", json!({ "channel": "sms" })).await.is(202);
        let code = house.code(ANNA).await;
        house.show(&token, &step, "codes/verify", json!({ "channel": "sms", "code": code })).await.is(200);
        let key = hex::encode(pair.public_key().as_ref());
        let body = json!({ "passcode": "8305", "key": key });
        let shown = house.show(&token, &step, "passcode", body).await.is(200);
        assert_eq!(shown.body["is_proved"], true);
        house.act(open().with("kabinet-step", &step)).await.is(200);
        assert_eq!(house.send(call("GET", "/secrets").bearer(&token)).await.is(200).body["has_key"], true);
        // Now the key alone, and five wrong ones.
        let step = house.step(open()).await;
        for left in [4, 3, 2, 1, 0] {
            let ask = call("POST", &format!("/steps/{step}/passcode/challenge")).bearer(&token);
            let asked = house.send(ask).await.is(200).body;
            let text = asked["text"].as_str().unwrap();
            let signature = hex::encode(pair.sign(&random, text.as_bytes()).unwrap().as_ref());
            let body = json!({ "passcode": "8306", "signed": { "id": asked["id"], "signature": signature } });
            let tried = house.show(&token, &step, "passcode", body).await;
            if left > 0 {
                assert_eq!(tried.refuses(422, "passcode_wrong").body["tries_left"], left);
            } else {
                tried.refuses(409, "passcode_gone");
            }
        }
        assert!(house.send(call("GET", "/secrets").bearer(&token)).await.is(200).body["passcode"].is_null());
    }

    /// RE-9: the code word is set once; nothing compares it or shows it.
    async fn a_code_word_is_set_once(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let put = |word: &str| call("PUT", "/code-word").bearer(&token).json(&json!({ "code_word": word }));
        assert_eq!(house.act(put("кот")).await.refuses(422, "invalid").wrong(), "code_word: code_word_short");
        house.act(put("Зелёный крокодил")).await.is(204);
        house.act(put("Синий крокодил")).await.refuses(409, "code_word_present");
        let there = house.send(call("GET", "/secrets").bearer(&token)).await.is(200);
        assert_eq!(there.body["code_word"]["tries_left"], 3);
        assert!(!there.text.contains("рокодил"));
    }

    /// EV-3: the same request with the same key counts one try.
    async fn a_repeated_try_is_one_try(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let put = call("PUT", "/password").bearer(&token).json(&json!({ "password": PASSWORD }));
        house.act(put).await.is(200);
        let step = house.step(call("POST", "/bank").bearer(&token)).await;
        let path = format!("/steps/{step}/password");
        for _ in 0..20 {
            let again = call("POST", &path).bearer(&token).key("one").json(&json!({ "password": "не тот длинный пароль" }));
            house.send(again).await.refuses(422, "password_wrong");
        }
        house.show(&token, &step, "password", json!({ "password": PASSWORD })).await.is(200);
    }
}
