//! The door (ID-1): number or address, code, consent, out again.

use axum::{
    extract::{Query, State as Shared},
    response::{IntoResponse, Response},
};
use identity_core::{
    challenge::{Channel, Purpose},
    consent::{MarketingChannel, Source, Topic},
    next_path::NextPath,
};
use identity_service::{
    codes::{Ask, Check},
    sign_in::Register,
};
use kernel::{Email, Identifier, Phone};
use serde::Deserialize;
use vault::Token;
use webkit::{
    form::Form,
    page::{Shell, Tone},
    respond::{PageError, page, page_with_errors, see_other, with_cookie},
    visit::{self, Visit, YEAR},
};

use super::{
    codes::{Errand, delivery_line, entry, offers, refusal, standing, typed},
    common::{done, flashed, key, moment, take_flash, without_flash},
    passkeys::offer,
};
use crate::{
    acts::{AskDone, Entered, RegisterDone, VerifyDone},
    state::{Fault, State, Who},
    views::{
        sign_in::{SignInCode, SignInConsent, SignInEmail, SignInLimited, SignInPhone, SignedOut},
        wrong,
    },
};

/// Cookie of the page to come back to; a path of ours, checked again when it is used.
pub(super) const NEXT: &str = "next";
/// Life of the session cookie: the idle life of a session (ID-9).
const SESSION_LIFE: i64 = 90 * 24 * 3_600;

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
pub(super) struct Next {
    next: Option<String>,
}

/// `GET /sign-in`.
pub(super) async fn phone(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Option<Who>,
    Query(query): Query<Next>,
) -> Response {
    if who.is_some() {
        return see_other("/");
    }
    let mut shell = visit.shell();
    if visit.cookie(visit::SESSION).is_some() {
        shell = shell.with_flash(Tone::Info, "flash-session-ended");
    }
    let response = page(&SignInPhone {
        p: shell,
        phone: String::new(),
        passkey: offer(&state),
    });
    match query.next.as_deref().and_then(NextPath::parse) {
        Some(next) => with_cookie(
            response,
            &visit.site().set_cookie(NEXT, next.as_str(), Some(1_800)),
        ),
        None => response,
    }
}

/// `POST /sign-in`.
pub(super) async fn ask_phone(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, Fault> {
    let again = |error| {
        let p = visit.shell().with_error("phone", error);
        page_with_errors(&SignInPhone {
            p,
            phone: form.text("phone").to_owned(),
            passkey: offer(&state),
        })
    };
    let phone = match Phone::parse(form.text("phone")) {
        Ok(phone) => phone,
        Err(error) => return Ok(again(wrong::phone(error))),
    };
    let asked = ask(&state, &visit, &form, Identifier::Phone(phone), false).await?;
    Ok(match asked {
        Ok(response) => response,
        Err(id) => again(id.into()),
    })
}

/// `GET /sign-in/email`.
pub(super) async fn email(visit: Visit) -> Response {
    page(&SignInEmail {
        p: visit.shell(),
        email: String::new(),
    })
}

/// `POST /sign-in/email`.
pub(super) async fn ask_email(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, Fault> {
    let again = |error| {
        let p = visit.shell().with_error("email", error);
        page_with_errors(&SignInEmail {
            p,
            email: form.text("email").to_owned(),
        })
    };
    let email = match Email::parse(form.text("email")) {
        Ok(email) => email,
        Err(error) => return Ok(again(wrong::email(error))),
    };
    let asked = ask(&state, &visit, &form, Identifier::Email(email), false).await?;
    Ok(match asked {
        Ok(response) => response,
        Err(id) => again(id.into()),
    })
}

/// Asks for a code; `Err` is the id of what to say beside the field.
async fn ask(
    state: &State,
    visit: &Visit,
    form: &Form,
    identifier: Identifier,
    call: bool,
) -> Result<Result<Response, &'static str>, Fault> {
    let held = visit
        .cookie(NEXT)
        .and_then(NextPath::parse)
        .unwrap_or_default();
    let ask = Ask {
        purpose: Purpose::SignIn,
        identifier: identifier.clone(),
        call,
        browser: visit.browser_key(),
        known: visit.known(),
        next: held,
        link: None,
        about: None,
    };
    let asked = state
        .ask(key(visit, None, form), &visit.visitor, ask)
        .await?;
    let Ok(asked) = done(asked) else {
        return Ok(Ok(see_other("/sign-in")));
    };
    Ok(Ok(see_other(&match asked {
        AskDone::Sent => "/sign-in/code".to_owned(),
        AskDone::Pause { until } => {
            // The code that was sent before may still be in this browser's hands.
            let here = standing(state, Purpose::SignIn, visit.browser_key()).await?;
            match here.filter(|(status, _)| status.identifier == identifier) {
                Some(_) => return Ok(Ok(flashed(visit, "/sign-in/code", "flash-code-sent"))),
                None => Errand::SignIn.paused(until),
            }
        }
        AskDone::UsedUp { until } | AskDone::Calls { until } => Errand::SignIn.rests(until),
        AskDone::Country => return Ok(Err("phone-error-country")),
        AskDone::Closed | AskDone::HasOne => Errand::SignIn.closed(),
    })))
}

/// `GET /sign-in/code`.
pub(super) async fn code(Shared(state): Shared<State>, visit: Visit) -> Result<Response, Fault> {
    let shell = take_flash(&visit, visit.shell());
    let response = code_page(&state, &visit, shell).await?;
    Ok(without_flash(&visit, response))
}

async fn code_page(state: &State, visit: &Visit, p: Shell) -> Result<Response, Fault> {
    let Some((status, delivery)) = standing(state, Purpose::SignIn, visit.browser_key()).await?
    else {
        return Ok(see_other("/sign-in"));
    };
    let has_errors = p.has_errors();
    let view = SignInCode {
        code: entry(state, &p, &status, delivery, false),
        p,
    };
    Ok(if has_errors {
        page_with_errors(&view)
    } else {
        page(&view)
    })
}

/// `POST /sign-in/code`.
pub(super) async fn verify(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, Fault> {
    // How many digits is asked before the try, which counts only what can be a code.
    let here = standing(&state, Purpose::SignIn, visit.browser_key()).await?;
    let digits = here.map_or(6, |(status, _)| status.digits);
    let code = match typed(form.text("code"), digits) {
        Ok(code) => code,
        Err(id) => {
            let shell = visit.shell().with_error("code", id);
            return code_page(&state, &visit, shell).await;
        }
    };
    let check = Check {
        purpose: Purpose::SignIn,
        browser: visit.browser_key(),
        known: visit.known(),
        code,
    };
    let verified = state
        .verify(key(&visit, None, &form), &visit.visitor, check)
        .await?;
    match done(verified) {
        Ok(VerifyDone::In(entered)) => Ok(enter(&visit, &entered)),
        Ok(VerifyDone::NeedsConsent) => Ok(see_other("/sign-in/consent")),
        Ok(VerifyDone::NeedsSecond) => Ok(see_other("/sign-in/second")),
        Ok(VerifyDone::Refused(why)) => match refusal(why) {
            Some((field, id)) => {
                code_page(&state, &visit, visit.shell().with_error(field, id)).await
            }
            None => Ok(see_other(&Errand::SignIn.refused(why))),
        },
        Err(error) => Ok(error.into_response()),
    }
}

/// Sets the cookies of a session and goes where the person wanted.
pub(super) fn enter(visit: &Visit, entered: &Entered) -> Response {
    let next = NextPath::parse(&entered.next).unwrap_or_default();
    entering(visit, entered, see_other(next.as_str()))
}

/// Sets the cookies of a session on a response.
pub(super) fn entering(visit: &Visit, entered: &Entered, mut response: Response) -> Response {
    let site = visit.site();
    let session = site.set_cookie(visit::SESSION, &entered.token, Some(SESSION_LIFE));
    response = with_cookie(response, &session);
    if let Some(browser) = &entered.browser {
        response = with_cookie(
            response,
            &site.set_cookie(visit::BROWSER, browser, Some(YEAR)),
        );
    }
    // What led here is over: a new sitting (A25).
    let fresh = Token::new(&*site.chance);
    let fresh = site.set_cookie(visit::VISIT, fresh.expose().as_str(), None);
    with_cookie(
        with_cookie(response, &fresh),
        &site.set_cookie(NEXT, "", Some(0)),
    )
}

/// `POST /sign-in/code/resend`.
pub(super) async fn resend(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, Fault> {
    let Some((status, _)) = standing(&state, Purpose::SignIn, visit.browser_key()).await? else {
        return Ok(see_other("/sign-in"));
    };
    let is_phone = matches!(status.identifier, Identifier::Phone(_));
    if is_phone && form.text("channel") == "email" {
        return Ok(see_other("/sign-in/email"));
    }
    let call = form.text("channel") == "call";
    let asked = ask(&state, &visit, &form, status.identifier, call).await?;
    Ok(asked.unwrap_or_else(|_| see_other("/sign-in")))
}

/// `GET /sign-in/code/delivery`.
pub(super) async fn delivery(
    Shared(state): Shared<State>,
    visit: Visit,
) -> Result<Response, Fault> {
    delivery_line(&state, &visit, Purpose::SignIn, visit.browser_key()).await
}

/// `GET /sign-in/consent`.
pub(super) async fn consent(Shared(state): Shared<State>, visit: Visit) -> Response {
    consent_page(&state, visit.shell(), Vec::new())
}

fn consent_page(state: &State, p: Shell, marketing: Vec<MarketingChannel>) -> Response {
    let has_errors = p.has_errors();
    let view = SignInConsent {
        p,
        version: state.env.consent_version.to_string(),
        marketing,
    };
    if has_errors {
        page_with_errors(&view)
    } else {
        page(&view)
    }
}

/// `POST /sign-in/consent`.
pub(super) async fn register(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, Fault> {
    let channels: Vec<MarketingChannel> = MarketingChannel::ALL
        .into_iter()
        .filter(|channel| form.is_ticked(&format!("marketing_{}", channel.as_str())))
        .collect();
    let marketing = channels
        .iter()
        .map(|channel| (*channel, Topic::Offers))
        .collect();
    let cmd = Register {
        browser: visit.browser_key(),
        known: visit.known(),
        personal_data: form.is_ticked("consent"),
        marketing,
        source: Source::Registration,
    };
    let registered = state
        .register(key(&visit, None, &form), &visit.visitor, cmd)
        .await?;
    Ok(match done(registered) {
        Ok(RegisterDone::In(entered)) => enter(&visit, &entered),
        Ok(RegisterDone::NeedsSecond) => see_other("/sign-in/second"),
        Ok(RegisterDone::ConsentMissing) => {
            let shell = visit
                .shell()
                .with_error("consent", "consent-error-required");
            consent_page(&state, shell, channels)
        }
        Ok(RegisterDone::ProofMissing) => see_other("/sign-in"),
        Err(error) => error.into_response(),
    })
}

/// When to come back, in the address of the page that says so.
#[derive(Debug, Deserialize)]
pub(super) struct Rest {
    until: Option<i64>,
    of: Option<String>,
    pause: Option<String>,
}

/// `GET /sign-in/limited`.
pub(super) async fn limited(
    Shared(state): Shared<State>,
    visit: Visit,
    Query(query): Query<Rest>,
) -> Response {
    let until = query
        .until
        .map(|secs| moment(secs.saturating_mul(1_000_000)));
    let errand = Errand::of(query.of.as_deref().unwrap_or_default());
    let offers = match errand {
        Errand::SignIn => offers(&state.env.policy.channels, Channel::Email, true),
        _ => Vec::new(),
    };
    page(&SignInLimited {
        p: visit.shell(),
        until,
        is_pause: query.pause.is_some(),
        back: errand.path(),
        offers,
    })
}

/// `POST /sign-out`.
pub(super) async fn sign_out(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Option<Who>,
    _form: Form,
) -> Result<Response, PageError> {
    if let Some(Who(who)) = who {
        state.sign_out(&visit.visitor, who).await?;
    }
    let site = visit.site();
    let response = see_other("/signed-out");
    let fresh = Token::new(&*site.chance);
    let fresh = site.set_cookie(visit::VISIT, fresh.expose().as_str(), None);
    Ok(with_cookie(
        with_cookie(response, &fresh),
        &site.set_cookie(visit::SESSION, "", Some(0)),
    ))
}

/// `GET /signed-out`.
pub(super) async fn signed_out(visit: Visit) -> Response {
    page(&SignedOut { p: visit.shell() })
}
