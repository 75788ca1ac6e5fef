//! What is left to somebody whose phone is gone, in two real browsers against the real process (ID-8a, ID-13): the
//! page that says which loss locks them out; a trusted person who freezes and never enters; a freeze from any
//! browser with one code. With and without JavaScript, on both engines; axe at zero on every page on the way.

use std::time::Duration;

use db::Engine;
use testkit::browser::{Browser, Look};
use whole_product::{
    demo::Demo,
    walk::{Walk, nobody_complained},
};

const ANNA: &str = "+79120000017";
const BORIS: &str = "+79120000018";
const NOBODY: &str = "+79120000019";
const MAIL: &str = "anna@kabinet.example";
const TRUSTED: &str = "/profile/security/trusted";

/// ID-8a: with the phone alone its loss locks her out, and the page says what to add; with an address it does not.
async fn sees_what_a_loss_means(anna: &Walk<'_>) {
    let page = "/profile/security/ways-back";
    anna.go(page).await;
    anna.at(page, "Одна потеря может вас запереть", "ways-back-bad")
        .await;
    anna.press("a.button[href='/profile/email']").await;
    anna.fill("email", MAIL).await;
    anna.by_code(MAIL, "/profile/email", "/profile/email/code")
        .await;
    anna.go(page).await;
    anna.at(page, "Одна потеря вас не запрёт", "ways-back-good")
        .await;
}

/// ID-8a: the page says whom she names before anything is done; he is told without her name.
async fn names_boris(anna: &Walk<'_>) {
    anna.go(TRUSTED).await;
    anna.at(TRUSTED, "До двух близких людей", "trusted-none")
        .await;
    anna.fill("name", "Брат").await;
    anna.fill("phone", "12").await;
    anna.submit(TRUSTED).await;
    anna.at(TRUSTED, "не хватает цифр", "trusted-wrong").await;
    anna.fill("phone", BORIS).await;
    anna.submit(TRUSTED).await;
    let step = anna.path().await;
    anna.at(&step, "Брат, +7 ••• •••-00-18", "confirm-trusted")
        .await;
    let known = anna.demo.messages().await;
    // Nothing strong is there, so both the phone and the address are asked for (CH-1).
    anna.by_code(ANNA, &format!("{step}/send"), &format!("{step}/code"))
        .await;
    anna.at(&step, "почт", "confirm-trusted-mail").await;
    anna.by_code(MAIL, &format!("{step}/send"), &format!("{step}/code"))
        .await;
    anna.at(TRUSTED, "Назначен", "trusted-one").await;
    let told = anna.demo.next_message(BORIS, &known).await.text;
    let gives_away = ["Анна", "00-17", "0000017", MAIL]
        .iter()
        .any(|word| told.contains(word));
    assert!(!gives_away, "ID-8a: he is told without her name");
}

/// ID-8a, A1: what a trusted person is answered is the same whether or not they are one; never a way in.
async fn boris_freezes(boris: &Walk<'_>, friend: &str, page: &str) -> String {
    boris.go("/freeze").await;
    boris.press("a[href='/freeze/trusted']").await;
    boris
        .at("/freeze/trusted", "Я доверенное лицо", "trusted-start")
        .await;
    let known = boris.demo.messages().await;
    boris.fill("phone", BORIS).await;
    boris.submit("/freeze/trusted").await;
    let code = boris.code(BORIS, &known).await;
    let here = "/freeze/trusted/code";
    boris
        .at(here, "на ваш номер", &format!("{page}-code"))
        .await;
    boris.fill("friend", friend).await;
    boris.fill("code", &code).await;
    boris.submit(here).await;
    let said = boris.text("main").await;
    let path = boris.path().await;
    boris.at(&path, "Принято", page).await;
    for inside in ["/", "/profile/data", "/bank"] {
        boris.go(inside).await;
        assert_eq!(boris.path().await, "/sign-in", "ID-8a: never in");
    }
    said
}

async fn is_out(anna: &Walk<'_>) -> bool {
    anna.go("/profile/security").await;
    anna.path().await == "/sign-in"
}

/// ID-13: she comes back into a frozen account and lifts it with everything she has.
async fn lifts_it(anna: &Walk<'_>) {
    anna.first_code(ANNA).await;
    anna.go("/profile/security").await;
    anna.at("/profile/security", "Всё заморожено", "frozen")
        .await;
    anna.demo.advance(Duration::from_secs(300)).await;
    let code = "/profile/security/unfreeze/code";
    let known = anna.demo.messages().await;
    anna.by_code(ANNA, "/profile/security/unfreeze", code).await;
    if anna.path().await == code {
        anna.at(code, "Шаг 2 из 2", "unfreeze-mail").await;
        let digits = anna.code(MAIL, &known).await;
        anna.fill("code", &digits).await;
        anna.submit(code).await;
    }
    anna.at("/profile/security", "Заморозка снята", "unfrozen")
        .await;
}

/// ID-13: any browser, one code.
async fn freezes_from_anywhere(anna: &Walk<'_>, borrowed: &Walk<'_>) {
    anna.demo.advance(Duration::from_secs(600)).await;
    borrowed.go("/freeze").await;
    borrowed.at("/freeze", "Заморозить", "freeze-start").await;
    borrowed.fill("identifier", ANNA).await;
    borrowed.by_code(ANNA, "/freeze", "/freeze/code").await;
    let path = borrowed.path().await;
    borrowed.at(&path, "заморо", "freeze-done").await;
    borrowed.go("/profile/data").await;
    assert_eq!(borrowed.path().await, "/sign-in", "ID-13: freezing only");
    assert!(is_out(anna).await, "ID-13: her sessions are ended");
}

async fn lost(engine: Engine, name: &str, phone: Look, desk: Look) {
    let demo = Demo::start(engine);
    let first = Browser::open(phone.languages("ru-RU")).await;
    let second = Browser::open(desk.languages("ru-RU")).await;
    let walk = |browser| Walk {
        demo: &demo,
        browser,
        name,
    };
    let (anna, other) = (walk(&first), walk(&second));
    anna.registers(ANNA).await;
    sees_what_a_loss_means(&anna).await;
    demo.advance(Duration::from_secs(600)).await;
    names_boris(&anna).await;
    let nothing = boris_freezes(&other, NOBODY, "trusted-nobody").await;
    assert!(!is_out(&anna).await, "nobody's number freezes nobody");
    demo.advance(Duration::from_secs(3_700)).await;
    let something = boris_freezes(&other, ANNA, "trusted-done").await;
    assert_eq!(nothing, something, "A1: the answer tells nothing");
    for _ in 0..100 {
        if is_out(&anna).await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(is_out(&anna).await, "ID-8a: her sessions are ended");
    lifts_it(&anna).await;
    freezes_from_anywhere(&anna, &other).await;
    nobody_complained(&[&first, &second]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_javascript_on_postgres() {
    lost(Engine::Postgres, "lost/js", Look::PHONE.dark(), Look::DESK).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_on_sqlite() {
    let (phone, desk) = (Look::PHONE, Look::DESK.dark());
    let desk = desk.without_javascript();
    lost(
        Engine::Sqlite,
        "lost/nojs",
        phone.without_javascript(),
        desk,
    )
    .await;
}
