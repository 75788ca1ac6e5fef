//! The code word (RE-9): set once by its owner, compared by support, shown to nobody. Three tries in all; then it
//! is closed until it is set anew through support.

use audit::{Action as Logged, Actor, Details, Entry, StaffId};
use db::{BoxFuture, WriteTx};
use identity_core::{
    assurance::Action,
    code_word::{CodeWord, CodeWordError, TRIES},
    own::Own,
};
use kernel::AccountId;
use serde::{Deserialize, Serialize};
use vault::{Phc, Verdict};

use crate::{
    account,
    env::{Env, ServiceError},
    notice::{self, Notice},
    secret::{self, Attempt, Kept, Kind},
    step_up::{At, Authorised, Sensitive},
};

/// The code word was set.
pub const SET: Logged = Logged::new("code_word.set");
/// Support compared it.
pub const COMPARED: Logged = Logged::new("code_word.compared");
/// The last wrong one: it is closed.
pub const CLOSED: Logged = Logged::new("code_word.closed");

/// Sets the code word, when there is none. What was typed is hashed before it gets here.
#[derive(Clone, Serialize, Deserialize)]
pub struct SetCodeWord {
    phc: Phc,
}

impl std::fmt::Debug for SetCodeWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SetCodeWord(…)")
    }
}

impl SetCodeWord {
    /// Judges a code word for its owner and hashes it, outside any transaction.
    pub async fn prepare(
        env: &Env,
        own: &Own,
        typed: &str,
    ) -> Result<Result<Self, CodeWordError>, ServiceError> {
        let word = match CodeWord::chosen(typed, own) {
            Ok(word) => word,
            Err(why) => return Ok(Err(why)),
        };
        let phc = secret::hash(env, word.expose()).await?;
        Ok(Ok(Self { phc }))
    }

    /// Whether this is the command for that word: asked when the same request comes again with its proof.
    pub async fn is_for(&self, env: &Env, typed: &str) -> Result<bool, ServiceError> {
        let Ok(word) = CodeWord::typed(typed) else {
            return Ok(false);
        };
        Ok(secret::is_hash_of(env, &self.phc, word.expose()).await?)
    }
}

/// What became of setting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeWordSet {
    /// Done.
    Done,
    /// There is one: it is changed through support only.
    HasOne,
}

impl Sensitive for SetCodeWord {
    const ACTION: Action = Action::SetCodeWord;
    type Done = CodeWordSet;

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<CodeWordSet, ServiceError>> {
        Box::pin(async move {
            if secret::lock(tx, at.account, Kind::CodeWord)
                .await?
                .is_some()
            {
                return Ok(CodeWordSet::HasOne);
            }
            secret::set(tx, at.account, Kind::CodeWord, &self.phc, TRIES).await?;
            audit::append(tx, at.who.entry(SET, &at.details())).await?;
            notice::tell(tx, at.env, at.visitor, at.account, Notice::CodeWordSet).await?;
            Ok(CodeWordSet::Done)
        })
    }
}

/// What became of a member of staff asking for a try.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reserved {
    /// Counted: compare, then settle.
    Try(Attempt),
    /// No code word was ever set.
    NotSet,
    /// Closed after three wrong ones.
    Closed,
}

/// Counts a try that a member of staff makes with what a customer said.
pub async fn reserve(
    tx: &mut WriteTx,
    env: &Env,
    account: AccountId,
) -> Result<Reserved, ServiceError> {
    let account = account::lock(tx, env, account).await?;
    let Some(kept) = secret::lock(tx, &account, Kind::CodeWord).await? else {
        return Ok(Reserved::NotSet);
    };
    if kept.tries_left == 0 {
        return Ok(Reserved::Closed);
    }
    let kept = Kept {
        tries_left: kept.tries_left.saturating_sub(1),
        ..kept
    };
    secret::save(tx, &account, Kind::CodeWord, &kept).await?;
    Ok(Reserved::Try(Attempt {
        account: account.id,
        kind: Kind::CodeWord,
        nth: TRIES.saturating_sub(kept.tries_left),
        phc: Some(kept.phc),
        at: tx.now().as_micros(),
    }))
}

/// All that a member of staff is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settled {
    /// It is the word.
    Right,
    /// It is not.
    Wrong {
        /// «осталось 2».
        left: u32,
    },
    /// It is not, and was the last try.
    Closed,
}

/// Writes down what a try came to, with who made it.
pub async fn settle(
    tx: &mut WriteTx,
    env: &Env,
    staff: StaffId,
    attempt: &Attempt,
    verdict: &Verdict,
) -> Result<Settled, ServiceError> {
    let account = account::lock(tx, env, attempt.account).await?;
    let Some(kept) = secret::same_as_then(tx, &account, attempt).await? else {
        return Ok(Settled::Closed);
    };
    let settled = if verdict.is_right() {
        let kept = Kept {
            phc: verdict.rehashed().cloned().unwrap_or(kept.phc),
            tries_left: TRIES,
            ..kept
        };
        secret::save(tx, &account, Kind::CodeWord, &kept).await?;
        Settled::Right
    } else if kept.tries_left > 0 {
        Settled::Wrong {
            left: kept.tries_left,
        }
    } else {
        Settled::Closed
    };
    let outcome = match settled {
        Settled::Right => "right",
        Settled::Wrong { .. } | Settled::Closed => "wrong",
    };
    let entry = |action, details: &Details| {
        Entry::new(action, Actor::Staff(staff))
            .about(account.id)
            .with(details.seal(&account.key))
    };
    let details = Details::default().fact("outcome", outcome);
    audit::append(tx, entry(COMPARED, &details)).await?;
    if settled == Settled::Closed {
        audit::append(tx, entry(CLOSED, &Details::default())).await?;
        notice::tell_of_staff(tx, env, &account, Notice::CodeWordClosed).await?;
    }
    Ok(settled)
}
