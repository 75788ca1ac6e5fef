//! Every page with every sample in every language.

use kernel::Locale;
use recovery_web::views::{ROUTES, render_samples};
use webkit::page::{Shell, check::faults, sample};

fn shell(locale: Locale) -> Shell {
    let mut shell = Shell::new(locale, sample::NOW, "/recovery");
    shell.csrf = "sample-csrf".to_owned();
    shell.idempotency_key = "sample-key".to_owned();
    shell
}

/// RE-11, RE-3: nothing is missing, no link is dead, every form is sealed.
#[test]
fn every_sample_in_every_language() {
    let routes: Vec<&str> = ROUTES
        .iter()
        .chain(identity_web::views::ROUTES)
        .copied()
        .collect();
    let (mut wrong, mut shown) = (Vec::new(), 0);
    for locale in Locale::ALL {
        for page in render_samples(&shell(locale)).unwrap() {
            shown += 1;
            for fault in faults(&page, &routes) {
                wrong.push(format!("{locale} {}.{}: {fault}", page.page, page.sample));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(shown > 50, "{shown}");
}
