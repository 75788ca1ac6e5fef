//! Removing a passkey.

use audit::Details;
use db::{BoxFuture, DbError, ReadTx, WriteTx, params};
use identity_core::assurance::{Action, Method};
use kernel::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{PasskeyId, REMOVED, lock, of_account, sql};
use crate::{
    env::ServiceError,
    notice::{self, Notice},
    second_factor, shown,
    slices::Taken,
    step_up::{At, Authorised, Sensitive},
};

/// Removes a passkey.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Remove {
    /// Which.
    pub id: PasskeyId,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Removed {
    /// It opens nothing any more.
    Done,
    /// There is none such.
    NotThere,
    /// It is the last way in (A50).
    LastWay,
    /// Sign-in always asks for a second factor and this is the only one: the setting goes first.
    Needed,
}

impl Sensitive for Remove {
    const ACTION: Action = Action::RemovePasskey;
    type Done = Removed;

    fn takes(&self) -> Option<Taken> {
        Some(Taken::Passkey(self.id))
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
            let account = at.account;
            let Some(row) = lock(tx, account.id, self.id).await? else {
                return Ok(Removed::NotThere);
            };
            let credential = row.bytes(0)?;
            let has = shown::has(tx, account).await?;
            let others = of_account(tx, account).await?;
            let has_other = others
                .iter()
                .any(|key| key.id != self.id && key.suspected_at.is_none());
            if !(has.phone || has.email || has_other) {
                return Ok(Removed::LastWay);
            }
            let is_last = second_factor::would_be_last(tx, account, Method::Passkey).await?;
            if is_last && !has_other {
                return Ok(Removed::Needed);
            }
            let key = params![account.id.as_bytes(), self.id.as_bytes()];
            tx.execute_one(&sql::REMOVE, key).await?;
            tx.execute_one(&sql::UNCLAIM, params![&credential]).await?;
            notice::tell(tx, at.env, at.visitor, account, Notice::PasskeyRemoved).await?;
            let details = Details::of(at.visitor);
            audit::append(tx, at.who.entry(REMOVED, &details)).await?;
            Ok(Removed::Done)
        })
    }
}

/// Since when an account has a passkey that was not suspected.
pub(crate) async fn opens_since(
    tx: &mut ReadTx,
    account: AccountId,
    id: PasskeyId,
) -> Result<Option<Timestamp>, DbError> {
    let key = params![account.as_bytes(), id.as_bytes()];
    let Some(row) = tx.query_opt(&sql::FIND, key).await? else {
        return Ok(None);
    };
    let is_trusted = row.opt_timestamp(3)?.is_none();
    Ok(is_trusted.then_some(row.timestamp(2)?))
}
