//! Sessions: begun by a proof, found by their token, listed, ended (ID-9).

pub(crate) mod sql;

use std::net::IpAddr;

use audit::{Details, Entry};
use db::{DbError, ReadTx, WriteTx, params};
use identity_core::session::{self as rules, Method};
use kernel::{AccountId, SessionId, Timestamp, Visitor};
use serde::{Deserialize, Serialize};
use vault::{Token, same};

use crate::{
    account::{self, Account},
    backup_code,
    codes::BrowserKey,
    counters, device_key,
    env::{Env, ServiceError},
    notice::{self, Notice},
    second_factor::Enough,
    shown::{self, Proof},
};

/// What the browser carries: which account and session (for the row), and 256 random bits (for the right).
#[derive(Clone)]
pub struct SessionToken {
    account: AccountId,
    session: SessionId,
    secret: Token,
}

impl SessionToken {
    /// The text for the cookie or the Authorization header, nowhere else.
    pub fn expose(&self) -> String {
        format!(
            "{}.{}.{}",
            self.account,
            self.session,
            self.secret.expose().as_str()
        )
    }

    /// From its text.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let account = parts.next()?.parse().ok()?;
        let session = parts.next()?.parse().ok()?;
        let secret = Token::from_text(parts.next()?).ok()?;
        Some(Self {
            account,
            session,
            secret,
        })
    }
}

impl std::fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionToken(…)")
    }
}

/// Somebody signed in: the right to act for an account. Only [`find`] makes one.
#[derive(Debug)]
pub struct SignedIn {
    /// The session.
    pub session: SessionId,
    /// The account.
    pub account: Account,
    /// How it was born.
    pub method: Method,
    /// The browser's long-lived token, hashed.
    pub browser: [u8; 32],
    /// Since when.
    pub created_at: Timestamp,
    /// Its last-seen time should be written.
    pub is_due: bool,
}

impl SignedIn {
    /// The key that a signed-in person's codes are bound to.
    pub fn browser_key(&self) -> BrowserKey {
        vault::token_hash(&[b"session".as_slice(), self.session.as_bytes()].concat())
    }

    /// An entry for the log: done by this customer, in this session, from here.
    pub(crate) fn entry(&self, action: audit::Action, details: &Details) -> Entry {
        Entry::by_customer(action, self.account.id)
            .in_session(self.session)
            .with(details.seal(&self.account.key))
    }
}

/// What is kept of a device, sealed.
#[derive(Serialize, Deserialize)]
struct Device {
    network: IpAddr,
    agent: String,
}

const DEVICE: &str = "identity.device";
/// Longest browser name kept, bytes.
const AGENT_MAX: usize = 512;

/// A session that has just begun.
pub(crate) struct Begun {
    pub(crate) token: SessionToken,
    pub(crate) id: SessionId,
    /// The browser's new long-lived token, when it had none.
    pub(crate) browser: Option<Token>,
    /// The account has not seen this browser before.
    pub(crate) is_new_browser: bool,
    /// Live sessions that ended to make room.
    pub(crate) made_room: u64,
}

/// Begins a session with what was shown for it, once the gate found it enough. Ends those that have to make room
/// (A29).
pub(crate) async fn begin_shown(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    account: &Account,
    proof: &Proof,
    known: Option<[u8; 32]>,
    enough: Enough,
) -> Result<Begun, ServiceError> {
    if enough.is_codes_void {
        backup_code::tell_void(tx, env, visitor, account).await?;
    }
    let now = tx.now();
    let made_room = make_room(tx, env, account.id, known.as_ref()).await?;
    let fresh = known.is_none().then(|| Token::new(&*env.chance));
    let browser = known
        .or_else(|| fresh.as_ref().map(Token::hash))
        .unwrap_or_default();
    let is_new_browser = !know_browser(tx, account.id, &browser).await?;
    let id = SessionId::new(now, &*env.chance);
    let secret = Token::new(&*env.chance);
    let end = visitor.agent.floor_char_boundary(AGENT_MAX);
    let agent = visitor.agent.get(..end).unwrap_or_default().to_owned();
    let device = serde_json::to_vec(&Device {
        network: visitor.network,
        agent,
    })
    .map_err(|_| ServiceError::Inconsistent("a device is always JSON"))?;
    let sealed = account.key.seal(DEVICE, &device);
    let token_hash = secret.hash();
    let row = params![
        account.id.as_bytes(),
        id.as_bytes(),
        &token_hash,
        proof.method.as_str(),
        &browser,
        &sealed,
        now,
        now,
    ];
    tx.defer(&[(&sql::ADD, row)]).await?;
    shown::note(tx, id, proof).await?;
    let token = SessionToken {
        account: account.id,
        session: id,
        secret,
    };
    Ok(Begun {
        token,
        id,
        browser: fresh,
        is_new_browser,
        made_room,
    })
}

/// Ends the sessions that have to go so that one more fits; answers how many of them were alive.
///
/// A browser holds one session of an account: signing in anew ends the one it had (A25). That is no news, and is
/// not counted.
async fn make_room(
    tx: &mut WriteTx,
    env: &Env,
    account: AccountId,
    known: Option<&[u8; 32]>,
) -> Result<u64, DbError> {
    let rows = tx.query(&sql::LIST, params![account.as_bytes()]).await?;
    let mut live = Vec::with_capacity(rows.len());
    for row in &rows {
        let session = session_id(row, 0)?;
        if known == Some(&row.array::<32>(2)?) {
            tx.execute(&sql::END, params![account.as_bytes(), session.as_bytes()])
                .await?;
        } else {
            live.push((session, row.timestamp(5)?));
        }
    }
    let now = tx.now();
    let surplus = rules::surplus(&live, &env.policy, now);
    for session in &surplus {
        tx.execute(&sql::END, params![account.as_bytes(), session.as_bytes()])
            .await?;
    }
    let alive = live.iter().filter(|(session, seen_at)| {
        surplus.contains(session) && rules::is_alive(*seen_at, &env.policy, now)
    });
    Ok(u64::try_from(alive.count()).unwrap_or(u64::MAX))
}

/// Notes the browser; true when the account knew it already.
async fn know_browser(
    tx: &mut WriteTx,
    account: AccountId,
    hash: &[u8; 32],
) -> Result<bool, DbError> {
    let now = tx.now();
    if tx
        .execute(&sql::BROWSER_SEEN, params![now, account.as_bytes(), hash])
        .await?
        == 1
    {
        return Ok(true);
    }
    let none: &[u8] = &[];
    let row = params![account.as_bytes(), hash, now, now, 0_i64, none];
    tx.defer(&[(&sql::BROWSER_ADD, row)]).await?;
    Ok(false)
}

fn session_id(row: &db::Row, column: usize) -> Result<SessionId, DbError> {
    SessionId::from_bytes(&row.array::<16>(column)?).map_err(|_| row.wrong(column, "not an id"))
}

fn method(row: &db::Row, column: usize) -> Result<Method, DbError> {
    Method::from_name(&row.text(column)?).ok_or_else(|| row.wrong(column, "no method"))
}

/// The session of a token; `None` when it never was, has ended or slept too long.
pub async fn find(
    tx: &mut ReadTx,
    env: &Env,
    token: &SessionToken,
) -> Result<Option<SignedIn>, ServiceError> {
    let key = params![token.account.as_bytes(), token.session.as_bytes()];
    let Some(row) = tx.query_opt(&sql::FIND, key).await? else {
        return Ok(None);
    };
    let now = tx.now();
    let seen_at = row.timestamp(4)?;
    let right = same(&row.array::<32>(0)?, &token.secret.hash());
    if !right || !rules::is_alive(seen_at, &env.policy, now) {
        return Ok(None);
    }
    Ok(Some(SignedIn {
        session: token.session,
        method: method(&row, 1)?,
        browser: row.array(2)?,
        created_at: row.timestamp(3)?,
        is_due: rules::is_due(seen_at, &env.policy, now),
        account: account::read(&row, 5, token.account, env)?,
    }))
}

/// Writes that a session was seen.
pub async fn touch(
    tx: &mut WriteTx,
    account: AccountId,
    session: SessionId,
) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(
        &sql::TOUCH,
        params![now, account.as_bytes(), session.as_bytes(), now],
    )
    .await?;
    Ok(())
}

/// A device in the list (ID-9).
#[derive(Debug, Clone)]
pub struct Listed {
    /// The session.
    pub session: SessionId,
    /// Where it was begun.
    pub network: IpAddr,
    /// What the browser called itself; shown only through `kernel::agent::device_name`.
    pub agent: String,
    /// How it signed in.
    pub method: Method,
    /// First seen.
    pub created_at: Timestamp,
    /// Last seen.
    pub seen_at: Timestamp,
    /// It is the one that asks.
    pub is_current: bool,
    /// Its browser holds a key for the passcode (ID-3).
    pub has_key: bool,
}

/// The live sessions of whoever asks, latest first.
pub async fn list(tx: &mut ReadTx, env: &Env, who: &SignedIn) -> Result<Vec<Listed>, ServiceError> {
    let now = tx.now();
    let rows = tx
        .query(&sql::LIST, params![who.account.id.as_bytes()])
        .await?;
    let with_key = device_key::browsers(tx, who.account.id).await?;
    let mut listed = Vec::with_capacity(rows.len());
    for row in &rows {
        let seen_at = row.timestamp(5)?;
        if !rules::is_alive(seen_at, &env.policy, now) {
            continue;
        }
        let opened = who.account.key.open(DEVICE, &row.bytes(3)?)?;
        let device: Device = serde_json::from_slice(&opened)
            .map_err(|_| ServiceError::Inconsistent("a sealed device"))?;
        let session = session_id(row, 0)?;
        listed.push(Listed {
            session,
            network: device.network,
            agent: device.agent,
            method: method(row, 1)?,
            created_at: row.timestamp(4)?,
            seen_at,
            is_current: session == who.session,
            has_key: with_key.contains(&row.array::<32>(2)?),
        });
    }
    Ok(listed)
}

/// Signs out.
pub async fn sign_out(
    tx: &mut WriteTx,
    visitor: &Visitor,
    who: &SignedIn,
) -> Result<(), ServiceError> {
    let key = params![who.account.id.as_bytes(), who.session.as_bytes()];
    if tx.execute(&sql::END, key).await? == 1 {
        audit::append(
            tx,
            who.entry(audit::action::SESSION_SIGNED_OUT, &Details::of(visitor)),
        )
        .await?;
    }
    Ok(())
}

/// Ends another session of the same account and forgets its browser: a lost phone is a stranger's now. False
/// when there is none such.
pub async fn end(
    tx: &mut WriteTx,
    visitor: &Visitor,
    who: &SignedIn,
    session: SessionId,
) -> Result<bool, ServiceError> {
    let account = who.account.id.as_bytes();
    let row = tx
        .query_opt(&sql::BROWSER_OF, params![account, session.as_bytes()])
        .await?;
    let Some(row) = row else { return Ok(false) };
    let browser = row.array::<32>(0)?;
    if browser != who.browser {
        tx.execute(&sql::BROWSER_FORGET, params![account, &browser])
            .await?;
        tx.execute(&device_key::sql::FORGET_BROWSER, params![account, &browser])
            .await?;
    }
    let key = params![account, session.as_bytes()];
    let ended = tx.execute(&sql::END, key).await? == 1;
    if ended {
        audit::append(
            tx,
            who.entry(audit::action::SESSION_ENDED, &Details::of(visitor)),
        )
        .await?;
    }
    Ok(ended)
}

/// Ends every session but the one that asks, forgets the other browsers, and tells the owner (ID-13): somebody
/// else may have pressed it. Answers how many ended.
pub async fn end_others(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
) -> Result<u64, ServiceError> {
    counters::lock_browsers(tx, who.account.id).await?;
    let ended = end_all(tx, who.account.id, Some(who)).await?;
    if ended > 0 {
        let details = Details::of(visitor).fact("count", ended.to_string());
        notice::tell(tx, env, visitor, &who.account, Notice::SessionsEnded).await?;
        audit::append(tx, who.entry(audit::action::SESSION_ENDED_OTHERS, &details)).await?;
    }
    Ok(ended)
}

/// Ends every session of an account, except `keep`, and forgets its browsers (ID-13, A26), which the caller
/// has locked ([`counters::lock_browsers`]).
pub(crate) async fn end_all(
    tx: &mut WriteTx,
    account: AccountId,
    keep: Option<&SignedIn>,
) -> Result<u64, DbError> {
    let nobody = [0; 16];
    let session = keep.map_or(&nobody, |who| who.session.as_bytes());
    let browser = keep.map_or([0; 32], |who| who.browser);
    for statement in [&sql::BROWSER_FORGET_OTHERS, &device_key::sql::FORGET_OTHERS] {
        let key = params![account.as_bytes(), &browser];
        tx.execute(statement, key).await?;
    }
    tx.execute(&sql::END_OTHERS, params![account.as_bytes(), session])
        .await
}
