//! ID-2a: wrong tries follow the identifier, and the owner is not locked out.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use identity_core::{Policy, guessing::Refused};
use identity_service::{Suspicion, TellSuspicion, breaker, codes::Asked, sign_in::Verified};
use jobs::{Handler, JobError, Lease, Runner, RunnerSettings};
use kernel::Identifier;
use notify::Channel;
use testkit::TestDb;

use crate::{
    house::{ANNA, Browser, House, browser, phone, visitor, visitor_from},
    passkey_tools::device,
    tools::{after, email, name, raw, wrong},
};

async fn guess(
    house: &House,
    from: [u8; 4],
    browser: Browser,
    code: &str,
    times: u32,
) -> Vec<String> {
    let mut answers = Vec::new();
    for _ in 0..times {
        answers.push(name(
            &house
                .verify_as(&visitor_from(from), browser, &wrong(code))
                .await,
        ));
    }
    answers
}

async fn newest(house: &House, to: &Identifier, call: bool) -> String {
    if call {
        house.call_code(to, 6).await
    } else {
        house.code(to).await
    }
}

/// Ten wrong tries: SMS in one browser, a call in a second, SMS in a third.
async fn ten_wrong(house: &House, to: &Identifier) -> String {
    let mut latest = String::new();
    for (n, call, wait, times) in [(1, false, 60, 4), (2, true, 60, 4), (3, false, 120, 2)] {
        house.wait(wait);
        let asked = house
            .ask_as(&visitor_from([198, 51, 100, n]), to, browser(n), call)
            .await;
        assert_eq!(asked, Asked::Sent);
        latest = newest(house, to, call).await;
        guess(house, [198, 51, 100, n], browser(n), &latest, times).await;
    }
    latest
}

/// A browser that the hundred did not use.
fn n_after(net: usize) -> u8 {
    90 + 100 * u8::try_from(net).unwrap()
}

testkit::both_engines! {
    /// ID-2a: tries are counted across codes, channels and browsers; after ten the right code rests too; the
    /// owner hears of it (ID-13).
    async fn tries_follow_the_identifier(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        house.enter(&anna, browser(9)).await;
        let before = house.notices(&anna, Channel::Sms).await.len();
        let code = ten_wrong(&house, &anna).await;
        assert_eq!(house.count(&raw::IN_ROW).await, 10);
        assert_eq!(house.count(&raw::TRIES_MOST).await, 4, "no single code was exhausted");
        let refused = house.verify(browser(3), &code).await;
        assert!(matches!(refused, Verified::Refused(Refused::Rests { .. })), "{}", name(&refused));
        assert_eq!(house.notices(&anna, Channel::Sms).await.len() - before, 2, "at five and at ten");
        house.settled().await;
    }

    /// ID-2a, A1: a number nobody has is counted in the same way.
    async fn an_unknown_number_rests_alike(db: TestDb) {
        let house = House::new(db);
        let code = ten_wrong(&house, &phone(ANNA)).await;
        let refused = house.verify(browser(3), &code).await;
        assert!(matches!(refused, Verified::Refused(Refused::Rests { .. })), "{}", name(&refused));
        assert!(house.phone.messages().iter().all(|m| !m.text.contains("/not-me/")), "nobody to tell");
        house.settled().await;
    }

    /// ID-2a: a success resets the row; a new code does not.
    async fn a_success_resets(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        house.enter(&anna, browser(9)).await;
        house.wait(60);
        house.ask(&anna, browser(1)).await;
        let code = house.code(&anna).await;
        guess(&house, [192, 0, 2, 1], browser(1), &code, 3).await;
        house.wait(60);
        house.ask(&anna, browser(1)).await;
        assert_eq!(house.count(&raw::IN_ROW).await, 3, "a new code resets nothing");
        let code = house.code(&anna).await;
        assert_eq!(name(&house.verify(browser(1), &code).await), "in");
        assert_eq!(house.count(&raw::IN_ROW).await, 0);
    }

    /// A11: while strangers have made codes rest, the owner's known browser gets in, and its session goes on.
    async fn a_known_browser_is_not_locked_out(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        let owner = house.enter(&anna, browser(9)).await;
        let known = after(browser(9), &owner);
        ten_wrong(&house, &anna).await;
        assert!(house.who(&owner.token).await.is_some(), "the live session");
        house.wait(300);
        assert_eq!(house.ask(&anna, known).await, Asked::Sent);
        let code = house.code(&anna).await;
        assert_eq!(name(&house.verify(known, &code).await), "in");
        assert_eq!(house.count(&raw::IN_ROW).await, 10, "the strangers' count stays");
    }

    /// A11: what strangers make rest is the code to the phone: e-mail, a passkey and the live session go on. It ends
    /// by itself within an hour, for a browser that nobody knows too.
    async fn only_the_phones_codes_rest(db: TestDb) {
        let house = House::new(db);
        let (anna, mail) = (phone(ANNA), email("anna@example.org"));
        let owner = house.enter(&anna, browser(9)).await;
        let who = house.signed_in(&owner).await;
        let mut key = device(1);
        house.with_passkey(&who, &mut key).await;
        let strong = house.enter_with(browser(10), &mut key).await.unwrap();
        let strong = house.signed_in(&strong).await;
        house.with_email(&strong, &mail).await;
        let code = ten_wrong(&house, &anna).await;
        let refused = house.verify(browser(3), &code).await;
        assert!(matches!(refused, Verified::Refused(Refused::Rests { .. })), "{}", name(&refused));
        assert!(house.who(&owner.token).await.is_some(), "the live session");
        let by_mail = house.enter_in_time(&mail, browser(20)).await;
        assert_eq!(by_mail.account, owner.account);
        let by_key = house.enter_with(browser(21), &mut key).await.unwrap();
        assert_eq!(by_key.account, owner.account);
        house.wait(3_600);
        house.ask_in_time(&visitor_from([198, 51, 100, 9]), &anna, browser(22)).await;
        let code = house.code(&anna).await;
        assert_eq!(name(&house.verify(browser(22), &code).await), "in", "an hour later");
    }

    /// A10, with the numbers that are served: a hundred wrong from one /24 or one /64, whatever the addresses and
    /// identifiers, and no more is looked at; neighbours are, and so is everybody ten minutes later.
    async fn a_hundred_from_one_network(db: TestDb) {
        let policy = Policy { network_sends_per_day: 10_000, ..Policy::default() };
        let house = House::with(db, policy);
        let v4 = |last: u8| visitor_from([203, 0, 113, last]);
        let v6 = |last: u8| kernel::Visitor {
            network: format!("2001:db8:1:2:{last:x}::1").parse().unwrap(),
            ..visitor()
        };
        let beside: [kernel::Visitor; 2] = [
            visitor_from([203, 0, 114, 1]),
            kernel::Visitor { network: "2001:db8:1:3::1".parse().unwrap(), ..visitor() },
        ];
        for (net, neighbour) in beside.iter().enumerate() {
            let from = |last: u8| if net == 0 { v4(last) } else { v6(last) };
            let number = |n: u8| phone(&format!("+7 91{} 0{n:02}-10-00", 2 + net));
            let mut wrongs = 0;
            for n in 1..=26_u8 {
                // A browser for each: none is known, none comes back.
                let b = browser(n + 100 * u8::try_from(net).unwrap());
                assert_eq!(house.ask_as(&from(n), &number(n), b, false).await, Asked::Sent);
                let code = house.code(&number(n)).await;
                for _ in 0..4 {
                    match house.verify_as(&from(n), b, &wrong(&code)).await {
                        Verified::NotAccepted(_) => wrongs += 1,
                        Verified::Refused(Refused::Network { .. }) => assert_eq!(wrongs, 100),
                        other => panic!("{}", name(&other)),
                    }
                }
                if n == 26 {
                    let refused = house.verify_as(&from(200), b, &code).await;
                    assert!(matches!(refused, Verified::Refused(Refused::Network { .. })), "{}", name(&refused));
                    assert_eq!(name(&house.verify_as(neighbour, b, &code).await), "needs consent");
                }
            }
            assert_eq!(wrongs, 100);
            house.wait(600);
            let (late, b) = (number(40), browser(n_after(net)));
            assert_eq!(house.ask_as(&from(1), &late, b, false).await, Asked::Sent);
            let code = house.code(&late).await;
            assert_eq!(name(&house.verify_as(&from(1), b, &code).await), "needs consent", "the window is over");
        }
    }

    /// ID-2a: a hundred close code sign-in for everybody but known browsers; A9: at most 10 an hour and 30 a
    /// day are looked at on the way there, and a rest is at most an hour after the latest try (A11) or as long
    /// as the day's budget lasts.
    async fn a_hundred_close(db: TestDb) {
        let policy = Policy { network_sends_per_day: 1_000, range_sends: 1_000, ..Policy::default() };
        let house = House::with(db, policy);
        let anna = phone(ANNA);
        let owner = house.enter(&anna, browser(9)).await;
        let known = after(browser(9), &owner);
        let start = house.now();
        let mut wrongs = Vec::new();
        'all: loop {
            house.ask_in_time(&visitor(), &anna, browser(1)).await;
            let code = house.code(&anna).await;
            loop {
                match house.verify(browser(1), &wrong(&code)).await {
                    Verified::NotAccepted(identity_core::challenge::NotAccepted::Wrong { .. }) => wrongs.push(house.now()),
                    Verified::NotAccepted(_) => {
                        if house.count(&raw::IN_ROW).await > i64::try_from(wrongs.len()).unwrap() {
                            wrongs.push(house.now());
                        }
                        break;
                    }
                    Verified::Refused(Refused::Rests { until }) => {
                        assert!(until.since(house.now()).as_secs() <= 24 * 3600);
                        house.test.clock().set(until);
                        break;
                    }
                    Verified::Refused(Refused::Closed) => break 'all,
                    other => panic!("{}", name(&other)),
                }
            }
            if wrongs.len() == 100 {
                let answer = house.verify(browser(1), &code).await;
                assert!(matches!(answer, Verified::Refused(Refused::Closed)), "{}", name(&answer));
                break;
            }
            assert!(house.now().since(start).as_secs() < 40 * 86_400, "{} in 40 days", wrongs.len());
        }
        assert_eq!(wrongs.len(), 100);
        for (place, at) in wrongs.iter().enumerate() {
            let within = |seconds| wrongs[place..].iter().filter(|t| t.since(*at).as_secs() < seconds).count();
            assert!(within(3600) <= 10 && within(86_400) <= 30);
        }
        house.wait(86_400);
        assert_eq!(house.ask(&anna, browser(1)).await, Asked::Closed);
        assert_eq!(house.ask(&anna, known).await, Asked::Sent);
        let code = house.code(&anna).await;
        assert_eq!(name(&house.verify(known, &code).await), "in", "the owner's browser");
        house.settled().await;
    }

    /// A10: twenty wrong from one address in ten minutes, whatever the identifiers; then it is not looked at.
    async fn an_address_is_stopped(db: TestDb) {
        let house = House::new(db);
        let spray = [203, 0, 113, 5];
        let numbers: Vec<_> = (0..6).map(|n| phone(&format!("+7 912 000-10-0{n}"))).collect();
        let mut last = String::new();
        for (n, number) in (1..).zip(&numbers) {
            assert_eq!(house.ask(number, browser(n)).await, Asked::Sent);
            last = house.code(number).await;
            let answers = guess(&house, spray, browser(n), &last, 4).await;
            assert_eq!(answers.iter().all(|a| a.starts_with("Wrong")), n < 6, "{answers:?}");
        }
        let refused = house.verify_as(&visitor_from(spray), browser(6), &last).await;
        assert!(matches!(refused, Verified::Refused(Refused::Network { .. })), "{}", name(&refused));
        let neighbour = visitor_from([203, 0, 113, 6]);
        assert_eq!(name(&house.verify_as(&neighbour, browser(6), &last).await), "needs consent");
    }

    /// A10: a hundred from one /24.
    async fn a_site_is_stopped(db: TestDb) {
        let policy = Policy { site_wrong: 10, ..Policy::default() };
        let house = House::with(db, policy);
        let numbers: Vec<_> = (0..3).map(|n| phone(&format!("+7 912 000-10-0{n}"))).collect();
        let mut last = String::new();
        for (n, number) in (1..).zip(&numbers) {
            house.ask(number, browser(n)).await;
            last = house.code(number).await;
            guess(&house, [203, 0, 113, n], browser(n), &last, 4).await;
        }
        let refused = house.verify_as(&visitor_from([203, 0, 113, 77]), browser(3), &last).await;
        assert!(matches!(refused, Verified::Refused(Refused::Network { .. })), "{}", name(&refused));
        assert_eq!(name(&house.verify_as(&visitor_from([203, 0, 114, 77]), browser(3), &last).await), "needs consent");
    }

    /// A10: when too large a share of all codes is wrong, unknown browsers get two tries, known ones five.
    async fn spraying_slows_everybody_unknown(db: TestDb) {
        let policy = Policy { spray_floor: 20, ..Policy::default() };
        let house = House::with(db, policy);
        let anna = phone(ANNA);
        let owner = house.enter(&anna, browser(9)).await;
        let known = after(browser(9), &owner);
        let refresh = async || {
            breaker::refresh(&house.test.db(), &house.env.breaker, &house.env.policy).await.unwrap();
        };
        refresh().await;
        assert!(!house.env.breaker.is_slow());
        for n in 1..=5 {
            let number = phone(&format!("+7 912 00{n}-10-00"));
            house.ask(&number, browser(n)).await;
            let code = house.code(&number).await;
            guess(&house, [203, 0, n, 1], browser(n), &code, 4).await;
        }
        refresh().await;
        assert!(house.env.breaker.is_slow());
        let number = phone("+7 912 007-10-00");
        house.ask(&number, browser(20)).await;
        let code = house.code(&number).await;
        let answers = guess(&house, [203, 0, 100, 1], browser(20), &code, 2).await;
        assert_eq!(answers, ["Wrong { left: 1 }", "Dead"]);
        assert_eq!(name(&house.verify(browser(20), &code).await), "Dead", "even the right one");
        house.wait(60);
        house.ask(&anna, known).await;
        let code = house.code(&anna).await;
        guess(&house, [192, 0, 2, 7], known, &code, 4).await;
        assert_eq!(name(&house.verify(known, &code).await), "in");
        house.wait(15 * 60);
        refresh().await;
        assert!(!house.env.breaker.is_slow(), "it passes");
    }

    /// A10 with F-like overlap: the first wrong tries of a network, all at once, are all counted; a row that is
    /// not there yet cannot be locked.
    async fn the_first_wrong_tries_of_a_network_are_all_counted(db: TestDb) {
        let house = Arc::new(House::new(db));
        for n in 1..=8 {
            house.ask_as(&visitor_from([192, 0, n, 1]), &phone(&format!("+7 912 00{n}-10-00")), browser(n), false).await;
        }
        let codes = house.phone_codes().await;
        let answers = testkit::race(8, |n| {
            let (house, code) = (Arc::clone(&house), codes[n].clone());
            let n = u8::try_from(n).unwrap() + 1;
            async move { name(&house.verify_as(&visitor_from([203, 0, 113, 5]), browser(n), &wrong(&code)).await) }
        }).await;
        assert!(answers.iter().all(|answer| answer.starts_with("Wrong")), "{answers:?}");
        assert_eq!(house.stamps(&house.wrong_scope("203.0.113.5")).await, 8);
    }

    /// ID-13, F11: word of a suspicion that could not be carried out is tried again, and the owner is told once.
    async fn a_suspicion_is_told_in_the_end(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        house.enter(&anna, browser(1)).await;
        house.wait(60);
        house.ask(&anna, browser(2)).await;
        let code = house.code(&anna).await;
        let told = house.notices(&anna, Channel::Sms).await.len();
        for _ in 0..5 {
            house.verify(browser(2), &wrong(&code)).await;
        }
        let flaky = Flaky {
            inner: TellSuspicion {
                db: house.test.db(),
                env: house.env.clone(),
            },
            failed: AtomicBool::new(false),
        };
        let runner = Runner::new(
            house.test.db(),
            house.env.vault.clone(),
            Arc::clone(&house.env.chance),
            RunnerSettings::default(),
        )
        .handle::<Suspicion>(flaky);
        runner.run_due().await;
        house.wait(3_600);
        runner.run_due().await;
        assert_eq!(house.notices(&anna, Channel::Sms).await.len(), told + 1);
        testkit::retried(&house.test, "identity.suspicion").await;
        house.settled().await;
    }
}

mod look {
    db::statements! {
        /// The times of one network.
        STAMPS: "SELECT stamps FROM code_network WHERE scope = $1" (Bytes) -> (Bytes);
    }
}

impl House {
    async fn phone_codes(&self) -> Vec<String> {
        let mut codes = Vec::new();
        for n in 1..=8 {
            codes.push(self.code(&phone(&format!("+7 912 00{n}-10-00"))).await);
        }
        codes
    }

    fn wrong_scope(&self, address: &str) -> [u8; 32] {
        *self.env.vault.index("net.wrong", address).as_bytes()
    }

    async fn stamps(&self, scope: &[u8; 32]) -> usize {
        self.test
            .read("test.stamps", *scope, |tx, scope| {
                Box::pin(async move {
                    Ok::<_, db::DbError>(
                        tx.query_one(&look::STAMPS, db::params![scope])
                            .await?
                            .bytes(0)?
                            .len()
                            / 8,
                    )
                })
            })
            .await
            .unwrap()
    }
}

/// Fails the first time.
struct Flaky {
    inner: TellSuspicion,
    failed: AtomicBool,
}

#[async_trait::async_trait]
impl Handler<Suspicion> for Flaky {
    async fn run(&self, job: Suspicion, lease: &Lease) -> Result<(), JobError> {
        if !self.failed.swap(true, Ordering::Relaxed) {
            return Err(JobError::Again {
                code: "test",
                after: None,
            });
        }
        self.inner.run(job, lease).await
    }
}
