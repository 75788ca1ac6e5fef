//! SMS through a message centre: SMPP 3.4, one transceiver connection.
//!
//! [`Smpp::new`] gives the carrier and its [`Link`]; the binary runs
//! [`Link::run`] for as long as it lives. The link binds, answers signs of
//! life, comes back with growing pauses after a loss, and passes receipts on;
//! a receipt is answered only after it is kept. While there is no link the
//! carrier answers "not now" at once: pages never wait for it (F7).

mod link;
mod receipt;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Clock, Identifier, Phone, Timestamp};
use rusmpp::CommandStatus;
use rusmpp::pdus::SubmitSm;
use rusmpp::tlvs::MessageSubmissionRequestTlvValue;
use rusmpp::types::{AnyOctetString, COctetString, EmptyOrFullCOctetString, OctetString};
use rusmpp::values::{DataCoding, EsmClass, MessagePayload, Npi, RegisteredDelivery, Ton};
use rusmppc::Client;
use tokio::sync::{Semaphore, watch};

pub use link::Link;

use crate::carrier::{Body, Carrier, Handed, Outgoing, Refusal, Reports, SendError};
use crate::settings::{LongTexts, SmppSettings, seconds};
use crate::sms::{self, Coding};
use crate::tls::SetupError;

/// How the line to the message centre stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// No connection.
    Down,
    /// The centre refuses our login.
    Refused,
    /// Bound: messages go through.
    Bound,
}

#[derive(Clone)]
enum Line {
    Down,
    Refused,
    Bound(Client),
}

/// The carrier. Cheap to clone.
#[derive(Clone)]
pub struct Smpp {
    inner: Arc<Inner>,
}

struct Inner {
    settings: SmppSettings,
    clock: Arc<dyn Clock>,
    line: watch::Sender<Line>,
    window: Semaphore,
    /// Lets one message through at a time, at the rate of the contract.
    pace: tokio::sync::Mutex<Option<tokio::time::Interval>>,
    /// The reference of the next long message.
    concatenation: AtomicU8,
}

/// Asked of a centre that says "slow down".
const THROTTLE_PAUSE: Duration = Duration::from_secs(1);

impl Smpp {
    /// The carrier and the link that has to be run for it. Fails on settings
    /// that cannot work.
    pub fn new(
        settings: SmppSettings,
        clock: Arc<dyn Clock>,
        reports: Arc<dyn Reports>,
    ) -> Result<(Self, Link), SetupError> {
        link::check(&settings)?;
        let tls = settings
            .tls
            .then(|| crate::tls::client_config(settings.roots.as_deref()))
            .transpose()?;
        let (line, _) = watch::channel(Line::Down);
        let inner = Arc::new(Inner {
            window: Semaphore::new(settings.window.clamp(1, 1000)),
            settings,
            clock,
            line,
            pace: tokio::sync::Mutex::new(None),
            concatenation: AtomicU8::new(0),
        });
        let link = Link::new(Arc::clone(&inner), tls.map(Arc::new), reports);
        Ok((Self { inner }, link))
    }

    /// How the line stands, for health checks.
    pub fn state(&self) -> LinkState {
        match *self.inner.line.borrow() {
            Line::Down => LinkState::Down,
            Line::Refused => LinkState::Refused,
            Line::Bound(_) => LinkState::Bound,
        }
    }

    /// Waits until the line is bound.
    pub async fn bound(&self) {
        let mut line = self.inner.line.subscribe();
        // The sender lives in `self`, so this cannot fail.
        let _ = line.wait_for(|line| matches!(line, Line::Bound(_))).await;
    }
}

#[async_trait]
impl Carrier for Smpp {
    async fn deliver(&self, message: &Outgoing) -> Result<Handed, SendError> {
        let (Identifier::Phone(phone), Body::Sms { text }) = (&message.to, &message.body) else {
            return Err(SendError::Permanent(Refusal::WrongChannel));
        };
        let client = match &*self.inner.line.borrow() {
            Line::Bound(client) => client.clone(),
            Line::Refused => return Err(not_now("login_refused")),
            Line::Down => return Err(not_now("no_line")),
        };
        let parts = self
            .inner
            .submissions(phone, text, message.worthless_after)?;
        let mut last = None;
        for part in parts {
            let patience = seconds(self.inner.settings.answer_seconds);
            let turn = async {
                self.inner.wait_for_turn().await;
                self.inner.window.acquire().await.ok()
            };
            let _permit = tokio::time::timeout(patience, turn)
                .await
                .ok()
                .flatten()
                .ok_or(SendError::Transient {
                    code: "window_full",
                    retry_after: Some(THROTTLE_PAUSE),
                })?;
            let answer = client
                .submit_sm(part)
                .await
                .map_err(|error| judge(&error))?;
            last = Some(answer.message_id().as_str().to_owned());
        }
        // Receipts are asked for the last part only, so its id is the name.
        let reference = last
            .filter(|id| !id.is_empty())
            .map(|id| receipt::canonical(&id, self.inner.settings.receipt_ids, true));
        Ok(Handed {
            reference,
            calling_number: None,
        })
    }

    fn name(&self) -> &'static str {
        "smpp"
    }
}

impl Inner {
    /// Returns when the next message may go by the contract's rate.
    async fn wait_for_turn(&self) {
        let rate = self.settings.messages_per_second.max(1);
        let mut pace = self.pace.lock().await;
        // Made here because it needs a running runtime.
        let pace = pace.get_or_insert_with(|| {
            let gap = Duration::from_secs(1).checked_div(rate).unwrap_or_default();
            let mut pace = tokio::time::interval(gap.max(Duration::from_millis(1)));
            pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            pace
        });
        pace.tick().await;
    }

    fn submissions(
        &self,
        to: &Phone,
        text: &str,
        worthless_after: Option<Timestamp>,
    ) -> Result<Vec<SubmitSm>, SendError> {
        let cut = sms::split(text);
        if cut.parts.len() > sms::MAX_PARTS {
            return Err(SendError::Permanent(Refusal::TooLong));
        }
        let rejected = SendError::Permanent(Refusal::Rejected);
        let destination = to.as_str().trim_start_matches('+');
        let (source_ton, source_npi) = sender_kind(&self.settings.sender);
        let mut base = SubmitSm::builder()
            .source_addr_ton(source_ton)
            .source_addr_npi(source_npi)
            .source_addr(c_string(&self.settings.sender)?)
            .dest_addr_ton(Ton::International)
            .dest_addr_npi(Npi::Isdn)
            .destination_addr(c_string(destination)?)
            // The library's default sets an acknowledgement bit.
            .esm_class(EsmClass::from(0))
            .data_coding(match cut.coding {
                Coding::Gsm7 => DataCoding::McSpecific,
                Coding::Ucs2 => DataCoding::Ucs2,
            })
            .build();
        if let Some(validity) = self.validity(worthless_after) {
            base.validity_period = validity;
        }
        // Bit 0: a receipt for success and for failure.
        let receipt = RegisteredDelivery::from(1);

        if cut.parts.len() > 1 && self.settings.long_texts == LongTexts::Payload {
            let payload = MessagePayload::new(AnyOctetString::from_vec(cut.parts.concat()));
            base.push_tlv(MessageSubmissionRequestTlvValue::MessagePayload(payload));
            base.registered_delivery = receipt;
            return Ok(vec![base]);
        }
        let total = u8::try_from(cut.parts.len()).map_err(|_| rejected)?;
        let reference = self.concatenation.fetch_add(1, Ordering::Relaxed);
        let mut submissions = Vec::with_capacity(cut.parts.len());
        for (octets, number) in cut.parts.into_iter().zip(1u8..) {
            let mut part = base.clone();
            let short_message = if total > 1 {
                part.esm_class = EsmClass::from(0b0100_0000);
                [sms::header(reference, total, number).as_slice(), &octets].concat()
            } else {
                octets
            };
            part.set_short_message(OctetString::from_vec(short_message).map_err(|_| rejected)?);
            if number == total {
                part.registered_delivery = receipt;
            }
            submissions.push(part);
        }
        Ok(submissions)
    }

    /// How long the centre may try, as a relative time (SMPP 3.4 §7.1.1.2).
    fn validity(&self, worthless_after: Option<Timestamp>) -> Option<EmptyOrFullCOctetString<17>> {
        let left = worthless_after?.since(self.clock.now()).as_secs().max(1);
        let (minutes, secs) = (left.checked_div(60)?, left.checked_rem(60)?);
        let (hours, minutes) = (minutes.checked_div(60)?, minutes.checked_rem(60)?);
        let days = hours.checked_div(24)?.min(29);
        let hours = hours.checked_rem(24)?;
        EmptyOrFullCOctetString::from_string(format!(
            "0000{days:02}{hours:02}{minutes:02}{secs:02}000R"
        ))
        .ok()
    }
}

fn c_string<const MAX: usize>(text: &str) -> Result<COctetString<1, MAX>, SendError> {
    COctetString::from_string(text.to_owned()).map_err(|_| SendError::Permanent(Refusal::Rejected))
}

/// A name is alphanumeric, a long number international, a short one the
/// network's own.
fn sender_kind(sender: &str) -> (Ton, Npi) {
    let digits = sender.bytes().all(|b| b.is_ascii_digit());
    match (digits, sender.len()) {
        (true, 10..) => (Ton::International, Npi::Isdn),
        (true, _) => (Ton::NetworkSpecific, Npi::Isdn),
        (false, _) => (Ton::Alphanumeric, Npi::Unknown),
    }
}

const fn not_now(code: &'static str) -> SendError {
    SendError::Transient {
        code,
        retry_after: None,
    }
}

/// What an error of the library means for the message.
fn judge(error: &rusmppc::error::Error) -> SendError {
    use rusmppc::error::Error;
    match error {
        Error::UnexpectedResponse { response } => judge_status(response.status()),
        Error::Encode(_) | Error::UnsupportedInterfaceVersion { .. } => {
            SendError::Permanent(Refusal::Rejected)
        }
        Error::ResponseTimeout { .. } => SendError::Unknown { code: "no_answer" },
        // The message may have left before the line broke.
        _ => SendError::Unknown { code: "line_lost" },
    }
}

/// SMPP 3.4 §5.1.3.
fn judge_status(status: CommandStatus) -> SendError {
    match status {
        CommandStatus::EsmeRthrottled | CommandStatus::EsmeRmsgqful => SendError::Transient {
            code: "throttled",
            retry_after: Some(THROTTLE_PAUSE),
        },
        CommandStatus::EsmeRinvdstadr
        | CommandStatus::EsmeRinvdstton
        | CommandStatus::EsmeRinvdstnpi => SendError::Permanent(Refusal::NoSuchAddress),
        CommandStatus::EsmeRinvmsglen
        | CommandStatus::EsmeRinvsrcadr
        | CommandStatus::EsmeRinvsrcton
        | CommandStatus::EsmeRinvsrcnpi
        | CommandStatus::EsmeRinvesmclass
        | CommandStatus::EsmeRinvdcs
        | CommandStatus::EsmeRinvexpiry
        | CommandStatus::EsmeRprohibited
        | CommandStatus::EsmeRxPAppn
        | CommandStatus::EsmeRxRAppn => SendError::Permanent(Refusal::Rejected),
        // System error, queue trouble and the vendor's own numbers.
        _ => not_now("centre_error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_a_name_or_a_number() {
        assert_eq!(sender_kind("KABINET"), (Ton::Alphanumeric, Npi::Unknown));
        assert_eq!(sender_kind("79001234567"), (Ton::International, Npi::Isdn));
        assert_eq!(sender_kind("0611"), (Ton::NetworkSpecific, Npi::Isdn));
    }
}
