//! Coming back by number and code (RE-11).

use askama::Template;
use webkit::page::{Sample, Shell};

use super::code::{CodeEntry, CodeState, CodeWay};

/// `GET|POST /recovery/resume`: the phone that was bound.
#[derive(Clone, Debug, Template)]
#[template(path = "recovery/resume.html")]
pub struct Resume {
    /// The shell.
    pub p: Shell,
    /// What was typed.
    pub phone: String,
}

impl Sample for Resume {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |p: Shell, phone: &str| Self {
            p,
            phone: phone.to_owned(),
        };
        vec![
            ("empty", page(p.clone(), "")),
            (
                "error",
                page(p.clone().with_error("phone", "phone-error-empty"), ""),
            ),
        ]
    }
}

/// `GET|POST /recovery/resume/code`: the number and the code together, so that each code serves for one number.
#[derive(Clone, Debug, Template)]
#[template(path = "recovery/resume_code.html")]
pub struct ResumeCode {
    /// The shell.
    pub p: Shell,
    /// The code.
    pub code: CodeEntry,
    /// The case number as typed.
    pub number: String,
}

impl ResumeCode {
    fn is_live(&self) -> bool {
        self.code.state == CodeState::Live
    }
}

impl Sample for ResumeCode {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |p: Shell, number: &str, state| Self {
            p,
            code: CodeEntry {
                offers: vec![CodeWay::Sms],
                state,
                ..CodeEntry::sample()
            },
            number: number.to_owned(),
        };
        vec![
            ("sent", page(p.clone(), "", CodeState::Live)),
            (
                "slip",
                page(
                    p.clone().with_error("number", "case-number-error-check"),
                    "482-917-3651",
                    CodeState::Live,
                ),
            ),
            (
                "none",
                page(
                    p.clone().with_error("resend", "case-number-error-none"),
                    "482-917-3650",
                    CodeState::Dead,
                ),
            ),
        ]
    }
}
