//! What a carrier is: one way out of the building.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Identifier, MessageId, Timestamp};
use serde::{Deserialize, Serialize};

/// The way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A text message.
    Sms,
    /// A call that need not be answered: the code is the last digits of the
    /// calling number.
    Call,
    /// E-mail.
    Email,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 3] = [Self::Sms, Self::Call, Self::Email];

    /// The stable name, as in the database, in metrics and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Call => "call",
            Self::Email => "email",
        }
    }

    /// From the stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }
}

/// What is said, ready for the wire.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// A text message.
    Sms {
        /// The whole text.
        text: String,
    },
    /// A call.
    Call {
        /// The code that the last digits of the calling number are to spell;
        /// `None` lets the gateway choose its number and tell it
        /// ([`Handed::calling_number`]).
        code: Option<String>,
    },
    /// A letter.
    Email {
        /// The subject, one line.
        subject: String,
        /// The letter as plain text.
        text: String,
        /// The same letter as HTML.
        html: String,
        /// Where one click (RFC 8058) ends this kind of letter; only marketing
        /// has it.
        unsubscribe: Option<String>,
    },
}

impl Body {
    /// The channel this body is for.
    pub const fn channel(&self) -> Channel {
        match self {
            Self::Sms { .. } => Channel::Sms,
            Self::Call { .. } => Channel::Call,
            Self::Email { .. } => Channel::Email,
        }
    }
}

/// The text is not for logs.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body::{:?}", self.channel())
    }
}

/// One message on its way out.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Our id of the message, the same in every attempt.
    pub id: MessageId,
    /// Whom it goes to.
    pub to: Identifier,
    /// What is said.
    pub body: Body,
    /// The moment after which it is worth nothing (a code that has expired);
    /// a carrier that can tells the network.
    pub worthless_after: Option<Timestamp>,
}

/// The carrier took the message.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Handed {
    /// The carrier's name for it; delivery reports come under it.
    pub reference: Option<String>,
    /// The number the gateway will call from, when the gateway chose it. Its
    /// last digits are the code, so it is a secret.
    pub calling_number: Option<String>,
}

impl fmt::Debug for Handed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handed")
            .field("reference", &self.reference)
            .field("calling_number", &self.calling_number.as_ref().map(|_| "…"))
            .finish()
    }
}

/// Why the carrier will never take this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such number or mailbox: the address is not to be used again.
    NoSuchAddress,
    /// The message was refused as it is (text, sender, policy).
    Rejected,
    /// It is too long.
    TooLong,
    /// This carrier does not serve this channel.
    WrongChannel,
}

impl Refusal {
    /// The stable code, for the database, logs and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoSuchAddress => "no_such_address",
            Self::Rejected => "rejected",
            Self::TooLong => "too_long",
            Self::WrongChannel => "wrong_channel",
        }
    }
}

/// Why a message was not handed over. Says nothing about the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Not now: try again, after `retry_after` if the carrier said when.
    #[error("not now: {code}")]
    Transient {
        /// A stable code of the reason.
        code: &'static str,
        /// The pause the carrier asked for.
        retry_after: Option<Duration>,
    },
    /// Never.
    #[error("refused: {}", .0.code())]
    Permanent(Refusal),
    /// The answer did not come: it may or may not have been sent. At most one
    /// more attempt is made, so that a person gets at most one duplicate (F7).
    #[error("unknown: {code}")]
    Unknown {
        /// A stable code of the reason.
        code: &'static str,
    },
}

impl SendError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Transient { code, .. } | Self::Unknown { code } => code,
            Self::Permanent(refusal) => refusal.code(),
        }
    }

    /// Whether it tells of a broken carrier. A refusal of one message and a
    /// request to slow down come from a carrier that works.
    pub const fn is_fault(&self) -> bool {
        match self {
            Self::Transient { retry_after, .. } => retry_after.is_none(),
            Self::Permanent(_) => false,
            Self::Unknown { .. } => true,
        }
    }
}

/// One way out of the building.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// Hands one message over, in a bounded time (a few seconds).
    async fn deliver(&self, message: &Outgoing) -> Result<Handed, SendError>;

    /// A short stable name for metrics and logs.
    fn name(&self) -> &'static str;
}

/// What became of a message after it was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportState {
    /// On its way; nothing final.
    Underway,
    /// It arrived.
    Delivered,
    /// It will not arrive.
    Failed(FailureReason),
}

/// Why a message that was handed over did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureReason {
    /// The phone was not reachable in time.
    Expired,
    /// The network could not deliver it.
    Undeliverable,
    /// The network refused it.
    Rejected,
    /// Deleted, unknown, or a word we do not know.
    Other,
}

impl FailureReason {
    /// The stable code, for the database and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Undeliverable => "undeliverable",
            Self::Rejected => "rejected_by_network",
            Self::Other => "not_delivered",
        }
    }
}

/// A delivery report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryReport {
    /// [`Handed::reference`] of the message.
    pub reference: String,
    /// What became of it.
    pub state: ReportState,
    /// When the report came.
    pub at: Timestamp,
}

/// The report could not be kept; the network is asked to repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the delivery report could not be kept")]
pub struct NotKept;

/// Where delivery reports go. The carrier answers the network only after the
/// report is kept, so a crash in between loses none.
#[async_trait]
pub trait Reports: Send + Sync {
    /// Keeps one report.
    async fn delivery(&self, report: DeliveryReport) -> Result<(), NotKept>;
}
