//! Problems of the JSON API (RFC 9457): a stable code, a status, what to do, and which field.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use db::DbError;
use http::{HeaderValue, StatusCode, header};
use kernel::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::page::errors::ErrorKind;

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// The field's name in the request.
    pub field: String,
    /// A stable code, such as `phone_invalid`.
    pub code: String,
}

/// A problem, as `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// A stable address of the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is, in English.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code programs switch on.
    pub code: String,
    /// Which fields, when the request is at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// When to try again, microseconds UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<i64>,
    /// Tries left, for a code that was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<u32>,
    /// The step that needs a proof before the request can run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    #[serde(skip)]
    #[schema(ignore)]
    retry_after: Option<u64>,
}

impl Problem {
    /// A problem of a code.
    pub fn new(status: StatusCode, code: &str, title: &str) -> Self {
        Self {
            kind: format!("urn:kabinet:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            errors: Vec::new(),
            retry_at: None,
            tries_left: None,
            step: None,
            retry_after: None,
        }
    }

    /// 503 because too much slow work is waiting (A109).
    pub fn overloaded() -> Self {
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        let mut problem = Self::new(
            unavailable,
            "overloaded",
            "Too much is waiting: repeat in a moment",
        );
        problem.retry_after = Some(2);
        problem
    }

    /// 422 because of one field.
    pub fn field(field: &str, code: &str) -> Self {
        let mut problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "The request is not valid",
        );
        problem.errors.push(FieldProblem {
            field: field.to_owned(),
            code: code.to_owned(),
        });
        problem
    }

    /// The same with the moment to try again.
    #[must_use]
    pub fn until(mut self, until: Timestamp, now: Timestamp) -> Self {
        self.retry_at = Some(until.as_micros());
        self.retry_after = Some(until.since(now).as_secs().max(1));
        self
    }

    /// The same with the tries left.
    #[must_use]
    pub fn left(mut self, tries: u32) -> Self {
        self.tries_left = Some(tries);
        self
    }

    /// The same with the step that needs a proof.
    #[must_use]
    pub fn for_step(mut self, step: String) -> Self {
        self.step = Some(step);
        self
    }

    /// The problem of an error page's kind.
    pub(crate) fn of_kind(kind: ErrorKind, status: StatusCode) -> Self {
        let (code, title) = match kind {
            ErrorKind::BadRequest if status == StatusCode::REQUEST_TIMEOUT => {
                ("request_timeout", "The body did not arrive in time")
            }
            ErrorKind::BadRequest if status == StatusCode::MISDIRECTED_REQUEST => {
                ("misdirected", "This host is not ours")
            }
            ErrorKind::BadRequest => ("bad_request", "The request cannot be read"),
            ErrorKind::Forbidden => ("forbidden", "Not allowed"),
            ErrorKind::NotFound => ("not_found", "Nothing is here"),
            ErrorKind::MethodNotAllowed => ("method_not_allowed", "Not with this method"),
            ErrorKind::Conflict => ("conflict", "It has changed meanwhile"),
            ErrorKind::TooLarge => ("too_large", "The request is too large"),
            ErrorKind::Unprocessable => ("invalid", "The request is not valid"),
            ErrorKind::TooMany(_) => ("too_many", "Too many requests"),
            ErrorKind::Internal => ("internal", "A fault of ours"),
            ErrorKind::Unknown => (
                "unavailable",
                "Not carried out, or not known: repeat with the same key",
            ),
        };
        Self::new(status, code, title)
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        if error == DbError::UnknownCommit {
            let title = "The outcome is not known: repeat with the same Idempotency-Key";
            let mut problem = Self::new(unavailable, "outcome_unknown", title);
            problem.retry_after = Some(2);
            return problem;
        }
        if error.is_passing() {
            let mut problem = Self::of_kind(ErrorKind::Unknown, unavailable);
            problem.retry_after = Some(2);
            return problem;
        }
        tracing::error!(%error, "a request failed");
        Self::of_kind(ErrorKind::Internal, StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
