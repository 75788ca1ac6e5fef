//! Jobs and what is done regularly by one of all servers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use audit::SealError;
use db::Db;
use identity_service::changes::Holds;
use identity_service::trusted::{FreezeByTrusted, TrustedFreeze};
use identity_service::{Env, Suspicion, TellSuspicion, codes::LearnCalls, rewrap::Rewrap};
use jobs::{JobError, Periodic, Runner, RunnerSettings};
use notify::texts::{Composer, TextSettings};
use notify::{Courier, Ways};
use recovery_service::start::{Tell, TellOwner};
use vault::Vault;

use crate::failure::Failure;
use crate::house::House;

/// How often the log is sealed (A104: at most 5 minutes).
const SEAL_EVERY: Duration = Duration::from_secs(60);
/// A seal younger than this is enough: less than the period, so that a run that comes early still seals.
const SEAL_LEAST: Duration = Duration::from_secs(30);
/// How often data keys under old master keys are looked for.
const REWRAP_EVERY: Duration = Duration::from_secs(60);
/// How often changes that wait are looked at (CH-2).
const HOLDS_EVERY: Duration = Duration::from_secs(60);
/// How often rows that have served are removed.
const FORGET_EVERY: Duration = Duration::from_secs(10 * 60);

/// The file of seals of an installation.
pub(crate) fn seals_file(house: &House) -> PathBuf {
    house.settings.data.dir.join("audit.seals")
}

/// A runner that knows every kind of job and every regular work; not started.
pub(crate) fn runner(house: &House, env: &Env, ways: Ways) -> Result<Runner, Failure> {
    let (db, vault) = (house.db.clone(), house.vault.clone());
    let texts = TextSettings {
        brand_ru: house.settings.brand.ru.clone(),
        brand_en: house.settings.brand.en.clone(),
        ..TextSettings::new(&house.settings.server.public_origin)
    };
    let composer = Composer::new(&texts).map_err(Failure::refused)?;
    let learnt = Arc::new(LearnCalls::new(&vault));
    let courier = Courier::new(db.clone(), vault.clone(), composer, ways, Some(learnt));
    let seal = Sealing {
        db: db.clone(),
        vault: vault.clone(),
        file: seals_file(house),
    };
    let rewrap = Rewrap::new(&db, &vault);
    let chance = Arc::clone(&house.chance);
    let settings = RunnerSettings {
        owner: host_name(),
        ..RunnerSettings::default()
    };
    Ok(courier
        .register(Runner::new(db.clone(), vault, chance, settings))
        .handle::<Suspicion>(TellSuspicion {
            db: db.clone(),
            env: env.clone(),
        })
        .handle::<TrustedFreeze>(FreezeByTrusted {
            db: db.clone(),
            env: env.clone(),
        })
        .handle::<Tell>(TellOwner {
            db: db.clone(),
            env: env.clone(),
        })
        .every("audit.seal", SEAL_EVERY, seal)
        .every(
            "forget.messages",
            FORGET_EVERY,
            notify::outbox::Cleanup::new(&db),
        )
        .every("keys.rewrap", REWRAP_EVERY, rewrap)
        .every(
            "keep.cases",
            FORGET_EVERY,
            recovery_service::upkeep::Cleanup::new(&db, env),
        )
        .every(
            "forget.codes",
            FORGET_EVERY,
            identity_service::upkeep::Cleanup::new(&db, env),
        )
        .every("changes.holds", HOLDS_EVERY, Holds::new(&db, env)))
}

/// Names the machine in the rows of leases, for people who look there.
fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

struct Sealing {
    db: Db,
    vault: Vault,
    file: PathBuf,
}

#[async_trait]
impl Periodic for Sealing {
    async fn run(&self) -> Result<(), JobError> {
        let sealed = audit::seal_now(&self.db, &self.vault, &self.file, SEAL_LEAST).await;
        metrics::gauge!("kabinet_audit_seal_ok").set(f64::from(u8::from(sealed.is_ok())));
        match sealed {
            Ok(_) => Ok(()),
            Err(SealError::Db(error)) => Err(error.into()),
            Err(error) => {
                tracing::error!(%error, "the log was not sealed");
                Err(JobError::Again {
                    code: error.code(),
                    after: None,
                })
            }
        }
    }
}
