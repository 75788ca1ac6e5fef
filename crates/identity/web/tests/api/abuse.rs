//! What is tried against the API.

use std::collections::BTreeSet;

use axum::body::Body;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use serde_json::{Value, json};
use sha2::Sha256;
use testkit::TestDb;
use vault::Token;

use crate::house::{ANNA, Call, GATEWAY_SECRET, House, call, filled, operations};

fn is_safe(method: &str) -> bool {
    method == "GET"
}

/// The shape of an answer: its keys and the kinds of its values.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect(),
        Value::String(text) => json!(text.len()),
        Value::Number(_) => json!("number"),
        other => other.clone(),
    }
}

testkit::both_engines! {
    /// A1, ID-1: the answers before the code are the same for a known and an unknown identifier.
    async fn known_and_unknown_look_alike(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let add = call("POST", "/email").bearer(&token).json(&json!({ "email": "anna@example.ru" }));
        house.act(add).await.is(202);
        let code = house.code("anna@example.ru").await;
        house.act(call("POST", "/email/confirm").bearer(&token).json(&json!({ "code": code }))).await.is(200);
        house.wait(7_200);
        for path in ["/sign-in/codes", "/freeze/codes"] {
            for (known, unknown) in [
                (json!({ "phone": ANNA }), json!({ "phone": "+7 912 000-00-09" })),
                (json!({ "email": "anna@example.ru" }), json!({ "email": "nina@example.ru" })),
            ] {
                let mut shapes = Vec::new();
                for body in [known, unknown] {
                    let asked = house.act(call("POST", path).json(&body)).await.is(202);
                    let flow = asked.body["flow"].as_str().unwrap().to_owned();
                    house.texts("nobody").await;
                    let status = house.send(call("GET", path).flow(&flow)).await.is(200);
                    let verify = path.replace("codes", "verify");
                    let wrong = house.act(call("POST", &verify).flow(&flow).json(&json!({ "code": "000000" }))).await.is(422);
                    let headers: BTreeSet<String> = asked.headers.keys().map(ToString::to_string).collect();
                    shapes.push((shape(&asked.body), shape(&status.body), shape(&wrong.body), headers));
                }
                assert_eq!(shapes[0], shapes[1]);
            }
            house.wait(7_200);
        }
    }

    /// A8: five tries, then the code is dead, the right one too.
    async fn five_tries(db: TestDb) {
        let house = House::new(db);
        let flow = house.ask(ANNA).await;
        let code = house.code(ANNA).await;
        let verify = |code: &str| call("POST", "/sign-in/verify").flow(&flow).json(&json!({ "code": code }));
        for left in (1..5).rev() {
            let wrong = house.act(verify(&House::other(&code))).await.refuses(422, "code_wrong");
            assert_eq!(wrong.body["tries_left"], left);
        }
        house.act(verify(&House::other(&code))).await.refuses(422, "code_dead");
        for _ in 0..3 {
            house.act(verify(&code)).await.refuses(422, "code_dead");
        }
    }

    /// A12: what is no code is refused by name and counts as no try.
    async fn what_is_no_code(db: TestDb) {
        let house = House::new(db);
        let flow = house.ask(ANNA).await;
        let code = house.code(ANNA).await;
        let verify = || call("POST", "/sign-in/verify").flow(&flow);
        for (body, wrong) in [
            (json!({ "code": "" }), "code: code_empty"),
            (json!({ "code": "١٢٣٤٥٦" }), "code: code_not_digits"),
            (json!({ "code": "123456\u{0}" }), "code: code_not_digits"),
            (json!({ "code": "12345" }), "code: code_length"),
            (json!({ "code": "12 34 56 78" }), "code: code_ambiguous"),
            (json!({ "code": "1".repeat(3_000) }), "code: code_too_long"),
            (json!({ "code": ["123456"] }), "code: wrong_type"),
            (json!({ "code": 123_456 }), "code: wrong_type"),
            (json!({ "code": null }), "code: wrong_type"),
            (json!({}), "code: missing"),
            (json!({ "code": "123456", "kode": "1" }), "kode: unknown_field"),
            (json!([code]), ".: wrong_type"),
        ] {
            assert_eq!(house.act(verify().json(&body)).await.refuses(422, "invalid").wrong(), wrong);
        }
        house.act(verify().json(&json!({ "code": "1".repeat(1_000_000) }))).await.refuses(413, "too_large");
        // The 4 KiB are of the body: `{"code":""}` and what is in it.
        let filled = |bytes: usize| json!({ "code": "1".repeat(bytes - 11) });
        house.act(verify().json(&filled(4_096))).await.refuses(422, "invalid");
        house.act(verify().json(&filled(4_097))).await.refuses(413, "too_large");
        house.act(verify().bytes("application/json", b"{\"code\":\"\xd1\"}")).await.refuses(400, "json_invalid");
        let typed = house.act(verify().json(&json!({ "code": format!(" {code}\n") }))).await.is(200);
        assert_eq!(typed.body["consent_required"], true, "no try was counted");
    }

    /// A16, A15: the code of one flow is nothing in another, nor for another purpose.
    async fn a_code_is_bound_to_its_flow(db: TestDb) {
        let house = House::new(db);
        let _victim = house.ask(ANNA).await;
        let code = house.code(ANNA).await;
        let stranger = Token::new(&**house.test.chance()).expose().as_str().to_owned();
        let verify = |path: &str| call("POST", path).flow(&stranger).json(&json!({ "code": code }));
        house.act(verify("/sign-in/verify")).await.refuses(422, "code_dead");
        house.act(verify("/freeze/verify")).await.refuses(422, "code_dead");
        house.send(call("GET", "/sign-in/codes").flow(&stranger)).await.refuses(404, "flow_not_found");
        house.send(call("GET", "/sign-in/codes")).await.refuses(400, "flow_missing");
        house.send(call("GET", "/sign-in/codes").flow("short")).await.refuses(400, "header_invalid");
        let register = call("POST", "/sign-in/register").flow(&stranger);
        house.act(register.json(&json!({ "personal_data": true }))).await.refuses(409, "proof_missing");
    }

    /// A25: the flow's token is worth nothing once somebody is in.
    async fn a_flow_ends_at_sign_in(db: TestDb) {
        let house = House::new(db);
        let flow = house.ask(ANNA).await;
        let code = house.code(ANNA).await;
        let verify = || call("POST", "/sign-in/verify").flow(&flow).json(&json!({ "code": code }));
        house.act(verify()).await.is(200);
        let register = || call("POST", "/sign-in/register").flow(&flow).json(&json!({ "personal_data": true }));
        house.act(register()).await.is(200);
        house.act(verify()).await.refuses(422, "code_dead");
        house.act(register()).await.refuses(409, "proof_missing");
        house.send(call("GET", "/sign-in/codes").flow(&flow)).await.refuses(404, "flow_not_found");
    }

    /// A18: the code is in no answer and in no row of the database, and neither are the tokens.
    async fn secrets_stay_secret(db: TestDb) {
        let house = House::new(db);
        let asked = house.act(call("POST", "/sign-in/codes").json(&json!({ "phone": ANNA }))).await.is(202);
        let flow = asked.body["flow"].as_str().unwrap().to_owned();
        let code = house.code(ANNA).await;
        let status = house.send(call("GET", "/sign-in/codes").flow(&flow)).await;
        let verify = call("POST", "/sign-in/verify").flow(&flow).json(&json!({ "code": code }));
        let right = house.act(verify).await.is(200);
        let register = call("POST", "/sign-in/register").flow(&flow).json(&json!({ "personal_data": true }));
        let inside = house.act(register).await.is(200);
        for reply in [&asked, &status, &right, &inside] {
            assert!(!reply.text.contains(&code) && !format!("{:?}", reply.headers).contains(&code));
        }
        let Some(file) = house.test.file() else { return };
        let secret = inside.body["session_token"].as_str().unwrap().rsplit('.').next().unwrap();
        let folder = file.parent().unwrap();
        for needle in [flow.as_str(), secret, "+79120000001", "9120000001"] {
            let found = testkit::server::files_with(folder, needle.as_bytes());
            assert!(found.is_empty(), "{found:?}");
        }
    }

    /// A30: a cross-site request to any route with an effect is refused, whoever is signed in; the cookie alone
    /// is not enough either. Nobody gets 500. Without signing in, what needs it says 401.
    async fn every_route_is_guarded(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let mut effects = 0;
        for (method, path, operation) in operations() {
            let at = || call(&method, &filled(&path)).json(&json!({}));
            let needs_session = operation["security"].is_array();
            let name = format!("{method} {path}");
            let anonymous = house.act(at()).await;
            assert!(!anonymous.status.is_server_error(), "{name}");
            assert_eq!(anonymous.status == 401 && anonymous.code() == "unauthorized", needs_session, "{name}");
            if anonymous.status == 401 {
                assert_eq!(anonymous.headers["www-authenticate"], "Bearer", "{name}");
            }
            assert_eq!(anonymous.headers["cache-control"], "no-store", "{name}");
            if needs_session {
                for bad in ["Bearer x", "Basic x", "Bearer ", token.as_str()] {
                    house.act(at().with("authorization", bad)).await.refuses(401, "unauthorized");
                }
            }
            if is_safe(&method) {
                continue;
            }
            effects += 1;
            for (header, value) in [
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-site", "same-site"),
                ("origin", "https://evil.example"),
                ("origin", "null"),
            ] {
                house.act(at().bearer(&token).with(header, value)).await.refuses(403, "forbidden");
                house.act(at().with(header, value)).await.refuses(403, "forbidden");
            }
            if needs_session {
                let visit = Token::new(&**house.test.chance()).expose().as_str().to_owned();
                let cookie = format!("__Host-visit={visit}; __Host-session={token}");
                let with_cookie = || at().with("cookie", &cookie).with("origin", "https://kabinet.example");
                house.act(with_cookie()).await.refuses(403, "forbidden");
                house.act(with_cookie().with("x-kabinet-csrf", "x")).await.refuses(403, "forbidden");
            }
        }
        assert!(effects > 20);
        house.send(call("GET", "/session").bearer(&token)).await.is(200);
    }

    /// The cookie of our own pages works together with the token of their forms.
    async fn our_own_pages_may_call(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let visit = Token::new(&**house.test.chance()).expose().as_str().to_owned();
        let csrf = URL_SAFE_NO_PAD.encode(house.env.vault.code_mac(b"webkit.csrf", &visit));
        let cookie = format!("__Host-visit={visit}; __Host-session={token}");
        house.send(call("GET", "/session").with("cookie", &cookie)).await.is(200);
        let freeze = call("POST", "/freeze").with("cookie", &cookie).with("x-kabinet-csrf", &csrf);
        house.act(freeze).await.is(200);
    }

    /// A107, A12: bodies that are too large, deep, foreign or of another kind; the answer is a problem.
    async fn bodies(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let deep = [b"{\"x\":".as_slice(), &b"[".repeat(30_000)].concat();
        let bodies: [(&str, &[u8], &[u16]); 9] = [
            ("text/plain", b"{}", &[415]),
            ("application/x-www-form-urlencoded", b"a=1", &[415]),
            ("multipart/form-data; boundary=x", b"--x", &[415]),
            ("application/json; charset=windows-1251", b"{}", &[415]),
            ("application/json", b"", &[400]),
            ("application/json", b"{\"x\":\"\xcf\xf0\"}", &[400, 422]),
            ("application/json", b"\0", &[400]),
            ("application/json", &deep, &[400, 413, 422]),
            ("application/json", &[b' '; 70_000], &[413]),
        ];
        for (method, path, operation) in operations() {
            let takes_json = operation["requestBody"]["content"].get("application/json").is_some();
            if !takes_json || path.contains("gateway") {
                continue;
            }
            for (kind, body, allowed) in bodies {
                let flow = Token::new(&**house.test.chance()).expose().as_str().to_owned();
                let reply = house.act(call(&method, &path).bearer(&token).flow(&flow).bytes(kind, body)).await;
                assert!(allowed.contains(&reply.status.as_u16()), "{method} {path} {kind}: {}", reply.text);
            }
            let mut none = call(&method, &path).bearer(&token).flow("x");
            none = none.flow(Token::new(&**house.test.chance()).expose().as_str());
            house.act(none).await.refuses(415, "media_type");
        }
        let foreign = Request::post("/api/v1/sign-in/codes")
            .header("host", "kabinet.example")
            .header("kabinet-flow", http::HeaderValue::from_bytes(b"\xff\xfe").unwrap())
            .body(Body::empty())
            .unwrap();
        house.raw(foreign).await.refuses(400, "header_invalid");
        for path in ["/email-links/%ff", "/alarm-links/%00", "/unsubscribe/%2e%2e", "/devices/%0a"] {
            let reply = house.send(call("GET", path).bearer(&token)).await;
            assert!(reply.status.is_client_error(), "{path} {}", reply.status);
        }
    }

    /// Other methods are named with the ones there are; HEAD is GET without a body; OPTIONS gives nothing away.
    async fn methods(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let patch = house.send(call("PATCH", "/session").bearer(&token)).await.refuses(405, "method_not_allowed");
        let allow = |reply: &crate::house::Reply| {
            let allow = reply.headers["allow"].to_str().unwrap().split(',').map(str::to_owned);
            allow.collect::<BTreeSet<_>>()
        };
        let expected = ["GET", "HEAD", "DELETE"].map(str::to_owned).into();
        assert_eq!(allow(&patch), expected);
        let options = house.send(call("OPTIONS", "/session")).await.is(204);
        assert_eq!(allow(&options), expected);
        assert!(options.headers.get("access-control-allow-origin").is_none());
        let head = Call { method: http::Method::HEAD, ..call("GET", "/session").bearer(&token) };
        assert!(house.send(head).await.is(200).text.is_empty());
        house.send(call("GET", "/nothing")).await.refuses(404, "not_found");
        house.send(call("TRACE", "/session")).await.refuses(405, "method_not_allowed");
        let foreign = call("GET", "/session").with("host", "evil.example");
        house.send(foreign).await.is(421);
    }

    /// A24: an unsigned, forged, changed or old report changes nothing; a signed one is kept.
    async fn gateway_reports(db: TestDb) {
        let house = House::new(db);
        let now = house.test.clock();
        let now = kernel::Clock::now(&**now).as_secs();
        let body = br#"{"id":"unknown","status":"delivered"}"#;
        let sign = |secret: &str, at: i64, body: &[u8]| {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
            mac.update(format!("{at}.").as_bytes());
            mac.update(body);
            hex::encode(mac.finalize().into_bytes())
        };
        let report = |at: i64, signature: &str| call("POST", "/gateway-reports/sms")
            .bytes("application/json", body).with("x-timestamp", &at.to_string()).with("x-signature", signature);
        let references = || async {
            let rows = house.test.read("test", (), |tx, ()| Box::pin(async move {
                tx.query_one(&sql::REFERENCES, &[]).await?.int(0)
            }));
            rows.await.unwrap() as i64
        };
        house.send(call("POST", "/gateway-reports/sms").bytes("application/json", body)).await.refuses(401, "report_unsigned");
        for (at, signature) in [
            (now, sign("another secret..", now, body)),
            (now, sign(GATEWAY_SECRET, now, b"{}")),
            (now - 3_600, sign(GATEWAY_SECRET, now - 3_600, body)),
            (now, String::new()),
        ] {
            house.send(report(at, &signature)).await.refuses(401, "report_unsigned");
        }
        assert_eq!(references().await, 0, "A24: no change");
        house.send(report(now, &sign(GATEWAY_SECRET, now, body))).await.is(204);
        assert_eq!(references().await, 1);
        let unreadable = call("POST", "/gateway-reports/sms").bytes("application/json", b"[]")
            .with("x-timestamp", &now.to_string()).with("x-signature", &sign(GATEWAY_SECRET, now, b"[]"));
        house.send(unreadable).await.refuses(422, "report_unreadable");
        house.send(call("POST", "/gateway-reports/nobody").bytes("application/json", body)).await.refuses(404, "not_found");
    }
}

mod sql {
    db::statements! {
        /// How many reports were kept.
        REFERENCES: "SELECT COUNT(*) FROM carrier_reference" () -> (Int);
    }
}
