//! The same test on both engines.

use std::future::Future;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use db::{Db, DbSettings, Engine, Migration};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::postgres::{Databases, TestDatabase, databases};
use crate::{SeededChance, TestClock};

/// A test that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(120);
const CONNECTIONS: usize = 8;

/// A migrated, empty database of one test, its clock and its chance; dereferences to [`Db`].
///
/// Dropping it removes the database.
#[derive(Debug)]
pub struct TestDb {
    db: Db,
    clock: Arc<TestClock>,
    chance: Arc<SeededChance>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Sqlite(TempDir),
    Postgres(TestDatabase),
}

impl TestDb {
    /// On the engine of the test's name.
    pub async fn new(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::sqlite().await,
            Engine::Postgres => Self::postgres(databases()).await,
        }
    }

    /// A file in memory where the machine has such a folder: a sync costs nothing there. Tests of
    /// durability use a server process with a folder of its own.
    pub async fn sqlite() -> Self {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() {
            memory.to_path_buf()
        } else {
            std::env::temp_dir()
        };
        let folder = TempDir::with_prefix_in("kabinet-db-", parent).expect("a writable folder");
        let settings = DbSettings::Sqlite {
            path: file(&folder),
            readers: 2,
        };
        let clock = TestClock::new();
        let db = open(settings, &clock).await;
        migrate(&db).await;
        Self::with(db, clock, Place::Sqlite(folder))
    }

    /// On a cluster: the one of all tests, or one that the test will break.
    pub async fn postgres(databases: &Databases) -> Self {
        let database = databases.create_filled(&schema_key(), fill);
        let clock = TestClock::new();
        let db = open(settings(&database.url()), &clock).await;
        Self::with(db, clock, Place::Postgres(database))
    }

    /// The same database through another address, such as a [`crate::proxy::Proxy`]; with the same
    /// clock and chance.
    ///
    /// # Panics
    /// On SQLite, which has no address.
    pub async fn again_at(&self, address: std::net::SocketAddr) -> Db {
        let Place::Postgres(database) = &self.place else {
            panic!("SQLite has no address")
        };
        let url = format!("postgres://kabinet@{address}/{}", database.name());
        open(settings(&url), &self.clock).await
    }

    /// The address of the PostgreSQL server behind it, if it is one.
    pub fn upstream(&self) -> Option<std::net::SocketAddr> {
        let (_, rest) = self
            .url()?
            .split_once('@')
            .map(|(user, rest)| (user.to_owned(), rest.to_owned()))?;
        rest.split('/').next()?.parse().ok()
    }

    /// The URL of the PostgreSQL database, if it is one.
    pub fn url(&self) -> Option<String> {
        match &self.place {
            Place::Sqlite(_) => None,
            Place::Postgres(database) => Some(database.url()),
        }
    }

    /// The SQLite file, if it is one.
    pub fn file(&self) -> Option<PathBuf> {
        match &self.place {
            Place::Sqlite(folder) => Some(file(folder)),
            Place::Postgres(_) => None,
        }
    }

    /// The clock of its transactions.
    pub fn clock(&self) -> &Arc<TestClock> {
        &self.clock
    }

    /// Repeatable chance, the same for every test.
    pub fn chance(&self) -> &Arc<SeededChance> {
        &self.chance
    }

    /// The database itself, to give away.
    pub fn db(&self) -> Db {
        self.db.clone()
    }

    fn with(db: Db, clock: Arc<TestClock>, place: Place) -> Self {
        let chance = SeededChance::new(1);
        Self {
            db,
            clock,
            chance,
            place,
        }
    }
}

impl Deref for TestDb {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        self.db.close();
    }
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("kabinet.sqlite")
}

fn settings(url: &str) -> DbSettings {
    DbSettings::Postgres {
        url: url.to_owned(),
        connections: CONNECTIONS,
    }
}

async fn open(settings: DbSettings, clock: &Arc<TestClock>) -> Db {
    let opened = Db::open(settings, clock.clone()).await;
    opened.unwrap_or_else(|why| panic!("the test database does not open: {why}"))
}

async fn migrate(db: &Db) {
    if let Err(why) = db.migrate().await {
        panic!("the migrations do not run: {why}");
    }
}

/// Templates are shared by the test programs of a run, which may know different migrations while
/// somebody writes one.
fn schema_key() -> String {
    let all = Migration::all().unwrap_or_else(|why| panic!("the migrations cannot be read: {why}"));
    all.iter()
        .map(|migration| format!("{}{:?}", migration.name, migration.hash()))
        .collect()
}

fn fill(url: &str) {
    thread::scope(|scope| {
        let filled = scope.spawn(|| {
            runtime().block_on(async {
                let db = open(settings(url), &TestClock::new()).await;
                migrate(&db).await;
                db.close();
            });
        });
        assert!(
            filled.join().is_ok(),
            "the template database could not be filled"
        );
    });
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("threads are left")
}

/// Runs one test on one engine; [`both_engines!`](crate::both_engines!) calls it.
pub fn run<F: Future<Output = ()>>(engine: Engine, body: impl FnOnce(TestDb) -> F) {
    let runtime = runtime();
    let done = runtime.block_on(async {
        let db = TestDb::new(engine).await;
        tokio::time::timeout(LIMIT, body(db)).await
    });
    // A task that a failed test left behind must not keep the process.
    runtime.shutdown_background();
    assert!(
        done.is_ok(),
        "the test hangs: still running after {LIMIT:?}"
    );
}

/// Does the same thing `times` times at once, all starting together, and answers what each got.
///
/// # Panics
/// When one of them panicked.
pub async fn race<T, F>(times: usize, what: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let gate = Arc::new(tokio::sync::Barrier::new(times));
    let runners: Vec<_> = (0..times)
        .map(|number| {
            let (gate, runner) = (Arc::clone(&gate), what(number));
            tokio::spawn(async move {
                gate.wait().await;
                runner.await
            })
        })
        .collect();
    let mut results = Vec::with_capacity(times);
    for runner in runners {
        results.push(runner.await.expect("a runner of the race panicked"));
    }
    results
}

/// Each `async fn name(db: TestDb)` becomes the two tests `sqlite::name` and `postgres::name`.
///
/// Once in a module, because it makes the modules `sqlite` and `postgres`.
///
/// ```text
/// testkit::both_engines! {
///     /// ID-2: a code serves once.
///     async fn a_code_serves_once(db: TestDb) { … }
/// }
/// ```
#[macro_export]
macro_rules! both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($db:ident: $ty:ty) $body:block)+) => {
        $($(#[$meta])* async fn $name($db: $ty) $body)+
        mod sqlite {
            $(#[test] fn $name() { $crate::engines::run($crate::Engine::Sqlite, super::$name); })+
        }
        mod postgres {
            $(#[test] fn $name() { $crate::engines::run($crate::Engine::Postgres, super::$name); })+
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::{Cluster, Durability};
    use crate::proxy::{Proxy, Then};
    use db::{DbError, idempotency, idempotency::Claim};
    use kernel::Clock as _;

    async fn claim(db: &Db, key: &'static str) -> Result<Claim, DbError> {
        db.write("testkit.claim", key, |tx, key| {
            Box::pin(async move { idempotency::claim(tx, b"scope", key, &[7; 32]).await })
        })
        .await
    }

    both_engines! {
        /// Each test has a database of its own, migrated and empty, and its clock.
        async fn fresh_and_apart(db: TestDb) {
            let other = TestDb::new(db.engine()).await;
            assert_eq!(claim(&db, "a").await.unwrap(), Claim::Fresh);
            assert_eq!(claim(&other, "a").await.unwrap(), Claim::Fresh);
            assert!(db.pending().await.unwrap().is_empty());
            let now = db.write("testkit.now", (), |tx, ()| Box::pin(async move { Ok::<_, DbError>(tx.now()) })).await;
            assert_eq!(now.unwrap(), db.clock().now());
        }

        /// The race starts all runners together; the database lets one of them win.
        async fn one_of_many_wins(db: TestDb) {
            let answers = race(64, |_| {
                let db = db.db();
                async move {
                    db.write("testkit.race", (), |tx, ()| Box::pin(async move {
                        match idempotency::claim(tx, b"scope", "race", &[7; 32]).await? {
                            Claim::Fresh => idempotency::keep(tx, b"scope", "race", b"done").await.map(|()| 1),
                            _ => Ok::<_, DbError>(0),
                        }
                    })).await.unwrap()
                }
            }).await;
            assert_eq!(answers.iter().sum::<usize>(), 1);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_database_can_be_reached_through_a_proxy() {
        let cluster = Cluster::start(Durability::None);
        let db = TestDb::postgres(cluster.databases()).await;
        let proxy = Proxy::start(db.upstream().unwrap());
        let through = db.again_at(proxy.address()).await;
        assert_eq!(claim(&through, "a").await.unwrap(), Claim::Fresh);
        proxy.trap(b"COMMIT", Then::CutAfterAnswer);
        let _ = claim(&through, "b").await;
        assert_eq!(proxy.sprung(), 1);
    }
}
