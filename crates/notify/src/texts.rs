//! What messages say: typed, in Russian and English, for each channel.
//!
//! - A code message names its purpose and the code's running number, says that
//!   nobody asks for it, and as an SMS ends with the origin-bound line (ID-2).
//! - A security notice carries the «это не я» link (ID-13).
//! - What people or browsers supplied is stripped of control, direction and
//!   invisible characters before it goes into a text (A33).
//! - Links lead to the configured origin and nowhere else (A34).
//! - Nothing personal stands in a text but what is masked by its maker.
//!
//! Words live in `locales/*/messages.ftl`.

mod inert;
mod letter;
mod link;
mod message;
mod words;

use kernel::{Locale, Timestamp};
use serde::Deserialize;

pub use inert::inert;
pub use link::{LinkPath, Origin};
pub use message::{CodePurpose, MessageText, SecurityEvent};

use crate::carrier::{Body, Channel};
use crate::sms;
use crate::tls::SetupError;
use letter::{Letter, Line};
use words::Words;

/// What every text needs to know about the installation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextSettings {
    /// Where customers find us: `https://kabinet.example`, at most 40 characters.
    pub origin: String,
    /// The name in Russian texts, at most 16 characters.
    #[serde(default = "brand_ru")]
    pub brand_ru: String,
    /// The name in English texts, at most 16 characters.
    #[serde(default = "brand_en")]
    pub brand_en: String,
    /// The time zone of moments in texts.
    #[serde(default = "zone")]
    pub zone: String,
}

impl TextSettings {
    /// With the defaults for everything but the origin.
    pub fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            brand_ru: brand_ru(),
            brand_en: brand_en(),
            zone: zone(),
        }
    }
}

fn brand_ru() -> String {
    "Кабинет".to_owned()
}
fn brand_en() -> String {
    "Kabinet".to_owned()
}
fn zone() -> String {
    "Europe/Moscow".to_owned()
}

/// Why a message cannot be put into words. Each is our mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// This message does not go by this channel.
    #[error("this message does not go by this channel")]
    WrongChannel,
    /// A text or one of its variables is missing.
    #[error("the text {0} or a variable of it is missing")]
    Missing(&'static str),
}

/// Two parts of a Russian SMS; longer ones are not sent.
const BUDGET: usize = 2;

/// Puts messages into words. Cheap to clone is not needed: one per process.
#[derive(Debug)]
pub struct Composer {
    origin: Origin,
    brand_ru: String,
    brand_en: String,
    zone: jiff::tz::TimeZone,
    words: Words,
}

impl Composer {
    /// Fails on settings that cannot work.
    pub fn new(settings: &TextSettings) -> Result<Self, SetupError> {
        let bad = |setting, why: &str| SetupError::Setting {
            setting,
            why: why.to_owned(),
        };
        for brand in [&settings.brand_ru, &settings.brand_en] {
            if brand.is_empty() || brand.chars().count() > 16 || inert(brand, 16) != *brand {
                return Err(bad("brand_ru, brand_en", "1 to 16 visible characters"));
            }
        }
        Ok(Self {
            origin: Origin::parse(&settings.origin)
                .ok_or_else(|| bad("origin", "https://host, at most 40 characters, no path"))?,
            brand_ru: settings.brand_ru.clone(),
            brand_en: settings.brand_en.clone(),
            zone: jiff::tz::TimeZone::get(&settings.zone)
                .map_err(|_| bad("zone", "not a time zone"))?,
            words: Words::load().map_err(|why| SetupError::Setting {
                setting: "locales",
                why,
            })?,
        })
    }

    /// The message in words of one language, for one channel.
    pub fn compose(
        &self,
        text: &MessageText,
        channel: Channel,
        locale: Locale,
    ) -> Result<Body, TextError> {
        let say = Say { all: self, locale };
        match channel {
            Channel::Sms => say.sms(text).map(|text| Body::Sms { text }),
            Channel::Call => match text {
                MessageText::Code { code, .. } => Ok(Body::Call { code: code.clone() }),
                _ => Err(TextError::WrongChannel),
            },
            Channel::Email => say.letter(text),
        }
    }
}

/// The composer in one language.
struct Say<'a> {
    all: &'a Composer,
    locale: Locale,
}

impl Say<'_> {
    fn brand(&self) -> &str {
        match self.locale {
            Locale::Ru => &self.all.brand_ru,
            Locale::En => &self.all.brand_en,
        }
    }

    fn word(&self, id: &'static str, args: &[(&'static str, &str)]) -> Result<String, TextError> {
        self.all
            .words
            .say(self.locale, id, args, None)
            .ok_or(TextError::Missing(id))
    }

    fn counted(
        &self,
        id: &'static str,
        args: &[(&'static str, &str)],
        count: (&'static str, u32),
    ) -> Result<String, TextError> {
        self.all
            .words
            .say(self.locale, id, args, Some(count))
            .ok_or(TextError::Missing(id))
    }

    fn purpose(&self, purpose: CodePurpose, object: Option<&str>) -> Result<String, TextError> {
        let object = inert(object.unwrap_or_default(), 24);
        self.word(
            purpose.text(),
            &[("brand", self.brand()), ("object", &object)],
        )
        .map(|text| text.trim_end().to_owned())
    }

    fn sms(&self, text: &MessageText) -> Result<String, TextError> {
        match text {
            MessageText::Code {
                purpose,
                code: Some(code),
                number,
                object,
                ..
            } => {
                let purpose = self.purpose(*purpose, object.as_deref())?;
                let number = number.to_string();
                let args = [
                    ("code", code.as_str()),
                    ("number", number.as_str()),
                    ("purpose", purpose.as_str()),
                ];
                let said = self.word("msg-code-sms", &args)?;
                // https://wicg.github.io/sms-one-time-codes: the last line.
                Ok(format!("{said}\n@{} #{code}", self.all.origin.host()))
            }
            MessageText::Security {
                event,
                object,
                device,
                place,
                not_me,
                ..
            } => {
                let object = inert(object.as_deref().unwrap_or_default(), 24);
                let event = self.word(words::short(*event), &[("object", &object)])?;
                let device = device.as_deref().map(|text| inert(text, 28));
                let place = place.as_deref().map(|text| inert(text, 20));
                let link = self.all.origin.link(not_me);
                // The link is what the message is for: where it all does not
                // fit, the details go, the last first.
                let details: Vec<String> = [Some(event), device, place]
                    .into_iter()
                    .flatten()
                    .filter(|detail| !detail.is_empty())
                    .collect();
                fitting(details.len(), |count| {
                    let event = details.get(..count).unwrap_or_default().join(", ");
                    let args = [("brand", self.brand()), ("event", &event), ("link", &link)];
                    self.word("msg-notice-sms", &args)
                })
            }
            MessageText::Change {
                event,
                object,
                from,
                link,
                ..
            } => {
                let object = inert(object.as_deref().unwrap_or_default(), 24);
                let event = self.word(words::short(*event), &[("object", &object)])?;
                let from = from.map(|at| self.moment(at)).transpose()?.flatten();
                let from = from
                    .map(|moment| self.word("msg-change-from-short", &[("moment", &moment)]))
                    .transpose()?;
                let link = self.all.origin.link(link);
                let details: Vec<String> = [Some(event), from].into_iter().flatten().collect();
                fitting(details.len(), |count| {
                    let event = details.get(..count).unwrap_or_default().join(" ");
                    let args = [("brand", self.brand()), ("event", &event), ("link", &link)];
                    self.word("msg-change-sms", &args)
                })
            }
            MessageText::Marketing {
                title, unsubscribe, ..
            } => {
                let title: Vec<char> = inert(title, 100).chars().collect();
                let link = self.all.origin.link(unsubscribe);
                fitting(title.len(), |count| {
                    let title: String = title.get(..count).unwrap_or_default().iter().collect();
                    let args = [("brand", self.brand()), ("title", &title), ("link", &link)];
                    self.word("msg-marketing-sms", &args)
                })
            }
            MessageText::Trusted { is_named, link } => {
                let link = self.all.origin.link(link);
                let id = if *is_named {
                    "msg-trusted-named-sms"
                } else {
                    "msg-trusted-removed-sms"
                };
                self.word(id, &[("brand", self.brand()), ("link", &link)])
            }
            MessageText::Code { code: None, .. }
            | MessageText::ConfirmEmail { .. }
            | MessageText::NobodyHere { .. } => Err(TextError::WrongChannel),
        }
    }

    fn letter(&self, text: &MessageText) -> Result<Body, TextError> {
        let letter = match text {
            MessageText::Code {
                purpose,
                code: Some(code),
                number,
                object,
                minutes,
            } => self.code_letter(*purpose, code, *number, object.as_deref(), *minutes)?,
            MessageText::ConfirmEmail {
                code,
                number,
                link,
                minutes,
            } => self.confirm_letter(code, *number, link, *minutes)?,
            MessageText::NobodyHere { link } => Letter::new(self.word("msg-nobody-subject", &[])?)
                .text(self.word("msg-nobody-lead", &[("host", self.all.origin.host())])?)
                .text(self.word("msg-nobody-you", &[])?)
                .button(
                    self.word("msg-nobody-button", &[])?,
                    self.all.origin.link(link),
                )
                .small(self.word("msg-nobody-not-you", &[])?),
            MessageText::Security {
                event,
                at,
                object,
                device,
                place,
                not_me,
            } => {
                // The link of a recovery stops it; every other freezes the account.
                let (not_you, button) = match event {
                    SecurityEvent::RecoveryStarted => {
                        ("msg-recovery-not-you", "msg-recovery-button")
                    }
                    _ => ("msg-notice-not-you", "msg-notice-button"),
                };
                let from_where = (device.as_deref(), place.as_deref());
                self.happened(*event, *at, object.as_deref(), from_where)?
                    .text(self.word("msg-notice-you", &[])?)
                    .text(self.word(not_you, &[])?)
                    .button(self.word(button, &[])?, self.all.origin.link(not_me))
            }
            MessageText::Change {
                event,
                at,
                object,
                from,
                device,
                place,
                link,
            } => {
                let from_where = (device.as_deref(), place.as_deref());
                let mut letter = self.happened(*event, *at, object.as_deref(), from_where)?;
                let from = from.map(|at| self.moment(at)).transpose()?.flatten();
                let (not_you, button) = match &from {
                    Some(_) => ("msg-change-stop", "msg-change-stop-button"),
                    None => ("msg-change-undo", "msg-change-undo-button"),
                };
                if let Some(moment) = &from {
                    letter = letter.text(self.word("msg-change-from", &[("moment", moment)])?);
                }
                letter
                    .text(self.word("msg-notice-you", &[])?)
                    .text(self.word(not_you, &[])?)
                    .button(self.word(button, &[])?, self.all.origin.link(link))
            }
            MessageText::Marketing {
                title,
                text,
                unsubscribe,
            } => {
                let mut letter = Letter::new(inert(title, 200));
                for paragraph in text.split('\n').map(|line| inert(line, 2000)) {
                    letter = letter.text(paragraph);
                }
                let link = self.all.origin.link(unsubscribe);
                letter
                    .small(self.word("msg-marketing-why", &[])?)
                    .link(self.word("msg-marketing-button", &[])?, link.clone())
                    .unsubscribe(link)
            }
            MessageText::Code { code: None, .. } | MessageText::Trusted { .. } => {
                return Err(TextError::WrongChannel);
            }
        };
        let host = self.all.origin.host();
        let footer = self.word("msg-footer", &[("brand", self.brand()), ("host", host)])?;
        Ok(letter.add(Line::Small(footer)).body(self.locale))
    }

    /// The beginning of a letter that says what happened, when, and from where.
    fn happened(
        &self,
        event: SecurityEvent,
        at: Timestamp,
        object: Option<&str>,
        (device, place): (Option<&str>, Option<&str>),
    ) -> Result<Letter, TextError> {
        let object = inert(object.unwrap_or_default(), 64);
        let event = self.word(words::long(event), &[("object", &object)])?;
        let mut letter = Letter::new(event);
        if let Some(moment) = self.moment(at)? {
            letter = letter.text(self.word("msg-notice-when", &[("moment", &moment)])?);
        }
        for (id, name, detail) in [
            ("msg-notice-device", "device", device),
            ("msg-notice-place", "place", place),
        ] {
            let detail = inert(detail.unwrap_or_default(), 64);
            if !detail.is_empty() {
                letter = letter.text(self.word(id, &[(name, &detail)])?);
            }
        }
        Ok(letter)
    }

    fn code_letter(
        &self,
        purpose: CodePurpose,
        code: &str,
        number: u32,
        object: Option<&str>,
        minutes: u32,
    ) -> Result<Letter, TextError> {
        let purpose = self.purpose(purpose, object)?;
        let number = number.to_string();
        let args = [("purpose", purpose.as_str()), ("number", number.as_str())];
        // The subject shows on a locked screen, so the code is not in it.
        Ok(Letter::new(self.word("msg-code-subject", &args)?)
            .text(self.word("msg-code-lead", &args)?)
            .code(code)
            .text(self.counted("msg-code-lives", &args, ("minutes", minutes))?)
            .text(self.word("msg-code-secret", &[])?)
            .small(self.word("msg-code-not-you", &[])?))
    }

    fn confirm_letter(
        &self,
        code: &str,
        number: u32,
        link: &LinkPath,
        minutes: u32,
    ) -> Result<Letter, TextError> {
        let number = number.to_string();
        let purpose = self.word("msg-confirm-button", &[])?.to_lowercase();
        let args = [("purpose", purpose.as_str()), ("number", number.as_str())];
        Ok(Letter::new(self.word("msg-confirm-subject", &args)?)
            .text(self.word("msg-confirm-lead", &args)?)
            .button(
                self.word("msg-confirm-button", &[])?,
                self.all.origin.link(link),
            )
            .code(code)
            .text(self.counted("msg-code-lives", &args, ("minutes", minutes))?)
            .text(self.word("msg-code-secret", &[])?)
            .small(self.word("msg-code-not-you", &[])?))
    }

    /// «22 ноября, 07:18 МСК»; `None` for a moment no calendar can show.
    fn moment(&self, at: Timestamp) -> Result<Option<String>, TextError> {
        let Some(zoned) = at.to_zoned(self.all.zone.clone()) else {
            return Ok(None);
        };
        let abbreviation = zoned.strftime("%Z").to_string();
        let zone = match (self.locale, abbreviation.as_str()) {
            (Locale::Ru, "MSK") => "МСК",
            _ => &abbreviation,
        };
        let (day, time) = (zoned.day().to_string(), zoned.strftime("%H:%M").to_string());
        let args = [
            ("day", day.as_str()),
            ("time", time.as_str()),
            ("zone", zone),
        ];
        let month = u32::from(zoned.month().unsigned_abs());
        self.counted("msg-moment", &args, ("month", month))
            .map(Some)
    }
}

/// The longest version that fits the budget; `make` takes how much of the
/// details to keep, at least 1.
fn fitting(
    most: usize,
    make: impl Fn(usize) -> Result<String, TextError>,
) -> Result<String, TextError> {
    let mut count = most.max(1);
    loop {
        let text = make(count)?;
        if count == 1 || sms::parts(&text) <= BUDGET {
            return Ok(text);
        }
        count = count.saturating_sub(1);
    }
}
