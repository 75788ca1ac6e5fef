//! Links in messages lead to the configured origin and nowhere else (A34).

use serde::{Deserialize, Serialize};

use crate::tls::is_loopback;

/// Where customers find us: scheme, host and port, from the configuration
/// alone, never from a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    host: String,
}

impl Origin {
    /// `https://host` or `https://host:port`; `http` for this machine only.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let (scheme, rest) = text.split_once("://")?;
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, Some(port)),
            _ => (rest, None),
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        let good = text.len() <= 40
            && !host.is_empty()
            && host.chars().all(plain)
            && port.is_none_or(|port| port.parse::<u16>().is_ok())
            && (scheme == "https" || scheme == "http" && is_loopback(host));
        good.then(|| Self {
            text: text.to_owned(),
            host: host.to_owned(),
        })
    }

    /// The host alone, as the origin-bound line of a code wants it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// A link to a page of ours.
    pub fn link(&self, path: &LinkPath) -> String {
        format!("{}{}", self.text, path.0)
    }
}

/// A path on our own site, fit to stand in a message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LinkPath(String);

/// Not a path on our own site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a path on our own site")]
pub struct LinkError;

impl LinkPath {
    /// A path from its root: `/n/…`, at most 200 characters, ASCII without
    /// spaces and backslashes, not beginning with two slashes.
    pub fn new(path: &str) -> Result<Self, LinkError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~?=&%#".contains(c);
        let good = path.starts_with('/')
            && !path.starts_with("//")
            && path.len() <= 200
            && path.chars().all(plain);
        good.then(|| Self(path.to_owned())).ok_or(LinkError)
    }
}

/// A path may hold a token.
impl std::fmt::Debug for LinkPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkPath(…)")
    }
}

impl TryFrom<String> for LinkPath {
    type Error = LinkError;
    fn try_from(path: String) -> Result<Self, LinkError> {
        Self::new(&path)
    }
}

impl From<LinkPath> for String {
    fn from(path: LinkPath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A34: a link is the configured origin and a path of ours.
    #[test]
    fn a34_links_lead_home() {
        let origin = Origin::parse("https://kabinet.example/").unwrap();
        let path = LinkPath::new("/n/abc?x=1").unwrap();
        assert_eq!(origin.link(&path), "https://kabinet.example/n/abc?x=1");
        assert_eq!(
            Origin::parse("http://localhost:8080").unwrap().host(),
            "localhost"
        );
        for bad in [
            "",
            "kabinet.example",
            "http://kabinet.example",
            "https://",
            "https://a b",
            "https://user@kabinet.example",
            "https://kabinet.example/path",
            "https://КАБИНЕТ.рф",
            "https://kabinet.example:x",
            "https://kabinet.example:99999",
            "javascript://x",
            "https://a-host-name-that-is-far-too-long-for-an-sms.example",
        ] {
            assert!(Origin::parse(bad).is_none(), "{bad}");
        }
        for bad in [
            "",
            "n",
            "//evil.example",
            "/\\evil",
            "/a b",
            "/a\n",
            "https://evil.example",
            "/я",
        ] {
            assert!(LinkPath::new(bad).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<LinkPath>("\"//evil.example\"").is_err());
    }
}
