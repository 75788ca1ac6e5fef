//! Pages: each parses a form, runs one command or read, and renders a view.

mod case;
mod facts;
mod resume;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State as Shared},
    response::Response,
    routing::{get, post},
};
use identity_web::{
    State,
    common::{done, key, open_shell},
    state::{Fault, Who},
    views::wrong,
};
use kernel::{Email, Identifier, Phone, Timestamp};
use recovery_service::stop::{StopLink, StopToken};
use webkit::{
    form::Form,
    i18n::Message,
    page::Shell,
    respond::{PageError, page, page_with_errors, see_other},
    visit::Visit,
};

use crate::{
    acts::{Acts, StartDone},
    views::{RecoveryStart, Stop, StopView},
};

/// Longest form with a code in it, bytes (A12).
const CODE_FORM_MAX: usize = 4 * 1024;
/// The page of the case.
const CASE: &str = "/recovery/case";

/// Every page of recovery. The caller puts the guard of `webkit` around it.
pub fn pages() -> Router<State> {
    let of_a_code = || DefaultBodyLimit::max(CODE_FORM_MAX);
    Router::new()
        .route("/recovery", get(begin).post(start))
        .route("/recovery/case", get(case::look))
        .route("/recovery/phone", get(case::phone).post(case::ask_phone))
        .route(
            "/recovery/phone/code",
            get(case::code).post(case::prove).layer(of_a_code()),
        )
        .route("/recovery/phone/code/resend", post(case::resend))
        .route("/recovery/phone/code/delivery", get(case::delivery))
        .route(
            "/recovery/person",
            get(facts::person).post(facts::set_person),
        )
        .route(
            "/recovery/knowledge",
            get(facts::knowledge).post(facts::set_knowledge),
        )
        .route("/recovery/resume", get(resume::begin).post(resume::ask))
        .route(
            "/recovery/resume/code",
            get(resume::code).post(resume::resume).layer(of_a_code()),
        )
        .route("/recovery/resume/code/resend", post(resume::resend))
        .route("/recovery/resume/code/delivery", get(resume::delivery))
        .route("/stop/{token}", get(look_stop).post(press_stop))
}

fn whole(view: &impl askama::Template, p: &Shell) -> Response {
    if p.has_errors() {
        page_with_errors(view)
    } else {
        page(view)
    }
}

async fn start_page(
    state: &State,
    visit: &Visit,
    p: Shell,
    typed: &str,
) -> Result<Response, Fault> {
    let has_case = Acts(state).look(visit.browser_key()).await?.is_some();
    let view = RecoveryStart {
        identifier: typed.to_owned(),
        has_case,
        p,
    };
    Ok(whole(&view, &view.p))
}

/// `GET /recovery`.
async fn begin(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Option<Who>,
) -> Result<Response, Fault> {
    let p = open_shell(&state, &visit, who.as_ref()).await?;
    start_page(&state, &visit, p, "").await
}

/// A phone or an e-mail address, told apart by what was typed.
fn identifier(text: &str) -> Result<Identifier, Message> {
    if text.contains('@') {
        return Email::parse(text)
            .map(Identifier::Email)
            .map_err(wrong::email);
    }
    if text.trim().is_empty() {
        return Err("identifier-error-empty".into());
    }
    // Letters are no number with a slip in it.
    if text.chars().any(char::is_alphabetic) {
        return Err("identifier-error-invalid".into());
    }
    Phone::parse(text)
        .map(Identifier::Phone)
        .map_err(wrong::phone)
}

/// `POST /recovery`. The same answer whether or not an account is there (A2).
async fn start(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, PageError> {
    let text = form.text("identifier");
    let identifier = match identifier(text) {
        Ok(identifier) => identifier,
        Err(error) => {
            let p = visit.shell().with_error("identifier", error);
            return Ok(start_page(&state, &visit, p, text).await?);
        }
    };
    let key = key(&visit, None, &form);
    let started = Acts(&state)
        .start(key, &visit.visitor, identifier, visit.browser_key())
        .await?;
    match done(started)? {
        StartDone::Open { .. } => Ok(see_other(CASE)),
        StartDone::NotNow { until } => {
            let p = visit.shell();
            let until = p.deadline(&Timestamp::from_micros(until)).text;
            let often = Message::new("recovery-error-often").with("until", until);
            let p = p.with_error("identifier", often);
            Ok(start_page(&state, &visit, p, text).await?)
        }
    }
}

fn stop_page(visit: &Visit, token: String, link: StopLink) -> Response {
    page(&Stop {
        p: visit.shell(),
        token,
        view: match link {
            StopLink::Open => StopView::Open,
            StopLink::Stopped => StopView::Stopped,
            StopLink::Over => StopView::Over,
        },
    })
}

/// `GET /stop/{token}`.
async fn look_stop(
    Shared(state): Shared<State>,
    visit: Visit,
    Path(token): Path<String>,
) -> Result<Response, Fault> {
    let link = Acts(&state).look_stop(&token).await?;
    Ok(stop_page(&visit, token, link))
}

/// `POST /stop/{token}`.
async fn press_stop(
    Shared(state): Shared<State>,
    visit: Visit,
    Path(token): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let link = match StopToken::from_text(&token) {
        None => StopLink::Over,
        Some(link) => {
            let key = key(&visit, None, &form);
            done(Acts(&state).stop(key, &visit.visitor, link).await?)?
        }
    };
    Ok(stop_page(&visit, token, link))
}
