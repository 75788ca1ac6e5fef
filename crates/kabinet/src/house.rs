//! What is opened and checked before anything runs. Nothing starts half: what is missing is said, with what to
//! do, and there is no plaintext fallback (F19).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use config::{DatabaseTarget, Settings, Severity};
use db::{Db, DbError, DbSettings, HonestClock, WriteTx, portable};
use kernel::{Chance, Clock};
use secrecy::ExposeSecret;
use vault::{KeyFile, OsChance, Vault};

use crate::cli::ConfigArgs;
use crate::failure::{Failure, complain};

/// The opened parts of an installation.
#[derive(Clone)]
pub(crate) struct House {
    pub(crate) settings: Arc<Settings>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The clock under `clock`, to be asked whether the machine's disagrees.
    pub(crate) honest: Arc<HonestClock>,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) vault: Vault,
    pub(crate) db: Db,
}

/// How much of the settings a command stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// All of it: people will come.
    Everything,
    /// Database, keys and folders: nobody will.
    Storage,
}

impl Needs {
    fn cares_about(self, setting: &str) -> bool {
        let storage = ["configuration file", "data.", "database.", "keys."];
        self == Self::Everything
            || storage
                .iter()
                .any(|beginning| setting.starts_with(beginning))
    }
}

/// Reads the settings and says everything that is wrong with them; a refusal ends here.
pub(crate) fn settings(args: &ConfigArgs, needs: Needs) -> Result<Settings, Failure> {
    let settings = Settings::load(args.config.as_deref()).map_err(Failure::refused)?;
    let problems = settings
        .validate()
        .into_iter()
        .filter(|p| needs.cares_about(&p.setting));
    let (refusals, warnings): (Vec<_>, Vec<_>) =
        problems.partition(|problem| problem.severity == Severity::Refusal);
    for warning in &warnings {
        complain(&format!("warning: {warning}"));
    }
    if refusals.is_empty() {
        return Ok(settings);
    }
    let count = refusals.len();
    let lines: Vec<String> = refusals
        .iter()
        .map(|problem| format!("\n  {problem}"))
        .collect();
    let mut text = format!(
        "the configuration is refused, {count} to mend:{}",
        lines.concat()
    );
    if !settings.master_key_file().exists() {
        text.push_str("\n  A new installation gets its key file from `kabinet keys create`.");
    }
    Err(Failure::refused(text))
}

/// The place of the database, with its limits.
pub(crate) fn database(settings: &Settings) -> Result<DbSettings, Failure> {
    match settings.database_target() {
        None => Err(Failure::refused(
            "database.url names neither SQLite nor PostgreSQL",
        )),
        Some(DatabaseTarget::Sqlite(path)) => Ok(DbSettings::Sqlite {
            path,
            readers: usize::try_from(settings.database.readers).unwrap_or(1),
        }),
        Some(DatabaseTarget::Postgres(url)) => Ok(DbSettings::Postgres {
            url: url.expose_secret().to_owned(),
            connections: usize::try_from(settings.database.connections).unwrap_or(2),
        }),
    }
}

/// Whether a missing SQLite file may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It is a mistake: perhaps the wrong folder.
    Refused,
    /// It is a new installation.
    Made,
}

/// Opens keys and database.
pub(crate) async fn open(
    settings: Settings,
    missing: Missing,
    clock: impl FnOnce(Arc<HonestClock>) -> Arc<dyn Clock>,
) -> Result<House, Failure> {
    let chance: Arc<dyn Chance> = Arc::new(OsChance);
    let vault = open_keys(&settings.master_key_file(), Arc::clone(&chance))?;
    let honest = Arc::new(HonestClock::start());
    let clock = clock(Arc::clone(&honest));
    let db = open_database(&settings, missing, Arc::clone(&clock)).await?;
    Ok(House {
        settings: Arc::new(settings),
        clock,
        honest,
        chance,
        vault,
        db,
    })
}

fn open_keys(path: &Path, chance: Arc<dyn Chance>) -> Result<Vault, Failure> {
    KeyFile::open(path)
        .and_then(|file| file.vault(chance))
        .map_err(Failure::refused)
}

/// Opens the database alone.
pub(crate) async fn open_database(
    settings: &Settings,
    missing: Missing,
    clock: Arc<dyn Clock>,
) -> Result<Db, Failure> {
    let place = database(settings)?;
    if let DbSettings::Sqlite { path, .. } = &place
        && missing == Missing::Refused
        && !path.exists()
    {
        return Err(Failure::refused(format!(
            "there is no database {}: correct data.dir or database.url, or make it with `kabinet migrate`",
            path.display()
        )));
    }
    Db::open(place, clock).await.map_err(Failure::refused)
}

impl House {
    /// A house of parts that were opened one by one.
    pub(crate) fn of(settings: Settings, honest: Arc<HonestClock>, vault: Vault, db: Db) -> Self {
        let clock = Arc::clone(&honest) as Arc<dyn Clock>;
        Self {
            settings: Arc::new(settings),
            clock,
            honest,
            chance: Arc::new(OsChance),
            vault,
            db,
        }
    }

    /// Voids what a restored backup must not bring back to life, once (F18).
    pub(crate) async fn settle_restore(&self) -> Result<(), Failure> {
        let settled = self
            .db
            .write("kabinet.settle_restore", (), |tx, ()| Box::pin(settle(tx)));
        settled.await.map_err(Failure::failed)
    }

    /// Refuses a schema that lacks something, with what to do.
    pub(crate) async fn need_schema(&self) -> Result<(), Failure> {
        let pending = self.db.pending().await.map_err(Failure::refused)?;
        if pending.is_empty() {
            return Ok(());
        }
        Err(Failure::refused(format!(
            "the database lacks {} of this program's migrations ({}): make a backup, then run \
             `kabinet migrate` or start with --migrate",
            pending.len(),
            pending.join(", ")
        )))
    }

    /// Refuses a key file that is not the one this database was written under.
    pub(crate) async fn need_our_key(&self) -> Result<(), Failure> {
        audit::check_key(&self.db, &self.vault)
            .await
            .map_err(Failure::refused)
    }

    /// Goes on from the database's latest time; refuses a machine clock far ahead of it.
    pub(crate) async fn honour_clock(&self, accept_ahead: bool) -> Result<(), Failure> {
        let mark = self.db.clock_mark().await.map_err(Failure::failed)?;
        self.honest.honour(mark, accept_ahead).map_err(|ahead| {
            Failure::refused(format!(
                "{ahead}, more than 60 days apart. A clock that runs ahead would end every wait and every \
                 code at once. If the clock is right, start with --accept-clock; otherwise set it first"
            ))
        })?;
        match clocks(&self.db, &self.honest).await {
            Ok(Clocks::Differ(by)) if !accept_ahead => Err(Failure::refused(format!(
                "{}, or start with --accept-clock",
                differ_text(by)
            ))),
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::failed(error)),
        }
    }
}

/// The clocks of this machine and of the database server may differ by this much (F9).
const CLOCKS_DIFFER_MOST: Duration = Duration::from_secs(2);

/// How the clocks of this machine and of the database server stand to each other (F9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clocks {
    /// The database has none of its own: it is a file.
    One,
    /// They agree.
    Agree,
    /// They differ by this much, which is too much.
    Differ(Duration),
}

/// Compares the clocks. A slow answer is not taken for a wrong clock.
pub(crate) async fn clocks(db: &Db, clock: &HonestClock) -> Result<Clocks, DbError> {
    let asked = clock.now().as_micros();
    let Some(server) = db.server_time().await? else {
        return Ok(Clocks::One);
    };
    let answered = clock.now().as_micros();
    let ahead = asked.saturating_sub(server);
    let behind = server.saturating_sub(answered);
    let by = Duration::from_micros(u64::try_from(ahead.max(behind)).unwrap_or(0));
    Ok(if by > CLOCKS_DIFFER_MOST {
        Clocks::Differ(by)
    } else {
        Clocks::Agree
    })
}

/// That they differ, with what to do.
pub(crate) fn differ_text(by: Duration) -> String {
    format!(
        "the clocks of this machine and of the database server differ by {} s; set them",
        by.as_secs()
    )
}

async fn settle(tx: &mut WriteTx) -> Result<(), DbError> {
    if portable::unsettled(tx).await?.is_none() {
        return Ok(());
    }
    identity_service::restore::after_restore(tx).await?;
    recovery_service::upkeep::after_restore(tx).await?;
    notify::outbox::after_restore(tx).await?;
    portable::settle(tx).await
}
