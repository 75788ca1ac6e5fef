//! Every route of the public port.

use std::sync::Arc;

use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Extension, Router};
use http::StatusCode;
use identity_web::api::Gateways;
use utoipa_axum::router::OpenApiRouter;
use webkit::visit::guard;

use crate::edge::{self, BODY_MAX, BodyBounds};
use crate::house::House;
use crate::wiring::Wired;

/// The operations that areas add to the API beside those of identity.
fn operations() -> OpenApiRouter<identity_web::State> {
    recovery_web::api::routes()
}

/// The document of the whole API, as it is served and as it stands in `docs/openapi.json`.
pub fn document() -> String {
    let api = identity_web::api::api_with(operations());
    identity_web::api::text_of(&api.into_openapi())
}

/// The pages and the API, inside of the guard.
pub(crate) fn public(house: &House, wired: &Wired, gateways: Gateways) -> Router {
    let state = identity_web::State {
        db: house.db.clone(),
        env: wired.env.clone(),
        site: Arc::clone(&wired.site),
    };
    identity_web::pages()
        .merge(recovery_web::pages())
        .merge(identity_web::api::router_with(operations()))
        .with_state(state)
        .layer(Extension(gateways))
}

/// Puts the edge around routes: log line, guard with its error pages, bounds of the body.
pub(crate) fn at_the_edge(routes: Router, house: &House, wired: &Wired) -> Router {
    let bounds = BodyBounds {
        most: BODY_MAX,
        within: house.settings.server.body_timeout,
    };
    routes
        // Its own, so that layers hold for it whatever is merged later.
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(from_fn_with_state(bounds, edge::bound))
        .layer(from_fn_with_state(Arc::clone(&wired.site), guard))
        .layer(from_fn(edge::log))
}
