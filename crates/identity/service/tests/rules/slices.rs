//! A50: what leads to the account is not taken away slice by slice.

use std::sync::Arc;

use identity_core::own::Own;
use identity_service::{
    backup_code::Issue,
    passkeys,
    password::{self, RemovePassword, SetPassword},
    second_factor::{self, Always, NotAlways},
    session::SignedIn,
    step_up::{Performed, Progress, Sensitive, StepId},
    totp,
};
use kernel::Timestamp;
use testkit::{TestDb, race};

use crate::{
    house::{House, phone},
    passkey_tools::device,
    secret_tools::PASSWORD,
    tools::email,
};

const DAY: u64 = 86_400;

/// How an attempt to take something away ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Taken,
    /// It would have been, but for another rule.
    Kept,
    Needs(StepId),
    TooSoon(Timestamp),
}

fn end<T>(performed: Performed<T>, taken: impl Fn(&T) -> bool) -> End {
    match performed {
        Performed::Done(done) if taken(&done) => End::Taken,
        Performed::Done(_) => End::Kept,
        Performed::Needs(step) => End::Needs(step),
        Performed::TooSoon { until } => End::TooSoon(until),
        Performed::NothingToShow => panic!("nothing to show"),
        Performed::Frozen => panic!("frozen"),
    }
}

/// What a hijacker would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slice {
    App,
    Codes,
    Setting,
    Replace,
    Key(passkeys::PasskeyId),
}

impl House {
    async fn new_password(&self) -> SetPassword {
        let cmd = SetPassword::prepare(&self.env, &Own::default(), PASSWORD).await;
        cmd.unwrap().unwrap()
    }

    async fn take(&self, who: &Arc<SignedIn>, slice: Slice, step: Option<StepId>) -> End {
        match slice {
            Slice::App => {
                let done = self.perform(who, totp::Remove {}, step).await;
                end(done, |done| *done == totp::Removed::Done)
            }
            Slice::Codes => end(self.perform(who, Issue {}, step).await, |_| true),
            Slice::Setting => {
                let done = self.perform(who, NotAlways {}, step).await;
                end(done, |done| *done == second_factor::Set::Done)
            }
            Slice::Replace => {
                let cmd = self.new_password().await;
                // Another hash of the same password would be another content: the proof is of the session.
                end(self.perform(who, cmd, step).await, |_| true)
            }
            Slice::Key(id) => {
                let done = self.perform(who, passkeys::Remove { id }, step).await;
                end(done, |done| *done == passkeys::Removed::Done)
            }
        }
    }

    /// Takes with the password for a proof.
    async fn take_by_password(&self, who: &Arc<SignedIn>, slice: Slice) -> End {
        let step = match self.take(who, slice, None).await {
            End::Needs(step) => step,
            other => return other,
        };
        assert_eq!(
            self.prove_by_password(who, step, PASSWORD).await,
            Progress::Proved
        );
        match slice {
            Slice::Replace => self.take(who, slice, None).await,
            _ => self.take(who, slice, Some(step)).await,
        }
    }

    async fn prove_and_do<C>(&self, who: &Arc<SignedIn>, cmd: C) -> C::Done
    where
        C: Sensitive + Clone,
        C::Done: 'static,
    {
        let step = match self.perform(who, cmd.clone(), None).await {
            Performed::Done(done) => return done,
            Performed::Needs(step) => step,
            _ => panic!("not possible"),
        };
        let shown = self.prove_by_password(who, step, PASSWORD).await;
        assert_eq!(shown, Progress::Proved);
        match self.perform(who, cmd, Some(step)).await {
            Performed::Done(done) => done,
            _ => panic!("not done"),
        }
    }

    /// An account with a password, an app, backup codes, two passkeys and the setting, furnished in one sitting.
    async fn furnished(&self) -> (Arc<SignedIn>, Vec<Slice>) {
        let (_, who) = self.owner().await;
        self.with_email(&who, &email("anna@example.org")).await;
        let mut slices = Vec::new();
        for seed in [1, 2] {
            // An e-mail makes the codes two, so the keys come by the password's proof.
            if seed == 1 {
                self.first_password(&who).await;
            }
            let id = self.with_passkey(&who, &mut device(seed)).await;
            slices.push(Slice::Key(id));
        }
        self.with_totp(&who).await;
        self.prove_and_do(&who, Issue {}).await;
        assert_eq!(
            self.prove_and_do(&who, Always {}).await,
            second_factor::Set::Done
        );
        slices.extend([Slice::App, Slice::Codes, Slice::Setting, Slice::Replace]);
        (who, slices)
    }

    /// The first password of an account that has just been made, and its first showing.
    pub async fn first_password(&self, who: &Arc<SignedIn>) {
        let cmd = self.new_password().await;
        if let Performed::Needs(step) = self.perform(who, cmd.clone(), None).await {
            self.wait(120);
            self.prove_both(who, step).await;
            let done = self.perform(who, cmd, Some(step)).await;
            assert!(matches!(done, Performed::Done(_)), "{done:?}");
        }
        let step = self.needs(who, RemovePassword {}).await;
        let shown = self.prove_by_password(who, step, PASSWORD).await;
        assert_eq!(shown, Progress::Proved);
    }

    /// The codes to the phone and to the mailbox of the tests.
    pub async fn prove_both(&self, who: &Arc<SignedIn>, step: StepId) {
        use identity_service::{
            codes::Asked,
            step_up::{To, Tried},
        };
        let (anna, mail) = (phone(crate::house::ANNA), email("anna@example.org"));
        let more = self.prove_now(who, step, &anna).await;
        assert!(matches!(more, Progress::More(_)), "{more:?}");
        self.wait(60);
        assert_eq!(
            self.step_code(who, step, To::Email).await,
            Some(Asked::Sent)
        );
        let code = self.letter_code(&mail).await;
        assert_eq!(
            self.try_code(who, step, To::Email, &code).await,
            Tried::Right(Progress::Proved)
        );
    }
}

testkit::both_engines! {
    /// A50 from the customer's side: whoever furnishes an account in one sitting is never told to come back
    /// tomorrow, also not when they think better of some of it.
    async fn an_account_is_furnished_in_one_sitting(db: TestDb) {
        let house = House::new(db);
        let (who, slices) = house.furnished().await;
        for slice in slices {
            let end = house.take_by_password(&who, slice).await;
            assert!(matches!(end, End::Taken), "{slice:?}: {end:?}");
        }
        house.settled().await;
    }

    /// The same for an account that has had nothing but its number for months.
    async fn an_old_account_is_furnished_too(db: TestDb) {
        let house = House::new(db);
        let (_, _) = house.owner().await;
        house.wait(60 * DAY);
        let (_, slices) = house.furnished().await;
        assert_eq!(slices.len(), 6);
    }

    /// A50: whatever is taken first, a hijacker with a factor of ten days takes one thing a day and no more; the
    /// answer says until when.
    async fn what_was_there_goes_one_a_day(db: TestDb) {
        let house = House::new(db);
        let (who, slices) = house.furnished().await;
        house.wait(10 * DAY);
        for first in slices.clone() {
            assert_eq!(house.take_by_password(&who, first).await, End::Taken, "{first:?}");
            let until = house.now().saturating_add(std::time::Duration::from_secs(DAY));
            for again in slices.iter().copied().filter(|again| *again != first) {
                match house.take_by_password(&who, again).await {
                    End::TooSoon(at) => assert_eq!(at, until, "{first:?}, then {again:?}"),
                    // It went on another day.
                    End::Kept => {}
                    other => panic!("{first:?}, then {again:?}: {other:?}"),
                }
            }
            house.wait(DAY);
        }
        house.settled().await;
    }

    /// A50: on the dot, and what another rule keeps is not the one of the day.
    async fn a_day_is_a_day(db: TestDb) {
        let house = House::new(db);
        let (who, slices) = house.furnished().await;
        house.wait(10 * DAY);
        assert_eq!(house.take_by_password(&who, slices[0]).await, End::Taken);
        house.wait(DAY - 1);
        assert!(matches!(house.take_by_password(&who, Slice::App).await, End::TooSoon(_)));
        house.wait(1);
        // The last but one second factor may go, and the setting after another day.
        assert_eq!(house.take_by_password(&who, Slice::App).await, End::Taken);
        // Gone already: nothing is taken, nothing is counted, nothing is refused.
        assert_eq!(house.take_by_password(&who, Slice::App).await, End::Kept);
        house.wait(DAY);
        assert_eq!(house.take_by_password(&who, Slice::Setting).await, End::Taken);
        house.settled().await;
    }

    /// A50: shown by something older than thirty days, more may go; something younger does not stand in for it.
    async fn something_old_takes_more(db: TestDb) {
        let house = House::new(db);
        let (who, slices) = house.furnished().await;
        house.wait(25 * DAY);
        // A hijacker adds a key of their own: adding is free.
        let mut theirs = device(9);
        let Performed::Needs(step) = house.perform(&who, totp::Remove {}, None).await else { panic!() };
        assert_eq!(house.prove_by_password(&who, step, PASSWORD).await, Progress::Proved);
        house.with_passkey(&who, &mut theirs).await;
        house.wait(5 * DAY);
        // The furnishing was more than thirty days ago; their key is five days old. It may take the one of the day,
        // but what it has proved in store is worth nothing after another was taken.
        let stored = house.needs(&who, totp::Remove {}).await;
        let (_, shown) = house.prove_with(&who, stored, &mut theirs).await;
        assert_eq!(shown, passkeys::Proved::Taken(Progress::Proved));
        assert_eq!(house.take_by_password(&who, slices[0]).await, End::Taken);
        let late = house.perform(&who, totp::Remove {}, Some(stored)).await;
        assert!(matches!(late, Performed::Needs(step) if step != stored), "{late:?}");
        let step = house.needs(&who, totp::Remove {}).await;
        let (fault, shown) = house.prove_with(&who, step, &mut theirs).await;
        assert_eq!(fault, None);
        assert!(matches!(shown, passkeys::Proved::Taken(Progress::More(_))), "{shown:?}");
        let early = house.perform(&who, totp::Remove {}, Some(step)).await;
        assert_eq!(early, Performed::Needs(step));
        assert_eq!(house.prove_by_password(&who, step, PASSWORD).await, Progress::Proved);
        assert_eq!(house.perform(&who, totp::Remove {}, Some(step)).await, Performed::Done(totp::Removed::Done));
        house.settled().await;
    }

    /// A50: a proof made before the first slice does not carry a second.
    async fn a_proof_in_store_takes_nothing(db: TestDb) {
        let house = House::new(db);
        let (who, slices) = house.furnished().await;
        house.wait(10 * DAY);
        let stored = house.needs(&who, totp::Remove {}).await;
        assert_eq!(house.prove_by_password(&who, stored, PASSWORD).await, Progress::Proved);
        assert_eq!(house.take_by_password(&who, slices[1]).await, End::Taken);
        let late = house.perform(&who, totp::Remove {}, Some(stored)).await;
        assert!(matches!(late, Performed::TooSoon { .. }), "{late:?}");
        house.settled().await;
    }

    /// A50: of 64 at once that bring proofs for two different slices one goes.
    async fn one_slice_of_64(db: TestDb) {
        let house = Arc::new(House::new(db));
        let (who, slices) = house.furnished().await;
        house.wait(10 * DAY);
        let pair = [slices[0], Slice::App];
        let mut steps = Vec::new();
        for slice in pair {
            let End::Needs(step) = house.take(&who, slice, None).await else { panic!() };
            assert_eq!(house.prove_by_password(&who, step, PASSWORD).await, Progress::Proved);
            steps.push(step);
        }
        let answers = {
            let (house, who) = (Arc::clone(&house), Arc::clone(&who));
            race(64, move |n| {
                let (house, who) = (Arc::clone(&house), Arc::clone(&who));
                let (slice, step) = (pair[n % 2], steps[n % 2]);
                async move { house.take(&who, slice, Some(step)).await }
            }).await
        };
        assert_eq!(answers.iter().filter(|end| **end == End::Taken).count(), 1, "{answers:?}");
        // Of the other slice each was told to wait; of the taken one that it is gone, or the same.
        assert!(answers.iter().filter(|end| matches!(end, End::TooSoon(_))).count() >= 32, "{answers:?}");
        let keys = house.passkeys(&who).await.len();
        let app = house.has(&who).await.totp;
        assert_eq!(usize::from(app) + keys, 2, "one of a key and the app is gone");
        house.settled().await;
    }

    /// A50: the last that would do for a setting that asks for it stays, and so does the last way in; neither counts.
    async fn the_last_one_stays(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.owner().await;
        house.set_password(&who, PASSWORD).await;
        assert_eq!(house.prove_and_do(&who, Always {}).await, second_factor::Set::Done);
        house.wait(10 * DAY);
        let kept = house.prove_and_do(&who, RemovePassword {}).await;
        assert_eq!(kept, password::Removed::Needed);
        // It was not the one of the day.
        assert_eq!(house.take_by_password(&who, Slice::Setting).await, End::Taken);
        house.wait(DAY);
        assert_eq!(house.prove_and_do(&who, RemovePassword {}).await, password::Removed::Done);
        house.settled().await;
    }
}
