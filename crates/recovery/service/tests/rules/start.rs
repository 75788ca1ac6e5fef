//! A2, A38: a start is the same for a known and an unknown identifier, and the owner hears of it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use jobs::{Handler, JobError, Lease, Runner, RunnerSettings};
use recovery_core::State;
use recovery_service::start::{Started, Tell, TellOwner};
use testkit::TestDb;

use crate::house::{
    ANNA, ANNA_MAIL, House, NOBODY, browser, mail, phone, raw, stop_token, visitor,
};

testkit::both_engines! {
    /// A2: both get a number, a row, a browser before it and a job; only the job finds out who is there.
    async fn a_stranger_learns_nothing(db: TestDb) {
        let house = House::new(db);
        house.anna().await;
        let mut seen = Vec::new();
        for (n, identifier) in [phone(ANNA), phone(NOBODY)].iter().enumerate() {
            let before = (
                house.count(&raw::CASES).await, house.count(&raw::NUMBERS).await,
                house.count(&raw::SEATS).await, house.count(&raw::JOBS).await,
            );
            let key = browser(u8::try_from(n).unwrap());
            let started = house.start_from(&visitor(), identifier, key).await;
            let Started::Open { number, expires_at } = started else { panic!("{started:?}") };
            let case = house.case(key).await;
            assert_eq!(case.number, number);
            let after = (
                house.count(&raw::CASES).await, house.count(&raw::NUMBERS).await,
                house.count(&raw::SEATS).await, house.count(&raw::JOBS).await,
            );
            let made = (after.0 - before.0, after.1 - before.1, after.2 - before.2, after.3 - before.3);
            seen.push((case.state, expires_at, case.expires_at, number.pretty().len(), made));
        }
        assert_eq!(seen[0], seen[1]);
        assert_eq!((seen[0].0, seen[0].4), (State::Draft, (1, 1, 1, 1)));
        house.deliver().await;
        assert_eq!(house.count(&raw::LINKED).await, 1, "only an owner is told");
        assert!(house.inbox(&phone(NOBODY)).await.is_empty());
    }

    /// A38, RE-7: every old channel is told at once, in words and with a link of its own kind.
    async fn every_old_channel_is_told(db: TestDb) {
        let house = House::new(db);
        house.anna().await;
        house.start(&phone(ANNA), browser(1)).await;
        house.wait(59);
        let sms = house.inbox(&phone(ANNA)).await.remove(0);
        assert!(sms.contains("восстанавливает доступ") && stop_token(&sms).is_some(), "{sms}");
        assert!(sms.chars().count() <= 134, "two parts: {sms}");
        let letter = house.inbox(&mail(ANNA_MAIL)).await.remove(0);
        assert!(letter.contains("Остановить восстановление") && stop_token(&letter).is_some(), "{letter}");
        for text in [sms, letter] {
            assert!(!text.contains("912") && !text.contains("kabinet.example/not-me"), "{text}");
        }
    }

    /// A28: neither the number nor the link nor what was claimed stands in the tables.
    async fn numbers_are_found_and_not_listed(db: TestDb) {
        let house = House::new(db);
        let mut numbers = Vec::new();
        for n in 0..3 {
            let key = browser(n);
            house.wait(3_601);
            numbers.push(house.start(&phone(&format!("+7 912 000-01-{n:02}")), key).await.pretty());
        }
        numbers.dedup();
        assert_eq!(numbers.len(), 3);
        let digits: Vec<u64> = numbers.iter().map(|n| n.replace('-', "").parse().unwrap()).collect();
        assert!(digits.windows(2).all(|pair| pair[0].abs_diff(pair[1]) > 100), "by chance, not in order: {digits:?}");
    }

    /// I7: telling is tried again, and tells once.
    async fn telling_is_tried_again(db: TestDb) {
        let house = House::new(db);
        house.anna().await;
        house.start(&phone(ANNA), browser(1)).await;
        let told = || TellOwner { db: house.test.db(), env: house.env.clone() };
        let flaky = Flaky { inner: told(), failed: AtomicBool::new(false) };
        let chance = Arc::clone(&house.env.chance);
        let runner = Runner::new(house.test.db(), house.env.vault.clone(), chance, RunnerSettings::default())
            .handle::<Tell>(flaky);
        runner.run_due().await;
        house.wait(3_600);
        runner.run_due().await;
        testkit::retried(&house.test, "recovery.tell").await;
        let inbox = house.inbox(&phone(ANNA)).await;
        assert_eq!(inbox.iter().filter(|text| stop_token(text).is_some()).count(), 1, "{inbox:?}");
    }
}

/// Does its work and fails the first time all the same, as a server that dies before it is written down.
struct Flaky {
    inner: TellOwner,
    failed: AtomicBool,
}

#[async_trait]
impl Handler<Tell> for Flaky {
    async fn run(&self, job: Tell, lease: &Lease) -> Result<(), JobError> {
        self.inner.run(job, lease).await?;
        if self.failed.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        Err(JobError::Again {
            code: "broken_for_the_test",
            after: None,
        })
    }
}
