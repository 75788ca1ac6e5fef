//! Every sample of every page in a real browser: no breach of WCAG 2.2 AA or of best practice, no
//! sideways scroll, no complaint in the console; normal, with errors, empty; at 360 and 1280 px, light and
//! dark, in both languages (EV-1). Pictures stay in `tests/output/pages`.

use std::collections::VecDeque;
use std::sync::Arc;

use kernel::Locale;
use parking_lot::Mutex;
use testkit::browser::{Browser, Look, describe};
use whole_product::samples::{WAITING, site};
use whole_product::site::Site;

/// Browsers at once: more of them starve each other on a small machine, and one that does not start in time
/// fails a test that has nothing to say about it.
const BROWSERS: usize = 2;

/// The shade changes last: light and dark of one width share a layout.
const LOOKS: [Look; 4] = [
    Look::PHONE,
    Look::PHONE.dark(),
    Look::DESK.dark(),
    Look::DESK,
];

/// A sample and where it is served.
struct Stop {
    site: Site,
    locale: Locale,
    name: String,
}

/// A browser that goes from sample to sample.
struct Tour {
    browser: Browser,
    findings: Vec<String>,
    seen: usize,
}

impl Tour {
    async fn start() -> Self {
        let browser = Browser::open(Look::PHONE).await;
        browser.bring_axe().await;
        Self {
            browser,
            findings: Vec::new(),
            seen: 0,
        }
    }

    /// One sample in every look. It is loaded once: shade and width are the reader's wish.
    async fn see(&mut self, stop: &Stop) {
        let name = format!("{} ({})", stop.name, stop.locale);
        self.browser.wear(LOOKS[0]).await;
        let url = stop.site.url(&format!("/{}.html", stop.name));
        self.browser.goto(&url).await.unwrap();
        let fonts = "document.fonts.ready.then(() => true)";
        self.browser.evaluate(fonts).await;
        for look in LOOKS {
            self.browser.wear(look).await;
            self.look_at(&name).await;
            // Pictures are kept where somebody looks at them: all looks in Russian, days in English.
            if !look.dark || stop.locale == Locale::Ru {
                let picture = format!("pages/{}/{}", stop.locale, stop.name);
                self.browser.picture(&picture).await;
            }
        }
        self.narrow_and_enlarged(&name).await;
        for complaint in self.browser.complaints().await {
            self.findings.push(format!("{name}: {complaint}"));
        }
        self.seen += 1;
    }

    async fn look_at(&mut self, name: &str) {
        let look = self.browser.look();
        let violations = if look.dark {
            self.browser.axe_of_colours().await
        } else {
            self.browser.axe().await
        };
        if !violations.is_empty() {
            let found = format!("{name} at {}: {}", look.name(), describe(&violations));
            self.findings.push(found);
        }
        self.fits(&format!("{name} at {}", look.name())).await;
    }

    /// 320 px is a narrow phone, or a desk at 400 % (WCAG 1.4.10); 640 px is a desk at 200 %; and letters twice
    /// as large on a phone (WCAG 1.4.4).
    async fn narrow_and_enlarged(&mut self, name: &str) {
        for width in [320, 640, 360] {
            let look = Look {
                width,
                ..Look::PHONE
            };
            self.browser.wear(look).await;
            if width == Look::PHONE.width {
                let larger = "document.documentElement.style.fontSize = '200%', true";
                self.browser.evaluate(larger).await;
            }
            self.fits(&format!("{name} at {width} px")).await;
        }
    }

    async fn fits(&mut self, name: &str) {
        if self.browser.scrolls_sideways().await {
            self.findings.push(format!("{name}: scrolls sideways"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_in_every_look() {
    let mut stops = VecDeque::new();
    for locale in [Locale::Ru, Locale::En] {
        let (site, names) = site(locale, WAITING);
        assert!(names.len() > 80, "{} samples", names.len());
        for name in names {
            let site = site.clone();
            stops.push_back(Stop { site, locale, name });
        }
    }
    let all = stops.len();
    let stops = Arc::new(Mutex::new(stops));
    let mut travellers = Vec::new();
    for _ in 0..BROWSERS {
        let stops = Arc::clone(&stops);
        travellers.push(tokio::spawn(async move {
            let mut tour = Tour::start().await;
            loop {
                let next = stops.lock().pop_front();
                let Some(stop) = next else { break tour };
                tour.see(&stop).await;
            }
        }));
    }
    let (mut findings, mut seen) = (Vec::new(), 0);
    for traveller in travellers {
        let tour = traveller.await.unwrap();
        findings.extend(tour.findings);
        seen += tour.seen;
    }
    println!("{seen} page states in {} looks each", LOOKS.len());
    assert_eq!(seen, all);
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}
