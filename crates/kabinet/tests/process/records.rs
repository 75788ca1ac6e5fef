//! A104, F18 and item 7: the log is verified, a backup is restored, through the program alone.

use std::path::Path;
use std::time::Duration;

use db::Engine;

use crate::demo::demo;
use crate::installation::{CONFIG, Installation};

both_engines! {
    tampering_is_found
    an_export_proves_itself
    a_restore_brings_people_back_and_no_session
    a_restore_under_another_key_is_refused
    a_rotated_key_still_reads
}

/// An installation whose data is that of a demo with its sample customers, stopped.
fn with_people(engine: Engine) -> Installation {
    let installation = Installation::on(engine, CONFIG);
    let url = installation
        .database
        .as_ref()
        .map(|database| database.url());
    let database: Vec<&str> = url.iter().flat_map(|url| ["--database", url]).collect();
    let mut server = demo(&installation.data(), &database).start();
    std::thread::sleep(Duration::from_millis(300));
    assert!(server.terminate(Duration::from_secs(10)).success());
    installation
}

fn count(installation: &Installation, table: &str) -> i64 {
    let counted = installation.sql(&format!("SELECT count(*) FROM {table}"));
    counted[0].parse().unwrap()
}

const LOG: [&str; 3] = ["audit_entry", "audit_head", "audit_seal"];

/// Puts a copy of the log aside.
fn keep_log(installation: &Installation) {
    for table in LOG {
        installation.sql(&format!(
            "CREATE TABLE kept_{table} AS SELECT * FROM {table}"
        ));
    }
}

/// Puts the log back as it was.
fn put_log_back(installation: &Installation) {
    for table in LOG {
        installation.sql(&format!(
            "DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}"
        ));
    }
}

/// A104: each kind of tampering is found, the first bad row named, and told by exit code 4.
fn tampering_is_found(engine: Engine) {
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
    let installation = with_people(engine);
    let whole = installation.does(&["audit", "verify"]);
    assert!(whole.contains("the log is whole"), "{whole}");
    keep_log(&installation);
    for (what, sql, said) in cases {
        installation.sql(sql);
        let report = installation.fails(&["audit", "verify"], 4);
        assert!(report.contains("tampered with"), "{what}: {report}");
        assert!(report.contains(said), "{what}: {report}");
        put_log_back(&installation);
        installation.does(&["audit", "verify"]);
    }
}

/// SU-6: the exported file proves itself to somebody without database and keys.
fn an_export_proves_itself(engine: Engine) {
    let installation = with_people(engine);
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
fn a_restore_brings_people_back_and_no_session(engine: Engine) {
    let installation = with_people(engine);
    let before = count(&installation, "account");
    assert!(count(&installation, "session") > 0);
    // A message that has waited since long ago: sent most likely, and not written down any more.
    installation.sql(
        "UPDATE message SET state = 'queued', queued_at = 1, handed_at = NULL, settled_at = NULL",
    );
    // A backup code that is used after the backup was taken, and a code of an app.
    installation.sql(
        "INSERT INTO backup_code (account_id, code_hash, made_at) SELECT account_id, account_id, 1 FROM account",
    );
    installation.sql(
        "INSERT INTO totp (account_id, session_id, sealed, made_at, confirmed_at, last_step, wrong_in_row, wrong)
         SELECT account_id, account_id, account_id, 1, 1, 1, 0, account_id FROM account",
    );
    let file = installation.folder.path().join("kabinet.backup");
    let server = installation.serve();
    installation.does(&["backup", file.to_str().unwrap()]);
    drop(server);
    let refused = installation.fails(&["restore", file.to_str().unwrap()], 3);
    assert!(refused.contains("not empty"), "{refused}");

    let other = Installation::on(engine, CONFIG);
    other.does(&["keys", "create"]);
    std::fs::remove_file(other.key()).unwrap();
    std::fs::copy(installation.key(), other.key()).unwrap();
    let said = other.does(&["restore", file.to_str().unwrap()]);
    assert!(
        said.contains("All sessions, codes and links are ended"),
        "{said}"
    );
    assert_eq!(count(&other, "account"), before);
    for table in [
        "session",
        "challenge",
        "code_flow",
        "account_link",
        "known_browser",
        "session_proof",
        "step_up",
        "bank_section",
        "ceremony",
        "handover",
        "device_key",
    ] {
        assert_eq!(count(&other, table), 0, "{table}");
    }
    let open =
        other.sql("SELECT count(*) FROM backup_code WHERE used_at IS NULL AND void_at IS NULL");
    assert_eq!(open, ["0"], "every backup code is void");
    assert_eq!(
        count(&other, "backup_code"),
        before,
        "and its owner can be told"
    );
    let open = other.sql("SELECT count(*) FROM totp WHERE last_step < 50000000");
    assert_eq!(open, ["0"], "no app code of before the restore is taken");
    let old = other.sql("SELECT count(*) FROM message WHERE state = 'queued'");
    assert_eq!(old, ["0"], "a message that waited for long is not sent");
    let dropped = other.sql("SELECT count(*) FROM message WHERE reason = 'restored'");
    assert_ne!(dropped, ["0"], "the backup held such a message");
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
fn a_restore_under_another_key_is_refused(engine: Engine) {
    let installation = with_people(engine);
    let file = installation.folder.path().join("kabinet.backup");
    installation.does(&["backup", file.to_str().unwrap()]);
    let other = Installation::on(engine, CONFIG);
    other.does(&["keys", "create"]);
    let refused = other.fails(&["restore", file.to_str().unwrap()], 3);
    assert!(refused.contains("another key file"), "{refused}");
    other.fails(&["serve"], 3);
}

/// F19: after a rotation the old key still reads.
fn a_rotated_key_still_reads(engine: Engine) {
    let installation = with_people(engine);
    installation.does(&["keys", "rotate"]);
    installation.does(&["check"]);
    installation.does(&["audit", "verify"]);
    let mut server = installation.serve();
    assert!(server.terminate(Duration::from_secs(10)).success());
}
