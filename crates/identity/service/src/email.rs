//! The e-mail address of an account (ID-4): confirmed by code or by link. Changing one is another area's.
//!
//! An address leads to the account, so asking for one is a sensitive action ([`Allow`]); what was shown at a sign-in
//! a few minutes ago is proof enough. The code and the link then serve only what was asked so.

use audit::{Actor, Details, Entry, action};
use db::{BoxFuture, ReadTx, WriteTx};
use identity_core::{
    assurance::{Action, Missing, counting, missing},
    challenge::{NotAccepted, Purpose},
    guessing::Refused,
    next_path::NextPath,
};
use kernel::{Email, Identifier, Visitor, code::OneTimeCode};
use serde::{Deserialize, Serialize};

use crate::{
    account::{self, Account},
    codes::{self, Ask, Asked, Check, Checked},
    env::{Env, ServiceError, decode, encode},
    link::{self, LinkToken},
    notice::{self, Notice},
    profile,
    session::SignedIn,
    shown,
    step_up::{At, Authorised, Sensitive},
};

/// Lets a session ask for the confirmation of an address: [`add`] follows. It changes nothing itself, because codes
/// are counted by what is locked before the account.
#[derive(Clone, Serialize, Deserialize)]
pub struct Allow {
    /// The address, in its one form.
    pub email: String,
}

impl std::fmt::Debug for Allow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Allow(…)")
    }
}

impl Sensitive for Allow {
    const ACTION: Action = Action::AddEmail;
    type Done = ();

    fn run<'t>(
        &'t self,
        _: &'t mut WriteTx,
        _: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<(), ServiceError>> {
        Box::pin(async { Ok(()) })
    }
}

/// Whether a session has shown enough, lately enough, to ask for an address.
async fn may_add(tx: &mut ReadTx, who: &SignedIn) -> Result<bool, ServiceError> {
    let (need, now) = (Action::AddEmail.need(), tx.now());
    let session = shown::of_session(tx, who.account.id, who.session).await?;
    let has = shown::has(tx, &who.account).await?;
    let shown = counting(need, &session, now);
    Ok(missing(need.strength, &has, &shown, now) == Missing::Nothing)
}

/// What became of asking to add an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// A code and a link are on their way: also when the address leads to another account (A4).
    Asked(Asked),
    /// The account has a confirmed address already.
    HasOne,
    /// The session has not shown enough: [`Allow`] comes first.
    ProofFirst,
}

/// Asks for the confirmation of an address, in a session that [`Allow`] lets do so.
pub async fn add(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    email: &Email,
) -> Result<Added, ServiceError> {
    // Only looked at: the binding decides, with the account locked, and an identifier is locked before it.
    let account = &who.account;
    if account::email(&account::identifiers(tx, account).await?).is_some() {
        return Ok(Added::HasOne);
    }
    if account.frozen_at.is_some() || !may_add(tx, who).await? {
        return Ok(Added::ProofFirst);
    }
    let identifier = Identifier::Email(email.clone());
    let payload = encode(&identifier);
    let token = link::draw(env, account.id);
    let ask = Ask {
        purpose: Purpose::ConfirmEmail,
        identifier,
        call: false,
        browser: who.browser_key(),
        known: Some(who.browser),
        next: NextPath::default(),
        link: Some(format!("/email/confirm/{}", token.text())),
        about: None,
    };
    let asked = codes::ask(tx, env, visitor, &ask).await?;
    if asked == Asked::Sent {
        link::keep(tx, env, account, link::Purpose::Email, &token, &payload).await?;
    }
    Ok(Added::Asked(asked))
}

/// What became of a confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmed {
    /// The address is the account's.
    Done,
    /// It leads to another account; said only now that control of it is proved (CH-5).
    Taken,
    /// The account got another address meanwhile.
    HasOne,
    /// The account is frozen: nothing about its safety changes until the freeze is lifted.
    Frozen,
    /// The link was used, has run out, or never was.
    LinkOver,
    /// Not the code, or not any more.
    NotAccepted(NotAccepted),
    /// Not even looked at.
    Refused(Refused),
}

/// Confirms by code.
pub async fn confirm(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    code: &OneTimeCode,
) -> Result<Confirmed, ServiceError> {
    if who.account.frozen_at.is_some() {
        return Ok(Confirmed::Frozen);
    }
    let browser = who.browser_key();
    let known = Some(who.browser);
    let check = Check {
        purpose: Purpose::ConfirmEmail,
        browser,
        known,
        code: code.clone(),
    };
    match codes::check(tx, env, visitor, &check).await? {
        Checked::NotAccepted(why) => Ok(Confirmed::NotAccepted(why)),
        Checked::Refused(why) => Ok(Confirmed::Refused(why)),
        Checked::Right(proved) => {
            codes::end(tx, Purpose::ConfirmEmail, &browser).await?;
            let account = account::lock(tx, env, who.account.id).await?;
            let actor = Actor::Customer(account.id);
            bind(tx, env, visitor, &account, &proved.identifier, actor).await
        }
    }
}

/// What the page of a link shows: the masked address; `None` when the link is over.
pub async fn look(
    tx: &mut ReadTx,
    env: &Env,
    token: &LinkToken,
) -> Result<Option<String>, ServiceError> {
    let found = link::find(tx, env, link::Purpose::Email, token).await?;
    let Some(found) = found.filter(|found| !found.is_over) else {
        return Ok(None);
    };
    Ok(Some(decode(&found.payload)?.masked()))
}

/// Confirms by the link's button, in any browser.
pub async fn confirm_by_link(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    token: &LinkToken,
) -> Result<Confirmed, ServiceError> {
    let found = link::find(tx, env, link::Purpose::Email, token).await?;
    let Some(found) = found.filter(|found| !found.is_over) else {
        return Ok(Confirmed::LinkOver);
    };
    let account = account::lock(tx, env, found.account.id).await?;
    // Looked at before the link is used up: it still serves when the freeze was lifted.
    if account.frozen_at.is_some() {
        return Ok(Confirmed::Frozen);
    }
    if !link::consume(tx, token).await? {
        return Ok(Confirmed::LinkOver);
    }
    bind(
        tx,
        env,
        visitor,
        &account,
        &decode(&found.payload)?,
        Actor::Visitor,
    )
    .await
}

async fn bind(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    account: &Account,
    identifier: &Identifier,
    actor: Actor,
) -> Result<Confirmed, ServiceError> {
    let subject = env.subject(identifier);
    let owned = account::identifiers(tx, account).await?;
    if let Some(present) = account::email(&owned) {
        return Ok(if present.subject == subject {
            Confirmed::Done
        } else {
            Confirmed::HasOne
        });
    }
    if account.frozen_at.is_some() {
        return Ok(Confirmed::Frozen);
    }
    if !account::claim(tx, &subject, identifier, account.id).await? {
        return Ok(Confirmed::Taken);
    }
    account::keep(tx, account, &subject, identifier).await?;
    profile::raise_level(tx, account).await?;
    notice::tell(tx, env, visitor, account, Notice::EmailAdded).await?;
    let details = Details::of(visitor).fact("kind", identifier.kind());
    let entry = Entry::new(action::IDENTIFIER_ADDED, actor)
        .about(account.id)
        .with(details.seal(&account.key));
    audit::append(tx, entry).await?;
    Ok(Confirmed::Done)
}
