//! Letting a computer in by a signed-in phone (ID-7). The computer holds a flow; the phone is signed in.

use axum::{
    Json,
    extract::{Path, State as With},
};
use http::StatusCode;
use identity_core::{handover::State as Stands, next_path::NextPath};
use identity_service::handover::{self, Chosen, HandoverToken};
use kernel::{agent, network};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vault::token_hash;
use webkit::visit::Visit;

use super::{
    document::{BrowserHeader, FlowHeader, Problems},
    problems::{Code, Refused},
    request::{Answer, Bare, Command, Flow, Key, Known, done},
    sign_in::{Inside, begin as new_flow},
    steps::{Step, run},
};
use crate::{
    acts::{BeginDone, PickUpDone},
    state::{Caller, State},
};

fn token(text: &str) -> Answer<HandoverToken> {
    HandoverToken::from_text(text).ok_or_else(|| Code::HandoverOver.into())
}

/// A computer that waits for a phone. Flow and token are secrets.
#[derive(Serialize, ToSchema)]
pub struct HandoverBegun {
    /// The flow token: send it as `Kabinet-Flow` with everything about this request.
    flow: String,
    /// What the QR code carries, and the path's token.
    token: String,
    /// The link for the QR code.
    link: String,
    /// The number to show beside it, never in it.
    number: u8,
    /// Until when it waits, microseconds UTC.
    expires_at: i64,
}

/// Ask to be let in by a phone
#[utoipa::path(post, path = "/handovers", tag = "handover",
    responses((status = 201, body = HandoverBegun), Problems::<429>))]
pub(super) async fn begin(
    With(state): With<State>,
    visit: Visit,
    Bare(key): Bare,
) -> Answer<(StatusCode, Json<HandoverBegun>)> {
    let flow = new_flow(&state, &visit, &key)?;
    let browser = flow.hash();
    let begun = state
        .begin_handover(
            key.once(&browser),
            &visit.visitor,
            browser,
            NextPath::default(),
        )
        .await?;
    let text = match done(begun)? {
        BeginDone::Waiting(text) => text,
        BeginDone::NotNow { until } => {
            return Err(Refused::from(Code::TooMany).until(until, visit.now));
        }
    };
    let seen = seen(&state, &token(&text)?, browser).await?;
    let body = HandoverBegun {
        flow: flow.expose().as_str().to_owned(),
        link: format!("{}/let-in/{text}", visit.site().origin),
        token: text,
        number: seen.number,
        expires_at: seen.expires_at.as_micros(),
    };
    Ok((StatusCode::CREATED, Json(body)))
}

async fn seen(state: &State, token: &HandoverToken, browser: [u8; 32]) -> Answer<handover::Seen> {
    let input = (state.env.clone(), token.clone(), browser);
    let seen = state
        .read("handover.look", input, |tx, (env, token, browser)| {
            Box::pin(handover::look(tx, env, token, browser))
        })
        .await?;
    seen.ok_or_else(|| Code::HandoverOver.into())
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HandoverStands {
    /// The phone has not answered yet.
    Waiting,
    /// The phone said yes: enter.
    Approved,
    /// The phone said no.
    Refused,
    /// Used, or its time is over.
    Over,
}

/// A request as the computer sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct HandoverState {
    /// Where it stands.
    state: HandoverStands,
}

/// Where the request of this computer stands
#[utoipa::path(get, path = "/handovers/{token}", tag = "handover",
    params(FlowHeader, ("token" = String, Path, description = "The token of the QR code")),
    responses((status = 200, body = HandoverState), Problems::<409>))]
pub(super) async fn state(
    With(state): With<State>,
    Flow(flow): Flow,
    Path(text): Path<String>,
) -> Answer<Json<HandoverState>> {
    let seen = seen(&state, &token(&text)?, flow.hash()).await?;
    Ok(Json(HandoverState {
        state: match seen.state {
            Stands::Waiting => HandoverStands::Waiting,
            Stands::Approved => HandoverStands::Approved,
            Stands::Refused => HandoverStands::Refused,
            Stands::Over => HandoverStands::Over,
        },
    }))
}

/// Enter, once the phone said yes
#[utoipa::path(post, path = "/handovers/{token}", tag = "handover",
    params(FlowHeader, BrowserHeader, ("token" = String, Path, description = "The token of the QR code")),
    responses((status = 200, body = Inside), Problems::<409>))]
pub(super) async fn enter(
    With(state): With<State>,
    visit: Visit,
    Flow(flow): Flow,
    Known(known): Known,
    Path(text): Path<String>,
    Bare(key): Bare,
) -> Answer<Json<Inside>> {
    let token = token(&text)?;
    let browser = flow.hash();
    let key = key.once(&token_hash(&[browser.as_slice(), text.as_bytes()].concat()));
    let entered = state
        .pick_up(key, &visit.visitor, token, (browser, known))
        .await?;
    match done(entered)? {
        PickUpDone::In(entered) => Ok(Json(entered.into())),
        PickUpDone::Waiting | PickUpDone::Refused | PickUpDone::Over => {
            Err(Code::HandoverOver.into())
        }
    }
}

/// A computer that asks to be let in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Asks {
    /// What it calls itself.
    device: String,
    /// Where it is, where that is known.
    place: Option<String>,
    /// Its network, masked.
    network: String,
    /// The numbers to choose among.
    #[schema(min_items = 3, max_items = 3)]
    offered: Vec<u8>,
    /// Until when it waits, microseconds UTC.
    expires_at: i64,
}

/// What asks to be let in
#[utoipa::path(get, path = "/let-in/{token}", tag = "handover", security(("session" = [])),
    params(("token" = String, Path, description = "The token of the QR code")),
    responses((status = 200, body = Asks), Problems::<409>))]
pub(super) async fn look(
    With(state): With<State>,
    visit: Visit,
    _caller: Caller,
    Path(text): Path<String>,
) -> Answer<Json<Asks>> {
    let input = (state.env.clone(), token(&text)?);
    let asking = state
        .read("handover.look_asking", input, |tx, (env, token)| {
            Box::pin(handover::look_asking(tx, env, token))
        })
        .await?
        .ok_or(Code::HandoverOver)?;
    Ok(Json(Asks {
        device: agent::device_name(&asking.agent, visit.visitor.locale),
        place: (visit.site().places)(asking.network),
        network: network::masked(asking.network),
        offered: asking.offered.to_vec(),
        expires_at: asking.expires_at.as_micros(),
    }))
}

/// The number that was chosen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChosenNumber {
    /// One of those offered; a wrong one ends the request.
    #[schema(minimum = 10, maximum = 99)]
    number: u8,
}

fn refused(chosen: Chosen, visit: &Visit) -> Refused {
    match chosen {
        Chosen::Right | Chosen::Over => Code::HandoverOver.into(),
        Chosen::Wrong => Code::WrongNumber.into(),
        Chosen::TooYoung { until } => {
            Refused::from(Code::TooYoung).until(until.as_micros(), visit.now)
        }
        Chosen::Frozen => Code::Frozen.into(),
    }
}

/// Let the computer in, by its number
#[utoipa::path(post, path = "/let-in/{token}", tag = "handover", security(("session" = [])),
    params(("token" = String, Path, description = "The token of the QR code"),
        ("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    request_body = ChosenNumber,
    responses((status = 204, description = "Let in"), Problems::<403>, Problems::<409>))]
pub(super) async fn choose(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    step: Step,
    Path(text): Path<String>,
    command: Command<ChosenNumber>,
) -> Answer<StatusCode> {
    let token = token(&text)?;
    let mut once = command.key.once(caller.account.id.as_bytes());
    once.key.push_str(" choose");
    let number = command.body.number;
    let chosen = state
        .choose_number(once, &visit.visitor, caller.0.clone(), token, number)
        .await?;
    let cmd = done(chosen)?.map_err(|chosen| refused(chosen, &visit))?;
    match run(&state, &visit, caller, &command.key, step, cmd).await? {
        Chosen::Right => Ok(StatusCode::NO_CONTENT),
        other => Err(refused(other, &visit)),
    }
}

/// Let nobody in
#[utoipa::path(delete, path = "/let-in/{token}", tag = "handover", security(("session" = [])),
    params(("token" = String, Path, description = "The token of the QR code")),
    responses((status = 204, description = "Refused"), Problems::<409>))]
pub(super) async fn refuse(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    Path(text): Path<String>,
) -> Answer<StatusCode> {
    let token = token(&text)?;
    let key = Key::fresh(&state).once(caller.account.id.as_bytes());
    let refused = state
        .refuse_handover(key, &visit.visitor, caller.0.clone(), token)
        .await?;
    if done(refused)? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Code::HandoverOver.into())
    }
}
