//! Every sample of every page in a real browser: no breach of WCAG 2.2 AA or of best practice, no
//! sideways scroll, no complaint in the console; at 360 and 1280 px, light and dark (EV-1).
//! Pictures stay in `tests/output/pages`.

use kernel::Locale;
use testkit::browser::{Browser, Look, describe};
use webkit::page::check::Rendered;
use webkit::page::{Shell, sample};
use whole_product::site::{Files, Site};

fn samples(locale: Locale) -> Vec<Rendered> {
    let mut shell = Shell::new(locale, sample::NOW, "/sign-in");
    shell.csrf = "sample-csrf".to_owned();
    shell.idempotency_key = "sample-key".to_owned();
    let mut all = identity_web::views::render_samples(&shell).unwrap();
    all.extend(webkit::page::errors::render_samples(&shell).unwrap());
    all
}

/// All samples and the files they refer to, and the names of the samples.
fn site(locale: Locale) -> (Site, Vec<String>) {
    let mut files = Files::new();
    for (_, asset) in webkit::assets::all() {
        let file = (asset.content_type.to_owned(), asset.bytes.to_vec());
        files.insert(asset.url.clone(), file);
    }
    for (plain, _) in webkit::assets::PLAIN {
        let (asset, _) = webkit::assets::find(plain).unwrap();
        files.insert(
            plain.to_owned(),
            (asset.content_type.to_owned(), asset.bytes.to_vec()),
        );
    }
    // Code pages ask what became of their message.
    for code in [
        "/sign-in/code",
        "/freeze/code",
        "/profile/email/code",
        "/profile/security/unfreeze/code",
    ] {
        let answer = br#"{"state":"waiting","text":"","final":false}"#.to_vec();
        files.insert(
            format!("{code}/delivery"),
            ("application/json".to_owned(), answer),
        );
    }
    // The page of sign-in asks what to ask authenticators; this one has none.
    let begun =
        br#"{"ceremony":"","options":{"challenge":"","rpId":"127.0.0.1","allowCredentials":[]}}"#;
    files.insert(
        "/sign-in/passkey/begin".to_owned(),
        ("application/json".to_owned(), begun.to_vec()),
    );
    let mut names = Vec::new();
    for page in samples(locale) {
        let name = format!("{}.{}", page.page, page.sample);
        let file = (
            "text/html; charset=utf-8".to_owned(),
            page.html.into_bytes(),
        );
        files.insert(format!("/{name}.html"), file);
        names.push(name);
    }
    (Site::start(files), names)
}

/// Narrower than any phone: only whether a page still fits (WCAG 1.4.10).
const NARROW: Look = Look {
    width: 320,
    ..Look::PHONE
};

/// Browsers at once: more of them starve each other on a small machine, and one that does not start in time
/// fails a test that has nothing to say about it.
static BROWSERS: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(2);

async fn look_at_all(look: Look, locale: Locale) {
    let _turn = BROWSERS.acquire().await.expect("never closed");
    let (site, names) = site(locale);
    let browser = Browser::open(look).await;
    let mut findings = Vec::new();
    for name in &names {
        browser
            .goto(&site.url(&format!("/{name}.html")))
            .await
            .unwrap();
        browser
            .evaluate("document.fonts.ready.then(() => true)")
            .await;
        let violations = browser.axe().await;
        if !violations.is_empty() {
            findings.push(format!("{name}: {}", describe(&violations)));
        }
        if browser.scrolls_sideways().await {
            findings.push(format!("{name}: scrolls sideways"));
        }
        for complaint in browser.complaints().await {
            findings.push(format!("{name}: {complaint}"));
        }
        browser.picture(&format!("pages/{locale}/{name}")).await;
    }
    println!("{} page states at {} in {locale}", names.len(), look.name());
    assert!(!names.is_empty());
    assert!(
        findings.is_empty(),
        "{}:\n{}",
        look.name(),
        findings.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_by_day() {
    look_at_all(Look::PHONE, Locale::Ru).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_by_night() {
    look_at_all(Look::PHONE.dark(), Locale::Ru).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_desk_by_day() {
    look_at_all(Look::DESK, Locale::Ru).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_desk_by_night() {
    look_at_all(Look::DESK.dark(), Locale::Ru).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_english() {
    look_at_all(Look::PHONE, Locale::En).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_320_px() {
    let _turn = BROWSERS.acquire().await.expect("never closed");
    let (site, names) = site(Locale::Ru);
    let browser = Browser::open(NARROW).await;
    let mut wide = Vec::new();
    for name in names {
        browser
            .goto(&site.url(&format!("/{name}.html")))
            .await
            .unwrap();
        browser
            .evaluate("document.fonts.ready.then(() => true)")
            .await;
        if browser.scrolls_sideways().await {
            wide.push(name);
        }
    }
    assert_eq!(wide, [""; 0], "these scroll sideways");
}
