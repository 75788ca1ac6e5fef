//! ID-2b: how many codes go out, and to whom.

use identity_core::{
    Policy,
    challenge::{Channel as CodeChannel, Purpose},
    sending::NotNow,
};
use identity_service::{
    breaker::{self, Budget},
    codes::Asked,
};
use kernel::Visitor;
use notify::Channel;
use testkit::TestDb;

use crate::{
    house::{ANNA, Browser, House, browser, phone, visitor, visitor_from},
    tools::{after, email, name, raw},
};

fn device(n: u8) -> Visitor {
    Visitor {
        agent: format!("Device/{n}"),
        ..visitor()
    }
}

testkit::both_engines! {
    /// ID-2b, A22: five an hour and ten a day to one number, over all purposes and browsers.
    async fn five_an_hour_ten_a_day(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        let mut sent = Vec::new();
        let start = house.now();
        while house.now().since(start).as_secs() < 2 * 86_400 {
            let n = u8::try_from(sent.len() % 5).unwrap();
            let purpose = if sent.len() % 2 == 0 { Purpose::SignIn } else { Purpose::Freeze };
            match house.ask_for(purpose, &anna, browser(n + 1)).await {
                Asked::Sent => {
                    sent.push(house.now());
                    house.deliver().await;
                }
                Asked::NotNow(not_now) => {
                    assert!(not_now.until() > house.now());
                    house.test.clock().set(not_now.until());
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(sent.len() >= 20, "{}", sent.len());
        for (place, at) in sent.iter().enumerate() {
            let within = |seconds| sent[place..].iter().filter(|t| t.since(*at).as_secs() < seconds).count();
            assert!(within(60) <= 1 && within(3600) <= 5 && within(86_400) <= 10, "at {place}");
        }
        assert_eq!(house.inbox(&anna, Channel::Sms).await.len(), sent.len());
        house.settled().await;
    }

    /// ID-2b: twenty a day from one network and device; another device of the network goes on.
    async fn twenty_a_day_from_one_device(db: TestDb) {
        let house = House::new(db);
        for n in 0..20 {
            let number = phone(&format!("+7 912 0{n:02}-10-00"));
            assert_eq!(house.ask_as(&device(1), &number, browser(n), false).await, Asked::Sent);
        }
        let last = phone("+7 912 099-10-00");
        let refused = house.ask_as(&device(1), &last, browser(30), false).await;
        assert!(matches!(refused, Asked::NotNow(NotNow::Network { .. })), "{refused:?}");
        assert_eq!(house.ask_as(&device(2), &last, browser(30), false).await, Asked::Sent);
        house.wait(86_400);
        assert_eq!(house.ask_as(&device(1), &last, browser(30), false).await, Asked::Sent);
    }

    /// ID-2b: a network that invents devices is stopped too.
    async fn two_hundred_a_day_from_one_network(db: TestDb) {
        let policy = Policy { network_sends_per_day: 1, ..Policy::default() };
        let house = House::with(db, policy);
        for n in 0..10 {
            let number = phone(&format!("+7 912 0{n:02}-10-00"));
            assert_eq!(house.ask_as(&device(n), &number, browser(n), false).await, Asked::Sent);
        }
        let refused = house.ask_as(&device(77), &phone(ANNA), browser(30), false).await;
        assert!(matches!(refused, Asked::NotNow(NotNow::Network { .. })), "{refused:?}");
        assert_eq!(house.ask_as(&visitor_from([198, 51, 100, 1]), &phone(ANNA), browser(30), false).await, Asked::Sent);
    }

    /// A19: twenty to one range in ten minutes; and nobody uses them, so the range is refused for a day.
    async fn a_range_that_nobody_answers_is_blocked(db: TestDb) {
        let house = House::new(db);
        for n in 0..20 {
            let number = phone(&format!("+7 912 000-10-{n:02}"));
            let from = visitor_from([192, 0, n, 1]);
            assert_eq!(house.ask_as(&from, &number, browser(n), false).await, Asked::Sent);
        }
        let next = phone("+7 912 000-10-99");
        let refused = house.ask_as(&visitor_from([192, 0, 99, 1]), &next, browser(99), false).await;
        let until = house.now().saturating_add(std::time::Duration::from_secs(86_400));
        assert_eq!(refused, Asked::NotNow(NotNow::Range { until }));
        let other_range = phone("+7 912 001-10-99");
        assert_eq!(house.ask_as(&visitor_from([192, 0, 98, 1]), &other_range, browser(98), false).await, Asked::Sent);
        assert_eq!(house.phone_count().await, 21);
        house.wait(86_400);
        assert_eq!(house.ask_as(&visitor_from([192, 0, 99, 1]), &next, browser(99), false).await, Asked::Sent);
    }

    /// ID-2a, A11, A22: what strangers used up does not shut the owner out of a browser that the account knows; also
    /// there is an end.
    async fn strangers_leave_the_owner_some(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        let welcome = house.enter(&anna, browser(1)).await;
        let known = after(browser(1), &welcome);
        let day = std::time::Duration::from_secs(86_400);
        house.wait(86_400);
        let start = house.now();
        let mut strangers = 0;
        while house.now().since(start) < day {
            match house.ask_as(&visitor_from([192, 0, strangers, 1]), &anna, browser(2), false).await {
                Asked::Sent => strangers += 1,
                Asked::NotNow(not_now) => {
                    assert!(matches!(not_now, NotNow::Pause { .. } | NotNow::UsedUp { .. }), "{not_now:?}");
                    if not_now.until().since(start) >= day {
                        break;
                    }
                    house.test.clock().set(not_now.until());
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(strangers, 10, "A22: all that strangers get");
        house.wait(600);
        for n in 1..=3 {
            let foreign = house.ask(&anna, browser(2)).await;
            assert!(matches!(foreign, Asked::NotNow(NotNow::UsedUp { .. })), "{foreign:?}");
            assert_eq!(house.ask(&anna, known).await, Asked::Sent, "the owner's code {n}");
            let code = house.code(&anna).await;
            assert_eq!(name(&house.verify(known, &code).await), "in");
            house.wait(600);
        }
        let refused = house.ask(&anna, known).await;
        assert!(matches!(refused, Asked::NotNow(NotNow::UsedUp { .. })), "{refused:?}");
        assert!(house.now().since(start) < day);
    }

    /// ID-2a, A19: a range that strangers had blocked is open to its owners' known browsers.
    async fn a_blocked_range_lets_its_owners_in(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        let welcome = house.enter(&anna, browser(99)).await;
        let known = after(browser(99), &welcome);
        for n in 0..24 {
            let number = phone(&format!("+7 912 000-80-{n:02}"));
            house.ask_as(&visitor_from([192, 0, n, 1]), &number, browser(n), false).await;
        }
        house.wait(600);
        for n in 0..24 {
            let number = phone(&format!("+7 912 000-81-{n:02}"));
            house.ask_as(&visitor_from([192, 1, n, 1]), &number, browser(n), false).await;
        }
        let from = visitor_from([192, 2, 0, 1]);
        let stranger = house.ask_as(&from, &anna, browser(50), false).await;
        assert!(matches!(stranger, Asked::NotNow(NotNow::Range { .. })), "{stranger:?}");
        assert_eq!(house.ask(&anna, known).await, Asked::Sent);
        let code = house.code(&anna).await;
        assert_eq!(name(&house.verify(known, &code).await), "in");
    }

    /// A19: a range whose codes are used is only slowed.
    async fn a_range_that_answers_is_slowed(db: TestDb) {
        let house = House::new(db);
        for n in 0..20 {
            let number = phone(&format!("+7 912 000-10-{n:02}"));
            let from = visitor_from([192, 0, n, 1]);
            assert_eq!(house.ask_as(&from, &number, browser(n), false).await, Asked::Sent);
            if n < 5 {
                let code = house.code(&number).await;
                assert_eq!(name(&house.verify(browser(n), &code).await), "needs consent");
            }
        }
        let next = phone("+7 912 000-10-99");
        let from = visitor_from([192, 0, 99, 1]);
        let until = house.now().saturating_add(std::time::Duration::from_secs(600));
        assert_eq!(house.ask_as(&from, &next, browser(99), false).await, Asked::NotNow(NotNow::Range { until }));
        house.wait(600);
        assert_eq!(house.ask_as(&from, &next, browser(99), false).await, Asked::Sent);
    }

    /// A20: at 80 % of the day's money the operator hears, at 100 % only numbers of accounts get messages; the
    /// answer on the page is the same.
    async fn the_budget_is_a_budget(db: TestDb) {
        let policy = Policy { budget_per_day: 5_000, ..Policy::default() };
        let house = House::with(db, policy);
        let anna = phone(ANNA);
        house.enter(&anna, browser(50)).await;
        let ask = async |n: u8| {
            let number = phone(&format!("+7 912 0{n:02}-10-00"));
            assert_eq!(house.ask(&number, browser(n)).await, Asked::Sent);
            breaker::refresh(&house.test.db(), &house.env.breaker, &house.env.policy).await.unwrap();
            house.inbox(&number, Channel::Sms).await.len()
        };
        for (n, budget) in [(1, Budget::Open), (6, Budget::Open), (7, Budget::Alarm), (9, Budget::Spent)] {
            let from = if n == 1 { 1 } else if n == 6 { 2 } else if n == 7 { 7 } else { 8 };
            for n in from..=n {
                assert_eq!(ask(n).await, 1);
            }
            assert_eq!(house.env.breaker.budget(), budget, "after {n}");
        }
        assert_eq!(ask(10).await, 0, "nobody's number");
        let before = house.inbox(&anna, Channel::Sms).await.len();
        house.wait(60);
        assert_eq!(house.ask(&anna, browser(51)).await, Asked::Sent);
        assert_eq!(house.inbox(&anna, Channel::Sms).await.len(), before + 1, "an account's number");
        house.wait(86_400 + 300);
        assert_eq!(ask(11).await, 0, "the verdict is from before");
        assert_eq!(ask(12).await, 1);
    }

    /// A20: at 80 % of a minute's codes the operator hears, at 100 % only numbers of accounts get them; when the
    /// minute is over everybody does, whatever the slot of the counters.
    async fn a_minute_has_its_own_budget(db: TestDb) {
        let policy = Policy { sends_per_minute: 10, ..Policy::default() };
        let house = House::with(db, policy);
        let anna = phone(ANNA);
        house.enter(&anna, browser(50)).await;
        house.wait(7_200);
        let refresh = async || {
            breaker::refresh(&house.test.db(), &house.env.breaker, &house.env.policy).await.unwrap();
            house.env.breaker.budget()
        };
        assert_eq!(refresh().await, Budget::Open);
        let mut asked = 0_u8;
        let mut ask = async || {
            asked += 1;
            let number = phone(&format!("+7 912 {asked:03}-10-00"));
            assert_eq!(house.ask(&number, browser(asked)).await, Asked::Sent);
            house.wait(2);
            house.inbox(&number, Channel::Sms).await.len()
        };
        for (n, budget) in (1..).zip([Budget::Open; 7].into_iter().chain([Budget::Alarm; 2]).chain([Budget::Spent])) {
            assert_eq!((ask().await, refresh().await), (1, budget), "code {n}");
        }
        assert_eq!(ask().await, 0, "nobody's number");
        let before = house.inbox(&anna, Channel::Sms).await.len();
        assert_eq!(house.ask(&anna, browser(51)).await, Asked::Sent);
        assert_eq!(house.inbox(&anna, Channel::Sms).await.len(), before + 1, "an account's number");
        for _ in 0..12 {
            house.wait(5);
            refresh().await;
        }
        assert_eq!(refresh().await, Budget::Open, "the minute is over");
        assert_eq!(ask().await, 1);
    }

    /// A1, A20: once the money is spent, what a stranger sees of an account's number and of nobody's is the same
    /// to the end, delivery included, and so is the work behind it; only the account gets its message.
    async fn spent_money_betrays_nobody(db: TestDb) {
        let policy = Policy { budget_per_day: 500, ..Policy::default() };
        let house = House::with(db, policy);
        let known = phone(ANNA);
        house.enter(&known, browser(50)).await;
        breaker::refresh(&house.test.db(), &house.env.breaker, &house.env.policy).await.unwrap();
        assert_eq!(house.env.breaker.budget(), Budget::Spent);
        house.wait(7_200);
        let unknown = phone("+7 913 000-00-02");
        let mut all = Vec::new();
        for (n, number, gets) in [(1, &known, 1), (2, &unknown, 0)] {
            let before = (house.inbox(number, Channel::Sms).await.len(), house.inbox(number, Channel::Call).await.len());
            let mut seen = Vec::new();
            for call in [false, true] {
                let rows = (house.count(&raw::MESSAGES).await, house.count(&raw::JOBS).await);
                assert_eq!(house.ask_as(&device(n), number, browser(n), call).await, Asked::Sent);
                let made = (house.count(&raw::MESSAGES).await - rows.0, house.count(&raw::JOBS).await - rows.1);
                assert_eq!(made, (1, 1), "the same rows for both");
                seen.push(house.delivery(browser(n)).await);
                house.deliver().await;
                seen.push(house.delivery(browser(n)).await);
                house.wait(120);
            }
            all.push(seen);
            assert_eq!(house.inbox(number, Channel::Sms).await.len() - before.0, gets);
            assert_eq!(house.inbox(number, Channel::Call).await.len() - before.1, gets);
        }
        assert_eq!(all[0], all[1]);
        // A letter costs nothing: it goes to everybody, and how far it got is shown to everybody.
        let mut all = Vec::new();
        for (n, address) in [(3, email("anna@example.org")), (4, email("nobody@example.org"))] {
            assert_eq!(house.ask_as(&device(n), &address, browser(n), false).await, Asked::Sent);
            let waiting = house.delivery(browser(n)).await;
            house.deliver().await;
            all.push((waiting, house.delivery(browser(n)).await));
        }
        assert_eq!(all[0], all[1]);
        assert_ne!(all[0].0, all[0].1);
        house.settled().await;
    }

    /// A21: nothing goes outside the allowed countries, and nothing is counted for it.
    async fn foreign_numbers_get_nothing(db: TestDb) {
        let house = House::new(db);
        for number in ["+1 202-555-0143", "+44 7400 123456", "+49 1512 3456789", "+375 29 123-45-67"] {
            assert_eq!(house.ask(&phone(number), browser(1)).await, Asked::Country, "{number}");
        }
        assert_eq!((house.count(&raw::CODES).await, house.phone_count().await), (0, 0));
    }

    /// ID-2: an installation without SMS calls instead, and one without calls sends SMS: what has no carrier is
    /// never queued.
    async fn a_way_that_is_not_there_is_not_taken(db: TestDb) {
        let without = |channels: Vec<CodeChannel>| Policy { channels, ..Policy::default() };
        let house = House::with(db, without(vec![CodeChannel::Call, CodeChannel::Email]));
        let anna = phone(ANNA);
        assert_eq!(house.ask_as(&visitor(), &anna, browser(1), false).await, Asked::Sent);
        assert_eq!(house.status(browser(1)).await.unwrap().channel, CodeChannel::Call);
        assert_eq!((house.inbox(&anna, Channel::Call).await.len(), house.inbox(&anna, Channel::Sms).await.len()), (1, 0));
        let house = House::with(house.test, without(vec![CodeChannel::Sms]));
        house.wait(60);
        assert_eq!(house.ask_as(&visitor(), &anna, browser(1), true).await, Asked::Sent);
        assert_eq!(house.status(browser(1)).await.unwrap().channel, CodeChannel::Sms);
        assert_eq!((house.inbox(&anna, Channel::Call).await.len(), house.inbox(&anna, Channel::Sms).await.len()), (0, 1));
    }

    /// A23: two calls an hour; the other channel stays open.
    async fn two_calls(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        for wait in [60, 120] {
            assert_eq!(house.ask_as(&visitor(), &anna, browser(1), true).await, Asked::Sent);
            house.wait(wait);
        }
        let refused = house.ask_as(&visitor(), &anna, browser(1), true).await;
        assert!(matches!(refused, Asked::NotNow(NotNow::Calls { .. })), "{refused:?}");
        assert_eq!(house.ask(&anna, browser(1)).await, Asked::Sent);
    }
}

impl House {
    /// What is known of the message behind a browser's code; `None` when nothing is shown.
    async fn delivery(&self, browser: Browser) -> Option<notify::DeliveryState> {
        let message = self.status(browser).await.unwrap().message?;
        let found = self.test.read("test.delivery", message, |tx, message| {
            Box::pin(async move { notify::delivery(tx, &[*message]).await })
        });
        let found: Result<_, db::DbError> = found.await;
        found.unwrap().pop().map(|known| known.state)
    }

    async fn phone_count(&self) -> usize {
        self.deliver().await;
        self.phone.messages().len()
    }
}
