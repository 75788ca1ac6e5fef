//! `cargo xtask bench`: every bench, line by line. The only argument is the seconds each takes.

use std::time::Duration;

#[tokio::main]
async fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(5));
    benches::db::run(time).await;
}
