//! That a kind of job was tried again, and came to its end.

use crate::TestDb;

mod sql {
    db::statements! {
        /// Jobs of a kind that came to their end after more than one try.
        RETRIED: "SELECT COUNT(*) FROM job WHERE kind = $1 AND state = 'done' AND tries > 1" (Text) -> (Int);
    }
}

/// Panics unless a job of this kind failed, was tried again and is done. Every kind of job has a test that calls
/// it with the kind's name written out: `cargo xtask check` looks for that.
pub async fn retried(db: &TestDb, kind: &'static str) {
    let found: Result<i64, db::DbError> = db
        .read("test.retried", kind, |tx, kind| {
            Box::pin(async move {
                tx.query_one(&sql::RETRIED, db::params![*kind])
                    .await?
                    .int(0)
            })
        })
        .await;
    let found = found.unwrap_or_else(|error| panic!("the jobs cannot be counted: {error}"));
    assert!(found > 0, "no job «{kind}» was tried again and is done");
}
