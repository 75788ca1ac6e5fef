//! Passkeys as JSON: a beginning answers what to hand to the authenticator, in the form that
//! `parseRequestOptionsFromJSON` reads; the answer is what `PublicKeyCredential.toJSON` gives.

use axum::{
    Json,
    extract::{Path, State as With},
};
use http::StatusCode;
use identity_core::next_path::NextPath;
use identity_service::{
    passkeys::{self, Add, Added, BeginAdding, Begun, Listed, PasskeyId, Remove, Removed},
    step_up::{self, StepId},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use webkit::visit::Visit;

use super::{
    document::{BrowserHeader, FlowHeader, MaybeFlowHeader, Problems},
    problems::{Code, Refused},
    request::{Answer, Bare, Command, Flow, Known, MaybeFlow, Repeatable, done},
    sign_in::{self, Inside},
    steps::{self, Step, StepState},
};
use crate::{
    acts::{AddingDone, Answered, NotTaken, PasskeyDone, ProvedDone},
    state::{Caller, State, Who},
};

/// Something an authenticator is asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct Asked {
    /// Send it back with the answer.
    #[schema(format = "uuid")]
    ceremony: String,
    /// For `navigator.credentials`: `PublicKeyCredentialRequestOptionsJSON`, or
    /// `PublicKeyCredentialCreationOptionsJSON` for a new key.
    #[schema(value_type = Object)]
    options: Value,
}

fn asked<O: Serialize>(begun: &Begun<O>) -> Answer<Asked> {
    let options = serde_json::to_value(&begun.options).map_err(|_| Code::Internal)?;
    Ok(Asked {
        ceremony: begun.ceremony.to_string(),
        options,
    })
}

/// The beginning of a sign-in.
#[derive(Debug, Serialize, ToSchema)]
pub struct AskedToSignIn {
    /// The flow token: send it as `Kabinet-Flow` with the answer.
    #[schema(min_length = 43, max_length = 43)]
    flow: String,
    /// What the authenticator is asked.
    #[serde(flatten)]
    asked: Asked,
}

/// The answer of an authenticator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// What was begun.
    #[schema(format = "uuid", max_length = 36)]
    ceremony: String,
    /// The credential as JSON, at most 16 KiB.
    #[schema(value_type = Object)]
    answer: Map<String, Value>,
}

impl Shown {
    pub(super) fn read(self) -> Answer<Answered> {
        Ok(Answered {
            ceremony: self.ceremony.parse().map_err(|_| Code::CeremonyOver)?,
            json: Value::Object(self.answer).to_string(),
        })
    }
}

pub(super) fn not_taken(why: NotTaken) -> Refused {
    match why {
        NotTaken::No => Code::PasskeyNotTaken,
        NotTaken::Unknown => Code::PasskeyUnknown,
        NotTaken::Suspected => Code::PasskeySuspected,
        NotTaken::Over => Code::CeremonyOver,
    }
    .into()
}

/// Begin a sign-in by passkey
///
/// The answer is the same for everybody: it names no account and no key. It may be asked for again and again;
/// each challenge serves once, for five minutes, with its flow.
#[utoipa::path(post, path = "/sign-in/passkey/begin", tag = "sign-in", params(MaybeFlowHeader),
    responses((status = 200, body = AskedToSignIn), Problems::<409>))]
pub(super) async fn begin_sign_in(
    With(state): With<State>,
    visit: Visit,
    MaybeFlow(flow): MaybeFlow,
    Bare(key): Bare,
) -> Answer<Json<AskedToSignIn>> {
    let flow = match flow {
        Some(flow) => flow,
        None => sign_in::begin(&state, &visit, &key)?,
    };
    let begun = state.begin_passkey_sign_in(flow.hash()).await?;
    Ok(Json(AskedToSignIn {
        flow: flow.expose().as_str().to_owned(),
        asked: asked(&begun.ok_or(Code::NoPasskeysHere)?)?,
    }))
}

/// Sign in by passkey
#[utoipa::path(post, path = "/sign-in/passkey", tag = "sign-in", params(FlowHeader, BrowserHeader),
    request_body = Shown, responses((status = 200, body = Inside), Problems::<403>, Problems::<404>))]
pub(super) async fn sign_in(
    With(state): With<State>,
    visit: Visit,
    Flow(flow): Flow,
    Known(known): Known,
    command: Command<Shown>,
) -> Answer<Json<Inside>> {
    let browser = flow.hash();
    let entered = state
        .passkey_sign_in(
            command.key.once(&browser),
            &visit.visitor,
            (browser, known),
            command.body.read()?,
            NextPath::default(),
        )
        .await?;
    match done(entered)? {
        PasskeyDone::In(entered) => Ok(Json(entered.into())),
        PasskeyDone::NotTaken(why) => Err(not_taken(why)),
    }
}

/// A passkey.
#[derive(Debug, Serialize, ToSchema)]
pub struct Passkey {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// The name its owner gave, else that of the authenticator's model; null when neither is known.
    name: Option<String>,
    /// Made, microseconds UTC.
    created_at: i64,
    /// Last shown, microseconds UTC.
    used_at: Option<i64>,
    /// It is copied to the owner's other devices.
    is_synced: bool,
    /// There may be a copy of it in other hands: it is not taken any more.
    is_suspected: bool,
}

impl From<Listed> for Passkey {
    fn from(listed: Listed) -> Self {
        Self {
            id: listed.id.to_string(),
            name: listed.name,
            created_at: listed.created_at.as_micros(),
            used_at: listed.used_at.map(kernel::Timestamp::as_micros),
            is_synced: listed.is_synced,
            is_suspected: listed.suspected_at.is_some(),
        }
    }
}

/// The passkeys of the account.
#[derive(Debug, Serialize, ToSchema)]
pub struct Passkeys {
    /// Oldest first, at most 20.
    passkeys: Vec<Passkey>,
    /// For `PublicKeyCredential.signalAllAcceptedCredentials`; null when the account never made a key.
    #[schema(value_type = Option<Object>)]
    accepted: Option<Value>,
}

async fn passkeys(state: &State, caller: &Caller) -> Answer<Json<Passkeys>> {
    let input = (state.env.clone(), Who(caller.0.clone()));
    let (listed, accepted) = state
        .read("passkey.list", input, |tx, (env, who)| {
            Box::pin(async move {
                let listed = passkeys::list(tx, &who.account).await?;
                Ok((listed, passkeys::accepted(tx, env, &who.account).await?))
            })
        })
        .await?;
    Ok(Json(Passkeys {
        passkeys: listed.into_iter().map(Passkey::from).collect(),
        accepted: accepted.and_then(|accepted| serde_json::to_value(accepted).ok()),
    }))
}

/// Passkeys of the account
#[utoipa::path(get, path = "/passkeys", tag = "passkeys", security(("session" = [])),
    responses((status = 200, body = Passkeys)))]
pub(super) async fn list(With(state): With<State>, caller: Caller) -> Answer<Json<Passkeys>> {
    passkeys(&state, &caller).await
}

/// Begin to add a passkey
#[utoipa::path(post, path = "/passkeys/begin", tag = "passkeys", security(("session" = [])),
    responses((status = 200, body = Asked), Problems::<409>))]
pub(super) async fn begin_adding(
    With(state): With<State>,
    caller: Caller,
    Bare(_key): Bare,
) -> Answer<Json<Asked>> {
    match state.begin_adding_passkey(caller.0).await? {
        BeginAdding::Begun(begun) => Ok(Json(asked(&begun)?)),
        BeginAdding::TooMany => Err(Code::PasskeysFull.into()),
        BeginAdding::NotHere => Err(Code::NoPasskeysHere.into()),
    }
}

/// A new passkey.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// What was begun.
    #[schema(format = "uuid", max_length = 36)]
    ceremony: String,
    /// The credential as JSON, at most 16 KiB.
    #[schema(value_type = Object)]
    answer: Map<String, Value>,
    /// A name; without one that of the authenticator's model.
    #[schema(max_length = 60)]
    name: Option<String>,
}

fn name(typed: Option<&str>) -> Answer<Option<String>> {
    passkeys::name(typed.unwrap_or_default())
        .ok_or_else(|| Refused::from(Code::Invalid).at("name", "name_too_long"))
}

fn added(added: Added) -> Answer<StatusCode> {
    match added {
        Added::Done(_) => Ok(StatusCode::CREATED),
        Added::Taken => Err(Code::PasskeyTaken.into()),
        Added::TooMany => Err(Code::PasskeysFull.into()),
    }
}

/// Add a passkey
///
/// Needs a proof of the last five minutes. When one is asked for first, the same request with its step adds
/// the key that came with the first.
#[utoipa::path(post, path = "/passkeys", tag = "passkeys", security(("session" = [])),
    params(("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    request_body = Made,
    responses((status = 201, body = Passkeys), Problems::<403>, Problems::<404>, Problems::<409>))]
pub(super) async fn add(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    step: Step,
    command: Command<Made>,
) -> Answer<(StatusCode, Json<Passkeys>)> {
    let Made {
        ceremony,
        answer,
        name: typed,
    } = command.body;
    let name = name(typed.as_deref())?;
    let status = if let Some(waits) = step.0 {
        let cmd = waiting(&state, &caller, waits).await?;
        added(steps::run(&state, &visit, caller.clone(), &command.key, step, cmd).await?)?
    } else {
        let answered = Shown { ceremony, answer }.read()?;
        let key = command.key.once(caller.account.id.as_bytes());
        let adding = state
            .add_passkey(key, &visit.visitor, caller.0.clone(), answered, name)
            .await?;
        match done(adding)? {
            AddingDone::Performed(performed) => added(steps::performed_or(performed, &visit)?)?,
            AddingDone::Refused(why) => return Err(not_taken(why.into())),
        }
    };
    Ok((status, passkeys(&state, &caller).await?))
}

/// The key that waits sealed in a step.
async fn waiting(state: &State, caller: &Caller, step: StepId) -> Answer<Add> {
    let input = (Who(caller.0.clone()), step);
    let waiting = state
        .read("step_up.look", input, |tx, (who, step)| {
            Box::pin(step_up::look(tx, who, *step))
        })
        .await?
        .ok_or(Code::StepOver)?;
    serde_json::from_slice(&waiting.payload).map_err(|_| Code::StepOver.into())
}

/// A name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// The name; an empty one means that of the authenticator's model.
    #[schema(max_length = 60)]
    name: String,
}

fn id(text: &str) -> Answer<PasskeyId> {
    text.parse().map_err(|_| Code::NotFound.into())
}

/// Name a passkey
#[utoipa::path(put, path = "/passkeys/{id}", tag = "passkeys", security(("session" = [])),
    params(("id" = String, Path, description = "The passkey's id", format = "uuid")),
    request_body = Name, responses((status = 200, body = Passkeys), Problems::<404>))]
pub(super) async fn rename(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    Path(passkey): Path<String>,
    command: Command<Name>,
) -> Answer<Json<Passkeys>> {
    let name = name(Some(&command.body.name))?;
    let key = command.key.once(caller.account.id.as_bytes());
    let renamed = state
        .rename_passkey(key, &visit.visitor, caller.0.clone(), id(&passkey)?, name)
        .await?;
    if done(renamed)? {
        passkeys(&state, &caller).await
    } else {
        Err(Code::NotFound.into())
    }
}

/// Remove a passkey
///
/// Needs a proof made for this very request. Afterwards hand `accepted` to
/// `PublicKeyCredential.signalAllAcceptedCredentials`.
#[utoipa::path(delete, path = "/passkeys/{id}", tag = "passkeys", security(("session" = [])),
    params(("id" = String, Path, description = "The passkey's id", format = "uuid"),
        ("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    responses((status = 200, body = Passkeys), Problems::<403>, Problems::<404>, Problems::<409>, Problems::<429>))]
pub(super) async fn remove(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    Path(passkey): Path<String>,
    step: Step,
    Repeatable(key): Repeatable,
) -> Answer<Json<Passkeys>> {
    let cmd = Remove { id: id(&passkey)? };
    match steps::run(&state, &visit, caller.clone(), &key, step, cmd).await? {
        Removed::Done => passkeys(&state, &caller).await,
        Removed::NotThere => Err(Code::NotFound.into()),
        Removed::LastWay => Err(Code::LastWay.into()),
        Removed::Needed => Err(Code::FactorNeeded.into()),
    }
}

/// Begin to show a passkey for a step
#[utoipa::path(post, path = "/steps/{id}/passkey/begin", tag = "steps", security(("session" = [])),
    params(("id" = String, Path, description = "The id of the step", format = "uuid")),
    responses((status = 200, body = Asked), Problems::<404>))]
pub(super) async fn begin_proof(
    With(state): With<State>,
    caller: Caller,
    Path(step): Path<String>,
    Bare(_key): Bare,
) -> Answer<Json<Asked>> {
    let step: StepId = step.parse().map_err(|_| Code::StepOver)?;
    let begun = state.begin_passkey_proof(caller.0, step).await?;
    Ok(Json(asked(&begun.ok_or(Code::StepOver)?)?))
}

/// Show a passkey for a step
#[utoipa::path(post, path = "/steps/{id}/passkey", tag = "steps", security(("session" = [])),
    params(("id" = String, Path, description = "The id of the step", format = "uuid")),
    request_body = Shown,
    responses((status = 200, body = StepState), Problems::<403>, Problems::<404>))]
pub(super) async fn prove(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<String>,
    command: Command<Shown>,
) -> Answer<Json<StepState>> {
    let step: StepId = id.parse().map_err(|_| Code::StepOver)?;
    let key = command.key.once(caller.account.id.as_bytes());
    let answered = command.body.read()?;
    let proved = state
        .prove_by_passkey(key, &visit.visitor, caller.0.clone(), step, answered)
        .await?;
    match done(proved)? {
        ProvedDone::Shown(shown) => steps::proved(&state, &visit, &caller, &id, shown).await,
        ProvedDone::NotTaken(why) => Err(not_taken(why)),
    }
}
