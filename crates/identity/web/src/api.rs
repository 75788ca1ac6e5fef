//! The cabinet as JSON (OP-2): the same commands as the pages, under `/api/v1`, described at
//! `/api/openapi.json`.
//!
//! | to find | look in |
//! |---|---|
//! | password, passcode, code word | `secrets` |
//! | another phone, another e-mail | `changes` |
//! | step-up: what a sensitive request needs first | `steps` |
//! | keys, headers and bodies of requests | `request` |
//! | every code of a problem | `problems` |
//! | what answers have in common | `words` |
//! | reading the fields of a person | `fields` |
//! | what the document says of all operations | `document` |
//!
//! Who asks is known by `Authorization: Bearer`, or by the cookie of our own pages together with the token of
//! their forms. Every POST and PUT takes an `Idempotency-Key` (EV-3). Every error is a problem with a stable
//! code (EV-2).

mod changes;
mod consents;
pub mod document;
mod email;
mod factors;
pub mod fields;
mod freeze;
mod gateways;
mod handover;
mod history;
mod number;
mod passkeys;
pub mod problems;
mod profile;
pub mod request;
mod second;
mod secrets;
mod session;
pub mod sign_in;
mod steps;
mod trusted;
pub mod words;

use axum::{
    Router,
    body::Bytes,
    extract::Request,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{Method, StatusCode, header};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use webkit::problem::{FieldProblem, Problem};

use crate::state::State;
pub use gateways::{Gateway, Gateways};

/// Where the document is.
pub const DOCUMENT: &str = "/api/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Kabinet",
        version = "1",
        description = "The personal account as JSON.\n\n\
            Times are whole microseconds since 1970, UTC. Errors are problems (RFC 9457): programs switch on \
            `code`. Every POST and PUT takes an `Idempotency-Key`: after a lost answer, a 503 or a double click \
            send the same request with the same key, and it happens once. A body is JSON in UTF-8, at most \
            64 KiB, without unknown fields.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Problem, FieldProblem)),
    tags(
        (name = "sign-in", description = "One door: sign-in and registration"),
        (name = "session", description = "The session, devices, language"),
        (name = "profile", description = "Personal data"),
        (name = "email", description = "The e-mail address"),
        (name = "changes", description = "Another phone, another e-mail"),
        (name = "consents", description = "Consents and subscriptions"),
        (name = "history", description = "What happened to the account"),
        (name = "freeze", description = "Stopping everything, and lifting that"),
        (name = "links", description = "Links of messages; they need no session"),
        (name = "passkeys", description = "Passkeys"),
        (name = "steps", description = "Proofs that sensitive requests need first"),
        (name = "secrets", description = "Password, passcode, code word"),
        (name = "second-factors", description = "The authenticator app, backup codes, the second factor at sign-in"),
        (name = "handover", description = "Letting a computer in by a signed-in phone"),
        (name = "number", description = "The number, and ways back in"),
        (name = "trusted", description = "Trusted people, who may freeze and never enter"),
        (name = "recovery", description = "Getting back in when one cannot sign in"),
        (name = "bank", description = "The bank section's lock"),
        (name = "gateways", description = "Reports of message gateways")
    )
)]
struct Head;

fn v1() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(sign_in::ask, sign_in::status))
        .routes(routes!(sign_in::verify))
        .routes(routes!(sign_in::register))
        .routes(routes!(session::look, session::sign_out))
        .routes(routes!(session::devices, session::end_others))
        .routes(routes!(session::end))
        .routes(routes!(session::set_locale))
        .routes(routes!(profile::look))
        .routes(routes!(profile::set_name))
        .routes(routes!(profile::set_birth))
        .routes(routes!(profile::set_address))
        .routes(routes!(profile::set_passport))
        .routes(routes!(profile::set_inn))
        .routes(routes!(profile::set_snils))
        .routes(routes!(email::look, email::add))
        .routes(routes!(email::confirm))
        .routes(routes!(email::look_link, email::use_link))
        .routes(routes!(changes::look))
        .routes(routes!(changes::ask))
        .routes(routes!(changes::verify))
        .routes(routes!(changes::make))
        .routes(routes!(changes::stop))
        .routes(routes!(changes::look_link, changes::use_link))
        .routes(routes!(consents::list))
        .routes(routes!(
            consents::subscriptions,
            consents::set_subscriptions
        ))
        .routes(routes!(consents::look_unsubscribe, consents::unsubscribe))
        .routes(routes!(history::page))
        .routes(routes!(freeze::mine))
        .routes(routes!(freeze::ask, freeze::status))
        .routes(routes!(freeze::verify))
        .routes(routes!(freeze::ask_unfreeze))
        .routes(routes!(freeze::unfreeze))
        .routes(routes!(freeze::look_alarm, freeze::alarm))
        .routes(routes!(steps::look, steps::cancel))
        .routes(routes!(steps::ask))
        .routes(routes!(steps::verify))
        .routes(routes!(secrets::look))
        .routes(routes!(secrets::set_password, secrets::remove_password))
        .routes(routes!(secrets::set_passcode, secrets::remove_passcode))
        .routes(routes!(secrets::set_code_word))
        .routes(routes!(secrets::show_password))
        .routes(routes!(secrets::show_passcode))
        .routes(routes!(secrets::challenge))
        .routes(routes!(factors::show))
        .routes(routes!(
            factors::look_totp,
            factors::begin_totp,
            factors::remove_totp
        ))
        .routes(routes!(factors::confirm_totp))
        .routes(routes!(factors::look_backup, factors::issue_backup))
        .routes(routes!(factors::look_second, factors::set_second))
        .routes(routes!(second::look, second::check))
        .routes(routes!(second::passkey))
        .routes(routes!(handover::begin))
        .routes(routes!(handover::state, handover::enter))
        .routes(routes!(handover::look, handover::choose, handover::refuse))
        .routes(routes!(number::look, number::ask))
        .routes(routes!(number::confirm))
        .routes(routes!(number::clear))
        .routes(routes!(number::ways_back))
        .routes(routes!(trusted::list, trusted::name))
        .routes(routes!(trusted::remove))
        .routes(routes!(trusted::ask))
        .routes(routes!(trusted::freeze))
        .routes(routes!(gateways::number_signal))
        .routes(routes!(
            steps::look_bank,
            steps::open_bank,
            steps::lock_bank
        ))
        .routes(routes!(passkeys::begin_sign_in))
        .routes(routes!(passkeys::sign_in))
        .routes(routes!(passkeys::list, passkeys::add))
        .routes(routes!(passkeys::begin_adding))
        .routes(routes!(passkeys::rename, passkeys::remove))
        .routes(routes!(passkeys::begin_proof))
        .routes(routes!(passkeys::prove))
        .routes(routes!(gateways::report))
}

/// The routes of the API with their document.
pub fn api() -> OpenApiRouter<State> {
    api_with(OpenApiRouter::new())
}

/// The same with the operations of other areas, which stand under `/api/v1` too.
pub fn api_with(others: OpenApiRouter<State>) -> OpenApiRouter<State> {
    let v1 = v1().merge(others);
    let mut api = OpenApiRouter::with_openapi(Head::openapi()).nest("/api/v1", v1);
    document::finish(api.get_openapi_mut());
    api
}

/// The routes of the API and of its document, to be merged into the others inside of the guard.
pub fn router() -> Router<State> {
    router_with(OpenApiRouter::new())
}

/// The same with the operations of other areas.
pub fn router_with(others: OpenApiRouter<State>) -> Router<State> {
    let (router, document) = api_with(others).split_for_parts();
    let text: Bytes = text_of(&document).into();
    router
        .route(
            DOCUMENT,
            get(async move || ([(header::CONTENT_TYPE, "application/json")], text)),
        )
        .layer(middleware::from_fn(options))
}

/// A document, as it is served and as it stands in `docs/openapi.json`.
pub fn text_of(document: &utoipa::openapi::OpenApi) -> String {
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// OPTIONS says which methods there are, and nothing more: other sites get no permissions. The header with
/// the methods is put there by the router.
async fn options(request: Request, next: Next) -> Response {
    let is_options = request.method() == Method::OPTIONS;
    let response = next.run(request).await;
    if is_options && response.status() == StatusCode::METHOD_NOT_ALLOWED {
        return StatusCode::NO_CONTENT.into_response();
    }
    response
}
