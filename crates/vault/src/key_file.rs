//! The key file: made once, guarded by its permissions, replaced whole.
//!
//! A new file is written under another name, flushed to the disk and only then given its name,
//! so that a cut power never leaves half a key (F10).

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernel::{Chance, Timestamp};
use rustix::fs::{CWD, Mode, OFlags, RenameFlags};
use zeroize::Zeroizing;

use crate::key_text::{self, TextError};
use crate::{KeyId, KeyRing, RetireError, Vault, VaultError};

/// A key file is a few hundred bytes; a thousand masters still fit.
const MAX_BYTES: u64 = 256 * 1024;

/// Why a key file was not made, opened or replaced. The texts say what to do (F19).
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// No file there.
    #[error(
        "there is no key file {0}: put it back from its copy, \
         or make one if this installation has no data yet"
    )]
    Missing(PathBuf),
    /// `create` found a file, and never overwrites one.
    #[error("{0} exists already: a key file is never overwritten, data under it would be lost")]
    Exists(PathBuf),
    /// The path is a symbolic link.
    #[error("{0} is a symbolic link: give the path of the key file itself")]
    Symlink(PathBuf),
    /// The path is a folder, a pipe or a device.
    #[error("{0} is not a regular file: give the path of the key file")]
    NotAFile(PathBuf),
    /// Others may read or write it.
    #[error("others may use the key file {path} (mode {mode:o}): run chmod 600 {path}")]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to another user than the process.
    #[error(
        "the key file {path} belongs to user {owner}, Kabinet runs as {us}: run chown {us} {path}"
    )]
    Owner {
        /// The file.
        path: PathBuf,
        /// The user id of its owner.
        owner: u32,
        /// The user id of this process.
        us: u32,
    },
    /// Something else stands there.
    #[error("{0} is not a key file of Kabinet: give the path of the key file")]
    NotAKeyFile(PathBuf),
    /// Made by a newer program.
    #[error("the key file {0} is of a version this program does not know: start a newer Kabinet")]
    Version(PathBuf),
    /// Cut or edited.
    #[error("the key file {0} is damaged (its checksum does not match): put it back from its copy")]
    Checksum(PathBuf),
    /// The checksum holds and the content does not.
    #[error("the key file {path} is not understood ({what}): put it back from its copy")]
    Content {
        /// The file.
        path: PathBuf,
        /// Which part, never its value.
        what: String,
    },
    /// The file of a rotation under way, or of one that was interrupted.
    #[error(
        "{0} exists: another change of the key file is under way or was interrupted; \
         if none is under way, delete it and try again"
    )]
    Busy(PathBuf),
    /// Another process replaced the file since it was opened.
    #[error("the key file {0} was changed meanwhile: look at it and try again")]
    Changed(PathBuf),
    /// The master may not be retired.
    #[error(transparent)]
    Retire(#[from] RetireError),
    /// The keys in the file do not open each other.
    #[error("the keys in {path} do not belong together: put the file back from its copy")]
    Keys {
        /// The file.
        path: PathBuf,
        /// What the vault said.
        source: VaultError,
    },
    /// The disk or the system said no.
    #[error("the key file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// A key file on the disk and the keys in it.
#[derive(Debug)]
pub struct KeyFile {
    path: PathBuf,
    ring: KeyRing,
}

impl KeyFile {
    /// Makes a key file with fresh keys, mode 0600. Refuses to overwrite.
    pub fn create(path: &Path, now: Timestamp, chance: &dyn Chance) -> Result<Self, KeyFileError> {
        let ring = KeyRing::generate(now, chance);
        if path.symlink_metadata().is_ok() {
            return Err(KeyFileError::Exists(path.to_owned()));
        }
        let waiting = write_waiting(path, &ring)?;
        let named = rustix::fs::renameat_with(CWD, &waiting, CWD, path, RenameFlags::NOREPLACE);
        match named {
            Ok(()) => {}
            Err(error) => {
                drop_waiting(&waiting);
                return Err(if error == rustix::io::Errno::EXIST {
                    KeyFileError::Exists(path.to_owned())
                } else {
                    io_error(path)(error.into())
                });
            }
        }
        sync_folder(path)?;
        Ok(Self {
            path: path.to_owned(),
            ring,
        })
    }

    /// Opens a key file, if nobody else could have read or written it.
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        let ring = read(path)?;
        Ok(Self {
            path: path.to_owned(),
            ring,
        })
    }

    /// The keys.
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The vault of these keys.
    pub fn vault(&self, chance: Arc<dyn Chance>) -> Result<Vault, KeyFileError> {
        Vault::of_ring(&self.ring, chance).map_err(self.keys_error())
    }

    /// Makes a new current master and keeps the old ones for reading. Afterwards start every
    /// node with the new file, rewrap the data keys of accounts, and [`KeyFile::retire`].
    /// Gives the id of the new master.
    pub fn rotate(&mut self, now: Timestamp, chance: &dyn Chance) -> Result<KeyId, KeyFileError> {
        let next = self.ring.rotated(now, chance).map_err(self.keys_error())?;
        self.replace(next)?;
        self.ring
            .masters()
            .last()
            .map(|(id, _)| id)
            .ok_or_else(|| KeyFileError::NotAKeyFile(self.path.clone()))
    }

    /// Forgets an old master for ever. `still_wrapped` is how many data keys of accounts are
    /// still under it, counted by the caller after rewrapping; it must be 0.
    pub fn retire(&mut self, id: KeyId, still_wrapped: u64) -> Result<(), KeyFileError> {
        let next = self.ring.retired(id, still_wrapped)?;
        self.replace(next)
    }

    fn replace(&mut self, next: KeyRing) -> Result<(), KeyFileError> {
        let waiting = write_waiting(&self.path, &next)?;
        let result = self.put_in_place(&waiting);
        if result.is_err() {
            drop_waiting(&waiting);
        }
        result?;
        self.ring = next;
        sync_folder(&self.path)
    }

    /// The waiting file also keeps others out: only its maker gets here.
    fn put_in_place(&self, waiting: &Path) -> Result<(), KeyFileError> {
        if read(&self.path)?.generation() != self.ring.generation() {
            return Err(KeyFileError::Changed(self.path.clone()));
        }
        std::fs::rename(waiting, &self.path).map_err(io_error(&self.path))
    }

    fn keys_error(&self) -> impl FnOnce(VaultError) -> KeyFileError + use<> {
        let path = self.path.clone();
        move |source| KeyFileError::Keys { path, source }
    }
}

/// Writes the ring beside its place, flushed. Gives the path written.
fn write_waiting(path: &Path, ring: &KeyRing) -> Result<PathBuf, KeyFileError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let waiting = PathBuf::from(name);
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::open(&waiting, flags, Mode::RUSR | Mode::WUSR);
    let fd = match opened {
        Ok(fd) => fd,
        Err(rustix::io::Errno::EXIST) => return Err(KeyFileError::Busy(waiting)),
        Err(error) => return Err(io_error(&waiting)(error.into())),
    };
    let mut file = File::from(fd);
    let text = key_text::write(ring);
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    if let Err(error) = written {
        drop_waiting(&waiting);
        return Err(io_error(&waiting)(error));
    }
    Ok(waiting)
}

/// Removes a waiting file that will not be used. When that fails too, the next change says so.
fn drop_waiting(waiting: &Path) {
    let _: io::Result<()> = std::fs::remove_file(waiting);
}

/// Makes the new name itself survive a power cut.
fn sync_folder(path: &Path) -> Result<(), KeyFileError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(io_error(path))
}

fn read(path: &Path) -> Result<KeyRing, KeyFileError> {
    // NONBLOCK so that a pipe put there does not hang the start.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(rustix::io::Errno::NOENT) => return Err(KeyFileError::Missing(path.to_owned())),
        Err(rustix::io::Errno::LOOP) => return Err(KeyFileError::Symlink(path.to_owned())),
        Err(error) => return Err(io_error(path)(error.into())),
    };
    guard(path, &file)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
    file.take(MAX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(io_error(path))?;
    let text =
        std::str::from_utf8(&bytes).map_err(|_| KeyFileError::NotAKeyFile(path.to_owned()))?;
    key_text::read(text).map_err(|error| text_error(path, error))
}

/// Looks at the file that was opened, not at the name: the name may point elsewhere by now.
fn guard(path: &Path, file: &File) -> Result<(), KeyFileError> {
    let meta = file.metadata().map_err(io_error(path))?;
    if !meta.is_file() {
        return Err(KeyFileError::NotAFile(path.to_owned()));
    }
    check_owner(path, meta.uid(), rustix::process::geteuid().as_raw())?;
    let mode = meta.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Permissions {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

fn check_owner(path: &Path, owner: u32, us: u32) -> Result<(), KeyFileError> {
    if owner == us {
        return Ok(());
    }
    Err(KeyFileError::Owner {
        path: path.to_owned(),
        owner,
        us,
    })
}

fn text_error(path: &Path, error: TextError) -> KeyFileError {
    let path = path.to_owned();
    match error {
        TextError::NotAKeyFile => KeyFileError::NotAKeyFile(path),
        TextError::Version => KeyFileError::Version(path),
        TextError::Checksum => KeyFileError::Checksum(path),
        TextError::Line(line) => KeyFileError::Content {
            path,
            what: format!("line {line}"),
        },
        TextError::Missing(part) => KeyFileError::Content {
            path,
            what: format!("no line «{part}»"),
        },
    }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> KeyFileError + use<> {
    let path = path.to_owned();
    move |source| KeyFileError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F19: a root process would otherwise trust a file anybody wrote.
    #[test]
    fn another_owner_is_refused_with_the_command_that_mends_it() {
        let refused = check_owner(Path::new("/data/key"), 1000, 0).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the key file /data/key belongs to user 1000, Kabinet runs as 0: run chown 0 /data/key"
        );
        assert!(check_owner(Path::new("/data/key"), 7, 7).is_ok());
    }
}
