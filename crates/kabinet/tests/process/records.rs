//! A104, F18 and item 7: the log is verified, a backup is restored, through the program alone.

use std::path::Path;
use std::time::Duration;

use crate::demo::demo;
use crate::installation::{CONFIG, Installation};

/// An installation whose data folder is that of a demo with its sample customers, stopped.
fn with_people() -> Installation {
    let installation = Installation::with(CONFIG);
    let mut server = demo(&installation.data(), &[]).start();
    std::thread::sleep(Duration::from_millis(300));
    assert!(server.terminate(Duration::from_secs(10)).success());
    installation
}

fn database(folder: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(folder.join("kabinet.sqlite")).unwrap()
}

fn count(folder: &Path, table: &str) -> i64 {
    database(folder)
        .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
            row.get(0)
        })
        .unwrap()
}

/// A104: each kind of tampering is found, the first bad row named, and told by exit code 4.
#[test]
fn tampering_is_found() {
    type Tamper = (&'static str, &'static str, &'static str);
    let cases: [Tamper; 4] = [
        (
            "edited",
            "UPDATE audit_entry SET at = at + 1 WHERE action = 'account.created'",
            "edited",
        ),
        (
            "deleted",
            "DELETE FROM audit_entry WHERE action = 'account.created'",
            "deleted",
        ),
        (
            "cut off",
            "DELETE FROM audit_seal WHERE number > 1",
            "seal 2",
        ),
        ("head", "UPDATE audit_head SET seq = seq + 1", "cut off"),
    ];
    let installation = with_people();
    let whole = installation.does(&["audit", "verify"]);
    assert!(whole.contains("the log is whole"), "{whole}");
    let kept = testkit::server::data_folder();
    for name in ["kabinet.sqlite", "kabinet.sqlite-wal", "audit.seals"] {
        let _ = std::fs::copy(installation.data().join(name), kept.path().join(name));
    }
    for (what, sql, said) in cases {
        assert!(
            database(&installation.data()).execute(sql, []).unwrap() > 0,
            "{what}"
        );
        let report = installation.fails(&["audit", "verify"], 4);
        assert!(report.contains("tampered with"), "{what}: {report}");
        assert!(report.contains(said), "{what}: {report}");
        for name in [
            "kabinet.sqlite",
            "kabinet.sqlite-wal",
            "kabinet.sqlite-shm",
            "audit.seals",
        ] {
            let _ = std::fs::remove_file(installation.data().join(name));
            let _ = std::fs::copy(kept.path().join(name), installation.data().join(name));
        }
    }
    installation.does(&["audit", "verify"]);
}

/// SU-6: the exported file proves itself to somebody without database and keys.
#[test]
fn an_export_proves_itself() {
    let installation = with_people();
    let file = installation.folder.path().join("log.jsonl");
    let path = file.to_str().unwrap();
    installation.does(&["audit", "export", path]);
    let refused = installation.fails(&["audit", "export", path], 3);
    assert!(refused.contains("exists"), "{refused}");
    let key = installation.does(&["audit", "key"]).trim().to_owned();
    let verify = |file: &Path| {
        std::process::Command::new(crate::installation::PROGRAM)
            .args(["audit", "verify-export", "--trust", &key])
            .arg(file)
            .output()
            .unwrap()
    };
    assert!(verify(&file).status.success());
    let text = std::fs::read_to_string(&file).unwrap();
    let edited = text.replacen("account.created", "account.deleted", 1);
    assert_ne!(text, edited);
    std::fs::write(&file, edited).unwrap();
    assert_eq!(verify(&file).status.code(), Some(4));
}

/// F18: what a backup must not bring back is gone; people, their data and the log are there; the restored
/// installation serves. A backup can be taken while the server serves.
#[test]
fn a_restore_brings_people_back_and_no_session() {
    let installation = with_people();
    let before = count(&installation.data(), "account");
    assert!(count(&installation.data(), "session") > 0);
    let file = installation.folder.path().join("kabinet.backup");
    let server = installation.serve();
    installation.does(&["backup", file.to_str().unwrap()]);
    drop(server);
    let refused = installation.fails(&["restore", file.to_str().unwrap()], 3);
    assert!(refused.contains("not empty"), "{refused}");

    let other = Installation::with(CONFIG);
    other.does(&["keys", "create"]);
    std::fs::remove_file(other.key()).unwrap();
    std::fs::copy(installation.key(), other.key()).unwrap();
    let said = other.does(&["restore", file.to_str().unwrap()]);
    assert!(
        said.contains("All sessions, codes and links are ended"),
        "{said}"
    );
    assert_eq!(count(&other.data(), "account"), before);
    for table in ["session", "challenge", "code_flow", "account_link"] {
        assert_eq!(count(&other.data(), table), 0, "{table}");
    }
    let waiting = database(&other.data());
    let old: i64 = waiting
        .query_row(
            "SELECT count(*) FROM message WHERE state = 'queued'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(old, 0, "a message that waited for long is not sent");
    other.does(&["audit", "verify"]);
    other.does(&["check"]);
    let mut server = other.serve();
    // The file of seals of the backup fits: the log goes on being sealed.
    std::thread::sleep(Duration::from_millis(500));
    assert!(server.terminate(Duration::from_secs(10)).success());
    assert!(
        !server.output().contains("was not sealed"),
        "{}",
        server.output()
    );
}

/// F19: a backup without its key file is worth nothing, and says so.
#[test]
fn a_restore_under_another_key_is_refused() {
    let installation = with_people();
    let file = installation.folder.path().join("kabinet.backup");
    installation.does(&["backup", file.to_str().unwrap()]);
    let other = Installation::with(CONFIG);
    other.does(&["keys", "create"]);
    let refused = other.fails(&["restore", file.to_str().unwrap()], 3);
    assert!(refused.contains("another key file"), "{refused}");
    other.fails(&["serve"], 3);
}

/// F19: after a rotation the old key still reads.
#[test]
fn a_rotated_key_still_reads() {
    let installation = with_people();
    installation.does(&["keys", "rotate"]);
    installation.does(&["check"]);
    installation.does(&["audit", "verify"]);
    let mut server = installation.serve();
    assert!(server.terminate(Duration::from_secs(10)).success());
}
