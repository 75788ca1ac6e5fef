//! Security: ways in, freeze, devices, history.

use askama::Template;
use identity_core::assurance::Method;
use kernel::Timestamp;
use webkit::components::KeyRing;
use webkit::page::{Area, Sample, Shell, Tone, sample};

use super::events::{Event, EventKind};
use super::home::ring;

/// An identifier of the account as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Masked: «+7 ••• •••-12-34», «a•••@example.ru».
    pub masked: String,
    /// Whether control of it was ever proved.
    pub confirmed: bool,
    /// When control was last proved.
    pub proved_at: Option<Timestamp>,
}

/// `GET /profile/security`. `POST /profile/security/freeze` and
/// `POST /profile/security/unfreeze` carry nothing but the seal.
#[derive(Clone, Debug, Template)]
#[template(path = "security/security.html")]
pub struct Security {
    /// The shell; its `frozen` decides what the freeze block offers.
    pub p: Shell,
    /// Ways in.
    pub ring: KeyRing,
    /// Whether «это всё ещё ваш номер?» is asked.
    pub asks_number: bool,
    /// The phone.
    pub phone: Contact,
    /// The e-mail.
    pub email: Option<Contact>,
    /// How many devices are signed in.
    pub devices: u64,
    /// The last few events, newest first.
    pub events: Vec<Event>,
}

impl Sample for Security {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let normal = Self {
            p: p.clone(),
            ring: ring(true),
            asks_number: false,
            phone: Contact {
                masked: "+7 ••• •••-12-34".to_owned(),
                confirmed: true,
                proved_at: Some(sample::after(-460)),
            },
            email: Some(Contact {
                masked: "a•••@example.ru".to_owned(),
                confirmed: true,
                proved_at: Some(sample::after(-40 * 86_400)),
            }),
            devices: 3,
            events: Event::samples(),
        };
        vec![
            (
                "frozen",
                Self {
                    p: Shell {
                        frozen: Some(sample::after(-300)),
                        ..p
                    },
                    email: Some(Contact {
                        masked: "a•••@example.ru".to_owned(),
                        confirmed: false,
                        proved_at: None,
                    }),
                    ring: ring(false),
                    asks_number: true,
                    ..normal.clone()
                },
            ),
            (
                "new",
                Self {
                    ring: ring(false),
                    email: None,
                    devices: 1,
                    events: Vec::new(),
                    ..normal.clone()
                },
            ),
            ("normal", normal),
        ]
    }
}

/// A signed-in device (ID-9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Session id, part of the form's address.
    pub id: String,
    /// «Chrome, Windows», in the reader's language.
    pub name: String,
    /// Whether it is a phone or tablet.
    pub mobile: bool,
    /// The place, when known.
    pub place: Option<String>,
    /// When it signed in.
    pub first_seen: Timestamp,
    /// When it was last used.
    pub last_seen: Timestamp,
    /// How it signed in.
    pub way: Method,
    /// Whether it is the device in hand.
    pub current: bool,
    /// Whether it holds a key for the passcode.
    pub has_key: bool,
}

impl Device {
    /// The words of how it signed in.
    pub const fn signed_in_by(&self) -> &'static str {
        match self.way {
            Method::Sms => "signed-in-by-sms",
            Method::Call => "signed-in-by-call",
            Method::Email => "signed-in-by-email",
            Method::Device => "signed-in-by-device",
            Method::Passkey => "signed-in-by-passkey",
            // Nobody signs in by these alone; a session that says so is shown all the same.
            Method::Password | Method::Passcode | Method::Totp | Method::BackupCode => {
                "signed-in-by-secret"
            }
        }
    }
}

/// `GET /profile/devices`. `POST /profile/devices/{id}/end` ends one.
#[derive(Clone, Debug, Template)]
#[template(path = "security/devices.html")]
pub struct Devices {
    /// The shell.
    pub p: Shell,
    /// The device in hand first, then newest use first.
    pub devices: Vec<Device>,
}

impl Devices {
    /// Whether there are others than the one in hand.
    pub fn has_others(&self) -> bool {
        self.devices.iter().any(|device| !device.current)
    }
}

impl Sample for Devices {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let device = |id: &str, name: &str, mobile, place: Option<&str>, way, current| Device {
            id: id.to_owned(),
            name: name.to_owned(),
            mobile,
            place: place.map(ToOwned::to_owned),
            first_seen: sample::after(-40 * 86_400),
            last_seen: sample::after(if current { -5 } else { -91_000 }),
            way,
            current,
            has_key: current,
        };
        let mine = device(
            "019a-1",
            "Safari, iPhone",
            true,
            Some("Москва"),
            Method::Sms,
            true,
        );
        vec![
            (
                "normal",
                Self {
                    p: p.clone(),
                    devices: vec![
                        mine.clone(),
                        device(
                            "019a-2",
                            "Chrome, Windows",
                            false,
                            Some("Казань"),
                            Method::Passkey,
                            false,
                        ),
                        device(
                            "019a-3",
                            "Firefox, Linux",
                            false,
                            None,
                            Method::Email,
                            false,
                        ),
                    ],
                },
            ),
            (
                "ended",
                Self {
                    p: p.clone().with_flash(Tone::Good, "flash-device-ended"),
                    devices: vec![mine.clone()],
                },
            ),
            (
                "only_this",
                Self {
                    p,
                    devices: vec![mine],
                },
            ),
        ]
    }
}

/// `GET /profile/devices/end-others`: asks before `POST` to the same address.
#[derive(Clone, Debug, Template)]
#[template(path = "security/end_others.html")]
pub struct EndOthers {
    /// The shell.
    pub p: Shell,
    /// How many devices will be signed out.
    pub count: u64,
}

impl Sample for EndOthers {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        vec![
            (
                "one",
                Self {
                    p: p.clone(),
                    count: 1,
                },
            ),
            ("several", Self { p, count: 2 }),
        ]
    }
}

/// `GET /profile/security/later`: something that leads to the account was taken away today; when the next may (A50).
#[derive(Clone, Debug, Template)]
#[template(path = "security/later.html")]
pub struct Later {
    /// The shell.
    pub p: Shell,
    /// From when on; `None` when it may now.
    pub until: Option<Timestamp>,
}

impl Later {
    /// The words above the page.
    pub const fn title(&self) -> &'static str {
        match self.until {
            Some(_) => "later-title",
            None => "later-now-title",
        }
    }
}

impl Sample for Later {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let page = |until| Self {
            p: p.clone(),
            until,
        };
        vec![
            ("waits", page(Some(sample::after(17 * 3_600)))),
            ("now", page(None)),
        ]
    }
}

/// `GET /profile/history?before=…`: every security event (ID-14).
#[derive(Clone, Debug, Template)]
#[template(path = "security/history.html")]
pub struct History {
    /// The shell.
    pub p: Shell,
    /// This page's events, newest first.
    pub events: Vec<Event>,
    /// Cursor of the page of earlier events, when there are any.
    pub earlier: Option<String>,
    /// Whether this is a page of earlier events, so that a way back is shown.
    pub is_earlier: bool,
}

impl History {
    /// The events by day, with the heading of each.
    pub fn days(&self) -> Vec<(String, Vec<&Event>)> {
        let mut days: Vec<(String, Vec<&Event>)> = Vec::new();
        for event in &self.events {
            let heading = self.p.heading(&event.at);
            match days.last_mut().filter(|(last, _)| *last == heading) {
                Some((_, events)) => events.push(event),
                None => days.push((heading, vec![event])),
            }
        }
        days
    }
}

impl Sample for History {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let all = EventKind::ALL
            .iter()
            .zip(0i64..)
            .map(|(kind, place)| Event {
                kind: *kind,
                at: sample::after(place.saturating_mul(-70_000)),
                device: Some("Safari, iPhone".to_owned()),
                place: Some("Москва".to_owned()),
            })
            .collect();
        let page = |events, earlier: Option<&str>, is_earlier| Self {
            p: p.clone(),
            events,
            earlier: earlier.map(ToOwned::to_owned),
            is_earlier,
        };
        vec![
            ("normal", page(Event::samples(), Some("MTc5NTM0"), false)),
            ("last_page", page(all, None, true)),
            ("empty", page(Vec::new(), None, false)),
        ]
    }
}
