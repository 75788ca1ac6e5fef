//! Password, passcode and code word as JSON. A secret goes in and never comes out; changing one needs a proof
//! first, and the same request then runs with the header `Kabinet-Step`.

use axum::{
    Json,
    extract::{Path, State as With},
};
use http::StatusCode;
use identity_core::{
    assurance::Action,
    code_word::CodeWordError,
    passcode::{Passcode, PasscodeError},
    password::{PasswordError, Strength as CoreStrength},
};
use identity_service::{
    code_word::{CodeWordSet, SetCodeWord},
    device_key::{CeremonyId, NewKey, Signed},
    passcode::{RemovePasscode, SetPasscode},
    password::{self, RemovePassword, SetPassword},
    secret::Kind,
    step_up::{self, StepId},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;
use webkit::visit::Visit;

use super::{
    document::Problems,
    problems::{Code, field},
    request::{Answer, Bare, CodeCommand, Command, done},
    steps::{self, Step, StepState},
};
use crate::{
    acts::PasscodeWith,
    pages::secrets as page,
    state::{Caller, Fault, State, Who},
};

/// A chosen secret that is there.
#[derive(Debug, Serialize, ToSchema)]
pub struct SecretState {
    /// Since when, microseconds UTC.
    set_at: i64,
    /// Tries left; zero when it is closed.
    tries_left: u32,
}

/// The chosen secrets of an account; null where there is none.
#[derive(Debug, Serialize, ToSchema)]
pub struct Secrets {
    /// The password.
    password: Option<SecretState>,
    /// The passcode.
    passcode: Option<SecretState>,
    /// The code word.
    code_word: Option<SecretState>,
    /// This device holds a key, so its passcode needs no code to the phone.
    has_key: bool,
}

async fn secret(state: &State, who: &Who, kind: Kind) -> Result<Option<SecretState>, Fault> {
    let standing = page::standing(state, who, kind).await?;
    Ok(standing.map(|(since, tries_left)| SecretState {
        set_at: since.as_micros(),
        tries_left,
    }))
}

/// Which secrets there are
#[utoipa::path(get, path = "/secrets", tag = "secrets", security(("session" = [])),
    responses((status = 200, body = Secrets)))]
pub(super) async fn look(With(state): With<State>, caller: Caller) -> Answer<Json<Secrets>> {
    let who = Who(caller.0);
    Ok(Json(Secrets {
        password: secret(&state, &who, Kind::Password).await?,
        passcode: secret(&state, &who, Kind::Passcode).await?,
        code_word: secret(&state, &who, Kind::CodeWord).await?,
        has_key: page::has_key(&state, &who).await?,
    }))
}

/// The command that waits in a step, when this request brings one. A hash is another each time, so what was
/// confirmed is found there and compared with what comes now.
async fn waiting<C: DeserializeOwned>(
    state: &State,
    caller: &Caller,
    step: Step,
    action: Action,
) -> Answer<Option<C>> {
    let Some(step) = step.0 else { return Ok(None) };
    let input = (Who(caller.0.clone()), step);
    let waiting = state
        .read("step_up.look", input, |tx, (who, step)| {
            Box::pin(step_up::look(tx, who, *step))
        })
        .await?;
    let waiting = waiting.filter(|waiting| waiting.action == action);
    Ok(waiting.and_then(|waiting| serde_json::from_slice(&waiting.payload).ok()))
}

/// A password to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// 12 to 128 characters as they are typed; none are required in particular.
    #[schema(
        min_length = 12,
        max_length = 128,
        example = "violet train leaves quietly"
    )]
    password: String,
}

/// How hard a password is to guess.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Accepted, and it could be better.
    Weak,
    /// Will do.
    Fair,
    /// Good.
    Good,
    /// Nobody guesses it.
    Excellent,
}

impl From<CoreStrength> for Strength {
    fn from(strength: CoreStrength) -> Self {
        match strength {
            CoreStrength::Weak => Self::Weak,
            CoreStrength::Fair => Self::Fair,
            CoreStrength::Good => Self::Good,
            CoreStrength::Excellent => Self::Excellent,
        }
    }
}

/// A password that was set.
#[derive(Debug, Serialize, ToSchema)]
pub struct PasswordSet {
    /// How strong it is.
    strength: Strength,
}

/// Set or replace the password
#[utoipa::path(put, path = "/password", tag = "secrets", security(("session" = [])), request_body = NewPassword,
    params(("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    responses((status = 200, body = PasswordSet), Problems::<403>, Problems::<429>))]
pub(super) async fn set_password(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    step: Step,
    command: CodeCommand<NewPassword>,
) -> Answer<Json<PasswordSet>> {
    let typed = &command.body.password;
    let held: Option<SetPassword> = waiting(&state, &caller, step, Action::SetPassword).await?;
    let cmd = match held {
        Some(held) if held.is_for(&state.env, typed).await.map_err(Fault::from)? => held,
        _ => {
            let own = page::own(&state, &Who(caller.0.clone())).await?;
            let prepared = SetPassword::prepare(&state.env, &own, typed).await;
            prepared.map_err(Fault::from)?.map_err(|why| {
                let code = match why {
                    PasswordError::Short => "password_short",
                    PasswordError::Long => "password_long",
                    PasswordError::Common => "password_common",
                    PasswordError::Own => "password_own",
                };
                field("password", code)
            })?
        }
    };
    let strength = steps::run(&state, &visit, caller, &command.key, step, cmd).await?;
    Ok(Json(PasswordSet {
        strength: strength.into(),
    }))
}

/// Remove the password
#[utoipa::path(delete, path = "/password", tag = "secrets", security(("session" = [])),
    params(("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    responses((status = 204, description = "Removed"), Problems::<403>, Problems::<409>, Problems::<429>))]
pub(super) async fn remove_password(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    step: Step,
    Bare(key): Bare,
) -> Answer<StatusCode> {
    match steps::run(&state, &visit, caller, &key, step, RemovePassword {}).await? {
        password::Removed::Done => Ok(StatusCode::NO_CONTENT),
        password::Removed::Needed => Err(Code::FactorNeeded.into()),
    }
}

/// A passcode to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPasscode {
    /// Four digits.
    #[schema(min_length = 4, max_length = 64, example = "8305")]
    passcode: String,
    /// The public half of a P-256 key that this device has just made, as an uncompressed point in hex. Without
    /// it the passcode comes with a code to the phone.
    #[serde(default)]
    #[schema(min_length = 130, max_length = 130)]
    key: Option<String>,
}

fn key(text: Option<&String>) -> Answer<Option<NewKey>> {
    let Some(text) = text else { return Ok(None) };
    let point = hex::decode(text).ok();
    let key = point.and_then(|point| NewKey::new(&point));
    key.map(Some).ok_or_else(|| field("key", "key_invalid"))
}

const fn passcode_code(why: PasscodeError) -> &'static str {
    match why {
        PasscodeError::NotFour => "passcode_not_four",
        PasscodeError::Common => "passcode_common",
        PasscodeError::Own => "passcode_own",
    }
}

/// Set or replace the passcode
#[utoipa::path(put, path = "/passcode", tag = "secrets", security(("session" = [])), request_body = NewPasscode,
    params(("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    responses((status = 204, description = "Set"), Problems::<403>, Problems::<429>))]
pub(super) async fn set_passcode(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    step: Step,
    command: CodeCommand<NewPasscode>,
) -> Answer<StatusCode> {
    let typed = &command.body.passcode;
    let key = key(command.body.key.as_ref())?;
    let held: Option<SetPasscode> = waiting(&state, &caller, step, Action::SetPasscode).await?;
    let held = match held {
        Some(held) => {
            let is_it = held.is_for(&state.env, typed, key.as_ref()).await;
            is_it.map_err(Fault::from)?.then_some(held)
        }
        None => None,
    };
    let cmd = if let Some(held) = held {
        held
    } else {
        let own = page::own(&state, &Who(caller.0.clone())).await?;
        let prepared = SetPasscode::prepare(&state.env, &own, typed, key).await;
        let prepared = prepared.map_err(Fault::from)?;
        prepared.map_err(|why| field("passcode", passcode_code(why)))?
    };
    steps::run(&state, &visit, caller, &command.key, step, cmd).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove the passcode
#[utoipa::path(delete, path = "/passcode", tag = "secrets", security(("session" = [])),
    params(("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    responses((status = 204, description = "Removed"), Problems::<403>, Problems::<429>))]
pub(super) async fn remove_passcode(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    step: Step,
    Bare(key): Bare,
) -> Answer<StatusCode> {
    steps::run(&state, &visit, caller, &key, step, RemovePasscode {}).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A code word to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCodeWord {
    /// 6 to 64 letters, digits and spaces; case does not matter.
    #[schema(min_length = 6, max_length = 256, example = "green crocodile")]
    code_word: String,
}

/// Set the code word, once
#[utoipa::path(put, path = "/code-word", tag = "secrets", security(("session" = [])), request_body = NewCodeWord,
    params(("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    responses((status = 204, description = "Set"), Problems::<403>, Problems::<409>))]
pub(super) async fn set_code_word(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    step: Step,
    command: CodeCommand<NewCodeWord>,
) -> Answer<StatusCode> {
    let typed = &command.body.code_word;
    let held: Option<SetCodeWord> = waiting(&state, &caller, step, Action::SetCodeWord).await?;
    let cmd = match held {
        Some(held) if held.is_for(&state.env, typed).await.map_err(Fault::from)? => held,
        _ => {
            let own = page::own(&state, &Who(caller.0.clone())).await?;
            let prepared = SetCodeWord::prepare(&state.env, &own, typed).await;
            prepared.map_err(Fault::from)?.map_err(|why| {
                let code = match why {
                    CodeWordError::Short => "code_word_short",
                    CodeWordError::Long => "code_word_long",
                    CodeWordError::Unsayable => "code_word_unsayable",
                    CodeWordError::Common => "code_word_common",
                    CodeWordError::Own => "code_word_own",
                };
                field("code_word", code)
            })?
        }
    };
    match steps::run(&state, &visit, caller, &command.key, step, cmd).await? {
        CodeWordSet::Done => Ok(StatusCode::NO_CONTENT),
        CodeWordSet::HasOne => Err(Code::CodeWordPresent.into()),
    }
}

fn step_id(id: &str) -> Answer<StepId> {
    id.parse().map_err(|_| Code::StepOver.into())
}

/// The password as it was typed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TypedPassword {
    /// The password.
    #[schema(min_length = 1, max_length = 2304)]
    password: String,
}

/// Show the password for a step
#[utoipa::path(post, path = "/steps/{id}/password", tag = "steps", security(("session" = [])),
    params(("id" = String, Path, description = "The id of the step", format = "uuid")),
    request_body = TypedPassword,
    responses((status = 200, body = StepState), Problems::<403>, Problems::<404>, Problems::<429>))]
pub(super) async fn show_password(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<String>,
    command: CodeCommand<TypedPassword>,
) -> Answer<Json<StepState>> {
    let step = step_id(&id)?;
    steps::must_wait(&state, &caller, &id).await?;
    let once = command.key.once(caller.account.id.as_bytes());
    let typed = &command.body.password;
    let shown = state
        .show_password(once, &visit.visitor, caller.0.clone(), step, typed)
        .await?;
    steps::proved(&state, &visit, &caller, &id, done(shown)?).await
}

/// What a device's key is to sign.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceChallenge {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// The key to sign with: the first half of the SHA-256 of its point, in hex.
    key: String,
    /// The text to sign, as its UTF-8 bytes (ECDSA, SHA-256).
    text: String,
}

/// Ask what this device's key is to sign
#[utoipa::path(post, path = "/steps/{id}/passcode/challenge", tag = "steps", security(("session" = [])),
    params(("id" = String, Path, description = "The id of the step", format = "uuid")),
    responses((status = 200, body = DeviceChallenge), Problems::<403>, Problems::<404>))]
pub(super) async fn challenge(
    With(state): With<State>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<DeviceChallenge>> {
    steps::must_wait(&state, &caller, &id).await?;
    let challenge = state.ask_device(caller.0).await?.ok_or(Code::CodeFirst)?;
    Ok(Json(DeviceChallenge {
        id: challenge.id.to_string(),
        key: challenge.key,
        text: challenge.text,
    }))
}

/// What a device's key signed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceSignature {
    /// The challenge.
    #[schema(format = "uuid")]
    id: String,
    /// r and s, 64 bytes in hex.
    #[schema(min_length = 128, max_length = 128)]
    signature: String,
}

/// The passcode with what comes with it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TypedPasscode {
    /// Four digits.
    #[schema(min_length = 4, max_length = 64, example = "8305")]
    passcode: String,
    /// The signature of this device's key. Without it a code to the phone must have been shown for the step.
    #[serde(default)]
    signed: Option<DeviceSignature>,
    /// Without a signature: the public half of a key that this device has just made, to use next time.
    #[serde(default)]
    #[schema(min_length = 130, max_length = 130)]
    key: Option<String>,
}

fn with(body: &TypedPasscode) -> Answer<PasscodeWith> {
    let Some(signed) = &body.signed else {
        return Ok(PasscodeWith::Code(key(body.key.as_ref())?));
    };
    let id: CeremonyId = signed
        .id
        .parse()
        .map_err(|_| field("signed.id", "invalid"))?;
    let signature =
        hex::decode(&signed.signature).map_err(|_| field("signed.signature", "invalid"))?;
    Ok(PasscodeWith::Key(Signed { id, signature }))
}

/// Show the passcode for a step
#[utoipa::path(post, path = "/steps/{id}/passcode", tag = "steps", security(("session" = [])),
    params(("id" = String, Path, description = "The id of the step", format = "uuid")),
    request_body = TypedPasscode,
    responses((status = 200, body = StepState), Problems::<403>, Problems::<404>, Problems::<409>))]
pub(super) async fn show_passcode(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<String>,
    command: Command<TypedPasscode>,
) -> Answer<Json<StepState>> {
    let step = step_id(&id)?;
    steps::must_wait(&state, &caller, &id).await?;
    let typed = Passcode::typed(&command.body.passcode)
        .map_err(|why| field("passcode", passcode_code(why)))?;
    let with = with(&command.body)?;
    let once = command.key.once(caller.account.id.as_bytes());
    let shown = state
        .show_passcode(once, &visit.visitor, caller.0.clone(), step, &typed, with)
        .await?;
    steps::proved(&state, &visit, &caller, &id, done(shown)?).await
}
