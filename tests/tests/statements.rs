//! Every registered statement is prepared on both engines: the kinds must be as declared, and the
//! plans as reviewed. This is what buys back compile-time checked queries.

use std::fmt::Write as _;
use std::path::PathBuf;

use db::{Engine, Kind, Statement};
use testkit::TestDb;

/// Reviewed plans; `UPDATE_PLANS=1 cargo test -p whole-product --test statements` writes them anew.
const PLANS: &str = "tests/plans.txt";

/// Kind without "may be NULL", and BOOLEAN as SQLite keeps it.
fn plain(kind: Kind, engine: Engine) -> Kind {
    match (kind.base(), engine) {
        (Kind::Bool, Engine::Sqlite) => Kind::Int,
        (kind, _) => kind,
    }
}

async fn breaches(db: &TestDb, statement: &'static Statement) -> Vec<String> {
    let engine = db.engine();
    let described = match db.describe(statement).await {
        Ok(described) => described,
        Err(why) => return vec![format!("is refused: {why}")],
    };
    let mut findings = Vec::new();
    if described.params != statement.params.len() {
        findings.push(format!(
            "{} parameters, {} declared",
            described.params,
            statement.params.len()
        ));
    }
    if described.columns.len() != statement.columns.len() {
        findings.push(format!(
            "{} columns, {} declared",
            described.columns.len(),
            statement.columns.len()
        ));
    }
    for (number, (found, declared)) in described.columns.iter().zip(statement.columns).enumerate() {
        // SQLite does not know the kind of an expression.
        if found.is_some_and(|found| plain(found, engine) != plain(*declared, engine)) {
            findings.push(format!(
                "column {number} is {found:?}, declared {declared:?}"
            ));
        }
    }
    findings
}

testkit::both_engines! {
    async fn each_is_prepared_as_declared(db: TestDb) {
        let mut findings = Vec::new();
        for statement in whole_product::statements() {
            for what in breaches(&db, statement).await {
                findings.push(format!("{statement:?}: {what}"));
            }
        }
        assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    }

    async fn a_wrong_declaration_is_seen(db: TestDb) {
        db::statements! {
            GOOD: "SELECT at FROM clock_mark WHERE id = $1" (Int) -> (Int);
            KIND: "SELECT at FROM clock_mark WHERE id = $1" (Int) -> (Text);
            PARAMETERS: "SELECT at FROM clock_mark WHERE id = $1" () -> (Int);
            COLUMNS: "SELECT at, id FROM clock_mark" () -> (Int);
            TABLE: "SELECT at FROM clockmark" () -> (Int);
        }
        assert_eq!(breaches(&db, &GOOD).await, [""; 0]);
        for wrong in &ALL[1..] {
            assert_eq!(breaches(&db, wrong).await.len(), 1, "{wrong:?}");
        }
    }
}

/// `docs/shards.toml`: small tables, and statements that may read all of a table.
struct Page {
    small: Vec<String>,
    scans: Vec<String>,
}

fn page() -> Page {
    let page: toml::Value = toml::from_str(include_str!("../../docs/shards.toml")).unwrap();
    let whole = page["whole"].as_array().unwrap();
    let scans = page["scans"].as_table().unwrap();
    Page {
        small: whole
            .iter()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect(),
        scans: scans.keys().cloned().collect(),
    }
}

/// The tables of a plan that are read from end to end.
fn scanned(plan: &str) -> Vec<&str> {
    let lines: Vec<&str> = plan
        .lines()
        .map(|line| line.trim().trim_start_matches("->").trim())
        .collect();
    let mut tables = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        // SQLite says `SCAN table`, with an index or without; PostgreSQL `Seq Scan on table`, or an
        // index scan that has no condition.
        let whole = line
            .strip_prefix("SCAN ")
            .or_else(|| line.strip_prefix("Seq Scan on "));
        let by_index = line.split_once(" on ").filter(|(kind, _)| {
            let conditional = lines
                .get(number + 1)
                .is_some_and(|next| next.starts_with("Index Cond:"));
            (kind.starts_with("Index Scan") || kind.starts_with("Index Only Scan")) && !conditional
        });
        let rest = whole.or(by_index.map(|(_, table)| table));
        tables.extend(rest.and_then(|rest| rest.split_whitespace().next()));
    }
    tables
}

#[test]
fn a_full_scan_is_read_from_both_kinds_of_plan() {
    assert_eq!(scanned("SEARCH a USING INDEX x\nSCAN b"), ["b"]);
    let postgres = "Nested Loop\n  ->  Index Scan using x on a\n        Index Cond: (y = $1)\n  ->  Seq Scan on b z";
    assert_eq!(scanned(postgres), ["b"]);
    assert_eq!(
        scanned("Limit\n  ->  Index Only Scan using x on a\n"),
        ["a"]
    );
}

/// Plans change when indexes do: somebody looks at each change, and a growing table is never read
/// from end to end unless the page says why.
#[tokio::test(flavor = "multi_thread")]
async fn plans_are_as_reviewed() {
    let (sqlite, postgres) = (
        TestDb::new(Engine::Sqlite).await,
        TestDb::new(Engine::Postgres).await,
    );
    let mut text = String::from(
        "# Query plans of every registered statement, written by the test beside. Review a change.\n",
    );
    let page = page();
    let mut findings = Vec::new();
    let mut scans: Vec<String> = Vec::new();
    let mut statements = whole_product::statements();
    statements.sort_by_key(|statement| statement.name);
    for statement in statements {
        writeln!(text, "\n{}", statement.name).unwrap();
        for (name, db) in [("sqlite", &sqlite), ("postgres", &postgres)] {
            let plan = db.explain(statement).await.unwrap();
            for table in scanned(&plan) {
                if page.scans.iter().any(|scan| scan == statement.name) {
                    scans.push(statement.name.to_owned());
                } else if !page.small.iter().any(|small| small == table) {
                    findings.push(format!("{} reads all of {table} on {name}", statement.name));
                }
            }
            for line in plan.lines() {
                writeln!(text, "  {name}: {line}").unwrap();
            }
        }
    }
    for scan in page.scans.iter().filter(|scan| !scans.contains(scan)) {
        findings.push(format!("{scan} is listed as a scan and is none"));
    }
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    let file: PathBuf = testkit::tools::workspace().join(PLANS);
    if std::env::var_os("UPDATE_PLANS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let reviewed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        reviewed == text,
        "{PLANS} differs: look at the change, then write it with UPDATE_PLANS=1\n{text}"
    );
}
