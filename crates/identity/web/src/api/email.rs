//! The e-mail of an account (ID-4): confirmed by a code in the cabinet or by the button of a mailed link.

use axum::{
    Json,
    extract::{Path, State as With},
};
use http::StatusCode;
use identity_core::challenge::Purpose;
use identity_service::{account, link::LinkToken};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vault::token_hash;
use webkit::visit::Visit;

use super::{
    document::Problems,
    fields,
    problems::{Code, Fields, Refused},
    profile,
    request::{Answer, Bare, CodeCommand, Command, done},
    sign_in::TypedCode,
    steps::{Step, performed_or},
    words::{self, SentCode},
};
use crate::{
    acts::ConfirmDone,
    state::{Caller, State},
};

/// The e-mail of an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmailState {
    /// The confirmed address, masked; null when there is none.
    email: Option<String>,
    /// Since when it is confirmed, microseconds UTC.
    confirmed_at: Option<i64>,
    /// The code that was sent to confirm an address, if any.
    code: Option<SentCode>,
}

/// The e-mail and its confirmation
#[utoipa::path(get, path = "/email", tag = "email", security(("session" = [])),
    responses((status = 200, body = EmailState)))]
pub(super) async fn look(With(state): With<State>, caller: Caller) -> Answer<Json<EmailState>> {
    let standing = profile::standing(&state, &caller).await?;
    let email = account::email(&standing.owned);
    let code = words::sent(&state, Purpose::ConfirmEmail, caller.browser_key()).await?;
    Ok(Json(EmailState {
        email: email.map(|email| email.identifier.masked()),
        confirmed_at: email.map(|email| email.verified_at.as_micros()),
        code,
    }))
}

/// An address to confirm.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEmail {
    /// The address.
    #[schema(min_length = 3, max_length = 254, example = "anna@example.ru")]
    email: String,
}

/// A code is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeOnItsWay {
    /// The code; null when it was used meanwhile.
    pub(super) code: Option<SentCode>,
}

/// Ask for the confirmation of an address
///
/// The answer is the same when the address leads to another account. A session that has shown itself in the last
/// fifteen minutes needs nothing more.
#[utoipa::path(post, path = "/email", tag = "email", security(("session" = [])), request_body = NewEmail,
    params(("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    responses((status = 202, body = CodeOnItsWay), Problems::<403>, Problems::<409>, Problems::<429>))]
pub(super) async fn add(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    step: Step,
    command: Command<NewEmail>,
) -> Answer<(StatusCode, Json<CodeOnItsWay>)> {
    let mut fields = Fields::default();
    let address = fields.take("email", fields::email(&command.body.email));
    let address = address.ok_or_else(|| fields.refuse())?;
    let key = step.key(&command.key, &caller);
    let browser = caller.browser_key();
    let added = state
        .add_email(key, &visit.visitor, caller.0, address, step.0)
        .await?;
    let asked = performed_or(done(added)?, &visit)?;
    words::asked(asked, visit.now)?;
    let code = words::sent(&state, Purpose::ConfirmEmail, browser).await?;
    Ok((StatusCode::ACCEPTED, Json(CodeOnItsWay { code })))
}

/// An address was confirmed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Confirmed {
    /// Always true.
    confirmed: bool,
}

fn confirmed(done: ConfirmDone, visit: &Visit) -> Answer<Json<Confirmed>> {
    let refused: Refused = match done {
        ConfirmDone::Done => return Ok(Json(Confirmed { confirmed: true })),
        ConfirmDone::Taken => Code::EmailTaken.into(),
        ConfirmDone::HasOne => Code::EmailPresent.into(),
        ConfirmDone::Frozen => Code::Frozen.into(),
        ConfirmDone::LinkOver => Code::LinkOver.into(),
        ConfirmDone::Refused(why) => words::refusal(why, visit.now),
    };
    Err(refused)
}

/// Confirm the address by its code
#[utoipa::path(post, path = "/email/confirm", tag = "email", security(("session" = [])),
    request_body = TypedCode,
    responses((status = 200, body = Confirmed), Problems::<403>, Problems::<409>, Problems::<429>))]
pub(super) async fn confirm(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    command: CodeCommand<TypedCode>,
) -> Answer<Json<Confirmed>> {
    let code = words::code(&command.body.code, 6)?;
    let key = command.key.once(caller.account.id.as_bytes());
    let confirming = state
        .confirm_email(key, &visit.visitor, caller.0, code)
        .await?;
    confirmed(done(confirming)?, &visit)
}

/// What a mailed link would confirm.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmailLink {
    /// The address, masked.
    email: String,
}

/// Look at a «Подтвердить почту» link without using it
#[utoipa::path(get, path = "/email-links/{token}", tag = "links",
    params(("token" = String, Path, description = "The token of the mailed link")),
    responses((status = 200, body = EmailLink)))]
pub(super) async fn look_link(
    With(state): With<State>,
    Path(token): Path<String>,
) -> Answer<Json<EmailLink>> {
    let email = state.look_email(&token).await?.ok_or(Code::LinkOver)?;
    Ok(Json(EmailLink { email }))
}

/// Confirm an address by the button of its link
#[utoipa::path(post, path = "/email-links/{token}", tag = "links",
    params(("token" = String, Path, description = "The token of the mailed link")),
    responses((status = 200, body = Confirmed), Problems::<403>, Problems::<409>))]
pub(super) async fn use_link(
    With(state): With<State>,
    visit: Visit,
    Path(token): Path<String>,
    Bare(key): Bare,
) -> Answer<Json<Confirmed>> {
    let link = LinkToken::from_text(&token).ok_or(Code::LinkOver)?;
    let key = key.once(&token_hash(token.as_bytes()));
    let confirming = state
        .confirm_email_by_link(key, &visit.visitor, link)
        .await?;
    confirmed(done(confirming)?, &visit)
}
