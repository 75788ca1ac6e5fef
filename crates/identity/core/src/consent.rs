//! Consents and subscriptions (ID-12): what was agreed to, in which wording, when and where.

use serde::{Deserialize, Serialize};

/// What a person agrees to or declines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Processing of personal data; required (152-ФЗ).
    PersonalData,
    /// Marketing by one channel.
    Marketing(MarketingChannel),
}

/// Channels of marketing; every one is off until switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarketingChannel {
    /// Text messages.
    Sms,
    /// E-mail.
    Email,
    /// Messengers.
    Messenger,
    /// Push notifications.
    Push,
}

impl MarketingChannel {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 4] = [Self::Sms, Self::Email, Self::Messenger, Self::Push];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
            Self::Messenger => "messenger",
            Self::Push => "push",
        }
    }

    /// From the stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.as_str() == name)
    }
}

/// What marketing is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Discounts and sales.
    Offers,
    /// News of the service.
    News,
    /// What was looked at and liked.
    Personal,
}

impl Topic {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 3] = [Self::Offers, Self::News, Self::Personal];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offers => "offers",
            Self::News => "news",
            Self::Personal => "personal",
        }
    }

    /// From the stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == name)
    }
}

/// Where an agreement was given or taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// At registration.
    Registration,
    /// On the page of notifications.
    Cabinet,
    /// By the link in a message, without signing in.
    Message,
    /// By the API.
    Api,
}

impl Source {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Cabinet => "cabinet",
            Self::Message => "message",
            Self::Api => "api",
        }
    }

    /// From the stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Registration, Self::Cabinet, Self::Message, Self::Api]
            .into_iter()
            .find(|source| source.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for channel in MarketingChannel::ALL {
            assert_eq!(MarketingChannel::from_name(channel.as_str()), Some(channel));
        }
        for topic in Topic::ALL {
            assert_eq!(Topic::from_name(topic.as_str()), Some(topic));
        }
        for name in ["registration", "cabinet", "message", "api"] {
            assert_eq!(Source::from_name(name).unwrap().as_str(), name);
        }
    }
}
