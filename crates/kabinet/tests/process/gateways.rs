//! F7: a gateway that takes messages and does not answer holds up nobody at the door.

use std::time::{Duration, Instant};

use db::Engine;
use serde_json::json;

use crate::gateway::Gateway;
use crate::installation::{Installation, database_on};
use crate::wire::{ask, connect_from, get, status};

both_engines! {
    nobody_waits_for_a_gateway_that_hangs
}

/// How often each is asked for.
const TIMES: u8 = 20;
/// What a person notices.
const AT_ONCE: Duration = Duration::from_millis(300);

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The text between two others.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let rest = text.split_once(before).map_or("", |(_, rest)| rest);
    rest.split(after).next().unwrap_or_default()
}

/// The page, a code asked for on it, and a code asked for by a program: each within 300 ms, while the messages of
/// all who asked before are still waited for, 30 s each.
fn nobody_waits_for_a_gateway_that_hangs(engine: Engine) {
    let gateway = Gateway::start();
    gateway.hang();
    let installation = Installation::ready_in(database_on(engine), &gateway.config());
    let server = installation.serve();
    let port = server.port();
    let timed = |number: u8, request: &[u8]| {
        let began = Instant::now();
        let answer = ask(&mut connect_from([127, 2, number, 1], port), request);
        (answer, began.elapsed())
    };
    let head = |path: &str, kind: &str, length: usize, more: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nContent-Type: {kind}\r\n\
             Content-Length: {length}\r\n{more}\r\n"
        )
    };
    let (mut pages, mut forms, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..TIMES {
        let (page, took) = timed(number, &get(port, "/sign-in"));
        assert_eq!(status(&page), 200, "{page}");
        pages.push(took);
        let visit = between(&page, "kabinet-visit=", ";");
        let csrf = between(between(&page, "name=\"csrf\"", ">"), "value=\"", "\"");
        let body =
            format!("csrf={csrf}&idempotency_key=form-{number:05}&phone=%2B791200{number:02}000");
        let cookie = format!("Cookie: kabinet-visit={visit}\r\n");
        let form = head(
            "/sign-in",
            "application/x-www-form-urlencoded",
            body.len(),
            &cookie,
        ) + &body;
        let (asked, took) = timed(number, form.as_bytes());
        assert_eq!(status(&asked), 303, "{asked}");
        assert!(asked.contains("/sign-in/code"), "{asked}");
        forms.push(took);
        let body = json!({ "phone": format!("+791300{number:02}000") }).to_string();
        let key = format!("Idempotency-Key: call-{number:05}\r\n");
        let call = head(
            "/api/v1/sign-in/codes",
            "application/json",
            body.len(),
            &key,
        ) + &body;
        let (asked, took) = timed(number, call.as_bytes());
        assert_eq!(status(&asked), 202, "{asked}");
        calls.push(took);
    }
    let began = Instant::now();
    while gateway.hanging() == 0 {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "nothing was handed over"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let medians = [pages, forms, calls].map(median);
    println!(
        "{engine:?}: page, form, call: {medians:?}; {} messages hang",
        gateway.hanging()
    );
    for took in medians {
        assert!(took <= AT_ONCE, "{medians:?}");
    }
}
