//! Trusted people (ID-8a): naming them, and their freezing from any device.

use axum::{
    Json,
    extract::{Path, State as With},
};
use http::StatusCode;
use identity_core::challenge::Purpose;
use identity_service::{
    codes::Check,
    trusted::{self, NAME_MAX, Named},
};
use kernel::{Identifier, text::line};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use webkit::visit::Visit;

use super::{
    document::{FlowHeader, MaybeFlowHeader, Problems},
    fields,
    problems::{Code, Fields, Refused},
    request::{Answer, CodeCommand, Command, Flow, Key, MaybeFlow, done},
    sign_in::begin,
    steps::{Step, run},
    words::{self, SentCode},
};
use crate::{
    acts::TrustedDone,
    state::{Caller, State, Who},
};

/// A trusted person.
#[derive(Serialize, ToSchema)]
pub struct TrustedPerson {
    /// Names them in paths.
    id: String,
    /// What the owner calls them.
    name: String,
    /// Their phone, masked.
    phone: String,
    /// Since when, microseconds UTC.
    named_at: i64,
}

/// The trusted people of an account.
#[derive(Serialize, ToSchema)]
pub struct TrustedPeople {
    /// Two at most.
    #[schema(max_items = 2)]
    people: Vec<TrustedPerson>,
}

async fn people(state: &State, caller: &Caller) -> Answer<Json<TrustedPeople>> {
    let people = state
        .read("trusted.list", Who(caller.0.clone()), |tx, who| {
            Box::pin(trusted::list(tx, &who.account))
        })
        .await?;
    let people = people
        .into_iter()
        .map(|person| TrustedPerson {
            id: person.id,
            name: person.name,
            phone: person.phone.masked(),
            named_at: person.named_at.as_micros(),
        })
        .collect();
    Ok(Json(TrustedPeople { people }))
}

/// List the trusted people
#[utoipa::path(get, path = "/trusted", tag = "trusted", security(("session" = [])),
    responses((status = 200, body = TrustedPeople)))]
pub(super) async fn list(With(state): With<State>, caller: Caller) -> Answer<Json<TrustedPeople>> {
    people(&state, &caller).await
}

/// Who is named.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NameTrusted {
    /// What the owner calls them; only the owner sees it.
    #[schema(min_length = 1, max_length = 40)]
    name: String,
    /// Their phone as people write it.
    #[schema(max_length = 32, example = "+7 900 123-45-67")]
    phone: String,
}

/// Name a trusted person
///
/// Both sides are told by SMS; the named one in words that name nobody.
#[utoipa::path(post, path = "/trusted", tag = "trusted", security(("session" = [])),
    params(("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    request_body = NameTrusted,
    responses((status = 200, body = TrustedPeople), Problems::<403>, Problems::<409>, Problems::<429>))]
pub(super) async fn name(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    step: Step,
    command: Command<NameTrusted>,
) -> Answer<Json<TrustedPeople>> {
    let mut fields = Fields::default();
    let name = line(&command.body.name, NAME_MAX).ok_or("text_empty");
    let name = fields.take("name", name);
    let phone = fields.take("phone", fields::phone(&command.body.phone));
    let (Some(name), Some(phone)) = (name, phone) else {
        return Err(fields.refuse());
    };
    let cmd = trusted::Name {
        name,
        phone: phone.as_str().to_owned(),
    };
    match run(&state, &visit, caller.clone(), &command.key, step, cmd).await? {
        Named::Done | Named::Same => people(&state, &caller).await,
        Named::Full => Err(Code::TrustedFull.into()),
        Named::Enough => Err(Code::TrustedEnough.into()),
        Named::Own => Err(Refused::from(Code::Invalid).at("phone", "invalid")),
        Named::Country => Err(Refused::from(Code::Invalid).at("phone", "phone_country_not_served")),
    }
}

/// Remove a trusted person
#[utoipa::path(delete, path = "/trusted/{id}", tag = "trusted", security(("session" = [])),
    params(("id" = String, Path, description = "The person's id"),
        ("Kabinet-Step" = Option<String>, Header, description = "The proved step")),
    responses((status = 204, description = "Removed"), Problems::<403>, Problems::<404>, Problems::<409>))]
pub(super) async fn remove(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    step: Step,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    let key = Key::fresh(&state);
    if run(&state, &visit, caller, &key, step, trusted::Remove { id }).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Code::NotFound.into())
    }
}

/// A trusted person's own phone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskTrusted {
    /// A phone number as people write it.
    #[schema(max_length = 32, example = "+7 900 123-45-67")]
    phone: String,
}

/// A code is on its way to a trusted person.
#[derive(Debug, Serialize, ToSchema)]
pub struct AskedTrusted {
    /// The flow token: send it as `Kabinet-Flow` with the code.
    #[schema(min_length = 43, max_length = 43)]
    flow: String,
    /// The code; null when it was used meanwhile.
    code: Option<SentCode>,
}

/// Ask for a code that proves a trusted person's own phone
///
/// About flows see `POST /sign-in/codes`.
#[utoipa::path(post, path = "/trusted-freeze/codes", tag = "trusted", params(MaybeFlowHeader),
    request_body = AskTrusted,
    responses((status = 202, body = AskedTrusted), Problems::<403>, Problems::<409>, Problems::<429>))]
pub(super) async fn ask(
    With(state): With<State>,
    visit: Visit,
    MaybeFlow(flow): MaybeFlow,
    command: Command<AskTrusted>,
) -> Answer<(StatusCode, Json<AskedTrusted>)> {
    let mut fields = Fields::default();
    let phone = fields.take("phone", fields::phone(&command.body.phone));
    let own = Identifier::Phone(phone.ok_or_else(|| fields.refuse())?);
    let flow = match flow {
        Some(flow) => flow,
        None => begin(&state, &visit, &command.key)?,
    };
    let browser = flow.hash();
    let key = command.key.once(&browser);
    let asked = state.ask_trusted(key, &visit.visitor, own, browser).await?;
    words::asked(done(asked)?, visit.now)?;
    let code = words::sent(&state, Purpose::TrustedFreeze, browser).await?;
    let flow = flow.expose().as_str().to_owned();
    Ok((StatusCode::ACCEPTED, Json(AskedTrusted { flow, code })))
}

/// Whose account is to be frozen.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustedFreeze {
    /// The friend's phone as people write it.
    #[schema(max_length = 32, example = "+7 900 123-45-67")]
    friend: String,
    /// The code that came to the trusted person's own phone.
    #[schema(min_length = 1, max_length = 64, example = "042137")]
    code: String,
}

/// The code was right.
#[derive(Debug, Serialize, ToSchema)]
pub struct Taken {
    /// Always true: it tells nothing of who was named or what was frozen.
    taken: bool,
}

/// Freeze a friend's account
#[utoipa::path(post, path = "/trusted-freeze", tag = "trusted", params(FlowHeader),
    request_body = TrustedFreeze,
    responses((status = 200, body = Taken), Problems::<403>, Problems::<429>))]
pub(super) async fn freeze(
    With(state): With<State>,
    visit: Visit,
    Flow(flow): Flow,
    command: CodeCommand<TrustedFreeze>,
) -> Answer<Json<Taken>> {
    let mut fields = Fields::default();
    let friend = fields.take("friend", fields::phone(&command.body.friend));
    let friend = Identifier::Phone(friend.ok_or_else(|| fields.refuse())?);
    let browser = flow.hash();
    let check = Check {
        purpose: Purpose::TrustedFreeze,
        browser,
        known: None,
        code: words::code(&command.body.code, 6)?,
    };
    let key = command.key.once(&browser);
    let frozen = state
        .trusted_freeze(key, &visit.visitor, check, friend)
        .await?;
    match done(frozen)? {
        TrustedDone::Taken => Ok(Json(Taken { taken: true })),
        TrustedDone::Refused(why) => Err(words::refusal(why, visit.now)),
    }
}
