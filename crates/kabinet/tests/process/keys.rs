//! F19: the life of a master key, through the program alone.

use std::time::{Duration, Instant};

use crate::demo::demo;
use crate::installation::{CONFIG, Installation};

/// The lines of `kabinet keys status`.
fn status(installation: &Installation) -> Vec<String> {
    let said = installation.does(&["keys", "status"]);
    said.lines().map(str::to_owned).collect()
}

/// The name that a line begins with.
fn name(line: &str) -> &str {
    line.split_whitespace().next().unwrap()
}

/// F19: rotate, be refused, let a server rewrap, retire; the log and the accounts open without the old key.
#[test]
fn a_master_key_is_replaced() {
    let installation = Installation::with(CONFIG);
    let mut server = demo(&installation.data(), &[]).start();
    std::thread::sleep(Duration::from_millis(300));
    assert!(server.terminate(Duration::from_secs(10)).success());

    let before = status(&installation);
    assert_eq!(before.len(), 1, "{before:?}");
    assert!(before[0].ends_with("in use"), "{before:?}");
    let old = name(&before[0]).to_owned();
    let refused = installation.fails(&["keys", "retire", &old], 3);
    assert!(refused.contains("rotate first"), "{refused}");

    installation.does(&["keys", "rotate"]);
    let rotated = status(&installation);
    assert!(
        rotated[0].contains("being rewrapped") && rotated[1].contains("wraps 0 data keys: in use"),
        "{rotated:?}"
    );
    let refused = installation.fails(&["keys", "retire", &old], 3);
    assert!(refused.contains("still wrapped"), "{refused}");
    assert_eq!(status(&installation).len(), 2, "nothing was taken away");

    // Its turn comes once a minute, whoever serves; here at once.
    let data = rusqlite::Connection::open(installation.data().join("kabinet.sqlite")).unwrap();
    let sql = "UPDATE schedule SET due_at = 0 WHERE name = 'keys.rewrap'";
    assert_eq!(data.execute(sql, []).unwrap(), 1);
    drop(data);
    let mut server = installation.serve();
    let began = Instant::now();
    while !status(&installation)[0].contains("may be retired") {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{:?}",
            status(&installation)
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(server.terminate(Duration::from_secs(10)).success());
    installation.does(&["keys", "retire", &old]);
    let after = status(&installation);
    assert_eq!(after.len(), 1, "{after:?}");
    assert_ne!(name(&after[0]), old);
    assert!(
        installation
            .does(&["audit", "verify"])
            .contains("the log is whole")
    );
    let refused = installation.fails(&["keys", "retire", &old], 3);
    assert!(refused.contains("no master key"), "{refused}");
    let refused = installation.fails(&["keys", "retire", "x"], 3);
    assert!(refused.contains("8 hexadecimal"), "{refused}");
}
