//! One request of a browser or a program: who asks, in which language, with which cookies. Made once, at the
//! edge, together with the checks that hold for every request.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, Method, StatusCode, header, request::Parts};
use kernel::{Locale, Timestamp, Visitor};
use vault::Token;

use crate::{
    Site,
    page::{Shell, Theme, errors::ErrorKind},
    respond::{PageError, error_page},
};

/// Cookie of one sitting: codes and forms are bound to it. New at sign-in.
pub const VISIT: &str = "visit";
/// Cookie of the browser itself, kept for a year after the first sign-in.
pub const BROWSER: &str = "browser";
/// Cookie of the session.
pub const SESSION: &str = "session";
/// Cookie of the chosen language.
pub const LOCALE: &str = "locale";
/// Cookie of the chosen colours.
pub const THEME: &str = "theme";

/// A year, in seconds.
pub const YEAR: i64 = 365 * 24 * 3_600;
const AGENT_MAX: usize = 512;

/// One request, as the edge saw it.
#[derive(Clone)]
pub struct Visit {
    /// Who asks.
    pub visitor: Visitor,
    /// Colours.
    pub theme: Theme,
    /// Path and query, for switches of language and theme.
    pub path: String,
    /// Names the request in logs and on error pages.
    pub request_id: String,
    /// The present moment.
    pub now: Timestamp,
    token: Token,
    cookies: Arc<Vec<(String, String)>>,
    site: Arc<Site>,
}

impl std::fmt::Debug for Visit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visit")
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

impl Visit {
    /// What codes of this sitting are bound to (A16).
    pub fn browser_key(&self) -> [u8; 32] {
        self.token.hash()
    }

    /// The long-lived token of the browser, hashed.
    pub fn known(&self) -> Option<[u8; 32]> {
        self.cookie(BROWSER)
            .and_then(|text| Token::from_text(text).ok())
            .map(|token| token.hash())
    }

    /// A cookie of ours.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let name = self.site.cookie(name);
        self.cookies
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value.as_str())
    }

    /// The token every form carries; a keyed hash of the sitting's token (A30).
    pub fn csrf(&self) -> String {
        URL_SAFE_NO_PAD.encode(
            self.site
                .vault
                .code_mac(b"webkit.csrf", self.token.expose().as_str()),
        )
    }

    /// Whether a form carries the right token.
    pub fn is_ours(&self, csrf: &str) -> bool {
        vault::same(self.csrf().as_bytes(), csrf.as_bytes())
    }

    /// The shell of a page that answers this request.
    pub fn shell(&self) -> Shell {
        let mut shell = Shell::new(self.visitor.locale, self.now, self.path.clone());
        shell.theme = self.theme;
        shell.csrf = self.csrf();
        shell.idempotency_key = URL_SAFE_NO_PAD.encode(self.site.chance.bytes::<16>());
        shell
    }

    /// The same visit in another language (that of the account).
    #[must_use]
    pub fn in_locale(mut self, locale: Locale) -> Self {
        if self.cookie(LOCALE).is_none() {
            self.visitor.locale = locale;
        }
        self
    }

    /// The installation.
    pub fn site(&self) -> &Arc<Site> {
        &self.site
    }

    fn read(site: &Arc<Site>, peer: IpAddr, parts: &Parts) -> (Self, bool) {
        let headers = &parts.headers;
        let cookies = Arc::new(cookies(headers));
        let name = |name| {
            let name = site.cookie(name);
            cookies
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| value.as_str())
        };
        let held = name(VISIT).and_then(|text| Token::from_text(text).ok());
        let is_new = held.is_none();
        let token = held.unwrap_or_else(|| Token::new(&*site.chance));
        let locale = name(LOCALE).and_then(|tag| tag.parse().ok());
        let accepted = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|v| v.to_str().ok());
        let locale =
            locale.unwrap_or_else(|| Locale::from_accept_language(accepted.unwrap_or_default()));
        let theme = Theme::from_tag(name(THEME).unwrap_or_default());
        let forwarded = headers.get_all("x-forwarded-for").iter();
        let forwarded: Vec<&str> = forwarded.filter_map(|v| v.to_str().ok()).collect();
        let network = site.server.client_address(peer, forwarded.into_iter());
        let agent = headers
            .get(header::USER_AGENT)
            .and_then(|v| v.to_str().ok());
        let agent = agent.unwrap_or_default();
        let end = agent.floor_char_boundary(AGENT_MAX);
        let agent = agent.get(..end).unwrap_or_default().to_owned();
        let path = parts
            .uri
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned();
        let visit = Self {
            visitor: Visitor {
                network,
                agent,
                locale,
            },
            theme,
            path,
            request_id: hex::encode(site.chance.bytes::<6>()),
            now: site.clock.now(),
            token,
            cookies,
            site: Arc::clone(site),
        };
        (visit, is_new)
    }
}

fn cookies(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let visit = parts.extensions.get::<Self>().cloned();
        visit.ok_or_else(|| PageError::internal("a route outside of the guard"))
    }
}

/// The peer of a connection, put into a request's extensions by the server.
pub type Peer = ConnectInfo<std::net::SocketAddr>;

/// The guard of every request, pages and API: the host must be ours (A34), a request with an effect must come
/// from our own pages or from no page at all (A30), and every answer carries the same safety headers (A32).
pub async fn guard(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let peer = parts
        .extensions
        .get::<Peer>()
        .map(|ConnectInfo(peer)| peer.ip());
    let peer = peer.unwrap_or(IpAddr::from([127, 0, 0, 1]));
    let (visit, is_new) = Visit::read(&site, peer, &parts);
    let api = parts.uri.path().starts_with("/api/");
    let refused = refuse(&site, &parts);
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(visit.clone());
    let mut response = match refused {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    };
    response = error_page(&visit, api, response).await;
    let html = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    if html && is_new && !ends_visit(&response, &site) {
        let cookie = site.set_cookie(VISIT, visit.token.expose().as_str(), None);
        if let Ok(cookie) = cookie.parse() {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    safety_headers(&site, &mut response);
    response
}

/// Whether the answer itself sets the sitting's cookie.
fn ends_visit(response: &Response, site: &Site) -> bool {
    let name = site.cookie(VISIT);
    let cookies = response.headers().get_all(header::SET_COOKIE);
    cookies
        .iter()
        .any(|value| value.as_bytes().starts_with(name.as_bytes()))
}

fn refuse(site: &Site, parts: &Parts) -> Option<PageError> {
    let text = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let host = parts
        .uri
        .authority()
        .map(http::uri::Authority::as_str)
        .or_else(|| text("host"));
    if host != Some(site.host()) {
        return Some(PageError::status(
            StatusCode::MISDIRECTED_REQUEST,
            ErrorKind::BadRequest,
        ));
    }
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&parts.method);
    if safe {
        return None;
    }
    let foreign_site = text("sec-fetch-site").is_some_and(|s| s != "same-origin" && s != "none");
    let foreign_origin = text("origin").is_some_and(|origin| origin != site.origin);
    (foreign_site || foreign_origin).then(|| PageError::kind(ErrorKind::Forbidden))
}

/// The safety headers of every answer (A32).
fn headers_of(site: &Site) -> Vec<(&'static str, String)> {
    let frames = if site.is_demo { "'self'" } else { "'none'" };
    let policy = format!(
        "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; \
         frame-ancestors {frames}; require-trusted-types-for 'script'; trusted-types kabinet"
    );
    let fixed = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), microphone=(), geolocation=(), browsing-topics=(), publickey-credentials-create=(self), \
             publickey-credentials-get=(self)",
        ),
        (
            "x-frame-options",
            if site.is_demo { "SAMEORIGIN" } else { "DENY" },
        ),
        ("cache-control", "no-store"),
    ];
    let mut headers = vec![("content-security-policy", policy)];
    headers.extend(fixed.map(|(name, value)| (name, value.to_owned())));
    if site.is_secure() {
        let years = "max-age=63072000; includeSubDomains".to_owned();
        headers.push(("strict-transport-security", years));
    }
    headers
}

/// The same as the lines of a head, for answers that no route gives: of the server itself, before a request was
/// understood or a connection taken.
pub fn safety_lines(site: &Site) -> String {
    let mut lines = String::new();
    for (name, value) in headers_of(site) {
        lines.extend([name, ": ", &value, "\r\n"]);
    }
    lines
}

fn safety_headers(site: &Site, response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in headers_of(site) {
        if let Ok(value) = http::HeaderValue::from_str(&value) {
            headers.entry(name).or_insert(value);
        }
    }
}
