//! The number of the account and the ways back in (ID-8a).

use axum::{Json, extract::State as With};
use http::StatusCode;
use identity_core::{
    challenge::Purpose,
    ways_back::{Advice, Door, Loss, Outlook},
};
use identity_service::{ServiceError, account, number, ways_back as service};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use webkit::visit::Visit;

use super::{
    document::Problems,
    problems::Code,
    request::{Answer, Bare, CodeCommand, Command, done},
    sign_in::TypedCode,
    steps::{Step, run},
    words::{self, SentCode},
};
use crate::{
    acts::NumberDone,
    state::{Caller, State, Who},
};

/// The number of the account.
#[derive(Debug, Serialize, ToSchema)]
pub struct NumberState {
    /// Masked.
    phone: String,
    /// When control of it was last proved, microseconds UTC.
    proved_at: i64,
    /// Not proved for a long time: ask «это всё ещё ваш номер?».
    is_aged: bool,
    /// In doubt since then, microseconds UTC: it opens nothing until it is confirmed.
    doubted_at: Option<i64>,
    /// The doubt's own code clears it from then on, microseconds UTC; null where something stronger does.
    waits_until: Option<i64>,
    /// The code that was sent to confirm it, if any.
    code: Option<SentCode>,
}

async fn number(state: &State, caller: &Caller) -> Answer<Json<NumberState>> {
    let code = words::sent(state, Purpose::ConfirmNumber, caller.browser_key()).await?;
    let input = (state.env.clone(), Who(caller.0.clone()));
    let found = state
        .read("number.standing", input, |tx, (env, who)| {
            Box::pin(async move {
                let owned = account::identifiers(tx, &who.account).await?;
                let standing = number::standing(tx, env, &owned).await?;
                let waits = number::waits_until(tx, env, &who.account).await?;
                let phone = account::phone(&owned).map(|phone| phone.identifier.masked());
                Ok::<_, ServiceError>((standing, waits, phone))
            })
        })
        .await?;
    let (Some(standing), waits, Some(phone)) = found else {
        return Err(Code::NotFound.into());
    };
    Ok(Json(NumberState {
        phone,
        proved_at: standing.proved_at.as_micros(),
        is_aged: standing.is_aged,
        doubted_at: standing.doubted_at.map(Timestamp::as_micros),
        waits_until: waits.map(Timestamp::as_micros),
        code,
    }))
}

/// How the number stands
#[utoipa::path(get, path = "/number", tag = "number", security(("session" = [])),
    responses((status = 200, body = NumberState)))]
pub(super) async fn look(With(state): With<State>, caller: Caller) -> Answer<Json<NumberState>> {
    number(&state, &caller).await
}

/// How the code travels.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskNumber {
    /// By call instead of SMS.
    #[serde(default)]
    call: bool,
}

/// Ask for a code that confirms the number
#[utoipa::path(post, path = "/number", tag = "number", security(("session" = [])),
    request_body = AskNumber,
    responses((status = 202, body = NumberState), Problems::<403>, Problems::<409>, Problems::<429>))]
pub(super) async fn ask(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    command: Command<AskNumber>,
) -> Answer<(StatusCode, Json<NumberState>)> {
    let key = command.key.once(caller.account.id.as_bytes());
    let call = command.body.call;
    let asked = state
        .ask_number(key, &visit.visitor, caller.0.clone(), call)
        .await?;
    words::asked(done(asked)?, visit.now)?;
    Ok((StatusCode::ACCEPTED, number(&state, &caller).await?))
}

/// Confirm the number by its code
///
/// A number in doubt stays so until `POST /number/clear`, or until `waits_until`.
#[utoipa::path(post, path = "/number/confirm", tag = "number", security(("session" = [])),
    request_body = TypedCode,
    responses((status = 200, body = NumberState), Problems::<403>, Problems::<429>))]
pub(super) async fn confirm(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    command: CodeCommand<TypedCode>,
) -> Answer<Json<NumberState>> {
    let code = words::code(&command.body.code, 6)?;
    let key = command.key.once(caller.account.id.as_bytes());
    let confirmed = state
        .confirm_number(key, &visit.visitor, caller.0.clone(), code)
        .await?;
    match done(confirmed)? {
        NumberDone::Refused(why) => Err(words::refusal(why, visit.now)),
        NumberDone::Done | NumberDone::ShowMore | NumberDone::Waits { .. } => {
            number(&state, &caller).await
        }
    }
}

/// Clear the doubt of a number whose code was just entered
#[utoipa::path(post, path = "/number/clear", tag = "number", security(("session" = [])),
    params(("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    responses((status = 200, body = NumberState), Problems::<403>, Problems::<409>))]
pub(super) async fn clear(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    step: Step,
    Bare(key): Bare,
) -> Answer<Json<NumberState>> {
    let cmd = number::Clear {};
    match run(&state, &visit, caller.clone(), &key, step, cmd).await? {
        number::Cleared::Done => number(&state, &caller).await,
        number::Cleared::CodeFirst => Err(Code::ProofMissing.into()),
    }
}

/// What one loss would mean.
#[derive(Debug, Serialize, ToSchema)]
pub struct LossState {
    /// What is lost: `phone`, `computer`, `memory`, `mailbox`.
    loss: &'static str,
    /// Whether the owner would be locked out.
    locked_out: bool,
    /// Doors that stay open: `number`, `email`, `passkey`.
    open: Vec<&'static str>,
    /// What to do first: `confirm_number`, `add_email`, `backup_codes`, `synced_passkey`.
    advice: Option<&'static str>,
}

impl From<Outlook> for LossState {
    fn from(outlook: Outlook) -> Self {
        Self {
            loss: Loss::as_str(outlook.loss),
            locked_out: outlook.is_locked_out(),
            open: outlook.open.iter().copied().map(Door::as_str).collect(),
            advice: outlook.advice.map(Advice::as_str),
        }
    }
}

/// Ways back in.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaysBackState {
    /// Every single loss.
    losses: Vec<LossState>,
}

/// Which single loss would lock the owner out
#[utoipa::path(get, path = "/ways-back", tag = "number", security(("session" = [])),
    responses((status = 200, body = WaysBackState)))]
pub(super) async fn ways_back(
    With(state): With<State>,
    caller: Caller,
) -> Answer<Json<WaysBackState>> {
    let input = (state.env.clone(), Who(caller.0));
    let outlooks = state
        .read("ways_back.outlooks", input, |tx, (env, who)| {
            Box::pin(service::outlooks(tx, env, &who.account))
        })
        .await?;
    Ok(Json(WaysBackState {
        losses: outlooks.into_iter().map(LossState::from).collect(),
    }))
}
