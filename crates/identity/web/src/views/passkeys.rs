//! Passkeys under Security (ID-5).

use askama::Template;
use identity_core::assurance::RIPENS;
use kernel::Timestamp;
use webkit::page::{Area, Sample, Shell, Tone, sample};

/// A passkey in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Its id, part of addresses.
    pub id: String,
    /// Its name; without one it is called a passkey.
    pub name: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used.
    pub used_at: Option<Timestamp>,
    /// Whether it is copied to the owner's other devices.
    pub is_synced: bool,
    /// Whether there may be a copy in other hands.
    pub is_suspected: bool,
}

impl Passkey {
    /// Its name, or the word for it.
    pub fn called(&self, p: &Shell) -> String {
        self.name
            .clone()
            .unwrap_or_else(|| p.t("passkey-one").to_owned())
    }

    /// From when on it approves money, while that is still ahead (A62).
    pub fn ripens(&self, p: &Shell) -> Option<Timestamp> {
        let at = self.created_at.saturating_add(RIPENS);
        (at > p.now && !self.is_suspected).then_some(at)
    }
}

/// `GET /profile/security/passkeys`. `POST …/begin` answers what to ask the browser; `POST` takes `ceremony`,
/// `answer` and `name`.
///
/// Errors on `passkey`: `passkey-error-not-made`, `passkey-error-name`.
#[derive(Clone, Debug, Template)]
#[template(path = "security/passkeys.html")]
pub struct Passkeys {
    /// The shell.
    pub p: Shell,
    /// The keys, oldest first.
    pub passkeys: Vec<Passkey>,
    /// What authenticators are told, JSON.
    pub accepted: Option<String>,
    /// Whether this installation can have passkeys.
    pub is_here: bool,
}

fn samples_of() -> Vec<Passkey> {
    let key = |n: u8, name: Option<&str>, used: Option<i64>, is_synced| Passkey {
        id: format!("019a0000-0000-7000-8000-00000000000{n}"),
        name: name.map(str::to_owned),
        created_at: sample::after(-40 * 86_400),
        used_at: used.map(sample::after),
        is_synced,
        is_suspected: false,
    };
    vec![
        key(1, Some("iCloud Keychain"), Some(-460), true),
        Passkey {
            created_at: sample::after(-3_600),
            ..key(2, Some("Ноутбук дома"), None, false)
        },
        Passkey {
            is_suspected: true,
            ..key(3, None, Some(-90_000), false)
        },
    ]
}

impl Sample for Passkeys {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let page = |p: Shell, passkeys| Self {
            p,
            passkeys,
            accepted: Some(
                r#"{"rpId":"kabinet.example","userId":"AA","allAcceptedCredentialIds":["AQ"]}"#
                    .to_owned(),
            ),
            is_here: true,
        };
        vec![
            ("normal", page(p.clone(), samples_of())),
            ("empty", page(p.clone(), Vec::new())),
            (
                "error",
                page(
                    p.clone().with_error("passkey", "passkey-error-not-made"),
                    Vec::new(),
                ),
            ),
            (
                "added",
                page(
                    p.clone().with_flash(Tone::Good, "flash-passkey-added"),
                    samples_of(),
                ),
            ),
            (
                "not_here",
                Self {
                    is_here: false,
                    accepted: None,
                    ..page(p, Vec::new())
                },
            ),
        ]
    }
}

/// `GET /profile/security/passkeys/{id}`; `POST` takes `name`; `POST …/remove` removes it.
///
/// Errors on `name`: `passkey-error-name`.
#[derive(Clone, Debug, Template)]
#[template(path = "security/edit_passkey.html")]
pub struct EditPasskey {
    /// The shell.
    pub p: Shell,
    /// The key.
    pub passkey: Passkey,
    /// The name as typed.
    pub typed: String,
}

impl Sample for EditPasskey {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Security);
        let page = |p: Shell, key: &Passkey, typed: &str| Self {
            p,
            passkey: key.clone(),
            typed: typed.to_owned(),
        };
        let keys = samples_of();
        let mut all = Vec::new();
        if let [first, .., last] = keys.as_slice() {
            all.push(("normal", page(p.clone(), first, "iCloud Keychain")));
            all.push((
                "error",
                page(
                    p.clone().with_error("name", "passkey-error-name"),
                    first,
                    "a\u{202e}b",
                ),
            ));
            all.push(("suspected", page(p, last, "")));
        }
        all
    }
}
