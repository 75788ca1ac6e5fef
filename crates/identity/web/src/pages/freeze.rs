//! Freezing from any browser, from the cabinet, and lifting a freeze (ID-13).

use axum::{extract::State as Shared, response::Response};
use identity_core::challenge::Purpose;
use identity_service::codes::Check;
use kernel::{Email, Identifier, Phone};
use std::sync::Arc;
use webkit::{
    form::Form,
    i18n::Message,
    page::{Area, Shell},
    respond::{PageError, page, page_with_errors, see_other},
    visit::Visit,
};

use super::{
    codes::{Errand, delivery_line, entry, refusal, standing, typed},
    common::{cabinet, done, flashed, key},
};
use crate::{
    acts::{AskDone, FreezeDone as Frozen},
    state::{Fault, State, Who},
    views::{
        freeze::{FreezeCode, FreezeDone, FreezeStart, UnfreezeCode},
        wrong,
    },
};

const SECURITY: &str = "/profile/security";
const LIFT: &str = "/profile/security/unfreeze/code";

/// `GET /freeze`.
pub(super) async fn start(visit: Visit) -> Response {
    page(&FreezeStart {
        p: visit.shell(),
        identifier: String::new(),
    })
}

/// `POST /freeze`: a phone or an e-mail address.
pub(super) async fn ask(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, PageError> {
    let text = form.text("identifier");
    match identifier(text) {
        Ok(identifier) => send(&state, &visit, &form, identifier).await,
        Err(error) => {
            let p = visit.shell().with_error("identifier", error);
            Ok(page_with_errors(&FreezeStart {
                p,
                identifier: text.to_owned(),
            }))
        }
    }
}

/// A phone or an e-mail address, told apart by what was typed.
fn identifier(text: &str) -> Result<Identifier, Message> {
    if text.contains('@') {
        return Email::parse(text)
            .map(Identifier::Email)
            .map_err(wrong::email);
    }
    if text.trim().is_empty() {
        return Err("identifier-error-empty".into());
    }
    // Letters are no number with a slip in it.
    if text.chars().any(char::is_alphabetic) {
        return Err("identifier-error-invalid".into());
    }
    Phone::parse(text)
        .map(Identifier::Phone)
        .map_err(wrong::phone)
}

async fn send(
    state: &State,
    visit: &Visit,
    form: &Form,
    identifier: Identifier,
) -> Result<Response, PageError> {
    let key = key(visit, None, form);
    let browser = visit.browser_key();
    let asked = state
        .ask_freeze(key, &visit.visitor, identifier.clone(), browser)
        .await?;
    Ok(match done(asked)? {
        AskDone::Sent => see_other("/freeze/code"),
        AskDone::Pause { until } => {
            let here = standing(state, Purpose::Freeze, browser).await?;
            match here.filter(|(status, _)| status.identifier == identifier) {
                Some(_) => see_other("/freeze/code"),
                None => see_other(&Errand::Freeze.paused(until)),
            }
        }
        AskDone::UsedUp { until } | AskDone::Calls { until } => {
            see_other(&Errand::Freeze.rests(until))
        }
        AskDone::Country => {
            let p = visit
                .shell()
                .with_error("identifier", "phone-error-country");
            page_with_errors(&FreezeStart {
                p,
                identifier: form.text("identifier").to_owned(),
            })
        }
        AskDone::Closed | AskDone::HasOne => see_other(&Errand::Freeze.closed()),
    })
}

async fn code_page(state: &State, visit: &Visit, p: Shell) -> Result<Response, Fault> {
    let Some((status, delivery)) = standing(state, Purpose::Freeze, visit.browser_key()).await?
    else {
        return Ok(see_other("/freeze"));
    };
    let has_errors = p.has_errors();
    let view = FreezeCode {
        code: entry(state, &p, &status, delivery, false),
        p,
    };
    Ok(if has_errors {
        page_with_errors(&view)
    } else {
        page(&view)
    })
}

/// `GET /freeze/code`.
pub(super) async fn code(Shared(state): Shared<State>, visit: Visit) -> Result<Response, Fault> {
    code_page(&state, &visit, visit.shell()).await
}

/// `POST /freeze/code`.
pub(super) async fn by_code(
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
    let check = Check {
        purpose: Purpose::Freeze,
        browser: visit.browser_key(),
        known: visit.known(),
        code,
    };
    let frozen = state
        .freeze_by_code(key(&visit, None, &form), &visit.visitor, check)
        .await?;
    Ok(match done(frozen)? {
        Frozen::Done | Frozen::Next(_) => see_other("/freeze/done"),
        Frozen::Refused(why) => match refusal(why) {
            Some((field, id)) => {
                code_page(&state, &visit, visit.shell().with_error(field, id)).await?
            }
            None => see_other(&Errand::Freeze.refused(why)),
        },
    })
}

/// `POST /freeze/code/resend`.
pub(super) async fn resend(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, PageError> {
    match standing(&state, Purpose::Freeze, visit.browser_key()).await? {
        Some((status, _)) => send(&state, &visit, &form, status.identifier).await,
        None => Ok(see_other("/freeze")),
    }
}

/// `GET /freeze/code/delivery`.
pub(super) async fn delivery(
    Shared(state): Shared<State>,
    visit: Visit,
) -> Result<Response, Fault> {
    delivery_line(&state, &visit, Purpose::Freeze, visit.browser_key()).await
}

/// `GET /freeze/done`.
pub(super) async fn done_page(visit: Visit) -> Response {
    page(&FreezeDone { p: visit.shell() })
}

/// `POST /profile/security/freeze`.
pub(super) async fn mine(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let key = key(&visit, Some(&who), &form);
    done(state.freeze_mine(key, &visit.visitor, who.0).await?)?;
    Ok(flashed(&visit, SECURITY, "flash-frozen"))
}

/// `POST /profile/security/unfreeze`: sends the code that comes next.
pub(super) async fn ask_lift(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let key = key(&visit, Some(&who), &form);
    let asked = state
        .ask_unfreeze(key, &visit.visitor, Arc::clone(&who.0))
        .await?;
    Ok(match done(asked)? {
        Ok(_) => see_other(LIFT),
        Err(AskDone::Pause { .. }) => match lifting(&state, &who).await? {
            Some(_) => see_other(LIFT),
            None => flashed(&visit, SECURITY, "flash-code-pause"),
        },
        Err(AskDone::UsedUp { until } | AskDone::Calls { until }) => {
            see_other(&Errand::Security.rests(until))
        }
        Err(_) => see_other(&Errand::Security.closed()),
    })
}

/// Which proof is being asked for: the latest code that was sent.
async fn lifting(
    state: &State,
    who: &Who,
) -> Result<
    Option<(
        Purpose,
        identity_service::codes::Status,
        crate::views::code::Delivery,
    )>,
    Fault,
> {
    let mut latest = None;
    for purpose in [Purpose::UnfreezePhone, Purpose::UnfreezeEmail] {
        if let Some((status, delivery)) = standing(state, purpose, who.browser_key()).await? {
            latest = Some((purpose, status, delivery));
        }
    }
    Ok(latest)
}

async fn lift_page(
    state: &State,
    visit: Visit,
    who: &Who,
    error: Option<(&'static str, &'static str)>,
) -> Result<Response, Fault> {
    let Some((purpose, status, delivery)) = lifting(state, who).await? else {
        return Ok(see_other(SECURITY));
    };
    let cabinet = cabinet(state, visit, who, Area::Security).await?;
    let steps = if cabinet.has_email() { 2 } else { 1 };
    let step = if purpose == Purpose::UnfreezeEmail {
        2
    } else {
        1
    };
    let p = match error {
        Some((field, id)) => cabinet.shell.with_error(field, id),
        None => cabinet.shell,
    };
    let has_errors = p.has_errors();
    let view = UnfreezeCode {
        code: entry(state, &p, &status, delivery, true),
        step,
        steps,
        p,
    };
    Ok(if has_errors {
        page_with_errors(&view)
    } else {
        page(&view)
    })
}

/// `GET /profile/security/unfreeze/code`.
pub(super) async fn lift_code(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    lift_page(&state, visit, &who, None).await
}

/// `POST /profile/security/unfreeze/code`.
pub(super) async fn lift(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let Some((purpose, _, _)) = lifting(&state, &who).await? else {
        return Ok(see_other(SECURITY));
    };
    let code = match typed(form.text("code"), 6) {
        Ok(code) => code,
        Err(id) => return Ok(lift_page(&state, visit, &who, Some(("code", id))).await?),
    };
    let key = key(&visit, Some(&who), &form);
    let lifted = state
        .unfreeze(key, &visit.visitor, Arc::clone(&who.0), purpose, code)
        .await?;
    Ok(match done(lifted)? {
        Frozen::Done => flashed(&visit, SECURITY, "flash-unfrozen"),
        Frozen::Next(_) => {
            // The next code goes out at once; its own key, made of the same form, keeps it single.
            let key = super::common::key(&visit, Some(&who), &form);
            let key = webkit::once::OnceKey {
                key: format!("{} next", key.key),
                ..key
            };
            done(state.ask_unfreeze(key, &visit.visitor, who.0).await?)?.ok();
            see_other(LIFT)
        }
        Frozen::Refused(why) => match refusal(why) {
            Some(error) => lift_page(&state, visit, &who, Some(error)).await?,
            None => see_other(&Errand::Security.refused(why)),
        },
    })
}

/// `POST /profile/security/unfreeze/code/resend`.
pub(super) async fn resend_lift(
    state: Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    ask_lift(state, visit, who, form).await
}

/// `GET /profile/security/unfreeze/code/delivery`.
pub(super) async fn lift_delivery(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let purpose = lifting(&state, &who).await?.map(|(purpose, _, _)| purpose);
    let purpose = purpose.unwrap_or(Purpose::UnfreezePhone);
    delivery_line(&state, &visit, purpose, who.browser_key()).await
}
