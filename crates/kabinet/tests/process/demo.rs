//! Item 7: the demo's tools exist in the demo and nowhere else.

use std::time::Duration;

use testkit::server::{Server, Start, data_folder};

use crate::installation::{Installation, PROGRAM};
use crate::wire::{ask, connect, get, status};

pub fn demo(folder: &std::path::Path, more: &[&str]) -> Start {
    Start::new(PROGRAM)
        .args(["demo", "--listen", "127.0.0.1:{port}", "--data"])
        .args([folder.to_str().unwrap()])
        .args(more.iter().copied())
}

fn move_clock(server: &Server, body: &str, kind: &str) -> String {
    let port = server.port();
    let request = format!(
        "POST /demo/clock HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\nContent-Type: {kind}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    ask(&mut connect(port), request.as_bytes())
}

#[test]
fn none_of_it_exists_in_serve() {
    let installation = Installation::ready();
    let server = installation.serve();
    for path in [
        "/demo",
        "/demo/phone",
        "/demo/messages",
        "/demo/clock",
        "/health/ready",
        "/health/live",
        "/metrics",
    ] {
        let answer = ask(&mut connect(server.port()), &get(server.port(), path));
        assert_eq!(status(&answer), 404, "{path}");
    }
    let moved = move_clock(&server, "{\"advance_seconds\":1}", "application/json");
    // Another host name than the configured one is not ours (A34).
    assert!(matches!(status(&moved), 404 | 421), "{moved}");
}

/// A32, A34: also errors carry the safety headers, and a foreign host is refused.
#[test]
fn a_foreign_host_is_refused_and_errors_are_safe() {
    let installation = Installation::ready();
    let server = installation.serve();
    let request = b"GET /sign-in HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    let answer = ask(&mut connect(server.port()), request);
    assert_eq!(status(&answer), 421, "{answer}");
    assert!(!answer.contains("evil.example"));
    for path in ["/nowhere", "/sign-in/code"] {
        let answer = ask(&mut connect(server.port()), &get(server.port(), path)).to_lowercase();
        for header in [
            "content-security-policy: default-src 'self'",
            "frame-ancestors 'none'",
            "nosniff",
        ] {
            assert!(answer.contains(header), "{path}: no {header}");
        }
    }
}

#[test]
fn the_phone_and_the_clock_are_there() {
    let folder = data_folder();
    let server = demo(folder.path(), &["--empty"]).start();
    for path in [
        "/demo",
        "/demo/phone",
        "/demo/messages",
        "/demo/clock",
        "/health/live",
    ] {
        let answer = server.get(path, &[]).unwrap();
        assert_eq!(answer.status, 200, "{path}");
    }
    assert_eq!(server.get("/demo/messages", &[]).unwrap().body, "[]");
    let before = now(&server.get("/demo/clock", &[]).unwrap().body);
    assert_eq!(
        status(&move_clock(
            &server,
            "{\"advance_seconds\":3600}",
            "application/json"
        )),
        200
    );
    let after = now(&server.get("/demo/clock", &[]).unwrap().body);
    assert!((3600..3610).contains(&(after - before)), "{before} {after}");
    for (body, kind) in [
        ("{\"advance_seconds\":-5}", "application/json"),
        ("{\"advance_seconds\":99999999999}", "application/json"),
        ("{\"back\":1}", "application/json"),
        ("advance_seconds=5", "application/x-www-form-urlencoded"),
    ] {
        let answer = move_clock(&server, body, kind);
        assert!((400..500).contains(&status(&answer)), "{body}: {answer}");
    }
}

fn now(json: &str) -> i64 {
    let text = json.split("\"now\":").nth(1).unwrap();
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse::<i64>().unwrap() / 1_000_000
}

/// F9: the moved clock does not run back over a restart. Sample customers are made once. Ready soon.
#[test]
fn a_restart_goes_on_where_it_was() {
    let folder = data_folder();
    let start = demo(folder.path(), &[]);
    let mut server = start.start();
    let first = server.ready_after();
    move_clock(&server, "{\"advance_seconds\":864000}", "application/json");
    let before = now(&server.get("/demo/clock", &[]).unwrap().body);
    std::thread::sleep(Duration::from_millis(200));
    assert!(server.terminate(Duration::from_secs(10)).success());
    let people = accounts(folder.path());
    assert_eq!(people, 3);
    let server = start.start_on(&server);
    assert!(now(&server.get("/demo/clock", &[]).unwrap().body) >= before);
    assert_eq!(accounts(folder.path()), people);
    println!(
        "ready after {first:?} the first time, {:?} the second",
        server.ready_after()
    );
    assert!(server.ready_after() < Duration::from_secs(2));
}

/// Accounts in a demo's database, through a copy of its file.
fn accounts(folder: &std::path::Path) -> i64 {
    let copy = data_folder();
    for ending in ["", "-wal"] {
        let name = format!("kabinet.sqlite{ending}");
        let _ = std::fs::copy(folder.join(&name), copy.path().join(&name));
    }
    let path = copy.path().join("kabinet.sqlite");
    let db = rusqlite::Connection::open(path).unwrap();
    db.query_row("SELECT count(*) FROM account", [], |row| row.get(0))
        .unwrap()
}
