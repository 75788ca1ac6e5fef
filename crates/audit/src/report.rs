//! What a verification found.

use std::fmt;

use kernel::Timestamp;

/// Where something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// An entry: the first bad one of its bucket. The entries from `from` to `seq` may be bad as well: before
    /// `from` everything is proven, by a seal or by the entries' own hashes.
    Entry {
        /// The bucket.
        bucket: u8,
        /// The entry.
        seq: i64,
        /// The first entry that is not proven.
        from: i64,
    },
    /// The head of a bucket.
    Head {
        /// The bucket.
        bucket: u8,
    },
    /// A seal.
    Seal {
        /// Its number.
        number: i64,
    },
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The content is not what was hashed.
    Edited,
    /// The entry was replaced together with its hash; it and the next or the previous one do not follow from one
    /// another.
    Replaced,
    /// The entry is missing although later ones exist.
    Deleted,
    /// Another entry stands here: the one that belongs at `belongs_at`.
    Reordered {
        /// Its own place.
        belongs_at: i64,
    },
    /// This and all later ones are missing although a head or a seal names later ones.
    Truncated,
    /// A whole piece of history, right in itself, is not the one that was sealed.
    Forked,
    /// Entries stand after the head, or the head is not the last entry's.
    HeadWrong,
    /// The signature is not by a trusted key over this content.
    SignatureWrong,
    /// The seal does not follow from the one before, or its root is not that of the heads.
    SealWrong,
}

/// One thing found. At most one is reported for each bucket, the first, and one for the seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What.
    pub what: What,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Entry { bucket, seq, from } if from < seq => {
                write!(f, "bucket {bucket}, entry {seq} (possibly from {from})")?;
            }
            Place::Entry { bucket, seq, .. } => write!(f, "bucket {bucket}, entry {seq}")?,
            Place::Head { bucket } => write!(f, "bucket {bucket}, head")?,
            Place::Seal { number } => write!(f, "seal {number}")?,
        }
        match self.what {
            What::Edited => f.write_str(": edited"),
            What::Replaced => {
                f.write_str(": replaced, it and its neighbour do not follow from one another")
            }
            What::Deleted => f.write_str(": deleted"),
            What::Reordered { belongs_at } => {
                write!(f, ": moved, entry {belongs_at} stands here")
            }
            What::Truncated => f.write_str(": cut off from here on"),
            What::Forked => f.write_str(": another history than the one that was sealed"),
            What::HeadWrong => f.write_str(": does not match the last entry"),
            What::SignatureWrong => f.write_str(": not signed by a trusted key as it stands"),
            What::SealWrong => f.write_str(": does not follow from the seal before it"),
        }
    }
}

/// What was read and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries that were checked and are right.
    pub entries: u64,
    /// Entries among them that no seal proves yet (those of the last minute).
    pub unsealed: u64,
    /// Seals that were checked and are right.
    pub seals: u64,
    /// When the newest right seal was made. Nobody vouches for what came later, so it should be recent.
    pub sealed_until: Option<Timestamp>,
    /// Seals of the database that the file lacks.
    pub unexported: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} entries right, {} of them not sealed yet",
            self.entries, self.unsealed
        )?;
        writeln!(
            f,
            "{} seals right, {} of them not in the file",
            self.seals, self.unexported
        )?;
        match self.sealed_until {
            Some(at) => writeln!(f, "sealed until {at}")?,
            None => writeln!(f, "never sealed")?,
        }
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        f.write_str(if self.is_clean() {
            "the log is whole"
        } else {
            "the log was tampered with"
        })
    }
}
