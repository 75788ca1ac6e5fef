//! What several answers have in common. Every time is a whole number of microseconds since 1970, UTC; an
//! identifier or a document's number is shown masked.

use axum::Json;
use identity_core::{
    account::Level as CoreLevel,
    account::Missing as CoreMissing,
    challenge::{Channel, Purpose},
    consent::{MarketingChannel, Topic},
    session::Method,
};
use identity_service::codes::BrowserKey;
use kernel::{Timestamp, code::OneTimeCode};
use notify::DeliveryState;
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};
use vault::Token;
use webkit::visit::Visit;

use super::{
    problems::{Code, Fields, Refused},
    request::Answer,
};
use crate::{
    acts::{AskDone, Refusal},
    state::{Fault, State},
};

/// How a code travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// A text message.
    Sms,
    /// A call that need not be answered: the code is the end of the calling number.
    Call,
    /// A letter.
    Email,
    /// Let in by a signed-in phone.
    Device,
    /// A passkey.
    Passkey,
    /// The password.
    Password,
    /// The passcode.
    Passcode,
    /// A code of an authenticator app.
    Totp,
    /// A backup code.
    BackupCode,
}

impl From<Channel> for Way {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Sms => Self::Sms,
            Channel::Call => Self::Call,
            Channel::Email => Self::Email,
        }
    }
}

impl From<Method> for Way {
    fn from(method: Method) -> Self {
        match method {
            Method::Sms => Self::Sms,
            Method::Call => Self::Call,
            Method::Email => Self::Email,
            Method::Device => Self::Device,
            Method::Passkey => Self::Passkey,
            Method::Password => Self::Password,
            Method::Passcode => Self::Passcode,
            Method::Totp => Self::Totp,
            Method::BackupCode => Self::BackupCode,
        }
    }
}

/// What is known of a message on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Waits to be handed over.
    Queued,
    /// The carrier has it.
    Handed,
    /// It arrived, says the carrier.
    Delivered,
    /// It will not arrive.
    Failed,
}

impl From<DeliveryState> for Delivery {
    fn from(state: DeliveryState) -> Self {
        match state {
            DeliveryState::Queued => Self::Queued,
            DeliveryState::Handed => Self::Handed,
            DeliveryState::Delivered => Self::Delivered,
            DeliveryState::Failed | DeliveryState::Expired => Self::Failed,
        }
    }
}

/// A code that was sent. It says nothing of whether an account exists.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SentCode {
    /// How it travels.
    channel: Way,
    /// Its running number, also in the message: «код № 3».
    serial: i64,
    /// Digits to type.
    digits: u8,
    /// When it was asked for, microseconds UTC.
    asked_at: i64,
    /// When it ends, microseconds UTC.
    expires_at: i64,
    /// Tries left.
    tries_left: u32,
    /// Used, replaced, out of tries or expired: only a new one helps.
    is_over: bool,
    /// When the next may be asked for, microseconds UTC; null when now.
    next_at: Option<i64>,
    /// Until when codes rest after wrong tries, microseconds UTC; null when they do not.
    rests_until: Option<i64>,
    /// What is known of its delivery.
    delivery: Delivery,
}

/// The code that a flow or a session asked for last, for one purpose.
pub async fn sent(
    state: &State,
    purpose: Purpose,
    browser: BrowserKey,
) -> Result<Option<SentCode>, Fault> {
    let found = state.code_status(purpose, browser).await?;
    Ok(found.map(|(status, known)| SentCode {
        channel: status.channel.into(),
        serial: status.serial,
        digits: status.digits,
        asked_at: status.asked_at.as_micros(),
        expires_at: status.expires_at.as_micros(),
        tries_left: status.tries_left,
        is_over: status.is_over,
        next_at: status.next_at.map(Timestamp::as_micros),
        rests_until: status.rests_until.map(Timestamp::as_micros),
        // A message that was not sent, for nobody would get it, looks like one that waits (A1).
        delivery: known.map_or(Delivery::Queued, |known| known.state.into()),
    }))
}

/// Where the code of a flow stands.
pub async fn standing(state: &State, purpose: Purpose, flow: &Token) -> Answer<Json<SentCode>> {
    let code = sent(state, purpose, flow.hash()).await?;
    Ok(Json(code.ok_or(Code::FlowNotFound)?))
}

/// A code was asked for in a flow: the flow's token and where the code stands, or why there is none.
pub async fn on_its_way(
    state: &State,
    visit: &Visit,
    purpose: Purpose,
    flow: &Token,
    done: AskDone,
) -> Answer<(String, Option<SentCode>)> {
    asked(done, visit.now)?;
    let code = sent(state, purpose, flow.hash()).await?;
    Ok((flow.expose().as_str().to_owned(), code))
}

impl SentCode {
    /// Digits to type.
    pub fn digits(&self) -> u8 {
        self.digits
    }
}

/// A code was asked for: it is on its way, or why not.
pub fn asked(done: AskDone, now: Timestamp) -> Result<(), Refused> {
    Err(match done {
        AskDone::Sent => return Ok(()),
        AskDone::Pause { until } => Refused::from(Code::CodePause).until(until, now),
        AskDone::UsedUp { until } => Refused::from(Code::CodesUsedUp).until(until, now),
        AskDone::Calls { until } => Refused::from(Code::CallsUsedUp).until(until, now),
        AskDone::Closed => Code::CodesClosed.into(),
        AskDone::Country => Refused::from(Code::Invalid).at("phone", "phone_country_not_served"),
        AskDone::HasOne => Code::EmailPresent.into(),
    })
}

/// Why a code was not accepted.
pub fn refusal(why: Refusal, now: Timestamp) -> Refused {
    match why {
        Refusal::Wrong { left } => Refused::from(Code::CodeWrong).left(left),
        Refusal::FactorWrong => Code::CodeWrong.into(),
        Refusal::FactorUsed => Code::CodeUsed.into(),
        Refusal::Dead => Code::CodeDead.into(),
        Refusal::Expired => Code::CodeExpired.into(),
        Refusal::Rests { until } => Refused::from(Code::CodesRest).until(until, now),
        Refusal::Closed => Code::CodesClosed.into(),
        Refusal::Password => Code::PasswordWrong.into(),
        Refusal::PasswordRests { until } => Refused::from(Code::PasswordRests).until(until, now),
        Refusal::PasswordClosed => Code::PasswordClosed.into(),
        Refusal::Passcode { left } => Refused::from(Code::PasscodeWrong).left(left),
        Refusal::PasscodeGone => Code::PasscodeGone.into(),
        Refusal::NotThisBrowser => Code::NotThisBrowser.into(),
        Refusal::CodeFirst => Code::CodeFirst.into(),
    }
}

/// Reads a typed code of this many digits; a text that is none counts as no try (A12).
pub fn code(typed: &str, digits: u8) -> Result<OneTimeCode, Refused> {
    let mut fields = Fields::default();
    let read = OneTimeCode::parse(typed, usize::from(digits)).map_err(super::fields::code);
    fields.take("code", read).ok_or_else(|| fields.refuse())
}

/// Identity levels, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A phone and nothing more.
    Limited,
    /// Name and a confirmed e-mail.
    Protected,
    /// Passport, and INN or SNILS, accepted.
    Identified,
}

impl From<CoreLevel> for Level {
    fn from(level: CoreLevel) -> Self {
        match level {
            CoreLevel::Limited => Self::Limited,
            CoreLevel::Protected => Self::Protected,
            CoreLevel::Identified => Self::Identified,
        }
    }
}

/// What stands between an account and the next level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Surname and given name.
    Name,
    /// A confirmed e-mail.
    Email,
    /// The birth date.
    BirthDate,
    /// The passport.
    Passport,
    /// INN or SNILS.
    InnOrSnils,
}

impl From<CoreMissing> for Missing {
    fn from(missing: CoreMissing) -> Self {
        match missing {
            CoreMissing::Name => Self::Name,
            CoreMissing::Email => Self::Email,
            CoreMissing::BirthDate => Self::BirthDate,
            CoreMissing::Passport => Self::Passport,
            CoreMissing::InnOrSnils => Self::InnOrSnils,
        }
    }
}

/// A language of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Russian.
    Ru,
    /// English.
    En,
}

impl From<kernel::Locale> for Language {
    fn from(locale: kernel::Locale) -> Self {
        match locale {
            kernel::Locale::Ru => Self::Ru,
            kernel::Locale::En => Self::En,
        }
    }
}

impl From<Language> for kernel::Locale {
    fn from(language: Language) -> Self {
        match language {
            Language::Ru => Self::Ru,
            Language::En => Self::En,
        }
    }
}

/// A marketing switch, `<channel>.<topic>`: `email.offers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscription(pub MarketingChannel, pub(super) Topic);

impl Subscription {
    fn all() -> impl Iterator<Item = Self> {
        MarketingChannel::ALL.into_iter().flat_map(|channel| {
            Topic::ALL
                .into_iter()
                .map(move |topic| Self(channel, topic))
        })
    }

    fn name(self) -> String {
        format!("{}.{}", self.0.as_str(), self.1.as_str())
    }
}

impl Serialize for Subscription {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for Subscription {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        // The text may be anything: nothing of it goes into the error.
        let unknown = || serde::de::Error::unknown_variant("", &["<channel>.<topic>"]);
        Self::all()
            .find(|one| one.name() == text)
            .ok_or_else(unknown)
    }
}

impl PartialSchema for Subscription {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A marketing switch, `<channel>.<topic>`."))
            .enum_values(Some(Self::all().map(Self::name)))
            .into()
    }
}

impl ToSchema for Subscription {
    fn name() -> std::borrow::Cow<'static, str> {
        "Subscription".into()
    }
}

/// A yes and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Frozen {
    /// Whether the account is frozen now.
    pub frozen: bool,
}
