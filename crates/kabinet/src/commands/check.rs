//! `kabinet check`: everything that is wrong, at once, without changing anything.

use std::sync::Arc;
use std::time::Duration;

use config::{CallSettings, EmailSettings, Settings, Severity, SmsSettings};
use db::{BoxFuture, Db, DbError, HonestClock, WriteTx, idempotency};
use kernel::Clock;
use secrecy::ExposeSecret;
use tokio::net::TcpStream;
use vault::{KeyFile, OsChance, Vault};

use crate::cli::CheckArgs;
use crate::failure::{Failure, say};
use crate::house::{self, Clocks, House, Missing};
use crate::wiring::carriers::Carriers;

/// A carrier that does not answer in this time counts as not reachable.
const REACH: Duration = Duration::from_secs(5);

/// What was found so far.
#[derive(Default)]
struct Findings {
    good: u32,
    warnings: u32,
    wrong: u32,
}

impl Findings {
    fn good(&mut self, what: &str) {
        self.good = self.good.saturating_add(1);
        say(&format!("ok       {what}"));
    }

    fn warn(&mut self, what: &str) {
        self.warnings = self.warnings.saturating_add(1);
        say(&format!("warning  {what}"));
    }

    fn wrong(&mut self, what: &str) {
        self.wrong = self.wrong.saturating_add(1);
        say(&format!("WRONG    {what}"));
    }

    fn note<T, E: std::fmt::Display>(&mut self, good: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => {
                self.good(good);
                Some(value)
            }
            Err(error) => {
                self.wrong(&error.to_string());
                None
            }
        }
    }
}

/// Looks at everything and says what it found. Ends with a refusal when the server would.
pub(crate) async fn check(args: CheckArgs) -> Result<(), Failure> {
    let mut found = Findings::default();
    let settings = Settings::load(args.config.config.as_deref()).map_err(Failure::refused)?;
    check_settings(&settings, &mut found);
    let keys = KeyFile::open(&settings.master_key_file());
    let vault = keys.and_then(|file| file.vault(Arc::new(OsChance)));
    let vault = found.note("the key file opens", vault);
    let clock = Arc::new(HonestClock::start());
    let opened = house::open_database(
        &settings,
        Missing::Refused,
        Arc::clone(&clock) as Arc<dyn Clock>,
    );
    if let Some(db) = found.note("the database answers", opened.await) {
        check_database(&db, &clock, vault.as_ref(), &mut found).await;
        if let Some(vault) = vault {
            let house = House::of(settings.clone(), clock, vault, db.clone());
            found.note("the carriers can be set up", Carriers::of(&house));
        }
        db.close();
    }
    if args.carriers {
        reach_carriers(&settings, &mut found).await;
    }
    say(&format!(
        "{} good, {} to think about, {} wrong",
        found.good, found.warnings, found.wrong
    ));
    match found.wrong {
        0 => Ok(()),
        count => Err(Failure::refused(format!(
            "{count} to mend before the server can start"
        ))),
    }
}

fn check_settings(settings: &Settings, found: &mut Findings) {
    let problems = settings.validate();
    for problem in &problems {
        match problem.severity {
            Severity::Refusal => found.wrong(&problem.to_string()),
            Severity::Warning => found.warn(&problem.to_string()),
        }
    }
    if problems.is_empty() {
        found.good("the configuration");
    }
}

async fn check_database(db: &Db, clock: &HonestClock, vault: Option<&Vault>, found: &mut Findings) {
    match db.pending().await {
        Ok(pending) if pending.is_empty() => found.good("the schema is up to date"),
        Ok(pending) => {
            found.wrong(&format!(
                "migrations to apply: {}; run `kabinet migrate`",
                pending.join(", ")
            ));
            // The rest reads tables that may not be there.
            return;
        }
        Err(error) => return found.wrong(&error.to_string()),
    }
    match db.clock_mark().await {
        Ok(mark) => {
            found.note(
                "the clock agrees with the database's latest time",
                clock.honour(mark, false),
            );
        }
        Err(error) => found.wrong(&error.to_string()),
    }
    match house::clocks(db, clock).await {
        Ok(Clocks::One) => {}
        Ok(Clocks::Agree) => {
            found.good("the clocks of this machine and of the database server agree");
        }
        Ok(Clocks::Differ(by)) => found.wrong(&house::differ_text(by)),
        Err(error) => found.wrong(&error.to_string()),
    }
    match probe(db).await {
        Probe::Undone => found.good("the database takes writes (tried and taken back)"),
        Probe::Failed(error) => found.wrong(&format!("the database takes no writes: {error}")),
    }
    check_role(db, found).await;
    if let Some(vault) = vault {
        let ours = audit::check_key(db, vault).await;
        found.note("the key file belongs to this database", ours);
    }
}

/// Who can take over the program shall not be able to rewrite what was logged (A104).
async fn check_role(db: &Db, found: &mut Findings) {
    for table in audit::ONLY_ADDED {
        match db.may_rewrite(table).await {
            Ok(Some(true)) => {
                return found.warn(
                    "the database role may change or remove rows of the audit log; serve with one that only \
                     adds to it (docs/postgres-roles.sql)",
                );
            }
            Ok(_) => {}
            Err(error) => return found.wrong(&error.to_string()),
        }
    }
}

/// How a write that is taken back went.
enum Probe {
    Undone,
    Failed(DbError),
}

impl From<DbError> for Probe {
    fn from(error: DbError) -> Self {
        Self::Failed(error)
    }
}

/// Writes and takes it back.
async fn probe(db: &Db) -> Probe {
    let tried: Result<(), Probe> = db
        .write("kabinet.check", (), |tx, ()| {
            Box::pin(write(tx)) as BoxFuture<'_, _>
        })
        .await;
    match tried {
        Ok(()) => Probe::Undone,
        Err(probe) => probe,
    }
}

async fn write(tx: &mut WriteTx) -> Result<(), Probe> {
    idempotency::claim(tx, b"kabinet.check", "probe", &[0; 32]).await?;
    Err(Probe::Undone)
}

/// Where each carrier listens.
fn places(settings: &Settings) -> Vec<(&'static str, String)> {
    let mut places = Vec::new();
    let of_url = |url: &str| {
        let uri: Option<http::Uri> = url
            .split(['?', '{'])
            .next()
            .and_then(|url| url.parse().ok());
        let uri = uri?;
        let port = uri
            .port_u16()
            .unwrap_or(if uri.scheme_str() == Some("http") {
                80
            } else {
                443
            });
        Some(format!("{}:{port}", uri.host()?))
    };
    match &settings.sms {
        SmsSettings::None => {}
        SmsSettings::Smpp(smpp) => places.push(("sms", format!("{}:{}", smpp.host, smpp.port))),
        SmsSettings::Http(gateway) => {
            places.extend(of_url(gateway.url.expose_secret()).map(|place| ("sms", place)));
        }
    }
    if let CallSettings::Http(gateway) = &settings.call {
        places.extend(of_url(gateway.url.expose_secret()).map(|place| ("call", place)));
    }
    if let EmailSettings::Smtp(smtp) = &settings.email {
        places.push(("email", format!("{}:{}", smtp.host, smtp.port)));
    }
    places
}

async fn reach_carriers(settings: &Settings, found: &mut Findings) {
    for (section, place) in places(settings) {
        match tokio::time::timeout(REACH, TcpStream::connect(&place)).await {
            Ok(Ok(_)) => found.good(&format!("[{section}] {place} can be reached")),
            Ok(Err(error)) => {
                found.wrong(&format!("[{section}] {place} cannot be reached: {error}"));
            }
            Err(_) => found.wrong(&format!("[{section}] {place} does not answer")),
        }
    }
}
