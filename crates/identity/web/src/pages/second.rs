//! `/sign-in/second`: the second factor after a right code (ID-8, A47). Nothing here tells anything before it.

use axum::{
    extract::{Query, State as Shared},
    response::{IntoResponse, Response},
};
use identity_core::{assurance::Method, backup_code::BackupCode, second_factor::Why};
use identity_service::sign_in::{self, Answer};
use webkit::{
    form::Form,
    respond::{page, page_with_errors, see_other},
    visit::Visit,
};

use super::{
    codes::{Errand, refusal, typed},
    common::{done, key},
    confirm::Choice,
    sign_in::{enter, entering},
};
use crate::{
    acts::SecondDone,
    state::{Fault, State},
    views::factors::{FreshCodes, Onwards, SignInSecond},
};

async fn ways(state: &State, visit: &Visit) -> Result<Option<(Why, Vec<Method>)>, Fault> {
    let input = (state.env.clone(), visit.browser_key());
    state
        .read("sign_in.second_ways", input, |tx, (env, browser)| {
            Box::pin(sign_in::second_ways(tx, env, browser))
        })
        .await
}

/// Methods whose verifier has a form here.
const FORMS: [Method; 2] = [Method::Totp, Method::BackupCode];

async fn show(
    state: &State,
    visit: &Visit,
    chosen: Option<Method>,
    error: Option<(&'static str, &'static str)>,
) -> Result<Response, Fault> {
    let Some((why, ways)) = ways(state, visit).await? else {
        return Ok(see_other("/sign-in"));
    };
    let offered: Vec<_> = ways.into_iter().filter(|way| FORMS.contains(way)).collect();
    let chosen = chosen.filter(|method| offered.contains(method));
    let Some(by) = chosen.or_else(|| offered.first().copied()) else {
        return Ok(see_other(&Errand::SignIn.closed()));
    };
    let p = match error {
        Some((field, id)) => visit.shell().with_error(field, id),
        None => visit.shell(),
    };
    let has_errors = p.has_errors();
    let others = offered.into_iter().filter(|way| *way != by).collect();
    let view = SignInSecond { p, why, by, others };
    Ok(if has_errors {
        page_with_errors(&view)
    } else {
        page(&view)
    })
}

/// `GET /sign-in/second`.
pub(super) async fn second(
    Shared(state): Shared<State>,
    visit: Visit,
    Query(choice): Query<Choice>,
) -> Result<Response, Fault> {
    show(&state, &visit, choice.method(), None).await
}

/// Reads what was typed for a method; the error is the id of what is wrong with it.
fn answer(by: Method, text: &str) -> Result<Answer, &'static str> {
    if by == Method::BackupCode {
        let code = BackupCode::parse(text).ok_or("backup-error-form")?;
        return Ok(Answer::BackupCode(code));
    }
    typed(text, 6)
        .map(Answer::Totp)
        .map_err(|_| "factor-error-form")
}

/// `POST /sign-in/second`.
pub(super) async fn check(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, Fault> {
    let by = Method::from_name(form.text("by")).filter(|by| FORMS.contains(by));
    let by = by.unwrap_or(Method::Totp);
    let answer = match answer(by, form.text("code")) {
        Ok(answer) => answer,
        Err(id) => return show(&state, &visit, Some(by), Some(("code", id))).await,
    };
    let door = (visit.browser_key(), visit.known());
    let checked = state
        .second(key(&visit, None, &form), &visit.visitor, door, answer)
        .await?;
    match done(checked) {
        Ok(SecondDone::In(entered, None)) => Ok(enter(&visit, &entered)),
        Ok(SecondDone::In(entered, Some(fresh))) => {
            let onwards = Onwards::To(entered.next.clone());
            let view = FreshCodes::of(visit.shell(), &[fresh], onwards);
            Ok(entering(&visit, &entered, page(&view)))
        }
        Ok(SecondDone::Over) => Ok(see_other("/sign-in")),
        Ok(SecondDone::Refused(why)) => match refusal(why) {
            Some(error) => show(&state, &visit, Some(by), Some(error)).await,
            None => Ok(see_other(&Errand::SignIn.refused(why))),
        },
        Err(error) => Ok(error.into_response()),
    }
}
