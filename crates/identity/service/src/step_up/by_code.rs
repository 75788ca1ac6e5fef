//! Codes for a step: sent to what the account has, naming what they confirm, bound to the one step (A15).

use db::WriteTx;
use identity_core::{assurance::Method, challenge::Purpose, next_path::NextPath};
use kernel::{Identifier, Visitor, code::OneTimeCode};

use super::{Progress, StepId, browser_key, look, show};
use crate::{
    account,
    codes::{self, About, Ask, Asked, Check, Checked},
    env::{Env, ServiceError},
    session::SignedIn,
    shown::Proof,
};

/// Where the code of a step goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// The phone, by SMS.
    Phone,
    /// The phone, by call.
    Call,
    /// The mailbox.
    Email,
}

impl To {
    /// The purpose of its codes.
    pub const fn purpose(self) -> Purpose {
        match self {
            Self::Phone | Self::Call => Purpose::StepUpPhone,
            Self::Email => Purpose::StepUpEmail,
        }
    }
}

/// Sends a code for a step. `None` when the step is over or the account has no such identifier.
pub async fn ask_code(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    id: StepId,
    to: To,
) -> Result<Option<Asked>, ServiceError> {
    // Nothing is decided here, so the account is not locked: an identifier is locked before it, below.
    let waiting = look(tx, who, id).await?;
    let Some(waiting) = waiting.filter(|waiting| !waiting.is_used) else {
        return Ok(None);
    };
    let owned = account::identifiers(tx, &who.account).await?;
    let owned = match to {
        To::Phone | To::Call => account::phone(&owned),
        To::Email => account::email(&owned),
    };
    let Some(owned) = owned else { return Ok(None) };
    let ask = Ask {
        purpose: to.purpose(),
        identifier: owned.identifier.clone(),
        call: to == To::Call,
        browser: browser_key(who, id),
        known: Some(who.browser),
        next: NextPath::default(),
        link: None,
        about: Some(About {
            action: waiting.action,
            target: waiting.target,
        }),
    };
    Ok(Some(codes::ask(tx, env, visitor, &ask).await?))
}

/// What became of a code for a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// Right: this far now.
    Right(Progress),
    /// Not the code, or not any more.
    NotAccepted(identity_core::challenge::NotAccepted),
    /// Not even looked at.
    Refused(identity_core::guessing::Refused),
}

/// Checks a code for a step.
pub async fn check_code(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    id: StepId,
    purpose: Purpose,
    code: &OneTimeCode,
) -> Result<Tried, ServiceError> {
    let browser = browser_key(who, id);
    let check = Check {
        purpose,
        browser,
        known: Some(who.browser),
        code: code.clone(),
    };
    let proved = match codes::check(tx, env, visitor, &check).await? {
        Checked::NotAccepted(why) => return Ok(Tried::NotAccepted(why)),
        Checked::Refused(why) => return Ok(Tried::Refused(why)),
        Checked::Right(proved) => proved,
    };
    codes::end(tx, purpose, &browser).await?;
    // The identifier may have left the account since the code went out.
    if proved.owner != Some(who.account.id) {
        return Ok(Tried::Right(Progress::Over));
    }
    let is_phone = matches!(proved.identifier, Identifier::Phone(_));
    if is_phone != (purpose == Purpose::StepUpPhone) {
        return Err(ServiceError::Inconsistent("a code to the other identifier"));
    }
    let owned = account::identifiers(tx, &who.account).await?;
    let owned = owned.iter().find(|owned| owned.subject == proved.subject);
    let proof = Proof {
        account: who.account.id,
        method: Method::from(proved.channel),
        since: owned.map(|owned| owned.verified_at),
    };
    Ok(Tried::Right(show(tx, env, visitor, who, id, &proof).await?))
}
