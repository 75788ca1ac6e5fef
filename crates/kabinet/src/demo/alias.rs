//! A demo on this machine is reached under every name of this machine: `localhost`, `127.0.0.1`, `[::1]`. The
//! guard knows one; here the others are turned into it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::uri::Authority;
use http::{HeaderValue, Uri, header};

const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

#[derive(Clone)]
struct Alias {
    host: Authority,
    host_value: HeaderValue,
    origin: HeaderValue,
    names: Arc<[String]>,
}

/// Accepts every local name of `origin`, if it is itself one.
pub(super) fn accept(routes: Router, origin: &str) -> Router {
    let Some(alias) = Alias::of(origin) else {
        return routes;
    };
    routes.layer(from_fn_with_state(alias, rename))
}

impl Alias {
    fn of(origin: &str) -> Option<Self> {
        let host: Authority = origin.strip_prefix("http://")?.parse().ok()?;
        let port = host.port_u16().unwrap_or(80);
        if !NAMES.contains(&host.host()) {
            return None;
        }
        let names = NAMES.iter().map(|name| format!("{name}:{port}")).collect();
        Some(Self {
            host_value: host.as_str().parse().ok()?,
            origin: origin.parse().ok()?,
            host,
            names,
        })
    }

    fn is_ours(&self, host: &str) -> bool {
        self.names.iter().any(|name| name == host)
    }
}

async fn rename(State(alias): State<Alias>, mut request: Request, next: Next) -> Response {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    if request
        .headers()
        .get(header::HOST)
        .map(text)
        .is_some_and(|host| alias.is_ours(&host))
    {
        request
            .headers_mut()
            .insert(header::HOST, alias.host_value.clone());
    }
    if let Some(authority) = request.uri().authority()
        && alias.is_ours(authority.as_str())
    {
        let mut parts = request.uri().clone().into_parts();
        parts.authority = Some(alias.host.clone());
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    let origin = request
        .headers()
        .get(header::ORIGIN)
        .map(text)
        .unwrap_or_default();
    if origin
        .strip_prefix("http://")
        .is_some_and(|host| alias.is_ours(host))
    {
        request
            .headers_mut()
            .insert(header::ORIGIN, alias.origin.clone());
    }
    next.run(request).await
}
