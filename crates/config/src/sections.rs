//! The sections about the installation itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{Cidr, Settings, span};

/// `[server]`: where it listens and how long it waits for a client.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Where the cabinet and the API listen.
    pub listen: SocketAddr,
    /// Where health and metrics listen; keep it off the internet.
    pub operations_listen: SocketAddr,
    /// What people have in the address bar: scheme, host and port, no path.
    /// Links in letters are made from it and never from a request (A34).
    pub public_origin: String,
    /// Proxies of our own, whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Cidr>,
    /// Open connections from one address (IPv6: one /64) at a time.
    pub max_connections_per_ip: u32,
    /// How long a client may take to send the head of a request.
    #[serde(with = "span")]
    pub header_timeout: Duration,
    /// How long a client may take to send the body of a request.
    #[serde(with = "span")]
    pub body_timeout: Duration,
    /// How long a stop waits for requests under way.
    #[serde(with = "span")]
    pub graceful_timeout: Duration,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            operations_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)),
            public_origin: "http://localhost:8080".to_owned(),
            trusted_proxies: vec![],
            max_connections_per_ip: 100,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            graceful_timeout: Duration::from_secs(10),
        }
    }
}

impl Server {
    /// The address of the person behind a connection.
    ///
    /// `peer` is the other end of the connection, `forwarded` the values of all
    /// `X-Forwarded-For` headers in order. From the right, addresses of our own
    /// proxies are skipped; the first that is not one of them is the person.
    /// What stands left of it anybody could have written. An unreadable entry
    /// ends the walk at the last proxy that is known.
    pub fn client_address<'a>(
        &self,
        peer: IpAddr,
        forwarded: impl DoubleEndedIterator<Item = &'a str>,
    ) -> IpAddr {
        let ours = |address: IpAddr| self.trusted_proxies.iter().any(|net| net.contains(address));
        let mut seen = kernel::network::canonical(peer);
        for entry in forwarded.rev().flat_map(|header| header.rsplit(',')) {
            if !ours(seen) {
                break;
            }
            match entry.trim().parse::<IpAddr>() {
                Ok(address) => seen = kernel::network::canonical(address),
                Err(_) => break,
            }
        }
        seen
    }
}

/// `[database]`: which database.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `sqlite:<path>` or `postgresql://user:password@host:port/name`. When
    /// not set: `SQLite` in the data folder.
    pub url: Option<SecretString>,
    /// Readers of `SQLite` at work at a time.
    pub readers: u32,
    /// Connections to `PostgreSQL` at a time.
    pub connections: u32,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: None,
            readers: 4,
            connections: 32,
        }
    }
}

/// Which engine, and where.
#[derive(Clone, Debug)]
pub enum DatabaseTarget {
    /// A file of `SQLite`.
    Sqlite(PathBuf),
    /// The URL of a `PostgreSQL` server, which holds a password.
    Postgres(SecretString),
}

/// `[data]`: the folder for everything that is not in the database.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// The folder; made if it is not there.
    pub dir: PathBuf,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("data"),
        }
    }
}

/// `[keys]`: the keys that encrypt personal data.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// The file of the master key. When not set: `keys/master.key` in the data
    /// folder. Without it nothing personal can be read again. The file holds
    /// earlier master keys too, until they are retired.
    pub master: Option<PathBuf>,
}

/// `[brand]`: the name that messages and letters bear, at most 16 visible
/// characters so that an SMS stays in two parts.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Brand {
    /// In Russian texts.
    pub ru: String,
    /// In English texts.
    pub en: String,
}

impl Default for Brand {
    fn default() -> Self {
        Self {
            ru: "Кабинет".to_owned(),
            en: "Kabinet".to_owned(),
        }
    }
}

/// `[hashing]`: what slow hashes of chosen secrets cost, and how many run (ID-3,
/// A109). Hashes made at less are made anew when their owner shows the secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hashing {
    /// Memory of one hash, MiB. At least 19 (OWASP, Argon2id).
    pub memory_mib: u32,
    /// Passes over it. At least 2.
    pub passes: u32,
    /// Hashes at work at a time; 0: one for each core but one. Each holds its memory.
    pub at_once: u32,
    /// Hashes that may wait beside them; one more is answered 503.
    pub waiting: u32,
}

impl Default for Hashing {
    fn default() -> Self {
        Self {
            memory_mib: 19,
            passes: 2,
            at_once: 0,
            waiting: 64,
        }
    }
}

/// `[privacy]`: what the law wants said.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Privacy {
    /// The version of the personal-data consent that people give now (ID-12).
    /// A new one is asked for when it changes.
    pub consent_version: String,
    /// The company as named in the consent, in messages and on pages.
    pub company_name: String,
    /// The number of support, as shown. May be a service's number.
    pub support_phone: String,
}

impl Default for Privacy {
    fn default() -> Self {
        Self {
            consent_version: "1".to_owned(),
            company_name: String::new(),
            support_phone: String::new(),
        }
    }
}

/// `[place]`: how a place is found for an address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Place {
    /// A `MaxMind` database of cities (`.mmdb`). Without one, devices are
    /// listed without a place.
    pub mmdb: Option<PathBuf>,
}

impl Settings {
    /// Which database, or `None` when the URL names neither engine.
    pub fn database_target(&self) -> Option<DatabaseTarget> {
        let Some(url) = &self.database.url else {
            return Some(DatabaseTarget::Sqlite(self.data.dir.join("kabinet.sqlite")));
        };
        let text = url.expose_secret();
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return (!path.is_empty()).then(|| DatabaseTarget::Sqlite(PathBuf::from(path)));
        }
        let postgres = ["postgresql://", "postgres://"]
            .iter()
            .any(|scheme| text.starts_with(scheme));
        postgres.then(|| DatabaseTarget::Postgres(url.clone()))
    }

    /// The file of the master key.
    pub fn master_key_file(&self) -> PathBuf {
        let default = || self.data.dir.join(Path::new("keys/master.key"));
        self.keys.master.clone().unwrap_or_else(default)
    }
}
