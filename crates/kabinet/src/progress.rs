//! What a person at a terminal sees while something takes long; nothing when nobody is there.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A moving sign with a text.
pub(crate) fn spinner(text: &'static str) -> ProgressBar {
    let bar = drawn(ProgressBar::new_spinner());
    bar.set_message(text);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// A bar of `steps` steps with a text.
pub(crate) fn bar(text: &'static str, steps: u64) -> ProgressBar {
    let bar = drawn(ProgressBar::new(steps));
    if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len}") {
        bar.set_style(style);
    }
    bar.set_message(text);
    bar
}

fn drawn(bar: ProgressBar) -> ProgressBar {
    if std::io::stderr().is_terminal() {
        bar
    } else {
        ProgressBar::hidden()
    }
}
