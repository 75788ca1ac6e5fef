//! Pages that links of messages lead to. Opening one changes nothing (A31).

use axum::{
    extract::{Path, State as Shared},
    response::Response,
};
use identity_service::{consent, freeze::AlarmLink, link::LinkToken};
use webkit::{
    form::Form,
    respond::{PageError, page},
    visit::Visit,
};

use super::common::{done, key};
use crate::{
    acts::ConfirmDone,
    state::{Fault, State, Who},
    views::links::{EmailLink, EmailLinkState, LinkState, NotMe, Unsubscribe},
};

/// `GET /not-me/{token}`.
pub(super) async fn not_me(
    Shared(state): Shared<State>,
    visit: Visit,
    Path(token): Path<String>,
) -> Result<Response, Fault> {
    let state = match state.look_alarm(&token).await? {
        AlarmLink::Open => LinkState::Open,
        AlarmLink::Over => LinkState::Over,
    };
    Ok(page(&NotMe {
        p: visit.shell(),
        token,
        state,
    }))
}

/// `POST /not-me/{token}`.
pub(super) async fn press_not_me(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Option<Who>,
    Path(token): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let pressed = match LinkToken::from_text(&token) {
        None => false,
        Some(link) => {
            let key = key(&visit, None, &form);
            let presser = who.map(|Who(who)| who);
            done(state.alarm(key, &visit.visitor, link, presser).await?)?
        }
    };
    let state = if pressed {
        LinkState::Done
    } else {
        LinkState::Over
    };
    Ok(page(&NotMe {
        p: visit.shell(),
        token,
        state,
    }))
}

/// `GET /email/confirm/{token}`.
pub(super) async fn email(
    Shared(state): Shared<State>,
    visit: Visit,
    Path(token): Path<String>,
) -> Result<Response, Fault> {
    let masked = state.look_email(&token).await?;
    let state = masked.map_or(EmailLinkState::Over, EmailLinkState::Open);
    Ok(page(&EmailLink {
        p: visit.shell(),
        token,
        state,
    }))
}

/// `POST /email/confirm/{token}`.
pub(super) async fn confirm_email(
    Shared(state): Shared<State>,
    visit: Visit,
    Path(token): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let confirmed = match LinkToken::from_text(&token) {
        None => ConfirmDone::LinkOver,
        Some(link) => {
            let key = key(&visit, None, &form);
            done(
                state
                    .confirm_email_by_link(key, &visit.visitor, link)
                    .await?,
            )?
        }
    };
    let state = match confirmed {
        ConfirmDone::Done => EmailLinkState::Done,
        ConfirmDone::Taken => EmailLinkState::Taken,
        ConfirmDone::Frozen => EmailLinkState::Frozen,
        _ => EmailLinkState::Over,
    };
    Ok(page(&EmailLink {
        p: visit.shell(),
        token,
        state,
    }))
}

/// `GET /unsubscribe/{token}`.
pub(super) async fn unsubscribe(
    Shared(state): Shared<State>,
    visit: Visit,
    Path(token): Path<String>,
) -> Response {
    let link = consent::Unsubscribe::from_text(&state.env, &token);
    let subject = link.map(|link| (link.channel, link.topic));
    let state = subject.map_or(LinkState::Over, |_| LinkState::Open);
    page(&Unsubscribe {
        p: visit.shell(),
        token,
        subject,
        state,
    })
}

/// `POST /unsubscribe/{token}`.
pub(super) async fn press_unsubscribe(
    Shared(state): Shared<State>,
    visit: Visit,
    Path(token): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let link = consent::Unsubscribe::from_text(&state.env, &token);
    let subject = link.map(|link| (link.channel, link.topic));
    if let Some(link) = link {
        let key = key(&visit, None, &form);
        done(state.unsubscribe(key, &visit.visitor, link).await?)?;
    }
    let state = subject.map_or(LinkState::Over, |_| LinkState::Done);
    Ok(page(&Unsubscribe {
        p: visit.shell(),
        token,
        subject,
        state,
    }))
}
