//! The seam does the same on both engines.

mod support;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use db::{
    Db, DbError, Engine, Kind, MigrateError, Migration, Param, Value,
    idempotency::{self, Claim},
    params,
};
use futures_util::future::join_all;
use support::{On, THING, add, amount, ids, place, put, sql, with_thing, within};

both! {
    async fn every_kind_comes_back_as_it_was_written(on: On) {
        on.db.write("test.kinds", (), |tx, ()| Box::pin(async move {
            tx.execute_one(&sql::ADD, params![1_i64, "Ключ ☂", &[0_u8, 255, 7], true, i64::MIN]).await?;
            tx.execute_one(&sql::ADD, params![2_i64, Param::Null, Param::Null, Param::Null, Param::Null]).await?;
            tx.execute_one(&sql::ADD, params![3_i64, "", &[0_u8; 0], false, i64::MAX]).await?;
            let row = tx.query_one(&sql::FIND, params![1_i64]).await?;
            assert_eq!(row.int(0)?, 1, "a transaction sees its own writes");
            Ok::<_, DbError>(())
        })).await.unwrap();
        let rows = on.db.read("test.kinds", (), |tx, ()| Box::pin(async move {
            let mut rows = Vec::new();
            for id in 1..=3_i64 {
                rows.push(tx.query_one(&sql::FIND, params![id]).await?);
            }
            Ok::<_, DbError>(rows)
        })).await.unwrap();
        assert!(rows[0].values() == [
            Value::Int(1), Value::Text("Ключ ☂".into()), Value::Bytes(vec![0, 255, 7]),
            Value::Bool(true), Value::Int(i64::MIN),
        ]);
        assert!(rows[1].values()[1..] == [Value::Null, Value::Null, Value::Null, Value::Null]);
        assert_eq!(rows[1].opt_text(1).unwrap(), None);
        assert_eq!(rows[1].opt_array::<3>(2).unwrap(), None);
        assert!(matches!(rows[1].text(1), Err(DbError::Inconsistent { column: 1, .. })));
        assert_eq!(rows[2].text(1).unwrap(), "");
        assert_eq!(rows[2].bytes(2).unwrap(), Vec::<u8>::new());
        assert!(!rows[2].bool(3).unwrap());
        assert_eq!(rows[0].array::<3>(2).unwrap(), [0, 255, 7]);
        assert!(matches!(rows[0].array::<2>(2), Err(DbError::Inconsistent { .. })));
        assert!(matches!(rows[0].int(9), Err(DbError::Inconsistent { .. })));
    }

    async fn an_error_undoes_everything(on: On) {
        let refused = on.db.write("test.refused", (), |tx, ()| Box::pin(async move {
            put(tx, 1, "x").await?;
            Err::<(), _>(DbError::Busy)
        })).await;
        assert_eq!(refused, Err(DbError::Busy));
        assert!(ids(&on.db).await.is_empty());
        add(&on.db, 2).await.unwrap();
        assert_eq!(ids(&on.db).await, [2]);
    }

    async fn not_found_is_none_and_counts_are_checked(on: On) {
        add(&on.db, 1).await.unwrap();
        add(&on.db, 2).await.unwrap();
        on.db.write("test.counts", (), |tx, ()| Box::pin(async move {
            assert!(tx.query_opt(&sql::FIND, params![9_i64]).await?.is_none());
            assert!(matches!(tx.query_one(&sql::FIND, params![9_i64]).await, Err(DbError::RowCount { actual: Some(0), .. })));
            assert!(matches!(tx.query_opt(&sql::IDS, params![]).await, Err(DbError::RowCount { actual: Some(2), .. })));
            assert_eq!(tx.execute(&sql::GROW, params![1_i64, 9_i64]).await?, 0);
            assert!(matches!(tx.execute_one(&sql::GROW, params![1_i64, 9_i64]).await, Err(DbError::RowCount { .. })));
            let touched = tx.batch(&[
                (&sql::GROW, params![5_i64, 1_i64]),
                (&sql::GROW, params![5_i64, 9_i64]),
                (&sql::ADD_NEW, params![2_i64, "x"]),
                (&sql::ADD_NEW, params![3_i64, "x"]),
            ]).await?;
            assert_eq!(touched, [1, 0, 0, 1]);
            Ok::<_, DbError>(())
        })).await.unwrap();
        assert_eq!(amount(&on.db, 1).await, 5);
        assert_eq!(ids(&on.db).await, [1, 2, 3]);
    }

    async fn wrong_kinds_are_refused(on: On) {
        add(&on.db, 1).await.unwrap();
        for wrong in [params![], params!["1"], params![Param::Null], params![1_i64, 2_i64]] {
            let wrong: Vec<Param<'static>> = wrong.to_vec();
            let answer = on.db.read("test.wrong", wrong, |tx, wrong| Box::pin(async move {
                tx.query(&sql::FIND, wrong).await.map(|_| ())
            })).await;
            assert!(matches!(answer, Err(DbError::Misuse { .. })), "{answer:?}");
        }
        let answer = on.db.read("test.wrong", (), |tx, ()| Box::pin(async move {
            tx.query(&sql::WRONG, params![1_i64]).await.map(|_| ())
        })).await;
        assert!(matches!(answer, Err(DbError::Inconsistent { column: 0, .. })), "{answer:?}");
    }

    async fn a_key_that_exists_is_a_conflict(on: On) {
        add(&on.db, 1).await.unwrap();
        assert!(matches!(add(&on.db, 1).await, Err(DbError::Conflict { .. })));
        add(&on.db, 2).await.unwrap();
    }

    /// A use case that ignores a failed statement must not be told that it was kept: PostgreSQL turns the
    /// COMMIT of a failed transaction into a ROLLBACK without saying so.
    async fn a_failed_statement_fails_the_transaction_whatever_the_use_case_says(on: On) {
        add(&on.db, 1).await.unwrap();
        let answer = on.db.write("test.swallow", (), |tx, ()| Box::pin(async move {
            put(tx, 2, "x").await?;
            let first = put(tx, 1, "x").await;
            assert!(matches!(first, Err(DbError::Conflict { .. })), "{first:?}");
            let after = tx.query(&sql::IDS, params![]).await.map(|_| ());
            assert!(matches!(after, Err(DbError::Conflict { .. })), "{after:?}");
            Ok::<_, DbError>(())
        })).await;
        assert!(matches!(answer, Err(DbError::Conflict { .. })), "{answer:?}");
        assert_eq!(ids(&on.db).await, [1]);
        add(&on.db, 2).await.unwrap();
    }

    async fn now_is_fixed_when_the_transaction_begins(on: On) {
        let clock = on.clock.clone();
        let before = db::Db::clock(&on.db).now();
        let (first, second) = on.db.write("test.now", clock, |tx, clock| Box::pin(async move {
            let first = tx.now();
            clock.advance(Duration::from_secs(60));
            tx.query(&sql::IDS, params![]).await?;
            Ok::<_, DbError>((first, tx.now()))
        })).await.unwrap();
        assert_eq!((first, second), (before, before));
        let read = on.db.read("test.now", (), |tx, ()| Box::pin(async move { Ok::<_, DbError>(tx.now()) })).await.unwrap();
        assert_eq!(read.since(before), Duration::from_secs(60));
    }

    /// A73's shape: opposing lock orders; the engine's victim is run again and nobody is told.
    async fn opposing_locks_are_retried(on: On) {
        add(&on.db, 1).await.unwrap();
        add(&on.db, 2).await.unwrap();
        let runs = Arc::new(AtomicU32::new(0));
        let calls = (0..2_i64).map(|n| {
            let pair = if n % 2 == 0 { [1, 2] } else { [2, 1] };
            let slow = on.db.engine() == Engine::Postgres;
            on.db.write("test.oppose", (pair, runs.clone(), slow), |tx, (pair, runs, slow)| Box::pin(async move {
                runs.fetch_add(1, Ordering::SeqCst);
                for id in pair {
                    tx.query_one(&sql::LOCK, params![*id]).await?;
                    tx.execute_one(&sql::GROW, params![1_i64, *id]).await?;
                    if *slow && runs.load(Ordering::SeqCst) < 3 {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
                Ok::<_, DbError>(())
            }))
        });
        let answers = join_all(calls).await;
        let good = answers.iter().filter(|a| a.is_ok()).count();
        assert!(answers.iter().all(|a| matches!(a, Ok(()) | Err(DbError::Retry | DbError::Timeout | DbError::Unavailable(_)))), "{answers:?}");
        assert_eq!(amount(&on.db, 1).await, i64::try_from(good).unwrap());
        assert_eq!(amount(&on.db, 2).await, i64::try_from(good).unwrap());
        println!("{good} of 2 passed in {} runs", runs.load(Ordering::SeqCst));
        assert_eq!(good, 2);
        assert!(on.db.engine() == Engine::Sqlite || runs.load(Ordering::SeqCst) > 2, "no deadlock was made");
    }

    async fn many_writers_at_once_all_count(on: On) {
        add(&on.db, 1).await.unwrap();
        let calls = (0..256).map(|_| on.db.write("test.many", (), |tx, ()| Box::pin(async move {
            let row = tx.query_one(&sql::GROWN, params![1_i64, 1_i64]).await?;
            row.int(0)
        })));
        let mut seen = join_all(calls).await.into_iter().collect::<Result<Vec<_>, DbError>>().unwrap();
        seen.sort_unstable();
        assert_eq!(seen, (1..=256).collect::<Vec<_>>());
    }

    async fn a_panic_in_a_use_case_is_an_error_and_undone(on: On) {
        for round in 0..40_i64 {
            let answer = on.db.write("test.panic", round, |tx, round| Box::pin(async move {
                put(tx, 1000 + *round, "x").await?;
                assert!(*round < 0, "this panic is meant");
                Ok::<_, DbError>(())
            })).await;
            assert!(matches!(answer, Err(DbError::Misuse { .. })), "{answer:?}");
            let answer = on.db.read("test.panic", round, |tx, round| Box::pin(async move {
                tx.query(&sql::IDS, params![]).await?;
                assert!(*round < 0, "this panic is meant");
                Ok::<_, DbError>(())
            })).await;
            assert!(matches!(answer, Err(DbError::Misuse { .. })), "{answer:?}");
        }
        // On PostgreSQL the next caller must not continue what the panic left open.
        for id in 0..20 {
            add(&on.db, id).await.unwrap();
        }
        assert_eq!(ids(&on.db).await, (0..20).collect::<Vec<_>>());
    }

    /// EV-3, A76: one effect, 63 replays.
    async fn a_key_claimed_by_64_has_one_effect(on: On) {
        add(&on.db, 1).await.unwrap();
        let calls = (0..64).map(|_| on.db.write("test.claim", (), |tx, ()| Box::pin(async move {
            match idempotency::claim(tx, b"scope", "key", &[7; 32]).await? {
                Claim::Fresh => {}
                Claim::Replay(answer) => return Ok((false, answer)),
                Claim::Mismatch => return Err(DbError::Busy),
            }
            tx.execute_one(&sql::GROW, params![1_i64, 1_i64]).await?;
            idempotency::keep(tx, b"scope", "key", b"answer").await?;
            Ok((true, b"answer".to_vec()))
        })));
        let answers = join_all(calls).await.into_iter().collect::<Result<Vec<_>, DbError>>().unwrap();
        assert_eq!(answers.iter().filter(|(fresh, _)| *fresh).count(), 1);
        assert!(answers.iter().all(|(_, answer)| answer == b"answer"));
        assert_eq!(amount(&on.db, 1).await, 1);
        let other = |scope: &'static [u8], hash: [u8; 32]| on.db.write("test.claim", (scope, hash), |tx, (scope, hash)| Box::pin(async move {
            idempotency::claim(tx, scope, "key", hash).await
        }));
        assert_eq!(other(b"scope", [8; 32]).await, Ok(Claim::Mismatch));
        assert_eq!(other(b"scope", [7; 32]).await, Ok(Claim::Replay(b"answer".to_vec())));
        assert_eq!(other(b"another", [8; 32]).await, Ok(Claim::Fresh));
        on.clock.advance(idempotency::KEPT + Duration::from_secs(1));
        let forgotten = on.db.write("test.forget", (), |tx, ()| Box::pin(idempotency::forget(tx, 100))).await;
        assert_eq!(forgotten, Ok(2));
        assert_eq!(other(b"scope", [8; 32]).await, Ok(Claim::Fresh));
    }

    async fn migrations_run_twice_change_nothing(on: On) {
        let again = on.db.migrate_with(&with_thing()).await.unwrap();
        assert!(again.applied.is_empty());
        assert_eq!(again.at, THING.number);
        assert!(on.db.pending().await.unwrap().is_empty());
    }

    async fn a_changed_migration_is_refused(on: On) {
        let mut all = with_thing();
        let changed = Migration { text: "CREATE TABLE thing (id BIGINT) {table};\n", ..THING };
        *all.last_mut().unwrap() = changed;
        let answer = on.db.migrate_with(&all).await;
        assert!(matches!(answer, Err(MigrateError::Changed(name)) if name == THING.name));
    }

    /// F17: a step that fails leaves nothing of its migration behind, and the mended one runs.
    async fn a_broken_migration_leaves_nothing(on: On) {
        let text = "CREATE TABLE half (id BIGINT NOT NULL PRIMARY KEY) {table};\nCREATE TABLE thing (id BIGINT) {table};\n";
        let broken = Migration { number: 9002, name: "9002_test_broken", text };
        let mut all = with_thing();
        all.push(broken);
        let answer = on.db.migrate_with(&all).await;
        assert!(matches!(&answer, Err(MigrateError::Step { step: 2, .. })), "{answer:?}");
        let catalogue = on.db.catalogue().await.unwrap();
        assert!(catalogue.iter().all(|c| c.table != "half"));
        all.pop();
        all.push(Migration { number: 9002, name: "9002_test_mended", text: "CREATE TABLE half (id BIGINT NOT NULL PRIMARY KEY) {table};\n" });
        assert_eq!(on.db.migrate_with(&all).await.unwrap().applied, ["9002_test_mended"]);
    }

    async fn every_statement_prepares_as_declared(on: On) {
        for statement in sql::ALL.iter().copied().chain(Db::statements()) {
            if std::ptr::eq(statement, &raw const sql::WRONG) {
                continue;
            }
            let described = on.db.describe(statement).await.unwrap_or_else(|e| panic!("{statement:?}: {e}"));
            assert_eq!(described.params, statement.params.len(), "{statement:?}");
            assert_eq!(described.columns.len(), statement.columns.len(), "{statement:?}");
            for (declared, found) in statement.columns.iter().zip(&described.columns) {
                let declared = match (declared.base(), on.db.engine()) {
                    (Kind::Bool, Engine::Sqlite) => Kind::Int,
                    (kind, _) => kind,
                };
                assert!(found.is_none_or(|found| found == declared), "{statement:?}: {found:?}");
            }
        }
        let wrong = on.db.describe(&sql::WRONG).await.unwrap();
        assert_eq!(wrong.columns, [Some(Kind::Text)]);
    }

    async fn plans_tell_an_index_from_a_scan(on: On) {
        let scans = |plan: &str| plan.contains("Seq Scan") || plan.contains("SCAN ");
        for (statement, scanned) in [(&sql::BY_NAME, false), (&sql::BY_AMOUNT, true), (&sql::FIND, false), (&sql::ADD, false), (&sql::LOCK, false)] {
            for _ in 0..2 {
                let plan = on.db.explain(statement).await.unwrap_or_else(|e| panic!("{statement:?}: {e}"));
                assert_eq!(scans(&plan), scanned, "{statement:?}: {plan}");
            }
        }
        for statement in Db::statements() {
            on.db.explain(statement).await.unwrap_or_else(|e| panic!("{statement:?}: {e}"));
        }
    }

    async fn the_clock_mark_only_rises(on: On) {
        assert_eq!(on.db.clock_mark().await.unwrap().as_micros(), 0);
        on.db.raise_clock_mark().await.unwrap();
        let mark = on.db.clock_mark().await.unwrap();
        assert_eq!(mark, on.db.clock().now());
        on.clock.rewind(Duration::from_secs(3600));
        on.db.raise_clock_mark().await.unwrap();
        assert_eq!(on.db.clock_mark().await.unwrap(), mark);
        assert_eq!(on.db.server_time().await.unwrap().is_some(), on.db.engine() == Engine::Postgres);
    }

    async fn a_closed_database_refuses_and_does_not_hang(on: On) {
        add(&on.db, 1).await.unwrap();
        let waiting: Vec<_> = (2..40).map(|id| {
            let db = on.db.clone();
            tokio::spawn(async move { add(&db, id).await })
        }).collect();
        tokio::task::yield_now().await;
        let db = on.db.clone();
        within(Duration::from_secs(5), "close", tokio::task::spawn_blocking(move || { db.close(); db.close(); })).await.unwrap();
        let mut kept = vec![1];
        for (id, answer) in (2..).zip(join_all(waiting).await) {
            match answer.unwrap() {
                Ok(()) => kept.push(id),
                Err(DbError::Unavailable(_)) => {}
                Err(other) => panic!("{other}"),
            }
        }
        assert!(matches!(add(&on.db, 99).await, Err(DbError::Unavailable(_))));
        assert_eq!(ids(&on.again().await).await, kept);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_engines_have_the_same_catalogue() {
    let (a, b) = (
        On::start(Engine::Sqlite).await,
        On::start(Engine::Postgres).await,
    );
    let (a, b) = (
        a.db.catalogue().await.unwrap(),
        b.db.catalogue().await.unwrap(),
    );
    let tables: BTreeMap<&str, usize> = a.iter().fold(BTreeMap::new(), |mut tables, c| {
        *tables.entry(c.table.as_str()).or_default() += 1;
        tables
    });
    assert!(tables.len() >= 4, "{tables:?}");
    assert_eq!(a, b);
}

/// F17: two programs start at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_that_migrate_at_once_do_it_once() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let (settings, _keep) = place(engine);
        let clock = testkit::TestClock::new();
        let calls = (0..6).map(|_| async {
            let db = Db::open(settings.clone(), clock.clone()).await.unwrap();
            db.migrate_with(&with_thing()).await.unwrap().applied
        });
        let applied = join_all(calls).await.concat();
        assert_eq!(applied.len(), with_thing().len(), "{engine:?}: {applied:?}");
    }
}

/// A transaction in which something other than SQL is awaited would hold the writer up.
#[tokio::test]
async fn awaiting_anything_else_is_refused_on_sqlite() {
    let on = On::start(Engine::Sqlite).await;
    let answer = on
        .db
        .write("test.sleeper", (), |tx, ()| {
            Box::pin(async move {
                put(tx, 1, "x").await?;
                tokio::task::yield_now().await;
                Ok::<_, DbError>(())
            })
        })
        .await;
    assert!(matches!(answer, Err(DbError::Misuse { .. })), "{answer:?}");
    for _ in 0..20 {
        let answer = on
            .db
            .read("test.sleeper", (), |tx, ()| {
                Box::pin(async move {
                    tx.query(&sql::IDS, params![]).await?;
                    tokio::task::yield_now().await;
                    Ok::<_, DbError>(())
                })
            })
            .await;
        assert!(matches!(answer, Err(DbError::Misuse { .. })), "{answer:?}");
    }
    assert!(ids(&on.db).await.is_empty());
}

/// A database that ends inside the writer's own thread must not wait for itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_handle_may_die_inside_a_use_case() {
    let on = On::start(Engine::Sqlite).await;
    let On {
        db,
        settings,
        keep: _keep,
        clock,
    } = on;
    let inner = db.clone();
    let (began, begun) = std::sync::mpsc::channel();
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let call = tokio::spawn(async move {
        let input = (inner.clone(), began, gone);
        let work = inner.write("test.last", input, |tx, (_db, began, gone)| {
            Box::pin(async move {
                began.send(()).unwrap();
                gone.lock().unwrap().recv().unwrap();
                put(tx, 1, "x").await
            })
        });
        // The caller goes away while its use case runs.
        let _ = tokio::time::timeout(Duration::from_millis(50), work).await;
    });
    begun.recv_timeout(Duration::from_secs(5)).unwrap();
    drop(db);
    within(Duration::from_secs(5), "the caller", call)
        .await
        .unwrap();
    go.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let db = Db::open(settings, clock).await.unwrap();
    assert_eq!(ids(&db).await, [1]);
}

/// The file is not for other users of the machine.
#[tokio::test]
async fn the_file_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let on = On::start(Engine::Sqlite).await;
    add(&on.db, 1).await.unwrap();
    let path = on.db.file().unwrap().to_path_buf();
    for end in ["", "-wal", "-shm"] {
        let path = format!("{}{end}", path.display());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path}: {mode:o}");
    }
}
