//! ID-8a: numbers that age and numbers in doubt, in the cabinet; the meter of ways back.

use std::sync::Arc;

use identity_core::ways_back::{Advice, Loss, Outlook};
use identity_service::{
    backup_code::Issue,
    codes::Asked,
    email::Allow,
    number::{self, Clear, Cleared, Confirmed, Standing},
    session::SignedIn,
    step_up::{Performed, Progress},
    ways_back,
};
use notify::Channel;
use testkit::TestDb;

use crate::{
    house::{ANNA, House, phone, visitor},
    steps::code,
    tools::{email, wrong},
};

impl House {
    async fn number(&self, who: &Arc<SignedIn>) -> Standing {
        let input = (self.env.clone(), Arc::clone(who));
        let found = self
            .test
            .read("test.number", input, |tx, (env, who)| {
                Box::pin(async move {
                    let owned = identity_service::account::identifiers(tx, &who.account).await?;
                    Ok(number::standing(tx, env, &owned).await?)
                })
            })
            .await
            .unwrap_or_else(|error: identity_service::ServiceError| panic!("{error}"));
        found.expect("a number")
    }

    async fn ask_number(&self, who: &Arc<SignedIn>) {
        loop {
            let asked = self
                .act(who, |tx, (env, who)| {
                    Box::pin(async move { number::ask(tx, env, &visitor(), who, false).await })
                })
                .await;
            match asked {
                Asked::Sent => return,
                Asked::NotNow(not_now) => self.test.clock().set(not_now.until()),
                other => panic!("{other:?}"),
            }
        }
    }

    async fn confirm_number(&self, who: &Arc<SignedIn>, typed: &str) -> Confirmed {
        self.write((Arc::clone(who), code(typed)), |tx, (env, (who, code))| {
            Box::pin(async move { number::confirm(tx, env, &visitor(), who, code).await })
        })
        .await
    }

    async fn outlooks(&self, who: &Arc<SignedIn>) -> [Outlook; 4] {
        let input = (self.env.clone(), Arc::clone(who));
        self.test
            .read("test.outlooks", input, |tx, (env, who)| {
                Box::pin(ways_back::outlooks(tx, env, &who.account))
            })
            .await
            .unwrap_or_else(|error: identity_service::ServiceError| panic!("{error}"))
    }
}

fn of(outlooks: &[Outlook; 4], loss: Loss) -> (bool, Option<Advice>) {
    let found = outlooks
        .iter()
        .find(|outlook| outlook.loss == loss)
        .unwrap();
    (found.is_locked_out(), found.advice)
}

testkit::both_engines! {
    /// ID-8a: a year without a proof, and the cabinet asks; a code answers.
    async fn the_cabinet_asks_after_a_year(db: TestDb) {
        let house = House::new(db);
        let (welcome, who) = house.anna().await;
        assert!(!house.number(&who).await.asks());
        for _ in 0..5 {
            house.wait(80 * 24 * 3_600);
            let input = (welcome.account, who.session);
            house.write(input, |tx, (_, (account, session))| Box::pin(async move {
                Ok(identity_service::session::touch(tx, *account, *session).await?)
            })).await;
        }
        let who = house.signed_in(&welcome).await;
        assert!(house.number(&who).await.is_aged);
        house.ask_number(&who).await;
        let typed = house.code(&phone(ANNA)).await;
        assert!(matches!(house.confirm_number(&who, &wrong(&typed)).await, Confirmed::NotAccepted(_)));
        assert!(house.number(&who).await.is_aged);
        assert_eq!(house.confirm_number(&who, &typed).await, Confirmed::Done);
        assert!(!house.number(&who).await.asks());
        house.settled().await;
    }

    /// ID-8a: a doubt is told on every channel; the code to the number clears it only beside something stronger.
    async fn a_doubt_takes_something_stronger(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let mail = email("anna@example.org");
        let secret = house.with_totp(&who).await;
        house.by_totp(&who, Allow { email: "anna@example.org".to_owned() }, &secret).await;
        house.with_email(&who, &mail).await;
        let told = house.notices(&mail, Channel::Email).await.len();
        house.signal(ANNA).await;
        assert_eq!(house.notices(&mail, Channel::Email).await.len(), told + 1);
        assert!(house.number(&who).await.doubted_at.is_some());
        house.wait(3_700);
        assert_eq!(house.by_totp(&who, Clear {}, &secret).await, Cleared::CodeFirst, "its own code comes first");
        house.ask_number(&who).await;
        let typed = house.code(&phone(ANNA)).await;
        assert_eq!(house.confirm_number(&who, &typed).await, Confirmed::ShowMore);
        assert!(house.number(&who).await.doubted_at.is_some());
        house.wait(301);
        let step = house.needs(&who, Clear {}).await;
        house.wait(30);
        let progress = house.prove_by_totp(&who, step, &house.totp(&secret, 0)).await;
        assert_eq!(progress, Progress::Proved);
        assert_eq!(house.perform(&who, Clear {}, Some(step)).await, Performed::Done(Cleared::Done));
        assert!(!house.number(&who).await.asks());
        house.settled().await;
    }

    /// ID-8a: with nothing stronger a doubt waits three days; then the number's own code clears it.
    async fn a_doubt_alone_waits(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        house.signal(ANNA).await;
        let since = house.now();
        house.ask_number(&who).await;
        let typed = house.code(&phone(ANNA)).await;
        let Confirmed::Waits { until } = house.confirm_number(&who, &typed).await else { panic!("not waiting") };
        assert_eq!(until, since.saturating_add(std::time::Duration::from_secs(3 * 24 * 3_600)));
        assert_eq!(house.perform(&who, Issue {}, None).await, Performed::NothingToShow, "no longer a key");
        house.test.clock().set(until);
        house.ask_number(&who).await;
        let typed = house.code(&phone(ANNA)).await;
        assert_eq!(house.confirm_number(&who, &typed).await, Confirmed::Done);
        assert!(!house.number(&who).await.asks());
        house.settled().await;
    }

    /// ID-8a: the meter follows what is there.
    async fn the_meter_tells_of_losses(db: TestDb) {
        let house = House::new(db);
        let (_, who) = house.anna().await;
        let new = house.outlooks(&who).await;
        assert_eq!(of(&new, Loss::Phone), (true, Some(Advice::AddEmail)));
        assert_eq!(of(&new, Loss::Mailbox), (false, None));
        let secret = house.with_totp(&who).await;
        house.by_totp(&who, Allow { email: "anna@example.org".to_owned() }, &secret).await;
        house.with_email(&who, &email("anna@example.org")).await;
        assert_eq!(of(&house.outlooks(&who).await, Loss::Phone), (false, None));
        house.by_totp(&who, identity_service::second_factor::Always {}, &secret).await;
        assert_eq!(of(&house.outlooks(&who).await, Loss::Phone), (true, Some(Advice::BackupCodes)));
        house.by_totp(&who, Issue {}, &secret).await;
        let outlooks = house.outlooks(&who).await;
        assert!(outlooks.iter().all(|outlook| !outlook.is_locked_out()), "{outlooks:?}");
        house.signal(ANNA).await;
        assert_eq!(of(&house.outlooks(&who).await, Loss::Phone), (false, None));
    }
}
