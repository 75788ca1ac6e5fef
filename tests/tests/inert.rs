//! A33: text that wants to be more than text, in every field that a customer can fill: put in by forms and by the API,
//! looked at on every page in Chromium. Nothing of it runs, nothing of it becomes an element, nothing hides.

use std::{collections::BTreeSet, time::Duration};

use db::Engine;
use serde_json::{Value, json};
use testkit::browser::{Browser, Look};
use whole_product::demo::Demo;
use whole_product::walk::Walk;

const PHONE: &str = "+79120004242";
/// What is put in; none of it may be anything but text.
const TEXTS: [&str; 4] = [
    "<script>window.ran=1</script>",
    "\"><svg onload=window.ran=1>",
    "'><img src=x onerror=window.ran=1>",
    "Анна\u{202E}аннА\u{200B}\u{2066}",
];

/// Pages that need nothing in their path, from the source that registers them.
fn pages() -> Vec<&'static str> {
    let text = include_str!("../../crates/identity/web/src/pages/mod.rs");
    let mut found = Vec::new();
    for route in text.split(".route(").skip(1) {
        let path = route.split('"').nth(1).expect("a path");
        let handlers = route.split(".merge(").next().unwrap_or_default();
        if handlers.contains("get(") && !path.contains('{') {
            found.push(path);
        }
    }
    assert!(found.len() > 30, "{found:?}");
    found
}

/// What a page has become: how many things of ours run that are not ours, and what stands there unseen.
const LOOK: &str = "JSON.stringify({
    ran: window.ran === undefined ? 0 : 1,
    made: document.querySelectorAll('[onload],[onerror],svg script,img[src=x]').length
        + [...document.scripts].filter(script => !script.src && /ran/.test(script.text)).length,
    hidden: /[\\u202a-\\u202e\\u2066-\\u2069\\u200b]/.test(document.querySelector('main')?.innerText ?? '') ? 1 : 0,
})";

/// What it found goes by the page without its id or token.
async fn looked_at(walk: &Walk<'_>, what: &str, seen: &mut BTreeSet<String>) {
    let said = walk.browser.evaluate(LOOK).await;
    let said: Value = serde_json::from_str(said.as_str().expect("text")).expect("JSON");
    let none = json!({ "ran": 0, "made": 0, "hidden": 0 });
    let path = walk.path().await;
    assert_eq!(said, none, "{what} on {path}");
    let is_named = |part: &&str| part.len() < 22;
    let parts = path.split('/').filter(is_named).collect::<Vec<_>>();
    seen.insert(parts.join("/"));
}

/// Fills every field of one form of the page and sends it as it is; false when there is no such form.
async fn sent(walk: &Walk<'_>, form: usize, text: &str) -> bool {
    let text = serde_json::to_string(text).expect("JSON");
    let fill = format!(
        "(() => {{
            const leave = /sign-out|locale|language|theme|end-others|freeze|\\/end$|remove|delete/;
            const forms = [...document.querySelectorAll('main form')].filter(form =>
                form.method === 'post' && !leave.test(form.action)
                && form.querySelector('input:not([type=hidden]):not([type=checkbox]):not([type=radio]),textarea'));
            const form = forms[{form}];
            if (!form) return false;
            for (const field of form.querySelectorAll('input,textarea')) {{
                if (['hidden', 'checkbox', 'radio', 'submit'].includes(field.type)) continue;
                if (field.tagName === 'INPUT') field.type = 'text';
                field.removeAttribute('maxlength');
                field.value = {text};
            }}
            window.sending = true;
            setTimeout(() => HTMLFormElement.prototype.submit.call(form), 0);
            return true;
        }})()"
    );
    if walk.browser.evaluate(&fill).await != json!(true) {
        return false;
    }
    for _ in 0..250 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let over = "document.readyState === 'complete' && window.sending === undefined";
        if walk.browser.evaluate(over).await == json!(true) {
            return true;
        }
    }
    panic!("{}: a form was not answered", walk.path().await);
}

/// Puts the texts in by the API, where no form is in the way; how many were taken.
async fn put(demo: &Demo, token: &str) -> usize {
    let mut taken = 0;
    for (n, text) in TEXTS.into_iter().enumerate() {
        for (field, path, body) in [
            (
                "name",
                "/profile/name",
                json!({ "surname": text, "given": text, "patronymic": text }),
            ),
            (
                "address",
                "/profile/address",
                json!({ "address": format!("г. Тверь, {text}") }),
            ),
            (
                "place",
                "/profile/birth",
                json!({ "date": "1990-05-17", "place": text }),
            ),
            (
                "trusted",
                "/trusted",
                json!({ "name": text, "phone": "+79120005151" }),
            ),
            (
                "email",
                "/email",
                json!({ "email": format!("{text}@kabinet.example") }),
            ),
            // As near to markup as an address comes.
            (
                "mailbox",
                "/email",
                json!({ "email": "anna&lt'=onload@kabinet.example" }),
            ),
        ] {
            let url = demo.url(&format!("/api/v1{path}"));
            let method = if ["trusted", "email", "mailbox"].contains(&field) {
                "POST"
            } else {
                "PUT"
            };
            let request = demo
                .http()
                .request(method.parse().expect("a method"), url)
                .bearer_auth(token)
                .header("idempotency-key", format!("{field}-{n}"))
                .json(&body);
            let answer = request.send().await.expect("an answer");
            let status = answer.status();
            assert!(!status.is_server_error(), "{field}, {text}: {status}");
            let said = answer.text().await.expect("text");
            assert!(
                !said.contains(text) || status.is_success(),
                "{field}: {said}"
            );
            taken += usize::from(status.is_success());
        }
    }
    taken
}

/// The pages that messages lead to, one of each kind.
async fn led_to(demo: &Demo) -> Vec<String> {
    let mut kinds = BTreeSet::new();
    let mut paths = Vec::new();
    for message in demo.messages().await {
        let words = message.text.split_whitespace();
        let links = words.filter_map(|word| word.split_once("://"));
        for (_, path) in links.filter_map(|(_, link)| link.split_once('/')) {
            let (kind, _) = path.rsplit_once('/').unwrap_or((path, ""));
            if kinds.insert(kind.to_owned()) {
                paths.push(format!("/{path}"));
            }
        }
    }
    paths
}

/// Fills and sends every form of a page; how many there were.
async fn forms_of(walk: &Walk<'_>, path: &str, seen: &mut BTreeSet<String>) -> usize {
    // All of it in one, for time's sake: a field that refuses one part shows the whole again.
    let text = TEXTS.concat();
    let mut forms = 0;
    loop {
        walk.go(path).await;
        if !sent(walk, forms, &text).await {
            return forms;
        }
        looked_at(walk, &text, seen).await;
        forms += 1;
    }
}

/// A trusted person of such a name, which a session of long ago is asked to confirm.
async fn is_confirmed(walk: &Walk<'_>, seen: &mut BTreeSet<String>) {
    let trusted = "/profile/security/trusted";
    walk.demo.advance(Duration::from_secs(1_200)).await;
    walk.go(trusted).await;
    walk.fill("name", TEXTS[0]).await;
    walk.fill("phone", "+79120006161").await;
    walk.submit(trusted).await;
    walk.sees(TEXTS[0]).await;
    looked_at(walk, "what is confirmed", seen).await;
}

/// On PostgreSQL only what was put in is looked at: the forms are the same.
async fn texts_stay_texts(engine: Engine) {
    let demo = Demo::start(engine);
    let browser = Browser::open(Look::DESK).await;
    let walk = Walk {
        demo: &demo,
        browser: &browser,
        name: "inert",
    };
    walk.registers(PHONE).await;
    let cookies = browser.cdp("Network.getAllCookies", json!({})).await;
    let cookies = cookies["cookies"].as_array().expect("cookies");
    let session = cookies
        .iter()
        .find(|cookie| cookie["name"] == "kabinet-session");
    let token = session.expect("a session")["value"].as_str().expect("text");
    let taken = put(&demo, token).await;
    let mut seen = BTreeSet::new();
    let mut forms = 0;
    for path in pages() {
        walk.go(path).await;
        looked_at(&walk, "what was put in", &mut seen).await;
        if engine == Engine::Sqlite {
            forms += forms_of(&walk, path, &mut seen).await;
        }
    }
    for path in led_to(&demo).await {
        walk.go(&path).await;
        looked_at(&walk, "what a message leads to", &mut seen).await;
    }
    is_confirmed(&walk, &mut seen).await;
    // The look finds what it is for.
    let planted =
        "(() => { const image = document.createElement('img'); image.setAttribute('src', 'x');
        window.ran = 1; document.querySelector('main').append(image, 'a\u{202E}b'); })()";
    browser.evaluate(planted).await;
    let said = browser.evaluate(LOOK).await;
    assert_eq!(said, json!("{\"ran\":1,\"made\":1,\"hidden\":1}"));
    // What was sent to people: no line but ours, nothing that turns it round.
    for message in demo.messages().await {
        for hidden in ['\u{202E}', '\u{200B}', '\u{2066}'] {
            assert!(!message.text.contains(hidden), "{}", message.channel);
        }
        assert!(
            !message.text.contains("<svg") && !message.text.contains("<script"),
            "{}",
            message.channel
        );
    }
    println!(
        "{engine:?}: {taken} texts were taken, {forms} forms sent, {} kinds of pages looked at",
        seen.len()
    );
    // The mailbox is one of them and no proof that any text was.
    assert!(taken >= 2, "{taken} taken");
    for kind in ["/not-me", "/email/confirm", "/confirm"] {
        assert!(seen.contains(kind), "no {kind} among {seen:?}");
    }
    assert!(engine == Engine::Postgres || forms >= 12, "{forms} forms");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    texts_stay_texts(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    texts_stay_texts(Engine::Postgres).await;
}
