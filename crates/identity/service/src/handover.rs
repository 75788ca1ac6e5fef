//! Letting a computer in by a signed-in phone (ID-7).
//!
//! The computer shows a QR code with a token and, apart from it, a number. The phone opens the link, sees what
//! asks and from where, finds the number among three, and confirms after a step-up. Only the browser that asked
//! picks the session up, once. The token is nowhere but in that browser and in its QR code; here is its hash.

pub(crate) mod sql;

use std::net::IpAddr;

use audit::{Action as Logged, Details, Entry};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use db::{BoxFuture, ReadTx, Row, WriteTx, params};
use identity_core::{
    assurance::{Action, Method},
    handover::{self as rules, CHOICES, State, Times},
    next_path::NextPath,
};
use kernel::{AccountId, Locale, SessionId, Timestamp, Visitor};
use serde::{Deserialize, Serialize};

use crate::{
    account::{self, Account},
    codes::BrowserKey,
    counters::{self, Scope},
    env::{Env, ServiceError, account_id},
    notice::{self, Notice},
    second_factor::{self, Enough, Gate},
    session::{self, SignedIn},
    shown::{self, Proof},
    sign_in::{self, Welcome},
    step_up::{self, At, Authorised, Sensitive},
};

/// A computer was let in.
pub const APPROVED: Logged = Logged::new("handover.approved");
/// It was not: the owner said no, or chose a wrong number.
pub const REFUSED: Logged = Logged::new("handover.refused");

/// What the QR code carries: 128 random bits. Never printed.
#[derive(Clone)]
pub struct HandoverToken([u8; 16]);

impl HandoverToken {
    /// From the text of a path or a cookie.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The text for the QR code and the cookie of the browser that asked, nowhere else.
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    fn hash(&self) -> [u8; 32] {
        vault::token_hash(&self.0)
    }
}

impl std::fmt::Debug for HandoverToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HandoverToken(…)")
    }
}

/// What is kept of a request, sealed.
#[derive(Serialize, Deserialize)]
struct Computer {
    offered: [u8; CHOICES],
    shown: u8,
    network: IpAddr,
    agent: String,
    next: String,
}

const COMPUTER: &str = "identity.handover";
const AGENT_MAX: usize = 512;

struct Request {
    browser: [u8; 32],
    computer: Computer,
    created_at: Timestamp,
    times: Times,
    account: Option<AccountId>,
    session: Option<SessionId>,
}

fn read(row: &Row, env: &Env) -> Result<Request, ServiceError> {
    let opened = env.vault.open_system(COMPUTER, &row.bytes(1)?)?;
    let computer = serde_json::from_slice(&opened)
        .map_err(|_| ServiceError::Inconsistent("a sealed request"))?;
    let account = match row.opt_array::<16>(4)? {
        Some(_) => Some(account_id(row, 4)?),
        None => None,
    };
    let session = row.opt_array::<16>(5)?;
    let session = session.map(|id| SessionId::from_bytes(&id)).transpose();
    Ok(Request {
        browser: row.array(0)?,
        computer,
        created_at: row.timestamp(2)?,
        times: Times {
            expires_at: row.timestamp(3)?,
            approved_at: row.opt_timestamp(6)?,
            refused_at: row.opt_timestamp(7)?,
            used_at: row.opt_timestamp(8)?,
        },
        account,
        session: session.map_err(|_| row.wrong(5, "not an id"))?,
    })
}

impl Request {
    fn state(&self, env: &Env, now: Timestamp) -> State {
        rules::state(&self.times, &env.policy, now)
    }
}

async fn find(
    tx: &mut ReadTx,
    env: &Env,
    request: &[u8; 32],
) -> Result<Option<Request>, ServiceError> {
    let row = tx.query_opt(&sql::FIND, params![request]).await?;
    row.map(|row| read(&row, env)).transpose()
}

async fn lock(
    tx: &mut WriteTx,
    env: &Env,
    request: &[u8; 32],
) -> Result<Option<Request>, ServiceError> {
    let row = tx.query_opt(&sql::LOCK, params![request]).await?;
    row.map(|row| read(&row, env)).transpose()
}

/// What became of asking to be let in.
#[derive(Debug, Clone)]
pub enum Begun {
    /// Waits for a phone.
    Waiting(HandoverToken),
    /// Too many from this network.
    NotNow {
        /// Until then.
        until: Timestamp,
    },
}

/// A computer asks to be let in.
pub async fn begin(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    browser: &BrowserKey,
    next: &NextPath,
) -> Result<Begun, ServiceError> {
    let now = tx.now();
    let scope = Scope::Handovers.of(env, visitor);
    let stamps = counters::lock_network(tx, &scope).await?;
    let most = env.policy.handovers;
    if let Some(until) = stamps.full_until(now, counters::TEN_MINUTES, most) {
        return Ok(Begun::NotNow { until });
    }
    counters::save_network(tx, &scope, &stamps.with(now, most)).await?;
    let numbers = rules::draw(|below| env.chance.below(below));
    let end = visitor.agent.floor_char_boundary(AGENT_MAX);
    let computer = Computer {
        offered: numbers.offered,
        shown: numbers.shown,
        network: visitor.network,
        agent: visitor.agent.get(..end).unwrap_or_default().to_owned(),
        next: next.as_str().to_owned(),
    };
    let computer = serde_json::to_vec(&computer)
        .map_err(|_| ServiceError::Inconsistent("a request is JSON"))?;
    let token = HandoverToken(env.chance.bytes());
    let sealed = env.vault.seal_system(COMPUTER, &computer);
    let expires = now.saturating_add(env.policy.handover_life);
    let request = token.hash();
    let row = params![&request, browser, &sealed, now, expires, 0_i64];
    tx.execute_one(&sql::ADD, row).await?;
    Ok(Begun::Waiting(token))
}

/// A request as the computer sees it.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Where it stands.
    pub state: State,
    /// The number to find on the phone.
    pub number: u8,
    /// Since when.
    pub created_at: Timestamp,
    /// It waits until then.
    pub expires_at: Timestamp,
}

/// Looks at a request from the computer; another browser sees nothing.
pub async fn look(
    tx: &mut ReadTx,
    env: &Env,
    token: &HandoverToken,
    browser: &BrowserKey,
) -> Result<Option<Seen>, ServiceError> {
    let found = find(tx, env, &token.hash()).await?;
    let now = tx.now();
    let found = found.filter(|request| vault::same(&request.browser, browser));
    Ok(found.map(|request| Seen {
        state: request.state(env, now),
        number: request.computer.shown,
        created_at: request.created_at,
        expires_at: request.times.expires_at,
    }))
}

/// A request as the phone sees it. Nothing says which of the numbers is the right one.
#[derive(Debug, Clone)]
pub struct Asking {
    /// From where it was asked.
    pub network: IpAddr,
    /// What the browser called itself; shown only through `kernel::agent::device_name`.
    pub agent: String,
    /// Since when.
    pub created_at: Timestamp,
    /// It waits until then.
    pub expires_at: Timestamp,
    /// The numbers to choose among.
    pub offered: [u8; CHOICES],
}

/// Looks at a request from the phone, which changes nothing; `None` when it does not wait any more.
pub async fn look_asking(
    tx: &mut ReadTx,
    env: &Env,
    token: &HandoverToken,
) -> Result<Option<Asking>, ServiceError> {
    let found = find(tx, env, &token.hash()).await?;
    let now = tx.now();
    let found = found.filter(|request| request.state(env, now) == State::Waiting);
    Ok(found.map(|request| Asking {
        network: request.computer.network,
        agent: request.computer.agent,
        created_at: request.created_at,
        expires_at: request.times.expires_at,
        offered: request.computer.offered,
    }))
}

/// What became of the phone's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chosen {
    /// The number that the computer shows.
    Right,
    /// Another one: the request has ended.
    Wrong,
    /// It does not wait any more.
    Over,
    /// This session was let in itself, not long ago: it lets nobody in yet.
    TooYoung {
        /// Until then.
        until: Timestamp,
    },
    /// The account is frozen: nobody is let in.
    Frozen,
}

/// Lets a computer in.
#[derive(Clone, Serialize, Deserialize)]
pub struct LetIn {
    /// Which request.
    request: [u8; 32],
    /// The number that was chosen.
    number: u8,
    /// What asks, as it was seen.
    agent: String,
    /// From where.
    network: IpAddr,
}

impl std::fmt::Debug for LetIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LetIn(…)")
    }
}

impl LetIn {
    /// What is let in, for the page that confirms it.
    pub fn what(&self) -> (&str, IpAddr) {
        (&self.agent, self.network)
    }
}

impl Sensitive for LetIn {
    const ACTION: Action = Action::LetIn;
    type Done = Chosen;

    fn target(&self, locale: Locale) -> Option<String> {
        Some(kernel::agent::device_name(&self.agent, locale))
    }

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<Chosen, ServiceError>> {
        Box::pin(async move {
            let At {
                env, visitor, who, ..
            } = at;
            let by = By {
                env,
                visitor,
                who,
                account: at.account,
            };
            let chosen = by.judge(tx, &self.request, self.number).await?;
            if chosen == Chosen::Right {
                let now = tx.now();
                let row = params![
                    at.account.id.as_bytes(),
                    who.session.as_bytes(),
                    now,
                    &self.request
                ];
                tx.execute_one(&sql::APPROVE, row).await?;
                audit::append(tx, who.entry(APPROVED, &by.details(&self.agent))).await?;
            }
            Ok(chosen)
        })
    }
}

/// Who chooses.
struct By<'t> {
    env: &'t Env,
    visitor: &'t Visitor,
    who: &'t SignedIn,
    account: &'t Account,
}

impl By<'_> {
    /// What is logged: from where it was chosen, and what asked.
    fn details(&self, agent: &str) -> Details {
        let name = kernel::agent::device_name(agent, self.account.locale);
        Details::of(self.visitor).fact("computer", name)
    }

    /// Judges a choice; a wrong one ends the request.
    async fn judge(
        &self,
        tx: &mut WriteTx,
        request: &[u8; 32],
        number: u8,
    ) -> Result<Chosen, ServiceError> {
        let now = tx.now();
        if self.account.frozen_at.is_some() {
            return Ok(Chosen::Frozen);
        }
        if let Some(until) = ripe_at(self.env, self.who).filter(|ripe| now < *ripe) {
            return Ok(Chosen::TooYoung { until });
        }
        let found = lock(tx, self.env, request).await?;
        let Some(found) = found.filter(|found| found.state(self.env, now) == State::Waiting) else {
            return Ok(Chosen::Over);
        };
        if found.computer.shown == number {
            return Ok(Chosen::Right);
        }
        self.refuse(tx, request, &found, "wrong_number").await?;
        let notice = Notice::LetInRefused;
        notice::tell(tx, self.env, self.visitor, self.account, notice).await?;
        Ok(Chosen::Wrong)
    }

    async fn refuse(
        &self,
        tx: &mut WriteTx,
        request: &[u8; 32],
        found: &Request,
        cause: &str,
    ) -> Result<(), ServiceError> {
        let row = params![self.account.id.as_bytes(), tx.now(), request];
        tx.execute_one(&sql::REFUSE, row).await?;
        let details = self
            .details(&found.computer.agent)
            .fact("cause", cause.to_owned());
        audit::append(tx, self.who.entry(REFUSED, &details)).await?;
        Ok(())
    }
}

/// From when on a session may let others in, when not at once.
pub fn ripe_at(env: &Env, who: &SignedIn) -> Option<Timestamp> {
    rules::may_let_in_at(who.method, who.created_at, &env.policy)
}

/// The phone has chosen a number. The right one gives the command that [`step_up::perform`] takes; a wrong one
/// ends the request.
pub async fn choose(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    token: &HandoverToken,
    number: u8,
) -> Result<Result<LetIn, Chosen>, ServiceError> {
    let account = step_up::lock(tx, env, who).await?;
    let request = token.hash();
    let by = By {
        env,
        visitor,
        who,
        account: &account,
    };
    let chosen = by.judge(tx, &request, number).await?;
    if chosen != Chosen::Right {
        return Ok(Err(chosen));
    }
    let found = find(tx, env, &request).await?;
    let Some(found) = found else {
        return Ok(Err(Chosen::Over));
    };
    Ok(Ok(LetIn {
        request,
        number,
        agent: found.computer.agent,
        network: found.computer.network,
    }))
}

/// The phone says no. True when the request still waited.
pub async fn refuse(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    token: &HandoverToken,
) -> Result<bool, ServiceError> {
    let account = step_up::lock(tx, env, who).await?;
    let (request, now) = (token.hash(), tx.now());
    let found = lock(tx, env, &request).await?;
    let Some(found) = found.filter(|found| found.state(env, now) == State::Waiting) else {
        return Ok(false);
    };
    let by = By {
        env,
        visitor,
        who,
        account: &account,
    };
    by.refuse(tx, &request, &found, "said_no").await?;
    Ok(true)
}

/// What became of the computer's entering.
pub enum Entered {
    /// In.
    In(Box<Welcome>),
    /// The phone has not answered yet.
    Waiting,
    /// The phone said no.
    Refused,
    /// Used, its time is over, or another browser's.
    Over,
}

/// The computer picks its session up.
pub async fn enter(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    token: &HandoverToken,
    browser: &BrowserKey,
    known: Option<[u8; 32]>,
) -> Result<Entered, ServiceError> {
    let (request, now) = (token.hash(), tx.now());
    let found = find(tx, env, &request).await?;
    let found = found.filter(|found| vault::same(&found.browser, browser));
    let Some(found) = found else {
        return Ok(Entered::Over);
    };
    let (owner, approver) = match (found.state(env, now), found.account, found.session) {
        (State::Approved, Some(owner), Some(approver)) => (owner, approver),
        (State::Waiting, ..) => return Ok(Entered::Waiting),
        (State::Refused, ..) => return Ok(Entered::Refused),
        _ => return Ok(Entered::Over),
    };
    let account = account::lock(tx, env, owner).await?;
    let key = params![owner.as_bytes(), approver.as_bytes()];
    // What the owner has ended or frozen since lets nobody in (I6, ID-13).
    let is_over = tx.query_opt(&step_up::sql::SESSION, key).await?.is_none();
    if account.frozen_at.is_some() || is_over {
        return Ok(Entered::Over);
    }
    // What the phone has shown stands for the computer; where a second factor is asked for by now, and the phone
    // had none to show when it let the computer in, it has to let it in again.
    let shown = shown::of_session(tx, owner, approver).await?;
    let since = found.created_at.saturating_sub(Action::LetIn.freshness());
    let shown: Vec<Method> = shown
        .iter()
        .filter(|shown| shown.at >= since)
        .map(|shown| shown.method)
        .collect();
    let Gate::Open(enough) = second_factor::gate(tx, env, &account, None, &shown).await? else {
        return Ok(Entered::Over);
    };
    if tx.execute(&sql::USE, params![now, &request]).await? != 1 {
        return Ok(Entered::Over);
    }
    let begins = Begins {
        known,
        computer: &found.computer,
        enough,
    };
    let welcome = begin_session(tx, env, visitor, &account, begins).await?;
    Ok(Entered::In(Box::new(welcome)))
}

/// The session that begins.
struct Begins<'t> {
    known: Option<[u8; 32]>,
    computer: &'t Computer,
    enough: Enough,
}

async fn begin_session(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    account: &Account,
    begins: Begins<'_>,
) -> Result<Welcome, ServiceError> {
    let Begins {
        known,
        computer,
        enough,
    } = begins;
    let proof = Proof {
        account: account.id,
        method: Method::Device,
        since: None,
    };
    let begun = session::begin_shown(tx, env, visitor, account, &proof, known, enough).await?;
    // Told of whether or not the browser is new: the confirming tap may have been talked out of the owner.
    notice::tell(tx, env, visitor, account, Notice::NewDevice).await?;
    sign_in::made_room(tx, env, visitor, account, &begun).await?;
    let details = Details::of(visitor)
        .fact("method", Method::Device.as_str())
        .fact("new_browser", "yes");
    let entry = Entry::by_customer(audit::action::SIGN_IN_SUCCEEDED, account.id)
        .in_session(begun.id)
        .with(details.seal(&account.key));
    audit::append(tx, entry).await?;
    Ok(Welcome {
        token: begun.token,
        browser: begun.browser,
        next: NextPath::parse(&computer.next).unwrap_or_default(),
        account: account.id,
        session: begun.id,
        is_new: false,
    })
}
