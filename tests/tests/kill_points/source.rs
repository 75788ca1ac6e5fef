//! The points as the source shows them: the names of transactions that write, times the places of the seam, and
//! the points that stand alone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use db::Engine;

/// Transactions that a served installation does not come to, each with its reason.
const ELSEWHERE: [(&str, &str); 11] = [
    (
        "account.locale",
        "one statement, the page's way to what account.set_locale does",
    ),
    (
        "db.import",
        "restoring, by a command, before anything is served",
    ),
    (
        "db.import_begin",
        "restoring, by a command, before anything is served",
    ),
    (
        "db.import_end",
        "restoring, by a command, before anything is served",
    ),
    (
        "keys.retire",
        "the operator's command, while nothing is served; it only notes what was done",
    ),
    (
        "keys.rewrap",
        "after a rotation of the master key: interrupted in the tests of rewrapping",
    ),
    (
        "keys.rewrap_cases",
        "after a rotation of the master key, like keys.rewrap, by the same steps",
    ),
    (
        "messages.suppress",
        "the operator's command, which serves nobody: cut off, it is given again, and twice is once",
    ),
    (
        "kabinet.check",
        "looks whether it could write, and takes it back",
    ),
    ("demo.seed", "sample customers, made by the demo alone"),
    (
        "consent.unsubscribe",
        "by links of marketing, which nobody sends yet",
    ),
];

/// How a writing transaction is begun, up to its name.
const WRITES: [&str; 7] = [
    ".write(",
    ".write_by(",
    ".act(",
    "once(",
    ".run_step(",
    "db.write(",
    "self.begin(",
];

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir()
            && !["tests", "target", "testkit"]
                .iter()
                .any(|name| path.ends_with(name))
        {
            files(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

/// The text up to its tests, without comments.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let text = text
        .split("#[cfg(test)]\nmod ")
        .next()
        .unwrap_or_default()
        .to_owned();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// A name of the form `area.use_case` among the first arguments.
fn name(arguments: &str) -> Option<&str> {
    let end = arguments.find(['|', ';', '{']).unwrap_or(arguments.len());
    let mut quoted = arguments.get(..end)?.split('"').skip(1).step_by(2);
    quoted.find(|text| {
        let is_word = |c: char| c.is_ascii_lowercase() || c == '_' || c == '.';
        text.matches('.').count() == 1 && text.chars().all(is_word)
    })
}

/// Everything that can be armed, for one engine.
pub fn points(engine: Engine) -> BTreeSet<String> {
    let mut all = Vec::new();
    files(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates"),
        &mut all,
    );
    let (mut transactions, mut places, mut points) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for path in &all {
        let text = code(path);
        for begin in WRITES {
            for rest in text.split(begin).skip(1) {
                transactions.extend(name(rest).map(str::to_owned));
            }
        }
        for rest in text.split("fail::point(").skip(1) {
            let (first, second) = rest.split_once(", \"").expect("a name and a place");
            let place = second.split('"').next().unwrap_or_default().to_owned();
            let seam = path.to_string_lossy().contains(match engine {
                Engine::Sqlite => "/db/src/sqlite/",
                Engine::Postgres => "/db/src/postgres/",
            });
            if let Some(name) = first.strip_prefix('"') {
                points.insert(format!("{}/{place}", name.trim_end_matches('"')));
            } else if seam {
                places.insert(place);
            }
        }
    }
    assert!(
        transactions.len() > 30 && places.len() >= 3,
        "{transactions:?} {places:?}"
    );
    for (name, _) in ELSEWHERE {
        assert!(
            transactions.remove(name),
            "{name} is gone: remove it from the list"
        );
    }
    for transaction in &transactions {
        points.extend(places.iter().map(|place| format!("{transaction}/{place}")));
    }
    points
}
