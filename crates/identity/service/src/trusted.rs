//! Trusted people (ID-8a): at most two, named by phone. They may freeze the account and never enter it. Nobody
//! learns from the freezing who named whom: it is done by a job, with the same answer for everybody.

pub(crate) mod sql;

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use audit::{Action as Logged, Details};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use db::{BoxFuture, Db, DbError, ReadTx, Row, WriteTx, params};
use identity_core::{
    assurance::Action,
    challenge::{Channel, NotAccepted, Purpose},
    guessing::Refused,
    next_path::NextPath,
};
use jobs::{Handler, Job, JobError, Lease, When};
use kernel::{AccountId, Identifier, Locale, Phone, Timestamp, Visitor};
use serde::{Deserialize, Serialize};

use crate::{
    account::{self, Account},
    codes::{self, Ask, Asked, BrowserKey, Check, Checked},
    counters,
    env::{Env, ServiceError, Subject, decode, encode},
    freeze,
    notice::{self, Notice},
    post::{self, Post, Words},
    session::SignedIn,
    step_up::{At, Authorised, Sensitive},
};

/// Somebody was named.
pub const NAMED: Logged = Logged::new("trusted_person.named");
/// Somebody no longer is.
pub const REMOVED: Logged = Logged::new("trusted_person.removed");

/// Longest name of a trusted person, characters.
pub const NAME_MAX: usize = 40;

#[derive(Serialize, Deserialize)]
struct Person {
    name: String,
    phone: String,
}

const PERSON: &str = "identity.trusted";

/// Names a row without telling its blind index.
fn public_id(account: AccountId, subject: &Subject) -> String {
    let hash = vault::token_hash(&[account.as_bytes().as_slice(), subject].concat());
    let (head, _) = hash.split_at(8);
    URL_SAFE_NO_PAD.encode(head)
}

/// A trusted person, for the owner.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Names them in a form.
    pub id: String,
    /// What the owner calls them.
    pub name: String,
    /// Their phone.
    pub phone: Identifier,
    /// Since when.
    pub named_at: Timestamp,
    subject: Subject,
}

fn listed(row: &Row, account: &Account) -> Result<Listed, ServiceError> {
    let subject: Subject = row.array(0)?;
    let opened = account.key.open(PERSON, &row.bytes(1)?)?;
    let person: Person = serde_json::from_slice(&opened)
        .map_err(|_| ServiceError::Inconsistent("a sealed trusted person"))?;
    Ok(Listed {
        id: public_id(account.id, &subject),
        name: person.name,
        phone: decode(&person.phone)?,
        named_at: row.timestamp(2)?,
        subject,
    })
}

/// The trusted people of an account, longest named first.
pub async fn list(tx: &mut ReadTx, account: &Account) -> Result<Vec<Listed>, ServiceError> {
    let rows = tx.query(&sql::LIST, params![account.id.as_bytes()]).await?;
    rows.iter().map(|row| listed(row, account)).collect()
}

/// Names a trusted person.
#[derive(Clone, Serialize, Deserialize)]
pub struct Name {
    /// What the owner calls them: a line of at most [`NAME_MAX`] characters.
    pub name: String,
    /// Their phone, in its one form.
    pub phone: String,
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Name(…)")
    }
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Named {
    /// Named; both were told.
    Done,
    /// Named before.
    Same,
    /// There are two already.
    Full,
    /// That is the owner's own number.
    Own,
    /// Enough were named today.
    Enough,
    /// No messages go to this country, or it is no number.
    Country,
}

impl Sensitive for Name {
    const ACTION: Action = Action::NameTrusted;
    type Done = Named;

    fn target(&self, _: Locale) -> Option<String> {
        // The number alone: names can be made to say anything.
        Phone::parse(&self.phone).ok().map(|phone| phone.masked())
    }

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<Named, ServiceError>> {
        Box::pin(name(tx, at, self))
    }
}

async fn name(tx: &mut WriteTx, at: At<'_>, cmd: &Name) -> Result<Named, ServiceError> {
    let (env, account) = (at.env, at.account);
    let policy = &env.policy;
    let phone = Phone::parse(&cmd.phone).ok();
    let served = phone.filter(|phone| policy.countries.contains(&phone.country_code()));
    let Some(phone) = served else {
        return Ok(Named::Country);
    };
    let identifier = Identifier::Phone(phone);
    let subject = env.subject(&identifier);
    let owned = account::identifiers(tx, account).await?;
    if owned.iter().any(|owned| owned.subject == subject) {
        return Ok(Named::Own);
    }
    let present = list(tx, account).await?;
    if present.iter().any(|person| person.subject == subject) {
        return Ok(Named::Same);
    }
    if present.len() >= policy.trusted_most {
        return Ok(Named::Full);
    }
    // Locked after the account, and only ever by it.
    let now = tx.now();
    let scope = env.scope("trusted.named", &account.id.to_string());
    let stamps = counters::lock_network(tx, &scope).await?;
    let day = counters::DAY;
    if stamps.full_until(now, day, policy.trusted_a_day).is_some() {
        return Ok(Named::Enough);
    }
    counters::save_network(tx, &scope, &stamps.with(now, policy.trusted_a_day)).await?;
    let person = serde_json::to_vec(&Person {
        name: cmd.name.clone(),
        phone: encode(&identifier),
    });
    let person = person.map_err(|_| ServiceError::Inconsistent("a person is JSON"))?;
    let sealed = account.key.seal(PERSON, &person);
    let row = params![account.id.as_bytes(), &subject, &sealed, now];
    tx.execute_one(&sql::ADD, row).await?;
    tell_person(tx, env, account, &identifier, true).await?;
    notice::tell(tx, env, at.visitor, account, Notice::TrustedNamed).await?;
    audit::append(tx, at.who.entry(NAMED, &Details::of(at.visitor))).await?;
    Ok(Named::Done)
}

/// Tells a trusted person in words that name nobody: the number may be a stranger's.
async fn tell_person(
    tx: &mut WriteTx,
    env: &Env,
    account: &Account,
    to: &Identifier,
    is_named: bool,
) -> Result<(), ServiceError> {
    let post = Post {
        to,
        channel: Channel::Sms,
        locale: account.locale,
        worthless_after: None,
        words: Words::Trusted { is_named },
    };
    post::post(tx, env, post).await?;
    Ok(())
}

/// Removes a trusted person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Remove {
    /// Which one, as [`Listed::id`] names them.
    pub id: String,
}

impl Sensitive for Remove {
    const ACTION: Action = Action::RemoveTrusted;
    /// False when there was none such.
    type Done = bool;

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<bool, ServiceError>> {
        Box::pin(async move {
            let present = list(tx, at.account).await?;
            let Some(person) = present.into_iter().find(|person| person.id == self.id) else {
                return Ok(false);
            };
            let key = params![at.account.id.as_bytes(), &person.subject];
            tx.execute_one(&sql::REMOVE, key).await?;
            tell_person(tx, at.env, at.account, &person.phone, false).await?;
            notice::tell(tx, at.env, at.visitor, at.account, Notice::TrustedRemoved).await?;
            audit::append(tx, at.who.entry(REMOVED, &Details::of(at.visitor))).await?;
            Ok(true)
        })
    }
}

/// A trusted person asks for the code that proves their own phone, from any browser.
pub async fn ask(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    own: &Identifier,
    browser: BrowserKey,
) -> Result<Asked, ServiceError> {
    let ask = Ask {
        purpose: Purpose::TrustedFreeze,
        identifier: own.clone(),
        call: false,
        browser,
        known: None,
        next: NextPath::default(),
        link: None,
        about: None,
    };
    codes::ask(tx, env, visitor, &ask).await
}

/// What became of a trusted person's code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByTrusted {
    /// Taken; the same words whether or not anything is frozen by it (RE-10).
    Taken,
    /// Not the code, or not any more.
    NotAccepted(NotAccepted),
    /// Not even looked at.
    Refused(Refused),
}

/// A trusted person freezes a friend's account. Each code serves for one friend, so the limits on codes are the
/// limits on trying numbers.
pub async fn freeze(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    cmd: &Check,
    friend: &Identifier,
) -> Result<ByTrusted, ServiceError> {
    let cmd = Check {
        purpose: Purpose::TrustedFreeze,
        ..cmd.clone()
    };
    let proved = match codes::check(tx, env, visitor, &cmd).await? {
        Checked::NotAccepted(why) => return Ok(ByTrusted::NotAccepted(why)),
        Checked::Refused(why) => return Ok(ByTrusted::Refused(why)),
        Checked::Right(proved) => proved,
    };
    codes::end(tx, Purpose::TrustedFreeze, &cmd.browser).await?;
    let friend = env.subject(friend);
    let job = TrustedFreeze {
        person: proved.subject,
        friend,
        network: visitor.network,
        agent: visitor.agent.clone(),
    };
    jobs::enqueue(tx, &env.vault, &*env.chance, &friend, &job, When::default()).await?;
    Ok(ByTrusted::Taken)
}

/// Somebody who proved their phone wants a friend's account frozen. Whether they may is found out later, by a
/// job, so that the time of the answer tells nothing.
#[derive(Serialize, Deserialize)]
pub struct TrustedFreeze {
    person: Subject,
    friend: Subject,
    network: IpAddr,
    agent: String,
}

impl Job for TrustedFreeze {
    const KIND: &'static str = "identity.trusted_freeze";
}

/// Freezes, when they may.
pub struct FreezeByTrusted {
    /// The database.
    pub db: Db,
    /// The surroundings.
    pub env: Env,
}

#[async_trait]
impl Handler<TrustedFreeze> for FreezeByTrusted {
    async fn run(&self, job: TrustedFreeze, _: &Lease) -> Result<(), JobError> {
        let input = (self.env.clone(), Arc::new(job));
        let frozen: Result<(), ServiceError> = self
            .db
            .write("identity.trusted_freeze", input, |tx, (env, job)| {
                Box::pin(carry_out(tx, env, job))
            })
            .await;
        frozen.map_err(|error| {
            tracing::warn!(%error, "a trusted person's freeze was not carried out");
            JobError::Again {
                code: "not_frozen",
                after: None,
            }
        })
    }
}

async fn carry_out(tx: &mut WriteTx, env: &Env, job: &TrustedFreeze) -> Result<(), ServiceError> {
    let Some(owner) = codes::owner(tx, &job.friend).await? else {
        return Ok(());
    };
    counters::lock_browsers(tx, owner).await?;
    let account = account::lock(tx, env, owner).await?;
    if !is_trusted(tx, owner, &job.person).await? {
        return Ok(());
    }
    let visitor = Visitor {
        network: job.network,
        agent: job.agent.clone(),
        locale: account.locale,
    };
    freeze::freeze(tx, env, &visitor, &account, None, "trusted").await
}

async fn is_trusted(
    tx: &mut ReadTx,
    account: AccountId,
    person: &Subject,
) -> Result<bool, DbError> {
    let key = params![account.as_bytes(), person];
    Ok(tx.query_opt(&sql::FIND, key).await?.is_some())
}

/// The account of whoever asks may name this many more.
pub async fn room(tx: &mut ReadTx, env: &Env, who: &SignedIn) -> Result<usize, ServiceError> {
    let present = list(tx, &who.account).await?.len();
    Ok(env.policy.trusted_most.saturating_sub(present))
}
