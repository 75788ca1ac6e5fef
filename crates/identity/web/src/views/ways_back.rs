//! Ways back in (ID-8a): which loss would lock the owner out, in words.

use askama::Template;
use identity_core::ways_back::{Advice, Door, Key, Loss, Number, Outlook, Ways, outlooks};
use webkit::components::KeyRing;
use webkit::page::{Area, Sample, Shell, Tone, sample};

use super::home::ring;

/// What one loss would mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LossLine {
    outlook: Outlook,
}

impl From<Outlook> for LossLine {
    fn from(outlook: Outlook) -> Self {
        Self { outlook }
    }
}

impl LossLine {
    /// Whether the owner would be locked out.
    pub fn is_bad(&self) -> bool {
        self.outlook.is_locked_out()
    }

    /// The tone of its mark.
    pub fn tone(&self) -> Tone {
        if self.is_bad() { Tone::Bad } else { Tone::Good }
    }

    /// Id of «Если потеряете этот телефон».
    pub const fn title(&self) -> &'static str {
        match self.outlook.loss {
            Loss::Phone => "loss-phone",
            Loss::Mailbox => "loss-mailbox",
            Loss::Computer => "loss-computer",
            Loss::Memory => "loss-memory",
        }
    }

    /// The icon.
    pub const fn icon(&self) -> &'static str {
        match self.outlook.loss {
            Loss::Phone => "smartphone",
            Loss::Mailbox => "mail",
            Loss::Computer => "monitor",
            Loss::Memory => "lock",
        }
    }

    /// Ids of the doors that stay open.
    pub fn doors(&self) -> Vec<&'static str> {
        let words = |door: &Door| match door {
            Door::Number => "door-number",
            Door::Email => "door-email",
            Door::Passkey => "door-passkey",
        };
        self.outlook.open.iter().map(words).collect()
    }

    /// What to do first: id of the words, and where it is done.
    pub fn advice(&self) -> Option<(&'static str, &'static str)> {
        self.outlook.advice.map(|advice| match advice {
            Advice::ConfirmNumber => ("advice-confirm-number", "/profile/phone"),
            Advice::AddEmail => ("advice-add-email", "/profile/email"),
            Advice::BackupCodes => ("advice-backup-codes", "/profile/security/backup-codes"),
            Advice::SyncedPasskey => ("advice-synced-passkey", "/profile/security/passkeys"),
        })
    }
}

/// `GET /profile/security/ways-back`.
#[derive(Clone, Debug, Template)]
#[template(path = "ways_back/ways_back.html")]
pub struct WaysBack {
    /// The shell.
    pub p: Shell,
    /// Ways in.
    pub ring: KeyRing,
    /// Every loss.
    pub losses: Vec<LossLine>,
}

impl WaysBack {
    /// How many losses would lock the owner out.
    pub fn bad(&self) -> usize {
        self.losses.iter().filter(|loss| loss.is_bad()).count()
    }
}

impl Sample for WaysBack {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let page = |ways: &Ways| Self {
            p: p.clone(),
            ring: ring(ways.email),
            losses: outlooks(ways).into_iter().map(LossLine::from).collect(),
        };
        let new = Ways {
            number: Some(Number { is_key: true }),
            ..Ways::default()
        };
        let old = Ways {
            number: Some(Number { is_key: false }),
            password: true,
            ..Ways::default()
        };
        let app = Ways {
            email: true,
            totp: true,
            always_second: true,
            ..new.clone()
        };
        let good = Ways {
            email: true,
            passkeys: vec![Key { is_synced: true }],
            backup_codes: true,
            ..new.clone()
        };
        vec![
            ("new", page(&new)),
            ("old", page(&old)),
            ("app", page(&app)),
            ("good", page(&good)),
        ]
    }
}
