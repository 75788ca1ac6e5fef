//! The e-mail address (ID-4): added, confirmed by code; the link's page is in `links`.

use axum::{extract::State as Shared, response::Response};
use identity_core::{challenge::Purpose, changes::Kind};
use identity_service::{account, email::Allow, step_up::StepId};
use kernel::{Email, Identifier};
use std::sync::Arc;
use webkit::{
    form::Form,
    i18n::Message,
    once::OnceKey,
    page::Area,
    respond::{PageError, page, page_with_errors, see_other},
    visit::Visit,
};

use super::{
    cabinet::contact,
    codes::{Errand, delivery_line, entry, refusal, standing, typed},
    common::{Cabinet, cabinet, done, flashed, key, without_flash},
    confirm::{self, OnPage},
};
use crate::{
    acts::{AskDone, ConfirmDone},
    state::{Fault, State, Who},
    views::{
        changes::MovingCard,
        confirm::Line,
        profile::{EmailCode, ProfileEmail},
        wrong,
    },
};

const CODE: &str = "/profile/email/code";
const EMAIL: &str = "/profile/email";

fn email_view(
    cabinet: Cabinet,
    typed: &str,
    error: Option<Message>,
    moving: Option<MovingCard>,
) -> Response {
    let email = account::email(cabinet.owned()).map(contact);
    let typed = typed.to_owned();
    match error {
        Some(error) => {
            let p = cabinet.shell.with_error("email", error);
            page_with_errors(&ProfileEmail {
                p,
                email,
                typed,
                moving,
            })
        }
        None => page(&ProfileEmail {
            p: cabinet.shell,
            email,
            typed,
            moving,
        }),
    }
}

/// `GET /profile/email`.
pub(super) async fn email(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let moving = super::changes::moving(&state, &who, Kind::Email).await?;
    let cabinet = cabinet(&state, visit.clone(), &who, Area::Profile).await?;
    Ok(without_flash(&visit, email_view(cabinet, "", None, moving)))
}

/// `POST /profile/email`.
pub(super) async fn add(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let typed = form.text("email");
    match Email::parse(typed) {
        Ok(address) => ask(&state, &visit, who, &form, address).await,
        Err(error) => {
            let cabinet = cabinet(&state, visit, &who, Area::Profile).await?;
            Ok(email_view(cabinet, typed, Some(wrong::email(error)), None))
        }
    }
}

async fn ask(
    state: &State,
    visit: &Visit,
    who: Who,
    form: &Form,
    address: Email,
) -> Result<Response, PageError> {
    let key = key(visit, Some(&who), form);
    ask_once(state, visit, who, key, address, None).await
}

impl OnPage for Allow {
    fn home(&self) -> String {
        EMAIL.to_owned()
    }

    fn lines(&self, _: &Visit) -> Vec<Line> {
        vec![Line {
            name: "step-line-email",
            value: self.email.clone(),
        }]
    }

    /// More than a command: the code goes out in a transaction of its own.
    async fn proved(
        self,
        state: &State,
        visit: &Visit,
        who: Who,
        key: OnceKey,
        step: StepId,
    ) -> Result<Response, PageError> {
        let address = Email::parse(&self.email)
            .map_err(|_| PageError::internal("the address of a step is not understood"))?;
        ask_once(state, visit, who, key, address, Some(step)).await
    }
}

async fn ask_once(
    state: &State,
    visit: &Visit,
    who: Who,
    key: OnceKey,
    address: Email,
    step: Option<StepId>,
) -> Result<Response, PageError> {
    let asked = state
        .add_email(
            key,
            &visit.visitor,
            Arc::clone(&who.0),
            address.clone(),
            step,
        )
        .await?;
    let asked = match confirm::performed_or(visit, done(asked)?) {
        Ok(asked) => asked,
        Err(instead) => return Ok(*instead),
    };
    Ok(match asked {
        AskDone::Sent => see_other(CODE),
        AskDone::Pause { until } => {
            let here = standing(state, Purpose::ConfirmEmail, who.browser_key()).await?;
            let same = |there: &Identifier| *there == Identifier::Email(address.clone());
            match here.filter(|(status, _)| same(&status.identifier)) {
                Some(_) => see_other(CODE),
                None => see_other(&Errand::Email.paused(until)),
            }
        }
        AskDone::UsedUp { until } | AskDone::Calls { until } => {
            see_other(&Errand::Email.rests(until))
        }
        AskDone::HasOne | AskDone::Country => see_other(EMAIL),
        AskDone::Closed => see_other(&Errand::Email.closed()),
    })
}

async fn code_page(
    state: &State,
    cabinet: Cabinet,
    who: &Who,
    error: Option<(&'static str, &'static str)>,
) -> Result<Response, Fault> {
    let Some((status, delivery)) =
        standing(state, Purpose::ConfirmEmail, who.browser_key()).await?
    else {
        return Ok(see_other(EMAIL));
    };
    let p = match error {
        Some((field, id)) => cabinet.shell.with_error(field, id),
        None => cabinet.shell,
    };
    let has_errors = p.has_errors();
    let view = EmailCode {
        code: entry(state, &p, &status, delivery, true),
        p,
    };
    Ok(if has_errors {
        page_with_errors(&view)
    } else {
        page(&view)
    })
}

/// `GET /profile/email/code`.
pub(super) async fn code(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let cabinet = cabinet(&state, visit, &who, Area::Profile).await?;
    code_page(&state, cabinet, &who, None).await
}

/// `POST /profile/email/code`.
pub(super) async fn confirm(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let cabinet = cabinet(&state, visit.clone(), &who, Area::Profile).await?;
    let code = match typed(form.text("code"), 6) {
        Ok(code) => code,
        Err(id) => return Ok(code_page(&state, cabinet, &who, Some(("code", id))).await?),
    };
    let key = key(&visit, Some(&who), &form);
    let confirmed = state
        .confirm_email(key, &visit.visitor, Arc::clone(&who.0), code)
        .await?;
    Ok(match done(confirmed)? {
        ConfirmDone::Done | ConfirmDone::HasOne => flashed(&visit, EMAIL, "flash-email-confirmed"),
        ConfirmDone::Taken => email_view(cabinet, "", Some("email-error-taken".into()), None),
        ConfirmDone::LinkOver => see_other(EMAIL),
        ConfirmDone::Frozen => flashed(&visit, "/profile/security", "flash-lift-first"),
        ConfirmDone::Refused(why) => match refusal(why) {
            Some(error) => code_page(&state, cabinet, &who, Some(error)).await?,
            None => see_other(&Errand::Email.refused(why)),
        },
    })
}

/// `POST /profile/email/code/resend`.
pub(super) async fn resend(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let here = standing(&state, Purpose::ConfirmEmail, who.browser_key()).await?;
    match here.map(|(status, _)| status.identifier) {
        Some(Identifier::Email(address)) => ask(&state, &visit, who, &form, address).await,
        _ => Ok(see_other(EMAIL)),
    }
}

/// `GET /profile/email/code/delivery`.
pub(super) async fn delivery(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    delivery_line(&state, &visit, Purpose::ConfirmEmail, who.browser_key()).await
}
