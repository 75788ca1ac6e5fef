//! The demo's own routes, for people beside the cabinet and for tests. None of them exists in `serve`.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{StatusCode, header};
use kernel::{Clock, Timestamp};
use notify::Channel;
use notify::simulated::SimulatedPhone;
use serde::{Deserialize, Serialize};

use webkit::form::Form;
use webkit::page::errors::ErrorKind;
use webkit::respond::{PageError, see_other};
use webkit::visit::Visit;

use super::clock::MovableClock;
use crate::demo_views::{Customer, DemoChannel, DemoFront, DemoMessage, DemoPhone};

#[derive(Clone)]
struct Tools {
    phone: SimulatedPhone,
    clock: Arc<MovableClock>,
    has_customers: bool,
}

/// The phone and the clock, as pages and as JSON.
pub(super) fn tools(
    phone: SimulatedPhone,
    clock: Arc<MovableClock>,
    has_customers: bool,
) -> Router {
    Router::new()
        .route("/demo", get(front))
        .route("/demo/phone", get(phone_page))
        .route("/demo/messages", get(messages))
        .route("/demo/clock", get(clock_now).post(clock_move))
        .route("/demo/clock/move", post(clock_press))
        .with_state(Tools {
            phone,
            clock,
            has_customers,
        })
}

async fn messages(State(tools): State<Tools>) -> impl IntoResponse {
    (
        [(header::CACHE_CONTROL, "no-store")],
        Json(tools.phone.messages()),
    )
}

async fn front(State(tools): State<Tools>, visit: Visit) -> Result<Html<String>, PageError> {
    let customers = if tools.has_customers {
        Customer::ALL.to_vec()
    } else {
        Vec::new()
    };
    page(&DemoFront {
        p: visit.shell(),
        customers,
    })
}

async fn phone_page(State(tools): State<Tools>, visit: Visit) -> Result<Html<String>, PageError> {
    let messages = tools
        .phone
        .messages()
        .into_iter()
        .map(|message| DemoMessage {
            id: message.id.to_string(),
            at: message.at,
            channel: match message.channel {
                Channel::Sms => DemoChannel::Sms,
                Channel::Call => DemoChannel::Call,
                Channel::Email => DemoChannel::Email,
            },
            to: kernel::Phone::parse(&message.to).map_or(message.to, |phone| phone.pretty()),
            text: message.text,
        });
    page(&DemoPhone {
        p: visit.shell(),
        messages: messages.collect(),
        ahead: tools.clock.ahead().as_secs(),
    })
}

fn page(view: &impl Template) -> Result<Html<String>, PageError> {
    view.render()
        .map(Html)
        .map_err(|_| PageError::internal("a page of the demo"))
}

#[derive(Serialize)]
struct Time {
    now: Timestamp,
    advanced_seconds: u64,
}

impl Time {
    fn of(clock: &MovableClock) -> Self {
        Self {
            now: clock.now(),
            advanced_seconds: clock.ahead().as_secs(),
        }
    }
}

async fn clock_now(State(tools): State<Tools>) -> impl IntoResponse {
    (
        [(header::CACHE_CONTROL, "no-store")],
        Json(Time::of(&tools.clock)),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance_seconds: u64,
}

/// The buttons of the phone: moves the clock and shows the phone again.
async fn clock_press(State(tools): State<Tools>, form: Form) -> Result<Response, PageError> {
    let seconds = form
        .text("advance_seconds")
        .parse()
        .map(Duration::from_secs);
    match seconds {
        Ok(by) if tools.clock.advance(by) => Ok(see_other("/demo/phone")),
        _ => Err(PageError::kind(ErrorKind::Unprocessable)),
    }
}

/// JSON only: a foreign page cannot send it without being asked first, and is not let.
async fn clock_move(State(tools): State<Tools>, Json(wanted): Json<Move>) -> Response {
    if tools
        .clock
        .advance(Duration::from_secs(wanted.advance_seconds))
    {
        Json(Time::of(&tools.clock)).into_response()
    } else {
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            "the clock cannot go so far\n",
        )
            .into_response()
    }
}
