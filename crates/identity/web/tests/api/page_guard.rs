//! A30, A31, A12: what the routes of pages refuse, all of them, found in the source that registers them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use db::{DbError, params};
use testkit::{TestDb, both_engines};
use vault::Token;

use crate::house::{ANNA, BORIS, Call, House, call, page};

mod count {
    db::statements! {
        ENTRIES: "SELECT COUNT(*) FROM audit_entry" () -> (Int);
        SESSIONS: "SELECT COUNT(*) FROM session" () -> (Int);
        CHALLENGES: "SELECT COUNT(*) FROM challenge" () -> (Int);
        MESSAGES: "SELECT COUNT(*) FROM message" () -> (Int);
        KEYS: "SELECT COUNT(*) FROM idempotency" () -> (Int);
        LINKS: "SELECT COUNT(*) FROM account_link WHERE used_at IS NOT NULL" () -> (Int);
    }
}

/// Paths of routes that take the method, with something in their places.
fn routes(method: &str) -> Vec<String> {
    let text = include_str!("../../src/pages/mod.rs");
    let mut found = Vec::new();
    for route in text.split(".route(").skip(1) {
        let path = route.split('"').nth(1).unwrap();
        let handlers = route.split(".merge(").next().unwrap();
        if handlers.contains(&format!("{method}(")) {
            let token = "A".repeat(43);
            found.push(
                path.replace("{token}", &token)
                    .replace("{id}", &token)
                    .replace("{step}", &token)
                    .replace("{name}", "x.css"),
            );
        }
    }
    found
}

/// How much there is of what a refused request must not touch.
async fn everything(house: &House) -> Vec<i64> {
    let counted: Result<_, DbError> = house
        .test
        .db()
        .read("test.count", (), |tx, ()| {
            Box::pin(async move {
                let mut all = Vec::new();
                for statement in count::ALL {
                    all.push(tx.query_one(statement, params![]).await?.int(0)?);
                }
                Ok(all)
            })
        })
        .await;
    counted.unwrap()
}

/// Somebody signed in, with the cookies of our pages and the token of their forms.
struct Visitor {
    cookie: String,
    csrf: String,
}

async fn visitor(house: &House) -> Visitor {
    let (token, _) = house.enter(ANNA).await;
    let visit = Token::new(&**house.test.chance())
        .expose()
        .as_str()
        .to_owned();
    Visitor {
        csrf: URL_SAFE_NO_PAD.encode(house.env.vault.code_mac(b"webkit.csrf", &visit)),
        cookie: format!("__Host-visit={visit}; __Host-session={token}"),
    }
}

impl Visitor {
    fn form(&self, path: &str, csrf: &str) -> Call {
        page("POST", path).with("cookie", &self.cookie).bytes(
            "application/x-www-form-urlencoded",
            format!("csrf={csrf}&code=123456").as_bytes(),
        )
    }
}

both_engines! {
    /// A30: a form from elsewhere, or without the token of our own forms, is refused by every page and does
    /// nothing. With both it is heard.
    async fn every_form_is_guarded(db: TestDb) {
        let house = House::new(db);
        let anna = visitor(&house).await;
        let paths = routes("post");
        assert!(paths.len() >= 25, "{paths:?}");
        let before = everything(&house).await;
        for path in &paths {
            for (header, value) in [
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-site", "same-site"),
                ("origin", "https://evil.example"),
                ("origin", "null"),
            ] {
                let reply = house.send(anna.form(path, &anna.csrf).with(header, value)).await;
                assert_eq!(reply.status, 403, "{path} from {header} {value}");
            }
            for wrong in ["", "x", &"A".repeat(43)] {
                let ours = anna.form(path, wrong).with("sec-fetch-site", "same-origin");
                assert_eq!(house.send(ours).await.status, 403, "{path} with the token «{wrong}»");
            }
            let without = page("POST", path).with("cookie", &anna.cookie);
            let without = without.bytes("application/x-www-form-urlencoded", b"code=123456");
            assert_eq!(house.send(without).await.status, 403, "{path} without a token");
            let json = page("POST", path).with("cookie", &anna.cookie).bytes("application/json", b"{}");
            assert_eq!(house.send(json).await.status, 415, "{path} with JSON");
        }
        assert_eq!(everything(&house).await, before, "nothing was done");
        for path in &paths {
            let heard = house.send(anna.form(path, &anna.csrf)).await;
            assert!(heard.status != 403 && !heard.status.is_server_error(), "{path}: {}", heard.status);
        }
    }

    /// A31: looking at a page does nothing, whoever looks and however: scanners of mail follow every link.
    async fn looking_does_nothing(db: TestDb) {
        let house = House::new(db);
        let anna = visitor(&house).await;
        let paths = routes("get");
        assert!(paths.len() >= 35, "{paths:?}");
        let before = everything(&house).await;
        for path in &paths {
            for method in ["GET", "HEAD"] {
                for cookie in [anna.cookie.as_str(), "a=b"] {
                    let seen = house.send(page(method, path).with("cookie", cookie)).await;
                    assert!(!seen.status.is_server_error(), "{method} {path}: {}", seen.status);
                }
            }
        }
        assert_eq!(everything(&house).await, before, "nothing was done");
    }

    /// A12: a form with a code in it is at most 4 KiB; what is no code is told beside its field.
    async fn a_form_of_a_code_is_short(db: TestDb) {
        let house = House::new(db);
        let anna = visitor(&house).await;
        for path in routes("post").iter().filter(|path| path.ends_with("/code")) {
            let beside = format!("csrf={}&code=", anna.csrf).len();
            for (length, status) in [(4_096, None), (4_097, Some(413)), (1_000_000, Some(413))] {
                let body = format!("csrf={}&code={}", anna.csrf, "1".repeat(length - beside));
                let form = page("POST", path)
                    .with("cookie", &anna.cookie)
                    .bytes("application/x-www-form-urlencoded", body.as_bytes());
                let answer = house.send(form).await.status.as_u16();
                match status {
                    Some(status) => assert_eq!(answer, status, "{path} with {length} bytes"),
                    None => assert!(answer < 500 && answer != 413, "{path}: {answer}"),
                }
            }
        }
    }

    /// A35: wherever somebody is to be sent afterwards, it is never away from us: the page's query, the cookie
    /// that keeps it, the form of language and colours, the API.
    async fn nobody_is_sent_away(db: TestDb) {
        let house = House::new(db);
        let anna = visitor(&house).await;
        let location = |headers: &http::HeaderMap| {
            headers.get("location").map(|to| to.to_str().unwrap().to_owned())
        };
        for bad in ["//evil.example", "\\\\evil.example", "/\\evil.example", "/%09/evil.example", "https://evil.example", "/\t/evil.example", "javascript:alert(1)"] {
            let encoded: String = bad.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let seen = house.send(page("GET", &format!("/sign-in?next={encoded}"))).await.is(200);
            let kept = format!("{:?}", seen.headers.get_all("set-cookie").iter().collect::<Vec<_>>());
            assert!(!kept.contains("evil") && !kept.contains("javascript") && !seen.text.contains("evil"), "{bad}: {kept}");
            let body = format!("csrf={}&theme=dark&next={encoded}", anna.csrf);
            let form = page("POST", "/preferences")
                .with("cookie", &anna.cookie)
                .bytes("application/x-www-form-urlencoded", body.as_bytes());
            assert_eq!(location(&house.send(form).await.headers).as_deref(), Some("/"), "{bad}");
            let flow = Token::new(&**house.test.chance()).expose().as_str().to_owned();
            let ask = call("POST", "/sign-in/codes").flow(&flow);
            let ask = ask.json(&serde_json::json!({ "phone": BORIS, "next": bad }));
            let refused = house.act(ask).await.refuses(422, "invalid");
            assert_eq!(refused.wrong(), "next: next_not_ours", "{bad}");
        }
        let body = format!("csrf={}&theme=dark&next=%2Fprofile", anna.csrf);
        let form = page("POST", "/preferences")
            .with("cookie", &anna.cookie)
            .bytes("application/x-www-form-urlencoded", body.as_bytes());
        assert_eq!(location(&house.send(form).await.headers).as_deref(), Some("/profile"), "our own paths work");
    }
}
