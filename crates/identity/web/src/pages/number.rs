//! `/profile/phone`: «это всё ещё ваш номер?» (ID-8a).

use axum::{extract::State as Shared, response::Response};
use identity_core::{challenge::Purpose, changes::Kind};
use identity_service::{
    account, codes,
    number::{self, Cleared},
};
use kernel::Timestamp;
use webkit::{
    form::Form,
    page::Area,
    respond::{PageError, page, page_with_errors, see_other},
    visit::Visit,
};

use super::{
    codes::{Errand, delivery_line, entry, refusal, standing, typed},
    common::{cabinet, done, flashed, key, without_flash},
    confirm::{self, OnPage},
};
use crate::{
    acts::{AskDone, NumberDone},
    state::{Fault, State, Who},
    views::number::{Number, NumberCode},
};

const HERE: &str = "/profile/phone";
const CODE: &str = "/profile/phone/code";

/// How the number stands, whether its own code was just entered, and whether something stronger is there.
async fn stands(
    state: &State,
    who: &Who,
) -> Result<(Option<number::Standing>, bool, Option<Timestamp>), Fault> {
    let input = (state.env.clone(), who.clone());
    state
        .read("number.standing", input, |tx, (env, who)| {
            Box::pin(async move {
                let owned = account::identifiers(tx, &who.account).await?;
                let standing = number::standing(tx, env, &owned).await?;
                let is_proved =
                    codes::is_proved(tx, env, Purpose::ConfirmNumber, &who.browser_key()).await?;
                let waits = number::waits_until(tx, env, &who.account).await?;
                Ok((standing, is_proved, waits))
            })
        })
        .await
}

/// `GET /profile/phone`.
pub(super) async fn look(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let (standing, is_proved, waits) = stands(&state, &who).await?;
    let cabinet = cabinet(&state, visit, &who, Area::Security).await?;
    let phone = account::phone(cabinet.owned());
    let (Some(standing), Some(phone)) = (standing, phone) else {
        return Ok(see_other("/profile/security"));
    };
    let moving = super::changes::moving(&state, &who, Kind::Phone).await?;
    let now = cabinet.shell.now;
    let is_doubted = standing.doubted_at.is_some();
    let view = Number {
        masked: phone.identifier.masked(),
        proved_at: standing.proved_at,
        is_aged: standing.is_aged,
        doubted_at: standing.doubted_at,
        shows_more: is_doubted && is_proved && waits.is_none(),
        waits_until: waits.filter(|until| is_doubted && now < *until),
        moving,
        p: cabinet.shell.clone(),
    };
    Ok(without_flash(&cabinet.visit, page(&view)))
}

async fn send(
    state: &State,
    visit: &Visit,
    who: &Who,
    form: &Form,
    call: bool,
) -> Result<Response, PageError> {
    let key = key(visit, Some(who), form);
    let asked = state
        .ask_number(key, &visit.visitor, who.0.clone(), call)
        .await?;
    Ok(match done(asked)? {
        AskDone::Sent => see_other(CODE),
        AskDone::Pause { until } => {
            match standing(state, Purpose::ConfirmNumber, who.browser_key()).await? {
                Some(_) => see_other(CODE),
                None => see_other(&Errand::Security.paused(until)),
            }
        }
        AskDone::UsedUp { until } | AskDone::Calls { until } => {
            see_other(&Errand::Security.rests(until))
        }
        AskDone::Closed | AskDone::Country | AskDone::HasOne => {
            see_other(&Errand::Security.closed())
        }
    })
}

/// `POST /profile/phone`: sends the code.
pub(super) async fn ask(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    send(&state, &visit, &who, &form, false).await
}

/// `POST /profile/phone/code/resend`.
pub(super) async fn resend(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let call = form.text("channel") == "call";
    send(&state, &visit, &who, &form, call).await
}

async fn code_page(
    state: &State,
    visit: Visit,
    who: &Who,
    error: Option<(&'static str, &'static str)>,
) -> Result<Response, Fault> {
    let sent = standing(state, Purpose::ConfirmNumber, who.browser_key()).await?;
    let Some((status, delivery)) = sent else {
        return Ok(see_other(HERE));
    };
    let cabinet = cabinet(state, visit, who, Area::Security).await?;
    let p = match error {
        Some((field, id)) => cabinet.shell.with_error(field, id),
        None => cabinet.shell,
    };
    let has_errors = p.has_errors();
    let view = NumberCode {
        code: entry(state, &p, &status, delivery, true),
        p,
    };
    Ok(if has_errors {
        page_with_errors(&view)
    } else {
        page(&view)
    })
}

/// `GET /profile/phone/code`.
pub(super) async fn code(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    code_page(&state, visit, &who, None).await
}

/// `POST /profile/phone/code`.
pub(super) async fn confirm(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let code = match typed(form.text("code"), 6) {
        Ok(code) => code,
        Err(id) => return Ok(code_page(&state, visit, &who, Some(("code", id))).await?),
    };
    let key = key(&visit, Some(&who), &form);
    let confirmed = state
        .confirm_number(key, &visit.visitor, who.0.clone(), code)
        .await?;
    Ok(match done(confirmed)? {
        NumberDone::Done => flashed(&visit, HERE, "flash-number-confirmed"),
        NumberDone::ShowMore | NumberDone::Waits { .. } => see_other(HERE),
        NumberDone::Refused(why) => match refusal(why) {
            Some(error) => code_page(&state, visit, &who, Some(error)).await?,
            None => see_other(&Errand::Security.refused(why)),
        },
    })
}

/// `GET /profile/phone/code/delivery`.
pub(super) async fn delivery(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    delivery_line(&state, &visit, Purpose::ConfirmNumber, who.browser_key()).await
}

/// `POST /profile/phone/clear`: shows something stronger.
pub(super) async fn clear(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    confirm::ask(&state, &visit, who, &form, number::Clear {}).await
}

impl OnPage for number::Clear {
    fn home(&self) -> String {
        HERE.to_owned()
    }

    fn after(&self, visit: &Visit, cleared: Cleared) -> Response {
        match cleared {
            Cleared::Done => flashed(visit, HERE, "flash-number-confirmed"),
            Cleared::CodeFirst => see_other(HERE),
        }
    }
}
