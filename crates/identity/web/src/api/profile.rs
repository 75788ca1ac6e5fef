//! Personal data (ID-10, ID-11). Documents are shown masked; who changes one types it anew.

use axum::{Json, extract::State as With};
use http::StatusCode;
use identity_core::profile::{
    Change, Name as CoreName, Passport as CorePassport, Profile as CoreProfile,
};
use identity_service::{
    account,
    profile::{self, Standing},
};
use kernel::documents::{Inn as InnNumber, PassportNumber, Snils as SnilsNumber};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use webkit::{format::Calendar, visit::Visit};

use super::{
    document::Problems,
    fields,
    problems::Fields,
    request::{Answer, Command, Key, done},
    words::{Level, Missing},
};
use crate::{
    acts::ProfileDone,
    state::{Caller, State},
};

/// Surname, given name, patronymic.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PersonName)]
pub struct Name {
    /// Surname.
    #[schema(min_length = 1, max_length = 100, example = "Образцова")]
    surname: String,
    /// Given name.
    #[schema(min_length = 1, max_length = 100, example = "Анна")]
    given: String,
    /// Patronymic; not everyone has one.
    #[schema(max_length = 100, example = "Петровна")]
    patronymic: Option<String>,
}

/// Birth date and place.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Birth {
    /// `2001-02-28` or `28.02.2001`; answers have the first form.
    #[schema(max_length = 32, example = "1990-05-17")]
    date: String,
    /// As in the passport, at most 300 characters.
    #[schema(min_length = 1, max_length = 300, example = "г. Тверь")]
    place: String,
}

/// Address of registration.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// As in the passport, at most 300 characters.
    #[schema(min_length = 1, max_length = 300)]
    address: String,
}

/// A passport of the Russian Federation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Passport {
    /// Series and number, ten digits.
    #[schema(max_length = 32, example = "28 10 123456")]
    number: String,
    /// Date of issue.
    #[schema(max_length = 32, example = "2010-06-01")]
    issued_on: String,
    /// Who issued it, at most 300 characters.
    #[schema(min_length = 1, max_length = 300)]
    issuer: String,
    /// Department code, six digits.
    #[schema(max_length = 32, example = "690-001")]
    department: String,
}

/// The number of a taxpayer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Inn {
    /// 12 digits of a person's INN.
    #[schema(max_length = 32, example = "500100732259")]
    inn: String,
}

/// The number of pension insurance.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Snils {
    /// 11 digits.
    #[schema(max_length = 32, example = "112-233-445 95")]
    snils: String,
}

/// A passport, its number masked.
#[derive(Serialize, ToSchema)]
pub struct MaskedPassport {
    /// The last digits.
    number: String,
    /// Date of issue, `2010-06-01`.
    issued_on: String,
    /// Who issued it.
    issuer: String,
    /// Department code.
    department: String,
}

/// A change that waits until its document was seen.
#[derive(Serialize, ToSchema)]
pub struct Waiting {
    /// `name`, `birth`, `address`, `passport`, `inn` or `snils`.
    field: String,
    /// Since when, microseconds UTC.
    asked_at: i64,
}

/// What is known of a person. Phone, address and documents are masked.
#[derive(Serialize, ToSchema)]
pub struct Profile {
    /// Identity level.
    level: Level,
    /// What is missing for the next one.
    missing: Vec<Missing>,
    /// The phone, masked.
    phone: Option<String>,
    /// The confirmed e-mail, masked.
    email: Option<String>,
    /// The name.
    name: Option<Name>,
    /// Birth date and place.
    birth: Option<Birth>,
    /// Address of registration.
    address: Option<String>,
    /// The passport.
    passport: Option<MaskedPassport>,
    /// INN, masked.
    inn: Option<String>,
    /// SNILS, masked.
    snils: Option<String>,
    /// Changes that wait for a check, at most one a field.
    waiting: Vec<Waiting>,
}

impl From<Standing> for Profile {
    fn from(standing: Standing) -> Self {
        let owned = &standing.owned;
        let profile = standing.profile;
        let masked_passport = |passport: &CorePassport| {
            Some(MaskedPassport {
                number: PassportNumber::parse(&passport.number).ok()?.masked(),
                issued_on: passport.issued_on.clone(),
                issuer: passport.issuer.clone(),
                department: passport.department.clone(),
            })
        };
        let waiting = profile.waiting.iter().map(|waiting| Waiting {
            field: waiting.change.field().to_owned(),
            asked_at: waiting.asked_at,
        });
        Self {
            level: standing.level.into(),
            missing: standing.missing.into_iter().map(Missing::from).collect(),
            phone: account::phone(owned).map(|phone| phone.identifier.masked()),
            email: account::email(owned).map(|email| email.identifier.masked()),
            waiting: waiting.collect(),
            passport: profile.passport.as_ref().and_then(masked_passport),
            inn: profile
                .inn
                .as_deref()
                .and_then(|inn| Some(InnNumber::parse(inn).ok()?.masked())),
            snils: profile
                .snils
                .as_deref()
                .and_then(|snils| Some(SnilsNumber::parse(snils).ok()?.masked())),
            birth: birth(&profile),
            name: profile.name.map(|name| Name {
                surname: name.surname,
                given: name.given,
                patronymic: name.patronymic,
            }),
            address: profile.address,
        }
    }
}

fn birth(profile: &CoreProfile) -> Option<Birth> {
    Some(Birth {
        date: profile.birth_date.clone()?,
        place: profile.birth_place.clone().unwrap_or_default(),
    })
}

/// Who the account belongs to and what it lacks.
pub(super) async fn standing(state: &State, caller: &Caller) -> Answer<Standing> {
    let read = state.read("profile.standing", caller.clone(), |tx, caller| {
        Box::pin(profile::standing(tx, &caller.account))
    });
    Ok(read.await?)
}

/// The profile
#[utoipa::path(get, path = "/profile", tag = "profile", security(("session" = [])),
    responses((status = 200, body = Profile)))]
pub(super) async fn look(With(state): With<State>, caller: Caller) -> Answer<Json<Profile>> {
    Ok(Json(standing(&state, &caller).await?.into()))
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing differed.
    Same,
    /// It is in the profile.
    Accepted,
    /// It waits for a check; the old value stays until then.
    Waits,
}

/// What became of a change of the profile.
#[derive(Debug, Serialize, ToSchema)]
pub struct Changed {
    /// What became of it.
    outcome: Outcome,
}

type ChangeAnswer = Answer<(StatusCode, Json<Changed>)>;

async fn change(
    state: &State,
    visit: &Visit,
    caller: Caller,
    key: &Key,
    change: Change,
) -> ChangeAnswer {
    let key = key.once(caller.account.id.as_bytes());
    let changed = state
        .change_profile(key, &visit.visitor, caller.0, change)
        .await?;
    let (status, outcome) = match done(changed)? {
        ProfileDone::Same => (StatusCode::OK, Outcome::Same),
        ProfileDone::Accepted => (StatusCode::OK, Outcome::Accepted),
        ProfileDone::Waits => (StatusCode::ACCEPTED, Outcome::Waits),
    };
    Ok((status, Json(Changed { outcome })))
}

fn today(visit: &Visit) -> jiff::civil::Date {
    let calendar = Calendar {
        locale: visit.visitor.locale,
        now: visit.now,
    };
    calendar.today()
}

/// Enter the name
#[utoipa::path(put, path = "/profile/name", tag = "profile", security(("session" = [])), request_body = Name,
    responses((status = 200, body = Changed), (status = 202, body = Changed), Problems::<409>))]
pub(super) async fn set_name(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    command: Command<Name>,
) -> ChangeAnswer {
    let mut fields = Fields::default();
    let surname = fields.take("surname", fields::name(&command.body.surname));
    let given = fields.take("given", fields::name(&command.body.given));
    let typed = command
        .body
        .patronymic
        .as_deref()
        .filter(|typed| !typed.trim().is_empty());
    let patronymic = fields.take("patronymic", typed.map(fields::name).transpose());
    let (Some(surname), Some(given), Some(patronymic)) = (surname, given, patronymic) else {
        return Err(fields.refuse());
    };
    let name = CoreName {
        surname,
        given,
        patronymic,
    };
    change(&state, &visit, caller, &command.key, Change::Name(name)).await
}

/// Enter birth date and place
#[utoipa::path(put, path = "/profile/birth", tag = "profile", security(("session" = [])), request_body = Birth,
    responses((status = 200, body = Changed), (status = 202, body = Changed), Problems::<409>))]
pub(super) async fn set_birth(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    command: Command<Birth>,
) -> ChangeAnswer {
    let mut fields = Fields::default();
    let date = fields.take(
        "date",
        fields::birth_date(&command.body.date, today(&visit)),
    );
    let place = fields.take("place", fields::line(&command.body.place));
    let (Some(date), Some(place)) = (date, place) else {
        return Err(fields.refuse());
    };
    change(
        &state,
        &visit,
        caller,
        &command.key,
        Change::Birth { date, place },
    )
    .await
}

/// Enter the address of registration
#[utoipa::path(put, path = "/profile/address", tag = "profile", security(("session" = [])),
    request_body = Address,
    responses((status = 200, body = Changed), (status = 202, body = Changed), Problems::<409>))]
pub(super) async fn set_address(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    command: Command<Address>,
) -> ChangeAnswer {
    let mut fields = Fields::default();
    let address = fields.take("address", fields::line(&command.body.address));
    let address = address.ok_or_else(|| fields.refuse())?;
    change(
        &state,
        &visit,
        caller,
        &command.key,
        Change::Address { address },
    )
    .await
}

/// Enter the passport
#[utoipa::path(put, path = "/profile/passport", tag = "profile", security(("session" = [])),
    request_body = Passport,
    responses((status = 200, body = Changed), (status = 202, body = Changed), Problems::<409>))]
pub(super) async fn set_passport(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    command: Command<Passport>,
) -> ChangeAnswer {
    let known = standing(&state, &caller).await?.profile;
    let body = &command.body;
    let mut fields = Fields::default();
    let number = fields.take("number", fields::passport_number(&body.number));
    let issued = fields::issue_date(&body.issued_on, known.birth_date.as_deref(), today(&visit));
    let issued_on = fields.take("issued_on", issued);
    let issuer = fields.take("issuer", fields::line(&body.issuer));
    let department = fields.take("department", fields::department(&body.department));
    let (Some(number), Some(issued_on), Some(issuer), Some(department)) =
        (number, issued_on, issuer, department)
    else {
        return Err(fields.refuse());
    };
    let passport = CorePassport {
        number,
        issued_on,
        issuer,
        department,
    };
    change(
        &state,
        &visit,
        caller,
        &command.key,
        Change::Passport(passport),
    )
    .await
}

/// Enter the INN
#[utoipa::path(put, path = "/profile/inn", tag = "profile", security(("session" = [])), request_body = Inn,
    responses((status = 200, body = Changed), (status = 202, body = Changed), Problems::<409>))]
pub(super) async fn set_inn(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    command: Command<Inn>,
) -> ChangeAnswer {
    let mut fields = Fields::default();
    let inn = fields.take("inn", fields::inn(&command.body.inn));
    let inn = inn.ok_or_else(|| fields.refuse())?;
    change(&state, &visit, caller, &command.key, Change::Inn { inn }).await
}

/// Enter the SNILS
#[utoipa::path(put, path = "/profile/snils", tag = "profile", security(("session" = [])), request_body = Snils,
    responses((status = 200, body = Changed), (status = 202, body = Changed), Problems::<409>))]
pub(super) async fn set_snils(
    With(state): With<State>,
    visit: Visit,
    caller: Caller,
    command: Command<Snils>,
) -> ChangeAnswer {
    let mut fields = Fields::default();
    let snils = fields.take("snils", fields::snils(&command.body.snils));
    let snils = snils.ok_or_else(|| fields.refuse())?;
    change(
        &state,
        &visit,
        caller,
        &command.key,
        Change::Snils { snils },
    )
    .await
}
