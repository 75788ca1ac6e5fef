//! Static files: styles, fonts, icons, scripts, pictures.
//!
//! Every file has two addresses: a fingerprinted one under `/assets/`
//! (`kabinet.3f9a0c21d4.css`), cached for ever, and, for the few whose address
//! is fixed by a standard or by habit, a plain one that browsers revalidate.
//! References between files (`/assets/NAME` inside CSS, manifest and the
//! service worker) are rewritten to the fingerprinted address at start.
//!
//! Text files are compressed once, at start, at the best level.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

/// Where fingerprinted files are served.
pub const PREFIX: &str = "/assets/";

/// Addresses outside [`PREFIX`] and the files behind them.
pub const PLAIN: [(&str, &str); 4] = [
    ("/manifest.webmanifest", "manifest.webmanifest"),
    ("/sw.js", "sw.js"),
    ("/favicon.ico", "icon-32.png"),
    ("/apple-touch-icon.png", "icon-180.png"),
];

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/static"]
struct Files;

/// One file, ready to be sent.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Its fingerprinted address.
    pub url: String,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The bytes as they are.
    pub bytes: Bytes,
    /// The same compressed by gzip; `None` where it would not help.
    pub gzip: Option<Bytes>,
}

struct Shelf {
    by_name: HashMap<String, Asset>,
    /// Fingerprinted file name to plain name.
    names: HashMap<String, String>,
}

static SHELF: LazyLock<Shelf> = LazyLock::new(Shelf::load);

impl Shelf {
    fn load() -> Self {
        let mut sources: Vec<(String, Vec<u8>)> = Files::iter()
            .filter_map(|name| Some((name.to_string(), Files::get(&name)?.data.into_owned())))
            .collect();
        // Files that refer to others come after them; the service worker,
        // which lists the shell, comes last.
        sources.sort_by_key(|(name, _)| {
            let rank = match name.rsplit_once('.').map(|(_, end)| end) {
                Some("css") => 1,
                Some("webmanifest") => 2,
                _ if name == "sw.js" => 3,
                _ => 0,
            };
            (rank, name.clone())
        });
        let mut urls: BTreeMap<String, String> = BTreeMap::new();
        let mut shelf = Self {
            by_name: HashMap::new(),
            names: HashMap::new(),
        };
        for (name, bytes) in sources {
            let bytes = match name.rsplit_once('.').map(|(_, end)| end) {
                Some("css" | "webmanifest") => rewrite(&bytes, &urls),
                _ if name == "sw.js" => rewrite(&bytes, &urls),
                _ => bytes,
            };
            let hashed = fingerprint(&name, &bytes);
            let url = format!("{PREFIX}{hashed}");
            urls.insert(name.clone(), url.clone());
            let (content_type, text) = kind(&name);
            shelf.names.insert(hashed, name.clone());
            shelf.by_name.insert(
                name,
                Asset {
                    url,
                    content_type,
                    gzip: if text { gzip(&bytes) } else { None },
                    bytes: bytes.into(),
                },
            );
        }
        shelf
    }
}

/// The fingerprinted address of a file of `static/`. A name that does not
/// exist gives the bare prefix, which answers 404; a test renders every
/// template and looks for it.
pub fn asset_url(name: &str) -> &'static str {
    SHELF
        .by_name
        .get(name)
        .map_or(PREFIX, |asset| asset.url.as_str())
}

/// The file behind a request path, and whether its address is fingerprinted.
pub fn find(path: &str) -> Option<(&'static Asset, bool)> {
    if let Some((_, name)) = PLAIN.iter().find(|(plain, _)| *plain == path) {
        return Some((SHELF.by_name.get(*name)?, false));
    }
    let name = SHELF.names.get(path.strip_prefix(PREFIX)?)?;
    Some((SHELF.by_name.get(name)?, true))
}

/// Answers a GET for a static file: the right variant, type and cache time;
/// 304 when the browser has it, 404 when there is none.
pub fn serve(path: &str, request: &HeaderMap) -> Response {
    let Some((asset, immutable)) = find(path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut headers = HeaderMap::new();
    let etag = format!("\"{}\"", asset.url.strip_prefix(PREFIX).unwrap_or_default());
    let fresh = request
        .get(IF_NONE_MATCH)
        .is_some_and(|given| given.as_bytes() == etag.as_bytes());
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(ETAG, etag);
    }
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static(if immutable {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        }),
    );
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if fresh {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    let takes_gzip = request
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(accepts_gzip);
    let body = match &asset.gzip {
        Some(gzip) if takes_gzip => {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            gzip.clone()
        }
        _ => asset.bytes.clone(),
    };
    (headers, body).into_response()
}

/// Every file by its plain name, for the preview of pages and for tests.
pub fn all() -> impl Iterator<Item = (&'static str, &'static Asset)> {
    SHELF
        .by_name
        .iter()
        .map(|(name, asset)| (name.as_str(), asset))
}

fn accepts_gzip(value: &str) -> bool {
    value.split(',').any(|part| {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        name.trim().eq_ignore_ascii_case("gzip")
            && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

/// Replaces `/assets/NAME` by the fingerprinted address, longest name first so
/// that a name that begins another cannot be taken for it.
fn rewrite(bytes: &[u8], urls: &BTreeMap<String, String>) -> Vec<u8> {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    let mut names: Vec<_> = urls.iter().collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    for (name, url) in names {
        text = text.replace(&format!("{PREFIX}{name}"), url);
    }
    text.into_bytes()
}

fn fingerprint(name: &str, bytes: &[u8]) -> String {
    let hash = hex::encode(Sha256::digest(bytes));
    let hash = hash.get(..10).unwrap_or(&hash);
    match name.rsplit_once('.') {
        Some((stem, end)) => format!("{stem}.{hash}.{end}"),
        None => format!("{name}.{hash}"),
    }
}

fn kind(name: &str) -> (&'static str, bool) {
    match name.rsplit_once('.').map(|(_, end)| end) {
        Some("css") => ("text/css; charset=utf-8", true),
        Some("js") => ("text/javascript; charset=utf-8", true),
        Some("svg") => ("image/svg+xml", true),
        Some("webmanifest") => ("application/manifest+json", true),
        Some("txt") => ("text/plain; charset=utf-8", true),
        Some("woff2") => ("font/woff2", false),
        Some("png") => ("image/png", false),
        _ => ("application/octet-stream", false),
    }
}

fn gzip(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    let packed = encoder.finish().ok()?;
    (packed.len() < bytes.len()).then(|| packed.into())
}
