//! Notices and consents (ID-12, ID-13).

use askama::Template;
use identity_core::consent::{MarketingChannel, Topic};
use kernel::Timestamp;
use webkit::page::{Area, Sample, Shell, Tone, sample};

/// Id of a channel's name.
pub const fn channel_name(channel: MarketingChannel) -> &'static str {
    match channel {
        MarketingChannel::Sms => "marketing-sms",
        MarketingChannel::Email => "marketing-email",
        MarketingChannel::Messenger => "marketing-messenger",
        MarketingChannel::Push => "marketing-push",
    }
}

/// Id of a topic's name.
pub const fn topic_name(topic: Topic) -> &'static str {
    match topic {
        Topic::Offers => "topic-offers",
        Topic::News => "topic-news",
        Topic::Personal => "topic-personal",
    }
}

/// Id of a topic's explanation.
const fn topic_note(topic: Topic) -> &'static str {
    match topic {
        Topic::Offers => "topic-offers-note",
        Topic::News => "topic-news-note",
        Topic::Personal => "topic-personal-note",
    }
}

/// Where a consent was given or withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentSource {
    /// At registration.
    Registration,
    /// Here.
    Cabinet,
    /// By the link of a message.
    Message,
    /// By an application, through the API.
    Api,
}

impl ConsentSource {
    /// Id of its words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Registration => "source-registration",
            Self::Cabinet => "source-cabinet",
            Self::Message => "source-message",
            Self::Api => "source-api",
        }
    }
}

/// One entry of the list of consents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// What: `None` is the personal-data consent.
    pub subject: Option<(MarketingChannel, Topic)>,
    /// Given or withdrawn.
    pub granted: bool,
    /// Version of the text.
    pub version: String,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub source: ConsentSource,
}

impl Agreement {
    /// What it is about, in words.
    pub fn title(&self, p: &Shell) -> String {
        match self.subject {
            None => p.t("agreement-personal-data").to_owned(),
            Some((channel, topic)) => format!(
                "{} · {}",
                p.t(topic_name(topic)),
                p.t(channel_name(channel))
            ),
        }
    }
}

/// `GET|POST /profile/notifications`: switches `offers_sms`, `offers_email`,
/// …, `personal_push` (`on` or absent), named by [`Notifications::field`].
#[derive(Clone, Debug, Template)]
#[template(path = "notifications/notifications.html")]
pub struct Notifications {
    /// The shell.
    pub p: Shell,
    /// What is switched on.
    pub on: Vec<(MarketingChannel, Topic)>,
    /// Consents, newest first.
    pub agreements: Vec<Agreement>,
    /// Whether a confirmed e-mail is there to send notices to.
    pub has_email: bool,
}

impl Notifications {
    /// The name of the switch of a channel and topic.
    pub fn field(channel: MarketingChannel, topic: Topic) -> String {
        format!("{}_{}", topic.as_str(), channel.as_str())
    }

    fn rows() -> [(Topic, &'static str, &'static str); 3] {
        Topic::ALL.map(|topic| (topic, topic_name(topic), topic_note(topic)))
    }

    fn channels() -> [(MarketingChannel, &'static str); 4] {
        MarketingChannel::ALL.map(|channel| (channel, channel_name(channel)))
    }

    fn is_on(&self, channel: MarketingChannel, topic: Topic) -> bool {
        self.on.contains(&(channel, topic))
    }
}

impl Sample for Notifications {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Notifications);
        let agreement = |subject, granted, seconds, source| Agreement {
            subject,
            granted,
            version: "1.0".to_owned(),
            at: sample::after(seconds),
            source,
        };
        let first = agreement(None, true, -40_000_000, ConsentSource::Registration);
        let email = Some((MarketingChannel::Email, Topic::Offers));
        let sms = Some((MarketingChannel::Sms, Topic::News));
        let push = Some((MarketingChannel::Push, Topic::Personal));
        let new = Self {
            p: p.clone(),
            on: Vec::new(),
            agreements: vec![first.clone()],
            has_email: false,
        };
        let saved = Self {
            p: p.with_flash(Tone::Good, "flash-notifications-saved"),
            on: vec![(MarketingChannel::Email, Topic::Offers)],
            agreements: vec![
                agreement(email, true, -60, ConsentSource::Cabinet),
                agreement(sms, false, -90_000, ConsentSource::Message),
                agreement(push, false, -190_000, ConsentSource::Api),
                first,
            ],
            has_email: true,
        };
        vec![("new", new), ("saved", saved)]
    }
}
