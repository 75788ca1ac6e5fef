//! F1, F18: a restore that dies at any of its points leaves either nothing that serves or all that it promised.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;

use db::Engine;

use super::house::House;
use super::kept::{Kept, program};
use super::scripts::SCRIPTS;

mod count {
    db::statements! {
        ACCOUNTS: "SELECT COUNT(*) FROM account" () -> (Int);
        SESSIONS: "SELECT COUNT(*) FROM session" () -> (Int);
        CHALLENGES: "SELECT COUNT(*) FROM challenge" () -> (Int);
        FLOWS: "SELECT COUNT(*) FROM code_flow" () -> (Int);
        BROWSERS: "SELECT COUNT(*) FROM known_browser" () -> (Int);
        LINKS: "SELECT COUNT(*) FROM account_link" () -> (Int);
    }
}

/// What a start after the death says when the restore has to be made again.
const AGAIN: &str = "a restore into this database was not finished";

fn said(output: &Output) -> String {
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    String::from_utf8_lossy(&output.stdout).into_owned() + &err
}

/// Restores with a point armed; whether the program got to its end.
fn restore(to: &Kept, backup: &Path, point: &str) -> (bool, BTreeSet<String>) {
    let file = to.point_file();
    std::fs::write(&file, point).expect("the folder is ours");
    let output = program(&["restore", backup.to_str().expect("UTF-8")], to);
    let passed = std::fs::read_to_string(file.with_extension("passed")).unwrap_or_default();
    std::fs::write(&file, "").expect("the folder is ours");
    assert!(
        output.status.success() || output.status.code().is_none(),
        "killed or done, nothing else: {}",
        said(&output)
    );
    let passed = passed.lines().map(str::to_owned).collect();
    (output.status.success(), passed)
}

fn kill_at_every_point(engine: Engine) {
    let mut house = House::new(engine);
    for script in &SCRIPTS[1..4] {
        (script.play)(&mut house);
    }
    house.settle();
    let from = house.kept();
    let backup = from.beside("kabinet.backup");
    let made = program(&["backup", backup.to_str().expect("UTF-8")], from);
    assert!(made.status.success(), "{}", said(&made));
    assert!(from.count(&count::SESSIONS) > 0 && from.count(&count::LINKS) > 0);
    let accounts = from.count(&count::ACCOUNTS);

    let (done, points) = restore(&from.empty(), &backup, "");
    assert!(
        done && points
            .iter()
            .any(|point| point.starts_with("kabinet.settle_restore/"))
    );
    let (mut begun, mut again, mut served) = (0, 0, 0);
    for point in &points {
        let to = from.empty();
        let (done, _) = restore(&to, &backup, point);
        assert!(!done, "{point} is not passed");
        let start = said(&program(&["check"], &to));
        if start.contains(AGAIN) {
            for serve in [&["serve"][..], &["serve", "--migrate"]] {
                let serve = program(serve, &to);
                assert!(!serve.status.success(), "killed at {point} and served");
                assert!(
                    said(&serve).contains(AGAIN),
                    "killed at {point}: {}",
                    said(&serve)
                );
            }
            begun += 1;
            continue;
        }
        // Before its first row the restore has left nothing in its own way.
        if before_rows(point) {
            let (done, _) = restore(&to, &backup, "");
            assert!(done, "killed at {point}: cannot be made again");
            again += 1;
        } else {
            served += 1;
        }
        whole(&to, point, accounts);
    }
    assert!(begun > 0 && again > 0 && served > 0);
    println!(
        "{engine:?}: a restore killed at {} points: {again} times simply made again, {begun} times refused to serve, \
         {served} times whole",
        points.len()
    );
}

fn before_rows(point: &str) -> bool {
    let marking = point.starts_with("db.import_begin/") && point != "db.import_begin/after_commit";
    marking || point.starts_with("db.migrate")
}

/// Nothing was lost on the way, and what must not live again is void as soon as it serves.
fn whole(to: &Kept, point: &str, accounts: i64) {
    let output = to.serve_once();
    assert_eq!(to.count(&count::ACCOUNTS), accounts, "killed at {point}");
    for void in [
        &count::SESSIONS,
        &count::CHALLENGES,
        &count::FLOWS,
        &count::LINKS,
        &count::BROWSERS,
    ] {
        assert_eq!(to.count(void), 0, "{void:?} lives, killed at {point}");
    }
    assert!(
        !output.contains("was not sealed"),
        "killed at {point}: {output}"
    );
    let verified = program(&["audit", "verify"], to);
    assert!(
        verified.status.success(),
        "killed at {point}: {}",
        said(&verified)
    );
}

#[test]
fn killed_at_every_point_on_sqlite() {
    kill_at_every_point(Engine::Sqlite);
}

#[test]
fn killed_at_every_point_on_postgres() {
    kill_at_every_point(Engine::Postgres);
}
