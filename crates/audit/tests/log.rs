//! Writing and reading the log (SU-6, ID-14).

mod common;

use std::collections::HashSet;

use audit::{Actor, Details, Entry, SealedDetails, action, append, append_all, chain, history};
use common::{Log, SIGNED_IN, account, raw, texts, write};
use db::{DbError, params};
use kernel::{AccountId, Locale, SessionId, Visitor};
use testkit::{TestDb, race};

async fn page(db: &TestDb, account: AccountId, before: Option<i64>, limit: u8) -> Vec<audit::Item> {
    db.read(
        "test.history",
        (account, before, limit),
        |tx, (account, before, limit)| {
            Box::pin(async move { history(tx, *account, *before, *limit).await })
        },
    )
    .await
    .unwrap()
}

async fn count(db: &TestDb) -> i64 {
    db.read("test.count", (), |tx, ()| {
        Box::pin(async move { tx.query_one(&raw::COUNT, params![0_i64]).await?.int(0) })
    })
    .await
    .unwrap()
}

testkit::both_engines! {
    /// SU-6: who, what, on whose behalf, from where; and only its own account sees it.
    async fn an_entry_says_who_what_for_whom_and_from_where(db: TestDb) {
        let log = Log::new(db);
        let (mine, other) = (account(5, 1), account(5, 2));
        let key = log.key(mine);
        let session = SessionId::new(log.db.clock().as_ref().now_(), &**log.db.chance());
        let staff = audit::StaffId::new(log.db.clock().as_ref().now_(), &**log.db.chance());
        let visitor = Visitor {
            network: "2001:db8::1".parse().unwrap(),
            agent: "я".repeat(400),
            locale: Locale::Ru,
        };
        let details = Details::of(&visitor).fact("channel", "sms");
        assert_eq!(details.agent.as_ref().unwrap().len(), 512);
        let entry = Entry::new(action::SESSION_ENDED, Actor::Staff(staff))
            .about(mine)
            .on_behalf_of(other)
            .in_session(session)
            .with(details.seal(&key));
        let event = write(&log.db, entry).await;
        write(&log.db, Entry::by_customer(SIGNED_IN, other)).await;

        let items = page(&log.db, mine, None, 10).await;
        let [item] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!(item.event, event);
        assert_eq!(item.actor, Actor::Staff(staff));
        assert_eq!(item.action, "session.ended");
        assert_eq!((item.on_behalf, item.session), (Some(other), Some(session)));
        assert_eq!(item.at, log.db.clock().as_ref().now_());
        assert_eq!(item.details.open(&key).unwrap(), details);
        // Nothing personal in the clear, and no other key opens it.
        let (record, _, _) = log.row(5, 1).await;
        let plain = record.details.windows(3).any(|bytes| bytes == b"sms" || bytes == b"200");
        assert!(!plain);
        assert!(item.details.open(&log.key(other)).is_err());
        assert!(!format!("{item:?} {details:?}").contains("2001"));
        let printed = format!("{item:?}");
        assert!(!printed.contains(&hex::encode(&record.details)));
    }

    /// ID-14: page by page, newest first, nothing twice and nothing left out.
    async fn the_history_comes_in_pages(db: TestDb) {
        let log = Log::new(db);
        log.fill(9, 30).await;
        let mine = account(9, 0);
        let mut seen = Vec::new();
        let mut before = None;
        loop {
            let items = page(&log.db, mine, before, 4).await;
            let Some(last) = items.last() else { break };
            before = Some(last.seq);
            seen.extend(items.iter().map(|item| item.seq));
        }
        let expected: Vec<i64> = (1..=30).filter(|seq| (seq - 1) % 3 == 0).rev().collect();
        assert_eq!(seen, expected);
        assert!(page(&log.db, account(9, 7), None, 255).await.is_empty());
    }

    /// What concerns nobody is logged too, in various buckets, and read back with the system key.
    async fn entries_without_an_account_are_spread(db: TestDb) {
        let log = Log::new(db);
        let details = Details::default().fact("why", "limit");
        let mut buckets = HashSet::new();
        for _ in 0..20 {
            let sealed = details.seal_system(&log.vault);
            assert_eq!(sealed.open_system(&log.vault).unwrap(), details);
            write(&log.db, Entry::new(action::CODE_REFUSED, Actor::Visitor).with(sealed)).await;
        }
        let seal = log.seal().await;
        buckets.extend(seal.changed.iter().map(|head| head.bucket));
        assert!(buckets.len() > 5, "{buckets:?}");
        assert_eq!(seal.changed.iter().map(|head| head.seq).sum::<i64>(), 20);
        assert!(log.verify().await.is_clean());
        assert_eq!(SealedDetails::NONE.open_system(&log.vault).unwrap(), Details::default());
    }

    /// Many at once, on few and on many buckets: every entry gets its own place and the chain is whole.
    async fn five_hundred_at_once_make_a_whole_chain(db: TestDb) {
        let log = Log::new(db);
        let events = race(500, |number| {
            let db = log.db.db();
            let bucket = u8::try_from(if number % 2 == 0 { number % 64 } else { 3 }).unwrap();
            async move { write(&db, Entry::by_customer(SIGNED_IN, account(bucket, 1))).await }
        })
        .await;
        assert_eq!(events.iter().collect::<HashSet<_>>().len(), 500);
        log.seal().await;
        let report = log.verify().await;
        assert_eq!(texts(&report), Vec::<String>::new());
        assert_eq!((report.entries, report.unsealed, report.seals), (500, 0, 1));
    }

    /// Transactions that log for several accounts lock the buckets in one order: none waits for ever.
    async fn several_entries_at_once_do_not_deadlock(db: TestDb) {
        let log = Log::new(db);
        let written = race(64, |number| {
            let db = log.db.db();
            async move {
                let mut accounts = vec![account(1, 1), account(2, 1), account(1, 2), account(3, 1)];
                accounts.rotate_left(number % 4);
                let events = db.write("test.many", accounts, |tx, accounts| Box::pin(async move {
                    let entries = accounts.iter().map(|id| Entry::by_customer(SIGNED_IN, *id)).collect();
                    append_all(tx, entries).await
                })).await;
                events.unwrap().len()
            }
        })
        .await;
        assert_eq!(written.iter().sum::<usize>(), 256);
        let report = log.verify().await;
        assert_eq!((report.entries, report.problems.len()), (256, 0));
    }

    /// `append_all` answers in the order of its entries.
    async fn events_come_back_in_the_order_of_the_entries(db: TestDb) {
        let log = Log::new(db);
        let accounts = vec![account(9, 1), account(2, 1), account(9, 2)];
        let events = log.db.write("test.many", accounts.clone(), |tx, accounts| Box::pin(async move {
            let entries = accounts.iter().map(|id| Entry::by_customer(SIGNED_IN, *id)).collect();
            append_all(tx, entries).await
        })).await.unwrap();
        for (account, event) in accounts.iter().zip(events) {
            assert_eq!(page(&log.db, *account, None, 1).await[0].event, event);
        }
    }

    /// What is undone leaves no entry and no gap.
    async fn a_rolled_back_transaction_leaves_no_gap(db: TestDb) {
        let log = Log::new(db);
        for round in 0..6_u8 {
            let done = log.db.write("test.undone", round, |tx, round| Box::pin(async move {
                append(tx, Entry::by_customer(SIGNED_IN, account(4, *round))).await?;
                append(tx, Entry::by_customer(SIGNED_IN, account(4, *round))).await?;
                if round % 2 == 0 { Err(DbError::Timeout) } else { Ok(()) }
            })).await;
            assert_eq!(done.is_ok(), round % 2 == 1);
        }
        assert_eq!(count(&log.db).await, 6);
        let report = log.verify().await;
        assert_eq!((report.entries, report.problems.len()), (6, 0));
        assert_eq!(chain::bucket_of(&account(4, 0)), 4);
    }

    /// DE-2: the key is destroyed, the chain stays whole and the details stay shut.
    async fn erasing_a_person_leaves_the_chain_whole(db: TestDb) {
        let log = Log::new(db);
        let mine = account(8, 1);
        let key = log.key(mine);
        let entry = Entry::by_customer(SIGNED_IN, mine)
            .with(Details::default().fact("channel", "sms").seal(&key));
        write(&log.db, entry).await;
        drop(key);
        let items = page(&log.db, mine, None, 1).await;
        assert!(items[0].details.open(&log.key(mine)).is_err());
        log.seal().await;
        assert!(log.verify().await.is_clean());
    }

    /// A108: a page of the history has at most a hundred events, whatever is asked for.
    async fn a_page_has_a_hundred_at_most(db: TestDb) {
        let log = Log::new(db);
        let mine = account(5, 1);
        for _ in 0..101 {
            write(&log.db, Entry::by_customer(SIGNED_IN, mine)).await;
        }
        assert_eq!(page(&log.db, mine, None, 255).await.len(), 100);
        assert_eq!(page(&log.db, mine, None, 7).await.len(), 7);
    }
}

/// The clock's time without importing the trait everywhere.
trait Now {
    fn now_(&self) -> kernel::Timestamp;
}

impl Now for testkit::TestClock {
    fn now_(&self) -> kernel::Timestamp {
        kernel::Clock::now(self)
    }
}
