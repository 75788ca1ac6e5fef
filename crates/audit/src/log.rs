//! Writing the log, and showing a customer theirs.

use db::{DbError, ReadTx, Row, WriteTx, params};
use kernel::{AccountId, Chance, EventId, SessionId, Timestamp};

use crate::chain::{Hash, Record, bucket_of, genesis, hash, link};
use crate::{Actor, Entry, SealedDetails, sql};

/// The longest page of [`history`].
pub const HISTORY_MAX: u8 = 100;

/// Writes an entry, at the time of the transaction. Make it the last thing the transaction does: it locks the
/// head of the account's bucket, which others wait for. For several entries use [`append_all`].
///
/// # Errors
/// Those of the database. `Conflict` means that the head does not match the entries: the log was tampered
/// with.
pub async fn append(tx: &mut WriteTx, entry: Entry) -> Result<EventId, DbError> {
    let bucket = bucket_for(&entry, tx.now());
    let head = lock_head(tx, bucket).await?;
    let (event, _) = add(tx, bucket, head, entry).await?;
    Ok(event)
}

/// Writes several entries, locking their buckets in order, so that two such transactions cannot wait for one
/// another. Gives the ids in the order of the entries.
pub async fn append_all(tx: &mut WriteTx, entries: Vec<Entry>) -> Result<Vec<EventId>, DbError> {
    let now = tx.now();
    let mut placed: Vec<(u8, usize, Entry)> = entries
        .into_iter()
        .enumerate()
        .map(|(place, entry)| (bucket_for(&entry, now), place, entry))
        .collect();
    placed.sort_by_key(|(bucket, place, _)| (*bucket, *place));
    let mut written = Vec::with_capacity(placed.len());
    let mut locked: Option<(u8, Head)> = None;
    for (bucket, place, entry) in placed {
        let head = match locked.take() {
            Some((known, head)) if known == bucket => head,
            _ => lock_head(tx, bucket).await?,
        };
        let (event, head) = add(tx, bucket, head, entry).await?;
        written.push((place, event));
        locked = Some((bucket, head));
    }
    written.sort_by_key(|(place, _)| *place);
    Ok(written.into_iter().map(|(_, event)| event).collect())
}

struct Head {
    seq: i64,
    hash: Hash,
}

async fn lock_head(tx: &mut WriteTx, bucket: u8) -> Result<Head, DbError> {
    if let Some(row) = tx.query_opt(&sql::HEAD, params![bucket]).await? {
        return Ok(Head {
            seq: row.int(0)?,
            hash: row.array(1)?,
        });
    }
    tx.execute(&sql::FIRST, params![bucket, 0_i64, &genesis(bucket)])
        .await?;
    let row = tx.query_one(&sql::HEAD, params![bucket]).await?;
    Ok(Head {
        seq: row.int(0)?,
        hash: row.array(1)?,
    })
}

async fn add(
    tx: &mut WriteTx,
    bucket: u8,
    head: Head,
    entry: Entry,
) -> Result<(EventId, Head), DbError> {
    let now = tx.now();
    let seq = head.seq.saturating_add(1);
    let event = event_id(now, bucket, seq, &head.hash);
    let record = Record {
        bucket,
        seq,
        event_id: event.as_bytes().to_vec(),
        account_id: entry.account.map(|id| id.as_bytes().to_vec()),
        at: now.as_micros(),
        actor_kind: entry.actor.kind().to_owned(),
        actor_id: entry.actor.id().map(|id| id.to_vec()),
        action: entry.action.name().to_owned(),
        on_behalf: entry.on_behalf.map(|id| id.as_bytes().to_vec()),
        session_id: entry.session.map(|id| id.as_bytes().to_vec()),
        details: entry.details.0,
    };
    let next = link(&head.hash, &record.digest());
    let added = params![
        record.bucket,
        record.seq,
        &record.event_id,
        record.account_id.as_deref(),
        record.at,
        record.actor_kind.as_str(),
        record.actor_id.as_deref(),
        record.action.as_str(),
        record.on_behalf.as_deref(),
        record.session_id.as_deref(),
        &record.details,
        &head.hash,
        &next,
    ];
    // The head is locked, so it is there; it is held no longer than the commit takes.
    tx.defer(&[
        (&sql::ADD, added),
        (&sql::MOVE, params![seq, &next, bucket]),
    ])
    .await?;
    Ok((event, Head { seq, hash: next }))
}

/// What concerns no account goes to any bucket; which one only must not always be the same.
fn bucket_for(entry: &Entry, now: Timestamp) -> u8 {
    entry.account.as_ref().map_or_else(
        || {
            let [first, ..] = hash(&[
                b"kabinet audit bucket",
                &now.as_micros().to_be_bytes(),
                &entry.details.0,
            ]);
            first & 0x3f
        },
        bucket_of,
    )
}

/// The id of an event: its time, and for chance the place in the chain, which no other event has. So the log
/// needs no random source, and a transaction that is run again gives the same event the same id.
fn event_id(now: Timestamp, bucket: u8, seq: i64, prev: &Hash) -> EventId {
    struct Place(Hash);
    impl Chance for Place {
        fn fill(&self, bytes: &mut [u8]) {
            for (to, from) in bytes.iter_mut().zip(self.0.iter().cycle()) {
                *to = *from;
            }
        }
    }
    let place = hash(&[b"kabinet audit event", prev, &[bucket], &seq.to_be_bytes()]);
    EventId::new(now, &Place(place))
}

/// One entry of an account's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its place, for the next page.
    pub seq: i64,
    /// Its id.
    pub event: EventId,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// What: the name of an [`Action`](crate::Action), perhaps of a newer program.
    pub action: String,
    /// On whose behalf.
    pub on_behalf: Option<AccountId>,
    /// In which session.
    pub session: Option<SessionId>,
    /// From where and how.
    pub details: SealedDetails,
}

/// What was done to an account, newest first (ID-14): up to `limit` entries (at most [`HISTORY_MAX`]) before
/// the place `before_seq`, or the newest when `None`.
pub async fn history(
    tx: &mut ReadTx,
    account: AccountId,
    before_seq: Option<i64>,
    limit: u8,
) -> Result<Vec<Item>, DbError> {
    let before = before_seq.unwrap_or(i64::MAX);
    let limit = limit.min(HISTORY_MAX);
    let rows = tx
        .query(
            &sql::HISTORY,
            params![bucket_of(&account), account.as_bytes(), before, limit],
        )
        .await?;
    rows.iter().map(item).collect()
}

fn item(row: &Row) -> Result<Item, DbError> {
    let kind = row.text(3)?;
    let actor = row.opt_bytes(4)?;
    let account = |column: usize| {
        let bytes = row.opt_bytes(column)?;
        bytes
            .map(|id| AccountId::from_bytes(&id).map_err(|_| row.wrong(column, "not an id")))
            .transpose()
    };
    let session = row.opt_bytes(7)?;
    Ok(Item {
        seq: row.int(0)?,
        event: EventId::from_bytes(&row.bytes(1)?).map_err(|_| row.wrong(1, "not an id"))?,
        at: row.timestamp(2)?,
        actor: Actor::read(&kind, actor.as_deref())
            .map_err(|_| row.wrong(3, "not a known actor"))?,
        action: row.text(5)?,
        on_behalf: account(6)?,
        session: session
            .map(|id| SessionId::from_bytes(&id).map_err(|_| row.wrong(7, "not an id")))
            .transpose()?,
        details: SealedDetails(row.bytes(8)?),
    })
}
