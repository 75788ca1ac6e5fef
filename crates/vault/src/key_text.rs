//! The text of a key file, version 1: one word and its values per line.
//!
//! ```text
//! kabinet-key-file 1
//! # comments
//! generation 2
//! lasting <base64>
//! system <id> <base64>            one or more, the current one last
//! master <id> <created> <base64>  one or more, the current one last; microseconds UTC
//! checksum <hex>                  SHA-256 of every byte above this line
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::Timestamp;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::ring::{KeyRing, Master};
use crate::{KeyId, WrappedKey, WrappedSecrets};

const FORMAT: &str = "kabinet-key-file";
const VERSION: &str = "1";
const WARNING: &str = "\
# Whoever has this file and the database can read everything in it; without this file nobody can.
# Keep a copy of it apart from the copies of the database. Do not edit it.
";

/// Why a text is not a key file. Never quotes the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextError {
    /// The first line does not name the format.
    NotAKeyFile,
    /// Written by a newer program.
    Version,
    /// The last line is not the checksum of what is above: cut or edited.
    Checksum,
    /// A line, counted from 1, is not understood although the checksum holds.
    Line(usize),
    /// A part is missing although the checksum holds.
    Missing(&'static str),
}

pub(crate) fn write(ring: &KeyRing) -> Zeroizing<String> {
    // Room for everything at once, so that no half-written secret is left behind by growing.
    let lines = ring.masters.len().saturating_add(ring.secrets.system.len());
    let room = lines.saturating_mul(256).saturating_add(2048);
    let mut text = Zeroizing::new(String::with_capacity(room));
    let mut line = |words: &[&str]| {
        for (n, word) in words.iter().enumerate() {
            if n > 0 {
                text.push(' ');
            }
            text.push_str(word);
        }
        text.push('\n');
    };
    line(&[FORMAT, VERSION]);
    line(&[WARNING.trim_end()]);
    line(&["generation", &ring.generation.to_string()]);
    line(&["lasting", &base64(ring.secrets.lasting.as_bytes())]);
    for (id, wrapped) in &ring.secrets.system {
        line(&["system", &id.to_string(), &base64(wrapped.as_bytes())]);
    }
    for master in &ring.masters {
        let created = master.created.as_micros().to_string();
        let secret = base64(master.secret.as_ref());
        line(&["master", &master.id.to_string(), &created, &secret]);
    }
    let checksum = checksum(&text);
    text.push_str("checksum ");
    text.push_str(&checksum);
    text.push('\n');
    text
}

pub(crate) fn read(text: &str) -> Result<KeyRing, TextError> {
    let first = text.lines().next().unwrap_or_default();
    let Some((FORMAT, version)) = first.split_once(' ') else {
        return Err(TextError::NotAKeyFile);
    };
    if version != VERSION {
        return Err(TextError::Version);
    }
    let body = text
        .rfind("checksum ")
        .and_then(|at| text.split_at_checked(at))
        .filter(|(body, last)| *last == format!("checksum {}\n", checksum(body)))
        .map(|(body, _)| body)
        .ok_or(TextError::Checksum)?;

    let mut generation = None;
    let mut lasting = None;
    let mut system = Vec::new();
    let mut masters: Vec<Master> = Vec::new();
    for (at, line) in body.lines().enumerate().skip(1) {
        if line.starts_with('#') {
            continue;
        }
        let bad = TextError::Line(at.saturating_add(1));
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["generation", number] if generation.is_none() => {
                generation = Some(number.parse().map_err(|_| bad)?);
            }
            ["lasting", key] if lasting.is_none() => {
                lasting = Some(wrapped(key).ok_or(bad)?);
            }
            ["system", id, key] => {
                system.push((id.parse().map_err(|_| bad)?, wrapped(key).ok_or(bad)?));
            }
            ["master", id, created, secret] => {
                let id: KeyId = id.parse().map_err(|_| bad)?;
                if masters.iter().any(|master| master.id == id) {
                    return Err(bad);
                }
                masters.push(Master {
                    id,
                    created: created
                        .parse()
                        .map(Timestamp::from_micros)
                        .map_err(|_| bad)?,
                    secret: secret32(secret).ok_or(bad)?,
                });
            }
            _ => return Err(bad),
        }
    }
    if masters.is_empty() {
        return Err(TextError::Missing("master"));
    }
    if system.is_empty() {
        return Err(TextError::Missing("system"));
    }
    Ok(KeyRing {
        generation: generation.ok_or(TextError::Missing("generation"))?,
        masters,
        secrets: WrappedSecrets {
            lasting: lasting.ok_or(TextError::Missing("lasting"))?,
            system,
        },
    })
}

fn base64(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(bytes))
}

fn wrapped(text: &str) -> Option<WrappedKey> {
    STANDARD.decode(text).ok().map(WrappedKey::from_bytes)
}

fn secret32(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    bytes.as_slice().try_into().ok().map(Zeroizing::new)
}

fn checksum(body: &str) -> String {
    hex::encode(Sha256::digest(body))
}
