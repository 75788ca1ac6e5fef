//! Data of the drawn components; the drawing itself is in
//! `templates/parts/*.html`.

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
}
