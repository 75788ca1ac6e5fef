//! Help, and the text of the consent.

use askama::Template;
use webkit::page::{Sample, Shell, sample};

use super::code::{CodeEntry, CodeWay};

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
    /// The code that is being waited for, when there is one.
    pub code: Option<CodeEntry>,
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
                    code: Some(CodeEntry {
                        next_at: sample::after(-1),
                        ..CodeEntry::sample()
                    }),
                    by_email: true,
                },
            ),
            (
                "by_email",
                Self {
                    p: p.clone(),
                    code: Some(CodeEntry {
                        way: CodeWay::Email,
                        offers: vec![CodeWay::Email],
                        ..CodeEntry::sample()
                    }),
                    by_email: true,
                },
            ),
            (
                "general",
                Self {
                    p: sample::signed_in(p),
                    code: None,
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
