//! F20: a stop lets what is under way end, within 10 seconds, and says so to balancers meanwhile.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use db::Engine;

use crate::installation::Installation;
use crate::wire;

both_engines! {
    an_answer_under_way_is_given_and_the_rest_ends
    a_client_that_does_not_end_is_cut_off
}

fn an_answer_under_way_is_given_and_the_rest_ends(engine: Engine) {
    let installation = Installation::ready_on(engine);
    // A body may take long here: the test wants it under way.
    let start = installation
        .start()
        .env("KABINET_SERVER__BODY_TIMEOUT", "20s");
    let mut server = start.start();
    let idle = wire::connect(server.port());
    let mut held = wire::connect(server.port());
    let body = b"csrf=x&phone=%2B79000000009";
    held.write_all(wire::post(server.port(), "/sign-in", body.len()).as_bytes())
        .unwrap();
    held.write_all(&body[..5]).unwrap();
    std::thread::sleep(Duration::from_millis(200));

    rustix::process::kill_process(
        rustix::process::Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap(),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let ready = wire::ask(
        &mut wire::connect(ops_port(&server)),
        &wire::get(ops_port(&server), "/health/ready"),
    );
    assert_eq!(wire::status(&ready), 503, "{ready}");
    assert!(ready.contains("stopping"), "{ready}");
    assert!(
        std::net::TcpStream::connect(("127.0.0.1", server.port())).is_err(),
        "nothing new is taken"
    );

    let asked = Instant::now();
    held.write_all(&body[5..]).unwrap();
    let answer = wire::read_all(&mut held);
    assert_eq!(
        wire::status(&answer),
        403,
        "a form without our token, but answered: {answer}"
    );
    let status = server.ended(Duration::from_secs(10)).expect("it ends");
    assert!(status.success(), "{status}\n{}", server.output());
    assert!(
        asked.elapsed() < Duration::from_secs(3),
        "idle connections hold nothing up"
    );
    drop(idle);
}

/// A client that never ends does not hold the stop up for more than the agreed time.
fn a_client_that_does_not_end_is_cut_off(engine: Engine) {
    let installation = Installation::ready_on(engine);
    let start = installation
        .start()
        .env("KABINET_SERVER__BODY_TIMEOUT", "60s")
        .env("KABINET_SERVER__GRACEFUL_TIMEOUT", "1s");
    let mut server = start.start();
    let mut held = wire::connect(server.port());
    held.write_all(wire::post(server.port(), "/sign-in", 100).as_bytes())
        .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let asked = Instant::now();
    assert!(server.terminate(Duration::from_secs(5)).success());
    assert!(asked.elapsed() >= Duration::from_millis(900));
    assert!(
        server.output().contains("cut off at the stop"),
        "{}",
        server.output()
    );
    assert!(matches!(held.read(&mut [0; 16]), Ok(0) | Err(_)));
}

fn ops_port(server: &testkit::server::Server) -> u16 {
    server
        .ops_url()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}
