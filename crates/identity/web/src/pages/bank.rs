//! The bank section's door and its first page (ID-9).

use axum::{
    extract::{Query, State as Shared},
    response::Response,
};
use identity_core::{assurance::Strength, next_path::NextPath};
use identity_service::{bank_section::Open, step_up};
use serde::Deserialize;
use webkit::{
    form::Form,
    page::Area,
    respond::{PageError, page},
    visit::Visit,
};

use super::{
    cabinet::missing,
    common::{cabinet, flashed, level, without_flash},
    confirm,
};
use crate::{
    state::{Fault, State, Who},
    views::bank::{BankDoor, BankSection},
};

const BANK: &str = "/bank";

/// Where to go once it is open: a path of ours, else the section's own page (A35).
fn next(text: &str) -> String {
    NextPath::parse(text).map_or_else(|| BANK.to_owned(), |next| next.as_str().to_owned())
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    next: Option<String>,
}

/// `GET /bank`.
pub(super) async fn section(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Fault> {
    let section = state.bank(&who).await?;
    let cabinet = cabinet(&state, visit, &who, Area::Bank).await?;
    let answer = if let Some(section) = section {
        page(&BankSection {
            locks_at: section.locks_at,
            ends_at: section.ends_at,
            level: level(cabinet.standing.level),
            missing: cabinet
                .standing
                .missing
                .iter()
                .copied()
                .map(missing)
                .collect(),
            p: cabinet.shell,
        })
    } else {
        let can_open = state.read("step_up.could", who, |tx, who| {
            Box::pin(step_up::could(tx, who, Strength::Bank))
        });
        page(&BankDoor {
            p: cabinet.shell,
            next: next(wanted.next.as_deref().unwrap_or_default()),
            can_open: can_open.await?,
        })
    };
    Ok(without_flash(&cabinet.visit, answer))
}

/// `POST /bank/open`.
pub(super) async fn open(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let cmd = Open {
        next: next(form.text("next")),
    };
    confirm::ask(&state, &visit, who, &form, cmd).await
}

/// `POST /bank/lock`.
pub(super) async fn lock(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    _: Form,
) -> Result<Response, PageError> {
    state.lock_bank(&visit.visitor, who.0).await?;
    Ok(flashed(&visit, "/", "flash-bank-locked"))
}
