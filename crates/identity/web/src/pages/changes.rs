//! Another phone, another e-mail (CH-1 to CH-5, CH-7). One set of pages for both: the address says which.

use std::sync::Arc;

use axum::{
    extract::{Path, State as Shared},
    response::Response,
};
use identity_core::changes::Kind;
use identity_service::{
    account,
    changes::{self, ChangeEmail, ChangePhone, Changed, HoldEmail, HoldPhone, Link, Pressed},
    link::LinkToken,
    shown,
};
use kernel::{Email, Identifier, Phone};
use webkit::{
    form::Form,
    i18n::Message,
    page::Area,
    respond::{PageError, page, page_with_errors, see_other},
    visit::Visit,
};

use super::{
    codes::{Errand, delivery_line, entry, refusal, standing, typed},
    common::{Cabinet, cabinet, done, flashed, key, without_flash},
    confirm::{self, OnPage},
};
use crate::{
    acts::{AskDone, AskNewDone, NewDone, StopDone},
    state::{Fault, State, Who},
    views::{
        changes::{
            Advice, ChangeCheck, ChangeCode, ChangeDone, ChangeLink, ChangeLinkState, ChangeStart,
            MovingCard, base, home,
        },
        confirm::Line,
        wrong,
    },
};

/// Which of the two an address is about.
fn kind(visit: &Visit) -> Kind {
    if visit.path.starts_with("/profile/email") {
        Kind::Email
    } else {
        Kind::Phone
    }
}

fn at(kind: Kind, tail: &str) -> String {
    format!("{}{tail}", base(kind))
}

/// The present one, masked; `None` when the account has none.
fn present(cabinet: &Cabinet, kind: Kind) -> Option<String> {
    let owned = match kind {
        Kind::Phone => account::phone(cabinet.owned()),
        Kind::Email => account::email(cabinet.owned()),
    };
    owned.map(|owned| owned.identifier.masked())
}

/// The change of a kind that waits, for the card beside what it changes.
pub(super) async fn moving(
    state: &State,
    who: &Who,
    kind: Kind,
) -> Result<Option<MovingCard>, Fault> {
    let input = (state.env.clone(), who.clone(), kind);
    let found = state
        .read("changes.moving", input, |tx, (env, who, kind)| {
            Box::pin(changes::moving(tx, env, &who.account, *kind))
        })
        .await?;
    Ok(found.map(|(moving, to)| MovingCard {
        kind,
        to,
        until: moving.until,
        is_disputed: moving.disputed_at.is_some(),
    }))
}

/// What the first page says besides its form.
#[derive(Default)]
struct Said<'t> {
    typed: &'t str,
    error: Option<Message>,
    is_taken: bool,
}

async fn start_view(
    state: &State,
    visit: Visit,
    who: &Who,
    said: Said<'_>,
) -> Result<Response, Fault> {
    let kind = kind(&visit);
    let moving = moving(state, who, kind).await?;
    let cabinet = cabinet(state, visit.clone(), who, Area::Security).await?;
    let Some(present) = present(&cabinet, kind) else {
        return Ok(see_other(home(kind)));
    };
    let p = match said.error {
        Some(error) => cabinet.shell.with_error(kind.as_str(), error),
        None => cabinet.shell,
    };
    let has_errors = p.has_errors() || said.is_taken;
    let view = ChangeStart {
        p,
        kind,
        present,
        typed: said.typed.to_owned(),
        is_taken: said.is_taken,
        moving,
    };
    Ok(if has_errors {
        page_with_errors(&view)
    } else {
        without_flash(&visit, page(&view))
    })
}

/// `GET /profile/{phone,email}/change`.
pub(super) async fn start(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    start_view(&state, visit, &who, Said::default()).await
}

/// `POST …/change`: the new one was typed.
pub(super) async fn ask(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let kind = kind(&visit);
    let typed = form.text(kind.as_str());
    let new = match kind {
        Kind::Phone => Phone::parse(typed)
            .map(Identifier::Phone)
            .map_err(wrong::phone),
        Kind::Email => Email::parse(typed)
            .map(Identifier::Email)
            .map_err(wrong::email),
    };
    match new {
        Ok(new) => send(&state, visit, who, &form, new, false).await,
        Err(error) => {
            let said = Said {
                typed,
                error: Some(error),
                ..Said::default()
            };
            Ok(start_view(&state, visit, &who, said).await?)
        }
    }
}

async fn send(
    state: &State,
    visit: Visit,
    who: Who,
    form: &Form,
    new: Identifier,
    call: bool,
) -> Result<Response, PageError> {
    let kind = Kind::of(&new);
    let key = key(&visit, Some(&who), form);
    let asked = state
        .ask_new(key, &visit.visitor, Arc::clone(&who.0), new.clone(), call)
        .await?;
    let error = match done(asked)? {
        AskNewDone::Asked(AskDone::Sent) => return Ok(see_other(&at(kind, "/code"))),
        AskNewDone::Asked(AskDone::Pause { until }) => {
            let here = standing(state, kind.purpose(), who.browser_key()).await?;
            return Ok(match here.filter(|(status, _)| status.identifier == new) {
                Some(_) => see_other(&at(kind, "/code")),
                None => see_other(&Errand::Security.paused(until)),
            });
        }
        AskNewDone::Asked(AskDone::UsedUp { until } | AskDone::Calls { until }) => {
            return Ok(see_other(&Errand::Security.rests(until)));
        }
        AskNewDone::Asked(AskDone::Closed | AskDone::HasOne) => {
            return Ok(see_other(&Errand::Security.closed()));
        }
        AskNewDone::Asked(AskDone::Country) => "phone-error-country",
        AskNewDone::Same => "change-error-own",
        AskNewDone::Nothing => return Ok(see_other(home(kind))),
    };
    let said = Said {
        typed: form.text(kind.as_str()),
        error: Some(error.into()),
        ..Said::default()
    };
    Ok(start_view(state, visit, &who, said).await?)
}

async fn code_page(
    state: &State,
    visit: Visit,
    who: &Who,
    error: Option<(&'static str, &'static str)>,
) -> Result<Response, Fault> {
    let kind = kind(&visit);
    let sent = standing(state, kind.purpose(), who.browser_key()).await?;
    let Some((status, delivery)) = sent else {
        return Ok(see_other(base(kind)));
    };
    let cabinet = cabinet(state, visit, who, Area::Security).await?;
    let p = match error {
        Some((field, id)) => cabinet.shell.with_error(field, id),
        None => cabinet.shell,
    };
    let has_errors = p.has_errors();
    let view = ChangeCode {
        code: entry(state, &p, &status, delivery, true),
        kind,
        p,
    };
    Ok(if has_errors {
        page_with_errors(&view)
    } else {
        page(&view)
    })
}

/// `GET …/change/code`.
pub(super) async fn code(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    code_page(&state, visit, &who, None).await
}

/// `POST …/change/code`: the code to the new one. A taken one is said now, and not before (CH-5).
pub(super) async fn verify(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let code = match typed(form.text("code"), 6) {
        Ok(code) => code,
        Err(id) => return Ok(code_page(&state, visit, &who, Some(("code", id))).await?),
    };
    let kind = kind(&visit);
    let key = key(&visit, Some(&who), &form);
    let verified = state
        .verify_new(key, &visit.visitor, Arc::clone(&who.0), kind, code)
        .await?;
    Ok(match done(verified)? {
        NewDone::Free => see_other(&at(kind, "/check")),
        NewDone::Taken => {
            let said = Said {
                is_taken: true,
                ..Said::default()
            };
            start_view(&state, visit, &who, said).await?
        }
        NewDone::Refused(why) => match refusal(why) {
            Some(error) => code_page(&state, visit, &who, Some(error)).await?,
            None => see_other(&Errand::Security.refused(why)),
        },
    })
}

/// `POST …/change/code/resend`.
pub(super) async fn resend(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let kind = kind(&visit);
    let here = standing(&state, kind.purpose(), who.browser_key()).await?;
    let Some((status, _)) = here else {
        return Ok(see_other(base(kind)));
    };
    let call = form.text("channel") == "call";
    send(&state, visit, who, &form, status.identifier, call).await
}

/// `GET …/change/code/delivery`.
pub(super) async fn delivery(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    delivery_line(&state, &visit, kind(&visit).purpose(), who.browser_key()).await
}

/// The new one that this session has proved.
async fn proved(state: &State, who: &Who, kind: Kind) -> Result<Option<Identifier>, Fault> {
    let input = (state.env.clone(), who.clone(), kind);
    state
        .read("changes.proved", input, |tx, (env, who, kind)| {
            Box::pin(changes::proved(tx, env, who, *kind))
        })
        .await
}

/// `GET …/change/check`.
pub(super) async fn check(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let kind = kind(&visit);
    let Some(to) = proved(&state, &who, kind).await? else {
        return Ok(see_other(base(kind)));
    };
    let cabinet = cabinet(&state, visit, &who, Area::Security).await?;
    let Some(present) = present(&cabinet, kind) else {
        return Ok(see_other(home(kind)));
    };
    Ok(page(&ChangeCheck {
        kind,
        present,
        to: to.masked(),
        days: state.env.policy.change_hold.as_secs() / 86_400,
        p: cabinet.shell,
    }))
}

/// `POST …/change/check`: with the old one at hand, or without it.
pub(super) async fn go(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let kind = kind(&visit);
    // Sent twice, the proof is used up: the answer that was kept is the same (EV-3).
    let Some(to) = proved(&state, &who, kind).await? else {
        return Ok(see_other(base(kind)));
    };
    let to = to.as_str().to_owned();
    let is_lost = form.text("old") == "lost";
    match (kind, is_lost) {
        (Kind::Phone, false) => confirm::ask(&state, &visit, who, &form, ChangePhone { to }).await,
        (Kind::Phone, true) => confirm::ask(&state, &visit, who, &form, HoldPhone { to }).await,
        (Kind::Email, false) => confirm::ask(&state, &visit, who, &form, ChangeEmail { to }).await,
        (Kind::Email, true) => confirm::ask(&state, &visit, who, &form, HoldEmail { to }).await,
    }
}

/// The page after a change.
fn after(visit: &Visit, kind: Kind, changed: Changed) -> Response {
    match changed {
        Changed::Done | Changed::Held { .. } => see_other(&at(kind, "/done")),
        Changed::Waits => see_other(base(kind)),
        Changed::NewFirst => flashed(visit, base(kind), "flash-change-anew"),
        Changed::Taken => flashed(visit, base(kind), "flash-change-taken"),
        Changed::Nothing => see_other(home(kind)),
    }
}

macro_rules! on_page {
    ($($command:ident $kind:ident $words:literal;)*) => {$(
        impl OnPage for $command {
            fn home(&self) -> String {
                at(Kind::$kind, "/check")
            }

            fn lines(&self, _: &Visit) -> Vec<Line> {
                vec![Line {
                    name: $words,
                    value: self.to.clone(),
                }]
            }

            fn after(&self, visit: &Visit, changed: Changed) -> Response {
                after(visit, Kind::$kind, changed)
            }
        }
    )*};
}

on_page! {
    ChangePhone Phone "moving-to";
    HoldPhone Phone "moving-to";
    ChangeEmail Email "moving-to";
    HoldEmail Email "moving-to";
}

/// `GET …/change/done`: how it ended, and what to do next (CH-7).
pub(super) async fn ended(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let kind = kind(&visit);
    let moving = moving(&state, &who, kind).await?;
    let input = (state.env.clone(), who.clone());
    let (has, standing) = state
        .read("changes.advice", input, |tx, (env, who)| {
            Box::pin(async move {
                let has = shown::has(tx, &who.account).await?;
                let policy = &env.policy;
                Ok((has, changes::standing(tx, policy, who.account.id).await?))
            })
        })
        .await?;
    if moving.is_none() && standing.changed_at.is_none() {
        return Ok(see_other(home(kind)));
    }
    let cabinet = cabinet(&state, visit, &who, Area::Security).await?;
    let Some(present) = present(&cabinet, kind) else {
        return Ok(see_other(home(kind)));
    };
    Ok(page(&ChangeDone {
        kind,
        present,
        moving,
        has: Advice {
            passkey: has.passkey,
            totp: has.totp,
            email: has.email,
        },
        p: cabinet.shell,
    }))
}

/// `POST …/change/stop`: the button beside what is changing.
pub(super) async fn stop(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let kind = kind(&visit);
    let key = key(&visit, Some(&who), &form);
    let stopped = state.stop_change(key, &visit.visitor, who.0, kind).await?;
    Ok(match done(stopped)? {
        StopDone::Ended => flashed(&visit, home(kind), "flash-change-stopped"),
        StopDone::Disputed => flashed(&visit, home(kind), "flash-change-disputed"),
        StopDone::Nothing => see_other(home(kind)),
    })
}

/// `GET /change/{token}`: opening it changes nothing (A31).
pub(super) async fn link(
    Shared(state): Shared<State>,
    visit: Visit,
    Path(token): Path<String>,
) -> Result<Response, Fault> {
    let state = match state.look_change(&token).await? {
        Link::Undo(kind) => ChangeLinkState::Undo(kind),
        Link::Stop(kind) => ChangeLinkState::Stop(kind),
        Link::Over => ChangeLinkState::Over,
    };
    Ok(page(&ChangeLink {
        p: visit.shell(),
        token,
        state,
    }))
}

/// `POST /change/{token}`: undoes or stops.
pub(super) async fn press(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Option<Who>,
    Path(token): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let pressed = match LinkToken::from_text(&token) {
        None => Pressed::Over,
        Some(link) => {
            let key = key(&visit, None, &form);
            let presser = who.map(|Who(who)| who);
            done(
                state
                    .press_change(key, &visit.visitor, link, presser)
                    .await?,
            )?
        }
    };
    let state = match pressed {
        Pressed::Undone(kind) => ChangeLinkState::Undone(kind),
        Pressed::Gone(_) => ChangeLinkState::Gone,
        Pressed::Ended(kind) => ChangeLinkState::Ended(kind),
        Pressed::Disputed(_) => ChangeLinkState::Disputed,
        Pressed::Over => ChangeLinkState::Over,
    };
    Ok(page(&ChangeLink {
        p: visit.shell(),
        token,
        state,
    }))
}
