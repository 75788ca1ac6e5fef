//! Every page with every sample in every language; written to
//! `target/tmp/preview` to be looked at (`tests/browser/preview.mjs`).

use std::fs;
use std::path::Path;

use identity_web::views::{ROUTES, render_samples};
use kernel::Locale;
use webkit::page::check::{Rendered, faults};
use webkit::page::{Shell, sample};

fn shell(locale: Locale) -> Shell {
    let mut shell = Shell::new(locale, sample::NOW, "/sign-in");
    shell.csrf = "sample-csrf".to_owned();
    shell.idempotency_key = "sample-key".to_owned();
    shell
}

fn all(locale: Locale) -> Vec<Rendered> {
    let p = shell(locale);
    let mut all = render_samples(&p).unwrap();
    all.extend(webkit::page::errors::render_samples(&p).unwrap());
    all
}

#[test]
fn every_sample_in_every_language() {
    let mut wrong = Vec::new();
    for locale in Locale::ALL {
        for page in all(locale) {
            for fault in faults(&page, ROUTES) {
                wrong.push(format!("{locale} {}.{}: {fault}", page.page, page.sample));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every template stands behind a page with samples: what is never rendered
/// here is dead.
#[test]
fn every_template_is_shown() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/views");
    let code: String = fs::read_dir(source)
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut unused = Vec::new();
    for folder in fs::read_dir(&templates).unwrap() {
        let folder = folder.unwrap().path();
        if folder.ends_with("parts") {
            continue;
        }
        for file in fs::read_dir(&folder).unwrap() {
            let file = file.unwrap().path();
            let name = file.strip_prefix(&templates).unwrap().display().to_string();
            if !code.contains(&format!("path = \"{name}\"")) {
                unused.push(name);
            }
        }
    }
    assert!(unused.is_empty(), "{unused:?}");
    let views = code.matches("#[template(path").count();
    let listed = code.matches("impl Sample for").count();
    assert_eq!(views, listed, "every view lists samples");
}

#[test]
fn preview() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("preview");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("assets")).unwrap();
    for (_, asset) in webkit::assets::all() {
        fs::write(folder.join(&asset.url[1..]), &asset.bytes).unwrap();
    }
    for (plain, _) in webkit::assets::PLAIN {
        let (asset, _) = webkit::assets::find(plain).unwrap();
        fs::write(folder.join(&plain[1..]), &asset.bytes).unwrap();
    }
    for locale in Locale::ALL {
        for page in all(locale) {
            let name = format!("{}.{}.{locale}.html", page.page, page.sample);
            fs::write(folder.join(name), page.html).unwrap();
        }
    }
}
