//! Somebody who cannot sign in, in a real browser against the real process: starts a case, notes its number, binds a
//! phone, tells what they know, leaves, comes back from another browser by number and code; the owner stops it by the
//! link in a message, without signing in. With and without JavaScript, on both engines; axe at zero on every page on
//! the way (RE-3, RE-7, RE-11, A38).

use std::time::Duration;

use db::Engine;
use testkit::browser::{Browser, Look};
use whole_product::{
    demo::Demo,
    walk::{Walk, nobody_complained},
};

const ANNA: &str = "+79120000021";
const NEW: &str = "+79130000022";
const CASE: &str = "/recovery/case";

/// Starts a case and binds the phone at hand; answers the number of the case.
async fn begins(claimant: &Walk<'_>) -> String {
    claimant.go("/sign-in").await;
    claimant.press("a[href='/recovery']").await;
    claimant
        .at("/recovery", "Доступ вернут люди", "start")
        .await;
    claimant.fill("identifier", "не помню").await;
    claimant.submit("/recovery").await;
    claimant.at("/recovery", "не похоже", "start-wrong").await;
    claimant.fill("identifier", ANNA).await;
    claimant.submit("/recovery").await;
    claimant.at(CASE, "Запишите его", "case-new").await;
    let number = claimant.text("#case-number").await;
    claimant.press("a[href='/recovery/phone']").await;
    claimant
        .at("/recovery/phone", "который у вас в руках", "phone")
        .await;
    let known = claimant.demo.messages().await;
    claimant.fill("phone", NEW).await;
    claimant.submit("/recovery/phone").await;
    let code = claimant.code(NEW, &known).await;
    claimant
        .at("/recovery/phone/code", "Введите", "phone-code")
        .await;
    claimant.fill("code", &code).await;
    claimant.submit("/recovery/phone/code").await;
    claimant.at(CASE, "Готово", "case-bound").await;
    number
}

/// Tells what is asked; what is wrong is said beside its field and kept as typed.
async fn tells(claimant: &Walk<'_>) {
    claimant.go("/recovery/person").await;
    claimant.fill("surname", "Образцова").await;
    claimant.fill("given", "Анна").await;
    claimant.fill("birth_date", "когда-то").await;
    claimant.submit("/recovery/person").await;
    claimant
        .at("/recovery/person", "Например, 28.02.2001", "person-wrong")
        .await;
    claimant.fill("birth_date", "12.05.1990").await;
    claimant.submit("/recovery/person").await;
    claimant.at(CASE, "Сохранено", "case-told").await;
    claimant.go("/recovery/knowledge").await;
    claimant.fill("opened", "03.2024").await;
    claimant.fill("amount_1", "1 234,56").await;
    claimant.submit("/recovery/knowledge").await;
    claimant
        .at(CASE, "Отправить дело пока нельзя", "case-known")
        .await;
    claimant.go("/recovery/knowledge").await;
    claimant
        .at("/recovery/knowledge", "Кодовое слово", "knowledge")
        .await;
}

/// Comes back from another browser.
async fn returns(elsewhere: &Walk<'_>, number: &str) {
    elsewhere.go("/recovery/resume").await;
    elsewhere
        .at("/recovery/resume", "Назовите новый телефон", "resume")
        .await;
    let known = elsewhere.demo.messages().await;
    elsewhere.fill("phone", NEW).await;
    elsewhere.submit("/recovery/resume").await;
    let code = elsewhere.code(NEW, &known).await;
    elsewhere
        .at("/recovery/resume/code", "Введите номер дела", "resume-code")
        .await;
    elsewhere.fill("number", "482-917-3651").await;
    elsewhere.fill("code", &code).await;
    elsewhere.submit("/recovery/resume/code").await;
    elsewhere
        .at("/recovery/resume/code", "опечатка", "resume-slip")
        .await;
    elsewhere.fill("number", number).await;
    elsewhere.fill("code", &code).await;
    elsewhere.submit("/recovery/resume/code").await;
    elsewhere.at(CASE, number, "case-back").await;
}

async fn walked(engine: Engine, look: Look, name: &str) {
    let demo = Demo::start(engine);
    let browsers = [Browser::open(look).await, Browser::open(look).await];
    let side = |browser| Walk {
        demo: &demo,
        browser,
        name,
    };
    let (owner, claimant) = (side(&browsers[0]), side(&browsers[1]));
    owner.registers(ANNA).await;
    // The owner's browser is a stranger's from now on.
    demo.advance(Duration::from_secs(3_601)).await;
    let before = demo.messages().await;
    let number = begins(&claimant).await;
    tells(&claimant).await;
    demo.advance(Duration::from_secs(3_601)).await;
    browsers[1].delete_all_cookies().await.unwrap();
    returns(&claimant, &number).await;
    let told = loop {
        let messages = demo.messages().await;
        let told = messages.into_iter().find(|message| {
            message.to == ANNA && message.text.contains("/stop/") && !before.contains(message)
        });
        if let Some(told) = told {
            break told.text;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    };
    let (_, rest) = told.split_once("/stop/").unwrap();
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let path = format!("/stop/{}", &rest[..end]);
    browsers[0].delete_all_cookies().await.unwrap();
    owner.go(&path).await;
    owner.at(&path, "Остановить восстановление?", "stop").await;
    owner.submit(&path).await;
    owner
        .at(&path, "Восстановление остановлено", "stopped")
        .await;
    claimant.go(CASE).await;
    claimant
        .at(CASE, "Владелец остановил дело", "case-stopped")
        .await;
    nobody_complained(&[&browsers[0], &browsers[1]]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_javascript_on_sqlite() {
    walked(Engine::Sqlite, Look::PHONE, "recovery/js").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_on_postgres() {
    let look = Look {
        javascript: false,
        ..Look::DESK
    };
    walked(Engine::Postgres, look, "recovery/plain").await;
}
