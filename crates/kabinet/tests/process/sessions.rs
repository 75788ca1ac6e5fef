//! A29: whoever opens ten thousand sessions on one account has fifty, and the page of devices stays quick.

use std::time::{Duration, Instant};

use db::Engine;
use serde_json::{Value, json};
use testkit::server::Server;

use crate::gateway::Gateway;
use crate::installation::{Installation, database_on};
use crate::wire::{ask, connect, status};

both_engines! {
    ten_thousand_sessions_are_fifty
}

const PHONE: &str = "+79120000001";
/// A29: the page within this time.
const QUICK: Duration = Duration::from_millis(100);

fn step(server: &Server, flow: usize, path: &str, body: &Value) -> Value {
    let (port, body) = (server.port(), body.to_string());
    let request = format!(
        "POST /api/v1/sign-in/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Kabinet-Flow: {flow:042}A\r\nIdempotency-Key: {path}-{flow}\r\nUser-Agent: device {flow}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = ask(&mut connect(port), request.as_bytes());
    assert!((200..300).contains(&status(&answer)), "{path}: {answer}");
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn code(gateway: &Gateway, before: usize) -> String {
    let began = Instant::now();
    loop {
        let codes: Vec<String> = gateway
            .texts(PHONE)
            .iter()
            .filter_map(|text| six(text))
            .collect();
        if codes.len() > before {
            return codes[before].clone();
        }
        assert!(began.elapsed() < Duration::from_secs(20), "no code");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn six(text: &str) -> Option<String> {
    let mut words = text.split(|c: char| !c.is_ascii_digit());
    words.find(|word| word.len() == 6).map(ToOwned::to_owned)
}

/// Ten thousand were opened before anybody counted: rows as the product writes them, each of a browser of its own,
/// all used less lately than the owner's.
fn ten_thousand(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => {
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
             INSERT INTO session (account_id, session_id, token_hash, method, browser_hash, device, created_at, seen_at)
             SELECT account_id, randomblob(16), randomblob(32), method, randomblob(32), device, created_at,
                    seen_at - i * 1000000 FROM session, n"
        }
        Engine::Postgres => {
            "INSERT INTO session (account_id, session_id, token_hash, method, browser_hash, device, created_at, seen_at)
             SELECT account_id, decode(md5('a' || n), 'hex'), sha256(('b' || n)::bytea), method,
                    sha256(('c' || n)::bytea), device, created_at, seen_at - n::bigint * 1000000
             FROM session, generate_series(1, 10000) n"
        }
    }
}

fn ten_thousand_sessions_are_fifty(engine: Engine) {
    let gateway = Gateway::start();
    let installation = Installation::ready_in(database_on(engine), &gateway.config());
    let server = installation.serve();
    let count = || {
        installation.sql("SELECT count(*) FROM session")[0]
            .parse::<usize>()
            .unwrap()
    };
    step(&server, 1, "codes", &json!({ "phone": PHONE }));
    step(&server, 1, "verify", &json!({ "code": code(&gateway, 0) }));
    let inside = step(&server, 1, "register", &json!({ "personal_data": true }));
    let owner = inside["session_token"].as_str().unwrap().to_owned();
    installation.sql(ten_thousand(engine));
    assert_eq!(count(), 10_001);

    // The minute between two codes is over.
    let none = if engine == Engine::Postgres {
        "''"
    } else {
        "x''"
    };
    installation.sql(&format!("UPDATE code_subject SET sends = {none}, step = 0"));
    step(&server, 2, "codes", &json!({ "phone": PHONE }));
    step(&server, 2, "verify", &json!({ "code": code(&gateway, 1) }));
    assert_eq!(count(), 50, "one more sign-in leaves fifty");

    let port = server.port();
    let request = format!(
        "GET /profile/devices HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Cookie: kabinet-session={owner}\r\n\r\n"
    );
    let mut times: Vec<Duration> = (0..21)
        .map(|_| {
            let began = Instant::now();
            let page = ask(&mut connect(port), request.as_bytes());
            assert_eq!(
                status(&page),
                200,
                "the owner's own, used last, stays: {page}"
            );
            assert!(page.matches("/end\"").count() >= 40, "{page}");
            began.elapsed()
        })
        .collect();
    times.sort();
    println!("{engine:?}: the page of devices takes {:?}", times[10]);
    assert!(times[10] <= QUICK, "{times:?}");
}
