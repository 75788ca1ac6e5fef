//! Confirming a sensitive action (step-up): the page says what is about to happen, asks for what is missing,
//! and does it with what was typed before.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State as Shared},
    response::Response,
};
use identity_core::{
    assurance::{Action, Method, Way},
    challenge::{Channel, Purpose},
};
use identity_service::{
    backup_code, bank_section, changes,
    code_word::SetCodeWord,
    email::Allow,
    handover, number,
    passcode::{RemovePasscode, SetPasscode},
    passkeys,
    password::{RemovePassword, SetPassword},
    second_factor,
    step_up::{self, Progress, Sensitive, StepId, To, Waiting},
    totp, trusted,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use webkit::{
    form::Form,
    once::OnceKey,
    page::{Area, errors::ErrorKind},
    respond::{PageError, page, page_with_errors, see_other},
    visit::Visit,
};

use super::{
    codes::{Errand, delivery_line, entry, offers, refusal, standing, typed},
    common::{cabinet, done, flashed, key},
    secrets,
};
use crate::{
    acts::{AskDone, Refusal, SensitiveDone, ShownDone},
    state::{Fault, State, Who},
    views::confirm::{Confirm, Face, Line},
};

/// A sensitive action that pages offer.
pub(super) trait OnPage:
    Sensitive<Done: Serialize + DeserializeOwned + Send + Sync + 'static>
{
    /// Where the person was when they asked, and goes back to when they give it up.
    fn home(&self) -> String;

    /// What is confirmed, line by line.
    fn lines(&self, _: &Visit) -> Vec<Line> {
        Vec::new()
    }

    /// The page after it.
    fn after(&self, _: &Visit, _: Self::Done) -> Response {
        see_other(&self.home())
    }

    /// Does it, with the proof of its step.
    fn proved(
        self,
        state: &State,
        visit: &Visit,
        who: Who,
        key: OnceKey,
        step: StepId,
    ) -> impl Future<Output = Result<Response, PageError>> + Send
    where
        Self: Clone,
    {
        perform(state, visit, who, key, self, Some(step))
    }
}

impl OnPage for bank_section::Open {
    fn home(&self) -> String {
        "/bank".to_owned()
    }

    fn after(&self, _: &Visit, (): ()) -> Response {
        see_other(&self.next)
    }
}

/// Every action of the pages, by its name in a step.
macro_rules! on_pages {
    ($($action:ident => $command:ty,)*) => {
        /// What is confirmed, and where the person was.
        fn describe(visit: &Visit, waiting: &Waiting) -> Result<(Vec<Line>, String), PageError> {
            match waiting.action {
                $(Action::$action => {
                    let cmd: $command = command(waiting)?;
                    Ok((cmd.lines(visit), cmd.home()))
                })*
                _ => Err(PageError::kind(ErrorKind::NotFound)),
            }
        }

        /// Does what was confirmed.
        pub(super) async fn resume(
            state: &State,
            visit: &Visit,
            who: Who,
            step: StepId,
            waiting: &Waiting,
        ) -> Result<Response, PageError> {
            let key = key_of(&who, step, waiting);
            match waiting.action {
                $(Action::$action => {
                    let cmd: $command = command(waiting)?;
                    cmd.proved(state, visit, who, key, step).await
                })*
                _ => Err(PageError::kind(ErrorKind::NotFound)),
            }
        }
    };
}

on_pages! {
    OpenBank => bank_section::Open,
    AddPasskey => passkeys::Add,
    RemovePasskey => passkeys::Remove,
    SetPassword => SetPassword,
    RemovePassword => RemovePassword,
    SetPasscode => SetPasscode,
    RemovePasscode => RemovePasscode,
    SetCodeWord => SetCodeWord,
    AddTotp => totp::Add,
    RemoveTotp => totp::Remove,
    IssueBackupCodes => backup_code::Issue,
    AskSecondFactor => second_factor::Always,
    DropSecondFactor => second_factor::NotAlways,
    LetIn => handover::LetIn,
    NameTrusted => trusted::Name,
    RemoveTrusted => trusted::Remove,
    ClearDoubt => number::Clear,
    AddEmail => Allow,
    ChangePhone => changes::ChangePhone,
    ChangeEmail => changes::ChangeEmail,
    HoldPhone => changes::HoldPhone,
    HoldEmail => changes::HoldEmail,
}

/// What a command only refers to, by the name its owner knows.
async fn named(state: &State, who: &Who, waiting: &Waiting) -> Result<Option<Line>, PageError> {
    match waiting.action {
        Action::RemovePasskey => {
            Ok(super::passkeys::removing(state, who, &command(waiting)?).await?)
        }
        Action::RemoveTrusted => {
            Ok(super::trusted::removing(state, who, &command(waiting)?).await?)
        }
        _ => Ok(None),
    }
}

fn command<C: OnPage>(waiting: &Waiting) -> Result<C, PageError> {
    serde_json::from_slice(&waiting.payload)
        .map_err(|_| PageError::internal("the command of a step is not understood"))
}

/// Asks for a sensitive action: does it, or leads to the proof it needs.
pub(super) async fn ask<C: OnPage + Clone>(
    state: &State,
    visit: &Visit,
    who: Who,
    form: &Form,
    cmd: C,
) -> Result<Response, PageError> {
    let key = key(visit, Some(&who), form);
    perform(state, visit, who, key, cmd, None).await
}

async fn perform<C: OnPage + Clone>(
    state: &State,
    visit: &Visit,
    who: Who,
    key: OnceKey,
    cmd: C,
    step: Option<StepId>,
) -> Result<Response, PageError> {
    let performed = state
        .sensitive(key, &visit.visitor, who.0, cmd.clone(), step)
        .await?;
    Ok(match performed_or(visit, done(performed)?) {
        Ok(answer) => cmd.after(visit, answer),
        Err(instead) => *instead,
    })
}

/// What was done, or the page that comes first or instead.
pub(super) fn performed_or<T>(
    visit: &Visit,
    performed: SensitiveDone<T>,
) -> Result<T, Box<Response>> {
    let security = |flash| flashed(visit, "/profile/security", flash);
    Err(Box::new(match performed {
        SensitiveDone::Done(answer) => return Ok(answer),
        SensitiveDone::Needs(step) => see_other(&path(step)),
        // Back to the page where something to show can be added.
        SensitiveDone::NothingToShow => security("flash-nothing-to-show"),
        SensitiveDone::Frozen => security("flash-lift-first"),
        SensitiveDone::TooSoon { .. } => see_other("/profile/security/later"),
    }))
}

/// The key of what a step confirms.
fn key_of(who: &Who, step: StepId, waiting: &Waiting) -> OnceKey {
    OnceKey {
        scope: who.account.id.as_bytes().to_vec(),
        key: format!("step {step}"),
        request: vault::token_hash(&waiting.payload),
    }
}

/// The address of a step.
pub(super) fn path(step: StepId) -> String {
    format!("/confirm/{step}")
}

/// A step that still waits.
pub(super) struct Open {
    pub(super) step: StepId,
    pub(super) waiting: Waiting,
    /// The passcode is to come with a code to the phone, not with this browser's key.
    pub(super) with_code: bool,
}

impl Open {
    /// The same, as the address says.
    pub(super) fn asked_by(mut self, choice: &Choice) -> Self {
        self.with_code = choice.with.as_deref() == Some("code");
        self
    }

    /// The address of this step, and how it is to be proved.
    fn here(&self) -> String {
        format!("{}{}", path(self.step), self.query())
    }

    fn query(&self) -> &'static str {
        if self.with_code { WITH_CODE } else { "" }
    }

    /// The ways that are left; empty when everything was shown.
    fn ways(&self) -> &[Way] {
        match &self.waiting.progress {
            Progress::More(ways) => ways,
            Progress::Proved | Progress::Over => &[],
        }
    }

    /// The method the page asks for now: the chosen one where it is among those that are left.
    fn method(&self, chosen: Option<Method>) -> Option<Method> {
        let first: Vec<_> = self.ways().iter().filter_map(|way| way.first()).collect();
        let chosen = chosen.filter(|method| first.contains(&method));
        chosen.or_else(|| first.first().map(|method| **method))
    }
}

/// Finds the step of a path; `None` when it is over or another's.
pub(super) async fn open(state: &State, who: &Who, step: &str) -> Result<Option<Open>, PageError> {
    let Ok(step) = step.parse::<StepId>() else {
        return Ok(None);
    };
    let input = (who.clone(), step);
    let waiting = state
        .read("step_up.look", input, |tx, (who, step)| {
            Box::pin(step_up::look(tx, who, *step))
        })
        .await?;
    Ok(waiting.map(|waiting| Open {
        step,
        waiting,
        with_code: false,
    }))
}

/// The page for a step that is over.
pub(super) fn over(visit: &Visit) -> Response {
    flashed(visit, "/profile/security", "flash-step-over")
}

/// Which method was chosen.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Choice {
    by: Option<String>,
    with: Option<String>,
}

/// The passcode with a code to the phone, in a browser without a key of its own.
pub(super) const WITH_CODE: &str = "?by=passcode&with=code";

impl Choice {
    pub(super) fn method(&self) -> Option<Method> {
        Method::from_name(self.by.as_deref().unwrap_or_default())
    }
}

fn purpose(method: Method) -> Purpose {
    match method {
        Method::Email => Purpose::StepUpEmail,
        _ => Purpose::StepUpPhone,
    }
}

pub(super) async fn show(
    state: &State,
    visit: Visit,
    who: &Who,
    open: &Open,
    method: Option<Method>,
    error: Option<(&'static str, &'static str)>,
) -> Result<Response, PageError> {
    let (mut lines, _) = describe(&visit, &open.waiting)?;
    lines.extend(named(state, who, &open.waiting).await?);
    let cabinet = cabinet(state, visit, who, Area::Security).await?;
    let p = match error {
        Some((field, id)) => cabinet.shell.with_error(field, id),
        None => cabinet.shell,
    };
    let by = open.method(method);
    let face = match by {
        None => Face::Proved,
        Some(method) => face(state, &p, who, open, method).await?,
    };
    // Where a code has to come before the passcode, the forms say so.
    let query = match (by, &face) {
        (Some(Method::Passcode), Face::Send { .. } | Face::Code(_)) => WITH_CODE,
        _ => open.query(),
    };
    let mut others: Vec<Method> = Vec::new();
    for other in open.ways().iter().filter_map(|way| way.first().copied()) {
        if Some(other) != by && !others.contains(&other) {
            others.push(other);
        }
    }
    let has_errors = p.has_errors();
    let view = Confirm {
        p,
        path: path(open.step),
        query,
        action: open.waiting.action,
        lines,
        by: by.unwrap_or(Method::Sms),
        face,
        others,
        expires_at: open.waiting.expires_at,
        old_only: open.waiting.old_only,
    };
    Ok(if has_errors {
        page_with_errors(&view)
    } else {
        page(&view)
    })
}

/// What one method asks for.
async fn face(
    state: &State,
    p: &webkit::page::Shell,
    who: &Who,
    open: &Open,
    method: Method,
) -> Result<Face, PageError> {
    match method {
        Method::Passkey => return Ok(Face::Passkey),
        Method::Password => return Ok(Face::Password),
        Method::Totp | Method::BackupCode => return Ok(Face::Factor(method)),
        Method::Passcode => {
            if let Some(entry) = secrets::entry(state, who, open).await? {
                return Ok(Face::Passcode(entry));
            }
        }
        _ => {}
    }
    let browser = step_up::browser_key(who, open.step);
    let sent = standing(state, purpose(method), browser).await?;
    let channel = match method {
        Method::Email => Channel::Email,
        _ => Channel::Sms,
    };
    let offers = offers(&state.env.policy.channels, channel, true);
    Ok(match sent {
        None => Face::Send { ways: offers },
        Some((status, delivery)) => {
            let mut code = entry(state, p, &status, delivery, true);
            code.offers = offers;
            Face::Code(Box::new(code))
        }
    })
}

/// The page with what was wrong about a proof.
pub(super) async fn wrong(
    state: &State,
    visit: Visit,
    who: &Who,
    open: &Open,
    method: Method,
    error: (&'static str, &'static str),
) -> Result<Response, PageError> {
    show(state, visit, who, open, Some(method), Some(error)).await
}

/// `GET /confirm/{step}`.
pub(super) async fn confirm(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(step): Path<String>,
    Query(choice): Query<Choice>,
) -> Result<Response, PageError> {
    match open(&state, &who, &step).await? {
        Some(open) if open.waiting.is_used => Ok(see_other(&describe(&visit, &open.waiting)?.1)),
        Some(open) => {
            let open = open.asked_by(&choice);
            show(&state, visit, &who, &open, choice.method(), None).await
        }
        None => Ok(over(&visit)),
    }
}

/// `POST /confirm/{step}/send`: sends a code.
pub(super) async fn send(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(step): Path<String>,
    Query(choice): Query<Choice>,
    form: Form,
) -> Result<Response, PageError> {
    let Some(open) = open(&state, &who, &step).await? else {
        return Ok(over(&visit));
    };
    let open = open.asked_by(&choice);
    let to = match form.text("channel") {
        "email" => To::Email,
        "call" => To::Call,
        _ => To::Phone,
    };
    let by = if to == To::Email { "email" } else { "sms" };
    let here = if open.with_code {
        open.here()
    } else {
        format!("{}?by={by}", path(open.step))
    };
    let key = key(&visit, Some(&who), &form);
    let asked = state
        .ask_step_code(key, &visit.visitor, Arc::clone(&who.0), open.step, to)
        .await?;
    Ok(match done(asked)? {
        Some(AskDone::Sent) => see_other(&here),
        Some(AskDone::Pause { until }) => {
            let browser = step_up::browser_key(&who, open.step);
            match standing(&state, to.purpose(), browser).await? {
                Some(_) => see_other(&here),
                None => see_other(&Errand::Security.paused(until)),
            }
        }
        Some(AskDone::UsedUp { until } | AskDone::Calls { until }) => {
            see_other(&Errand::Security.rests(until))
        }
        Some(AskDone::Closed | AskDone::Country | AskDone::HasOne) => see_other("/sign-in/limited"),
        None => over(&visit),
    })
}

/// `POST /confirm/{step}/code`: checks a code; with the last proof the action runs.
pub(super) async fn code(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(step): Path<String>,
    Query(choice): Query<Choice>,
    form: Form,
) -> Result<Response, PageError> {
    let Some(open) = open(&state, &who, &step).await? else {
        return Ok(over(&visit));
    };
    let open = open.asked_by(&choice);
    if open.waiting.is_used {
        // The same form again: the answer that was kept (EV-3).
        return resume(&state, &visit, who, open.step, &open.waiting).await;
    }
    // Which code it is shows from what the step still lacks.
    let lacks = |method| open.ways().iter().any(|way| way.first() == Some(&method));
    let method = if open.with_code {
        Method::Passcode
    } else if lacks(Method::Sms) {
        Method::Sms
    } else {
        Method::Email
    };
    let code = match typed(form.text("code"), 6) {
        Ok(code) => code,
        Err(id) => {
            return show(&state, visit, &who, &open, Some(method), Some(("code", id))).await;
        }
    };
    let key = key(&visit, Some(&who), &form);
    let purpose = purpose(method);
    let shown = state
        .check_step_code(
            key,
            &visit.visitor,
            Arc::clone(&who.0),
            open.step,
            purpose,
            code,
        )
        .await?;
    go_on(&state, visit, who, &open, method, done(shown)?).await
}

/// After a proof: the action, the next proof, or what was wrong.
pub(super) async fn go_on(
    state: &State,
    visit: Visit,
    who: Who,
    open: &Open,
    method: Method,
    shown: ShownDone,
) -> Result<Response, PageError> {
    match shown {
        ShownDone::Proved => resume(state, &visit, who, open.step, &open.waiting).await,
        ShownDone::More => Ok(see_other(&open.here())),
        ShownDone::Over => Ok(over(&visit)),
        ShownDone::Refused(Refusal::PasscodeGone) => Ok(flashed(
            &visit,
            "/profile/security/passcode",
            "flash-passcode-gone",
        )),
        ShownDone::Refused(Refusal::CodeFirst) => {
            Ok(see_other(&format!("{}{WITH_CODE}", path(open.step))))
        }
        ShownDone::Refused(why) => match refusal(why) {
            Some(error) => show(state, visit, &who, open, Some(method), Some(error)).await,
            None => Ok(see_other(&Errand::Security.refused(why))),
        },
    }
}

/// `POST /confirm/{step}/go`: runs an action whose proof was shown before, after a lost connection.
pub(super) async fn go(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(step): Path<String>,
    _: Form,
) -> Result<Response, PageError> {
    match open(&state, &who, &step).await? {
        Some(open) if open.ways().is_empty() => {
            resume(&state, &visit, who, open.step, &open.waiting).await
        }
        Some(open) => Ok(see_other(&path(open.step))),
        None => Ok(over(&visit)),
    }
}

/// `POST /confirm/{step}/cancel`.
pub(super) async fn cancel(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(step): Path<String>,
    _: Form,
) -> Result<Response, PageError> {
    let Some(open) = open(&state, &who, &step).await? else {
        return Ok(over(&visit));
    };
    let (_, home) = describe(&visit, &open.waiting)?;
    state.cancel_step(who.0, open.waiting.action).await?;
    Ok(see_other(&home))
}

/// `GET /confirm/{step}/delivery`.
pub(super) async fn delivery(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(step): Path<String>,
) -> Result<Response, Fault> {
    let Ok(step) = step.parse::<StepId>() else {
        return Ok(see_other("/profile/security"));
    };
    let browser = step_up::browser_key(&who, step);
    let by_phone = standing(&state, Purpose::StepUpPhone, browser).await?;
    let purpose = match by_phone {
        Some((status, _)) if !status.is_over => Purpose::StepUpPhone,
        _ => Purpose::StepUpEmail,
    };
    delivery_line(&state, &visit, purpose, browser).await
}
