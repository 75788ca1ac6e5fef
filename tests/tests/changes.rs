//! Another phone in a real browser against the real process: changed at once with the old one at hand, and taken back
//! by the link that the old number got; with and without JavaScript, on both engines; axe at zero on every page on
//! the way (CH-1, CH-5, CH-7, A48).

use std::time::Duration;

use db::Engine;
use testkit::browser::{Browser, Look};
use whole_product::{
    demo::{Demo, Message},
    walk::{Walk, nobody_complained},
};

const OLD: &str = "+79120000041";
const NEW: &str = "+79120000042";
const TAKEN: &str = "+79120000043";
const CHANGE: &str = "/profile/phone/change";

/// The path of the link that a message to somebody carries.
async fn link(demo: &Demo, to: &str) -> String {
    let is_it = |message: &Message| message.to == to && message.text.contains("/change/");
    for _ in 0..500 {
        let messages = demo.messages().await;
        if let Some(message) = messages.into_iter().find(is_it) {
            let (_, token) = message.text.split_once("/change/").expect("a link");
            let ends = |c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_';
            let token = token.split(ends).next().unwrap_or_default();
            return format!("/change/{token}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no link went to {to}");
}

/// CH-5: what leads to another account is said after its code, and leads there.
async fn finds_it_taken(walk: &Walk<'_>) {
    walk.go(CHANGE).await;
    walk.at(CHANGE, "Новый номер", "start").await;
    walk.fill("phone", OLD).await;
    walk.submit(CHANGE).await;
    walk.at(CHANGE, "уже ваше", "own").await;
    walk.fill("phone", TAKEN).await;
    let code = format!("{CHANGE}/code");
    walk.by_code(TAKEN, CHANGE, &code).await;
    walk.at(&code, "Уже используется", "taken").await;
}

/// CH-1, CH-7: the new number, the old number's code, and what to do next.
async fn changes(walk: &Walk<'_>) {
    walk.demo.advance(Duration::from_secs(120)).await;
    walk.go("/profile/phone").await;
    walk.at("/profile/phone", "Сменить номер", "number").await;
    walk.go(CHANGE).await;
    walk.fill("phone", NEW).await;
    let code = format!("{CHANGE}/code");
    let known = walk.demo.messages().await;
    walk.submit(CHANGE).await;
    walk.at(&code, "Код", "code").await;
    let typed = walk.code(NEW, &known).await;
    walk.fill("code", &typed).await;
    walk.submit(&code).await;
    let check = format!("{CHANGE}/check");
    walk.at(&check, "Нет доступа к старому номеру", "check")
        .await;
    walk.press("form:has(input[value=here]) button[type=submit]")
        .await;
    let step = walk.path().await;
    assert!(step.starts_with("/confirm/"), "{step}");
    walk.at(&step, "Сменить номер", "confirm").await;
    walk.by_code(OLD, &format!("{step}/send"), &format!("{step}/code"))
        .await;
    let done = format!("{CHANGE}/done");
    walk.at(&done, "Номер изменён", "done").await;
    walk.sees("Посмотреть активные сеансы").await;
}

/// A48: the old number's link opens a page, and its button puts the number back and ends the session.
async fn takes_it_back(owner: &Walk<'_>, thief: &Walk<'_>) {
    let path = link(owner.demo, OLD).await;
    owner.go(&path).await;
    owner.at(&path, "прежний номер вернётся", "undo").await;
    thief.go("/profile/phone").await;
    assert_eq!(
        thief.path().await,
        "/profile/phone",
        "A31: opening changes nothing"
    );
    owner.submit(&path).await;
    owner.at(&path, "Номер вернулся", "undone").await;
    owner.go(&path).await;
    owner.at(&path, "больше не действует", "over").await;
    thief.go("/profile/phone").await;
    assert_eq!(thief.path().await, "/sign-in", "A48: its session has ended");
}

async fn a_phone_is_changed(engine: Engine, look: Look, name: &str) {
    let demo = Demo::start(engine);
    let (first, second) = (Browser::open(look).await, Browser::open(look).await);
    let (one, two) = (format!("changes/{name}-a"), format!("changes/{name}-b"));
    let thief = Walk {
        demo: &demo,
        browser: &first,
        name: &one,
    };
    let owner = Walk {
        demo: &demo,
        browser: &second,
        name: &two,
    };
    owner.registers(TAKEN).await;
    owner.go("/profile/security").await;
    owner.submit("/sign-out").await;
    thief.registers(OLD).await;
    demo.advance(Duration::from_secs(120)).await;
    finds_it_taken(&thief).await;
    changes(&thief).await;
    takes_it_back(&owner, &thief).await;
    // The new number makes nothing of the account any more; the old one enters it.
    demo.advance(Duration::from_secs(600)).await;
    owner.first_code(NEW).await;
    owner.arrives("/sign-in/consent").await;
    demo.advance(Duration::from_secs(600)).await;
    owner.first_code(OLD).await;
    owner.arrives("/").await;
    owner.go("/profile/security").await;
    owner
        .at("/profile/security", "Всё заморожено", "frozen")
        .await;
    nobody_complained(&[&first, &second]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_javascript_on_sqlite() {
    let look = Look::PHONE.languages("ru-RU");
    a_phone_is_changed(Engine::Sqlite, look, "js").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_on_postgres() {
    let look = Look::PHONE.languages("ru-RU").without_javascript();
    a_phone_is_changed(Engine::Postgres, look, "plain").await;
}
