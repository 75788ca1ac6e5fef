//! A configured installation in a folder of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use db::Engine;
use testkit::postgres::{TestDatabase, databases};
use testkit::server::{Server, Start, data_folder};

/// What `kabinet serve` needs, with a carrier that nobody calls.
pub const CONFIG: &str = r#"
[privacy]
company_name = "ООО Пример"
support_phone = "+7 800 000-00-00"
[sms]
kind = "http"
url = "http://127.0.0.1:9/send"
body = '{"to":"{to_digits}","text":"{text}"}'
"#;

/// A command that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(30);

pub const DATABASE: &str = "KABINET_DATABASE__URL";

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_kabinet");

/// A folder with a configuration file, used through the program alone.
pub struct Installation {
    pub folder: tempfile::TempDir,
    /// The database, when it is PostgreSQL's.
    pub database: Option<TestDatabase>,
    /// The address of the same database by another role.
    pub serves_as: Option<String>,
}

impl Installation {
    /// With configuration, keys and schema.
    pub fn ready() -> Self {
        Self::ready_on(Engine::Sqlite)
    }

    /// The same on either engine.
    pub fn ready_on(engine: Engine) -> Self {
        Self::ready_in(database_on(engine), CONFIG)
    }

    /// The same in a database, SQLite's when there is none, with a configuration.
    pub fn ready_in(database: Option<TestDatabase>, config: &str) -> Self {
        let made = Self::made(database, config);
        made.does(&["keys", "create"]);
        made.does(&["migrate"]);
        made
    }

    /// With this configuration and nothing else.
    pub fn with(config: &str) -> Self {
        Self::on(Engine::Sqlite, config)
    }

    /// The same on either engine.
    pub fn on(engine: Engine, config: &str) -> Self {
        Self::made(database_on(engine), config)
    }

    fn made(database: Option<TestDatabase>, config: &str) -> Self {
        let made = Self {
            folder: data_folder(),
            database,
            serves_as: None,
        };
        std::fs::write(made.config(), config).unwrap();
        made.chmod(&made.config(), 0o600);
        made
    }

    fn address(&self) -> Option<String> {
        let owns = || self.database.as_ref().map(TestDatabase::url);
        self.serves_as.clone().or_else(owns)
    }

    /// Runs statements on the stopped database; gives the first column of their rows as text.
    pub fn sql(&self, sql: &str) -> Vec<String> {
        if let Some(database) = &self.database {
            return database.texts(sql).unwrap();
        }
        let database = rusqlite::Connection::open(self.data().join("kabinet.sqlite")).unwrap();
        if !sql.starts_with("SELECT") {
            database.execute_batch(sql).unwrap();
            return Vec::new();
        }
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, rusqlite::types::Value>(0));
        let text = |value| match value {
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            other => panic!("{other:?}"),
        };
        rows.unwrap().map(|value| text(value.unwrap())).collect()
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("kabinet.toml")
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn key(&self) -> PathBuf {
        self.data().join("keys/master.key")
    }

    pub fn chmod(&self, path: &Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Runs a command that must work; gives what it said.
    pub fn does(&self, arguments: &[&str]) -> String {
        self.does_with(arguments, "")
    }

    /// The same with something to read on standard input.
    pub fn does_with(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{arguments:?}: {}\n{said}{complained}",
            output.status
        );
        said
    }

    /// Runs a command that must end with `code`; gives what it said on standard error.
    pub fn fails(&self, arguments: &[&str], code: i32) -> String {
        self.fails_with(arguments, "", code)
    }

    /// The same with something to read on standard input.
    pub fn fails_with(&self, arguments: &[&str], input: &str, code: i32) -> String {
        let output = self.run(arguments, input);
        let complained = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}:\n{complained}"
        );
        complained
    }

    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        let (command, rest) = arguments.split_at(if is_group(arguments[0]) { 2 } else { 1 });
        let mut child = Command::new(PROGRAM)
            .args(command)
            .arg("--config")
            .arg(self.config())
            .args(rest)
            .env("KABINET_DATA__DIR", self.data())
            .envs(self.address().map(|url| (DATABASE, url)))
            .env("KABINET_SERVER__LISTEN", "127.0.0.1:0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One that reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        // A server that was to refuse and does not would run for ever.
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if began.elapsed() > LIMIT {
                child.kill().unwrap();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        child.wait_with_output().unwrap()
    }

    /// How to serve it, with short waits for clients.
    pub fn start(&self) -> Start {
        let config = self.config();
        let start = Start::new(PROGRAM).args(["serve", "--config", config.to_str().unwrap()]);
        self.addressed(start)
            .env("KABINET_SERVER__HEADER_TIMEOUT", "1s")
            .env("KABINET_SERVER__BODY_TIMEOUT", "1s")
    }

    /// How to serve it with so many descriptors.
    pub fn start_with_descriptors(&self, descriptors: u32) -> Start {
        let script = format!("ulimit -n {descriptors}; exec {PROGRAM} serve --config \"$0\"");
        let config = self.config();
        let start = Start::new("/bin/sh").args(["-c", &script, config.to_str().unwrap()]);
        self.addressed(start)
    }

    fn addressed(&self, start: Start) -> Start {
        let start = match self.address() {
            Some(url) => start.env(DATABASE, &url),
            None => start,
        };
        start
            .env("KABINET_DATA__DIR", self.data().to_str().unwrap())
            .env("KABINET_SERVER__LISTEN", "127.0.0.1:{port}")
            .env("KABINET_SERVER__OPERATIONS_LISTEN", "127.0.0.1:{ops}")
            .env("KABINET_SERVER__PUBLIC_ORIGIN", "http://127.0.0.1:{port}")
            .ready("/health/ready", true)
    }

    pub fn serve(&self) -> Server {
        self.start().start()
    }
}

/// A database of the test's own, when the engine is PostgreSQL.
pub fn database_on(engine: Engine) -> Option<TestDatabase> {
    (engine == Engine::Postgres).then(|| databases().create())
}

fn is_group(word: &str) -> bool {
    ["keys", "audit", "messages"].contains(&word)
}
