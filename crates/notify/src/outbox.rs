//! Messages as rows: queued in the transaction that wants them sent, followed
//! until they arrive.
//!
//! [`send`] writes a row and a job in the caller's transaction; pages ask
//! [`delivery`]; carriers' reports come to [`Keeper`]. Nothing here speaks to
//! a carrier: that is [`crate::deliver`].

pub(crate) mod sql;

use std::time::Duration;

use async_trait::async_trait;
use db::{BoxFuture, Db, DbError, ReadTx, WriteTx, params};
use jobs::{Job, JobError, Periodic, When};
use kernel::{Chance, Identifier, Locale, MessageId, Timestamp};
use serde::{Deserialize, Serialize};
use vault::Vault;

use crate::carrier::{Channel, DeliveryReport, NotKept, ReportState, Reports};
use crate::texts::MessageText;

/// A code, or the letter in its place, that comes later than this helps nobody and may alarm (F18).
pub const CODE_LIVES: Duration = Duration::from_secs(600);
/// Everything else is tried for a day (F8).
pub const NOTICE_LIVES: Duration = Duration::from_secs(24 * 3600);
/// How long a message's row is kept.
pub const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a carrier's reference is kept: networks try for three days.
pub const REFERENCE_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long the mark of a letter that came back is kept: strangers can make
/// them with invented addresses. Afterwards one letter is tried again.
pub const BOUNCE_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);

/// A message to send.
#[derive(Clone, Debug)]
pub struct Message {
    /// Whom it goes to; a phone for SMS and calls, an address for e-mail.
    pub to: Identifier,
    /// The way it goes.
    pub channel: Channel,
    /// The language it is written in.
    pub locale: Locale,
    /// What it says.
    pub text: MessageText,
    /// When it stops being worth anything: the end of a code's life. `None`
    /// is [`CODE_LIVES`] for a code and [`NOTICE_LIVES`] for the rest, which
    /// are also the longest there is.
    pub worthless_after: Option<Timestamp>,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It arrived, the carrier says.
    Delivered,
    /// It will not arrive.
    Failed,
    /// It was not sent in time and will not be.
    Expired,
    /// The carrier has it.
    Handed,
    /// Waiting to be handed over.
    Queued,
}

impl DeliveryState {
    /// The stable name, as in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Handed => "handed",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }

    /// From the stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Queued,
            Self::Handed,
            Self::Delivered,
            Self::Failed,
            Self::Expired,
        ]
        .into_iter()
        .find(|state| state.as_str() == name)
    }
}

/// What is known of a message, for pages («handed to the operator 14:02:11»).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The message.
    pub id: MessageId,
    /// The way it goes.
    pub channel: Channel,
    /// Where it stands.
    pub state: DeliveryState,
    /// A stable code of why it failed, if it did.
    pub reason: Option<String>,
    /// When it was asked for.
    pub queued_at: Timestamp,
    /// When the carrier took it.
    pub handed_at: Option<Timestamp>,
    /// When it arrived, failed or expired.
    pub settled_at: Option<Timestamp>,
}

/// Why an address is not written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suppression {
    /// The person asked us not to (A22). Stops everything by that channel.
    Asked,
    /// A letter came back for good (F8). Stops what nobody is waiting for; a
    /// code is still tried, as is the letter in a code's place (A1), and its
    /// arrival lifts the mark.
    Bounced,
}

impl Suppression {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Bounced => "bounced",
        }
    }
}

/// The work that a message is: everything needed to send it, sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Deliver {
    pub(crate) message: MessageId,
    pub(crate) to: Identifier,
    pub(crate) channel: Channel,
    pub(crate) locale: Locale,
    pub(crate) text: MessageText,
    pub(crate) worthless_after: Timestamp,
}

/// Tries of one message. More than the usual five: greylisting and a resting
/// carrier are no fault of the message. What may not come late has its own end.
pub(crate) const TRIES_MAX: u32 = 10;

macro_rules! kinds {
    ($($name:ident $kind:literal),+) => {$(
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) Deliver);
        impl Job for $name {
            const KIND: &'static str = $kind;
            const TRIES_MAX: u32 = TRIES_MAX;
        }
    )+};
}
kinds!(DeliverSms "notify.sms", DeliverCall "notify.call", DeliverEmail "notify.email");

/// The blind index of an address, by which its messages and marks are kept;
/// the same that identity finds accounts by.
pub fn subject(vault: &Vault, to: &Identifier) -> [u8; 32] {
    *vault.index(to.kind(), &to.index_form()).as_bytes()
}

/// Sends a message when the caller's transaction commits.
///
/// The answer is the same, in kind and in work, for an address that is
/// suppressed: its message has failed at once, with the reason `suppressed`.
pub async fn send(
    tx: &mut WriteTx,
    vault: &Vault,
    chance: &dyn Chance,
    message: &Message,
) -> Result<MessageId, DbError> {
    let now = tx.now();
    let id = MessageId::new(now, chance);
    let subject = subject(vault, &message.to);
    let suppressed = match suppressed(tx, &subject, message.channel).await? {
        Some(Suppression::Asked) => true,
        Some(Suppression::Bounced) => !message.text.is_awaited(),
        None => false,
    };
    let (state, reason, settled_at) = if suppressed {
        (DeliveryState::Failed, Some("suppressed"), Some(now))
    } else {
        (DeliveryState::Queued, None, None)
    };
    tx.execute_one(
        &sql::QUEUE,
        params![
            id.as_bytes(),
            &subject,
            message.channel.name(),
            message.text.purpose(),
            state.as_str(),
            reason,
            now,
            settled_at
        ],
    )
    .await?;
    if suppressed {
        return Ok(id);
    }
    let longest = now.saturating_add(if message.text.is_awaited() {
        CODE_LIVES
    } else {
        NOTICE_LIVES
    });
    let worthless_after = message
        .worthless_after
        .map_or(longest, |moment| moment.min(longest));
    let job = Deliver {
        message: id,
        to: message.to.clone(),
        channel: message.channel,
        locale: message.locale,
        text: message.text.clone(),
        worthless_after,
    };
    // The handler judges lateness itself, because a page shows the end of a
    // message that came too late: a job that is dropped would leave it queued.
    let when = When::default();
    let spread = id.as_bytes();
    match job.channel {
        Channel::Sms => {
            jobs::enqueue(tx, vault, chance, spread, &DeliverSms(job), when).await?;
        }
        Channel::Call => {
            jobs::enqueue(tx, vault, chance, spread, &DeliverCall(job), when).await?;
        }
        Channel::Email => {
            jobs::enqueue(tx, vault, chance, spread, &DeliverEmail(job), when).await?;
        }
    }
    Ok(id)
}

/// What is known of these messages, in their order; unknown ones are left out.
pub async fn delivery(tx: &mut ReadTx, ids: &[MessageId]) -> Result<Vec<Delivery>, DbError> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(row) = tx.query_opt(&sql::FIND, params![id.as_bytes()]).await? else {
            continue;
        };
        found.push(Delivery {
            id: *id,
            channel: Channel::from_name(&row.text(0)?)
                .ok_or_else(|| row.wrong(0, "no such channel"))?,
            state: DeliveryState::from_name(&row.text(2)?)
                .ok_or_else(|| row.wrong(2, "no such state"))?,
            reason: row.opt_text(3)?,
            queued_at: row.timestamp(4)?,
            handed_at: row.opt_timestamp(5)?,
            settled_at: row.opt_timestamp(6)?,
        });
    }
    Ok(found)
}

/// Whether an address is not to be written to by a channel.
pub async fn suppressed(
    tx: &mut ReadTx,
    subject: &[u8; 32],
    channel: Channel,
) -> Result<Option<Suppression>, DbError> {
    let found = tx
        .query_opt(&sql::SUPPRESSED, params![subject, channel.name()])
        .await?;
    found
        .map(|row| match row.text(0)?.as_str() {
            "asked" => Ok(Suppression::Asked),
            "bounced" => Ok(Suppression::Bounced),
            _ => Err(row.wrong(0, "no such reason")),
        })
        .transpose()
}

/// Stops writing to an address by a channel.
pub async fn suppress(
    tx: &mut WriteTx,
    subject: &[u8; 32],
    channel: Channel,
    why: Suppression,
) -> Result<(), DbError> {
    let now = tx.now();
    let values = params![subject, channel.name(), why.as_str(), now];
    tx.execute(&sql::SUPPRESS, values).await.map(|_| ())
}

/// Writes to an address again, if it was stopped for this reason.
pub async fn allow(
    tx: &mut WriteTx,
    subject: &[u8; 32],
    channel: Channel,
    why: Suppression,
) -> Result<(), DbError> {
    let values = params![subject, channel.name(), why.as_str()];
    tx.execute(&sql::ALLOW, values).await.map(|_| ())
}

/// Forgets old messages, references and marks of letters that came back: the regular work.
pub struct Cleanup {
    db: Db,
}

impl Cleanup {
    /// For this database.
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone() }
    }
}

/// What goes, and after how long.
const SWEEPS: [(&db::Statement, Duration); 3] = [
    (&sql::FORGET, KEPT),
    (&sql::FORGET_REFERENCES, REFERENCE_KEPT),
    (&sql::FORGET_BOUNCES, BOUNCE_KEPT),
];
/// Rows removed in one transaction, so that the writer is not held up.
const AT_ONCE: u32 = 500;
/// Transactions of one run; what is left then waits for the next.
const BATCHES: u32 = 200;

#[async_trait]
impl Periodic for Cleanup {
    async fn run(&self) -> Result<(), JobError> {
        for sweep in SWEEPS {
            for _ in 0..BATCHES {
                if forget(&self.db, sweep).await? < u64::from(AT_ONCE) {
                    break;
                }
            }
        }
        Ok(())
    }
}

async fn forget(db: &Db, sweep: (&'static db::Statement, Duration)) -> Result<u64, DbError> {
    db.write("notify.forget", sweep, |tx, (statement, kept)| {
        Box::pin(async move {
            let before = tx.now().saturating_sub(*kept);
            tx.execute(statement, params![before, before, AT_ONCE])
                .await
        }) as BoxFuture<'_, _>
    })
    .await
}

/// After a backup was restored: what it has queued for longer than ten minutes
/// was most likely sent long ago, and is not sent again (F18). `kabinet
/// restore` calls it before anything is served.
pub async fn after_restore(tx: &mut WriteTx) -> Result<u64, DbError> {
    let now = tx.now();
    let before = now.saturating_sub(CODE_LIVES);
    tx.execute(&sql::EXPIRE_OLD, params![now, before]).await
}

/// The end of a message.
pub(crate) async fn settle(
    tx: &mut WriteTx,
    message: MessageId,
    state: DeliveryState,
    reason: Option<&str>,
) -> Result<(), DbError> {
    let now = tx.now();
    let values = params![state.as_str(), reason, now, message.as_bytes()];
    tx.execute(&sql::SETTLE, values).await.map(|_| ())
}

/// Keeps the delivery reports of one carrier. A report under a reference that
/// is not known yet waits for it; a second report of one end changes nothing.
#[derive(Clone)]
pub struct Keeper {
    db: Db,
    carrier: &'static str,
}

impl Keeper {
    /// For the carrier of this name ([`crate::Carrier::name`]).
    pub fn new(db: Db, carrier: &'static str) -> Self {
        Self { db, carrier }
    }
}

#[async_trait]
impl Reports for Keeper {
    async fn delivery(&self, report: DeliveryReport) -> Result<(), NotKept> {
        let carrier = self.carrier;
        let kept = self
            .db
            .write(
                "notify.report",
                (carrier, report),
                |tx, (carrier, report)| {
                    Box::pin(keep_report(tx, carrier, report)) as BoxFuture<'_, _>
                },
            )
            .await;
        kept.map_err(|error: DbError| {
            tracing::warn!(%error, carrier, "a delivery report could not be kept");
            NotKept
        })
    }
}

async fn keep_report(
    tx: &mut WriteTx,
    carrier: &str,
    report: &DeliveryReport,
) -> Result<(), DbError> {
    let (state, reason) = match report.state {
        // Nothing a page would show: it is handed over, as before.
        ReportState::Underway => return Ok(()),
        ReportState::Delivered => (DeliveryState::Delivered, None),
        ReportState::Failed(reason) => (DeliveryState::Failed, Some(reason.code())),
    };
    let values = params![
        report.reference.as_str(),
        carrier,
        state.as_str(),
        reason,
        report.at
    ];
    let row = tx.query_one(&sql::REPORT, values).await?;
    let Some(message) = row.opt_bytes(0)? else {
        return Ok(());
    };
    let message =
        MessageId::from_bytes(&message).map_err(|_| row.wrong(0, "not a message's id"))?;
    metrics::counter!("kabinet_reports_total", "carrier" => carrier.to_owned(), "state" => state.as_str())
        .increment(1);
    settle(tx, message, state, reason).await
}

/// The carrier took the message: writes it down and joins it with a report
/// that was quicker.
pub(crate) async fn hand(
    tx: &mut WriteTx,
    message: MessageId,
    carrier: &str,
    reference: Option<&str>,
) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(&sql::HAND, params![now, carrier, message.as_bytes()])
        .await?;
    let Some(reference) = reference else {
        return Ok(());
    };
    let values = params![reference, carrier, message.as_bytes(), now];
    let row = tx.query_one(&sql::NAME_REFERENCE, values).await?;
    let Some(state) = row.opt_text(0)? else {
        return Ok(());
    };
    let state = DeliveryState::from_name(&state).ok_or_else(|| row.wrong(0, "no such state"))?;
    settle(tx, message, state, row.opt_text(1)?.as_deref()).await
}
