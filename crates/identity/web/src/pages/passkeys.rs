//! Passkeys (ID-5): sign-in by one, the list under Security, the face in the page that confirms.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State as Shared},
    response::{IntoResponse, Response},
};
use identity_core::{assurance::Method, next_path::NextPath};
use identity_service::passkeys::{
    self, Add, Added, BeginAdding, Listed, PasskeyId, Remove, Removed, Site,
};
use webkit::{
    form::Form,
    page::{Area, Tone},
    respond::{PageError, page, page_with_errors},
    visit::Visit,
};

use super::{
    common::{cabinet, done, flashed, key, without_flash},
    confirm::{self, OnPage},
    sign_in,
};
use crate::{
    acts::{AddingDone, Answered, NotTaken, PasskeyDone, ProvedDone},
    state::{Fault, State, Who},
    views::{
        confirm::Line,
        passkeys::{EditPasskey, Passkey, Passkeys},
        sign_in::{ByPasskey, SignInPhone},
    },
};

const LIST: &str = "/profile/security/passkeys";

/// What the page of sign-in offers.
pub(super) fn offer(state: &State) -> ByPasskey {
    match Site::of(&state.env) {
        Some(_) => ByPasskey::Offered,
        None => ByPasskey::NotHere,
    }
}

pub(super) fn answered(form: &Form) -> Option<Answered> {
    Some(Answered {
        ceremony: form.text("ceremony").parse().ok()?,
        json: form.text("answer").to_owned(),
    })
}

/// The words of a refusal.
pub(super) const fn words(why: NotTaken) -> &'static str {
    match why {
        NotTaken::No | NotTaken::Unknown => "passkey-error-not-taken",
        NotTaken::Suspected => "passkey-error-suspected",
        NotTaken::Over => "passkey-error-over",
    }
}

/// `POST /sign-in/passkey/begin`: what to ask the browser.
pub(super) async fn begin_sign_in(
    Shared(state): Shared<State>,
    visit: Visit,
    _: Form,
) -> Result<Response, PageError> {
    let begun = state.begin_passkey_sign_in(visit.browser_key()).await?;
    Ok(Json(begun.ok_or_else(PageError::not_found)?).into_response())
}

/// `POST /sign-in/passkey`.
pub(super) async fn sign_in(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, PageError> {
    let refused = |why: NotTaken| {
        let forget = Site::of(&state.env).filter(|_| why == NotTaken::Unknown);
        page_with_errors(&SignInPhone {
            p: visit.shell().with_error("passkey", words(why)),
            phone: String::new(),
            passkey: match offer(&state) {
                ByPasskey::Offered => ByPasskey::Again(forget.map(|site| site.id)),
                other => other,
            },
        })
    };
    let Some(answered) = answered(&form) else {
        return Ok(refused(NotTaken::No));
    };
    let next = visit.cookie(sign_in::NEXT).and_then(NextPath::parse);
    let entered = state
        .passkey_sign_in(
            key(&visit, None, &form),
            &visit.visitor,
            (visit.browser_key(), visit.known()),
            answered,
            next.unwrap_or_default(),
        )
        .await?;
    Ok(match done(entered)? {
        PasskeyDone::In(entered) => sign_in::enter(&visit, &entered),
        PasskeyDone::NotTaken(why) => refused(why),
    })
}

fn passkey(listed: Listed) -> Passkey {
    Passkey {
        id: listed.id.to_string(),
        name: listed.name,
        created_at: listed.created_at,
        used_at: listed.used_at,
        is_synced: listed.is_synced,
        is_suspected: listed.suspected_at.is_some(),
    }
}

async fn list(state: &State, who: &Who) -> Result<Vec<Listed>, Fault> {
    state
        .read("passkey.list", who.clone(), |tx, who| {
            Box::pin(passkeys::list(tx, &who.account))
        })
        .await
}

async fn list_page(
    state: &State,
    visit: Visit,
    who: &Who,
    error: Option<&'static str>,
) -> Result<Response, PageError> {
    let cabinet = cabinet(state, visit, who, Area::Security).await?;
    let input = (state.env.clone(), who.clone());
    let accepted = state
        .read("passkey.accepted", input, |tx, (env, who)| {
            Box::pin(passkeys::accepted(tx, env, &who.account))
        })
        .await?;
    let listed = list(state, who).await?;
    let p = match error {
        Some(id) => cabinet.shell.clone().with_error("passkey", id),
        None => cabinet.shell.clone(),
    };
    let view = Passkeys {
        p,
        passkeys: listed.into_iter().map(passkey).collect(),
        accepted: accepted.and_then(|accepted| serde_json::to_string(&accepted).ok()),
        is_here: Site::of(&state.env).is_some(),
    };
    Ok(match error {
        Some(_) => page_with_errors(&view),
        None => without_flash(&cabinet.visit, page(&view)),
    })
}

/// `GET /profile/security/passkeys`.
pub(super) async fn look(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, PageError> {
    list_page(&state, visit, &who, None).await
}

/// `POST /profile/security/passkeys/begin`: what to ask the browser.
pub(super) async fn begin_adding(
    Shared(state): Shared<State>,
    who: Who,
    _: Form,
) -> Result<Response, PageError> {
    match state.begin_adding_passkey(who.0).await? {
        BeginAdding::Begun(begun) => Ok(Json(*begun).into_response()),
        BeginAdding::TooMany | BeginAdding::NotHere => Err(PageError::not_found()),
    }
}

/// `POST /profile/security/passkeys`: the new key.
pub(super) async fn add(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let Some(name) = passkeys::name(form.text("name")) else {
        return list_page(&state, visit, &who, Some("passkey-error-name")).await;
    };
    let Some(answered) = answered(&form) else {
        return list_page(&state, visit, &who, Some("passkey-error-not-made")).await;
    };
    let key = key(&visit, Some(&who), &form);
    let added = state
        .add_passkey(key, &visit.visitor, Arc::clone(&who.0), answered, name)
        .await?;
    match done(added)? {
        AddingDone::Performed(performed) => Ok(match confirm::performed_or(&visit, performed) {
            Ok(added) => after_adding(&visit, added),
            Err(instead) => *instead,
        }),
        AddingDone::Refused(_) => {
            list_page(&state, visit, &who, Some("passkey-error-not-made")).await
        }
    }
}

fn after_adding(visit: &Visit, added: Added) -> Response {
    let flash = match added {
        Added::Done(_) => "flash-passkey-added",
        Added::Taken => "flash-passkey-taken",
        Added::TooMany => "flash-passkey-too-many",
    };
    flashed(visit, LIST, flash)
}

impl OnPage for Add {
    fn home(&self) -> String {
        LIST.to_owned()
    }

    fn lines(&self, _: &Visit) -> Vec<Line> {
        let name = self.name().map(|name| Line {
            name: "passkey-name",
            value: name.to_owned(),
        });
        name.into_iter().collect()
    }

    fn after(&self, visit: &Visit, added: Added) -> Response {
        after_adding(visit, added)
    }
}

impl OnPage for Remove {
    fn home(&self) -> String {
        LIST.to_owned()
    }

    fn after(&self, visit: &Visit, removed: Removed) -> Response {
        let flash = match removed {
            Removed::Done | Removed::NotThere => "flash-passkey-removed",
            Removed::LastWay => "flash-passkey-last",
            Removed::Needed => "flash-passkey-needed",
        };
        flashed(visit, LIST, flash)
    }
}

async fn one(state: &State, who: &Who, id: &str) -> Result<Option<Listed>, Fault> {
    let Ok(id) = id.parse::<PasskeyId>() else {
        return Ok(None);
    };
    let listed = list(state, who).await?;
    Ok(listed.into_iter().find(|listed| listed.id == id))
}

async fn edit_page(
    state: &State,
    visit: Visit,
    who: &Who,
    listed: Listed,
    typed: Option<&str>,
) -> Result<Response, PageError> {
    let cabinet = cabinet(state, visit, who, Area::Security).await?;
    let p = match typed {
        Some(_) => cabinet.shell.with_error("name", "passkey-error-name"),
        None => cabinet.shell,
    };
    let view = EditPasskey {
        p,
        typed: typed.map_or_else(|| listed.name.clone().unwrap_or_default(), str::to_owned),
        passkey: passkey(listed),
    };
    Ok(match typed {
        Some(_) => page_with_errors(&view),
        None => page(&view),
    })
}

/// Which key is about to be removed.
pub(super) async fn removing(
    state: &State,
    who: &Who,
    cmd: &Remove,
) -> Result<Option<Line>, Fault> {
    let key = one(state, who, &cmd.id.to_string()).await?;
    Ok(key.and_then(|key| key.name).map(|name| Line {
        name: "step-line-passkey",
        value: name,
    }))
}

/// `GET /profile/security/passkeys/{id}`.
pub(super) async fn edit(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let listed = one(&state, &who, &id).await?;
    let listed = listed.ok_or_else(PageError::not_found)?;
    edit_page(&state, visit, &who, listed, None).await
}

/// `POST /profile/security/passkeys/{id}`: the name.
pub(super) async fn rename(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let listed = one(&state, &who, &id).await?;
    let listed = listed.ok_or_else(PageError::not_found)?;
    let typed = form.text("name");
    let Some(name) = passkeys::name(typed) else {
        return edit_page(&state, visit, &who, listed, Some(typed)).await;
    };
    let key = key(&visit, Some(&who), &form);
    let renamed = state
        .rename_passkey(key, &visit.visitor, who.0, listed.id, name)
        .await?;
    done(renamed)?;
    Ok(flashed(&visit, LIST, "flash-passkey-renamed"))
}

/// `POST /profile/security/passkeys/{id}/remove`.
pub(super) async fn remove(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let id: PasskeyId = id.parse().map_err(|_| PageError::not_found())?;
    confirm::ask(&state, &visit, who, &form, Remove { id }).await
}

/// `POST /confirm/{step}/passkey/begin`: what to ask the browser.
pub(super) async fn begin_proof(
    Shared(state): Shared<State>,
    who: Who,
    Path(step): Path<String>,
    _: Form,
) -> Result<Response, PageError> {
    let step = step.parse().map_err(|_| PageError::not_found())?;
    let begun = state.begin_passkey_proof(who.0, step).await?;
    Ok(Json(begun.ok_or_else(PageError::not_found)?).into_response())
}

/// `POST /confirm/{step}/passkey`.
pub(super) async fn prove(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(step): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let Some(open) = confirm::open(&state, &who, &step).await? else {
        return Ok(confirm::over(&visit));
    };
    let Some(answered) = answered(&form) else {
        let error = Some(("passkey", words(NotTaken::No)));
        return confirm::show(&state, visit, &who, &open, Some(Method::Passkey), error).await;
    };
    let key = key(&visit, Some(&who), &form);
    let proved = state
        .prove_by_passkey(key, &visit.visitor, Arc::clone(&who.0), open.step, answered)
        .await?;
    match done(proved)? {
        ProvedDone::Shown(shown) => {
            confirm::go_on(&state, visit, who, &open, Method::Passkey, shown).await
        }
        ProvedDone::NotTaken(why) => {
            let error = Some(("passkey", words(why)));
            confirm::show(&state, visit, &who, &open, Some(Method::Passkey), error).await
        }
    }
}

/// Notices of these pages.
pub(super) const FLASHES: [(&str, Tone); 7] = [
    ("flash-passkey-added", Tone::Good),
    ("flash-passkey-taken", Tone::Warn),
    ("flash-passkey-too-many", Tone::Warn),
    ("flash-passkey-renamed", Tone::Good),
    ("flash-passkey-removed", Tone::Good),
    ("flash-passkey-last", Tone::Warn),
    ("flash-passkey-needed", Tone::Warn),
];
