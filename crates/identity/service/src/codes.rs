//! Codes: asking for one, checking one, where a browser stands. The same for every purpose.
//!
//! Neither answer depends on whether an account exists (ID-1, A1, A7): what is counted is counted per
//! identifier, an unknown one included, and both take the same statements.

mod asking;
mod checking;
mod learning;
pub(crate) mod sql;

pub use asking::{About, Ask, Asked, ask};
pub use checking::{Check, Checked, check};
pub use learning::LearnCalls;

use db::{DbError, ReadTx, Row, WriteTx, params};
use identity_core::{
    challenge::{Challenge, Channel, Purpose},
    guessing::Refused,
    next_path::NextPath,
    sending::NotNow,
};
use kernel::{AccountId, Identifier, MessageId, Timestamp};

use crate::{
    counters::{self, KnownBrowser},
    env::{Env, ServiceError, Subject, account_id},
};

/// The hash of the random token that one browser holds while it signs in, or of its session afterwards.
pub type BrowserKey = [u8; 32];

/// The account an identifier leads to.
pub(crate) async fn owner(
    tx: &mut ReadTx,
    subject: &Subject,
) -> Result<Option<AccountId>, DbError> {
    let row = tx.query_opt(&sql::OWNER, params![subject]).await?;
    row.map(|row| account_id(&row, 0)).transpose()
}

/// The browser's own count, when it brings a token the account knows. Asked whether or not there is an
/// account, so that the time is the same.
async fn known_browser(
    tx: &mut WriteTx,
    owner: Option<AccountId>,
    hash: Option<&[u8; 32]>,
) -> Result<Option<KnownBrowser>, DbError> {
    let Some(hash) = hash else { return Ok(None) };
    let nobody = AccountId::from_bytes(&[0; 16]).map_err(|_| DbError::Misuse {
        statement: "known_browser",
        why: "an id of zeros",
    })?;
    counters::lock_browser(tx, owner.unwrap_or(nobody), hash).await
}

fn range_scope(env: &Env, identifier: &Identifier) -> Option<[u8; 32]> {
    match identifier {
        Identifier::Phone(phone) => Some(env.scope("phone.range", phone.prefix_for_range())),
        Identifier::Email(_) => None,
    }
}

/// A browser has proved control of an identifier. Only [`check`] and [`proof`] make one.
#[derive(Debug, Clone)]
pub struct Proved {
    /// Its blind index.
    pub subject: Subject,
    /// The identifier.
    pub identifier: Identifier,
    /// How the code travelled.
    pub channel: Channel,
    /// The account it leads to, if any.
    pub owner: Option<AccountId>,
    /// Where to go now.
    pub next: NextPath,
}

struct Flow {
    subject: Subject,
    sealed: Vec<u8>,
    challenge: [u8; 16],
    proved_at: Option<Timestamp>,
    next: NextPath,
}

async fn flow(
    tx: &mut ReadTx,
    purpose: Purpose,
    browser: &BrowserKey,
) -> Result<Option<Flow>, DbError> {
    let row = tx
        .query_opt(&sql::FLOW, params![browser, purpose.as_str()])
        .await?;
    row.map(|row| read_flow(&row)).transpose()
}

fn read_flow(row: &Row) -> Result<Flow, DbError> {
    Ok(Flow {
        subject: row.array(0)?,
        sealed: row.bytes(1)?,
        challenge: row.array(2)?,
        proved_at: row.opt_timestamp(3)?,
        next: NextPath::parse(&row.text(4)?).unwrap_or_default(),
    })
}

struct SentCode {
    challenge: Challenge,
    channel: Channel,
    salt: Vec<u8>,
    mac: Vec<u8>,
    serial: i64,
    created_at: Timestamp,
    message: Option<MessageId>,
}

fn read_challenge(row: &Row) -> Result<SentCode, DbError> {
    let small = |column: usize| {
        u32::try_from(row.int(column)?).map_err(|_| row.wrong(column, "out of range"))
    };
    let purpose = Purpose::from_name(&row.text(0)?).ok_or_else(|| row.wrong(0, "no purpose"))?;
    let channel = Channel::from_name(&row.text(1)?).ok_or_else(|| row.wrong(1, "no channel"))?;
    let message = row
        .opt_array::<16>(13)?
        .map(|id| MessageId::from_bytes(&id));
    Ok(SentCode {
        challenge: Challenge {
            purpose,
            browser: row.array(2)?,
            digits: u8::try_from(row.int(5)?).map_err(|_| row.wrong(5, "out of range"))?,
            tries: small(7)?,
            tries_most: small(8)?,
            expires_at: row.timestamp(10)?,
            used_at: row.opt_timestamp(11)?,
            voided_at: row.opt_timestamp(12)?,
        },
        channel,
        salt: row.bytes(3)?,
        mac: row.bytes(4)?,
        serial: row.int(6)?,
        created_at: row.timestamp(9)?,
        message: message
            .transpose()
            .map_err(|_| row.wrong(13, "not an id"))?,
    })
}

/// What the code page shows.
#[derive(Debug, Clone)]
pub struct Status {
    /// Where the code went; before sign-in the page does not show it.
    pub identifier: Identifier,
    /// How.
    pub channel: Channel,
    /// «код № 3».
    pub serial: i64,
    /// Digits to type.
    pub digits: u8,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Tries left.
    pub tries_left: u32,
    /// Used, replaced, exhausted or expired: only a new one helps.
    pub is_over: bool,
    /// When a new one may be asked for; `None` when now.
    pub next_at: Option<Timestamp>,
    /// Until when codes rest for this identifier and browser.
    pub rests_until: Option<Timestamp>,
    /// The message, whose delivery is shown.
    pub message: Option<MessageId>,
}

/// Where a browser stands; `None` when it has not asked for a code.
pub async fn status(
    tx: &mut ReadTx,
    env: &Env,
    purpose: Purpose,
    browser: &BrowserKey,
) -> Result<Option<Status>, ServiceError> {
    let Some(flow) = flow(tx, purpose, browser).await? else {
        return Ok(None);
    };
    let now = tx.now();
    let row = tx
        .query_opt(&sql::LOOK, params![&flow.subject, &flow.challenge])
        .await?;
    let Some(row) = row else { return Ok(None) };
    let sent = read_challenge(&row)?;
    let counted = counters::look_subject(tx, &flow.subject).await?;
    let identifier = env.open_identifier(&flow.sealed)?;
    let rests_until = match counted.guesses.may_try(&env.policy, now) {
        Err(Refused::Rests { until }) => Some(until),
        _ => None,
    };
    Ok(Some(Status {
        identifier,
        channel: sent.channel,
        serial: sent.serial,
        digits: sent.challenge.digits,
        asked_at: sent.created_at,
        expires_at: sent.challenge.expires_at,
        tries_left: sent
            .challenge
            .tries_most
            .saturating_sub(sent.challenge.tries),
        is_over: sent.challenge.live(purpose, browser, now).is_err(),
        next_at: counted
            .sends
            .may_send(&env.policy, now, false)
            .err()
            .map(NotNow::until),
        rests_until,
        message: sent.message,
    }))
}

/// The proof a browser holds, while it is fresh; a new account is made of it (ID-1).
pub async fn proof(
    tx: &mut WriteTx,
    env: &Env,
    purpose: Purpose,
    browser: &BrowserKey,
) -> Result<Option<Proved>, ServiceError> {
    let row = tx
        .query_opt(&sql::FLOW_LOCK, params![browser, purpose.as_str()])
        .await?;
    let Some(flow) = row.map(|row| read_flow(&row)).transpose()? else {
        return Ok(None);
    };
    let fresh = flow
        .proved_at
        .is_some_and(|at| tx.now().since(at) < env.policy.proof_life);
    if !fresh {
        return Ok(None);
    }
    let row = tx
        .query_one(&sql::LOOK, params![&flow.subject, &flow.challenge])
        .await?;
    Ok(Some(Proved {
        identifier: env.open_identifier(&flow.sealed)?,
        channel: read_challenge(&row)?.channel,
        owner: owner(tx, &flow.subject).await?,
        subject: flow.subject,
        next: flow.next,
    }))
}

/// Whether a browser holds a fresh proof; only looks.
pub async fn is_proved(
    tx: &mut ReadTx,
    env: &Env,
    purpose: Purpose,
    browser: &BrowserKey,
) -> Result<bool, DbError> {
    let flow = flow(tx, purpose, browser).await?;
    let proved_at = flow.and_then(|flow| flow.proved_at);
    Ok(proved_at.is_some_and(|at| tx.now().since(at) < env.policy.proof_life))
}

/// The identifier that a browser has freshly proved and the account it leads to; only looks.
pub(crate) async fn proved_owner(
    tx: &mut ReadTx,
    env: &Env,
    purpose: Purpose,
    browser: &BrowserKey,
) -> Result<Option<(Subject, AccountId)>, DbError> {
    let Some(flow) = flow(tx, purpose, browser).await? else {
        return Ok(None);
    };
    let is_fresh = |at| tx.now().since(at) < env.policy.proof_life;
    if !flow.proved_at.is_some_and(is_fresh) {
        return Ok(None);
    }
    let owner = owner(tx, &flow.subject).await?;
    Ok(owner.map(|owner| (flow.subject, owner)))
}

/// Ends a browser's flow; its proof is used up.
pub(crate) async fn end(
    tx: &mut WriteTx,
    purpose: Purpose,
    browser: &BrowserKey,
) -> Result<(), DbError> {
    let flow = params![browser, purpose.as_str()];
    tx.defer(&[(&sql::FLOW_END, flow)]).await
}

/// The same for an area of its own that has made use of the proof.
pub async fn finish(
    tx: &mut WriteTx,
    purpose: Purpose,
    browser: &BrowserKey,
) -> Result<(), DbError> {
    end(tx, purpose, browser).await
}
