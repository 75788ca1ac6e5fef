//! Telling of changes: what leads to the account now, what led to it before, and the other way in.

use db::WriteTx;
use identity_core::challenge::Channel;
use kernel::{Identifier, Timestamp, Visitor, agent, network};
use notify::texts::SecurityEvent;

use crate::{
    account::{Account, Owned},
    env::{Env, ServiceError},
    link,
    post::{self, Post, Words},
};

/// The page of a link that undoes or stops a change.
pub(super) fn path(token: &str) -> String {
    format!("/change/{token}")
}

/// What is told.
pub(super) struct Telling<'t> {
    pub(super) env: &'t Env,
    pub(super) account: &'t Account,
    pub(super) event: SecurityEvent,
    /// The identifier it is about, masked.
    pub(super) object: String,
    /// From where; nobody when time has done it.
    pub(super) visitor: Option<&'t Visitor>,
}

impl Telling<'_> {
    fn origin(&self) -> (Option<String>, Option<String>) {
        let of = |visitor: &Visitor| {
            let device = agent::device_name(&visitor.agent, self.account.locale);
            (device, network::masked(visitor.network))
        };
        self.visitor.map(of).unzip()
    }

    async fn send(
        &self,
        tx: &mut WriteTx,
        to: &Identifier,
        words: Words,
    ) -> Result<(), ServiceError> {
        let post = Post {
            to,
            channel: match to {
                Identifier::Phone(_) => Channel::Sms,
                Identifier::Email(_) => Channel::Email,
            },
            locale: self.account.locale,
            worthless_after: None,
            words,
        };
        post::post(tx, self.env, post).await?;
        Ok(())
    }

    /// With the link that takes it back.
    pub(super) async fn back(
        &self,
        tx: &mut WriteTx,
        to: &Identifier,
        link: &str,
        from: Option<Timestamp>,
    ) -> Result<(), ServiceError> {
        let (device, place) = self.origin();
        let words = Words::Change {
            event: self.event,
            object: self.object.clone(),
            from,
            device,
            place,
            link: link.to_owned(),
        };
        self.send(tx, to, words).await
    }

    /// With the link «это не я».
    pub(super) async fn plain(
        &self,
        tx: &mut WriteTx,
        all: &[&Identifier],
    ) -> Result<(), ServiceError> {
        let (env, account, name) = (self.env, self.account, self.event.name());
        let token = link::make(tx, env, account, link::Purpose::Alarm, name).await?;
        for to in all {
            let (device, place) = self.origin();
            let words = Words::Notice {
                event: self.event,
                object: Some(self.object.clone()),
                device,
                place,
                alarm: format!("/not-me/{token}"),
            };
            self.send(tx, to, words).await?;
        }
        Ok(())
    }

    /// Something was replaced: what it was and the other way in get the link that undoes it, where there is one.
    pub(super) async fn changed(
        &self,
        tx: &mut WriteTx,
        before: &[Owned],
        to: &Identifier,
        undo: Option<&str>,
    ) -> Result<(), ServiceError> {
        let before: Vec<_> = before.iter().map(|owned| &owned.identifier).collect();
        let Some(undo) = undo else {
            let all: Vec<_> = before.into_iter().chain([to]).collect();
            return self.plain(tx, &all).await;
        };
        for old in before {
            self.back(tx, old, undo, None).await?;
        }
        self.plain(tx, &[to]).await
    }
}
