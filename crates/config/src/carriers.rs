//! The sections about carriers: who brings messages to people.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use crate::span;

/// `[sms]`: how SMS are sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum SmsSettings {
    /// Not at all.
    #[default]
    None,
    /// Through a message centre, by SMPP 3.4.
    Smpp(SmppSettings),
    /// Through a gateway, by HTTP.
    Http(Box<HttpGateway>),
}

/// `[call]`: how calls that carry a code are made.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum CallSettings {
    /// Not at all.
    #[default]
    None,
    /// Through a gateway, by HTTP.
    Http(Box<HttpGateway>),
}

/// `[email]`: how e-mail is sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum EmailSettings {
    /// Not at all.
    #[default]
    None,
    /// Through a mail server.
    Smtp(SmtpSettings),
}

/// A message centre that speaks SMPP 3.4.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmppSettings {
    /// Name or address of the message centre.
    pub host: String,
    /// Its port.
    #[serde(default = "defaults::smpp_port")]
    pub port: u16,
    /// Whether the connection is TLS from the start.
    #[serde(default)]
    pub tls: bool,
    /// Who we are to the centre: at most 15 characters (SMPP 3.4 §5.2.1).
    pub system_id: String,
    /// At most 8 characters (SMPP 3.4 §5.2.2).
    pub password: SecretString,
    /// The kind of system, if the centre wants one: at most 12 characters.
    #[serde(default)]
    pub system_type: String,
    /// The sender that people see: a name of at most 11 Latin letters and
    /// digits, or a number.
    pub source: String,
    /// Messages handed over in a second, at most; the centre's contract says.
    #[serde(default = "defaults::smpp_rate")]
    pub messages_per_second: u32,
    /// How often an idle connection is asked whether it lives.
    #[serde(default = "defaults::enquire", with = "span")]
    pub enquire_link: Duration,
    /// How long an answer is waited for.
    #[serde(default = "defaults::answer", with = "span")]
    pub response_timeout: Duration,
}

/// A gateway that takes a message as one HTTP request.
///
/// In `url`, `body` and the values of `headers` these words are replaced: `{to}`
/// (the number with a plus), `{to_digits}` (without), `{text}`, `{code}`,
/// `{id}` (our id of the message). They are encoded as the place needs: percent
/// signs in the URL, JSON or form rules in the body by `content_type`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpGateway {
    /// Where the request goes.
    pub url: SecretString,
    /// The method.
    #[serde(default)]
    pub method: Method,
    /// Headers; what proves who we are usually stands here.
    #[serde(default)]
    pub headers: BTreeMap<String, SecretString>,
    /// `application/json` or `application/x-www-form-urlencoded`.
    #[serde(default = "defaults::content_type")]
    pub content_type: String,
    /// The template of the body; empty sends none.
    #[serde(default)]
    pub body: String,
    /// What an answer must be to count as taken.
    #[serde(default)]
    pub success: Answer,
    /// The shared secret of delivery reports: each must carry the HMAC-SHA-256
    /// of its body under it (A24). Without one, reports are not taken.
    #[serde(default)]
    pub report_secret: Option<SecretString>,
    /// How long an answer is waited for.
    #[serde(default = "defaults::answer", with = "span")]
    pub timeout: Duration,
}

/// The method of a gateway's request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Method {
    /// POST with a body.
    #[default]
    #[serde(rename = "POST")]
    Post,
    /// GET, everything in the URL.
    #[serde(rename = "GET")]
    Get,
}

/// What an answer must be to count as taken: the status fits, and what the
/// pointer leads to is there and, where `equals` is set, is that.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answer {
    /// Statuses that count, as a lowest and a highest.
    pub status: (u16, u16),
    /// Where in a JSON answer to look (RFC 6901), such as `/status`; empty
    /// looks nowhere.
    pub pointer: String,
    /// What must stand there, as text; empty asks only that something does.
    pub equals: String,
    /// Where in a JSON answer the gateway's own id of the message stands.
    pub id_pointer: String,
    /// Calls: where in a JSON answer the number that will ring stands, when
    /// the gateway chooses it: its last digits are the code. Empty when it
    /// takes the `{code}` from us.
    pub caller_pointer: String,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            status: (200, 299),
            pointer: String::new(),
            equals: String::new(),
            id_pointer: String::new(),
            caller_pointer: String::new(),
        }
    }
}

/// A mail server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    /// Name of the server; its certificate must fit.
    pub host: String,
    /// Its port.
    #[serde(default = "defaults::smtp_port")]
    pub port: u16,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: Tls,
    /// Who we are to the server; empty for one that asks nothing.
    #[serde(default)]
    pub username: String,
    /// What proves it.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// The sender: `Company <no-reply@company.example>`.
    pub from: String,
    /// How long an answer is waited for.
    #[serde(default = "defaults::answer", with = "span")]
    pub timeout: Duration,
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Plain at first, TLS before anything is said; usually port 587.
    #[default]
    Starttls,
    /// TLS from the start; usually port 465.
    Implicit,
    /// Never. Only for a server on the same machine.
    None,
}

mod defaults {
    use super::Duration;

    pub(super) fn smpp_port() -> u16 {
        2775
    }
    pub(super) fn smpp_rate() -> u32 {
        20
    }
    pub(super) fn smtp_port() -> u16 {
        587
    }
    pub(super) fn enquire() -> Duration {
        Duration::from_secs(30)
    }
    pub(super) fn answer() -> Duration {
        Duration::from_secs(10)
    }
    pub(super) fn content_type() -> String {
        "application/json".to_owned()
    }
}
