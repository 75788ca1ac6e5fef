//! The raw limit of HTTP: a fixed answer by the same accept loop, bounds and libraries as the product's, and
//! nothing of the product around it. It runs as a process of its own, so that its time can be told apart.

use std::time::Duration;

use axum::{Router, routing::get};
use kabinet::server::{Bounds, serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// About as long as the answer about a session.
const BODY: &str = r#"{"hello":"world","filler":"................................................................................................................................................................................................"}"#;

/// Serves `/health/ready` and `/hello` on a port of this machine until it is killed.
pub async fn run(port: u16) {
    let answer = async || ([("content-type", "application/json")], BODY);
    let router = Router::new()
        .route("/hello", get(answer))
        .route("/health/ready", get(async || "ready"));
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .expect("a free port");
    let bounds = Bounds {
        header_timeout: Duration::from_secs(10),
        write_timeout: Duration::from_secs(30),
        per_address: u32::MAX,
        in_all: 10_000,
        exempt: Vec::new(),
        drain: Duration::from_secs(1),
        safety: "".into(),
    };
    serve(listener, router, bounds, CancellationToken::new()).await;
}
