//! A104: a role of PostgreSQL that serves and can only add to the audit log, by the statements that operators get.

use testkit::postgres::{TestDatabase, databases};

use db::Engine;

use crate::installation::Installation;
use crate::wire;

const ROLES: &str = include_str!("../../../../docs/postgres-roles.sql");
const TOLD: &str = "may change or remove rows of the audit log";

/// The same database by another role.
fn as_role(database: &TestDatabase, role: &str) -> String {
    let url = database.url();
    let (scheme, rest) = url.split_once("://").unwrap();
    let host = rest.split_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{role}@{host}")
}

#[test]
fn the_log_is_only_added_to() {
    let mut installation = Installation::ready_on(Engine::Postgres);
    let everything = String::from_utf8_lossy(&installation.run(&["check"], "").stdout).into_owned();
    assert!(everything.contains(TOLD), "{everything}");

    let database = installation.database.as_ref().unwrap();
    let role = format!("serves_{}", database.name());
    database.run(&format!("CREATE ROLE {role} LOGIN")).unwrap();
    let statements = ROLES
        .lines()
        .filter(|line| !line.starts_with("--"))
        .collect::<Vec<_>>()
        .join("\n")
        .replace("TO kabinet;", &format!("TO {role};"))
        .replace("FROM kabinet;", &format!("FROM {role};"));
    database.run(&statements).unwrap();
    installation.serves_as = Some(as_role(database, &role));

    let checked = String::from_utf8_lossy(&installation.run(&["check"], "").stdout).into_owned();
    assert!(!checked.contains(TOLD), "{checked}");
    let mut server = installation.serve();
    let (port, body) = (server.port(), "{\"phone\":\"+79000000009\"}");
    let ask = format!(
        "POST /api/v1/sign-in/codes HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nIdempotency-Key: {:08}\r\nKabinet-Flow: {:042}A\r\n\
         Content-Length: {}\r\n\r\n{body}",
        1,
        1,
        body.len()
    );
    let asked = wire::ask(&mut wire::connect(port), ask.as_bytes());
    assert_eq!(wire::status(&asked), 202, "{asked}");
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap(),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    let status = server.ended(std::time::Duration::from_secs(10));
    assert!(status.expect("it ends").success(), "{}", server.output());

    installation.does_with(&["messages", "stop"], "olga@example.org\n");
    installation.does(&["audit", "verify"]);
    let logged = "SELECT count(*) FROM audit_entry";
    let database = installation.database.as_ref().unwrap();
    assert_ne!(database.texts(logged).unwrap(), ["0"]);
    for spoil in [
        "UPDATE audit_entry SET at = 0",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "UPDATE audit_seal SET at = 0",
        "DELETE FROM audit_seal",
        "DROP TABLE audit_entry",
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    ] {
        let tried = format!("SET ROLE {role}; {spoil}");
        let refused = database.run(&tried).unwrap_err();
        assert!(refused.starts_with("42501"), "{spoil}: {refused}");
    }
    drop(installation);
    // A role that still may do something in a database stays; the cluster goes with the tests.
    let _ = databases().admin(&format!("DROP ROLE {role}"));
}
