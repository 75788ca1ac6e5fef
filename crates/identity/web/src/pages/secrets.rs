//! Password, passcode and code word (ID-3, RE-9): their settings, and how the first two are shown for a step.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State as Shared},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use identity_core::{
    assurance::Method,
    code_word::CodeWordError,
    own::Own,
    passcode::{self as four, Passcode, PasscodeError},
    password::{PasswordError, Strength},
};
use identity_service::{
    ServiceError,
    code_word::{CodeWordSet, SetCodeWord},
    device_key::{self, NewKey, Signed},
    passcode::{RemovePasscode, SetPasscode},
    password::{self, RemovePassword, SetPassword},
    secret::{self, Kind},
};
use kernel::Timestamp;
use webkit::{
    form::Form,
    page::Area,
    respond::{PageError, page, page_with_errors},
    visit::Visit,
};

use super::{
    common::{cabinet, done, flashed, key, without_flash},
    confirm::{self, Choice, OnPage, Open},
};
use crate::{
    acts::PasscodeWith,
    state::{Fault, State, Who},
    views::{
        confirm::PasscodeEntry,
        secrets::{CodeWordPage, CodeWordState, PasscodePage, PasswordPage},
    },
};

const PASSWORD: &str = "/profile/security/password";
const PASSCODE: &str = "/profile/security/passcode";
const CODE_WORD: &str = "/profile/security/code-word";

impl OnPage for SetPassword {
    fn home(&self) -> String {
        PASSWORD.to_owned()
    }

    fn after(&self, visit: &Visit, strength: Strength) -> Response {
        let flash = match strength {
            Strength::Weak => "flash-password-weak",
            Strength::Fair => "flash-password-fair",
            Strength::Good => "flash-password-good",
            Strength::Excellent => "flash-password-excellent",
        };
        flashed(visit, PASSWORD, flash)
    }
}

impl OnPage for RemovePassword {
    fn home(&self) -> String {
        PASSWORD.to_owned()
    }

    fn after(&self, visit: &Visit, removed: password::Removed) -> Response {
        let flash = match removed {
            password::Removed::Done => "flash-password-removed",
            password::Removed::Needed => "flash-password-needed",
        };
        flashed(visit, PASSWORD, flash)
    }
}

impl OnPage for SetPasscode {
    fn home(&self) -> String {
        PASSCODE.to_owned()
    }

    fn after(&self, visit: &Visit, (): ()) -> Response {
        let flash = if self.has_key() {
            "flash-passcode-set"
        } else {
            "flash-passcode-set-no-key"
        };
        flashed(visit, PASSCODE, flash)
    }
}

impl OnPage for RemovePasscode {
    fn home(&self) -> String {
        PASSCODE.to_owned()
    }

    fn after(&self, visit: &Visit, (): ()) -> Response {
        flashed(visit, PASSCODE, "flash-passcode-removed")
    }
}

impl OnPage for SetCodeWord {
    fn home(&self) -> String {
        CODE_WORD.to_owned()
    }

    fn after(&self, visit: &Visit, done: CodeWordSet) -> Response {
        let flash = match done {
            CodeWordSet::Done => "flash-code-word-set",
            CodeWordSet::HasOne => "flash-code-word-there",
        };
        flashed(visit, CODE_WORD, flash)
    }
}

/// What is known of the owner, for judging what they choose.
pub(crate) async fn own(state: &State, who: &Who) -> Result<Own, Fault> {
    state
        .read("secret.own", who.clone(), |tx, who| {
            Box::pin(secret::own(tx, &who.account))
        })
        .await
}

/// Since when an account has a secret, and how many tries are left.
pub(crate) async fn standing(
    state: &State,
    who: &Who,
    kind: Kind,
) -> Result<Option<(Timestamp, u32)>, Fault> {
    let input = (who.account.id, kind);
    state
        .read("secret.standing", input, |tx, (account, kind)| {
            Box::pin(async move { Ok(secret::standing(tx, *account, *kind).await?) })
        })
        .await
}

/// Whether the server knows a key of this browser.
pub(crate) async fn has_key(state: &State, who: &Who) -> Result<bool, Fault> {
    let key = state
        .read("device_key.of_browser", who.clone(), |tx, who| {
            Box::pin(async move {
                let key = device_key::of_browser(tx, who.account.id, &who.browser).await?;
                Ok::<_, ServiceError>(key)
            })
        })
        .await?;
    Ok(key.is_some())
}

/// The words of a refused password.
const fn password_error(why: PasswordError) -> &'static str {
    match why {
        PasswordError::Short => "password-error-short",
        PasswordError::Long => "password-error-long",
        PasswordError::Common => "password-error-common",
        PasswordError::Own => "password-error-own",
    }
}

const fn passcode_error(why: PasscodeError) -> &'static str {
    match why {
        PasscodeError::NotFour => "passcode-error-not-four",
        PasscodeError::Common => "passcode-error-common",
        PasscodeError::Own => "passcode-error-own",
    }
}

const fn code_word_error(why: CodeWordError) -> &'static str {
    match why {
        CodeWordError::Short => "code-word-error-short",
        CodeWordError::Long => "code-word-error-long",
        CodeWordError::Unsayable => "code-word-error-unsayable",
        CodeWordError::Common => "code-word-error-common",
        CodeWordError::Own => "code-word-error-own",
    }
}

async fn password_page(
    state: &State,
    visit: Visit,
    who: &Who,
    error: Option<&'static str>,
) -> Result<Response, Fault> {
    let since = standing(state, who, Kind::Password).await?;
    let cabinet = cabinet(state, visit, who, Area::Security).await?;
    let p = match error {
        Some(id) => cabinet.shell.with_error("password", id),
        None => cabinet.shell,
    };
    let view = PasswordPage {
        p,
        since: since.map(|(since, _)| since),
    };
    let answer = match error {
        Some(_) => page_with_errors(&view),
        None => page(&view),
    };
    Ok(without_flash(&cabinet.visit, answer))
}

/// `GET /profile/security/password`.
pub(super) async fn password(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    password_page(&state, visit, &who, None).await
}

/// `POST /profile/security/password`.
pub(super) async fn set_password(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let own = own(&state, &who).await?;
    let prepared = SetPassword::prepare(&state.env, &own, form.text("password")).await;
    match prepared.map_err(Fault::from)? {
        Ok(cmd) => confirm::ask(&state, &visit, who, &form, cmd).await,
        Err(why) => Ok(password_page(&state, visit, &who, Some(password_error(why))).await?),
    }
}

/// `POST /profile/security/password/remove`.
pub(super) async fn remove_password(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    confirm::ask(&state, &visit, who, &form, RemovePassword {}).await
}

async fn passcode_page(
    state: &State,
    visit: Visit,
    who: &Who,
    error: Option<&'static str>,
) -> Result<Response, Fault> {
    let standing = standing(state, who, Kind::Passcode).await?;
    let has_key = has_key(state, who).await?;
    let cabinet = cabinet(state, visit, who, Area::Security).await?;
    let p = match error {
        Some(id) => cabinet.shell.with_error("passcode", id),
        None => cabinet.shell,
    };
    let view = PasscodePage {
        p,
        since: standing
            .filter(|(_, left)| *left > 0)
            .map(|(since, _)| since),
        has_key,
    };
    let answer = match error {
        Some(_) => page_with_errors(&view),
        None => page(&view),
    };
    Ok(without_flash(&cabinet.visit, answer))
}

/// `GET /profile/security/passcode`.
pub(super) async fn passcode(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    passcode_page(&state, visit, &who, None).await
}

/// The key that the page's script made, if it did.
fn new_key(form: &Form) -> Option<NewKey> {
    NewKey::new(&hex::decode(form.text("key")).ok()?)
}

/// `POST /profile/security/passcode`.
pub(super) async fn set_passcode(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let own = own(&state, &who).await?;
    let typed = form.text("passcode");
    let prepared = SetPasscode::prepare(&state.env, &own, typed, new_key(&form)).await;
    match prepared.map_err(Fault::from)? {
        Ok(cmd) => confirm::ask(&state, &visit, who, &form, cmd).await,
        Err(why) => Ok(passcode_page(&state, visit, &who, Some(passcode_error(why))).await?),
    }
}

/// `POST /profile/security/passcode/remove`.
pub(super) async fn remove_passcode(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    confirm::ask(&state, &visit, who, &form, RemovePasscode {}).await
}

async fn code_word_page(
    state: &State,
    visit: Visit,
    who: &Who,
    error: Option<&'static str>,
) -> Result<Response, Fault> {
    let standing = standing(state, who, Kind::CodeWord).await?;
    let cabinet = cabinet(state, visit, who, Area::Security).await?;
    let p = match error {
        Some(id) => cabinet.shell.with_error("word", id),
        None => cabinet.shell,
    };
    let view = CodeWordPage {
        p,
        state: match standing {
            None => CodeWordState::None,
            Some((_, 0)) => CodeWordState::Closed,
            Some((since, _)) => CodeWordState::Set(since),
        },
    };
    let answer = match error {
        Some(_) => page_with_errors(&view),
        None => page(&view),
    };
    Ok(without_flash(&cabinet.visit, answer))
}

/// `GET /profile/security/code-word`.
pub(super) async fn code_word(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    code_word_page(&state, visit, &who, None).await
}

/// `POST /profile/security/code-word`.
pub(super) async fn set_code_word(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let own = own(&state, &who).await?;
    let prepared = SetCodeWord::prepare(&state.env, &own, form.text("word")).await;
    match prepared.map_err(Fault::from)? {
        Ok(cmd) => confirm::ask(&state, &visit, who, &form, cmd).await,
        Err(why) => Ok(code_word_page(&state, visit, &who, Some(code_word_error(why))).await?),
    }
}

/// What the page of a step asks for when it asks for the passcode; `None` when a code has to come first.
pub(super) async fn entry(
    state: &State,
    who: &Who,
    open: &Open,
) -> Result<Option<PasscodeEntry>, Fault> {
    let by_key = !open.with_code && has_key(state, who).await?;
    let shown = &open.waiting.shown;
    let has_code = shown.contains(&Method::Sms) || shown.contains(&Method::Call);
    if !by_key && !has_code {
        return Ok(None);
    }
    let standing = standing(state, who, Kind::Passcode).await?;
    let left = standing.map(|(_, left)| left);
    Ok(Some(PasscodeEntry {
        by_key,
        left: left.filter(|left| *left < four::TRIES),
    }))
}

/// `POST /confirm/{step}/password`.
pub(super) async fn show_password(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(step): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let Some(open) = confirm::open(&state, &who, &step).await? else {
        return Ok(confirm::over(&visit));
    };
    if open.waiting.is_used {
        return confirm::resume(&state, &visit, who, open.step, &open.waiting).await;
    }
    let by = Method::Password;
    let typed = form.text("password");
    if typed.is_empty() {
        let error = Some(("password", "password-error-empty"));
        return confirm::show(&state, visit, &who, &open, Some(by), error).await;
    }
    let key = key(&visit, Some(&who), &form);
    let shown = state
        .show_password(key, &visit.visitor, Arc::clone(&who.0), open.step, typed)
        .await?;
    confirm::go_on(&state, visit, who, &open, by, done(shown)?).await
}

/// What this browser's key signed, as the page's script wrote it; `None` when it could not.
fn signed(form: &Form) -> Option<Signed> {
    Some(Signed {
        id: form.text("ceremony").parse().ok()?,
        signature: hex::decode(form.text("signature")).ok()?,
    })
}

/// `POST /confirm/{step}/passcode`.
pub(super) async fn show_passcode(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(step): Path<String>,
    Query(choice): Query<Choice>,
    form: Form,
) -> Result<Response, PageError> {
    let Some(open) = confirm::open(&state, &who, &step).await? else {
        return Ok(confirm::over(&visit));
    };
    let open = open.asked_by(&choice);
    if open.waiting.is_used {
        return confirm::resume(&state, &visit, who, open.step, &open.waiting).await;
    }
    let by = Method::Passcode;
    let typed = match Passcode::typed(form.text("passcode")) {
        Ok(typed) => typed,
        Err(why) => {
            let error = Some(("passcode", passcode_error(why)));
            return confirm::show(&state, visit, &who, &open, Some(by), error).await;
        }
    };
    let with = match signed(&form) {
        Some(signed) => PasscodeWith::Key(signed),
        None => PasscodeWith::Code(new_key(&form)),
    };
    let key = key(&visit, Some(&who), &form);
    let who_asks = Arc::clone(&who.0);
    let shown = state
        .show_passcode(key, &visit.visitor, who_asks, open.step, &typed, with)
        .await?;
    confirm::go_on(&state, visit, who, &open, by, done(shown)?).await
}

/// `POST /confirm/{step}/passcode/challenge`: what this browser's key is to sign, for the page's script.
pub(super) async fn challenge(
    Shared(state): Shared<State>,
    who: Who,
    Path(step): Path<String>,
    _: Form,
) -> Result<Response, PageError> {
    if confirm::open(&state, &who, &step).await?.is_none() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(match state.ask_device(who.0).await? {
        Some(challenge) => Json(challenge).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}
