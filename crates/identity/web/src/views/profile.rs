//! Personal data (ID-10) and the e-mail (ID-4).

use askama::Template;
use kernel::Timestamp;
use webkit::i18n::Message;
use webkit::page::{Area, Sample, Shell, Tone, sample};

use super::changes::MovingCard;
use super::code::{CodeEntry, CodeWay};
use super::home::Level;
use super::security::Contact;
pub use super::typed::{PassportForm, TypedNumber};

/// A piece of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataField {
    /// Surname, given name, patronymic.
    Name,
    /// Birth date and place.
    Birth,
    /// Address of registration.
    Address,
    /// Passport.
    Passport,
    /// INN.
    Inn,
    /// SNILS.
    Snils,
}

impl DataField {
    /// Id of its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "data-name",
            Self::Birth => "data-birth",
            Self::Address => "data-address",
            Self::Passport => "data-passport",
            Self::Inn => "data-inn",
            Self::Snils => "data-snils",
        }
    }

    /// The page that edits it.
    pub const fn href(self) -> &'static str {
        match self {
            Self::Name => "/profile/data/name",
            Self::Birth => "/profile/data/birth",
            Self::Address => "/profile/data/address",
            Self::Passport => "/profile/data/passport",
            Self::Inn => "/profile/data/inn",
            Self::Snils => "/profile/data/snils",
        }
    }
}

/// Whether a change of a piece of data waits for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataState {
    /// Nothing waits.
    Settled,
    /// A change waits for a check since then (ID-15).
    Waiting(Timestamp),
    /// The last change was declined, with the reason in plain words.
    Declined(String),
}

/// One line of the page of personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataLine {
    /// Which piece.
    pub field: DataField,
    /// Its value for showing, documents masked; lines parted by `\n`.
    pub value: Option<String>,
    /// Whether something waits.
    pub state: DataState,
}

/// `GET /profile/data`.
#[derive(Clone, Debug, Template)]
#[template(path = "profile/data.html")]
pub struct ProfileData {
    /// The shell.
    pub p: Shell,
    /// Identity level.
    pub level: Level,
    /// Name, birth, address.
    pub person: Vec<DataLine>,
    /// Passport, INN, SNILS.
    pub documents: Vec<DataLine>,
    /// The phone, masked.
    pub phone: String,
    /// The e-mail.
    pub email: Option<Contact>,
}

impl Sample for ProfileData {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let p = sample::signed_in(p).in_area(Area::Profile);
        let line = |field, value: Option<&str>, state| DataLine {
            field,
            value: value.map(ToOwned::to_owned),
            state,
        };
        let settled = |field, value| line(field, value, DataState::Settled);
        let empty = Self {
            p: p.clone(),
            level: Level::Limited,
            person: vec![
                settled(DataField::Name, None),
                settled(DataField::Birth, None),
                settled(DataField::Address, None),
            ],
            documents: vec![
                settled(DataField::Passport, None),
                settled(DataField::Inn, None),
                settled(DataField::Snils, None),
            ],
            phone: "+7 ••• •••-12-34".to_owned(),
            email: None,
        };
        let born = jiff::civil::date(1990, 5, 12);
        let birth = format!("{}\n{}", p.date(&born), "г. Казань");
        let full = Self {
            level: Level::Protected,
            person: vec![
                settled(DataField::Name, Some("Иванова Анна Сергеевна")),
                settled(DataField::Birth, Some(&birth)),
                line(
                    DataField::Address,
                    Some("г. Казань, ул. Баумана, д. 5, кв. 12"),
                    DataState::Declined("Не видно штампа. Пришлите разворот целиком".to_owned()),
                ),
            ],
            documents: vec![
                line(
                    DataField::Passport,
                    Some("•• •• ••••34"),
                    DataState::Waiting(sample::after(-3600)),
                ),
                settled(DataField::Inn, Some("••••••••0021")),
                settled(DataField::Snils, None),
            ],
            email: Some(Contact {
                masked: "a•••@example.ru".to_owned(),
                confirmed: true,
                proved_at: None,
            }),
            ..empty.clone()
        };
        let saved = Self {
            p: p.with_flash(Tone::Good, "flash-data-saved"),
            ..full.clone()
        };
        let long = Self {
            person: vec![
                settled(
                    DataField::Name,
                    Some("Константинопольская-Преображенская Александра-Виктория Константиновна"),
                ),
                settled(
                    DataField::Address,
                    Some(
                        "119019, г. Москва, вн. тер. г. муниципальный округ Арбат, ул. Большая Молчановка, д. 34, стр. 2, кв. 118",
                    ),
                ),
            ],
            email: Some(Contact {
                masked: "a•••@administratsiya.verkhnedneprovskiy-poselok.example.ru".to_owned(),
                confirmed: true,
                proved_at: None,
            }),
            ..full.clone()
        };
        vec![
            ("normal", full),
            ("saved", saved),
            ("long", long),
            ("empty", empty),
        ]
    }
}

fn profile(p: &Shell) -> Shell {
    sample::signed_in(p).in_area(Area::Profile)
}

/// `GET|POST /profile/data/name`: `surname`, `given`, `patronymic`.
/// Errors on each: see [`super::wrong::name`].
#[derive(Clone, Debug, Default)]
pub struct NameForm {
    /// Surname.
    pub surname: String,
    /// Given name.
    pub given: String,
    /// Patronymic, may stay empty.
    pub patronymic: String,
}

/// The page of [`NameForm`].
#[derive(Clone, Debug, Template)]
#[template(path = "profile/edit_name.html")]
pub struct EditName {
    /// The shell.
    pub p: Shell,
    /// What was typed, or what is known.
    pub form: NameForm,
    /// A value is already there, so a change goes to a check (ID-15).
    pub needs_check: bool,
}

impl Sample for EditName {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let form = |surname: &str, given: &str| NameForm {
            surname: surname.to_owned(),
            given: given.to_owned(),
            patronymic: String::new(),
        };
        vec![
            (
                "empty",
                Self {
                    p: profile(p),
                    form: NameForm::default(),
                    needs_check: false,
                },
            ),
            (
                "error",
                Self {
                    p: profile(p)
                        .with_error("surname", "name-error-letters")
                        .with_error("given", "name-error-empty"),
                    form: form("Ivanova 2", ""),
                    needs_check: false,
                },
            ),
            (
                "change",
                Self {
                    p: profile(p),
                    form: form("Иванова", "Анна"),
                    needs_check: true,
                },
            ),
        ]
    }
}

/// `GET|POST /profile/data/birth`: `birth_date`, `birth_place`.
/// Errors: [`super::wrong::date`] on `birth_date`, `place-error-empty` on
/// `birth_place`.
#[derive(Clone, Debug, Template)]
#[template(path = "profile/edit_birth.html")]
pub struct EditBirth {
    /// The shell.
    pub p: Shell,
    /// What was typed, or what is known as `28.02.2001`.
    pub birth_date: String,
    /// What was typed, or what is known.
    pub birth_place: String,
    /// A value is already there, so a change goes to a check (ID-15).
    pub needs_check: bool,
}

impl Sample for EditBirth {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |p: Shell, date: &str, place: &str| Self {
            p,
            birth_date: date.to_owned(),
            birth_place: place.to_owned(),
            needs_check: !place.is_empty(),
        };
        vec![
            ("empty", page(profile(p), "", "")),
            (
                "error",
                page(
                    profile(p)
                        .with_error("birth_date", "date-error-format")
                        .with_error("birth_place", "place-error-empty"),
                    "31.02.1990",
                    "",
                ),
            ),
            ("change", page(profile(p), "12.05.1990", "г. Казань")),
        ]
    }
}

/// `GET|POST /profile/data/address`: `address`.
/// Errors: `address-error-empty`, `line-error-too-long`, `line-error-hidden`.
#[derive(Clone, Debug, Template)]
#[template(path = "profile/edit_address.html")]
pub struct EditAddress {
    /// The shell.
    pub p: Shell,
    /// What was typed, or what is known.
    pub address: String,
    /// A value is already there, so a change goes to a check (ID-15).
    pub needs_check: bool,
}

impl Sample for EditAddress {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |p: Shell, address: &str| Self {
            p,
            address: address.to_owned(),
            needs_check: !address.is_empty(),
        };
        vec![
            ("empty", page(profile(p), "")),
            (
                "error",
                page(profile(p).with_error("address", "address-error-empty"), ""),
            ),
            (
                "error_long",
                page(
                    profile(p).with_error(
                        "address",
                        Message::new("line-error-too-long").with("most", 300_u32),
                    ),
                    "г. Казань, ул. Баумана, д. 5",
                ),
            ),
            (
                "change",
                page(profile(p), "г. Казань, ул. Баумана, д. 5, кв. 12"),
            ),
        ]
    }
}

/// `GET /profile/data/passport`; `POST` of `number`, `issued_on`, `issuer`,
/// `department` shows [`CheckPassport`], or this page again with what is wrong,
/// or filled in when `step` is `edit`.
#[derive(Clone, Debug, Template)]
#[template(path = "profile/edit_passport.html")]
pub struct EditPassport {
    /// The shell.
    pub p: Shell,
    /// What was typed.
    pub form: PassportForm,
    /// A passport is already there, so a change goes to a check (ID-15).
    pub needs_check: bool,
}

impl Sample for EditPassport {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |p, form, needs_check| Self {
            p,
            form,
            needs_check,
        };
        let length = Message::new("document-error-length")
            .with("expected", 10_u32)
            .with("got", 9_u32);
        vec![
            ("empty", page(profile(p), PassportForm::default(), false)),
            ("edit", page(profile(p), PassportForm::sample(), true)),
            (
                "error",
                page(
                    profile(p)
                        .with_error("number", length)
                        .with_error("issued_on", "date-error-future")
                        .with_error("issuer", "issuer-error-empty")
                        .with_error("department", "department-error"),
                    PassportForm {
                        number: "92 10 12343".to_owned(),
                        issued_on: "03.06.2110".to_owned(),
                        department: "16".to_owned(),
                        issuer: String::new(),
                    },
                    false,
                ),
            ),
        ]
    }
}

/// The answer to a good `POST /profile/data/passport`: check the answers; the
/// form goes to `POST /profile/data/passport/send`, or back with `step=edit`.
#[derive(Clone, Debug, Template)]
#[template(path = "profile/check_passport.html")]
pub struct CheckPassport {
    /// The shell.
    pub p: Shell,
    /// What was typed.
    pub form: PassportForm,
    /// A passport is already there, so a change goes to a check (ID-15).
    pub needs_check: bool,
}

impl Sample for CheckPassport {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |needs_check| Self {
            p: profile(p),
            form: PassportForm::sample(),
            needs_check,
        };
        vec![("first", page(false)), ("change", page(true))]
    }
}

/// `GET|POST /profile/data/inn`: `inn`. Errors: [`super::wrong::document`].
#[derive(Clone, Debug, Template)]
#[template(path = "profile/edit_inn.html")]
pub struct EditInn {
    /// The shell.
    pub p: Shell,
    /// What was typed; a number that is known is not shown again.
    pub typed: TypedNumber,
    /// A value is already there, so a change goes to a check (ID-15).
    pub needs_check: bool,
}

impl Sample for EditInn {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |p, typed: &str, needs_check| Self {
            p,
            typed: TypedNumber(typed.to_owned()),
            needs_check,
        };
        vec![
            ("empty", page(profile(p), "", false)),
            (
                "error",
                page(
                    profile(p).with_error("inn", "document-error-checksum"),
                    "500100732258",
                    true,
                ),
            ),
        ]
    }
}

/// `GET|POST /profile/data/snils`: `snils`. Errors: [`super::wrong::document`].
#[derive(Clone, Debug, Template)]
#[template(path = "profile/edit_snils.html")]
pub struct EditSnils {
    /// The shell.
    pub p: Shell,
    /// What was typed; a number that is known is not shown again.
    pub typed: TypedNumber,
    /// A value is already there, so a change goes to a check (ID-15).
    pub needs_check: bool,
}

impl Sample for EditSnils {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |p, typed: &str, needs_check| Self {
            p,
            typed: TypedNumber(typed.to_owned()),
            needs_check,
        };
        vec![
            ("empty", page(profile(p), "", false)),
            (
                "error",
                page(
                    profile(p).with_error("snils", "document-error-not-issued"),
                    "000-000-001 00",
                    false,
                ),
            ),
        ]
    }
}

/// `GET /profile/email`; `POST` takes `email` and sends a code and a link.
///
/// Errors on `email`: [`super::wrong::email`], `email-error-taken`; on nothing:
/// `email-error-limit` with `until`.
#[derive(Clone, Debug, Template)]
#[template(path = "profile/email.html")]
pub struct ProfileEmail {
    /// The shell.
    pub p: Shell,
    /// The e-mail of the account; when it is confirmed there is nothing to add.
    pub email: Option<Contact>,
    /// What was typed.
    pub typed: String,
    /// A change that waits.
    pub moving: Option<MovingCard>,
}

impl Sample for ProfileEmail {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |p, email, typed: &str| Self {
            p,
            email,
            typed: typed.to_owned(),
            moving: None,
        };
        let confirmed = Contact {
            masked: "a•••@example.ru".to_owned(),
            confirmed: true,
            proved_at: Some(sample::after(-40 * 86_400)),
        };
        let limit =
            Message::new("email-error-limit").with("until", p.deadline(&sample::after(3600)).text);
        vec![
            ("empty", page(profile(p), None, "")),
            (
                "error",
                page(
                    profile(p).with_error("email", "email-error-look-alike"),
                    None,
                    "anna@ехample.ru",
                ),
            ),
            (
                "taken",
                page(
                    profile(p).with_error("email", "email-error-taken"),
                    None,
                    "anna@example.ru",
                ),
            ),
            (
                "limit",
                page(profile(p).with_error("", limit), None, "anna@example.ru"),
            ),
            (
                "confirmed",
                page(
                    profile(p).with_flash(Tone::Good, "flash-email-confirmed"),
                    Some(confirmed),
                    "",
                ),
            ),
        ]
    }
}

/// `GET /profile/email/code`; `POST` takes `code`. Resend and delivery as on
/// the sign-in page, under `/profile/email/code/`.
#[derive(Clone, Debug, Template)]
#[template(path = "profile/email_code.html")]
pub struct EmailCode {
    /// The shell.
    pub p: Shell,
    /// The code.
    pub code: CodeEntry,
}

impl Sample for EmailCode {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let code = CodeEntry {
            way: CodeWay::Email,
            to: Some("anna@example.ru".to_owned()),
            offers: vec![CodeWay::Email],
            ..CodeEntry::sample()
        };
        vec![
            (
                "wrong",
                Self {
                    p: profile(p).with_error("code", "code-error-wrong"),
                    code: CodeEntry {
                        tries_left: Some(1),
                        ..code.clone()
                    },
                },
            ),
            (
                "sent",
                Self {
                    p: profile(p),
                    code,
                },
            ),
        ]
    }
}
