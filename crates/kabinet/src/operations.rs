//! Health and metrics, on a port of their own that strangers must not reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use db::Db;
use http::{StatusCode, header};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

/// A probe that takes longer counts as not ready.
const PROBE: Duration = Duration::from_secs(1);
/// Bounds of every duration that is measured, seconds.
const BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// What the probes look at.
#[derive(Clone)]
pub(crate) struct Operations {
    pub(crate) db: Db,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) stopping: Arc<AtomicBool>,
}

/// Starts counting. Once for a process.
pub(crate) fn count() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets(&BUCKETS)?
        .install_recorder()
}

/// The routes of the operations port.
pub(crate) fn routes(operations: Operations) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics_text))
        .with_state(operations)
}

/// The probes alone, for the demo's only port.
pub(crate) fn probes(operations: Operations) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .with_state(operations)
}

async fn live() -> &'static str {
    "live\n"
}

/// The schema was looked at before the port was opened; what can go away afterwards is the database.
async fn ready(State(operations): State<Operations>) -> (StatusCode, &'static str) {
    if operations.stopping.load(Ordering::Acquire) {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match tokio::time::timeout(PROBE, operations.db.clock_mark()).await {
        Ok(Ok(_)) => (StatusCode::OK, "ready\n"),
        _ => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database does not answer\n",
        ),
    }
}

async fn metrics_text(State(operations): State<Operations>) -> impl IntoResponse {
    if let Some(bytes) = resident_bytes() {
        metrics::gauge!("kabinet_process_resident_bytes").set(bytes);
    }
    operations.metrics.run_upkeep();
    let text = operations.metrics.render();
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
}

/// Resident memory, as Linux tells it.
fn resident_bytes() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: f64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * f64::from(u32::try_from(rustix::param::page_size()).ok()?))
}
