//! Codes: asking for one, checking one, where a browser stands. The same for every purpose.
//!
//! Neither answer depends on whether an account exists (ID-1, A1, A7): what is counted is counted per
//! identifier, an unknown one included, and both take the same statements.

pub(crate) mod sql;

use db::{DbError, ReadTx, Row, WriteTx, params};
use identity_core::{
    challenge::{Challenge, Channel, NotAccepted, Purpose},
    guessing::{self, Guesses, Refused},
    next_path::NextPath,
    policy::WRONG_CLOSES,
    sending::{self, NotNow},
};
use kernel::{
    AccountId, ChallengeId, Identifier, MessageId, Timestamp, Visitor, code::OneTimeCode,
};

use crate::{
    breaker::{self, Budget, Tally},
    counters::{self, Counted, KnownBrowser, Scope},
    env::{Env, ServiceError, Subject, account_id},
    post::{self, Post, Words},
};

/// The hash of the random token that one browser holds while it signs in, or of its session afterwards.
pub type BrowserKey = [u8; 32];

/// Asks for a code.
#[derive(Clone)]
pub struct Ask {
    /// What for.
    pub purpose: Purpose,
    /// Where it goes.
    pub identifier: Identifier,
    /// By call instead of SMS; a letter always goes by e-mail.
    pub call: bool,
    /// The browser that asks and that alone may answer.
    pub browser: BrowserKey,
    /// The long-lived token of the browser, hashed, when it has one.
    pub known: Option<[u8; 32]>,
    /// Where to go afterwards.
    pub next: NextPath,
    /// What the letter or message is about, when it is not plain sign-in.
    pub link: Option<String>,
}

impl std::fmt::Debug for Ask {
    // The link opens what it leads to, so it reaches no log by way of Debug.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ask")
            .field("purpose", &self.purpose)
            .field("identifier", &self.identifier)
            .field("call", &self.call)
            .field("has_link", &self.link.is_some())
            .finish_non_exhaustive()
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// On its way; the same answer when nobody lives there.
    Sent,
    /// Not now.
    NotNow(NotNow),
    /// Codes are closed for this identifier until a stronger factor is shown (ID-2a).
    Closed,
    /// No messages go to this country (A21).
    Country,
}

const CODE_DIGITS: u8 = 6;
const SHORT_DIGITS: u8 = 4;
/// A network may ask this many times as much as one of its devices.
const DEVICES_A_SITE: usize = 10;

/// Asks for a code. Everything about one identifier happens one after the other: its row is locked first.
pub async fn ask(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    cmd: &Ask,
) -> Result<Asked, ServiceError> {
    let policy = &env.policy;
    let now = tx.now();
    if let Identifier::Phone(phone) = &cmd.identifier
        && !policy.countries.contains(&phone.country_code())
    {
        return Ok(Asked::Country);
    }
    let subject = env.subject(&cmd.identifier);
    let channel = channel(cmd);
    let call = channel == Channel::Call;
    let counted = counters::lock_subject(tx, &subject).await?;
    let owner = owner(tx, &subject).await?;
    let known = known_browser(tx, owner, cmd.known.as_ref()).await?;
    if counted.guesses.in_row >= WRONG_CLOSES && known.is_none() {
        return Ok(Asked::Closed);
    }
    if let Err(not_now) = counted.sends.may_send(policy, now, call) {
        return Ok(Asked::NotNow(not_now));
    }
    if let Err(not_now) = count_network(tx, env, visitor).await? {
        return Ok(Asked::NotNow(not_now));
    }
    if let Err(not_now) = count_range(tx, env, &cmd.identifier).await? {
        return Ok(Asked::NotNow(not_now));
    }
    let sends = counted.sends.sent(policy, now, call);
    let serial = sends.serial;
    counters::save_subject(tx, &subject, &Counted { sends, ..counted }).await?;
    let short = call && known.is_some() && cmd.purpose == Purpose::SignIn;
    let digits = if short { SHORT_DIGITS } else { CODE_DIGITS };
    let code = OneTimeCode::draw(usize::from(digits), &*env.chance);
    let sending = Sending {
        subject: &subject,
        channel,
        serial,
        code: &code,
        owner,
    };
    let (message, price) = send(tx, env, visitor, cmd, &sending).await?;
    let kept = Kept {
        digits,
        tries_most: if short {
            policy.short_code_tries
        } else {
            policy.code_tries
        },
    };
    keep(tx, env, cmd, &sending, &kept, message).await?;
    let tally = Tally {
        sent: 1,
        spent: price,
        ..Tally::default()
    };
    breaker::add(tx, &subject, tally).await?;
    Ok(Asked::Sent)
}

fn channel(cmd: &Ask) -> Channel {
    match (&cmd.identifier, cmd.call) {
        (Identifier::Email(_), _) => Channel::Email,
        (Identifier::Phone(_), true) => Channel::Call,
        (Identifier::Phone(_), false) => Channel::Sms,
    }
}

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

async fn count_network(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
) -> Result<Result<(), NotNow>, DbError> {
    let now = tx.now();
    let most = env.policy.network_sends_per_day;
    let device = (Scope::Sends.of(env, visitor), most);
    let site = (
        Scope::SiteSends.of(env, visitor),
        most.saturating_mul(DEVICES_A_SITE),
    );
    let mut scopes = [device, site];
    scopes.sort_unstable();
    let mut saved = Vec::with_capacity(2);
    for (scope, most) in scopes {
        let stamps = counters::lock_network(tx, &scope).await?;
        if let Err(not_now) = sending::network_may_send(&stamps, most, now) {
            return Ok(Err(not_now));
        }
        saved.push((scope, stamps.with(now, most)));
    }
    for (scope, stamps) in saved {
        counters::save_network(tx, &scope, &stamps).await?;
    }
    Ok(Ok(()))
}

fn range_scope(env: &Env, identifier: &Identifier) -> Option<[u8; 32]> {
    match identifier {
        Identifier::Phone(phone) => Some(env.scope("phone.range", phone.prefix_for_range())),
        Identifier::Email(_) => None,
    }
}

async fn count_range(
    tx: &mut WriteTx,
    env: &Env,
    identifier: &Identifier,
) -> Result<Result<(), NotNow>, DbError> {
    let Some(scope) = range_scope(env, identifier) else {
        return Ok(Ok(()));
    };
    let now = tx.now();
    let range = counters::lock_range(tx, &scope).await?;
    if let Err(not_now) = range.may_send(&env.policy, now) {
        return Ok(Err(not_now));
    }
    let range = range.sent(&env.policy, now);
    if range.blocked_until.is_some_and(|until| until > now) {
        metrics::counter!("kabinet_code_ranges_blocked").increment(1);
        tracing::warn!("a range of numbers is blocked: nobody uses its codes");
    }
    counters::save_range(tx, &scope, &range).await?;
    Ok(Ok(()))
}

struct Sending<'a> {
    subject: &'a Subject,
    channel: Channel,
    serial: u32,
    code: &'a OneTimeCode,
    owner: Option<AccountId>,
}

/// Posts the message, unless the day's budget is spent and nobody lives there. Answers its price.
async fn send(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    cmd: &Ask,
    sending: &Sending<'_>,
) -> Result<(Option<MessageId>, i64), ServiceError> {
    let price = match sending.channel {
        Channel::Sms => env.policy.sms_price,
        Channel::Call => env.policy.call_price,
        Channel::Email => 0,
    };
    if price > 0 && sending.owner.is_none() && env.breaker.budget() == Budget::Spent {
        return Ok((None, 0));
    }
    let words = if sending.channel == Channel::Email
        && sending.owner.is_none()
        && matches!(cmd.purpose, Purpose::SignIn | Purpose::Freeze)
    {
        Words::Nobody
    } else {
        Words::Code {
            purpose: cmd.purpose,
            code: sending.code.clone(),
            serial: sending.serial,
            link: cmd.link.clone(),
        }
    };
    let post = Post {
        to: &cmd.identifier,
        channel: sending.channel,
        locale: visitor.locale,
        worthless_after: Some(tx.now().saturating_add(env.policy.code_life)),
        words,
    };
    Ok((Some(post::post(tx, env, post).await?), price))
}

struct Kept {
    digits: u8,
    tries_most: u32,
}

async fn keep(
    tx: &mut WriteTx,
    env: &Env,
    cmd: &Ask,
    sending: &Sending<'_>,
    kept: &Kept,
    message: Option<MessageId>,
) -> Result<(), ServiceError> {
    let now = tx.now();
    let id = ChallengeId::new(now, &*env.chance);
    let salt: [u8; 16] = env.chance.bytes();
    let mac = env.vault.code_mac(&salt, sending.code.expose());
    let expires = now.saturating_add(env.policy.code_life);
    let purpose = cmd.purpose.as_str();
    let void = params![now, sending.subject, purpose];
    let add = params![
        sending.subject,
        id.as_bytes(),
        purpose,
        sending.channel.as_str(),
        &cmd.browser,
        &salt,
        &mac,
        kept.digits,
        sending.serial,
        0_i64,
        kept.tries_most,
        now,
        expires,
        message.as_ref().map(MessageId::as_bytes),
    ];
    let sealed = env.seal_identifier(&cmd.identifier);
    let next = cmd.next.as_str();
    let flow = params![
        &cmd.browser,
        purpose,
        sending.subject,
        &sealed,
        id.as_bytes(),
        next,
        now
    ];
    tx.batch(&[(&sql::VOID, void), (&sql::ADD, add), (&sql::FLOW_SET, flow)])
        .await?;
    Ok(())
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

/// What a typed code turned out to be.
#[derive(Debug, Clone)]
pub enum Checked {
    /// The code.
    Right(Box<Proved>),
    /// Not it, or not any more.
    NotAccepted(NotAccepted),
    /// Not even looked at.
    Refused(Refused),
}

/// What is checked.
#[derive(Debug, Clone)]
pub struct Check {
    /// What the code has to be for.
    pub purpose: Purpose,
    /// The browser that answers.
    pub browser: BrowserKey,
    /// Its long-lived token, hashed.
    pub known: Option<[u8; 32]>,
    /// What was typed.
    pub code: OneTimeCode,
}

/// Checks a code: counts the try first, then compares (A13, A14). `Ok` with anything but
/// [`Checked::Right`] must be committed all the same, or the try was free.
pub async fn check(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    cmd: &Check,
) -> Result<Checked, ServiceError> {
    let now = tx.now();
    let Some(flow) = flow(tx, cmd.purpose, &cmd.browser).await? else {
        // The same work as for a code that exists (A7).
        let _ = env.vault.code_mac(&cmd.browser, cmd.code.expose());
        return Ok(Checked::NotAccepted(NotAccepted::Dead));
    };
    let counted = counters::lock_subject(tx, &flow.subject).await?;
    let owner = owner(tx, &flow.subject).await?;
    let known = known_browser(tx, owner, cmd.known.as_ref()).await?;
    let mut wrongs = lock_wrongs(tx, env, visitor).await?;
    let guesses = known
        .as_ref()
        .map_or(&counted.guesses, |known| &known.guesses);
    let network = if known.is_some() {
        Ok(())
    } else {
        wrongs.may_try(env, now)
    };
    if let Err(refused) = guesses.may_try(&env.policy, now).and(network) {
        return Ok(Checked::Refused(refused));
    }
    let row = tx
        .query_opt(&sql::FIND, params![&flow.subject, &flow.challenge])
        .await?;
    let Some(row) = row else {
        return Ok(Checked::NotAccepted(NotAccepted::Dead));
    };
    let mut sent = read_challenge(&row)?;
    if known.is_none() && env.breaker.is_slow() {
        sent.challenge.tries_most = sent.challenge.tries_most.min(env.policy.slow_code_tries);
    }
    let mac = env.vault.code_mac(&sent.salt, cmd.code.expose());
    let live = match sent.challenge.live(cmd.purpose, &cmd.browser, now) {
        Ok(live) => live,
        Err(not_accepted) => return Ok(Checked::NotAccepted(not_accepted)),
    };
    if tx
        .execute(&sql::TRY, params![&flow.subject, &flow.challenge])
        .await?
        != 1
    {
        return Ok(Checked::NotAccepted(NotAccepted::Dead));
    }
    let judged = live.judge(vault::same(&mac, &sent.mac));
    let tally = Tally {
        tries: 1,
        wrong: i64::from(judged.is_err()),
        ..Tally::default()
    };
    if let Err(not_accepted) = judged {
        let guesses = guesses.clone().wrong(&env.policy, now);
        let suspicious = guesses.is_suspicious();
        save_guesses(tx, &flow.subject, counted, known, guesses).await?;
        wrongs.add(tx, env, now).await?;
        if suspicious {
            post::suspicion(tx, env, visitor, &flow.subject).await?;
        }
        breaker::add(tx, &flow.subject, tally).await?;
        return Ok(Checked::NotAccepted(not_accepted));
    }
    let guesses = guesses.clone().right();
    let counted = Counted {
        sends: counted.sends.clone().succeeded(),
        ..counted
    };
    save_guesses(tx, &flow.subject, counted, known, guesses).await?;
    let identifier = env.open_identifier(&flow.sealed)?;
    if let Some(scope) = range_scope(env, &identifier) {
        let range = counters::lock_range(tx, &scope).await?.used();
        counters::save_range(tx, &scope, &range).await?;
    }
    tx.execute_one(&sql::USE, params![now, &flow.subject, &flow.challenge])
        .await?;
    let proved = params![now, &cmd.browser, cmd.purpose.as_str(), &flow.challenge];
    let is_current = tx.execute(&sql::FLOW_PROVED, proved).await? == 1;
    breaker::add(tx, &flow.subject, tally).await?;
    if !is_current {
        // The same browser asked again while this was judged: its flow now names another code, perhaps of
        // another number, and that one was not proved.
        return Ok(Checked::NotAccepted(NotAccepted::Dead));
    }
    Ok(Checked::Right(Box::new(Proved {
        subject: flow.subject,
        identifier,
        channel: sent.channel,
        owner,
        next: flow.next,
    })))
}

async fn save_guesses(
    tx: &mut WriteTx,
    subject: &Subject,
    counted: Counted,
    known: Option<KnownBrowser>,
    guesses: Guesses,
) -> Result<(), DbError> {
    match known {
        Some(known) => {
            counters::save_browser(tx, &KnownBrowser { guesses, ..known }).await?;
            counters::save_subject(tx, subject, &counted).await
        }
        None => counters::save_subject(tx, subject, &Counted { guesses, ..counted }).await,
    }
}

/// The wrong tries of the visitor's address and of its /24 or /64.
struct Wrongs {
    address: ([u8; 32], identity_core::recent::Recent),
    site: ([u8; 32], identity_core::recent::Recent),
}

async fn lock_wrongs(tx: &mut WriteTx, env: &Env, visitor: &Visitor) -> Result<Wrongs, DbError> {
    let address = Scope::Wrong.of(env, visitor);
    let site = Scope::SiteWrong.of(env, visitor);
    // In the order of the keys, as everywhere.
    let (first, second) = if address <= site {
        (address, site)
    } else {
        (site, address)
    };
    let first_stamps = counters::lock_network(tx, &first).await?;
    let second_stamps = counters::lock_network(tx, &second).await?;
    Ok(if first == address {
        Wrongs {
            address: (first, first_stamps),
            site: (second, second_stamps),
        }
    } else {
        Wrongs {
            address: (second, second_stamps),
            site: (first, first_stamps),
        }
    })
}

impl Wrongs {
    fn may_try(&self, env: &Env, now: Timestamp) -> Result<(), Refused> {
        guessing::network_may_try(&self.address.1, &self.site.1, &env.policy, now)
    }

    async fn add(&mut self, tx: &mut WriteTx, env: &Env, now: Timestamp) -> Result<(), DbError> {
        let address = std::mem::take(&mut self.address.1).with(now, env.policy.network_wrong);
        let site = std::mem::take(&mut self.site.1).with(now, env.policy.site_wrong);
        counters::save_network(tx, &self.address.0, &address).await?;
        counters::save_network(tx, &self.site.0, &site).await
    }
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
pub(crate) async fn is_proved(
    tx: &mut ReadTx,
    env: &Env,
    purpose: Purpose,
    browser: &BrowserKey,
) -> Result<bool, DbError> {
    let flow = flow(tx, purpose, browser).await?;
    let proved_at = flow.and_then(|flow| flow.proved_at);
    Ok(proved_at.is_some_and(|at| tx.now().since(at) < env.policy.proof_life))
}

/// Ends a browser's flow; its proof is used up.
pub(crate) async fn end(
    tx: &mut WriteTx,
    purpose: Purpose,
    browser: &BrowserKey,
) -> Result<(), DbError> {
    tx.execute(&sql::FLOW_END, params![browser, purpose.as_str()])
        .await?;
    Ok(())
}
