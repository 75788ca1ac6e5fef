//! Coming back by number and code (RE-11).

use axum::{extract::State as Shared, response::Response};
use identity_web::{
    State,
    acts::AskDone,
    codes::{Errand, delivery_line, entry, refusal, standing, typed},
    common::{done, key},
    state::Fault,
    views::wrong,
};
use kernel::{Identifier, Phone};
use recovery_core::{CaseNumber, number::NumberError};
use webkit::{
    form::Form,
    page::Shell,
    respond::{PageError, page, page_with_errors, see_other},
    visit::Visit,
};

use super::{CASE, whole};
use crate::{
    acts::{Acts, CodeDone, RESUME},
    views::{Resume, ResumeCode},
};

const HERE: &str = "/recovery/resume";
const CODE: &str = "/recovery/resume/code";

/// `GET /recovery/resume`.
pub(super) async fn begin(visit: Visit) -> Response {
    page(&Resume {
        p: visit.shell(),
        phone: String::new(),
    })
}

fn again(p: Shell, phone: &str) -> Response {
    page_with_errors(&Resume {
        p,
        phone: phone.to_owned(),
    })
}

/// `POST /recovery/resume`. A code goes out to whatever phone is named (RE-10).
pub(super) async fn ask(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, PageError> {
    let text = form.text("phone");
    match Phone::parse(text) {
        Ok(phone) => send(&state, &visit, &form, Identifier::Phone(phone)).await,
        Err(error) => {
            let p = visit.shell().with_error("phone", wrong::phone(error));
            Ok(again(p, text))
        }
    }
}

async fn send(
    state: &State,
    visit: &Visit,
    form: &Form,
    phone: Identifier,
) -> Result<Response, PageError> {
    let key = key(visit, None, form);
    let browser = visit.browser_key();
    let asked = Acts(state)
        .ask_resume(key, &visit.visitor, phone.clone(), browser)
        .await?;
    Ok(match done(asked)? {
        AskDone::Sent => see_other(CODE),
        AskDone::Pause { until } => {
            let here = standing(state, RESUME, browser).await?;
            match here.filter(|(status, _)| status.identifier == phone) {
                Some(_) => see_other(CODE),
                None => see_other(&Errand::Recovery.paused(until)),
            }
        }
        AskDone::UsedUp { until } | AskDone::Calls { until } => {
            see_other(&Errand::Recovery.rests(until))
        }
        AskDone::Country => {
            let p = visit.shell().with_error("phone", "phone-error-country");
            again(p, form.text("phone"))
        }
        AskDone::Closed | AskDone::HasOne => see_other(&Errand::Recovery.closed()),
    })
}

async fn code_page(
    state: &State,
    visit: &Visit,
    p: Shell,
    number: &str,
) -> Result<Response, Fault> {
    let Some((status, delivery)) = standing(state, RESUME, visit.browser_key()).await? else {
        return Ok(see_other(HERE));
    };
    let view = ResumeCode {
        code: entry(state, &p, &status, delivery, true),
        number: number.to_owned(),
        p,
    };
    Ok(whole(&view, &view.p))
}

/// `GET /recovery/resume/code`.
pub(super) async fn code(Shared(state): Shared<State>, visit: Visit) -> Result<Response, Fault> {
    code_page(&state, &visit, visit.shell(), "").await
}

const fn slip(error: NumberError) -> &'static str {
    match error {
        NumberError::Empty => "case-number-error-empty",
        NumberError::Form => "case-number-error-form",
        NumberError::Check => "case-number-error-check",
    }
}

/// `POST /recovery/resume/code`.
pub(super) async fn resume(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, PageError> {
    let text = form.text("number");
    let number = CaseNumber::parse(text);
    let code = typed(form.text("code"), 6);
    let mut p = visit.shell();
    if let Err(error) = &number {
        p = p.with_error("number", slip(*error));
    }
    if let Err(id) = &code {
        p = p.with_error("code", *id);
    }
    let (Ok(number), Ok(code)) = (number, code) else {
        return Ok(code_page(&state, &visit, p, text).await?);
    };
    let key = key(&visit, None, &form);
    let resumed = Acts(&state)
        .resume(key, &visit.visitor, code, number, visit.browser_key())
        .await?;
    Ok(match done(resumed)? {
        CodeDone::Done => see_other(CASE),
        CodeDone::NoCase => {
            let p = visit.shell().with_error("phone", "case-number-error-none");
            again(p, "")
        }
        CodeDone::Refused(why) => match refusal(why) {
            Some((field, id)) => {
                let p = visit.shell().with_error(field, id);
                code_page(&state, &visit, p, text).await?
            }
            None => see_other(&Errand::Recovery.refused(why)),
        },
    })
}

/// `POST /recovery/resume/code/resend`.
pub(super) async fn resend(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, PageError> {
    match standing(&state, RESUME, visit.browser_key()).await? {
        Some((status, _)) => send(&state, &visit, &form, status.identifier).await,
        None => Ok(see_other(HERE)),
    }
}

/// `GET /recovery/resume/code/delivery`.
pub(super) async fn delivery(
    Shared(state): Shared<State>,
    visit: Visit,
) -> Result<Response, Fault> {
    delivery_line(&state, &visit, RESUME, visit.browser_key()).await
}
