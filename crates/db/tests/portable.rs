//! Backups: the same bytes from both engines, nothing restored from a damaged one, nothing served from half
//! a restore. OPS: F10, F17, F18.

mod support;

use std::{
    io::{self, Cursor, Read, Seek, SeekFrom},
    time::Duration,
};

use db::{
    Db, DbError, Engine, MigrateError, Migration, Param, params,
    portable::{self, PortableError},
};
use proptest::prelude::*;
use support::{Keep, On, Small, add, ids, place, put, sql, with_thing, within};
use testkit::TestClock;

const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// An empty database without any table.
async fn bare(engine: Engine) -> (Db, Keep) {
    let (settings, keep) = place(engine);
    (Db::open(settings, TestClock::new()).await.unwrap(), keep)
}

async fn bytes(db: &Db) -> Vec<u8> {
    db.export(Vec::new()).await.unwrap().0
}

type Thing = (
    i64,
    Option<String>,
    Option<Vec<u8>>,
    Option<bool>,
    Option<i64>,
);

async fn fill(db: &Db, things: Vec<Thing>, keys: Vec<(Vec<u8>, String)>) {
    db.write("test.fill", (things, keys), |tx, (things, keys)| {
        Box::pin(async move {
            for (id, name, data, flag, amount) in things {
                let (name, data) = (name.as_deref(), data.as_deref());
                tx.execute_one(&sql::ADD, params![*id, name, data, *flag, *amount])
                    .await?;
            }
            for (scope, key) in keys {
                db::idempotency::claim(tx, scope, key, &[3; 32]).await?;
                db::idempotency::keep(tx, scope, key, b"answer").await?;
            }
            Ok::<_, DbError>(())
        })
    })
    .await
    .unwrap();
}

fn text() -> impl Strategy<Value = String> {
    // No NUL: PostgreSQL has none in TEXT.
    proptest::string::string_regex("[ -~а-яЁ☂𝄞\n\t]{0,40}").unwrap()
}

fn things() -> impl Strategy<Value = Vec<Thing>> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..60);
    let rest = (
        proptest::option::of(text()),
        proptest::option::of(bytes),
        any::<Option<bool>>(),
        any::<Option<i64>>(),
    );
    proptest::collection::btree_map(any::<i64>(), rest, 0..40).prop_map(|map| {
        map.into_iter()
            .map(|(id, (a, b, c, d))| (id, a, b, c, d))
            .collect()
    })
}

fn keys() -> impl Strategy<Value = Vec<(Vec<u8>, String)>> {
    let scope = proptest::collection::vec(any::<u8>(), 1..4);
    proptest::collection::btree_set((scope, text()), 0..30)
        .prop_map(|set| set.into_iter().collect())
}

/// Export, import on the other engine, export: the same bytes, in both directions, for any rows.
#[test]
fn any_rows_survive_the_way_there_and_back() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(
            &(things(), keys(), any::<bool>()),
            |(things, keys, first)| {
                runtime.block_on(async {
                    let (from, to) = if first {
                        (ENGINES[0], ENGINES[1])
                    } else {
                        (ENGINES[1], ENGINES[0])
                    };
                    let one = On::start(from).await;
                    fill(&one.db, things.clone(), keys.clone()).await;
                    let first = bytes(&one.db).await;
                    let (two, _keep) = bare(to).await;
                    let restored = two
                        .import_with(&with_thing(), Cursor::new(first.clone()))
                        .await
                        .unwrap();
                    assert_eq!(
                        restored.rows,
                        u64::try_from(things.len() + keys.len()).unwrap()
                    );
                    let second = bytes(&two).await;
                    assert!(first == second, "{from:?} to {to:?}");
                    let (three, _keep) = bare(from).await;
                    three
                        .import_with(&with_thing(), Cursor::new(second))
                        .await
                        .unwrap();
                    assert!(bytes(&three).await == first, "and back");
                    assert_eq!(
                        three.catalogue().await.unwrap(),
                        one.db.catalogue().await.unwrap()
                    );
                });
                Ok(())
            },
        )
        .unwrap();
}

async fn small() -> (On, Vec<u8>) {
    let on = On::start(Engine::Sqlite).await;
    let things = (0..5).map(|id| {
        (
            id,
            Some("имя".to_owned()),
            Some(vec![1, 2, 3]),
            Some(true),
            None,
        )
    });
    fill(&on.db, things.collect(), vec![(vec![1], "k".to_owned())]).await;
    let bytes = bytes(&on.db).await;
    (on, bytes)
}

/// F10: cut anywhere, changed anywhere: refused, and the database is as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_or_edited_backup_restores_nothing() {
    let (_on, good) = small().await;
    let (db, _keep) = bare(Engine::Sqlite).await;
    let mut tried = 0;
    for at in 0..good.len() {
        let mut edited = good.clone();
        edited[at] ^= 1 << (at % 8);
        for bad in [good[..at].to_vec(), edited] {
            let answer = db.import_with(&with_thing(), Cursor::new(bad)).await;
            assert!(
                matches!(
                    answer,
                    Err(PortableError::Damaged
                        | PortableError::NotABackup
                        | PortableError::Version(_))
                ),
                "at {at}: {answer:?}"
            );
            tried += 1;
        }
    }
    let longer = [good.clone(), vec![0]].concat();
    let answer = db.import_with(&with_thing(), Cursor::new(longer)).await;
    assert!(matches!(answer, Err(PortableError::Damaged)), "{answer:?}");
    println!("{tried} damaged backups refused");
    assert!(db.catalogue().await.unwrap().is_empty(), "nothing was made");
    db.import_with(&with_thing(), Cursor::new(good))
        .await
        .unwrap();
    assert_eq!(ids(&db).await, [0, 1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_empty_database_of_the_same_schema_takes_a_backup() {
    let (_on, good) = small().await;
    for engine in ENGINES {
        // With rows.
        let other = On::start(engine).await;
        add(&other.db, 77).await.unwrap();
        let answer = other
            .db
            .import_with(&with_thing(), Cursor::new(good.clone()))
            .await;
        assert!(
            matches!(&answer, Err(PortableError::NotEmpty(table)) if table == "thing"),
            "{answer:?}"
        );
        assert_eq!(ids(&other.db).await, [77]);
        assert!(
            other.db.migrate_with(&with_thing()).await.is_ok(),
            "it serves as before"
        );
        // Migrated, without rows.
        let empty = On::start(engine).await;
        empty
            .db
            .import_with(&with_thing(), Cursor::new(good.clone()))
            .await
            .unwrap();
        let answer = empty
            .db
            .import_with(&with_thing(), Cursor::new(good.clone()))
            .await;
        assert!(
            matches!(answer, Err(PortableError::NotEmpty(_))),
            "twice: {answer:?}"
        );
        // By an older program, which does not know a migration of the backup.
        let (older, _keep) = bare(engine).await;
        let answer = older.import(Cursor::new(good.clone())).await;
        assert!(
            matches!(&answer, Err(PortableError::Newer(name)) if name == "9001_test_thing"),
            "{answer:?}"
        );
        // By a newer program: restored, then brought up to date.
        let (newer, _keep) = bare(engine).await;
        let mut all = with_thing();
        all.push(Migration {
            number: 9002,
            name: "9002_test_more",
            text: "ALTER TABLE thing ADD COLUMN more TEXT;\n",
        });
        newer
            .import_with(&all, Cursor::new(good.clone()))
            .await
            .unwrap();
        assert_eq!(ids(&newer).await, [0, 1, 2, 3, 4]);
        assert!(
            newer
                .catalogue()
                .await
                .unwrap()
                .iter()
                .any(|c| c.name == "more")
        );
    }
}

/// A file that breaks when it is read the second time, after it was found whole.
struct Breaking {
    inner: Cursor<Vec<u8>>,
    rewound: bool,
    left: usize,
}

impl Read for Breaking {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rewound && self.left < buffer.len() {
            return Err(io::Error::other("the disk broke"));
        }
        let read = self.inner.read(buffer)?;
        if self.rewound {
            self.left -= read;
        }
        Ok(read)
    }
}

impl Seek for Breaking {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.rewound = true;
        self.inner.seek(to)
    }
}

/// A restore that broke off half-way is refused to serve, and to be restored over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_restore_serves_nothing() {
    let (_on, good) = small().await;
    for engine in ENGINES {
        let (db, keep) = bare(engine).await;
        let breaking = Breaking {
            inner: Cursor::new(good.clone()),
            rewound: false,
            left: good.len() - 60,
        };
        let answer = db.import_with(&with_thing(), breaking).await;
        assert!(matches!(answer, Err(PortableError::File(_))), "{answer:?}");
        assert!(matches!(
            db.migrate_with(&with_thing()).await,
            Err(MigrateError::HalfRestored)
        ));
        let answer = db
            .import_with(&with_thing(), Cursor::new(good.clone()))
            .await;
        assert!(
            matches!(
                answer,
                Err(PortableError::Migrate(MigrateError::HalfRestored))
            ),
            "{answer:?}"
        );
        drop(keep);
    }
}

/// F18: whoever owns sessions and codes learns that this is a restored database, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_database_asks_to_be_settled_once() {
    let (_on, good) = small().await;
    for engine in ENGINES {
        let (db, _keep) = bare(engine).await;
        let restored = db
            .import_with(&with_thing(), Cursor::new(good.clone()))
            .await
            .unwrap();
        assert_eq!(restored.restored_at, db.clock().now());
        let settle = || {
            db.write("test.settle", (), |tx, ()| {
                Box::pin(async move {
                    let at = portable::unsettled(tx).await?;
                    if at.is_some() {
                        portable::settle(tx).await?;
                    }
                    Ok::<_, DbError>(at)
                })
            })
        };
        assert_eq!(settle().await.unwrap(), Some(restored.restored_at));
        assert_eq!(settle().await.unwrap(), None);
        let never = On::start(engine).await;
        let none = never
            .db
            .read("test.unsettled", (), |tx, ()| {
                Box::pin(portable::unsettled(tx))
            })
            .await;
        assert_eq!(none, Ok(None));
    }
}

/// A backup is one moment, although rows of several tables are changed while it is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_one_moment() {
    for engine in ENGINES {
        let on = On::start(engine).await;
        // What one table gains the other loses; the first and the last to be copied.
        on.db
            .write("test.pair", (), |tx, ()| {
                Box::pin(async move {
                    tx.execute_one(&pair::MAKE, params![7_i64, 0_i64]).await?;
                    for id in 0..200_i64 {
                        put(tx, id, &"x".repeat(2_000)).await?;
                    }
                    Ok::<_, DbError>(())
                })
            })
            .await
            .unwrap();
        let db = on.db.clone();
        let moving = tokio::spawn(async move {
            for turn in 0.. {
                let moved = db
                    .write("test.move", turn % 200_i64, |tx, id| {
                        Box::pin(async move {
                            tx.batch(&[
                                (&pair::LOSE, params![7_i64]),
                                (&sql::GROW, params![1_i64, *id]),
                            ])
                            .await
                            .map(|_| ())
                        })
                    })
                    .await;
                if moved.is_err() {
                    return turn;
                }
            }
            0
        });
        for _ in 0..8 {
            let backup = bytes(&on.db).await;
            let (copy, _keep) = bare(Engine::Sqlite).await;
            copy.import_with(&with_thing(), Cursor::new(backup))
                .await
                .unwrap();
            let sum = copy
                .read("test.sum", (), |tx, ()| {
                    Box::pin(async move { tx.query_one(&pair::SUM, params![7_i64]).await?.int(0) })
                })
                .await;
            assert_eq!(sum.map_err(|e: DbError| e).unwrap(), 0, "{engine:?}");
        }
        on.db.close();
        println!(
            "8 backups of {engine:?} while {} transfers went on",
            moving.await.unwrap()
        );
    }
}

mod pair {
    db::statements! {
        /// A row in the first table.
        MAKE: "INSERT INTO clock_mark (id, at) VALUES ($1, $2)" (Int, Int) -> ();
        /// It loses one.
        LOSE: "UPDATE clock_mark SET at = at - 1 WHERE id = $1" (Int) -> ();
        /// What both have together.
        SUM: "SELECT CAST((SELECT SUM(amount) FROM thing) + at AS BIGINT) FROM clock_mark WHERE id = $1"
            (Int) -> (Int);
    }
}

/// F10: the file appears whole, private, and replaces an older one only then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_file_appears_whole() {
    use std::os::unix::fs::PermissionsExt;
    let (on, _) = small().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("today.backup");
    std::fs::write(folder.path().join("today.backup.part"), vec![0; 1 << 20]).unwrap();
    let exported = on.db.export_file(&path).await.unwrap();
    assert_eq!(
        (exported.rows, exported.taken_at),
        (6, on.clock.advance(Duration::ZERO))
    );
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(!folder.path().join("today.backup.part").exists());
    assert_eq!(std::fs::read(&path).unwrap(), bytes(&on.db).await);
    let (db, _keep) = bare(Engine::Postgres).await;
    // `import_file` knows the program's own migrations only.
    let answer = db.import_file(&path, || Ok(())).await;
    assert!(matches!(answer, Err(PortableError::Newer(_))), "{answer:?}");
}

/// F10: the disk runs full under a backup: the older one of that name stays whole, and the next one that has room
/// replaces it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_without_room_leaves_the_older_one() {
    let Some(disk) = Small::mount() else { return };
    let (on, _) = small().await;
    let path = disk.path().join("today.backup");
    on.db.export_file(&path).await.unwrap();
    let before = std::fs::read(&path).unwrap();
    // Random bytes, or a backup that is packed some day would fit.
    let mut fat = vec![0_u8; 3 << 20];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom").unwrap(), &mut fat).unwrap();
    fill(&on.db, vec![(90, None, Some(fat), None, None)], vec![]).await;
    let refused = on.db.export_file(&path).await;
    assert!(
        matches!(refused, Err(PortableError::File(_))),
        "{refused:?}"
    );
    assert_eq!(
        std::fs::read(&path).unwrap(),
        before,
        "the older one is whole"
    );
    on.db
        .write("test.thin", (), |tx, ()| {
            Box::pin(async move { tx.execute_one(&sql::THIN, params![90_i64]).await })
        })
        .await
        .unwrap();
    on.db.export_file(&path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes(&on.db).await);
    assert!(!disk.path().join("today.backup.part").exists());
}

/// Memory does not grow with the table: 200 MB of rows through both engines.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow; run by hand or by the whole test run"]
async fn memory_stays_bounded() {
    fn resident() -> u64 {
        let status = std::fs::read_to_string("/proc/self/statm").unwrap();
        status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096 / 1_000_000
    }
    for engine in ENGINES {
        let on = On::start(engine).await;
        for part in 0..20_i64 {
            on.db
                .write("test.big", part, |tx, part| {
                    Box::pin(async move {
                        for n in 0..100 {
                            let data = vec![7_u8; 100_000];
                            tx.execute_one(
                                &sql::ADD,
                                params![part * 100 + n, Param::Null, &data, true, 1_i64],
                            )
                            .await?;
                        }
                        Ok::<_, DbError>(())
                    })
                })
                .await
                .unwrap();
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        let before = resident();
        on.db
            .export(std::io::BufWriter::new(file.reopen().unwrap()))
            .await
            .unwrap();
        let after = resident();
        let (db, _keep) = bare(engine).await;
        within(
            Duration::from_secs(100),
            "import",
            db.import_with(
                &with_thing(),
                std::io::BufReader::new(file.reopen().unwrap()),
            ),
        )
        .await
        .unwrap();
        let end = resident();
        println!(
            "{engine:?}: {before} MB before, {after} after the export, {end} after the import of 200 MB"
        );
        assert!(after < before + 40 && end < after + 60);
    }
}
