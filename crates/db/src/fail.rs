//! Named points at which a test kills the process, to see that what was answered survives (F1).
//!
//! Compiled only with the feature `failpoints`; without it [`point`] is empty. A point's name is the
//! transaction's name and the place: `sign_in.verify/after_commit`.

#[cfg(feature = "failpoints")]
mod enabled {
    use std::{
        collections::BTreeSet,
        fs,
        io::Write as _,
        path::PathBuf,
        sync::{
            OnceLock,
            atomic::{AtomicI64, Ordering},
        },
    };

    use parking_lot::Mutex;

    static ARMED: OnceLock<Armed> = OnceLock::new();

    enum Armed {
        /// One point, by name, and how many times it is still to be passed.
        Point(String, AtomicI64),
        /// A file that names it and may change while the process runs; beside it, in `….passed`, every point
        /// is written down when it is passed for the first time.
        File(PathBuf, Mutex<BTreeSet<String>>),
    }

    /// Arms the point `name`; the process aborts when it is passed for the `pass`-th time, from 1.
    pub fn arm(name: &str, pass: i64) {
        drop(ARMED.set(Armed::Point(name.to_owned(), AtomicI64::new(pass))));
    }

    /// Arms whatever point the file names at the moment when it is passed; none while it is empty or missing.
    pub fn arm_by_file(file: PathBuf) {
        drop(ARMED.set(Armed::File(file, Mutex::default())));
    }

    /// Aborts here when armed: no destructor runs and no buffer is flushed, like `kill -9`.
    pub fn point(transaction: &str, place: &str) {
        match ARMED.get() {
            None => {}
            Some(Armed::Point(name, left)) => {
                let here = name
                    .split_once('/')
                    .is_some_and(|(t, p)| t == transaction && p == place);
                if here && left.fetch_sub(1, Ordering::AcqRel) == 1 {
                    std::process::abort();
                }
            }
            Some(Armed::File(file, passed)) => {
                let name = format!("{transaction}/{place}");
                if fs::read_to_string(file).is_ok_and(|armed| armed.trim() == name) {
                    std::process::abort();
                }
                if passed.lock().insert(name.clone()) {
                    note(&file.with_extension("passed"), &name);
                }
            }
        }
    }

    fn note(file: &std::path::Path, name: &str) {
        let opened = fs::OpenOptions::new().append(true).create(true).open(file);
        // In one piece, or two threads' lines run into each other.
        let line = format!("{name}\n");
        // A test that misses the line says so itself.
        drop(opened.and_then(|mut file| file.write_all(line.as_bytes())));
    }
}

#[cfg(feature = "failpoints")]
pub use enabled::{arm, arm_by_file, point};

/// Nothing, in a build without the feature.
#[cfg(not(feature = "failpoints"))]
pub fn point(_transaction: &str, _place: &str) {}
