//! The chain itself: bytes in, hashes out.
//!
//! ```text
//! digest = SHA-256("kabinet audit entry" ‖ entry)      the entry's canonical bytes
//! hash   = SHA-256("kabinet audit link" ‖ previous hash ‖ digest)
//! ```
//!
//! Two steps, so that an export for one customer can stand in for other people's rows by their digests.

use kernel::AccountId;
use sha2::{Digest, Sha256};

/// How many chains there are. One would serialise the whole house; a bucket serialises a 64th of it.
pub const BUCKETS: u8 = 64;

/// The version of the canonical bytes.
const VERSION: u8 = 1;

/// A SHA-256.
pub type Hash = [u8; 32];

/// The bucket of an account: 0 to 63, from the last byte of its id, which is random in a version 7 UUID.
pub fn bucket_of(account: &AccountId) -> u8 {
    let [.., last] = *account.as_bytes();
    last & 0x3f
}

/// One entry as the chain sees it: raw, because a verifier must be able to hold what a forger wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The bucket.
    pub bucket: u8,
    /// The place in the bucket, from 1 without gaps.
    pub seq: i64,
    /// 16 bytes.
    pub event_id: Vec<u8>,
    /// 16 bytes, or none for what concerns no account.
    pub account_id: Option<Vec<u8>>,
    /// Microseconds UTC.
    pub at: i64,
    /// `customer`, `visitor`, `system`, `operator` or `staff`.
    pub actor_kind: String,
    /// 16 bytes, where the kind has an id.
    pub actor_id: Option<Vec<u8>>,
    /// The dotted name.
    pub action: String,
    /// 16 bytes of the account acted for.
    pub on_behalf: Option<Vec<u8>>,
    /// 16 bytes.
    pub session_id: Option<Vec<u8>>,
    /// Sealed details, possibly empty.
    pub details: Vec<u8>,
}

impl Record {
    /// The canonical bytes: a version byte, then each field in the order of the struct, as one byte saying
    /// whether it is there, 8 bytes of length, and the field. Numbers are big-endian.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.details.len().saturating_add(256));
        bytes.push(VERSION);
        let fields: [Option<&[u8]>; 11] = [
            Some(&[self.bucket]),
            Some(&self.seq.to_be_bytes()),
            Some(&self.event_id),
            self.account_id.as_deref(),
            Some(&self.at.to_be_bytes()),
            Some(self.actor_kind.as_bytes()),
            self.actor_id.as_deref(),
            Some(self.action.as_bytes()),
            self.on_behalf.as_deref(),
            self.session_id.as_deref(),
            Some(&self.details),
        ];
        for field in fields {
            let Some(field) = field else {
                bytes.push(0);
                continue;
            };
            bytes.push(1);
            bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
            bytes.extend_from_slice(field);
        }
        bytes
    }

    /// The digest of the canonical bytes.
    pub fn digest(&self) -> Hash {
        hash(&[b"kabinet audit entry", &self.encode()])
    }
}

/// The hash of an entry after the one whose hash is `prev`.
pub fn link(prev: &Hash, digest: &Hash) -> Hash {
    hash(&[b"kabinet audit link", prev, digest])
}

/// What stands before the first entry of a bucket.
pub fn genesis(bucket: u8) -> Hash {
    hash(&[b"kabinet audit genesis", &[VERSION, bucket]])
}

/// SHA-256 of the parts one after another. The first part is always a fixed label, and of the others only
/// the last may vary in length.
pub(crate) fn hash(parts: &[&[u8]]) -> Hash {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update(part);
    }
    sha.finalize().into()
}

/// The Merkle root over the heads of all buckets, as in RFC 6962 section 2.1 (leaves and nodes are hashed
/// with different first bytes). `leaves` are the heads' canonical bytes.
pub fn merkle_root(leaves: &[Vec<u8>]) -> Hash {
    let mut level: Vec<Hash> = leaves.iter().map(|leaf| hash(&[&[0], leaf])).collect();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => hash(&[&[1], left, right]),
                [alone] => *alone,
                _ => [0; 32],
            })
            .collect();
    }
    level.first().copied().unwrap_or_else(|| hash(&[]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn record(seq: i64) -> Record {
        Record {
            bucket: 7,
            seq,
            event_id: vec![1; 16],
            account_id: Some(vec![2; 16]),
            at: 1_772_442_000_000_000,
            actor_kind: "customer".to_owned(),
            actor_id: Some(vec![2; 16]),
            action: "sign_in.succeeded".to_owned(),
            on_behalf: None,
            session_id: Some(vec![3; 16]),
            details: vec![4; 40],
        }
    }

    /// The bytes are for ever: an auditor's program of today must still agree in ten years.
    #[test]
    fn the_canonical_bytes_do_not_change() {
        let record = record(5);
        assert_eq!(
            hex::encode(record.encode()),
            "01\
             01000000000000000107\
             0100000000000000080000000000000005\
             010000000000000010"
                .to_owned()
                + &"01".repeat(16)
                + "01000000000000001002020202020202020202020202020202\
                   01000000000000000800064c06cfcb8400\
                   010000000000000008637573746f6d6572\
                   01000000000000001002020202020202020202020202020202\
                   0100000000000000117369676e5f696e2e737563636565646564\
                   00\
                   01000000000000001003030303030303030303030303030303\
                   010000000000000028"
                + &"04".repeat(40)
        );
    }

    /// Computed by another program (Python's hashlib) from the description above.
    #[test]
    fn the_hashes_do_not_change() {
        let digest = record(5).digest();
        assert_eq!(
            hex::encode(digest),
            "cd9f0be96f4d0b0519f7f974bd4c70999066858a4d02121113f24792d75ef9ff"
        );
        assert_eq!(
            hex::encode(link(&genesis(7), &digest)),
            "49eab53b2ea99b326350763b929de3a361f818d9d66bf8956f45e2805336778d"
        );
    }

    #[test]
    fn a_tree_of_four_is_as_in_rfc_6962() {
        let leaves: Vec<Vec<u8>> = (0..4).map(|n| vec![n]).collect();
        let leaf = |n: u8| hash(&[&[0, n]]);
        let left = hash(&[&[1], &leaf(0), &leaf(1)]);
        let right = hash(&[&[1], &leaf(2), &leaf(3)]);
        assert_eq!(merkle_root(&leaves), hash(&[&[1], &left, &right]));
    }

    #[test]
    fn buckets_have_different_beginnings() {
        let all: std::collections::HashSet<Hash> = (0..BUCKETS).map(genesis).collect();
        assert_eq!(all.len(), 64);
    }

    proptest! {
        /// No two different entries have the same bytes: fields cannot run into one another.
        #[test]
        fn different_entries_have_different_bytes(
            a: (Vec<u8>, Option<Vec<u8>>, String, Option<Vec<u8>>, String, Option<Vec<u8>>, Vec<u8>),
            b: (Vec<u8>, Option<Vec<u8>>, String, Option<Vec<u8>>, String, Option<Vec<u8>>, Vec<u8>),
        ) {
            let make = |x: &(Vec<u8>, Option<Vec<u8>>, String, Option<Vec<u8>>, String, Option<Vec<u8>>, Vec<u8>)| Record {
                event_id: x.0.clone(), account_id: x.1.clone(), actor_kind: x.2.clone(), actor_id: x.3.clone(),
                action: x.4.clone(), on_behalf: x.5.clone(), session_id: x.1.clone(), details: x.6.clone(),
                ..record(1)
            };
            prop_assert_eq!(a == b || { let (a, b) = (make(&a), make(&b)); a == b },
                make(&a).encode() == make(&b).encode());
        }
    }
}
