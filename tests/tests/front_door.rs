//! The front door in a real browser, against the real process: somebody registers, adds a name and an e-mail,
//! signs out, signs in by e-mail code from another device, ends the first device, and presses «это не я» in the
//! notice. With and without JavaScript, on both engines, at both sizes, light and dark; axe at zero on every
//! page on the way.

use std::time::Duration;

use db::Engine;
use fantoccini::Locator;
use testkit::browser::{Browser, Look};
use whole_product::demo::{Demo, Message, code_in};
use whole_product::walk::nobody_complained;

const ANNA: &str = "+79120000017";
/// The Enter key of WebDriver.
const ENTER: &str = "\u{E007}";
const MAIL: &str = "anna@kabinet.example";

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

    /// Presses a form's button by keyboard, as somebody without a mouse does.
    async fn press(&self, form: &str) {
        self.press_button(&format!("form[action='{form}'] button[type=submit]"))
            .await;
    }

    async fn press_button(&self, button: &str) {
        let button = self.browser.find(Locator::Css(button)).await.unwrap();
        button.send_keys(ENTER).await.unwrap();
        // The answer of a form may be the same address: the old button has to be gone.
        for _ in 0..100 {
            if button.is_displayed().await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{}: nothing happened after a button was pressed", self.name);
    }

    /// The page is where it should be, without a fault that axe can see, and fits the screen.
    async fn at(&self, path: &str, page: &str) {
        let here = self.path().await;
        assert_eq!(here, path, "{}: {page}", self.name);
        self.browser.assert_accessible(page).await;
        assert!(
            !self.browser.scrolls_sideways().await,
            "{page} scrolls sideways"
        );
        self.browser
            .picture(&format!("front_door/{}-{page}", self.name))
            .await;
    }

    async fn code(&self, to: &str, known: &[Message]) -> String {
        let message = self.demo.next_message(to, known).await;
        code_in(&message.text, 6)
            .expect("a code of six digits")
            .to_owned()
    }

    async fn enter_by_email(&self) {
        self.go("/sign-in/email").await;
        self.at("/sign-in/email", "sign-in-email").await;
        let known = self.demo.messages().await;
        self.fill("email", MAIL).await;
        self.press("/sign-in/email").await;
        let code = self.code(MAIL, &known).await;
        self.fill("code", &code).await;
        self.press("/sign-in/code").await;
    }
}

/// ID-1, ID-2, ID-12: number, wrong code, code, consent.
async fn registers(walk: &Walk<'_>) {
    walk.go("/").await;
    walk.at("/sign-in", "sign-in").await;
    walk.fill("phone", "12").await;
    walk.press("/sign-in").await;
    walk.at("/sign-in", "sign-in-error").await;
    let title = walk.browser.title().await.unwrap();
    assert!(title.starts_with("Ошибка: "), "EV-2: {title}");
    let known = walk.demo.messages().await;
    walk.fill("phone", "8 (912) 000-00-17").await;
    walk.press("/sign-in").await;
    let code = walk.code(ANNA, &known).await;
    walk.at("/sign-in/code", "code").await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    walk.fill("code", wrong).await;
    walk.press("/sign-in/code").await;
    walk.at("/sign-in/code", "code-wrong").await;
    walk.fill("code", &format!("Код {} {}", &code[..3], &code[3..]))
        .await;
    walk.press("/sign-in/code").await;
    walk.at("/sign-in/consent", "consent").await;
    walk.press("/sign-in/consent").await;
    walk.at("/sign-in/consent", "consent-error").await;
    walk.browser
        .find(Locator::Id("consent"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    walk.press("/sign-in/consent").await;
    walk.at("/", "home-new").await;
}

/// ID-4, ID-10, ID-11: a name and a confirmed e-mail make the account protected.
async fn becomes_protected(walk: &Walk<'_>) {
    walk.go("/profile/data/name").await;
    walk.at("/profile/data/name", "name").await;
    walk.fill("surname", "Образцова").await;
    walk.fill("given", "Анна").await;
    walk.press("/profile/data/name").await;
    walk.at("/profile/data", "data").await;
    walk.go("/profile/email").await;
    walk.at("/profile/email", "email").await;
    let known = walk.demo.messages().await;
    walk.fill("email", MAIL).await;
    walk.press("/profile/email").await;
    let code = walk.code(MAIL, &known).await;
    walk.at("/profile/email/code", "email-code").await;
    walk.fill("code", &code).await;
    walk.press("/profile/email/code").await;
    walk.at("/profile/email", "email-confirmed").await;
    for (path, page) in [
        ("/", "home"),
        ("/profile/security", "security"),
        ("/profile/devices", "devices"),
        ("/profile/notifications", "notifications"),
        ("/profile/history", "history"),
        ("/profile/data/passport", "passport"),
        ("/profile/data/birth", "birth"),
        ("/profile/data/address", "address"),
        ("/profile/data/inn", "inn"),
        ("/profile/data/snils", "snils"),
        ("/help/no-code", "no-code"),
        ("/legal/consent", "legal"),
        ("/freeze", "freeze"),
        ("/nowhere", "not-found"),
    ] {
        walk.go(path).await;
        walk.at(path, page).await;
    }
}

async fn signs_out(walk: &Walk<'_>) {
    walk.go("/profile/security").await;
    walk.press("/sign-out").await;
    walk.at("/signed-out", "signed-out").await;
    walk.go("/profile/devices").await;
    assert_eq!(
        walk.path().await,
        "/sign-in",
        "A26: nothing is left of the session"
    );
}

/// ID-9: another device signs in by e-mail; the first one ends it. ID-13: «это не я» ends all and freezes.
async fn ends_and_alarms(first: &Walk<'_>, second: &Walk<'_>) {
    first.demo.advance(Duration::from_secs(120)).await;
    first.enter_by_email().await;
    // Back to the page that had asked for the sign-in.
    first.at("/profile/devices", "devices-again").await;
    first.demo.advance(Duration::from_secs(180)).await;
    let known = first.demo.messages().await;
    second.enter_by_email().await;
    second.at("/", "home-second").await;
    let notice = loop {
        let message = first.demo.next_message(ANNA, &known).await;
        if message.text.contains("/not-me/") {
            break message;
        }
    };
    first.go("/profile/devices").await;
    first.at("/profile/devices", "devices-two").await;
    let end = "form[action$='/end'] button[type=submit]";
    first.press_button(end).await;
    first.at("/profile/devices", "device-ended").await;
    second.go("/profile/security").await;
    assert_eq!(
        second.path().await,
        "/sign-in",
        "ID-9: the other device is out at once"
    );
    let link = notice
        .text
        .split_whitespace()
        .find(|word| word.contains("/not-me/"));
    let link = link.expect("the notice carries the link").to_owned();
    second.browser.goto(&link).await.unwrap();
    let path = second.path().await;
    second.at(&path, "not-me").await;
    second.press(&path).await;
    second.at(&path, "not-me-done").await;
    first.go("/").await;
    assert_eq!(
        first.path().await,
        "/sign-in",
        "ID-13: the other sessions are ended"
    );
}

async fn whole_walk(engine: Engine, name: &str, phone: Look, desk: Look) {
    let demo = Demo::start(engine);
    let first = Browser::open(phone.languages("ru-RU")).await;
    let second = Browser::open(desk.languages("ru-RU")).await;
    let one = Walk {
        demo: &demo,
        browser: &first,
        name,
    };
    let two = Walk {
        demo: &demo,
        browser: &second,
        name,
    };
    registers(&one).await;
    becomes_protected(&one).await;
    signs_out(&one).await;
    ends_and_alarms(&one, &two).await;
    nobody_complained(&[&first, &second]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_javascript_on_sqlite() {
    whole_walk(Engine::Sqlite, "js", Look::PHONE, Look::DESK.dark()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_on_postgres() {
    let (phone, desk) = (Look::PHONE.dark(), Look::DESK);
    let name = "nojs";
    whole_walk(
        Engine::Postgres,
        name,
        phone.without_javascript(),
        desk.without_javascript(),
    )
    .await;
}
