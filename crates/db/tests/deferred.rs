//! Deferred statements do what executed ones do, on both engines; only when an error is told may differ.

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use std::time::Duration;

use db::{DbError, Engine, WriteTx, params};
use futures_util::future::join_all;
use support::{On, add, amount, ids, put, sql};

async fn put_later(tx: &mut WriteTx, id: i64) -> Result<(), DbError> {
    let row = params![id, "Ключ", &[0_u8, 255], true, 7_i64];
    tx.defer(&[(&sql::ADD, row)]).await
}

both! {
    async fn they_are_seen_by_the_next_statement_and_kept_in_their_order(on: On) {
        on.db.write("test.later", (), |tx, ()| Box::pin(async move {
            put_later(tx, 1).await?;
            tx.defer(&[(&sql::GROW, params![5_i64, 1_i64]), (&sql::ADD_NEW, params![2_i64, "x"])]).await?;
            let row = tx.query_one(&sql::FIND, params![1_i64]).await?;
            assert_eq!((row.text(1)?.as_str(), row.bytes(2)?, row.int(4)?), ("Ключ", vec![0, 255], 12));
            // More than one way leads past them: an executed statement, a batch, the commit.
            put_later(tx, 3).await?;
            tx.execute_one(&sql::GROW, params![1_i64, 3_i64]).await?;
            put_later(tx, 4).await?;
            assert_eq!(tx.batch(&[(&sql::GROW, params![1_i64, 4_i64])]).await?, [1]);
            tx.defer(&[(&sql::GROW, params![100_i64, 4_i64])]).await
        })).await.unwrap();
        assert_eq!(ids(&on.db).await, [1, 2, 3, 4]);
        assert_eq!(amount(&on.db, 4).await, 108);
    }

    /// Nothing but deferred statements, more of them than a pipeline is wide: all or nothing, in order.
    async fn a_transaction_may_consist_of_them(on: On) {
        on.db.write("test.only", (), |tx, ()| Box::pin(async move {
            for id in 0..200 {
                put_later(tx, id).await?;
                tx.defer(&[(&sql::GROW, params![id, id])]).await?;
            }
            Ok::<_, DbError>(())
        })).await.unwrap();
        assert_eq!(ids(&on.db).await, (0..200).collect::<Vec<_>>());
        assert_eq!(amount(&on.db, 199).await, 206);
    }

    async fn one_that_fails_fails_the_transaction(on: On) {
        add(&on.db, 1).await.unwrap();
        for last in [false, true] {
            let answer = on.db.write("test.conflict", last, |tx, last| Box::pin(async move {
                put_later(tx, 2).await?;
                put_later(tx, 1).await?;
                put_later(tx, 3).await?;
                if !*last {
                    tx.query(&sql::IDS, params![]).await?;
                }
                Ok::<_, DbError>(())
            })).await;
            assert!(matches!(answer, Err(DbError::Conflict { statement }) if statement == sql::ADD.name), "{answer:?}");
            assert_eq!(ids(&on.db).await, [1], "nothing of it was kept");
        }
        // The connection is whole.
        for id in 10..40 {
            add(&on.db, id).await.unwrap();
        }
    }

    /// What must touch one row and touches another number fails the transaction, also when only COMMIT tells.
    async fn one_row_means_one_row(on: On) {
        add(&on.db, 1).await.unwrap();
        let before = amount(&on.db, 1).await;
        for looked in [true, false] {
            let answer = on.db.write("test.one", looked, |tx, looked| Box::pin(async move {
                put_later(tx, 3).await?;
                // Whatever the use case makes of it.
                let _ = tx.defer_one(&[(&sql::GROW, params![1_i64, 1_i64]), (&sql::GROW, params![1_i64, 9_i64])]).await;
                if *looked {
                    let _ = tx.query(&sql::IDS, params![]).await;
                }
                Ok::<_, DbError>(())
            })).await;
            let told = matches!(answer, Err(DbError::RowCount { statement, expected: 1, .. }) if statement == sql::GROW.name);
            assert!(told, "{answer:?}");
            assert_eq!((ids(&on.db).await, amount(&on.db, 1).await), (vec![1], before), "nothing of it was kept");
        }
        on.db.write("test.any", (), |tx, ()| Box::pin(async move {
            tx.defer(&[(&sql::GROW, params![1_i64, 9_i64])]).await?;
            tx.defer_one(&[(&sql::GROW, params![1_i64, 1_i64])]).await
        })).await.unwrap();
        assert_eq!(amount(&on.db, 1).await, before + 1);
    }

    async fn a_refusal_takes_them_back(on: On) {
        for sent in [false, true] {
            let refused = on.db.write("test.refused", sent, |tx, sent| Box::pin(async move {
                if *sent {
                    put(tx, 1, "x").await?;
                }
                put_later(tx, 2).await?;
                Err::<(), _>(DbError::Busy)
            })).await;
            assert_eq!(refused, Err(DbError::Busy));
        }
        assert!(ids(&on.db).await.is_empty());
        let wrong = on.db.write("test.wrong", (), |tx, ()| Box::pin(async move {
            tx.defer(&[(&sql::GROW, params!["1", 1_i64])]).await
        })).await;
        assert!(matches!(wrong, Err(DbError::Misuse { .. })), "{wrong:?}");
    }

    /// A73's shape, told only by COMMIT: the engine's victim is run again and nobody is told.
    async fn a_deadlock_among_them_is_retried(on: On) {
        add(&on.db, 1).await.unwrap();
        add(&on.db, 2).await.unwrap();
        let runs = Arc::new(AtomicU32::new(0));
        let calls = (0..2_i64).map(|n| {
            let pair = if n % 2 == 0 { [1, 2] } else { [2, 1] };
            let slow = on.db.engine() == Engine::Postgres;
            on.db.write("test.oppose", (pair, runs.clone(), slow), |tx, (pair, runs, slow)| Box::pin(async move {
                runs.fetch_add(1, Ordering::SeqCst);
                let [first, second] = *pair;
                tx.execute_one(&sql::GROW, params![1_i64, first]).await?;
                if *slow && runs.load(Ordering::SeqCst) < 3 {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                tx.defer(&[(&sql::GROW, params![1_i64, second])]).await
            }))
        });
        let answers: Vec<Result<(), DbError>> = join_all(calls).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!((amount(&on.db, 1).await, amount(&on.db, 2).await), (2, 2));
        assert!(on.db.engine() == Engine::Sqlite || runs.load(Ordering::SeqCst) > 2, "no deadlock was made");
    }
}
