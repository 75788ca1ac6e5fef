//! The passcode and the password in a real browser (ID-3, ID-9, A27): set, the bank section opened by this
//! browser's key, five wrong tries and it is gone; the same without JavaScript with a fresh code. axe at zero on
//! every page on the way.

use std::time::Duration;

use db::Engine;
use fantoccini::Locator;
use testkit::browser::{Browser, Look};
use whole_product::demo::{Demo, code_in};
use whole_product::walk::nobody_complained;

const ANNA: &str = "+79120000017";
const ENTER: &str = "\u{E007}";
const PASSCODE: &str = "8305";
const PASSWORD: &str = "лиловый поезд уходит";

struct Walk<'a> {
    demo: &'a Demo,
    browser: &'a Browser,
    name: &'a str,
}

impl Walk<'_> {
    async fn go(&self, path: &str) {
        self.browser.goto(&self.demo.url(path)).await.unwrap();
    }

    async fn path(&self) -> String {
        self.browser.current_url().await.unwrap().path().to_owned()
    }

    async fn fill(&self, field: &str, text: &str) {
        let field = self.browser.find(Locator::Id(field)).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    async fn press(&self, form: &str) {
        let button = format!("form{form} button[type=submit]");
        let button = self.browser.find(Locator::Css(&button)).await.unwrap();
        button.send_keys(ENTER).await.unwrap();
        for _ in 0..200 {
            if button.is_displayed().await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{}: nothing happened after {form}", self.name);
    }

    async fn text(&self) -> String {
        let main = self.browser.find(Locator::Css("main")).await.unwrap();
        main.text().await.unwrap()
    }

    async fn has(&self, css: &str) -> bool {
        self.browser.find(Locator::Css(css)).await.is_ok()
    }

    /// The page is where it should be, says what it should, and has no fault that axe can see.
    async fn at(&self, path: &str, words: &str, page: &str) {
        let here = self.path().await;
        assert!(here.starts_with(path), "{}: {page} is at {here}", self.name);
        let text = self.text().await;
        assert!(text.contains(words), "{}: {page} says {text}", self.name);
        self.browser.assert_accessible(page).await;
        assert!(
            !self.browser.scrolls_sideways().await,
            "{page} scrolls sideways"
        );
        self.browser
            .picture(&format!("secrets/{}-{page}", self.name))
            .await;
    }

    async fn type_code(&self, send: &str, form: &str) {
        let known = self.demo.messages().await;
        self.press(send).await;
        let message = self.demo.next_message(ANNA, &known).await;
        let code = code_in(&message.text, 6)
            .expect("a code of six digits")
            .to_owned();
        self.fill("code", &code).await;
        self.press(form).await;
    }

    async fn registers(&self) {
        self.go("/sign-in").await;
        self.fill("phone", ANNA).await;
        self.type_code("[action='/sign-in']", "[action='/sign-in/code']")
            .await;
        self.browser
            .find(Locator::Id("consent"))
            .await
            .unwrap()
            .click()
            .await
            .unwrap();
        self.press("[action='/sign-in/consent']").await;
    }

    async fn sets_passcode(&self, words: &str) {
        self.go("/profile/security/passcode").await;
        self.at("/profile/security/passcode", "Код-пароль", "passcode")
            .await;
        self.fill("passcode", "1987").await;
        self.press("[action='/profile/security/passcode']").await;
        self.at(
            "/profile/security/passcode",
            "подбирают первым",
            "passcode-common",
        )
        .await;
        self.fill("passcode", PASSCODE).await;
        self.press("[action='/profile/security/passcode']").await;
        self.at("/profile/security/passcode", words, "passcode-set")
            .await;
    }

    async fn knocks(&self) {
        self.go("/bank").await;
        self.press("[action='/bank/open']").await;
    }
}

/// ID-3, A27: with JavaScript the browser's key signs, and the digits alone open the bank section; the fifth
/// wrong one ends the passcode.
#[tokio::test(flavor = "multi_thread")]
async fn the_browsers_key_opens_the_bank() {
    let demo = Demo::start(Engine::Sqlite);
    let browser = Browser::open(Look::PHONE.languages("ru-RU")).await;
    let walk = Walk {
        demo: &demo,
        browser: &browser,
        name: "js",
    };
    walk.registers().await;
    walk.sets_passcode("Только цифры").await;
    walk.knocks().await;
    walk.at("/confirm/", "Открыть раздел", "confirm-passcode")
        .await;
    assert!(
        !walk.has("form[action$='/send']").await,
        "no code is asked for"
    );
    walk.fill("passcode", PASSCODE).await;
    walk.press("[data-passcode]").await;
    walk.at("/bank", "Раздел открыт", "bank-open").await;
    walk.press("[action='/bank/lock']").await;
    walk.knocks().await;
    for left in [4, 3, 2, 1] {
        walk.fill("passcode", "8306").await;
        walk.press("[data-passcode]").await;
        walk.at("/confirm/", "Неверный код-пароль", &format!("wrong-{left}"))
            .await;
    }
    walk.fill("passcode", "8306").await;
    walk.press("[data-passcode]").await;
    walk.at(
        "/profile/security/passcode",
        "код-пароль отключён",
        "passcode-gone",
    )
    .await;
    walk.knocks_on_nothing().await;
    nobody_complained(&[&browser]).await;
}

impl Walk<'_> {
    async fn knocks_on_nothing(&self) {
        self.go("/bank").await;
        assert!(
            !self.has("form[action='/bank/open']").await,
            "nothing opens it now"
        );
    }
}

/// ID-3: without JavaScript the passcode comes with a fresh code to the phone. The password needs neither.
#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_a_code_comes_first() {
    let demo = Demo::start(Engine::Postgres);
    let browser = Browser::open(Look::DESK.dark().without_javascript().languages("ru-RU")).await;
    let walk = Walk {
        demo: &demo,
        browser: &browser,
        name: "nojs",
    };
    walk.registers().await;
    walk.sets_passcode("Цифры и код на телефон").await;
    demo.advance(Duration::from_secs(120)).await;
    walk.knocks().await;
    walk.at("/confirm/", "Открыть раздел", "confirm-code-first")
        .await;
    assert!(!walk.has("#passcode").await, "the code comes first");
    walk.type_code("[action*='/send']", "[data-code]").await;
    walk.at("/confirm/", "Код-пароль", "confirm-passcode").await;
    walk.fill("passcode", "8306").await;
    walk.press("[data-passcode]").await;
    walk.at("/confirm/", "Неверный код-пароль", "wrong").await;
    walk.fill("passcode", PASSCODE).await;
    walk.press("[data-passcode]").await;
    walk.at("/bank", "Раздел открыт", "bank-open").await;
    // Setting the password asks for what was just shown, so it is there at once; then it opens the section too.
    walk.go("/profile/security/password").await;
    walk.at("/profile/security/password", "Пароль", "password")
        .await;
    walk.fill("password", "password1234").await;
    walk.press("[action='/profile/security/password']").await;
    walk.at(
        "/profile/security/password",
        "подбирают первым",
        "password-common",
    )
    .await;
    walk.fill("password", PASSWORD).await;
    walk.press("[action='/profile/security/password']").await;
    walk.at("/profile/security/password", "Надёжность", "password-set")
        .await;
    walk.go("/bank").await;
    walk.press("[action='/bank/lock']").await;
    walk.knocks().await;
    let confirm = walk.path().await;
    walk.go(&format!("{confirm}?by=password")).await;
    walk.at("/confirm/", "Пароль", "confirm-password").await;
    walk.fill("password", PASSWORD).await;
    walk.press("[action*='/password']").await;
    walk.at("/bank", "Раздел открыт", "bank-by-password").await;
    walk.go("/profile/security/code-word").await;
    walk.fill("word", "Зелёный крокодил").await;
    walk.press("[action='/profile/security/code-word']").await;
    walk.at(
        "/profile/security/code-word",
        "только через поддержку",
        "code-word-set",
    )
    .await;
    for (path, words) in [
        ("/profile/history", "Задано кодовое слово"),
        ("/profile/security", "Кодовое слово"),
    ] {
        walk.go(path).await;
        walk.at(path, words, &path.replace('/', "-")).await;
    }
}
