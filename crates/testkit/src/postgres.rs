//! A temporary PostgreSQL made of the installed binaries: started, filled, broken and removed by
//! the tests themselves.
//!
//! [`databases`] is what ordinary tests use: one cluster per process, or the one that
//! `cargo xtask test` started for the whole run and named in `KABINET_TEST_PG`. A test that kills or
//! freezes the server starts a [`Cluster`] of its own.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::tools;
use crate::watcher::Watcher;

/// Names a cluster that runs already, as `postgres://user@host:port`.
pub const SHARED: &str = "KABINET_TEST_PG";

const OLDEST: u32 = 15;
const USER: &str = "kabinet";
const START_LIMIT: Duration = Duration::from_secs(30);
const BUSY_LIMIT: Duration = Duration::from_secs(5);

/// How much a cluster cares about power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// As in production. For tests that kill the server, and for measuring.
    Full,
    /// No fsync: several times faster, and nothing is lost as long as the machine stays up.
    None,
}

/// A PostgreSQL server of this process.
///
/// Dropping it stops the server and removes its files; if the process dies first, a watcher does.
#[derive(Debug)]
pub struct Cluster {
    server: Mutex<Option<Child>>,
    binaries: PathBuf,
    owner: Option<(u32, u32)>,
    durability: Durability,
    port: u16,
    databases: Databases,
    // Dropped after the server is stopped in `drop`; removes the folder.
    watcher: Option<Watcher>,
    folder: PathBuf,
}

/// Databases on a running cluster.
#[derive(Clone, Debug)]
pub struct Databases {
    base: String,
}

/// A database of one test; dropping it drops the database.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    databases: Databases,
}

const CLEAN_UP: &str = r#"
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ] && grep -q -- "$1" "/proc/$pid/cmdline" 2>/dev/null; then
  kill -CONT "$pid"; kill -QUIT "$pid"
  tries=0
  while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
  kill -KILL "$pid" 2>/dev/null
fi
rm -rf "$1"
"#;

impl Cluster {
    /// Makes and starts a cluster on a free port of the loopback interface.
    ///
    /// # Panics
    /// When PostgreSQL 15 or newer is not installed or does not start.
    pub fn start(durability: Durability) -> Self {
        let binaries = binaries();
        let owner = owner();
        let folder = TempDir::with_prefix("kabinet-pg-")
            .expect("the temporary folder is writable")
            .keep();
        let watcher = Watcher::guard(CLEAN_UP, &[folder.to_str().expect("UTF-8 path")]);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("own folder");
        if let Some((user, group)) = owner {
            chown(&folder, Some(user), Some(group)).expect("root may give files away");
        }
        let made = as_owner(owner, &binaries.join("initdb"))
            .arg("--pgdata")
            .arg(folder.join("data"))
            .args(["--username", USER, "--auth=trust", "--no-sync"])
            .args(["--encoding=UTF8", "--locale=C"])
            .current_dir(&folder)
            .output()
            .expect("initdb starts");
        assert!(
            made.status.success(),
            "initdb failed:\n{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let port = free_port();
        let cluster = Self {
            server: Mutex::new(None),
            binaries,
            owner,
            durability,
            port,
            databases: Databases {
                base: format!("postgres://{USER}@127.0.0.1:{port}"),
            },
            watcher: Some(watcher),
            folder,
        };
        cluster.start_again();
        cluster
    }

    /// Databases on this cluster.
    pub fn databases(&self) -> &Databases {
        &self.databases
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `kill -9` of the server and all its children at once: a power cut without the power (F2).
    pub fn kill(&self) {
        let Some(mut server) = self.server.lock().take() else {
            return;
        };
        let family = family(server.id());
        for pid in &family {
            signal(*pid, Signal::KILL);
        }
        let _ = server.wait();
        // A child that still holds the shared memory would keep the next start from happening.
        wait_until("the children of PostgreSQL end", || {
            family.iter().all(|pid| gone(*pid))
        });
    }

    /// Stops the server in order, waiting for its end; `start_again` brings it back.
    pub fn stop(&self) {
        let Some(mut server) = self.server.lock().take() else {
            return;
        };
        signal(server.id(), Signal::INT);
        let _ = server.wait();
    }

    /// Starts the server after [`Cluster::kill`] or [`Cluster::stop`], on the same port and files.
    pub fn start_again(&self) {
        let mut server = self.server.lock();
        assert!(server.is_none(), "the cluster runs already");
        let data = self.folder.join("data");
        let log = fs::File::create(self.folder.join("log")).expect("own folder");
        let mut command = as_owner(self.owner, &self.binaries.join("postgres"));
        command
            .arg("-D")
            .arg(&data)
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-k"])
            .arg(&self.folder)
            .args(["-c", "max_connections=300"])
            .args(["-c", "shared_buffers=64MB"])
            .args(["-c", "max_wal_size=2GB"])
            .args(["-c", "timezone=UTC"]);
        if self.durability == Durability::None {
            command
                .args(["-c", "fsync=off"])
                .args(["-c", "synchronous_commit=off"])
                .args(["-c", "full_page_writes=off"]);
        }
        let mut child = command
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("postgres starts");
        wait_until("PostgreSQL is ready", || {
            if let Ok(Some(status)) = child.try_wait() {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                panic!("PostgreSQL ended with {status}:\n{log}");
            }
            // The eighth line of the lock file is the status; pg_ctl waits for it in the same way.
            fs::read_to_string(data.join("postmaster.pid")).is_ok_and(|text| {
                let mut lines = text.lines();
                lines.next() == Some(child.id().to_string().as_str())
                    && lines.nth(6).map(str::trim) == Some("ready")
            })
        });
        *server = Some(child);
    }

    /// Freezes the server and its children: connections stay open and nothing answers (F5).
    pub fn freeze(&self) {
        self.each(Signal::STOP);
    }

    /// Wakes the server after [`Cluster::freeze`].
    pub fn thaw(&self) {
        self.each(Signal::CONT);
    }

    fn each(&self, what: Signal) {
        if let Some(server) = self.server.lock().as_ref() {
            for pid in family(server.id()) {
                signal(pid, what);
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.lock().take() {
            for pid in family(server.id()) {
                signal(pid, Signal::CONT);
            }
            signal(server.id(), Signal::QUIT);
            let _ = server.wait();
        }
        self.watcher = None;
    }
}

/// Databases for ordinary tests; see the module.
pub fn databases() -> &'static Databases {
    static CLUSTER: OnceLock<(Databases, Option<Cluster>)> = OnceLock::new();
    let (databases, _) = CLUSTER.get_or_init(|| match std::env::var(SHARED) {
        Ok(base) => (Databases { base }, None),
        Err(_) => {
            let cluster = Cluster::start(Durability::None);
            (cluster.databases.clone(), Some(cluster))
        }
    });
    databases
}

impl Databases {
    /// An empty database.
    pub fn create(&self) -> TestDatabase {
        self.create_from("template0")
    }

    /// A copy of `template`, which nobody may be connected to.
    pub fn create_from(&self, template: &str) -> TestDatabase {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "t_{}_{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::SeqCst)
        );
        self.patiently(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .unwrap_or_else(|why| panic!("the test database: {why}"));
        TestDatabase {
            name,
            databases: self.clone(),
        }
    }

    /// A copy of a database that `fill` prepared once (by running the migrations on the given
    /// address) and that every process of the run shares, found by `key`.
    ///
    /// `fill` must close its connections before it returns.
    pub fn create_filled(&self, key: &str, fill: impl FnOnce(&str)) -> TestDatabase {
        // Per base address: a fault test has a cluster of its own.
        static TEMPLATES: Mutex<Option<HashMap<String, String>>> = Mutex::new(None);
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let template = format!("template_{:016x}", hasher.finish());
        let known = format!("{}/{template}", self.base);
        {
            let mut templates = TEMPLATES.lock();
            let templates = templates.get_or_insert_default();
            templates.entry(known).or_insert_with(|| {
                self.make_template(&template, fill);
                template.clone()
            });
        }
        self.create_from(&template)
    }

    fn make_template(&self, template: &str, fill: impl FnOnce(&str)) {
        // The cheapest statement that succeeds only when the database is there.
        if self
            .admin(&format!("ALTER DATABASE {template} CONNECTION LIMIT -1"))
            .is_ok()
        {
            return;
        }
        let building = self.create();
        fill(&building.url());
        // Two processes may build at once: the first to rename wins, the other drops its own.
        let renamed = self.patiently(&format!(
            "ALTER DATABASE {} RENAME TO {template}",
            building.name
        ));
        match renamed {
            Ok(()) => std::mem::forget(building),
            Err(why) => assert!(why.contains("42P04"), "the template database: {why}"),
        }
    }

    /// The address without a database, as [`SHARED`] names it.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The address of the database `name`.
    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }

    /// A pool that was just dropped may take a moment to close its last connection.
    fn patiently(&self, sql: &str) -> Result<(), String> {
        let start = Instant::now();
        loop {
            match self.admin(sql) {
                Err(why) if why.starts_with("55006") && start.elapsed() < BUSY_LIMIT => {
                    thread::sleep(Duration::from_millis(20));
                }
                result => return result,
            }
        }
    }

    /// Runs one administrative statement; the error starts with the SQLSTATE.
    pub fn admin(&self, sql: &str) -> Result<(), String> {
        run(&self.url("postgres"), sql).map(drop)
    }
}

impl TestDatabase {
    /// The address to connect to.
    pub fn url(&self) -> String {
        self.databases.url(&self.name)
    }

    /// The bare name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements past the product, to look at or to spoil what it keeps.
    pub fn run(&self, sql: &str) -> Result<(), String> {
        run(&self.url(), sql).map(drop)
    }

    /// The first column of every row of a query, as text; NULL is empty.
    pub fn texts(&self, sql: &str) -> Result<Vec<String>, String> {
        run(&self.url(), sql)
    }

    /// Every row of every table, as text, the way a dump shows them: bytes as hexadecimal digits.
    pub fn dump(&self) -> Result<String, String> {
        let tables = "SELECT quote_ident(table_name) FROM information_schema.tables \
                      WHERE table_schema = 'public' ORDER BY 1";
        let mut dump = String::new();
        for table in self.texts(tables)? {
            for row in self.texts(&format!("SELECT t::text FROM {table} t"))? {
                let _ = writeln!(dump, "{table} {row}");
            }
        }
        Ok(dump)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let databases = self.databases.clone();
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // Nobody waits: if the process ends first, the whole cluster goes anyway.
        let _ = thread::Builder::new()
            .name("drop-database".into())
            .spawn(move || databases.admin(&sql));
    }
}

/// On a thread of its own, because the caller may or may not be inside a runtime.
fn run(url: &str, sql: &str) -> Result<Vec<String>, String> {
    thread::scope(|scope| {
        scope
            .spawn(|| {
                tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(|why| why.to_string())?
                    .block_on(run_here(url, sql))
            })
            .join()
            .map_err(|_| "the administrative thread panicked".to_owned())?
    })
}

async fn run_here(url: &str, sql: &str) -> Result<Vec<String>, String> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .map_err(|why| describe(&why))?;
    let connection = tokio::spawn(connection);
    let result = client.simple_query(sql).await.map_err(|why| describe(&why));
    drop(client);
    let _ = connection.await;
    let first = |message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => {
            Some(row.get(0).unwrap_or_default().to_owned())
        }
        _ => None,
    };
    Ok(result?.into_iter().filter_map(first).collect())
}

fn describe(error: &tokio_postgres::Error) -> String {
    let mut text = String::new();
    if let Some(state) = error.code() {
        let _ = write!(text, "{} ", state.code());
    }
    let _ = write!(text, "{error}");
    if let Some(inner) = error.as_db_error() {
        let _ = write!(text, ": {}", inner.message());
    }
    text
}

fn binaries() -> PathBuf {
    let mut candidates = Vec::new();
    if let Some(postgres) = tools::in_path(&["postgres"]) {
        let real = fs::canonicalize(&postgres).unwrap_or(postgres);
        candidates.extend(real.parent().map(Path::to_path_buf));
    }
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        candidates.push(String::from_utf8_lossy(&output.stdout).trim().into());
    }
    // Debian keeps server binaries out of PATH, one folder per version.
    for folder in fs::read_dir("/usr/lib/postgresql").into_iter().flatten() {
        candidates.extend(folder.map(|folder| folder.path().join("bin")));
    }
    candidates
        .into_iter()
        .filter_map(|folder| Some((version(&folder)?, folder)))
        .max()
        .filter(|(version, _)| *version >= OLDEST)
        .map_or_else(
            || panic!("PostgreSQL {OLDEST} or newer is not installed; run `cargo xtask test` once"),
            |(_, folder)| folder,
        )
}

fn version(folder: &Path) -> Option<u32> {
    if !folder.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(folder.join("postgres"))
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let number = text
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    number
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// Who the server runs as when we are root, which it refuses to run as.
fn owner() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        users.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            (fields.first() == Some(&name))
                .then(|| Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?)))?
        })
    };
    Some(
        find("postgres")
            .or_else(|| find("nobody"))
            .expect("a user that is not root"),
    )
}

fn as_owner(owner: Option<(u32, u32)>, program: &Path) -> Command {
    let Some((user, group)) = owner else {
        return Command::new(program);
    };
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={user}"))
        .arg(format!("--regid={group}"))
        .arg("--clear-groups")
        .arg("--")
        .arg(program);
    command
}

/// A port that was free a moment ago.
///
/// From below the range out of which the system gives ports to outgoing connections, else one of
/// those could take it before the server does; each process starts at a place of its own.
pub fn free_port() -> u16 {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 22_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let own = std::process::id().wrapping_mul(7919);
    let ports = (0..COUNT).filter_map(|_| {
        let step = NEXT.fetch_add(1, Ordering::SeqCst);
        u16::try_from(FIRST + own.wrapping_add(step) % COUNT).ok()
    });
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut ports = ports.filter(free);
    ports
        .next()
        .expect("the loopback interface has a free port")
}

/// The process and its direct children.
fn family(root: u32) -> Vec<u32> {
    let mut family = vec![root];
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        if parent(pid) == Some(root) {
            family.push(pid);
        }
    }
    family
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything, so count from its end: state, parent.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

fn gone(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| {
        stat.rsplit_once(')')
            .is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
    })
}

pub(crate) fn signal(pid: u32, what: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // The process may have ended by itself: that is what the caller wants too.
        let _ = kill_process(pid, what);
    }
}

pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(
            start.elapsed() < START_LIMIT,
            "waited {START_LIMIT:?} in vain: {what}"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests;
