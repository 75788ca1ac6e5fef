//! Help, and the text of the consent.

use askama::Template;
use webkit::page::{Sample, Shell, sample};

use super::code::CodeWay;

/// `GET /help`.
#[derive(Clone, Debug, Template)]
#[template(path = "help/help.html")]
pub struct Help {
    /// The shell.
    pub p: Shell,
}

impl Sample for Help {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        vec![
            ("visitor", Self { p: p.clone() }),
            (
                "signed_in",
                Self {
                    p: sample::signed_in(p),
                },
            ),
        ]
    }
}

/// `GET /help/no-code`: what to check when no code comes (ID-2).
#[derive(Clone, Debug, Template)]
#[template(path = "help/no_code.html")]
pub struct NoCode {
    /// The shell.
    pub p: Shell,
    /// Ways the next code may take, when one is being waited for; they go to
    /// `POST /sign-in/code/resend`.
    pub offers: Vec<CodeWay>,
    /// Whether this installation sends letters.
    pub by_email: bool,
}

impl Sample for NoCode {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        vec![
            (
                "waiting",
                Self {
                    p: p.clone(),
                    offers: vec![CodeWay::Call6, CodeWay::Email],
                    by_email: true,
                },
            ),
            (
                "general",
                Self {
                    p: p.clone(),
                    offers: Vec::new(),
                    by_email: true,
                },
            ),
        ]
    }
}

/// `GET /legal/consent`: the text of the personal-data consent. The text is
/// an example of a made-up company.
#[derive(Clone, Debug, Template)]
#[template(path = "legal/consent.html")]
pub struct ConsentText {
    /// The shell.
    pub p: Shell,
    /// Version of the text.
    pub version: String,
}

impl Sample for ConsentText {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        vec![(
            "normal",
            Self {
                p: p.clone(),
                version: "1.0".to_owned(),
            },
        )]
    }
}
