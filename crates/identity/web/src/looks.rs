//! Looking without changing anything, the same for the page and for the API: at links of messages (A31), and at
//! where a code stands.

use identity_core::challenge::Purpose;
use identity_service::{
    changes,
    codes::{self, BrowserKey, Status},
    email,
    freeze::{self, AlarmLink},
    link::LinkToken,
};

use crate::state::{Fault, State};

impl State {
    /// What an «это не я» link leads to; over when it is no link at all.
    pub(crate) async fn look_alarm(&self, token: &str) -> Result<AlarmLink, Fault> {
        let Some(link) = LinkToken::from_text(token) else {
            return Ok(AlarmLink::Over);
        };
        let input = (self.env.clone(), link);
        self.read("freeze.look", input, |tx, (env, link)| {
            Box::pin(freeze::look(tx, env, link))
        })
        .await
    }

    /// What a link that undoes or stops a change leads to; over when it is no link at all.
    pub(crate) async fn look_change(&self, token: &str) -> Result<changes::Link, Fault> {
        let Some(link) = LinkToken::from_text(token) else {
            return Ok(changes::Link::Over);
        };
        let input = (self.env.clone(), link);
        self.read("changes.look", input, |tx, (env, link)| {
            Box::pin(changes::look(tx, env, link))
        })
        .await
    }

    /// The address, masked, that a «Подтвердить почту» link would confirm; `None` when it is over or no link.
    pub(crate) async fn look_email(&self, token: &str) -> Result<Option<String>, Fault> {
        let Some(link) = LinkToken::from_text(token) else {
            return Ok(None);
        };
        let input = (self.env.clone(), link);
        self.read("email.look", input, |tx, (env, link)| {
            Box::pin(email::look(tx, env, link))
        })
        .await
    }

    /// The code that a browser asked for last for one purpose, with what is known of its message.
    pub(crate) async fn code_status(
        &self,
        purpose: Purpose,
        browser: BrowserKey,
    ) -> Result<Option<(Status, Option<notify::Delivery>)>, Fault> {
        let input = (self.env.clone(), purpose, browser);
        self.read("codes.status", input, |tx, (env, purpose, browser)| {
            Box::pin(async move {
                let Some(status) = codes::status(tx, env, *purpose, browser).await? else {
                    return Ok(None);
                };
                let known = match status.message {
                    Some(message) => notify::delivery(tx, &[message]).await?.into_iter().next(),
                    None => None,
                };
                Ok(Some((status, known)))
            })
        })
        .await
    }
}
