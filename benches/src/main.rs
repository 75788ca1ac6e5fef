//! `cargo xtask bench`: every bench, line by line. The only argument is the seconds each takes.

use std::time::Duration;

#[tokio::main]
async fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(5));
    let folder = tempfile::tempdir().expect("a folder");
    benches::front_door::run(folder.path(), time).await;
    benches::db::run(time).await;
}
