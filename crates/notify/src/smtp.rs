//! E-mail through a mail server.
//!
//! A letter keeps its Message-ID in every attempt, so that a second copy is
//! seen for what it is. Soft refusals (4xx: greylisting, a full mailbox) are
//! tried again; a hard one marks the address and never the account (F8).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use kernel::{Clock, Identifier, MessageId};
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{AsyncSmtpTransport, Error, PoolConfig};
use lettre::{Address, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret as _;

use crate::carrier::{Body, Carrier, Handed, Outgoing, Refusal, SendError};
use crate::settings::{SmtpSecurity, SmtpSettings, seconds};
use crate::tls::{SetupError, is_loopback, read_roots};

/// The whole conversation about one letter takes at most this many times the
/// patience for one answer.
const ANSWERS_PER_LETTER: u32 = 6;

/// The carrier.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    clock: Arc<dyn Clock>,
    patience: Duration,
}

impl Smtp {
    /// A carrier over one mail server; connects when there is something to
    /// send. Fails on settings that cannot work.
    pub fn new(settings: &SmtpSettings, clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        let bad = |setting, why: &str| SetupError::Setting {
            setting,
            why: why.to_owned(),
        };
        let mailbox = |setting, text: &str| {
            text.parse::<Mailbox>()
                .map_err(|_| bad(setting, "not an address: `Name <mail@example.ru>`"))
        };
        let from = mailbox("from", &settings.from)?;
        let reply_to = settings
            .reply_to
            .as_deref()
            .map(|text| mailbox("reply_to", text))
            .transpose()?;
        let (tls, default_port) = match settings.security {
            SmtpSecurity::Tls => (Tls::Wrapper(tls(settings)?), 465),
            SmtpSecurity::Starttls => (Tls::Required(tls(settings)?), 587),
            SmtpSecurity::None if is_loopback(&settings.host) => (Tls::None, 25),
            SmtpSecurity::None => {
                return Err(bad("security", "none is for a server on this machine only"));
            }
        };
        let hello = settings.hello.as_deref().unwrap_or(from.email.domain());
        let answer = seconds(settings.timeout_seconds.clamp(1, 120));
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port.unwrap_or(default_port))
            .tls(tls)
            .hello_name(ClientId::Domain(hello.to_owned()))
            .timeout(Some(answer))
            .pool_config(PoolConfig::new().max_size(settings.connections.clamp(1, 100)));
        match (&settings.user, &settings.password) {
            (Some(user), Some(password)) => {
                builder = builder.credentials(Credentials::new(
                    user.clone(),
                    password.expose_secret().to_owned(),
                ));
            }
            (None, None) => {}
            _ => return Err(bad("user", "user and password go together")),
        }
        Ok(Self {
            transport: builder.build(),
            from,
            reply_to,
            clock,
            patience: answer.saturating_mul(ANSWERS_PER_LETTER),
        })
    }

    fn letter(&self, message: &Outgoing) -> Result<(Message, String), SendError> {
        let (
            Identifier::Email(to),
            Body::Email {
                subject,
                text,
                html,
                unsubscribe,
            },
        ) = (&message.to, &message.body)
        else {
            return Err(SendError::Permanent(Refusal::WrongChannel));
        };
        let to: Address = to
            .as_str()
            .parse()
            .map_err(|_| SendError::Permanent(Refusal::NoSuchAddress))?;
        let id = message_id(message.id, self.from.email.domain());
        let micros = u64::try_from(self.clock.now().as_micros()).unwrap_or(0);
        let date = SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_micros(micros))
            .unwrap_or(SystemTime::UNIX_EPOCH);
        let mut letter = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(one_line(subject))
            .message_id(Some(id.clone()))
            .date(date)
            // RFC 3834: holiday replies must not answer.
            .header(AutoSubmitted);
        if let Some(reply_to) = &self.reply_to {
            letter = letter.reply_to(reply_to.clone());
        }
        if let Some(link) = unsubscribe {
            letter = letter
                .header(ListUnsubscribe(format!("<{}>", one_line(link))))
                .header(ListUnsubscribePost);
        }
        let letter = letter
            .multipart(MultiPart::alternative_plain_html(
                text.clone(),
                html.clone(),
            ))
            .map_err(|_| SendError::Permanent(Refusal::Rejected))?;
        Ok((letter, id))
    }
}

fn tls(settings: &SmtpSettings) -> Result<TlsParameters, SetupError> {
    let failed = |error: Error| SetupError::Tls(error.to_string());
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(path) = &settings.roots {
        let pem = read_roots(path)?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(failed)?);
    }
    builder.build().map_err(failed)
}

/// The Message-ID of a message: ours, the same in every attempt.
fn message_id(id: MessageId, domain: &str) -> String {
    format!("<{id}@{domain}>")
}

/// A header value is one line, whatever came in.
fn one_line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}

#[async_trait]
impl Carrier for Smtp {
    async fn deliver(&self, message: &Outgoing) -> Result<Handed, SendError> {
        let (letter, id) = self.letter(message)?;
        let sent = tokio::time::timeout(self.patience, self.transport.send(letter)).await;
        match sent {
            Ok(Ok(_)) => Ok(Handed {
                reference: Some(id),
                calling_number: None,
            }),
            Ok(Err(error)) => Err(judge(&error)),
            Err(_) => Err(SendError::Unknown { code: "no_answer" }),
        }
    }

    fn name(&self) -> &'static str {
        "smtp"
    }
}

/// RFC 5321 §4.2: 4yz try again, 5yz never. Which 5yz speak of the mailbox:
/// 550, 551, 553 (§4.2.2); 552 (full) and 554 (policy) speak of this letter.
fn judge(error: &Error) -> SendError {
    let not_now = |code| SendError::Transient {
        code,
        retry_after: None,
    };
    if let Some(code) = error.status() {
        let number = u16::from(code);
        return match number {
            421 => not_now("server_closing"),
            // It works, it only wants us to come later.
            400..500 => SendError::Transient {
                code: "later",
                retry_after: Some(Duration::from_secs(60)),
            },
            550 | 551 | 553 => SendError::Permanent(Refusal::NoSuchAddress),
            530 | 534 | 535 | 538 => not_now("login_refused"),
            _ => SendError::Permanent(Refusal::Rejected),
        };
    }
    if error.is_timeout() {
        SendError::Unknown { code: "no_answer" }
    } else if error.is_tls() {
        not_now("tls")
    } else if error.is_response() {
        SendError::Unknown {
            code: "malformed_answer",
        }
    } else {
        not_now("unreachable")
    }
}

macro_rules! fixed_header {
    ($type:ident, $name:literal, $value:literal) => {
        #[derive(Clone)]
        struct $type;
        impl Header for $type {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($name)
            }
            fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok(Self)
            }
            fn display(&self) -> HeaderValue {
                HeaderValue::new(Self::name(), $value.to_owned())
            }
        }
    };
}

fixed_header!(AutoSubmitted, "Auto-Submitted", "auto-generated");
// RFC 8058: one click, by POST.
fixed_header!(
    ListUnsubscribePost,
    "List-Unsubscribe-Post",
    "List-Unsubscribe=One-Click"
);

#[derive(Clone)]
struct ListUnsubscribe(String);
impl Header for ListUnsubscribe {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe")
    }
    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }
    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}
