//! Personal data (ID-10): one thing a page, a passport with its answers checked before they are sent.

use askama::Template;
use axum::{extract::State as Shared, response::Response};
use identity_core::profile::{Change, Name, Passport, Profile};
use identity_service::account;
use kernel::{
    Timestamp,
    documents::{
        BirthDate, DepartmentCode, DocumentError, Inn, PassportIssueDate, PassportNumber, Snils,
    },
    name::NamePart,
    text,
};
use webkit::{
    form::Form,
    i18n::Message,
    page::{Area, Shell},
    respond::{PageError, page, page_with_errors},
    visit::Visit,
};

use super::{
    cabinet::contact,
    common::{Cabinet, cabinet, done, flashed, key, level, without_flash},
};
use crate::{
    acts::ProfileDone,
    state::{Fault, State, Who},
    views::{
        profile::{
            CheckPassport, DataField, DataLine, DataState, EditAddress, EditBirth, EditInn,
            EditName, EditPassport, EditSnils, NameForm, PassportForm, ProfileData, TypedNumber,
        },
        wrong,
    },
};

const DATA: &str = "/profile/data";
/// Longest address and longest issuer, characters.
const LINE_MAX: usize = 300;

async fn open(state: &State, visit: Visit, who: &Who) -> Result<Cabinet, Fault> {
    cabinet(state, visit, who, Area::Profile).await
}

/// Changes a field and goes back to the list of all.
async fn save(
    state: &State,
    cabinet: &Cabinet,
    who: Who,
    form: &Form,
    change: Change,
) -> Result<Response, PageError> {
    let visit = &cabinet.visit;
    let key = key(visit, Some(&who), form);
    let changed = state
        .change_profile(key, &visit.visitor, who.0, change)
        .await?;
    Ok(match done(changed)? {
        ProfileDone::Waits => flashed(visit, DATA, "flash-data-sent"),
        ProfileDone::Same | ProfileDone::Accepted => flashed(visit, DATA, "flash-data-saved"),
    })
}

/// `GET /profile/data`.
pub(super) async fn data(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let cabinet = open(&state, visit, &who).await?;
    let profile = &cabinet.standing.profile;
    let line = |field: DataField, name: &str, value: Option<String>| DataLine {
        field,
        value,
        state: profile
            .waiting
            .iter()
            .find(|waiting| waiting.change.field() == name)
            .map_or(DataState::Settled, |waiting| {
                DataState::Waiting(Timestamp::from_micros(waiting.asked_at))
            }),
    };
    let person = vec![
        line(
            DataField::Name,
            "name",
            profile.name.as_ref().map(full_name),
        ),
        line(
            DataField::Birth,
            "birth",
            birth_line(&cabinet.shell, profile),
        ),
        line(DataField::Address, "address", profile.address.clone()),
    ];
    let documents = vec![
        line(
            DataField::Passport,
            "passport",
            passport_line(&cabinet.shell, profile),
        ),
        line(
            DataField::Inn,
            "inn",
            profile
                .inn
                .as_deref()
                .and_then(|inn| Inn::parse(inn).ok())
                .map(|inn| inn.masked()),
        ),
        line(
            DataField::Snils,
            "snils",
            profile
                .snils
                .as_deref()
                .and_then(|s| Snils::parse(s).ok())
                .map(|s| s.masked()),
        ),
    ];
    let phone = account::phone(cabinet.owned()).map(|phone| phone.identifier.masked());
    let view = ProfileData {
        level: level(cabinet.standing.level),
        person,
        documents,
        phone: phone.unwrap_or_default(),
        email: account::email(cabinet.owned()).map(contact),
        p: cabinet.shell.clone(),
    };
    Ok(without_flash(&cabinet.visit, page(&view)))
}

fn full_name(name: &Name) -> String {
    let parts = [
        Some(&name.surname),
        Some(&name.given),
        name.patronymic.as_ref(),
    ];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    parts.join(" ")
}

/// A line that is kept as one, or what is wrong with it; `empty` is the id for nothing at all.
fn line(typed: &str, empty: &'static str) -> Result<String, Message> {
    text::line(typed, LINE_MAX).ok_or_else(|| {
        if typed.trim().is_empty() {
            Message::new(empty)
        } else if typed.chars().count() > LINE_MAX {
            Message::new("line-error-too-long").with("most", LINE_MAX)
        } else {
            Message::new("line-error-hidden")
        }
    })
}

/// `2001-02-28` as «28 февраля 2001 г.».
fn date_in_words(p: &Shell, iso: &str) -> String {
    iso.parse()
        .map_or_else(|_| iso.to_owned(), |date| p.date(&date))
}

/// `2001-02-28` as `28.02.2001`, the way it is typed.
fn shown_date(iso: &str) -> String {
    let mut parts: Vec<&str> = iso.split('-').collect();
    parts.reverse();
    parts.join(".")
}

fn birth_line(p: &Shell, profile: &Profile) -> Option<String> {
    let date = date_in_words(p, profile.birth_date.as_deref()?);
    Some(match &profile.birth_place {
        Some(place) => format!("{date}\n{place}"),
        None => date,
    })
}

fn passport_line(p: &Shell, profile: &Profile) -> Option<String> {
    let passport = profile.passport.as_ref()?;
    let number = PassportNumber::parse(&passport.number).ok()?;
    let issued = date_in_words(p, &passport.issued_on);
    let issued = p.t1("passport-issued-line", "date", issued);
    Some(format!("{}\n{issued}", number.masked()))
}

/// `GET /profile/data/name`.
pub(super) async fn name(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let cabinet = open(&state, visit, &who).await?;
    let known = cabinet.standing.profile.name.clone();
    let form = known.as_ref().map(|name| NameForm {
        surname: name.surname.clone(),
        given: name.given.clone(),
        patronymic: name.patronymic.clone().unwrap_or_default(),
    });
    let needs_check = known.is_some();
    Ok(page(&EditName {
        form: form.unwrap_or_default(),
        needs_check,
        p: cabinet.shell,
    }))
}

/// `POST /profile/data/name`.
pub(super) async fn set_name(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let cabinet = open(&state, visit, &who).await?;
    let mut p = cabinet.shell.clone();
    let surname = part(&mut p, &form, "surname");
    let given = part(&mut p, &form, "given");
    let patronymic = match form.text("patronymic").trim() {
        "" => None,
        _ => part(&mut p, &form, "patronymic"),
    };
    match (surname, given, p.has_errors()) {
        (Some(surname), Some(given), false) => {
            let change = Change::Name(Name {
                surname,
                given,
                patronymic,
            });
            save(&state, &cabinet, who, &form, change).await
        }
        _ => Ok(page_with_errors(&EditName {
            p,
            form: NameForm {
                surname: form.text("surname").to_owned(),
                given: form.text("given").to_owned(),
                patronymic: form.text("patronymic").to_owned(),
            },
            needs_check: cabinet.standing.profile.name.is_some(),
        })),
    }
}

fn part(p: &mut Shell, form: &Form, field: &'static str) -> Option<String> {
    match NamePart::parse(form.text(field)) {
        Ok(part) => Some(part.as_str().to_owned()),
        Err(error) => {
            *p = p.clone().with_error(field, wrong::name(error));
            None
        }
    }
}

fn note(p: &mut Shell, field: &'static str, text: Message) {
    *p = p.clone().with_error(field, text);
}

fn today(shell: &Shell) -> jiff::civil::Date {
    shell.calendar().today()
}

/// `GET /profile/data/birth`.
pub(super) async fn birth(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let cabinet = open(&state, visit, &who).await?;
    let profile = &cabinet.standing.profile;
    Ok(page(&EditBirth {
        birth_date: profile
            .birth_date
            .as_deref()
            .map(shown_date)
            .unwrap_or_default(),
        birth_place: profile.birth_place.clone().unwrap_or_default(),
        needs_check: profile.birth_date.is_some(),
        p: cabinet.shell,
    }))
}

/// `POST /profile/data/birth`.
pub(super) async fn set_birth(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let cabinet = open(&state, visit, &who).await?;
    let mut p = cabinet.shell.clone();
    let date = BirthDate::parse(form.text("birth_date"), today(&p));
    let date = date
        .map_err(|error| note(&mut p, "birth_date", wrong::date(error)))
        .ok();
    let place = line(form.text("birth_place"), "place-error-empty");
    let place = place
        .map_err(|error| note(&mut p, "birth_place", error))
        .ok();
    match (date, place) {
        (Some(date), Some(place)) => {
            let change = Change::Birth {
                date: date.date().to_string(),
                place,
            };
            save(&state, &cabinet, who, &form, change).await
        }
        _ => Ok(page_with_errors(&EditBirth {
            p,
            birth_date: form.text("birth_date").to_owned(),
            birth_place: form.text("birth_place").to_owned(),
            needs_check: cabinet.standing.profile.birth_date.is_some(),
        })),
    }
}

/// `GET /profile/data/address`.
pub(super) async fn address(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let cabinet = open(&state, visit, &who).await?;
    let known = cabinet.standing.profile.address.clone();
    let needs_check = known.is_some();
    Ok(page(&EditAddress {
        address: known.unwrap_or_default(),
        needs_check,
        p: cabinet.shell,
    }))
}

/// `POST /profile/data/address`.
pub(super) async fn set_address(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let cabinet = open(&state, visit, &who).await?;
    let typed = form.text("address");
    match line(typed, "address-error-empty") {
        Ok(address) => save(&state, &cabinet, who, &form, Change::Address { address }).await,
        Err(error) => Ok(page_with_errors(&EditAddress {
            p: cabinet.shell.clone().with_error("address", error),
            address: typed.to_owned(),
            needs_check: cabinet.standing.profile.address.is_some(),
        })),
    }
}

/// `GET /profile/data/passport`.
pub(super) async fn passport(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let cabinet = open(&state, visit, &who).await?;
    let needs_check = cabinet.standing.profile.passport.is_some();
    Ok(page(&EditPassport {
        form: PassportForm::default(),
        needs_check,
        p: cabinet.shell,
    }))
}

fn typed_passport(form: &Form) -> PassportForm {
    PassportForm {
        number: form.text("number").to_owned(),
        issued_on: form.text("issued_on").to_owned(),
        issuer: form.text("issuer").to_owned(),
        department: form.text("department").to_owned(),
    }
}

/// Reads a passport; the errors are in the shell.
fn read_passport(cabinet: &Cabinet, form: &Form) -> Result<Passport, Box<Shell>> {
    let mut p = cabinet.shell.clone();
    let number = PassportNumber::parse(form.text("number"));
    let number = number
        .map_err(|error| note(&mut p, "number", wrong::document(error)))
        .ok();
    let department = DepartmentCode::parse(form.text("department"));
    let department = department
        .map_err(|error| note(&mut p, "department", wrong::document(error)))
        .ok();
    let today = today(&p);
    // Without a birth date the date of issue is judged as that of the oldest person there can be.
    let born = cabinet
        .standing
        .profile
        .birth_date
        .as_deref()
        .map(shown_date);
    let born = born.and_then(|born| BirthDate::parse(&born, today).ok());
    let issued = match born {
        Some(born) => PassportIssueDate::parse(form.text("issued_on"), born, today)
            .map(|date| date.date().to_string()),
        None => {
            kernel::documents::past_date(form.text("issued_on"), today).map(|date| date.to_string())
        }
    };
    let issued = issued
        .map_err(|error| note(&mut p, "issued_on", wrong::date(error)))
        .ok();
    let issuer = line(form.text("issuer"), "issuer-error-empty");
    let issuer = issuer.map_err(|error| note(&mut p, "issuer", error)).ok();
    match (number, department, issued, issuer) {
        (Some(number), Some(department), Some(issued_on), Some(issuer)) => Ok(Passport {
            number: number.as_str().to_owned(),
            issued_on,
            issuer,
            department: department.pretty(),
        }),
        _ => Err(Box::new(p)),
    }
}

/// `POST /profile/data/passport`: shows the answers once more before they are sent.
pub(super) async fn check_passport(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let cabinet = open(&state, visit, &who).await?;
    let needs_check = cabinet.standing.profile.passport.is_some();
    let typed = typed_passport(&form);
    if form.text("step") == "edit" {
        return Ok(page(&EditPassport {
            form: typed,
            needs_check,
            p: cabinet.shell,
        }));
    }
    match read_passport(&cabinet, &form) {
        Ok(_) => Ok(page(&CheckPassport {
            form: typed,
            needs_check,
            p: cabinet.shell,
        })),
        Err(p) => Ok(page_with_errors(&EditPassport {
            form: typed,
            needs_check,
            p: *p,
        })),
    }
}

/// `POST /profile/data/passport/send`.
pub(super) async fn send_passport(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let cabinet = open(&state, visit, &who).await?;
    let needs_check = cabinet.standing.profile.passport.is_some();
    match read_passport(&cabinet, &form) {
        Ok(passport) => save(&state, &cabinet, who, &form, Change::Passport(passport)).await,
        Err(p) => {
            let typed = typed_passport(&form);
            Ok(page_with_errors(&EditPassport {
                form: typed,
                needs_check,
                p: *p,
            }))
        }
    }
}

/// A page with one document's number: made of the shell, what was typed, and whether a value is there already.
struct Number<T> {
    field: &'static str,
    is_known: fn(&Profile) -> bool,
    read: fn(&str) -> Result<Change, DocumentError>,
    page: fn(Shell, TypedNumber, bool) -> T,
}

const INN: Number<EditInn> = Number {
    field: "inn",
    is_known: |profile| profile.inn.is_some(),
    read: |typed| {
        let inn = Inn::parse_person(typed)?.as_str().to_owned();
        Ok(Change::Inn { inn })
    },
    page: |p, typed, needs_check| EditInn {
        p,
        typed,
        needs_check,
    },
};

const SNILS: Number<EditSnils> = Number {
    field: "snils",
    is_known: |profile| profile.snils.is_some(),
    read: |typed| {
        let snils = Snils::parse(typed)?.as_str().to_owned();
        Ok(Change::Snils { snils })
    },
    page: |p, typed, needs_check| EditSnils {
        p,
        typed,
        needs_check,
    },
};

impl<T: Template> Number<T> {
    async fn show(&self, state: &State, visit: Visit, who: &Who) -> Result<Response, Fault> {
        let cabinet = open(state, visit, who).await?;
        let needs_check = (self.is_known)(&cabinet.standing.profile);
        let typed = TypedNumber::default();
        Ok(page(&(self.page)(cabinet.shell, typed, needs_check)))
    }

    async fn set(
        &self,
        state: &State,
        visit: Visit,
        who: Who,
        form: &Form,
    ) -> Result<Response, PageError> {
        let cabinet = open(state, visit, &who).await?;
        match (self.read)(form.text(self.field)) {
            Ok(change) => save(state, &cabinet, who, form, change).await,
            Err(error) => {
                let needs_check = (self.is_known)(&cabinet.standing.profile);
                let p = cabinet.shell.with_error(self.field, wrong::document(error));
                let typed = TypedNumber(form.text(self.field).to_owned());
                Ok(page_with_errors(&(self.page)(p, typed, needs_check)))
            }
        }
    }
}

/// `GET /profile/data/inn`.
pub(super) async fn inn(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    INN.show(&state, visit, &who).await
}

/// `POST /profile/data/inn`.
pub(super) async fn set_inn(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    INN.set(&state, visit, who, &form).await
}

/// `GET /profile/data/snils`.
pub(super) async fn snils(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    SNILS.show(&state, visit, &who).await
}

/// `POST /profile/data/snils`.
pub(super) async fn set_snils(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    SNILS.set(&state, visit, who, &form).await
}
