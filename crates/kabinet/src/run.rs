//! A running server, from the opened house to the last answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::background;
use crate::failure::Failure;
use crate::house::House;
use crate::operations::Operations;
use crate::server::{self, Bounds};
use crate::supervisor::Supervisor;

/// A peer that takes nothing of an answer for so long is left.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Opens a port, with a text that helps when it cannot be had.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::failed(format!(
            "cannot listen on {address}: {error}. Is another program there?"
        ))
    })
}

/// What is served where.
pub(crate) struct Doors {
    /// The public port and its routes.
    pub(crate) public: (TcpListener, Router),
    /// The operations port and its routes.
    pub(crate) operations: Option<(TcpListener, Router)>,
    /// Lines of the safety headers, for what is answered without any route (A32).
    pub(crate) safety: Arc<str>,
}

/// Serves until SIGTERM or SIGINT, then lets answers under way end, stops the background and writes the last
/// time down (F20).
pub(crate) async fn until_signal(
    house: &House,
    doors: Doors,
    operations: &Operations,
    supervisor: &Supervisor,
    stop: &CancellationToken,
    running: jobs::Running,
) -> Result<(), Failure> {
    let server = &house.settings.server;
    let bounds = Bounds {
        header_timeout: server.header_timeout,
        write_timeout: WRITE_TIMEOUT,
        per_address: server.max_connections_per_ip,
        in_all: server::connections_max(),
        exempt: server.trusted_proxies.clone(),
        drain: server.graceful_timeout,
        safety: doors.safety,
    };
    let private = Bounds {
        per_address: u32::MAX,
        in_all: 1_000,
        ..bounds.clone()
    };
    // The probes answer until the very end, so that a balancer sees «stopping».
    let end = CancellationToken::new();
    let watch = watch_signals(stop.clone(), Arc::clone(&operations.stopping))?;
    let ops = async {
        match doors.operations {
            Some((listener, router)) => server::serve(listener, router, private, end.clone()).await,
            None => 0,
        }
    };
    let public = async {
        let (listener, router) = doors.public;
        let serve = server::serve(listener, router, bounds, stop.clone());
        let stop_jobs = async {
            stop.cancelled().await;
            running.stop().await;
        };
        let (left, ()) = tokio::join!(serve, stop_jobs);
        supervisor.ended().await;
        background::raise_mark(&house.db).await;
        end.cancel();
        left
    };
    let (left, _, ()) = tokio::join!(public, ops, watch);
    house.db.close();
    if left > 0 {
        tracing::warn!(left, "connections were cut off at the stop");
    }
    tracing::info!("stopped");
    Ok(())
}

fn watch_signals(
    stop: CancellationToken,
    stopping: Arc<AtomicBool>,
) -> Result<impl Future<Output = ()>, Failure> {
    let mut term = signal(SignalKind::terminate()).map_err(Failure::failed)?;
    let mut int = signal(SignalKind::interrupt()).map_err(Failure::failed)?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        tracing::info!("asked to stop");
        stopping.store(true, Ordering::Release);
        stop.cancel();
    })
}
