//! `[limits]`: every number of the rules that an operator may change.
//!
//! The number behind a rule's id is its default; where the rule says «fixed»
//! it is a constant here and no key.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::span;

/// Digits of a code by SMS, call and e-mail (ID-2; NIST SP 800-63B-4 asks for
/// 20 bits). Fixed.
pub const CODE_DIGITS: usize = 6;

/// Digits of a code by call for shop sign-in from a known browser (ID-2).
/// Fixed.
pub const KNOWN_BROWSER_CALL_DIGITS: usize = 4;

/// Wrong codes in a row, over all channels and browsers, after which code
/// sign-in for an identifier is closed until a stronger factor is shown (ID-2a;
/// NIST SP 800-63B-4 §3.2.2). Fixed.
pub const CLOSING_WRONG_CODES: u32 = 100;

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $(#[serde($($serde:tt)+)])? $name:ident: $type:ty = $default:expr;)+) => {
        /// Every number of the rules that may be changed. Spans are written
        /// with their unit.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Limits {
            $($(#[doc = $doc])+ $(#[serde($($serde)+)])? pub $name: $type,)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }
    };
}

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}
const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n.saturating_mul(60))
}
const fn hours(n: u64) -> Duration {
    minutes(n.saturating_mul(60))
}
const fn days(n: u64) -> Duration {
    hours(n.saturating_mul(24))
}

limits! {
    /// ID-2: how long a code lives. 1 to 10 minutes.
    #[serde(with = "span")]
    code_lifetime: Duration = minutes(5);
    /// ID-2, A8: wrong tries after which a code dies. 1 to 5.
    code_tries: u32 = 5;
    /// ID-2: wrong tries of the 4-digit call code. 1 or 2.
    known_browser_call_tries: u32 = 2;
    /// ID-2: waits before the second, third, … code; the last one repeats.
    /// Each at least 30 s and not below the one before.
    #[serde(with = "span::list")]
    resend_waits: Vec<Duration> = vec![seconds(60), minutes(2), minutes(5), minutes(10)];
    /// ID-2: after how long without a code the page says what to check.
    #[serde(with = "span")]
    no_code_help_after: Duration = minutes(10);

    /// ID-2a: wrong codes in a row after which the channel rests. 3 to 20.
    wrong_codes_before_rest: u32 = 10;
    /// ID-2a: the first rest; each next one doubles.
    #[serde(with = "span")]
    rest_first: Duration = minutes(5);
    /// A11: the longest rest. At most 1 hour, so that a stranger cannot shut
    /// the owner out.
    #[serde(with = "span")]
    rest_longest: Duration = hours(1);
    /// A9: wrong codes for an identifier in an hour.
    wrong_codes_per_identifier_hour: u32 = 10;
    /// A9: wrong codes for an identifier in a day.
    wrong_codes_per_identifier_day: u32 = 30;
    /// A10: wrong codes from one address in 10 minutes.
    wrong_codes_per_address: u32 = 20;
    /// A10: wrong codes from one network (/24, /64) in 10 minutes.
    wrong_codes_per_network: u32 = 100;
    /// A10: over which the two limits above count.
    #[serde(with = "span")]
    wrong_codes_window: Duration = minutes(10);
    /// A10: share of wrong codes in the whole installation, in percent, over
    /// which it slows down.
    spray_wrong_percent: u32 = 30;
    /// A10: over which that share is counted.
    #[serde(with = "span")]
    spray_window: Duration = minutes(5);
    /// A10: fewer tries than this in the window say nothing.
    spray_least_tries: u32 = 100;

    /// ID-2b, A22: messages to one number in an hour, over all purposes.
    sends_per_number_hour: u32 = 5;
    /// ID-2b, A22: messages to one number in a day, over all purposes.
    sends_per_number_day: u32 = 10;
    /// ID-2a, A11: so many more, in an hour and in a day, for a browser that the account knows. 1 to 10.
    sends_known_browser_more: u32 = 3;
    /// A23: calls in one challenge.
    calls_per_challenge: u32 = 2;
    /// ID-2b: messages asked for by one network and device in a day.
    sends_per_visitor_day: u32 = 20;
    /// ID-2b, A21: country calling codes that messages go to.
    countries: Vec<u16> = vec![7];
    /// A19: messages to one range (a number without its last 4 digits) within
    /// `range_window`.
    sends_per_range: u32 = 20;
    /// A19: over which they are counted.
    #[serde(with = "span")]
    range_window: Duration = minutes(10);
    /// A19: codes entered of codes sent to a range, in percent, under which
    /// the range is blocked.
    range_least_percent: u32 = 20;
    /// A19: for how long.
    #[serde(with = "span")]
    range_block: Duration = hours(24);
    /// ID-2b, A20: codes by SMS and call of the whole installation in a minute.
    sends_per_minute: u32 = 600;
    /// ID-2b, A20: money for messages in a day, in kopecks.
    spend_per_day_kopecks: u64 = 5_000_000;
    /// A20: percent of the two budgets above at which an alarm is raised. At
    /// 100, SMS go only to confirmed numbers.
    spend_alarm_percent: u32 = 80;
    /// What one SMS is counted as, in kopecks; the contract says.
    sms_price_kopecks: u64 = 500;
    /// What one call is counted as, in kopecks; the contract says.
    call_price_kopecks: u64 = 100;

    /// ID-9: a shop session ends after this long without use. At most 90 days.
    #[serde(with = "span")]
    shop_session_idle: Duration = days(90);
    /// ID-9: the bank section locks after this long without use. At most 15
    /// minutes.
    #[serde(with = "span")]
    bank_lock_idle: Duration = minutes(5);
    /// ID-9: the bank section ends after this long in any case. At most 24
    /// hours (NIST AAL2).
    #[serde(with = "span")]
    bank_session_longest: Duration = hours(12);
    /// A29: live sessions of one account; the oldest ends first.
    sessions_per_account: u32 = 50;

    /// CH-2: how long a change of the phone or the e-mail waits when the old one is lost. 7 to 60 days.
    #[serde(with = "span")]
    change_hold: Duration = days(14);
    /// A48: how long a change that was made at once can be undone by its link. 7 to 60 days.
    #[serde(with = "span")]
    change_undo: Duration = days(14);
}
