//! Another phone, another e-mail (CH-1 to CH-5, CH-7): the same pages for both.

use askama::Template;
use identity_core::changes::Kind;
use kernel::Timestamp;
use webkit::page::{Area, Sample, Shell, sample};

use super::code::{CodeEntry, CodeWay};

/// The address of the pages of a kind.
pub const fn base(kind: Kind) -> &'static str {
    match kind {
        Kind::Phone => "/profile/phone/change",
        Kind::Email => "/profile/email/change",
    }
}

/// Where they belong.
pub const fn home(kind: Kind) -> &'static str {
    match kind {
        Kind::Phone => "/profile/phone",
        Kind::Email => "/profile/email",
    }
}

/// A change that waits, as it stands beside what it changes (`parts/moving.html`).
#[derive(Clone, Debug)]
pub struct MovingCard {
    /// What is changed.
    pub kind: Kind,
    /// The new one, masked.
    pub to: String,
    /// When it is made.
    pub until: Timestamp,
    /// Its clock stands.
    pub is_disputed: bool,
}

impl MovingCard {
    /// The words of its heading.
    pub const fn title(&self) -> &'static str {
        match self.kind {
            Kind::Phone => "moving-phone-title",
            Kind::Email => "moving-email-title",
        }
    }

    /// The address that its button posts to.
    pub const fn stop(&self) -> &'static str {
        match self.kind {
            Kind::Phone => "/profile/phone/change/stop",
            Kind::Email => "/profile/email/change/stop",
        }
    }

    /// One that waits.
    pub fn sample(kind: Kind) -> Self {
        Self {
            kind,
            to: masked(kind),
            until: sample::after(9 * 86_400),
            is_disputed: false,
        }
    }
}

fn masked(kind: Kind) -> String {
    match kind {
        Kind::Phone => "+7 ••• •••-00-77".to_owned(),
        Kind::Email => "n•••@example.ru".to_owned(),
    }
}

/// `GET|POST /profile/{phone,email}/change`: the new one is typed.
#[derive(Clone, Debug, Template)]
#[template(path = "changes/start.html")]
pub struct ChangeStart {
    /// The shell.
    pub p: Shell,
    /// What is changed.
    pub kind: Kind,
    /// The present one, masked.
    pub present: String,
    /// What was typed.
    pub typed: String,
    /// It leads to another account: said after its code (CH-5).
    pub is_taken: bool,
    /// A change waits already.
    pub moving: Option<MovingCard>,
}

impl ChangeStart {
    /// The address of the form.
    pub const fn action(&self) -> &'static str {
        base(self.kind)
    }

    /// Whether a phone is changed.
    pub fn is_phone(&self) -> bool {
        self.kind == Kind::Phone
    }

    /// The page before.
    pub const fn back(&self) -> &'static str {
        home(self.kind)
    }
}

impl Sample for ChangeStart {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let page = |kind, p: &Shell| Self {
            p: p.clone(),
            kind,
            present: masked(kind),
            typed: String::new(),
            is_taken: false,
            moving: None,
        };
        let wrong = p.clone().with_error("phone", "change-error-own");
        vec![
            ("phone", page(Kind::Phone, &p)),
            ("email", page(Kind::Email, &p)),
            (
                "own",
                Self {
                    typed: "+7 900 000-00-01".to_owned(),
                    ..page(Kind::Phone, &wrong)
                },
            ),
            (
                "taken",
                Self {
                    is_taken: true,
                    ..page(Kind::Phone, &p)
                },
            ),
            (
                "waits",
                Self {
                    moving: Some(MovingCard::sample(Kind::Phone)),
                    ..page(Kind::Phone, &p)
                },
            ),
        ]
    }
}

/// `GET|POST …/change/code`, with `…/resend` and `…/delivery`: the code to the new one.
#[derive(Clone, Debug, Template)]
#[template(path = "changes/code.html")]
pub struct ChangeCode {
    /// The shell.
    pub p: Shell,
    /// What is changed.
    pub kind: Kind,
    /// The code.
    pub code: CodeEntry,
}

impl ChangeCode {
    /// An address below the change's own.
    pub fn at(&self, tail: &str) -> String {
        format!("{}{tail}", base(self.kind))
    }
}

impl Sample for ChangeCode {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let code = CodeEntry {
            to: Some(masked(Kind::Phone)),
            offers: vec![CodeWay::Sms, CodeWay::Call6],
            ..CodeEntry::sample()
        };
        let letter = CodeEntry {
            way: CodeWay::Email,
            to: Some(masked(Kind::Email)),
            offers: vec![CodeWay::Email],
            ..CodeEntry::sample()
        };
        let page = |kind, p: Shell, code| Self { p, kind, code };
        let wrong = p.clone().with_error("code", "code-error-wrong");
        vec![
            ("phone", page(Kind::Phone, p.clone(), code.clone())),
            ("wrong", page(Kind::Phone, wrong, code)),
            ("email", page(Kind::Email, p, letter)),
        ]
    }
}

/// `GET|POST …/change/check`: what is about to happen, and whether the old one is at hand.
#[derive(Clone, Debug, Template)]
#[template(path = "changes/check.html")]
pub struct ChangeCheck {
    /// The shell.
    pub p: Shell,
    /// What is changed.
    pub kind: Kind,
    /// The present one, masked.
    pub present: String,
    /// The new one, masked.
    pub to: String,
    /// Days that a change waits.
    pub days: u64,
}

impl ChangeCheck {
    /// The address of the form.
    pub const fn action(&self) -> &'static str {
        match self.kind {
            Kind::Phone => "/profile/phone/change/check",
            Kind::Email => "/profile/email/change/check",
        }
    }

    /// Where another one is typed.
    pub const fn back(&self) -> &'static str {
        base(self.kind)
    }

    /// Whether a phone is changed.
    pub fn is_phone(&self) -> bool {
        self.kind == Kind::Phone
    }
}

impl Sample for ChangeCheck {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let page = |kind| Self {
            p: p.clone(),
            kind,
            present: "+7 ••• •••-12-34".to_owned(),
            to: masked(kind),
            days: 14,
        };
        vec![("phone", page(Kind::Phone)), ("email", page(Kind::Email))]
    }
}

/// What to do next after a change (CH-7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// A passkey is there.
    pub passkey: bool,
    /// An app is there.
    pub totp: bool,
    /// An e-mail is there.
    pub email: bool,
}

/// `GET …/change/done`: how it ended, and what to do next (CH-7).
#[derive(Clone, Debug, Template)]
#[template(path = "changes/done.html")]
pub struct ChangeDone {
    /// The shell.
    pub p: Shell,
    /// What was changed.
    pub kind: Kind,
    /// The present one, masked.
    pub present: String,
    /// A change that waits; `None` when it was made.
    pub moving: Option<MovingCard>,
    /// What is there already.
    pub has: Advice,
}

impl ChangeDone {
    /// Whether a phone was changed.
    pub fn is_phone(&self) -> bool {
        self.kind == Kind::Phone
    }
}

impl Sample for ChangeDone {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let none = Advice {
            passkey: false,
            totp: false,
            email: false,
        };
        let all = Advice {
            passkey: true,
            totp: true,
            email: true,
        };
        let page = |kind, moving, has| Self {
            p: p.clone(),
            kind,
            present: masked(kind),
            moving,
            has,
        };
        vec![
            ("phone", page(Kind::Phone, None, none)),
            ("email", page(Kind::Email, None, all)),
            (
                "waits",
                page(
                    Kind::Phone,
                    Some(MovingCard::sample(Kind::Phone)),
                    Advice {
                        passkey: true,
                        ..none
                    },
                ),
            ),
        ]
    }
}

/// How far the link of a change has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeLinkState {
    /// It undoes a change.
    Undo(Kind),
    /// It stops one.
    Stop(Kind),
    /// The old one is back.
    Undone(Kind),
    /// The old one leads elsewhere; everything is frozen.
    Gone,
    /// The change is over.
    Ended(Kind),
    /// Its clock stands.
    Disputed,
    /// It was pressed before, has run out, or never was.
    Over,
}

/// `GET|POST /change/{token}`: undoes or stops a change (A48, A49).
#[derive(Clone, Debug, Template)]
#[template(path = "changes/link.html")]
pub struct ChangeLink {
    /// The shell.
    pub p: Shell,
    /// The token, part of the form's address.
    pub token: String,
    /// How far the link has come.
    pub state: ChangeLinkState,
}

impl ChangeLink {
    /// Words for a phone or for an e-mail.
    pub const fn of(kind: &Kind, phone: &'static str, email: &'static str) -> &'static str {
        match kind {
            Kind::Phone => phone,
            Kind::Email => email,
        }
    }
}

impl Sample for ChangeLink {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        use ChangeLinkState as S;
        let page = |state| Self {
            p: p.clone(),
            token: "sample".to_owned(),
            state,
        };
        vec![
            ("undo", page(S::Undo(Kind::Phone))),
            ("undo_email", page(S::Undo(Kind::Email))),
            ("undone", page(S::Undone(Kind::Phone))),
            ("gone", page(S::Gone)),
            ("stop", page(S::Stop(Kind::Phone))),
            ("stop_email", page(S::Stop(Kind::Email))),
            ("ended", page(S::Ended(Kind::Phone))),
            ("disputed", page(S::Disputed)),
            ("over", page(S::Over)),
        ]
    }
}
