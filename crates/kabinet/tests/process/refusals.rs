//! F19: a start with something missing or unsafe is refused with a text that says what to do, and nothing
//! falls back to plaintext. Each refusal ends with exit code 3.

use std::sync::Arc;
use std::time::Duration;

use db::{Db, DbSettings};
use testkit::TestClock;

use crate::installation::{CONFIG, Installation};

fn refused(installation: &Installation, arguments: &[&str], wanted: &[&str]) {
    let said = installation.fails(arguments, 3);
    for text in wanted {
        assert!(
            said.contains(text),
            "{arguments:?} did not say «{text}» but:\n{said}"
        );
    }
}

#[test]
fn a_file_that_is_not_there() {
    let installation = Installation::ready();
    std::fs::remove_file(installation.config()).unwrap();
    refused(
        &installation,
        &["serve"],
        &["cannot read the configuration file"],
    );
}

#[test]
fn a_key_that_does_not_exist_is_named_with_the_nearest() {
    let installation = Installation::with("[server]\nlisen = \"127.0.0.1:1\"\n");
    refused(
        &installation,
        &["serve"],
        &["no setting `server.lisen`", "did you mean `listen`"],
    );
}

#[test]
fn everything_wrong_is_said_at_once() {
    let installation = Installation::with("[server]\npublic_origin = \"http://shop.example\"\n");
    let wanted = [
        "5 to mend",
        "plain HTTP",
        "nobody can sign in",
        "company_name",
        "support_phone",
        "keys create",
    ];
    refused(&installation, &["serve"], &wanted);
}

#[test]
fn no_key_file() {
    let installation = Installation::ready();
    std::fs::remove_file(installation.key()).unwrap();
    refused(&installation, &["serve"], &["keys.master", "keys create"]);
}

#[test]
fn a_key_file_that_others_may_read() {
    let installation = Installation::ready();
    installation.chmod(&installation.key(), 0o644);
    refused(
        &installation,
        &["serve"],
        &["other users of this machine may read", "chmod 0600"],
    );
}

#[test]
fn a_damaged_key_file() {
    let installation = Installation::ready();
    let mut bytes = std::fs::read(installation.key()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] = if bytes[middle] == b'0' { b'1' } else { b'0' };
    std::fs::write(installation.key(), bytes).unwrap();
    refused(
        &installation,
        &["serve"],
        &["damaged", "put it back from its copy"],
    );
}

/// The log of a database is sealed by its key; another key file, however right in itself, is refused before
/// anything is written under it.
#[test]
fn the_key_file_of_another_installation() {
    let installation = Installation::ready();
    let mut server = installation.serve();
    let seals = installation.data().join("audit.seals");
    let sealed = std::iter::repeat_with(|| std::thread::sleep(Duration::from_millis(50)))
        .take(200)
        .any(|()| seals.exists());
    assert!(sealed, "no seal was made:\n{}", server.output());
    server.terminate(Duration::from_secs(10));
    std::fs::remove_file(installation.key()).unwrap();
    installation.does(&["keys", "create"]);
    refused(&installation, &["serve"], &["belongs to another key file"]);
    refused(
        &installation,
        &["backup", "x.backup"],
        &["belongs to another key file"],
    );
}

#[test]
fn no_database() {
    let installation = Installation::with(CONFIG);
    installation.does(&["keys", "create"]);
    refused(
        &installation,
        &["serve"],
        &["there is no database", "kabinet migrate"],
    );
    assert!(
        !installation.data().join("kabinet.sqlite").exists(),
        "a refusal leaves nothing behind"
    );
}

#[test]
fn a_database_without_its_schema() {
    let installation = Installation::with(CONFIG);
    installation.does(&["keys", "create"]);
    std::fs::write(installation.data().join("kabinet.sqlite"), b"").unwrap();
    refused(
        &installation,
        &["serve"],
        &["lacks", "0001_db_base", "kabinet migrate"],
    );
}

#[test]
fn a_file_that_is_no_database() {
    let installation = Installation::ready();
    for ending in ["-wal", "-shm", ""] {
        let _ = std::fs::remove_file(installation.data().join(format!("kabinet.sqlite{ending}")));
    }
    std::fs::write(
        installation.data().join("kabinet.sqlite"),
        "no database ".repeat(500),
    )
    .unwrap();
    refused(&installation, &["serve"], &["cannot open the database"]);
}

#[test]
fn a_database_server_that_is_not_there() {
    let config =
        format!("{CONFIG}\n[database]\nurl = \"postgresql://kabinet@127.0.0.1:9/kabinet\"\n");
    let installation = Installation::with(&config);
    installation.does(&["keys", "create"]);
    refused(&installation, &["serve"], &["cannot open the database"]);
}

/// F9: a clock that is far ahead of the database would end every wait at once.
#[test]
fn a_clock_far_ahead_until_somebody_says_it_is_right() {
    let installation = Installation::with(CONFIG);
    installation.does(&["keys", "create"]);
    let path = installation.data().join("kabinet.sqlite");
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let clock = TestClock::at(kernel::Timestamp::from_secs(1_600_000_000));
        let db = Db::open(
            DbSettings::Sqlite { path, readers: 1 },
            Arc::clone(&clock) as _,
        )
        .await
        .unwrap();
        db.migrate().await.unwrap();
        db.raise_clock_mark().await.unwrap();
        db.close();
    });
    refused(
        &installation,
        &["serve"],
        &["60 days apart", "--accept-clock"],
    );
    let check = installation.run(&["check"], "");
    assert!(String::from_utf8_lossy(&check.stdout).contains("the database was last used at"));
    let mut server = installation.start().args(["--accept-clock"]).start();
    assert!(server.terminate(Duration::from_secs(10)).success());
}

#[test]
fn a_port_that_is_taken_is_a_failure_and_says_so() {
    let installation = Installation::ready();
    let server = installation.serve();
    let other = Installation::ready();
    let mut second = other
        .start()
        .spawn(server.port(), testkit::postgres::free_port());
    let status = second.ended(Duration::from_secs(10)).unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(
        second.output().contains("Is another program there?"),
        "{}",
        second.output()
    );
}

/// Item 7: `check` says everything at once, changes nothing, and agrees with `serve`.
#[test]
fn check_agrees_with_serve() {
    let installation = Installation::ready();
    let said = installation.does(&["check"]);
    for good in [
        "key file opens",
        "schema is up to date",
        "takes writes",
        "belongs to this database",
    ] {
        assert!(said.contains(good), "{said}");
    }
    installation.chmod(&installation.key(), 0o640);
    let output = installation.run(&["check"], "");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3));
    assert!(said.matches("WRONG").count() >= 2, "{said}");
}

#[test]
fn a_command_that_does_not_exist_is_code_2() {
    let output = std::process::Command::new(crate::installation::PROGRAM)
        .arg("frobnicate")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}
