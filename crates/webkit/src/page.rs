//! The page shell: what stands around every page.
//!
//! A page is a struct with a field `p: Shell` and its own data; its template
//! extends `page/base.html` (cabinet) or `page/door.html` (before sign-in) and
//! finds texts, times and asset addresses through `p`.

pub mod check;
pub mod errors;

use std::borrow::Cow;

use kernel::{Locale, Timestamp};

use crate::assets::asset_url;
use crate::format::{Calendar, Countdown, When};
use crate::i18n::{Arg, Message, ToArg, t, t_args};

/// Colours of the page: the system's choice, or the reader's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// The value of the cookie, of the form and of `data-theme`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The value of `color-scheme`.
    pub const fn color_scheme(self) -> &'static str {
        match self {
            Self::System => "light dark",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// From the cookie or the form; anything unknown follows the system.
    pub fn from_tag(tag: &str) -> Self {
        match tag {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }
}

/// The section of the cabinet that a page belongs to; marked in navigation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Area {
    /// None of them: sign-in, help, errors.
    #[default]
    Outside,
    /// The start page.
    Home,
    /// Money.
    Bank,
    /// Ways in, devices, history.
    Security,
    /// Notices and consents.
    Notifications,
    /// Personal data.
    Profile,
}

impl Area {
    /// Its short name.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::Home => "home",
            Self::Bank => "bank",
            Self::Security => "security",
            Self::Notifications => "notifications",
            Self::Profile => "profile",
        }
    }
}

/// Who is signed in, as the header shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Given name, or the masked phone when there is no name yet.
    pub name: String,
}

impl Person {
    /// The letter in the round mark; `None` when the name begins with none.
    pub fn initial(&self) -> Option<char> {
        self.name
            .chars()
            .next()
            .filter(|letter| letter.is_alphabetic())
    }
}

/// What an account in limited mode still lacks (ID-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// The name is missing.
    pub name: bool,
    /// A confirmed e-mail is missing.
    pub email: bool,
}

/// How grave a notice is. Colour, icon and words go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something to know.
    Info,
    /// Something is done.
    Good,
    /// Something needs care.
    Warn,
    /// Something is wrong.
    Bad,
}

impl Tone {
    /// The CSS class.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// The icon of the sprite.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Good => "check",
            Self::Warn | Self::Bad => "triangle-alert",
        }
    }
}

/// A notice shown once, after a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flash {
    /// How grave it is.
    pub tone: Tone,
    /// What it says.
    pub text: Message,
}

/// What is wrong with one field of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// `name` and `id` of the field; empty for an error of the whole form.
    pub field: &'static str,
    /// What is wrong and how to mend it.
    pub text: Message,
}

/// The shell of one page.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The reader's language.
    pub locale: Locale,
    /// The reader's colours.
    pub theme: Theme,
    /// The present moment by the server's clock.
    pub now: Timestamp,
    /// The section marked in navigation.
    pub area: Area,
    /// Who is signed in.
    pub person: Option<Person>,
    /// Token that every form of the page carries as `csrf`.
    pub csrf: String,
    /// Fresh key that every form of the page carries as `idempotency_key`, so
    /// that a form sent twice happens once (EV-3).
    pub idempotency_key: String,
    /// Path and query of this page, to come back to after a switch of language
    /// or theme. For a page shown in answer to a POST: the GET path of the form.
    pub path: String,
    /// Since when outgoing money is frozen.
    pub frozen: Option<Timestamp>,
    /// What is missing, when the account works in limited mode.
    pub limited: Option<Limited>,
    /// Notice after a redirect.
    pub flash: Option<Flash>,
    /// What is wrong with the form. Not empty: the page is answered with 422.
    pub errors: Vec<FieldError>,
}

impl Shell {
    /// The shell of a page for somebody who is not signed in.
    pub fn new(locale: Locale, now: Timestamp, path: impl Into<String>) -> Self {
        Self {
            locale,
            theme: Theme::default(),
            now,
            area: Area::default(),
            person: None,
            csrf: String::new(),
            idempotency_key: String::new(),
            path: path.into(),
            frozen: None,
            limited: None,
            flash: None,
            errors: Vec::new(),
        }
    }

    /// The same page in another section of the cabinet.
    #[must_use]
    pub fn in_area(mut self, area: Area) -> Self {
        self.area = area;
        self
    }

    /// The same page with something wrong in a field. An empty field name
    /// speaks about the whole form.
    #[must_use]
    pub fn with_error(mut self, field: &'static str, text: impl Into<Message>) -> Self {
        self.errors.push(FieldError {
            field,
            text: text.into(),
        });
        self
    }

    /// The same page with a notice.
    #[must_use]
    pub fn with_flash(mut self, tone: Tone, text: impl Into<Message>) -> Self {
        self.flash = Some(Flash {
            tone,
            text: text.into(),
        });
        self
    }

    /// A text.
    pub fn t(&self, id: &str) -> &'static str {
        t(self.locale, id)
    }

    /// A text with one variable.
    pub fn t1(&self, id: &str, name: &'static str, value: impl ToArg) -> String {
        t_args(self.locale, id, &[(name, value.to_arg())])
    }

    /// A text with two variables.
    pub fn t2(
        &self,
        id: &str,
        name: &'static str,
        value: impl ToArg,
        second_name: &'static str,
        second: impl ToArg,
    ) -> String {
        let args: [(&'static str, Arg); 2] =
            [(name, value.to_arg()), (second_name, second.to_arg())];
        t_args(self.locale, id, &args)
    }

    /// A chosen text.
    pub fn say(&self, text: &Message) -> Cow<'static, str> {
        text.show(self.locale)
    }

    /// What is wrong with a field.
    pub fn error(&self, field: &str) -> Option<Cow<'static, str>> {
        self.errors
            .iter()
            .find(|error| error.field == field)
            .map(|error| error.text.show(self.locale))
    }

    /// Whether something is wrong with the form.
    pub fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// `aria-describedby` of a field: its hint, then its error; `None` without
    /// either.
    pub fn described_by(&self, field: &str, has_hint: bool) -> Option<String> {
        let error = self.errors.iter().any(|error| error.field == field);
        match (has_hint, error) {
            (false, false) => None,
            (true, false) => Some(format!("{field}-hint")),
            (false, true) => Some(format!("{field}-error")),
            (true, true) => Some(format!("{field}-hint {field}-error")),
        }
    }

    /// The address of a static file.
    pub fn asset(&self, name: &str) -> &'static str {
        asset_url(name)
    }

    /// Times as this reader sees them.
    pub const fn calendar(&self) -> Calendar {
        Calendar {
            locale: self.locale,
            now: self.now,
        }
    }

    /// «сегодня в 14:02».
    pub fn moment(&self, at: &Timestamp) -> When {
        self.calendar().moment(*at)
    }

    /// «сегодня», «22 ноября»: the heading of a day.
    pub fn heading(&self, at: &Timestamp) -> String {
        self.calendar().heading(*at)
    }

    /// «14:02».
    pub fn hour(&self, at: &Timestamp) -> When {
        self.calendar().hour(*at)
    }

    /// «3 дня назад».
    pub fn ago(&self, at: &Timestamp) -> When {
        self.calendar().ago(*at)
    }

    /// «до пн 30 нояб., 18:00 МСК · осталось 2 дня».
    pub fn deadline(&self, at: &Timestamp) -> When {
        self.calendar().deadline(*at)
    }

    /// «14:02:11».
    pub fn time(&self, at: &Timestamp) -> When {
        self.calendar().time(*at)
    }

    /// «4:17», to be ticked by the page.
    pub fn countdown(&self, until: &Timestamp) -> Countdown {
        self.calendar().countdown(*until)
    }

    /// «12 мая 1990 г.».
    pub fn date(&self, date: &jiff::civil::Date) -> String {
        self.calendar().date(*date)
    }

    /// The language that is not shown.
    pub const fn other_locale(&self) -> Locale {
        match self.locale {
            Locale::Ru => Locale::En,
            Locale::En => Locale::Ru,
        }
    }
}

/// A page that can show itself with sample values: normal, with errors, empty.
/// A test renders every sample in every language; the same samples are looked
/// at in a browser.
pub trait Sample: Sized {
    /// The samples by name. `p` is the shell of a reader who is not signed in;
    /// [`sample::signed_in`] makes one who is.
    fn samples(p: &Shell) -> Vec<(&'static str, Self)>;
}

/// Values that samples share.
pub mod sample {
    use super::{Person, Shell, Timestamp};

    /// The moment at which samples are shown: 22 November 2026, 14:02:11 in
    /// Moscow.
    pub const NOW: Timestamp = Timestamp::from_secs(1_795_345_331);

    /// A moment some seconds after [`NOW`], or before it when negative.
    pub const fn after(seconds: i64) -> Timestamp {
        Timestamp::from_secs(NOW.as_secs().saturating_add(seconds))
    }

    /// The shell of somebody signed in.
    pub fn signed_in(p: &Shell) -> Shell {
        Shell {
            person: Some(Person {
                name: p.t("sample-given-name").to_owned(),
            }),
            ..p.clone()
        }
    }
}
