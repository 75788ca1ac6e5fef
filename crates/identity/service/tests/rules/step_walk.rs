//! Step-up at random: whatever is asked, shown and repeated in whatever order, no sensitive action runs without the
//! proof it states. The walk keeps its own account of what was shown and judges every effect by that alone.

use std::sync::Arc;

use db::{BoxFuture, WriteTx};
use identity_core::assurance::{Action, Method};
use identity_service::{
    ServiceError,
    codes::Asked,
    session::SignedIn,
    step_up::{At, Authorised, Performed, Sensitive, StepId, To},
};
use kernel::{Chance, Timestamp};
use serde::{Deserialize, Serialize};
use testkit::{SeededChance, TestDb};

use crate::{
    house::{ANNA, House, browser, phone},
    secret_tools::PASSWORD,
};

const STEPS: u32 = 220;
const RECENT: u64 = 5 * 60;
const STEP_LIFE: u64 = 10 * 60;

db::statements! {
    /// An effect.
    EFFECT: "INSERT INTO trusted_person (account_id, subject, sealed, named_at) VALUES ($1, $2, $3, $4)"
        (Bytes, Bytes, Bytes, Int) -> ();
    /// Effects there are.
    EFFECTS: "SELECT COUNT(*) FROM trusted_person" () -> (Int);
}

async fn effect(tx: &mut WriteTx, at: At<'_>, what: u32) -> Result<(), ServiceError> {
    let subject: [u8; 32] = at.env.chance.bytes();
    let (id, now) = (at.account.id, tx.now());
    let what = what.to_be_bytes();
    let row = db::params![id.as_bytes(), &subject, &what, now];
    Ok(tx.execute_one(&EFFECT, row).await?)
}

macro_rules! acts {
    ($($name:ident $action:ident),+ $(,)?) => {$(
        #[derive(Debug, Clone, Serialize, Deserialize)]
        struct $name {
            what: u32,
        }

        impl Sensitive for $name {
            const ACTION: Action = Action::$action;
            type Done = ();

            fn run<'t>(
                &'t self,
                tx: &'t mut WriteTx,
                at: At<'t>,
                _: Authorised,
            ) -> BoxFuture<'t, Result<(), ServiceError>> {
                Box::pin(effect(tx, at, self.what))
            }
        }
    )+};
}

acts!(Safer AddTotp, Looser NameTrusted, Bank OpenBank, Money ApproveMoney);

/// A step of the walk's own books.
#[derive(Debug, Clone)]
struct Step {
    id: StepId,
    kind: u32,
    what: u32,
    session: usize,
    made: Timestamp,
    shown: Vec<Method>,
    used: bool,
}

/// What is strong enough for each kind, by the words of the rules and not by the product's table.
fn strong(kind: u32, method: Method) -> bool {
    match kind {
        // CH-1: the strongest the account has. It has a password and an app.
        0 | 1 => matches!(method, Method::Password | Method::Totp),
        // ID-3: what opens the bank section; an app does not.
        _ => method == Method::Password,
    }
}

impl House {
    async fn walk_perform(
        &self,
        who: &Arc<SignedIn>,
        kind: u32,
        what: u32,
        step: Option<StepId>,
    ) -> Performed<()> {
        match kind {
            0 => self.perform(who, Safer { what }, step).await,
            1 => self.perform(who, Looser { what }, step).await,
            2 => self.perform(who, Bank { what }, step).await,
            _ => self.perform(who, Money { what }, step).await,
        }
    }
}

async fn walk(db: TestDb, seed: u64) -> [u32; 4] {
    let house = House::new(db);
    let (_, first) = house.owner().await;
    house.set_password(&first, PASSWORD).await;
    let step = house.needs(&first, identity_service::totp::Add {}).await;
    assert!(house.show_password(&first, step, PASSWORD).await.is_some());
    let secret = house.with_totp(&first).await;
    let second = house.enter_in_time(&phone(ANNA), browser(2)).await;
    let who = [first, house.signed_in(&second).await];
    // What was shown until here counts no more: the books begin empty. The password has ripened (A62).
    house.wait(86_400);
    let effects = house.count(&EFFECTS).await;
    let dice = SeededChance::new(seed);
    let roll = |n: u32| (dice.as_ref() as &dyn Chance).below(n);
    let mut steps: Vec<Step> = Vec::new();
    // Everything shown, by session: when, and how.
    let mut shown: Vec<(usize, Timestamp, Method)> = Vec::new();
    let mut done = [0; 4];
    for turn in 0..STEPS {
        let session = usize::try_from(roll(2)).unwrap();
        let some = match steps.len() {
            0 => None,
            // The latest ones most often.
            n => Some(n - 1 - usize::try_from(roll(4)).unwrap().min(n - 1)),
        };
        match roll(10) {
            0..=4 => {
                // With a step of its own kind, of another, of the other session, or with none.
                let (kind, what, with) = match (some, roll(6)) {
                    (Some(n), 0..=2) => (steps[n].kind, steps[n].what, Some(n)),
                    (Some(n), 3) => (steps[n].kind, steps[n].what + 1, Some(n)),
                    (Some(n), 4) => (roll(4), steps[n].what, Some(n)),
                    _ => (roll(4), roll(3), None),
                };
                let now = house.now();
                let id = with.map(|n| steps[n].id);
                match house.walk_perform(&who[session], kind, what, id).await {
                    Performed::Done(()) => {
                        let by_step = with.is_some_and(|n| {
                            let step = &steps[n];
                            step.session == session
                                && (step.kind, step.what) == (kind, what)
                                && !step.used
                                && now.since(step.made).as_secs() < STEP_LIFE
                                && step.shown.iter().any(|m| strong(kind, *m))
                        });
                        let by_session = kind == 0
                            && shown.iter().any(|(of, at, method)| {
                                *of == session
                                    && now.since(*at).as_secs() < RECENT
                                    && strong(kind, *method)
                            });
                        assert!(
                            by_step || by_session,
                            "seed {seed}, turn {turn}: {kind} without its proof"
                        );
                        if by_step && let Some(n) = with {
                            steps[n].used = true;
                        }
                        done[usize::try_from(kind).unwrap()] += 1;
                    }
                    Performed::Needs(id) => {
                        if !steps.iter().any(|step| step.id == id) {
                            steps.push(Step {
                                id,
                                kind,
                                what,
                                session,
                                made: now,
                                shown: Vec::new(),
                                used: false,
                            });
                        }
                    }
                    other => panic!("{other:?}"),
                }
            }
            5..=6 => {
                let Some(n) = some else { continue };
                house.wait(31);
                let typed = house.totp(&secret, 0);
                // Also for the other session's step.
                house
                    .prove_by_totp(&who[session], steps[n].id, &typed)
                    .await;
                shown.push((session, house.now(), Method::Totp));
                if steps[n].session == session {
                    steps[n].shown.push(Method::Totp);
                }
            }
            7 => {
                let Some(n) = some else { continue };
                if house
                    .show_password(&who[session], steps[n].id, PASSWORD)
                    .await
                    .is_some()
                {
                    shown.push((session, house.now(), Method::Password));
                    if steps[n].session == session {
                        steps[n].shown.push(Method::Password);
                    }
                }
            }
            8 => {
                let Some(n) = some else { continue };
                let asked = house.step_code(&who[session], steps[n].id, To::Phone).await;
                if asked == Some(Asked::Sent) {
                    let code = house.code(&phone(ANNA)).await;
                    house
                        .try_code(&who[session], steps[n].id, To::Phone, &code)
                        .await;
                }
            }
            _ => house.wait(u64::from(roll(240))),
        }
    }
    let all: u32 = done.iter().sum();
    assert_eq!(house.count(&EFFECTS).await, effects + i64::from(all));
    house.settled().await;
    done
}

testkit::both_engines! {
    /// Step-up: no sequence of actions reaches a sensitive action without the proof it states.
    async fn no_sequence_goes_without_its_proof(db: TestDb) {
        let mut all = [0; 4];
        for seed in 0..6 {
            let done = walk(TestDb::new(db.engine()).await, seed).await;
            for (all, done) in all.iter_mut().zip(done) {
                *all += done;
            }
        }
        assert!(all.iter().all(|done| *done > 0), "each kind was reached by its proof: {all:?}");
    }
}
