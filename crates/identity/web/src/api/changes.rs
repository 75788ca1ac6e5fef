//! Another phone, another e-mail (CH-1 to CH-5): a code to the new one, then the change itself, which is a sensitive
//! request; stopping one that waits; the links of messages.

use axum::{
    Json,
    extract::{Path, State as With},
};
use http::StatusCode;
use identity_core::changes::Kind;
use identity_service::{
    changes::{self, ChangeEmail, ChangePhone, Changed, HoldEmail, HoldPhone, Link, Pressed},
    link::LinkToken,
};
use kernel::{Identifier, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vault::token_hash;
use webkit::visit::Visit;

use super::{
    document::Problems,
    email::CodeOnItsWay,
    fields,
    problems::{Code, Fields},
    request::{Answer, Bare, CodeCommand, Command, done},
    sign_in::TypedCode,
    steps::{Step, run},
    words,
};
use crate::{
    acts::{AskNewDone, NewDone, StopDone},
    state::{Caller, State},
};

/// A change that waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct MovingState {
    /// Since when, microseconds UTC.
    since: i64,
    /// When it is made, if nobody stops it, microseconds UTC.
    until: i64,
    /// Its clock stands since then, microseconds UTC.
    disputed_at: Option<i64>,
}

impl From<changes::Moving> for MovingState {
    fn from(moving: changes::Moving) -> Self {
        Self {
            since: moving.since.as_micros(),
            until: moving.until.as_micros(),
            disputed_at: moving.disputed_at.map(Timestamp::as_micros),
        }
    }
}

/// What is changing, and what was changed lately.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangesState {
    /// The phone is changing.
    phone: Option<MovingState>,
    /// The e-mail is changing.
    email: Option<MovingState>,
    /// When one of them was changed last, microseconds UTC.
    changed_at: Option<i64>,
}

/// What is changing
#[utoipa::path(get, path = "/changes", tag = "changes", security(("session" = [])),
    responses((status = 200, body = ChangesState)))]
pub(super) async fn look(With(state): With<State>, caller: Caller) -> Answer<Json<ChangesState>> {
    let input = (state.env.clone(), caller.account.id);
    let standing = state
        .read("changes.standing", input, |tx, (env, account)| {
            Box::pin(async move { Ok(changes::standing(tx, &env.policy, *account).await?) })
        })
        .await?;
    Ok(Json(ChangesState {
        phone: standing.phone.map(MovingState::from),
        email: standing.email.map(MovingState::from),
        changed_at: standing.changed_at.map(Timestamp::as_micros),
    }))
}

fn kind(name: &str) -> Answer<Kind> {
    Kind::from_name(name).ok_or_else(|| Code::NotFound.into())
}

/// Reads the new one.
fn read(kind: Kind, typed: &str) -> Answer<Identifier> {
    let mut fields = Fields::default();
    let to = match kind {
        Kind::Phone => fields::phone(typed).map(Identifier::Phone),
        Kind::Email => fields::email(typed).map(Identifier::Email),
    };
    fields.take("to", to).ok_or_else(|| fields.refuse())
}

/// The new one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIdentifier {
    /// The number or the address.
    #[schema(min_length = 1, max_length = 254, example = "+7 900 123-45-67")]
    to: String,
    /// By call instead of SMS.
    #[serde(default)]
    call: bool,
}

/// Ask for a code to the new one
///
/// The answer is the same when it leads to another account. Another one than before voids what was proved.
#[utoipa::path(post, path = "/changes/{kind}/codes", tag = "changes", security(("session" = [])),
    params(("kind" = String, Path, description = "`phone` or `email`")), request_body = NewIdentifier,
    responses((status = 202, body = CodeOnItsWay), Problems::<403>, Problems::<409>, Problems::<429>))]
pub(super) async fn ask(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    Path(name): Path<String>,
    command: Command<NewIdentifier>,
) -> Answer<(StatusCode, Json<CodeOnItsWay>)> {
    let kind = kind(&name)?;
    let to = read(kind, &command.body.to)?;
    let key = command.key.once(caller.account.id.as_bytes());
    let browser = caller.browser_key();
    let call = command.body.call;
    let asked = state
        .ask_new(key, &visit.visitor, caller.0, to, call)
        .await?;
    match done(asked)? {
        AskNewDone::Asked(asked) => words::asked(asked, visit.now)?,
        AskNewDone::Same => return Err(Code::OwnAlready.into()),
        AskNewDone::Nothing => return Err(Code::NotFound.into()),
    }
    let code = words::sent(&state, kind.purpose(), browser).await?;
    Ok((StatusCode::ACCEPTED, Json(CodeOnItsWay { code })))
}

/// The new one was proved.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewProved {
    /// Always true: it leads to no account.
    free: bool,
}

/// Prove the new one by its code
///
/// `number_in_use` and `email_taken` say that it leads to another account: sign in to that one.
#[utoipa::path(post, path = "/changes/{kind}/verify", tag = "changes", security(("session" = [])),
    params(("kind" = String, Path, description = "`phone` or `email`")), request_body = TypedCode,
    responses((status = 200, body = NewProved), Problems::<403>, Problems::<409>, Problems::<429>))]
pub(super) async fn verify(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    Path(name): Path<String>,
    command: CodeCommand<TypedCode>,
) -> Answer<Json<NewProved>> {
    let kind = kind(&name)?;
    let code = words::code(&command.body.code, 6)?;
    let key = command.key.once(caller.account.id.as_bytes());
    let verified = state
        .verify_new(key, &visit.visitor, caller.0, kind, code)
        .await?;
    match done(verified)? {
        NewDone::Free => Ok(Json(NewProved { free: true })),
        NewDone::Taken => Err(taken(kind).into()),
        NewDone::Refused(why) => Err(words::refusal(why, visit.now)),
    }
}

fn taken(kind: Kind) -> Code {
    match kind {
        Kind::Phone => Code::NumberInUse,
        Kind::Email => Code::EmailTaken,
    }
}

/// How it is changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeChange {
    /// The new one, as it was proved.
    #[schema(min_length = 1, max_length = 254, example = "+7 900 123-45-67")]
    to: String,
    /// The old one is lost: the change waits, and the owner can stop it.
    #[serde(default)]
    lost: bool,
}

/// A change was made, or waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeMade {
    /// It was made.
    changed: bool,
    /// It waits until then, microseconds UTC.
    until: Option<i64>,
}

/// Change to what was proved
#[utoipa::path(post, path = "/changes/{kind}", tag = "changes", security(("session" = [])),
    params(("kind" = String, Path, description = "`phone` or `email`"),
        ("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    request_body = MakeChange,
    responses((status = 200, body = ChangeMade), Problems::<403>, Problems::<409>, Problems::<429>))]
pub(super) async fn make(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    Path(name): Path<String>,
    step: Step,
    command: Command<MakeChange>,
) -> Answer<Json<ChangeMade>> {
    let kind = kind(&name)?;
    let to = read(kind, &command.body.to)?.as_str().to_owned();
    let key = &command.key;
    let changed = match (kind, command.body.lost) {
        (Kind::Phone, false) => run(&state, &visit, caller, key, step, ChangePhone { to }).await?,
        (Kind::Phone, true) => run(&state, &visit, caller, key, step, HoldPhone { to }).await?,
        (Kind::Email, false) => run(&state, &visit, caller, key, step, ChangeEmail { to }).await?,
        (Kind::Email, true) => run(&state, &visit, caller, key, step, HoldEmail { to }).await?,
    };
    Err(match changed {
        Changed::Done => {
            return Ok(Json(ChangeMade {
                changed: true,
                until: None,
            }));
        }
        Changed::Held { until } => {
            return Ok(Json(ChangeMade {
                changed: false,
                until: Some(until),
            }));
        }
        Changed::Waits => Code::ChangeWaits.into(),
        Changed::NewFirst => Code::ProofMissing.into(),
        Changed::Taken => taken(kind).into(),
        Changed::Nothing => Code::OwnAlready.into(),
    })
}

/// A change was stopped.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeStopped {
    /// The change is over.
    ended: bool,
    /// Its clock stands: more was not shown than what is to be replaced.
    disputed: bool,
}

/// Stop a change that waits
#[utoipa::path(post, path = "/changes/{kind}/stop", tag = "changes", security(("session" = [])),
    params(("kind" = String, Path, description = "`phone` or `email`")),
    responses((status = 200, body = ChangeStopped), Problems::<409>))]
pub(super) async fn stop(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    Path(name): Path<String>,
    Bare(key): Bare,
) -> Answer<Json<ChangeStopped>> {
    let kind = kind(&name)?;
    let key = key.once(caller.account.id.as_bytes());
    let stopped = state
        .stop_change(key, &visit.visitor, caller.0, kind)
        .await?;
    match done(stopped)? {
        StopDone::Ended => Ok(Json(ChangeStopped {
            ended: true,
            disputed: false,
        })),
        StopDone::Disputed => Ok(Json(ChangeStopped {
            ended: false,
            disputed: true,
        })),
        StopDone::Nothing => Err(Code::NotFound.into()),
    }
}

/// What the link of a message does.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeLinkDoes {
    /// Puts the old one back, ends the sessions, freezes money going out.
    Undo,
    /// Stops a change that waits.
    Stop,
}

/// The link of a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeLinkState {
    /// What it would do.
    does: ChangeLinkDoes,
    /// To what: `phone` or `email`.
    kind: &'static str,
}

/// Look at a link that undoes or stops a change, without using it
#[utoipa::path(get, path = "/change-links/{token}", tag = "links",
    params(("token" = String, Path, description = "The token of the link")),
    responses((status = 200, body = ChangeLinkState)))]
pub(super) async fn look_link(
    With(state): With<State>,
    Path(token): Path<String>,
) -> Answer<Json<ChangeLinkState>> {
    let (does, kind) = match state.look_change(&token).await? {
        Link::Undo(kind) => (ChangeLinkDoes::Undo, kind),
        Link::Stop(kind) => (ChangeLinkDoes::Stop, kind),
        Link::Over => return Err(Code::LinkOver.into()),
    };
    Ok(Json(ChangeLinkState {
        does,
        kind: kind.as_str(),
    }))
}

/// What the button of a link did.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeLinkUsed {
    /// `undone`, `gone` (the old one leads to another account by now; all the rest was done), `ended`, `disputed`.
    did: &'static str,
    /// To what: `phone` or `email`.
    kind: &'static str,
}

/// Press the button of a link that undoes or stops a change
#[utoipa::path(post, path = "/change-links/{token}", tag = "links",
    params(("token" = String, Path, description = "The token of the link")),
    responses((status = 200, body = ChangeLinkUsed)))]
pub(super) async fn use_link(
    With(state): With<State>,
    visit: Visit,
    Path(token): Path<String>,
    Bare(key): Bare,
) -> Answer<Json<ChangeLinkUsed>> {
    let link = LinkToken::from_text(&token).ok_or(Code::LinkOver)?;
    let key = key.once(&token_hash(token.as_bytes()));
    let pressed = state.press_change(key, &visit.visitor, link, None).await?;
    let (did, kind) = match done(pressed)? {
        Pressed::Undone(kind) => ("undone", kind),
        Pressed::Gone(kind) => ("gone", kind),
        Pressed::Ended(kind) => ("ended", kind),
        Pressed::Disputed(kind) => ("disputed", kind),
        Pressed::Over => return Err(Code::LinkOver.into()),
    };
    Ok(Json(ChangeLinkUsed {
        did,
        kind: kind.as_str(),
    }))
}
