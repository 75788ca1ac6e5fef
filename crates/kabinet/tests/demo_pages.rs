//! The demo's pages with every sample in every language; written to
//! `target/tmp/preview-demo` to be looked at.

use std::fs;
use std::path::Path;

use kabinet::demo_views::render_samples;
use kernel::Locale;
use webkit::page::check::faults;
use webkit::page::{Shell, sample};

const ROUTES: &[&str] = &[
    "/",
    "/demo/clock/move",
    "/demo/phone",
    "/freeze",
    "/help",
    "/legal/consent",
    "/preferences",
    "/sign-in",
];

#[test]
fn every_sample_in_every_language() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("preview-demo");
    fs::create_dir_all(folder.join("assets")).unwrap();
    for (_, asset) in webkit::assets::all() {
        fs::write(folder.join(&asset.url[1..]), &asset.bytes).unwrap();
    }
    let mut wrong = Vec::new();
    for locale in Locale::ALL {
        let p = Shell::new(locale, sample::NOW, "/demo");
        for page in render_samples(&p).unwrap() {
            for fault in faults(&page, ROUTES) {
                wrong.push(format!("{locale} {}.{}: {fault}", page.page, page.sample));
            }
            let name = format!("{}.{}.{locale}.html", page.page, page.sample);
            fs::write(folder.join(name), page.html).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
