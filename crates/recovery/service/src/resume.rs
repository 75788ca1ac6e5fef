//! Coming back to a case from another browser (RE-11): by its number and a code to the phone that was bound. A code goes
//! out to whatever phone is named, so that asking says nothing (RE-10); each code serves for one number, so the limits on
//! codes are the limits on guessing numbers.

use db::{WriteTx, params};
use identity_core::{
    challenge::{NotAccepted, Purpose},
    guessing::Refused,
    next_path::NextPath,
};
use identity_service::{
    Env, ServiceError,
    codes::{self, Ask, Asked, BrowserKey, Check, Checked},
};
use kernel::{Identifier, Visitor, code::OneTimeCode};
use recovery_core::CaseNumber;

use crate::{
    case::{self, Found, sql},
    start::index,
};

/// Asks for a code to the phone that is to be bound.
pub async fn ask(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    phone: &Identifier,
    browser: &BrowserKey,
) -> Result<Asked, ServiceError> {
    let cmd = Ask {
        purpose: Purpose::RecoveryResume,
        identifier: phone.clone(),
        call: false,
        browser: *browser,
        known: None,
        next: NextPath::default(),
        link: None,
        about: None,
    };
    codes::ask(tx, env, visitor, &cmd).await
}

/// What became of coming back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resumed {
    /// This browser works on the case now.
    Done,
    /// The code was right; no case of this number has this phone.
    NoCase,
    /// Not the code, or not any more.
    NotAccepted(NotAccepted),
    /// Not even looked at.
    Refused(Refused),
}

/// Comes back.
pub async fn resume(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    browser: &BrowserKey,
    code: &OneTimeCode,
    number: &CaseNumber,
) -> Result<Resumed, ServiceError> {
    let check = Check {
        purpose: Purpose::RecoveryResume,
        browser: *browser,
        known: None,
        code: code.clone(),
    };
    let proved = match codes::check(tx, env, visitor, &check).await? {
        Checked::NotAccepted(why) => return Ok(Resumed::NotAccepted(why)),
        Checked::Refused(why) => return Ok(Resumed::Refused(why)),
        Checked::Right(proved) => proved,
    };
    codes::finish(tx, Purpose::RecoveryResume, browser).await?;
    let row = tx
        .query_opt(&sql::NUMBER, params![&index(env, number)])
        .await?;
    let Some(place) = row.map(|row| case::place(&row)).transpose()? else {
        return Ok(Resumed::NoCase);
    };
    // Only a phone that was proved in the case leads back to it.
    let is_bound = match case::lock(tx, env, place).await? {
        Some(Found::Whole(case)) => {
            case.phone_proved_at.is_some() && case.phone_subject == Some(proved.subject)
        }
        _ => false,
    };
    if !is_bound {
        return Ok(Resumed::NoCase);
    }
    case::seat(tx, browser, place).await?;
    Ok(Resumed::Done)
}
