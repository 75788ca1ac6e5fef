//! Step-up as JSON: a sensitive request that lacks a proof is refused with `step_up_needed` and the id of a
//! step. Proofs are shown for that step; the same request with the header `Kabinet-Step` then runs, once.

use axum::{
    Json,
    extract::{FromRequestParts, Path, State as With},
};
use http::{StatusCode, request::Parts};
use identity_core::assurance::{Action, Method};
use identity_service::{
    bank_section,
    step_up::{self, Progress, Sensitive, StepId, To, Waiting},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;
use webkit::{once::OnceKey, visit::Visit};

use super::{
    document::Problems,
    problems::{Code, Refused},
    request::{Answer, Bare, CodeCommand, Command, Key, done, single},
    words::{self, SentCode, Way},
};
use crate::{
    acts::{SensitiveDone, ShownDone},
    state::{Caller, State, Who},
};

/// Header that names the step whose proof a request uses.
pub(super) const STEP: &str = "kabinet-step";

/// The step a request brings, by the header [`STEP`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Step(pub(super) Option<StepId>);

impl Step {
    /// The key of a request: with its proof the same request under the same key is another command.
    pub(super) fn key(self, key: &Key, caller: &Caller) -> OnceKey {
        let mut key = key.once(caller.account.id.as_bytes());
        if let Some(step) = self.0 {
            key.key = format!("{} {step}", key.key);
        }
        key
    }
}

impl FromRequestParts<State> for Step {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Answer<Self> {
        let invalid = || Refused::from(Code::HeaderInvalid).at(STEP, "invalid");
        let text = single(&parts.headers, STEP).map_err(|()| invalid())?;
        let step = text.map(|text| text.parse().map_err(|_| invalid()));
        Ok(Self(step.transpose()?))
    }
}

/// Runs a sensitive request, or refuses it with what it needs.
pub(super) async fn run<C>(
    state: &State,
    visit: &Visit,
    caller: Caller,
    key: &Key,
    step: Step,
    cmd: C,
) -> Answer<C::Done>
where
    C: Sensitive,
    C::Done: Serialize + DeserializeOwned + Sync + 'static,
{
    let key = step.key(key, &caller);
    let performed = state
        .sensitive(key, &visit.visitor, caller.0, cmd, step.0)
        .await?;
    performed_or(done(performed)?, visit)
}

/// What was done, or why it was not.
pub(super) fn performed_or<T>(performed: SensitiveDone<T>, visit: &Visit) -> Answer<T> {
    Err(match performed {
        SensitiveDone::Done(answer) => return Ok(answer),
        SensitiveDone::Needs(step) => Refused::from(Code::StepUpNeeded).for_step(step.to_string()),
        SensitiveDone::NothingToShow => Code::NothingToShow.into(),
        SensitiveDone::Frozen => Code::Frozen.into(),
        SensitiveDone::TooSoon { until } => {
            Refused::from(Code::ChangeTooSoon).until(until, visit.now)
        }
    })
}

/// A sensitive request that waits for a proof.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepState {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// What is confirmed: the stable name of the action.
    action: &'static str,
    /// Ways to prove it: one of them is enough, and of one everything is needed. Empty when it is proved.
    needs: Vec<Vec<Way>>,
    /// Everything was shown: repeat the request with the header `Kabinet-Step`.
    is_proved: bool,
    /// Its proof was used.
    is_used: bool,
    /// When it ends, microseconds UTC.
    expires_at: i64,
    /// The code that was sent to the phone, if any.
    phone_code: Option<SentCode>,
    /// The code that was sent by e-mail, if any.
    email_code: Option<SentCode>,
}

async fn find(state: &State, caller: &Caller, step: &str) -> Answer<(StepId, Waiting)> {
    let step: StepId = step.parse().map_err(|_| Code::StepOver)?;
    let input = (Who(caller.0.clone()), step);
    let waiting = state
        .read("step_up.look", input, |tx, (who, step)| {
            Box::pin(step_up::look(tx, who, *step))
        })
        .await?;
    Ok((step, waiting.ok_or(Code::StepOver)?))
}

/// Refuses what is shown for a step that is over.
pub(super) async fn must_wait(state: &State, caller: &Caller, id: &str) -> Answer<()> {
    find(state, caller, id).await?;
    Ok(())
}

async fn described(
    state: &State,
    caller: &Caller,
    step: StepId,
    waiting: &Waiting,
) -> Answer<Json<StepState>> {
    let browser = step_up::browser_key(caller, step);
    let needs = match &waiting.progress {
        Progress::More(ways) => ways
            .iter()
            .map(|way| way.iter().copied().map(Way::from).collect())
            .collect(),
        Progress::Proved | Progress::Over => Vec::new(),
    };
    Ok(Json(StepState {
        id: step.to_string(),
        action: Action::as_str(waiting.action),
        needs,
        is_proved: waiting.progress == Progress::Proved,
        is_used: waiting.is_used,
        expires_at: waiting.expires_at.as_micros(),
        phone_code: words::sent(state, To::Phone.purpose(), browser).await?,
        email_code: words::sent(state, To::Email.purpose(), browser).await?,
    }))
}

/// What a step still needs
#[utoipa::path(get, path = "/steps/{id}", tag = "steps", security(("session" = [])),
    params(("id" = String, Path, description = "The id of the step", format = "uuid")),
    responses((status = 200, body = StepState), Problems::<404>))]
pub(super) async fn look(
    With(state): With<State>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<StepState>> {
    let (step, waiting) = find(&state, &caller, &id).await?;
    described(&state, &caller, step, &waiting).await
}

/// How a code for a step travels.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepChannel {
    /// A text message.
    Sms,
    /// A call.
    Call,
    /// A letter.
    Email,
}

impl From<StepChannel> for To {
    fn from(channel: StepChannel) -> Self {
        match channel {
            StepChannel::Sms => Self::Phone,
            StepChannel::Call => Self::Call,
            StepChannel::Email => Self::Email,
        }
    }
}

/// Where the code goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskStepCode {
    /// How.
    channel: StepChannel,
}

/// Ask for a code for a step
#[utoipa::path(post, path = "/steps/{id}/codes", tag = "steps", security(("session" = [])),
    params(("id" = String, Path, description = "The id of the step", format = "uuid")),
    request_body = AskStepCode,
    responses((status = 202, body = StepState), Problems::<404>, Problems::<429>))]
pub(super) async fn ask(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<String>,
    command: Command<AskStepCode>,
) -> Answer<(StatusCode, Json<StepState>)> {
    let (step, _) = find(&state, &caller, &id).await?;
    let key = command.key.once(caller.account.id.as_bytes());
    let to = command.body.channel.into();
    let asked = state
        .ask_step_code(key, &visit.visitor, caller.0.clone(), step, to)
        .await?;
    words::asked(done(asked)?.ok_or(Code::StepOver)?, visit.now)?;
    let (step, waiting) = find(&state, &caller, &id).await?;
    let described = described(&state, &caller, step, &waiting).await?;
    Ok((StatusCode::ACCEPTED, described))
}

/// A code for a step.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepCode {
    /// How it travelled.
    channel: StepChannel,
    /// The code as it was typed.
    #[schema(min_length = 6, max_length = 64, example = "123456")]
    code: String,
}

/// Show the code of a step
#[utoipa::path(post, path = "/steps/{id}/codes/verify", tag = "steps", security(("session" = [])),
    params(("id" = String, Path, description = "The id of the step", format = "uuid")),
    request_body = StepCode,
    responses((status = 200, body = StepState), Problems::<404>, Problems::<429>))]
pub(super) async fn verify(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<String>,
    command: CodeCommand<StepCode>,
) -> Answer<Json<StepState>> {
    let (step, _) = find(&state, &caller, &id).await?;
    let code = words::code(&command.body.code, 6)?;
    let key = command.key.once(caller.account.id.as_bytes());
    let purpose = To::from(command.body.channel).purpose();
    let shown = state
        .check_step_code(key, &visit.visitor, caller.0.clone(), step, purpose, code)
        .await?;
    proved(&state, &visit, &caller, &id, done(shown)?).await
}

/// The state of a step after a proof, or why the proof was refused.
pub(super) async fn proved(
    state: &State,
    visit: &Visit,
    caller: &Caller,
    id: &str,
    shown: ShownDone,
) -> Answer<Json<StepState>> {
    match shown {
        ShownDone::Proved | ShownDone::More => {}
        ShownDone::Over => return Err(Code::StepOver.into()),
        ShownDone::Refused(why) => return Err(words::refusal(why, visit.now)),
    }
    let (step, waiting) = find(state, caller, id).await?;
    described(state, caller, step, &waiting).await
}

/// Give a step up
#[utoipa::path(delete, path = "/steps/{id}", tag = "steps", security(("session" = [])),
    params(("id" = String, Path, description = "The id of the step", format = "uuid")),
    responses((status = 204, description = "Given up"), Problems::<404>))]
pub(super) async fn cancel(
    With(state): With<State>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    let (_, waiting) = find(&state, &caller, &id).await?;
    state.cancel_step(caller.0, waiting.action).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The bank section of the session.
#[derive(Debug, Serialize, ToSchema)]
pub struct BankState {
    /// It is open.
    is_open: bool,
    /// How it was opened; null when it is locked.
    method: Option<Way>,
    /// Locks then unless it is used before, microseconds UTC.
    locks_at: Option<i64>,
    /// Ends then, used or not, microseconds UTC.
    ends_at: Option<i64>,
}

async fn bank(state: &State, caller: &Caller) -> Answer<Json<BankState>> {
    let section = state.bank(&Who(caller.0.clone())).await?;
    Ok(Json(BankState {
        is_open: section.is_some(),
        method: section.map(|section| Method::into(section.method)),
        locks_at: section.map(|section| section.locks_at.as_micros()),
        ends_at: section.map(|section| section.ends_at.as_micros()),
    }))
}

/// Whether the bank section is open
#[utoipa::path(get, path = "/bank", tag = "bank", security(("session" = [])),
    responses((status = 200, body = BankState)))]
pub(super) async fn look_bank(With(state): With<State>, caller: Caller) -> Answer<Json<BankState>> {
    bank(&state, &caller).await
}

/// Open the bank section
///
/// Needs a passkey, the password or the passcode, shown for this very request.
#[utoipa::path(post, path = "/bank", tag = "bank", security(("session" = [])),
    params(("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    responses((status = 200, body = BankState), Problems::<403>, Problems::<409>))]
pub(super) async fn open_bank(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    step: Step,
    Bare(key): Bare,
) -> Answer<Json<BankState>> {
    let cmd = bank_section::Open {
        next: "/bank".to_owned(),
    };
    run(&state, &visit, caller.clone(), &key, step, cmd).await?;
    bank(&state, &caller).await
}

/// Lock the bank section
#[utoipa::path(delete, path = "/bank", tag = "bank", security(("session" = [])),
    responses((status = 204, description = "Locked")))]
pub(super) async fn lock_bank(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
) -> Answer<StatusCode> {
    state.lock_bank(&visit.visitor, caller.0).await?;
    Ok(StatusCode::NO_CONTENT)
}
