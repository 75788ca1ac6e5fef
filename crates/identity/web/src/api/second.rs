//! The second factor at sign-in (ID-8, A47): after a right code, in the same flow.

use axum::{Json, extract::State as With};
use identity_core::{assurance::Method, backup_code::BackupCode, second_factor::Why as Reason};
use identity_service::{
    codes::BrowserKey,
    sign_in::{self, Answer as Shown},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use webkit::{once::Once, visit::Visit};

use super::{
    document::{BrowserHeader, FlowHeader, Problems},
    passkeys::{Shown as ShownKey, not_taken},
    problems::{Code, Refused},
    request::{Answer, CodeCommand, Command, Flow, Known, done},
    sign_in::Inside,
    words::{self, Way},
};
use crate::{
    acts::{SecondDone, SecondPasskey},
    state::{Fault, State},
};

/// Why more than the code is asked for.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The owner asked for it.
    Setting,
    /// The number was not proved for a long time.
    Aged,
    /// The operator says that the number has changed.
    Doubted,
}

/// The code was right and is not enough: `POST /sign-in/second` comes next, in the same flow.
#[derive(Debug, Serialize, ToSchema)]
pub struct SecondNeeded {
    /// Always true.
    second_factor_required: bool,
    /// Why.
    why: Why,
    /// What would do: one of them is enough.
    ways: Vec<Way>,
}

async fn ways(state: &State, browser: BrowserKey) -> Result<Option<(Reason, Vec<Method>)>, Fault> {
    let input = (state.env.clone(), browser);
    state
        .read("sign_in.second_ways", input, |tx, (env, browser)| {
            Box::pin(sign_in::second_ways(tx, env, browser))
        })
        .await
}

/// What a browser that has proved its code is asked for.
pub(super) async fn needed(state: &State, browser: BrowserKey) -> Answer<SecondNeeded> {
    let (why, ways) = ways(state, browser).await?.ok_or(Code::FlowNotFound)?;
    Ok(SecondNeeded {
        second_factor_required: true,
        why: match why {
            Reason::Setting => Why::Setting,
            Reason::Aged => Why::Aged,
            Reason::Doubted => Why::Doubted,
        },
        ways: ways.into_iter().map(Way::from).collect(),
    })
}

/// What the second factor may be
///
/// Only after the flow's code was right; before that nothing tells whether one is asked for.
#[utoipa::path(get, path = "/sign-in/second", tag = "sign-in", params(FlowHeader),
    responses((status = 200, body = SecondNeeded), Problems::<404>))]
pub(super) async fn look(With(state): With<State>, Flow(flow): Flow) -> Answer<Json<SecondNeeded>> {
    Ok(Json(needed(&state, flow.hash()).await?))
}

/// A second factor that is typed.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TypedWay {
    /// A code of the authenticator app.
    Totp,
    /// A backup code.
    BackupCode,
}

/// A second factor at sign-in that is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignInWay {
    /// A code of the authenticator app.
    Totp,
    /// A backup code.
    BackupCode,
    /// The password.
    Password,
}

/// A second factor at sign-in as it was typed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInFactor {
    /// Which.
    way: SignInWay,
    /// As typed or pasted: a code of at most 64 characters, or the password.
    #[schema(min_length = 1, max_length = 512, example = "042137")]
    code: String,
}

/// A second factor as it was typed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TypedFactor {
    /// Which.
    pub(super) way: TypedWay,
    /// As typed or pasted, at most 64 characters.
    #[schema(min_length = 1, max_length = 64, example = "042137")]
    pub(super) code: String,
}

impl TypedFactor {
    /// A backup code, or the text of another method.
    pub(super) fn backup(&self) -> Answer<Option<BackupCode>> {
        match self.way {
            TypedWay::Totp => Ok(None),
            TypedWay::BackupCode => backup(&self.code).map(Some),
        }
    }
}

fn backup(typed: &str) -> Answer<BackupCode> {
    BackupCode::parse(typed).ok_or_else(|| Refused::from(Code::Invalid).at("code", "code_length"))
}

/// Somebody is in, by a second factor. The tokens and the code are secrets.
#[derive(Serialize, ToSchema)]
pub struct InsideBySecond {
    /// The session.
    #[serde(flatten)]
    inside: Inside,
    /// The backup code that takes the place of the used one: shown now and never again.
    backup_code: Option<String>,
}

/// Show the second factor
#[utoipa::path(post, path = "/sign-in/second", tag = "sign-in", params(FlowHeader, BrowserHeader),
    request_body = SignInFactor,
    responses((status = 200, body = InsideBySecond), Problems::<403>, Problems::<409>, Problems::<429>,
        Problems::<503>))]
pub(super) async fn check(
    With(state): With<State>,
    visit: Visit,
    Flow(flow): Flow,
    Known(known): Known,
    command: CodeCommand<SignInFactor>,
) -> Answer<Json<InsideBySecond>> {
    let browser = flow.hash();
    let key = command.key.once(&browser);
    let door = (browser, known);
    let code = &command.body.code;
    let shown = match command.body.way {
        SignInWay::Password => {
            let second = state.second_password(key, &visit.visitor, door, code);
            return judged(second.await?, &visit);
        }
        SignInWay::BackupCode => Shown::BackupCode(backup(code)?),
        SignInWay::Totp => Shown::Totp(words::code(code, 6)?),
    };
    judged(
        state.second(key, &visit.visitor, door, shown).await?,
        &visit,
    )
}

fn judged(second: Once<SecondDone>, visit: &Visit) -> Answer<Json<InsideBySecond>> {
    match done(second)? {
        SecondDone::In(entered, fresh) => Ok(Json(InsideBySecond {
            inside: entered.into(),
            backup_code: fresh.map(|code| code.grouped()),
        })),
        SecondDone::Over => Err(Code::ProofMissing.into()),
        SecondDone::Refused(why) => Err(words::refusal(why, visit.now)),
    }
}

/// Show a passkey as the second factor
///
/// `POST /sign-in/passkey/begin` with the flow's token asks for it.
#[utoipa::path(post, path = "/sign-in/second/passkey", tag = "sign-in", params(FlowHeader, BrowserHeader),
    request_body = ShownKey,
    responses((status = 200, body = Inside), Problems::<403>, Problems::<404>, Problems::<409>))]
pub(super) async fn passkey(
    With(state): With<State>,
    visit: Visit,
    Flow(flow): Flow,
    Known(known): Known,
    command: Command<ShownKey>,
) -> Answer<Json<Inside>> {
    let browser = flow.hash();
    let key = command.key.once(&browser);
    let shown = state
        .second_passkey(key, &visit.visitor, (browser, known), command.body.read()?)
        .await?;
    match done(shown)? {
        SecondPasskey::In(entered) => Ok(Json(entered.into())),
        SecondPasskey::NotTaken(why) => Err(not_taken(why)),
        SecondPasskey::Over => Err(Code::ProofMissing.into()),
    }
}
