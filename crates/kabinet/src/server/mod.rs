//! Connections: accepted, bounded, served, drained.
//!
//! TLS is spoken by the proxy in front; here HTTP/1.1 and HTTP/2 with prior knowledge arrive on one port. What
//! a stranger can hold open is bounded everywhere: connections of one address, time for the first bytes, for
//! headers, for a reader that does not read, streams, resets, header bytes (A105, A106, A107).

mod addresses;
mod guarded;
mod resets;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use addresses::Addresses;
use guarded::Guarded;
use resets::Budget;

/// Most bytes of one request's headers, its first line included.
const HEADER_BYTES_MAX: usize = 32 * 1024;
/// Most headers of one request.
const HEADERS_MAX: usize = 100;
/// Most streams of one HTTP/2 connection at a time (A106).
const STREAMS_MAX: u32 = 100;
/// Streams reset by the peer and not yet seen by us; one more ends the connection (A106).
const RESETS_PENDING_MAX: usize = 32;
/// Streams we had to reset because of what the peer sent; one more ends the connection (A106).
const RESETS_OWN_MAX: usize = 64;
/// Requests of one connection that the peer took back while they were being answered; one more ends the
/// connection. The library's two bounds above see only streams that nobody has begun to serve (A106).
const TAKEN_BACK_MAX: u32 = 100;
/// How often a silent HTTP/2 connection is asked whether it lives, and how long the answer may take.
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(10);
/// What one HTTP/2 connection may send before it is read.
const WINDOW_STREAM: u32 = 64 * 1024;
const WINDOW_CONNECTION: u32 = 256 * 1024;
/// Pause after the system could not give a connection (EMFILE and the like).
const AFTER_ACCEPT_ERROR: Duration = Duration::from_millis(100);

/// Bounds of one listener.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// From the first byte of a request, or from the connection, to the end of its headers.
    pub header_timeout: Duration,
    /// A peer that takes nothing of an answer for so long is left.
    pub write_timeout: Duration,
    /// Connections of one address; of one /64 for IPv6.
    pub per_address: u32,
    /// Connections of everybody.
    pub in_all: usize,
    /// Addresses that `per_address` does not hold for: our own proxies.
    pub exempt: Vec<config::Cidr>,
    /// How long answers under way are waited for at the stop.
    pub drain: Duration,
    /// Lines of the safety headers, for what is answered without any route (A32).
    pub safety: Arc<str>,
}

/// Serves `router` on `listener` until `stop`, then lets what is under way end. Gives how many connections
/// were still open when the time for that was over.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    stop: CancellationToken,
) -> usize {
    let connections = TaskTracker::new();
    let end = CancellationToken::new();
    let addresses = Addresses::new(bounds.per_address, bounds.exempt.clone());
    let builder = Arc::new(builder(&bounds));
    loop {
        let Some(accepted) = stop.run_until_cancelled(listener.accept()).await else {
            break;
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                pause_after(&error, &stop).await;
                continue;
            }
        };
        if connections.len() >= bounds.in_all {
            refuse(&stream, &bounds.safety, "in_all");
            continue;
        }
        let Some(place) = addresses.enter(peer.ip()) else {
            refuse(&stream, &bounds.safety, "per_address");
            continue;
        };
        // An answer is one small write most of the time: it should not wait for more.
        let _ = stream.set_nodelay(true);
        metrics::gauge!("kabinet_http_connections").set(f64::from(
            u32::try_from(connections.len()).unwrap_or(u32::MAX),
        ));
        let connection = Connection {
            builder: Arc::clone(&builder),
            router: router.clone(),
            peer,
            stop: stop.clone(),
            end: end.clone(),
        };
        let stream = Guarded::new(
            stream,
            bounds.header_timeout,
            bounds.write_timeout,
            Arc::clone(&bounds.safety),
        );
        connections.spawn(async move {
            connection.run(stream).await;
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    let drained = tokio::time::timeout(bounds.drain, connections.wait()).await;
    let left = if drained.is_ok() {
        0
    } else {
        connections.len()
    };
    end.cancel();
    left
}

fn builder(bounds: &Bounds) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.header_timeout)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX);
    let header_bytes = u32::try_from(HEADER_BYTES_MAX).unwrap_or(u32::MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(RESETS_PENDING_MAX)
        .max_local_error_reset_streams(RESETS_OWN_MAX)
        .max_header_list_size(header_bytes)
        .initial_stream_window_size(WINDOW_STREAM)
        .initial_connection_window_size(WINDOW_CONNECTION)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG);
    builder
}

/// One accepted connection.
struct Connection {
    builder: Arc<auto::Builder<TokioExecutor>>,
    router: Router,
    peer: SocketAddr,
    stop: CancellationToken,
    end: CancellationToken,
}

impl Connection {
    async fn run(self, stream: Guarded) {
        let Self {
            builder,
            router,
            peer,
            stop,
            end,
        } = self;
        let budget = Budget::new(TAKEN_BACK_MAX);
        let spent = budget.spent();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(|body| Body::new(budget.body(body)));
            request.extensions_mut().insert(ConnectInfo(peer));
            budget.watch(router.clone().call(request))
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = spent.cancelled() => {
                metrics::counter!("kabinet_http_connections_refused_total", "why" => "resets")
                    .increment(1);
                return;
            }
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                match end.run_until_cancelled(connection).await {
                    Some(ended) => ended,
                    None => return,
                }
            }
        };
        // Peers that vanish or speak nonsense are daily bread.
        if let Err(error) = ended {
            metrics::counter!("kabinet_http_connection_errors_total").increment(1);
            tracing::debug!(kind = kind_of(&*error), "a connection ended badly");
        }
    }
}

/// What went wrong with a connection, without what the peer sent.
fn kind_of(error: &(dyn std::error::Error + Send + Sync + 'static)) -> &'static str {
    match error.downcast_ref::<hyper::Error>() {
        Some(error) if error.is_timeout() => "timeout",
        Some(error) if error.is_parse() => "not_http",
        Some(error) if error.is_incomplete_message() => "cut_off",
        _ => "other",
    }
}

fn refuse(stream: &TcpStream, safety: &str, why: &'static str) {
    metrics::counter!("kabinet_http_connections_refused_total", "why" => why).increment(1);
    // One small write into an empty buffer; whoever does not read it gets nothing else.
    let answer = format!(
        "HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\nretry-after: 10\r\ncontent-length: 0\r\n{safety}\r\n"
    );
    let _ = stream.try_write(answer.as_bytes());
}

/// The accept loop survives everything (F20): a connection that died while it waited is nothing, a system that
/// has no more descriptors or memory gets a moment.
async fn pause_after(error: &io::Error, stop: &CancellationToken) {
    use io::ErrorKind as Kind;
    if matches!(
        error.kind(),
        Kind::ConnectionAborted
            | Kind::ConnectionReset
            | Kind::ConnectionRefused
            | Kind::Interrupted
    ) {
        return;
    }
    metrics::counter!("kabinet_http_accept_errors_total").increment(1);
    tracing::warn!(why = %error.kind(), code = error.raw_os_error(), "no connection could be accepted");
    let _ = stop
        .run_until_cancelled(tokio::time::sleep(AFTER_ACCEPT_ERROR))
        .await;
}

/// How many connections the process may have, with descriptors left for files and the database. Raises the
/// soft limit of descriptors to the hard one first.
pub(crate) fn connections_max() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const KEPT_FOR_OTHERS: u64 = 256;
    const MOST: u64 = 1_000_000;
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let now = if setrlimit(Resource::Nofile, raised).is_ok() {
        limit.maximum
    } else {
        limit.current
    };
    let descriptors = now.unwrap_or(MOST).min(MOST);
    usize::try_from(descriptors.saturating_sub(KEPT_FOR_OTHERS).max(64)).unwrap_or(usize::MAX)
}
