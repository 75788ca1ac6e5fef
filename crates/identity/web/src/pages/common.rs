//! What pages have in common: the shell of a signed-in person, keys of repeated forms, flashes.

use axum::response::Response;
use identity_core::account::{Level, Missing};
use identity_service::{
    account::{self, Owned},
    history::Event,
    profile::{self, Standing},
};
use kernel::Timestamp;
use webkit::{
    form::Form,
    once::{Once, OnceKey},
    page::{Area, Limited, Person, Shell, Tone, errors::ErrorKind},
    respond::{PageError, see_other, with_cookie},
    visit::Visit,
};

use crate::{
    state::{Fault, State, Who},
    views::{
        events::{self, EventKind},
        home,
    },
};

/// Cookie that carries a notice over a redirect: only its id.
const FLASH: &str = "flash";
/// The notices there are.
const FLASHES: &[(&str, Tone)] = &[
    ("flash-device-ended", Tone::Good),
    ("flash-others-ended", Tone::Good),
    ("flash-data-saved", Tone::Good),
    ("flash-data-sent", Tone::Good),
    ("flash-email-confirmed", Tone::Good),
    ("flash-notifications-saved", Tone::Good),
    ("flash-frozen", Tone::Good),
    ("flash-unfrozen", Tone::Good),
    ("flash-code-sent", Tone::Info),
    ("flash-code-pause", Tone::Warn),
    ("flash-lift-first", Tone::Warn),
    ("flash-step-over", Tone::Warn),
    ("flash-nothing-to-show", Tone::Warn),
    ("flash-bank-locked", Tone::Good),
    ("flash-password-weak", Tone::Warn),
    ("flash-password-fair", Tone::Good),
    ("flash-password-good", Tone::Good),
    ("flash-password-excellent", Tone::Good),
    ("flash-password-removed", Tone::Good),
    ("flash-passcode-set", Tone::Good),
    ("flash-passcode-set-no-key", Tone::Good),
    ("flash-passcode-removed", Tone::Good),
    ("flash-passcode-gone", Tone::Bad),
    ("flash-code-word-set", Tone::Good),
    ("flash-let-in", Tone::Good),
    ("flash-let-in-over", Tone::Warn),
    ("flash-totp-added", Tone::Good),
    ("flash-totp-removed", Tone::Good),
    ("flash-totp-needed", Tone::Warn),
    ("flash-second-on", Tone::Good),
    ("flash-second-off", Tone::Good),
    ("flash-number-confirmed", Tone::Good),
    ("flash-trusted-named", Tone::Good),
    ("flash-trusted-removed", Tone::Good),
    ("flash-trusted-full", Tone::Warn),
    ("flash-trusted-own", Tone::Warn),
    ("flash-trusted-enough", Tone::Warn),
    ("flash-trusted-country", Tone::Warn),
    ("flash-code-word-there", Tone::Warn),
    ("flash-change-stopped", Tone::Good),
    ("flash-change-disputed", Tone::Warn),
    ("flash-change-anew", Tone::Warn),
    ("flash-change-taken", Tone::Warn),
];

/// Redirects with a notice to be shown there.
pub(super) fn flashed(visit: &Visit, path: &str, flash: &'static str) -> Response {
    with_cookie(
        see_other(path),
        &visit.site().set_cookie(FLASH, flash, Some(30)),
    )
}

/// Shows the notice once: answers the shell with it and takes the cookie away.
pub(super) fn take_flash(visit: &Visit, shell: Shell) -> Shell {
    let held = visit.cookie(FLASH).unwrap_or_default();
    let mut known = FLASHES.iter().chain(&super::passkeys::FLASHES);
    match known.find(|(id, _)| *id == held) {
        Some((id, tone)) => shell.with_flash(*tone, *id),
        None => shell,
    }
}

/// Takes the notice's cookie away once it was shown.
pub(super) fn without_flash(visit: &Visit, response: Response) -> Response {
    if visit.cookie(FLASH).is_none() {
        return response;
    }
    with_cookie(response, &visit.site().set_cookie(FLASH, "", Some(0)))
}

/// The key of a form: sent twice, it happens once.
pub fn key(visit: &Visit, who: Option<&Who>, form: &Form) -> OnceKey {
    let browser = visit.browser_key();
    let account = who.map(|who| *who.account.id.as_bytes());
    let scope = account
        .as_ref()
        .map_or(browser.as_slice(), <[u8; 16]>::as_slice);
    let path = visit.path.split('?').next().unwrap_or_default();
    OnceKey::of_form(scope, path, form)
}

/// The answer of a command. A form's key is made of its content, so a mismatch cannot be.
pub fn done<T>(once: Once<T>) -> Result<T, PageError> {
    match once {
        Once::Done(answer) => Ok(answer),
        Once::Mismatch => Err(PageError::kind(ErrorKind::Conflict)),
    }
}

/// What every page of a signed-in person needs.
pub(super) struct Cabinet {
    pub(super) visit: Visit,
    pub(super) shell: Shell,
    pub(super) standing: Standing,
}

impl Cabinet {
    pub(super) fn owned(&self) -> &[Owned] {
        &self.standing.owned
    }

    pub(super) fn has_email(&self) -> bool {
        account::email(self.owned()).is_some()
    }
}

/// Reads who the person is and makes the shell of their page.
pub(super) async fn cabinet(
    state: &State,
    visit: Visit,
    who: &Who,
    area: Area,
) -> Result<Cabinet, Fault> {
    let standing = state
        .read("profile.standing", who.clone(), |tx, who| {
            Box::pin(profile::standing(tx, &who.account))
        })
        .await?;
    let visit = visit.in_locale(who.account.locale);
    let mut shell = take_flash(&visit, visit.shell()).in_area(area);
    let phone = account::phone(&standing.owned);
    let name = standing.profile.given().map(str::to_owned);
    let masked = phone
        .map(|phone| phone.identifier.masked())
        .unwrap_or_default();
    shell.person = Some(Person {
        name: name.unwrap_or(masked),
    });
    shell.frozen = who.account.frozen_at;
    if standing.level == Level::Limited {
        shell.limited = Some(Limited {
            name: standing.missing.contains(&Missing::Name),
            email: standing.missing.contains(&Missing::Email),
        });
    }
    Ok(Cabinet {
        visit,
        shell,
        standing,
    })
}

/// The shell of a page that is open to everybody: with the sections of the cabinet for somebody signed in.
pub async fn open_shell(state: &State, visit: &Visit, who: Option<&Who>) -> Result<Shell, Fault> {
    Ok(match who {
        Some(who) => {
            let mut shell = cabinet(state, visit.clone(), who, Area::Outside)
                .await?
                .shell;
            // A notice belongs to the page that it was meant for.
            shell.flash = None;
            shell
        }
        None => visit.shell(),
    })
}

/// The level as its card shows it.
pub(super) fn level(level: Level) -> home::Level {
    match level {
        Level::Limited => home::Level::Limited,
        Level::Protected => home::Level::Protected,
        Level::Identified => home::Level::Identified,
    }
}

/// The place of an address: where it is known, its name; else the masked network.
pub(super) fn place(visit: &Visit, network: std::net::IpAddr) -> String {
    (visit.site().places)(network).unwrap_or_else(|| kernel::network::masked(network))
}

/// Events of the log as the customer sees them. What has no words yet is left out rather than shown raw.
pub(super) fn events(visit: &Visit, events: &[Event]) -> Vec<events::Event> {
    let locale = visit.visitor.locale;
    events
        .iter()
        .filter_map(|event| {
            Some(events::Event {
                kind: kind(event)?,
                at: event.at,
                device: event
                    .agent
                    .as_ref()
                    .map(|agent| kernel::agent::device_name(agent, locale)),
                place: event.network.map(|network| place(visit, network)),
            })
        })
        .collect()
}

fn kind(event: &Event) -> Option<EventKind> {
    let fact = |name: &str| event.facts.get(name).map_or("", String::as_str);
    let is_phone = fact("kind") == "phone";
    Some(match event.action.as_str() {
        "account.created" => EventKind::AccountCreated,
        "sign_in.succeeded" if fact("new_browser") == "yes" => EventKind::SignedInNewDevice,
        "sign_in.succeeded" => EventKind::SignedIn,
        "session.signed_out" => EventKind::SignedOut,
        "session.ended" => EventKind::SessionEnded,
        "session.ended_others" => EventKind::OthersEnded,
        "session.made_room" => EventKind::MadeRoom,
        "code.refused" => EventKind::CodeFailed,
        "code.locked" => EventKind::CodeResting,
        "identifier.added" => EventKind::EmailConfirmed,
        "identifier.changed" if is_phone => EventKind::PhoneChanged,
        "identifier.changed" => EventKind::EmailChanged,
        "identifier.held" if is_phone => EventKind::PhoneMoving,
        "identifier.held" => EventKind::EmailMoving,
        "identifier.hold_stopped" => EventKind::MoveStopped,
        "identifier.hold_disputed" => EventKind::MoveDisputed,
        "identifier.hold_lapsed" => EventKind::MoveLapsed,
        "identifier.restored" => EventKind::ChangeUndone,
        "profile.changed" => match fact("field") {
            "name" => EventKind::NameChanged,
            "birth" => EventKind::BirthChanged,
            "address" => EventKind::AddressSent,
            "passport" => EventKind::PassportSent,
            "inn" => EventKind::InnChanged,
            "snils" => EventKind::SnilsChanged,
            _ => return None,
        },
        "consent.given" | "consent.withdrawn" => EventKind::MarketingChanged,
        "totp.added" => EventKind::TotpAdded,
        "totp.removed" => EventKind::TotpRemoved,
        "backup_code.issued" => EventKind::BackupIssued,
        "backup_code.used" => EventKind::BackupUsed,
        "backup_code.void" => EventKind::BackupVoid,
        "second_factor.on" => EventKind::SecondOn,
        "second_factor.off" => EventKind::SecondOff,
        "method.refused" => EventKind::FactorFailed,
        "handover.approved" => EventKind::LetIn,
        "handover.refused" => EventKind::LetInRefused,
        "number.doubted" => EventKind::NumberDoubted,
        "number.confirmed" | "number.cleared" => EventKind::NumberConfirmed,
        "trusted_person.named" => EventKind::TrustedNamed,
        "trusted_person.removed" => EventKind::TrustedRemoved,
        "account.frozen" if fact("cause") == "trusted" => EventKind::FrozenByTrusted,
        "account.frozen" if ["cabinet", "code"].contains(&fact("cause")) => EventKind::Frozen,
        "account.frozen" => EventKind::NotMe,
        "account.unfrozen" => EventKind::Unfrozen,
        "passkey.added" => EventKind::PasskeyAdded,
        "passkey.renamed" => EventKind::PasskeyRenamed,
        "passkey.removed" => EventKind::PasskeyRemoved,
        "passkey.refused" => EventKind::PasskeyRefused,
        "passkey.suspected" => EventKind::PasskeySuspected,
        "password.set" => EventKind::PasswordSet,
        "password.removed" => EventKind::PasswordRemoved,
        "password.wrong" => EventKind::PasswordWrong,
        "passcode.set" => EventKind::PasscodeSet,
        "passcode.removed" => EventKind::PasscodeRemoved,
        "passcode.wrong" => EventKind::PasscodeWrong,
        "passcode.gone" => EventKind::PasscodeGone,
        "device_key.added" => EventKind::KeyAdded,
        "code_word.set" => EventKind::CodeWordSet,
        "code_word.compared" => EventKind::CodeWordCompared,
        "code_word.closed" => EventKind::CodeWordClosed,
        _ => return None,
    })
}

/// A moment of an outcome that was kept as microseconds.
pub(super) fn moment(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}
