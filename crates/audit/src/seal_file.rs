//! The file of seals: one line of JSON each, appended and flushed, never rewritten. It should live, or be
//! copied, where whoever owns the database cannot change it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::Seal;

/// No line is longer: 64 heads of about 90 bytes.
const LINE_MAX: u64 = 64 * 1024;

/// Why the file of seals cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SealFileError {
    /// A line is not a seal.
    #[error("{path}, line {line}: not a seal; the file was damaged or changed")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line from 1; 0 is the last one.
        line: usize,
    },
    /// The disk or the system said no.
    #[error("the file of seals {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> SealFileError + use<> {
    let path = path.to_owned();
    move |source| SealFileError::Io { path, source }
}

/// The seals of a file, oldest first, read as they are asked for. A last line without its end is the rest of
/// an append that was cut off (F10) and is left out.
pub fn read_seals(
    path: &Path,
) -> Result<impl Iterator<Item = Result<Seal, SealFileError>> + use<>, SealFileError> {
    let mut reader = BufReader::new(File::open(path).map_err(io_error(path))?);
    let path = path.to_owned();
    let mut line = 0_usize;
    Ok(std::iter::from_fn(move || {
        let mut text = String::new();
        line = line.saturating_add(1);
        match reader.by_ref().take(LINE_MAX).read_line(&mut text) {
            Ok(0) => None,
            Ok(_) => match text.strip_suffix('\n') {
                Some(text) => Some(Seal::from_line(text).map_err(|_| SealFileError::Line {
                    path: path.clone(),
                    line,
                })),
                None if text.len() as u64 >= LINE_MAX => Some(Err(SealFileError::Line {
                    path: path.clone(),
                    line,
                })),
                None => None,
            },
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Some(Err(SealFileError::Line {
                    path: path.clone(),
                    line,
                }))
            }
            Err(error) => Some(Err(io_error(&path)(error))),
        }
    }))
}

/// The newest whole seal of a file; `None` when there is no file or no seal in it.
pub(crate) fn last_seal(path: &Path) -> Result<Option<Seal>, SealFileError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(path)(error)),
    };
    let tail = tail(&mut file).map_err(io_error(path))?;
    let Some(end) = tail.iter().rposition(|byte| *byte == b'\n') else {
        return Ok(None);
    };
    let whole = tail.get(..end).unwrap_or_default();
    let start = whole
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at.saturating_add(1));
    let broken = || SealFileError::Line {
        path: path.to_owned(),
        line: 0,
    };
    let line = std::str::from_utf8(whole.get(start..).unwrap_or_default()).map_err(|_| broken())?;
    Seal::from_line(line).map(Some).map_err(|_| broken())
}

/// The end of the file: at least one whole line and the rest of a torn one.
fn tail(file: &mut File) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(
        length.saturating_sub(LINE_MAX.saturating_mul(2)),
    ))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Appends seals and waits until they are on the disk. A torn line left by a cut append is cut off first:
/// its seal is among those appended now.
pub(crate) fn append_seals(path: &Path, seals: &[Seal]) -> Result<(), SealFileError> {
    let is_new = !path.exists();
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        // Only for its owner: times and counts of the log are nobody else's business.
        .mode(0o600)
        .open(path)
        .map_err(io_error(path))?;
    let mut text = String::new();
    for seal in seals {
        text.push_str(&seal.to_line());
        text.push('\n');
    }
    let mut write = || {
        let end = tail(&mut file)?;
        let torn = end.iter().rev().take_while(|byte| **byte != b'\n').count();
        if torn > 0 {
            let length = file.metadata()?.len();
            file.set_len(length.saturating_sub(torn as u64))?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        if is_new && let Some(folder) = path.parent() {
            let folder = if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            };
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    write().map_err(io_error(path))
}
