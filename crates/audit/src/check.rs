//! The pure part of verification: entries and seals come in order, what is wrong comes out.

use kernel::Timestamp;
use vault::PublicKey;

use crate::Seal;
use crate::chain::{BUCKETS, Hash, Record, genesis, link};
use crate::report::{Place, Problem, Report, What};
use crate::seal::{Head, Heads};

/// How far away the true place of a moved entry is looked for.
const MOVED_MAX: i64 = 100_000;

/// An entry as it stands in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub record: Record,
    pub prev: Vec<u8>,
    pub hash: Vec<u8>,
}

/// One bucket, checked up to an entry.
pub(crate) struct Chain {
    /// The last entry that is right.
    pub head: Head,
    /// The last entry that a seal proves.
    proven: i64,
    /// The first thing wrong; nothing is checked after it.
    pub problem: Option<Problem>,
}

impl Chain {
    fn new(bucket: u8) -> Self {
        let head = Head {
            bucket,
            seq: 0,
            hash: genesis(bucket),
        };
        Self {
            head,
            proven: 0,
            problem: None,
        }
    }

    fn next_seq(&self) -> i64 {
        self.head.seq.saturating_add(1)
    }

    /// Whatever is not sealed before `seq` may be bad as well.
    fn fail(&mut self, seq: i64, what: What) {
        let from = self.proven.saturating_add(1).min(seq);
        self.fail_at(
            Place::Entry {
                bucket: self.head.bucket,
                seq,
                from,
            },
            what,
        );
    }

    fn fail_at(&mut self, place: Place, what: What) {
        self.problem.get_or_insert(Problem { place, what });
    }

    /// The next entry in the order of the places.
    fn entry(&mut self, row: &Stored) {
        let expected = self.next_seq();
        if self.problem.is_some() {
            return;
        }
        if row.record.seq != expected {
            self.fail_alone(expected, What::Deleted);
            return;
        }
        let digest = row.record.digest();
        let hash = link(&self.head.hash, &digest);
        if row.prev == self.head.hash && row.hash == hash {
            self.accept(hash);
        } else if row.prev == self.head.hash || row.hash == hash {
            self.fail_alone(expected, What::Edited);
        } else {
            self.foreign(row, &digest);
        }
    }

    /// The digest of an entry that is not shown, for an export.
    pub(crate) fn digest(&mut self, seq: i64, digest: &Hash) {
        if self.problem.is_some() {
            return;
        }
        if seq != self.next_seq() {
            self.fail_alone(self.next_seq(), What::Deleted);
            return;
        }
        self.accept(link(&self.head.hash, digest));
    }

    fn accept(&mut self, hash: Hash) {
        self.head.seq = self.next_seq();
        self.head.hash = hash;
    }

    /// Everything before this very entry is right, whether sealed or not.
    fn fail_alone(&mut self, seq: i64, what: What) {
        let place = Place::Entry {
            bucket: self.head.bucket,
            seq,
            from: seq,
        };
        self.fail_at(place, what);
    }

    /// An entry that says it comes after another one than stands before it.
    fn foreign(&mut self, row: &Stored, digest: &Hash) {
        let expected = self.next_seq();
        let Ok(prev) = Hash::try_from(row.prev.as_slice()) else {
            self.fail_alone(expected, What::Edited);
            return;
        };
        if row.hash == link(&prev, digest) {
            // Right in itself and in its place: then the one before was replaced, unless a seal proves it.
            if self.proven < self.head.seq {
                self.fail(self.head.seq, What::Replaced);
            } else {
                self.fail_alone(expected, What::Replaced);
            }
            return;
        }
        let mut moved = row.record.clone();
        let near = expected.saturating_sub(MOVED_MAX).max(1)..expected.saturating_add(MOVED_MAX);
        for seq in near {
            moved.seq = seq;
            if row.hash == link(&prev, &moved.digest()) {
                self.fail_alone(expected, What::Reordered { belongs_at: seq });
                return;
            }
        }
        self.fail_alone(expected, What::Edited);
    }

    /// A signed seal says what the head was.
    fn sealed(&mut self, sealed: &Head) {
        if self.problem.is_some() {
            return;
        }
        if self.head.seq < sealed.seq {
            self.fail_alone(self.next_seq(), What::Truncated);
        } else if *sealed == self.head {
            self.proven = sealed.seq;
        } else {
            self.fail(sealed.seq.max(1), What::Forked);
        }
    }

    /// The next entry cannot be had.
    pub(crate) fn fail_next(&mut self, what: What) {
        self.fail_alone(self.next_seq(), what);
    }

    /// The head is not that of the last entry.
    pub(crate) fn fail_head(&mut self) {
        self.fail_at(
            Place::Head {
                bucket: self.head.bucket,
            },
            What::HeadWrong,
        );
    }

    /// What the table of heads says, read so that it cannot be older than the entries.
    pub(crate) fn finish(&mut self, head: Option<&Head>) {
        let (seq, hash) = match head {
            Some(head) => (head.seq, head.hash),
            None => (0, genesis(self.head.bucket)),
        };
        if self.problem.is_some() || (seq, hash) == (self.head.seq, self.head.hash) {
            return;
        }
        if seq > self.head.seq {
            self.fail_alone(self.next_seq(), What::Truncated);
        } else if seq == self.head.seq && self.proven < seq {
            self.fail(seq, What::Replaced);
        } else {
            self.fail_head();
        }
    }
}

/// All buckets and the seals over them.
pub(crate) struct Check<'k> {
    trusted: &'k [PublicKey],
    chains: Vec<Chain>,
    /// The only bucket that entries are shown of, for an export of one account.
    only: Option<u8>,
    heads: Heads,
    /// Number and hash of the seal before.
    last: (i64, Hash),
    seals: u64,
    sealed_until: Option<Timestamp>,
    pub unexported: u64,
    seal_problem: Option<Problem>,
}

impl<'k> Check<'k> {
    pub(crate) fn new(trusted: &'k [PublicKey], only: Option<u8>) -> Self {
        Self {
            trusted,
            chains: (0..BUCKETS).map(Chain::new).collect(),
            only,
            heads: Heads::empty(),
            last: (0, [0; 32]),
            seals: 0,
            sealed_until: None,
            unexported: 0,
            seal_problem: None,
        }
    }

    pub(crate) fn shows(&self, bucket: u8) -> bool {
        bucket < BUCKETS && self.only.is_none_or(|only| only == bucket)
    }

    pub(crate) fn chain(&mut self, bucket: u8) -> Option<&mut Chain> {
        self.chains.get_mut(usize::from(bucket))
    }

    pub(crate) fn entry(&mut self, row: &Stored) {
        if let Some(chain) = self.chain(row.record.bucket) {
            chain.entry(row);
        }
    }

    pub(crate) fn is_signed(&self, seal: &Seal) -> bool {
        seal.is_signed(self.trusted)
    }

    /// Only the first problem of the seals is kept.
    pub(crate) fn fail_seal(&mut self, number: i64, what: What) {
        self.seal_problem.get_or_insert(Problem {
            place: Place::Seal { number },
            what,
        });
    }

    /// The next seal; the entries it covers came before it.
    pub(crate) fn seal(&mut self, seal: &Seal) {
        let (number, prev) = self.last;
        for head in &seal.changed {
            self.heads.set(*head);
        }
        self.last = (seal.number, seal.hash);
        if !self.is_signed(seal) {
            self.fail_seal(seal.number, What::SignatureWrong);
            return;
        }
        if seal.number != number.saturating_add(1)
            || seal.prev != prev
            || seal.root != self.heads.root()
        {
            self.fail_seal(seal.number, What::SealWrong);
        }
        // Signed by us, so what it says of the heads holds even where a neighbour was tampered with.
        for head in &seal.changed {
            if self.shows(head.bucket)
                && let Some(chain) = self.chain(head.bucket)
            {
                chain.sealed(head);
            }
        }
        if self.seal_problem.is_none() {
            self.seals = self.seals.saturating_add(1);
            self.sealed_until = Some(seal.at);
        }
    }

    pub(crate) fn report(self) -> Report {
        let sum = |number: i64| u64::try_from(number).unwrap_or(0);
        let mut report = Report {
            seals: self.seals,
            sealed_until: self.sealed_until,
            unexported: self.unexported,
            ..Report::default()
        };
        report.problems.extend(self.seal_problem);
        for chain in self.chains {
            report.entries = report.entries.saturating_add(sum(chain.head.seq));
            let open = chain.head.seq.saturating_sub(chain.proven);
            report.unsealed = report.unsealed.saturating_add(sum(open));
            report.problems.extend(chain.problem);
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::What;
    use vault::Vault;

    fn vault() -> Vault {
        Vault::ephemeral(testkit::SeededChance::new(5)).unwrap()
    }

    fn found(seals: &[Seal], vault: &Vault) -> Vec<Problem> {
        let keys = [vault.public_key()];
        let mut check = Check::new(&keys, None);
        seals.iter().for_each(|seal| check.seal(seal));
        check.report().problems
    }

    /// Each seal is signed by us, and still they are not one history: a splice of two branches (A104).
    #[test]
    fn seals_that_do_not_follow_from_one_another_are_named() {
        let vault = vault();
        let root = Heads::empty().root();
        let make = |number, prev, root| {
            Seal::make((number, prev), Timestamp::EPOCH, Vec::new(), root, &vault)
        };
        let first = make(1, [0; 32], root);
        let second = make(2, first.hash, root);
        assert_eq!(found(&[first.clone(), second.clone()], &vault), []);
        let wrong = |number| {
            [Problem {
                place: Place::Seal { number },
                what: What::SealWrong,
            }]
        };
        assert_eq!(
            found(&[first.clone(), make(2, [1; 32], root)], &vault),
            wrong(2)
        );
        assert_eq!(
            found(&[first.clone(), make(2, first.hash, [1; 32])], &vault),
            wrong(2)
        );
        assert_eq!(
            found(&[first.clone(), make(3, first.hash, root)], &vault),
            wrong(3)
        );
        assert_eq!(found(&[make(1, [1; 32], root)], &vault), wrong(1));
        assert_eq!(found(&[second], &vault), wrong(2));
    }

    /// A seal proves what it names even where the entries of other buckets are not shown.
    #[test]
    fn an_export_of_one_bucket_is_held_to_its_own_heads_only() {
        let vault = vault();
        let keys = [vault.public_key()];
        let mut heads = Heads::empty();
        let digest = [4; 32];
        let head = |bucket: u8| Head {
            bucket,
            seq: 1,
            hash: link(&genesis(bucket), &digest),
        };
        let changed = vec![head(3), head(9)];
        changed.iter().for_each(|head| heads.set(*head));
        let seal = Seal::make(
            (1, [0; 32]),
            Timestamp::EPOCH,
            changed,
            heads.root(),
            &vault,
        );

        let mut check = Check::new(&keys, Some(9));
        check.chain(9).unwrap().digest(1, &digest);
        check.seal(&seal);
        let report = check.report();
        assert_eq!(
            (report.entries, report.unsealed, report.is_clean()),
            (1, 0, true)
        );

        for shown in [None, Some([5; 32])] {
            let mut check = Check::new(&keys, Some(9));
            if let Some(digest) = shown {
                check.chain(9).unwrap().digest(1, &digest);
            }
            check.seal(&seal);
            let place = Place::Entry {
                bucket: 9,
                seq: 1,
                from: 1,
            };
            let what = if shown.is_some() {
                What::Forked
            } else {
                What::Truncated
            };
            assert_eq!(check.report().problems, [Problem { place, what }]);
        }
    }
}
