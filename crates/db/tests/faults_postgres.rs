//! PostgreSQL killed, frozen and cut off under load: I2, I3, F2, F5, F6.

mod support;

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use db::{Db, DbError, DbSettings, idempotency, idempotency::Claim, params};
use support::{Keep, On, add, amount, ids, sql, within};
use testkit::{
    postgres::{Cluster, Durability},
    proxy::{Proxy, Then},
};

const CONNECTIONS: usize = 8;

async fn on(cluster: &Cluster) -> On {
    let database = cluster.databases().create();
    let settings = DbSettings::Postgres {
        url: database.url(),
        connections: CONNECTIONS,
    };
    On::open(settings, Keep::Postgres(database)).await
}

/// Callers that write numbered rows as fast as they are answered, and what they were told.
#[derive(Clone, Default)]
struct Load {
    next: Arc<AtomicI64>,
    stop: Arc<AtomicBool>,
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    kept: BTreeSet<i64>,
    refused: BTreeSet<i64>,
    unknown: BTreeSet<i64>,
    longest: Duration,
    kinds: BTreeSet<&'static str>,
}

impl Load {
    fn start(&self, db: &Db, callers: usize) -> tokio::task::JoinSet<()> {
        let mut set = tokio::task::JoinSet::new();
        for _ in 0..callers {
            let (load, db) = (self.clone(), db.clone());
            set.spawn(async move {
                while !load.stop.load(Ordering::SeqCst) {
                    let id = load.next.fetch_add(1, Ordering::SeqCst);
                    let began = Instant::now();
                    let answer = add(&db, id).await;
                    load.note(id, &answer, began.elapsed());
                    if answer.is_err() {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            });
        }
        set
    }

    fn note(&self, id: i64, answer: &Result<(), DbError>, took: Duration) {
        let mut told = self.told.lock().unwrap();
        told.longest = told.longest.max(took);
        match answer {
            Ok(()) => told.kept.insert(id),
            Err(DbError::UnknownCommit) => {
                told.kinds.insert("unknown");
                told.unknown.insert(id)
            }
            Err(DbError::Unavailable(_)) => {
                told.kinds.insert("unavailable");
                told.refused.insert(id)
            }
            Err(DbError::Timeout) => {
                told.kinds.insert("timeout");
                told.refused.insert(id)
            }
            Err(other) => panic!("{other}"),
        };
    }

    /// I2 and I3: what was acknowledged is there, what was refused is not.
    async fn check(&self, db: &Db, what: &str) {
        let there: BTreeSet<i64> = ids(db).await.into_iter().collect();
        let told = self.told.lock().unwrap();
        println!(
            "{what}: {} kept, {} refused, {} unknown of which {} are there, longest answer {:?}, {:?}",
            told.kept.len(),
            told.refused.len(),
            told.unknown.len(),
            told.unknown.intersection(&there).count(),
            told.longest,
            told.kinds,
        );
        assert!(
            told.kept.is_subset(&there),
            "acknowledged and lost: {:?}",
            told.kept.difference(&there)
        );
        assert!(told.refused.is_disjoint(&there), "refused and there");
    }
}

/// How long until a write succeeds.
async fn healed(db: &Db, limit: Duration) -> Duration {
    static NEXT: AtomicI64 = AtomicI64::new(1_000_000_000);
    let began = Instant::now();
    within(limit, "healing", async {
        while add(db, NEXT.fetch_add(1, Ordering::SeqCst)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    began.elapsed()
}

/// The pool lends every connection again.
async fn whole_pool(db: &Db) {
    let calls = (0..4 * CONNECTIONS).map(|_| {
        db.write("test.pool", (), |tx, ()| {
            Box::pin(async move {
                tx.query(&sql::COUNT, params![]).await?;
                Ok::<_, DbError>(())
            })
        })
    });
    let answers = within(
        Duration::from_secs(5),
        "the pool",
        futures_util::future::join_all(calls),
    )
    .await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

/// F5: a frozen server. Everybody is answered within 5 s, a health check too, and 5 s after it wakes all is
/// well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_is_not_waited_for() {
    let cluster = Cluster::start(Durability::Full);
    let on = on(&cluster).await;
    let load = Load::default();
    let mut callers = load.start(&on.db, 64);
    tokio::time::sleep(Duration::from_secs(1)).await;
    cluster.freeze();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(8) {
        let asked = Instant::now();
        let answer = on
            .db
            .read("test.health", (), |tx, ()| {
                Box::pin(async move { tx.query(&sql::COUNT, params![]).await.map(|_| ()) })
            })
            .await;
        assert!(
            asked.elapsed() < Duration::from_secs(5),
            "a read took {:?}",
            asked.elapsed()
        );
        assert!(
            matches!(answer, Err(DbError::Unavailable(_) | DbError::Timeout)),
            "{answer:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    cluster.thaw();
    println!(
        "healed {:?} after waking",
        healed(&on.db, Duration::from_secs(5)).await
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    load.stop.store(true, Ordering::SeqCst);
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    whole_pool(&on.db).await;
    load.check(&on.db, "frozen").await;
    assert!(load.told.lock().unwrap().longest < Duration::from_secs(5));
}

/// F2: the server and its children are killed under load and started again, five times. Refusals come
/// within 2 s, writing goes on without opening anything anew, and nothing acknowledged is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_heals() {
    let cluster = Cluster::start(Durability::Full);
    let on = on(&cluster).await;
    let load = Load::default();
    let mut callers = load.start(&on.db, 32);
    for round in 0..5 {
        tokio::time::sleep(Duration::from_millis(500 + 130 * round)).await;
        tokio::task::block_in_place(|| cluster.kill());
        for _ in 0..5 {
            let asked = Instant::now();
            let answer = add(&on.db, 2_000_000_000).await;
            assert!(matches!(answer, Err(DbError::Unavailable(_))), "{answer:?}");
            assert!(
                asked.elapsed() < Duration::from_secs(2),
                "a refusal took {:?}",
                asked.elapsed()
            );
        }
        tokio::task::block_in_place(|| cluster.start_again());
        println!(
            "healed {:?} after the start",
            healed(&on.db, Duration::from_secs(10)).await
        );
    }
    load.stop.store(true, Ordering::SeqCst);
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    whole_pool(&on.db).await;
    load.check(&on.db, "killed").await;
    assert!(load.told.lock().unwrap().kept.len() > 100);
}

/// A server restarted while nobody asked: the next caller must not pay for the connections it cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stale_connections_are_nobodys_error() {
    let cluster = Cluster::start(Durability::None);
    let on = on(&cluster).await;
    whole_pool(&on.db).await;
    tokio::task::block_in_place(|| {
        cluster.stop();
        cluster.start_again();
    });
    let calls = (0..32).map(|id| add(&on.db, id));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

async fn through(cluster: &Cluster, proxy: &Proxy) -> (On, Db) {
    let on = on(cluster).await;
    add(&on.db, 1).await.unwrap();
    let Keep::Postgres(database) = &on.keep else {
        unreachable!()
    };
    let url = database.url().replace(
        &cluster.port().to_string(),
        &proxy.address().port().to_string(),
    );
    let cut = Db::open(
        DbSettings::Postgres {
            url,
            connections: 4,
        },
        on.clock.clone(),
    )
    .await
    .unwrap();
    (on, cut)
}

async fn grow(db: &Db, key: Option<&'static str>) -> Result<&'static str, DbError> {
    db.write("test.grow", key, |tx, key| {
        Box::pin(async move {
            if let Some(key) = key {
                match idempotency::claim(tx, b"scope", key, &[1; 32]).await? {
                    Claim::Fresh => {}
                    Claim::Replay(_) => return Ok("replay"),
                    Claim::Mismatch => return Err(DbError::Busy),
                }
                idempotency::keep(tx, b"scope", key, b"done").await?;
            }
            tx.execute_one(&sql::GROW, params![1_i64, 1_i64]).await?;
            Ok("done")
        })
    })
    .await
}

/// The same with nothing sent before COMMIT but the key: the effect travels with it.
async fn grow_later(db: &Db, key: Option<&'static str>) -> Result<&'static str, DbError> {
    db.write("test.grow", key, |tx, key| {
        Box::pin(async move {
            if let Some(key) = key {
                match idempotency::claim(tx, b"later", key, &[1; 32]).await? {
                    Claim::Fresh => {}
                    Claim::Replay(_) => return Ok("replay"),
                    Claim::Mismatch => return Err(DbError::Busy),
                }
                idempotency::keep(tx, b"later", key, b"done").await?;
            }
            tx.defer(&[(&sql::GROW, params![1_i64, 1_i64])]).await?;
            Ok("done")
        })
    })
    .await
}

/// What a transaction left that nobody knows the end of: once or not at all, and it stays so. The server may
/// still be at it when its caller is told.
async fn settled(db: &Db, before: i64, most: i64) -> i64 {
    let mut left = before;
    for _ in 0..50 {
        left = amount(db, 1).await;
        if left == before + most {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!((before..=before + most).contains(&left), "{left}");
    left
}

/// F6: the connection is cut while COMMIT is under way, before it reaches the server and after it was
/// carried out. With a key the transaction is run again by itself and the key tells; without one the
/// caller is told that nobody knows. Never twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_commit_is_never_carried_out_twice() {
    let cluster = Cluster::start(Durability::None);
    let proxy = Proxy::start(([127, 0, 0, 1], cluster.port()).into());
    let (on, cut) = through(&cluster, &proxy).await;
    let mut expected = 0;
    for (then, keys, carried_out) in [
        (Then::CutAfterAnswer, ["a1", "a2", "a3"], 1),
        (Then::CutBefore, ["b1", "b2", "b3"], 0),
    ] {
        for key in keys {
            let sprung = proxy.sprung();
            proxy.trap(b"COMMIT", then);
            let answer = grow(&cut, Some(key)).await;
            assert_eq!(proxy.sprung(), sprung + 1);
            expected += 1;
            assert_eq!(
                answer,
                Ok(if carried_out == 1 { "replay" } else { "done" }),
                "{then:?}"
            );
            assert_eq!(amount(&on.db, 1).await, expected);
            assert_eq!(grow(&cut, Some(key)).await, Ok("replay"));
            assert_eq!(amount(&on.db, 1).await, expected);
        }
        proxy.trap(b"COMMIT", then);
        assert_eq!(grow(&cut, None).await, Err(DbError::UnknownCommit));
        expected += carried_out;
        assert_eq!(amount(&on.db, 1).await, expected, "{then:?}");
    }
    for (then, key, carried_out) in [
        (Then::CutAfterAnswer, "later-a", 1),
        (Then::CutBefore, "later-b", 0),
    ] {
        // What is deferred goes out in one piece with COMMIT, and an answer to any of it springs the trap: the
        // server may lose its client between the two, so either end is right, but only one of them.
        proxy.trap(b"COMMIT", then);
        let told = grow_later(&cut, Some(key)).await;
        assert!(
            told == Ok("done") || (told == Ok("replay") && carried_out == 1),
            "{then:?}: {told:?}"
        );
        expected += 1;
        assert_eq!(amount(&on.db, 1).await, expected);
        proxy.trap(b"COMMIT", then);
        let answer = grow_later(&cut, None).await;
        assert_eq!(answer, Err(DbError::UnknownCommit), "{then:?}");
        expected = settled(&on.db, expected, carried_out).await;
    }
    // The server goes away with the answer: the second run cannot begin, and "unavailable, nothing was
    // changed" would be a lie.
    proxy.trap(b"COMMIT", Then::CutAfterAnswer);
    let call = grow(&cut, Some("c"));
    let refuse = async {
        while proxy.sprung() < 13 {
            tokio::task::yield_now().await;
        }
        proxy.refuse();
    };
    let (answer, ()) = tokio::join!(call, refuse);
    assert!(
        matches!(answer, Err(DbError::UnknownCommit) | Ok("replay")),
        "{answer:?}"
    );
    proxy.resume();
    let there = amount(&on.db, 1).await;
    assert!([expected, expected + 1].contains(&there));
    let told = if there == expected { "done" } else { "replay" };
    assert_eq!(grow(&cut, Some("c")).await, Ok(told));
    assert_eq!(amount(&on.db, 1).await, expected + 1);
}

/// F6: cuts at any moment, under load.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_cuts_lose_nothing() {
    let cluster = Cluster::start(Durability::None);
    let proxy = Proxy::start(([127, 0, 0, 1], cluster.port()).into());
    let (on, cut) = through(&cluster, &proxy).await;
    let load = Load::default();
    load.next.store(10, Ordering::SeqCst);
    let mut callers = load.start(&cut, 16);
    for round in 0..40 {
        tokio::time::sleep(Duration::from_millis(17 + 7 * (round % 5))).await;
        proxy.cut();
    }
    load.stop.store(true, Ordering::SeqCst);
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    load.check(&on.db, "cut 40 times").await;
    whole_pool(&cut).await;
}
