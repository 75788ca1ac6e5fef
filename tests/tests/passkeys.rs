//! Passkeys (ID-5) against the real process: a second verifier judges the same bytes, and a real browser with
//! a virtual authenticator makes, shows and loses keys.

use std::{process::Stdio, time::Duration};

use db::Engine;
use serde_json::{Value, json};
use testkit::{
    authenticator::Authenticator,
    browser::{Browser, Look},
    tools::{python, workspace},
};
use tokio::io::AsyncWriteExt as _;
use whole_product::{
    demo::{Demo, code_in},
    walk::{Walk, nobody_complained},
};

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
struct Holder<'a> {
    walk: Walk<'a>,
    authenticator: String,
}

impl<'a> Holder<'a> {
    async fn new(walk: Walk<'a>) -> Self {
        let browser = walk.browser;
        let quiet = json!({ "enableUI": false });
        browser.cdp("WebAuthn.enable", quiet).await;
        let options = json!({ "options": {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true,
            "automaticPresenceSimulation": true,
        } });
        let added = browser
            .cdp("WebAuthn.addVirtualAuthenticator", options)
            .await;
        let authenticator = added["authenticatorId"].as_str().expect("an id").to_owned();
        Self {
            walk,
            authenticator,
        }
    }

    async fn credentials(&self) -> Vec<Value> {
        let which = json!({ "authenticatorId": self.authenticator });
        let answer = self
            .walk
            .browser
            .cdp("WebAuthn.getCredentials", which)
            .await;
        let list = answer["credentials"].as_array().cloned();
        list.unwrap_or_default()
    }

    async fn set(&self, command: &str, name: &str, value: Value) {
        let command = format!("WebAuthn.{command}");
        let what = json!({ "authenticatorId": self.authenticator, name: value });
        self.walk.browser.cdp(&command, what).await;
    }

    /// Whether the person answers the browser's dialog by themselves.
    async fn present(&self, yes: bool) {
        self.set("setAutomaticPresenceSimulation", "enabled", json!(yes))
            .await;
    }

    /// The site has told the authenticator that the key is of no use any more.
    async fn forgets(&self, why: &str) {
        for _ in 0..200 {
            if self.credentials().await.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{why}: the authenticator was not told");
    }

    async fn signs_out(&self) {
        self.walk.go("/profile/security").await;
        self.walk.submit("/sign-out").await;
        self.walk.arrives("/signed-out").await;
    }

    /// Stands before the button.
    async fn asks_to_sign_in(&self) {
        self.signs_out().await;
        let lacks = self.lacks_autofill().await;
        self.walk.go("/sign-in").await;
        self.appears("form[action='/sign-in/passkey']").await;
        self.has_autofill(lacks).await;
    }

    /// From now on the browser has no autofill for keys: this person answers every dialog at once, and anything
    /// else on a page of sign-in would come too late.
    async fn lacks_autofill(&self) -> Value {
        let lacks = "PublicKeyCredential.isConditionalMediationAvailable = async () => false";
        let browser = self.walk.browser;
        let script = json!({ "source": lacks });
        browser
            .cdp("Page.addScriptToEvaluateOnNewDocument", script)
            .await
    }

    async fn has_autofill(&self, lacks: Value) {
        let browser = self.walk.browser;
        browser
            .cdp("Page.removeScriptToEvaluateOnNewDocument", lacks)
            .await;
    }

    /// The page that refused does not offer keys in its autofill again: it would show the refused one for ever.
    async fn is_refused(&self) {
        self.walk.arrives("/sign-in/passkey").await;
        let offers = "document.querySelector('form[data-auto]') !== null";
        assert_eq!(self.walk.browser.evaluate(offers).await, json!(false));
        self.present(false).await;
    }

    /// Scripts show these forms; the dialog then leads on.
    async fn appears(&self, css: &str) {
        let shown = format!("!document.querySelector(\"{css}\").hidden");
        for _ in 0..200 {
            if self.walk.browser.evaluate(&shown).await == json!(true) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{css} stays hidden");
    }
}

const LIST: &str = "/profile/security/passkeys";
/// What a page would hide if it took a name for anything but text (A33).
const NAMED: &str = "Телефон <i>Анны</i>";

/// ID-5, A61, A62: a key is made; it is not for money yet, and the page says so.
async fn makes(holder: &Holder<'_>) {
    let walk = &holder.walk;
    walk.go(LIST).await;
    walk.at(LIST, "Ключей пока нет", "none").await;
    holder.appears("form[data-passkey=create]").await;
    walk.fill("name", "Мой телефон").await;
    walk.submit(LIST).await;
    walk.sees("Ключ доступа добавлен").await;
    walk.at(LIST, "Мой телефон", "list").await;
    walk.sees("Переводы денег подтверждает с").await;
    let made = holder.credentials().await;
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["rpId"], "localhost");
    let handle = made[0]["userHandle"].as_str().expect("a handle");
    assert_eq!(handle.trim_end_matches('=').len(), 86, "64 bytes (A61)");
}

/// ID-5, A3: from the autofill, where nothing is pressed and nobody is named; and by the button.
async fn enters(holder: &Holder<'_>) {
    let walk = &holder.walk;
    holder.signs_out().await;
    walk.go("/sign-in").await;
    walk.arrives("/").await;
    holder.asks_to_sign_in().await;
    walk.at("/sign-in", "Войти по ключу доступа", "sign-in")
        .await;
    walk.submit("/sign-in/passkey").await;
    walk.arrives("/").await;
}

async fn opens_the_bank(holder: &Holder<'_>) {
    let walk = &holder.walk;
    walk.go("/bank").await;
    walk.submit("/bank/open").await;
    walk.sees("Подтвердить ключом доступа").await;
    holder.appears("form[data-passkey=get]").await;
    let path = walk.path().await;
    walk.at(&path, "Открыть раздел «Деньги»", "confirm").await;
    walk.press("#passkey").await;
    walk.at("/bank", "Раздел открыт", "bank").await;
}

async fn renames(holder: &Holder<'_>) {
    let walk = &holder.walk;
    walk.go(LIST).await;
    walk.press("a.row-link[href^='/profile/security/passkeys/']")
        .await;
    let path = walk.path().await;
    walk.at(&path, "Мой телефон", "edit").await;
    walk.fill("name", NAMED).await;
    walk.submit(&path).await;
    walk.at(LIST, NAMED, "renamed").await;
}

/// ID-5: after another's proof the key is gone, here and in the authenticator; a copy that it kept is told too.
async fn removes(holder: &Holder<'_>) {
    let walk = &holder.walk;
    let kept = holder.credentials().await.remove(0);
    walk.go(LIST).await;
    walk.press("a.row-link[href^='/profile/security/passkeys/']")
        .await;
    let path = walk.path().await;
    walk.submit(&format!("{path}/remove")).await;
    let step = walk.path().await;
    holder.appears("form[data-passkey=get]").await;
    walk.at(&step, NAMED, "confirm-remove").await;
    walk.press("#passkey").await;
    walk.at(LIST, "Ключей пока нет", "removed").await;
    holder.forgets("signalAllAcceptedCredentials").await;
    holder.asks_to_sign_in().await;
    holder.set("addCredential", "credential", kept).await;
    walk.submit("/sign-in/passkey").await;
    holder.is_refused().await;
    walk.at("/sign-in/passkey", "не подошёл", "unknown").await;
    holder.forgets("signalUnknownCredential").await;
}

/// A63: the same key with the counter of before is taken for a copy; the owner sees it and is told.
async fn is_copied(holder: &Holder<'_>) {
    let walk = &holder.walk;
    let mut copy = holder.credentials().await.remove(0);
    let count = copy["signCount"].as_i64().expect("a counter");
    assert!(count > 1, "{count}");
    let id = copy["credentialId"].clone();
    holder.signs_out().await;
    holder.set("removeCredential", "credentialId", id).await;
    copy["signCount"] = json!(0);
    holder.set("addCredential", "credential", copy).await;
    walk.go("/sign-in").await;
    holder.is_refused().await;
    walk.at("/sign-in/passkey", "есть копия", "copy").await;
    let mut heard = false;
    for _ in 0..200 {
        let messages = walk.demo.messages().await;
        heard |= messages.iter().any(|m| m.text.contains("есть копия"));
        if heard {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert!(heard, "A63: the owner is told");
    walk.demo.advance(Duration::from_secs(600)).await;
    walk.first_code(ANNA).await;
    walk.at("/", "Здравствуйте", "home").await;
    let history = "/profile/history";
    walk.go(history).await;
    walk.at(history, "есть копия", "history").await;
    walk.go(LIST).await;
    walk.at(LIST, "Есть копия?", "list-copy").await;
}

async fn a_browser_makes_and_shows_passkeys(engine: Engine, name: &str, look: Look) {
    let demo = Demo::start(engine);
    let browser = Browser::open(look.languages("ru-RU")).await;
    let walk = Walk {
        demo: &demo,
        browser: &browser,
        name,
    };
    let holder = Holder::new(walk).await;
    walk.registers(ANNA).await;
    makes(&holder).await;
    enters(&holder).await;
    opens_the_bank(&holder).await;
    renames(&holder).await;
    if engine == Engine::Sqlite {
        is_copied(&holder).await;
    } else {
        removes(&holder).await;
        is_made_again_and_copied(&holder).await;
    }
    nobody_complained(&[&browser]).await;
}

/// What was removed can be made anew.
async fn is_made_again_and_copied(holder: &Holder<'_>) {
    holder.walk.demo.advance(Duration::from_secs(600)).await;
    holder.walk.first_code(ANNA).await;
    holder.walk.arrives("/").await;
    holder.present(true).await;
    makes(holder).await;
    enters(holder).await;
    is_copied(holder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passkeys_on_a_phone_on_sqlite() {
    a_browser_makes_and_shows_passkeys(Engine::Sqlite, "passkeys/sqlite", Look::PHONE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passkeys_on_a_desk_on_postgres() {
    let look = Look::DESK.dark();
    a_browser_makes_and_shows_passkeys(Engine::Postgres, "passkeys/postgres", look).await;
}

/// ID-5, ID-8: a passkey is the second step of signing in, where the account always asks for one.
#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_the_second_step() {
    let demo = Demo::start(Engine::Postgres);
    let browser = Browser::open(Look::PHONE.dark().languages("ru-RU")).await;
    let walk = Walk {
        demo: &demo,
        browser: &browser,
        name: "passkeys/second",
    };
    let holder = Holder::new(walk).await;
    walk.registers(ANNA).await;
    makes(&holder).await;
    demo.advance(Duration::from_secs(360)).await;
    let setting = "/profile/security/second-factor";
    walk.go(setting).await;
    walk.submit(setting).await;
    holder.appears("form[data-passkey=get]").await;
    walk.press("#passkey").await;
    walk.sees("Теперь вход всегда спрашивает").await;
    holder.signs_out().await;
    demo.advance(Duration::from_secs(600)).await;
    holder.lacks_autofill().await;
    walk.first_code(ANNA).await;
    let second = "/sign-in/second";
    holder.appears("form[data-passkey=get]").await;
    walk.at(second, "Подтвердить ключом доступа", "second")
        .await;
    walk.submit("/sign-in/second/passkey").await;
    walk.at("/", "Здравствуйте", "second-in").await;
    nobody_complained(&[&browser]).await;
}

/// Without JavaScript no dialog can come: the pages say so, and everything else goes on.
#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_there_are_other_ways() {
    let demo = Demo::start(Engine::Sqlite);
    let look = Look::PHONE.dark().without_javascript();
    let browser = Browser::open(look.languages("ru-RU")).await;
    let walk = Walk {
        demo: &demo,
        browser: &browser,
        name: "passkeys/nojs",
    };
    walk.registers(ANNA).await;
    walk.go(LIST).await;
    walk.at(LIST, "нужны JavaScript", "none").await;
    for form in walk
        .browser
        .find_all(fantoccini::Locator::Css("form[data-passkey]"))
        .await
        .unwrap()
    {
        assert!(
            !form.is_displayed().await.unwrap(),
            "nothing that cannot work"
        );
    }
}
