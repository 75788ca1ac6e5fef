//! Freezing from any browser, and lifting a freeze (ID-13).

use askama::Template;
use webkit::page::{Area, Sample, Shell, sample};

use super::code::{CodeEntry, CodeWay};

/// `GET /freeze`; `POST` takes `identifier`, a phone or an e-mail.
/// Errors on `identifier`: `identifier-error-empty`, `identifier-error-invalid`.
#[derive(Clone, Debug, Template)]
#[template(path = "freeze/start.html")]
pub struct FreezeStart {
    /// The shell.
    pub p: Shell,
    /// What was typed.
    pub identifier: String,
}

impl Sample for FreezeStart {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |p: Shell, identifier: &str| Self {
            p,
            identifier: identifier.to_owned(),
        };
        vec![
            ("empty", page(p.clone(), "")),
            (
                "error",
                page(
                    p.clone()
                        .with_error("identifier", "identifier-error-invalid"),
                    "anna",
                ),
            ),
            (
                "error_empty",
                page(
                    p.clone().with_error("identifier", "identifier-error-empty"),
                    "",
                ),
            ),
        ]
    }
}

/// `GET|POST /freeze/code`, with `/freeze/code/resend` and
/// `/freeze/code/delivery`. The same for unknown identifiers (RE-10).
#[derive(Clone, Debug, Template)]
#[template(path = "freeze/code.html")]
pub struct FreezeCode {
    /// The shell.
    pub p: Shell,
    /// The code.
    pub code: CodeEntry,
}

impl Sample for FreezeCode {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        vec![
            (
                "sent",
                Self {
                    p: p.clone(),
                    code: CodeEntry::sample(),
                },
            ),
            (
                "wrong",
                Self {
                    p: p.clone().with_error("code", "code-error-wrong"),
                    code: CodeEntry {
                        tries_left: Some(3),
                        ..CodeEntry::sample()
                    },
                },
            ),
        ]
    }
}

/// `GET /freeze/done`.
#[derive(Clone, Debug, Template)]
#[template(path = "freeze/done.html")]
pub struct FreezeDone {
    /// The shell.
    pub p: Shell,
}

impl Sample for FreezeDone {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        vec![("normal", Self { p: p.clone() })]
    }
}

/// `GET|POST /profile/security/unfreeze/code`, with `…/resend` and
/// `…/delivery`: one code after another, until every identifier is proved.
#[derive(Clone, Debug, Template)]
#[template(path = "freeze/unfreeze_code.html")]
pub struct UnfreezeCode {
    /// The shell.
    pub p: Shell,
    /// The code asked for now.
    pub code: CodeEntry,
    /// Which of the codes this is, from 1.
    pub step: u32,
    /// How many codes there are.
    pub steps: u32,
}

impl Sample for UnfreezeCode {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let mut p = sample::signed_in(p).in_area(Area::Security);
        p.frozen = Some(sample::after(-300));
        let code = |way, to: &str| CodeEntry {
            way,
            to: Some(to.to_owned()),
            offers: vec![way],
            ..CodeEntry::sample()
        };
        vec![
            (
                "phone",
                Self {
                    p: p.clone(),
                    code: code(CodeWay::Sms, "+7 ••• •••-12-34"),
                    step: 1,
                    steps: 2,
                },
            ),
            (
                "only",
                Self {
                    p: p.clone().with_error("code", "code-error-wrong"),
                    code: code(CodeWay::Call6, "+7 ••• •••-12-34"),
                    step: 1,
                    steps: 1,
                },
            ),
            (
                "email",
                Self {
                    p,
                    code: code(CodeWay::Email, "a•••@example.ru"),
                    step: 2,
                    steps: 2,
                },
            ),
        ]
    }
}
