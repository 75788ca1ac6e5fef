//! Second legs in two real browsers against the real process: a phone connects an authenticator app, gets backup
//! codes, switches the second factor on, lets a computer in by QR code and number; the computer then signs in by
//! code and app, and by code and backup code. With and without JavaScript, on both engines; axe at zero on every
//! page on the way (ID-7, ID-8, ID-8a).

use std::time::Duration;

use db::Engine;
use fantoccini::Locator;
use identity_core::totp;
use identity_web::views::qr::Qr;
use kernel::Timestamp;
use testkit::browser::{Browser, Look};
use whole_product::{
    demo::Demo,
    walk::{Walk, nobody_complained},
};

const ANNA: &str = "+79120000017";
const MAIL: &str = "anna.old@kabinet.example";
const TOTP: &str = "/profile/security/totp";
const BACKUP: &str = "/profile/security/backup-codes";
const SECOND: &str = "/profile/security/second-factor";
const DEVICE: &str = "/sign-in/device";

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

async fn drawn(side: &Walk<'_>) -> String {
    let path = side.browser.find(Locator::Css(".qr-dark")).await.unwrap();
    path.attr("d").await.unwrap().unwrap()
}

/// ID-8: the app counts after its first code, and the secret is not shown again.
async fn connects(phone: &Walk<'_>, ahead: &Ahead) -> Vec<u8> {
    phone.registers(ANNA).await;
    phone.go(TOTP).await;
    phone.at(TOTP, "Подойдёт любое", "totp-none").await;
    phone.submit("/profile/security/totp/add").await;
    phone.at(TOTP, "Отсканируйте", "totp-pending").await;
    let shown = phone.text(".secret").await;
    let secret = bytes(&shown);
    assert_eq!(secret.len(), 20, "as RFC 4226 wants");
    assert!(drawn(phone).await.len() > 1_000, "a picture to scan");
    phone.fill("code", "000").await;
    phone.submit(TOTP).await;
    phone.at(TOTP, "Введите шесть цифр", "totp-wrong").await;
    phone.fill("code", &ahead.code(&secret)).await;
    phone.submit(TOTP).await;
    phone.at(TOTP, "Приложение подключено", "totp-on").await;
    assert!(!phone.has(".secret").await, "ID-8: shown once");
    secret
}

/// ID-8: ten codes, shown once.
async fn prints_codes(phone: &Walk<'_>, secret: &[u8], ahead: &mut Ahead) -> Vec<String> {
    phone.go(BACKUP).await;
    phone.at(BACKUP, "Десять кодов", "backup-none").await;
    phone.submit(BACKUP).await;
    ahead.wait(phone.demo, 60).await;
    let step = phone.path().await;
    phone
        .at(&step, "Выпустить запасные коды", "backup-confirm")
        .await;
    phone.fill("code", &ahead.code(secret)).await;
    phone.submit(&format!("{step}/factor")).await;
    phone
        .at(
            &format!("{step}/factor"),
            "Больше мы их не покажем",
            "backup-fresh",
        )
        .await;
    let codes = phone.texts(".backup-codes li").await;
    assert_eq!(codes.len(), 10);
    phone.press(&format!("a.button[href='{BACKUP}']")).await;
    phone.at(BACKUP, "Осталось", "backup-left").await;
    let text = phone.text("main").await;
    assert!(codes.iter().all(|code| !text.contains(code)), "shown once");
    codes
}

/// The text of the QR code that a page shows: its cookie is the browser's own, so the link is drawn again and
/// compared module by module.
async fn read_qr(desk: &Walk<'_>) -> String {
    let token = desk
        .browser
        .get_named_cookie("kabinet-device")
        .await
        .unwrap();
    let link = desk.url(&format!("/let-in/{}", token.value()));
    let expected = Qr::of(&link).unwrap().path;
    assert!(drawn(desk).await == expected, "the picture says the link");
    link
}

async fn asks_to_be_let_in(desk: &Walk<'_>, page: &str) -> (String, String) {
    desk.go(DEVICE).await;
    desk.submit(DEVICE).await;
    desk.at(DEVICE, "Наведите камеру", page).await;
    (
        read_qr(desk).await,
        desk.text(".device-number strong").await,
    )
}

/// ID-7: a wrong number closes the request for good; nobody is let in.
async fn mistakes_the_number(phone: &Walk<'_>, desk: &Walk<'_>) {
    let (link, number) = asks_to_be_let_in(desk, "device-waiting-first").await;
    phone.browser.goto(&link).await.unwrap();
    let offered = phone.texts("button[name=number]").await;
    assert!(offered.contains(&number), "{offered:?}");
    let wrong = offered.iter().find(|other| **other != number).unwrap();
    let path = phone.path().await;
    phone
        .press(&format!("button[name=number][value='{wrong}']"))
        .await;
    phone.at(&path, "Никого не впустили", "let-in-wrong").await;
    if !desk.browser.look().javascript {
        desk.go(DEVICE).await;
    }
    desk.at(DEVICE, "На телефоне отказали", "device-refused")
        .await;
}

/// ID-7: the computer shows a number, the phone finds it, the app confirms.
async fn lets_in(phone: &Walk<'_>, desk: &Walk<'_>, secret: &[u8], ahead: &mut Ahead) {
    desk.go(DEVICE).await;
    desk.at(DEVICE, "без СМС и без паролей", "device-ask").await;
    mistakes_the_number(phone, desk).await;
    ahead.wait(phone.demo, 360).await;
    let (link, number) = asks_to_be_let_in(desk, "device-waiting").await;
    phone.browser.goto(&link).await.unwrap();
    let path = phone.path().await;
    phone.at(&path, "Какое число", "let-in").await;
    phone
        .press(&format!("button[name=number][value='{number}']"))
        .await;
    let step = phone.path().await;
    phone
        .at(&step, "Впустить другое устройство", "let-in-confirm")
        .await;
    phone.fill("code", &ahead.code(secret)).await;
    phone.submit(&format!("{step}/factor")).await;
    phone
        .at("/profile/devices", "компьютер впущен", "let-in-done")
        .await;
    if !desk.browser.look().javascript {
        desk.go(DEVICE).await;
        desk.at(DEVICE, "Телефон подтвердил", "device-approved")
            .await;
        desk.submit("/sign-in/device/enter").await;
    }
    desk.at("/", "Здравствуйте", "device-in").await;
}

async fn signs_out(desk: &Walk<'_>, ahead: &mut Ahead) {
    desk.go("/profile/security").await;
    desk.submit("/sign-out").await;
    ahead.wait(desk.demo, 3_700).await;
}

/// ID-8: with the setting on a right code leads to the second factor, and not in.
async fn asks_for_more(phone: &Walk<'_>, desk: &Walk<'_>, secret: &[u8], ahead: &mut Ahead) {
    phone.go(SECOND).await;
    phone.at(SECOND, "Не спрашиваем", "second-off").await;
    ahead.wait(phone.demo, 360).await;
    phone.submit(SECOND).await;
    let step = phone.path().await;
    phone.at(&step, "Всегда спрашивать", "second-confirm").await;
    phone.fill("code", &ahead.code(secret)).await;
    phone.submit(&format!("{step}/factor")).await;
    phone
        .at(SECOND, "Теперь вход всегда спрашивает", "second-on")
        .await;
    for (path, words, page) in [
        (
            "/profile/security/ways-back",
            "Если потеряете этот телефон",
            "ways-back",
        ),
        ("/profile/security", "Защита входа", "security"),
    ] {
        phone.go(path).await;
        phone.at(path, words, page).await;
    }
    signs_out(desk, ahead).await;
    desk.first_code(ANNA).await;
    desk.at("/sign-in/second", "Код верный", "second").await;
    desk.go("/profile/data").await;
    assert_eq!(desk.path().await, "/sign-in", "A47: not in yet");
    desk.go("/sign-in/second").await;
    desk.fill("code", "123").await;
    desk.submit("/sign-in/second").await;
    desk.at("/sign-in/second", "Введите шесть цифр", "second-wrong")
        .await;
    desk.fill("code", &ahead.code(secret)).await;
    desk.submit("/sign-in/second").await;
    desk.at("/", "Здравствуйте", "second-in").await;
}

/// ID-8: a backup code serves once and is replaced by another, shown once.
async fn enters_by_backup_code(desk: &Walk<'_>, codes: &[String], ahead: &mut Ahead) {
    let second = "/sign-in/second";
    let by_code = "a[href='/sign-in/second?by=backup_code']";
    signs_out(desk, ahead).await;
    desk.first_code(ANNA).await;
    desk.press(by_code).await;
    desk.at(second, "Запасной код", "second-backup").await;
    desk.fill("code", &codes[3].to_lowercase()).await;
    desk.submit(second).await;
    desk.at(second, "больше не действует", "backup-replaced")
        .await;
    let fresh = desk.texts(".backup-codes li").await;
    assert!(fresh.len() == 1 && !codes.contains(&fresh[0]));
    desk.press("a.button[href='/']").await;
    desk.arrives("/").await;
    desk.go(BACKUP).await;
    desk.sees("10").await;
    signs_out(desk, ahead).await;
    desk.first_code(ANNA).await;
    desk.press(by_code).await;
    desk.fill("code", &codes[3]).await;
    desk.submit(second).await;
    desk.at(second, "Не подходит", "second-backup-used").await;
    desk.fill("code", &fresh[0]).await;
    desk.submit(second).await;
    desk.sees("больше не действует").await;
}

async fn both_sides(engine: Engine, name: &str, hand: Look, table: Look) {
    let demo = Demo::start(engine);
    let first = Browser::open(hand.languages("ru-RU")).await;
    let second = Browser::open(table.languages("ru-RU")).await;
    let side = |browser| Walk {
        demo: &demo,
        browser,
        name,
    };
    let (phone, desk) = (side(&first), side(&second));
    let mut ahead = Ahead(0);
    let secret = connects(&phone, &ahead).await;
    let codes = prints_codes(&phone, &secret, &mut ahead).await;
    lets_in(&phone, &desk, &secret, &mut ahead).await;
    asks_for_more(&phone, &desk, &secret, &mut ahead).await;
    enters_by_backup_code(&desk, &codes, &mut ahead).await;
    nobody_complained(&[&first, &second]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_javascript_on_sqlite() {
    let (hand, table) = (Look::PHONE, Look::DESK.dark());
    both_sides(Engine::Sqlite, "second_legs/js", hand, table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_on_postgres() {
    let (hand, table) = (Look::PHONE.dark(), Look::DESK);
    let (hand, table) = (hand.without_javascript(), table.without_javascript());
    both_sides(Engine::Postgres, "second_legs/nojs", hand, table).await;
}

const PASSWORD: &str = "лиловый поезд уходит утром";

/// What is typed into the shown field, cut out of it and pasted into the hidden one, as from a manager of passwords.
async fn pastes(walk: &Walk<'_>, text: &str) {
    let find = async |css: &str| walk.browser.find(Locator::Css(css)).await.unwrap();
    find("#password + button").await.click().await.unwrap();
    walk.fill("password", text).await;
    let field = find("#password").await;
    // Control held with each; the last key lets go.
    for key in ["a", "x"] {
        let held = format!("\u{E009}{key}\u{E000}");
        field.send_keys(&held).await.unwrap();
    }
    assert_eq!(field.prop("value").await.unwrap().as_deref(), Some(""));
    find("#password + button").await.click().await.unwrap();
    let kind = field.prop("type").await.unwrap();
    assert_eq!(kind.as_deref(), Some("password"));
    field.send_keys("\u{E009}v\u{E000}").await.unwrap();
}

/// ID-3: the page says how strong a new password looks while it is typed, and takes a pasted one.
async fn chooses_a_password(walk: &Walk<'_>) {
    let page = "/profile/security/password";
    walk.go(page).await;
    for (typed, said) in [("коротко", "Пока коротко"), ("абвгдеёжзийклм", "Слабый")]
    {
        walk.fill("password", typed).await;
        walk.sees(said).await;
    }
    walk.fill("password", "").await;
    pastes(walk, PASSWORD).await;
    walk.at(page, "Хороший", "password-pasted").await;
    walk.submit(page).await;
    walk.at(page, "Пароль задан", "password-set").await;
}

/// ID-4, A50: a session older than a quarter of an hour shows itself before an address is added, and the address waits.
async fn adds_a_mailbox_later(walk: &Walk<'_>) {
    walk.demo.advance(Duration::from_secs(1_200)).await;
    walk.go("/profile/email").await;
    walk.fill("email", MAIL).await;
    walk.submit("/profile/email").await;
    let step = walk.path().await;
    assert!(step.starts_with("/confirm/"), "{step}");
    walk.at(&step, MAIL, "email-confirm").await;
    let known = walk.demo.messages().await;
    walk.fill("password", PASSWORD).await;
    walk.submit(&format!("{step}/password")).await;
    let code = walk.code(MAIL, &known).await;
    walk.at("/profile/email/code", "Код", "email-code").await;
    walk.fill("code", &code).await;
    walk.submit("/profile/email/code").await;
    walk.at("/profile/email", "Почта подтверждена", "email-confirmed")
        .await;
}

/// ID-3, ID-8: a password is the second step of signing in, where the account always asks for one.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_pasted_and_is_the_second_step() {
    let demo = Demo::start(Engine::Sqlite);
    let browser = Browser::open(Look::DESK.languages("ru-RU")).await;
    let walk = Walk {
        demo: &demo,
        browser: &browser,
        name: "second_legs/password",
    };
    walk.registers(ANNA).await;
    chooses_a_password(&walk).await;
    demo.advance(Duration::from_secs(360)).await;
    walk.go(SECOND).await;
    walk.submit(SECOND).await;
    let step = walk.path().await;
    walk.at(&step, "Пароль", "second-confirm").await;
    walk.fill("password", PASSWORD).await;
    walk.submit(&format!("{step}/password")).await;
    walk.sees("Теперь вход всегда спрашивает").await;
    walk.go("/profile/security").await;
    walk.submit("/sign-out").await;
    demo.advance(Duration::from_secs(600)).await;
    walk.first_code(ANNA).await;
    let second = "/sign-in/second";
    walk.at(second, "Код верный", "second").await;
    walk.fill("password", "жёлтый трамвай остался").await;
    walk.submit(second).await;
    walk.at(second, "Неверный пароль", "second-wrong").await;
    walk.fill("password", PASSWORD).await;
    walk.submit(second).await;
    walk.at("/", "Здравствуйте", "second-in").await;
    adds_a_mailbox_later(&walk).await;
    nobody_complained(&[&browser]).await;
}
