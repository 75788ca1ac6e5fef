//! What an installation keeps: its folder and its database, with or without a process on them.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use db::{Db, DbError, DbSettings, Engine, HonestClock, ReadTx, Statement, params};
use tempfile::TempDir;
use testkit::postgres::{TestDatabase, databases};
use testkit::server::{Start, built, data_folder};

/// One installation's folder and database.
pub struct Kept {
    folder: TempDir,
    database: Option<TestDatabase>,
}

impl Kept {
    /// A new one with this configuration, without a key.
    pub fn new(engine: Engine, config: &str) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let kept = Self {
            folder: data_folder(),
            database: (engine == Engine::Postgres).then(|| databases().create()),
        };
        let file = kept.config();
        std::fs::write(&file, config).expect("the folder is ours");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("our file");
        kept
    }

    /// Another with the same configuration and key, and nothing in its database.
    pub fn empty(&self) -> Self {
        let config = std::fs::read_to_string(self.config()).expect("our file");
        let engine = if self.database.is_some() {
            Engine::Postgres
        } else {
            Engine::Sqlite
        };
        let other = Self::new(engine, &config);
        let made = program(&["keys", "create"], &other);
        assert!(made.status.success());
        std::fs::remove_file(other.key()).expect("just made");
        std::fs::copy(self.key(), other.key()).expect("our file");
        other
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("kabinet.toml")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn key(&self) -> PathBuf {
        self.data().join("keys/master.key")
    }

    /// A file beside the installation.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file that names the point at which the process dies.
    pub fn point_file(&self) -> PathBuf {
        self.beside("point")
    }

    /// How the program is started on it.
    pub fn start(&self) -> Start {
        let start = Start::new(built("kabinet-failpoints"))
            .args(["serve", "--migrate", "--config"])
            .args([self.config().to_str().expect("UTF-8")])
            .env("KABINET_DATA__DIR", self.data().to_str().expect("UTF-8"))
            .env("KABINET_SERVER__LISTEN", "127.0.0.1:{port}")
            .env("KABINET_SERVER__OPERATIONS_LISTEN", "127.0.0.1:{ops}")
            .env("KABINET_SERVER__PUBLIC_ORIGIN", "http://localhost:{port}")
            .ready("/health/ready", true);
        match &self.database {
            Some(database) => start.env("KABINET_DATABASE__URL", &database.url()),
            None => start,
        }
    }

    /// Serves until it has said that it is ready and has sealed the log; what it printed.
    pub fn serve_once(&self) -> String {
        let mut server = self.start().start();
        std::thread::sleep(Duration::from_millis(500));
        let status = server.terminate(Duration::from_secs(10));
        assert!(status.success(), "{status}: {}", server.output());
        server.output()
    }

    /// Opens the database beside the program.
    pub fn open(&self) -> (tokio::runtime::Runtime, Db) {
        let settings = match &self.database {
            None => DbSettings::Sqlite {
                path: self.data().join("kabinet.sqlite"),
                readers: 1,
            },
            Some(database) => DbSettings::Postgres {
                url: database.url(),
                connections: 2,
            },
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime");
        let db = runtime.block_on(Db::open(
            settings,
            std::sync::Arc::new(HonestClock::start()),
        ));
        (runtime, db.expect("the database opens beside the program"))
    }

    /// Reads in one transaction.
    pub fn read<C, T, F>(&self, input: C, f: F) -> T
    where
        C: Send + Sync,
        T: Send,
        F: for<'t> FnOnce(&'t mut ReadTx, &'t C) -> db::BoxFuture<'t, Result<T, DbError>> + Send,
    {
        let (runtime, db) = self.open();
        let found = runtime
            .block_on(db.read("test.look", input, f))
            .expect("a look");
        db.close();
        found
    }

    /// The one number a statement answers.
    pub fn count(&self, statement: &'static Statement) -> i64 {
        self.read(statement, |tx, statement| {
            Box::pin(async move { tx.query_one(statement, params![]).await?.int(0) })
        })
    }
}

/// Runs a command of the program on it, to its end.
pub fn program(arguments: &[&str], on: &Kept) -> Output {
    let mut command = Command::new(built("kabinet-failpoints"));
    command.args(arguments).arg("--config").arg(on.config());
    command.env("KABINET_DATA__DIR", on.data());
    command.env(
        "KABINET_FAILPOINT",
        format!("@{}", on.point_file().display()),
    );
    if let Some(database) = &on.database {
        command.env("KABINET_DATABASE__URL", database.url());
    }
    command.output().expect("the program runs")
}
