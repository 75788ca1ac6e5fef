//! `kabinet audit`.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit::{Report, Scope};
use kernel::Clock;
use vault::PublicKey;

use crate::cli::{AuditArgs, AuditCommand, ConfigArgs, ExportArgs, VerifyExportArgs};
use crate::failure::{Failure, say};
use crate::house::{self, House, Missing, Needs};
use crate::progress;
use crate::wiring::work;

/// Checks, exports or names the key of the log.
pub(crate) async fn run(command: AuditCommand) -> Result<(), Failure> {
    match command {
        AuditCommand::Verify(args) => Box::pin(verify(args)).await,
        AuditCommand::Export(args) => Box::pin(export(args)).await,
        AuditCommand::VerifyExport(args) => verify_export(&args),
        AuditCommand::Key(args) => {
            let house = open(&args).await?;
            say(&house.vault.public_key().to_string());
            Ok(())
        }
    }
}

async fn open(args: &ConfigArgs) -> Result<House, Failure> {
    let settings = house::settings(args, Needs::Storage)?;
    let house = house::open(settings, Missing::Refused, |honest| {
        honest as Arc<dyn Clock>
    })
    .await?;
    house.need_schema().await?;
    Ok(house)
}

async fn verify(args: AuditArgs) -> Result<(), Failure> {
    let house = open(&args.config).await?;
    let trusted = trusted(&house, &args.trusted)?;
    let seals = seals(&house, args.seals.as_deref())?;
    let seals = seals
        .map(|path| audit::read_seals(&path))
        .transpose()
        .map_err(Failure::failed)?;
    let spinner = progress::spinner("reading the whole log");
    let report = audit::verify(&house.db, seals, &trusted).await;
    spinner.finish_and_clear();
    tell(&report.map_err(Failure::failed)?)
}

async fn export(args: ExportArgs) -> Result<(), Failure> {
    let house = open(&args.audit.config).await?;
    let trusted = trusted(&house, &args.audit.trusted)?;
    let scope = match &args.account {
        None => Scope::All,
        Some(id) => Scope::Account(
            id.parse()
                .map_err(|_| Failure::refused("--account is not an account's id"))?,
        ),
    };
    let seals = seals(&house, args.audit.seals.as_deref())?;
    let seals = seals
        .map(|path| audit::read_seals(&path))
        .transpose()
        .map_err(Failure::failed)?;
    let (file, part) = part_of(&args.file)?;
    let mut to = BufWriter::new(file);
    let spinner = progress::spinner("writing the log");
    let report = audit::export(&house.db, seals, &trusted, scope, &mut to).await;
    spinner.finish_and_clear();
    let report = report.map_err(Failure::failed)?;
    let file = to.into_inner().map_err(Failure::failed)?;
    file.sync_all()
        .and_then(|()| std::fs::rename(&part, &args.file))
        .map_err(Failure::failed)?;
    say(&format!(
        "wrote {}; it is checked with: kabinet audit verify-export --trust {} {}",
        args.file.display(),
        house.vault.public_key(),
        args.file.display()
    ));
    tell(&report)
}

fn verify_export(args: &VerifyExportArgs) -> Result<(), Failure> {
    let keys = keys(&args.trusted)?;
    let file = File::open(&args.file)
        .map_err(|error| Failure::failed(format!("{}: {error}", args.file.display())))?;
    let report = audit::verify_export(BufReader::new(file), &keys).map_err(Failure::tampered)?;
    tell(&report)
}

/// A new file beside `path` that gets its name when it is whole (F10). Others may not read it.
fn part_of(path: &Path) -> Result<(File, PathBuf), Failure> {
    if path.exists() {
        return Err(Failure::refused(format!(
            "{} exists; name another file",
            path.display()
        )));
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part);
    let file = file.map_err(|error| Failure::failed(format!("{}: {error}", part.display())))?;
    Ok((file, part))
}

/// The file of seals to compare with: the named one must be there, the usual one may not be yet.
fn seals(house: &House, named: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
    if let Some(path) = named {
        return if path.exists() {
            Ok(Some(path.to_owned()))
        } else {
            Err(Failure::refused(format!(
                "there is no file of seals {}",
                path.display()
            )))
        };
    }
    Ok(Some(work::seals_file(house)).filter(|path| path.exists()))
}

fn trusted(house: &House, more: &[String]) -> Result<Vec<PublicKey>, Failure> {
    let mut trusted = keys(more)?;
    trusted.push(house.vault.public_key());
    Ok(trusted)
}

fn keys(texts: &[String]) -> Result<Vec<PublicKey>, Failure> {
    let keys = texts.iter().map(|text| text.parse::<PublicKey>());
    keys.collect::<Result<_, _>>()
        .map_err(|_| Failure::refused("--trust is not a public key of 64 hexadecimal digits"))
}

fn tell(report: &Report) -> Result<(), Failure> {
    if report.is_clean() {
        say(&report.to_string());
        return Ok(());
    }
    Err(Failure::tampered(report))
}
