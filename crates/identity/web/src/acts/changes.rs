//! Another phone, another e-mail (CH-1 to CH-5).

use std::sync::Arc;

use identity_core::changes::{Kind, Stopped};
use identity_service::{
    changes::{self, AskedNew, Pressed, Verified},
    link::LinkToken,
    session::SignedIn,
};
use kernel::{Identifier, Visitor, code::OneTimeCode};
use serde::{Deserialize, Serialize};
use webkit::once::{Once, OnceKey};

use super::{AskDone, Refusal};
use crate::state::{Fault, State};

/// What became of asking for the code to a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AskNewDone {
    /// Asked.
    Asked(AskDone),
    /// It is the account's own.
    Same,
    /// The account has none of this kind.
    Nothing,
}

/// What became of that code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NewDone {
    /// The change goes on.
    Free,
    /// It leads to another account (CH-5).
    Taken,
    /// No.
    Refused(Refusal),
}

/// What became of stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopDone {
    /// The change is over.
    Ended,
    /// Its clock stands.
    Disputed,
    /// Nothing waits.
    Nothing,
}

impl From<Option<Stopped>> for StopDone {
    fn from(stopped: Option<Stopped>) -> Self {
        match stopped {
            None => Self::Nothing,
            Some(Stopped::Ended) => Self::Ended,
            Some(Stopped::Disputed(_) | Stopped::Already) => Self::Disputed,
        }
    }
}

impl State {
    /// Asks for the code to a new phone or e-mail.
    pub async fn ask_new(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        to: Identifier,
        call: bool,
    ) -> Result<Once<AskNewDone>, Fault> {
        self.act(
            "changes.ask",
            key,
            visitor,
            (who, to, call),
            |tx, (env, visitor, (who, to, call))| {
                Box::pin(async move {
                    let asked = changes::ask(tx, env, visitor, who, to, *call).await?;
                    Ok(match asked {
                        AskedNew::Asked(asked) => AskNewDone::Asked(asked.into()),
                        AskedNew::Same => AskNewDone::Same,
                        AskedNew::Nothing => AskNewDone::Nothing,
                    })
                })
            },
        )
        .await
    }

    /// Checks it.
    pub async fn verify_new(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        kind: Kind,
        code: OneTimeCode,
    ) -> Result<Once<NewDone>, Fault> {
        self.act(
            "changes.verify",
            key,
            visitor,
            (who, kind, code),
            |tx, (env, visitor, (who, kind, code))| {
                Box::pin(async move {
                    let verified = changes::verify(tx, env, visitor, who, *kind, code).await?;
                    Ok(match verified {
                        Verified::Free => NewDone::Free,
                        Verified::Taken => NewDone::Taken,
                        Verified::NotAccepted(why) => NewDone::Refused(why.into()),
                        Verified::Refused(why) => NewDone::Refused(why.into()),
                    })
                })
            },
        )
        .await
    }

    /// Stops a change that waits.
    pub async fn stop_change(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        kind: Kind,
    ) -> Result<Once<StopDone>, Fault> {
        self.act(
            "changes.stop",
            key,
            visitor,
            (who, kind),
            |tx, (env, visitor, (who, kind))| {
                Box::pin(async move {
                    let stopped = changes::stop(tx, env, visitor, who, *kind).await?;
                    Ok(stopped.into())
                })
            },
        )
        .await
    }

    /// Presses the button of a link that undoes or stops a change.
    pub async fn press_change(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        link: LinkToken,
        presser: Option<Arc<SignedIn>>,
    ) -> Result<Once<Pressed>, Fault> {
        self.act(
            "changes.press",
            key,
            visitor,
            (link, presser),
            |tx, (env, visitor, (link, presser))| {
                Box::pin(changes::press(tx, env, visitor, link, presser.as_deref()))
            },
        )
        .await
    }
}
