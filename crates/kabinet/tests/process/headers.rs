//! A32: the safety headers stand in every answer: of every page and every call of the API, whoever asks and however
//! wrongly, and in what the server says before it knows of any route.

use std::collections::BTreeSet;
use std::io::Write;

use crate::installation::Installation;
use crate::wire::{ask, connect, get, post, read_all, safe, status};

/// Every route of the product with its method.
fn routes() -> Vec<(String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/access.toml");
    let table: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let groups = table.values().filter_map(toml::Value::as_table);
    let names = groups.flat_map(|group| group.keys());
    let mut routes: Vec<(String, String)> = names
        .filter_map(|name| name.split_once(' '))
        .map(|(method, path)| (method.to_owned(), path.replace(['{', '}'], "")))
        .collect();
    assert!(routes.len() > 60, "{} calls", routes.len());
    // Pages stand in the source that registers them.
    let pages = include_str!("../../../identity/web/src/pages/mod.rs");
    let pages = pages.split(".route(").skip(1);
    let paths = pages.map(|route| route.split('"').nth(1).unwrap().replace(['{', '}'], ""));
    let before = routes.len();
    routes.extend(paths.map(|path| ("POST".to_owned(), path)));
    assert!(routes.len() > before + 60, "{} routes", routes.len());
    routes
}

/// What no route is asked for with, and the status it gets.
fn wrong(port: u16, host: &str) -> [(&'static str, u16, Vec<u8>); 9] {
    let head = format!("GET / HTTP/1.1\r\n{host}");
    [
        ("nowhere", 404, get(port, "/nowhere")),
        ("nowhere of the API", 404, get(port, "/api/v1/nowhere")),
        (
            "a file that is not there",
            404,
            get(port, "/assets/nowhere.js"),
        ),
        (
            "a foreign host",
            421,
            b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".to_vec(),
        ),
        ("a huge body", 413, post(port, "/sign-in", 1 << 30).into()),
        (
            "no HTTP",
            400,
            b"GET / HTTP/1.1\r\nno header at all\r\n\r\n".to_vec(),
        ),
        (
            "a huge header",
            431,
            format!("{head}Cookie: {}\r\n\r\n", "c".repeat(70_000)).into(),
        ),
        (
            "many headers",
            431,
            format!("{head}{}\r\n", "x: 1\r\n".repeat(101)).into(),
        ),
        (
            "a huge path",
            414,
            format!("GET /{} HTTP/1.1\r\n\r\n", "p".repeat(70_000)).into(),
        ),
    ]
}

#[test]
fn every_answer_has_the_safety_headers() {
    let installation = Installation::ready();
    let server = installation.serve();
    let port = server.port();
    let mut seen = BTreeSet::new();
    let mut looked = 0;
    let mut look = |what: &str, answer: &str| {
        assert_ne!(status(answer), 0, "{what} is not answered");
        safe(what, answer);
        seen.insert(status(answer));
        looked += 1;
    };
    let host = format!("Host: 127.0.0.1:{port}\r\nConnection: close\r\n");
    let bodies = [
        ("application/json", "{}"),
        ("text/plain", "?"),
        ("application/x-www-form-urlencoded", "a=1"),
    ];
    for (method, path) in routes() {
        for asked in [method.as_str(), "GET", "BREW"] {
            for (kind, body) in bodies {
                if asked == "GET" && kind != "text/plain" {
                    continue;
                }
                let request = format!(
                    "{asked} {path} HTTP/1.1\r\n{host}Idempotency-Key: key-{kind}\r\nContent-Type: {kind}\r\n\
                     Content-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                let answer = ask(&mut connect(port), request.as_bytes());
                look(&format!("{asked} {path}, {kind}"), &answer);
            }
        }
    }
    for (what, wanted, bytes) in wrong(port, &host) {
        let answer = ask(&mut connect(port), &bytes);
        assert!(
            status(&answer) == wanted || (wanted == 414 && status(&answer) == 431),
            "{what}: {}",
            &answer[..answer.len().min(80)]
        );
        look(what, &answer);
    }
    let mut slow = connect(port);
    slow.write_all(post(port, "/sign-in", 100).as_bytes())
        .unwrap();
    look("a body that does not come", &read_all(&mut slow));
    // Two codes in one breath.
    let body = r#"{"phone":"+79120000001"}"#;
    let ask_code = |key: &str| {
        format!(
            "POST /api/v1/sign-in/codes HTTP/1.1\r\n{host}Idempotency-Key: {key}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    for (key, wanted) in [("one", 202), ("two", 429)] {
        let answer = ask(&mut connect(port), ask_code(key).as_bytes());
        assert_eq!(status(&answer), wanted, "{answer}");
        look("a code", &answer);
    }
    // More connections than one address may have.
    let held: Vec<_> = (0..100).map(|_| connect(port)).collect();
    std::thread::sleep(std::time::Duration::from_millis(200));
    let answer = read_all(&mut connect(port));
    assert_eq!(status(&answer), 429, "{answer}");
    look("the 101st connection", &answer);
    drop(held);
    // Data of ours that is wrong: a kept answer that does not open.
    drop(server);
    installation.sql("UPDATE idempotency SET answer = x'00'");
    let server = installation.serve();
    let port = server.port();
    let request = ask_code("one").replace(
        &host,
        &format!("Host: 127.0.0.1:{port}\r\nConnection: close\r\n"),
    );
    let answer = ask(&mut connect(port), request.as_bytes());
    assert_eq!(status(&answer), 500, "{answer}");
    look("a fault of ours", &answer);
    println!("{looked} answers: {seen:?}");
    for wanted in [
        200, 202, 303, 400, 401, 403, 404, 405, 408, 413, 415, 421, 422, 429, 431, 500,
    ] {
        assert!(seen.contains(&wanted), "no {wanted} among {seen:?}");
    }
}
