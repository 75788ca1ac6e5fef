//! Moments, dates and waits as people read them.
//!
//! Everything is counted from the server's clock and shown in one time zone
//! with its name, because a phone's own clock may be wrong. Numbers and the
//! words after them are joined by a no-break space.

use std::sync::LazyLock;
use std::time::Duration;

use jiff::Zoned;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use kernel::{Locale, Timestamp};

use crate::i18n::{Arg, t, t_args};

static MOSCOW: LazyLock<TimeZone> = LazyLock::new(|| {
    // The zone data is compiled in; the fixed offset is right since 2014.
    TimeZone::get("Europe/Moscow").unwrap_or_else(|_| TimeZone::fixed(Offset::constant(3)))
});

const MONTHS: [&str; 12] = [
    "month-1", "month-2", "month-3", "month-4", "month-5", "month-6", "month-7", "month-8",
    "month-9", "month-10", "month-11", "month-12",
];
const MONTHS_SHORT: [&str; 12] = [
    "month-short-1",
    "month-short-2",
    "month-short-3",
    "month-short-4",
    "month-short-5",
    "month-short-6",
    "month-short-7",
    "month-short-8",
    "month-short-9",
    "month-short-10",
    "month-short-11",
    "month-short-12",
];
const WEEKDAYS: [&str; 7] = [
    "weekday-1",
    "weekday-2",
    "weekday-3",
    "weekday-4",
    "weekday-5",
    "weekday-6",
    "weekday-7",
];

const SPAN: [&str; 4] = ["span-moment", "span-minutes", "span-hours", "span-days"];
const LEFT: [&str; 4] = ["left-moment", "left-minutes", "left-hours", "left-days"];

/// A moment ready for `<time datetime="…">…</time>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// For machines: RFC 3339, UTC, whole seconds.
    pub datetime: String,
    /// For people.
    pub text: String,
}

/// A wait that the page counts down: `<time data-left="257">4:17</time>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Countdown {
    /// The end, RFC 3339, UTC.
    pub datetime: String,
    /// Seconds left when the page was made; zero when it is over.
    pub left: u64,
    /// The same as `4:17` or `1:02:03`.
    pub text: String,
}

impl Countdown {
    /// Whether nothing is left to wait for.
    pub const fn is_over(&self) -> bool {
        self.left == 0
    }
}

/// How the reader sees time: their language, the present moment and the zone.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    /// The reader's language.
    pub locale: Locale,
    /// The present moment by the server's clock.
    pub now: Timestamp,
}

impl Calendar {
    fn zoned(at: Timestamp) -> Zoned {
        at.to_zoned(MOSCOW.clone())
            .unwrap_or_else(|| jiff::Timestamp::UNIX_EPOCH.to_zoned(MOSCOW.clone()))
    }

    /// A past or near moment: «сегодня в 14:02», «вчера в 9:15»,
    /// «22 нояб. в 14:02», «22 нояб. 2025 г. в 14:02».
    pub fn moment(self, at: Timestamp) -> When {
        let then = Self::zoned(at);
        let today = Self::zoned(self.now).date();
        let time = ("time", Arg::Text(clock(&then)));
        let text = if then.date() == today {
            t_args(self.locale, "when-today", &[time])
        } else if today.yesterday().is_ok_and(|day| then.date() == day) {
            t_args(self.locale, "when-yesterday", &[time])
        } else if today.tomorrow().is_ok_and(|day| then.date() == day) {
            t_args(self.locale, "when-tomorrow", &[time])
        } else {
            let date = ("date", Arg::Text(self.day(then.date(), today)));
            t_args(self.locale, "when-day", &[date, time])
        };
        When {
            datetime: machine(at),
            text,
        }
    }

    /// The day of a moment, as the heading of a list: «сегодня», «22 ноября», «22 ноября 2025 г.».
    pub fn heading(self, at: Timestamp) -> String {
        let then = Self::zoned(at).date();
        let today = Self::zoned(self.now).date();
        if then == today {
            t(self.locale, "day-today").to_owned()
        } else if today.yesterday().is_ok_and(|day| then == day) {
            t(self.locale, "day-yesterday").to_owned()
        } else if then.year() == today.year() {
            self.date_as("date-day", then)
        } else {
            self.date(then)
        }
    }

    /// A time of day under such a heading: «14:02».
    pub fn hour(self, at: Timestamp) -> When {
        When {
            datetime: machine(at),
            text: clock(&Self::zoned(at)),
        }
    }

    /// A time of day with seconds, for steps of one delivery: «14:02:11».
    pub fn time(self, at: Timestamp) -> When {
        When {
            datetime: machine(at),
            text: Self::zoned(at).strftime("%H:%M:%S").to_string(),
        }
    }

    /// A promise with its clock: «до пн 30 нояб., 18:00 МСК · осталось 2 дня».
    pub fn deadline(self, at: Timestamp) -> When {
        let then = Self::zoned(at);
        let today = Self::zoned(self.now).date();
        let weekday = usize::from(then.weekday().to_monday_zero_offset().unsigned_abs());
        let args = [
            (
                "weekday",
                Arg::Text(t(self.locale, pick(&WEEKDAYS, weekday)).to_owned()),
            ),
            ("date", Arg::Text(self.day(then.date(), today))),
            ("time", Arg::Text(clock(&then))),
            ("left", Arg::Text(self.span_as(at.since(self.now), &LEFT))),
        ];
        let id = match (at > self.now, then.date() == today) {
            (false, _) => "deadline-over",
            (true, true) => "deadline-today",
            (true, false) => "deadline-day",
        };
        When {
            datetime: machine(at),
            text: t_args(self.locale, id, &args),
        }
    }

    /// How long until a moment, in the largest whole unit: «2 дня», «3 часа»,
    /// «40 минут», «меньше минуты».
    pub fn left(self, at: Timestamp) -> String {
        self.span(at.since(self.now))
    }

    /// A wait in its largest whole unit.
    pub fn span(self, span: Duration) -> String {
        self.span_as(span, &SPAN)
    }

    fn span_as(self, span: Duration, words: &[&'static str; 4]) -> String {
        let minutes = span.as_secs() / 60;
        let (unit, count) = match minutes {
            0 => (0, 0),
            1..=119 => (1, minutes),
            120..=2879 => (2, minutes / 60),
            _ => (3, minutes / 1440),
        };
        let id = pick(words, unit);
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        t_args(self.locale, id, &[("count", Arg::Number(count))])
    }

    /// How long ago, in whole days: «сегодня», «вчера», «3 дня назад».
    pub fn ago(self, at: Timestamp) -> When {
        let days = Self::zoned(at)
            .date()
            .until(Self::zoned(self.now).date())
            .map_or(0, |span| i64::from(span.get_days()));
        let text = match days {
            i64::MIN..=0 => t(self.locale, "day-today").to_owned(),
            1 => t(self.locale, "day-yesterday").to_owned(),
            _ => t_args(self.locale, "days-ago", &[("count", Arg::Number(days))]),
        };
        When {
            datetime: machine(at),
            text,
        }
    }

    /// A wait of minutes that the page ticks: «4:17».
    pub fn countdown(self, until: Timestamp) -> Countdown {
        // Rounded up, so that «0:00» is shown only when it is over.
        let left = until.since(self.now).as_millis().div_ceil(1000);
        let left = u64::try_from(left).unwrap_or(u64::MAX);
        let (hours, minutes, seconds) = (left / 3600, left / 60 % 60, left % 60);
        let text = if hours > 0 {
            format!("{hours}:{minutes:02}:{seconds:02}")
        } else {
            format!("{minutes}:{seconds:02}")
        };
        Countdown {
            datetime: machine(until),
            left,
            text,
        }
    }

    /// Today's date where times are shown.
    pub fn today(self) -> Date {
        Self::zoned(self.now).date()
    }

    /// A date in full: «12 мая 1990 г.».
    pub fn date(self, date: Date) -> String {
        self.date_as("date-full", date)
    }

    fn date_as(self, id: &'static str, date: Date) -> String {
        let month = usize::from(date.month().unsigned_abs()).saturating_sub(1);
        t_args(
            self.locale,
            id,
            &[
                ("day", Arg::Number(date.day().into())),
                (
                    "month",
                    Arg::Text(t(self.locale, pick(&MONTHS, month)).to_owned()),
                ),
                ("year", Arg::Text(date.year().to_string())),
            ],
        )
    }

    /// Day and short month, with the year when it is not this one.
    fn day(self, date: Date, today: Date) -> String {
        let month = usize::from(date.month().unsigned_abs()).saturating_sub(1);
        let id = if date.year() == today.year() {
            "date-short"
        } else {
            "date-short-year"
        };
        t_args(
            self.locale,
            id,
            &[
                ("day", Arg::Number(date.day().into())),
                (
                    "month",
                    Arg::Text(t(self.locale, pick(&MONTHS_SHORT, month)).to_owned()),
                ),
                ("year", Arg::Text(date.year().to_string())),
            ],
        )
    }
}

fn pick(names: &[&'static str], index: usize) -> &'static str {
    names.get(index).copied().unwrap_or("")
}

fn clock(at: &Zoned) -> String {
    at.strftime("%H:%M").to_string()
}

fn machine(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_secs()).map_or_else(|_| String::new(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 22 November 2026, 14:02:11 in Moscow, a Sunday.
    const NOW: Timestamp = Timestamp::from_secs(1_795_345_331);
    const RU: Calendar = Calendar {
        locale: Locale::Ru,
        now: NOW,
    };
    const EN: Calendar = Calendar {
        locale: Locale::En,
        now: NOW,
    };

    fn after(seconds: i64) -> Timestamp {
        Timestamp::from_secs(NOW.as_secs() + seconds)
    }

    #[test]
    fn moments_near_and_far() {
        for (seconds, ru, en) in [
            (0, "сегодня в\u{a0}14:02", "today at\u{a0}14:02"),
            (-86_400, "вчера в\u{a0}14:02", "yesterday at\u{a0}14:02"),
            (
                -9 * 86_400,
                "13\u{a0}нояб. в\u{a0}14:02",
                "13\u{a0}Nov at\u{a0}14:02",
            ),
            (
                -365 * 86_400,
                "22\u{a0}нояб. 2025\u{a0}г. в\u{a0}14:02",
                "22\u{a0}Nov 2025 at\u{a0}14:02",
            ),
        ] {
            assert_eq!(RU.moment(after(seconds)).text, ru);
            assert_eq!(EN.moment(after(seconds)).text, en);
        }
        assert_eq!(RU.moment(NOW).datetime, "2026-11-22T11:02:11Z");
        assert_eq!(RU.time(NOW).text, "14:02:11");
    }

    /// EV-5: a promise shows its clock.
    #[test]
    fn deadlines_show_what_is_left() {
        let cases = [
            (1800, "сегодня до\u{a0}14:32 МСК · осталось 30\u{a0}минут"),
            (
                2 * 86_400,
                "до\u{a0}вт 24\u{a0}нояб., 14:02 МСК · осталось 2\u{a0}дня",
            ),
            (
                21 * 86_400,
                "до\u{a0}вс 13\u{a0}дек., 14:02 МСК · остался 21\u{a0}день",
            ),
            (-1, "срок вышел: 22\u{a0}нояб., 14:02 МСК"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(RU.deadline(after(seconds)).text, expected);
        }
        assert_eq!(
            EN.deadline(after(2 * 86_400)).text,
            "until Tue 24\u{a0}Nov, 14:02 MSK · 2\u{a0}days left"
        );
    }

    #[test]
    fn countdowns_round_up_and_end_at_zero() {
        let last = NOW.saturating_add(Duration::from_millis(1));
        assert_eq!(RU.countdown(last).text, "0:01");
        assert_eq!(RU.countdown(NOW).text, "0:00");
        assert!(RU.countdown(after(-5)).is_over());
        assert_eq!(RU.countdown(after(257)).text, "4:17");
        assert_eq!(RU.countdown(after(3723)).text, "1:02:03");
    }

    #[test]
    fn russian_plurals() {
        for (days, expected) in [
            (1, "1"),
            (2, "2"),
            (5, "5"),
            (11, "11"),
            (22, "22"),
            (101, "101"),
        ] {
            let text = t_args(Locale::Ru, "span-days", &[("count", Arg::Number(days))]);
            let noun = match days {
                1 | 101 => "день",
                2 | 22 => "дня",
                _ => "дней",
            };
            assert_eq!(text, format!("{expected}\u{a0}{noun}"));
        }
    }

    #[test]
    fn dates_and_ago() {
        assert_eq!(
            RU.date(jiff::civil::date(1990, 5, 12)),
            "12\u{a0}мая 1990\u{a0}г."
        );
        assert_eq!(EN.date(jiff::civil::date(1990, 5, 12)), "12\u{a0}May 1990");
        for (days, heading) in [
            (0, "сегодня"),
            (1, "вчера"),
            (21, "1\u{a0}ноября"),
            (365, "22\u{a0}ноября 2025\u{a0}г."),
        ] {
            assert_eq!(RU.heading(after(-days * 86_400)), heading);
        }
        assert_eq!(RU.hour(NOW).text, "14:02");
        assert_eq!(RU.ago(after(-3 * 86_400)).text, "3\u{a0}дня назад");
        assert_eq!(RU.ago(after(-400 * 86_400)).text, "400\u{a0}дней назад");
        assert_eq!(RU.moment(Timestamp::MAX).datetime, "");
    }
}
