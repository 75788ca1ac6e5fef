//! Letting a computer in by a signed-in phone (ID-7): the computer's pages and the phone's.

use axum::{
    extract::{Path, State as Shared},
    response::{IntoResponse, Response},
};
use identity_core::{handover::State as Stands, next_path::NextPath};
use identity_service::handover::{self, Asking, Chosen, HandoverToken};
use kernel::{agent, network};
use serde::Serialize;
use webkit::{
    form::Form,
    page::Area,
    respond::{PageError, page, see_other, with_cookie},
    visit::Visit,
};

use super::{
    codes::Errand,
    common::{cabinet, done, flashed, key, place},
    confirm::{self, OnPage},
    sign_in::{NEXT, enter as go_in},
};
use crate::{
    acts::{BeginDone, PickUpDone},
    state::{Fault, State, Who},
    views::{
        confirm::Line,
        device::{DeviceFace, LetIn, LetInOver, NotLetIn, SignInDevice},
        qr::Qr,
    },
};

/// Cookie with the token of what this computer asked for.
const ASKED: &str = "device";
/// Its life, seconds: that of a request with the time to pick its session up.
const ASKED_LIFE: i64 = 300;
const HERE: &str = "/sign-in/device";

fn held(visit: &Visit) -> Option<HandoverToken> {
    visit.cookie(ASKED).and_then(HandoverToken::from_text)
}

/// Where this computer's request stands.
async fn face(state: &State, visit: &Visit) -> Result<DeviceFace, Fault> {
    let Some(token) = held(visit) else {
        return Ok(DeviceFace::Ask);
    };
    let link = format!("{}/let-in/{}", visit.site().origin, token.expose());
    let input = (state.env.clone(), token, visit.browser_key());
    let seen = state
        .read("handover.look", input, |tx, (env, token, browser)| {
            Box::pin(handover::look(tx, env, token, browser))
        })
        .await?;
    Ok(match seen {
        None => DeviceFace::Ask,
        Some(seen) => match seen.state {
            Stands::Waiting => DeviceFace::Waiting {
                qr: Qr::of(&link),
                number: seen.number,
                expires_at: seen.expires_at,
            },
            Stands::Approved => DeviceFace::Approved,
            Stands::Refused => DeviceFace::Refused,
            Stands::Over => DeviceFace::Over,
        },
    })
}

/// `GET /sign-in/device`.
pub(super) async fn device(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Option<Who>,
) -> Result<Response, Fault> {
    if who.is_some() {
        return Ok(see_other("/"));
    }
    let face = face(&state, &visit).await?;
    Ok(page(&SignInDevice {
        p: visit.shell(),
        face,
    }))
}

/// `POST /sign-in/device`: asks to be let in.
pub(super) async fn ask(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, PageError> {
    let next = visit.cookie(NEXT).and_then(NextPath::parse);
    let key = key(&visit, None, &form);
    let begun = state
        .begin_handover(
            key,
            &visit.visitor,
            visit.browser_key(),
            next.unwrap_or_default(),
        )
        .await?;
    Ok(match done(begun)? {
        BeginDone::NotNow { until } => see_other(&Errand::SignIn.rests(until)),
        BeginDone::Waiting(token) => with_cookie(
            see_other(HERE),
            &visit.site().set_cookie(ASKED, &token, Some(ASKED_LIFE)),
        ),
    })
}

#[derive(Serialize)]
struct StateLine {
    state: &'static str,
}

/// `GET /sign-in/device/state`: what `handover.js` asks for.
pub(super) async fn state_line(
    Shared(state): Shared<State>,
    visit: Visit,
) -> Result<Response, Fault> {
    let face = face(&state, &visit).await?;
    Ok(axum::Json(StateLine { state: face.tag() }).into_response())
}

/// `POST /sign-in/device/enter`: picks the session up.
pub(super) async fn enter(
    Shared(state): Shared<State>,
    visit: Visit,
    form: Form,
) -> Result<Response, PageError> {
    let Some(token) = held(&visit) else {
        return Ok(see_other(HERE));
    };
    let door = (visit.browser_key(), visit.known());
    let key = key(&visit, None, &form);
    let entered = state.pick_up(key, &visit.visitor, token, door).await?;
    Ok(match done(entered)? {
        PickUpDone::In(entered) => with_cookie(
            go_in(&visit, &entered),
            &visit.site().set_cookie(ASKED, "", Some(0)),
        ),
        PickUpDone::Waiting | PickUpDone::Refused | PickUpDone::Over => see_other(HERE),
    })
}

async fn asking(state: &State, token: &HandoverToken) -> Result<Option<Asking>, Fault> {
    let input = (state.env.clone(), token.clone());
    state
        .read("handover.look_asking", input, |tx, (env, token)| {
            Box::pin(handover::look_asking(tx, env, token))
        })
        .await
}

async fn nobody(state: &State, visit: Visit, who: &Who, why: NotLetIn) -> Result<Response, Fault> {
    let cabinet = cabinet(state, visit, who, Area::Security).await?;
    Ok(page(&LetInOver {
        p: cabinet.shell,
        why,
    }))
}

/// `GET /let-in/{token}`: what asks, and from where. Changes nothing.
pub(super) async fn look(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(token): Path<String>,
) -> Result<Response, Fault> {
    let Some(token) = HandoverToken::from_text(&token) else {
        return nobody(&state, visit, &who, NotLetIn::Over).await;
    };
    let ripe = handover::ripe_at(&state.env, &who);
    if let Some(until) = ripe.filter(|until| visit.now < *until) {
        return nobody(&state, visit, &who, NotLetIn::TooYoung(until)).await;
    }
    if who.account.frozen_at.is_some() {
        return nobody(&state, visit, &who, NotLetIn::Frozen).await;
    }
    let Some(asking) = asking(&state, &token).await? else {
        return nobody(&state, visit, &who, NotLetIn::Over).await;
    };
    let cabinet = cabinet(&state, visit, &who, Area::Security).await?;
    let visit = &cabinet.visit;
    Ok(page(&LetIn {
        path: format!("/let-in/{}", token.expose()),
        device: agent::device_name(&asking.agent, visit.visitor.locale),
        place: (visit.site().places)(asking.network),
        network: network::masked(asking.network),
        offered: asking.offered.to_vec(),
        expires_at: asking.expires_at,
        p: cabinet.shell.clone(),
    }))
}

fn why(chosen: Chosen) -> NotLetIn {
    match chosen {
        Chosen::Right | Chosen::Over => NotLetIn::Over,
        Chosen::Wrong => NotLetIn::Wrong,
        Chosen::TooYoung { until } => NotLetIn::TooYoung(until),
        Chosen::Frozen => NotLetIn::Frozen,
    }
}

/// `POST /let-in/{token}`: the chosen number; the right one goes on to the proof.
pub(super) async fn choose(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(token): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let token = HandoverToken::from_text(&token);
    let number = form.text("number").parse::<u8>().ok();
    let (Some(token), Some(number)) = (token, number) else {
        return Ok(nobody(&state, visit, &who, NotLetIn::Over).await?);
    };
    let mut key = key(&visit, Some(&who), &form);
    key.key.push_str(" choose");
    let chosen = state
        .choose_number(key, &visit.visitor, who.0.clone(), token, number)
        .await?;
    match done(chosen)? {
        Ok(cmd) => confirm::ask(&state, &visit, who, &form, cmd).await,
        Err(chosen) => Ok(nobody(&state, visit, &who, why(chosen)).await?),
    }
}

/// `POST /let-in/{token}/refuse`.
pub(super) async fn refuse(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    Path(token): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let Some(token) = HandoverToken::from_text(&token) else {
        return Ok(nobody(&state, visit, &who, NotLetIn::Over).await?);
    };
    let key = key(&visit, Some(&who), &form);
    let refused = state
        .refuse_handover(key, &visit.visitor, who.0.clone(), token)
        .await?;
    let why = if done(refused)? {
        NotLetIn::Refused
    } else {
        NotLetIn::Over
    };
    Ok(nobody(&state, visit, &who, why).await?)
}

impl OnPage for handover::LetIn {
    fn home(&self) -> String {
        "/profile/devices".to_owned()
    }

    fn lines(&self, visit: &Visit) -> Vec<Line> {
        let (agent, network) = self.what();
        vec![
            Line {
                name: "let-in-device",
                value: agent::device_name(agent, visit.visitor.locale),
            },
            Line {
                name: "let-in-place",
                value: place(visit, network),
            },
        ]
    }

    fn after(&self, visit: &Visit, chosen: Chosen) -> Response {
        let flash = match chosen {
            Chosen::Right => "flash-let-in",
            Chosen::Wrong | Chosen::Over | Chosen::TooYoung { .. } | Chosen::Frozen => {
                "flash-let-in-over"
            }
        };
        flashed(visit, "/profile/devices", flash)
    }
}
