//! Confirming a sensitive action: what is confirmed, and the proof that is asked for.

use askama::Template;
use identity_core::assurance::{Action, Method};
use kernel::Timestamp;
use webkit::page::{Area, Sample, Shell, sample};

use super::code::{CodeEntry, CodeWay};

/// The words of an action: what the person is about to do.
pub const fn action_title(action: Action) -> &'static str {
    match action {
        Action::OpenBank => "step-open-bank",
        Action::SetPassword => "step-set-password",
        Action::RemovePassword => "step-remove-password",
        Action::SetPasscode => "step-set-passcode",
        Action::RemovePasscode => "step-remove-passcode",
        Action::AddPasskey => "step-add-passkey",
        Action::RemovePasskey => "step-remove-passkey",
        Action::AddTotp => "step-add-totp",
        Action::RemoveTotp => "step-remove-totp",
        Action::IssueBackupCodes => "step-issue-backup-codes",
        Action::AskSecondFactor => "step-ask-second-factor",
        Action::DropSecondFactor => "step-drop-second-factor",
        Action::SetCodeWord => "step-set-code-word",
        Action::NameTrusted => "step-name-trusted",
        Action::RemoveTrusted => "step-remove-trusted",
        Action::LetIn => "step-let-in",
        Action::ClearDoubt => "step-clear-doubt",
        Action::AddEmail => "step-add-email",
        Action::ApproveMoney => "step-approve-money",
        Action::ChangePhone => "step-change-phone",
        Action::ChangeEmail => "step-change-email",
        Action::HoldPhone => "step-hold-phone",
        Action::HoldEmail => "step-hold-email",
    }
}

/// The words of a way to prove oneself, on a link that chooses it.
pub const fn method_choice(method: Method) -> &'static str {
    match method {
        Method::Sms | Method::Call => "prove-by-phone",
        Method::Email => "prove-by-email",
        Method::Device => "prove-by-device",
        Method::Passkey => "prove-by-passkey",
        Method::Password => "prove-by-password",
        Method::Passcode => "prove-by-passcode",
        Method::Totp => "prove-by-totp",
        Method::BackupCode => "prove-by-backup-code",
    }
}

/// The icon of a way to prove oneself.
pub const fn method_icon(method: Method) -> &'static str {
    match method {
        Method::Sms | Method::Device | Method::Totp => "smartphone",
        Method::Call => "phone",
        Method::Email => "mail",
        Method::Passkey => "key-round",
        Method::Password | Method::Passcode => "lock",
        Method::BackupCode => "file-text",
    }
}

/// One line of what is confirmed: the id of its name, and the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Id of the name.
    pub name: &'static str,
    /// The value as it was typed.
    pub value: String,
}

/// What the page asks for now.
#[derive(Clone, Debug)]
pub enum Face {
    /// A code has to be sent first.
    Send {
        /// How it can travel; the first is the usual one.
        ways: Vec<CodeWay>,
    },
    /// The code that was sent.
    Code(Box<CodeEntry>),
    /// A passkey, by the browser's own dialog.
    Passkey,
    /// The password.
    Password,
    /// The passcode.
    Passcode(PasscodeEntry),
    /// A code of the authenticator app, or a backup code.
    Factor(Method),
    /// Nothing: everything was shown.
    Proved,
}

/// Entering the passcode.
#[derive(Clone, Copy, Debug)]
pub struct PasscodeEntry {
    /// This browser's key is to sign; else a code was shown, and the browser may get a key.
    pub by_key: bool,
    /// Tries left, when some were wrong.
    pub left: Option<u32>,
}

/// `GET /confirm/{step}?by=…`; `POST` to `…/send`, `…/code`, `…/go`, `…/cancel`.
#[derive(Clone, Debug, Template)]
#[template(path = "confirm/confirm.html")]
pub struct Confirm {
    /// The shell.
    pub p: Shell,
    /// `/confirm/{step}`.
    pub path: String,
    /// How it is to be proved, as the forms' addresses carry it: empty, or `?by=passcode&with=code`.
    pub query: &'static str,
    /// What is confirmed.
    pub action: Action,
    /// Its content.
    pub lines: Vec<Line>,
    /// How it is proved now.
    pub by: Method,
    /// What is asked for.
    pub face: Face,
    /// Other ways.
    pub others: Vec<Method>,
    /// When the step ends.
    pub expires_at: Timestamp,
    /// Something was taken away today: only what has been there for long counts (A50).
    pub old_only: bool,
}

impl Confirm {
    /// The id of the action's words.
    pub const fn title(&self) -> &'static str {
        action_title(self.action)
    }

    /// Whether a backup code is asked for.
    pub fn is_backup(&self) -> bool {
        self.by == Method::BackupCode
    }

    /// An address below the step's own.
    pub fn at(&self, tail: &str) -> String {
        format!("{}/{tail}{}", self.path, self.query)
    }

    /// Whether a secret is typed here.
    pub const fn has_secret(&self) -> bool {
        matches!(self.face, Face::Password | Face::Passcode(_))
    }

    /// Whether that is the passcode, for which this browser may have a key.
    pub const fn has_passcode(&self) -> bool {
        matches!(self.face, Face::Passcode(_))
    }

    /// Whether a passkey is asked for.
    pub const fn has_passkey(&self) -> bool {
        matches!(self.face, Face::Passkey)
    }

    /// The words and the icon of a way.
    pub const fn choice(&self, method: &Method) -> (&'static str, &'static str) {
        (method_choice(*method), method_icon(*method))
    }
}

/// The address of a sample step.
pub const SAMPLE: &str = "/confirm/019a0000-0000-7000-8000-000000000000";

impl Sample for Confirm {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let code = |way, to: &str| {
            Face::Code(Box::new(CodeEntry {
                way,
                to: Some(to.to_owned()),
                offers: vec![way],
                ..CodeEntry::sample()
            }))
        };
        let normal = Self {
            p: p.clone(),
            path: SAMPLE.to_owned(),
            query: "",
            action: Action::NameTrusted,
            lines: vec![Line {
                name: "step-line-person",
                value: "Борис, +7 ••• •••-00-02".to_owned(),
            }],
            by: Method::Sms,
            face: code(CodeWay::Sms, "+7 ••• •••-12-34"),
            others: Vec::new(),
            expires_at: sample::after(540),
            old_only: false,
        };
        let mut samples = vec![
            (
                "send",
                Self {
                    face: Face::Send {
                        ways: vec![CodeWay::Sms, CodeWay::Call6],
                    },
                    ..normal.clone()
                },
            ),
            (
                "wrong",
                Self {
                    p: p.with_error("code", "code-error-wrong"),
                    ..normal.clone()
                },
            ),
            (
                "email",
                Self {
                    by: Method::Email,
                    face: code(CodeWay::Email, "a•••@example.ru"),
                    ..normal.clone()
                },
            ),
            (
                "proved",
                Self {
                    action: Action::OpenBank,
                    lines: Vec::new(),
                    face: Face::Proved,
                    ..normal.clone()
                },
            ),
            (
                "old_only",
                Self {
                    action: Action::RemovePassword,
                    lines: Vec::new(),
                    by: Method::Passkey,
                    face: Face::Passkey,
                    old_only: true,
                    ..normal.clone()
                },
            ),
            ("normal", normal.clone()),
        ];
        samples.extend(of_factors(&normal));
        samples.extend(of_secrets(&normal));
        samples
    }
}

/// The pages that ask for a passkey, an app or a backup code.
fn of_factors(normal: &Confirm) -> Vec<(&'static str, Confirm)> {
    vec![
        (
            "totp",
            Confirm {
                by: Method::Totp,
                face: Face::Factor(Method::Totp),
                others: vec![Method::BackupCode],
                ..normal.clone()
            },
        ),
        (
            "passkey",
            Confirm {
                action: Action::OpenBank,
                lines: Vec::new(),
                by: Method::Passkey,
                face: Face::Passkey,
                others: vec![Method::Password],
                ..normal.clone()
            },
        ),
        (
            "backup",
            Confirm {
                p: normal.p.clone().with_error("code", "backup-error-form"),
                by: Method::BackupCode,
                face: Face::Factor(Method::BackupCode),
                others: vec![Method::Totp],
                ..normal.clone()
            },
        ),
        (
            "passkey_wrong",
            Confirm {
                p: normal
                    .p
                    .clone()
                    .with_error("passkey", "passkey-error-not-taken"),
                by: Method::Passkey,
                face: Face::Passkey,
                ..normal.clone()
            },
        ),
    ]
}

/// The pages that ask for a chosen secret.
fn of_secrets(normal: &Confirm) -> Vec<(&'static str, Confirm)> {
    let p = normal.p.clone();
    vec![
        (
            "password",
            Confirm {
                p: p.clone(),
                by: Method::Password,
                face: Face::Password,
                others: vec![Method::Passcode],
                ..normal.clone()
            },
        ),
        (
            "password_wrong",
            Confirm {
                p: p.clone().with_error("password", "password-error-wrong"),
                by: Method::Password,
                face: Face::Password,
                ..normal.clone()
            },
        ),
        (
            "passcode",
            Confirm {
                p: p.clone(),
                by: Method::Passcode,
                face: Face::Passcode(PasscodeEntry {
                    by_key: true,
                    left: None,
                }),
                others: vec![Method::Password],
                ..normal.clone()
            },
        ),
        (
            "passcode_wrong",
            Confirm {
                p: p.clone().with_error("passcode", "passcode-error-wrong"),
                by: Method::Passcode,
                query: "?by=passcode&with=code",
                face: Face::Passcode(PasscodeEntry {
                    by_key: false,
                    left: Some(2),
                }),
                ..normal.clone()
            },
        ),
    ]
}
