//! The real release program under load: requests with a session against a hello-world of the same HTTP stack,
//! processor time of a page, memory, time to ready; with few accounts and with many.

use std::{sync::Arc, time::Duration};

use db::Engine;
use testkit::server::{Server, Start, built};

use crate::{
    house::House,
    load::{self, Measured},
};

/// Connections of the load; the product allows one address 100.
const CONNECTIONS: usize = 32;
/// Both ways take turns, so that other work on the machine is there for both.
const ROUNDS: u32 = 5;
/// Starts whose median counts.
const STARTS: usize = 5;

/// A request of a program with a session.
fn by_bearer(port: u16, token: &str) -> Vec<u8> {
    format!(
        "GET /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    .into_bytes()
}

/// A page asked for by a browser with a session.
fn by_cookie(port: u16, path: &str, token: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept-Language: ru,en\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
         Cookie: kabinet-session={token}\r\n\r\n"
    )
    .into_bytes()
}

/// The hello-world as a process of its own.
fn hello() -> Server {
    Start::new(built("benches"))
        .args(["hello", "{port}"])
        .ready("/health/ready", false)
        .start()
}

fn megabytes(bytes: u64) -> u64 {
    bytes / 1_000_000
}

/// The most memory the process ever had, bytes.
fn most_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// A house with `accounts`, and the tokens of some.
pub async fn house(engine: Engine, accounts: u64) -> (House, Vec<String>) {
    let house = House::new(engine);
    let began = std::time::Instant::now();
    let tokens = house.crowd(accounts).await;
    let took = began.elapsed().as_secs_f64();
    let size = match house.size() {
        0..1_000_000 => String::new(),
        bytes => format!(", {} MB", megabytes(bytes)),
    };
    println!(
        "{engine:?}, {accounts} accounts with a live session, made in {took:.0} s{size}; load of the machine {}",
        load::load()
    );
    (house, tokens)
}

/// Everything about the program on one house, printed line by line; answers what requests with a session were.
pub async fn run(house: &House, tokens: &[String], time: Duration) -> Measured {
    starts(house);
    let server = house.serve();
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!("  memory idle {} MB", megabytes(server.memory()));
    let asked = sessions(house, &server, tokens, time).await;
    pages(house, &server, tokens, time).await;
    println!(
        "  memory under load {} MB, the most {} MB",
        megabytes(server.memory()),
        megabytes(most_memory(server.pid()))
    );
    asked
}

fn starts(house: &House) {
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..STARTS {
        let mut server = house.serve();
        times.push(server.ready_after());
        server.terminate(Duration::from_secs(20));
    }
    let (worst, middle) = (times.iter().max().copied(), load::median(times.clone()));
    println!(
        "  ready after {middle:.0?}, the worst of {STARTS} {:.0?}",
        worst.unwrap_or_default()
    );
}

async fn sessions(house: &House, server: &Server, tokens: &[String], time: Duration) -> Measured {
    let hello = hello();
    let port = server.port();
    let ours: Arc<Vec<_>> = Arc::new(tokens.iter().map(|t| by_bearer(port, t)).collect());
    // As many bytes to read as ours has.
    let raw: Vec<_> = tokens
        .iter()
        .take(1_000)
        .map(|t| {
            String::from_utf8_lossy(&by_bearer(hello.port(), t))
                .replace("/api/v1/session", "/hello")
                .into_bytes()
        })
        .collect();
    let raw = Arc::new(raw);
    let turn = time / ROUNDS;
    // The caches of the database fill.
    load::http(port, CONNECTIONS, time, &[], &ours, 200).await;
    let (mut seam, mut bare, mut database) = (Vec::new(), Vec::new(), 0.0);
    for _ in 0..ROUNDS {
        let theirs = house.database_processes();
        let before = load::cpu(&theirs);
        seam.push(load::http(port, CONNECTIONS, turn, &[server.pid()], &ours, 200).await);
        database += load::cpu(&theirs) - before;
        bare.push(load::http(hello.port(), CONNECTIONS, turn, &[hello.pid()], &raw, 200).await);
    }
    let (seam, bare) = (load::sum(&seam), load::sum(&bare));
    println!(
        "  requests with a session {:>6.0}/s, {:>6.0} per core, {}; hello-world {:>6.0}/s, {:>6.0} per core, {}; {:.0} % per core",
        seam.rate(),
        seam.per_core(),
        seam.times(),
        bare.rate(),
        bare.per_core(),
        bare.times(),
        100.0 * seam.per_core() / bare.per_core()
    );
    if database > 0.0 {
        let with = Measured {
            cpu: seam.cpu + database,
            ..seam.clone()
        };
        println!(
            "    PostgreSQL's own processes counted too: {:.0} per core",
            with.per_core()
        );
    }
    // Without a queue in front of it: what one caller waits.
    let calm = load::http(port, 2, turn, &[server.pid()], &ours, 200).await;
    println!(
        "    two connections: {:.0}/s, {}",
        calm.rate(),
        calm.times()
    );
    seam
}

async fn pages(house: &House, server: &Server, tokens: &[String], time: Duration) {
    for path in ["/sign-in", "/", "/profile/devices", "/profile/history"] {
        let port = server.port();
        let requests: Arc<Vec<_>> =
            Arc::new(tokens.iter().map(|t| by_cookie(port, path, t)).collect());
        let theirs = house.database_processes();
        let before = load::cpu(&theirs);
        // Who is signed in is led away from the door.
        let (requests, status) = if path == "/sign-in" {
            (Arc::new(vec![by_cookie(port, path, "none")]), 200)
        } else {
            (requests, 200)
        };
        let page = load::http(
            port,
            CONNECTIONS,
            time / 2,
            &[server.pid()],
            &requests,
            status,
        )
        .await;
        let database = load::cpu(&theirs) - before;
        println!(
            "  page {path:<18} {:.3} ms CPU{}, {:>6.0}/s, {}",
            page.cpu_ms(),
            if database > 0.0 {
                let share = Measured {
                    cpu: database,
                    ..page.clone()
                };
                format!(" and {:.3} ms of PostgreSQL", share.cpu_ms())
            } else {
                String::new()
            },
            page.rate(),
            page.times()
        );
    }
}
