//! Asking for a code.

use std::time::Duration;

use db::{DbError, WriteTx, params};
use identity_core::{
    assurance::Action,
    challenge::{Channel, Purpose},
    next_path::NextPath,
    policy::WRONG_CLOSES,
    sending::{self, NotNow},
};
use kernel::{AccountId, ChallengeId, Identifier, MessageId, Visitor, code::OneTimeCode};

use super::{BrowserKey, known_browser, owner, range_scope, sql};
use crate::{
    breaker::{self, Budget, Tally},
    counters::{self, Counted, Scope},
    env::{Env, ServiceError, Subject},
    post::{self, Post, Words},
};

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
    /// The sensitive action that the code confirms: its message names it (A15).
    pub about: Option<About>,
}

/// A sensitive action as messages name it. Its target is personal, so it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct About {
    /// Which.
    pub action: Action,
    /// What it is done to.
    pub target: Option<String>,
}

impl std::fmt::Debug for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("About")
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
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
    let channel = channel(cmd, &policy.channels);
    let call = channel == Channel::Call;
    let counted = counters::take_subject(tx, &subject).await?;
    let owner = owner(tx, &subject).await?;
    let known = known_browser(tx, owner, cmd.known.as_ref()).await?;
    if counted.guesses.in_row >= WRONG_CLOSES && known.is_none() {
        return Ok(Asked::Closed);
    }
    let may_send = match known {
        Some(_) => counted.sends.may_send_to_known(policy, now, call),
        None => counted.sends.may_send(policy, now, call),
    };
    if let Err(not_now) = may_send {
        return Ok(Asked::NotNow(not_now));
    }
    if let Err(not_now) = count_network(tx, env, visitor).await? {
        return Ok(Asked::NotNow(not_now));
    }
    // Nor does a range that strangers had blocked shut an owner out of a known browser (ID-2a).
    if let Err(not_now) = count_range(tx, env, &cmd.identifier, known.is_some()).await? {
        return Ok(Asked::NotNow(not_now));
    }
    let sends = counted.sends.sent(policy, now, call);
    let serial = sends.serial;
    let counted = Counted { sends, ..counted };
    counters::save_subject(tx, env, &subject, &counted, owner.is_some()).await?;
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
        sent: i64::from(channel != Channel::Email),
        spent: price,
        ..Tally::default()
    };
    breaker::add(tx, &subject, tally).await?;
    Ok(Asked::Sent)
}

/// A phone is reached by the way that was asked for, or by the other where the installation lacks it.
fn channel(cmd: &Ask, ways: &[Channel]) -> Channel {
    let (wanted, other) = match (&cmd.identifier, cmd.call) {
        (Identifier::Email(_), _) => return Channel::Email,
        (Identifier::Phone(_), true) => (Channel::Call, Channel::Sms),
        (Identifier::Phone(_), false) => (Channel::Sms, Channel::Call),
    };
    if !ways.contains(&wanted) && ways.contains(&other) {
        return other;
    }
    wanted
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

async fn count_range(
    tx: &mut WriteTx,
    env: &Env,
    identifier: &Identifier,
    known: bool,
) -> Result<Result<(), NotNow>, DbError> {
    let Some(scope) = range_scope(env, identifier) else {
        return Ok(Ok(()));
    };
    let now = tx.now();
    let range = counters::take_range(tx, &scope).await?;
    if let Err(not_now) = range.may_send(&env.policy, now)
        && !known
    {
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

impl Sending<'_> {
    /// Whether the code is not ours to choose: the call gateway answers with the number that rings, and its
    /// last digits are the code from then on ([`super::LearnCalls`]).
    fn is_learnt(&self, env: &Env) -> bool {
        self.channel == Channel::Call && env.policy.calls_learnt
    }
}

/// Posts the message. When the day's budget is spent and nobody lives there, it is worthless from the start, so
/// that the courier drops it: the same rows are written as for a message that is sent (A1). Answers the message
/// whose delivery may be shown, and its price.
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
    let scarce = price > 0 && env.breaker.budget() == Budget::Spent;
    let withheld = scarce && sending.owner.is_none();
    let words = if sending.channel == Channel::Email
        && sending.owner.is_none()
        && matches!(cmd.purpose, Purpose::SignIn | Purpose::Freeze)
    {
        Words::Nobody
    } else {
        Words::Code {
            purpose: cmd.purpose,
            code: (!sending.is_learnt(env)).then(|| sending.code.clone()),
            serial: sending.serial,
            link: cmd.link.clone(),
            about: cmd.about.clone(),
        }
    };
    let life = if withheld {
        Duration::ZERO
    } else {
        env.policy.code_life
    };
    let post = Post {
        to: &cmd.identifier,
        channel: sending.channel,
        locale: visitor.locale,
        worthless_after: Some(tx.now().saturating_add(life)),
        words,
    };
    let message = post::post(tx, env, post).await?;
    // While only some are sent, how far a message got would tell which: then it is shown for none.
    let shown = (!scarce).then_some(message);
    Ok((shown, if withheld { 0 } else { price }))
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
    // No code fits until the gateway has told it.
    let mac: &[u8] = if sending.is_learnt(env) { &[] } else { &mac };
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
        mac,
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
    tx.defer(&[(&sql::VOID, void), (&sql::ADD, add), (&sql::FLOW_SET, flow)])
        .await?;
    Ok(())
}
