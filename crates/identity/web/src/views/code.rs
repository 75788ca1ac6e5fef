//! Entering a code: the same on every page that asks for one.

use std::borrow::Cow;

use identity_core::challenge::Channel;
use kernel::Timestamp;
use webkit::page::{Shell, Tone, sample};

/// How a code travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeWay {
    /// Six digits by SMS.
    Sms,
    /// The last six digits of the calling number.
    Call6,
    /// The last four digits of the calling number; shop, known browser.
    Call4,
    /// Six digits by e-mail.
    Email,
}

impl CodeWay {
    /// The way of a channel of `identity-core`; the digits tell the two calls
    /// apart.
    pub const fn of(channel: Channel, digits: u8) -> Self {
        match channel {
            Channel::Sms => Self::Sms,
            Channel::Call if digits == 4 => Self::Call4,
            Channel::Call => Self::Call6,
            Channel::Email => Self::Email,
        }
    }

    /// The value of `channel` that the resend form sends.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Call6 | Self::Call4 => "call",
            Self::Email => "email",
        }
    }

    /// The icon of the sprite.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Sms => "message-square",
            Self::Call6 | Self::Call4 => "phone",
            Self::Email => "mail",
        }
    }

    /// Where the code went, without the address (before sign-in).
    pub const fn sent(self) -> &'static str {
        match self {
            Self::Sms => "code-sent-sms",
            Self::Call6 => "code-sent-call-6",
            Self::Call4 => "code-sent-call-4",
            Self::Email => "code-sent-email",
        }
    }

    /// Where the code went, with the masked address `{ $to }` (signed in).
    pub const fn sent_to(self) -> &'static str {
        match self {
            Self::Sms => "code-sent-sms-to",
            Self::Call6 | Self::Call4 => "code-sent-call-to",
            Self::Email => "code-sent-email-to",
        }
    }

    /// The words of the button that asks for a code this way.
    pub const fn ask(self) -> &'static str {
        match self {
            Self::Sms => "code-ask-sms",
            Self::Call6 | Self::Call4 => "code-ask-call",
            Self::Email => "code-ask-email",
        }
    }

    /// How many digits the code has.
    pub const fn digits(self) -> u8 {
        match self {
            Self::Call4 => 4,
            Self::Sms | Self::Call6 | Self::Email => 6,
        }
    }
}

/// What is known of a code's delivery (ID-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Still with us.
    Waiting,
    /// Taken by the operator at this moment.
    HandedOver(Timestamp),
    /// On the phone at this moment.
    Delivered(Timestamp),
    /// It will not come.
    Failed,
}

impl Delivery {
    /// The line in the reader's language; also the `text` of the answer that
    /// `delivery.js` polls.
    pub fn line(self, p: &Shell) -> Cow<'static, str> {
        match self {
            Self::Waiting => Cow::Borrowed(p.t("delivery-waiting")),
            Self::HandedOver(at) => {
                Cow::Owned(p.t1("delivery-handed-over", "time", p.time(&at).text))
            }
            Self::Delivered(at) => Cow::Owned(p.t1("delivery-delivered", "time", p.time(&at).text)),
            Self::Failed => Cow::Borrowed(p.t("delivery-failed")),
        }
    }

    /// The state's name: `waiting`, `handed-over`, `delivered`, `failed`;
    /// also the `state` of the answer that `delivery.js` polls.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::HandedOver(_) => "handed-over",
            Self::Delivered(_) => "delivered",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more will be learnt, so that asking again is useless.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered(_) | Self::Failed)
    }

    /// How grave it is.
    pub const fn tone(self) -> Tone {
        match self {
            Self::Waiting | Self::HandedOver(_) => Tone::Info,
            Self::Delivered(_) => Tone::Good,
            Self::Failed => Tone::Bad,
        }
    }
}

/// Whether the present code can still be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeState {
    /// It can.
    Live,
    /// Its five minutes are over.
    Expired,
    /// Too many wrong tries.
    Dead,
}

/// A code being waited for and entered.
#[derive(Clone, Debug)]
pub struct CodeEntry {
    /// Its running number: «код № 3».
    pub number: u32,
    /// How it was sent.
    pub way: CodeWay,
    /// The masked address; `None` before sign-in, where nothing is revealed.
    pub to: Option<String>,
    /// Whether it can still be entered.
    pub state: CodeState,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When the next one may be asked for.
    pub next_at: Timestamp,
    /// Wrong tries left, shown from 3 down.
    pub tries_left: Option<u32>,
    /// What is known of its delivery.
    pub delivery: Delivery,
    /// Ways the next code may take; the first is the usual one.
    pub offers: Vec<CodeWay>,
    /// Ten minutes passed without success: the help is shown on the page.
    pub long_wait: bool,
}

impl CodeEntry {
    /// Id of the heading: `usual` while the code can be entered.
    pub const fn heading(&self, usual: &'static str) -> &'static str {
        match self.state {
            CodeState::Live => usual,
            CodeState::Expired => "code-expired-title",
            CodeState::Dead => "code-dead-title",
        }
    }

    /// Id of the line that tells why there is nothing to enter.
    pub const fn over(&self) -> Option<&'static str> {
        match self.state {
            CodeState::Live => None,
            CodeState::Expired => Some("code-expired-lead"),
            CodeState::Dead => Some("code-dead-lead"),
        }
    }

    /// Whether the next code may be asked for at a moment.
    pub fn may_ask(&self, now: &Timestamp) -> bool {
        self.next_at <= *now
    }

    /// Tries left when few enough to be shown.
    pub fn few_tries(&self) -> Option<u32> {
        self.tries_left.filter(|left| *left <= 3)
    }

    /// A code sent 18 seconds ago.
    pub fn sample() -> Self {
        Self {
            number: 1,
            way: CodeWay::Sms,
            to: None,
            state: CodeState::Live,
            sent_at: sample::after(-18),
            expires_at: sample::after(282),
            next_at: sample::after(42),
            tries_left: None,
            delivery: Delivery::HandedOver(sample::after(-16)),
            offers: vec![CodeWay::Sms, CodeWay::Call6, CodeWay::Email],
            long_wait: false,
        }
    }
}
