//! The way in: an old phone or an old address (RE-3).

use askama::Template;
use webkit::{
    i18n::Message,
    page::{Sample, Shell},
};

/// `GET /recovery`; `POST` takes `identifier`. The same for known and unknown ones (A2).
#[derive(Clone, Debug, Template)]
#[template(path = "recovery/start.html")]
pub struct RecoveryStart {
    /// The shell.
    pub p: Shell,
    /// What was typed.
    pub identifier: String,
    /// This browser works on a case already.
    pub has_case: bool,
}

impl Sample for RecoveryStart {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |p: Shell, identifier: &str, has_case| Self {
            p,
            identifier: identifier.to_owned(),
            has_case,
        };
        let often = Message::new("recovery-error-often").with("until", "14:30");
        vec![
            ("empty", page(p.clone(), "", false)),
            ("again", page(p.clone(), "", true)),
            (
                "error",
                page(
                    p.clone()
                        .with_error("identifier", "identifier-error-invalid"),
                    "anna",
                    false,
                ),
            ),
            (
                "often",
                page(
                    p.clone().with_error("identifier", often),
                    "+7 912 000-00-18",
                    false,
                ),
            ),
        ]
    }
}
