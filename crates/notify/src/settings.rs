//! What the operator writes about the ways out, as it stands in the
//! configuration file. Every number has a default.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

/// A connection to a message centre by SMPP 3.4.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmppSettings {
    /// Host name or address of the message centre.
    pub host: String,
    /// Its port.
    #[serde(default = "smpp_port")]
    pub port: u16,
    /// Speak TLS (needed wherever the way to the centre is not a private line).
    #[serde(default)]
    pub tls: bool,
    /// A PEM file of roots trusted beside the system's.
    #[serde(default)]
    pub roots: Option<PathBuf>,
    /// The login, at most 15 characters.
    pub system_id: String,
    /// The password, at most 8 characters (SMPP 3.4 §4.1.1).
    pub password: SecretString,
    /// The system type, if the centre wants one, at most 12 characters.
    #[serde(default)]
    pub system_type: String,
    /// Whom the message comes from: a name of at most 11 Latin characters, or
    /// a number.
    pub sender: String,
    /// Messages handed over in a second, at most.
    #[serde(default = "smpp_rate")]
    pub messages_per_second: u32,
    /// How many messages may wait for their answers at once.
    #[serde(default = "smpp_window")]
    pub window: usize,
    /// Seconds to wait for an answer.
    #[serde(default = "five")]
    pub answer_seconds: u64,
    /// Seconds between signs of life.
    #[serde(default = "thirty")]
    pub enquire_link_seconds: u64,
    /// How a long text travels.
    #[serde(default)]
    pub long_texts: LongTexts,
    /// Some centres name a message in hexadecimal when they take it and in
    /// decimal when they report on it, or the other way round.
    #[serde(default)]
    pub receipt_ids: ReceiptIds,
}

/// How a text that does not fit one message travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LongTexts {
    /// Cut by us, with the concatenation header in each part.
    #[default]
    Parts,
    /// Whole in the `message_payload` parameter; the centre cuts it.
    Payload,
}

/// How the ids in receipts relate to the ids in answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptIds {
    /// The same text.
    #[default]
    Same,
    /// The answer is hexadecimal, the receipt decimal.
    Decimal,
    /// The answer is decimal, the receipt hexadecimal.
    Hexadecimal,
}

/// A gateway for SMS or calls that takes HTTP requests, wholly described here.
///
/// In `url`, `headers` and `body` these words are filled in: `{to}` (the number
/// as `+79…`), `{to_digits}` (without the plus), `{text}`, `{code}`, `{id}` (our
/// id of the message), `{secret}`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewaySettings {
    /// Where the request goes; https, or http to this machine.
    pub url: String,
    /// The method.
    #[serde(default)]
    pub method: Method,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What `{secret}` stands for: the gateway's key or password.
    #[serde(default)]
    pub secret: Option<SecretString>,
    /// The body.
    #[serde(default)]
    pub body: BodyTemplate,
    /// What counts as taken.
    #[serde(default)]
    pub success: SuccessRule,
    /// Where in the answer (a JSON pointer, RFC 6901) the gateway's name for
    /// the message stands.
    #[serde(default)]
    pub reference: Option<String>,
    /// For calls when the gateway chooses the number it calls from: where in
    /// the answer (a JSON pointer) that number stands.
    #[serde(default)]
    pub calling_number: Option<String>,
    /// What the gateway's own error codes mean.
    #[serde(default)]
    pub errors: ErrorMap,
    /// Seconds to wait for the answer.
    #[serde(default = "five")]
    pub timeout_seconds: u64,
    /// A PEM file of roots trusted beside the system's.
    #[serde(default)]
    pub roots: Option<PathBuf>,
    /// How the gateway reports deliveries to us, if it does.
    #[serde(default)]
    pub reports: Option<WebhookSettings>,
}

/// The address and the headers often hold a key.
impl std::fmt::Debug for GatewaySettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewaySettings")
            .field("method", &self.method)
            .field("timeout_seconds", &self.timeout_seconds)
            .finish_non_exhaustive()
    }
}

/// The method of a gateway request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Method {
    /// GET, the words filled into the query.
    #[serde(rename = "GET")]
    Get,
    /// POST.
    #[default]
    #[serde(rename = "POST")]
    Post,
    /// PUT.
    #[serde(rename = "PUT")]
    Put,
}

/// The body of a gateway request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyTemplate {
    /// No body.
    #[default]
    None,
    /// JSON; the words are filled into its strings, so nothing that stands in
    /// a text can change its shape.
    Json(serde_json::Value),
    /// A form (`application/x-www-form-urlencoded`).
    Form(BTreeMap<String, String>),
}

/// What counts as taken by the gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SuccessRule {
    /// The HTTP statuses of a taken message.
    pub statuses: Vec<u16>,
    /// A JSON pointer that has to be in the answer.
    pub pointer: Option<String>,
    /// What has to stand there; anything but `null` and `false` if not given.
    pub equals: Option<serde_json::Value>,
}

impl Default for SuccessRule {
    fn default() -> Self {
        Self {
            statuses: vec![200, 201, 202, 204],
            pointer: None,
            equals: None,
        }
    }
}

/// What the gateway's own error codes mean.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ErrorMap {
    /// A JSON pointer to the error code in the answer.
    pub pointer: Option<String>,
    /// Codes that say the number does not exist.
    pub no_such_address: Vec<serde_json::Value>,
    /// Codes that say this message is refused for good.
    pub rejected: Vec<serde_json::Value>,
    /// Codes that say to slow down.
    pub throttled: Vec<serde_json::Value>,
}

/// How a gateway's delivery reports are known to be its own and read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// The key of the HMAC-SHA256, at least 16 bytes.
    pub secret: SecretString,
    /// The header with the moment of sending, in seconds since 1970.
    #[serde(default = "timestamp_header")]
    pub timestamp_header: String,
    /// The header with the HMAC over `timestamp + "." + body` in hexadecimal,
    /// with or without `sha256=` before it.
    #[serde(default = "signature_header")]
    pub signature_header: String,
    /// JSON pointer to the gateway's name for the message.
    pub reference: String,
    /// JSON pointer to the state.
    pub state: String,
    /// The words for an arrived message.
    pub delivered: Vec<serde_json::Value>,
    /// The words for a message that will not arrive.
    pub failed: Vec<serde_json::Value>,
}

/// A mail server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    /// Host name or address.
    pub host: String,
    /// Port; 465 with `tls`, 587 with `starttls`, 25 without either, if not given.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub security: SmtpSecurity,
    /// A PEM file of roots trusted beside the system's.
    #[serde(default)]
    pub roots: Option<PathBuf>,
    /// Login, with the password.
    #[serde(default)]
    pub user: Option<String>,
    /// Password.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// The address the letters come from, with or without a name:
    /// `Кабинет <no-reply@example.ru>`.
    pub from: String,
    /// Where an answer to a letter goes, if anywhere.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// What we call ourselves in EHLO; the domain of `from` if not given.
    #[serde(default)]
    pub hello: Option<String>,
    /// Connections kept at most.
    #[serde(default = "smtp_connections")]
    pub connections: u32,
    /// Seconds to wait for one answer of the server.
    #[serde(default = "ten")]
    pub timeout_seconds: u64,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpSecurity {
    /// TLS after STARTTLS; without it nothing is sent.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// None; only to a server on this machine.
    None,
}

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn smpp_port() -> u16 {
    2775
}
fn smpp_rate() -> u32 {
    20
}
fn smpp_window() -> usize {
    10
}
fn smtp_connections() -> u32 {
    4
}
fn five() -> u64 {
    5
}
fn ten() -> u64 {
    10
}
fn thirty() -> u64 {
    30
}
fn timestamp_header() -> String {
    "x-timestamp".to_owned()
}
fn signature_header() -> String {
    "x-signature".to_owned()
}
