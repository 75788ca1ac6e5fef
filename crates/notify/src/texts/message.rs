//! Messages before they have words.

use std::fmt;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::LinkPath;

/// What a code is asked for; the text names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodePurpose {
    /// Signing in or registering.
    SignIn,
    /// Confirming an e-mail address; names the masked address.
    ConfirmEmail,
    /// Freezing from any browser.
    Freeze,
    /// Lifting a freeze.
    Unfreeze,
    /// Another phone; names the masked number.
    ChangePhone,
    /// Another e-mail. Its address is not named: whoever asks has chosen it.
    ChangeEmail,
    /// Proving a phone that is to be an account's.
    NewPhone,
    /// Proving an e-mail that is to be an account's.
    NewEmail,
    /// Opening the bank section.
    OpenBank,
    /// Setting the password.
    SetPassword,
    /// Removing the password.
    RemovePassword,
    /// Setting the passcode.
    SetPasscode,
    /// Removing the passcode.
    RemovePasscode,
    /// Adding a passkey.
    AddPasskey,
    /// Removing a passkey.
    RemovePasskey,
    /// Connecting an authenticator app.
    AddTotp,
    /// Disconnecting it.
    RemoveTotp,
    /// Issuing backup codes.
    IssueBackupCodes,
    /// Always asking for the second factor.
    AskSecondFactor,
    /// No longer asking for it.
    DropSecondFactor,
    /// Setting the code word.
    SetCodeWord,
    /// Naming a trusted person; names them.
    NameTrusted,
    /// Removing a trusted person.
    RemoveTrusted,
    /// Letting a computer in; names it.
    LetIn,
    /// Confirming that a doubted number is the owner's.
    ClearDoubt,
    /// Adding the first e-mail. Its address is not named: whoever asks has chosen it.
    AddEmail,
    /// Letting money go; names the amount and to whom.
    ApproveMoney,
    /// Getting back in.
    Recovery,
    /// Confirming that a number is still the owner's.
    ConfirmNumber,
}

impl CodePurpose {
    /// Every purpose.
    pub const ALL: [Self; 29] = [
        Self::SignIn,
        Self::ConfirmEmail,
        Self::Freeze,
        Self::Unfreeze,
        Self::ChangePhone,
        Self::ChangeEmail,
        Self::NewPhone,
        Self::NewEmail,
        Self::OpenBank,
        Self::SetPassword,
        Self::RemovePassword,
        Self::SetPasscode,
        Self::RemovePasscode,
        Self::AddPasskey,
        Self::RemovePasskey,
        Self::AddTotp,
        Self::RemoveTotp,
        Self::IssueBackupCodes,
        Self::AskSecondFactor,
        Self::DropSecondFactor,
        Self::SetCodeWord,
        Self::NameTrusted,
        Self::RemoveTrusted,
        Self::LetIn,
        Self::ClearDoubt,
        Self::AddEmail,
        Self::ApproveMoney,
        Self::Recovery,
        Self::ConfirmNumber,
    ];

    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::SignIn => "msg-purpose-sign-in",
            Self::ConfirmEmail => "msg-purpose-confirm-email",
            Self::Freeze => "msg-purpose-freeze",
            Self::Unfreeze => "msg-purpose-unfreeze",
            Self::ChangePhone => "msg-purpose-change-phone",
            Self::ChangeEmail => "msg-purpose-change-email",
            Self::NewPhone => "msg-purpose-new-phone",
            Self::NewEmail => "msg-purpose-new-email",
            Self::OpenBank => "msg-purpose-open-bank",
            Self::SetPassword => "msg-purpose-set-password",
            Self::RemovePassword => "msg-purpose-remove-password",
            Self::SetPasscode => "msg-purpose-set-passcode",
            Self::RemovePasscode => "msg-purpose-remove-passcode",
            Self::AddPasskey => "msg-purpose-add-passkey",
            Self::RemovePasskey => "msg-purpose-remove-passkey",
            Self::AddTotp => "msg-purpose-add-totp",
            Self::RemoveTotp => "msg-purpose-remove-totp",
            Self::IssueBackupCodes => "msg-purpose-issue-backup-codes",
            Self::AskSecondFactor => "msg-purpose-ask-second-factor",
            Self::DropSecondFactor => "msg-purpose-drop-second-factor",
            Self::SetCodeWord => "msg-purpose-set-code-word",
            Self::NameTrusted => "msg-purpose-name-trusted",
            Self::RemoveTrusted => "msg-purpose-remove-trusted",
            Self::LetIn => "msg-purpose-let-in",
            Self::ClearDoubt => "msg-purpose-clear-doubt",
            Self::AddEmail => "msg-purpose-add-email",
            Self::ApproveMoney => "msg-purpose-approve-money",
            Self::Recovery => "msg-purpose-recovery",
            Self::ConfirmNumber => "msg-purpose-confirm-number",
        }
    }
}

/// What happened that the owner has to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecurityEvent {
    /// A sign-in from a device not seen before.
    NewDevice,
    /// An e-mail was added; its masked form is the object.
    EmailAdded,
    /// The e-mail was changed; the new one, masked, is the object.
    EmailChanged,
    /// An e-mail was removed; its masked form is the object.
    EmailRemoved,
    /// The phone was changed; the new one, masked, is the object.
    PhoneChanged,
    /// The account was frozen.
    Frozen,
    /// The freeze was lifted.
    Unfrozen,
    /// Sessions on other devices were ended.
    SessionsEnded,
    /// Somebody is guessing codes.
    Suspicious,
    /// Sign-in by code rests after too many wrong codes.
    CodeResting,
    /// Profile data changed.
    ProfileChanged,
    /// A consent was given or withdrawn.
    ConsentChanged,
    /// A password, passcode, passkey or another secret changed.
    SecretChanged,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// There may be a copy of a passkey: it is not taken any more.
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
    /// The code word is closed after three wrong tries.
    CodeWordClosed,
    /// An authenticator app was connected.
    TotpAdded,
    /// It was disconnected.
    TotpRemoved,
    /// Backup codes were issued; the ones before are dead.
    BackupCodesIssued,
    /// A backup code was used.
    BackupCodeUsed,
    /// Backup codes count no more: the data was restored from a backup.
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
    /// Somebody who cannot sign in began a recovery.
    RecoveryStarted,
    /// A recovery was stopped by the owner.
    RecoveryStopped,
    /// The phone will be another one; the new one, masked, is the object (CH-2).
    PhoneMoving,
    /// The e-mail will be another one; the new one, masked, is the object (CH-3).
    EmailMoving,
    /// A change that waited was stopped.
    MoveStopped,
    /// Whoever has only what was to be replaced has objected: the change stands.
    MoveDisputed,
    /// What it was to be changed to leads to another account by now.
    MoveLapsed,
    /// A change of the phone was undone; the phone that is back, masked, is the object.
    PhoneRestored,
    /// A change of the e-mail was undone; the e-mail that is back, masked, is the object.
    EmailRestored,
}

impl SecurityEvent {
    /// Every event.
    pub const ALL: [Self; 45] = [
        Self::NewDevice,
        Self::EmailAdded,
        Self::EmailChanged,
        Self::EmailRemoved,
        Self::PhoneChanged,
        Self::Frozen,
        Self::Unfrozen,
        Self::SessionsEnded,
        Self::Suspicious,
        Self::CodeResting,
        Self::ProfileChanged,
        Self::ConsentChanged,
        Self::SecretChanged,
        Self::PasskeyAdded,
        Self::PasskeyRemoved,
        Self::PasskeySuspected,
        Self::PasswordSet,
        Self::PasswordRemoved,
        Self::PasscodeSet,
        Self::PasscodeRemoved,
        Self::PasscodeGone,
        Self::KeyAdded,
        Self::CodeWordSet,
        Self::CodeWordClosed,
        Self::TotpAdded,
        Self::TotpRemoved,
        Self::BackupCodesIssued,
        Self::BackupCodeUsed,
        Self::BackupCodesVoid,
        Self::SecondFactorOn,
        Self::SecondFactorOff,
        Self::LetInRefused,
        Self::NumberDoubted,
        Self::NumberCleared,
        Self::TrustedNamed,
        Self::TrustedRemoved,
        Self::RecoveryStarted,
        Self::RecoveryStopped,
        Self::PhoneMoving,
        Self::EmailMoving,
        Self::MoveStopped,
        Self::MoveDisputed,
        Self::MoveLapsed,
        Self::PhoneRestored,
        Self::EmailRestored,
    ];

    /// The stable name, which is also the end of the text's id.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NewDevice => "new-device",
            Self::EmailAdded => "email-added",
            Self::EmailChanged => "email-changed",
            Self::EmailRemoved => "email-removed",
            Self::PhoneChanged => "phone-changed",
            Self::Frozen => "frozen",
            Self::Unfrozen => "unfrozen",
            Self::SessionsEnded => "sessions-ended",
            Self::Suspicious => "suspicious",
            Self::CodeResting => "code-resting",
            Self::ProfileChanged => "profile-changed",
            Self::ConsentChanged => "consent-changed",
            Self::SecretChanged => "secret-changed",
            Self::PasskeyAdded => "passkey-added",
            Self::PasskeyRemoved => "passkey-removed",
            Self::PasskeySuspected => "passkey-suspected",
            Self::PasswordSet => "password-set",
            Self::PasswordRemoved => "password-removed",
            Self::PasscodeSet => "passcode-set",
            Self::PasscodeRemoved => "passcode-removed",
            Self::PasscodeGone => "passcode-gone",
            Self::KeyAdded => "key-added",
            Self::CodeWordSet => "code-word-set",
            Self::CodeWordClosed => "code-word-closed",
            Self::TotpAdded => "totp-added",
            Self::TotpRemoved => "totp-removed",
            Self::BackupCodesIssued => "backup-codes-issued",
            Self::BackupCodeUsed => "backup-code-used",
            Self::BackupCodesVoid => "backup-codes-void",
            Self::SecondFactorOn => "second-factor-on",
            Self::SecondFactorOff => "second-factor-off",
            Self::LetInRefused => "let-in-refused",
            Self::NumberDoubted => "number-doubted",
            Self::NumberCleared => "number-cleared",
            Self::TrustedNamed => "trusted-named",
            Self::TrustedRemoved => "trusted-removed",
            Self::RecoveryStarted => "recovery-started",
            Self::RecoveryStopped => "recovery-stopped",
            Self::PhoneMoving => "phone-moving",
            Self::EmailMoving => "email-moving",
            Self::MoveStopped => "move-stopped",
            Self::MoveDisputed => "move-disputed",
            Self::MoveLapsed => "move-lapsed",
            Self::PhoneRestored => "phone-restored",
            Self::EmailRestored => "email-restored",
        }
    }
}

/// A message before it has words.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageText {
    /// A one-time code, by SMS, call or e-mail.
    Code {
        /// What it is for.
        purpose: CodePurpose,
        /// The code; `None` for a call whose number the gateway chooses.
        code: Option<String>,
        /// The code's running number («код № 3»).
        number: u32,
        /// What it is about, already masked; shown where the purpose names an
        /// object.
        object: Option<String>,
        /// Minutes it lives, for the letter.
        minutes: u32,
    },
    /// A letter with a code and a link that confirm the address (ID-4).
    ConfirmEmail {
        /// The code.
        code: String,
        /// The code's running number.
        number: u32,
        /// The page with the confirming button.
        link: LinkPath,
        /// Minutes the code lives.
        minutes: u32,
    },
    /// A letter to an address that leads to no account (A1).
    NobodyHere {
        /// The sign-in page.
        link: LinkPath,
    },
    /// A security notice (ID-13).
    Security {
        /// What happened.
        event: SecurityEvent,
        /// When.
        at: Timestamp,
        /// The masked object, for the events that have one.
        object: Option<String>,
        /// From what device, in words.
        device: Option<String>,
        /// From where, in words.
        place: Option<String>,
        /// The «это не я» page.
        not_me: LinkPath,
    },
    /// A change of what leads to the account, with the link that takes it back (CH-1, CH-2).
    Change {
        /// What happened.
        event: SecurityEvent,
        /// When.
        at: Timestamp,
        /// The new identifier, masked.
        object: Option<String>,
        /// When it takes effect; `None` when it has.
        from: Option<Timestamp>,
        /// From what device, in words.
        device: Option<String>,
        /// From where, in words.
        place: Option<String>,
        /// The page that undoes or stops it.
        link: LinkPath,
    },
    /// To somebody who was named as a trusted person, or no longer is (ID-8a). By SMS only.
    Trusted {
        /// Named, or removed.
        is_named: bool,
        /// The page where they may freeze.
        link: LinkPath,
    },
    /// Marketing, to those who agreed (ID-12).
    Marketing {
        /// One line.
        title: String,
        /// The text of a letter.
        text: String,
        /// The page that ends it.
        unsubscribe: LinkPath,
    },
}

/// Codes and people's data do not print.
impl fmt::Debug for MessageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { purpose, .. } => write!(f, "MessageText::Code({purpose:?})"),
            Self::ConfirmEmail { .. } => f.write_str("MessageText::ConfirmEmail"),
            Self::NobodyHere { .. } => f.write_str("MessageText::NobodyHere"),
            Self::Security { event, .. } => write!(f, "MessageText::Security({event:?})"),
            Self::Change { event, .. } => write!(f, "MessageText::Change({event:?})"),
            Self::Trusted { .. } => f.write_str("MessageText::Trusted"),
            Self::Marketing { .. } => f.write_str("MessageText::Marketing"),
        }
    }
}

impl MessageText {
    /// The stable name of its purpose, as kept in the database and in metrics.
    pub const fn purpose(&self) -> &'static str {
        match self {
            Self::Code { .. } => "code",
            Self::ConfirmEmail { .. } => "confirm_email",
            Self::NobodyHere { .. } => "nobody_here",
            Self::Security { .. } => "security",
            Self::Change { .. } => "change",
            Self::Trusted { .. } => "trusted",
            Self::Marketing { .. } => "marketing",
        }
    }

    /// Whether somebody sits before a page and waits for it: a code, and the letter that goes out in a
    /// code's place where no account is. The page shows how far it got, so both fare alike (A1).
    pub const fn is_awaited(&self) -> bool {
        matches!(
            self,
            Self::Code { .. } | Self::ConfirmEmail { .. } | Self::NobodyHere { .. }
        )
    }
}
