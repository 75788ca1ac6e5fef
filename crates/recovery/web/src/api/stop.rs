//! Links that stop a recovery (A38). They need no session, and looking changes nothing (A31).

use axum::{
    Json,
    extract::{Path, State as With},
};
use identity_web::{
    State,
    api::{
        problems::Code,
        request::{Answer, Bare, done},
    },
};
use recovery_service::stop::{StopLink, StopToken};
use serde::Serialize;
use utoipa::ToSchema;
use webkit::visit::Visit;

use crate::acts::Acts;

/// A link that stops a recovery.
#[derive(Serialize, ToSchema)]
pub(super) struct StopSeen {
    /// Whether the recovery is stopped; false while it can be. A link that is over is not found.
    stopped: bool,
}

fn stop_seen(link: StopLink) -> Answer<Json<StopSeen>> {
    match link {
        StopLink::Open => Ok(Json(StopSeen { stopped: false })),
        StopLink::Stopped => Ok(Json(StopSeen { stopped: true })),
        StopLink::Over => Err(Code::LinkOver.into()),
    }
}

/// Look at a link that stops a recovery, without using it
#[utoipa::path(get, path = "/stop-links/{token}", tag = "links",
    params(("token" = String, Path, description = "The token of the message's link")),
    responses((status = 200, body = StopSeen)))]
pub(super) async fn look(
    With(state): With<State>,
    Path(token): Path<String>,
) -> Answer<Json<StopSeen>> {
    stop_seen(Acts(&state).look_stop(&token).await?)
}

/// Stop a recovery
#[utoipa::path(post, path = "/stop-links/{token}", tag = "links",
    params(("token" = String, Path, description = "The token of the message's link")),
    responses((status = 200, body = StopSeen)))]
pub(super) async fn press(
    With(state): With<State>,
    visit: Visit,
    Path(token): Path<String>,
    Bare(key): Bare,
) -> Answer<Json<StopSeen>> {
    let link = StopToken::from_text(&token).ok_or(Code::LinkOver)?;
    let key = key.once(token.as_bytes());
    stop_seen(done(Acts(&state).stop(key, &visit.visitor, link).await?)?)
}
