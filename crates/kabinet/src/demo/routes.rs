//! The demo's own routes, for people beside the cabinet and for tests. None of them exists in `serve`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, header};
use kernel::{Clock, Timestamp};
use notify::simulated::SimulatedPhone;
use serde::{Deserialize, Serialize};

use super::clock::MovableClock;

#[derive(Clone)]
struct Tools {
    phone: SimulatedPhone,
    clock: Arc<MovableClock>,
}

/// JSON of the phone and of the clock.
pub(super) fn tools(phone: SimulatedPhone, clock: Arc<MovableClock>) -> Router {
    Router::new()
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
