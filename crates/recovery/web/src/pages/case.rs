//! The case and its phone.

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
use recovery_core::State as Stands;
use recovery_service::case::{Case, Found};
use webkit::{
    form::Form,
    page::Shell,
    respond::{PageError, page, see_other},
    visit::Visit,
};

use super::{CASE, whole};
use crate::{
    acts::{Acts, BoundDone, CodeDone, PHONE},
    views::{CasePage, CasePhone, CasePhoneCode, CaseView},
};

const HERE: &str = "/recovery/phone";
const CODE: &str = "/recovery/phone/code";
const START: &str = "/recovery";

/// How a state looks to the claimant, who learns nothing of what reviewers do.
const fn view(state: Stands) -> CaseView {
    match state {
        Stands::Draft | Stands::Asked => CaseView::Draft,
        Stands::Stopped => CaseView::Stopped,
        Stands::Expired | Stands::Declined | Stands::Executed => CaseView::Over,
        _ => CaseView::Waiting,
    }
}

/// The proved phone of a case, masked.
fn bound(case: &Case) -> Option<String> {
    case.phone_proved_at?;
    case.phone.as_ref().map(Identifier::masked)
}

/// `GET /recovery/case`.
pub(super) async fn look(Shared(state): Shared<State>, visit: Visit) -> Result<Response, Fault> {
    let p = visit.shell();
    Ok(match Acts(&state).look(visit.browser_key()).await? {
        None => see_other(START),
        Some(Found::Erased(state)) => page(&CasePage {
            view: view(state),
            number: None,
            expires_at: None,
            saved_at: None,
            steps: Vec::new(),
            p,
        }),
        Some(Found::Whole(case)) => {
            let facts = &case.facts;
            let phone = bound(&case);
            let steps = CasePage::steps(
                &p,
                phone.as_deref(),
                facts.has_person(),
                facts.has_knowledge(),
            );
            page(&CasePage {
                view: view(case.state),
                number: Some(case.number.pretty()),
                expires_at: case.is_editable().then_some(case.expires_at),
                saved_at: case.saved_at,
                steps,
                p,
            })
        }
    })
}

/// The case of this browser, while it can be filled in.
pub(super) async fn draft(state: &State, visit: &Visit) -> Result<Option<Box<Case>>, Fault> {
    Ok(match Acts(state).look(visit.browser_key()).await? {
        Some(Found::Whole(case)) if case.is_editable() => Some(case),
        _ => None,
    })
}

async fn phone_page(
    state: &State,
    visit: &Visit,
    p: Shell,
    typed: &str,
) -> Result<Response, Fault> {
    let Some(case) = draft(state, visit).await? else {
        return Ok(see_other(CASE));
    };
    let view = CasePhone {
        phone: typed.to_owned(),
        bound: bound(&case),
        p,
    };
    Ok(whole(&view, &view.p))
}

/// `GET /recovery/phone`.
pub(super) async fn phone(Shared(state): Shared<State>, visit: Visit) -> Result<Response, Fault> {
    phone_page(&state, &visit, visit.shell(), "").await
}

/// `POST /recovery/phone`.
pub(super) async fn ask_phone(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, PageError> {
    let text = form.text("phone");
    match Phone::parse(text) {
        Ok(phone) => send(&state, &visit, &form, Identifier::Phone(phone)).await,
        Err(error) => {
            let p = visit.shell().with_error("phone", wrong::phone(error));
            Ok(phone_page(&state, &visit, p, text).await?)
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
        .ask_phone(key, &visit.visitor, phone.clone(), browser)
        .await?;
    let asked = match done(asked)? {
        BoundDone::NoCase => return Ok(see_other(CASE)),
        BoundDone::Asked(asked) => asked,
    };
    Ok(match asked {
        AskDone::Sent => see_other(CODE),
        AskDone::Pause { until } => {
            let here = Acts(state).phone_code(browser).await?;
            match here.filter(|status| status.identifier == phone) {
                Some(_) => see_other(CODE),
                None => see_other(&Errand::Recovery.paused(until)),
            }
        }
        AskDone::UsedUp { until } | AskDone::Calls { until } => {
            see_other(&Errand::Recovery.rests(until))
        }
        AskDone::Country => {
            let p = visit.shell().with_error("phone", "phone-error-country");
            phone_page(state, visit, p, form.text("phone")).await?
        }
        AskDone::Closed | AskDone::HasOne => see_other(&Errand::Recovery.closed()),
    })
}

async fn code_page(state: &State, visit: &Visit, p: Shell) -> Result<Response, Fault> {
    let Some(flow) = Acts(state).phone_flow(visit.browser_key()).await? else {
        return Ok(see_other(CASE));
    };
    let Some((status, delivery)) = standing(state, PHONE, flow).await? else {
        return Ok(see_other(HERE));
    };
    let view = CasePhoneCode {
        // The claimant typed the number a moment ago, so it is shown to them.
        code: entry(state, &p, &status, delivery, true),
        p,
    };
    Ok(whole(&view, &view.p))
}

/// `GET /recovery/phone/code`.
pub(super) async fn code(Shared(state): Shared<State>, visit: Visit) -> Result<Response, Fault> {
    code_page(&state, &visit, visit.shell()).await
}

/// `POST /recovery/phone/code`.
pub(super) async fn prove(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, PageError> {
    let code = match typed(form.text("code"), 6) {
        Ok(code) => code,
        Err(id) => {
            let p = visit.shell().with_error("code", id);
            return Ok(code_page(&state, &visit, p).await?);
        }
    };
    let key = key(&visit, None, &form);
    let proved = Acts(&state)
        .prove_phone(key, &visit.visitor, code, visit.browser_key())
        .await?;
    Ok(match done(proved)? {
        CodeDone::Done | CodeDone::NoCase => see_other(CASE),
        CodeDone::Refused(why) => match refusal(why) {
            Some((field, id)) => {
                code_page(&state, &visit, visit.shell().with_error(field, id)).await?
            }
            None => see_other(&Errand::Recovery.refused(why)),
        },
    })
}

/// `POST /recovery/phone/code/resend`.
pub(super) async fn resend(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, PageError> {
    match Acts(&state).phone_code(visit.browser_key()).await? {
        Some(status) => send(&state, &visit, &form, status.identifier).await,
        None => Ok(see_other(HERE)),
    }
}

/// `GET /recovery/phone/code/delivery`.
pub(super) async fn delivery(
    Shared(state): Shared<State>,
    visit: Visit,
) -> Result<Response, Fault> {
    let flow = Acts(&state).phone_flow(visit.browser_key()).await?;
    delivery_line(&state, &visit, PHONE, flow.unwrap_or(visit.browser_key())).await
}
