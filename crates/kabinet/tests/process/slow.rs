//! A105: two thousand slow connections, from many addresses, while somebody signs in.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::server::Server;

use crate::demo::demo;
use crate::wire::{ask, call, connect_from, get, post, status};

/// Addresses, and connections of each: less than the 100 that one address may have.
const ADDRESSES: u8 = 25;
const OF_EACH: usize = 80;
const HEADER_TIME: Duration = Duration::from_secs(6);
const BODY_TIME: Duration = Duration::from_secs(8);

/// As many descriptors as this machine gives; the server inherits them.
fn more_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let most = getrlimit(Resource::Nofile).current;
    assert!(
        most.is_none_or(|most| most >= 5_000),
        "this machine allows {most:?} descriptors"
    );
}

/// A whole sign-in of somebody new: the time of its four requests and of the page.
fn sign_in(server: &Server, number: usize) -> Duration {
    let port = server.port();
    let agent = format!("device {number}");
    let phone = format!("+7912{number:03}0001");
    // Each has an address of their own: limits are counted by network.
    let from = [127, 0, 200, u8::try_from(number % 200).unwrap() + 1];
    let mut took = Duration::ZERO;
    let mut step = |work: &mut dyn FnMut() -> (u16, serde_json::Value)| {
        let began = Instant::now();
        let (status, answer) = work();
        took += began.elapsed();
        assert!(status < 300, "{status} {answer}");
        answer
    };
    step(&mut || {
        (
            status(&ask(&mut connect_from(from, port), &get(port, "/sign-in"))),
            json!(null),
        )
    });
    let key = |name: &str| format!("{name}-{number}");
    let (one, two, three) = (key("ask"), key("verify"), key("register"));
    let asked = step(&mut || {
        let headers = [
            ("Idempotency-Key", one.as_str()),
            ("User-Agent", agent.as_str()),
        ];
        call(
            port,
            "POST",
            "/api/v1/sign-in/codes",
            &headers,
            &json!({ "phone": phone }).to_string(),
        )
    });
    let flow = asked["flow"].as_str().unwrap().to_owned();
    let code = code(port, &phone);
    for (path, key, body) in [
        ("/api/v1/sign-in/verify", &two, json!({ "code": code })),
        (
            "/api/v1/sign-in/register",
            &three,
            json!({ "personal_data": true }),
        ),
    ] {
        let headers = [
            ("Idempotency-Key", key.as_str()),
            ("Kabinet-Flow", flow.as_str()),
        ];
        step(&mut || call(port, "POST", path, &headers, &body.to_string()));
    }
    took
}

fn code(port: u16, phone: &str) -> String {
    for _ in 0..400 {
        let (_, messages) = call(port, "GET", "/demo/messages", &[], "");
        let mine = messages
            .as_array()
            .unwrap()
            .iter()
            .find(|message| message["to"] == phone);
        if let Some(text) = mine.and_then(|message| message["text"].as_str()) {
            let word = text
                .split(|c: char| !c.is_ascii_digit())
                .find(|word| word.len() == 6);
            return word.unwrap().to_owned();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no code for {phone}");
}

/// The second slowest of ten.
fn tenth(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() - 2]
}

/// Whether the peer has ended the connection, reading without waiting.
fn is_over(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let over = loop {
        match stream.read(&mut [0; 512]) {
            Ok(0) => break true,
            Ok(_) => {}
            Err(error) => break error.kind() != std::io::ErrorKind::WouldBlock,
        }
    };
    stream.set_nonblocking(false).unwrap();
    over
}

#[test]
fn two_thousand_slow_connections() {
    more_descriptors();
    let folder = testkit::server::data_folder();
    let start = demo(folder.path(), &["--empty", "--log", "warn"])
        .env(
            "KABINET_SERVER__HEADER_TIMEOUT",
            &format!("{}s", HEADER_TIME.as_secs()),
        )
        .env(
            "KABINET_SERVER__BODY_TIMEOUT",
            &format!("{}s", BODY_TIME.as_secs()),
        );
    let server = start.start();
    let port = server.port();
    sign_in(&server, 0);
    let alone = tenth((1..=10).map(|n| sign_in(&server, n)).collect());

    let began = Instant::now();
    let (mut slow, mut until) = (Vec::new(), Vec::new());
    for address in 0..ADDRESSES {
        for place in 0..OF_EACH {
            let mut stream = connect_from([127, 0, 100, address + 1], port);
            let head = post(port, "/sign-in", 1_000);
            // Half of a header, or a header whose body comes by the byte.
            let begun = if place % 2 == 0 {
                &head[..head.len() / 2]
            } else {
                head.as_str()
            };
            let time = if place % 2 == 0 {
                HEADER_TIME
            } else {
                BODY_TIME
            };
            until.push(Instant::now() + time);
            stream.write_all(begun.as_bytes()).unwrap();
            slow.push(stream);
        }
    }
    // One address with more than its share: the rest are refused, and others are not touched by that.
    let mut greedy: Vec<_> = (0..120)
        .map(|_| connect_from([127, 0, 101, 1], port))
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    let refused = greedy
        .iter_mut()
        .filter_map(|stream| is_over(stream).then_some(()))
        .count();
    assert_eq!(refused, 20, "one address has 100 connections");
    drop(greedy);
    // Where opening them all takes longer than that, the time of the first is over by itself.
    let early = slow
        .iter_mut()
        .zip(&until)
        .filter_map(|(stream, until)| (is_over(stream) && Instant::now() < *until).then_some(()))
        .count();
    assert_eq!(early, 0, "each is held as long as it may take");
    println!("{} connections after {:?}", slow.len(), began.elapsed());

    let mut times = Vec::new();
    for n in 11..=20 {
        times.push(sign_in(&server, n));
        for stream in &mut slow {
            // A byte each, as long as the peer takes it.
            let _ = stream.write(b"x");
        }
    }
    let beside = tenth(times);
    println!("a sign-in takes {alone:?} alone, {beside:?} beside them");
    assert!(
        beside < alone * 2 + Duration::from_millis(100),
        "{alone:?} alone, {beside:?} beside slow ones"
    );

    // No byte now and then buys more time.
    let end = *until.iter().max().unwrap() + Duration::from_secs(6);
    let mut held = slow;
    loop {
        let is_last = Instant::now() >= end;
        held.retain_mut(|stream| {
            let _ = stream.write(b"x");
            !is_over(stream)
        });
        if held.is_empty() || is_last {
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(
        held.is_empty(),
        "{} slow connections are still held after {:?}",
        held.len(),
        began.elapsed()
    );
    sign_in(&server, 21);
}
