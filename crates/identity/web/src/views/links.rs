//! Pages that links of messages lead to; nobody has to be signed in, and a GET
//! changes nothing (A31: mail scanners open every link).

use askama::Template;
use identity_core::consent::{MarketingChannel, Topic};
use webkit::page::{Sample, Shell};

use super::notifications::{channel_name, topic_name};

/// How far a link has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It can be pressed.
    Open,
    /// It has just been pressed.
    Done,
    /// It was pressed before, has run out, or never was.
    Over,
}

/// `GET|POST /not-me/{token}`: «это не я» (ID-13).
#[derive(Clone, Debug, Template)]
#[template(path = "links/not_me.html")]
pub struct NotMe {
    /// The shell.
    pub p: Shell,
    /// The token, part of the form's address.
    pub token: String,
    /// How far the link has come.
    pub state: LinkState,
}

impl Sample for NotMe {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |state| Self {
            p: p.clone(),
            token: "sample".to_owned(),
            state,
        };
        vec![
            ("open", page(LinkState::Open)),
            ("done", page(LinkState::Done)),
            ("over", page(LinkState::Over)),
        ]
    }
}

/// `GET|POST /unsubscribe/{token}` (ID-12).
#[derive(Clone, Debug, Template)]
#[template(path = "links/unsubscribe.html")]
pub struct Unsubscribe {
    /// The shell.
    pub p: Shell,
    /// The token, part of the form's address.
    pub token: String,
    /// What is switched off; `None` when the link cannot be read.
    pub subject: Option<(MarketingChannel, Topic)>,
    /// How far the link has come.
    pub state: LinkState,
}

impl Unsubscribe {
    fn subject_words(&self) -> String {
        self.subject.map_or_else(String::new, |(channel, topic)| {
            format!(
                "{} · {}",
                self.p.t(topic_name(topic)),
                self.p.t(channel_name(channel))
            )
        })
    }
}

impl Sample for Unsubscribe {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |state, subject| Self {
            p: p.clone(),
            token: "sample".to_owned(),
            subject,
            state,
        };
        let offers = Some((MarketingChannel::Email, Topic::Offers));
        vec![
            ("open", page(LinkState::Open, offers)),
            ("done", page(LinkState::Done, offers)),
            ("over", page(LinkState::Over, None)),
        ]
    }
}

/// How far the confirmation of an e-mail by link has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmailLinkState {
    /// It can be pressed; the address, masked.
    Open(String),
    /// The address is confirmed.
    Done,
    /// The address leads to another account.
    Taken,
    /// The account is frozen: the link waits.
    Frozen,
    /// It was pressed before, has run out, or never was.
    Over,
}

/// `GET|POST /email/confirm/{token}` (ID-4).
#[derive(Clone, Debug, Template)]
#[template(path = "links/email_link.html")]
pub struct EmailLink {
    /// The shell.
    pub p: Shell,
    /// The token, part of the form's address.
    pub token: String,
    /// How far the link has come.
    pub state: EmailLinkState,
}

impl Sample for EmailLink {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |state| Self {
            p: p.clone(),
            token: "sample".to_owned(),
            state,
        };
        vec![
            (
                "open",
                page(EmailLinkState::Open("a•••@example.ru".to_owned())),
            ),
            ("done", page(EmailLinkState::Done)),
            ("taken", page(EmailLinkState::Taken)),
            ("frozen", page(EmailLinkState::Frozen)),
            ("over", page(EmailLinkState::Over)),
        ]
    }
}
