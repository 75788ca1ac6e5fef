//! A database of each engine for one test, with a table to play with.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{sync::Arc, time::Duration};

use db::{Db, DbError, DbSettings, Engine, Migration, WriteTx, params};
use testkit::{TestClock, postgres::TestDatabase};

/// The table of these tests.
pub const THING: Migration = Migration {
    number: 9001,
    name: "9001_test_thing",
    text: "CREATE TABLE thing (
        id BIGINT NOT NULL PRIMARY KEY,
        name TEXT,
        data BYTEA,
        flag BOOLEAN,
        amount BIGINT
    ) {table};
    CREATE INDEX thing_name ON thing (name);
",
};

pub mod sql {
    db::statements! {
        /// Adds a thing.
        ADD: "INSERT INTO thing (id, name, data, flag, amount) VALUES ($1, $2, $3, $4, $5)"
            (Int, OptText, OptBytes, OptBool, OptInt) -> ();
        /// Adds a thing unless it is there.
        ADD_NEW: "INSERT INTO thing (id, name) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING"
            (Int, OptText) -> ();
        /// One thing.
        FIND: "SELECT id, name, data, flag, amount FROM thing WHERE id = $1"
            (Int) -> (Int, OptText, OptBytes, OptBool, OptInt);
        /// One thing, locked.
        LOCK: "SELECT amount FROM thing WHERE id = $1{lock}" (Int) -> (OptInt);
        /// Its amount grows.
        GROW: "UPDATE thing SET amount = amount + $1 WHERE id = $2" (Int, Int) -> ();
        /// Its amount grows, and how much it is.
        GROWN: "UPDATE thing SET amount = amount + $1 WHERE id = $2 RETURNING amount"
            (Int, Int) -> (OptInt);
        /// It becomes small.
        THIN: "UPDATE thing SET data = NULL WHERE id = $1" (Int) -> ();
        /// Every id.
        IDS: "SELECT id FROM thing ORDER BY id" () -> (Int);
        /// How many.
        COUNT: "SELECT count(*) FROM thing" () -> (Int);
        /// The wrong kinds of columns.
        WRONG: "SELECT name FROM thing WHERE id = $1" (Int) -> (Int);
        /// Finds by what has an index.
        BY_NAME: "SELECT id FROM thing WHERE name = $1" (Text) -> (Int);
        /// Finds by what has none.
        BY_AMOUNT: "SELECT id FROM thing WHERE amount = $1" (Int) -> (Int);
    }
}

pub enum Keep {
    Sqlite(tempfile::TempDir),
    Postgres(TestDatabase),
}

pub struct On {
    pub db: Db,
    pub clock: Arc<TestClock>,
    pub settings: DbSettings,
    pub keep: Keep,
}

pub fn place(engine: Engine) -> (DbSettings, Keep) {
    match engine {
        Engine::Sqlite => {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("kabinet.db");
            (
                DbSettings::Sqlite { path, readers: 4 },
                Keep::Sqlite(folder),
            )
        }
        Engine::Postgres => {
            let database = testkit::postgres::databases().create();
            let url = database.url();
            (
                DbSettings::Postgres {
                    url,
                    connections: 16,
                },
                Keep::Postgres(database),
            )
        }
    }
}

impl On {
    pub async fn start(engine: Engine) -> Self {
        let (settings, keep) = place(engine);
        Self::open(settings, keep).await
    }

    pub async fn open(settings: DbSettings, keep: Keep) -> Self {
        let clock = TestClock::new();
        let db = Db::open(settings.clone(), clock.clone()).await.unwrap();
        db.migrate_with(&with_thing()).await.unwrap();
        Self {
            db,
            clock,
            settings,
            keep,
        }
    }

    pub async fn again(&self) -> Db {
        Db::open(self.settings.clone(), self.clock.clone())
            .await
            .unwrap()
    }
}

pub fn with_thing() -> Vec<Migration> {
    let mut all = Migration::all().unwrap();
    all.push(THING);
    all
}

pub async fn add(db: &Db, id: i64) -> Result<(), DbError> {
    db.write("test.add", id, |tx, id| {
        Box::pin(async move { put(tx, *id, "x").await })
    })
    .await
}

pub async fn put(tx: &mut WriteTx, id: i64, name: &str) -> Result<(), DbError> {
    tx.execute_one(&sql::ADD, params![id, name, db::Param::Null, false, 0_i64])
        .await
}

pub async fn ids(db: &Db) -> Vec<i64> {
    try_ids(db).await.unwrap()
}

pub async fn try_ids(db: &Db) -> Result<Vec<i64>, DbError> {
    db.read("test.ids", (), |tx, ()| {
        Box::pin(async move {
            let rows = tx.query(&sql::IDS, params![]).await?;
            rows.iter()
                .map(|row| row.int(0))
                .collect::<Result<Vec<_>, DbError>>()
        })
    })
    .await
}

pub async fn amount(db: &Db, id: i64) -> i64 {
    db.read("test.amount", id, |tx, id| {
        Box::pin(async move {
            tx.query_one(&sql::FIND, params![*id])
                .await?
                .opt_int(4)
                .map(Option::unwrap_or_default)
        })
    })
    .await
    .map_err(|e: DbError| e)
    .unwrap()
}

pub async fn within<T>(limit: Duration, what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| panic!("{what} took over {limit:?}"))
}

/// The test on SQLite and on PostgreSQL.
#[macro_export]
macro_rules! both {
    ($($(#[$meta:meta])* async fn $name:ident($on:ident: On) $body:block)*) => {
        $($(#[$meta])* mod $name {
            use super::*;
            async fn test($on: On) $body
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                test(On::start(Engine::Sqlite).await).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                test(On::start(Engine::Postgres).await).await;
            }
        })*
    };
}

/// A disk of 2 MiB.
pub struct Small(tempfile::TempDir);

/// Says what was not tested, past the harness, which keeps the output of tests that pass to itself.
pub fn skipped(why: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

impl Small {
    /// Where the machine lets us mount one.
    pub fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(folder.path())
            .stderr(std::process::Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(folder));
        }
        skipped("this machine does not let us mount a small disk: no full one was tried (F3)");
        None
    }

    pub fn path(&self) -> &std::path::Path {
        self.0.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let umount = ["-l".as_ref(), self.0.path().as_os_str()];
        drop(std::process::Command::new("umount").args(umount).status());
    }
}
