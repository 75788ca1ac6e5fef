//! `kabinet keys`.

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use config::Settings;
use db::HonestClock;
use kernel::Clock;
use vault::{KeyFile, OsChance};

use crate::cli::KeysCommand;
use crate::failure::{Failure, say};

/// Makes a key file, or a new key in it. Nothing else of the configuration has to be ready for that.
pub(crate) fn run(command: KeysCommand) -> Result<(), Failure> {
    let now = HonestClock::start().now();
    match command {
        KeysCommand::Create(args) => {
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
        }
        KeysCommand::Rotate(args) => {
            let settings = Settings::load(args.config.as_deref()).map_err(Failure::refused)?;
            let mut file = KeyFile::open(&settings.master_key_file()).map_err(Failure::refused)?;
            let id = file.rotate(now, &OsChance).map_err(Failure::failed)?;
            say(&format!(
                "the new master key is {id}; the old ones stay in {} for reading",
                file.path().display()
            ));
            say("Copy the file to every server, start them again, and keep a copy of it apart.");
        }
    }
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
