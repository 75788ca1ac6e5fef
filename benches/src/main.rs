//! `cargo xtask bench [seconds] [accounts] [part …]`: every bench, or the parts named (`transfers`, `live`,
//! `sign_ins`, `pages`), line by line. `seconds` is how long each takes, `accounts` how many live in the larger house.

use std::time::Duration;

use db::Engine;

/// Those who live in the smaller house.
const FEW: u64 = 10_000;
/// Those who live in the larger one, unless told otherwise.
const MANY: u64 = 1_000_000;
/// First visits whose median counts.
const VISITS: usize = 5;
/// Those who sign in.
const VISITORS: usize = 4_000;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, port] = arguments.as_slice()
        && command == "hello"
    {
        return benches::hello::run(port.parse().expect("a port")).await;
    }
    let mut numbers = arguments.iter().filter_map(|text| text.parse::<u64>().ok());
    let time = Duration::from_secs(numbers.next().unwrap_or(10));
    let many = numbers.next().unwrap_or(MANY);
    let parts: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let parts: Vec<&str> = parts
        .into_iter()
        .filter(|text| text.parse::<u64>().is_err())
        .collect();
    let wanted = |part: &str| parts.is_empty() || parts.contains(&part);
    if wanted("transfers") {
        benches::db::run(time).await;
    }
    for engine in [Engine::Sqlite, Engine::Postgres] {
        for accounts in [FEW, many] {
            let is_live = wanted("live");
            let has_sign_ins = is_live || accounts == FEW && parts.contains(&"sign_ins");
            if !has_sign_ins {
                continue;
            }
            let (house, tokens) = benches::live::house(engine, accounts).await;
            if is_live {
                benches::live::run(&house, &tokens, time).await;
            }
            benches::front_door::run(&house, engine, VISITORS, time).await;
        }
    }
    if wanted("pages") {
        benches::first_visit::run(VISITS).await;
    }
}
