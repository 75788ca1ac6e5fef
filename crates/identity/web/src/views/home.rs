//! The start page of the cabinet.

use askama::Template;
use identity_core::{account, assurance::Has};
use kernel::Timestamp;
use webkit::components::{Key, KeyRing, StepState, WayKind};
use webkit::page::{Area, Limited, Sample, Shell, Tone, sample};

use super::events::{Event, EventKind};

/// Identity level (ID-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Phone only.
    Limited,
    /// Name and confirmed e-mail.
    Protected,
    /// Passport and INN or SNILS accepted.
    Identified,
}

impl Level {
    /// Every level from the lowest.
    pub const ALL: [Self; 3] = [Self::Limited, Self::Protected, Self::Identified];

    /// Id of its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Limited => "level-limited",
            Self::Protected => "level-protected",
            Self::Identified => "level-identified",
        }
    }

    /// Id of what it gives.
    pub const fn gives(self) -> &'static str {
        match self {
            Self::Limited => "level-limited-gives",
            Self::Protected => "level-protected-gives",
            Self::Identified => "level-identified-gives",
        }
    }

    /// Where another level stands when this one is reached.
    pub fn state_of(self, other: &Self) -> StepState {
        match (*other).cmp(&self) {
            std::cmp::Ordering::Less => StepState::Done,
            std::cmp::Ordering::Equal => StepState::Current,
            std::cmp::Ordering::Greater => StepState::Ahead,
        }
    }
}

impl From<account::Level> for Level {
    fn from(level: account::Level) -> Self {
        match level {
            account::Level::Limited => Self::Limited,
            account::Level::Protected => Self::Protected,
            account::Level::Identified => Self::Identified,
        }
    }
}

impl From<account::Missing> for Missing {
    fn from(missing: account::Missing) -> Self {
        match missing {
            account::Missing::Name => Self::Name,
            account::Missing::Email => Self::Email,
            account::Missing::BirthDate => Self::BirthDate,
            account::Missing::Passport => Self::Passport,
            account::Missing::InnOrSnils => Self::InnOrSnils,
        }
    }
}

/// What the next level lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Name.
    Name,
    /// E-mail not added.
    Email,
    /// E-mail added, not confirmed.
    EmailConfirmation,
    /// The birth date.
    BirthDate,
    /// Passport.
    Passport,
    /// Passport waits for a check: nothing to do.
    PassportCheck,
    /// INN or SNILS.
    InnOrSnils,
}

impl Missing {
    /// Id of what to do, a verb.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Name => "missing-name",
            Self::Email => "missing-email",
            Self::EmailConfirmation => "missing-email-confirmation",
            Self::BirthDate => "missing-birth-date",
            Self::Passport => "missing-passport",
            Self::PassportCheck => "missing-passport-check",
            Self::InnOrSnils => "missing-inn-or-snils",
        }
    }

    /// The page that mends it.
    pub const fn href(self) -> &'static str {
        match self {
            Self::Name => "/profile/data/name",
            Self::Email => "/profile/email",
            Self::EmailConfirmation => "/profile/email/code",
            Self::BirthDate => "/profile/data/birth",
            Self::Passport => "/profile/data/passport",
            Self::PassportCheck => "/profile/data",
            Self::InnOrSnils => "/profile/data/inn",
        }
    }

    /// The icon of the sprite.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Name => "user",
            Self::Email | Self::EmailConfirmation => "mail",
            Self::Passport | Self::InnOrSnils => "id-card",
            Self::BirthDate => "calendar",
            Self::PassportCheck => "clock",
        }
    }
}

/// Something that needs the owner now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attention {
    /// Sign-in from a new device: was it you?
    NewDevice(Event),
    /// Wrong codes were entered lately.
    WrongCodes(Event),
    /// The phone was last proved at this moment, long ago (ID-8a).
    StalePhone(Timestamp),
    /// A check of personal data was declined; the reason is on the page.
    DataDeclined,
}

impl Attention {
    /// Id of its title.
    pub const fn title(&self) -> &'static str {
        match self {
            Self::NewDevice(_) => "attention-new-device",
            Self::WrongCodes(_) => "attention-wrong-codes",
            Self::StalePhone(_) => "attention-stale-phone",
            Self::DataDeclined => "attention-data-declined",
        }
    }

    /// The line under it.
    pub fn note(&self, p: &Shell) -> String {
        match self {
            Self::NewDevice(event) | Self::WrongCodes(event) => {
                let at = p.moment(&event.at).text;
                let from = event.from_where();
                if from.is_empty() {
                    at
                } else {
                    format!("{from} · {at}")
                }
            }
            Self::StalePhone(at) => p.t1("attention-stale-phone-note", "ago", p.ago(at).text),
            Self::DataDeclined => p.t("attention-data-declined-note").to_owned(),
        }
    }

    /// Where it is settled.
    pub const fn href(&self) -> &'static str {
        match self {
            Self::NewDevice(_) => "/profile/devices",
            Self::WrongCodes(_) => "/profile/history",
            Self::StalePhone(_) => "/profile/phone",
            Self::DataDeclined => "/profile/data",
        }
    }

    /// The icon of the sprite.
    pub const fn icon(&self) -> &'static str {
        match self {
            Self::NewDevice(_) => "monitor",
            Self::WrongCodes(_) => "triangle-alert",
            Self::StalePhone(_) => "smartphone",
            Self::DataDeclined => "id-card",
        }
    }

    /// How grave it is.
    pub const fn tone(&self) -> Tone {
        match self {
            Self::WrongCodes(_) => Tone::Bad,
            Self::NewDevice(_) | Self::StalePhone(_) | Self::DataDeclined => Tone::Warn,
        }
    }
}

/// `GET /`: what needs the owner, the level, security in short, last events.
#[derive(Clone, Debug, Template)]
#[template(path = "home/home.html")]
pub struct Home {
    /// The shell.
    pub p: Shell,
    /// Given name, when there is one.
    pub name: Option<String>,
    /// Identity level.
    pub level: Level,
    /// What the next level lacks.
    pub missing: Vec<Missing>,
    /// What needs the owner now.
    pub attention: Vec<Attention>,
    /// Ways in.
    pub ring: KeyRing,
    /// How many devices are signed in.
    pub devices: u64,
    /// The last few events, newest first.
    pub events: Vec<Event>,
}

/// The ways an account has, as keys.
pub fn ring_of(has: &Has) -> KeyRing {
    let key = |kind, present| Key { kind, present };
    KeyRing {
        keys: vec![
            key(WayKind::Phone, has.phone),
            key(WayKind::Email, has.email),
            key(WayKind::Passkey, has.passkey),
            key(WayKind::Secret, has.password || has.passcode),
            key(WayKind::App, has.totp || has.backup_code),
        ],
    }
}

/// Ways in of the front door: phone, e-mail. Later parts add theirs.
pub fn ring(email: bool) -> KeyRing {
    KeyRing {
        keys: vec![
            Key {
                kind: WayKind::Phone,
                present: true,
            },
            Key {
                kind: WayKind::Email,
                present: email,
            },
        ],
    }
}

impl Sample for Home {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Home);
        let name = Some(p.t("sample-given-name").to_owned());
        let events = Event::samples();
        let newest = |kind| events.iter().find(|event| event.kind == kind).cloned();
        let normal = Self {
            p: p.clone(),
            name: name.clone(),
            level: Level::Protected,
            missing: vec![Missing::BirthDate, Missing::Passport, Missing::InnOrSnils],
            attention: newest(EventKind::SignedInNewDevice)
                .map(Attention::NewDevice)
                .into_iter()
                .collect(),
            ring: ring(true),
            devices: 3,
            events: events.clone(),
        };
        let mut masked = p.clone();
        masked.person = Some(webkit::page::Person {
            name: "+7 ••• •••-12-34".to_owned(),
        });
        masked.limited = Some(Limited {
            name: true,
            email: true,
        });
        vec![
            (
                "new",
                Self {
                    p: masked,
                    name: None,
                    level: Level::Limited,
                    missing: vec![Missing::Name, Missing::Email],
                    attention: Vec::new(),
                    ring: ring(false),
                    devices: 1,
                    events: Vec::new(),
                },
            ),
            (
                "identified",
                Self {
                    level: Level::Identified,
                    missing: Vec::new(),
                    attention: Vec::new(),
                    devices: 2,
                    ..normal.clone()
                },
            ),
            (
                "frozen",
                Self {
                    p: Shell {
                        frozen: Some(sample::after(-300)),
                        ..p
                    },
                    missing: vec![Missing::PassportCheck, Missing::EmailConfirmation],
                    attention: newest(EventKind::CodeFailed)
                        .map(Attention::WrongCodes)
                        .into_iter()
                        .chain([
                            Attention::StalePhone(sample::after(-400 * 86_400)),
                            Attention::DataDeclined,
                        ])
                        .collect(),
                    ..normal.clone()
                },
            ),
            ("normal", normal),
        ]
    }
}
