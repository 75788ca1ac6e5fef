//! Passkeys (ID-5) against the real process: a second verifier judges the same bytes, and a real browser with
//! a virtual authenticator makes, shows and loses keys.

use std::{process::Stdio, time::Duration};

use db::Engine;
use fantoccini::Locator;
use serde_json::{Value, json};
use testkit::{
    authenticator::Authenticator,
    browser::{Browser, Look},
    tools::{python, workspace},
};
use tokio::io::AsyncWriteExt as _;
use whole_product::demo::{Demo, code_in};

const ANNA: &str = "+79120000019";

/// Requests of a program.
struct Api<'a> {
    demo: &'a Demo,
    session: Option<String>,
    turn: std::cell::Cell<u32>,
}

impl Api<'_> {
    async fn post(&self, path: &str, flow: Option<&str>, body: Option<Value>) -> (u16, Value) {
        self.turn.set(self.turn.get() + 1);
        let mut request = self
            .demo
            .http()
            .post(self.demo.url(&format!("/api/v1{path}")))
            .header("idempotency-key", format!("passkeys-{}", self.turn.get()));
        if let Some(flow) = flow {
            request = request.header("kabinet-flow", flow);
        }
        if let Some(session) = &self.session {
            request = request.bearer_auth(session);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("the demo answers");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    async fn good(&self, path: &str, flow: Option<&str>, body: Option<Value>) -> Value {
        let (status, body) = self.post(path, flow, body).await;
        assert!((200..300).contains(&status), "{path}: {status} {body}");
        body
    }

    async fn registers(&mut self) {
        let known = self.demo.messages().await;
        let asked = self
            .good("/sign-in/codes", None, Some(json!({ "phone": ANNA })))
            .await;
        let flow = asked["flow"].as_str().expect("a flow").to_owned();
        let message = self.demo.next_message(ANNA, &known).await;
        let code = code_in(&message.text, 6).expect("a code");
        self.good(
            "/sign-in/verify",
            Some(&flow),
            Some(json!({ "code": code })),
        )
        .await;
        let consents = json!({ "personal_data": true });
        let inside = self
            .good("/sign-in/register", Some(&flow), Some(consents))
            .await;
        self.session = inside["session_token"].as_str().map(str::to_owned);
    }

    async fn sign_in(&self, key: &mut Authenticator, spoil: bool) -> (Value, u16, Value) {
        let begun = self.good("/sign-in/passkey/begin", None, None).await;
        let flow = begun["flow"].as_str().expect("a flow").to_owned();
        let draft = key.draft(&begun["options"]);
        let mut answer = key.sign(&draft);
        if spoil {
            let forged = Authenticator::new(&key.origin, 9).sign(&draft);
            answer["response"]["signature"] = forged["response"]["signature"].clone();
        }
        let shown = json!({ "challenge": begun["options"]["challenge"], "answer": answer });
        let body = json!({ "ceremony": begun["ceremony"], "answer": answer });
        let (status, said) = self.post("/sign-in/passkey", Some(&flow), Some(body)).await;
        (shown, status, said)
    }
}

async fn second_opinion(asked: &Value) -> Value {
    let mut peer = tokio::process::Command::new(python("python"))
        .arg(workspace().join("tests/peers/passkeys.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the peer starts");
    let mut input = peer.stdin.take().expect("piped");
    input
        .write_all(asked.to_string().as_bytes())
        .await
        .expect("the peer reads");
    drop(input);
    let output = peer.wait_with_output().await.expect("the peer ends");
    assert!(output.status.success(), "the peer refused");
    serde_json::from_slice(&output.stdout).expect("the peer writes JSON")
}

/// ID-5, A60: what we take as a new key and as a sign-in, python-fido2 takes too, and what we refuse it refuses:
/// on the same bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_verifier_agrees() {
    let demo = Demo::start(Engine::Sqlite);
    let origin = demo.url("").replace("127.0.0.1", "localhost");
    let mut api = Api {
        demo: &demo,
        session: None,
        turn: std::cell::Cell::new(0),
    };
    api.registers().await;
    let begun = api.good("/passkeys/begin", None, None).await;
    let mut key = Authenticator::new(&origin, 1);
    let made = key.create(&begun["options"]);
    let body = json!({ "ceremony": begun["ceremony"], "answer": made, "name": "Телефон" });
    let list = api.good("/passkeys", None, Some(body)).await;
    assert_eq!(list["passkeys"][0]["name"], "Телефон");

    let (right, status, said) = api.sign_in(&mut key, false).await;
    assert_eq!(status, 200, "{said}");
    let (wrong, status, said) = api.sign_in(&mut key, true).await;
    assert_eq!((status, &said["code"]), (422, &json!("passkey_not_taken")));
    let (other, status, _) = api.sign_in(&mut key, false).await;
    assert_eq!(status, 200);
    // The bytes of one sign-in under the challenge of another.
    let crossed = json!({ "challenge": other["challenge"], "answer": right["answer"] });
    let opinion = second_opinion(&json!({
        "rp_id": "localhost",
        "origin": origin,
        "registration": { "challenge": begun["options"]["challenge"], "answer": made },
        "assertions": [right, wrong, other, crossed],
    }))
    .await;
    let credential: String = key.credential.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(opinion["credential"], credential);
    assert_eq!(
        (&opinion["algorithm"], &opinion["verified"]),
        (&json!(-7), &json!(true))
    );
    assert_eq!(
        opinion["assertions"],
        json!([
            "right",
            "Invalid signature.",
            "right",
            "Wrong challenge in response."
        ])
    );
}

/// A browser with an authenticator that Chromium plays.
struct Walk<'a> {
    demo: &'a Demo,
    browser: &'a Browser,
    authenticator: String,
}

impl Walk<'_> {
    fn url(&self, path: &str) -> String {
        self.demo.url(path).replace("127.0.0.1", "localhost")
    }

    async fn go(&self, path: &str) {
        self.browser.goto(&self.url(path)).await.unwrap();
    }

    async fn path(&self) -> String {
        self.browser.current_url().await.unwrap().path().to_owned()
    }

    /// Waits until the browser is at a path.
    async fn arrives(&self, path: &str) {
        for _ in 0..200 {
            if self.path().await == path {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("at {} instead of {path}", self.path().await);
    }

    async fn fill(&self, field: &str, text: &str) {
        let field = self.browser.find(Locator::Id(field)).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    async fn press(&self, css: &str) {
        let wait = self.browser.wait().at_most(Duration::from_secs(10));
        let button = wait.for_element(Locator::Css(css)).await.unwrap();
        for _ in 0..100 {
            if button.is_displayed().await.unwrap_or_default() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        button.click().await.unwrap();
    }

    async fn submit(&self, form: &str) {
        self.press(&format!("form[action='{form}'] button[type=submit]"))
            .await;
    }

    async fn text(&self) -> String {
        let text = self.browser.evaluate("document.body.innerText").await;
        text.as_str().unwrap_or_default().to_owned()
    }

    async fn sees(&self, words: &str) {
        for _ in 0..200 {
            if self.text().await.contains(words) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "{words} is not on {}: {}",
            self.path().await,
            self.text().await
        );
    }

    async fn credentials(&self) -> Vec<Value> {
        let answer = self
            .browser
            .cdp(
                "WebAuthn.getCredentials",
                json!({ "authenticatorId": self.authenticator }),
            )
            .await;
        answer["credentials"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    async fn set(&self, command: &str, name: &str, value: Value) {
        self.browser
            .cdp(
                &format!("WebAuthn.{command}"),
                json!({ "authenticatorId": self.authenticator, name: value }),
            )
            .await;
    }

    /// Whether the person answers the browser's dialog by themselves.
    async fn present(&self, yes: bool) {
        self.set("setAutomaticPresenceSimulation", "enabled", json!(yes))
            .await;
    }

    async fn registers(&self) {
        self.go("/sign-in").await;
        let known = self.demo.messages().await;
        self.fill("phone", ANNA).await;
        self.submit("/sign-in").await;
        let message = self.demo.next_message(ANNA, &known).await;
        self.arrives("/sign-in/code").await;
        self.fill("code", code_in(&message.text, 6).expect("a code"))
            .await;
        self.submit("/sign-in/code").await;
        self.arrives("/sign-in/consent").await;
        self.press("#consent").await;
        self.submit("/sign-in/consent").await;
        self.arrives("/").await;
    }

    async fn signs_out(&self) {
        self.go("/profile/security").await;
        self.submit("/sign-out").await;
        self.arrives("/signed-out").await;
    }
}

/// ID-5, A3, A62, A63: a key is made, signs in from the autofill and by the button, opens the bank section, is
/// caught as a copy, and is removed with another's proof; axe at zero on the way.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_makes_and_shows_passkeys() {
    let demo = Demo::start(Engine::Sqlite);
    let browser = Browser::open(Look::PHONE).await;
    browser
        .cdp("WebAuthn.enable", json!({ "enableUI": false }))
        .await;
    let options = json!({ "options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
        "hasUserVerification": true, "isUserVerified": true,
        "automaticPresenceSimulation": true,
    } });
    let added = browser
        .cdp("WebAuthn.addVirtualAuthenticator", options)
        .await;
    let walk = Walk {
        demo: &demo,
        browser: &browser,
        authenticator: added["authenticatorId"].as_str().expect("an id").to_owned(),
    };
    walk.registers().await;

    // Made.
    walk.go("/profile/security/passkeys").await;
    walk.sees("Ключей пока нет").await;
    walk.browser.assert_accessible("passkeys-none").await;
    walk.fill("name", "Мой телефон").await;
    walk.submit("/profile/security/passkeys").await;
    walk.sees("Ключ доступа добавлен").await;
    walk.sees("Мой телефон").await;
    walk.browser.assert_accessible("passkeys").await;
    walk.browser.picture("passkeys/list").await;
    let made = walk.credentials().await;
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["rpId"], "localhost");
    let handle = made[0]["userHandle"].as_str().expect("a handle");
    assert_eq!(handle.trim_end_matches('=').len(), 86, "64 bytes (A61)");

    // Signs in from the autofill: nothing is pressed.
    walk.signs_out().await;
    walk.go("/sign-in").await;
    walk.arrives("/").await;
    // And by the button, while the autofill waits for somebody.
    walk.present(false).await;
    walk.signs_out().await;
    walk.go("/sign-in").await;
    walk.browser.assert_accessible("sign-in-passkey").await;
    walk.present(true).await;
    walk.submit("/sign-in/passkey").await;
    walk.arrives("/").await;

    // Opens the bank section.
    walk.go("/bank").await;
    walk.submit("/bank/open").await;
    walk.sees("Подтвердить ключом доступа").await;
    walk.browser.assert_accessible("confirm-passkey").await;
    walk.browser.picture("passkeys/confirm").await;
    walk.press("#passkey").await;
    walk.arrives("/bank").await;

    // A copy: the same key with the counter of before.
    let mut copy = walk.credentials().await.remove(0);
    let count = copy["signCount"].as_i64().expect("a counter");
    assert!(count > 1, "{count}");
    let id = copy["credentialId"].clone();
    walk.present(false).await;
    walk.signs_out().await;
    walk.set("removeCredential", "credentialId", id).await;
    copy["signCount"] = json!(0);
    walk.set("addCredential", "credential", copy).await;
    walk.go("/sign-in").await;
    walk.present(true).await;
    walk.submit("/sign-in/passkey").await;
    walk.sees("есть копия").await;
    assert_eq!(walk.path().await, "/sign-in/passkey");
    walk.browser.assert_accessible("sign-in-copy").await;
    let heard = demo.messages().await;
    assert!(heard.iter().any(|m| m.text.contains("есть копия")), "A63");
}
