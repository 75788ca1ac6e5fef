//! The case: where it stands, what there is, what is asked (RE-11); and its phone.

use askama::Template;
use kernel::Timestamp;
use webkit::page::{Sample, Shell, sample};

use super::code::{CodeEntry, CodeWay};

/// How a case looks to its claimant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseView {
    /// It can be filled in.
    Draft,
    /// It is with the house.
    Waiting,
    /// The owner stopped it.
    Stopped,
    /// It has ended.
    Over,
}

/// One thing that is told or shown.
#[derive(Clone, Debug)]
pub struct StepLine {
    /// Its page.
    pub href: &'static str,
    /// The icon of the sprite.
    pub icon: &'static str,
    /// Id of its words.
    pub title: &'static str,
    /// What there is, or what it is for.
    pub note: String,
    /// There is something.
    pub is_done: bool,
}

/// `GET /recovery/case`.
#[derive(Clone, Debug, Template)]
#[template(path = "recovery/case.html")]
pub struct CasePage {
    /// The shell.
    pub p: Shell,
    /// How it looks.
    pub view: CaseView,
    /// Its number; gone with the rest when the case has ended.
    pub number: Option<String>,
    /// It has to be handed in by then.
    pub expires_at: Option<Timestamp>,
    /// When something was saved last.
    pub saved_at: Option<Timestamp>,
    /// What is told, in order.
    pub steps: Vec<StepLine>,
}

impl CasePage {
    /// The word beside a step that is done.
    fn mark(&self, step: &StepLine) -> &'static str {
        if step.is_done {
            self.p.t("recovery-step-done")
        } else {
            ""
        }
    }

    /// The steps of a case.
    pub fn steps(p: &Shell, phone: Option<&str>, person: bool, knowledge: bool) -> Vec<StepLine> {
        let told = |done: bool, otherwise: &'static str| {
            let id = if done {
                "recovery-step-told"
            } else {
                otherwise
            };
            p.t(id).to_owned()
        };
        vec![
            StepLine {
                href: "/recovery/phone",
                icon: "smartphone",
                title: "recovery-step-phone",
                note: phone
                    .map_or_else(|| p.t("recovery-step-phone-note").to_owned(), str::to_owned),
                is_done: phone.is_some(),
            },
            StepLine {
                href: "/recovery/person",
                icon: "id-card",
                title: "recovery-step-person",
                note: told(person, "recovery-step-person-note"),
                is_done: person,
            },
            StepLine {
                href: "/recovery/knowledge",
                icon: "history",
                title: "recovery-step-knowledge",
                note: told(knowledge, "recovery-step-knowledge-note"),
                is_done: knowledge,
            },
        ]
    }
}

impl Sample for CasePage {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |view, phone: Option<&str>, told| Self {
            p: p.clone(),
            view,
            number: Some("482-917-3650".to_owned()),
            expires_at: Some(sample::after(6 * 24 * 3_600)),
            saved_at: phone.map(|_| sample::after(-300)),
            steps: Self::steps(p, phone, told, told),
        };
        let bound = Some("+7 ••• •••-12-34");
        let ended = |view| Self {
            number: None,
            expires_at: None,
            saved_at: None,
            steps: Vec::new(),
            ..page(view, None, false)
        };
        vec![
            ("new", page(CaseView::Draft, None, false)),
            ("bound", page(CaseView::Draft, bound, false)),
            ("told", page(CaseView::Draft, bound, true)),
            ("waiting", page(CaseView::Waiting, bound, true)),
            ("stopped", page(CaseView::Stopped, bound, true)),
            ("over", ended(CaseView::Over)),
        ]
    }
}

/// `GET|POST /recovery/phone`: the phone to be used.
#[derive(Clone, Debug, Template)]
#[template(path = "recovery/phone.html")]
pub struct CasePhone {
    /// The shell.
    pub p: Shell,
    /// What was typed.
    pub phone: String,
    /// The phone that is bound, masked: naming another one takes its place.
    pub bound: Option<String>,
}

impl Sample for CasePhone {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |p: Shell, phone: &str, bound: Option<&str>| Self {
            p,
            phone: phone.to_owned(),
            bound: bound.map(str::to_owned),
        };
        vec![
            ("empty", page(p.clone(), "", None)),
            ("bound", page(p.clone(), "", Some("+7 ••• •••-12-34"))),
            (
                "error",
                page(
                    p.clone().with_error("phone", "phone-error-invalid"),
                    "912",
                    None,
                ),
            ),
        ]
    }
}

/// `GET|POST /recovery/phone/code`, with `…/resend` and `…/delivery`.
#[derive(Clone, Debug, Template)]
#[template(path = "recovery/phone_code.html")]
pub struct CasePhoneCode {
    /// The shell.
    pub p: Shell,
    /// The code.
    pub code: CodeEntry,
}

impl Sample for CasePhoneCode {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let code = || CodeEntry {
            to: Some("+7 ••• •••-12-34".to_owned()),
            offers: vec![CodeWay::Sms],
            ..CodeEntry::sample()
        };
        vec![
            (
                "sent",
                Self {
                    p: p.clone(),
                    code: code(),
                },
            ),
            (
                "wrong",
                Self {
                    p: p.clone().with_error("code", "code-error-wrong"),
                    code: CodeEntry {
                        tries_left: Some(2),
                        ..code()
                    },
                },
            ),
        ]
    }
}
