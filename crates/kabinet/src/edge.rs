//! One request at the edge of the house: its line in the log, the bounds of its body, and what happens when a
//! handler panics.
//!
//! The log line has the template of the route, never the path or the query: tokens stand in them.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tracing::Instrument;

/// Longest body of a form or of JSON, bytes.
pub(crate) const BODY_MAX: usize = 64 * 1024;

/// Bounds of a request's body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyBounds {
    /// Bytes.
    pub(crate) most: usize,
    /// From the headers to the last byte (A105).
    pub(crate) within: Duration,
}

/// What is found out further inside and wanted for the log line.
#[derive(Clone, Default)]
struct Trail(Arc<OnceLock<String>>);

/// Outermost: writes one line for each request.
pub(crate) async fn log(mut request: Request, next: Next) -> Response {
    let began = instant();
    let method = known_method(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let trail = Trail::default();
    request.extensions_mut().insert(trail.clone());
    let span = tracing::info_span!("request", request_id = tracing::field::Empty);
    let response = next.run(request).instrument(span.clone()).await;
    let route = route.as_ref().map_or("(none)", MatchedPath::as_str);
    let status = response.status().as_u16();
    let took = began.elapsed();
    let id = trail.0.get().map_or("", String::as_str);
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    if is_noise(route) && status < 400 {
        tracing::debug!(method, route, status, micros, request_id = id, "answered");
    } else {
        tracing::info!(method, route, status, micros, request_id = id, "answered");
    }
    let labels = [("method", method.to_owned()), ("route", route.to_owned())];
    metrics::histogram!("kabinet_http_request_seconds", &labels).record(took.as_secs_f64());
    metrics::counter!("kabinet_http_requests_total", "status" => class(status), "method" => method)
        .increment(1);
    response
}

/// Asked all the time by machines; nobody looks for it in a log.
fn is_noise(route: &str) -> bool {
    ["/assets/", "/health/", "/demo/"]
        .iter()
        .any(|beginning| route.starts_with(beginning))
}

/// Inside of the guard that gives errors their pages: reads the whole body within its bounds before any
/// handler runs, and turns a panic into a 500.
pub(crate) async fn bound(
    State(bounds): State<BodyBounds>,
    request: Request,
    next: Next,
) -> Response {
    note_id(&request);
    let request = match read_body(bounds, request).await {
        Ok(request) => request,
        Err(status) => {
            let mut response = status.into_response();
            // What is left of the body is not waited for.
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
            return response;
        }
    };
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The guard names the request; its name goes into every line logged for it.
fn note_id(request: &Request) {
    let (Some(trail), Some(visit)) = (
        request.extensions().get::<Trail>(),
        request.extensions().get::<webkit::visit::Visit>(),
    ) else {
        return;
    };
    tracing::Span::current().record("request_id", visit.request_id.as_str());
    let _ = trail.0.set(visit.request_id.clone());
}

async fn read_body(bounds: BodyBounds, request: Request) -> Result<Request, StatusCode> {
    let (parts, body) = request.into_parts();
    let told = http_body::Body::size_hint(&body);
    if told.exact() == Some(0) {
        return Ok(Request::from_parts(parts, Body::empty()));
    }
    let most = u64::try_from(bounds.most).unwrap_or(u64::MAX);
    if told.lower() > most {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let read = tokio::time::timeout(bounds.within, Limited::new(body, bounds.most).collect());
    match read.await {
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        Ok(Ok(whole)) => Ok(Request::from_parts(parts, Body::from(whole.to_bytes()))),
    }
}

/// A stranger may invent methods; the log and the metrics know these.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn class(status: u16) -> &'static str {
    match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures how long an answer took; nothing is decided by it"
)]
fn instant() -> Instant {
    Instant::now()
}
