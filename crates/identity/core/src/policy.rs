//! The numbers of identity. Defaults are those of the product's rules; an operator may change all but the
//! ones marked fixed.

use std::time::Duration;

use crate::challenge::Channel;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Code sign-in closes for an identifier after this many wrong tries in a row, until a stronger factor is
/// shown (ID-2a). Fixed: NIST SP 800-63B-4 §3.2.2 allows no more.
pub const WRONG_CLOSES: u32 = 100;

/// All limits of identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Life of a code (ID-2). NIST allows at most 10 minutes.
    pub code_life: Duration,
    /// Wrong tries after which one code dies (ID-2).
    pub code_tries: u32,
    /// The same for the 4-digit call code in a known browser (ID-2).
    pub short_code_tries: u32,
    /// Waits before the second, third, … code; the last one repeats (ID-2).
    pub send_waits: Vec<Duration>,
    /// Silence after which the waits begin anew.
    pub send_calm: Duration,
    /// Codes to one identifier in an hour, over all purposes (ID-2b).
    pub sends_per_hour: usize,
    /// Codes to one identifier in a day, over all purposes (ID-2b).
    pub sends_per_day: usize,
    /// So many more in an hour and in a day for a browser that the account knows: what a stranger has used up
    /// does not shut the owner out of it (ID-2a, A11).
    pub known_sends_more: usize,
    /// Calls for one challenge's life (A23).
    pub calls_per_hour: usize,
    /// The ways out that this installation has. No code is asked for by another, and none is offered.
    pub channels: Vec<Channel>,
    /// The call gateway chooses the calling number, so that a call's code is learnt when the gateway answers
    /// (ID-2).
    pub calls_learnt: bool,
    /// Codes asked for from one network and device in a day (ID-2b).
    pub network_sends_per_day: usize,
    /// Codes to one number range (last four digits left out) within `range_window` (A19).
    pub range_sends: usize,
    /// Over which they are counted.
    pub range_window: Duration,
    /// Share of a range's codes that must be used, in percent, once `range_sends` were sent (A19).
    pub range_conversion_percent: u64,
    /// How long a range without takers is refused (A19).
    pub range_block: Duration,
    /// Country calling codes that messages may go to (ID-2b, A21).
    pub countries: Vec<u16>,
    /// Wrong tries in a row after which code sign-in rests (ID-2a).
    pub wrong_rests: u32,
    /// The first rest; doubles with each further wrong try.
    pub rest_first: Duration,
    /// The longest single rest.
    pub rest_most: Duration,
    /// Wrong tries for one identifier in an hour (A9).
    pub wrong_per_hour: usize,
    /// Wrong tries for one identifier in a day: 30 of 10⁶ keeps a day's chance under 3·10⁻⁵ (A9).
    pub wrong_per_day: usize,
    /// Wrong tries from one address within `wrong_window` (A10).
    pub network_wrong: usize,
    /// Wrong tries from one /24 or /64 within `wrong_window` (A10).
    pub site_wrong: usize,
    /// Over which both are counted.
    pub wrong_window: Duration,
    /// Share of wrong tries in the whole installation, in percent over `spray_window`, that trips the slow
    /// mode (A10).
    pub spray_percent: u64,
    /// Over which it is counted, in whole slots of five minutes, begun ones included.
    pub spray_window: Duration,
    /// Tries below which the share says nothing.
    pub spray_floor: u64,
    /// Tries one code allows in the slow mode.
    pub slow_code_tries: u32,
    /// Money the installation may spend on codes in a day, in minor units (ID-2b).
    pub budget_per_day: i64,
    /// Codes by SMS and call that the installation may send in a minute (ID-2b, A20).
    pub sends_per_minute: u64,
    /// Share of either budget, in percent, at which the operator is told (A20).
    pub alarm_percent: u64,
    /// Price of one SMS, minor units.
    pub sms_price: i64,
    /// Price of one call, minor units.
    pub call_price: i64,
    /// Silence after a code was sent, after which the page says what to check (ID-2).
    pub no_code_help_after: Duration,
    /// How long a proved number waits for the consent that makes it an account.
    pub proof_life: Duration,
    /// Idle life of a shop session (ID-9).
    pub session_idle: Duration,
    /// A session's last-seen time is written at most this often.
    pub session_touch: Duration,
    /// Idle life of the bank section (ID-9).
    pub bank_idle: Duration,
    /// Life of the bank section, used or not (ID-9).
    pub bank_life: Duration,
    /// The bank section's last use is written at most this often.
    pub bank_touch: Duration,
    /// Live sessions of one account; the longest unused goes first (A29).
    pub sessions_max: usize,
    /// Life of a «это не я» link.
    pub alarm_life: Duration,
    /// Life of a «Подтвердить почту» link.
    pub email_link_life: Duration,
    /// A number not proved for this long is asked about (ID-8a).
    pub identifier_ages: Duration,
    /// How long a doubted number waits before its own code may clear it again, where nothing stronger is there
    /// to do so (ID-8a).
    pub doubt_holds: Duration,
    /// Life of the code that a computer shows to be let in (ID-7).
    pub handover_life: Duration,
    /// How long a let-in computer has to pick its session up.
    pub handover_pickup: Duration,
    /// Such codes from one network in ten minutes.
    pub handovers: usize,
    /// A session that was let in itself lets nobody in for this long (ID-7).
    pub handover_ripens: Duration,
    /// Trusted people of one account (ID-8a).
    pub trusted_most: usize,
    /// People named as trusted in a day, removed ones included: each gets a message.
    pub trusted_a_day: usize,
    /// How long a change waits whose owner has lost what is to be replaced (CH-2). At least two days.
    pub change_hold: Duration,
    /// Life of the link that undoes a change (A48).
    pub undo_life: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            code_life: MINUTE.saturating_mul(5),
            code_tries: 5,
            short_code_tries: 2,
            send_waits: [1, 2, 5, 10].map(|n| MINUTE.saturating_mul(n)).to_vec(),
            send_calm: HOUR,
            sends_per_hour: 5,
            sends_per_day: 10,
            known_sends_more: 3,
            calls_per_hour: 2,
            channels: vec![Channel::Sms, Channel::Call, Channel::Email],
            calls_learnt: false,
            network_sends_per_day: 20,
            range_sends: 20,
            range_window: MINUTE.saturating_mul(10),
            range_conversion_percent: 20,
            range_block: DAY,
            countries: vec![7],
            wrong_rests: 10,
            rest_first: MINUTE.saturating_mul(5),
            rest_most: HOUR,
            wrong_per_hour: 10,
            wrong_per_day: 30,
            network_wrong: 20,
            site_wrong: 100,
            wrong_window: MINUTE.saturating_mul(10),
            spray_percent: 30,
            spray_window: MINUTE.saturating_mul(5),
            spray_floor: 100,
            slow_code_tries: 2,
            budget_per_day: 5_000_000,
            sends_per_minute: 600,
            alarm_percent: 80,
            sms_price: 500,
            call_price: 100,
            no_code_help_after: MINUTE.saturating_mul(10),
            proof_life: MINUTE.saturating_mul(15),
            session_idle: DAY.saturating_mul(90),
            session_touch: MINUTE.saturating_mul(5),
            bank_idle: MINUTE.saturating_mul(5),
            bank_life: HOUR.saturating_mul(12),
            bank_touch: Duration::from_secs(15),
            sessions_max: 50,
            alarm_life: DAY.saturating_mul(30),
            email_link_life: DAY,
            identifier_ages: DAY.saturating_mul(365),
            doubt_holds: DAY.saturating_mul(3),
            handover_life: MINUTE.saturating_mul(2),
            handover_pickup: MINUTE.saturating_mul(2),
            handovers: 30,
            handover_ripens: DAY,
            trusted_most: 2,
            trusted_a_day: 4,
            change_hold: DAY.saturating_mul(14),
            undo_life: DAY.saturating_mul(14),
        }
    }
}
