//! The session of whoever asks, its devices and its language (ID-9).

use axum::{
    Json,
    extract::{Path, State as With},
};
use http::StatusCode;
use identity_service::session::{self, Listed};
use kernel::{SessionId, Timestamp, agent::device_name, network};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use webkit::visit::Visit;

use super::{
    problems::Code,
    request::{Answer, Command, done},
    words::{Language, Level, Way},
};
use crate::state::{Caller, State};

/// A session and its account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct Current {
    /// Which session.
    #[schema(format = "uuid")]
    session: String,
    /// Which account.
    #[schema(format = "uuid")]
    account: String,
    /// How it signed in.
    method: Way,
    /// Since when, microseconds UTC.
    created_at: i64,
    /// The account's level.
    level: Level,
    /// The language of the account's messages.
    locale: Language,
    /// Since when the account is frozen, microseconds UTC; null when it is not.
    frozen_at: Option<i64>,
}

/// Who is signed in
#[utoipa::path(get, path = "/session", tag = "session", security(("session" = [])),
    responses((status = 200, body = Current)))]
pub(super) async fn look(caller: Caller) -> Json<Current> {
    Json(Current {
        session: caller.session.to_string(),
        account: caller.account.id.to_string(),
        method: caller.method.into(),
        created_at: caller.created_at.as_micros(),
        level: caller.account.level.into(),
        locale: caller.account.locale.into(),
        frozen_at: caller.account.frozen_at.map(Timestamp::as_micros),
    })
}

/// Sign out
#[utoipa::path(delete, path = "/session", tag = "session", security(("session" = [])),
    responses((status = 204, description = "Signed out")))]
pub(super) async fn sign_out(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
) -> Answer<StatusCode> {
    state.sign_out(&visit.visitor, caller.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A device that is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Device {
    /// Its session, to end it by.
    #[schema(format = "uuid")]
    id: String,
    /// A short name in the reader's language.
    name: String,
    /// Where it signed in: a place where it is known, else a masked network.
    place: String,
    /// How it signed in.
    method: Way,
    /// First seen, microseconds UTC.
    created_at: i64,
    /// Last seen, microseconds UTC.
    seen_at: i64,
    /// It is the one that asks.
    is_current: bool,
    /// It holds a key for the passcode.
    has_key: bool,
}

/// Signed-in devices.
#[derive(Debug, Serialize, ToSchema)]
pub struct Devices {
    /// The live sessions, latest first; at most 50.
    devices: Vec<Device>,
}

/// Where an address is: a place where it is known, else its masked network.
pub(super) fn place(visit: &Visit, address: std::net::IpAddr) -> String {
    (visit.site().places)(address).unwrap_or_else(|| network::masked(address))
}

fn device(visit: &Visit, listed: &Listed) -> Device {
    Device {
        id: listed.session.to_string(),
        name: device_name(&listed.agent, visit.visitor.locale),
        place: place(visit, listed.network),
        method: listed.method.into(),
        created_at: listed.created_at.as_micros(),
        seen_at: listed.seen_at.as_micros(),
        is_current: listed.is_current,
        has_key: listed.has_key,
    }
}

/// Signed-in devices
#[utoipa::path(get, path = "/devices", tag = "session", security(("session" = [])),
    responses((status = 200, body = Devices)))]
pub(super) async fn devices(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
) -> Answer<Json<Devices>> {
    let input = (state.env.clone(), caller.0);
    let listed = state.read("session.list", input, |tx, (env, who)| {
        Box::pin(session::list(tx, env, who))
    });
    let devices = listed
        .await?
        .iter()
        .map(|listed| device(&visit, listed))
        .collect();
    Ok(Json(Devices { devices }))
}

/// Sign a device out
#[utoipa::path(delete, path = "/devices/{id}", tag = "session", security(("session" = [])),
    params(("id" = String, Path, description = "The device's id", format = "uuid")),
    responses((status = 204, description = "Signed out")))]
pub(super) async fn end(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    let id: SessionId = id.parse().map_err(|_| Code::NotFound)?;
    if state.end_session(&visit.visitor, caller.0, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Code::NotFound.into())
    }
}

/// How many devices were signed out.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ended {
    /// Their number.
    ended: u64,
}

/// Sign every other device out
#[utoipa::path(delete, path = "/devices", tag = "session", security(("session" = [])),
    responses((status = 200, body = Ended)))]
pub(super) async fn end_others(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
) -> Answer<Json<Ended>> {
    let ended = state.end_other_sessions(&visit.visitor, caller.0).await?;
    Ok(Json(Ended { ended }))
}

/// The language of messages.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Locale {
    /// The language.
    locale: Language,
}

/// Choose the language of messages
#[utoipa::path(put, path = "/locale", tag = "session", security(("session" = [])),
    request_body = Locale, responses((status = 200, body = Locale)))]
pub(super) async fn set_locale(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    command: Command<Locale>,
) -> Answer<Json<Locale>> {
    let key = command.key.once(caller.account.id.as_bytes());
    let locale = command.body.locale;
    let set = state
        .set_locale(key, &visit.visitor, caller.0, locale.into())
        .await?;
    done(set)?;
    Ok(Json(Locale { locale }))
}
