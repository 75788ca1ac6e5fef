//! Second factors in the cabinet (ID-8): the authenticator app, backup codes, the setting that always asks; and
//! their forms on the page that confirms.

use axum::{
    extract::{Path, State as Shared},
    response::Response,
};
use identity_core::{assurance::Method, backup_code::BackupCode, second_factor as rules};
use identity_service::{ServiceError, backup_code, second_factor, shown, totp};
use webkit::{
    form::Form,
    page::Area,
    respond::{PageError, page, page_with_errors, see_other},
    visit::Visit,
};

use super::{
    codes::{Errand, refusal, typed},
    common::{cabinet, done, flashed, key, without_flash},
    confirm::{self, OnPage, go_on, open, over, path, wrong},
};
use crate::{
    acts::{Factor, ShownDone, TotpDone},
    state::{Fault, State, Who},
    views::factors::{BackupCodes, FreshCodes, Onwards, SecondFactor, Totp, TotpFace},
    views::qr::Qr,
};

const TOTP: &str = "/profile/security/totp";
const BACKUP: &str = "/profile/security/backup-codes";
const SECOND: &str = "/profile/security/second-factor";

async fn face(state: &State, who: &Who) -> Result<TotpFace, Fault> {
    let input = (state.env.clone(), who.clone());
    state
        .read("totp.look", input, |tx, (env, who)| {
            Box::pin(async move {
                if let Some(since) = totp::since(tx, who.account.id).await? {
                    return Ok(TotpFace::On { since });
                }
                let pending = totp::pending(tx, env, who).await?;
                Ok::<_, ServiceError>(pending.map_or(TotpFace::None, |pending| TotpFace::Pending {
                    qr: Qr::of(&pending.uri),
                    secret: pending.secret,
                }))
            })
        })
        .await
}

async fn totp_page(
    state: &State,
    visit: Visit,
    who: &Who,
    error: Option<(&'static str, &'static str)>,
) -> Result<Response, Fault> {
    let face = face(state, who).await?;
    let cabinet = cabinet(state, visit, who, Area::Security).await?;
    Ok(match error {
        Some((field, id)) => page_with_errors(&Totp {
            p: cabinet.shell.with_error(field, id),
            face,
        }),
        None => without_flash(
            &cabinet.visit,
            page(&Totp {
                p: cabinet.shell.clone(),
                face,
            }),
        ),
    })
}

/// `GET /profile/security/totp`.
pub(super) async fn totp(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    totp_page(&state, visit, &who, None).await
}

/// `POST /profile/security/totp/add`.
pub(super) async fn add_totp(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    confirm::ask(&state, &visit, who, &form, totp::Add {}).await
}

/// `POST /profile/security/totp`: the first code.
pub(super) async fn confirm_totp(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let Ok(code) = typed(form.text("code"), 6) else {
        let error = Some(("code", "factor-error-form"));
        return Ok(totp_page(&state, visit, &who, error).await?);
    };
    let key = key(&visit, Some(&who), &form);
    let confirmed = state
        .confirm_totp(key, &visit.visitor, who.0.clone(), code)
        .await?;
    Ok(match done(confirmed)? {
        TotpDone::Done => flashed(&visit, TOTP, "flash-totp-added"),
        TotpDone::Over => flashed(&visit, TOTP, "flash-step-over"),
        TotpDone::Refused(why) => match refusal(why) {
            Some(error) => totp_page(&state, visit, &who, Some(error)).await?,
            None => see_other(&Errand::Security.refused(why)),
        },
    })
}

/// `POST /profile/security/totp/remove`.
pub(super) async fn remove_totp(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    confirm::ask(&state, &visit, who, &form, totp::Remove {}).await
}

impl OnPage for totp::Add {
    fn home(&self) -> String {
        TOTP.to_owned()
    }

    fn after(&self, _: &Visit, _: totp::Added) -> Response {
        see_other(TOTP)
    }
}

impl OnPage for totp::Remove {
    fn home(&self) -> String {
        TOTP.to_owned()
    }

    fn after(&self, visit: &Visit, removed: totp::Removed) -> Response {
        let flash = match removed {
            totp::Removed::Done | totp::Removed::NotThere => "flash-totp-removed",
            totp::Removed::Needed => "flash-totp-needed",
        };
        flashed(visit, TOTP, flash)
    }
}

/// `GET /profile/security/backup-codes`.
pub(super) async fn backup_codes(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let left = state
        .read("backup_code.left", who.clone(), |tx, who| {
            Box::pin(async move { Ok(backup_code::left(tx, who.account.id).await?) })
        })
        .await?;
    let cabinet = cabinet(&state, visit, &who, Area::Security).await?;
    Ok(page(&BackupCodes {
        p: cabinet.shell,
        left,
    }))
}

/// `POST /profile/security/backup-codes`.
pub(super) async fn issue(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    confirm::ask(&state, &visit, who, &form, backup_code::Issue {}).await
}

impl OnPage for backup_code::Issue {
    fn home(&self) -> String {
        BACKUP.to_owned()
    }

    fn after(&self, visit: &Visit, codes: Vec<BackupCode>) -> Response {
        let onwards = Onwards::To(BACKUP.to_owned());
        page(&FreshCodes::of(visit.shell(), &codes, onwards))
    }
}

/// `GET /profile/security/second-factor`.
pub(super) async fn second_factor(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let (is_on, has) = state
        .read("second_factor.look", who.clone(), |tx, who| {
            Box::pin(async move {
                let is_on = second_factor::is_on(tx, who.account.id).await?;
                Ok((is_on, shown::has(tx, &who.account).await?))
            })
        })
        .await?;
    let cabinet = cabinet(&state, visit, &who, Area::Security).await?;
    let view = SecondFactor {
        p: cabinet.shell.clone(),
        is_on,
        ways: rules::ways(&has),
    };
    Ok(without_flash(&cabinet.visit, page(&view)))
}

/// `POST /profile/security/second-factor`.
pub(super) async fn set_second_factor(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    if form.text("always") == "on" {
        confirm::ask(&state, &visit, who, &form, second_factor::Always {}).await
    } else {
        confirm::ask(&state, &visit, who, &form, second_factor::NotAlways {}).await
    }
}

fn set(visit: &Visit, set: second_factor::Set, flash: &'static str) -> Response {
    match set {
        second_factor::Set::Done | second_factor::Set::Same => flashed(visit, SECOND, flash),
        second_factor::Set::Nothing => see_other(SECOND),
    }
}

impl OnPage for second_factor::Always {
    fn home(&self) -> String {
        SECOND.to_owned()
    }

    fn after(&self, visit: &Visit, done: second_factor::Set) -> Response {
        set(visit, done, "flash-second-on")
    }
}

impl OnPage for second_factor::NotAlways {
    fn home(&self) -> String {
        SECOND.to_owned()
    }

    fn after(&self, visit: &Visit, done: second_factor::Set) -> Response {
        set(visit, done, "flash-second-off")
    }
}

/// `POST /confirm/{step}/factor`: a code of the app or a backup code, for a step.
pub(super) async fn show(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(step): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let Some(open) = open(&state, &who, &step).await? else {
        return Ok(over(&visit));
    };
    let by = match form.text("by") {
        "backup_code" => Method::BackupCode,
        _ => Method::Totp,
    };
    let text = form.text("code");
    let factor = match by {
        Method::BackupCode => BackupCode::parse(text).map(Factor::BackupCode),
        _ => typed(text, 6).ok().map(Factor::Totp),
    };
    let Some(factor) = factor else {
        let id = match by {
            Method::BackupCode => "backup-error-form",
            _ => "factor-error-form",
        };
        return wrong(&state, visit, &who, &open, by, ("code", id)).await;
    };
    let key = key(&visit, Some(&who), &form);
    let shown = state
        .show_factor(key, &visit.visitor, who.0.clone(), open.step, factor)
        .await?;
    let shown = done(shown)?;
    let is_right = matches!(shown.shown, ShownDone::Proved | ShownDone::More);
    match shown.fresh.filter(|_| is_right) {
        // The new code is read before anything else happens.
        Some(fresh) => {
            let onwards = match shown.shown {
                ShownDone::Proved => Onwards::By(format!("{}/go", path(open.step))),
                _ => Onwards::To(path(open.step)),
            };
            let cabinet = cabinet(&state, visit, &who, Area::Security).await?;
            Ok(page(&FreshCodes::of(cabinet.shell, &[fresh], onwards)))
        }
        None => go_on(&state, visit, who, &open, by, shown.shown).await,
    }
}
