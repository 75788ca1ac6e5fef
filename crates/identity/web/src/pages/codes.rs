//! The code screen, the same wherever a code is entered.

use axum::response::{IntoResponse, Response};
use identity_core::challenge::{Channel, Purpose};
use identity_service::{
    ServiceError,
    codes::{self, BrowserKey, Status},
};
use kernel::code::{CodeError, OneTimeCode};
use notify::DeliveryState;
use serde::Serialize;
use std::time::Duration;
use webkit::{page::Shell, visit::Visit};

use crate::{
    acts::Refusal,
    state::{Fault, State},
    views::code::{CodeEntry, CodeState, CodeWay, Delivery},
};

use super::common::moment;

/// After this long without a code the page says what to check (ID-2).
const LONG_WAIT: Duration = Duration::from_secs(600);

/// Where a browser stands with a purpose, with what is known of delivery.
pub(super) async fn standing(
    state: &State,
    purpose: Purpose,
    browser: BrowserKey,
) -> Result<Option<(Status, Delivery)>, Fault> {
    let input = (state.env.clone(), purpose, browser);
    state
        .read("codes.status", input, |tx, (env, purpose, browser)| {
            Box::pin(async move {
                let Some(status) = codes::status(tx, env, *purpose, browser).await? else {
                    return Ok(None);
                };
                let known = match status.message {
                    Some(message) => notify::delivery(tx, &[message]).await?.into_iter().next(),
                    None => None,
                };
                let delivery = known.map_or(Delivery::Waiting, |known| {
                    let settled = known
                        .settled_at
                        .or(known.handed_at)
                        .unwrap_or(known.queued_at);
                    match known.state {
                        DeliveryState::Queued => Delivery::Waiting,
                        DeliveryState::Handed => {
                            Delivery::HandedOver(known.handed_at.unwrap_or(known.queued_at))
                        }
                        DeliveryState::Delivered => Delivery::Delivered(settled),
                        DeliveryState::Failed | DeliveryState::Expired => Delivery::Failed,
                    }
                });
                Ok::<_, ServiceError>(Some((status, delivery)))
            })
        })
        .await
}

fn way(channel: Channel, digits: u8) -> CodeWay {
    match (channel, digits) {
        (Channel::Sms, _) => CodeWay::Sms,
        (Channel::Call, 4) => CodeWay::Call4,
        (Channel::Call, _) => CodeWay::Call6,
        (Channel::Email, _) => CodeWay::Email,
    }
}

/// The screen's data. `reveal` shows the masked address, for somebody who is signed in.
pub(super) fn entry(shell: &Shell, status: &Status, delivery: Delivery, reveal: bool) -> CodeEntry {
    let way = way(status.channel, status.digits);
    let state = match (status.is_over, status.expires_at <= shell.now) {
        (false, _) => CodeState::Live,
        (true, true) if status.tries_left > 0 => CodeState::Expired,
        (true, _) => CodeState::Dead,
    };
    let offers = match status.channel {
        Channel::Email => vec![CodeWay::Email],
        _ if reveal => vec![CodeWay::Sms, CodeWay::Call6],
        _ => vec![CodeWay::Sms, CodeWay::Call6, CodeWay::Email],
    };
    CodeEntry {
        number: u32::try_from(status.serial).unwrap_or(u32::MAX),
        way,
        to: reveal.then(|| status.identifier.masked()),
        state,
        sent_at: status.asked_at,
        expires_at: status.expires_at,
        next_at: status.next_at.unwrap_or(status.asked_at),
        tries_left: Some(status.tries_left),
        delivery,
        offers,
        long_wait: shell.now.since(status.asked_at) >= LONG_WAIT,
    }
}

#[derive(Serialize)]
struct DeliveryLine {
    state: &'static str,
    text: String,
    #[serde(rename = "final")]
    is_final: bool,
}

/// The line that the page's script asks for.
pub(super) async fn delivery_line(
    state: &State,
    visit: &Visit,
    purpose: Purpose,
    browser: BrowserKey,
) -> Result<Response, Fault> {
    let delivery = standing(state, purpose, browser).await?;
    let delivery = delivery.map_or(Delivery::Waiting, |(_, delivery)| delivery);
    let line = DeliveryLine {
        state: delivery.tag(),
        text: delivery.line(&visit.shell()).into_owned(),
        is_final: delivery.is_final(),
    };
    Ok(axum::Json(line).into_response())
}

/// Reads a typed code; the error is the id of what is wrong with it.
pub(super) fn typed(text: &str, digits: u8) -> Result<OneTimeCode, &'static str> {
    OneTimeCode::parse(text, usize::from(digits)).map_err(|error| match error {
        CodeError::Empty => "code-error-empty",
        _ => "code-error-wrong",
    })
}

/// What the page says of a refusal: the field and the id of the words. `None` leads to the page of limits.
pub(super) fn refusal(refusal: Refusal) -> Option<(&'static str, &'static str)> {
    match refusal {
        Refusal::Wrong { .. } => Some(("code", "code-error-wrong")),
        Refusal::Dead => Some(("resend", "code-error-dead")),
        Refusal::Expired => Some(("resend", "code-error-expired")),
        Refusal::FactorWrong => Some(("code", "factor-error-wrong")),
        Refusal::FactorUsed => Some(("code", "factor-error-used")),
        Refusal::Rests { .. } | Refusal::Closed => None,
    }
}

/// Where a refusal without words on the code page leads.
pub(super) fn limited_path(refusal: Refusal) -> String {
    match refusal {
        Refusal::Rests { until } => limited_until(until),
        _ => "/sign-in/limited".to_owned(),
    }
}

/// The page that says when to come back.
pub(super) fn limited_until(micros: i64) -> String {
    format!("/sign-in/limited?until={}", moment(micros).as_secs())
}
