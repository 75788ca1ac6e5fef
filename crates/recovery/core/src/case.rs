//! The life of a case: every state there is, and what may happen in it.
//!
//! `draft → submitted → checked → claimed(A) → recommended(A) → confirmed(B≠A) → restricted → executed`; a reviewer
//! may ask for one thing, after which the case is submitted again; declined, expired and stopped are ends. The
//! owner's stop wins until the case is executed (A38). A step consumes the state it was taken in.

use serde::{Deserialize, Serialize};

kernel::id! {
    /// A person of the house who decides cases.
    pub ReviewerId;
}

/// What has to be there before a case is submitted (RE-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The phone to be used, proved by a code.
    Phone,
    /// Surname, given name and birth date.
    Person,
    /// A photo of the passport's main spread.
    PassportPhoto,
    /// A selfie with the passport.
    Selfie,
}

impl Proof {
    /// All of them, in the order they are asked for.
    pub const ALL: [Self; 4] = [Self::Phone, Self::Person, Self::PassportPhoto, Self::Selfie];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Person => "person",
            Self::PassportPhoto => "passport_photo",
            Self::Selfie => "selfie",
        }
    }
}

/// Which proofs a case has at the moment of a step; read anew in the transaction of the step (A41).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each proof is there or not, whatever of the others"
)]
pub struct Proofs {
    /// The phone to be used was proved, and its value has not changed since (A42).
    pub phone: bool,
    /// Surname, given name and birth date are there.
    pub person: bool,
    /// The photo of the passport was taken.
    pub passport_photo: bool,
    /// The selfie was taken.
    pub selfie: bool,
}

impl Proofs {
    /// Whether one of them is there.
    pub const fn has(self, proof: Proof) -> bool {
        match proof {
            Proof::Phone => self.phone,
            Proof::Person => self.person,
            Proof::PassportPhoto => self.passport_photo,
            Proof::Selfie => self.selfie,
        }
    }

    /// The first that is missing; `None` when the case may be submitted.
    pub fn missing(self) -> Option<Proof> {
        Proof::ALL.into_iter().find(|proof| !self.has(*proof))
    }
}

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Being filled in.
    Draft,
    /// Handed in.
    Submitted,
    /// Seen by the machine's checks, waits for a reviewer.
    Checked,
    /// A reviewer has it.
    Claimed(ReviewerId),
    /// A reviewer recommends approval; another one has to look.
    Recommended(ReviewerId),
    /// Approved by the second reviewer.
    Confirmed,
    /// One thing is asked of the claimant.
    Asked,
    /// In effect without power: access, but neither money nor changes, until the hold ends.
    Restricted,
    /// In effect.
    Executed,
    /// Declined, with a reason.
    Declined,
    /// Not handed in in time.
    Expired,
    /// Stopped by the owner from an old channel.
    Stopped,
}

/// What happens to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The claimant hands it in, with what there is.
    Submit(Proofs),
    /// The machine has looked.
    Check,
    /// A reviewer takes it.
    Claim(ReviewerId),
    /// The reviewer recommends approval.
    Recommend(ReviewerId),
    /// The reviewer asks for one thing.
    Ask(ReviewerId),
    /// A reviewer declines.
    Decline(ReviewerId),
    /// The second reviewer agrees.
    Confirm(ReviewerId),
    /// Access is given, under the hold.
    Restrict,
    /// The hold is over.
    Execute,
    /// Its time is over.
    Expire,
    /// The owner stops it.
    Stop,
}

/// Why a step is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not in this state.
    #[error("not in this state")]
    NotNow,
    /// This proof is missing.
    #[error("a proof is missing")]
    Missing(Proof),
    /// Only the reviewer who has the case.
    #[error("another reviewer has the case")]
    NotTheirs,
    /// Maker is not checker.
    #[error("the same reviewer twice")]
    SameReviewer,
}

impl State {
    /// Takes a step.
    pub fn take(self, step: Step) -> Result<Self, Refused> {
        match (self, step) {
            (Self::Draft | Self::Asked, Step::Submit(proofs)) => match proofs.missing() {
                None => Ok(Self::Submitted),
                Some(proof) => Err(Refused::Missing(proof)),
            },
            (Self::Submitted, Step::Check) => Ok(Self::Checked),
            (Self::Checked, Step::Claim(by)) => Ok(Self::Claimed(by)),
            (Self::Claimed(holder), Step::Recommend(by)) => {
                only(holder, by).map(|()| Self::Recommended(by))
            }
            (Self::Claimed(holder), Step::Ask(by)) => only(holder, by).map(|()| Self::Asked),
            (Self::Claimed(holder), Step::Decline(by)) => only(holder, by).map(|()| Self::Declined),
            (Self::Recommended(first), Step::Confirm(by)) => {
                another(first, by).map(|()| Self::Confirmed)
            }
            (Self::Recommended(first), Step::Decline(by)) => {
                another(first, by).map(|()| Self::Declined)
            }
            (Self::Confirmed, Step::Restrict) => Ok(Self::Restricted),
            (Self::Restricted, Step::Execute) => Ok(Self::Executed),
            (Self::Draft | Self::Asked, Step::Expire) => Ok(Self::Expired),
            (state, Step::Stop) if state.is_open() => Ok(Self::Stopped),
            _ => Err(Refused::NotNow),
        }
    }

    /// Whether anything may still happen to it.
    pub const fn is_open(self) -> bool {
        !matches!(
            self,
            Self::Executed | Self::Declined | Self::Expired | Self::Stopped
        )
    }

    /// The stable name in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Checked => "checked",
            Self::Claimed(_) => "claimed",
            Self::Recommended(_) => "recommended",
            Self::Confirmed => "confirmed",
            Self::Asked => "asked",
            Self::Restricted => "restricted",
            Self::Executed => "executed",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::Stopped => "stopped",
        }
    }

    /// From the stable name, with the reviewer that some states name.
    pub fn from_name(name: &str, reviewer: Option<ReviewerId>) -> Option<Self> {
        Some(match (name, reviewer) {
            ("draft", None) => Self::Draft,
            ("submitted", None) => Self::Submitted,
            ("checked", None) => Self::Checked,
            ("claimed", Some(by)) => Self::Claimed(by),
            ("recommended", Some(by)) => Self::Recommended(by),
            ("confirmed", None) => Self::Confirmed,
            ("asked", None) => Self::Asked,
            ("restricted", None) => Self::Restricted,
            ("executed", None) => Self::Executed,
            ("declined", None) => Self::Declined,
            ("expired", None) => Self::Expired,
            ("stopped", None) => Self::Stopped,
            _ => return None,
        })
    }
}

fn only(holder: ReviewerId, by: ReviewerId) -> Result<(), Refused> {
    if holder == by {
        Ok(())
    } else {
        Err(Refused::NotTheirs)
    }
}

fn another(first: ReviewerId, by: ReviewerId) -> Result<(), Refused> {
    if first == by {
        Err(Refused::SameReviewer)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reviewer(n: u8) -> ReviewerId {
        ReviewerId::from_bytes(&[n; 16]).unwrap()
    }

    const WHOLE: Proofs = Proofs {
        phone: true,
        person: true,
        passport_photo: true,
        selfie: true,
    };

    fn steps() -> [Step; 11] {
        let (a, b) = (reviewer(1), reviewer(2));
        [
            Step::Submit(WHOLE),
            Step::Check,
            Step::Claim(a),
            Step::Recommend(a),
            Step::Ask(a),
            Step::Decline(a),
            Step::Confirm(b),
            Step::Restrict,
            Step::Execute,
            Step::Expire,
            Step::Stop,
        ]
    }

    fn states() -> [State; 12] {
        let a = reviewer(1);
        [
            State::Draft,
            State::Submitted,
            State::Checked,
            State::Claimed(a),
            State::Recommended(a),
            State::Confirmed,
            State::Asked,
            State::Restricted,
            State::Executed,
            State::Declined,
            State::Expired,
            State::Stopped,
        ]
    }

    fn name(step: Step) -> &'static str {
        match step {
            Step::Submit(_) => "submit",
            Step::Check => "check",
            Step::Claim(_) => "claim",
            Step::Recommend(_) => "recommend",
            Step::Ask(_) => "ask",
            Step::Decline(_) => "decline",
            Step::Confirm(_) => "confirm",
            Step::Restrict => "restrict",
            Step::Execute => "execute",
            Step::Expire => "expire",
            Step::Stop => "stop",
        }
    }

    /// A41: every state with every step; what is not in this table is refused.
    #[test]
    fn every_state_with_every_step() {
        let table = "
            draft submit submitted | draft expire expired | draft stop stopped
            submitted check checked | submitted stop stopped
            checked claim claimed | checked stop stopped
            claimed recommend recommended | claimed ask asked | claimed decline declined | claimed stop stopped
            recommended confirm confirmed | recommended stop stopped
            confirmed restrict restricted | confirmed stop stopped
            asked submit submitted | asked expire expired | asked stop stopped
            restricted execute executed | restricted stop stopped";
        let legal: Vec<Vec<&str>> = table
            .split(['|', '\n'])
            .map(|row| row.split_whitespace().collect::<Vec<_>>())
            .filter(|row| row.len() == 3)
            .collect();
        let mut passed = 0;
        for state in states() {
            for step in steps() {
                let row = legal
                    .iter()
                    .find(|row| row[0] == state.as_str() && row[1] == name(step));
                let taken = state.take(step).map(State::as_str).ok();
                assert_eq!(taken, row.map(|row| row[2]), "{state:?} {}", name(step));
                passed += usize::from(taken.is_some());
            }
        }
        assert_eq!(passed, legal.len());
    }

    /// A41: all pairs of steps from a draft, N×N: the second is legal only where the first led.
    #[test]
    fn every_pair_of_steps_from_a_draft() {
        let mut legal = Vec::new();
        for first in steps() {
            for second in steps() {
                let both = State::Draft
                    .take(first)
                    .and_then(|state| state.take(second));
                if both.is_ok() {
                    legal.push((name(first), name(second)));
                }
            }
        }
        assert_eq!(legal, [("submit", "check"), ("submit", "stop")]);
    }

    /// Maker is not checker, and only who holds a case decides it.
    #[test]
    fn two_reviewers() {
        let (a, b) = (reviewer(1), reviewer(2));
        let held = State::Claimed(a);
        assert_eq!(held.take(Step::Recommend(b)), Err(Refused::NotTheirs));
        assert_eq!(held.take(Step::Decline(b)), Err(Refused::NotTheirs));
        let recommended = held.take(Step::Recommend(a)).unwrap();
        assert_eq!(
            recommended.take(Step::Confirm(a)),
            Err(Refused::SameReviewer)
        );
        assert_eq!(
            recommended.take(Step::Decline(a)),
            Err(Refused::SameReviewer)
        );
        assert_eq!(recommended.take(Step::Confirm(b)), Ok(State::Confirmed));
        assert_eq!(recommended.take(Step::Decline(b)), Ok(State::Declined));
    }

    #[test]
    fn names_round_trip() {
        let (a, mut seen) = (reviewer(1), 0);
        for state in states() {
            let by = matches!(state, State::Claimed(_) | State::Recommended(_)).then_some(a);
            assert_eq!(State::from_name(state.as_str(), by), Some(state));
            seen += 1;
        }
        assert_eq!(seen, 12);
        assert_eq!(State::from_name("claimed", None), None);
        assert_eq!(State::from_name("nothing", None), None);
    }

    fn proofs() -> impl Strategy<Value = Proofs> {
        any::<[bool; 4]>().prop_map(|[phone, person, passport_photo, selfie]| Proofs {
            phone,
            person,
            passport_photo,
            selfie,
        })
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            proofs().prop_map(Step::Submit),
            (0_usize..11, 1_u8..4).prop_map(|(which, n)| match steps()[which] {
                Step::Claim(_) => Step::Claim(reviewer(n)),
                Step::Recommend(_) => Step::Recommend(reviewer(n)),
                Step::Ask(_) => Step::Ask(reviewer(n)),
                Step::Decline(_) => Step::Decline(reviewer(n)),
                Step::Confirm(_) => Step::Confirm(reviewer(n)),
                // Handing in whole is for the other branch to come by.
                Step::Submit(_) => Step::Submit(Proofs::default()),
                other => other,
            }),
        ]
    }

    proptest! {
        /// A41: no sequence of steps leaves the draft towards access unless every proof was there at the moment it
        /// was handed in; and nothing happens after an end (A38: the owner's stop wins).
        #[test]
        fn no_way_around_a_proof(steps in prop::collection::vec(any_step(), 0..60)) {
            let (mut state, mut whole) = (State::Draft, false);
            for step in steps {
                let before = state;
                if let Ok(next) = state.take(step) {
                    prop_assert!(before.is_open());
                    if let Step::Submit(proofs) = step {
                        prop_assert_eq!(proofs.missing(), None);
                        whole = true;
                    }
                    state = next;
                }
                let is_before = matches!(state, State::Draft | State::Expired | State::Stopped);
                prop_assert!(whole || is_before, "{state:?}");
            }
        }
    }
}
