//! Ranges of the numbers. What weakens a rule below the standard it stands on
//! is refused; what is only unusual is not our business.

use std::time::Duration;

use super::Findings;
use crate::{Hashing, Limits, span};

pub(super) fn number(found: &mut Findings, setting: &str, value: u64, least: u64, most: u64) {
    if !(least..=most).contains(&value) {
        found.refuse(
            setting,
            format!("{value} is out of range"),
            format!("Choose {least} to {most}"),
        );
    }
}

/// `least` and `most` are in seconds.
pub(super) fn time(found: &mut Findings, setting: &str, value: Duration, least: u64, most: u64) {
    if !(Duration::from_secs(least)..=Duration::from_secs(most)).contains(&value) {
        let [least, most] = [least, most].map(|s| span::show(Duration::from_secs(s)));
        found.refuse(
            setting,
            format!("{} is out of range", span::show(value)),
            format!("Choose {least} to {most}"),
        );
    }
}

pub(super) fn check(limits: &Limits, found: &mut Findings) {
    times(limits, found);
    numbers(limits, found);
    resend_waits(limits, found);
    order(limits, found);
    if limits.countries.is_empty() || limits.countries.contains(&0) {
        found.refuse(
            "limits.countries",
            "no country is allowed, so no message can be sent",
            "List calling codes, like [7]",
        );
    }
}

/// Below what OWASP's Password Storage Cheat Sheet names for Argon2id a hash is too cheap; above, one machine
/// would be busy with nothing else.
pub(super) fn hashing(hashing: &Hashing, found: &mut Findings) {
    for (name, value, least, most) in [
        ("memory_mib", hashing.memory_mib, 19, 1_024),
        ("passes", hashing.passes, 2, 20),
        ("at_once", hashing.at_once, 0, 256),
        ("waiting", hashing.waiting, 1, 64),
    ] {
        number(found, &format!("hashing.{name}"), value.into(), least, most);
    }
}

fn times(limits: &Limits, found: &mut Findings) {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 3_600;
    const DAY: u64 = 86_400;
    for (name, value, least, most) in [
        ("code_lifetime", limits.code_lifetime, MINUTE, 10 * MINUTE),
        (
            "no_code_help_after",
            limits.no_code_help_after,
            MINUTE,
            HOUR,
        ),
        ("rest_first", limits.rest_first, 30, HOUR),
        ("rest_longest", limits.rest_longest, MINUTE, HOUR),
        ("wrong_codes_window", limits.wrong_codes_window, MINUTE, DAY),
        ("spray_window", limits.spray_window, MINUTE, HOUR),
        ("range_window", limits.range_window, MINUTE, DAY),
        ("range_block", limits.range_block, HOUR, 30 * DAY),
        (
            "shop_session_idle",
            limits.shop_session_idle,
            HOUR,
            90 * DAY,
        ),
        ("bank_lock_idle", limits.bank_lock_idle, MINUTE, 15 * MINUTE),
        (
            "bank_session_longest",
            limits.bank_session_longest,
            15 * MINUTE,
            DAY,
        ),
        ("change_hold", limits.change_hold, 7 * DAY, 60 * DAY),
        ("change_undo", limits.change_undo, 7 * DAY, 60 * DAY),
    ] {
        time(found, &format!("limits.{name}"), value, least, most);
    }
}

fn numbers(limits: &Limits, found: &mut Findings) {
    for (name, value, least, most) in [
        ("code_tries", limits.code_tries, 1, 5),
        (
            "known_browser_call_tries",
            limits.known_browser_call_tries,
            1,
            2,
        ),
        (
            "wrong_codes_before_rest",
            limits.wrong_codes_before_rest,
            3,
            20,
        ),
        (
            "wrong_codes_per_identifier_hour",
            limits.wrong_codes_per_identifier_hour,
            3,
            50,
        ),
        (
            "wrong_codes_per_identifier_day",
            limits.wrong_codes_per_identifier_day,
            3,
            100,
        ),
        (
            "wrong_codes_per_address",
            limits.wrong_codes_per_address,
            1,
            10_000,
        ),
        (
            "wrong_codes_per_network",
            limits.wrong_codes_per_network,
            1,
            100_000,
        ),
        ("spray_wrong_percent", limits.spray_wrong_percent, 1, 100),
        ("spray_least_tries", limits.spray_least_tries, 1, 1_000_000),
        ("sends_per_number_hour", limits.sends_per_number_hour, 1, 20),
        ("sends_per_number_day", limits.sends_per_number_day, 1, 50),
        (
            "sends_known_browser_more",
            limits.sends_known_browser_more,
            1,
            10,
        ),
        ("calls_per_challenge", limits.calls_per_challenge, 1, 10),
        (
            "sends_per_visitor_day",
            limits.sends_per_visitor_day,
            1,
            10_000,
        ),
        ("sends_per_range", limits.sends_per_range, 1, 100_000),
        ("range_least_percent", limits.range_least_percent, 1, 100),
        ("sends_per_minute", limits.sends_per_minute, 1, 10_000_000),
        ("spend_alarm_percent", limits.spend_alarm_percent, 1, 100),
        (
            "sessions_per_account",
            limits.sessions_per_account,
            1,
            1_000,
        ),
    ] {
        number(
            found,
            &format!("limits.{name}"),
            u64::from(value),
            least,
            most,
        );
    }
    for (name, value, least, most) in [
        (
            "spend_per_day_kopecks",
            limits.spend_per_day_kopecks,
            1,
            1_000_000_000_000,
        ),
        ("sms_price_kopecks", limits.sms_price_kopecks, 0, 1_000_000),
        (
            "call_price_kopecks",
            limits.call_price_kopecks,
            0,
            1_000_000,
        ),
    ] {
        number(found, &format!("limits.{name}"), value, least, most);
    }
}

fn resend_waits(limits: &Limits, found: &mut Findings) {
    let waits = &limits.resend_waits;
    let remedy = "List at least one span, each 30s or more and not below the one before, like [\"60s\", \"2m\"]";
    if waits.is_empty() {
        found.refuse("limits.resend_waits", "the list is empty", remedy);
    } else if waits.iter().any(|wait| *wait < Duration::from_secs(30)) {
        found.refuse("limits.resend_waits", "a wait is shorter than 30s", remedy);
    } else if !waits.is_sorted() {
        found.refuse(
            "limits.resend_waits",
            "a wait is shorter than the one before",
            remedy,
        );
    }
}

/// Limits that make no sense beside each other.
fn order(limits: &Limits, found: &mut Findings) {
    for (small, large, smaller, larger) in [
        (
            "sends_per_number_hour",
            "sends_per_number_day",
            limits.sends_per_number_hour,
            limits.sends_per_number_day,
        ),
        (
            "wrong_codes_per_identifier_hour",
            "wrong_codes_per_identifier_day",
            limits.wrong_codes_per_identifier_hour,
            limits.wrong_codes_per_identifier_day,
        ),
        (
            "wrong_codes_per_address",
            "wrong_codes_per_network",
            limits.wrong_codes_per_address,
            limits.wrong_codes_per_network,
        ),
    ] {
        if smaller > larger {
            found.refuse(
                &format!("limits.{small}"),
                format!("it is above limits.{large}, so it never counts"),
                format!("Lower it or raise limits.{large}"),
            );
        }
    }
    if limits.rest_first > limits.rest_longest {
        found.refuse(
            "limits.rest_first",
            "it is longer than limits.rest_longest",
            "Lower it",
        );
    }
    if limits.bank_lock_idle > limits.bank_session_longest {
        found.refuse(
            "limits.bank_lock_idle",
            "it is longer than limits.bank_session_longest",
            "Lower it",
        );
    }
}
