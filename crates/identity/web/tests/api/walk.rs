//! What a customer does, in order.

use serde_json::{Value, json};
use testkit::TestDb;

use crate::house::{ANNA, BORIS, House, call};

fn names(list: &Value, field: &str) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one[field].as_str().unwrap().to_owned())
        .collect()
}

testkit::both_engines! {
    /// ID-1, ID-2, ID-12: a code, a wrong try, the consent, an account; then the same door leads in.
    async fn one_door(db: TestDb) {
        let house = House::new(db);
        let ask = call("POST", "/sign-in/codes").json(&json!({ "phone": ANNA, "next": "/profile" }));
        let asked = house.act(ask).await.is(202);
        let flow = asked.body["flow"].as_str().unwrap();
        assert_eq!(asked.body["code"]["delivery"], "queued");
        assert_eq!(asked.body["code"]["serial"], 1);
        let code = house.code(ANNA).await;
        let status = house.send(call("GET", "/sign-in/codes").flow(flow)).await.is(200);
        assert_eq!((&status.body["delivery"], &status.body["channel"]), (&json!("delivered"), &json!("sms")));
        assert!(!status.text.contains("912"), "before sign-in nothing says where it went");

        let verify = |code: &str| call("POST", "/sign-in/verify").flow(flow).json(&json!({ "code": code }));
        let wrong = house.act(verify(&House::other(&code))).await.refuses(422, "code_wrong");
        assert_eq!(wrong.body["tries_left"], 4);
        let right = house.act(verify(&format!("код № 1: {code}"))).await.is(200);
        assert_eq!(right.body, json!({ "consent_required": true, "consent_version": "2026-11" }));

        let register = |yes| call("POST", "/sign-in/register").flow(flow)
            .json(&json!({ "personal_data": yes, "marketing": ["email.offers"] }));
        assert_eq!(house.act(register(false)).await.refuses(422, "invalid").wrong(), "personal_data: consent_missing");
        let inside = house.act(register(true)).await.is(200);
        assert_eq!((&inside.body["is_new"], &inside.body["next"]), (&json!(true), &json!("/profile")));
        let token = inside.body["session_token"].as_str().unwrap();
        let me = |path: &str| call("GET", path).bearer(token);
        let session = house.send(me("/session")).await.is(200);
        assert_eq!((&session.body["method"], &session.body["level"]), (&json!("sms"), &json!("limited")));
        assert_eq!(house.send(me("/subscriptions")).await.is(200).body, json!({ "on": ["email.offers"] }));
        let consents = house.send(me("/consents")).await.is(200);
        assert_eq!(names(&consents.body["consents"], "kind"), ["marketing.email.offers", "personal_data"]);
        assert_eq!(consents.body["consents"][0]["source"], "api");

        house.wait(600);
        let (again, _) = house.enter(ANNA).await;
        let session = house.send(call("GET", "/session").bearer(&again)).await.is(200);
        assert_eq!(session.body["account"], house.send(me("/session")).await.body["account"]);
    }

    /// ID-10, ID-11, ID-15: the profile is filled, checked field by field, and a second passport waits.
    async fn the_profile(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let put = |field: &str, body: Value| call("PUT", &format!("/profile/{field}")).bearer(&token).json(&body);
        let outcome = |body: &Value| body["outcome"].as_str().unwrap().to_owned();
        for (field, body) in [
            ("name", json!({ "surname": "Образцова", "given": "Анна", "patronymic": null })),
            ("birth", json!({ "date": "17.05.1990", "place": "г.  Тверь" })),
            ("address", json!({ "address": "г. Тверь, д. 1" })),
            ("passport", json!({ "number": "28 10 123456", "issued_on": "2010-06-01", "issuer": "ОУФМС", "department": "690001" })),
            ("inn", json!({ "inn": "500100732259" })),
            ("snils", json!({ "snils": "112-233-445 95" })),
        ] {
            let first = house.act(put(field, body.clone())).await.is(200);
            assert_eq!(outcome(&first.body), "accepted", "{field}");
            let second = house.act(put(field, body)).await.is(200);
            assert_eq!(outcome(&second.body), "same", "{field}");
        }
        let waits = json!({ "number": "28 15 654321", "issued_on": "2015-06-01", "issuer": "ОУФМС", "department": "690-001" });
        assert_eq!(outcome(&house.act(put("passport", waits)).await.is(202).body), "waits");
        for (field, body, wrong) in [
            ("name", json!({ "surname": "Ивaнова", "given": "Анна" }), "surname: name_mixed_alphabets"),
            ("name", json!({ "surname": "Иванова", "given": "" }), "given: name_empty"),
            ("birth", json!({ "date": "2020-01-01", "place": "Тверь" }), "date: date_too_young"),
            ("birth", json!({ "date": "1990-05-17", "place": "\u{202e}" }), "place: text_invisible"),
            ("address", json!({ "address": "я".repeat(301) }), "address: text_too_long"),
            ("passport", json!({ "number": "28 10 123456", "issued_on": "2000-06-01", "issuer": "О", "department": "690001" }), "issued_on: date_before_fourteen"),
            ("passport", json!({ "number": "0010123456", "issued_on": "2010-06-01", "issuer": "О", "department": "690001" }), "number: document_not_issued"),
            ("inn", json!({ "inn": "500100732258" }), "inn: document_checksum"),
            ("snils", json!({ "snils": "1" }), "snils: document_length"),
        ] {
            assert_eq!(house.act(put(field, body)).await.refuses(422, "invalid").wrong(), wrong);
        }
        let profile = house.send(call("GET", "/profile").bearer(&token)).await.is(200);
        assert_eq!(profile.body["name"]["surname"], "Образцова");
        assert_eq!(profile.body["birth"], json!({ "date": "1990-05-17", "place": "г. Тверь" }));
        assert_eq!(names(&profile.body["waiting"], "field"), ["passport"]);
        assert_eq!(profile.body["missing"], json!(["email"]));
        for secret in ["123456", "654321", "500100732259", "11223344595", "9120000001"] {
            assert!(!profile.text.contains(secret), "documents are masked");
        }
    }

    /// ID-4: an address is confirmed by code or by the button of its link, and then there is one.
    async fn the_email(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let add = |address: &str| call("POST", "/email").bearer(&token).json(&json!({ "email": address }));
        assert_eq!(house.act(add("anna@")).await.refuses(422, "invalid").wrong(), "email: email_domain");
        house.act(add("anna@example.ru")).await.is(202);
        house.act(add("anna@example.ru")).await.refuses(429, "code_pause");
        let code = house.code("anna@example.ru").await;
        let look = || call("GET", "/email").bearer(&token);
        let pending = house.send(look()).await.is(200);
        assert_eq!((&pending.body["email"], &pending.body["code"]["delivery"]), (&Value::Null, &json!("delivered")));
        let confirm = call("POST", "/email/confirm").bearer(&token);
        house.act(confirm.json(&json!({ "code": code }))).await.is(200);
        assert_eq!(house.send(look()).await.is(200).body["email"], "a•••@example.ru");
        house.act(add("other@example.ru")).await.refuses(409, "email_present");

        let (token, _) = house.enter(BORIS).await;
        let add = |address: &str| call("POST", "/email").bearer(&token).json(&json!({ "email": address }));
        house.act(add("boris@example.ru")).await.is(202);
        let letter = house.texts("boris@example.ru").await.remove(0);
        let link = letter.split_whitespace().find(|word| word.starts_with("https://")).unwrap();
        let path = format!("/email-links/{}", link.rsplit('/').next().unwrap());
        let looked = house.send(call("GET", &path)).await.is(200);
        assert_eq!(looked.body["email"], "b•••@example.ru");
        assert_eq!(house.send(call("GET", "/email").bearer(&token)).await.body["email"], Value::Null, "A31: a look confirms nothing");
        house.act(call("POST", &path)).await.is(200);
        house.act(call("POST", &path)).await.refuses(404, "link_over");
        house.send(call("GET", &path)).await.refuses(404, "link_over");
        assert_eq!(house.send(call("GET", "/email").bearer(&token)).await.body["email"], "b•••@example.ru");
    }

    /// ID-9, A26: devices are listed and ended; an ended one is out at once. Another account's is not found.
    async fn devices(db: TestDb) {
        let house = House::new(db);
        let (first, browser) = house.enter(ANNA).await;
        assert!(browser.is_some());
        house.wait(600);
        let (second, _) = house.enter(ANNA).await;
        house.wait(600);
        let (third, _) = house.enter(ANNA).await;
        let (boris, _) = house.enter(BORIS).await;
        let list = house.send(call("GET", "/devices").bearer(&first)).await.is(200);
        let devices = list.body["devices"].as_array().unwrap().clone();
        assert_eq!(devices.len(), 3);
        let current = devices.iter().filter(|device| device["is_current"] == true).count();
        assert_eq!(current, 1);
        let session = house.send(call("GET", "/session").bearer(&second)).await;
        let id = session.body["session"].as_str().unwrap();
        let end = |token: &str| call("DELETE", &format!("/devices/{id}")).bearer(token);
        house.send(end(&boris)).await.refuses(404, "not_found");
        house.send(end(&first)).await.is(204);
        house.send(end(&first)).await.refuses(404, "not_found");
        house.send(call("GET", "/session").bearer(&second)).await.refuses(401, "unauthorized");
        house.send(call("DELETE", "/devices/nonsense").bearer(&first)).await.refuses(404, "not_found");
        let others = house.send(call("DELETE", "/devices").bearer(&first)).await.is(200);
        assert_eq!(others.body["ended"], 1);
        house.send(call("GET", "/session").bearer(&third)).await.is(401);
        house.send(call("GET", "/session").bearer(&boris)).await.is(200);
        house.send(call("DELETE", "/session").bearer(&first)).await.is(204);
        house.send(call("GET", "/session").bearer(&first)).await.is(401);
    }

    /// ID-12: switches are set together, one is ended by a message's link, by a person or a mail program.
    async fn subscriptions(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let put = |on: Value| call("PUT", "/subscriptions").bearer(&token).json(&json!({ "on": on }));
        let set = house.act(put(json!(["sms.news", "email.offers", "email.news"]))).await.is(200);
        assert_eq!(set.body["on"], json!(["email.news", "email.offers", "sms.news"]));
        assert_eq!(house.act(put(json!(["pigeon.news"]))).await.refuses(422, "invalid").wrong(), "on[0]: not_among");

        let session = house.send(call("GET", "/session").bearer(&token)).await;
        let account = session.body["account"].as_str().unwrap().parse().unwrap();
        let link = |channel, topic| identity_service::consent::Unsubscribe::text(&house.env, account, channel, topic);
        use identity_core::consent::{MarketingChannel::{Email, Sms}, Topic::{News, Offers}};
        let path = format!("/unsubscribe/{}", link(Email, Offers));
        assert_eq!(house.send(call("GET", &path)).await.is(200).body["subscription"], "email.offers");
        let form = "application/x-www-form-urlencoded";
        for _ in 0..2 {
            house.send(call("POST", &path).bytes(form, b"List-Unsubscribe=One-Click")).await.is(200);
        }
        house.send(call("POST", &format!("/unsubscribe/{}", link(Sms, News)))).await.is(200);
        house.send(call("POST", &path).bytes(form, b"x=1")).await.refuses(422, "invalid");
        house.send(call("POST", &path).bytes("text/plain", b"x")).await.refuses(415, "media_type");
        let forged = path.replace("offers", "personal");
        house.send(call("POST", &forged)).await.refuses(404, "link_over");
        let left = house.send(call("GET", "/subscriptions").bearer(&token)).await;
        assert_eq!(left.body["on"], json!(["email.news"]));
        // Switched on again, the same link switches it off again.
        house.act(put(json!(["email.offers"]))).await.is(200);
        house.send(call("POST", &path)).await.is(200);
        let left = house.send(call("GET", "/subscriptions").bearer(&token)).await;
        assert_eq!(left.body["on"], json!([]));
    }

    /// ID-13: one factor freezes, from any device or by a mailed link; every factor lifts it.
    async fn the_freeze(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let add = call("POST", "/email").bearer(&token).json(&json!({ "email": "anna@example.ru" }));
        house.act(add).await.is(202);
        let code = house.code("anna@example.ru").await;
        house.act(call("POST", "/email/confirm").bearer(&token).json(&json!({ "code": code }))).await.is(200);
        house.act(call("POST", "/unfreeze/codes").bearer(&token)).await.refuses(409, "not_frozen");
        house.wait(600);

        // From any device; it ends every session.
        let ask = call("POST", "/freeze/codes").json(&json!({ "phone": ANNA }));
        let flow = house.act(ask).await.is(202).body["flow"].as_str().unwrap().to_owned();
        house.send(call("GET", "/freeze/codes").flow(&flow)).await.is(200);
        house.send(call("GET", "/sign-in/codes").flow(&flow)).await.refuses(404, "flow_not_found");
        let code = house.code(ANNA).await;
        house.act(call("POST", "/freeze/verify").flow(&flow).json(&json!({ "code": code }))).await.is(200);
        house.send(call("GET", "/session").bearer(&token)).await.is(401);

        // The owner comes back and lifts it, phone first, then e-mail.
        house.wait(600);
        let (token, _) = house.enter(ANNA).await;
        assert!(house.send(call("GET", "/session").bearer(&token)).await.body["frozen_at"].is_i64());
        house.wait(600);
        for (proof, to, next) in [("phone", ANNA, json!("email")), ("email", "anna@example.ru", Value::Null)] {
            let asked = house.act(call("POST", "/unfreeze/codes").bearer(&token)).await.is(202);
            assert_eq!(asked.body["proof"], proof);
            let code = house.code(to).await;
            let verify = call("POST", "/unfreeze/verify").bearer(&token);
            let done = house.act(verify.json(&json!({ "proof": proof, "code": code }))).await.is(200);
            assert_eq!(done.body["next"], next);
        }
        assert_eq!(house.send(call("GET", "/session").bearer(&token)).await.body["frozen_at"], Value::Null);

        // From the cabinet, and by a notice's link, which keeps the session of who presses it.
        house.act(call("POST", "/freeze").bearer(&token)).await.is(200);
        let letter = house.texts("anna@example.ru").await.remove(0);
        let link = letter.split_whitespace().find(|word| word.contains("/not-me/")).unwrap();
        let path = format!("/alarm-links/{}", link.rsplit('/').next().unwrap());
        house.send(call("GET", &path)).await.is(200);
        house.act(call("POST", &path).bearer(&token)).await.is(200);
        house.send(call("GET", "/session").bearer(&token)).await.is(200);
        house.act(call("POST", &path)).await.refuses(404, "link_over");
        house.send(call("GET", &path)).await.refuses(404, "link_over");
    }

    /// ID-14, A108: the history comes in pages, each event once.
    async fn the_history(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        for n in 0..5 {
            let on = if n % 2 == 0 { json!(["sms.news"]) } else { json!([]) };
            house.act(call("PUT", "/subscriptions").bearer(&token).json(&json!({ "on": on }))).await.is(200);
        }
        let page = |query: &str| call("GET", &format!("/history{query}")).bearer(&token);
        let all = house.send(page("?limit=100")).await.is(200);
        let all = names(&all.body["events"], "action");
        assert!(all.len() >= 7, "{all:?}");
        assert_eq!(all.last().unwrap(), "account.created");
        let (mut seen, mut before) = (Vec::new(), Value::Null);
        loop {
            let query = before.as_i64().map_or("?limit=2".to_owned(), |before| format!("?limit=2&before={before}"));
            let part = house.send(page(&query)).await.is(200);
            seen.extend(names(&part.body["events"], "action"));
            before = part.body["next"].clone();
            if before.is_null() {
                break;
            }
        }
        assert_eq!(seen, all);
        for query in ["?limit=101", "?limit=1000000000", "?limit=0", "?limit=x", "?before=0", "?offset=5"] {
            house.send(page(query)).await.refuses(422, "invalid");
        }
    }

    /// The language of messages is chosen; the next one comes in it.
    async fn the_language(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let put = |tag: &str| call("PUT", "/locale").bearer(&token).json(&json!({ "locale": tag }));
        house.act(put("en")).await.is(200);
        assert_eq!(house.send(call("GET", "/session").bearer(&token)).await.body["locale"], "en");
        assert_eq!(house.act(put("de")).await.refuses(422, "invalid").wrong(), "locale: not_among");
    }
}
