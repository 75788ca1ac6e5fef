//! Pages: each parses a form, runs one command or read, and renders a view.
//!
//! | path | file |
//! |---|---|
//! | `/sign-in…`, `/sign-out` | `sign_in` |
//! | `/`, `/profile/security`, `/profile/devices`, `/profile/history` | `cabinet` |
//! | `/bank…` | `bank` |
//! | `/confirm/…` (step-up) | `confirm` |
//! | `/profile/data…` | `data` |
//! | `/profile/email…` | `email` |
//! | `/profile/notifications` | `notifications` |
//! | `/freeze…`, `/profile/security/(un)freeze…` | `freeze` |
//! | `/not-me/…`, `/email/confirm/…`, `/unsubscribe/…` | `links` |
//! | help, legal texts, language and colours, static files | `plain` |

mod bank;
mod cabinet;
mod codes;
mod common;
mod confirm;
mod data;
mod email;
mod freeze;
mod links;
mod notifications;
mod plain;
mod sign_in;

use axum::{
    Router,
    routing::{get, post},
};

use crate::State;

/// Every page of identity. The caller puts the guard of `webkit` around it.
pub fn pages() -> Router<State> {
    Router::new()
        .route("/", get(cabinet::home))
        .route("/sign-in", get(sign_in::phone).post(sign_in::ask_phone))
        .route(
            "/sign-in/email",
            get(sign_in::email).post(sign_in::ask_email),
        )
        .route("/sign-in/code", get(sign_in::code).post(sign_in::verify))
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
        .route("/profile/devices", get(cabinet::devices))
        .route("/profile/devices/{id}/end", post(cabinet::end_device))
        .route(
            "/profile/devices/end-others",
            get(cabinet::ask_end_others).post(cabinet::end_others),
        )
        .route("/profile/history", get(cabinet::history))
        .merge(profile_pages())
        .merge(freeze_pages())
        .merge(confirm_pages())
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
        .route("/profile/email/code", get(email::code).post(email::confirm))
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
        .route("/freeze/code", get(freeze::code).post(freeze::by_code))
        .route("/freeze/code/resend", post(freeze::resend))
        .route("/freeze/code/delivery", get(freeze::delivery))
        .route("/freeze/done", get(freeze::done_page))
        .route("/profile/security/freeze", post(freeze::mine))
        .route("/profile/security/unfreeze", post(freeze::ask_lift))
        .route(
            "/profile/security/unfreeze/code",
            get(freeze::lift_code).post(freeze::lift),
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
        .route("/confirm/{step}/code", post(confirm::code))
        .route("/confirm/{step}/delivery", get(confirm::delivery))
        .route("/confirm/{step}/go", post(confirm::go))
        .route("/confirm/{step}/cancel", post(confirm::cancel))
}
