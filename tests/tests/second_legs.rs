//! Second legs in two real browsers against the real process: a phone connects an authenticator app, switches the
//! second factor on, lets a computer in by QR code and number; the computer then signs in by code and app. With and
//! without JavaScript, on both engines; axe at zero on every page on the way (ID-7, ID-8, ID-8a).

use std::time::Duration;

use db::Engine;
use fantoccini::Locator;
use identity_core::totp;
use kernel::Timestamp;
use testkit::browser::{Browser, Look};
use whole_product::demo::{Demo, code_in};

const ANNA: &str = "+79120000017";
/// The Enter key of WebDriver.
const ENTER: &str = "\u{E007}";

struct Side<'a> {
    demo: &'a Demo,
    browser: &'a Browser,
    name: &'a str,
}

/// Seconds that the demo's clock was moved by the test.
struct Ahead(u64);

impl Ahead {
    async fn wait(&mut self, demo: &Demo, seconds: u64) {
        demo.advance(Duration::from_secs(seconds)).await;
        self.0 += seconds;
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the process under test follows the wall clock, and so does the app beside it"
    )]
    fn code(&self, secret: &[u8]) -> String {
        let now = std::time::SystemTime::now();
        let wall = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + self.0;
        let now = Timestamp::from_secs(i64::try_from(wall).unwrap());
        totp::code(secret, totp::step(now), totp::DIGITS)
    }
}

impl Side<'_> {
    async fn go(&self, path: &str) {
        self.browser.goto(&self.demo.url(path)).await.unwrap();
    }

    async fn path(&self) -> String {
        self.browser.current_url().await.unwrap().path().to_owned()
    }

    async fn text(&self, css: &str) -> String {
        let found = self.browser.find(Locator::Css(css)).await.unwrap();
        found.text().await.unwrap()
    }

    async fn fill(&self, field: &str, text: &str) {
        let field = self.browser.find(Locator::Id(field)).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    async fn press(&self, button: &str) {
        let button = self.browser.find(Locator::Css(button)).await.unwrap();
        button.send_keys(ENTER).await.unwrap();
        for _ in 0..200 {
            if button.is_displayed().await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{}: nothing happened after a button was pressed", self.name);
    }

    async fn submit(&self, form: &str) {
        self.press(&format!("form[action='{form}'] button[type=submit]"))
            .await;
    }

    async fn at(&self, path: &str, page: &str) {
        for _ in 0..200 {
            if self.path().await == path {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(self.path().await, path, "{}: {page}", self.name);
        self.browser.assert_accessible(page).await;
        assert!(
            !self.browser.scrolls_sideways().await,
            "{page} scrolls sideways"
        );
        let picture = format!("second_legs/{}-{page}", self.name);
        self.browser.picture(&picture).await;
    }

    /// The number and the code that came to it.
    async fn first_code(&self) {
        self.go("/sign-in").await;
        let known = self.demo.messages().await;
        self.fill("phone", ANNA).await;
        self.submit("/sign-in").await;
        let message = loop {
            let message = self.demo.next_message(ANNA, &known).await;
            if code_in(&message.text, 6).is_some() && !message.text.contains("/not-me/") {
                break message;
            }
        };
        self.fill("code", code_in(&message.text, 6).unwrap()).await;
        self.submit("/sign-in/code").await;
    }
}

fn bytes(shown: &str) -> Vec<u8> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in shown.bytes().filter(|b| *b != b' ') {
        let value = letters.iter().position(|l| *l == letter).unwrap();
        bits = bits << 5 | u32::try_from(value).unwrap();
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 255).unwrap());
        }
    }
    bytes
}

/// ID-8: the app counts after its first code.
async fn connects(phone: &Side<'_>, ahead: &Ahead) -> Vec<u8> {
    phone.first_code().await;
    phone.at("/sign-in/consent", "consent").await;
    let consent = phone.browser.find(Locator::Id("consent")).await.unwrap();
    consent.click().await.unwrap();
    phone.submit("/sign-in/consent").await;
    phone.go("/profile/security/totp").await;
    phone.at("/profile/security/totp", "totp-none").await;
    phone.submit("/profile/security/totp/add").await;
    phone.at("/profile/security/totp", "totp-pending").await;
    let secret = bytes(&phone.text(".secret").await);
    phone.fill("code", "000").await;
    phone.submit("/profile/security/totp").await;
    phone.at("/profile/security/totp", "totp-wrong").await;
    phone.fill("code", &ahead.code(&secret)).await;
    phone.submit("/profile/security/totp").await;
    phone.at("/profile/security/totp", "totp-on").await;
    secret
}

/// ID-7: the computer shows a number, the phone finds it, the app confirms.
async fn lets_in(phone: &Side<'_>, desk: &Side<'_>, secret: &[u8], ahead: &Ahead) {
    desk.go("/sign-in/device").await;
    desk.at("/sign-in/device", "device-ask").await;
    desk.submit("/sign-in/device").await;
    desk.at("/sign-in/device", "device-waiting").await;
    let number = desk.text(".device-number strong").await;
    // What the camera of the phone would read: drawn again from the modules of the picture.
    let link = read_qr(desk).await;
    assert!(link.starts_with(&phone.demo.url("/let-in/")), "{link}");
    phone.browser.goto(&link).await.unwrap();
    let path = phone.path().await;
    phone.at(&path, "let-in").await;
    phone
        .press(&format!("button[name=number][value='{number}']"))
        .await;
    let step = phone.path().await;
    assert!(step.starts_with("/confirm/"), "{step}");
    phone.at(&step, "let-in-confirm").await;
    phone.fill("code", &ahead.code(secret)).await;
    phone.submit(&format!("{step}/factor")).await;
    phone.at("/profile/devices", "let-in-done").await;
    if !desk.browser.look().javascript {
        desk.go("/sign-in/device").await;
        desk.at("/sign-in/device", "device-approved").await;
        desk.submit("/sign-in/device/enter").await;
    }
    desk.at("/", "device-in").await;
}

/// The text of the QR code that a page shows: its cookie is the browser's own, so the link is taken from the
/// modules as a camera would take it.
async fn read_qr(desk: &Side<'_>) -> String {
    let path = desk.browser.find(Locator::Css(".qr-dark")).await.unwrap();
    let path = path.attr("d").await.unwrap().unwrap();
    let token = desk
        .browser
        .get_named_cookie("kabinet-device")
        .await
        .unwrap();
    let link = desk.demo.url(&format!("/let-in/{}", token.value()));
    let drawn = identity_web::views::qr::Qr::of(&link).unwrap();
    assert_eq!(drawn.path, path, "the picture says this link");
    link
}

/// ID-8: with the setting on a right code leads to the second factor.
async fn asks_for_more(phone: &Side<'_>, desk: &Side<'_>, secret: &[u8], ahead: &mut Ahead) {
    phone.go("/profile/security/second-factor").await;
    phone
        .at("/profile/security/second-factor", "second-off")
        .await;
    phone.submit("/profile/security/second-factor").await;
    if phone.path().await.starts_with("/confirm/") {
        ahead.wait(phone.demo, 60).await;
        let step = phone.path().await;
        phone.at(&step, "second-confirm").await;
        phone.fill("code", &ahead.code(secret)).await;
        phone.submit(&format!("{step}/factor")).await;
    }
    phone
        .at("/profile/security/second-factor", "second-on")
        .await;
    phone.go("/profile/security/ways-back").await;
    phone.at("/profile/security/ways-back", "ways-back").await;
    phone.go("/profile/security").await;
    phone.at("/profile/security", "security").await;
    desk.go("/profile/security").await;
    desk.submit("/sign-out").await;
    ahead.wait(desk.demo, 3_700).await;
    desk.first_code().await;
    desk.at("/sign-in/second", "second").await;
    desk.fill("code", "123").await;
    desk.submit("/sign-in/second").await;
    desk.at("/sign-in/second", "second-wrong").await;
    desk.fill("code", &ahead.code(secret)).await;
    desk.submit("/sign-in/second").await;
    desk.at("/", "second-in").await;
}

async fn both_sides(engine: Engine, name: &str, hand: Look, table: Look) {
    let demo = Demo::start(engine);
    let first = Browser::open(hand.languages("ru-RU")).await;
    let second = Browser::open(table.languages("ru-RU")).await;
    let side = |browser, name| Side {
        demo: &demo,
        browser,
        name,
    };
    let (phone, desk) = (side(&first, name), side(&second, name));
    let mut ahead = Ahead(0);
    let secret = connects(&phone, &ahead).await;
    ahead.wait(&demo, 60).await;
    lets_in(&phone, &desk, &secret, &ahead).await;
    asks_for_more(&phone, &desk, &secret, &mut ahead).await;
    let complaints: Vec<String> = [first.complaints().await, second.complaints().await]
        .concat()
        .into_iter()
        .filter(|line| !line.contains("Failed to load resource"))
        .collect();
    assert!(complaints.is_empty(), "{complaints:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_javascript_on_sqlite() {
    both_sides(Engine::Sqlite, "js", Look::PHONE, Look::DESK.dark()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_on_postgres() {
    let (hand, table) = (Look::PHONE.dark(), Look::DESK);
    let table = table.without_javascript();
    both_sides(Engine::Postgres, "nojs", hand.without_javascript(), table).await;
}
