//! Numbers that age (ID-8a): one not proved for a year is asked about, one that its operator says has changed its
//! SIM card or its owner is a name, no longer a key, until a stronger factor was shown beside it.

pub(crate) mod sql;

use audit::{Action as Logged, Actor, Details, Entry};
use db::{BoxFuture, DbError, ReadTx, WriteTx, params};
use identity_core::{
    account::is_aged,
    assurance::{Action, Method},
    challenge::{NotAccepted, Purpose},
    guessing::Refused,
    next_path::NextPath,
    second_factor as rules,
};
use kernel::{Identifier, Phone, Timestamp, Visitor, code::OneTimeCode};
use serde::{Deserialize, Serialize};

use crate::{
    account::{self, Account, Owned},
    codes::{self, Ask, Asked, Check, Checked},
    env::{Env, ServiceError, Subject},
    notice::{self, Notice},
    session::SignedIn,
    shown,
    step_up::{At, Authorised, Sensitive},
};

/// The operator doubts a number.
pub const DOUBTED: Logged = Logged::new("number.doubted");
/// Control of it was proved again.
pub const CONFIRMED: Logged = Logged::new("number.confirmed");
/// The doubt is gone.
pub const CLEARED: Logged = Logged::new("number.cleared");

/// Why a number is doubted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Another SIM card.
    SimChanged,
    /// Another operator.
    Ported,
    /// Given to another person.
    Recycled,
}

impl Reason {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SimChanged => "sim_changed",
            Self::Ported => "ported",
            Self::Recycled => "recycled",
        }
    }
}

/// An operator says that a number has changed. The same answer whether or not anybody has it here; what nobody has
/// needs no doubt, for whoever brings it later proves it then.
pub async fn signal(
    tx: &mut WriteTx,
    env: &Env,
    phone: &Phone,
    reason: Reason,
) -> Result<(), ServiceError> {
    let identifier = Identifier::Phone(phone.clone());
    let subject = env.subject(&identifier);
    let Some(owner) = codes::owner(tx, &subject).await? else {
        return Ok(());
    };
    let account = account::lock(tx, env, owner).await?;
    let now = tx.now();
    let row = params![&subject, reason.as_str(), now];
    tx.execute_one(&sql::DOUBT, row).await?;
    notice::tell_news(tx, env, &account, Notice::NumberDoubted).await?;
    let details = Details::default().fact("reason", reason.as_str());
    let entry = Entry::new(DOUBTED, Actor::System)
        .about(account.id)
        .with(details.seal(&account.key));
    audit::append(tx, entry).await?;
    Ok(())
}

/// How the number of an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// When it was last proved.
    pub proved_at: Timestamp,
    /// Not proved for a long time.
    pub is_aged: bool,
    /// Doubted since then.
    pub doubted_at: Option<Timestamp>,
}

impl Standing {
    /// Whether the owner should be asked «это всё ещё ваш номер?».
    pub fn asks(&self) -> bool {
        self.is_aged || self.doubted_at.is_some()
    }
}

async fn doubted_at(tx: &mut ReadTx, subject: &Subject) -> Result<Option<Timestamp>, DbError> {
    let row = tx.query_opt(&shown::sql::DOUBT, params![subject]).await?;
    row.map(|row| row.timestamp(0)).transpose()
}

/// How an account's number stands; `None` when it has none.
pub async fn standing(
    tx: &mut ReadTx,
    env: &Env,
    owned: &[Owned],
) -> Result<Option<Standing>, DbError> {
    let Some(phone) = account::phone(owned) else {
        return Ok(None);
    };
    Ok(Some(Standing {
        proved_at: phone.proved_at,
        is_aged: is_aged(phone.proved_at, &env.policy, tx.now()),
        doubted_at: doubted_at(tx, &phone.subject).await?,
    }))
}

/// Asks for the code that confirms the number.
pub async fn ask(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    call: bool,
) -> Result<Asked, ServiceError> {
    // Nothing is decided here, so the account is not locked: an identifier is locked before it, below.
    let owned = account::identifiers(tx, &who.account).await?;
    let phone = account::phone(&owned);
    let phone = phone.ok_or(ServiceError::Inconsistent("an account without a phone"))?;
    let ask = Ask {
        purpose: Purpose::ConfirmNumber,
        identifier: phone.identifier.clone(),
        call,
        browser: who.browser_key(),
        known: Some(who.browser),
        next: NextPath::default(),
        link: None,
        about: None,
    };
    codes::ask(tx, env, visitor, &ask).await
}

/// What became of the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmed {
    /// It is the owner's number.
    Done,
    /// Right, and still in doubt: something stronger is asked for ([`Clear`]).
    ShowMore,
    /// Right, and still in doubt: nothing stronger is there, so it waits.
    Waits {
        /// Until then.
        until: Timestamp,
    },
    /// Not the code, or not any more.
    NotAccepted(NotAccepted),
    /// Not even looked at.
    Refused(Refused),
}

/// Confirms the number by code.
pub async fn confirm(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    code: &OneTimeCode,
) -> Result<Confirmed, ServiceError> {
    let browser = who.browser_key();
    let check = Check {
        purpose: Purpose::ConfirmNumber,
        browser,
        known: Some(who.browser),
        code: code.clone(),
    };
    let proved = match codes::check(tx, env, visitor, &check).await? {
        Checked::NotAccepted(why) => return Ok(Confirmed::NotAccepted(why)),
        Checked::Refused(why) => return Ok(Confirmed::Refused(why)),
        Checked::Right(proved) => proved,
    };
    if proved.owner != Some(who.account.id) {
        // The number has left the account since the code went out.
        codes::end(tx, Purpose::ConfirmNumber, &browser).await?;
        return Ok(Confirmed::NotAccepted(NotAccepted::Dead));
    }
    let account = account::lock(tx, env, who.account.id).await?;
    let now = tx.now();
    let row = params![now, account.id.as_bytes(), &proved.subject];
    tx.execute(&account::sql::PROVED, row).await?;
    audit::append(tx, who.entry(CONFIRMED, &Details::of(visitor))).await?;
    let Some(since) = doubted_at(tx, &proved.subject).await? else {
        codes::end(tx, Purpose::ConfirmNumber, &browser).await?;
        return Ok(Confirmed::Done);
    };
    if !is_alone(tx, &account).await? {
        return Ok(Confirmed::ShowMore);
    }
    let until = since.saturating_add(env.policy.doubt_holds);
    if now < until {
        return Ok(Confirmed::Waits { until });
    }
    codes::end(tx, Purpose::ConfirmNumber, &browser).await?;
    clear(tx, env, visitor, who, &account, &proved.subject).await?;
    Ok(Confirmed::Done)
}

/// Until when the doubt of a number waits that nothing stronger can clear; `None` where something can, or where
/// nothing is in doubt.
pub async fn waits_until(
    tx: &mut ReadTx,
    env: &Env,
    account: &Account,
) -> Result<Option<Timestamp>, ServiceError> {
    let owned = account::identifiers(tx, account).await?;
    let Some(phone) = account::phone(&owned) else {
        return Ok(None);
    };
    let since = doubted_at(tx, &phone.subject).await?;
    if since.is_none() || !is_alone(tx, account).await? {
        return Ok(None);
    }
    Ok(since.map(|since| since.saturating_add(env.policy.doubt_holds)))
}

/// Whether the account has nothing to show beside its number: no second factor, no passcode, no mailbox.
async fn is_alone(tx: &mut ReadTx, account: &Account) -> Result<bool, ServiceError> {
    let has = shown::has(tx, account).await?;
    Ok(rules::ways(&has).is_empty() && !has.passcode && !has.email)
}

async fn clear(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    account: &Account,
    subject: &Subject,
) -> Result<(), ServiceError> {
    if tx.execute(&sql::CLEAR, params![subject]).await? == 1 {
        notice::tell(tx, env, visitor, account, Notice::NumberCleared).await?;
        audit::append(tx, who.entry(CLEARED, &Details::of(visitor))).await?;
    }
    Ok(())
}

/// Clears the doubt of a number whose code was just entered: with the strongest the account has besides.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Clear {}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cleared {
    /// The number is a key again.
    Done,
    /// Its own code comes first.
    CodeFirst,
}

impl Sensitive for Clear {
    const ACTION: Action = Action::ClearDoubt;
    type Done = Cleared;

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<Cleared, ServiceError>> {
        Box::pin(async move {
            let browser = at.who.browser_key();
            let proved = codes::proof(tx, at.env, Purpose::ConfirmNumber, &browser).await?;
            let proved = proved.filter(|proved| proved.owner == Some(at.account.id));
            let Some(proved) = proved else {
                return Ok(Cleared::CodeFirst);
            };
            codes::end(tx, Purpose::ConfirmNumber, &browser).await?;
            clear(tx, at.env, at.visitor, at.who, at.account, &proved.subject).await?;
            Ok(Cleared::Done)
        })
    }
}

/// A second factor was shown beside a code to this number: whatever was in doubt is not any more.
pub(crate) async fn shown_with(
    tx: &mut WriteTx,
    visitor: &Visitor,
    account: &Account,
    subject: &Subject,
    method: Method,
) -> Result<(), ServiceError> {
    if tx.execute(&sql::CLEAR, params![subject]).await? == 1 {
        let details = Details::of(visitor).fact("method", method.as_str());
        let entry = Entry::by_customer(CLEARED, account.id).with(details.seal(&account.key));
        audit::append(tx, entry).await?;
    }
    Ok(())
}
