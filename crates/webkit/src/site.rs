//! What the edge of the house knows of itself: where it is reached, whom it trusts, its clock and keys.

use std::{net::IpAddr, sync::Arc};

use kernel::{Chance, Clock};
use vault::Vault;

/// Finds the person's place of an address, for lists of devices; `None` shows the masked network.
pub type Places = Arc<dyn Fn(IpAddr) -> Option<String> + Send + Sync>;

/// One installation, seen from outside.
#[derive(Clone)]
pub struct Site {
    /// `https://host[:port]`, from the configuration; links and checks use it, never a request's Host (A34).
    pub origin: String,
    /// Whom to believe about `X-Forwarded-For`.
    pub server: Arc<config::Server>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub chance: Arc<dyn Chance>,
    /// Keys, for CSRF tokens and kept answers.
    pub vault: Vault,
    /// Places of addresses.
    pub places: Places,
    /// The demo's phone may be shown beside the cabinet: only then may a page be framed, by this origin.
    pub is_demo: bool,
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl Site {
    /// Whether browsers reach it encrypted. Only a loopback demo is not.
    pub fn is_secure(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// The host and port browsers must name.
    pub fn host(&self) -> &str {
        self.origin
            .split_once("://")
            .map_or(&*self.origin, |(_, host)| host)
    }

    /// The name of a cookie: with the `__Host-` promise where the site is encrypted.
    pub fn cookie(&self, name: &str) -> String {
        if self.is_secure() {
            format!("__Host-{name}")
        } else {
            format!("kabinet-{name}")
        }
    }

    /// A `Set-Cookie` value. `life` in seconds; `None` ends with the browser.
    pub fn set_cookie(&self, name: &str, value: &str, life: Option<i64>) -> String {
        let name = self.cookie(name);
        let life = life
            .map(|life| format!("; Max-Age={life}"))
            .unwrap_or_default();
        let secure = if self.is_secure() { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{life}")
    }
}
