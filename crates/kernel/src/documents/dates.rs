//! Dates of a person and of a passport, judged against today.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::text;

/// The youngest person who can have an account, in whole years: a passport is
/// given at 14 (Civil Code, article 26; decree 2267 of 23 December 2023).
const YOUNGEST_YEARS: i16 = 14;
/// The oldest age believed, in whole years.
const OLDEST_YEARS: i16 = 120;
/// Days after the birthday of 20 or 45 in which the old passport is still good
/// (decree 2267 of 23 December 2023).
const RENEWAL_DAYS: i32 = 90;

/// Why a date is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// Nothing was typed.
    #[error("the date is empty")]
    Empty,
    /// Neither `2001-02-28` nor `28.02.2001`, or no such day.
    #[error("not a date: write it like 28.02.2001")]
    Format,
    /// After today.
    #[error("the date is in the future")]
    Future,
    /// Younger than 14.
    #[error("the person is younger than 14")]
    TooYoung,
    /// Older than 120.
    #[error("the person is older than 120")]
    TooOld,
    /// A passport issued before its holder was 14.
    #[error("a passport is not issued before the age of 14")]
    BeforeFourteen,
}

/// A date of birth of a person from 14 to 120 years old. `Debug` shows the
/// year alone; serde writes `2001-02-28` and, reading back what was stored,
/// does not judge it again, since that needs a today.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BirthDate(Date);

impl BirthDate {
    /// Reads `2001-02-28`, as a date field sends it, or `28.02.2001`, as people
    /// write it. `today` is the date where the company is.
    pub fn parse(typed: &str, today: Date) -> Result<Self, DateError> {
        Self::new(date(typed)?, today)
    }

    /// Judges a date of birth.
    pub fn new(born: Date, today: Date) -> Result<Self, DateError> {
        let born_then = Self(born);
        if born > today {
            return Err(DateError::Future);
        }
        match born_then.age_on(today) {
            ..YOUNGEST_YEARS => Err(DateError::TooYoung),
            YOUNGEST_YEARS..=OLDEST_YEARS => Ok(born_then),
            _ => Err(DateError::TooOld),
        }
    }

    /// The date.
    pub const fn date(self) -> Date {
        self.0
    }

    /// Whole years on a day, counted from the birthday; who was born on
    /// 29 February is a year older on 1 March of a common year.
    pub fn age_on(self, day: Date) -> i16 {
        let years = day.year().saturating_sub(self.0.year());
        let reached = (day.month(), day.day()) >= (self.0.month(), self.0.day());
        if reached {
            years
        } else {
            years.saturating_sub(1)
        }
    }

    /// The day on which the person becomes `years` old; `None` past year 9999.
    fn birthday(self, years: i16) -> Option<Date> {
        let year = self.0.year().checked_add(years)?;
        Date::new(year, self.0.month(), self.0.day())
            .or_else(|_| Date::new(year, 3, 1))
            .ok()
    }
}

/// A date on which a passport was issued to a person. `Debug` and serde as for
/// [`BirthDate`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PassportIssueDate(Date);

impl PassportIssueDate {
    /// Reads a date as [`BirthDate::parse`] does.
    pub fn parse(typed: &str, born: BirthDate, today: Date) -> Result<Self, DateError> {
        Self::new(date(typed)?, born, today)
    }

    /// Judges a date of issue.
    pub fn new(issued: Date, born: BirthDate, today: Date) -> Result<Self, DateError> {
        if issued > today {
            return Err(DateError::Future);
        }
        if born.age_on(issued) < YOUNGEST_YEARS {
            return Err(DateError::BeforeFourteen);
        }
        Ok(Self(issued))
    }

    /// The date.
    pub const fn date(self) -> Date {
        self.0
    }
}

/// Whether a passport is due for exchange. A warning, not a refusal: the
/// person is still who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Issued at 45 or later: good for life.
    Never,
    /// Good until this birthday, the 20th or the 45th.
    From(Date),
    /// The birthday has come; the old passport is good to this day, included.
    DueUntil(Date),
    /// Not good since the day after this one.
    OverdueSince(Date),
}

/// When a passport is to be exchanged: at 20 and at 45 years, within 90 days
/// after the birthday.
pub fn passport_renewal(issued: PassportIssueDate, born: BirthDate, today: Date) -> Renewal {
    let Some(birthday) = [20, 45]
        .into_iter()
        .filter_map(|age| born.birthday(age))
        .find(|day| issued.0 < *day)
    else {
        return Renewal::Never;
    };
    let last = birthday
        .checked_add(jiff::Span::new().days(RENEWAL_DAYS))
        .unwrap_or(Date::MAX);
    if today < birthday {
        Renewal::From(birthday)
    } else if today <= last {
        Renewal::DueUntil(last)
    } else {
        Renewal::OverdueSince(last)
    }
}

/// Reads a date of issue when the birth date is not known yet: judged by the future alone.
pub fn past_date(typed: &str, today: Date) -> Result<Date, DateError> {
    let read = date(typed)?;
    if read > today {
        return Err(DateError::Future);
    }
    Ok(read)
}

fn date(typed: &str) -> Result<Date, DateError> {
    let typed = typed.trim_matches(|c| text::is_space(c) || text::is_invisible(c));
    if typed.is_empty() {
        return Err(DateError::Empty);
    }
    let (separator, year_first) = if typed.contains('-') {
        ('-', true)
    } else {
        ('.', false)
    };
    let parts: Vec<&str> = typed.splitn(4, separator).collect();
    let [year, month, day] = match parts.as_slice() {
        [a, b, c] if year_first => [*a, *b, *c],
        [a, b, c] => [*c, *b, *a],
        _ => return Err(DateError::Format),
    };
    let number = |part: &str, digits: std::ops::RangeInclusive<usize>| {
        let plain = digits.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i16>()
            .ok()
            .filter(|_| plain)
            .ok_or(DateError::Format)
    };
    let small =
        |part| number(part, 1..=2).and_then(|n| i8::try_from(n).map_err(|_| DateError::Format));
    Date::new(number(year, 4..=4)?, small(month)?, small(day)?).map_err(|_| DateError::Format)
}

macro_rules! stored_date {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:04}-••-••)", stringify!($name), self.0.year())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                date(&String::deserialize(from)?)
                    .map(Self)
                    .map_err(de::Error::custom)
            }
        }
    };
}
stored_date!(BirthDate);
stored_date!(PassportIssueDate);
