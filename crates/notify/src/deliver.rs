//! Carrying a message out: what the jobs of messages do.
//!
//! - Handled again after a crash, a message that was handed over, settled or
//!   expired is left alone; one that was on its way may be sent once more: at
//!   most one duplicate for each crash (F7, I7), with the same code.
//! - An attempt whose outcome nobody knows is repeated once and no more.
//! - A carrier that does not answer rests ([`crate::breaker`]); what cannot
//!   wait so long fails at once, so that the page can offer another channel.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use db::{BoxFuture, Db, DbError, WriteTx, params};
use jobs::{Handler, JobError, Lease, Runner};
use kernel::{MessageId, Timestamp};
use parking_lot::Mutex;

use crate::breaker::{Breaker, Limits, Permit};
use crate::carrier::{Carrier, Channel, Handed, Outgoing, Refusal, SendError};
use crate::outbox::{
    self, Deliver, DeliverCall, DeliverEmail, DeliverSms, DeliveryState, Suppression, TRIES_MAX,
    sql,
};
use crate::texts::Composer;

/// Told of a call whose number the gateway chose, in the transaction that
/// writes the message down as handed over: the last digits are the code now.
/// Both are written or neither is, so a message that is tried again after a
/// crash, with another number, leaves only the digits of its last call.
pub trait LearntCodes: Send + Sync {
    /// `subject` is the blind index of whom the call goes to. `number` is a
    /// secret: it spells the code
    /// ([`crate::http_gateway::code_of_number`]). Repeated for a message, the
    /// digits of the last call take the place of the former ones.
    fn learnt<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        subject: &'t [u8; 32],
        message: MessageId,
        number: &'t str,
    ) -> BoxFuture<'t, Result<(), DbError>>;
}

struct Way {
    carrier: Arc<dyn Carrier>,
    breaker: Mutex<Breaker>,
}

/// The ways out of this installation, one for each channel at most, each with
/// its breaker. Cheap to clone.
#[derive(Clone, Default)]
pub struct Ways(Arc<BTreeMap<Channel, Way>>);

impl Ways {
    /// From the carriers that are set up.
    pub fn new(carriers: Vec<(Channel, Arc<dyn Carrier>)>) -> Self {
        let ways = carriers.into_iter().map(|(channel, carrier)| {
            let breaker = Mutex::new(Breaker::new(Limits::default()));
            (channel, Way { carrier, breaker })
        });
        Self(Arc::new(ways.collect()))
    }

    /// Whether there is a carrier for the channel at all.
    pub fn has(&self, channel: Channel) -> bool {
        self.0.contains_key(&channel)
    }

    /// Whether the channel works just now, so that a page may offer it.
    pub fn is_up(&self, channel: Channel) -> bool {
        self.0
            .get(&channel)
            .is_some_and(|way| way.breaker.lock().is_closed())
    }
}

/// Carries messages out. Cheap to clone.
#[derive(Clone)]
pub struct Courier(Arc<Inner>);

struct Inner {
    db: Db,
    vault: vault::Vault,
    composer: Composer,
    ways: Ways,
    learnt: Option<Arc<dyn LearntCodes>>,
}

impl Courier {
    /// One for the process.
    pub fn new(
        db: Db,
        vault: vault::Vault,
        composer: Composer,
        ways: Ways,
        learnt: Option<Arc<dyn LearntCodes>>,
    ) -> Self {
        Self(Arc::new(Inner {
            db,
            vault,
            composer,
            ways,
            learnt,
        }))
    }

    /// Makes a runner send messages: one kind of job for each channel, so that
    /// a mail server that hangs takes no place from an SMS.
    #[must_use]
    pub fn register(self, runner: Runner) -> Runner {
        runner
            .handle::<DeliverSms>(self.clone())
            .handle::<DeliverCall>(self.clone())
            .handle::<DeliverEmail>(self)
    }
}

impl Inner {
    fn now(&self) -> Timestamp {
        self.db.clock().now()
    }

    /// Takes the message in hand, unless it is past that.
    async fn begin(&self, job: &Deliver) -> Result<Option<Begun>, JobError> {
        let input = (job.message, job.worthless_after);
        self.db
            .write("notify.begin", input, |tx, (message, worthless_after)| {
                Box::pin(begin(tx, *message, *worthless_after)) as BoxFuture<'_, _>
            })
            .await
            .map_err(|error: DbError| error.into())
    }

    async fn settle(
        &self,
        job: &Deliver,
        state: DeliveryState,
        reason: &'static str,
    ) -> Result<(), JobError> {
        count(job, state, reason);
        let input = (job.message, state, reason);
        self.db
            .write("notify.settle", input, |tx, (message, state, reason)| {
                Box::pin(outbox::settle(tx, *message, *state, Some(*reason))) as BoxFuture<'_, _>
            })
            .await
            .map_err(|error: DbError| error.into())
    }

    async fn handed(&self, job: &Deliver, way: &Way, handed: Handed) -> Result<(), JobError> {
        count(job, DeliveryState::Handed, "");
        let input = Taken {
            message: job.message,
            channel: job.channel,
            subject: outbox::subject(&self.vault, &job.to),
            carrier: way.carrier.name(),
            handed,
            learnt: self.learnt.clone(),
        };
        self.db
            .write("notify.handed", input, |tx, taken| {
                Box::pin(taken.write(tx)) as BoxFuture<'_, _>
            })
            .await
            .map_err(|error: DbError| error.into())
    }

    /// The address does not exist: marks it, if letters bounce off it (F8).
    async fn bounced(&self, job: &Deliver) -> Result<(), JobError> {
        if job.channel != Channel::Email {
            return Ok(());
        }
        let subject = outbox::subject(&self.vault, &job.to);
        self.db
            .write("notify.bounced", subject, |tx, subject| {
                let marked = outbox::suppress(tx, subject, Channel::Email, Suppression::Bounced);
                Box::pin(marked) as BoxFuture<'_, _>
            })
            .await
            .map_err(|error: DbError| error.into())
    }

    async fn unsure(&self, job: &Deliver) -> Result<(), JobError> {
        self.db
            .write("notify.unsure", job.message, |tx, message| {
                Box::pin(async move {
                    tx.execute(&sql::UNSURE, params![message.as_bytes()])
                        .await
                        .map(|_| ())
                }) as BoxFuture<'_, _>
            })
            .await
            .map_err(|error: DbError| error.into())
    }

    /// Tries again after a pause, unless that would be too late or too often.
    async fn later(
        &self,
        job: &Deliver,
        lease: &Lease,
        code: &'static str,
        pause: Duration,
    ) -> Result<(), JobError> {
        let too_late = self.now().saturating_add(pause) >= job.worthless_after;
        if too_late || lease.tries >= TRIES_MAX {
            return self.settle(job, DeliveryState::Failed, code).await;
        }
        Err(JobError::Again {
            code,
            after: Some(pause),
        })
    }
}

struct Begun {
    unsure: i64,
}

async fn begin(
    tx: &mut WriteTx,
    message: MessageId,
    worthless_after: Timestamp,
) -> Result<Option<Begun>, DbError> {
    let Some(row) = tx
        .query_opt(&sql::LOCK, params![message.as_bytes()])
        .await?
    else {
        return Ok(None);
    };
    if row.text(0)? != DeliveryState::Queued.as_str() {
        return Ok(None);
    }
    if tx.now() >= worthless_after {
        outbox::settle(tx, message, DeliveryState::Expired, Some("too_late")).await?;
        return Ok(None);
    }
    let unsure = row.int(2)?;
    tx.execute_one(&sql::TRY, params![message.as_bytes()])
        .await?;
    Ok(Some(Begun { unsure }))
}

/// What is written down when a carrier took a message.
struct Taken {
    message: MessageId,
    channel: Channel,
    subject: [u8; 32],
    carrier: &'static str,
    handed: Handed,
    learnt: Option<Arc<dyn LearntCodes>>,
}

impl Taken {
    async fn write(&self, tx: &mut WriteTx) -> Result<(), DbError> {
        if let (Some(learnt), Some(number)) = (&self.learnt, &self.handed.calling_number) {
            learnt
                .learnt(tx, &self.subject, self.message, number)
                .await?;
        }
        if self.channel == Channel::Email {
            outbox::allow(tx, &self.subject, Channel::Email, Suppression::Bounced).await?;
        }
        let reference = self.handed.reference.as_deref();
        outbox::hand(tx, self.message, self.carrier, reference).await
    }
}

macro_rules! handle {
    ($($kind:ident),+) => {$(
        #[async_trait]
        impl Handler<$kind> for Courier {
            async fn run(&self, job: $kind, lease: &Lease) -> Result<(), JobError> {
                self.0.run(job.0, lease).await
            }
        }
    )+};
}
handle!(DeliverSms, DeliverCall, DeliverEmail);

impl Inner {
    async fn run(&self, job: Deliver, lease: &Lease) -> Result<(), JobError> {
        let Some(begun) = self.begin(&job).await? else {
            return Ok(());
        };
        let Some(way) = self.ways.0.get(&job.channel) else {
            return self.settle(&job, DeliveryState::Failed, "no_carrier").await;
        };
        let body = match self.composer.compose(&job.text, job.channel, job.locale) {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(%error, text = ?job.text, "a message has no words");
                return self.settle(&job, DeliveryState::Failed, "no_words").await;
            }
        };
        let own_pause = pause(job.text.is_awaited(), lease.tries);
        let permit = way.breaker.lock().ask(self.now());
        if let Permit::Wait(pause) = permit {
            return self
                .later(&job, lease, "carrier_rests", pause.max(own_pause))
                .await;
        }
        let outgoing = Outgoing {
            id: job.message,
            to: job.to.clone(),
            body,
            worthless_after: Some(job.worthless_after),
        };
        let sent = way.carrier.deliver(&outgoing).await;
        self.learn(way, &sent);
        match sent {
            Ok(handed) => self.handed(&job, way, handed).await,
            Err(SendError::Permanent(refusal)) => {
                if refusal == Refusal::NoSuchAddress {
                    self.bounced(&job).await?;
                }
                self.settle(&job, DeliveryState::Failed, refusal.code())
                    .await
            }
            Err(SendError::Unknown { code }) if begun.unsure > 0 => {
                // Twice is enough: a third copy is worse than none.
                self.settle(&job, DeliveryState::Failed, code).await
            }
            Err(SendError::Unknown { code }) => {
                self.unsure(&job).await?;
                self.later(&job, lease, code, own_pause).await
            }
            Err(SendError::Transient { code, retry_after }) => {
                // A carrier's wish is a lower bound: ours grows.
                let pause = retry_after.map_or(own_pause, |asked| asked.max(own_pause));
                self.later(&job, lease, code, pause).await
            }
        }
    }

    fn learn(&self, way: &Way, sent: &Result<Handed, SendError>) {
        let mut breaker = way.breaker.lock();
        let was_closed = breaker.is_closed();
        match sent {
            Err(error) if error.is_fault() => breaker.failed(self.now()),
            _ => breaker.succeeded(),
        }
        let closed = breaker.is_closed();
        drop(breaker);
        let carrier = way.carrier.name();
        metrics::gauge!("kabinet_carrier_up", "carrier" => carrier)
            .set(f64::from(u8::from(closed)));
        if closed != was_closed {
            tracing::warn!(carrier, up = closed, "a carrier changed its state");
        }
    }
}

/// The pause before the next attempt: somebody waits for a code, the rest is
/// tried for most of a day (a mail server that greylists wants minutes).
fn pause(awaited: bool, tries: u32) -> Duration {
    let secs: &[u64] = if awaited {
        &[2, 5, 15, 30, 60]
    } else {
        &[5, 60, 300, 900, 1800, 3600, 7200, 14400, 28800]
    };
    let at = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    Duration::from_secs(secs.get(at).or(secs.last()).copied().unwrap_or(60))
}

fn count(job: &Deliver, state: DeliveryState, reason: &'static str) {
    metrics::counter!(
        "kabinet_messages_total",
        "channel" => job.channel.name(),
        "purpose" => job.text.purpose(),
        "state" => state.as_str(),
        "reason" => reason
    )
    .increment(1);
}
