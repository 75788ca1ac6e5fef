//! F9: a clock that cannot be right is refused, and one that was let through is told while the server serves.

use std::time::Duration;

use db::Engine;

use crate::installation::Installation;
use crate::wire;

both_engines! {
    a_database_from_the_future_is_told
}

/// An hour ahead: the file's mark is gone on from, so that nothing ends early, and the operator is told. A
/// database server has a clock of its own that says otherwise: the start is refused until somebody has looked.
fn a_database_from_the_future_is_told(engine: Engine) {
    let installation = Installation::ready_on(engine);
    let server = installation.serve();
    assert_eq!(disagrees(&server), "0");
    drop(server);
    installation.sql("UPDATE clock_mark SET at = at + 3600000000");
    let start = installation.start();
    let start = if engine == Engine::Postgres {
        let refused = installation.fails(&["serve"], 3);
        assert!(
            refused.contains("of the database server differ by 3")
                && refused.contains("--accept-clock"),
            "{refused}"
        );
        let checked = installation.run(&["check"], "");
        let said = String::from_utf8_lossy(&checked.stdout);
        assert!(
            !checked.status.success() && said.contains("differ by"),
            "{said}"
        );
        start.args(["--accept-clock"])
    } else {
        start
    };
    let server = start.start();
    assert_eq!(disagrees(&server), "1");
    if engine == Engine::Postgres {
        assert!(server.output().contains("of the database server differ"));
    }
}

fn disagrees(server: &testkit::server::Server) -> String {
    // The gauge is set at once when the server begins, and every five seconds.
    std::thread::sleep(Duration::from_millis(500));
    let ops = server.ops_url();
    let port = ops.rsplit(':').next().unwrap().parse().unwrap();
    let answer = wire::ask(&mut wire::connect(port), &wire::get(port, "/metrics"));
    let line = answer
        .lines()
        .find_map(|line| line.strip_prefix("kabinet_clock_disagrees "));
    line.expect("the gauge is there").trim().to_owned()
}
