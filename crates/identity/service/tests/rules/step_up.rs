//! Step-up: a sensitive action runs with the proof it states, once, and with what was confirmed.

use std::sync::Arc;

use db::{BoxFuture, WriteTx};
use identity_core::assurance::{Action, Method};
use identity_service::{
    ServiceError,
    bank_section::{self, InBank, Open},
    codes::Asked,
    session::SignedIn,
    step_up::{self, At, Authorised, Performed, Progress, Sensitive, StepId, To, Tried},
};
use kernel::{Identifier, code::OneTimeCode};
use serde::{Deserialize, Serialize};
use testkit::TestDb;

use crate::{
    house::{ANNA, House, browser, phone, visitor},
    secret_tools::PASSWORD,
    tools::{email, wrong},
};

db::statements! {
    /// Steps that were used.
    USED: "SELECT COUNT(*) FROM step_up WHERE used_at IS NOT NULL" () -> (Int);
    /// Notes an effect.
    EFFECT: "INSERT INTO trusted_person (account_id, subject, sealed, named_at) VALUES ($1, $2, $3, $4)"
        (Bytes, Bytes, Bytes, Int) -> ();
    /// Effects there are.
    EFFECTS: "SELECT COUNT(*) FROM trusted_person" () -> (Int);
    /// Gives an account a password with tries left.
    SECRET: "INSERT INTO secret (account_id, kind, sealed, set_at, tries_left, wrong_in_row, wrong)
        VALUES ($1, 'password', $2, $3, 5, 0, $4)" (Bytes, Bytes, Int, Bytes) -> ();
}

/// An action of the tests: it leaves a row, so that effects can be counted.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Name {
    whom: String,
}

impl Sensitive for Name {
    const ACTION: Action = Action::NameTrusted;
    type Done = ();

    fn run<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        at: At<'t>,
        _: Authorised,
    ) -> BoxFuture<'t, Result<(), ServiceError>> {
        Box::pin(async move {
            let now = tx.now();
            let subject: [u8; 32] = at.env.chance.bytes();
            let row = db::params![
                at.account.id.as_bytes(),
                &subject,
                self.whom.as_bytes(),
                now
            ];
            tx.execute_one(&EFFECT, row).await?;
            Ok(())
        })
    }
}

fn name(whom: &str) -> Name {
    Name {
        whom: whom.to_owned(),
    }
}

impl House {
    pub async fn step_code(&self, who: &Arc<SignedIn>, step: StepId, to: To) -> Option<Asked> {
        self.write((Arc::clone(who), step, to), |tx, (env, (who, step, to))| {
            Box::pin(async move { step_up::ask_code(tx, env, &visitor(), who, *step, *to).await })
        })
        .await
    }

    pub async fn try_code(&self, who: &Arc<SignedIn>, step: StepId, to: To, code: &str) -> Tried {
        let code = OneTimeCode::parse(code, 6).unwrap();
        let input = (Arc::clone(who), step, to, code);
        self.write(input, |tx, (env, (who, step, to, code))| {
            Box::pin(async move {
                step_up::check_code(tx, env, &visitor(), who, *step, to.purpose(), code).await
            })
        })
        .await
    }

    pub async fn prove_by_phone(
        &self,
        who: &Arc<SignedIn>,
        step: StepId,
        to: &Identifier,
    ) -> Tried {
        self.wait(70);
        assert_eq!(
            self.step_code(who, step, To::Phone).await,
            Some(Asked::Sent)
        );
        let code = self.code(to).await;
        self.try_code(who, step, To::Phone, &code).await
    }

    async fn in_bank(&self, who: &Arc<SignedIn>) -> Option<InBank> {
        let input = (self.env.clone(), Arc::clone(who));
        self.test
            .read("test.bank", input, |tx, (env, who)| {
                Box::pin(bank_section::enter(tx, env, who))
            })
            .await
            .unwrap_or_else(|error: db::DbError| panic!("{error}"))
    }
}

testkit::both_engines! {
    /// Step-up, A77: the action waits sealed, runs after its proof, once, and only as it was confirmed.
    async fn an_action_runs_once_with_its_own_proof(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let step = house.needs(&who, name("Борис")).await;
        // Without the proof it only waits again.
        let again = house.perform(&who, name("Борис"), Some(step)).await;
        let Performed::Needs(step) = again else { panic!("{again:?}") };
        let proved = house.prove_by_phone(&who, step, &phone(ANNA)).await;
        assert_eq!(proved, Tried::Right(Progress::Proved));
        // What was confirmed is what runs.
        let other = house.perform(&who, name("Вор"), Some(step)).await;
        assert!(matches!(other, Performed::Needs(_)), "{other:?}");
        assert_eq!(house.count(&EFFECTS).await, 0);
        house.settled().await;
    }

    /// Step-up: of 64 at once that bring the same proof one has an effect; thirty proofs, one after the other.
    async fn one_proof_one_effect(db: TestDb) {
        let house = Arc::new(House::new(db));
        let (_, who) = house.anna().await;
        house.set_password(&who, PASSWORD).await;
        for round in 1..=30 {
            let step = house.needs(&who, name("Борис")).await;
            let proved = house.prove_by_password(&who, step, PASSWORD).await;
            assert_eq!(proved, Progress::Proved);
            let (house2, who) = (Arc::clone(&house), Arc::clone(&who));
            let answers = testkit::race(64, move |_| {
                let (house, who) = (Arc::clone(&house2), Arc::clone(&who));
                async move { house.perform(&who, name("Борис"), Some(step)).await }
            })
            .await;
            let done = answers.iter().filter(|a| **a == Performed::Done(())).count();
            assert_eq!(done, 1, "round {round}");
            assert_eq!(house.count(&EFFECTS).await, round);
            assert_eq!(house.count(&USED).await, round);
        }
        house.settled().await;
    }

    /// A15: a code asked for one step opens no other, and a sign-in code opens none.
    async fn a_code_confirms_one_step(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let step = house.needs(&who, name("Борис")).await;
        house.wait(70);
        assert_eq!(house.step_code(&who, step, To::Phone).await, Some(Asked::Sent));
        let code = house.code(&phone(ANNA)).await;
        let bad = house.try_code(&who, step, To::Phone, &wrong(&code)).await;
        assert!(matches!(bad, Tried::NotAccepted(_)), "{bad:?}");
        // Another step of the same session: the code is not bound to it.
        let other = house.needs(&who, name("Вор")).await;
        let tried = house.try_code(&who, other, To::Phone, &code).await;
        assert!(matches!(tried, Tried::NotAccepted(_)), "{tried:?}");
        assert_eq!(house.count(&EFFECTS).await, 0);
    }

    /// CH-1: with an e-mail both codes are asked for, one after the other.
    async fn every_identifier_is_proved_when_nothing_stronger_is_there(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let mailbox = email("anna@example.ru");
        house.with_email(&who, &mailbox).await;
        let step = house.needs(&who, name("Борис")).await;
        let half = house.prove_by_phone(&who, step, &phone(ANNA)).await;
        assert_eq!(half, Tried::Right(Progress::More(vec![vec![Method::Email]])));
        let early = house.perform(&who, name("Борис"), Some(step)).await;
        assert_eq!(early, Performed::Needs(step));
        house.wait(120);
        assert_eq!(house.step_code(&who, step, To::Email).await, Some(Asked::Sent));
        let code = house.letter_code(&mailbox).await;
        let proved = house.try_code(&who, step, To::Email, &code).await;
        assert_eq!(proved, Tried::Right(Progress::Proved));
        assert_eq!(house.perform(&who, name("Борис"), Some(step)).await, Performed::Done(()));
        house.settled().await;
    }

    /// CH-1: once something stronger is there, codes no longer do.
    async fn codes_do_not_replace_what_is_stronger(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        house.act(&who, |tx, (_, who)| Box::pin(async move {
            let now = tx.now();
            let none: &[u8] = &[];
            tx.execute_one(&SECRET, db::params![who.account.id.as_bytes(), none, now, none]).await?;
            Ok(())
        })).await;
        let step = house.needs(&who, name("Борис")).await;
        let tried = house.prove_by_phone(&who, step, &phone(ANNA)).await;
        let left = Progress::More(vec![vec![Method::Password]]);
        assert_eq!(tried, Tried::Right(left));
    }

    /// A step lives ten minutes and in its own session; a session that has ended does nothing (I6).
    async fn a_step_ends(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let step = house.needs(&who, name("Борис")).await;
        let proved = house.prove_by_phone(&who, step, &phone(ANNA)).await;
        assert_eq!(proved, Tried::Right(Progress::Proved));
        let second = house.enter_in_time(&phone(ANNA), browser(2)).await;
        let other = house.signed_in(&second).await;
        let foreign = house.perform(&other, name("Борис"), Some(step)).await;
        assert!(matches!(foreign, Performed::Needs(_)), "{foreign:?}");
        house.wait(601);
        let late = house.perform(&who, name("Борис"), Some(step)).await;
        assert!(matches!(late, Performed::Needs(_)), "{late:?}");
        house.act(&who, |tx, (_, who)| {
            Box::pin(async move { identity_service::session::sign_out(tx, &visitor(), who).await })
        })
        .await;
        let input = (house.env.clone(), Arc::clone(&who), name("Борис"));
        let ended: Result<Performed<()>, ServiceError> = house
            .test
            .write("test", input, |tx, (env, who, cmd)| {
                Box::pin(async move { step_up::perform(tx, env, &visitor(), who, cmd, None).await })
            })
            .await;
        assert!(matches!(ended, Err(ServiceError::SessionOver)), "{ended:?}");
        assert_eq!(house.count(&EFFECTS).await, 0);
    }

    /// ID-13: while the account is frozen nothing about its safety changes.
    async fn a_frozen_account_changes_nothing(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        house.act(&who, |tx, (env, who)| {
            Box::pin(async move { identity_service::freeze::freeze_mine(tx, env, &visitor(), who).await })
        })
        .await;
        assert_eq!(house.perform(&who, name("Борис"), None).await, Performed::Frozen);
    }

    /// ID-9, A27: a shop session is not enough for the bank section, and an account with nothing to open it
    /// is told so.
    async fn the_bank_section_is_locked(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        assert!(house.in_bank(&who).await.is_none());
        let cmd = Open { next: "/bank".to_owned() };
        let answer = house.write((Arc::clone(&who), cmd), |tx, (env, (who, cmd))| {
            Box::pin(async move { step_up::perform(tx, env, &visitor(), who, cmd, None).await })
        }).await;
        assert_eq!(answer, Performed::NothingToShow);
        assert!(house.in_bank(&who).await.is_none());
    }
}
