//! One door (ID-1): a proved identifier is a sign-in or, with the consent, a new account. Where a code is not
//! enough (ID-8, A47), the flow stays proved and waits for a second factor; there is no session before it.

use audit::{Actor, Details, Entry};
use db::{DbError, ReadTx, WriteTx, params};
use identity_core::{
    assurance::Method as Factor,
    backup_code::BackupCode,
    challenge::{NotAccepted, Purpose},
    consent::{MarketingChannel, Source, Topic},
    guessing::Refused,
    next_path::NextPath,
    second_factor::Why,
    session::Method,
};
use kernel::{AccountId, Identifier, SessionId, Visitor, code::OneTimeCode};
use vault::{Token, Verdict};

use crate::{
    account::{self, Account},
    backup_code, changes,
    codes::{self, BrowserKey, Check, Checked, Proved},
    consent,
    env::{Env, ServiceError},
    notice::{self, Notice},
    number, password,
    second_factor::{self, Enough, Gate},
    secret::{Attempt, Shower},
    session::{self, Begun, SessionToken},
    shown::{self, Proof},
    totp,
    tries::{Tried, Where},
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
    /// The code was right and is not enough: a second factor is asked for ([`second_ways`]).
    NeedsSecond,
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
                let welcome = enter(tx, env, visitor, &account, &proved, &door, None).await?;
                Ok(welcome.map_or(Verified::NeedsSecond, Verified::In))
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

/// Begins the session of the owner of a proved identifier; `None` when a second factor comes first.
async fn enter(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    account: &Account,
    proved: &Proved,
    door: &Door,
    second: Option<&Proof>,
) -> Result<Option<Box<Welcome>>, ServiceError> {
    let proof = Proof {
        account: account.id,
        method: Method::from(proved.channel),
        // A code alone opens nothing that asks for an age: it is not looked up on every entering.
        since: None,
    };
    let proofs: Vec<Proof> = [proof].into_iter().chain(second.copied()).collect();
    let shown: Vec<Factor> = proofs.iter().map(|proof| proof.method).collect();
    let subject = Some(&proved.subject);
    let Gate::Open(enough) = second_factor::gate(tx, env, account, subject, &shown).await? else {
        return Ok(None);
    };
    if enough.has_hold {
        let by = (&proved.subject, shown.as_slice(), door.known);
        changes::entered(tx, env, visitor, account, by).await?;
    }
    // Written after the gate has looked, for a fresh proof would make an old number look young (A47).
    let now = tx.now();
    let row = params![now, account.id.as_bytes(), &proved.subject];
    tx.defer_one(&[(&account::sql::PROVED, row)]).await?;
    let arrival = Arrival {
        account,
        proofs: &proofs,
        door,
        next: proved.next.clone(),
        enough,
    };
    Ok(Some(Box::new(arrive(tx, env, visitor, arrival).await?)))
}

/// Somebody whom the gate has let through.
pub(crate) struct Arrival<'t> {
    pub(crate) account: &'t Account,
    /// What was shown: the session begins by the first.
    pub(crate) proofs: &'t [Proof],
    pub(crate) door: &'t Door,
    pub(crate) next: NextPath,
    pub(crate) enough: Enough,
}

/// Begins the session of whoever has shown themselves, by the first of these proofs and then by the others,
/// and tells the owner when the browser is new (ID-9, ID-13).
pub(crate) async fn arrive(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    arrival: Arrival<'_>,
) -> Result<Welcome, ServiceError> {
    let Arrival {
        account,
        proofs,
        door,
        next,
        enough,
    } = arrival;
    let (proof, others) = proofs
        .split_first()
        .ok_or(ServiceError::Inconsistent("a session without a proof"))?;
    let known = door.known;
    let begun = session::begin_shown(tx, env, visitor, account, proof, known, enough).await?;
    for other in others {
        shown::note(tx, begun.id, other).await?;
    }
    // The token that led here is dead, in the same transaction (A25).
    codes::end(tx, Purpose::SignIn, &door.browser).await?;
    let is_news = begun.is_new_browser && !door.is_new;
    if is_news {
        notice::tell(tx, env, visitor, account, Notice::NewDevice).await?;
    }
    made_room(tx, env, visitor, account, &begun).await?;
    let details = Details::of(visitor)
        .fact("method", proof.method.as_str())
        .fact(
            "second",
            others.first().map_or("", |second| second.method.as_str()),
        )
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

/// Tells the owner when older sessions ended so that this one fits (A29).
pub(crate) async fn made_room(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    account: &Account,
    begun: &Begun,
) -> Result<(), ServiceError> {
    if begun.made_room == 0 {
        return Ok(());
    }
    notice::tell(tx, env, visitor, account, Notice::SessionsEnded).await?;
    let details = Details::of(visitor).fact("count", begun.made_room.to_string());
    let entry = Entry::new(audit::action::SESSION_MADE_ROOM, Actor::System)
        .about(account.id)
        .in_session(begun.id)
        .with(details.seal(&account.key));
    audit::append(tx, entry).await?;
    Ok(())
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
    /// The number got an account in the meantime, and that asks for a second factor.
    NeedsSecond,
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
    let welcome = enter(tx, env, visitor, &account, &proved, &door, None).await?;
    Ok(welcome.map_or(Registered::NeedsSecond, Registered::In))
}

/// What the second factor's page offers a browser that has proved its identifier: why, and the ways. `None` before
/// the first code, after the proof's life, and when the code is enough (no oracle before the code: RE-10).
pub async fn second_ways(
    tx: &mut ReadTx,
    env: &Env,
    browser: &BrowserKey,
) -> Result<Option<(Why, Vec<Factor>)>, ServiceError> {
    let Some((subject, owner)) = codes::proved_owner(tx, env, Purpose::SignIn, browser).await?
    else {
        return Ok(None);
    };
    let Some(account) = account::find(tx, env, owner).await? else {
        return Ok(None);
    };
    second_factor::needed(tx, env, &account, &subject).await
}

/// A sign-in that waits for its second factor, with the account locked. For the verifiers that need the account
/// before they can check anything.
pub struct Halfway {
    /// The account, locked.
    pub account: Account,
    /// What would do.
    pub ways: Vec<Factor>,
    proved: Proved,
}

/// The sign-in of a browser that waits for its second factor; `None` when there is none, or it is over.
pub async fn halfway(
    tx: &mut WriteTx,
    env: &Env,
    browser: &BrowserKey,
) -> Result<Option<Halfway>, ServiceError> {
    let Some(proved) = codes::proof(tx, env, Purpose::SignIn, browser).await? else {
        return Ok(None);
    };
    let Some(owner) = proved.owner else {
        return Ok(None);
    };
    let account = account::lock(tx, env, owner).await?;
    let needed = second_factor::needed(tx, env, &account, &proved.subject).await?;
    Ok(needed.map(|(_, ways)| Halfway {
        account,
        ways,
        proved,
    }))
}

/// Ends a sign-in that waited for its second factor: the session begins. Every verifier ends here, whatever its
/// method; what it has shown is the proof.
pub async fn with_second(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    halfway: &Halfway,
    (browser, known): (BrowserKey, Option<[u8; 32]>),
    proof: &Proof,
) -> Result<Welcome, ServiceError> {
    let is_one = halfway.ways.contains(&proof.method);
    if proof.account != halfway.account.id || !is_one {
        return Err(ServiceError::Inconsistent(
            "no second factor of this account",
        ));
    }
    let door = Door {
        browser,
        known,
        is_new: false,
    };
    let Halfway {
        account, proved, ..
    } = halfway;
    number::shown_with(tx, visitor, account, &proved.subject, proof.method).await?;
    let welcome = enter(tx, env, visitor, account, proved, &door, Some(proof)).await?;
    let welcome = welcome.ok_or(ServiceError::Inconsistent("a second factor that is none"))?;
    Ok(*welcome)
}

/// A second factor that is checked by the transaction alone.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A code of the authenticator app.
    Totp(OneTimeCode),
    /// A backup code.
    BackupCode(BackupCode),
}

/// What became of a second factor.
pub enum Second {
    /// In; with the code that takes the place of a used backup code.
    In(Box<Welcome>, Option<BackupCode>),
    /// No.
    Refused(Tried<()>),
    /// The first code's proof is over: begin anew.
    Over,
}

/// Checks the second factor of a sign-in.
pub async fn second(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    (browser, known): (BrowserKey, Option<[u8; 32]>),
    answer: &Answer,
) -> Result<Second, ServiceError> {
    let Some(halfway) = halfway(tx, env, &browser).await? else {
        return Ok(Second::Over);
    };
    let place = Where {
        env,
        visitor,
        account: &halfway.account,
        session: None,
    };
    let tried = match answer {
        Answer::Totp(code) => totp::check(tx, place, code)
            .await?
            .map(|proof| (proof, None)),
        Answer::BackupCode(code) => {
            let tried = backup_code::check(tx, place, code).await?;
            tried.map(|used| (used.proof, Some(used.fresh)))
        }
    };
    match tried {
        Tried::Right((proof, fresh)) => {
            let door = (browser, known);
            let welcome = with_second(tx, env, visitor, &halfway, door, &proof).await?;
            Ok(Second::In(Box::new(welcome), fresh))
        }
        other => Ok(Second::Refused(other.map(drop))),
    }
}

/// Counts a try at the password of a sign-in that waits for its second factor; `None` when it is over, or the
/// password would not do. Compare outside the transaction, then [`settle_password`].
pub async fn reserve_password(
    tx: &mut WriteTx,
    env: &Env,
    browser: &BrowserKey,
) -> Result<Option<password::Reserved>, ServiceError> {
    let Some(halfway) = halfway(tx, env, browser).await? else {
        return Ok(None);
    };
    if !halfway.ways.contains(&Factor::Password) {
        return Ok(None);
    }
    let reserved = password::reserve(tx, env, halfway.account.id).await?;
    Ok(Some(reserved))
}

/// What became of the password at sign-in.
pub enum ByPassword {
    /// In.
    In(Box<Welcome>),
    /// Not the password.
    Wrong,
    /// The first code's proof is over: begin anew.
    Over,
}

/// Ends a sign-in by the password that was tried.
pub async fn settle_password(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    (browser, known): (BrowserKey, Option<[u8; 32]>),
    (attempt, verdict): (&Attempt, &Verdict),
) -> Result<ByPassword, ServiceError> {
    let shower = Shower { visitor, who: None };
    let Some(halfway) = halfway(tx, env, &browser).await? else {
        return Ok(ByPassword::Over);
    };
    // Another account's sign-in has taken this browser over meanwhile.
    if attempt.account != halfway.account.id {
        return Ok(ByPassword::Over);
    }
    match password::settle(tx, env, shower, attempt, verdict).await? {
        password::Settled::Wrong => Ok(ByPassword::Wrong),
        password::Settled::Right(proof) => {
            let door = (browser, known);
            let welcome = with_second(tx, env, visitor, &halfway, door, &proof).await?;
            Ok(ByPassword::In(Box::new(welcome)))
        }
    }
}
