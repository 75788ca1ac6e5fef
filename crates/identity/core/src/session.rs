//! How long a session lives and which ones must go (ID-9).

use kernel::{SessionId, Timestamp};

use crate::Policy;

pub use crate::assurance::Method;

/// Whether a session last seen then is still alive.
pub fn is_alive(last_seen: Timestamp, policy: &Policy, now: Timestamp) -> bool {
    now.since(last_seen) < policy.session_idle
}

/// Whether its last-seen time is due to be written.
pub fn is_due(last_seen: Timestamp, policy: &Policy, now: Timestamp) -> bool {
    now.since(last_seen) >= policy.session_touch
}

/// The sessions that must end so that one more fits: the dead ones, then the longest unused (A29).
pub fn surplus(live: &[(SessionId, Timestamp)], policy: &Policy, now: Timestamp) -> Vec<SessionId> {
    let mut live: Vec<_> = live.to_vec();
    live.sort_by_key(|(_, last_seen)| std::cmp::Reverse(*last_seen));
    let room = policy.sessions_max.saturating_sub(1);
    live.iter()
        .enumerate()
        .filter(|(place, (_, last_seen))| *place >= room || !is_alive(*last_seen, policy, now))
        .map(|(_, (id, _))| *id)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(n: u64) -> SessionId {
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&n.to_be_bytes());
        SessionId::from_bytes(&bytes).unwrap()
    }

    proptest! {
        /// ID-9, A29: at most fifty live, the longest unused first out, nothing idle for 90 days kept.
        #[test]
        fn fifty_stay_and_the_latest_seen_at_that(seen in prop::collection::vec(0_i64..20_000_000, 0..120)) {
            let policy = Policy::default();
            let now = Timestamp::from_secs(20_000_000);
            let live: Vec<_> = (0..).map(id).zip(seen.iter().map(|s| Timestamp::from_secs(*s))).collect();
            let gone = surplus(&live, &policy, now);
            let (out, kept): (Vec<_>, Vec<_>) = live.iter().partition(|(id, _)| gone.contains(id));
            prop_assert!(kept.len() <= 49);
            prop_assert!(kept.iter().all(|(_, s)| is_alive(*s, &policy, now)));
            let oldest_kept = kept.iter().map(|(_, s)| *s).min();
            for (_, s) in out {
                prop_assert!(!is_alive(s, &policy, now) || oldest_kept.is_none_or(|k| s <= k));
            }
        }
    }
}
