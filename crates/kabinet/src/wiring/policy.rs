//! The operator's limits as identity wants them.

use config::Limits;
use identity_core::Policy;

/// Numbers that identity counts by; what has no setting keeps its default.
pub(super) fn of(limits: &Limits) -> Policy {
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let money = |kopecks: u64| i64::try_from(kopecks).unwrap_or(i64::MAX);
    Policy {
        code_life: limits.code_lifetime,
        code_tries: limits.code_tries,
        short_code_tries: limits.known_browser_call_tries,
        send_waits: limits.resend_waits.clone(),
        sends_per_hour: size(limits.sends_per_number_hour),
        sends_per_day: size(limits.sends_per_number_day),
        calls_per_hour: size(limits.calls_per_challenge),
        network_sends_per_day: size(limits.sends_per_visitor_day),
        range_sends: size(limits.sends_per_range),
        range_window: limits.range_window,
        range_conversion_percent: u64::from(limits.range_least_percent),
        range_block: limits.range_block,
        countries: limits.countries.clone(),
        wrong_rests: limits.wrong_codes_before_rest,
        rest_first: limits.rest_first,
        rest_most: limits.rest_longest,
        wrong_per_hour: size(limits.wrong_codes_per_identifier_hour),
        wrong_per_day: size(limits.wrong_codes_per_identifier_day),
        network_wrong: size(limits.wrong_codes_per_address),
        site_wrong: size(limits.wrong_codes_per_network),
        wrong_window: limits.wrong_codes_window,
        spray_window: limits.spray_window,
        spray_percent: u64::from(limits.spray_wrong_percent),
        spray_floor: u64::from(limits.spray_least_tries),
        budget_per_day: money(limits.spend_per_day_kopecks),
        sends_per_minute: u64::from(limits.sends_per_minute),
        alarm_percent: u64::from(limits.spend_alarm_percent),
        no_code_help_after: limits.no_code_help_after,
        sms_price: money(limits.sms_price_kopecks),
        call_price: money(limits.call_price_kopecks),
        session_idle: limits.shop_session_idle,
        sessions_max: size(limits.sessions_per_account),
        ..Policy::default()
    }
}
