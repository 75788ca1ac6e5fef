//! The same as JSON, merged into the one document of the installation (OP-2).

mod stop;

use axum::{Json, extract::State as With};
use http::StatusCode;
use identity_web::{
    State,
    api::{
        document::{FlowHeader, MaybeFlowHeader, Problems},
        fields,
        problems::{Code, Fields, Refused},
        request::{Answer, CodeCommand, Command, Flow, MaybeFlow, done},
        sign_in::{TypedCode, begin},
        words::{self, SentCode},
    },
};
use jiff::civil::Date;
use kernel::{Identifier, Timestamp};
use recovery_core::{
    CaseNumber, State as Stands, facts::Operation, number::NumberError, typed::TypedError,
};
use recovery_service::{case::Found, facts::Told};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use webkit::visit::Visit;

use crate::{
    acts::{Acts, BoundDone, CodeDone, PHONE, RESUME, SavedDone, StartDone},
    typed::{self, Wrong},
};

/// The operations of recovery, to be merged into those of the installation.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(start, look))
        .routes(routes!(ask_phone, phone_code))
        .routes(routes!(prove_phone))
        .routes(routes!(set_person))
        .routes(routes!(set_knowledge))
        .routes(routes!(ask_resume, resume_code))
        .routes(routes!(resume))
        .routes(routes!(stop::look, stop::press))
}

/// An old phone or an old address: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StartCase {
    /// A phone number as people write it.
    #[schema(max_length = 32, example = "+7 900 123-45-67")]
    phone: Option<String>,
    /// An e-mail address.
    #[schema(max_length = 254, example = "anna@example.ru")]
    email: Option<String>,
}

/// A case was started.
#[derive(Serialize, ToSchema)]
struct StartedCase {
    /// The flow token: send it as `Kabinet-Flow` with everything about this case.
    #[schema(min_length = 43, max_length = 43)]
    flow: String,
    /// The number of the case, to be noted: with the bound phone it leads back to it.
    #[schema(example = "482-917-3650")]
    number: String,
    /// It has to be handed in by then, microseconds UTC.
    expires_at: i64,
}

/// Start recovering access
///
/// For somebody who cannot sign in. The answer is the same for a known and an unknown identifier, a number
/// included; the owner, if there is one, is told on every channel and can stop the case. About flows see
/// `POST /sign-in/codes`.
#[utoipa::path(post, path = "/recovery/cases", tag = "recovery", params(MaybeFlowHeader),
    request_body = StartCase,
    responses((status = 201, description = "Started", body = StartedCase), Problems::<429>))]
async fn start(
    With(state): With<State>,
    visit: Visit,
    MaybeFlow(flow): MaybeFlow,
    command: Command<StartCase>,
) -> Answer<(StatusCode, Json<StartedCase>)> {
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
    let started = Acts(&state)
        .start(key, &visit.visitor, identifier, browser)
        .await?;
    match done(started)? {
        StartDone::Open { number, expires_at } => {
            let number = CaseNumber::parse(&number).map_err(|_| Code::Internal)?;
            let case = StartedCase {
                flow: flow.expose().as_str().to_owned(),
                number: number.pretty(),
                expires_at,
            };
            Ok((StatusCode::CREATED, Json(case)))
        }
        StartDone::NotNow { until } => {
            Err(Refused::from(Code::StartsUsedUp).until(until, visit.now))
        }
    }
}

/// Where a case stands. What reviewers do is not told.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// It can be filled in.
    Draft,
    /// It is with the house.
    Waiting,
    /// In effect.
    Executed,
    /// Declined.
    Declined,
    /// Not handed in in time: nothing of it is left.
    Expired,
    /// Stopped by the owner.
    Stopped,
}

impl From<Stands> for Standing {
    fn from(state: Stands) -> Self {
        match state {
            Stands::Draft | Stands::Asked => Self::Draft,
            Stands::Executed => Self::Executed,
            Stands::Declined => Self::Declined,
            Stands::Expired => Self::Expired,
            Stands::Stopped => Self::Stopped,
            _ => Self::Waiting,
        }
    }
}

/// A case as its claimant sees it.
#[derive(Serialize, ToSchema)]
struct CaseSeen {
    /// Where it stands.
    state: Standing,
    /// Its number; null when nothing of it is left.
    number: Option<String>,
    /// Since when, microseconds UTC.
    opened_at: Option<i64>,
    /// It has to be handed in by then, microseconds UTC.
    expires_at: Option<i64>,
    /// The bound phone, masked; null until it was proved.
    phone: Option<String>,
    /// When something was told last, microseconds UTC.
    saved_at: Option<i64>,
    /// What is missing before it can be handed in. Photos are not taken yet, so two of them always are.
    missing: Vec<&'static str>,
}

async fn seen(state: &State, flow: &Flow) -> Answer<Json<CaseSeen>> {
    let found = Acts(state).look(flow.0.hash()).await?;
    let found = found.ok_or(Code::CaseNotFound)?;
    Ok(Json(match found {
        Found::Erased(state) => CaseSeen {
            state: state.into(),
            number: None,
            opened_at: None,
            expires_at: None,
            phone: None,
            saved_at: None,
            missing: Vec::new(),
        },
        Found::Whole(case) => {
            let proofs = case.proofs();
            let missing = recovery_core::Proof::ALL.into_iter();
            let phone = case.phone.as_ref().map(Identifier::masked);
            CaseSeen {
                state: case.state.into(),
                number: Some(case.number.pretty()),
                opened_at: Some(case.opened_at.as_micros()),
                expires_at: case.is_editable().then(|| case.expires_at.as_micros()),
                phone: phone.filter(|_| proofs.phone),
                saved_at: case.saved_at.map(Timestamp::as_micros),
                missing: missing
                    .filter(|proof| !proofs.has(*proof))
                    .map(recovery_core::Proof::as_str)
                    .collect(),
            }
        }
    }))
}

/// Where the case of this flow stands
#[utoipa::path(get, path = "/recovery/cases", tag = "recovery", params(FlowHeader),
    responses((status = 200, body = CaseSeen), Problems::<404>))]
async fn look(With(state): With<State>, flow: Flow) -> Answer<Json<CaseSeen>> {
    seen(&state, &flow).await
}

/// A phone number.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NamedPhone {
    /// As people write it.
    #[schema(max_length = 32, example = "+7 900 123-45-67")]
    phone: String,
}

impl NamedPhone {
    fn read(&self) -> Answer<Identifier> {
        let mut fields = Fields::default();
        let phone = fields.take("phone", fields::phone(&self.phone));
        phone.map(Identifier::Phone).ok_or_else(|| fields.refuse())
    }
}

/// A code is on its way.
#[derive(Serialize, ToSchema)]
struct AskedPhone {
    /// The code; null when it was used meanwhile.
    code: Option<SentCode>,
}

/// Name the phone to be used, and ask for its code
///
/// Another phone takes the place of one that was proved before, and has to be proved itself.
#[utoipa::path(post, path = "/recovery/phone", tag = "recovery", params(FlowHeader), request_body = NamedPhone,
    responses((status = 202, body = AskedPhone), Problems::<403>, Problems::<404>, Problems::<409>, Problems::<429>))]
async fn ask_phone(
    With(state): With<State>,
    visit: Visit,
    Flow(flow): Flow,
    command: Command<NamedPhone>,
) -> Answer<(StatusCode, Json<AskedPhone>)> {
    let phone = command.body.read()?;
    let browser = flow.hash();
    let key = command.key.once(&browser);
    let asked = Acts(&state)
        .ask_phone(key, &visit.visitor, phone, browser)
        .await?;
    match done(asked)? {
        BoundDone::NoCase => return Err(Code::CaseNotFound.into()),
        BoundDone::Asked(asked) => words::asked(asked, visit.now)?,
    }
    let code = match Acts(&state).phone_flow(browser).await? {
        Some(flow) => words::sent(&state, PHONE, flow).await?,
        None => None,
    };
    Ok((StatusCode::ACCEPTED, Json(AskedPhone { code })))
}

/// Where the code to the phone to be used stands
#[utoipa::path(get, path = "/recovery/phone", tag = "recovery", params(FlowHeader),
    responses((status = 200, body = SentCode), Problems::<404>))]
async fn phone_code(With(state): With<State>, Flow(flow): Flow) -> Answer<Json<SentCode>> {
    let bound = Acts(&state).phone_flow(flow.hash()).await?;
    let bound = bound.ok_or(Code::CaseNotFound)?;
    let code = words::sent(&state, PHONE, bound).await?;
    Ok(Json(code.ok_or(Code::FlowNotFound)?))
}

/// Enter the code to the phone to be used
#[utoipa::path(post, path = "/recovery/phone/verify", tag = "recovery", params(FlowHeader), request_body = TypedCode,
    responses((status = 200, body = CaseSeen), Problems::<403>, Problems::<404>, Problems::<429>))]
async fn prove_phone(
    With(state): With<State>,
    visit: Visit,
    flow: Flow,
    command: CodeCommand<TypedCode>,
) -> Answer<Json<CaseSeen>> {
    let code = words::code(&command.body.code, 6)?;
    let browser = flow.0.hash();
    let key = command.key.once(&browser);
    let proved = Acts(&state)
        .prove_phone(key, &visit.visitor, code, browser)
        .await?;
    match done(proved)? {
        CodeDone::Done => seen(&state, &flow).await,
        CodeDone::NoCase => Err(Code::CaseNotFound.into()),
        CodeDone::Refused(why) => Err(words::refusal(why, visit.now)),
    }
}

fn code_of(wrong: Wrong) -> &'static str {
    match wrong {
        Wrong::Name(error) => fields::name_code(error),
        Wrong::Date(error) => fields::date(error),
        Wrong::Document(error) => fields::document(error),
        Wrong::Month(TypedError::Form) => "month_format",
        Wrong::Month(TypedError::Future) => "month_future",
        Wrong::Amount => "amount_format",
        Wrong::Word => "text_invisible",
    }
}

/// A field that may be missing; without it, or empty, what was told before is taken back.
fn read<T>(
    fields: &mut Fields,
    field: &'static str,
    typed: Option<&str>,
    read: impl FnOnce(&str) -> Result<T, Wrong>,
) -> Option<T> {
    fields.take(field, read(typed.unwrap_or_default()).map_err(code_of))
}

fn today(visit: &Visit) -> Date {
    visit.shell().calendar().today()
}

async fn save(
    state: &State,
    visit: &Visit,
    flow: &Flow,
    key: &identity_web::api::request::Key,
    told: Told,
) -> Answer<Json<CaseSeen>> {
    let browser = flow.0.hash();
    let saved = Acts(state)
        .save(key.once(&browser), &visit.visitor, told, browser)
        .await?;
    match done(saved)? {
        SavedDone::Done => seen(state, flow).await,
        SavedDone::PhoneFirst => Err(Code::PhoneFirst.into()),
        SavedDone::NoCase => Err(Code::CaseNotFound.into()),
    }
}

/// Who the claimant is. What is missing here is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Person {
    /// Surname.
    #[schema(max_length = 100, example = "Образцова")]
    surname: Option<String>,
    /// Given name.
    #[schema(max_length = 100, example = "Анна")]
    given: Option<String>,
    /// Patronymic.
    #[schema(max_length = 100)]
    patronymic: Option<String>,
    /// Birth date.
    #[schema(max_length = 32, example = "1990-05-12")]
    birth_date: Option<String>,
    /// Series and number of the passport.
    #[schema(max_length = 32, example = "92 10 123434")]
    passport: Option<String>,
}

/// Tell who you are
///
/// Kept sealed and compared with nothing: no answer says how close a guess was.
#[utoipa::path(put, path = "/recovery/person", tag = "recovery", params(FlowHeader), request_body = Person,
    responses((status = 200, body = CaseSeen), Problems::<404>, Problems::<409>))]
async fn set_person(
    With(state): With<State>,
    visit: Visit,
    flow: Flow,
    command: Command<Person>,
) -> Answer<Json<CaseSeen>> {
    let (body, today, mut fields) = (&command.body, today(&visit), Fields::default());
    let surname = read(&mut fields, "surname", body.surname.as_deref(), typed::name);
    let given = read(&mut fields, "given", body.given.as_deref(), typed::name);
    let patronymic = read(
        &mut fields,
        "patronymic",
        body.patronymic.as_deref(),
        typed::name,
    );
    let birth_date = read(
        &mut fields,
        "birth_date",
        body.birth_date.as_deref(),
        |typed| typed::birth_date(typed, today),
    );
    let passport = read(
        &mut fields,
        "passport",
        body.passport.as_deref(),
        typed::passport,
    );
    let (Some(surname), Some(given), Some(patronymic), Some(birth_date), Some(passport)) =
        (surname, given, patronymic, birth_date, passport)
    else {
        return Err(fields.refuse());
    };
    let told = Told::Person {
        surname,
        given,
        patronymic,
        birth_date,
        passport,
    };
    save(&state, &visit, &flow, &command.key, told).await
}

/// What only the owner knows. What is missing here is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Knowledge {
    /// The month the account was opened.
    #[schema(max_length = 32, example = "2024-03")]
    opened: Option<String>,
    /// The code word.
    #[schema(max_length = 60)]
    code_word: Option<String>,
    /// Day of the last operation.
    #[schema(max_length = 32, example = "2026-11-20")]
    day_1: Option<String>,
    /// Its amount in roubles.
    #[schema(max_length = 32, example = "1234,56")]
    amount_1: Option<String>,
    /// Day of the operation before.
    #[schema(max_length = 32)]
    day_2: Option<String>,
    /// Its amount in roubles.
    #[schema(max_length = 32)]
    amount_2: Option<String>,
}

/// Tell what only you know
///
/// Kept sealed and compared with nothing: no answer says how close a guess was.
#[utoipa::path(put, path = "/recovery/knowledge", tag = "recovery", params(FlowHeader), request_body = Knowledge,
    responses((status = 200, body = CaseSeen), Problems::<404>, Problems::<409>))]
async fn set_knowledge(
    With(state): With<State>,
    visit: Visit,
    flow: Flow,
    command: Command<Knowledge>,
) -> Answer<Json<CaseSeen>> {
    let (body, today, mut fields) = (&command.body, today(&visit), Fields::default());
    let day = |typed: &str| typed::day(typed, today);
    let opened = read(&mut fields, "opened", body.opened.as_deref(), |typed| {
        typed::opened(typed, today)
    });
    let code_word = read(
        &mut fields,
        "code_word",
        body.code_word.as_deref(),
        typed::code_word,
    );
    let day_1 = read(&mut fields, "day_1", body.day_1.as_deref(), day);
    let amount_1 = read(
        &mut fields,
        "amount_1",
        body.amount_1.as_deref(),
        typed::amount,
    );
    let day_2 = read(&mut fields, "day_2", body.day_2.as_deref(), day);
    let amount_2 = read(
        &mut fields,
        "amount_2",
        body.amount_2.as_deref(),
        typed::amount,
    );
    let (Some(opened), Some(code_word), Some(one), Some(amount_1), Some(two), Some(amount_2)) =
        (opened, code_word, day_1, amount_1, day_2, amount_2)
    else {
        return Err(fields.refuse());
    };
    let operations =
        [(one, amount_1), (two, amount_2)].map(|(day, minor)| Operation { day, minor });
    let told = Told::Knowledge {
        opened,
        code_word,
        operations,
    };
    save(&state, &visit, &flow, &command.key, told).await
}

/// A code is on its way.
#[derive(Serialize, ToSchema)]
struct AskedResume {
    /// The flow token: send it as `Kabinet-Flow` with the code, and with everything about the case then.
    #[schema(min_length = 43, max_length = 43)]
    flow: String,
    /// The code; null when it was used meanwhile.
    code: Option<SentCode>,
}

/// Ask for a code to come back to a case
///
/// It goes to whatever phone is named, so the answer says nothing of cases.
#[utoipa::path(post, path = "/recovery/resume", tag = "recovery", params(MaybeFlowHeader), request_body = NamedPhone,
    responses((status = 202, body = AskedResume), Problems::<403>, Problems::<409>, Problems::<429>))]
async fn ask_resume(
    With(state): With<State>,
    visit: Visit,
    MaybeFlow(flow): MaybeFlow,
    command: Command<NamedPhone>,
) -> Answer<(StatusCode, Json<AskedResume>)> {
    let phone = command.body.read()?;
    let flow = match flow {
        Some(flow) => flow,
        None => begin(&state, &visit, &command.key)?,
    };
    let browser = flow.hash();
    let key = command.key.once(&browser);
    let asked = Acts(&state)
        .ask_resume(key, &visit.visitor, phone, browser)
        .await?;
    let (flow, code) = words::on_its_way(&state, &visit, RESUME, &flow, done(asked)?).await?;
    Ok((StatusCode::ACCEPTED, Json(AskedResume { flow, code })))
}

/// Where the code to come back by stands
#[utoipa::path(get, path = "/recovery/resume", tag = "recovery", params(FlowHeader),
    responses((status = 200, body = SentCode), Problems::<404>))]
async fn resume_code(With(state): With<State>, Flow(flow): Flow) -> Answer<Json<SentCode>> {
    words::standing(&state, RESUME, &flow).await
}

/// A case number and a code: each code serves for one number.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NumberAndCode {
    /// The number as people write it.
    #[schema(max_length = 64, example = "482-917-3650")]
    number: String,
    /// The code as typed or pasted, at most 64 characters.
    #[schema(min_length = 1, max_length = 64, example = "042137")]
    code: String,
}

/// Come back to a case
#[utoipa::path(post, path = "/recovery/resume/verify", tag = "recovery", params(FlowHeader),
    request_body = NumberAndCode,
    responses((status = 200, body = CaseSeen), Problems::<403>, Problems::<404>, Problems::<429>))]
async fn resume(
    With(state): With<State>,
    visit: Visit,
    flow: Flow,
    command: CodeCommand<NumberAndCode>,
) -> Answer<Json<CaseSeen>> {
    let number = CaseNumber::parse(&command.body.number).map_err(|error| {
        let code = match error {
            NumberError::Empty => "number_empty",
            NumberError::Form => "number_form",
            NumberError::Check => "number_check",
        };
        identity_web::api::problems::field("number", code)
    })?;
    let code = words::code(&command.body.code, 6)?;
    let browser = flow.0.hash();
    let key = command.key.once(&browser);
    let resumed = Acts(&state)
        .resume(key, &visit.visitor, code, number, browser)
        .await?;
    match done(resumed)? {
        CodeDone::Done => seen(&state, &flow).await,
        CodeDone::NoCase => Err(Code::CaseNotFound.into()),
        CodeDone::Refused(why) => Err(words::refusal(why, visit.now)),
    }
}
