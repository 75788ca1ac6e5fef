//! Another phone, another e-mail (CH-1 to CH-5).
//!
//! | step | what it is |
//! |---|---|
//! | [`ask`], [`verify`] | a code to the new one; only after it is said whether it leads to an account (CH-5) |
//! | [`ChangePhone`], [`ChangeEmail`] | with the old one at hand: made at once, can be undone (CH-1, A48) |
//! | [`HoldPhone`], [`HoldEmail`] | without it: waits, the owner is told and can stop it (CH-2, A49) |
//! | [`stop`], [`press`] | stopping it from the cabinet; undoing or stopping by the link of a message |
//! | [`Holds`] | tells, and makes what nobody stopped |
//! | [`standing`] | what the bank asks: is something moving, was something changed lately |
//!
//! The four commands are sensitive actions, so everything is proved in one transaction: the step with its proofs is
//! used up there, and the code to the new one is read again, for exactly what the command names (A42).

mod holding;
mod links;
mod making;
pub(crate) mod sql;
mod telling;

pub use holding::{Holds, Moving, Standing, moving, standing, stop};
pub(crate) use holding::{entered, restart_all};
pub use links::{Link, Pressed, look, press};

use audit::Action as Logged;
use db::{BoxFuture, DbError, ReadTx, WriteTx};
use identity_core::{
    assurance::Action, challenge::NotAccepted, changes::Kind, guessing::Refused,
    next_path::NextPath,
};
use kernel::{AccountId, Email, Identifier, Locale, Phone, Timestamp, Visitor, code::OneTimeCode};
use serde::{Deserialize, Serialize};

use crate::{
    account::{self, Owned},
    codes::{self, Ask, Asked, Check, Checked},
    env::{Env, ServiceError},
    session::SignedIn,
    slices::Taken,
    step_up::{At, Authorised, Sensitive},
};

/// A phone or an e-mail was replaced.
pub const CHANGED: Logged = Logged::new("identifier.changed");
/// A change waits.
pub const HELD: Logged = Logged::new("identifier.held");
/// A change that waited was stopped.
pub const STOPPED: Logged = Logged::new("identifier.hold_stopped");
/// Its clock was stopped by whoever has only what was to be replaced.
pub const DISPUTED: Logged = Logged::new("identifier.hold_disputed");
/// What it was to lead to had an account by then.
pub const LAPSED: Logged = Logged::new("identifier.hold_lapsed");
/// A change was undone.
pub const UNDONE: Logged = Logged::new("identifier.restored");

/// The identifier of a kind.
pub(crate) fn owned_of(owned: &[Owned], kind: Kind) -> Option<&Owned> {
    owned
        .iter()
        .find(|owned| Kind::of(&owned.identifier) == kind)
}

/// An identifier of a kind, from its one form.
fn parse(kind: Kind, text: &str) -> Result<Identifier, ServiceError> {
    let wrong = ServiceError::Inconsistent("the identifier of a change");
    match kind {
        Kind::Phone => Phone::parse(text).map(Identifier::Phone).map_err(|_| wrong),
        Kind::Email => Email::parse(text).map(Identifier::Email).map_err(|_| wrong),
    }
}

/// What became of asking for the code to a new phone or e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedNew {
    /// On its way, also when the new one leads to another account (CH-5).
    Asked(Asked),
    /// It is the account's own.
    Same,
    /// The account has none of this kind: one is added, not changed (ID-4).
    Nothing,
}

/// Asks for a code to a new phone or e-mail. Another one than before voids what was proved (A42).
pub async fn ask(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    to: &Identifier,
    call: bool,
) -> Result<AskedNew, ServiceError> {
    // Only looked at: the change decides, with the account locked, and an identifier is locked before it.
    let owned = account::identifiers(tx, &who.account).await?;
    let kind = Kind::of(to);
    let Some(present) = owned_of(&owned, kind) else {
        return Ok(AskedNew::Nothing);
    };
    if present.subject == env.subject(to) {
        return Ok(AskedNew::Same);
    }
    let ask = Ask {
        purpose: kind.purpose(),
        identifier: to.clone(),
        call,
        browser: who.browser_key(),
        known: Some(who.browser),
        next: NextPath::default(),
        link: None,
        about: None,
    };
    Ok(AskedNew::Asked(codes::ask(tx, env, visitor, &ask).await?))
}

/// What became of the code to the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// It is free: the change goes on.
    Free,
    /// It leads to another account; said only now that control of it is proved (CH-5).
    Taken,
    /// Not the code, or not any more.
    NotAccepted(NotAccepted),
    /// Not even looked at.
    Refused(Refused),
}

/// Checks the code to the new one.
pub async fn verify(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    kind: Kind,
    code: &OneTimeCode,
) -> Result<Verified, ServiceError> {
    let browser = who.browser_key();
    let check = Check {
        purpose: kind.purpose(),
        browser,
        known: Some(who.browser),
        code: code.clone(),
    };
    Ok(match codes::check(tx, env, visitor, &check).await? {
        Checked::NotAccepted(why) => Verified::NotAccepted(why),
        Checked::Refused(why) => Verified::Refused(why),
        Checked::Right(proved) if proved.owner.is_some() => {
            codes::end(tx, kind.purpose(), &browser).await?;
            Verified::Taken
        }
        Checked::Right(_) => Verified::Free,
    })
}

/// The new one that a session has freshly proved; only looks.
pub async fn proved(
    tx: &mut ReadTx,
    env: &Env,
    who: &SignedIn,
    kind: Kind,
) -> Result<Option<Identifier>, ServiceError> {
    let browser = who.browser_key();
    if !codes::is_proved(tx, env, kind.purpose(), &browser).await? {
        return Ok(None);
    }
    let status = codes::status(tx, env, kind.purpose(), &browser).await?;
    Ok(status.map(|status| status.identifier))
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// Made.
    Done,
    /// It waits.
    Held {
        /// Until then, microseconds UTC.
        until: i64,
    },
    /// One of this kind waits already: it is stopped first.
    Waits,
    /// The code to the new one comes first, or comes again: its proof is of another one, used, or too old.
    NewFirst,
    /// The new one leads to another account by now.
    Taken,
    /// It is the account's own, or the account has none of this kind.
    Nothing,
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident = $kind:ident $does:ident $taken:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Serialize, Deserialize)]
        pub struct $name {
            /// The new one, in its one form.
            pub to: String,
        }

        // What it leads to is personal, so it reaches no log by way of Debug.
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl Sensitive for $name {
            const ACTION: Action = Action::$name;
            type Done = Changed;

            fn target(&self, _: Locale) -> Option<String> {
                named(Kind::$kind, &self.to)
            }

            fn takes(&self) -> Option<Taken> {
                $taken
            }

            fn took(done: &Changed) -> bool {
                *done == Changed::Done
            }

            fn run<'t>(
                &'t self,
                tx: &'t mut WriteTx,
                at: At<'t>,
                _: Authorised,
            ) -> BoxFuture<'t, Result<Changed, ServiceError>> {
                Box::pin(async move {
                    let to = parse(Kind::$kind, &self.to)?;
                    $does(tx, at, &to).await
                })
            }
        }
    )*};
}

commands! {
    /// Another phone, the old one at hand (CH-1).
    ChangePhone = Phone replace Some(Taken::Identifier(Kind::Phone));
    /// Another e-mail, the old one or the phone at hand (CH-3).
    ChangeEmail = Email replace Some(Taken::Identifier(Kind::Email));
    /// Another phone, the old one lost (CH-2). It takes nothing yet.
    HoldPhone = Phone hold None;
    /// Another e-mail, the old one lost (CH-3). It takes nothing yet.
    HoldEmail = Email hold None;
}

/// The new one as messages name it: a number, masked. An address is of words that whoever asks has chosen (A15).
fn named(kind: Kind, to: &str) -> Option<String> {
    match kind {
        Kind::Phone => parse(kind, to).ok().map(|to| to.masked()),
        Kind::Email => None,
    }
}

/// Reads the proof of the new one again and uses it up: for exactly this one, in this session (A42).
async fn proof_of_new(
    tx: &mut WriteTx,
    at: At<'_>,
    to: &Identifier,
) -> Result<Result<(), Changed>, ServiceError> {
    let (purpose, browser) = (Kind::of(to).purpose(), at.who.browser_key());
    let proved = codes::proof(tx, at.env, purpose, &browser).await?;
    let Some(proved) = proved.filter(|proved| proved.identifier == *to) else {
        return Ok(Err(Changed::NewFirst));
    };
    codes::end(tx, purpose, &browser).await?;
    Ok(match proved.owner {
        Some(owner) if owner == at.account.id => Err(Changed::Nothing),
        Some(_) => Err(Changed::Taken),
        None => Ok(()),
    })
}

async fn replace(tx: &mut WriteTx, at: At<'_>, to: &Identifier) -> Result<Changed, ServiceError> {
    let owned = account::identifiers(tx, at.account).await?;
    if owned_of(&owned, Kind::of(to)).is_none() {
        return Ok(Changed::Nothing);
    }
    if let Err(instead) = proof_of_new(tx, at, to).await? {
        return Ok(instead);
    }
    let made = making::Making {
        env: at.env,
        account: at.account,
        owned: &owned,
        by: Some((at.who, at.visitor)),
    };
    making::replace(tx, made, to).await
}

async fn hold(tx: &mut WriteTx, at: At<'_>, to: &Identifier) -> Result<Changed, ServiceError> {
    let owned = account::identifiers(tx, at.account).await?;
    if owned_of(&owned, Kind::of(to)).is_none() {
        return Ok(Changed::Nothing);
    }
    if let Err(instead) = proof_of_new(tx, at, to).await? {
        return Ok(instead);
    }
    holding::begin(tx, at, &owned, to).await
}

/// Since when the account has its identifier of a kind (A50).
pub(crate) async fn since(
    tx: &mut ReadTx,
    account: AccountId,
    kind: Kind,
) -> Result<Option<Timestamp>, DbError> {
    let rows = tx
        .query(&account::sql::IDENTIFIERS, db::params![account.as_bytes()])
        .await?;
    for row in rows {
        if row.text(0)? == kind.as_str() {
            return Ok(Some(row.timestamp(3)?));
        }
    }
    Ok(None)
}
