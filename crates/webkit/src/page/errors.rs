//! Pages of things that went wrong, and the page shown without a network.

use askama::Template;
use kernel::Timestamp;

use super::{Sample, Shell, Tone, sample};

/// What went wrong, as far as people outside may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// 400: the request cannot be read.
    BadRequest,
    /// 403: not allowed, or the form is too old (CSRF).
    Forbidden,
    /// 404.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 409: it changed meanwhile.
    Conflict,
    /// 413.
    TooLarge,
    /// 422 outside a form that could show it.
    Unprocessable,
    /// 429: when to come back, where known.
    TooMany(Option<Timestamp>),
    /// 500.
    Internal,
    /// 503: the outcome is not known; repeating is safe (EV-3).
    Unknown,
}

impl ErrorKind {
    /// The HTTP status.
    pub const fn status(self) -> http::StatusCode {
        use http::StatusCode as S;
        match self {
            Self::BadRequest => S::BAD_REQUEST,
            Self::Forbidden => S::FORBIDDEN,
            Self::NotFound => S::NOT_FOUND,
            Self::MethodNotAllowed => S::METHOD_NOT_ALLOWED,
            Self::Conflict => S::CONFLICT,
            Self::TooLarge => S::PAYLOAD_TOO_LARGE,
            Self::Unprocessable => S::UNPROCESSABLE_ENTITY,
            Self::TooMany(_) => S::TOO_MANY_REQUESTS,
            Self::Internal => S::INTERNAL_SERVER_ERROR,
            Self::Unknown => S::SERVICE_UNAVAILABLE,
        }
    }

    /// Id of the heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "oops-bad-request",
            Self::Forbidden => "oops-forbidden",
            Self::NotFound => "oops-not-found",
            Self::MethodNotAllowed => "oops-method",
            Self::Conflict => "oops-conflict",
            Self::TooLarge => "oops-too-large",
            Self::Unprocessable => "oops-unprocessable",
            Self::TooMany(_) => "oops-too-many",
            Self::Internal => "oops-internal",
            Self::Unknown => "oops-unknown",
        }
    }

    /// Id of what to do.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::BadRequest => "oops-bad-request-advice",
            Self::Forbidden => "oops-forbidden-advice",
            Self::NotFound => "oops-not-found-advice",
            Self::MethodNotAllowed => "oops-method-advice",
            Self::Conflict => "oops-conflict-advice",
            Self::TooLarge => "oops-too-large-advice",
            Self::Unprocessable => "oops-unprocessable-advice",
            Self::TooMany(_) => "oops-too-many-advice",
            Self::Internal => "oops-internal-advice",
            Self::Unknown => "oops-unknown-advice",
        }
    }

    /// How grave it is.
    pub const fn tone(self) -> Tone {
        match self {
            Self::NotFound | Self::MethodNotAllowed => Tone::Info,
            Self::Internal => Tone::Bad,
            _ => Tone::Warn,
        }
    }

    /// The icon of the sprite.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::NotFound | Self::MethodNotAllowed => "circle-question-mark",
            Self::TooMany(_) => "clock",
            Self::Forbidden => "lock",
            Self::Conflict | Self::Unknown => "refresh-cw",
            _ => "triangle-alert",
        }
    }
}

/// The page of an error.
#[derive(Clone, Debug, Template)]
#[template(path = "errors/error.html")]
pub struct ErrorPage {
    /// The shell.
    pub p: Shell,
    /// What went wrong.
    pub kind: ErrorKind,
    /// Number of the request, to be told to support; never anything inside.
    pub request_id: Option<String>,
    /// Where the primary button leads: the page to try again, or the start.
    pub retry: Option<String>,
}

impl ErrorPage {
    /// When to come back.
    pub const fn until(&self) -> Option<&Timestamp> {
        match &self.kind {
            ErrorKind::TooMany(until) => until.as_ref(),
            _ => None,
        }
    }
}

impl Sample for ErrorPage {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |kind| Self {
            p: p.clone(),
            kind,
            request_id: None,
            retry: None,
        };
        let mut unknown = page(ErrorKind::Unknown);
        unknown.retry = Some("/profile/data".to_owned());
        unknown.request_id = Some("7f3a-01c9".to_owned());
        unknown.p = sample::signed_in(p);
        vec![
            ("400", page(ErrorKind::BadRequest)),
            ("403", page(ErrorKind::Forbidden)),
            ("404", page(ErrorKind::NotFound)),
            ("405", page(ErrorKind::MethodNotAllowed)),
            ("409", page(ErrorKind::Conflict)),
            ("413", page(ErrorKind::TooLarge)),
            ("422", page(ErrorKind::Unprocessable)),
            ("429", page(ErrorKind::TooMany(Some(sample::after(1260))))),
            ("429_open", page(ErrorKind::TooMany(None))),
            ("500", page(ErrorKind::Internal)),
            ("503", unknown),
        ]
    }
}

/// `GET /offline`: kept by the service worker. Its shell must be anonymous,
/// because the page is stored on the device.
#[derive(Clone, Debug, Template)]
#[template(path = "errors/offline.html")]
pub struct OfflinePage {
    /// The shell, without a person.
    pub p: Shell,
}

impl Sample for OfflinePage {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        vec![("normal", Self { p: p.clone() })]
    }
}

crate::sample_pages! {
    /// Every sample of the shell's own pages.
    "error" => ErrorPage,
    "offline" => OfflinePage,
}
