//! Pages: each parses a form, runs one command or read, and renders a view.
//!
//! | path | file |
//! |---|---|
//! | `/sign-in…`, `/sign-out` | `sign_in` |
//! | `/`, `/profile/security`, `/profile/security/later`, `/profile/devices`, `/profile/history` | `cabinet` |
//! | `/bank…` | `bank` |
//! | `/confirm/…` (step-up) | `confirm` |
//! | `/sign-in/passkey`, `/profile/security/passkeys…`, `/confirm/…/passkey` | `passkeys` |
//! | `/profile/security/password`, `…/passcode`, `…/code-word` | `secrets` |
//! | `/profile/data…` | `data` |
//! | `/profile/email…` | `email` |
//! | `/profile/notifications` | `notifications` |
//! | `/freeze…`, `/profile/security/(un)freeze…` | `freeze` |
//! | `/not-me/…`, `/email/confirm/…`, `/unsubscribe/…` | `links` |
//! | `/sign-in/second`, `/profile/security/totp…`, `…/backup-codes`, `…/second-factor` | `second`, `factors` |
//! | `/sign-in/device…`, `/let-in/…` | `device` |
//! | `/profile/{phone,email}/change…`, `/change/…` | `changes` |
//! | `/profile/phone…`, `/profile/security/ways-back` | `number`, `ways_back` |
//! | `/profile/security/trusted…`, `/freeze/trusted…` | `trusted` |
//! | help, legal texts, language and colours, static files | `plain` |

mod bank;
mod cabinet;
mod changes;
pub mod codes;
pub mod common;
mod confirm;
mod data;
mod device;
mod email;
mod factors;
mod freeze;
mod links;
mod notifications;
mod number;
mod passkeys;
mod plain;
mod second;
pub(crate) mod secrets;
mod sign_in;
mod trusted;
mod ways_back;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use crate::State;

/// Longest form with a code in it, bytes (A12).
const CODE_FORM_MAX: usize = 4 * 1024;

/// Every page of identity. The caller puts the guard of `webkit` around it.
pub fn pages() -> Router<State> {
    Router::new()
        .route("/", get(cabinet::home))
        .route("/sign-in", get(sign_in::phone).post(sign_in::ask_phone))
        .route(
            "/sign-in/email",
            get(sign_in::email).post(sign_in::ask_email),
        )
        .route(
            "/sign-in/code",
            get(sign_in::code).post(sign_in::verify).layer(of_a_code()),
        )
        .route("/sign-in/code/resend", post(sign_in::resend))
        .route("/sign-in/code/delivery", get(sign_in::delivery))
        .route(
            "/sign-in/consent",
            get(sign_in::consent).post(sign_in::register),
        )
        .route("/sign-in/limited", get(sign_in::limited))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/signed-out", get(sign_in::signed_out))
        .route("/profile", get(plain::profile))
        .route("/profile/security", get(cabinet::security))
        .route("/profile/security/later", get(cabinet::later))
        .route("/profile/devices", get(cabinet::devices))
        .route("/profile/devices/{id}/end", post(cabinet::end_device))
        .route(
            "/profile/devices/end-others",
            get(cabinet::ask_end_others).post(cabinet::end_others),
        )
        .route("/profile/history", get(cabinet::history))
        .merge(profile_pages())
        .merge(freeze_pages())
        .merge(passkey_pages())
        .merge(confirm_pages())
        .merge(secret_pages())
        .merge(factor_pages())
        .merge(device_pages())
        .merge(trusted_pages())
        .merge(change_pages())
        .route(
            "/not-me/{token}",
            get(links::not_me).post(links::press_not_me),
        )
        .route(
            "/email/confirm/{token}",
            get(links::email).post(links::confirm_email),
        )
        .route(
            "/unsubscribe/{token}",
            get(links::unsubscribe).post(links::press_unsubscribe),
        )
        .route("/help", get(plain::help))
        .route("/help/no-code", get(plain::no_code))
        .route("/legal/consent", get(plain::consent))
        .route("/preferences", post(plain::preferences))
        .route("/offline", get(plain::offline))
        .route("/assets/{name}", get(plain::asset))
        .route("/manifest.webmanifest", get(plain::asset))
        .route("/sw.js", get(plain::asset))
        .route("/favicon.ico", get(plain::asset))
        .route("/apple-touch-icon.png", get(plain::asset))
        .route("/robots.txt", get(plain::robots))
}

/// A form with a code in it is short (A12).
fn of_a_code() -> DefaultBodyLimit {
    DefaultBodyLimit::max(CODE_FORM_MAX)
}

fn profile_pages() -> Router<State> {
    Router::new()
        .route("/profile/data", get(data::data))
        .route("/profile/data/name", get(data::name).post(data::set_name))
        .route(
            "/profile/data/birth",
            get(data::birth).post(data::set_birth),
        )
        .route(
            "/profile/data/address",
            get(data::address).post(data::set_address),
        )
        .route(
            "/profile/data/passport",
            get(data::passport).post(data::check_passport),
        )
        .route("/profile/data/passport/send", post(data::send_passport))
        .route("/profile/data/inn", get(data::inn).post(data::set_inn))
        .route(
            "/profile/data/snils",
            get(data::snils).post(data::set_snils),
        )
        .route("/profile/email", get(email::email).post(email::add))
        .route(
            "/profile/email/code",
            get(email::code).post(email::confirm).layer(of_a_code()),
        )
        .route("/profile/email/code/resend", post(email::resend))
        .route("/profile/email/code/delivery", get(email::delivery))
        .route(
            "/profile/notifications",
            get(notifications::page).post(notifications::set),
        )
}

fn freeze_pages() -> Router<State> {
    Router::new()
        .route("/freeze", get(freeze::start).post(freeze::ask))
        .route(
            "/freeze/code",
            get(freeze::code).post(freeze::by_code).layer(of_a_code()),
        )
        .route("/freeze/code/resend", post(freeze::resend))
        .route("/freeze/code/delivery", get(freeze::delivery))
        .route("/freeze/done", get(freeze::done_page))
        .route("/profile/security/freeze", post(freeze::mine))
        .route("/profile/security/unfreeze", post(freeze::ask_lift))
        .route(
            "/profile/security/unfreeze/code",
            get(freeze::lift_code).post(freeze::lift).layer(of_a_code()),
        )
        .route(
            "/profile/security/unfreeze/code/resend",
            post(freeze::resend_lift),
        )
        .route(
            "/profile/security/unfreeze/code/delivery",
            get(freeze::lift_delivery),
        )
}

fn confirm_pages() -> Router<State> {
    Router::new()
        .route("/bank", get(bank::section))
        .route("/bank/open", post(bank::open))
        .route("/bank/lock", post(bank::lock))
        .route("/confirm/{step}", get(confirm::confirm))
        .route("/confirm/{step}/send", post(confirm::send))
        .route(
            "/confirm/{step}/code",
            post(confirm::code).layer(of_a_code()),
        )
        .route("/confirm/{step}/delivery", get(confirm::delivery))
        .route("/confirm/{step}/factor", post(factors::show))
        .route("/confirm/{step}/go", post(confirm::go))
        .route("/confirm/{step}/cancel", post(confirm::cancel))
}

fn passkey_pages() -> Router<State> {
    Router::new()
        .route("/sign-in/passkey", post(passkeys::sign_in))
        .route("/sign-in/passkey/begin", post(passkeys::begin_sign_in))
        .route(
            "/profile/security/passkeys",
            get(passkeys::look).post(passkeys::add),
        )
        .route(
            "/profile/security/passkeys/begin",
            post(passkeys::begin_adding),
        )
        .route(
            "/profile/security/passkeys/{id}",
            get(passkeys::edit).post(passkeys::rename),
        )
        .route(
            "/profile/security/passkeys/{id}/remove",
            post(passkeys::remove),
        )
        .route("/confirm/{step}/passkey", post(passkeys::prove))
        .route("/confirm/{step}/passkey/begin", post(passkeys::begin_proof))
}

fn secret_pages() -> Router<State> {
    Router::new()
        .route(
            "/profile/security/password",
            get(secrets::password).post(secrets::set_password),
        )
        .route(
            "/profile/security/password/remove",
            post(secrets::remove_password),
        )
        .route(
            "/profile/security/passcode",
            get(secrets::passcode).post(secrets::set_passcode),
        )
        .route(
            "/profile/security/passcode/remove",
            post(secrets::remove_passcode),
        )
        .route(
            "/profile/security/code-word",
            get(secrets::code_word).post(secrets::set_code_word),
        )
        .route("/confirm/{step}/password", post(secrets::show_password))
        .route("/confirm/{step}/passcode", post(secrets::show_passcode))
        .route(
            "/confirm/{step}/passcode/challenge",
            post(secrets::challenge),
        )
}

fn factor_pages() -> Router<State> {
    Router::new()
        .route("/sign-in/second", get(second::second).post(second::check))
        .route("/sign-in/second/passkey", post(second::passkey))
        .route(
            "/profile/security/totp",
            get(factors::totp).post(factors::confirm_totp),
        )
        .route("/profile/security/totp/add", post(factors::add_totp))
        .route("/profile/security/totp/remove", post(factors::remove_totp))
        .route(
            "/profile/security/backup-codes",
            get(factors::backup_codes).post(factors::issue),
        )
        .route(
            "/profile/security/second-factor",
            get(factors::second_factor).post(factors::set_second_factor),
        )
        .route("/profile/security/ways-back", get(ways_back::meter))
        .route("/profile/phone", get(number::look).post(number::ask))
        .route(
            "/profile/phone/code",
            get(number::code).post(number::confirm).layer(of_a_code()),
        )
        .route("/profile/phone/code/resend", post(number::resend))
        .route("/profile/phone/code/delivery", get(number::delivery))
        .route("/profile/phone/clear", post(number::clear))
}

/// The same pages for the phone and for the e-mail: the address says which.
fn change_pages() -> Router<State> {
    Router::new()
        .route(
            "/profile/phone/change",
            get(changes::start).post(changes::ask),
        )
        .route(
            "/profile/phone/change/code",
            get(changes::code).post(changes::verify).layer(of_a_code()),
        )
        .route("/profile/phone/change/code/resend", post(changes::resend))
        .route(
            "/profile/phone/change/code/delivery",
            get(changes::delivery),
        )
        .route(
            "/profile/phone/change/check",
            get(changes::check).post(changes::go),
        )
        .route("/profile/phone/change/done", get(changes::ended))
        .route("/profile/phone/change/stop", post(changes::stop))
        .route(
            "/profile/email/change",
            get(changes::start).post(changes::ask),
        )
        .route(
            "/profile/email/change/code",
            get(changes::code).post(changes::verify).layer(of_a_code()),
        )
        .route("/profile/email/change/code/resend", post(changes::resend))
        .route(
            "/profile/email/change/code/delivery",
            get(changes::delivery),
        )
        .route(
            "/profile/email/change/check",
            get(changes::check).post(changes::go),
        )
        .route("/profile/email/change/done", get(changes::ended))
        .route("/profile/email/change/stop", post(changes::stop))
        .route("/change/{token}", get(changes::link).post(changes::press))
}

fn device_pages() -> Router<State> {
    Router::new()
        .route("/sign-in/device", get(device::device).post(device::ask))
        .route("/sign-in/device/state", get(device::state_line))
        .route("/sign-in/device/enter", post(device::enter))
        .route("/let-in/{token}", get(device::look).post(device::choose))
        .route("/let-in/{token}/refuse", post(device::refuse))
}

fn trusted_pages() -> Router<State> {
    Router::new()
        .route(
            "/profile/security/trusted",
            get(trusted::people).post(trusted::name),
        )
        .route(
            "/profile/security/trusted/{id}/remove",
            post(trusted::remove),
        )
        .route("/freeze/trusted", get(trusted::start).post(trusted::ask))
        .route(
            "/freeze/trusted/code",
            get(trusted::code).post(trusted::freeze).layer(of_a_code()),
        )
        .route("/freeze/trusted/code/resend", post(trusted::resend))
        .route("/freeze/trusted/code/delivery", get(trusted::delivery))
        .route("/freeze/trusted/done", get(trusted::done_page))
}
