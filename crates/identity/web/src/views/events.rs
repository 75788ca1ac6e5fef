//! Security events as the customer sees them (ID-14).

use kernel::Timestamp;
use webkit::page::{Tone, sample};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The account was made.
    AccountCreated,
    /// Signed in from a known device.
    SignedIn,
    /// Signed in from a new device.
    SignedInNewDevice,
    /// Signed out.
    SignedOut,
    /// One device was signed out from another.
    SessionEnded,
    /// All other devices were signed out.
    OthersEnded,
    /// The devices unused for longest were signed out to make room.
    MadeRoom,
    /// Wrong codes were entered.
    CodeFailed,
    /// Sign-in by code was put to rest after wrong tries.
    CodeResting,
    /// An e-mail was added.
    EmailAdded,
    /// An e-mail was confirmed.
    EmailConfirmed,
    /// An e-mail was removed.
    EmailRemoved,
    /// Name changed.
    NameChanged,
    /// Birth date or place changed.
    BirthChanged,
    /// Address sent for a check.
    AddressSent,
    /// Passport sent for a check.
    PassportSent,
    /// INN changed.
    InnChanged,
    /// SNILS changed.
    SnilsChanged,
    /// A check of personal data ended well.
    DataAccepted,
    /// A check of personal data was declined.
    DataDeclined,
    /// Personal-data consent given.
    ConsentGiven,
    /// Marketing consents changed.
    MarketingChanged,
    /// Outgoing money frozen.
    Frozen,
    /// Freeze lifted.
    Unfrozen,
    /// «Это не я» was pressed.
    NotMe,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was given another name.
    PasskeyRenamed,
    /// A passkey was removed.
    PasskeyRemoved,
    /// A passkey was shown and not taken.
    PasskeyRefused,
    /// There may be a copy of a passkey.
    PasskeySuspected,
    /// The password was set or replaced.
    PasswordSet,
    /// The password was removed.
    PasswordRemoved,
    /// A wrong password was given.
    PasswordWrong,
    /// The passcode was set or replaced.
    PasscodeSet,
    /// The passcode was removed.
    PasscodeRemoved,
    /// A wrong passcode was given.
    PasscodeWrong,
    /// The passcode is gone after five wrong tries.
    PasscodeGone,
    /// A browser got a key for the passcode.
    KeyAdded,
    /// The code word was set.
    CodeWordSet,
    /// Support compared the code word.
    CodeWordCompared,
    /// The code word is closed.
    CodeWordClosed,
    /// An authenticator app was connected.
    TotpAdded,
    /// It was disconnected.
    TotpRemoved,
    /// Backup codes were issued.
    BackupIssued,
    /// A backup code was used.
    BackupUsed,
    /// A restore has voided the backup codes.
    BackupVoid,
    /// Sign-in asks for a second factor.
    SecondOn,
    /// It no longer does.
    SecondOff,
    /// A wrong second factor.
    FactorFailed,
    /// A computer was let in.
    LetIn,
    /// A computer was refused.
    LetInRefused,
    /// The operator doubts the number.
    NumberDoubted,
    /// The number was confirmed again.
    NumberConfirmed,
    /// A trusted person was named.
    TrustedNamed,
    /// A trusted person was removed.
    TrustedRemoved,
    /// A trusted person froze the account.
    FrozenByTrusted,
    /// The phone was replaced.
    PhoneChanged,
    /// The e-mail was replaced.
    EmailChanged,
    /// A change of the phone waits.
    PhoneMoving,
    /// A change of the e-mail waits.
    EmailMoving,
    /// A change that waited was stopped.
    MoveStopped,
    /// Its clock was stopped.
    MoveDisputed,
    /// What it was to lead to had an account by then.
    MoveLapsed,
    /// A change was undone.
    ChangeUndone,
}

impl EventKind {
    /// Every kind, in the order of the declaration.
    pub const ALL: &[Self] = &[
        Self::AccountCreated,
        Self::SignedIn,
        Self::SignedInNewDevice,
        Self::SignedOut,
        Self::SessionEnded,
        Self::OthersEnded,
        Self::MadeRoom,
        Self::CodeFailed,
        Self::CodeResting,
        Self::EmailAdded,
        Self::EmailConfirmed,
        Self::EmailRemoved,
        Self::NameChanged,
        Self::BirthChanged,
        Self::AddressSent,
        Self::PassportSent,
        Self::InnChanged,
        Self::SnilsChanged,
        Self::DataAccepted,
        Self::DataDeclined,
        Self::ConsentGiven,
        Self::MarketingChanged,
        Self::Frozen,
        Self::Unfrozen,
        Self::NotMe,
        Self::PasskeyAdded,
        Self::PasskeyRenamed,
        Self::PasskeyRemoved,
        Self::PasskeyRefused,
        Self::PasskeySuspected,
        Self::PasswordSet,
        Self::PasswordRemoved,
        Self::PasswordWrong,
        Self::PasscodeSet,
        Self::PasscodeRemoved,
        Self::PasscodeWrong,
        Self::PasscodeGone,
        Self::KeyAdded,
        Self::CodeWordSet,
        Self::CodeWordCompared,
        Self::CodeWordClosed,
        Self::TotpAdded,
        Self::TotpRemoved,
        Self::BackupIssued,
        Self::BackupUsed,
        Self::BackupVoid,
        Self::SecondOn,
        Self::SecondOff,
        Self::FactorFailed,
        Self::LetIn,
        Self::LetInRefused,
        Self::NumberDoubted,
        Self::NumberConfirmed,
        Self::TrustedNamed,
        Self::TrustedRemoved,
        Self::FrozenByTrusted,
        Self::PhoneChanged,
        Self::EmailChanged,
        Self::PhoneMoving,
        Self::EmailMoving,
        Self::MoveStopped,
        Self::MoveDisputed,
        Self::MoveLapsed,
        Self::ChangeUndone,
    ];

    /// Id of its words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::AccountCreated => "event-account-created",
            Self::SignedIn => "event-signed-in",
            Self::SignedInNewDevice => "event-signed-in-new-device",
            Self::SignedOut => "event-signed-out",
            Self::SessionEnded => "event-session-ended",
            Self::OthersEnded => "event-others-ended",
            Self::MadeRoom => "event-made-room",
            Self::CodeFailed => "event-code-failed",
            Self::CodeResting => "event-code-resting",
            Self::EmailAdded => "event-email-added",
            Self::EmailConfirmed => "event-email-confirmed",
            Self::EmailRemoved => "event-email-removed",
            Self::NameChanged => "event-name-changed",
            Self::BirthChanged => "event-birth-changed",
            Self::AddressSent => "event-address-sent",
            Self::PassportSent => "event-passport-sent",
            Self::InnChanged => "event-inn-changed",
            Self::SnilsChanged => "event-snils-changed",
            Self::DataAccepted => "event-data-accepted",
            Self::DataDeclined => "event-data-declined",
            Self::ConsentGiven => "event-consent-given",
            Self::MarketingChanged => "event-marketing-changed",
            Self::Frozen => "event-frozen",
            Self::Unfrozen => "event-unfrozen",
            Self::NotMe => "event-not-me",
            Self::PasskeyAdded => "event-passkey-added",
            Self::PasskeyRenamed => "event-passkey-renamed",
            Self::PasskeyRemoved => "event-passkey-removed",
            Self::PasskeyRefused => "event-passkey-refused",
            Self::PasskeySuspected => "event-passkey-suspected",
            Self::PasswordSet => "event-password-set",
            Self::PasswordRemoved => "event-password-removed",
            Self::PasswordWrong => "event-password-wrong",
            Self::PasscodeSet => "event-passcode-set",
            Self::PasscodeRemoved => "event-passcode-removed",
            Self::PasscodeWrong => "event-passcode-wrong",
            Self::PasscodeGone => "event-passcode-gone",
            Self::KeyAdded => "event-key-added",
            Self::CodeWordSet => "event-code-word-set",
            Self::CodeWordCompared => "event-code-word-compared",
            Self::CodeWordClosed => "event-code-word-closed",
            Self::TotpAdded => "event-totp-added",
            Self::TotpRemoved => "event-totp-removed",
            Self::BackupIssued => "event-backup-issued",
            Self::BackupUsed => "event-backup-used",
            Self::BackupVoid => "event-backup-void",
            Self::SecondOn => "event-second-on",
            Self::SecondOff => "event-second-off",
            Self::FactorFailed => "event-factor-failed",
            Self::LetIn => "event-let-in",
            Self::LetInRefused => "event-let-in-refused",
            Self::NumberDoubted => "event-number-doubted",
            Self::NumberConfirmed => "event-number-confirmed",
            Self::TrustedNamed => "event-trusted-named",
            Self::TrustedRemoved => "event-trusted-removed",
            Self::FrozenByTrusted => "event-frozen-by-trusted",
            Self::PhoneChanged => "event-phone-changed",
            Self::EmailChanged => "event-email-changed",
            Self::PhoneMoving => "event-phone-moving",
            Self::EmailMoving => "event-email-moving",
            Self::MoveStopped => "event-move-stopped",
            Self::MoveDisputed => "event-move-disputed",
            Self::MoveLapsed => "event-move-lapsed",
            Self::ChangeUndone => "event-change-undone",
        }
    }

    /// The icon of the sprite.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::AccountCreated | Self::TrustedNamed | Self::TrustedRemoved => "user",
            Self::SignedIn
            | Self::SignedInNewDevice
            | Self::PasskeyAdded
            | Self::PasskeyRenamed
            | Self::PasskeyRemoved
            | Self::KeyAdded => "key-round",
            Self::TotpAdded
            | Self::TotpRemoved
            | Self::NumberDoubted
            | Self::NumberConfirmed
            | Self::PhoneChanged => "smartphone",
            Self::BackupIssued
            | Self::BackupUsed
            | Self::BackupVoid
            | Self::ConsentGiven
            | Self::MarketingChanged => "file-text",
            Self::SecondOn | Self::SecondOff => "shield-check",
            Self::LetIn | Self::LetInRefused => "monitor",
            Self::SignedOut | Self::SessionEnded | Self::OthersEnded | Self::MadeRoom => "log-out",
            Self::CodeFailed
            | Self::CodeResting
            | Self::NotMe
            | Self::FactorFailed
            | Self::PasskeyRefused
            | Self::PasskeySuspected
            | Self::PasswordWrong
            | Self::PasscodeWrong
            | Self::PasscodeGone
            | Self::CodeWordClosed => "triangle-alert",
            Self::EmailAdded | Self::EmailConfirmed | Self::EmailRemoved | Self::EmailChanged => {
                "mail"
            }
            Self::PhoneMoving
            | Self::EmailMoving
            | Self::MoveStopped
            | Self::MoveDisputed
            | Self::MoveLapsed
            | Self::ChangeUndone => "history",
            Self::NameChanged
            | Self::BirthChanged
            | Self::InnChanged
            | Self::SnilsChanged
            | Self::AddressSent
            | Self::PassportSent
            | Self::DataAccepted
            | Self::DataDeclined => "id-card",
            Self::Frozen | Self::FrozenByTrusted => "snowflake",
            Self::Unfrozen => "lock-open",
            Self::PasswordSet
            | Self::PasswordRemoved
            | Self::PasscodeSet
            | Self::PasscodeRemoved
            | Self::CodeWordSet
            | Self::CodeWordCompared => "lock",
        }
    }

    /// How grave it is.
    pub const fn tone(self) -> Tone {
        match self {
            Self::CodeFailed
            | Self::SignedInNewDevice
            | Self::MadeRoom
            | Self::DataDeclined
            | Self::Frozen
            | Self::PasswordWrong
            | Self::PasscodeWrong
            | Self::PasskeyRefused
            | Self::FrozenByTrusted
            | Self::FactorFailed
            | Self::LetIn
            | Self::LetInRefused
            | Self::PhoneChanged
            | Self::EmailChanged
            | Self::PhoneMoving
            | Self::EmailMoving
            | Self::MoveDisputed
            | Self::MoveLapsed
            | Self::NumberDoubted => Tone::Warn,
            Self::CodeResting
            | Self::NotMe
            | Self::PasscodeGone
            | Self::CodeWordClosed
            | Self::ChangeUndone
            | Self::PasskeySuspected => Tone::Bad,
            Self::EmailConfirmed | Self::DataAccepted | Self::Unfrozen | Self::NumberConfirmed => {
                Tone::Good
            }
            _ => Tone::Info,
        }
    }
}

/// One event of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// The device, in short and in the reader's language.
    pub device: Option<String>,
    /// The place, when known.
    pub place: Option<String>,
}

impl Event {
    /// The line under what happened: device and place.
    pub fn from_where(&self) -> String {
        match (&self.device, &self.place) {
            (Some(device), Some(place)) => format!("{device} · {place}"),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => String::new(),
        }
    }

    /// The last events of a sample account.
    pub fn samples() -> Vec<Self> {
        let event = |kind, seconds, device: &str, place: &str| Self {
            kind,
            at: sample::after(seconds),
            device: Some(device.to_owned()),
            place: (!place.is_empty()).then(|| place.to_owned()),
        };
        vec![
            event(
                EventKind::SignedInNewDevice,
                -460,
                "Chrome, Windows",
                "Казань",
            ),
            event(EventKind::EmailConfirmed, -7200, "Safari, iPhone", "Москва"),
            event(EventKind::CodeFailed, -91_000, "Firefox, Linux", ""),
            event(EventKind::SignedIn, -260_000, "Safari, iPhone", "Москва"),
            event(
                EventKind::AccountCreated,
                -40_000_000,
                "Safari, iPhone",
                "Москва",
            ),
        ]
    }
}
