//! Changing what leads to the account (CH-1 to CH-4): the life of a change that waits, who may stop it, and how.
//!
//! A change with the old number at hand is made at once and can be undone. One without it waits: the owner is told
//! three times, at the beginning, half-way and a day before the end, and each time with a link that stops it. It is
//! made when its time is over *and* the last word was a day ago, so that a server that slept tells first (A49).

use std::time::Duration;

use kernel::{Identifier, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Policy, assurance::Method, challenge::Purpose, second_factor};

/// Between the last word to the owner and the end, at least.
pub const LAST_WORD: Duration = Duration::from_secs(24 * 3_600);
/// Words to the owner while a change waits.
const WORDS: u32 = 3;

/// What is changed. There is one of each at most, and a phone always (CH-4): a kind is replaced, never removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The phone.
    Phone,
    /// The e-mail.
    Email,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Phone, Self::Email];

    /// The stable name, that of the identifier's kind.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
        }
    }

    /// From the stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Of an identifier.
    pub const fn of(identifier: &Identifier) -> Self {
        match identifier {
            Identifier::Phone(_) => Self::Phone,
            Identifier::Email(_) => Self::Email,
        }
    }

    /// What the code to the new one is for.
    pub const fn purpose(self) -> Purpose {
        match self {
            Self::Phone => Purpose::NewPhone,
            Self::Email => Purpose::NewEmail,
        }
    }

    /// Whether a code by this method proves the identifier of this kind and nothing more.
    pub const fn is_shown_by(self, method: Method) -> bool {
        match self {
            Self::Phone => matches!(method, Method::Sms | Method::Call),
            Self::Email => matches!(method, Method::Email),
        }
    }
}

/// A change that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// Since when.
    pub started_at: Timestamp,
    /// How often the owner was told.
    pub told: u32,
    /// When last.
    pub told_at: Timestamp,
    /// Whoever has only what is to be replaced has objected: the clock stands (CH-2).
    pub disputed_at: Option<Timestamp>,
}

/// What is to be done about a change that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// The owner is told.
    Tell,
    /// It is made.
    Make,
}

/// Who stops a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopper {
    /// Somebody who has shown more than what is to be replaced.
    Owner,
    /// Somebody who has only that: a thief, perhaps, or the number's next owner.
    Contested,
}

/// What stopping does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The change is over.
    Ended,
    /// Its clock stands from now on.
    Disputed(Hold),
    /// Its clock stood already: nothing more.
    Already,
}

impl Hold {
    /// One that begins now; the owner is told in the same transaction.
    pub const fn begun(now: Timestamp) -> Self {
        Self {
            started_at: now,
            told: 1,
            told_at: now,
            disputed_at: None,
        }
    }

    /// The moments at which the owner is told.
    fn words(&self, policy: &Policy) -> [Timestamp; 3] {
        let (hold, start) = (policy.change_hold, self.started_at);
        let last = hold.saturating_sub(LAST_WORD);
        let half = hold.checked_div(2).unwrap_or_default().min(last);
        [
            start,
            start.saturating_add(half),
            start.saturating_add(last),
        ]
    }

    /// When it is made if nobody stops it and every word goes out in time.
    pub fn ends_at(&self, policy: &Policy) -> Timestamp {
        let end = self.started_at.saturating_add(policy.change_hold);
        if self.told < WORDS {
            return end;
        }
        end.max(self.told_at.saturating_add(LAST_WORD))
    }

    /// When something is to be done next; `None` while the clock stands.
    pub fn next_at(&self, policy: &Policy) -> Option<Timestamp> {
        if self.disputed_at.is_some() {
            return None;
        }
        let word = usize::try_from(self.told).ok();
        let words = self.words(policy);
        let word = word.and_then(|told| words.get(told).copied());
        Some(word.unwrap_or_else(|| self.ends_at(policy)))
    }

    /// What is to be done now.
    pub fn due(&self, policy: &Policy, now: Timestamp) -> Option<Due> {
        let next = self.next_at(policy)?;
        (now >= next).then_some(if self.told < WORDS {
            Due::Tell
        } else {
            Due::Make
        })
    }

    /// After the owner was told: words that were missed meanwhile are not said one after the other.
    #[must_use]
    pub fn after_telling(self, policy: &Policy, now: Timestamp) -> Self {
        let words = self.words(policy);
        let passed = words.iter().filter(|at| **at <= now).count();
        let passed = u32::try_from(passed).unwrap_or(WORDS);
        Self {
            told: passed.max(self.told.saturating_add(1)).min(WORDS),
            told_at: now,
            ..self
        }
    }

    /// Somebody stops it.
    pub const fn stop(self, by: Stopper, now: Timestamp) -> Stopped {
        match (by, self.disputed_at) {
            (Stopper::Owner, _) => Stopped::Ended,
            (Stopper::Contested, Some(_)) => Stopped::Already,
            (Stopper::Contested, None) => Stopped::Disputed(Self {
                disputed_at: Some(now),
                ..self
            }),
        }
    }
}

/// What is known of somebody who stops a change from a session, or begins one by a code.
#[derive(Debug, Clone, Copy)]
pub struct Presser<'t> {
    /// What the session has shown.
    pub shown: &'t [Method],
    /// The account has known the browser since before the change began.
    pub is_known: bool,
}

/// Who that is: who shows nothing but a code to what is to be replaced, in a browser that is new here, may be anybody
/// who holds the old number.
pub fn stopper(kind: Kind, presser: Presser<'_>) -> Stopper {
    let shows_more = presser
        .shown
        .iter()
        .any(|method| second_factor::is_second(*method) || !kind.is_shown_by(*method));
    if presser.is_known || shows_more {
        Stopper::Owner
    } else {
        Stopper::Contested
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: u64 = 86_400;

    fn day(n: u64) -> Timestamp {
        Timestamp::from_secs(1_000_000).saturating_add(Duration::from_secs(n * DAY))
    }

    /// CH-2: told on day 0, 7 and 13, made on day 14, by a server that looks every day.
    #[test]
    fn a_change_waits_for_fourteen_days() {
        let policy = Policy::default();
        let mut hold = Hold::begun(day(0));
        let mut done = Vec::new();
        for n in 0..=20 {
            match hold.due(&policy, day(n)) {
                Some(Due::Tell) => {
                    hold = hold.after_telling(&policy, day(n));
                    done.push((n, Due::Tell));
                }
                Some(Due::Make) => {
                    done.push((n, Due::Make));
                    break;
                }
                None => {}
            }
        }
        assert_eq!(done, [(7, Due::Tell), (13, Due::Tell), (14, Due::Make)]);
        assert_eq!(hold.ends_at(&policy), day(14));
    }

    /// A49: a server that slept through everything tells first and waits for a day.
    #[test]
    fn a_server_that_slept_tells_first() {
        let policy = Policy::default();
        let hold = Hold::begun(day(0));
        assert_eq!(hold.due(&policy, day(40)), Some(Due::Tell));
        let hold = hold.after_telling(&policy, day(40));
        assert_eq!((hold.told, hold.due(&policy, day(40))), (3, None));
        assert_eq!(hold.due(&policy, day(41)), Some(Due::Make));
    }

    /// CH-2: who has only the old number stops the clock once; the owner ends the change at any time.
    #[test]
    fn who_stops_it() {
        let hold = Hold::begun(day(0));
        assert_eq!(hold.stop(Stopper::Owner, day(1)), Stopped::Ended);
        let Stopped::Disputed(stands) = hold.stop(Stopper::Contested, day(1)) else {
            panic!("the clock goes on")
        };
        assert_eq!(stands.next_at(&Policy::default()), None);
        assert_eq!(stands.due(&Policy::default(), day(400)), None);
        assert_eq!(stands.stop(Stopper::Contested, day(2)), Stopped::Already);
        assert_eq!(stands.stop(Stopper::Owner, day(2)), Stopped::Ended);
    }

    /// CH-2: a code to the old number in a new browser is the old number and nothing more.
    #[test]
    fn what_a_presser_is_worth() {
        use Method::{Call, Device, Email, Passcode, Passkey, Password, Sms, Totp};
        let table: [(Kind, &[Method], bool, Stopper); 9] = [
            (Kind::Phone, &[Sms], false, Stopper::Contested),
            (Kind::Phone, &[Call], false, Stopper::Contested),
            (Kind::Phone, &[], false, Stopper::Contested),
            (Kind::Phone, &[Sms], true, Stopper::Owner),
            (Kind::Phone, &[Sms, Totp], false, Stopper::Owner),
            (Kind::Phone, &[Email], false, Stopper::Owner),
            (Kind::Email, &[Email], false, Stopper::Contested),
            (Kind::Email, &[Sms], false, Stopper::Owner),
            (
                Kind::Phone,
                &[Passkey, Password, Passcode, Device],
                false,
                Stopper::Owner,
            ),
        ];
        for (kind, shown, is_known, expected) in table {
            let presser = Presser { shown, is_known };
            assert_eq!(stopper(kind, presser), expected, "{kind:?} {shown:?}");
        }
    }

    proptest! {
        /// CH-2, A49: however the server sleeps and wakes, the change is made once, never before its time, never
        /// within a day of the last word, and always after three words at most and one after half of its time.
        #[test]
        fn never_early_never_unsaid(
            naps in prop::collection::vec(0_u64..20 * DAY, 1..60), days in 2_u64..60,
        ) {
            let policy = Policy { change_hold: Duration::from_secs(days * DAY), ..Policy::default() };
            let start = day(0);
            let (mut now, mut hold) = (start, Hold::begun(start));
            let (mut words, mut made) = (vec![start], None);
            for nap in naps {
                now = now.saturating_add(Duration::from_secs(nap));
                match hold.due(&policy, now) {
                    Some(Due::Tell) => { hold = hold.after_telling(&policy, now); words.push(now); }
                    Some(Due::Make) => { made = Some(now); break; }
                    None => {}
                }
                prop_assert!(hold.told <= WORDS);
                prop_assert!(hold.next_at(&policy).is_some_and(|next| next > now) || hold.told < WORDS);
            }
            if let Some(made) = made {
                let last = words.last().copied().unwrap();
                prop_assert!(made.since(start) >= policy.change_hold);
                prop_assert!(made.since(last) >= LAST_WORD);
                prop_assert!(words.len() >= 2 && words.len() <= 3);
                prop_assert!(last.since(start) >= policy.change_hold.saturating_sub(LAST_WORD));
            }
        }
    }
}
