//! The phone to be used, proved by a code (RE-3). The proof is bound to its exact value and to the case (A42): the code
//! is asked for by a browser that works on this case, it proves one number, and naming another one voids it.

use db::{ReadTx, WriteTx, params};
use identity_core::{
    challenge::{NotAccepted, Purpose},
    guessing::Refused,
    next_path::NextPath,
};
use identity_service::{
    Env, ServiceError,
    codes::{self, Ask, Asked, BrowserKey, Check, Checked},
    neighbours,
};
use kernel::{Identifier, Visitor, code::OneTimeCode};

use crate::case::{self, Case, CaseId, Found, PHONE, sql};

/// What a code of a case is bound to: the browser and the case together, so that a code asked for in one case proves
/// nothing in another one of the same browser (A42, A46).
pub fn flow(browser: &BrowserKey, case: CaseId) -> BrowserKey {
    vault::token_hash(&[browser.as_slice(), case.as_bytes()].concat())
}

/// What became of asking for the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// What became of the code.
    Asked(Asked),
    /// This browser works on no case that may be changed.
    NoCase,
}

/// Names the phone to be used and asks for its code.
pub async fn ask(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    browser: &BrowserKey,
    phone: &Identifier,
) -> Result<Bound, ServiceError> {
    let Some(place) = case::of_browser(tx, browser).await? else {
        return Ok(Bound::NoCase);
    };
    // Only looked at: codes are counted by what is locked before a case, which decides below.
    match case::find(tx, env, place).await? {
        Some(Found::Whole(case)) if case.is_editable() => {}
        _ => return Ok(Bound::NoCase),
    }
    let cmd = Ask {
        purpose: Purpose::RecoveryPhone,
        identifier: phone.clone(),
        call: false,
        browser: flow(browser, place.case),
        known: None,
        next: NextPath::default(),
        link: None,
        about: None,
    };
    let asked = codes::ask(tx, env, visitor, &cmd).await?;
    let Some(case) = case::lock_mine(tx, env, browser).await? else {
        return Ok(Bound::NoCase);
    };
    if asked == Asked::Sent {
        name(tx, env, &case, phone).await?;
    }
    Ok(Bound::Asked(asked))
}

async fn name(
    tx: &mut WriteTx,
    env: &Env,
    case: &Case,
    phone: &Identifier,
) -> Result<(), ServiceError> {
    let subject = env.subject(phone);
    let text = neighbours::write_identifier(phone);
    let sealed = case.key.seal(PHONE, text.as_bytes());
    let place = case.place;
    let row = params![
        &sealed,
        &subject,
        place.holder.as_bytes(),
        place.case.as_bytes()
    ];
    Ok(tx.execute_one(&sql::PHONE_SET, row).await?)
}

/// What became of the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proved {
    /// The phone is bound to the case.
    Done,
    /// Not the code, or not any more, or not of the phone that the case names now.
    NotAccepted(NotAccepted),
    /// Not even looked at.
    Refused(Refused),
    /// This browser works on no case that may be changed.
    NoCase,
}

/// Checks the code.
pub async fn prove(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    browser: &BrowserKey,
    code: &OneTimeCode,
) -> Result<Proved, ServiceError> {
    let Some(place) = case::of_browser(tx, browser).await? else {
        return Ok(Proved::NoCase);
    };
    let flow = flow(browser, place.case);
    let check = Check {
        purpose: Purpose::RecoveryPhone,
        browser: flow,
        known: None,
        code: code.clone(),
    };
    let proved = match codes::check(tx, env, visitor, &check).await? {
        Checked::NotAccepted(why) => return Ok(Proved::NotAccepted(why)),
        Checked::Refused(why) => return Ok(Proved::Refused(why)),
        Checked::Right(proved) => proved,
    };
    let Some(case) = case::lock_mine(tx, env, browser).await? else {
        return Ok(Proved::NoCase);
    };
    if case.phone_subject != Some(proved.subject) {
        return Ok(Proved::NotAccepted(NotAccepted::Dead));
    }
    let now = tx.now();
    let row = params![
        now,
        place.holder.as_bytes(),
        place.case.as_bytes(),
        &proved.subject
    ];
    tx.execute_one(&sql::PHONE_PROVED, row).await?;
    codes::finish(tx, Purpose::RecoveryPhone, &flow).await?;
    Ok(Proved::Done)
}

/// Where the code of a case stands, for the page of codes.
pub async fn status(
    tx: &mut ReadTx,
    env: &Env,
    browser: &BrowserKey,
) -> Result<Option<codes::Status>, ServiceError> {
    match case::of_browser(tx, browser).await? {
        Some(place) => {
            let flow = flow(browser, place.case);
            codes::status(tx, env, Purpose::RecoveryPhone, &flow).await
        }
        None => Ok(None),
    }
}
