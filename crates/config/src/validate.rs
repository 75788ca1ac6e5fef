//! Everything that is wrong with the settings, at once.

mod carriers;
mod limits;

use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use crate::{DatabaseTarget, Settings};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The server starts and says so.
    Warning,
    /// The server does not start.
    Refusal,
}

/// One thing that is wrong with the settings. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Which setting: `server.public_origin`.
    pub setting: String,
    /// What is wrong with it.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}. {}.", self.setting, self.what, self.remedy)
    }
}

/// Collects problems.
#[derive(Default)]
struct Findings(Vec<Problem>);

impl Findings {
    fn refuse(&mut self, setting: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Refusal, setting, what.into(), remedy.into());
    }

    fn warn(&mut self, setting: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Warning, setting, what.into(), remedy.into());
    }

    fn add(&mut self, severity: Severity, setting: &str, what: String, remedy: String) {
        self.0.push(Problem {
            severity,
            setting: setting.to_owned(),
            what,
            remedy,
        });
    }

    /// Refuses a secret that is missing, short, or known to everybody.
    fn secret(&mut self, setting: &str, secret: &SecretString, least_chars: usize) {
        let value = secret.expose_secret().trim();
        let variable = format!(
            "KABINET_{}",
            setting.to_ascii_uppercase().replace('.', "__")
        );
        if value.is_empty() {
            self.refuse(
                setting,
                "the secret is empty",
                format!("Set it, best as the variable {variable}"),
            );
        } else if is_placeholder(value) {
            self.refuse(
                setting,
                "the secret is a placeholder that everybody knows",
                "Put the real one",
            );
        } else if value.chars().count() < least_chars {
            self.refuse(
                setting,
                format!("the secret is shorter than {least_chars} characters"),
                "Make a longer one, for example with `openssl rand -hex 32`",
            );
        }
    }

    /// Refuses a file that others of this machine may read, or that is none.
    fn private_file(&mut self, setting: &str, file: &Path, forbidden: u32) {
        let shown = file.display();
        match std::fs::metadata(file) {
            Err(why) => self.refuse(
                setting,
                format!("the file {shown} cannot be read ({})", why.kind()),
                "Make it or correct the path",
            ),
            Ok(found) if !found.is_file() => {
                self.refuse(
                    setting,
                    format!("{shown} is not a file"),
                    "Correct the path",
                );
            }
            Ok(found) => {
                let mode = found.permissions().mode() & 0o777;
                if mode & forbidden != 0 {
                    let kept = mode & !forbidden;
                    self.refuse(
                        setting,
                        format!("other users of this machine may read or change {shown} (mode {mode:04o})"),
                        format!("Run: chmod {kept:04o} {shown}"),
                    );
                }
            }
        }
    }
}

/// Secrets of examples and of installation guides.
fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let known = [
        "password", "postgres", "secret", "admin", "kabinet", "test", "12345678", "qwerty",
        "example",
    ];
    lower.contains("change-me") || lower.contains("changeme") || known.contains(&lower.as_str())
}

impl Settings {
    /// Everything that is wrong, worst first; empty when nothing is. Looks at
    /// the modes of the files that are named, opens none and connects to
    /// nothing.
    ///
    /// The server must not start while one is a [`Severity::Refusal`].
    pub fn validate(&self) -> Vec<Problem> {
        let mut found = Findings::default();
        self.check_server(&mut found);
        self.check_database(&mut found);
        self.check_files(&mut found);
        self.check_carriers(&mut found);
        self.check_brand(&mut found);
        self.check_privacy(&mut found);
        limits::check(&self.limits, &mut found);
        limits::hashing(&self.hashing, &mut found);
        found
            .0
            .sort_by_key(|problem| std::cmp::Reverse(problem.severity));
        found.0
    }

    fn check_server(&self, found: &mut Findings) {
        let server = &self.server;
        match Origin::parse(&server.public_origin) {
            None => found.refuse(
                "server.public_origin",
                "it is not an origin",
                "Write what people have in the address bar without a path, like https://id.company.example",
            ),
            Some(origin) if !origin.secure && !origin.loopback => found.refuse(
                "server.public_origin",
                "people would sign in over plain HTTP",
                "Use https:// and a proxy or balancer that speaks TLS; plain HTTP is only for localhost",
            ),
            Some(_) => {}
        }
        if server.listen == server.operations_listen {
            found.refuse(
                "server.operations_listen",
                "it is the same address as server.listen",
                "Give metrics and health a port of their own",
            );
        }
        if !server.operations_listen.ip().is_loopback() {
            found.warn(
                "server.operations_listen",
                "metrics and health are open beyond this machine",
                "Make sure that a firewall keeps strangers off that port",
            );
        }
        if server
            .trusted_proxies
            .iter()
            .any(|network| network.bits() == 0)
        {
            found.refuse(
                "server.trusted_proxies",
                "the whole internet is trusted, so anybody can forge an address",
                "Name the addresses of your own proxies only",
            );
        }
        let https = server.public_origin.starts_with("https://");
        if https && server.trusted_proxies.is_empty() {
            found.warn(
                "server.trusted_proxies",
                "no proxy is trusted, so everybody behind your TLS proxy counts as one address in every limit",
                "Name the proxy's address, like [\"127.0.0.1/32\"]",
            );
        }
        limits::number(
            found,
            "server.max_connections_per_ip",
            u64::from(server.max_connections_per_ip),
            1,
            100_000,
        );
        for (name, span, most) in [
            ("server.header_timeout", server.header_timeout, 60),
            ("server.body_timeout", server.body_timeout, 600),
            ("server.graceful_timeout", server.graceful_timeout, 300),
        ] {
            limits::time(found, name, span, 1, most);
        }
    }

    fn check_database(&self, found: &mut Findings) {
        match self.database_target() {
            None => found.refuse(
                "database.url",
                "it names neither SQLite nor PostgreSQL",
                "Write sqlite:<path> or postgresql://user:password@host/name",
            ),
            Some(DatabaseTarget::Sqlite(_)) => {}
            Some(DatabaseTarget::Postgres(url)) => {
                // user:password@host, where there is a password at all.
                let url = url.expose_secret();
                let authority = url.split_once("://").map_or("", |(_, rest)| rest);
                let userinfo = authority.rsplit_once('@').map_or("", |(user, _)| user);
                if let Some((_, password)) = userinfo.split_once(':') {
                    found.secret("database.url", &SecretString::from(password), 0);
                }
            }
        }
        limits::number(
            found,
            "database.readers",
            u64::from(self.database.readers),
            1,
            64,
        );
        limits::number(
            found,
            "database.connections",
            u64::from(self.database.connections),
            1,
            1_000,
        );
    }

    fn check_files(&self, found: &mut Findings) {
        found.private_file("keys.master", &self.master_key_file(), 0o077);
        if let Some(file) = &self.source {
            // A group may read it: that is how packages give a service its file.
            found.private_file("configuration file", file, 0o027);
        }
        if let Some(file) = &self.place.mmdb
            && !file.is_file()
        {
            found.refuse(
                "place.mmdb",
                format!("there is no file {}", file.display()),
                "Correct the path or remove the key",
            );
        }
        if self.data.dir.exists() && !self.data.dir.is_dir() {
            found.refuse(
                "data.dir",
                format!("{} is not a folder", self.data.dir.display()),
                "Correct the path",
            );
        }
    }

    fn check_brand(&self, found: &mut Findings) {
        for (name, value) in [("brand.ru", &self.brand.ru), ("brand.en", &self.brand.en)] {
            let visible = !value.contains(|c: char| c.is_control()) && value.trim() == value;
            if !visible || !(1..=16).contains(&value.chars().count()) {
                found.refuse(
                    name,
                    "messages bear a name of 1 to 16 visible characters",
                    "Set a short name",
                );
            }
        }
    }

    fn check_privacy(&self, found: &mut Findings) {
        for (name, value, why) in [
            (
                "privacy.company_name",
                &self.privacy.company_name,
                "the consent must name who processes personal data",
            ),
            (
                "privacy.support_phone",
                &self.privacy.support_phone,
                "people who cannot sign in are told to call it",
            ),
            (
                "privacy.consent_version",
                &self.privacy.consent_version,
                "a consent is kept with the version of its text",
            ),
        ] {
            if value.trim().is_empty() {
                found.refuse(name, format!("it is empty, and {why}"), "Set it");
            }
        }
    }
}

/// Scheme and host of an origin.
struct Origin {
    secure: bool,
    loopback: bool,
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let (secure, authority) = match text.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix("http://")?),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        if port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return None;
        }
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let address = bare.unwrap_or(host).parse::<std::net::IpAddr>().ok();
        let name = |label: &str| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let fits = match bare {
            Some(_) => address.is_some_and(|a| a.is_ipv6()),
            None => host.split('.').all(name),
        };
        let loopback = host == "localhost"
            || host.ends_with(".localhost")
            || address.is_some_and(|a| a.is_loopback());
        fits.then_some(Self { secure, loopback })
    }
}
