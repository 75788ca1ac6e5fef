//! One door (ID-1): a proved identifier is a sign-in or, with the consent, a new account.

use audit::{Actor, Details, Entry};
use db::{DbError, WriteTx, params};
use identity_core::{
    challenge::{NotAccepted, Purpose},
    consent::{MarketingChannel, Source, Topic},
    guessing::Refused,
    next_path::NextPath,
    session::Method,
};
use kernel::{AccountId, Identifier, SessionId, Visitor};
use vault::Token;

use crate::{
    account::{self, Account},
    codes::{self, BrowserKey, Check, Checked, Proved},
    consent,
    env::{Env, ServiceError},
    notice::{self, Notice},
    session::{self, SessionToken},
    shown::Proof,
};

/// Somebody is in.
pub struct Welcome {
    /// For the session cookie.
    pub token: SessionToken,
    /// For the long-lived browser cookie, when the browser had none.
    pub browser: Option<Token>,
    /// Where to go.
    pub next: NextPath,
    /// Which account.
    pub account: AccountId,
    /// Which session.
    pub session: SessionId,
    /// The account was made just now.
    pub is_new: bool,
}

/// What became of a typed code.
pub enum Verified {
    /// In.
    In(Box<Welcome>),
    /// The code was right, nobody has this number yet: the consent is asked for.
    NeedsConsent,
    /// Not the code, or not any more.
    NotAccepted(NotAccepted),
    /// Not even looked at.
    Refused(Refused),
}

/// Checks a sign-in code.
pub async fn verify(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    cmd: &Check,
) -> Result<Verified, ServiceError> {
    match codes::check(tx, env, visitor, cmd).await? {
        Checked::NotAccepted(why) => Ok(Verified::NotAccepted(why)),
        Checked::Refused(why) => Ok(Verified::Refused(why)),
        Checked::Right(proved) => match proved.owner {
            // An account begins with a phone (ID-1). No letter with this code went out, so it was guessed.
            None if !may_begin(&proved.identifier) => {
                codes::end(tx, Purpose::SignIn, &cmd.browser).await?;
                Ok(Verified::NotAccepted(NotAccepted::Dead))
            }
            None => Ok(Verified::NeedsConsent),
            Some(owner) => {
                let account = account::lock(tx, env, owner).await?;
                let door = Door {
                    browser: cmd.browser,
                    known: cmd.known,
                    is_new: false,
                };
                let welcome = enter(tx, env, visitor, &account, &proved, &door).await?;
                Ok(Verified::In(Box::new(welcome)))
            }
        },
    }
}

/// Whether an account may begin with this identifier.
fn may_begin(identifier: &Identifier) -> bool {
    matches!(identifier, Identifier::Phone(_))
}

/// Through which browser somebody enters.
pub(crate) struct Door {
    pub(crate) browser: BrowserKey,
    pub(crate) known: Option<[u8; 32]>,
    /// The account was made just now, so its first browser is no news to the owner.
    pub(crate) is_new: bool,
}

/// Begins the session of the owner of a proved identifier.
async fn enter(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    account: &Account,
    proved: &Proved,
    door: &Door,
) -> Result<Welcome, ServiceError> {
    let now = tx.now();
    let row = params![now, account.id.as_bytes(), &proved.subject];
    tx.defer(&[(&account::sql::PROVED, row)]).await?;
    let proof = Proof {
        account: account.id,
        method: Method::from(proved.channel),
        key_since: None,
    };
    arrive(tx, env, visitor, account, &proof, door, proved.next.clone()).await
}

/// Begins the session of whoever has shown themselves and tells the owner when the browser is new (ID-9,
/// ID-13).
pub(crate) async fn arrive(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    account: &Account,
    proof: &Proof,
    door: &Door,
    next: NextPath,
) -> Result<Welcome, ServiceError> {
    let begun = session::begin_shown(tx, env, visitor, account, proof, door.known).await?;
    // The token that led here is dead, in the same transaction (A25).
    codes::end(tx, Purpose::SignIn, &door.browser).await?;
    let is_news = begun.is_new_browser && !door.is_new;
    if is_news {
        notice::tell(tx, env, visitor, account, Notice::NewDevice).await?;
    }
    if begun.made_room > 0 {
        notice::tell(tx, env, visitor, account, Notice::SessionsEnded).await?;
        let details = Details::of(visitor).fact("count", begun.made_room.to_string());
        let entry = Entry::new(audit::action::SESSION_MADE_ROOM, Actor::System)
            .about(account.id)
            .in_session(begun.id)
            .with(details.seal(&account.key));
        audit::append(tx, entry).await?;
    }
    let details = Details::of(visitor)
        .fact("method", proof.method.as_str())
        .fact("new_browser", if is_news { "yes" } else { "no" });
    let entry = Entry::by_customer(audit::action::SIGN_IN_SUCCEEDED, account.id)
        .in_session(begun.id)
        .with(details.seal(&account.key));
    audit::append(tx, entry).await?;
    Ok(Welcome {
        token: begun.token,
        browser: begun.browser,
        next,
        account: account.id,
        session: begun.id,
        is_new: door.is_new,
    })
}

/// Makes an account.
#[derive(Debug, Clone)]
pub struct Register {
    /// The browser that proved the number.
    pub browser: BrowserKey,
    /// Its long-lived token, hashed.
    pub known: Option<[u8; 32]>,
    /// The consent to the processing of personal data; without it there is no account (ID-12).
    pub personal_data: bool,
    /// Marketing switched on at once.
    pub marketing: Vec<(MarketingChannel, Topic)>,
    /// Where.
    pub source: Source,
}

/// What became of it.
pub enum Registered {
    /// In, in a new account or, when the number got one in the meantime, in that.
    In(Box<Welcome>),
    /// The box was not ticked.
    ConsentMissing,
    /// The proof is gone or too old: begin anew.
    ProofMissing,
}

/// Makes the account of a proved number.
pub async fn register(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    cmd: &Register,
) -> Result<Registered, ServiceError> {
    let Some(proved) = codes::proof(tx, env, Purpose::SignIn, &cmd.browser).await? else {
        return Ok(Registered::ProofMissing);
    };
    if !cmd.personal_data {
        return Ok(Registered::ConsentMissing);
    }
    let made = match proved.owner {
        Some(_) => None,
        None if !may_begin(&proved.identifier) => return Ok(Registered::ProofMissing),
        None => account::create(tx, env, visitor, &proved.subject, &proved.identifier).await?,
    };
    let is_new = made.is_some();
    let account = if let Some(account) = made {
        account
    } else {
        let owner = codes::owner(tx, &proved.subject)
            .await?
            .ok_or(DbError::Retry)?;
        account::lock(tx, env, owner).await?
    };
    if is_new {
        consent::give_at_registration(tx, env, account.id, cmd).await?;
        let entry = Entry::by_customer(audit::action::ACCOUNT_CREATED, account.id)
            .with(Details::of(visitor).seal(&account.key));
        audit::append(tx, entry).await?;
    }
    let door = Door {
        browser: cmd.browser,
        known: cmd.known,
        is_new,
    };
    let welcome = enter(tx, env, visitor, &account, &proved, &door).await?;
    Ok(Registered::In(Box::new(welcome)))
}
