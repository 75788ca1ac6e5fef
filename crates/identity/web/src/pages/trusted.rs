//! Trusted people (ID-8a): naming them in the cabinet, and their freezing from any browser.

use axum::{
    extract::{Path, State as Shared},
    response::Response,
};
use identity_core::challenge::Purpose;
use identity_service::{
    codes::Check,
    trusted::{self, NAME_MAX, Named},
};
use kernel::{Identifier, Phone, text::line};
use webkit::{
    form::Form,
    i18n::Message,
    page::{Area, Shell},
    respond::{PageError, page, page_with_errors, see_other},
    visit::Visit,
};

use super::{
    codes::{Errand, delivery_line, entry, refusal, standing, typed},
    common::{cabinet, done, flashed, key, without_flash},
    confirm::{self, OnPage},
};
use crate::{
    acts::{AskDone, TrustedDone as Frozen},
    state::{Fault, State, Who},
    views::{
        confirm::Line,
        trusted::{Person, Trusted, TrustedCode, TrustedDone, TrustedStart},
        wrong,
    },
};

const HERE: &str = "/profile/security/trusted";
const CODE: &str = "/freeze/trusted/code";

async fn people_page(
    state: &State,
    visit: Visit,
    who: &Who,
    typed: (&str, &str),
    errors: Vec<(&'static str, Message)>,
) -> Result<Response, Fault> {
    let input = (state.env.clone(), who.clone());
    let (people, room) = state
        .read("trusted.list", input, |tx, (env, who)| {
            Box::pin(async move {
                let people = trusted::list(tx, &who.account).await?;
                Ok((people, trusted::room(tx, env, who).await?))
            })
        })
        .await?;
    let cabinet = cabinet(state, visit, who, Area::Security).await?;
    let mut p = cabinet.shell.clone();
    for (field, id) in errors {
        p = p.with_error(field, id);
    }
    let people = people
        .into_iter()
        .map(|person| Person {
            id: person.id,
            name: person.name,
            phone: person.phone.masked(),
            named_at: person.named_at,
        })
        .collect();
    let has_errors = p.has_errors();
    let view = Trusted {
        p,
        people,
        has_room: room > 0,
        called: typed.0.to_owned(),
        phone: typed.1.to_owned(),
    };
    Ok(if has_errors {
        page_with_errors(&view)
    } else {
        without_flash(&cabinet.visit, page(&view))
    })
}

/// `GET /profile/security/trusted`.
pub(super) async fn people(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    people_page(&state, visit, &who, ("", ""), Vec::new()).await
}

/// `POST /profile/security/trusted`.
pub(super) async fn name(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let (name, phone) = (form.text("name"), form.text("phone"));
    let mut errors = Vec::new();
    let called = line(name, NAME_MAX);
    if called.is_none() {
        errors.push(("name", "trusted-error-name".into()));
    }
    let number = Phone::parse(phone);
    if let Err(error) = &number {
        errors.push(("phone", wrong::phone(*error)));
    }
    let (Some(called), Ok(number)) = (called, number) else {
        return Ok(people_page(&state, visit, &who, (name, phone), errors).await?);
    };
    let cmd = trusted::Name {
        name: called,
        phone: number.as_str().to_owned(),
    };
    confirm::ask(&state, &visit, who, &form, cmd).await
}

/// `POST /profile/security/trusted/{id}/remove`.
pub(super) async fn remove(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    confirm::ask(&state, &visit, who, &form, trusted::Remove { id }).await
}

impl OnPage for trusted::Name {
    fn home(&self) -> String {
        HERE.to_owned()
    }

    fn lines(&self, _: &Visit) -> Vec<Line> {
        let masked = Phone::parse(&self.phone).map(|phone| phone.masked());
        vec![Line {
            name: "step-line-person",
            value: format!("{}, {}", self.name, masked.unwrap_or_default()),
        }]
    }

    fn after(&self, visit: &Visit, named: Named) -> Response {
        let flash = match named {
            Named::Done | Named::Same => "flash-trusted-named",
            Named::Full => "flash-trusted-full",
            Named::Own => "flash-trusted-own",
            Named::Enough => "flash-trusted-enough",
            Named::Country => "flash-trusted-country",
        };
        flashed(visit, HERE, flash)
    }
}

impl OnPage for trusted::Remove {
    fn home(&self) -> String {
        HERE.to_owned()
    }

    fn after(&self, visit: &Visit, _: bool) -> Response {
        flashed(visit, HERE, "flash-trusted-removed")
    }
}

/// Who is about to be removed.
pub(super) async fn removing(
    state: &State,
    who: &Who,
    cmd: &trusted::Remove,
) -> Result<Option<Line>, Fault> {
    let people = state
        .read("trusted.list", who.clone(), |tx, who| {
            Box::pin(trusted::list(tx, &who.account))
        })
        .await?;
    let person = people.into_iter().find(|person| person.id == cmd.id);
    Ok(person.map(|person| Line {
        name: "step-line-person",
        value: format!("{}, {}", person.name, person.phone.masked()),
    }))
}

/// `GET /freeze/trusted`.
pub(super) async fn start(visit: Visit) -> Response {
    page(&TrustedStart {
        p: visit.shell(),
        phone: String::new(),
    })
}

fn start_again(visit: &Visit, phone: &str, error: impl Into<Message>) -> Response {
    page_with_errors(&TrustedStart {
        p: visit.shell().with_error("phone", error),
        phone: phone.to_owned(),
    })
}

/// `POST /freeze/trusted`: the trusted person's own phone.
pub(super) async fn ask(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, PageError> {
    let text = form.text("phone");
    match Phone::parse(text) {
        Ok(phone) => send(&state, &visit, &form, Identifier::Phone(phone)).await,
        Err(error) => Ok(start_again(&visit, text, wrong::phone(error))),
    }
}

async fn send(
    state: &State,
    visit: &Visit,
    form: &Form,
    own: Identifier,
) -> Result<Response, PageError> {
    let key = key(visit, None, form);
    let browser = visit.browser_key();
    let asked = state
        .ask_trusted(key, &visit.visitor, own.clone(), browser)
        .await?;
    Ok(match done(asked)? {
        AskDone::Sent => see_other(CODE),
        AskDone::Pause { until } => {
            let here = standing(state, Purpose::TrustedFreeze, browser).await?;
            match here.filter(|(status, _)| status.identifier == own) {
                Some(_) => see_other(CODE),
                None => see_other(&Errand::Freeze.paused(until)),
            }
        }
        AskDone::UsedUp { until } | AskDone::Calls { until } => {
            see_other(&Errand::Freeze.rests(until))
        }
        AskDone::Country => start_again(visit, form.text("phone"), "phone-error-country"),
        AskDone::Closed | AskDone::HasOne => see_other(&Errand::Freeze.closed()),
    })
}

async fn code_page(
    state: &State,
    visit: &Visit,
    p: Shell,
    friend: &str,
) -> Result<Response, Fault> {
    let sent = standing(state, Purpose::TrustedFreeze, visit.browser_key()).await?;
    let Some((status, delivery)) = sent else {
        return Ok(see_other("/freeze/trusted"));
    };
    let has_errors = p.has_errors();
    let view = TrustedCode {
        code: entry(state, &p, &status, delivery, false),
        friend: friend.to_owned(),
        p,
    };
    Ok(if has_errors {
        page_with_errors(&view)
    } else {
        page(&view)
    })
}

/// `GET /freeze/trusted/code`.
pub(super) async fn code(Shared(state): Shared<State>, visit: Visit) -> Result<Response, Fault> {
    code_page(&state, &visit, visit.shell(), "").await
}

/// `POST /freeze/trusted/code`: the friend's phone and the code, together.
pub(super) async fn freeze(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, PageError> {
    let text = form.text("friend");
    let friend = Phone::parse(text);
    let code = typed(form.text("code"), 6);
    let mut p = visit.shell();
    if let Err(error) = &friend {
        p = p.with_error("friend", wrong::phone(*error));
    }
    if let Err(id) = &code {
        p = p.with_error("code", *id);
    }
    let (Ok(friend), Ok(code)) = (friend, code) else {
        return Ok(code_page(&state, &visit, p, text).await?);
    };
    let check = Check {
        purpose: Purpose::TrustedFreeze,
        browser: visit.browser_key(),
        known: None,
        code,
    };
    let key = key(&visit, None, &form);
    let frozen = state
        .trusted_freeze(key, &visit.visitor, check, Identifier::Phone(friend))
        .await?;
    Ok(match done(frozen)? {
        Frozen::Taken => see_other("/freeze/trusted/done"),
        Frozen::Refused(why) => match refusal(why) {
            Some((field, id)) => {
                let p = visit.shell().with_error(field, id);
                code_page(&state, &visit, p, text).await?
            }
            None => see_other(&Errand::Freeze.refused(why)),
        },
    })
}

/// `POST /freeze/trusted/code/resend`.
pub(super) async fn resend(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, PageError> {
    match standing(&state, Purpose::TrustedFreeze, visit.browser_key()).await? {
        Some((status, _)) => send(&state, &visit, &form, status.identifier).await,
        None => Ok(see_other("/freeze/trusted")),
    }
}

/// `GET /freeze/trusted/code/delivery`.
pub(super) async fn delivery(
    Shared(state): Shared<State>,
    visit: Visit,
) -> Result<Response, Fault> {
    delivery_line(&state, &visit, Purpose::TrustedFreeze, visit.browser_key()).await
}

/// `GET /freeze/trusted/done`.
pub(super) async fn done_page(visit: Visit) -> Response {
    page(&TrustedDone { p: visit.shell() })
}
