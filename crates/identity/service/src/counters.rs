//! What is counted, and where: per identifier, per known browser, per network, per range of numbers.
//!
//! Rows are locked in this order everywhere: identifier, known browser, networks by key, range, flow, tally,
//! account, links and sessions, audit. What is not there cannot be locked, so a row is made first.

pub(crate) mod sql;

use std::time::Duration;

use db::{DbError, ReadTx, Row, WriteTx, params};
use identity_core::{
    forgetting,
    guessing::Guesses,
    recent::Recent,
    sending::{Range, Sends},
};
use kernel::{AccountId, Visitor, network};

use crate::env::{Env, Subject};

/// Ten minutes, the window of networks.
pub(crate) const TEN_MINUTES: Duration = Duration::from_secs(600);
/// A day.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The counts of one identifier.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counted {
    pub(crate) sends: Sends,
    pub(crate) guesses: Guesses,
}

fn recent(row: &Row, column: usize) -> Result<Recent, DbError> {
    Recent::from_bytes(&row.bytes(column)?).ok_or_else(|| row.wrong(column, "torn times"))
}

fn number<T: TryFrom<i64>>(row: &Row, column: usize) -> Result<T, DbError> {
    T::try_from(row.int(column)?).map_err(|_| row.wrong(column, "out of range"))
}

fn counted(row: &Row) -> Result<Counted, DbError> {
    let sends = Sends {
        serial: number(row, 0)?,
        step: number(row, 1)?,
        recent: recent(row, 2)?,
        calls: recent(row, 3)?,
    };
    let guesses = Guesses {
        in_row: number(row, 4)?,
        recent: recent(row, 5)?,
        rest_until: row.opt_timestamp(6)?,
    };
    Ok(Counted { sends, guesses })
}

/// Locks and reads the counts of an identifier that a code was sent to; makes them when they are gone.
pub(crate) async fn lock_subject(tx: &mut WriteTx, subject: &Subject) -> Result<Counted, DbError> {
    match tx.query_opt(&sql::SUBJECT, params![subject]).await? {
        Some(row) => counted(&row),
        None => take_subject(tx, subject).await,
    }
}

/// Locks and reads the counts of any identifier, making them when there are none. The same work for a number
/// that was never heard of as for one that signs in every day (A1).
pub(crate) async fn take_subject(tx: &mut WriteTx, subject: &Subject) -> Result<Counted, DbError> {
    let none: &[u8] = &[];
    let first = params![subject, 0_i64, 0_i64, none, none, 0_i64, none];
    counted(&tx.query_one(&sql::SUBJECT_TAKE, first).await?)
}

/// Reads the counts of an identifier without locking.
pub(crate) async fn look_subject(tx: &mut ReadTx, subject: &Subject) -> Result<Counted, DbError> {
    let row = tx.query_opt(&sql::SUBJECT_LOOK, params![subject]).await?;
    row.map_or(Ok(Counted::default()), |row| counted(&row))
}

/// Writes the counts of an identifier back. `has_owner`: an account stands behind it.
pub(crate) async fn save_subject(
    tx: &mut WriteTx,
    env: &Env,
    subject: &Subject,
    counted: &Counted,
    has_owner: bool,
) -> Result<(), DbError> {
    let Counted { sends, guesses } = counted;
    let (recent, calls) = (sends.recent.to_bytes(), sends.calls.to_bytes());
    let wrong = guesses.recent.to_bytes();
    let row = params![
        sends.serial,
        sends.step,
        &recent,
        &calls,
        guesses.in_row,
        &wrong,
        guesses.rest_until,
        forgetting::subject(sends, guesses, has_owner, &env.policy),
        subject,
    ];
    tx.defer_one(&[(&sql::SUBJECT_SAVE, row)]).await
}

/// A browser that an account knows, with its own count of wrong tries.
#[derive(Debug, Clone)]
pub(crate) struct KnownBrowser {
    pub(crate) account: AccountId,
    pub(crate) hash: [u8; 32],
    pub(crate) guesses: Guesses,
}

/// Locks the count of a browser, when the account knows it.
pub(crate) async fn lock_browser(
    tx: &mut WriteTx,
    account: AccountId,
    hash: &[u8; 32],
) -> Result<Option<KnownBrowser>, DbError> {
    let row = tx
        .query_opt(&sql::BROWSER, params![account.as_bytes(), hash])
        .await?;
    row.map(|row| {
        let guesses = Guesses {
            in_row: number(&row, 0)?,
            recent: recent(&row, 1)?,
            rest_until: row.opt_timestamp(2)?,
        };
        Ok(KnownBrowser {
            account,
            hash: *hash,
            guesses,
        })
    })
    .transpose()
}

/// Writes the count of a known browser back.
pub(crate) async fn save_browser(tx: &mut WriteTx, browser: &KnownBrowser) -> Result<(), DbError> {
    let KnownBrowser {
        account,
        hash,
        guesses,
    } = browser;
    let wrong = guesses.recent.to_bytes();
    let row = params![
        guesses.in_row,
        &wrong,
        guesses.rest_until,
        account.as_bytes(),
        hash
    ];
    tx.defer_one(&[(&sql::BROWSER_SAVE, row)]).await
}

/// What networks are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Codes asked for by one network and device.
    Sends,
    /// Codes asked for by one network, whatever it calls its devices.
    SiteSends,
    /// Wrong tries by one address.
    Wrong,
    /// Wrong tries by one /24 or /64.
    SiteWrong,
    /// Requests of one network to be let in by a phone.
    Handovers,
}

impl Scope {
    /// The keyed hash this visitor is counted under.
    pub(crate) fn of(self, env: &Env, visitor: &Visitor) -> [u8; 32] {
        let site = network::site(visitor.network);
        match self {
            Self::Sends => env.scope("net.sends", &format!("{site}|{}", visitor.agent)),
            Self::SiteSends => env.scope("net.site_sends", &site.to_string()),
            Self::Wrong => env.scope(
                "net.wrong",
                &network::canonical(visitor.network).to_string(),
            ),
            Self::SiteWrong => env.scope("net.site_wrong", &site.to_string()),
            Self::Handovers => env.scope("net.handovers", &site.to_string()),
        }
    }
}

/// Locks and reads what one network did.
pub(crate) async fn lock_network(tx: &mut WriteTx, scope: &[u8; 32]) -> Result<Recent, DbError> {
    if let Some(row) = tx.query_opt(&sql::NETWORK, params![scope]).await? {
        return recent(&row, 0);
    }
    let (none, now): (&[u8], _) = (&[], tx.now());
    tx.execute(&sql::NETWORK_FIRST, params![scope, none, now])
        .await?;
    recent(&tx.query_one(&sql::NETWORK, params![scope]).await?, 0)
}

/// Writes what one network did.
pub(crate) async fn save_network(
    tx: &mut WriteTx,
    scope: &[u8; 32],
    stamps: &Recent,
) -> Result<(), DbError> {
    let now = tx.now();
    tx.defer(&[(&sql::NETWORK_SAVE, params![scope, &stamps.to_bytes(), now])])
        .await
}

/// Locks and reads what a range of numbers was sent; makes it when it is gone.
pub(crate) async fn lock_range(tx: &mut WriteTx, scope: &[u8; 32]) -> Result<Range, DbError> {
    match tx.query_opt(&sql::RANGE, params![scope]).await? {
        Some(row) => range(&row),
        None => take_range(tx, scope).await,
    }
}

/// The same for a range that may never have been counted, by the same work as for one that was (A1).
pub(crate) async fn take_range(tx: &mut WriteTx, scope: &[u8; 32]) -> Result<Range, DbError> {
    let none: &[u8] = &[];
    let first = params![scope, none, 0_i64, 0_i64];
    range(&tx.query_one(&sql::RANGE_TAKE, first).await?)
}

fn range(row: &Row) -> Result<Range, DbError> {
    Ok(Range {
        sends: recent(row, 0)?,
        sent: number(row, 1)?,
        used: number(row, 2)?,
        blocked_until: row.opt_timestamp(3)?,
    })
}

/// Locks the counts of all browsers of an account, for who is about to forget them: they come before the
/// account.
pub(crate) async fn lock_browsers(tx: &mut WriteTx, account: AccountId) -> Result<(), DbError> {
    tx.query(&sql::BROWSERS_LOCK, params![account.as_bytes()])
        .await?;
    Ok(())
}

/// Writes it.
pub(crate) async fn save_range(
    tx: &mut WriteTx,
    scope: &[u8; 32],
    range: &Range,
) -> Result<(), DbError> {
    let int = |x: u64| i64::try_from(x).unwrap_or(i64::MAX);
    let sends = range.sends.to_bytes();
    let row = params![
        scope,
        &sends,
        int(range.sent),
        int(range.used),
        range.blocked_until,
        forgetting::range(range),
    ];
    tx.defer(&[(&sql::RANGE_SAVE, row)]).await
}
