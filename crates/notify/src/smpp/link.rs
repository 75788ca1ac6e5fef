//! The line to the message centre: connects, binds, comes back, takes receipts.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use rusmpp::pdus::{BindTransceiver, DeliverSm, DeliverSmResp};
use rusmpp::types::COctetString;
use rusmpp::values::InterfaceVersion;
use rusmpp::{Command, CommandId, CommandStatus, Pdu};
use rusmppc::error::Error;
use rusmppc::{Client, ConnectionBuilder, Event};
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::{Inner, Line, receipt};
use crate::carrier::{DeliveryReport, Reports};
use crate::settings::{SmppSettings, seconds};
use crate::tls::SetupError;

/// Pauses between attempts to connect: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A centre that refuses the login does so again a second later; asking often
/// gets accounts blocked.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
const FAREWELL_PATIENCE: Duration = Duration::from_secs(1);

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Runs the connection. Made by [`super::Smpp::new`].
pub struct Link {
    inner: Arc<Inner>,
    tls: Option<Arc<rustls::ClientConfig>>,
    reports: Arc<dyn Reports>,
}

/// How one connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    NotReached,
    Refused,
    Lost,
    Stopped,
}

/// Finds settings that cannot work.
pub(super) fn check(settings: &SmppSettings) -> Result<(), SetupError> {
    let bad = |setting, why: &str| SetupError::Setting {
        setting,
        why: why.to_owned(),
    };
    bind_request(settings).ok_or_else(|| {
        bad(
            "system_id",
            "login at most 15, password at most 8, system type at most 12 characters, ASCII",
        )
    })?;
    if settings.sender.is_empty()
        || settings.sender.len() > 20
        || !settings.sender.is_ascii()
        || settings.sender.contains(|c: char| c.is_ascii_control())
    {
        return Err(bad("sender", "1 to 20 ASCII characters"));
    }
    if settings.answer_seconds == 0 || settings.enquire_link_seconds == 0 {
        return Err(bad("answer_seconds", "times are at least one second"));
    }
    Ok(())
}

fn bind_request(settings: &SmppSettings) -> Option<BindTransceiver> {
    let password = settings.password.expose_secret();
    let request = BindTransceiver::builder()
        .system_id(COctetString::from_string(settings.system_id.clone()).ok()?)
        .password(COctetString::from_string(password.to_owned()).ok()?)
        .system_type(COctetString::from_string(settings.system_type.clone()).ok()?)
        .interface_version(InterfaceVersion::Smpp3_4)
        .build();
    Some(request)
}

impl Link {
    pub(super) fn new(
        inner: Arc<Inner>,
        tls: Option<Arc<rustls::ClientConfig>>,
        reports: Arc<dyn Reports>,
    ) -> Self {
        Self {
            inner,
            tls,
            reports,
        }
    }

    /// Keeps the line up until `stop` is done, then says goodbye and returns.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut pause = FIRST_PAUSE;
        loop {
            let ended = self.connection(stop.as_mut()).await;
            self.inner.line.send_replace(match ended {
                Ended::Refused => Line::Refused,
                _ => Line::Down,
            });
            pause = match ended {
                Ended::Stopped => return,
                Ended::Lost => FIRST_PAUSE,
                Ended::NotReached => pause.saturating_mul(2).min(LONGEST_PAUSE),
                Ended::Refused => REFUSED_PAUSE,
            };
            tracing::warn!(ended = ?ended, again_in_ms = pause.as_millis(), "smpp line is down");
            metrics::counter!("kabinet_smpp_line_lost_total").increment(1);
            tokio::select! {
                () = stop.as_mut() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn connection(&self, mut stop: std::pin::Pin<&mut impl Future<Output = ()>>) -> Ended {
        let settings = &self.inner.settings;
        let wire = tokio::select! {
            () = stop.as_mut() => return Ended::Stopped,
            wire = tokio::time::timeout(CONNECT_PATIENCE, self.reach()) => wire,
        };
        let Ok(Ok(wire)) = wire else {
            return Ended::NotReached;
        };
        let (client, events, connection) = ConnectionBuilder::new()
            .enquire_link_interval(seconds(settings.enquire_link_seconds))
            .enquire_link_response_timeout(seconds(settings.answer_seconds))
            .response_timeout(seconds(settings.answer_seconds))
            // It would only let SMPP 5.0 through.
            .disable_interface_version_check()
            .no_spawn()
            .connected(wire);
        let mut connection = pin!(connection);
        let Some(request) = bind_request(settings) else {
            return Ended::Refused;
        };
        let mut bind = pin!(client.bind_transceiver(request));
        let (bound, hung_up) = tokio::select! {
            () = stop.as_mut() => return Ended::Stopped,
            bound = bind.as_mut() => (bound, false),
            // A centre that refuses hangs up at once; its answer is read first.
            () = connection.as_mut() => (bind.await, true),
        };
        match bound {
            Ok(_) if hung_up => return Ended::Lost,
            Ok(_) => {}
            Err(Error::UnexpectedResponse { response }) => {
                // Ours to mend: wrong login. The answer holds no secret.
                tracing::error!(status = ?response.status(), "smpp centre refuses the login");
                return Ended::Refused;
            }
            Err(_) => return Ended::NotReached,
        }
        tracing::info!("smpp line is up");
        self.inner.line.send_replace(Line::Bound(client.clone()));
        tokio::select! {
            () = connection.as_mut() => Ended::Lost,
            () = self.serve(&client, events) => Ended::Lost,
            () = stop => {
                // Nothing new is sent, what waits for its answer gets it.
                self.inner.line.send_replace(Line::Down);
                let farewell = tokio::time::timeout(FAREWELL_PATIENCE, client.unbind());
                tokio::select! {
                    () = connection.as_mut() => {}
                    _ = farewell => {}
                }
                Ended::Stopped
            }
        }
    }

    async fn reach(&self) -> std::io::Result<Box<dyn Wire>> {
        let settings = &self.inner.settings;
        let stream = TcpStream::connect((settings.host.as_str(), settings.port)).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let name = rustls::pki_types::ServerName::try_from(settings.host.clone())
            .map_err(std::io::Error::other)?;
        let stream = tokio_rustls::TlsConnector::from(Arc::clone(tls))
            .connect(name, stream)
            .await?;
        Ok(Box::new(stream))
    }

    /// Answers what the centre asks until it hangs up.
    async fn serve(&self, client: &Client, mut events: impl Stream<Item = Event> + Unpin) {
        while let Some(event) = events.next().await {
            let Event::Incoming(command) = event else {
                continue;
            };
            let number = command.sequence_number();
            let answered = match command.pdu() {
                Some(Pdu::DeliverSm(deliver)) => {
                    let status = self.take(deliver).await;
                    client
                        .status(status)
                        .deliver_sm_resp(number, DeliverSmResp::default())
                        .await
                }
                _ if command.id() == CommandId::Unbind => {
                    let _ = client.unbind_resp(number).await;
                    return;
                }
                _ if is_request(&command) => client.generic_nack(number).await,
                _ => Ok(()),
            };
            if answered.is_err() {
                return;
            }
        }
    }

    /// Keeps a receipt and says what to answer.
    async fn take(&self, deliver: &DeliverSm) -> CommandStatus {
        let Some(receipt) = receipt::read(deliver) else {
            metrics::counter!("kabinet_smpp_unread_total").increment(1);
            return CommandStatus::EsmeRok;
        };
        let form = self.inner.settings.receipt_ids;
        let report = DeliveryReport {
            reference: receipt::canonical(&receipt.id, form, false),
            state: receipt.state,
            at: self.inner.clock.now(),
        };
        match self.reports.delivery(report).await {
            Ok(()) => CommandStatus::EsmeRok,
            // "Temporary": the centre sends it again.
            Err(_) => CommandStatus::EsmeRxTAppn,
        }
    }
}

/// Bit 31 of the command id is set in answers (SMPP 3.4 §5.1.2.1).
fn is_request(command: &Command) -> bool {
    u32::from(command.id()) & 0x8000_0000 == 0
}
