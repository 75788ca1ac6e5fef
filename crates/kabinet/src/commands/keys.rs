//! `kabinet keys`.

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use audit::{Actor, Details, Entry};
use config::Settings;
use db::{DbError, HonestClock, ReadTx};
use identity_service::rewrap;
use kernel::{Clock, Timestamp};
use recovery_service::upkeep;
use vault::{KeyFile, KeyId, OsChance};

use crate::cli::{ConfigArgs, KeysCommand, RetireArgs};
use crate::failure::{Failure, say};
use crate::house::{self, House, Missing, Needs};

/// Makes a key file or a new key in it, for which nothing else of the configuration has to be ready; says what
/// is in it, and takes an old key out of it.
pub(crate) async fn run(command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::Create(args) => create(&args),
        KeysCommand::Rotate(args) => rotate(&args),
        KeysCommand::Status(args) => Box::pin(status(&args)).await,
        KeysCommand::Retire(args) => Box::pin(retire(&args)).await,
    }
}

fn create(args: &ConfigArgs) -> Result<(), Failure> {
    let now = HonestClock::start().now();
    let settings = Settings::load(args.config.as_deref()).map_err(Failure::refused)?;
    let path = settings.master_key_file();
    if let Some(folder) = path.parent() {
        private_folder(folder)?;
    }
    let file = KeyFile::create(&path, now, &OsChance).map_err(Failure::refused)?;
    say(&format!("made {}", file.path().display()));
    say(
        "Keep a copy of it apart from the backups of the database: without it nothing personal can be \
                 read again, and with both anybody can read everything.",
    );
    Ok(())
}

fn rotate(args: &ConfigArgs) -> Result<(), Failure> {
    let now = HonestClock::start().now();
    let settings = Settings::load(args.config.as_deref()).map_err(Failure::refused)?;
    let mut file = KeyFile::open(&settings.master_key_file()).map_err(Failure::refused)?;
    let id = file.rotate(now, &OsChance).map_err(Failure::failed)?;
    say(&format!(
        "the new master key is {id}; the old ones stay in {} for reading",
        file.path().display()
    ));
    say("Copy the file to every server, start them again, and keep a copy of it apart.");
    say(
        "The servers then wrap the accounts' keys by the new master; `kabinet keys status` says how far \
                 they are, and `kabinet keys retire` takes the old one out of use afterwards.",
    );
    Ok(())
}

/// A master key and how many accounts' keys it wraps.
struct Use {
    master: KeyId,
    made: Timestamp,
    count: u64,
}

/// How many keys of accounts and of recovery cases a master wraps.
async fn wrapped(tx: &mut ReadTx, master: KeyId) -> Result<u64, DbError> {
    let accounts = rewrap::count(tx, master).await?;
    let cases = upkeep::keys_under(tx, master).await?;
    Ok(accounts.saturating_add(cases))
}

/// Counts by master, and the keys that none of these wraps.
async fn uses(house: &House, file: &KeyFile) -> Result<(Vec<Use>, u64), Failure> {
    let masters: Vec<(KeyId, Timestamp)> = file.ring().masters().collect();
    let counted: Result<_, DbError> = house
        .db
        .read("keys.count", masters, |tx, masters| {
            Box::pin(async move {
                let mut uses = Vec::with_capacity(masters.len());
                for (master, made) in masters {
                    let count = wrapped(tx, *master).await?;
                    uses.push(Use {
                        master: *master,
                        made: *made,
                        count,
                    });
                }
                let accounts = rewrap::count_all(tx).await?;
                let cases = upkeep::keys(tx).await?;
                Ok((uses, accounts.saturating_add(cases)))
            })
        })
        .await;
    let (uses, all) = counted.map_err(Failure::failed)?;
    let known = uses
        .iter()
        .fold(0_u64, |sum, one| sum.saturating_add(one.count));
    Ok((uses, all.saturating_sub(known)))
}

async fn opened(args: &ConfigArgs) -> Result<(House, KeyFile), Failure> {
    let settings = house::settings(args, Needs::Storage)?;
    let file = KeyFile::open(&settings.master_key_file()).map_err(Failure::refused)?;
    let house = house::open(settings, Missing::Refused, |honest| {
        honest as Arc<dyn Clock>
    })
    .await?;
    house.need_schema().await?;
    Ok((house, file))
}

async fn status(args: &ConfigArgs) -> Result<(), Failure> {
    let (house, file) = Box::pin(opened(args)).await?;
    let (uses, foreign) = uses(&house, &file).await?;
    let last = uses.len().saturating_sub(1);
    for (place, one) in uses.iter().enumerate() {
        let state = match (place == last, one.count) {
            (true, _) => "in use",
            (false, 0) => "old, may be retired",
            (false, _) => "old, its keys are being rewrapped while a server runs",
        };
        say(&format!(
            "{} made {} wraps {} data keys: {state}",
            one.master, one.made, one.count
        ));
    }
    if foreign > 0 {
        return Err(Failure::failed(format!(
            "{foreign} data keys are wrapped by a master key that is not in {}: put the file back from its copy",
            file.path().display()
        )));
    }
    Ok(())
}

async fn retire(args: &RetireArgs) -> Result<(), Failure> {
    let id: KeyId = args.master.parse().map_err(Failure::refused)?;
    let (house, mut file) = Box::pin(opened(&args.config)).await?;
    let counted: Result<u64, DbError> = house
        .db
        .read("keys.count", id, |tx, id| Box::pin(wrapped(tx, *id)))
        .await;
    let count = counted.map_err(Failure::failed)?;
    file.retire(id, count).map_err(Failure::refused)?;
    let noted: Result<(), DbError> = house
        .db
        .write(
            "keys.retire",
            (house.vault.clone(), id),
            |tx, (vault, id)| {
                Box::pin(async move {
                    let details = Details::default().fact("master", id.to_string());
                    let entry = Entry::new(audit::action::MASTER_KEY_RETIRED, Actor::Operator)
                        .with(details.seal_system(vault));
                    audit::append(tx, entry).await.map(drop)
                })
            },
        )
        .await;
    noted.map_err(Failure::failed)?;
    say(&format!(
        "master key {id} is gone from {}",
        file.path().display()
    ));
    say(
        "Copy the file to every server and start them again. Backups that were made before the data keys were \
         rewrapped open with the file as it was: keep a copy of that as long as you keep them.",
    );
    Ok(())
}

/// Makes a folder that only its owner may enter. One that is there stays as it is.
pub(crate) fn private_folder(path: &Path) -> Result<(), Failure> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| {
            Failure::failed(format!(
                "cannot make the folder {}: {error}",
                path.display()
            ))
        })
}
