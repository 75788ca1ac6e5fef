//! `/sign-in/second`: the second factor after a right code (ID-8, A47). Nothing here tells anything before it.

use axum::{
    extract::{Query, State as Shared},
    response::{IntoResponse, Response},
};
use identity_core::{assurance::Method, backup_code::BackupCode, second_factor::Why};
use identity_service::{
    codes::BrowserKey,
    sign_in::{self, Answer},
};
use webkit::{
    form::Form,
    respond::{PageError, page, page_with_errors, see_other},
    visit::Visit,
};

use super::{
    codes::{Errand, refusal, typed},
    common::{done, key},
    confirm::Choice,
    passkeys,
    sign_in::{enter, entering},
};
use crate::{
    acts::{NotTaken, SecondDone, SecondPasskey},
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

async fn show(
    state: &State,
    visit: &Visit,
    chosen: Option<Method>,
    error: Option<(&'static str, &'static str)>,
) -> Result<Response, Fault> {
    let Some((why, ways)) = ways(state, visit).await? else {
        return Ok(see_other("/sign-in"));
    };
    let chosen = chosen.filter(|method| ways.contains(method));
    let Some(by) = chosen.or_else(|| ways.first().copied()) else {
        return Ok(see_other(&Errand::SignIn.closed()));
    };
    let p = match error {
        Some((field, id)) => visit.shell().with_error(field, id),
        None => visit.shell(),
    };
    let has_errors = p.has_errors();
    let others = ways.into_iter().filter(|way| *way != by).collect();
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
    let door = (visit.browser_key(), visit.known());
    let by = Method::from_name(form.text("by"));
    let by = match by {
        Some(Method::Password) => return check_password(&state, &visit, &form, door).await,
        Some(Method::BackupCode) => Method::BackupCode,
        _ => Method::Totp,
    };
    let answer = match answer(by, form.text("code")) {
        Ok(answer) => answer,
        Err(id) => return show(&state, &visit, Some(by), Some(("code", id))).await,
    };
    let checked = state
        .second(key(&visit, None, &form), &visit.visitor, door, answer)
        .await?;
    judged(&state, &visit, by, done(checked)).await
}

async fn check_password(
    state: &State,
    visit: &Visit,
    form: &Form,
    door: (BrowserKey, Option<[u8; 32]>),
) -> Result<Response, Fault> {
    let by = Method::Password;
    let typed = form.text("password");
    if typed.is_empty() {
        let error = Some(("password", "password-error-empty"));
        return show(state, visit, Some(by), error).await;
    }
    let checked = state
        .second_password(key(visit, None, form), &visit.visitor, door, typed)
        .await?;
    judged(state, visit, by, done(checked)).await
}

/// The answer to a second factor.
async fn judged(
    state: &State,
    visit: &Visit,
    by: Method,
    checked: Result<SecondDone, PageError>,
) -> Result<Response, Fault> {
    match checked {
        Ok(SecondDone::In(entered, None)) => Ok(enter(visit, &entered)),
        Ok(SecondDone::In(entered, Some(fresh))) => {
            let onwards = Onwards::To(entered.next.clone());
            let view = FreshCodes::of(visit.shell(), &[fresh], onwards);
            Ok(entering(visit, &entered, page(&view)))
        }
        Ok(SecondDone::Over) => Ok(see_other("/sign-in")),
        Ok(SecondDone::Refused(why)) => match refusal(why) {
            Some(error) => show(state, visit, Some(by), Some(error)).await,
            None => Ok(see_other(&Errand::SignIn.refused(why))),
        },
        Err(error) => Ok(error.into_response()),
    }
}

/// `POST /sign-in/second/passkey`: the answer to what `/sign-in/passkey/begin` asked.
pub(super) async fn passkey(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, Fault> {
    let by = Some(Method::Passkey);
    let wrong = |why| Some(("passkey", passkeys::words(why)));
    let Some(answered) = passkeys::answered(&form) else {
        return show(&state, &visit, by, wrong(NotTaken::No)).await;
    };
    let door = (visit.browser_key(), visit.known());
    let shown = state
        .second_passkey(key(&visit, None, &form), &visit.visitor, door, answered)
        .await?;
    match done(shown) {
        Ok(SecondPasskey::In(entered)) => Ok(enter(&visit, &entered)),
        Ok(SecondPasskey::NotTaken(why)) => show(&state, &visit, by, wrong(why)).await,
        Ok(SecondPasskey::Over) => Ok(see_other("/sign-in")),
        Err(error) => Ok(error.into_response()),
    }
}
