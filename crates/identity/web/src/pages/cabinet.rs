//! The start page, security, devices, history.

use axum::{
    extract::{Path, Query, State as Shared},
    response::Response,
};
use identity_service::{account, account::Owned, history, number, session, shown, slices};
use kernel::{SessionId, agent};
use serde::Deserialize;
use std::time::Duration;
use webkit::{
    components::KeyRing,
    form::Form,
    page::Area,
    respond::{PageError, page},
    visit::Visit,
};

use super::common::{Cabinet, cabinet, events, flashed, level, place, without_flash};
use crate::{
    state::{Fault, State, Who},
    views::{
        events::{Event, EventKind},
        home::{self, Attention, Home},
        security::{Contact, Device, Devices, EndOthers, History, Later, Security},
    },
};

/// Events shown on the start page and on the page of security.
const FEW: u8 = 5;
/// Events on a page of history.
const PAGE: u8 = 30;
/// How long a sign-in from a new device stays on the start page.
const NEWS: Duration = Duration::from_secs(7 * 24 * 3_600);

async fn few_events(state: &State, cabinet: &Cabinet, who: &Who) -> Result<Vec<Event>, Fault> {
    let found = state
        .read("history.page", who.clone(), |tx, who| {
            Box::pin(history::page(tx, who, None, FEW))
        })
        .await?;
    Ok(events(&cabinet.visit, &found))
}

async fn count_devices(state: &State, who: &Who) -> Result<u64, Fault> {
    let listed = list(state, who).await?;
    Ok(u64::try_from(listed.len()).unwrap_or(u64::MAX))
}

/// The ways the account has, as keys (ID-8a).
async fn keys(state: &State, who: &Who) -> Result<KeyRing, Fault> {
    let has = state
        .read("shown.has", who.clone(), |tx, who| {
            Box::pin(shown::has(tx, &who.account))
        })
        .await?;
    Ok(home::ring_of(&has))
}

/// Whether «это всё ещё ваш номер?» is asked (ID-8a).
async fn number(state: &State, who: &Who) -> Result<bool, Fault> {
    let input = (state.env.clone(), who.clone());
    let standing = state
        .read("number.standing", input, |tx, (env, who)| {
            Box::pin(async move {
                let owned = account::identifiers(tx, &who.account).await?;
                Ok(number::standing(tx, env, &owned).await?)
            })
        })
        .await?;
    Ok(standing.is_some_and(|standing| standing.asks()))
}

async fn list(state: &State, who: &Who) -> Result<Vec<session::Listed>, Fault> {
    let input = (state.env.clone(), who.clone());
    state
        .read("session.list", input, |tx, (env, who)| {
            Box::pin(session::list(tx, env, who))
        })
        .await
}

/// `GET /`.
pub(super) async fn home(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let cabinet = cabinet(&state, visit, &who, Area::Home).await?;
    let events = few_events(&state, &cabinet, &who).await?;
    let devices = count_devices(&state, &who).await?;
    let now = cabinet.shell.now;
    let mut attention: Vec<Attention> = events
        .iter()
        .filter(|event| event.kind == EventKind::SignedInNewDevice && now.since(event.at) < NEWS)
        // The first device of an account is no news.
        .filter(|event| {
            event.at
                > who
                    .account
                    .created_at
                    .saturating_add(Duration::from_secs(1))
        })
        .take(1)
        .map(|event| Attention::NewDevice(event.clone()))
        .collect();
    if number(&state, &who).await? {
        let phone = account::phone(cabinet.owned());
        attention.extend(phone.map(|phone| Attention::StalePhone(phone.proved_at)));
    }
    let standing = &cabinet.standing;
    let view = Home {
        name: standing.profile.given().map(str::to_owned),
        level: level(standing.level),
        missing: standing.missing.iter().copied().map(missing).collect(),
        attention,
        ring: keys(&state, &who).await?,
        devices,
        events,
        p: cabinet.shell.clone(),
    };
    Ok(without_flash(&cabinet.visit, page(&view)))
}

pub(super) fn missing(missing: identity_core::account::Missing) -> home::Missing {
    use identity_core::account::Missing as M;
    match missing {
        M::Name => home::Missing::Name,
        M::Email => home::Missing::Email,
        M::BirthDate => home::Missing::BirthDate,
        M::Passport => home::Missing::Passport,
        M::InnOrSnils => home::Missing::InnOrSnils,
    }
}

/// An identifier as pages show it.
pub(super) fn contact(owned: &Owned) -> Contact {
    Contact {
        masked: owned.identifier.masked(),
        confirmed: true,
        proved_at: Some(owned.proved_at),
    }
}

/// `GET /profile/security`.
pub(super) async fn security(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let cabinet = cabinet(&state, visit, &who, Area::Security).await?;
    let nobody = || Contact {
        masked: String::new(),
        confirmed: false,
        proved_at: None,
    };
    let view = Security {
        ring: keys(&state, &who).await?,
        asks_number: number(&state, &who).await?,
        phone: account::phone(cabinet.owned()).map_or_else(nobody, contact),
        email: account::email(cabinet.owned()).map(contact),
        devices: count_devices(&state, &who).await?,
        events: few_events(&state, &cabinet, &who).await?,
        p: cabinet.shell.clone(),
    };
    Ok(without_flash(&cabinet.visit, page(&view)))
}

/// `GET /profile/devices`.
pub(super) async fn devices(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let cabinet = cabinet(&state, visit, &who, Area::Security).await?;
    let locale = cabinet.visit.visitor.locale;
    let mut listed = list(&state, &who).await?;
    listed.sort_by_key(|device| !device.is_current);
    let devices = listed
        .into_iter()
        .map(|device| Device {
            id: device.session.to_string(),
            name: agent::device_name(&device.agent, locale),
            mobile: agent::is_handheld(&device.agent),
            place: Some(place(&cabinet.visit, device.network)),
            first_seen: device.created_at,
            last_seen: if device.is_current {
                cabinet.shell.now
            } else {
                device.seen_at
            },
            way: device.method,
            current: device.is_current,
            has_key: device.has_key,
        })
        .collect();
    let view = Devices {
        devices,
        p: cabinet.shell.clone(),
    };
    Ok(without_flash(&cabinet.visit, page(&view)))
}

/// `POST /profile/devices/{id}/end`.
pub(super) async fn end_device(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(id): Path<String>,
    _form: Form,
) -> Result<Response, PageError> {
    let session: SessionId = id.parse().map_err(|_| PageError::not_found())?;
    state.end_session(&visit.visitor, who.0, session).await?;
    // Ended now or before: for the person it is the same.
    Ok(flashed(&visit, "/profile/devices", "flash-device-ended"))
}

/// `GET /profile/security/later`.
pub(super) async fn later(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let until = state
        .read("slices.next_at", who.account.id, |tx, account| {
            Box::pin(async move { Ok(slices::next_at(tx, *account).await?) })
        })
        .await?;
    let cabinet = cabinet(&state, visit, &who, Area::Security).await?;
    Ok(page(&Later {
        p: cabinet.shell,
        until,
    }))
}

/// `GET /profile/devices/end-others`.
pub(super) async fn ask_end_others(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let cabinet = cabinet(&state, visit, &who, Area::Security).await?;
    let count = count_devices(&state, &who).await?.saturating_sub(1);
    Ok(page(&EndOthers {
        count,
        p: cabinet.shell,
    }))
}

/// `POST /profile/devices/end-others`.
pub(super) async fn end_others(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    _form: Form,
) -> Result<Response, Fault> {
    state.end_other_sessions(&visit.visitor, who.0).await?;
    Ok(flashed(&visit, "/profile/devices", "flash-others-ended"))
}

/// Where a page of history begins.
#[derive(Debug, Deserialize)]
pub(super) struct Before {
    before: Option<i64>,
}

/// `GET /profile/history`.
pub(super) async fn history(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Query(query): Query<Before>,
) -> Result<Response, Fault> {
    let cabinet = cabinet(&state, visit, &who, Area::Security).await?;
    let input = (who, query.before);
    let found = state
        .read("history.page", input, |tx, (who, before)| {
            Box::pin(history::page(tx, who, *before, PAGE))
        })
        .await?;
    let is_full = found.len() == usize::from(PAGE);
    let earlier = found
        .last()
        .filter(|_| is_full)
        .map(|event| event.seq.to_string());
    let view = History {
        events: events(&cabinet.visit, &found),
        earlier,
        is_earlier: query.before.is_some(),
        p: cabinet.shell,
    };
    Ok(page(&view))
}
