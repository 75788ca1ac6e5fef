//! The bank section: its door, and what stands behind it (ID-9).

use askama::Template;
use kernel::Timestamp;
use webkit::page::{Area, Sample, Shell, sample};

use super::home::{Level, Missing};

/// `GET /bank` while it is locked; `POST /bank/open` with `next`.
#[derive(Clone, Debug, Template)]
#[template(path = "bank/door.html")]
pub struct BankDoor {
    /// The shell.
    pub p: Shell,
    /// Where to go once it is open.
    pub next: String,
    /// Whether the account has something that opens it.
    pub can_open: bool,
}

impl Sample for BankDoor {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Bank);
        let next = "/bank".to_owned();
        vec![
            (
                "normal",
                Self {
                    p: p.clone(),
                    next: next.clone(),
                    can_open: true,
                },
            ),
            (
                "nothing_to_show",
                Self {
                    p,
                    next,
                    can_open: false,
                },
            ),
        ]
    }
}

/// `GET /bank` while it is open; `POST /bank/lock`.
#[derive(Clone, Debug, Template)]
#[template(path = "bank/section.html")]
pub struct BankSection {
    /// The shell.
    pub p: Shell,
    /// Locks then, unless used before.
    pub locks_at: Timestamp,
    /// Ends then, used or not.
    pub ends_at: Timestamp,
    /// Identity level.
    pub level: Level,
    /// What bank products still ask for (ID-11).
    pub missing: Vec<Missing>,
}

impl Sample for BankSection {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Bank);
        let normal = Self {
            p,
            locks_at: sample::after(280),
            ends_at: sample::after(43_000),
            level: Level::Identified,
            missing: Vec::new(),
        };
        vec![
            (
                "missing",
                Self {
                    level: Level::Protected,
                    missing: vec![Missing::Passport, Missing::InnOrSnils],
                    ..normal.clone()
                },
            ),
            ("normal", normal),
        ]
    }
}
