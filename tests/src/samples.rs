//! Every sample of every page, served from memory.

use kernel::Locale;
use webkit::page::check::Rendered;
use webkit::page::{Shell, sample};

use crate::site::{Files, Site};

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// What became of the message of every sample's code, when nobody says otherwise.
pub const WAITING: &str = r#"{"state":"waiting","text":"","final":false}"#;

fn samples(locale: Locale) -> Vec<Rendered> {
    let mut shell = Shell::new(locale, sample::NOW, "/sign-in");
    shell.csrf = "sample-csrf".to_owned();
    shell.idempotency_key = "sample-key".to_owned();
    let mut all = identity_web::views::render_samples(&shell).expect("pages of identity");
    all.extend(recovery_web::views::render_samples(&shell).expect("pages of recovery"));
    all.extend(webkit::page::errors::render_samples(&shell).expect("pages of the shell"));
    all.extend(kabinet::demo_views::render_samples(&shell).expect("pages of the demo"));
    all
}

/// All samples and the files they refer to, and the names of the samples. `delivery` is what pages of codes
/// are told when they ask what became of their message.
pub fn site(locale: Locale, delivery: &str) -> (Site, Vec<String>) {
    let mut files = Files::new();
    let mut file = |path: String, kind: &str, bytes: &[u8]| {
        files.insert(path, (kind.to_owned(), bytes.to_vec()));
    };
    for (_, asset) in webkit::assets::all() {
        file(asset.url.clone(), asset.content_type, &asset.bytes);
    }
    for (plain, _) in webkit::assets::PLAIN {
        let (asset, _) = webkit::assets::find(plain).expect("a plain file");
        file(plain.to_owned(), asset.content_type, &asset.bytes);
    }
    for code in [
        "/sign-in/code",
        "/freeze/code",
        "/profile/email/code",
        "/profile/security/unfreeze/code",
        "/profile/phone/code",
        "/freeze/trusted/code",
        "/recovery/phone/code",
        "/recovery/resume/code",
        identity_web::views::confirm::SAMPLE,
    ] {
        file(format!("{code}/delivery"), JSON, delivery.as_bytes());
    }
    // The page of sign-in asks what to ask authenticators; a browser without one waits.
    let begun =
        br#"{"ceremony":"","options":{"challenge":"","rpId":"127.0.0.1","allowCredentials":[]}}"#;
    file("/sign-in/passkey/begin".to_owned(), JSON, begun);
    // The demo's frames have something to show; its phone learns nothing, so it stays as it is.
    for frame in ["/sign-in", "/demo/phone"] {
        let page = "<!doctype html><html lang=ru><title>x</title><main><h1>x</h1></main></html>";
        file(frame.to_owned(), HTML, page.as_bytes());
    }
    file("/demo/messages".to_owned(), JSON, b"-");
    // A computer that asks where its request stands waits on.
    let waits = br#"{"state":"waiting"}"#;
    file("/sign-in/device/state".to_owned(), JSON, waits);
    let mut names = Vec::new();
    for page in samples(locale) {
        let name = format!("{}.{}", page.page, page.sample);
        file(format!("/{name}.html"), HTML, page.html.as_bytes());
        names.push(name);
    }
    (Site::start(files), names)
}
