//! The account's number: «это всё ещё ваш номер?» (ID-8a).

use askama::Template;
use identity_core::changes::Kind;
use kernel::Timestamp;
use webkit::page::{Area, Sample, Shell, Tone, sample};

use super::{
    changes::MovingCard,
    code::{CodeEntry, CodeWay},
};

/// `GET /profile/phone`; `POST` sends a code; `POST …/clear` shows something stronger.
#[derive(Clone, Debug, Template)]
#[template(path = "number/number.html")]
pub struct Number {
    /// The shell.
    pub p: Shell,
    /// The number, masked.
    pub masked: String,
    /// When it was last proved.
    pub proved_at: Timestamp,
    /// Not proved for a long time.
    pub is_aged: bool,
    /// Doubted since then.
    pub doubted_at: Option<Timestamp>,
    /// The doubt's own code was right; something stronger clears it.
    pub shows_more: bool,
    /// The doubt's own code clears it from then on.
    pub waits_until: Option<Timestamp>,
    /// A change that waits.
    pub moving: Option<MovingCard>,
}

impl Sample for Number {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let normal = Self {
            p: p.clone(),
            masked: "+7 ••• •••-12-34".to_owned(),
            proved_at: sample::after(-3_600),
            is_aged: false,
            doubted_at: None,
            shows_more: false,
            waits_until: None,
            moving: None,
        };
        let aged = Self {
            proved_at: sample::after(-400 * 86_400),
            is_aged: true,
            ..normal.clone()
        };
        let doubted = Self {
            doubted_at: Some(sample::after(-86_400)),
            ..normal.clone()
        };
        vec![
            ("aged", aged),
            (
                "moving",
                Self {
                    moving: Some(MovingCard::sample(Kind::Phone)),
                    ..normal.clone()
                },
            ),
            (
                "disputed",
                Self {
                    moving: Some(MovingCard {
                        is_disputed: true,
                        ..MovingCard::sample(Kind::Phone)
                    }),
                    ..normal.clone()
                },
            ),
            ("doubted", doubted.clone()),
            (
                "more",
                Self {
                    shows_more: true,
                    ..doubted.clone()
                },
            ),
            (
                "waits",
                Self {
                    waits_until: Some(sample::after(2 * 86_400)),
                    ..doubted
                },
            ),
            (
                "confirmed",
                Self {
                    p: p.with_flash(Tone::Good, "flash-number-confirmed"),
                    ..normal.clone()
                },
            ),
            ("normal", normal),
        ]
    }
}

/// `GET|POST /profile/phone/code`, with `…/resend` and `…/delivery`.
#[derive(Clone, Debug, Template)]
#[template(path = "number/code.html")]
pub struct NumberCode {
    /// The shell.
    pub p: Shell,
    /// The code.
    pub code: CodeEntry,
}

impl Sample for NumberCode {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let code = CodeEntry {
            to: Some("+7 ••• •••-12-34".to_owned()),
            offers: vec![CodeWay::Sms, CodeWay::Call6],
            ..CodeEntry::sample()
        };
        vec![
            (
                "sent",
                Self {
                    p: p.clone(),
                    code: code.clone(),
                },
            ),
            (
                "wrong",
                Self {
                    p: p.with_error("code", "code-error-wrong"),
                    code,
                },
            ),
        ]
    }
}
