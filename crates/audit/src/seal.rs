//! A seal: a signed statement of what the heads of all buckets were at a moment.
//!
//! A seal lists only the heads that moved since the one before it, and the Merkle root over all 64; whoever
//! reads the seals in order knows all heads at every moment. Each holds the hash of the one before.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use vault::{PublicKey, Vault};

use crate::chain::{BUCKETS, Hash, genesis, hash, merkle_root};

const VERSION: u8 = 1;
const PURPOSE: &str = "audit seal";
const HEAD_BYTES: usize = 1 + 8 + 32;

/// The newest entry of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The bucket.
    pub bucket: u8,
    /// The entry's place; 0 when there is none yet.
    pub seq: i64,
    /// Its hash.
    pub hash: Hash,
}

impl Head {
    fn encode(&self) -> Vec<u8> {
        [
            &[self.bucket],
            self.seq.to_be_bytes().as_slice(),
            &self.hash,
        ]
        .concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (bucket, rest) = bytes.split_first()?;
        let (seq, rest) = rest.split_first_chunk()?;
        let hash = rest.try_into().ok()?;
        (*bucket < BUCKETS).then(|| Self {
            bucket: *bucket,
            seq: i64::from_be_bytes(*seq),
            hash,
        })
    }
}

/// The heads of all buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heads(Vec<Head>);

impl Heads {
    /// As they are before the first entry.
    pub(crate) fn empty() -> Self {
        Self(
            (0..BUCKETS)
                .map(|bucket| Head {
                    bucket,
                    seq: 0,
                    hash: genesis(bucket),
                })
                .collect(),
        )
    }

    pub(crate) fn get(&self, bucket: u8) -> Option<&Head> {
        self.0.get(usize::from(bucket))
    }

    pub(crate) fn set(&mut self, head: Head) {
        if let Some(place) = self.0.get_mut(usize::from(head.bucket)) {
            *place = head;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Head> {
        self.0.iter()
    }

    pub(crate) fn root(&self) -> Hash {
        merkle_root(&self.0.iter().map(Head::encode).collect::<Vec<_>>())
    }
}

/// A seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// From 1 without gaps.
    pub number: i64,
    /// When it was made.
    pub at: Timestamp,
    /// The heads that moved since the seal before, in the order of the buckets.
    pub changed: Vec<Head>,
    /// The Merkle root over all heads.
    pub root: Hash,
    /// The hash of the seal before; of the first, 32 zeros.
    pub prev: Hash,
    /// The hash of all of the above and the public key.
    pub hash: Hash,
    /// Whose signature it is.
    pub key: [u8; 32],
    /// The signature over the hash.
    pub signature: Vec<u8>,
}

impl Seal {
    pub(crate) fn make(
        (number, prev): (i64, Hash),
        at: Timestamp,
        changed: Vec<Head>,
        root: Hash,
        vault: &Vault,
    ) -> Self {
        let mut seal = Self {
            number,
            at,
            changed,
            root,
            prev,
            hash: [0; 32],
            key: *vault.public_key().as_bytes(),
            signature: Vec::new(),
        };
        seal.hash = seal.computed();
        seal.signature = vault.sign(PURPOSE, &seal.hash).to_vec();
        seal
    }

    /// The hash its content has, whatever it says.
    pub(crate) fn computed(&self) -> Hash {
        hash(&[
            b"kabinet audit seal",
            &[VERSION],
            &self.number.to_be_bytes(),
            &self.at.as_micros().to_be_bytes(),
            &self.root,
            &self.prev,
            &self.key,
            &self.changed_bytes(),
        ])
    }

    /// Whether the signature is by one of `trusted` over the content as it is.
    pub(crate) fn is_signed(&self, trusted: &[PublicKey]) -> bool {
        trusted
            .iter()
            .filter(|key| *key.as_bytes() == self.key)
            .any(|key| {
                key.verify(PURPOSE, &self.hash, &self.signature) && self.hash == self.computed()
            })
    }

    pub(crate) fn changed_bytes(&self) -> Vec<u8> {
        self.changed.iter().flat_map(Head::encode).collect()
    }

    pub(crate) fn read_changed(bytes: &[u8]) -> Option<Vec<Head>> {
        bytes.chunks(HEAD_BYTES).map(Head::decode).collect()
    }

    /// One line of JSON, without the line's end.
    pub fn to_line(&self) -> String {
        let line = Line {
            number: self.number,
            at: self.at.as_micros(),
            changed: self
                .changed
                .iter()
                .map(|h| (h.bucket, h.seq, hex::encode(h.hash)))
                .collect(),
            root: hex::encode(self.root),
            prev: hex::encode(self.prev),
            hash: hex::encode(self.hash),
            key: hex::encode(self.key),
            signature: hex::encode(&self.signature),
        };
        let Ok(text) = serde_json::to_string(&line) else {
            unreachable!("a struct of numbers and texts is always JSON");
        };
        text
    }

    /// Reads [`Seal::to_line`]. Whether the seal is genuine is another question.
    pub fn from_line(text: &str) -> Result<Self, SealTextError> {
        let line: Line = serde_json::from_str(text).map_err(|_| SealTextError)?;
        let bytes = |text: &str| -> Result<Hash, SealTextError> {
            let mut bytes = [0; 32];
            hex::decode_to_slice(text, &mut bytes).map_err(|_| SealTextError)?;
            Ok(bytes)
        };
        let changed = line.changed.iter().map(|(bucket, seq, hash)| {
            (*bucket < BUCKETS).then_some(()).ok_or(SealTextError)?;
            Ok(Head {
                bucket: *bucket,
                seq: *seq,
                hash: bytes(hash)?,
            })
        });
        Ok(Self {
            number: line.number,
            at: Timestamp::from_micros(line.at),
            changed: changed.collect::<Result<_, SealTextError>>()?,
            root: bytes(&line.root)?,
            prev: bytes(&line.prev)?,
            hash: bytes(&line.hash)?,
            key: bytes(&line.key)?,
            signature: hex::decode(&line.signature).map_err(|_| SealTextError)?,
        })
    }
}

/// A line that is not a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a line of a file of seals")]
pub struct SealTextError;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    number: i64,
    at: i64,
    changed: Vec<(u8, i64, String)>,
    root: String,
    prev: String,
    hash: String,
    key: String,
    signature: String,
}
