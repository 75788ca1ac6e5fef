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
        known_sends_more: size(limits.sends_known_browser_more),
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
        bank_idle: limits.bank_lock_idle,
        bank_life: limits.bank_session_longest,
        sessions_max: size(limits.sessions_per_account),
        change_hold: limits.change_hold,
        undo_life: limits.change_undo,
        ..Policy::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which limit is which number.
    const REACHED: [&str; 37] = [
        "bank_lock_idle -> bank_idle",
        "bank_session_longest -> bank_life",
        "call_price_kopecks -> call_price",
        "calls_per_challenge -> calls_per_hour",
        "change_hold -> change_hold",
        "change_undo -> undo_life",
        "code_lifetime -> code_life",
        "code_tries -> code_tries",
        "countries -> countries",
        "known_browser_call_tries -> short_code_tries",
        "no_code_help_after -> no_code_help_after",
        "range_block -> range_block",
        "range_least_percent -> range_conversion_percent",
        "range_window -> range_window",
        "resend_waits -> send_waits",
        "rest_first -> rest_first",
        "rest_longest -> rest_most",
        "sends_known_browser_more -> known_sends_more",
        "sends_per_minute -> sends_per_minute",
        "sends_per_number_day -> sends_per_day",
        "sends_per_number_hour -> sends_per_hour",
        "sends_per_range -> range_sends",
        "sends_per_visitor_day -> network_sends_per_day",
        "sessions_per_account -> sessions_max",
        "shop_session_idle -> session_idle",
        "sms_price_kopecks -> sms_price",
        "spend_alarm_percent -> alarm_percent",
        "spend_per_day_kopecks -> budget_per_day",
        "spray_least_tries -> spray_floor",
        "spray_window -> spray_window",
        "spray_wrong_percent -> spray_percent",
        "wrong_codes_before_rest -> wrong_rests",
        "wrong_codes_per_address -> network_wrong",
        "wrong_codes_per_identifier_day -> wrong_per_day",
        "wrong_codes_per_identifier_hour -> wrong_per_hour",
        "wrong_codes_per_network -> site_wrong",
        "wrong_codes_window -> wrong_window",
    ];

    /// What is tested with the policy's own numbers is what is served: both have the rules' numbers.
    #[test]
    fn the_defaults_are_one() {
        let (served, tested) = (of(&Limits::default()), Policy::default());
        assert_eq!(format!("{served:#?}"), format!("{tested:#?}"));
    }

    /// Each limit moves its own number and no other.
    #[test]
    fn each_limit_reaches_its_number() {
        let toml = toml::Table::try_from(Limits::default()).unwrap();
        let before = one_line_each(&of(&Limits::default()));
        let mut reached = Vec::new();
        for (name, value) in &toml {
            let other = match value {
                toml::Value::Integer(n) => toml::Value::Integer(n + 1),
                toml::Value::String(_) => toml::Value::String("427s".to_owned()),
                toml::Value::Array(list) if list.iter().all(toml::Value::is_integer) => {
                    toml::Value::Array(vec![toml::Value::Integer(375)])
                }
                toml::Value::Array(_) => {
                    toml::Value::Array(vec![toml::Value::String("427s".to_owned())])
                }
                other => panic!("{name} is {other}"),
            };
            let mut changed = toml.clone();
            changed.insert(name.clone(), other);
            let after = one_line_each(&of(&changed.try_into::<Limits>().unwrap()));
            let numbers: std::collections::BTreeSet<&str> = fields(&before)
                .zip(fields(&after))
                .filter(|(before, after)| before.1 != after.1)
                .map(|(before, _)| before.0)
                .collect();
            reached.push(format!("{name} -> {}", Vec::from_iter(numbers).join(", ")));
        }
        assert_eq!(reached, REACHED);
    }

    fn one_line_each(policy: &Policy) -> String {
        format!("{policy:#?}").replace("\n        ", " ")
    }

    fn fields(text: &str) -> impl Iterator<Item = (&str, &str)> {
        text.lines().filter_map(|line| line.trim().split_once(": "))
    }
}
