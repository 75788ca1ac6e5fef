//! Telling the owner (ID-13): every confirmed channel at once, with a «это не я» link.

use db::WriteTx;
use identity_core::challenge::Channel;
use kernel::{Identifier, Visitor, agent, network};
use notify::texts::SecurityEvent;

use crate::{
    account::{self, Account},
    env::{Env, ServiceError},
    link,
    post::{self, Post, Words},
};

/// What the owner is told of. Cannot be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Signed in from a browser the account did not know.
    NewDevice,
    /// Wrong codes were tried.
    Suspicious,
    /// An e-mail address was added.
    EmailAdded,
    /// The account was frozen.
    Frozen,
    /// The freeze was lifted.
    Unfrozen,
    /// Every other session was ended, or the oldest to make room.
    SessionsEnded,
    /// Documents or name were changed.
    ProfileChanged,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// There may be a copy of a passkey.
    PasskeySuspected,
    /// The password was set or replaced.
    PasswordSet,
    /// The password was removed.
    PasswordRemoved,
    /// The passcode was set or replaced.
    PasscodeSet,
    /// The passcode was removed.
    PasscodeRemoved,
    /// The passcode is gone after five wrong tries.
    PasscodeGone,
    /// A browser got a key for the passcode.
    KeyAdded,
    /// The code word was set.
    CodeWordSet,
    /// The code word is closed after three wrong tries by support.
    CodeWordClosed,
    /// An authenticator app was connected.
    TotpAdded,
    /// It was disconnected.
    TotpRemoved,
    /// Backup codes were issued; the ones before are dead.
    BackupCodesIssued,
    /// A backup code was used.
    BackupCodeUsed,
    /// The data was restored from a backup: the backup codes count no more (F18).
    BackupCodesVoid,
    /// Sign-in asks for a second factor from now on.
    SecondFactorOn,
    /// It no longer does.
    SecondFactorOff,
    /// A computer asked to be let in, and a wrong number was chosen.
    LetInRefused,
    /// The operator says that the number has changed.
    NumberDoubted,
    /// The number is a key again.
    NumberCleared,
    /// A trusted person was named.
    TrustedNamed,
    /// A trusted person was removed.
    TrustedRemoved,
}

impl Notice {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewDevice => "new_device",
            Self::Suspicious => "suspicious",
            Self::EmailAdded => "email_added",
            Self::Frozen => "frozen",
            Self::Unfrozen => "unfrozen",
            Self::SessionsEnded => "sessions_ended",
            Self::ProfileChanged => "profile_changed",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRemoved => "passkey_removed",
            Self::PasskeySuspected => "passkey_suspected",
            Self::PasswordSet => "password_set",
            Self::PasswordRemoved => "password_removed",
            Self::PasscodeSet => "passcode_set",
            Self::PasscodeRemoved => "passcode_removed",
            Self::PasscodeGone => "passcode_gone",
            Self::KeyAdded => "key_added",
            Self::CodeWordSet => "code_word_set",
            Self::CodeWordClosed => "code_word_closed",
            Self::TotpAdded => "totp_added",
            Self::TotpRemoved => "totp_removed",
            Self::BackupCodesIssued => "backup_codes_issued",
            Self::BackupCodeUsed => "backup_code_used",
            Self::BackupCodesVoid => "backup_codes_void",
            Self::SecondFactorOn => "second_factor_on",
            Self::SecondFactorOff => "second_factor_off",
            Self::LetInRefused => "let_in_refused",
            Self::NumberDoubted => "number_doubted",
            Self::NumberCleared => "number_cleared",
            Self::TrustedNamed => "trusted_named",
            Self::TrustedRemoved => "trusted_removed",
        }
    }
}

impl Notice {
    const fn event(self) -> SecurityEvent {
        match self {
            Self::NewDevice => SecurityEvent::NewDevice,
            Self::Suspicious => SecurityEvent::Suspicious,
            Self::EmailAdded => SecurityEvent::EmailAdded,
            Self::Frozen => SecurityEvent::Frozen,
            Self::Unfrozen => SecurityEvent::Unfrozen,
            Self::SessionsEnded => SecurityEvent::SessionsEnded,
            Self::ProfileChanged => SecurityEvent::ProfileChanged,
            Self::PasskeyAdded => SecurityEvent::PasskeyAdded,
            Self::PasskeyRemoved => SecurityEvent::PasskeyRemoved,
            Self::PasskeySuspected => SecurityEvent::PasskeySuspected,
            Self::PasswordSet => SecurityEvent::PasswordSet,
            Self::PasswordRemoved => SecurityEvent::PasswordRemoved,
            Self::PasscodeSet => SecurityEvent::PasscodeSet,
            Self::PasscodeRemoved => SecurityEvent::PasscodeRemoved,
            Self::PasscodeGone => SecurityEvent::PasscodeGone,
            Self::KeyAdded => SecurityEvent::KeyAdded,
            Self::CodeWordSet => SecurityEvent::CodeWordSet,
            Self::CodeWordClosed => SecurityEvent::CodeWordClosed,
            Self::TotpAdded => SecurityEvent::TotpAdded,
            Self::TotpRemoved => SecurityEvent::TotpRemoved,
            Self::BackupCodesIssued => SecurityEvent::BackupCodesIssued,
            Self::BackupCodeUsed => SecurityEvent::BackupCodeUsed,
            Self::BackupCodesVoid => SecurityEvent::BackupCodesVoid,
            Self::SecondFactorOn => SecurityEvent::SecondFactorOn,
            Self::SecondFactorOff => SecurityEvent::SecondFactorOff,
            Self::LetInRefused => SecurityEvent::LetInRefused,
            Self::NumberDoubted => SecurityEvent::NumberDoubted,
            Self::NumberCleared => SecurityEvent::NumberCleared,
            Self::TrustedNamed => SecurityEvent::TrustedNamed,
            Self::TrustedRemoved => SecurityEvent::TrustedRemoved,
        }
    }
}

/// Tells the owner on every confirmed channel.
pub(crate) async fn tell(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    account: &Account,
    notice: Notice,
) -> Result<(), ServiceError> {
    let device = agent::device_name(&visitor.agent, account.locale);
    let place = network::masked(visitor.network);
    say(tx, env, account, notice, Some((device, place))).await
}

/// The same of something that was done within the house, so from nowhere that the owner would know.
pub(crate) async fn tell_of_staff(
    tx: &mut WriteTx,
    env: &Env,
    account: &Account,
    notice: Notice,
) -> Result<(), ServiceError> {
    say(tx, env, account, notice, None).await
}

/// Tells the owner of something that nobody did in a browser.
pub(crate) async fn tell_news(
    tx: &mut WriteTx,
    env: &Env,
    account: &Account,
    notice: Notice,
) -> Result<(), ServiceError> {
    say(tx, env, account, notice, None).await
}

async fn say(
    tx: &mut WriteTx,
    env: &Env,
    account: &Account,
    notice: Notice,
    from: Option<(String, String)>,
) -> Result<(), ServiceError> {
    let (device, place) = from.unzip();
    let token = link::make(tx, env, account, link::Purpose::Alarm, notice.as_str()).await?;
    let alarm = format!("/not-me/{token}");
    for owned in account::identifiers(tx, account).await? {
        let channel = match owned.identifier {
            Identifier::Phone(_) => Channel::Sms,
            Identifier::Email(_) => Channel::Email,
        };
        let post = Post {
            to: &owned.identifier,
            channel,
            locale: account.locale,
            worthless_after: None,
            words: Words::Notice {
                event: notice.event(),
                object: None,
                device: device.clone(),
                place: place.clone(),
                alarm: alarm.clone(),
            },
        };
        post::post(tx, env, post).await?;
    }
    Ok(())
}
