//! Requests of programs: keys, headers and bodies, read with limits. Whatever comes, the answer is a problem
//! and never a fault of ours (A12, A107).

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    response::Response,
};
use http::{HeaderMap, header, request::Parts};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use vault::Token;
use webkit::once::{Once, OnceKey};

use super::problems::{Code, Refused, field};
use crate::state::{Caller, State};

/// Longest body, bytes.
const BODY_MAX: usize = 64 * 1024;
/// Longest body that carries a code, bytes (A12).
const CODE_BODY_MAX: usize = 4 * 1024;
/// Longest name of a field that a problem repeats, bytes.
const FIELD_MAX: usize = 64;

/// Header that names a command (EV-3).
pub const KEY: &str = "idempotency-key";
/// Header of one sitting: it plays the part of the browser's cookie, and codes are bound to it (A16).
pub const FLOW: &str = "kabinet-flow";
/// Header of the device itself, kept after the first sign-in.
pub const BROWSER: &str = "kabinet-browser";

/// The answer of a handler.
pub type Answer<T> = Result<T, Refused>;

/// The only value of a header; `Err` when it stands there several times or is no text.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, ()> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        _ => Err(()),
    }
}

/// A key the caller chose, with the request it stands for.
#[derive(Debug, Clone)]
pub struct Key {
    /// The key as it was sent.
    pub text: String,
    request: [u8; 32],
}

impl Key {
    fn text(headers: &HeaderMap) -> Answer<Option<String>> {
        let invalid = || Refused::from(Code::KeyInvalid);
        let Some(text) = single(headers, KEY).map_err(|()| invalid())? else {
            return Ok(None);
        };
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > db::idempotency::KEY_MAX || !visible {
            return Err(invalid());
        }
        Ok(Some(text.to_owned()))
    }

    fn new(state: &State, parts: &Parts, text: String, body: &[u8]) -> Self {
        // Keyed, for a body may hold a code, which a plain hash would give away (A18).
        let body = hex::encode(vault::token_hash(body));
        let said = format!("{} {} {body}", parts.method, parts.uri.path());
        let request = state.site.vault.code_mac(b"api.request", &said);
        Self { text, request }
    }

    fn needed(state: &State, parts: &Parts, body: &[u8]) -> Answer<Self> {
        let text = Self::text(&parts.headers)?.ok_or(Code::KeyMissing)?;
        Ok(Self::new(state, parts, text, body))
    }

    /// A key for a command that takes none: what removes something may be repeated as it is.
    pub fn fresh(state: &State) -> Self {
        let bytes: [u8; 16] = state.env.chance.bytes();
        Self {
            text: hex::encode(bytes),
            request: vault::token_hash(&bytes),
        }
    }

    /// The key of a command within a scope: an account's id, or the hash of a flow's or a link's token.
    pub fn once(&self, scope: &[u8]) -> OnceKey {
        OnceKey {
            scope: scope.to_vec(),
            key: self.text.clone(),
            request: self.request,
        }
    }
}

/// The answer of a command, or that its key was used for another request.
pub fn done<T>(once: Once<T>) -> Answer<T> {
    match once {
        Once::Done(answer) => Ok(answer),
        Once::Mismatch => Err(Code::KeyReused.into()),
    }
}

/// A command without a body.
#[derive(Debug)]
pub struct Bare(pub Key);

impl FromRequestParts<State> for Bare {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Answer<Self> {
        Ok(Self(Key::needed(state, parts, b"")?))
    }
}

/// A command that may come without a key, because repeating it changes nothing (RFC 8058).
#[derive(Debug)]
pub struct Repeatable(pub Key);

impl FromRequestParts<State> for Repeatable {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Answer<Self> {
        let fresh = || hex::encode(state.site.chance.bytes::<16>());
        let text = Key::text(&parts.headers)?.unwrap_or_else(fresh);
        Ok(Self(Key::new(state, parts, text, b"")))
    }
}

/// A command with a JSON body of at most `MOST` bytes.
#[derive(Debug)]
pub struct Command<T, const MOST: usize = BODY_MAX> {
    /// What was asked for.
    pub body: T,
    /// Under which key.
    pub key: Key,
}

/// A command with a code in it.
pub type CodeCommand<T> = Command<T, CODE_BODY_MAX>;

impl<T: DeserializeOwned, const MOST: usize> FromRequest<State> for Command<T, MOST> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &State) -> Answer<Self> {
        let (parts, body) = request.into_parts();
        let text = Key::text(&parts.headers)?.ok_or(Code::KeyMissing)?;
        if !is_json(&parts.headers) {
            return Err(Code::MediaType.into());
        }
        let bytes = read(body, MOST).await?;
        let key = Key::new(state, &parts, text, &bytes);
        Ok(Self {
            body: json(&bytes)?,
            key,
        })
    }
}

/// A whole body of at most `most` bytes.
pub async fn read(body: axum::body::Body, most: usize) -> Answer<Bytes> {
    let known = axum::body::HttpBody::size_hint(&body).lower();
    if usize::try_from(known).is_ok_and(|known| known > most) {
        return Err(Code::TooLarge.into());
    }
    axum::body::to_bytes(body, most).await.map_err(|error| {
        let inner = error.into_inner();
        let is_long = inner.is::<http_body_util::LengthLimitError>();
        if is_long {
            Code::TooLarge
        } else {
            Code::BadRequest
        }
        .into()
    })
}

/// The media type of a request, in lower case and without parameters.
pub fn media_type(headers: &HeaderMap) -> Option<(String, Option<String>)> {
    let value = single(headers, header::CONTENT_TYPE.as_str()).ok()??;
    let mut parts = value.split(';');
    let kind = parts.next()?.trim().to_ascii_lowercase();
    let charset = parts
        .filter_map(|part| part.trim().split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim_matches('"').to_ascii_lowercase());
    Some((kind, charset))
}

/// JSON is UTF-8 (RFC 8259 §8.1).
fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|(kind, charset)| {
        kind == "application/json" && charset.is_none_or(|charset| charset == "utf-8")
    })
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Answer<T> {
    // A list would be taken for a struct whose fields stand in order; here only an object is one (A12).
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'{') {
        let is_json = serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
        return Err(if is_json {
            field(".", "wrong_type")
        } else {
            Code::JsonInvalid.into()
        });
    }
    let mut from = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut from).map_err(|error| wrong(&error))?;
    from.end().map_err(|_| Code::JsonInvalid)?;
    Ok(value)
}

/// The field and the code of a JSON error. The texts of serde are stable in how they begin; nothing of them
/// but a field's name goes out.
fn wrong(error: &serde_path_to_error::Error<serde_json::Error>) -> Refused {
    let inner = error.inner();
    if inner.classify() != Category::Data {
        return Code::JsonInvalid.into();
    }
    let text = inner.to_string();
    let path = error.path().to_string();
    let named = text.split('`').nth(1).unwrap_or_default();
    let (code, name) = if text.starts_with("missing field") {
        ("missing", below(&path, named))
    } else if text.starts_with("unknown field") {
        ("unknown_field", path)
    } else if text.starts_with("duplicate field") {
        ("duplicate_field", below(&path, named))
    } else if text.starts_with("invalid type") {
        ("wrong_type", path)
    } else if text.starts_with("unknown variant") {
        ("not_among", path)
    } else {
        ("invalid", path)
    };
    let end = name.floor_char_boundary(FIELD_MAX);
    field(name.get(..end).unwrap_or_default(), code)
}

fn below(path: &str, name: &str) -> String {
    if path == "." || path.rsplit('.').next() == Some(name) {
        return if path == "." {
            name.to_owned()
        } else {
            path.to_owned()
        };
    }
    format!("{path}.{name}")
}

fn token(headers: &HeaderMap, name: &str) -> Answer<Option<Token>> {
    let invalid = || Refused::from(Code::HeaderInvalid).at(name, "invalid");
    let text = single(headers, name).map_err(|()| invalid())?;
    text.map(|text| Token::from_text(text).map_err(|_| invalid()))
        .transpose()
}

/// One sitting, by the header [`FLOW`].
#[derive(Debug)]
pub struct Flow(pub Token);

impl FromRequestParts<State> for Flow {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Answer<Self> {
        let token = token(&parts.headers, FLOW)?;
        Ok(Self(token.ok_or(Code::FlowMissing)?))
    }
}

/// The same where it may be missing, because it begins here.
#[derive(Debug)]
pub struct MaybeFlow(pub Option<Token>);

impl FromRequestParts<State> for MaybeFlow {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Answer<Self> {
        token(&parts.headers, FLOW).map(Self)
    }
}

/// The device, hashed, by the header [`BROWSER`].
#[derive(Debug)]
pub struct Known(pub Option<[u8; 32]>);

impl FromRequestParts<State> for Known {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Answer<Self> {
        let token = token(&parts.headers, BROWSER)?;
        Ok(Self(token.map(|token| token.hash())))
    }
}

/// Somebody signed in, where that is no condition: an old token is no obstacle to an alarm.
#[derive(Debug)]
pub struct MaybeCaller(pub Option<Caller>);

impl FromRequestParts<State> for MaybeCaller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Response> {
        if !parts.headers.contains_key(header::AUTHORIZATION) {
            return Ok(Self(None));
        }
        match Caller::from_request_parts(parts, state).await {
            Ok(caller) => Ok(Self(Some(caller))),
            Err(response) if response.status().is_server_error() => Err(response),
            Err(_) => Ok(Self(None)),
        }
    }
}

/// `before` and `limit` of a list (A108): at most 100 a page, and never by counting from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Only what is older than this.
    pub before: Option<i64>,
    /// So many.
    pub limit: u8,
}

const PAGE: u8 = 50;
const PAGE_MAX: u8 = 100;

impl FromRequestParts<State> for Page {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Answer<Self> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

impl Page {
    fn parse(query: &str) -> Answer<Self> {
        let mut page = Self {
            before: None,
            limit: PAGE,
        };
        let mut seen = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if seen.contains(&name) {
                return Err(field(name_of(name), "duplicate_field"));
            }
            seen.push(name);
            let number = value
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| value.parse::<i64>().ok())
                .flatten();
            match (name, number) {
                ("before", Some(before)) if before > 0 => page.before = Some(before),
                ("limit", Some(limit)) if (1..=i64::from(PAGE_MAX)).contains(&limit) => {
                    page.limit = u8::try_from(limit).unwrap_or(PAGE_MAX);
                }
                ("before" | "limit", _) => return Err(field(name, "out_of_range")),
                _ => return Err(field(name_of(name), "unknown_field")),
            }
        }
        Ok(page)
    }
}

fn name_of(name: &str) -> &str {
    name.get(..name.floor_char_boundary(FIELD_MAX))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use webkit::problem::Problem;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        name: String,
        #[serde(default)]
        list: Vec<u8>,
    }

    fn said(bytes: &[u8]) -> (u16, String, Vec<(String, String)>) {
        let problem: Problem = json::<Body>(bytes)
            .map(|body| (body.name, body.list))
            .unwrap_err()
            .into();
        let errors = problem
            .errors
            .into_iter()
            .map(|e| (e.field, e.code))
            .collect();
        (problem.status, problem.code, errors)
    }

    /// A12, A107: what is no request is named, never half read.
    #[test]
    fn bodies_that_are_refused() {
        let one = |field: &str, code: &str| vec![(field.to_owned(), code.to_owned())];
        for (body, field, code) in [
            (&br#"{"name":1}"#[..], "name", "wrong_type"),
            (br#"{}"#, "name", "missing"),
            (br#"{"name":"a","nmae":1}"#, "nmae", "unknown_field"),
            (br#"{"name":"a","name":"b"}"#, "name", "duplicate_field"),
            (br#"{"name":"a","list":[1,"x"]}"#, "list[1]", "wrong_type"),
            (br#"{"name":"a","list":[1,300]}"#, "list[1]", "invalid"),
            (br#"["a"]"#, ".", "wrong_type"),
            (b"null", ".", "wrong_type"),
            (b"1", ".", "wrong_type"),
        ] {
            let text = String::from_utf8_lossy(body);
            assert_eq!(
                said(body),
                (422, "invalid".into(), one(field, code)),
                "{text}"
            );
        }
        let deep = [b"{\"name\":".as_slice(), &b"[".repeat(60_000)].concat();
        let unknown = [br#"{"x":"#.as_slice(), &b"[".repeat(60_000)].concat();
        for body in [
            &b""[..],
            b"{",
            b"\xff",
            b"{\"name\":\"\xff\"}",
            b"{\"name\":\"a\0\"}",
            b"{}{}",
            b"NaN",
        ] {
            let (status, code, _) = said(body);
            assert!(
                status == 400 || (body == b"{}{}" && status == 422),
                "{status} {code} {body:?}"
            );
        }
        assert_eq!(said(&deep).0, 422);
        assert_eq!(said(&unknown).0, 422);
        let long = format!("{{\"{}\":1}}", "я".repeat(20_000));
        let (_, _, errors) = said(long.as_bytes());
        assert!(errors[0].0.len() <= FIELD_MAX);
    }

    /// A108: pages are small and named by a key.
    #[test]
    fn pages_are_small() {
        let page = |before, limit| Page { before, limit };
        assert_eq!(Page::parse("").unwrap(), page(None, 50));
        assert_eq!(
            Page::parse("limit=100&before=7").unwrap(),
            page(Some(7), 100)
        );
        for query in [
            "limit=101",
            "limit=0",
            "limit=1000000000",
            "limit=-1",
            "limit=",
            "limit=1e3",
            "limit=%31",
            "before=0",
            "before=x",
            "before=99999999999999999999",
            "offset=1",
            "limit=1&limit=2",
            "limit=+5",
        ] {
            assert!(Page::parse(query).is_err(), "{query}");
        }
    }

    #[test]
    fn keys_are_visible_ascii() {
        let of = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(KEY, http::HeaderValue::from_bytes(value).unwrap());
            Key::text(&headers).map(|key| key.unwrap_or_default()).ok()
        };
        assert_eq!(of(b"a-1").as_deref(), Some("a-1"));
        assert_eq!(of(&[b'x'; 128]).map(|key| key.len()), Some(128));
        for value in [
            &b""[..],
            b"a b",
            b"\xff",
            &[b'x'; 129],
            "ключ".as_bytes(),
            b"a\tb",
        ] {
            assert_eq!(of(value), None);
        }
    }

    #[test]
    fn json_is_utf_8() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            is_json(&headers)
        };
        for value in [
            "application/json",
            "Application/JSON; Charset=\"UTF-8\"",
            "application/json;charset=utf-8",
        ] {
            assert!(of(value), "{value}");
        }
        for value in [
            "text/plain",
            "application/json; charset=windows-1251",
            "application/jsonx",
            "",
        ] {
            assert!(!of(value), "{value}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
