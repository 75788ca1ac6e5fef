//! `kabinet backup` and `kabinet restore`.
//!
//! The file of seals goes with a backup, beside it: after a restore the log must go on from the seals of the
//! same moment. The key file does not: who has both can read everything.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use db::portable::PortableError;
use kernel::Clock;

use crate::cli::{BackupArgs, RestoreArgs};
use crate::failure::{Failure, say};
use crate::house::{self, Missing, Needs};
use crate::progress;
use crate::wiring::work;

/// Writes a copy of one moment, while the server may go on serving.
pub(crate) async fn backup(args: BackupArgs) -> Result<(), Failure> {
    if args.file.exists() {
        return Err(Failure::refused(format!(
            "{} exists; name another file",
            args.file.display()
        )));
    }
    let settings = house::settings(&args.config, Needs::Storage)?;
    let house = house::open(settings, Missing::Refused, |honest| {
        honest as Arc<dyn Clock>
    })
    .await?;
    house.need_schema().await?;
    house.need_our_key().await?;
    // Before the rows: a seal is in the database first and in the file after, so the copy never has more.
    let seals = work::seals_file(&house);
    if seals.exists() {
        copy(&seals, &beside(&args.file, ".seals")).map_err(Failure::failed)?;
    }
    let spinner = progress::spinner("writing the backup");
    let written = house.db.export_file(&args.file).await;
    spinner.finish_and_clear();
    let written = written.map_err(Failure::failed)?;
    say(&format!(
        "wrote {} rows to {}",
        written.rows,
        args.file.display()
    ));
    say("The key file is not in it: keep a copy of that apart.");
    house.db.close();
    Ok(())
}

/// Reads a copy into an empty database and voids what must not live again (F18).
pub(crate) async fn restore(args: RestoreArgs) -> Result<(), Failure> {
    if !args.file.is_file() {
        return Err(Failure::refused(format!(
            "there is no file {}",
            args.file.display()
        )));
    }
    let settings = house::settings(&args.config, Needs::Storage)?;
    let house = house::open(settings, Missing::Made, |honest| honest as Arc<dyn Clock>).await?;
    let spinner = progress::spinner("restoring");
    let seals = work::seals_file(&house);
    let at = house.honest.now().as_secs();
    let beside = || put_seals(&args.file, &seals, at);
    let restored = house.db.import_file(&args.file, beside).await;
    spinner.finish_and_clear();
    let restored = restored.map_err(failure)?;
    house.need_our_key().await?;
    house.honour_clock(true).await?;
    house.settle_restore().await?;
    house.db.raise_clock_mark().await.map_err(Failure::failed)?;
    say(&format!("restored {} rows", restored.rows));
    say(
        "All sessions, codes and links are ended; messages that were waiting for over 10 minutes are dropped.",
    );
    house.db.close();
    Ok(())
}

fn failure(error: PortableError) -> Failure {
    match error {
        PortableError::File(_) | PortableError::Db(_) => Failure::failed(error),
        PortableError::NotEmpty(_) => Failure::refused(format!(
            "{error}. A restore goes into a new database only: name another one, or move this one away"
        )),
        _ => Failure::refused(error),
    }
}

/// Puts the backup's file of seals in place, and keeps the one found there as evidence.
fn put_seals(backup: &Path, place: &Path, at: i64) -> io::Result<()> {
    if place.exists() {
        let kept = beside(place, &format!(".before-restore-{at}"));
        fs::rename(place, &kept)?;
        say(&format!(
            "kept the former file of seals as {}",
            kept.display()
        ));
    }
    let copied = beside(backup, ".seals");
    if copied.exists() {
        copy(&copied, place)?;
    }
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or(OsStr::new("backup")).to_owned();
    name.push(ending);
    path.with_file_name(name)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let copied = fs::copy(from, to).and_then(|_| fs::File::open(to)?.sync_all());
    copied.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", to.display())))
}
