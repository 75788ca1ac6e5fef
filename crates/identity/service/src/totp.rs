//! Authenticator apps (ID-8): connected after a step-up, confirmed by a first code, disconnected after another
//! step-up. The secret is sealed with the account's data key; no code is taken twice.

pub(crate) mod sql;

use audit::{Action as Logged, Details};
use db::{BoxFuture, ReadTx, Row, WriteTx, params};
use identity_core::{
    assurance::{Action, Method},
    guessing::Guesses,
    totp::{self as rules, Judged},
};
use kernel::{AccountId, Timestamp, Visitor, code::OneTimeCode};
use serde::{Deserialize, Serialize};

use crate::{
    account,
    env::{Env, ServiceError},
    notice::{self, Notice},
    second_factor,
    session::SignedIn,
    slices::Taken,
    step_up::{self, At, Authorised, Sensitive},
    tries::{self, Tried, Where},
};

/// An app was connected: its first code was right.
pub const ADDED: Logged = Logged::new("totp.added");
/// It was disconnected.
pub const REMOVED: Logged = Logged::new("totp.removed");

const SECRET: &str = "identity.totp";

struct Kept {
    session: [u8; 16],
    sealed: Vec<u8>,
    made_at: Timestamp,
    confirmed_at: Option<Timestamp>,
    last_step: i64,
    guesses: Guesses,
}

fn read(row: &Row) -> Result<Kept, db::DbError> {
    Ok(Kept {
        session: row.array(0)?,
        sealed: row.bytes(1)?,
        made_at: row.timestamp(2)?,
        confirmed_at: row.opt_timestamp(3)?,
        last_step: row.int(4)?,
        guesses: tries::read(row, 5)?,
    })
}

impl Kept {
    /// Made by this session, lately, and not confirmed yet.
    fn is_pending(&self, env: &Env, who: &SignedIn, now: Timestamp) -> bool {
        self.confirmed_at.is_none()
            && self.session == *who.session.as_bytes()
            && now.since(self.made_at) < env.policy.proof_life
    }
}

/// Begins to connect an app: makes the secret, which counts once a first code has confirmed it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Add {}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Added {
    /// The secret is there to be read ([`pending`]).
    Begun,
    /// An app is connected already.
    HasOne,
}

impl Sensitive for Add {
    const ACTION: Action = Action::AddTotp;
    type Done = Added;

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<Added, ServiceError>> {
        Box::pin(async move {
            let account = at.account.id.as_bytes();
            let row = tx.query_opt(&sql::LOCK, params![account]).await?;
            let kept = row.as_ref().map(read).transpose()?;
            if kept.is_some_and(|kept| kept.confirmed_at.is_some()) {
                return Ok(Added::HasOne);
            }
            let secret: [u8; rules::SECRET_BYTES] = at.env.chance.bytes();
            let sealed = at.account.key.seal(SECRET, &secret);
            let (none, now): (&[u8], _) = (&[], tx.now());
            let row = params![
                account,
                at.who.session.as_bytes(),
                &sealed,
                now,
                0_i64,
                0_i64,
                none
            ];
            tx.execute_one(&sql::MAKE, row).await?;
            Ok(Added::Begun)
        })
    }
}

/// A secret that waits for its first code: shown once, to the session that made it. Does not print.
pub struct Pending {
    /// What the QR code says.
    pub uri: String,
    /// The secret in groups of four, for typing.
    pub secret: String,
}

/// The secret that this session is connecting; `None` when there is none, or its time is over.
pub async fn pending(
    tx: &mut ReadTx,
    env: &Env,
    who: &SignedIn,
) -> Result<Option<Pending>, ServiceError> {
    let key = params![who.account.id.as_bytes()];
    let row = tx.query_opt(&sql::FIND, key).await?;
    let kept = row.as_ref().map(read).transpose()?;
    let Some(kept) = kept.filter(|kept| kept.is_pending(env, who, tx.now())) else {
        return Ok(None);
    };
    let owned = account::identifiers(tx, &who.account).await?;
    let label = account::phone(&owned).map(|phone| phone.identifier.masked());
    let host = env.origin.rsplit('/').next().unwrap_or_default();
    let secret = who.account.key.open(SECRET, &kept.sealed)?;
    let text: Vec<char> = rules::base32(&secret).chars().collect();
    let groups: Vec<String> = text.chunks(4).map(|group| group.iter().collect()).collect();
    Ok(Some(Pending {
        uri: rules::uri(host, &label.unwrap_or_default(), &secret),
        secret: groups.join(" "),
    }))
}

/// What became of the first code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// The app is connected.
    Done,
    /// Not the code.
    Wrong,
    /// Not looked at before then.
    Rests {
        /// Until then.
        until: Timestamp,
    },
    /// Nothing waits to be confirmed: begin anew.
    Over,
}

/// Confirms an app by its first code.
pub async fn confirm(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    code: &OneTimeCode,
) -> Result<Confirmed, ServiceError> {
    let account = step_up::lock(tx, env, who).await?;
    let now = tx.now();
    let key = params![account.id.as_bytes()];
    let row = tx.query_opt(&sql::LOCK, key).await?;
    let kept = row.as_ref().map(read).transpose()?;
    let kept = kept.filter(|kept| kept.is_pending(env, who, now));
    let Some(kept) = kept.filter(|_| account.frozen_at.is_none()) else {
        return Ok(Confirmed::Over);
    };
    let place = Where {
        env,
        visitor,
        account: &account,
        session: Some(who.session),
    };
    match judge(tx, place, kept, code).await? {
        Tried::Right(step) => {
            let row = params![now, step, account.id.as_bytes()];
            tx.execute_one(&sql::CONFIRM, row).await?;
            notice::tell(tx, env, visitor, &account, Notice::TotpAdded).await?;
            audit::append(tx, who.entry(ADDED, &Details::of(visitor))).await?;
            Ok(Confirmed::Done)
        }
        Tried::Rests { until } => Ok(Confirmed::Rests { until }),
        Tried::Used | Tried::Wrong => Ok(Confirmed::Wrong),
        Tried::Closed | Tried::NotThere => Ok(Confirmed::Over),
    }
}

/// Counts a try, then compares; a right one answers its step, which the caller writes.
async fn judge(
    tx: &mut WriteTx,
    place: Where<'_>,
    kept: Kept,
    code: &OneTimeCode,
) -> Result<Tried<i64>, ServiceError> {
    let now = tx.now();
    let policy = &place.env.policy;
    if let Err(refused) = kept.guesses.may_try(policy, now) {
        return Ok(refused.into());
    }
    let secret = place.account.key.open(SECRET, &kept.sealed)?;
    match rules::judge(&secret, code.expose(), kept.last_step, now) {
        Judged::Right { step } => {
            save(tx, place.account.id, &kept.guesses.right()).await?;
            Ok(Tried::Right(step))
        }
        // Whoever has it had the app in hand half a minute ago; it opens nothing, so nothing is guessed by it.
        Judged::Used => Ok(Tried::Used),
        Judged::Wrong => {
            let guesses = kept.guesses.wrong(policy, now);
            save(tx, place.account.id, &guesses).await?;
            place.refused(tx, Method::Totp, &guesses).await?;
            Ok(Tried::Wrong)
        }
    }
}

async fn save(tx: &mut WriteTx, account: AccountId, guesses: &Guesses) -> Result<(), db::DbError> {
    let wrong = guesses.recent.to_bytes();
    let row = params![
        guesses.in_row,
        &wrong,
        guesses.rest_until,
        account.as_bytes()
    ];
    tx.execute_one(&sql::TRIES, row).await
}

/// Checks a code of a connected app. The account is locked, so of 64 at once with the same code one is right.
/// Whatever comes out must be committed, or the try was free.
pub async fn check(
    tx: &mut WriteTx,
    place: Where<'_>,
    code: &OneTimeCode,
) -> Result<Tried, ServiceError> {
    let account = place.account.id;
    let row = tx
        .query_opt(&sql::LOCK, params![account.as_bytes()])
        .await?;
    let kept = row.as_ref().map(read).transpose()?;
    let confirmed = kept.and_then(|kept| Some((kept.confirmed_at?, kept)));
    let Some((since, kept)) = confirmed else {
        return Ok(Tried::NotThere);
    };
    let tried = judge(tx, place, kept, code).await?;
    if let Tried::Right(step) = tried {
        tx.execute_one(&sql::TAKE, params![step, account.as_bytes()])
            .await?;
    }
    Ok(tried.map(|_| place.proof(Method::Totp, since)))
}

/// Disconnects the app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Remove {}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Removed {
    /// Disconnected.
    Done,
    /// None was connected.
    NotThere,
    /// Sign-in always asks for a second factor and this is the only one: the setting goes first.
    Needed,
}

impl Sensitive for Remove {
    const ACTION: Action = Action::RemoveTotp;
    type Done = Removed;

    fn takes(&self) -> Option<Taken> {
        Some(Taken::Totp)
    }

    fn took(done: &Removed) -> bool {
        *done == Removed::Done
    }

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<Removed, ServiceError>> {
        Box::pin(async move {
            if second_factor::would_be_last(tx, at.account, Method::Totp).await? {
                return Ok(Removed::Needed);
            }
            let removed = tx
                .execute(&sql::REMOVE, params![at.account.id.as_bytes()])
                .await?;
            if removed == 0 {
                return Ok(Removed::NotThere);
            }
            notice::tell(tx, at.env, at.visitor, at.account, Notice::TotpRemoved).await?;
            audit::append(tx, at.who.entry(REMOVED, &Details::of(at.visitor))).await?;
            Ok(Removed::Done)
        })
    }
}

/// Since when an app is connected.
pub async fn since(tx: &mut ReadTx, account: AccountId) -> Result<Option<Timestamp>, db::DbError> {
    let row = tx
        .query_opt(&sql::FIND, params![account.as_bytes()])
        .await?;
    row.map_or(Ok(None), |row| row.opt_timestamp(3))
}
