//! Answers: pages, redirects after a POST, and what is said when something went wrong.

use askama::Template;
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use db::DbError;
use http::{HeaderValue, StatusCode, header};
use http_body_util::BodyExt;

use crate::{
    page::errors::{ErrorKind, ErrorPage},
    problem::Problem,
    visit::Visit,
};

/// A page that cannot be shown. It becomes an error page, or a problem under `/api/`, in the guard, which
/// knows the reader's language.
#[derive(Debug, Clone)]
pub struct PageError {
    status: StatusCode,
    kind: ErrorKind,
    to: Option<&'static str>,
}

impl PageError {
    /// What went wrong.
    pub fn kind(kind: ErrorKind) -> Self {
        Self {
            status: kind.status(),
            kind,
            to: None,
        }
    }

    /// The same under another status.
    pub fn status(status: StatusCode, kind: ErrorKind) -> Self {
        Self {
            status,
            kind,
            to: None,
        }
    }

    /// No page at all: another one has to come first.
    pub fn to(path: &'static str) -> Self {
        Self {
            to: Some(path),
            ..Self::kind(ErrorKind::Forbidden)
        }
    }

    /// A fault of ours. `what` goes to the log; it must hold nothing personal.
    pub fn internal(what: &str) -> Self {
        tracing::error!(what, "a request failed");
        Self::kind(ErrorKind::Internal)
    }

    /// Nothing is there, or not for this person.
    pub fn not_found() -> Self {
        Self::kind(ErrorKind::NotFound)
    }
}

impl From<DbError> for PageError {
    fn from(error: DbError) -> Self {
        if error.is_passing() || error == DbError::UnknownCommit {
            tracing::warn!(%error, "the database did not carry a request out");
            return Self::kind(ErrorKind::Unknown);
        }
        Self::internal(&error.to_string())
    }
}

#[derive(Clone)]
struct Went(ErrorKind);

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if let Some(path) = self.to {
            return see_other(path);
        }
        let mut response = self.status.into_response();
        response.extensions_mut().insert(Went(self.kind));
        response
    }
}

/// Gives an error its page or its problem. Also those of the router itself, which are bare.
pub(crate) async fn error_page(visit: &Visit, api: bool, response: Response) -> Response {
    let status = response.status();
    let went = response.extensions().get::<Went>().map(|Went(kind)| *kind);
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_bare = kind.is_none_or(|value| value.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || (went.is_none() && !is_bare) {
        return response;
    }
    let kind = went.unwrap_or_else(|| of_status(status));
    let (parts, body) = response.into_parts();
    // The router's own texts are for developers; nothing of them goes out.
    drop(body.collect().await);
    let mut answer = if api {
        Problem::of_kind(kind, status).into_response()
    } else {
        let page = ErrorPage {
            p: visit.shell(),
            kind,
            request_id: Some(visit.request_id.clone()),
            retry: None,
        };
        render(status, &page)
    };
    if let Some(allow) = parts.headers.get(header::ALLOW) {
        answer.headers_mut().insert(header::ALLOW, allow.clone());
    }
    if matches!(kind, ErrorKind::Unknown) {
        answer
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    answer
}

fn of_status(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        405 => ErrorKind::MethodNotAllowed,
        409 => ErrorKind::Conflict,
        413 => ErrorKind::TooLarge,
        422 => ErrorKind::Unprocessable,
        429 => ErrorKind::TooMany(None),
        503 | 504 => ErrorKind::Unknown,
        500..=599 => ErrorKind::Internal,
        _ => ErrorKind::BadRequest,
    }
}

/// A page, or 500 when its template fails.
pub fn render(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => {
            let mut response = Response::new(Body::from(html));
            *response.status_mut() = status;
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, html);
            response
        }
        Err(error) => {
            tracing::error!(%error, "a template failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A page: 200.
pub fn page(template: &impl Template) -> Response {
    render(StatusCode::OK, template)
}

/// A page with errors beside its fields: 422.
pub fn page_with_errors(template: &impl Template) -> Response {
    render(StatusCode::UNPROCESSABLE_ENTITY, template)
}

/// See other: the answer to every POST that did something.
pub fn see_other(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(path) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, path);
    }
    response
}

/// Adds a `Set-Cookie` made by [`Site::set_cookie`](crate::Site::set_cookie).
pub fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
