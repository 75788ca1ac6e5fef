//! What the claimant tells: two pages, each saved as it is sent. Nothing is compared (RE-10).

use axum::{extract::State as Shared, response::Response};
use identity_web::{
    State,
    common::{done, key},
    state::Fault,
    views::wrong,
};
use jiff::civil::Date;
use recovery_core::{
    facts::Operation,
    typed::{TypedError, month_text},
};
use recovery_service::facts::Told;
use webkit::{
    form::Form,
    i18n::Message,
    page::Shell,
    respond::{PageError, page, page_with_errors, see_other},
    visit::Visit,
};

use super::{CASE, case::draft};
use crate::{
    acts::{Acts, SavedDone},
    typed::{self, Wrong, shown_date, shown_operation},
    views::{CaseKnowledge, CasePerson, KnowledgeForm, PersonForm},
};

fn words(wrong_with: Wrong) -> Message {
    match wrong_with {
        Wrong::Name(error) => wrong::name(error),
        Wrong::Date(error) => wrong::date(error),
        Wrong::Document(error) => wrong::document(error),
        Wrong::Month(TypedError::Form) => "month-error-form".into(),
        Wrong::Month(TypedError::Future) => "month-error-future".into(),
        Wrong::Amount => "amount-error-form".into(),
        Wrong::Word => "line-error-hidden".into(),
    }
}

/// Reads fields one after the other and notes what is wrong with each.
struct Reader<'a> {
    p: Shell,
    form: &'a Form,
    today: Date,
}

impl<'a> Reader<'a> {
    fn new(visit: &Visit, form: &'a Form) -> Self {
        let p = visit.shell();
        let today = p.calendar().today();
        Self { p, form, today }
    }

    fn read<T: Default>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&str, Date) -> Result<T, Wrong>,
    ) -> T {
        match read(self.form.text(field), self.today) {
            Ok(value) => value,
            Err(why) => {
                self.p = self.p.clone().with_error(field, words(why));
                T::default()
            }
        }
    }
}

async fn save(
    state: &State,
    visit: &Visit,
    form: &Form,
    told: Told,
) -> Result<Response, PageError> {
    let key = key(visit, None, form);
    let saved = Acts(state)
        .save(key, &visit.visitor, told, visit.browser_key())
        .await?;
    Ok(match done(saved)? {
        SavedDone::Done | SavedDone::NoCase => see_other(CASE),
        SavedDone::PhoneFirst => see_other("/recovery/phone"),
    })
}

/// Facts are told once the phone is proved, or nobody could come back to them.
async fn ready(
    state: &State,
    visit: &Visit,
) -> Result<Result<recovery_core::Facts, Response>, Fault> {
    Ok(match draft(state, visit).await? {
        None => Err(see_other(CASE)),
        Some(case) if !case.proofs().phone => Err(see_other("/recovery/phone")),
        Some(case) => Ok(case.facts),
    })
}

/// `GET /recovery/person`.
pub(super) async fn person(Shared(state): Shared<State>, visit: Visit) -> Result<Response, Fault> {
    Ok(match ready(&state, &visit).await? {
        Err(elsewhere) => elsewhere,
        Ok(facts) => page(&CasePerson {
            p: visit.shell(),
            form: PersonForm {
                birth_date: shown_date(&facts.birth_date),
                surname: facts.surname,
                given: facts.given,
                patronymic: facts.patronymic,
                passport: facts.passport,
            },
        }),
    })
}

/// `POST /recovery/person`.
pub(super) async fn set_person(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, PageError> {
    let mut reader = Reader::new(&visit, &form);
    let told = Told::Person {
        surname: reader.read("surname", |typed, _| typed::name(typed)),
        given: reader.read("given", |typed, _| typed::name(typed)),
        patronymic: reader.read("patronymic", |typed, _| typed::name(typed)),
        birth_date: reader.read("birth_date", typed::birth_date),
        passport: reader.read("passport", |typed, _| typed::passport(typed)),
    };
    if !reader.p.has_errors() {
        return save(&state, &visit, &form, told).await;
    }
    let text = |field: &str| form.text(field).to_owned();
    Ok(page_with_errors(&CasePerson {
        p: reader.p,
        form: PersonForm {
            surname: text("surname"),
            given: text("given"),
            patronymic: text("patronymic"),
            birth_date: text("birth_date"),
            passport: text("passport"),
        },
    }))
}

/// `GET /recovery/knowledge`.
pub(super) async fn knowledge(
    Shared(state): Shared<State>,
    visit: Visit,
) -> Result<Response, Fault> {
    Ok(match ready(&state, &visit).await? {
        Err(elsewhere) => elsewhere,
        Ok(facts) => {
            let [latest, before] = &facts.operations;
            let (day_1, amount_1) = shown_operation(latest);
            let (day_2, amount_2) = shown_operation(before);
            page(&CaseKnowledge {
                p: visit.shell(),
                form: KnowledgeForm {
                    opened: month_text(&facts.opened),
                    code_word: facts.code_word,
                    day_1,
                    amount_1,
                    day_2,
                    amount_2,
                },
            })
        }
    })
}

/// `POST /recovery/knowledge`.
pub(super) async fn set_knowledge(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, PageError> {
    let mut reader = Reader::new(&visit, &form);
    let told = Told::Knowledge {
        opened: reader.read("opened", typed::opened),
        code_word: reader.read("code_word", |typed, _| typed::code_word(typed)),
        operations: [
            Operation {
                day: reader.read("day_1", typed::day),
                minor: reader.read("amount_1", |typed, _| typed::amount(typed)),
            },
            Operation {
                day: reader.read("day_2", typed::day),
                minor: reader.read("amount_2", |typed, _| typed::amount(typed)),
            },
        ],
    };
    if !reader.p.has_errors() {
        return save(&state, &visit, &form, told).await;
    }
    let text = |field: &str| form.text(field).to_owned();
    Ok(page_with_errors(&CaseKnowledge {
        p: reader.p,
        form: KnowledgeForm {
            opened: text("opened"),
            code_word: text("code_word"),
            day_1: text("day_1"),
            amount_1: text("amount_1"),
            day_2: text("day_2"),
            amount_2: text("amount_2"),
        },
    }))
}
