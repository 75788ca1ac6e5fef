//! Second factors: the authenticator app, backup codes, the setting that always asks, and their page at sign-in.

use askama::Template;
use identity_core::{assurance::Method, backup_code::BackupCode, second_factor::Why};
use kernel::Timestamp;
use webkit::page::{Area, Sample, Shell, Tone, sample};

use super::confirm::{method_choice, method_icon};
use super::qr::Qr;

/// How the authenticator app stands.
#[derive(Clone, Debug)]
pub enum TotpFace {
    /// None is connected.
    None,
    /// A secret waits for its first code.
    Pending {
        /// The secret as a QR code.
        qr: Option<Qr>,
        /// The secret for typing.
        secret: String,
    },
    /// Connected.
    On {
        /// Since when.
        since: Timestamp,
    },
}

/// `GET /profile/security/totp`; `POST` takes the first `code`; `POST …/add`, `POST …/remove`.
#[derive(Clone, Debug, Template)]
#[template(path = "factors/totp.html")]
pub struct Totp {
    /// The shell.
    pub p: Shell,
    /// How it stands.
    pub face: TotpFace,
}

impl Sample for Totp {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let secret = "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ";
        let uri = "otpauth://totp/kabinet.example:sample?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=kabinet.example";
        let pending = TotpFace::Pending {
            qr: Qr::of(uri),
            secret: secret.to_owned(),
        };
        let page = |p: Shell, face| Self { p, face };
        let since = sample::after(-40 * 86_400);
        vec![
            ("none", page(p.clone(), TotpFace::None)),
            ("pending", page(p.clone(), pending.clone())),
            (
                "wrong",
                page(p.clone().with_error("code", "factor-error-wrong"), pending),
            ),
            (
                "needed",
                page(
                    p.clone().with_flash(Tone::Warn, "flash-totp-needed"),
                    TotpFace::On { since },
                ),
            ),
            ("on", page(p, TotpFace::On { since })),
        ]
    }
}

/// `GET /profile/security/backup-codes`; `POST` issues a set.
#[derive(Clone, Debug, Template)]
#[template(path = "factors/backup_codes.html")]
pub struct BackupCodes {
    /// The shell.
    pub p: Shell,
    /// How many are left.
    pub left: i64,
}

impl Sample for BackupCodes {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        vec![
            (
                "none",
                Self {
                    p: p.clone(),
                    left: 0,
                },
            ),
            ("some", Self { p, left: 10 }),
        ]
    }
}

/// How it goes on after the codes were read.
#[derive(Clone, Debug)]
pub enum Onwards {
    /// To this path.
    To(String),
    /// By a form to this path: what was confirmed runs now.
    By(String),
}

/// The answer to what made new codes: shown now and never again.
#[derive(Clone, Template)]
#[template(path = "factors/fresh_codes.html")]
pub struct FreshCodes {
    /// The shell.
    pub p: Shell,
    /// The codes, grouped. One: it takes the place of a used one.
    pub codes: Vec<String>,
    /// How it goes on.
    pub onwards: Onwards,
}

impl std::fmt::Debug for FreshCodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FreshCodes(…)")
    }
}

impl FreshCodes {
    /// Of these codes.
    pub fn of(p: Shell, codes: &[BackupCode], onwards: Onwards) -> Self {
        Self {
            p,
            codes: codes.iter().map(BackupCode::grouped).collect(),
            onwards,
        }
    }

    /// Whether one takes the place of a used one.
    pub fn is_one(&self) -> bool {
        self.codes.len() == 1
    }
}

impl Sample for FreshCodes {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let codes: Vec<_> = (0..10)
            .map(|n: u8| {
                BackupCode::from_random(std::array::from_fn(|i| {
                    n.wrapping_mul(29)
                        .wrapping_add(u8::try_from(i).unwrap_or(0).wrapping_mul(7))
                }))
            })
            .collect();
        let one = codes.get(..1).unwrap_or_default();
        vec![
            (
                "set",
                Self::of(
                    p.clone(),
                    &codes,
                    Onwards::To("/profile/security".to_owned()),
                ),
            ),
            ("one", Self::of(p.clone(), one, Onwards::To("/".to_owned()))),
            (
                "step",
                Self::of(
                    p,
                    one,
                    Onwards::By(format!("{}/go", super::confirm::SAMPLE)),
                ),
            ),
        ]
    }
}

/// `GET /profile/security/second-factor`; `POST` takes `always`: `on` or `off`.
#[derive(Clone, Debug, Template)]
#[template(path = "factors/second_factor.html")]
pub struct SecondFactor {
    /// The shell.
    pub p: Shell,
    /// Whether sign-in always asks.
    pub is_on: bool,
    /// What would do; empty: one must be added first.
    pub ways: Vec<Method>,
}

impl SecondFactor {
    /// The words and the icon of a way.
    pub const fn choice(&self, method: &Method) -> (&'static str, &'static str) {
        (method_choice(*method), method_icon(*method))
    }
}

impl Sample for SecondFactor {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let page = |is_on, ways: &[Method]| Self {
            p: p.clone(),
            is_on,
            ways: ways.to_vec(),
        };
        vec![
            ("nothing", page(false, &[])),
            ("off", page(false, &[Method::Totp])),
            ("on", page(true, &[Method::Totp, Method::BackupCode])),
        ]
    }
}

/// `GET /sign-in/second?by=…`; `POST` takes `by` and `code`.
#[derive(Clone, Debug, Template)]
#[template(path = "factors/sign_in_second.html")]
pub struct SignInSecond {
    /// The shell.
    pub p: Shell,
    /// Why it is asked for.
    pub why: Why,
    /// What is asked for now.
    pub by: Method,
    /// Other ways.
    pub others: Vec<Method>,
}

impl SignInSecond {
    /// Whether a backup code is asked for.
    pub fn is_backup(&self) -> bool {
        self.by == Method::BackupCode
    }

    /// Whether the password is asked for.
    pub fn is_password(&self) -> bool {
        self.by == Method::Password
    }

    /// Whether a passkey is asked for.
    pub fn is_passkey(&self) -> bool {
        self.by == Method::Passkey
    }

    /// The words of why.
    pub const fn lead(&self) -> &'static str {
        match self.why {
            Why::Setting => "second-lead-setting",
            Why::Aged => "second-lead-aged",
            Why::Doubted => "second-lead-doubted",
        }
    }

    /// The words and the icon of a way.
    pub const fn choice(&self, method: &Method) -> (&'static str, &'static str) {
        (method_choice(*method), method_icon(*method))
    }
}

impl Sample for SignInSecond {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |p: &Shell, why, by, others: &[Method]| Self {
            p: p.clone(),
            why,
            by,
            others: others.to_vec(),
        };
        let wrong = p.clone().with_error("code", "factor-error-wrong");
        let backup = p.clone().with_error("code", "backup-error-form");
        let password = p.clone().with_error("password", "password-error-wrong");
        let passkey = p.clone().with_error("passkey", "passkey-error-not-taken");
        let all = [Method::Totp, Method::BackupCode];
        vec![
            ("password", page(p, Why::Setting, Method::Password, &all)),
            (
                "password_wrong",
                page(&password, Why::Setting, Method::Password, &[]),
            ),
            ("passkey", page(p, Why::Aged, Method::Passkey, &all)),
            (
                "passkey_wrong",
                page(&passkey, Why::Aged, Method::Passkey, &[]),
            ),
            (
                "totp",
                page(p, Why::Setting, Method::Totp, &[Method::BackupCode]),
            ),
            ("wrong", page(&wrong, Why::Aged, Method::Totp, &[])),
            (
                "backup",
                page(&backup, Why::Doubted, Method::BackupCode, &[Method::Totp]),
            ),
        ]
    }
}
