//! An installation of the real release program: configuration, keys and schema in a folder, on either engine.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf, process::Command, sync::Arc};

use db::{Db, DbSettings, Engine, HonestClock};
use kernel::{Chance, Clock as _};
use testkit::{
    postgres::{Cluster, Durability, TestDatabase},
    server::{Server, Start, built, data_folder},
};
use vault::{KeyFile, OsChance, Vault};

/// What `kabinet serve` needs, with a carrier that nobody calls.
const CONFIG: &str = r#"
[privacy]
company_name = "ООО Пример"
support_phone = "+7 800 000-00-00"
[sms]
kind = "http"
url = "http://127.0.0.1:9/send"
body = '{"to":"{to_digits}","text":"{text}"}'
"#;

/// Configured, with keys and schema.
#[derive(Debug)]
pub struct House {
    // Dropped before the cluster that holds it.
    database: Option<TestDatabase>,
    cluster: Option<Cluster>,
    folder: tempfile::TempDir,
}

impl House {
    /// An empty one.
    pub fn new(engine: Engine) -> Self {
        let cluster = (engine == Engine::Postgres).then(|| Cluster::start(Durability::Full));
        let database = cluster.as_ref().map(|c| c.databases().create());
        let house = Self {
            database,
            cluster,
            folder: data_folder(),
        };
        std::fs::write(house.config(), CONFIG).expect("own folder");
        // A configuration that others may read is refused.
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(house.config(), private).expect("own file");
        house.does(&["keys", "create"]);
        house.does(&["migrate"]);
        house
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("kabinet.toml")
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let data = self.folder.path().join("data");
        let mut all = vec![("KABINET_DATA__DIR", data.display().to_string())];
        all.extend(self.url().map(|url| ("KABINET_DATABASE__URL", url)));
        all
    }

    fn does(&self, arguments: &[&str]) {
        let output = Command::new(built("kabinet"))
            .args(arguments)
            .arg("--config")
            .arg(self.config())
            .envs(self.environment())
            .output()
            .expect("the program runs");
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complained}");
    }

    /// The address of its database on PostgreSQL.
    pub fn url(&self) -> Option<String> {
        self.database.as_ref().map(TestDatabase::url)
    }

    /// Processes of its PostgreSQL.
    pub fn database_processes(&self) -> Vec<u32> {
        self.cluster
            .as_ref()
            .map_or_else(Vec::new, Cluster::processes)
    }

    /// Fills it with accounts that have a session each; gives tokens of theirs.
    pub async fn crowd(&self, count: u64) -> Vec<String> {
        let vault = self.vault(Arc::new(OsChance));
        // A moment ago: a session is not touched in the first minutes.
        let now = HonestClock::start().now();
        match self.url() {
            Some(url) => crate::crowd::postgres(&url, &vault, now, count).await,
            None => {
                let path = self.file();
                tokio::task::block_in_place(|| crate::crowd::sqlite(&path, &vault, now, count))
            }
        }
    }

    /// Its keys.
    pub fn vault(&self, chance: Arc<dyn Chance>) -> Vault {
        let file = self.folder.path().join("data/keys/master.key");
        let file = KeyFile::open(&file).expect("the key file");
        file.vault(chance).expect("a vault")
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("data/kabinet.sqlite")
    }

    /// Opens its database in this process, with the program's own numbers.
    pub async fn db(&self) -> Db {
        let settings = match self.url() {
            Some(url) => DbSettings::Postgres {
                url,
                connections: crate::db::CONNECTIONS,
            },
            None => DbSettings::Sqlite {
                path: self.file(),
                readers: 4,
            },
        };
        let clock = Arc::new(HonestClock::start());
        Db::open(settings, clock).await.expect("opens")
    }

    /// Bytes of its database.
    pub fn size(&self) -> u64 {
        let files = self.folder.path().join("data").read_dir();
        files
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|file| file.metadata().ok())
            .map(|file| file.len())
            .sum()
    }

    /// Starts the program and waits until it is ready.
    pub fn serve(&self) -> Server {
        let mut start = Start::new(built("kabinet"))
            .args(["serve", "--config"])
            .args([self.config().display().to_string()])
            .env("KABINET_SERVER__LISTEN", "127.0.0.1:{port}")
            .env("KABINET_SERVER__OPERATIONS_LISTEN", "127.0.0.1:{ops}")
            .env("KABINET_SERVER__PUBLIC_ORIGIN", "http://127.0.0.1:{port}")
            .ready("/health/ready", true);
        for (name, value) in self.environment() {
            start = start.env(name, &value);
        }
        start.start()
    }
}
