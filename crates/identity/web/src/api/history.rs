//! What happened to the account (ID-14).

use std::collections::BTreeMap;

use axum::{Json, extract::State as With};
use identity_service::history;
use kernel::agent::device_name;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use webkit::visit::Visit;

use super::{
    request::{Answer, Page},
    session::place,
};
use crate::state::{Caller, State};

/// One event.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    /// Its place in the log.
    seq: i64,
    /// When, microseconds UTC.
    at: i64,
    /// Its stable name, such as `sign_in.succeeded`.
    action: String,
    /// Who: `customer`, `visitor`, `system`, `staff`, `operator`.
    actor: String,
    /// The device's name in the reader's language, where it is known.
    device: Option<String>,
    /// The place or the masked network, where it is known.
    place: Option<String>,
    /// Facts, such as `method`: `sms`.
    facts: BTreeMap<String, String>,
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub struct Events {
    /// Latest first.
    events: Vec<Event>,
    /// `before` of the next page; null when this is the last.
    next: Option<i64>,
}

/// Which page.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query for the document")]
pub struct PageParams {
    /// Events before this place in the log; all when missing.
    #[param(minimum = 1)]
    before: Option<i64>,
    /// At most so many.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u8>,
}

/// What happened to the account
#[utoipa::path(get, path = "/history", tag = "history", security(("session" = [])), params(PageParams),
    responses((status = 200, body = Events)))]
pub(super) async fn page(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    page: Page,
) -> Answer<Json<Events>> {
    let input = (caller.0, page);
    let found = state.read("history.page", input, |tx, (who, page)| {
        Box::pin(history::page(tx, who, page.before, page.limit))
    });
    let found = found.await?;
    let is_full = found.len() == usize::from(page.limit);
    let next = found.last().filter(|_| is_full).map(|event| event.seq);
    let locale = visit.visitor.locale;
    let events = found.into_iter().map(|event| Event {
        seq: event.seq,
        at: event.at.as_micros(),
        action: event.action,
        actor: event.actor,
        device: event.agent.map(|agent| device_name(&agent, locale)),
        place: event.network.map(|network| place(&visit, network)),
        facts: event.facts,
    });
    Ok(Json(Events {
        events: events.collect(),
        next,
    }))
}
