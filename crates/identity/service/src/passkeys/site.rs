//! Which site passkeys are made for: the host and the origin of the configuration, never of a request.

use sha2::{Digest, Sha256};
use url::{Host, Url};

use crate::env::Env;

/// The relying party, as the standard calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The host: passkeys made for it work on it and its subdomains.
    pub id: String,
    /// The one origin answers are taken from.
    pub origin: String,
    pub(super) hash: [u8; 32],
    pub(super) url: Url,
}

impl Site {
    /// The site of an installation. `None` where no browser would make a passkey: at a bare address, or
    /// without TLS anywhere but on this machine.
    pub fn of(env: &Env) -> Option<Self> {
        let url = Url::parse(&env.origin).ok()?;
        let Some(Host::Domain(id)) = url.host() else {
            return None;
        };
        let is_here = id == "localhost" || id.ends_with(".localhost");
        if url.scheme() != "https" && !(is_here && url.scheme() == "http") {
            return None;
        }
        let id = id.to_owned();
        Some(Self {
            hash: Sha256::digest(id.as_bytes()).into(),
            origin: url.origin().ascii_serialization(),
            id,
            url,
        })
    }
}
