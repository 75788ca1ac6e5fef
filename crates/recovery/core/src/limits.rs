//! How many cases may be started, and how long they live.
//!
//! What a person is told depends on the network and on the identifier alone, never on the account (A2): a limit of
//! the account that was told would say which phone and which address lead to the same one. So a start beyond the
//! account's own limit (A40) is answered like any other, and its case is surplus: it never gets to a reviewer.

use std::time::Duration;

/// Starts of one network address in an hour (A2).
pub const STARTS_A_NETWORK: usize = 3;
/// The window of networks.
pub const NETWORK_WINDOW: Duration = Duration::from_secs(3_600);
/// Starts with one identifier in a day (A2).
pub const STARTS_AN_IDENTIFIER: usize = 3;
/// The window of identifiers.
pub const IDENTIFIER_WINDOW: Duration = Duration::from_secs(24 * 3_600);
/// Open cases of one account that count (A40).
pub const OPEN_MOST: usize = 2;
/// Cases of one account that count, in [`ACCOUNT_WINDOW`] (A40).
pub const STARTS_AN_ACCOUNT: usize = 3;
/// The window of accounts.
pub const ACCOUNT_WINDOW: Duration = Duration::from_secs(30 * 24 * 3_600);
/// A case that is not submitted ends then, and with it everything that was typed.
pub const DRAFT_LIFE: Duration = Duration::from_secs(7 * 24 * 3_600);
/// How long a row is kept after its case has ended: longer than it counts.
pub const KEPT: Duration = Duration::from_secs(31 * 24 * 3_600);

/// Whether a case counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Within the account's limits.
    Counts,
    /// Beyond them: kept, shown to its claimant like any other, never reviewed.
    Surplus,
}

/// Whether one more case of an account counts, `open` and `lately` being those that count already.
pub const fn standing(open: usize, lately: usize) -> Standing {
    if open < OPEN_MOST && lately < STARTS_AN_ACCOUNT {
        Standing::Counts
    } else {
        Standing::Surplus
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A40: whatever is started and closed whenever, never more than two open cases count, and never more than
        /// three in any thirty days.
        #[test]
        fn an_account_never_has_more(events in prop::collection::vec((0_u64..20, any::<bool>()), 1..120)) {
            let (mut day, mut cases) = (0_u64, Vec::<(u64, bool)>::new());
            for (wait, starts) in events {
                day += wait;
                if starts {
                    let open = cases.iter().filter(|(_, open)| *open).count();
                    let lately = cases.iter().filter(|(at, _)| day - at < 30).count();
                    if standing(open, lately) == Standing::Counts {
                        cases.push((day, true));
                    }
                } else if let Some(case) = cases.iter_mut().find(|(_, open)| *open) {
                    case.1 = false;
                }
                prop_assert!(cases.iter().filter(|(_, open)| *open).count() <= OPEN_MOST);
                prop_assert!(cases.iter().filter(|(at, _)| day - at < 30).count() <= STARTS_AN_ACCOUNT);
            }
        }
    }

    /// A row outlives the window it counts in.
    #[test]
    fn rows_are_kept_long_enough() {
        const { assert!(KEPT.as_secs() > ACCOUNT_WINDOW.as_secs()) };
        const { assert!(DRAFT_LIFE.as_secs() < ACCOUNT_WINDOW.as_secs()) };
    }
}
