//! `/profile/security/ways-back`: which loss would lock the owner out (ID-8a).

use axum::{extract::State as Shared, response::Response};
use identity_service::{shown, ways_back};
use webkit::{page::Area, respond::page, visit::Visit};

use super::common::cabinet;
use crate::{
    state::{Fault, State, Who},
    views::{
        home,
        ways_back::{LossLine, WaysBack},
    },
};

/// `GET /profile/security/ways-back`.
pub(super) async fn meter(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let input = (state.env.clone(), who.clone());
    let (outlooks, has) = state
        .read("ways_back.outlooks", input, |tx, (env, who)| {
            Box::pin(async move {
                let outlooks = ways_back::outlooks(tx, env, &who.account).await?;
                Ok((outlooks, shown::has(tx, &who.account).await?))
            })
        })
        .await?;
    let cabinet = cabinet(&state, visit, &who, Area::Security).await?;
    Ok(page(&WaysBack {
        p: cabinet.shell,
        ring: home::ring_of(&has),
        losses: outlooks.into_iter().map(LossLine::from).collect(),
    }))
}
