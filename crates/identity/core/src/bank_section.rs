//! The bank section of a session: open, locked by idleness, over (ID-9).

use kernel::Timestamp;

use crate::Policy;

/// Where the bank section of a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Open.
    Open {
        /// Locks then, unless it is used before.
        locks_at: Timestamp,
        /// Ends then, used or not.
        ends_at: Timestamp,
    },
    /// Locked: never opened, idle too long, or over.
    Locked,
}

/// Where it stands now.
pub fn section(
    opened_at: Timestamp,
    seen_at: Timestamp,
    policy: &Policy,
    now: Timestamp,
) -> Section {
    let locks_at = seen_at.saturating_add(policy.bank_idle);
    let ends_at = opened_at.saturating_add(policy.bank_life);
    if now < opened_at || now >= locks_at || now >= ends_at {
        return Section::Locked;
    }
    Section::Open { locks_at, ends_at }
}

/// Whether its last use is due to be written: often enough that nobody is locked out while reading, seldom
/// enough that a page costs no write.
pub fn is_due(seen_at: Timestamp, policy: &Policy, now: Timestamp) -> bool {
    now.since(seen_at) >= policy.bank_touch
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    proptest! {
        /// ID-9: whatever is done in it, it is never open after 5 idle minutes or after 12 hours.
        #[test]
        fn it_locks(uses in prop::collection::vec(0_u64..900, 1..200)) {
            let policy = Policy::default();
            let opened = Timestamp::from_secs(1_000);
            let mut seen = opened;
            let mut now = opened;
            for pause in uses {
                now = now.saturating_add(Duration::from_secs(pause));
                let open = matches!(section(opened, seen, &policy, now), Section::Open { .. });
                let idle = now.since(seen) >= Duration::from_secs(300);
                let over = now.since(opened) >= Duration::from_secs(12 * 3_600);
                prop_assert_eq!(open, !idle && !over);
                if !open {
                    break;
                }
                if is_due(seen, &policy, now) {
                    seen = now;
                }
            }
        }
    }
}
