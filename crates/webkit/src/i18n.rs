//! Languages: every text people read, by its id.
//!
//! The texts live in `locales/ru` and `locales/en` (Fluent). A text without
//! variables is formatted once per process and then handed out as a plain
//! `&'static str`, so a page of a hundred texts costs a hundred map look-ups.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, langid, static_loader};

pub use kernel::Locale;

static_loader! {
    static TEXTS = {
        locales: "../../locales",
        fallback_language: "ru",
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

const RU: LanguageIdentifier = langid!("ru");
const EN: LanguageIdentifier = langid!("en");

/// Shown instead of a text that does not exist; tests keep it from happening.
const MISSING: &str = "[—]";

type Cache = RwLock<HashMap<(Locale, &'static str), &'static str>>;
static CACHE: LazyLock<Cache> = LazyLock::new(Cache::default);

/// A value put into a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// Words, shown as they are.
    Text(String),
    /// A number, which also chooses the plural form.
    Number(i64),
}

/// What can be put into a text; also behind any number of references, because
/// templates pass everything by reference.
pub trait ToArg {
    /// The value.
    fn to_arg(&self) -> Arg;
}

impl<T: ToArg + ?Sized> ToArg for &T {
    fn to_arg(&self) -> Arg {
        (**self).to_arg()
    }
}
impl ToArg for Arg {
    fn to_arg(&self) -> Arg {
        self.clone()
    }
}
impl ToArg for str {
    fn to_arg(&self) -> Arg {
        Arg::Text(self.to_owned())
    }
}
impl ToArg for String {
    fn to_arg(&self) -> Arg {
        Arg::Text(self.clone())
    }
}

macro_rules! numbers {
    ($($ty:ty),*) => {$(
        impl ToArg for $ty {
            fn to_arg(&self) -> Arg {
                Arg::Number(i64::try_from(*self).unwrap_or(i64::MAX))
            }
        }
    )*};
}
numbers!(i32, i64, u8, u16, u32, u64, usize);

/// A text chosen now and shown later in the reader's language: what a handler
/// says about a field, or a notice after a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Id of the text in `locales/`.
    pub id: &'static str,
    /// Its variables.
    pub args: Vec<(&'static str, Arg)>,
}

impl Message {
    /// A text without variables.
    pub const fn new(id: &'static str) -> Self {
        Self {
            id,
            args: Vec::new(),
        }
    }

    /// The same text with one more variable.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToArg) -> Self {
        self.args.push((name, value.to_arg()));
        self
    }

    /// The text in a language.
    pub fn show(&self, locale: Locale) -> Cow<'static, str> {
        if self.args.is_empty() {
            Cow::Borrowed(t(locale, self.id))
        } else {
            Cow::Owned(t_args(locale, self.id, &self.args))
        }
    }
}

impl From<&'static str> for Message {
    fn from(id: &'static str) -> Self {
        Self::new(id)
    }
}

/// The text `id` in a language. A text that does not exist shows a dash in
/// brackets and is logged.
pub fn t(locale: Locale, id: &str) -> &'static str {
    {
        let cache = CACHE.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = cache.get(&(locale, id)) {
            return text;
        }
    }
    let Some(text) = find(locale, id, None) else {
        tracing::error!(id, locale = locale.tag(), "text is missing");
        return MISSING;
    };
    // Leaked on purpose: there are as many of them as texts in `locales/`.
    let text: &'static str = Box::leak(text.into_boxed_str());
    let id: &'static str = Box::leak(id.to_owned().into_boxed_str());
    CACHE
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .insert((locale, id), text);
    text
}

/// The text `id` in a language with its variables put in.
pub fn t_args(locale: Locale, id: &str, args: &[(&'static str, Arg)]) -> String {
    let args: HashMap<Cow<'static, str>, FluentValue<'_>> = args
        .iter()
        .map(|(name, value)| {
            let value = match value {
                Arg::Text(text) => FluentValue::from(text.as_str()),
                Arg::Number(number) => FluentValue::from(*number),
            };
            (Cow::Borrowed(*name), value)
        })
        .collect();
    find(locale, id, Some(&args)).unwrap_or_else(|| {
        tracing::error!(id, locale = locale.tag(), "text is missing");
        MISSING.to_owned()
    })
}

fn find(
    locale: Locale,
    id: &str,
    args: Option<&HashMap<Cow<'static, str>, FluentValue<'_>>>,
) -> Option<String> {
    let language = match locale {
        Locale::Ru => &RU,
        Locale::En => &EN,
    };
    TEXTS.lookup_single_language(language, id, args).ok()
}
