//! Sign-in and registration, which are the same (ID-1).

use askama::Template;
use identity_core::consent::MarketingChannel;
use kernel::Timestamp;
use webkit::i18n::Message;
use webkit::page::{Sample, Shell, Tone, sample};

use super::code::{CodeEntry, CodeState, CodeWay, Delivery};
use super::notifications::channel_name;

/// Sign-in by passkey beside the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByPasskey {
    /// No browser makes passkeys for this installation's address.
    NotHere,
    /// Offered, where the browser can, also in its autofill.
    Offered,
    /// By the button alone: one was refused just now, and an autofill that answers at once would show it for ever.
    /// With the site when the refused one is nobody's, and its authenticator may forget it.
    Again(Option<String>),
}

/// `GET /sign-in`: the phone number. `POST /sign-in` takes `phone`.
///
/// Errors on `phone`: [`super::wrong::phone`], and `phone-error-country` where
/// codes are not sent.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in/phone.html")]
pub struct SignInPhone {
    /// The shell.
    pub p: Shell,
    /// What was typed.
    pub phone: String,
    /// Sign-in by passkey: `POST /sign-in/passkey` takes `ceremony` and `answer`; errors on `passkey`.
    pub passkey: ByPasskey,
}

impl Sample for SignInPhone {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |p: Shell, phone: &str| Self {
            p,
            phone: phone.to_owned(),
            passkey: ByPasskey::Offered,
        };
        vec![
            ("empty", page(p.clone(), "")),
            (
                "error",
                page(
                    p.clone().with_error("phone", "phone-error-invalid"),
                    "+7 912 34",
                ),
            ),
            (
                "error_empty",
                page(p.clone().with_error("phone", "phone-error-empty"), ""),
            ),
            (
                "error_country",
                page(
                    p.clone().with_error("phone", "phone-error-country"),
                    "+1 212 555 0100",
                ),
            ),
            (
                "error_service",
                page(
                    p.clone().with_error("phone", "phone-error-not-personal"),
                    "8 800 555-35-35",
                ),
            ),
            (
                "passkey_not_taken",
                Self {
                    passkey: ByPasskey::Again(Some("kabinet.example".to_owned())),
                    ..page(
                        p.clone().with_error("passkey", "passkey-error-not-taken"),
                        "",
                    )
                },
            ),
            (
                "without_passkeys",
                Self {
                    passkey: ByPasskey::NotHere,
                    ..page(p.clone(), "")
                },
            ),
            (
                "session_ended",
                page(p.clone().with_flash(Tone::Info, "flash-session-ended"), ""),
            ),
        ]
    }
}

/// `GET /sign-in/email`: the e-mail way. `POST /sign-in/email` takes `email`.
///
/// Errors on `email`: [`super::wrong::email`].
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in/email.html")]
pub struct SignInEmail {
    /// The shell.
    pub p: Shell,
    /// What was typed.
    pub email: String,
}

impl Sample for SignInEmail {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |p: Shell, email: &str| Self {
            p,
            email: email.to_owned(),
        };
        vec![
            ("empty", page(p.clone(), "")),
            (
                "error",
                page(
                    p.clone().with_error("email", "email-error-invalid"),
                    "anna@example",
                ),
            ),
            (
                "error_empty",
                page(p.clone().with_error("email", "email-error-empty"), ""),
            ),
        ]
    }
}

/// `GET /sign-in/code`: the code. `POST /sign-in/code` takes `code`;
/// `POST /sign-in/code/resend` takes `channel` (`sms`, `call`, `email`);
/// `GET /sign-in/code/delivery` answers `{"state", "text", "final"}`.
///
/// Errors on `code`: `code-error-empty`, `code-error-wrong`,
/// `code-error-too-soon`; on `resend`, where no field is left to fill:
/// `code-error-expired`, `code-error-dead`.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in/code.html")]
pub struct SignInCode {
    /// The shell.
    pub p: Shell,
    /// The code.
    pub code: CodeEntry,
}

impl Sample for SignInCode {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let usual = CodeEntry::sample;
        let wrong = |id: &'static str| p.clone().with_error("code", Message::new(id));
        let page = |p: Shell, code: CodeEntry| Self { p, code };
        vec![
            ("sent", page(p.clone(), usual())),
            (
                "waiting",
                page(
                    p.clone(),
                    CodeEntry {
                        delivery: Delivery::Waiting,
                        ..usual()
                    },
                ),
            ),
            (
                "call",
                page(
                    p.clone(),
                    CodeEntry {
                        number: 3,
                        way: CodeWay::Call6,
                        next_at: sample::after(-1),
                        delivery: Delivery::Delivered(sample::after(-5)),
                        ..usual()
                    },
                ),
            ),
            (
                "call_4",
                page(
                    p.clone(),
                    CodeEntry {
                        way: CodeWay::Call4,
                        delivery: Delivery::Failed,
                        ..usual()
                    },
                ),
            ),
            (
                "email",
                page(
                    p.clone(),
                    CodeEntry {
                        way: CodeWay::Email,
                        long_wait: true,
                        next_at: sample::after(0),
                        ..usual()
                    },
                ),
            ),
            (
                "wrong",
                page(
                    wrong("code-error-wrong"),
                    CodeEntry {
                        tries_left: Some(2),
                        ..usual()
                    },
                ),
            ),
            ("error_empty", page(wrong("code-error-empty"), usual())),
            ("too_soon", page(wrong("code-error-too-soon"), usual())),
            (
                "expired",
                page(
                    p.clone().with_error("resend", "code-error-expired"),
                    CodeEntry {
                        state: CodeState::Expired,
                        expires_at: sample::after(-20),
                        next_at: sample::after(-250),
                        ..usual()
                    },
                ),
            ),
            (
                "dead",
                page(
                    p.clone().with_error("resend", "code-error-dead"),
                    CodeEntry {
                        state: CodeState::Dead,
                        ..usual()
                    },
                ),
            ),
        ]
    }
}

/// `GET /sign-in/consent`: a new account's consents, after its code (ID-12).
/// `POST /sign-in/consent` takes `consent` (`yes`), and `marketing_sms`,
/// `marketing_email`, `marketing_messenger`, `marketing_push` (`on` or absent).
///
/// Error on `consent`: `consent-error-required`.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in/consent.html")]
pub struct SignInConsent {
    /// The shell.
    pub p: Shell,
    /// Version of the consent's text.
    pub version: String,
    /// Marketing channels ticked before an error; all off at first.
    pub marketing: Vec<MarketingChannel>,
}

impl SignInConsent {
    fn switches(&self) -> Vec<(String, &'static str, bool)> {
        MarketingChannel::ALL
            .into_iter()
            .map(|channel| {
                (
                    format!("marketing_{}", channel.as_str()),
                    channel_name(channel),
                    self.marketing.contains(&channel),
                )
            })
            .collect()
    }
}

impl Sample for SignInConsent {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |p: Shell, marketing: Vec<MarketingChannel>| Self {
            p,
            version: "1.0".to_owned(),
            marketing,
        };
        vec![
            ("empty", page(p.clone(), Vec::new())),
            (
                "error",
                page(
                    p.clone().with_error("consent", "consent-error-required"),
                    vec![MarketingChannel::Email],
                ),
            ),
        ]
    }
}

/// `GET /sign-in/limited`: code sign-in rests for this identifier or network
/// (ID-2a, ID-2b). A refused form leads here; the page itself, which may be reloaded and refuses nothing, is
/// answered with 200. The API answers such a request with 429.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in/limited.html")]
pub struct SignInLimited {
    /// The shell.
    pub p: Shell,
    /// When to come back; `None` when only another way in helps.
    pub until: Option<Timestamp>,
    /// Only the pause between two codes, not a limit.
    pub is_pause: bool,
    /// Where it began.
    pub back: &'static str,
    /// Ways that still work.
    pub offers: Vec<CodeWay>,
}

impl Sample for SignInLimited {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |until, offers: &[CodeWay]| Self {
            p: p.clone(),
            until,
            is_pause: false,
            back: "/sign-in",
            offers: offers.to_vec(),
        };
        vec![
            (
                "pause",
                Self {
                    is_pause: true,
                    back: "/freeze",
                    ..page(Some(sample::after(42)), &[])
                },
            ),
            ("rests", page(Some(sample::after(1260)), &[CodeWay::Email])),
            ("alone", page(Some(sample::after(7200)), &[])),
            ("closed", page(None, &[CodeWay::Email])),
        ]
    }
}

/// `GET /signed-out`.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in/signed_out.html")]
pub struct SignedOut {
    /// The shell.
    pub p: Shell,
}

impl Sample for SignedOut {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        vec![("normal", Self { p: p.clone() })]
    }
}
