//! The pool in which slow hashes run (A109): on one core fewer than there are, few waiting, the rest told to come
//! back. Nothing else of the house waits for them.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use kernel::Chance;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use zeroize::Zeroizing;

use crate::slow::{self, Cost, Memory, Phc};
use crate::{Pepper, Vault};

/// What is to be hashed: wiped when dropped, never printed.
pub struct Typed(Zeroizing<Vec<u8>>);

impl Typed {
    /// From its bytes, already in the form in which equal secrets are equal.
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(…)")
    }
}

/// So many hashes are waiting that one more is refused: come back in a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many slow hashes are waiting")]
pub struct Overloaded;

/// What comparing a secret with its hash found. Only a [`Place`] makes one.
#[derive(Debug, Clone)]
pub struct Verdict {
    is_right: bool,
    rehashed: Option<Phc>,
}

impl Verdict {
    /// Whether it is the secret.
    pub fn is_right(&self) -> bool {
        self.is_right
    }

    /// The same secret hashed at today's cost, when the kept hash was cheaper and the secret right.
    pub fn rehashed(&self) -> Option<&Phc> {
        self.rehashed.as_ref()
    }
}

/// How many hashes run and wait.
#[derive(Debug, Clone, Copy)]
pub struct Crowd {
    /// At work at a time; each takes the memory of one hash for good.
    pub at_once: NonZeroUsize,
    /// Waiting at a time, beside those at work.
    pub waiting: usize,
}

impl Default for Crowd {
    /// One for each core but one, at least one, and 64 waiting: a core is left to whoever answers people.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            at_once: NonZeroUsize::new(cores.saturating_sub(1)).unwrap_or(NonZeroUsize::MIN),
            waiting: 64,
        }
    }
}

enum Work {
    Hash(Typed, [u8; 16], oneshot::Sender<Phc>),
    Compare(Typed, Option<Phc>, [u8; 16], oneshot::Sender<Verdict>),
}

struct Task {
    work: Work,
    // Given back when the work is done, or when nobody waits for it any more.
    _place: OwnedSemaphorePermit,
}

/// The pool. Cheap to clone; its threads end with the last clone.
#[derive(Clone)]
pub struct Hasher(Arc<Inner>);

struct Inner {
    tasks: mpsc::Sender<Task>,
    places: Arc<Semaphore>,
    chance: Arc<dyn Chance>,
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let free = self.0.places.available_permits();
        write!(f, "Hasher({free} places free)")
    }
}

struct Worker {
    tasks: Arc<Mutex<mpsc::Receiver<Task>>>,
    pepper: Pepper,
    cost: Cost,
}

impl Hasher {
    /// Starts the pool. Fails when the machine gives no thread.
    pub fn start(
        vault: &Vault,
        chance: Arc<dyn Chance>,
        cost: Cost,
        crowd: Crowd,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        for n in 0..crowd.at_once.get() {
            let worker = Worker {
                tasks: Arc::clone(&receiver),
                pepper: vault.pepper(),
                cost,
            };
            std::thread::Builder::new()
                .name(format!("hash-{n}"))
                .spawn(move || worker.run())?;
        }
        let places = crowd.at_once.get().saturating_add(crowd.waiting);
        Ok(Self(Arc::new(Inner {
            tasks: sender,
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            chance,
        })))
    }

    /// A place in the pool, or the answer that there is none. Taken before a try is counted, so that a crowd
    /// costs nobody a try.
    pub fn place(&self) -> Result<Place, Overloaded> {
        let permit = Arc::clone(&self.0.places).try_acquire_owned();
        let permit = permit.map_err(|_| Overloaded)?;
        Ok(Place {
            hasher: self.clone(),
            permit,
        })
    }
}

/// A place in the pool, good for one hash.
#[derive(Debug)]
pub struct Place {
    hasher: Hasher,
    permit: OwnedSemaphorePermit,
}

impl Place {
    /// Hashes a secret under a salt of its own.
    pub async fn hash(self, secret: Typed) -> Result<Phc, Overloaded> {
        let (answer, answered) = oneshot::channel();
        let salt = self.hasher.0.chance.bytes();
        self.hand(Work::Hash(secret, salt, answer))?;
        answered.await.map_err(|_| Overloaded)
    }

    /// Compares a secret with a hash. Without one the same work is done, and the answer is no.
    pub async fn compare(self, secret: Typed, phc: Option<Phc>) -> Result<Verdict, Overloaded> {
        let (answer, answered) = oneshot::channel();
        let salt = self.hasher.0.chance.bytes();
        self.hand(Work::Compare(secret, phc, salt, answer))?;
        answered.await.map_err(|_| Overloaded)
    }

    fn hand(self, work: Work) -> Result<(), Overloaded> {
        let task = Task {
            work,
            _place: self.permit,
        };
        self.hasher.0.tasks.send(task).map_err(|_| Overloaded)
    }
}

impl Worker {
    fn run(self) {
        yield_to_others();
        let mut memory = Memory::default();
        loop {
            let next = self
                .tasks
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv();
            let Ok(task) = next else { return };
            self.work(&mut memory, task.work);
        }
    }

    /// Does one piece of work, unless whoever asked for it has gone.
    fn work(&self, memory: &mut Memory, work: Work) {
        let Self { pepper, cost, .. } = self;
        match work {
            Work::Hash(secret, salt, answer) if !answer.is_closed() => {
                // Nobody waiting any more is no fault.
                let _ = answer.send(slow::hash(memory, pepper, &secret.0, &salt, *cost));
            }
            Work::Compare(secret, phc, salt, answer) if !answer.is_closed() => {
                let found = slow::compare(memory, pepper, &secret.0, phc.as_ref(), *cost);
                let again = found.is_right && found.is_cheap;
                let rehashed = again.then(|| slow::hash(memory, pepper, &secret.0, &salt, *cost));
                let _ = answer.send(Verdict {
                    is_right: found.is_right,
                    rehashed,
                });
            }
            Work::Hash(..) | Work::Compare(..) => {}
        }
    }
}

/// Lets the threads that answer people go first when the cores are busy. Where a thread cannot say so, the
/// bound on how many run must do.
fn yield_to_others() {
    #[cfg(target_os = "linux")]
    {
        let _ = rustix::process::nice(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsChance;

    fn start(cost: Cost, at_once: usize, waiting: usize) -> Hasher {
        let chance: Arc<dyn Chance> = Arc::new(OsChance);
        let vault = Vault::ephemeral(Arc::clone(&chance)).unwrap();
        let crowd = Crowd {
            at_once: NonZeroUsize::new(at_once).unwrap(),
            waiting,
        };
        Hasher::start(&vault, chance, cost, crowd).unwrap()
    }

    fn small() -> Cost {
        Cost::new(64, 1).unwrap()
    }

    #[tokio::test]
    async fn what_was_hashed_is_found_right() {
        let hasher = start(small(), 1, 4);
        let phc = hasher
            .place()
            .unwrap()
            .hash(Typed::new(b"right"))
            .await
            .unwrap();
        let other = hasher
            .place()
            .unwrap()
            .hash(Typed::new(b"right"))
            .await
            .unwrap();
        assert_ne!(phc, other, "every hash has a salt of its own");
        for (secret, kept, right) in [
            (b"right".as_slice(), Some(&phc), true),
            (b"wrong", Some(&phc), false),
            (b"right", None, false),
        ] {
            let place = hasher.place().unwrap();
            let verdict = place
                .compare(Typed::new(secret), kept.cloned())
                .await
                .unwrap();
            assert_eq!(verdict.is_right(), right);
            assert!(verdict.rehashed().is_none());
        }
    }

    /// A hash made at less than today's cost is made anew when the secret is known to be right.
    #[tokio::test]
    async fn cheap_hashes_are_made_anew() {
        let chance: Arc<dyn Chance> = Arc::new(OsChance);
        let vault = Vault::ephemeral(Arc::clone(&chance)).unwrap();
        let pool = |kib| {
            Hasher::start(
                &vault,
                Arc::clone(&chance),
                Cost::new(kib, 1).unwrap(),
                Crowd::default(),
            )
            .unwrap()
        };
        let (before, today) = (pool(64), pool(128));
        let phc = before
            .place()
            .unwrap()
            .hash(Typed::new(b"x"))
            .await
            .unwrap();
        let wrong = today
            .place()
            .unwrap()
            .compare(Typed::new(b"y"), Some(phc.clone()))
            .await
            .unwrap();
        assert!(wrong.rehashed().is_none());
        let right = today
            .place()
            .unwrap()
            .compare(Typed::new(b"x"), Some(phc))
            .await
            .unwrap();
        let anew = right.rehashed().unwrap().clone();
        assert!(anew.expose().contains("m=128,"), "the cost is today's");
        let again = today
            .place()
            .unwrap()
            .compare(Typed::new(b"x"), Some(anew))
            .await
            .unwrap();
        assert!(again.is_right() && again.rehashed().is_none());
    }

    /// A109: as many as may run and wait; one more is refused at once, and places come back.
    #[tokio::test]
    async fn a_crowd_is_refused() {
        let hasher = start(small(), 2, 64);
        let places: Vec<_> = (0..66).map(|_| hasher.place().unwrap()).collect();
        assert_eq!(hasher.place().unwrap_err(), Overloaded);
        let mut waiting = Vec::new();
        for place in places {
            waiting.push(place.hash(Typed::new(b"x")));
        }
        let done = futures_util::future::join_all(waiting).await;
        assert_eq!(done.iter().filter(|phc| phc.is_ok()).count(), 66);
        let mut back = 0;
        while hasher.place().is_err() && back < 10_000 {
            back += 1;
            tokio::task::yield_now().await;
        }
        assert!(hasher.place().is_ok(), "places come back");
    }

    /// A place that is given up without a hash, or a caller that has gone, holds nothing.
    #[tokio::test]
    async fn places_given_up_come_back() {
        let hasher = start(Cost::default(), 1, 0);
        drop(hasher.place().unwrap());
        let gone = hasher.place().unwrap().hash(Typed::new(b"x"));
        drop(gone);
        assert!(hasher.place().is_ok());
    }

    #[test]
    fn nothing_is_printed() {
        let hasher = start(small(), 1, 2);
        let verdict = Verdict {
            is_right: true,
            rehashed: Some(Phc::from_text("TOPSECRET")),
        };
        let printed = format!("{hasher:?} {:?} {verdict:?}", Typed::new(b"TOPSECRET"));
        assert!(!printed.contains("TOPSECRET"), "{printed}");
        assert!(!printed.contains("84, 79"), "{printed}");
    }
}
