//! Pages of identity: typed contexts and their templates.
//!
//! Every page is a struct with the shell `p` and its own data, and lists sample
//! values; `tests/pages.rs` renders all of them in every language.

pub mod code;
pub mod events;
pub mod home;
pub mod security;
pub mod sign_in;

webkit::sample_pages! {
    /// Shows every sample of every page of identity.
    "home" => home::Home,
    "security" => security::Security,
    "devices" => security::Devices,
    "end_others" => security::EndOthers,
    "history" => security::History,
    "sign_in_phone" => sign_in::SignInPhone,
    "sign_in_email" => sign_in::SignInEmail,
    "sign_in_code" => sign_in::SignInCode,
    "sign_in_consent" => sign_in::SignInConsent,
    "sign_in_limited" => sign_in::SignInLimited,
    "signed_out" => sign_in::SignedOut,
}

/// Paths that pages of identity and the shell lead to; `{}` is one segment.
pub const ROUTES: &[&str] = &[
    "/",
    "/freeze",
    "/help",
    "/help/no-code",
    "/legal/consent",
    "/preferences",
    "/profile/data",
    "/profile/data/inn",
    "/profile/data/name",
    "/profile/data/passport",
    "/profile/devices",
    "/profile/devices/end-others",
    "/profile/devices/{}/end",
    "/profile/email",
    "/profile/email/code",
    "/profile/history",
    "/profile/notifications",
    "/profile/security",
    "/profile/security/freeze",
    "/profile/security/unfreeze",
    "/sign-in",
    "/sign-in/code",
    "/sign-in/code/resend",
    "/sign-in/consent",
    "/sign-in/email",
    "/sign-out",
];
