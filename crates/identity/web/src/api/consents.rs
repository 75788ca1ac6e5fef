//! Consents and subscriptions (ID-12).

use axum::{
    Json,
    body::Body,
    extract::{Path, State as With},
};
use http::HeaderMap;
use identity_core::consent::Source as CoreSource;
use identity_service::consent::{self, Unsubscribe};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vault::token_hash;
use webkit::visit::Visit;

use super::{
    problems::{Code, field},
    request::{Answer, Command, Repeatable, done, media_type, read},
    words::Subscription,
};
use crate::state::{Caller, State};

/// Where an agreement was given or taken back.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// At registration.
    Registration,
    /// On the page of notifications.
    Cabinet,
    /// By the link in a message.
    Message,
    /// By this API.
    Api,
}

impl From<CoreSource> for Source {
    fn from(source: CoreSource) -> Self {
        match source {
            CoreSource::Registration => Self::Registration,
            CoreSource::Cabinet => Self::Cabinet,
            CoreSource::Message => Self::Message,
            CoreSource::Api => Self::Api,
        }
    }
}

/// An agreement that was given or taken back.
#[derive(Debug, Serialize, ToSchema)]
pub struct Agreement {
    /// `personal_data` or `marketing.<channel>.<topic>`.
    kind: String,
    /// Version of the text.
    version: String,
    /// Given, or taken back.
    granted: bool,
    /// Where.
    source: Source,
    /// When, microseconds UTC.
    at: i64,
}

/// What was agreed to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Agreements {
    /// Latest first, at most 200.
    consents: Vec<Agreement>,
}

/// What was agreed to
#[utoipa::path(get, path = "/consents", tag = "consents", security(("session" = [])),
    responses((status = 200, body = Agreements)))]
pub(super) async fn list(With(state): With<State>, caller: Caller) -> Answer<Json<Agreements>> {
    let agreements = state.read("consent.list", caller.account.id, |tx, account| {
        Box::pin(async move { Ok(consent::agreements(tx, *account).await?) })
    });
    let consents = agreements.await?.into_iter().map(|agreement| Agreement {
        kind: agreement.kind,
        version: agreement.version,
        granted: agreement.granted,
        source: agreement.source.into(),
        at: agreement.at.as_micros(),
    });
    Ok(Json(Agreements {
        consents: consents.collect(),
    }))
}

/// Marketing switches: what is listed is on, everything else is off.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscriptions {
    /// What is on.
    #[schema(max_items = 12)]
    on: Vec<Subscription>,
}

async fn subscribed(state: &State, caller: &Caller) -> Answer<Json<Subscriptions>> {
    let on = state.read("consent.subscribed", caller.account.id, |tx, account| {
        Box::pin(async move { Ok(consent::subscribed(tx, *account).await?) })
    });
    let on = on
        .await?
        .into_iter()
        .map(|one| Subscription(one.channel, one.topic));
    Ok(Json(Subscriptions { on: on.collect() }))
}

/// Marketing switches
#[utoipa::path(get, path = "/subscriptions", tag = "consents", security(("session" = [])),
    responses((status = 200, body = Subscriptions)))]
pub(super) async fn subscriptions(
    With(state): With<State>,
    caller: Caller,
) -> Answer<Json<Subscriptions>> {
    subscribed(&state, &caller).await
}

/// Set every marketing switch
#[utoipa::path(put, path = "/subscriptions", tag = "consents", security(("session" = [])),
    request_body = Subscriptions, responses((status = 200, body = Subscriptions)))]
pub(super) async fn set_subscriptions(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    command: Command<Subscriptions>,
) -> Answer<Json<Subscriptions>> {
    if command.body.on.len() > 12 {
        return Err(field("on", "out_of_range"));
    }
    let key = command.key.once(caller.account.id.as_bytes());
    let on = command.body.on.iter();
    let on = on
        .map(|Subscription(channel, topic)| (*channel, *topic))
        .collect();
    let set = state.set_subscriptions(key, &visit.visitor, caller.0.clone(), on, CoreSource::Api);
    done(set.await?)?;
    subscribed(&state, &caller).await
}

/// What a message's link switches off.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnsubscribeLink {
    /// The subscription.
    subscription: Subscription,
}

fn link(state: &State, token: &str) -> Answer<Unsubscribe> {
    Ok(Unsubscribe::from_text(&state.env, token).ok_or(Code::LinkOver)?)
}

/// Look at a message's link without using it
#[utoipa::path(get, path = "/unsubscribe/{token}", tag = "links",
    params(("token" = String, Path, description = "The token of the message's link")),
    responses((status = 200, body = UnsubscribeLink)))]
pub(super) async fn look_unsubscribe(
    With(state): With<State>,
    Path(token): Path<String>,
) -> Answer<Json<UnsubscribeLink>> {
    let link = link(&state, &token)?;
    let subscription = Subscription(link.channel, link.topic);
    Ok(Json(UnsubscribeLink { subscription }))
}

/// What mail programs send when a reader presses «Отписаться» (RFC 8058).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes a form for the document")]
pub struct OneClick {
    /// Always `One-Click`.
    #[schema(rename = "List-Unsubscribe", pattern = "^One-Click$")]
    list_unsubscribe: String,
}

const FORM: &str = "application/x-www-form-urlencoded";
const ONE_CLICK: &[u8] = b"List-Unsubscribe=One-Click";

async fn one_click(headers: &HeaderMap, body: Body) -> Answer<()> {
    let body = read(body, 1024).await?;
    if body.is_empty() {
        return Ok(());
    }
    if media_type(headers).is_none_or(|(kind, _)| kind != FORM) {
        return Err(Code::MediaType.into());
    }
    if *body == *ONE_CLICK {
        Ok(())
    } else {
        Err(field("List-Unsubscribe", "not_among"))
    }
}

/// Switch one subscription off by a message's link, without signing in
///
/// Repeating it changes nothing, so it needs no key; the form of RFC 8058 and no body at all are the same.
#[utoipa::path(post, path = "/unsubscribe/{token}", tag = "links",
    params(("token" = String, Path, description = "The token of the message's link")),
    request_body(content = Option<OneClick>, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = UnsubscribeLink)))]
pub(super) async fn unsubscribe(
    With(state): With<State>,
    visit: Visit,
    Path(token): Path<String>,
    Repeatable(key): Repeatable,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<UnsubscribeLink>> {
    one_click(&headers, body).await?;
    let link = link(&state, &token)?;
    let key = key.once(&token_hash(token.as_bytes()));
    done(state.unsubscribe(key, &visit.visitor, link).await?)?;
    let subscription = Subscription(link.channel, link.topic);
    Ok(Json(UnsubscribeLink { subscription }))
}
