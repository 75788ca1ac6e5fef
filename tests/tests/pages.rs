//! Every sample of every page in a real browser: no breach of WCAG 2.2 AA or of best practice, no
//! sideways scroll, no complaint in the console; normal, with errors, empty; at 360 and 1280 px, light and
//! dark, in both languages (EV-1). Pictures stay in `tests/output/pages`.

use kernel::Locale;
use testkit::browser::{Browser, Look, describe};
use whole_product::samples::{WAITING, site};
use whole_product::site::Site;

/// Browsers at once: more of them starve each other on a small machine, and one that does not start in time
/// fails a test that has nothing to say about it.
static BROWSERS: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(2);

/// A browser that goes from sample to sample.
struct Tour {
    browser: Browser,
    site: Site,
    names: Vec<String>,
    findings: Vec<String>,
}

impl Tour {
    async fn start(look: Look, locale: Locale) -> Self {
        let (site, names) = site(locale, WAITING);
        assert!(names.len() > 80, "{} samples", names.len());
        Self {
            browser: Browser::open(look).await,
            site,
            names,
            findings: Vec::new(),
        }
    }

    async fn show(&self, name: &str) {
        let url = self.site.url(&format!("/{name}.html"));
        self.browser.goto(&url).await.unwrap();
        let fonts = "document.fonts.ready.then(() => true)";
        self.browser.evaluate(fonts).await;
    }

    async fn fits(&mut self, name: &str) {
        if self.browser.scrolls_sideways().await {
            self.findings.push(format!("{name}: scrolls sideways"));
        }
    }

    fn end(self) {
        let look = self.browser.look().name();
        println!("{} page states at {look}", self.names.len());
        let findings = self.findings;
        assert!(findings.is_empty(), "{look}:\n{}", findings.join("\n"));
    }
}

/// Every sample by day and by night. It is loaded once: the shade is the reader's wish, as is their width.
/// Pictures are kept where somebody looks at them: all looks in Russian, days in English.
async fn look_at_all(look: Look, locale: Locale) {
    let _turn = BROWSERS.acquire().await.expect("never closed");
    let mut tour = Tour::start(look, locale).await;
    tour.browser.bring_axe().await;
    for name in tour.names.clone() {
        tour.show(&name).await;
        for dark in [false, true] {
            tour.browser.shade(dark).await;
            let shade = tour.browser.look().name();
            let violations = tour.browser.axe().await;
            if !violations.is_empty() {
                let found = format!("{name} at {shade}: {}", describe(&violations));
                tour.findings.push(found);
            }
            tour.fits(&name).await;
            if !dark || locale == Locale::Ru {
                let picture = format!("pages/{locale}/{name}");
                tour.browser.picture(&picture).await;
            }
        }
        for complaint in tour.browser.complaints().await {
            tour.findings.push(format!("{name}: {complaint}"));
        }
    }
    tour.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_by_day_and_night() {
    look_at_all(Look::PHONE, Locale::Ru).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_desk_by_day_and_night() {
    look_at_all(Look::DESK, Locale::Ru).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_english_on_a_phone_by_day_and_night() {
    look_at_all(Look::PHONE, Locale::En).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_english_on_a_desk_by_day_and_night() {
    look_at_all(Look::DESK, Locale::En).await;
}

/// 320 px is a narrow phone, or a desk at 400 % (WCAG 1.4.10); 640 px is a desk at 200 %; and letters twice as
/// large on a phone (WCAG 1.4.4).
#[tokio::test(flavor = "multi_thread")]
async fn narrow_and_enlarged() {
    let _turn = BROWSERS.acquire().await.expect("never closed");
    let widths = [320, 640, 360];
    let mut tour = Tour::start(Look::PHONE, Locale::Ru).await;
    for name in tour.names.clone() {
        tour.show(&name).await;
        for width in widths {
            let look = Look {
                width,
                ..Look::PHONE
            };
            tour.browser.wear(look).await;
            if width == Look::PHONE.width {
                let larger = "document.documentElement.style.fontSize = '200%', true";
                tour.browser.evaluate(larger).await;
            }
            tour.fits(&format!("{name} at {width} px")).await;
        }
    }
    tour.end();
}
