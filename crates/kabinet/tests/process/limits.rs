//! A105, A106, A107, F20: what strangers can hold open, and what too much of anything is answered with.

use std::io::Write;
use std::time::{Duration, Instant};

use db::Engine;
use testkit::server::Server;

use crate::installation::Installation;
use crate::wire::{self, ask, connect, connect_from, get, post, read_all, status};

/// The time in which too much is refused.
const AT_ONCE: Duration = Duration::from_millis(50);

fn health(server: &Server) -> u16 {
    let port = server
        .ops_url()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    status(&ask(&mut connect(port), &get(port, "/health/ready")))
}

/// The median of asking for the sign-in page from another address.
fn others_wait(server: &Server) -> Duration {
    let mut took: Vec<Duration> = (0..20)
        .map(|_| {
            let began = Instant::now();
            let answer = ask(
                &mut connect_from([127, 0, 0, 2], server.port()),
                &get(server.port(), "/sign-in"),
            );
            assert_eq!(status(&answer), 200, "{answer}");
            began.elapsed()
        })
        .collect();
    took.sort();
    took[took.len() / 2]
}

/// A105: one address has 100 connections; those that say nothing, or say it too slowly, are ended when the
/// time for headers is over; others notice nothing.
#[test]
fn slow_clients_hold_nothing() {
    let installation = Installation::ready();
    let server = installation.serve();
    let alone = others_wait(&server);
    let mut slow: Vec<_> = (0..100).map(|_| connect(server.port())).collect();
    for (place, stream) in slow.iter_mut().enumerate() {
        // Nothing, half of a header, half of the preface of HTTP/2.
        let begun: &[u8] = [
            b"".as_slice(),
            b"GET / HTTP/1.1\r\nHost: x\r\nX-",
            b"PRI * HTTP/2.0\r\n",
        ][place % 3];
        stream.write_all(begun).unwrap();
    }
    std::thread::sleep(Duration::from_millis(200));
    let mut refused = connect(server.port());
    assert_eq!(
        status(&ask(&mut refused, &get(server.port(), "/sign-in"))),
        429
    );
    let beside = others_wait(&server);
    assert!(
        beside < alone * 2 + Duration::from_millis(10),
        "{alone:?} alone, {beside:?} beside slow ones"
    );
    let began = Instant::now();
    for stream in &mut slow {
        let said = read_all(stream);
        assert!(matches!(status(&said), 0 | 408), "{said}");
    }
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "they were ended together"
    );
    assert_eq!(
        status(&ask(
            &mut connect(server.port()),
            &get(server.port(), "/sign-in")
        )),
        200
    );
    assert_eq!(health(&server), 200);
}

/// A105: headers that come byte by byte, and a body that does.
#[test]
fn a_byte_at_a_time_is_not_enough() {
    let installation = Installation::ready();
    let server = installation.serve();
    let began = Instant::now();
    let mut header = connect(server.port());
    let mut body = connect(server.port());
    body.write_all(post(server.port(), "/sign-in", 1000).as_bytes())
        .unwrap();
    for byte in get(server.port(), "/sign-in").iter().take(12) {
        std::thread::sleep(Duration::from_millis(150));
        let _ = header.write_all(&[*byte]);
        let _ = body.write_all(b"a");
    }
    assert_eq!(status(&read_all(&mut body)), 408);
    assert!(matches!(status(&read_all(&mut header)), 0 | 408));
    assert!(began.elapsed() < Duration::from_secs(5));
}

/// A107: refused before anything is read, in 50 ms.
#[test]
fn too_much_is_refused_at_once() {
    let installation = Installation::ready();
    let server = installation.serve();
    let port = server.port();
    // The first request of a process makes things that stay.
    ask(&mut connect(port), &get(port, "/sign-in"));
    let head = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
    let many: String = (0..100_000).map(|n| format!("x{n}: 1\r\n")).collect();
    let fields = "a=1&".repeat(16_000);
    let deep = "[".repeat(60_000);
    let deep = format!(
        "POST /api/v1/sign-in/codes HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Idempotency-Key: deep\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{deep}",
        deep.len()
    );
    let cases: [(&str, Vec<u8>, &[u16]); 7] = [
        ("deep JSON", deep.into(), &[400, 422]),
        ("one huge header", format!("{head}Cookie: {}\r\n\r\n", "c".repeat(70_000)).into(), &[431]),
        ("a hundred thousand headers", format!("{head}{many}\r\n").into(), &[431]),
        ("a huge path", format!("GET /{} HTTP/1.1\r\n\r\n", "p".repeat(70_000)).into(), &[414, 431]),
        ("a body that says it is huge", post(port, "/sign-in", 1 << 30).into(), &[413]),
        (
            "a body that does not say it",
            format!(
                "POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nTransfer-Encoding: chunked\r\n\r\n\
                 11000\r\n{}\r\n",
                "b".repeat(0x11000)
            )
            .into(),
            &[413],
        ),
        ("many fields", format!("{}{fields}", post(port, "/sign-in", fields.len())).into(), &[413, 422]),
    ];
    for (what, bytes, wanted) in cases {
        let mut times: Vec<Duration> = (0..9)
            .map(|_| {
                let mut stream = connect(port);
                let began = Instant::now();
                let answer = ask(&mut stream, &bytes);
                let took = began.elapsed();
                assert!(
                    wanted.contains(&status(&answer)),
                    "{what}: {}",
                    &answer[..answer.len().min(200)]
                );
                took
            })
            .collect();
        times.sort();
        assert!(times[4] <= AT_ONCE, "{what} took {times:?}");
    }
    assert_eq!(health(&server), 200);
}

/// A105, A106: the numbers that hold where nobody configures anything, and the streams a peer is told it may have.
#[test]
fn the_numbers_are_those_of_the_rules() {
    use std::io::Read;
    let server = config::Settings::default().server;
    assert_eq!(server.header_timeout, Duration::from_secs(10));
    assert_eq!(server.body_timeout, Duration::from_secs(30));
    assert_eq!(server.max_connections_per_ip, 100);
    let installation = Installation::ready();
    let server = installation.serve();
    let mut stream = connect(server.port());
    stream.write_all(&greeting()).unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(head[3], 4, "the first frame is SETTINGS: {head:?}");
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    let mut settings = vec![0; length];
    stream.read_exact(&mut settings).unwrap();
    // Pairs of a number of 16 bits and a value of 32; 3 is MAX_CONCURRENT_STREAMS (RFC 9113 §6.5.2).
    let told = settings.chunks_exact(6).find(|pair| pair[..2] == [0, 3]);
    let streams = u32::from_be_bytes(told.unwrap()[2..].try_into().unwrap());
    assert_eq!(streams, 100);
}

/// HTTP/2 frames (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

fn greeting() -> Vec<u8> {
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(4, 0, 0, &[]),
    ]
    .concat()
}

/// `GET /sign-in` (HPACK: three of the static table, the path and the authority as they are).
fn request_block(port: u16) -> Vec<u8> {
    let text = |index: u8, value: &str| {
        [
            &[index, u8::try_from(value.len()).unwrap()],
            value.as_bytes(),
        ]
        .concat()
    };
    [
        vec![0x82, 0x86],
        text(0x04, "/sign-in"),
        text(0x01, &format!("127.0.0.1:{port}")),
    ]
    .concat()
}

/// What became of a flood.
struct Flooded {
    /// Pieces sent before the peer had ended the connection; all of them when it did not.
    pieces: u32,
    /// The error code of GOAWAY, if one was read (RFC 9113 §6.8).
    goaway: Option<u32>,
    /// Whether the peer ended the connection, seen by reading.
    ended: bool,
}

/// Sends until the peer ends the connection.
fn flood(server: &Server, piece: impl Fn(u32) -> Vec<u8>, most: u32, pause: Duration) -> Flooded {
    use std::io::Read;
    let mut stream = connect(server.port());
    stream.write_all(&greeting()).unwrap();
    let mut pieces = most;
    for number in 0..most {
        if stream.write_all(&piece(number)).is_err() {
            pieces = number;
            break;
        }
        std::thread::sleep(pause);
    }
    stream
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    let (mut said, mut part) = (Vec::new(), [0; 16_384]);
    let ended = loop {
        match stream.read(&mut part) {
            Ok(0) => break true,
            Ok(read) => said.extend_from_slice(&part[..read]),
            Err(error) => break error.kind() != std::io::ErrorKind::WouldBlock,
        }
    };
    Flooded {
        pieces,
        goaway: goaway(&said),
        ended,
    }
}

/// The error code of the first GOAWAY among the frames that were read.
fn goaway(mut bytes: &[u8]) -> Option<u32> {
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let (payload, after) = rest.split_at_checked(length)?;
        if *kind == 7 {
            return Some(u32::from_be_bytes(payload.get(4..8)?.try_into().ok()?));
        }
        bytes = after;
    }
    None
}

/// `ENHANCE_YOUR_CALM` (RFC 9113 §7).
const CALM: u32 = 11;

/// A106: streams opened and reset in one breath, and a header that never ends: the connection goes, the
/// process stays, memory does not grow.
#[test]
fn floods_of_http2_end_their_connection() {
    let installation = Installation::ready();
    let server = installation.serve();
    let port = server.port();
    let before = server.memory();
    let block = request_block(port);
    for _ in 0..5 {
        let resets = flood(
            &server,
            |number| {
                let stream = number * 2 + 1;
                [
                    frame(1, 0x05, stream, &block),
                    frame(3, 0, stream, &8_u32.to_be_bytes()),
                ]
                .concat()
            },
            20_000,
            Duration::ZERO,
        );
        assert!(
            resets.ended,
            "20,000 streams were taken back and nobody minded"
        );
        assert!(
            resets.goaway.is_none_or(|code| code == CALM),
            "{:?}",
            resets.goaway
        );
    }
    let filler = vec![0x40; 16_000];
    let header = flood(
        &server,
        |number| {
            if number == 0 {
                frame(1, 0, 1, &block)
            } else {
                frame(9, 0, 1, &filler)
            }
        },
        20_000,
        Duration::ZERO,
    );
    assert!(
        header.pieces < 20_000,
        "a header without an end was read to the end"
    );
    assert_eq!(health(&server), 200);
    let grown = server.memory().saturating_sub(before);
    assert!(grown < 50 * 1024 * 1024, "{} MiB more", grown >> 20);
    assert_eq!(
        status(&ask(&mut connect(port), &get(port, "/sign-in"))),
        200
    );
}

/// A106: each stream is given the time to be served and is taken back then: the work is begun each time, so a
/// connection has a budget for that too, of 100.
#[test]
fn requests_are_not_taken_back_for_ever() {
    let installation = Installation::ready();
    let start = installation
        .start()
        .env("KABINET_SERVER__BODY_TIMEOUT", "20s");
    let server = start.start();
    let port = server.port();
    let text = |index: u8, value: &str| {
        [
            &[index, u8::try_from(value.len()).unwrap()],
            value.as_bytes(),
        ]
        .concat()
    };
    // `POST /sign-in` whose body never comes: the handler waits for it.
    let block = [
        vec![0x83, 0x86],
        text(0x04, "/sign-in"),
        text(0x01, &format!("127.0.0.1:{port}")),
        // content-type, from the static table.
        text(0x0f, "").into_iter().take(1).collect(),
        text(0x10, "application/x-www-form-urlencoded"),
    ]
    .concat();
    let taken_back = |number: u32| {
        let stream = number * 2 + 1;
        let reset = number.checked_sub(1).map_or(Vec::new(), |before| {
            frame(3, 0, before * 2 + 1, &8_u32.to_be_bytes())
        });
        [reset, frame(1, 0x04, stream, &block)].concat()
    };
    let few = flood(&server, taken_back, 60, Duration::from_millis(5));
    assert!(!few.ended, "a reader who goes on and on is no attacker");
    let many = flood(&server, taken_back, 400, Duration::from_millis(5));
    assert!(
        many.ended,
        "400 requests were begun and taken back on one connection"
    );
    assert!(many.pieces > 60, "ended after {}", many.pieces);
    assert_eq!(health(&server), 200);
}

both_engines! {
    without_descriptors_it_waits_and_goes_on
}

/// F20: a process out of descriptors goes on when it has some again.
fn without_descriptors_it_waits_and_goes_on(engine: Engine) {
    let installation = Installation::ready_on(engine);
    let start = installation.start_with_descriptors(60);
    let server = start.start();
    let many: Vec<_> = (0..80).map(|_| wire::connect(server.port())).collect();
    std::thread::sleep(Duration::from_millis(500));
    drop(many);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(
        status(&ask(
            &mut connect(server.port()),
            &get(server.port(), "/sign-in")
        )),
        200
    );
    assert!(
        server.output().contains("no connection could be accepted"),
        "{}",
        server.output()
    );
}
