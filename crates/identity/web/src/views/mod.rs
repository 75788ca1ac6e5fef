//! Pages of identity: typed contexts and their templates.
//!
//! Every page is a struct with the shell `p` and its own data, and lists sample
//! values; `tests/pages.rs` renders all of them in every language.

pub mod bank;
pub mod code;
pub mod confirm;
pub mod device;
pub mod events;
pub mod factors;
pub mod freeze;
pub mod help;
pub mod home;
pub mod links;
pub mod notifications;
pub mod number;
pub mod passkeys;
pub mod profile;
pub mod qr;
pub mod secrets;
pub mod security;
pub mod sign_in;
pub mod trusted;
pub mod typed;
pub mod ways_back;
pub mod wrong;

webkit::sample_pages! {
    /// Shows every sample of every page of identity.
    "home" => home::Home,
    "security" => security::Security,
    "devices" => security::Devices,
    "passkeys" => passkeys::Passkeys,
    "edit_passkey" => passkeys::EditPasskey,
    "end_others" => security::EndOthers,
    "history" => security::History,
    "later" => security::Later,
    "bank_door" => bank::BankDoor,
    "bank_section" => bank::BankSection,
    "confirm" => confirm::Confirm,
    "password" => secrets::PasswordPage,
    "passcode" => secrets::PasscodePage,
    "code_word" => secrets::CodeWordPage,
    "sign_in_phone" => sign_in::SignInPhone,
    "sign_in_email" => sign_in::SignInEmail,
    "sign_in_code" => sign_in::SignInCode,
    "sign_in_consent" => sign_in::SignInConsent,
    "sign_in_limited" => sign_in::SignInLimited,
    "sign_in_second" => factors::SignInSecond,
    "sign_in_device" => device::SignInDevice,
    "let_in" => device::LetIn,
    "let_in_over" => device::LetInOver,
    "totp" => factors::Totp,
    "backup_codes" => factors::BackupCodes,
    "fresh_codes" => factors::FreshCodes,
    "second_factor" => factors::SecondFactor,
    "ways_back" => ways_back::WaysBack,
    "number" => number::Number,
    "number_code" => number::NumberCode,
    "trusted" => trusted::Trusted,
    "trusted_start" => trusted::TrustedStart,
    "trusted_code" => trusted::TrustedCode,
    "trusted_done" => trusted::TrustedDone,
    "signed_out" => sign_in::SignedOut,
    "profile_data" => profile::ProfileData,
    "edit_name" => profile::EditName,
    "edit_birth" => profile::EditBirth,
    "edit_address" => profile::EditAddress,
    "edit_passport" => profile::EditPassport,
    "check_passport" => profile::CheckPassport,
    "edit_inn" => profile::EditInn,
    "edit_snils" => profile::EditSnils,
    "profile_email" => profile::ProfileEmail,
    "email_code" => profile::EmailCode,
    "notifications" => notifications::Notifications,
    "not_me" => links::NotMe,
    "unsubscribe" => links::Unsubscribe,
    "email_link" => links::EmailLink,
    "freeze_start" => freeze::FreezeStart,
    "freeze_code" => freeze::FreezeCode,
    "freeze_done" => freeze::FreezeDone,
    "unfreeze_code" => freeze::UnfreezeCode,
    "help" => help::Help,
    "no_code" => help::NoCode,
    "consent_text" => help::ConsentText,
}

/// Paths that pages of identity and the shell lead to; `{}` is one segment.
pub const ROUTES: &[&str] = &[
    "/",
    "/bank",
    "/bank/lock",
    "/bank/open",
    "/confirm/{}",
    "/confirm/{}/cancel",
    "/confirm/{}/code",
    "/confirm/{}",
    "/confirm/{}/factor",
    "/confirm/{}/go",
    "/confirm/{}/passkey",
    "/confirm/{}/passcode",
    "/confirm/{}/passcode/challenge",
    "/confirm/{}/password",
    "/confirm/{}/send",
    "/email/confirm/{}",
    "/freeze",
    "/freeze/code",
    "/freeze/code/resend",
    "/freeze/done",
    "/freeze/trusted",
    "/freeze/trusted/code",
    "/freeze/trusted/code/resend",
    "/freeze/trusted/done",
    "/help",
    "/help/no-code",
    "/legal/consent",
    "/let-in/{}",
    "/let-in/{}/refuse",
    "/not-me/{}",
    "/preferences",
    "/profile/data",
    "/profile/data/address",
    "/profile/data/birth",
    "/profile/data/inn",
    "/profile/data/name",
    "/profile/data/passport",
    "/profile/data/passport/send",
    "/profile/data/snils",
    "/profile/devices",
    "/profile/devices/end-others",
    "/profile/devices/{}/end",
    "/profile/email",
    "/profile/email/code",
    "/profile/email/code/resend",
    "/profile/history",
    "/profile/notifications",
    "/profile/phone",
    "/profile/phone/clear",
    "/profile/phone/code",
    "/profile/phone/code/resend",
    "/profile/security",
    "/profile/security/backup-codes",
    "/profile/security/code-word",
    "/profile/security/freeze",
    "/profile/security/later",
    "/profile/security/passcode",
    "/profile/security/passcode/remove",
    "/profile/security/passkeys",
    "/profile/security/passkeys/{}",
    "/profile/security/passkeys/{}/remove",
    "/profile/security/password",
    "/profile/security/password/remove",
    "/profile/security/second-factor",
    "/profile/security/totp",
    "/profile/security/totp/add",
    "/profile/security/totp/remove",
    "/profile/security/trusted",
    "/profile/security/trusted/{}/remove",
    "/profile/security/unfreeze",
    "/profile/security/unfreeze/code",
    "/profile/security/unfreeze/code/resend",
    "/profile/security/ways-back",
    "/recovery",
    "/sign-in",
    "/sign-in/code",
    "/sign-in/code/resend",
    "/sign-in/consent",
    "/sign-in/device",
    "/sign-in/device/enter",
    "/sign-in/email",
    "/sign-in/passkey",
    "/sign-in/second/passkey",
    "/sign-in/second",
    "/sign-out",
    "/unsubscribe/{}",
];
