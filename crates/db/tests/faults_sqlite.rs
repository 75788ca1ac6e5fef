//! SQLite under kill -9, a full disk and a failing disk: I2, I3, F1, F3, F22.
//!
//! What breaks is a child: this test program itself, started again to run `child` alone.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use db::{Db, DbError, DbSettings, Engine, params};
use rustix::process::{Pid, Signal, kill_process};
use support::{Keep, On, Small, add, ids, put, sql, try_ids, within};

const PLACE: &str = "KABINET_TEST_CHILD";

fn say(id: i64, what: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "told {id} {what}").unwrap();
    out.flush().unwrap();
}

fn kind(answer: &Result<(), DbError>) -> &'static str {
    match answer {
        Ok(()) => "kept",
        Err(DbError::Unavailable(_) | DbError::Busy) => "refused",
        Err(DbError::UnknownCommit) => "unknown",
        Err(other) => panic!("{other:?}"),
    }
}

/// The child: `KABINET_TEST_CHILD=<file>:<callers>:<rows of each>`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Ok(order) = std::env::var(PLACE) else {
        return;
    };
    let [path, callers, rows] = *order.split(':').collect::<Vec<_>>() else {
        panic!("{order}")
    };
    let settings = DbSettings::Sqlite {
        path: path.into(),
        readers: 1,
    };
    let db = Db::open(settings, testkit::TestClock::new()).await.unwrap();
    let next = Arc::new(AtomicI64::new(ids(&db).await.last().map_or(0, |id| id + 1)));
    say(-1, "began");
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..callers.parse::<u32>().unwrap() {
        let (db, next, rows) = (db.clone(), next.clone(), rows.parse::<u32>().unwrap());
        set.spawn(async move {
            for _ in 0..rows {
                let id = next.fetch_add(1, Ordering::SeqCst);
                let answer = add(&db, id).await;
                say(id, kind(&answer));
                // Reading goes on whatever happens to writing (F3).
                match try_ids(&db).await {
                    Ok(_) => {}
                    Err(DbError::Unavailable(_) | DbError::Busy) => say(-1, "unread"),
                    Err(other) => panic!("{other:?}"),
                }
            }
        });
    }
    while let Some(caller) = set.join_next().await {
        caller.unwrap();
    }
    // Should the one fault meet the first of these, the second is kept.
    for _ in 0..2 {
        let id = next.fetch_add(1, Ordering::SeqCst);
        let answer = add(&db, id).await;
        say(id, kind(&answer));
        if answer.is_ok() {
            break;
        }
    }
    say(-1, "ended");
}

struct Told {
    kinds: BTreeMap<i64, String>,
    began: bool,
    ended: bool,
    /// Reads that were refused for having waited too long.
    unread: usize,
    longest_pause: Duration,
}

fn start(wrapper: &[String], file: &Path, callers: u32, rows: u32) -> Child {
    let own = std::env::current_exe().unwrap();
    let words: Vec<String> = wrapper
        .iter()
        .cloned()
        .chain([own.to_str().unwrap().to_owned()])
        .collect();
    Command::new(&words[0])
        .args(&words[1..])
        .args(["child", "--exact", "--nocapture"])
        .env(PLACE, format!("{}:{callers}:{rows}", file.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads what the child says until it ends; `at` is called with the number of lines so far.
fn listen(child: &mut Child, mut at: impl FnMut(usize, &mut Child)) -> Told {
    let out = BufReader::new(child.stdout.take().unwrap());
    let mut told = Told {
        kinds: BTreeMap::new(),
        began: false,
        ended: false,
        unread: 0,
        longest_pause: Duration::ZERO,
    };
    let mut last = Instant::now();
    let mut lines = 0;
    for line in out.lines() {
        let line = line.unwrap();
        // The harness writes to the same stream, sometimes on the same line.
        let Some((_, line)) = line.split_once("told ") else {
            continue;
        };
        let (id, what) = line.split_once(' ').unwrap();
        told.longest_pause = told.longest_pause.max(last.elapsed());
        last = Instant::now();
        lines += 1;
        match what {
            "ended" => told.ended = true,
            "began" => told.began = true,
            "unread" => told.unread += 1,
            what => drop(told.kinds.insert(id.parse().unwrap(), what.to_owned())),
        }
        at(lines, child);
    }
    child.wait().unwrap();
    told
}

impl Told {
    fn of(&self, what: &str) -> BTreeSet<i64> {
        self.kinds
            .iter()
            .filter(|(_, told)| *told == what)
            .map(|(id, _)| *id)
            .collect()
    }

    /// I2, I3.
    fn check(&self, there: &BTreeSet<i64>, what: &str) {
        let lost: Vec<_> = self.of("kept").difference(there).copied().collect();
        assert!(lost.is_empty(), "{what}: acknowledged and lost: {lost:?}");
        let back: Vec<_> = self.of("refused").intersection(there).copied().collect();
        assert!(back.is_empty(), "{what}: refused and there: {back:?}");
    }
}

fn integrity(file: &Path) {
    let conn = rusqlite::Connection::open(file).unwrap();
    let answer: String = conn
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(answer, "ok");
}

async fn rows(file: &Path) -> BTreeSet<i64> {
    integrity(file);
    let settings = DbSettings::Sqlite {
        path: file.into(),
        readers: 1,
    };
    let db = Db::open(settings, testkit::TestClock::new()).await.unwrap();
    ids(&db).await.into_iter().collect()
}

/// F1: 25 times a process is killed while 16 callers write; every number it acknowledged is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_loses_nothing_that_was_acknowledged() {
    let on = On::start(Engine::Sqlite).await;
    let file = on.db.file().unwrap().to_path_buf();
    on.db.close();
    drop(on.db);
    let mut all = 0;
    for round in 0..25_usize {
        let mut child = start(&[], &file, 16, 100_000);
        let after = 1 + (round * 7919) % 400;
        let told = listen(&mut child, |lines, child| {
            if lines == after {
                child.kill().unwrap();
            }
        });
        assert!(!told.ended && told.of("kept").len() + 1 >= after);
        assert_eq!(told.unread, 0, "reads refused in life {round}");
        all += told.of("kept").len();
        told.check(&rows(&file).await, &format!("kill {round}"));
    }
    println!("{all} rows acknowledged in 25 lives, all there");
}

/// F22: stopped for a while, then woken: it goes on, and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_process_goes_on() {
    let on = On::start(Engine::Sqlite).await;
    let file = on.db.file().unwrap().to_path_buf();
    let mut child = start(&[], &file, 16, 60);
    let told = listen(&mut child, |lines, child| {
        if lines == 200 {
            let pid = Pid::from_child(child);
            kill_process(pid, Signal::STOP).unwrap();
            std::thread::sleep(Duration::from_secs(7));
            kill_process(pid, Signal::CONT).unwrap();
        }
    });
    assert!(told.ended);
    // A caller that was asleep with everybody else may be told that it waited too long, nothing
    // worse; each of the 16 had at most one read or write under way.
    println!(
        "{} kept of {}, {} reads refused, longest pause {:?}",
        told.of("kept").len(),
        told.kinds.len(),
        told.unread,
        told.longest_pause
    );
    assert!(told.unread + told.of("refused").len() <= 16);
    told.check(&rows(&file).await, "stopped");
}

async fn fat(db: &Db, id: i64, bytes: usize) -> Result<(), DbError> {
    db.write("test.fat", (id, "f".repeat(bytes)), |tx, (id, text)| {
        Box::pin(async move { put(tx, *id, text).await })
    })
    .await
}

/// F3: the disk is full. Writes are refused, reads go on, nothing is spoilt; with room again writing goes on
/// without a restart. A group in which the disk ran full is refused as a whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_and_recovers() {
    let Some(disk) = Small::mount() else { return };
    let file = disk.path().join("kabinet.db");
    let settings = DbSettings::Sqlite {
        path: file.clone(),
        readers: 2,
    };
    let on = On::open(settings, Keep::Sqlite(tempfile::tempdir().unwrap())).await;
    add(&on.db, 1).await.unwrap();
    let mut kept = BTreeSet::from([1]);
    let mut next = 2;
    for round in 0..6 {
        let ballast = disk.path().join("ballast");
        let filled = std::fs::write(&ballast, vec![0; 4 << 20]);
        assert!(filled.is_err(), "the disk is full");
        let calls =
            (next..next + 32).map(|id| fat(&on.db, id, if round % 2 == 0 { 20_000 } else { 90 }));
        let answers = within(
            Duration::from_secs(5),
            "refusals",
            futures_util::future::join_all(calls),
        )
        .await;
        // There may be room left inside the log for a small one.
        for (id, answer) in (next..).zip(&answers) {
            match answer {
                Ok(()) => drop(kept.insert(id)),
                Err(DbError::Unavailable(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        if round % 2 == 0 {
            assert!(answers.iter().any(Result::is_err), "round {round}");
        }
        let there: BTreeSet<i64> = ids(&on.db).await.into_iter().collect();
        assert_eq!(there, kept, "round {round}");
        std::fs::remove_file(&ballast).unwrap();
        next += 32;
        add(&on.db, next).await.unwrap();
        kept.insert(next);
        next += 1;
    }
    println!("{} rows kept through six full disks", kept.len());
    on.db.close();
    drop(on.db);
    assert_eq!(rows(&file).await, kept);
}

/// F3: a member bigger than the disk, in the middle of a group: SQLite runs out of room before the commit,
/// while others in the same transaction have been kept already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_fills_the_disk_spoils_nothing() {
    let Some(disk) = Small::mount() else { return };
    let file = disk.path().join("kabinet.db");
    let settings = DbSettings::Sqlite {
        path: file.clone(),
        readers: 2,
    };
    let on = On::open(settings, Keep::Sqlite(tempfile::tempdir().unwrap())).await;
    let mut kept = BTreeSet::new();
    for round in 0..10_i64 {
        let calls = (0..8).map(|n| {
            let (db, id) = (on.db.clone(), round * 100 + n);
            async move {
                let answer = if n != 4 {
                    add(&db, id).await
                } else {
                    db.write("test.huge", id, |tx, id| {
                        Box::pin(async move {
                            // More than the page cache holds, so that pages are written before the commit.
                            for part in 0..600 {
                                put(tx, *id + 1_000_000 + part, &"h".repeat(40_000)).await?;
                            }
                            Ok(())
                        })
                    })
                    .await
                };
                (id, answer)
            }
        });
        for (id, answer) in futures_util::future::join_all(calls).await {
            match answer {
                Ok(()) => drop(kept.insert(id)),
                Err(DbError::Unavailable(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        let there: BTreeSet<i64> = ids(&on.db).await.into_iter().collect();
        assert_eq!(there, kept, "round {round}");
        add(&on.db, round * 100 + 50).await.unwrap();
        kept.insert(round * 100 + 50);
    }
    println!("{} rows kept", kept.len());
    on.db
        .write("test.query", (), |tx, ()| {
            Box::pin(async move { tx.query(&sql::COUNT, params![]).await.map(|_| ()) })
        })
        .await
        .unwrap();
    integrity(&file);
}

/// Where the faults that were injected are noted.
struct Faults {
    wrapper: Vec<String>,
    noted: tempfile::NamedTempFile,
}

impl Faults {
    /// Whether one was met.
    fn met(&self) -> bool {
        let text = std::fs::read(self.noted.path()).unwrap();
        String::from_utf8_lossy(&text).contains("(INJECTED)")
    }
}

/// `None`, said aloud, when this machine cannot inject faults.
fn strace(call: &str, error: &str, when: &str) -> Option<Faults> {
    let works = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=none", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !works {
        support::skipped("strace is not installed or not allowed: no failing write was tried (F3)");
        return None;
    }
    let inject = format!("inject={call}:error={error}:when={when}");
    let noted = tempfile::NamedTempFile::new().unwrap();
    let words = [
        "strace",
        "-f",
        "-qq",
        "-o",
        noted.path().to_str().unwrap(),
        "-e",
        &format!("trace={call}"),
        "-e",
        &inject,
    ];
    Some(Faults {
        wrapper: words.map(str::to_owned).to_vec(),
        noted,
    })
}

/// F3: the N-th write or sync fails, for every N until there is no N-th any more: the operation is refused or in
/// doubt, the process lives, reads work, the next write works, nothing is spoilt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_single_failing_write_and_sync() {
    let mut counts = BTreeMap::<(String, String), usize>::new();
    for (call, error) in [
        ("pwrite64", "EIO"),
        ("pwrite64", "ENOSPC"),
        ("fsync,fdatasync", "EIO"),
        ("fsync,fdatasync", "ENOSPC"),
    ] {
        // Callers share commits as it happens, so one run may have fewer writes than another.
        let (mut nth, mut without) = (0, 0);
        while without < 3 {
            nth += 1;
            assert!(nth < 400, "{call} {error}: there is no end of it");
            let on = On::start(Engine::Sqlite).await;
            let file = on.db.file().unwrap().to_path_buf();
            add(&on.db, 0).await.unwrap();
            on.db.close();
            drop(on.db);
            let Some(faults) = strace(call, error, &nth.to_string()) else {
                return;
            };
            let mut child = start(&faults.wrapper, &file, 3, 4);
            let told = listen(&mut child, |_, _| {});
            let what = format!("{call} {nth} {error}");
            if faults.met() {
                without = 0;
            } else {
                without += 1;
                let all = told.kinds.values().all(|kind| kind == "kept");
                assert!(told.began && told.ended && all, "{what}: {:?}", told.kinds);
            }
            if !told.began {
                // The fault met the opening of the file, which is refused with a clear error.
                rows(&file).await;
                continue;
            }
            assert!(
                told.ended,
                "{what}: the process ended early: {:?}",
                told.kinds
            );
            assert_eq!(
                told.kinds.values().last().map(String::as_str),
                Some("kept"),
                "{what}"
            );
            told.check(&rows(&file).await, &what);
            assert_eq!(told.unread, 0, "{what}: reads refused");
            for kind in told.kinds.into_values() {
                *counts
                    .entry((call.to_owned() + " " + error, kind))
                    .or_default() += 1;
            }
        }
        println!("{call} {error}: {} met a fault", nth - without);
        assert!(
            nth - without >= 4,
            "{call} {error}: faults did not reach the database"
        );
    }
    println!("{counts:?}");
    let refused = counts
        .iter()
        .filter(|((_, kind), _)| kind == "refused")
        .map(|(_, n)| n)
        .sum::<usize>();
    assert!(refused >= 30, "faults did not reach the database");
}

/// F3: from the N-th on every sync fails, until the process is killed: what was refused as "nothing was
/// changed" must not come back when the log is read after the crash.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refused_does_not_come_back_after_a_crash() {
    let mut counts = BTreeMap::<String, usize>::new();
    for nth in 1..=6 {
        let on = On::start(Engine::Sqlite).await;
        let file = on.db.file().unwrap().to_path_buf();
        add(&on.db, 0).await.unwrap();
        on.db.close();
        drop(on.db);
        let Some(faults) = strace("fsync,fdatasync", "EIO", &format!("{nth}+")) else {
            return;
        };
        let mut child = start(&faults.wrapper, &file, 3, 100_000);
        let told = listen(&mut child, |lines, child| {
            if lines == 30 + nth {
                // The child of strace, and strace with it.
                let tree = format!("pkill -KILL -P {0}; kill -KILL {0}", child.id());
                Command::new("sh").args(["-c", &tree]).status().unwrap();
            }
        });
        assert!(!told.ended);
        assert_eq!(told.unread, 0, "from sync {nth} on: reads refused");
        told.check(&rows(&file).await, &format!("from sync {nth} on"));
        for kind in told.kinds.into_values() {
            *counts.entry(kind).or_default() += 1;
        }
    }
    println!("{counts:?}");
}
