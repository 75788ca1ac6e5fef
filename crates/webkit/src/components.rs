//! Data of the drawn components; the drawing itself is in
//! `templates/parts/*.html`.

use kernel::Timestamp;

/// A way into the account, drawn as a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayKind {
    /// A code to the phone.
    Phone,
    /// A code to the confirmed e-mail.
    Email,
    /// A passkey: fingerprint or face.
    Passkey,
    /// A password or passcode.
    Secret,
    /// An authenticator app or backup codes.
    App,
}

impl WayKind {
    /// The icon of the sprite.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Phone => "smartphone",
            Self::Email => "mail",
            Self::Passkey => "key-round",
            Self::Secret => "lock",
            Self::App => "file-text",
        }
    }

    /// Id of its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Phone => "way-phone",
            Self::Email => "way-email",
            Self::Passkey => "way-passkey",
            Self::Secret => "way-secret",
            Self::App => "way-app",
        }
    }
}

/// One key of the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// What it is.
    pub kind: WayKind,
    /// Whether the account has it; otherwise only its outline hangs there.
    pub present: bool,
}

/// The ways in, drawn as keys on a ring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRing {
    /// In the order they hang, left to right.
    pub keys: Vec<Key>,
}

impl KeyRing {
    /// Rotation of each key around the ring in degrees, spread evenly about
    /// straight down.
    pub fn hanging(&self) -> Vec<(Key, i32)> {
        const STEP: i32 = 42;
        let last = i32::try_from(self.keys.len())
            .unwrap_or(i32::MAX)
            .saturating_sub(1);
        self.keys
            .iter()
            .zip(0i32..)
            .map(|(key, place)| {
                let offset = last.saturating_sub(place.saturating_mul(2));
                (*key, offset.saturating_mul(STEP) / 2)
            })
            .collect()
    }

    /// The left edge and the width of the drawing: more keys hang further out.
    pub fn sides(&self) -> (i32, i32) {
        if self.keys.len() > 3 {
            (0, 200)
        } else {
            (34, 132)
        }
    }

    /// How many ways in the account has.
    pub fn count(&self) -> usize {
        self.keys.iter().filter(|key| key.present).count()
    }
}

/// A hold or a code's life, drawn as a ring that empties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldRing {
    /// When it began.
    pub since: Timestamp,
    /// When it ends.
    pub until: Timestamp,
}

impl HoldRing {
    /// How much is left at a moment, 0 to 100.
    pub fn percent_left(&self, now: Timestamp) -> u64 {
        let whole = self.until.since(self.since).as_millis();
        let left = self.until.since(now).as_millis();
        let percent = left
            .saturating_mul(100)
            .checked_div(whole)
            .unwrap_or(0)
            .min(100);
        u64::try_from(percent).unwrap_or(0)
    }

    /// Its whole length in seconds.
    pub fn seconds(&self) -> u64 {
        self.until.since(self.since).as_secs()
    }
}

/// Where one of several steps stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Behind.
    Done,
    /// The present one.
    Current,
    /// Ahead.
    Ahead,
}

impl StepState {
    /// The CSS class.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Current => "current",
            Self::Ahead => "ahead",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hang_evenly_about_straight_down() {
        let key = |present| Key {
            kind: WayKind::Phone,
            present,
        };
        let ring = KeyRing {
            keys: vec![key(true), key(false), key(true)],
        };
        let angles: Vec<i32> = ring.hanging().iter().map(|(_, angle)| *angle).collect();
        assert_eq!(angles, [42, 0, -42]);
        assert_eq!(ring.count(), 2);
        assert!(KeyRing::default().hanging().is_empty());
    }

    #[test]
    fn a_hold_empties() {
        let hold = HoldRing {
            since: Timestamp::from_secs(100),
            until: Timestamp::from_secs(200),
        };
        for (now, left) in [
            (0, 100),
            (100, 100),
            (150, 50),
            (199, 1),
            (200, 0),
            (300, 0),
        ] {
            assert_eq!(hold.percent_left(Timestamp::from_secs(now)), left);
        }
        let nothing = HoldRing {
            since: hold.until,
            until: hold.until,
        };
        assert_eq!(nothing.percent_left(hold.until), 0);
    }
}
