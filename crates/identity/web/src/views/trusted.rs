//! Trusted people (ID-8a): in the cabinet, and from any browser.

use askama::Template;
use kernel::Timestamp;
use webkit::page::{Area, Sample, Shell, Tone, sample};

use super::code::{CodeEntry, CodeWay};

/// A trusted person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Names them in the form's address.
    pub id: String,
    /// What the owner calls them.
    pub name: String,
    /// Their phone, masked.
    pub phone: String,
    /// Since when.
    pub named_at: Timestamp,
}

/// `GET /profile/security/trusted`; `POST` takes `name` and `phone`; `POST …/{id}/remove`.
#[derive(Clone, Debug, Template)]
#[template(path = "trusted/trusted.html")]
pub struct Trusted {
    /// The shell.
    pub p: Shell,
    /// Those who are named.
    pub people: Vec<Person>,
    /// Whether there is room for one more.
    pub has_room: bool,
    /// The name as typed.
    pub called: String,
    /// The phone as typed.
    pub phone: String,
}

impl Sample for Trusted {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let person = |id: &str, name: &str, phone: &str| Person {
            id: id.to_owned(),
            name: name.to_owned(),
            phone: phone.to_owned(),
            named_at: sample::after(-20 * 86_400),
        };
        let empty = Self {
            p: p.clone(),
            people: Vec::new(),
            has_room: true,
            called: String::new(),
            phone: String::new(),
        };
        let boris = person("a1B2c3D4e5F", "Борис", "+7 ••• •••-00-02");
        vec![
            (
                "error",
                Self {
                    p: p.clone().with_error("phone", "phone-error-invalid"),
                    called: "Борис".to_owned(),
                    phone: "+7 913".to_owned(),
                    ..empty.clone()
                },
            ),
            (
                "one",
                Self {
                    p: p.clone().with_flash(Tone::Good, "flash-trusted-named"),
                    people: vec![boris.clone()],
                    ..empty.clone()
                },
            ),
            (
                "full",
                Self {
                    people: vec![boris, person("f6G7h8I9j0K", "Вера", "+7 ••• •••-00-03")],
                    has_room: false,
                    ..empty.clone()
                },
            ),
            ("empty", empty),
        ]
    }
}

/// `GET /freeze/trusted`; `POST` takes `phone`, the trusted person's own.
#[derive(Clone, Debug, Template)]
#[template(path = "trusted/start.html")]
pub struct TrustedStart {
    /// The shell.
    pub p: Shell,
    /// The phone as typed.
    pub phone: String,
}

impl Sample for TrustedStart {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |p: Shell, phone: &str| Self {
            p,
            phone: phone.to_owned(),
        };
        vec![
            ("empty", page(p.clone(), "")),
            (
                "error",
                page(p.clone().with_error("phone", "phone-error-invalid"), "+7 9"),
            ),
        ]
    }
}

/// `GET|POST /freeze/trusted/code`, with `…/resend` and `…/delivery`; `POST` takes `friend` and `code`.
#[derive(Clone, Debug, Template)]
#[template(path = "trusted/code.html")]
pub struct TrustedCode {
    /// The shell.
    pub p: Shell,
    /// The code.
    pub code: CodeEntry,
    /// The friend's phone as typed.
    pub friend: String,
}

impl TrustedCode {
    /// Whether the code can still be entered.
    pub fn is_live(&self) -> bool {
        self.code.state == super::code::CodeState::Live
    }
}

impl Sample for TrustedCode {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let code = CodeEntry {
            offers: vec![CodeWay::Sms],
            ..CodeEntry::sample()
        };
        vec![
            (
                "sent",
                Self {
                    p: p.clone(),
                    code: code.clone(),
                    friend: String::new(),
                },
            ),
            (
                "wrong",
                Self {
                    p: p.clone()
                        .with_error("friend", "phone-error-invalid")
                        .with_error("code", "code-error-wrong"),
                    code: code.clone(),
                    friend: "+7 912".to_owned(),
                },
            ),
            (
                "over",
                Self {
                    p: p.clone(),
                    code: CodeEntry {
                        state: super::code::CodeState::Dead,
                        ..code
                    },
                    friend: String::new(),
                },
            ),
        ]
    }
}

/// `GET /freeze/trusted/done`: the same words whoever was named or not (RE-10).
#[derive(Clone, Debug, Template)]
#[template(path = "trusted/done.html")]
pub struct TrustedDone {
    /// The shell.
    pub p: Shell,
}

impl Sample for TrustedDone {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        vec![("normal", Self { p: p.clone() })]
    }
}
