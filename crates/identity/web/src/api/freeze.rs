//! «Это не я» (ID-13): one factor is enough to freeze, every factor to lift it.

use axum::{
    Json,
    extract::{Path, State as With},
};
use http::StatusCode;
use identity_core::challenge::Purpose;
use identity_service::{codes::Check, freeze::AlarmLink as Looked, link::LinkToken};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vault::token_hash;
use webkit::visit::Visit;

use super::{
    document::{FlowHeader, MaybeFlowHeader, Problems},
    fields,
    problems::{Code, Fields},
    request::{Answer, Bare, CodeCommand, Command, Flow, MaybeCaller, MaybeFlow, done},
    sign_in::{TypedCode, begin},
    words::{self, Frozen, SentCode},
};
use crate::{
    acts::FreezeDone,
    state::{Caller, State},
};

/// Freeze the account of whoever asks
///
/// Outgoing money stops and every other session ends.
#[utoipa::path(post, path = "/freeze", tag = "freeze", security(("session" = [])),
    responses((status = 200, body = Frozen)))]
pub(super) async fn mine(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    Bare(key): Bare,
) -> Answer<Json<Frozen>> {
    let key = key.once(caller.account.id.as_bytes());
    done(state.freeze_mine(key, &visit.visitor, caller.0).await?)?;
    Ok(Json(Frozen { frozen: true }))
}

/// Whose account: its phone or its confirmed address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskFreeze {
    /// A phone number as people write it.
    #[schema(max_length = 32, example = "+7 900 123-45-67")]
    phone: Option<String>,
    /// An e-mail address.
    #[schema(max_length = 254, example = "anna@example.ru")]
    email: Option<String>,
}

/// A code is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct AskedFreeze {
    /// The flow token: send it as `Kabinet-Flow` with the code.
    #[schema(min_length = 43, max_length = 43)]
    flow: String,
    /// The code; null when it was used meanwhile.
    code: Option<SentCode>,
}

/// Ask for a code to freeze by, from any device
///
/// The same answer whether or not an account is there. About flows see `POST /sign-in/codes`.
#[utoipa::path(post, path = "/freeze/codes", tag = "freeze", params(MaybeFlowHeader),
    request_body = AskFreeze,
    responses((status = 202, body = AskedFreeze), Problems::<403>, Problems::<409>, Problems::<429>))]
pub(super) async fn ask(
    With(state): With<State>,
    visit: Visit,
    MaybeFlow(flow): MaybeFlow,
    command: Command<AskFreeze>,
) -> Answer<(StatusCode, Json<AskedFreeze>)> {
    let mut fields = Fields::default();
    let body = &command.body;
    let identifier = fields::identifier(&mut fields, body.phone.as_deref(), body.email.as_deref());
    let identifier = identifier.ok_or_else(|| fields.refuse())?;
    let flow = match flow {
        Some(flow) => flow,
        None => begin(&state, &visit, &command.key)?,
    };
    let browser = flow.hash();
    let key = command.key.once(&browser);
    let asked = state
        .ask_freeze(key, &visit.visitor, identifier, browser)
        .await?;
    let (flow, code) =
        words::on_its_way(&state, &visit, Purpose::Freeze, &flow, done(asked)?).await?;
    Ok((StatusCode::ACCEPTED, Json(AskedFreeze { flow, code })))
}

/// Where the code to freeze by stands
#[utoipa::path(get, path = "/freeze/codes", tag = "freeze", params(FlowHeader),
    responses((status = 200, body = SentCode), Problems::<404>))]
pub(super) async fn status(With(state): With<State>, Flow(flow): Flow) -> Answer<Json<SentCode>> {
    words::standing(&state, Purpose::Freeze, &flow).await
}

/// Freeze by a code, from any device
#[utoipa::path(post, path = "/freeze/verify", tag = "freeze", params(FlowHeader), request_body = TypedCode,
    responses((status = 200, body = Frozen), Problems::<403>, Problems::<429>))]
pub(super) async fn verify(
    With(state): With<State>,
    visit: Visit,
    Flow(flow): Flow,
    command: CodeCommand<TypedCode>,
) -> Answer<Json<Frozen>> {
    let browser = flow.hash();
    let check = Check {
        purpose: Purpose::Freeze,
        browser,
        known: None,
        code: words::code(&command.body.code, 6)?,
    };
    let frozen = state
        .freeze_by_code(command.key.once(&browser), &visit.visitor, check)
        .await?;
    match done(frozen)? {
        // RE-10: the same words when no account was there to freeze.
        FreezeDone::Done | FreezeDone::Next(_) => Ok(Json(Frozen { frozen: true })),
        FreezeDone::Refused(why) => Err(words::refusal(why, visit.now)),
    }
}

/// Where a code that lifts the freeze goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// To the phone.
    Phone,
    /// To the e-mail.
    Email,
}

impl From<Purpose> for Proof {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::UnfreezeEmail => Self::Email,
            _ => Self::Phone,
        }
    }
}

impl From<Proof> for Purpose {
    fn from(proof: Proof) -> Self {
        match proof {
            Proof::Phone => Self::UnfreezePhone,
            Proof::Email => Self::UnfreezeEmail,
        }
    }
}

/// A code that lifts the freeze is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct AskedUnfreeze {
    /// Where it goes.
    proof: Proof,
    /// The code; null when it was used meanwhile.
    code: Option<SentCode>,
}

/// Ask for the next code that lifts the freeze
#[utoipa::path(post, path = "/unfreeze/codes", tag = "freeze", security(("session" = [])),
    responses((status = 202, body = AskedUnfreeze), Problems::<409>, Problems::<429>))]
pub(super) async fn ask_unfreeze(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    Bare(key): Bare,
) -> Answer<(StatusCode, Json<AskedUnfreeze>)> {
    if caller.account.frozen_at.is_none() {
        return Err(Code::NotFrozen.into());
    }
    let key = key.once(caller.account.id.as_bytes());
    let browser = caller.browser_key();
    let asked = state.ask_unfreeze(key, &visit.visitor, caller.0).await?;
    let purpose = match done(asked)? {
        Ok(purpose) => purpose,
        Err(refused) => {
            words::asked(refused, visit.now)?;
            return Err(Code::Conflict.into());
        }
    };
    let code = words::sent(&state, purpose, browser).await?;
    let proof = purpose.into();
    Ok((StatusCode::ACCEPTED, Json(AskedUnfreeze { proof, code })))
}

/// A code that lifts the freeze.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnfreezeCode {
    /// Where it came.
    proof: Proof,
    /// The code as typed or pasted, at most 64 characters.
    #[schema(min_length = 1, max_length = 64, example = "042137")]
    code: String,
}

/// A code was right.
#[derive(Debug, Serialize, ToSchema)]
pub struct Unfrozen {
    /// Whether the account is frozen still.
    frozen: bool,
    /// The proof that comes next: ask for its code. Null when the freeze is lifted.
    next: Option<Proof>,
}

/// Enter a code that lifts the freeze
#[utoipa::path(post, path = "/unfreeze/verify", tag = "freeze", security(("session" = [])),
    request_body = UnfreezeCode, responses((status = 200, body = Unfrozen), Problems::<429>))]
pub(super) async fn unfreeze(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    command: CodeCommand<UnfreezeCode>,
) -> Answer<Json<Unfrozen>> {
    let code = words::code(&command.body.code, 6)?;
    let key = command.key.once(caller.account.id.as_bytes());
    let purpose = command.body.proof.into();
    let unfrozen = state
        .unfreeze(key, &visit.visitor, caller.0, purpose, code)
        .await?;
    match done(unfrozen)? {
        FreezeDone::Done => Ok(Json(Unfrozen {
            frozen: false,
            next: None,
        })),
        FreezeDone::Next(next) => Ok(Json(Unfrozen {
            frozen: true,
            next: Some(next.into()),
        })),
        FreezeDone::Refused(why) => Err(words::refusal(why, visit.now)),
    }
}

/// An «это не я» link that can be pressed.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmLink {
    /// Always true: a link that is over is not found.
    is_open: bool,
}

/// Look at an «это не я» link without using it
#[utoipa::path(get, path = "/alarm-links/{token}", tag = "links",
    params(("token" = String, Path, description = "The token of the message's link")),
    responses((status = 200, body = AlarmLink)))]
pub(super) async fn look_alarm(
    With(state): With<State>,
    Path(token): Path<String>,
) -> Answer<Json<AlarmLink>> {
    match state.look_alarm(&token).await? {
        Looked::Open => Ok(Json(AlarmLink { is_open: true })),
        Looked::Over => Err(Code::LinkOver.into()),
    }
}

/// Press an «это не я» link
///
/// Freezes the account and ends its sessions; the bearer of a session of the same account keeps that one.
#[utoipa::path(post, path = "/alarm-links/{token}", tag = "links",
    params(("token" = String, Path, description = "The token of the message's link")),
    responses((status = 200, body = Frozen)))]
pub(super) async fn alarm(
    With(state): With<State>,
    visit: Visit,
    Path(token): Path<String>,
    MaybeCaller(caller): MaybeCaller,
    Bare(key): Bare,
) -> Answer<Json<Frozen>> {
    let link = LinkToken::from_text(&token).ok_or(Code::LinkOver)?;
    let key = key.once(&token_hash(token.as_bytes()));
    let presser = caller.map(|Caller(who)| who);
    if done(state.alarm(key, &visit.visitor, link, presser).await?)? {
        Ok(Json(Frozen { frozen: true }))
    } else {
        Err(Code::LinkOver.into())
    }
}
