//! Password, passcode and code word: their settings.

use askama::Template;
use kernel::Timestamp;
use webkit::page::{Area, Sample, Shell, Tone, sample};

/// `GET /profile/security/password`; `POST` to the same sets it, `…/remove` removes it.
#[derive(Clone, Debug, Template)]
#[template(path = "secrets/password.html")]
pub struct PasswordPage {
    /// The shell.
    pub p: Shell,
    /// Since when there is one.
    pub since: Option<Timestamp>,
}

impl Sample for PasswordPage {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let normal = Self {
            p: p.clone(),
            since: Some(sample::after(-40 * 86_400)),
        };
        vec![
            (
                "none",
                Self {
                    p: p.clone(),
                    since: None,
                },
            ),
            (
                "error",
                Self {
                    p: p.clone().with_error("password", "password-error-common"),
                    since: None,
                },
            ),
            (
                "set",
                Self {
                    p: p.with_flash(Tone::Good, "flash-password-good"),
                    ..normal.clone()
                },
            ),
            ("normal", normal),
        ]
    }
}

/// `GET /profile/security/passcode`; `POST` to the same sets it, `…/remove` removes it.
#[derive(Clone, Debug, Template)]
#[template(path = "secrets/passcode.html")]
pub struct PasscodePage {
    /// The shell.
    pub p: Shell,
    /// Since when there is one.
    pub since: Option<Timestamp>,
    /// Whether this browser holds a key for it.
    pub has_key: bool,
}

impl Sample for PasscodePage {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let normal = Self {
            p: p.clone(),
            since: Some(sample::after(-40 * 86_400)),
            has_key: true,
        };
        vec![
            (
                "none",
                Self {
                    p: p.clone(),
                    since: None,
                    has_key: false,
                },
            ),
            (
                "error",
                Self {
                    p: p.with_error("passcode", "passcode-error-common"),
                    since: None,
                    has_key: false,
                },
            ),
            (
                "no_key",
                Self {
                    has_key: false,
                    ..normal.clone()
                },
            ),
            ("normal", normal),
        ]
    }
}

/// What there is of a code word. The word itself is never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeWordState {
    /// None yet.
    None,
    /// Since then.
    Set(Timestamp),
    /// Closed after three wrong tries.
    Closed,
}

/// `GET /profile/security/code-word`; `POST` to the same sets it once.
#[derive(Clone, Debug, Template)]
#[template(path = "secrets/code_word.html")]
pub struct CodeWordPage {
    /// The shell.
    pub p: Shell,
    /// What there is.
    pub state: CodeWordState,
}

impl Sample for CodeWordPage {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let of = |state| Self {
            p: p.clone(),
            state,
        };
        vec![
            ("none", of(CodeWordState::None)),
            (
                "error",
                Self {
                    p: p.clone().with_error("word", "code-word-error-own"),
                    state: CodeWordState::None,
                },
            ),
            ("closed", of(CodeWordState::Closed)),
            (
                "normal",
                of(CodeWordState::Set(sample::after(-40 * 86_400))),
            ),
        ]
    }
}
