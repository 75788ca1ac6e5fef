//! Every route of the public port.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use webkit::visit::guard;

use crate::edge::{self, BODY_MAX, BodyBounds};
use crate::house::House;
use crate::wiring::Wired;

/// The pages and the API, inside of the guard.
pub(crate) fn public(house: &House, wired: &Wired) -> Router {
    Router::new()
        .route("/", get(|| async { "Кабинет" }))
        .merge(extra(house, wired))
}

fn extra(_house: &House, _wired: &Wired) -> Router {
    Router::new()
}

/// Puts the edge around routes: log line, guard with its error pages, bounds of the body.
pub(crate) fn at_the_edge(routes: Router, house: &House, wired: &Wired) -> Router {
    let bounds = BodyBounds {
        most: BODY_MAX,
        within: house.settings.server.body_timeout,
    };
    routes
        .layer(from_fn_with_state(bounds, edge::bound))
        .layer(from_fn_with_state(Arc::clone(&wired.site), guard))
        .layer(from_fn(edge::log))
}
