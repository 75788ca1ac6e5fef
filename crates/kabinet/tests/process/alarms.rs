//! What an operator's alarms are made of, as the served program shows it at `/metrics`: a blocked range of numbers
//! (A19), spraying (A10), money (A20), dead work (F12). That of the clock (F9) is in `clock.rs`.

use std::time::{Duration, Instant};

use db::Engine;
use serde_json::json;
use testkit::server::Server;

use crate::gateway::Gateway;
use crate::installation::{Installation, database_on};
use crate::wire::{ask, connect, connect_from, get, status};

both_engines! {
    a_range_nobody_answers_raises_its_alarm
    spraying_and_spending_raise_theirs
    dead_work_raises_its_alarm
}

/// A19: so soon after it happened.
const WITHIN: Duration = Duration::from_secs(60);

/// A metric, its labels left out of account; 0 when it is not there yet.
fn metric(server: &Server, name: &str) -> f64 {
    let ops = server.ops_url();
    let port = ops.rsplit(':').next().unwrap().parse().unwrap();
    let text = ask(&mut connect(port), &get(port, "/metrics"));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let values = lines.filter_map(|line| {
        let (known, value) = line.rsplit_once(' ')?;
        let known = known.split('{').next()?;
        (known == name).then(|| value.parse::<f64>().ok())?
    });
    values.sum()
}

fn shows(server: &Server, name: &str, wanted: f64) {
    let began = Instant::now();
    loop {
        let value = metric(server, name);
        if (value - wanted).abs() < 0.5 {
            println!("{name} is {value} after {:?}", began.elapsed());
            return;
        }
        assert!(
            began.elapsed() < WITHIN,
            "{name} is {value}, not {wanted}:\n{}",
            server.output()
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Somebody with an address of their own sends one step of a sign-in.
fn step(server: &Server, person: u8, path: &str, key: &str, body: &serde_json::Value) -> u16 {
    let (port, body) = (server.port(), body.to_string());
    let request = format!(
        "POST /api/v1/sign-in/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Kabinet-Flow: {person:042}A\r\nIdempotency-Key: {key}-{person:03}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    status(&ask(
        &mut connect_from([127, 3, person, 1], port),
        request.as_bytes(),
    ))
}

fn house(engine: Engine) -> (Gateway, Installation) {
    let gateway = Gateway::start();
    let installation = Installation::ready_in(database_on(engine), &gateway.config());
    (gateway, installation)
}

fn a_range_nobody_answers_raises_its_alarm(engine: Engine) {
    let (_gateway, installation) = house(engine);
    let server = installation.serve();
    let blocked = "kabinet_code_ranges_blocked";
    for person in 0..20 {
        let phone = format!("+7912000{:04}", 1_000 + u32::from(person));
        assert!(metric(&server, blocked) < 0.5, "after {person}");
        assert_eq!(
            step(&server, person, "codes", "ask", &json!({ "phone": phone })),
            202
        );
    }
    shows(&server, blocked, 1.0);
    assert_eq!(
        step(
            &server,
            20,
            "codes",
            "ask",
            &json!({ "phone": "+79120009999" })
        ),
        429
    );
}

fn spraying_and_spending_raise_theirs(engine: Engine) {
    let (gateway, installation) = house(engine);
    let start = installation
        .start()
        .env("KABINET_LIMITS__SPRAY_LEAST_TRIES", "12")
        // Ten messages.
        .env("KABINET_LIMITS__SPEND_PER_DAY_KOPECKS", "5000");
    let server = start.start();
    let (slow, budget) = ("kabinet_code_slow_mode", "kabinet_code_budget_state");
    let phone = |person: u8| format!("+79120{person:02}0001");
    let ask_code = |person: u8| {
        let told = step(
            &server,
            person,
            "codes",
            "ask",
            &json!({ "phone": phone(person) }),
        );
        assert_eq!(told, 202);
    };
    for person in 10..13 {
        ask_code(person);
        let code = gateway
            .code(&phone(person), Duration::from_secs(20))
            .unwrap();
        let wrong = if code == "000000" { "111111" } else { "000000" };
        shows(&server, slow, 0.0);
        for n in 0..4 {
            let key = format!("guess-{n}");
            assert_eq!(
                step(&server, person, "verify", &key, &json!({ "code": wrong })),
                422
            );
        }
    }
    shows(&server, slow, 1.0);
    shows(&server, budget, 0.0);
    (13..18).for_each(ask_code);
    shows(&server, budget, 1.0);
    (18..20).for_each(ask_code);
    shows(&server, budget, 2.0);
}

/// F12: work whose data cannot be read any more is given up and told; what comes after it is done.
fn dead_work_raises_its_alarm(engine: Engine) {
    let (gateway, installation) = house(engine);
    gateway.hang();
    let server = installation.serve();
    let first = json!({ "phone": "+79120000001" });
    assert_eq!(step(&server, 1, "codes", "ask", &first), 202);
    let began = Instant::now();
    while gateway.hanging() == 0 {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "nothing was handed over"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(server);
    let bytes = if engine == Engine::Postgres {
        "'\\x00'"
    } else {
        "x'00'"
    };
    installation.sql(&format!(
        "UPDATE job SET payload = {bytes}, state = 'queued', lease_owner = NULL, run_at = 0, tries = 1000 \
         WHERE kind LIKE 'notify.%' AND run_at IS NOT NULL"
    ));
    let gateway = Gateway::start();
    std::fs::write(installation.config(), gateway.config()).unwrap();
    let server = installation.serve();
    shows(&server, "kabinet_jobs_dead", 1.0);
    let second = json!({ "phone": "+79130000001" });
    assert_eq!(step(&server, 2, "codes", "ask", &second), 202);
    assert!(
        gateway
            .code("+79130000001", Duration::from_secs(20))
            .is_some(),
        "the queue flows"
    );
    let began = Instant::now();
    while metric(&server, "kabinet_jobs_done") < 0.5 {
        assert!(began.elapsed() < WITHIN, "what is done is counted too");
        std::thread::sleep(Duration::from_millis(50));
    }
}
