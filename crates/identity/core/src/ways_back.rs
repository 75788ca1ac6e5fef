//! Ways back in (ID-8a): which single loss would lock the owner out, and what to add first.
//!
//! A door is what begins a sign-in: the number, the mailbox, a passkey. Where the account asks for a second
//! factor, a code opens its door only together with one. What is kept where is taken at its worst: a passkey
//! that is not synced is lost with the phone and with the computer alike.

use serde::{Deserialize, Serialize};

/// The number as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// Proved lately and not in doubt. Otherwise it is a name, no longer a key: it opens only together with a
    /// second factor.
    pub is_key: bool,
}

/// A passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Kept by the maker's cloud too, so that losing the device does not lose it.
    pub is_synced: bool,
}

/// What an account has.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that is there or not; they are read one by one"
)]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ways {
    /// The number.
    pub number: Option<Number>,
    /// A confirmed mailbox.
    pub email: bool,
    /// Passkeys that are not suspected.
    pub passkeys: Vec<Key>,
    /// The password.
    pub password: bool,
    /// The passcode, which works in browsers that hold the device key.
    pub passcode: bool,
    /// An authenticator app; it is on the phone.
    pub totp: bool,
    /// Unused backup codes; they are on paper.
    pub backup_codes: bool,
    /// The code word, told to support.
    pub code_word: bool,
    /// Sign-in always asks for the second factor.
    pub always_second: bool,
}

/// What may be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// The phone with its number and its apps.
    Phone,
    /// The mailbox.
    Mailbox,
    /// The computer.
    Computer,
    /// What only the owner's head holds.
    Memory,
}

impl Loss {
    /// Every loss, the likeliest first.
    pub const ALL: [Self; 4] = [Self::Phone, Self::Computer, Self::Memory, Self::Mailbox];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Mailbox => "mailbox",
            Self::Computer => "computer",
            Self::Memory => "memory",
        }
    }
}

/// How one gets back in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// A code to the number.
    Number,
    /// A code to the mailbox.
    Email,
    /// A passkey.
    Passkey,
}

impl Door {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Email => "email",
            Self::Passkey => "passkey",
        }
    }
}

/// What to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// Confirm the number again.
    ConfirmNumber,
    /// Add an e-mail.
    AddEmail,
    /// Print backup codes.
    BackupCodes,
    /// Add a passkey that is kept in the cloud.
    SyncedPasskey,
}

impl Advice {
    /// Every advice, the easiest to follow first.
    pub const ALL: [Self; 4] = [
        Self::ConfirmNumber,
        Self::AddEmail,
        Self::BackupCodes,
        Self::SyncedPasskey,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConfirmNumber => "confirm_number",
            Self::AddEmail => "add_email",
            Self::BackupCodes => "backup_codes",
            Self::SyncedPasskey => "synced_passkey",
        }
    }

    fn followed(self, ways: &Ways) -> Ways {
        let mut ways = ways.clone();
        match self {
            Self::ConfirmNumber => {
                ways.number = ways.number.map(|_| Number { is_key: true });
            }
            Self::AddEmail => ways.email = true,
            Self::BackupCodes => ways.backup_codes = true,
            Self::SyncedPasskey => ways.passkeys.push(Key { is_synced: true }),
        }
        ways
    }
}

/// What one loss would mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// Which loss.
    pub loss: Loss,
    /// Doors that stay open. Empty: the owner would be locked out.
    pub open: Vec<Door>,
    /// What to do first, when locked out.
    pub advice: Option<Advice>,
}

impl Outlook {
    /// Whether this loss would lock the owner out.
    pub fn is_locked_out(&self) -> bool {
        self.open.is_empty()
    }
}

/// What is left after a loss.
fn after(ways: &Ways, loss: Loss) -> Ways {
    let mut left = ways.clone();
    match loss {
        Loss::Phone => {
            left.number = None;
            left.totp = false;
        }
        Loss::Mailbox => left.email = false,
        Loss::Memory => {
            left.password = false;
            left.code_word = false;
        }
        Loss::Computer => {}
    }
    if matches!(loss, Loss::Phone | Loss::Computer) {
        left.passkeys.retain(|key| key.is_synced);
    }
    // The device key may be on either; without the four digits it opens nothing.
    if loss != Loss::Mailbox {
        left.passcode = false;
    }
    left
}

/// Doors that are open with what there is.
fn open(ways: &Ways) -> Vec<Door> {
    let second = ways.totp || ways.password || ways.backup_codes;
    let number = ways
        .number
        .is_some_and(|number| second || (number.is_key && !ways.always_second));
    [
        (number, Door::Number),
        (ways.email && (second || !ways.always_second), Door::Email),
        (!ways.passkeys.is_empty(), Door::Passkey),
    ]
    .into_iter()
    .filter(|(is_open, _)| *is_open)
    .map(|(_, door)| door)
    .collect()
}

/// What a loss would mean, and what to do about it first: the easiest advice that leaves a door open, or, where
/// no single one does, the passkey, which needs nothing else.
pub fn outlook(ways: &Ways, loss: Loss) -> Outlook {
    let doors = open(&after(ways, loss));
    let advice = doors.is_empty().then(|| {
        Advice::ALL
            .into_iter()
            .find(|advice| !open(&after(&advice.followed(ways), loss)).is_empty())
            .unwrap_or(Advice::SyncedPasskey)
    });
    Outlook {
        loss,
        open: doors,
        advice,
    }
}

/// What every loss would mean.
pub fn outlooks(ways: &Ways) -> [Outlook; 4] {
    Loss::ALL.map(|loss| outlook(ways, loss))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ways() -> impl Strategy<Value = Ways> {
        let keys =
            prop::collection::vec(any::<bool>().prop_map(|is_synced| Key { is_synced }), 0..3);
        (
            prop::option::of(any::<bool>().prop_map(|is_key| Number { is_key })),
            keys,
            any::<[bool; 7]>(),
        )
            .prop_map(
                |(
                    number,
                    passkeys,
                    [
                        email,
                        password,
                        passcode,
                        totp,
                        backup_codes,
                        code_word,
                        always_second,
                    ],
                )| {
                    Ways {
                        number,
                        email,
                        passkeys,
                        password,
                        passcode,
                        totp,
                        backup_codes,
                        code_word,
                        always_second,
                    }
                },
            )
    }

    /// Every account with one way more.
    fn richer(ways: &Ways) -> Vec<Ways> {
        let with = |change: fn(&mut Ways)| {
            let mut more = ways.clone();
            change(&mut more);
            more
        };
        vec![
            with(|w| w.number = w.number.or(Some(Number { is_key: false }))),
            with(|w| w.number = Some(Number { is_key: true })),
            with(|w| w.email = true),
            with(|w| w.passkeys.push(Key { is_synced: false })),
            with(|w| w.passkeys.push(Key { is_synced: true })),
            with(|w| w.password = true),
            with(|w| w.passcode = true),
            with(|w| w.totp = true),
            with(|w| w.backup_codes = true),
            with(|w| w.code_word = true),
        ]
    }

    proptest! {
        /// ID-8a: adding a way never closes a door, whatever is lost.
        #[test]
        fn adding_a_way_never_makes_it_worse(ways in ways()) {
            for more in richer(&ways) {
                for loss in Loss::ALL {
                    let (before, after) = (outlook(&ways, loss), outlook(&more, loss));
                    for door in before.open {
                        prop_assert!(after.open.contains(&door), "{loss:?} {door:?}");
                    }
                }
            }
        }

        /// ID-8a: the advice helps against the loss it is given for, and is given exactly when locked out.
        #[test]
        fn the_advice_helps(ways in ways()) {
            for outlook in outlooks(&ways) {
                prop_assert_eq!(outlook.advice.is_some(), outlook.is_locked_out());
                if let Some(advice) = outlook.advice {
                    let followed = advice.followed(&ways);
                    prop_assert!(!super::outlook(&followed, outlook.loss).is_locked_out());
                }
            }
        }

        /// Losing something never opens a door.
        #[test]
        fn a_loss_never_helps(ways in ways()) {
            let whole = open(&ways);
            for outlook in outlooks(&ways) {
                prop_assert!(outlook.open.iter().all(|door| whole.contains(door)));
            }
        }
    }

    fn new_account() -> Ways {
        Ways {
            number: Some(Number { is_key: true }),
            ..Ways::default()
        }
    }

    /// ID-8a: the cases people know.
    #[test]
    fn the_usual_accounts() {
        let of = |ways: &Ways, loss| {
            let outlook = outlook(ways, loss);
            (outlook.is_locked_out(), outlook.advice)
        };
        let new = new_account();
        assert_eq!(of(&new, Loss::Phone), (true, Some(Advice::AddEmail)));
        assert_eq!(of(&new, Loss::Computer), (false, None));
        assert_eq!(of(&new, Loss::Memory), (false, None));
        let with_email = Ways {
            email: true,
            ..new_account()
        };
        assert_eq!(of(&with_email, Loss::Phone), (false, None));
        // The app is on the phone: with it goes the second factor that the mailbox would need.
        let app = Ways {
            totp: true,
            always_second: true,
            email: true,
            ..new_account()
        };
        assert_eq!(of(&app, Loss::Phone), (true, Some(Advice::BackupCodes)));
        // An old number is no key; the password makes it one, until it is forgotten.
        let old = Ways {
            number: Some(Number { is_key: false }),
            password: true,
            ..Ways::default()
        };
        assert_eq!(of(&old, Loss::Memory), (true, Some(Advice::ConfirmNumber)));
        assert_eq!(of(&old, Loss::Mailbox), (false, None));
        let bound = Ways {
            passkeys: vec![Key { is_synced: false }],
            ..new_account()
        };
        assert_eq!(of(&bound, Loss::Phone), (true, Some(Advice::AddEmail)));
        let synced = Ways {
            passkeys: vec![Key { is_synced: true }],
            ..new_account()
        };
        assert_eq!(of(&synced, Loss::Phone), (false, None));
    }
}
