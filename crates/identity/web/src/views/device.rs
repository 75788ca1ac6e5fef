//! Letting a computer in by a signed-in phone (ID-7): both sides.

use askama::Template;
use kernel::Timestamp;
use webkit::page::{Area, Sample, Shell, sample};

use super::qr::Qr;

/// What the computer shows.
#[derive(Clone, Debug)]
pub enum DeviceFace {
    /// Nothing was asked yet.
    Ask,
    /// The code to scan and the number to find.
    Waiting {
        /// The link as a QR code.
        qr: Option<Qr>,
        /// The number.
        number: u8,
        /// Until when.
        expires_at: Timestamp,
    },
    /// The phone said yes.
    Approved,
    /// The phone said no.
    Refused,
    /// Its time is over.
    Over,
}

/// `GET /sign-in/device`; `POST` asks; `POST …/enter` picks the session up; `GET …/state` for `handover.js`.
#[derive(Clone, Debug, Template)]
#[template(path = "device/sign_in_device.html")]
pub struct SignInDevice {
    /// The shell.
    pub p: Shell,
    /// What it shows.
    pub face: DeviceFace,
}

impl DeviceFace {
    /// The state's name: also the answer that `handover.js` polls.
    pub const fn tag(&self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Waiting { .. } => "waiting",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Over => "over",
        }
    }
}

impl Sample for SignInDevice {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |face| Self { p: p.clone(), face };
        let link = "https://kabinet.example/let-in/GEZDGNBVGY3TQOJQGEZDGA";
        vec![
            ("ask", page(DeviceFace::Ask)),
            (
                "waiting",
                page(DeviceFace::Waiting {
                    qr: Qr::of(link),
                    number: 47,
                    expires_at: sample::after(104),
                }),
            ),
            ("approved", page(DeviceFace::Approved)),
            ("refused", page(DeviceFace::Refused)),
            ("over", page(DeviceFace::Over)),
        ]
    }
}

/// `GET /let-in/{token}`; `POST` takes `number`; `POST …/refuse`.
#[derive(Clone, Debug, Template)]
#[template(path = "device/let_in.html")]
pub struct LetIn {
    /// The shell.
    pub p: Shell,
    /// `/let-in/{token}`.
    pub path: String,
    /// «Chrome на Windows».
    pub device: String,
    /// The place, where it is known.
    pub place: Option<String>,
    /// The masked network.
    pub network: String,
    /// Numbers to choose among.
    pub offered: Vec<u8>,
    /// Until when.
    pub expires_at: Timestamp,
}

impl LetIn {
    /// The path of saying no.
    pub fn refuse(&self) -> String {
        format!("{}/refuse", self.path)
    }
}

impl Sample for LetIn {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let normal = Self {
            p,
            path: "/let-in/GEZDGNBVGY3TQOJQGEZDGA".to_owned(),
            device: "Chrome на Windows".to_owned(),
            place: Some("Казань".to_owned()),
            network: "198.51.100.•".to_owned(),
            offered: vec![12, 47, 83],
            expires_at: sample::after(92),
        };
        vec![
            (
                "somewhere",
                Self {
                    place: None,
                    ..normal.clone()
                },
            ),
            ("normal", normal),
        ]
    }
}

/// Why nobody is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotLetIn {
    /// The request is over, or never was.
    Over,
    /// A wrong number was chosen.
    Wrong,
    /// This session was let in itself, not long ago.
    TooYoung(Timestamp),
    /// The account is frozen.
    Frozen,
    /// The owner said no.
    Refused,
}

/// The end of letting in that lets nobody in.
#[derive(Clone, Debug, Template)]
#[template(path = "device/not_let_in.html")]
pub struct LetInOver {
    /// The shell.
    pub p: Shell,
    /// Why.
    pub why: NotLetIn,
}

impl LetInOver {
    /// Ids of the heading and of the words under it.
    pub const fn words(&self) -> (&'static str, &'static str) {
        match self.why {
            NotLetIn::Over => ("let-in-over-title", "let-in-over-text"),
            NotLetIn::Wrong => ("let-in-wrong-title", "let-in-wrong-text"),
            NotLetIn::TooYoung(_) => ("let-in-young-title", "let-in-young-text"),
            NotLetIn::Frozen => ("let-in-frozen-title", "let-in-frozen-text"),
            NotLetIn::Refused => ("let-in-refused-title", "let-in-refused-text"),
        }
    }

    /// From when on this session may.
    pub const fn ripe(&self) -> Option<Timestamp> {
        match self.why {
            NotLetIn::TooYoung(until) => Some(until),
            _ => None,
        }
    }
}

impl Sample for LetInOver {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let page = |why| Self { p: p.clone(), why };
        vec![
            ("over", page(NotLetIn::Over)),
            ("wrong", page(NotLetIn::Wrong)),
            ("young", page(NotLetIn::TooYoung(sample::after(80_000)))),
            ("frozen", page(NotLetIn::Frozen)),
            ("refused", page(NotLetIn::Refused)),
        ]
    }
}
