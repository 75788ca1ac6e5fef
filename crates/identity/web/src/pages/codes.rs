//! The code screen, the same wherever a code is entered.

use axum::response::{IntoResponse, Response};
use identity_core::challenge::{Channel, Purpose};
use identity_service::codes::{BrowserKey, Status};
use kernel::code::{CodeError, OneTimeCode};
use notify::DeliveryState;
use serde::Serialize;
use webkit::{page::Shell, visit::Visit};

use crate::{
    acts::Refusal,
    state::{Fault, State},
    views::code::{CodeEntry, CodeState, CodeWay, Delivery},
};

use super::common::moment;

/// Where a browser stands with a purpose, with what is known of delivery.
pub async fn standing(
    state: &State,
    purpose: Purpose,
    browser: BrowserKey,
) -> Result<Option<(Status, Delivery)>, Fault> {
    let found = state.code_status(purpose, browser).await?;
    Ok(found.map(|(status, known)| {
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
        (status, delivery)
    }))
}

fn way(channel: Channel, digits: u8) -> CodeWay {
    match (channel, digits) {
        (Channel::Sms, _) => CodeWay::Sms,
        (Channel::Call, 4) => CodeWay::Call4,
        (Channel::Call, _) => CodeWay::Call6,
        (Channel::Email, _) => CodeWay::Email,
    }
}

/// The ways the next code may take after one by `asked`, of those the installation has. They follow from what
/// was typed and not from the account, so they say nothing about it (A1): somebody who typed a number is offered
/// the form of the address, whether or not there is one. `only_this` leaves out what another identifier opens.
pub fn offers(ways: &[Channel], asked: Channel, only_this: bool) -> Vec<CodeWay> {
    let fitting: &[(Channel, CodeWay)] = match asked {
        Channel::Email => &[(Channel::Email, CodeWay::Email)],
        _ if only_this => &[
            (Channel::Sms, CodeWay::Sms),
            (Channel::Call, CodeWay::Call6),
        ],
        _ => &[
            (Channel::Sms, CodeWay::Sms),
            (Channel::Call, CodeWay::Call6),
            (Channel::Email, CodeWay::Email),
        ],
    };
    let there = fitting.iter().filter(|(channel, _)| ways.contains(channel));
    there.map(|(_, way)| *way).collect()
}

/// The screen's data. `reveal` shows the masked address, for somebody who is signed in.
pub fn entry(
    state: &State,
    shell: &Shell,
    status: &Status,
    delivery: Delivery,
    reveal: bool,
) -> CodeEntry {
    let way = way(status.channel, status.digits);
    let offers = offers(&state.env.policy.channels, status.channel, reveal);
    let help_after = state.env.policy.no_code_help_after;
    let state = match (status.is_over, status.expires_at <= shell.now) {
        (false, _) => CodeState::Live,
        (true, true) if status.tries_left > 0 => CodeState::Expired,
        (true, _) => CodeState::Dead,
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
        long_wait: shell.now.since(status.asked_at) >= help_after,
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
pub async fn delivery_line(
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
pub fn typed(text: &str, digits: u8) -> Result<OneTimeCode, &'static str> {
    OneTimeCode::parse(text, usize::from(digits)).map_err(|error| match error {
        CodeError::Empty => "code-error-empty",
        _ => "code-error-wrong",
    })
}

/// What the page says of a refusal: the field and the id of the words. `None` leads to the page of limits.
pub fn refusal(refusal: Refusal) -> Option<(&'static str, &'static str)> {
    match refusal {
        Refusal::Wrong { .. } => Some(("code", "code-error-wrong")),
        Refusal::Dead => Some(("resend", "code-error-dead")),
        Refusal::Expired => Some(("resend", "code-error-expired")),
        Refusal::Password => Some(("password", "password-error-wrong")),
        Refusal::PasswordRests { .. } => Some(("password", "password-error-rests")),
        Refusal::PasswordClosed => Some(("password", "password-error-closed")),
        Refusal::Passcode { .. } => Some(("passcode", "passcode-error-wrong")),
        Refusal::PasscodeGone => Some(("passcode", "passcode-error-gone")),
        Refusal::NotThisBrowser => Some(("passcode", "passcode-error-browser")),
        Refusal::CodeFirst => Some(("passcode", "passcode-error-code-first")),
        Refusal::FactorWrong => Some(("code", "factor-error-wrong")),
        Refusal::FactorUsed => Some(("code", "factor-error-used")),
        Refusal::Rests { .. } | Refusal::Closed => None,
    }
}

/// What somebody was about to do when codes had to rest; the page of limits leads back there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Signing in.
    SignIn,
    /// Freezing.
    Freeze,
    /// Confirming an address.
    Email,
    /// Something among the ways in.
    Security,
    /// Recovering access.
    Recovery,
}

impl Errand {
    const ALL: [Self; 5] = [
        Self::SignIn,
        Self::Freeze,
        Self::Email,
        Self::Security,
        Self::Recovery,
    ];

    const fn tag(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Freeze => "freeze",
            Self::Email => "email",
            Self::Security => "security",
            Self::Recovery => "recovery",
        }
    }

    /// From the address of the page; anything unknown was a sign-in.
    pub fn of(tag: &str) -> Self {
        let known = Self::ALL.into_iter().find(|errand| errand.tag() == tag);
        known.unwrap_or(Self::SignIn)
    }

    /// The page where it began.
    pub const fn path(self) -> &'static str {
        match self {
            Self::SignIn => "/sign-in",
            Self::Freeze => "/freeze",
            Self::Email => "/profile/email",
            Self::Security => "/profile/security",
            Self::Recovery => "/recovery",
        }
    }

    /// The page that says codes no longer help.
    pub fn closed(self) -> String {
        format!("/sign-in/limited?of={}", self.tag())
    }

    /// The page that says when to come back after too many codes or tries.
    pub fn rests(self, micros: i64) -> String {
        let until = moment(micros).as_secs();
        format!("/sign-in/limited?of={}&until={until}", self.tag())
    }

    /// The same after one code too early.
    pub fn paused(self, micros: i64) -> String {
        format!("{}&pause=yes", self.rests(micros))
    }

    /// Where a refusal without words on the code page leads.
    pub fn refused(self, refusal: Refusal) -> String {
        match refusal {
            Refusal::Rests { until } => self.rests(until),
            _ => self.closed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ID-2, A1: only ways that the installation has, and by what was typed alone.
    #[test]
    fn only_ways_that_are_there_are_offered() {
        use CodeWay::{Call6, Email, Sms};
        let all = [Channel::Sms, Channel::Call, Channel::Email];
        let table: [(&[Channel], Channel, bool, &[CodeWay]); 7] = [
            (&all, Channel::Sms, false, &[Sms, Call6, Email]),
            (&all, Channel::Call, false, &[Sms, Call6, Email]),
            (&all, Channel::Sms, true, &[Sms, Call6]),
            (&all, Channel::Email, false, &[Email]),
            (&[Channel::Sms], Channel::Sms, false, &[Sms]),
            (
                &[Channel::Call, Channel::Email],
                Channel::Call,
                false,
                &[Call6, Email],
            ),
            (&[Channel::Sms], Channel::Email, true, &[]),
        ];
        for (ways, asked, only_this, expected) in table {
            assert_eq!(
                offers(ways, asked, only_this),
                expected,
                "{ways:?} {asked:?} {only_this}"
            );
        }
    }
}
