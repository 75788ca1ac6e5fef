//! The demo's own routes, for people beside the cabinet and for tests. None of them exists in `serve`.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, header};
use kernel::{Clock, Timestamp};
use notify::Channel;
use notify::simulated::SimulatedPhone;
use serde::{Deserialize, Serialize};

use webkit::respond::PageError;
use webkit::visit::Visit;

use super::clock::MovableClock;
use crate::demo_views::{DemoChannel, DemoFront, DemoMessage, DemoPhone};

#[derive(Clone)]
struct Tools {
    phone: SimulatedPhone,
    clock: Arc<MovableClock>,
}

/// The phone and the clock, as pages and as JSON.
pub(super) fn tools(phone: SimulatedPhone, clock: Arc<MovableClock>) -> Router {
    Router::new()
        .route("/demo", get(front))
        .route("/demo/phone", get(phone_page))
        .route("/demo/messages", get(messages))
        .route("/demo/clock", get(clock_now).post(clock_move))
        .with_state(Tools { phone, clock })
}

async fn messages(State(tools): State<Tools>) -> impl IntoResponse {
    (
        [(header::CACHE_CONTROL, "no-store")],
        Json(tools.phone.messages()),
    )
}

async fn front(visit: Visit) -> Result<Html<String>, PageError> {
    page(&DemoFront { p: visit.shell() })
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
            to: message.to,
            text: message.text,
        });
    page(&DemoPhone {
        p: visit.shell(),
        messages: messages.collect(),
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
