//! Wrong tries at a method of one account: counted in the row of its secret, before anything is compared, and
//! never reset by anything but a success (ID-2a).

use audit::{Action, Actor, Details, Entry};
use db::{DbError, Row, WriteTx};
use identity_core::{
    assurance::Method,
    guessing::{Guesses, Refused},
    recent::Recent,
};
use kernel::{SessionId, Timestamp, Visitor};

use crate::{
    account::Account,
    env::{Env, ServiceError},
    notice::{self, Notice},
    shown::Proof,
};

/// A wrong code of an authenticator app, or a wrong backup code.
pub const REFUSED: Action = Action::new("method.refused");

/// What became of a try at a method.
#[derive(Debug, Clone, Copy)]
pub enum Tried<T = Proof> {
    /// Right.
    Right(T),
    /// Right, and taken before: only the next one helps.
    Used,
    /// Wrong.
    Wrong,
    /// Not looked at: too many wrong ones.
    Rests {
        /// Until then.
        until: Timestamp,
    },
    /// Not looked at any more: only another method helps.
    Closed,
    /// The account has no such method.
    NotThere,
}

impl<T> Tried<T> {
    /// The same with another content.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Tried<U> {
        match self {
            Self::Right(right) => Tried::Right(change(right)),
            Self::Used => Tried::Used,
            Self::Wrong => Tried::Wrong,
            Self::Rests { until } => Tried::Rests { until },
            Self::Closed => Tried::Closed,
            Self::NotThere => Tried::NotThere,
        }
    }
}

impl<T> From<Refused> for Tried<T> {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Rests { until } | Refused::Network { until } => Self::Rests { until },
            Refused::Closed => Self::Closed,
        }
    }
}

/// Reads the three columns of tries that begin at `first`.
pub(crate) fn read(row: &Row, first: usize) -> Result<Guesses, DbError> {
    let at = |n: usize| first.saturating_add(n);
    let in_row = u32::try_from(row.int(first)?).map_err(|_| row.wrong(first, "out of range"))?;
    let recent = Recent::from_bytes(&row.bytes(at(1))?);
    Ok(Guesses {
        in_row,
        recent: recent.ok_or_else(|| row.wrong(at(1), "torn times"))?,
        rest_until: row.opt_timestamp(at(2))?,
    })
}

/// Where a try was made.
#[derive(Clone, Copy)]
pub struct Where<'t> {
    /// The surroundings.
    pub env: &'t Env,
    /// Who tries.
    pub visitor: &'t Visitor,
    /// The account, locked.
    pub account: &'t Account,
    /// The session that tries; none while signing in.
    pub session: Option<SessionId>,
}

impl Where<'_> {
    pub(crate) fn entry(&self, action: Action, details: &Details) -> Entry {
        let entry = match self.session {
            Some(session) => Entry::by_customer(action, self.account.id).in_session(session),
            None => Entry::new(action, Actor::Visitor).about(self.account.id),
        };
        entry.with(details.seal(&self.account.key))
    }

    pub(crate) fn proof(&self, method: Method, since: Timestamp) -> Proof {
        Proof {
            account: self.account.id,
            method,
            since: Some(since),
        }
    }

    /// Logs a wrong try, and tells the owner when it looks like guessing.
    pub(crate) async fn refused(
        &self,
        tx: &mut WriteTx,
        method: Method,
        guesses: &Guesses,
    ) -> Result<(), ServiceError> {
        if guesses.is_suspicious() {
            notice::tell(tx, self.env, self.visitor, self.account, Notice::Suspicious).await?;
        }
        let details = Details::of(self.visitor).fact("method", method.as_str());
        audit::append(tx, self.entry(REFUSED, &details)).await?;
        Ok(())
    }
}
