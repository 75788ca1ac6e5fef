//! Second factors (ID-8): the authenticator app, backup codes, the setting that always asks, and their proofs for
//! a step.

use axum::{
    Json,
    extract::{Path, State as With},
};
use http::StatusCode;
use identity_core::{backup_code::BackupCode, second_factor as rules};
use identity_service::{
    ServiceError, backup_code, second_factor, shown,
    step_up::StepId,
    totp::{self, Added, Removed},
};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use webkit::visit::Visit;

use super::{
    document::Problems,
    problems::Code,
    request::{Answer, Bare, CodeCommand, Command, Key, done},
    second::TypedFactor,
    sign_in::TypedCode,
    steps::{Step, StepState, proved, run},
    words::{self, Way},
};
use crate::{
    acts::{Factor, TotpDone},
    state::{Caller, State, Who},
};

/// A proof was taken for a step. The code is a secret.
#[derive(Serialize, ToSchema)]
pub struct FactorShown {
    /// How far the step is.
    step: StepState,
    /// The backup code that takes the place of the used one: shown now and never again.
    backup_code: Option<String>,
}

/// Show a code of the app, or a backup code, for a step
#[utoipa::path(post, path = "/steps/{id}/factors", tag = "steps", security(("session" = [])),
    params(("id" = String, Path, description = "The id of the step", format = "uuid")),
    request_body = TypedFactor,
    responses((status = 200, body = FactorShown), Problems::<403>, Problems::<404>, Problems::<429>))]
pub(super) async fn show(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    Path(id): Path<String>,
    command: CodeCommand<TypedFactor>,
) -> Answer<Json<FactorShown>> {
    let step: StepId = id.parse().map_err(|_| Code::StepOver)?;
    let factor = match command.body.backup()? {
        Some(code) => Factor::BackupCode(code),
        None => Factor::Totp(words::code(&command.body.code, 6)?),
    };
    let key = command.key.once(caller.account.id.as_bytes());
    let shown = state
        .show_factor(key, &visit.visitor, caller.0.clone(), step, factor)
        .await?;
    let shown = done(shown)?;
    let Json(step) = proved(&state, &visit, &caller, &id, shown.shown).await?;
    Ok(Json(FactorShown {
        step,
        backup_code: shown.fresh.map(|code| code.grouped()),
    }))
}

/// The authenticator app.
#[derive(Serialize, ToSchema)]
pub struct TotpState {
    /// Connected since then, microseconds UTC; null when none is.
    connected_at: Option<i64>,
    /// What the app reads from a QR code; only for the session that is connecting one, until its first code.
    uri: Option<String>,
}

async fn totp(state: &State, caller: &Caller) -> Answer<Json<TotpState>> {
    let input = (state.env.clone(), Who(caller.0.clone()));
    let found = state
        .read("totp.look", input, |tx, (env, who)| {
            Box::pin(async move {
                let since = totp::since(tx, who.account.id).await?;
                let pending = totp::pending(tx, env, who).await?;
                Ok::<_, ServiceError>(TotpState {
                    connected_at: since.map(Timestamp::as_micros),
                    uri: pending.map(|pending| pending.uri),
                })
            })
        })
        .await?;
    Ok(Json(found))
}

/// Look at the authenticator app
#[utoipa::path(get, path = "/totp", tag = "second-factors", security(("session" = [])),
    responses((status = 200, body = TotpState)))]
pub(super) async fn look_totp(With(state): With<State>, caller: Caller) -> Answer<Json<TotpState>> {
    totp(&state, &caller).await
}

/// Begin to connect an authenticator app
///
/// Its secret counts once `POST /totp/confirm` has brought a first code, within a quarter of an hour.
#[utoipa::path(post, path = "/totp", tag = "second-factors", security(("session" = [])),
    params(("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    responses((status = 200, body = TotpState), Problems::<403>, Problems::<409>))]
pub(super) async fn begin_totp(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    step: Step,
    Bare(key): Bare,
) -> Answer<Json<TotpState>> {
    match run(&state, &visit, caller.clone(), &key, step, totp::Add {}).await? {
        Added::Begun => totp(&state, &caller).await,
        Added::HasOne => Err(Code::FactorPresent.into()),
    }
}

/// Confirm an authenticator app by its first code
#[utoipa::path(post, path = "/totp/confirm", tag = "second-factors", security(("session" = [])),
    request_body = TypedCode,
    responses((status = 200, body = TotpState), Problems::<409>, Problems::<429>))]
pub(super) async fn confirm_totp(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    command: CodeCommand<TypedCode>,
) -> Answer<Json<TotpState>> {
    let code = words::code(&command.body.code, 6)?;
    let key = command.key.once(caller.account.id.as_bytes());
    let confirmed = state
        .confirm_totp(key, &visit.visitor, caller.0.clone(), code)
        .await?;
    match done(confirmed)? {
        TotpDone::Done => totp(&state, &caller).await,
        TotpDone::Over => Err(Code::ProofMissing.into()),
        TotpDone::Refused(why) => Err(words::refusal(why, visit.now)),
    }
}

/// Disconnect the authenticator app
#[utoipa::path(delete, path = "/totp", tag = "second-factors", security(("session" = [])),
    params(("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    responses((status = 204, description = "Disconnected"), Problems::<403>, Problems::<409>, Problems::<429>))]
pub(super) async fn remove_totp(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    step: Step,
) -> Answer<StatusCode> {
    let key = Key::fresh(&state);
    match run(&state, &visit, caller, &key, step, totp::Remove {}).await? {
        Removed::Done | Removed::NotThere => Ok(StatusCode::NO_CONTENT),
        Removed::Needed => Err(Code::FactorNeeded.into()),
    }
}

/// Backup codes.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackupState {
    /// How many are left.
    left: i64,
}

/// How many backup codes are left
#[utoipa::path(get, path = "/backup-codes", tag = "second-factors", security(("session" = [])),
    responses((status = 200, body = BackupState)))]
pub(super) async fn look_backup(
    With(state): With<State>,
    caller: Caller,
) -> Answer<Json<BackupState>> {
    let who = Who(caller.0);
    let left = state
        .read("backup_code.left", who, |tx, who| {
            Box::pin(async move { Ok(backup_code::left(tx, who.account.id).await?) })
        })
        .await?;
    Ok(Json(BackupState { left }))
}

/// A fresh set of backup codes. They are secrets.
#[derive(Serialize, ToSchema)]
pub struct BackupSet {
    /// Shown now and never again; the ones before are dead.
    #[schema(min_items = 10, max_items = 10)]
    codes: Vec<String>,
}

/// Issue backup codes
#[utoipa::path(post, path = "/backup-codes", tag = "second-factors", security(("session" = [])),
    params(("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    responses((status = 200, body = BackupSet), Problems::<403>, Problems::<409>, Problems::<429>))]
pub(super) async fn issue_backup(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    step: Step,
    Bare(key): Bare,
) -> Answer<Json<BackupSet>> {
    let codes = run(&state, &visit, caller, &key, step, backup_code::Issue {}).await?;
    Ok(Json(BackupSet {
        codes: codes.iter().map(BackupCode::grouped).collect(),
    }))
}

/// Whether sign-in always asks for a second factor.
#[derive(Debug, Serialize, ToSchema)]
pub struct SecondState {
    /// It does.
    always: bool,
    /// What would do.
    ways: Vec<Way>,
}

async fn second(state: &State, caller: &Caller) -> Answer<Json<SecondState>> {
    let who = Who(caller.0.clone());
    let (always, has) = state
        .read("second_factor.look", who, |tx, who| {
            Box::pin(async move {
                let is_on = second_factor::is_on(tx, who.account.id).await?;
                Ok((is_on, shown::has(tx, &who.account).await?))
            })
        })
        .await?;
    Ok(Json(SecondState {
        always,
        ways: rules::ways(&has).into_iter().map(Way::from).collect(),
    }))
}

/// Whether sign-in always asks for a second factor
#[utoipa::path(get, path = "/second-factor", tag = "second-factors", security(("session" = [])),
    responses((status = 200, body = SecondState)))]
pub(super) async fn look_second(
    With(state): With<State>,
    caller: Caller,
) -> Answer<Json<SecondState>> {
    second(&state, &caller).await
}

/// The setting.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSecond {
    /// Whether sign-in always asks.
    always: bool,
}

/// Set whether sign-in always asks for a second factor
#[utoipa::path(put, path = "/second-factor", tag = "second-factors", security(("session" = [])),
    params(("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    request_body = SetSecond,
    responses((status = 200, body = SecondState), Problems::<403>, Problems::<409>, Problems::<429>))]
pub(super) async fn set_second(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    step: Step,
    command: Command<SetSecond>,
) -> Answer<Json<SecondState>> {
    let key = &command.key;
    let set = if command.body.always {
        let cmd = second_factor::Always {};
        run(&state, &visit, caller.clone(), key, step, cmd).await?
    } else {
        let cmd = second_factor::NotAlways {};
        run(&state, &visit, caller.clone(), key, step, cmd).await?
    };
    match set {
        second_factor::Set::Done | second_factor::Set::Same => second(&state, &caller).await,
        second_factor::Set::Nothing => Err(Code::NoFactor.into()),
    }
}
