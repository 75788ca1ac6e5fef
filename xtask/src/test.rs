//! `cargo xtask test`: everything, in the order in which it fails cheapest.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::Instant;

use crate::{checks, run, tools};

/// Installs, checks, lints, tests; `rest` goes to the test programs, such as a name to filter by.
pub fn all(rest: &[String]) -> Result<(), String> {
    let start = Instant::now();
    tools::install()?;
    checks::all()?;
    step("format", &["fmt", "--all", "--check"])?;
    step(
        "lints",
        &["clippy", "--quiet", "--workspace", "--", "-D", "warnings"],
    )?;
    // Whole-product tests start the real program.
    step("program", &["build", "--quiet", "-p", "kabinet"])?;
    step("program with failpoints", &FAILPOINTS)?;
    let counts = tests(rest)?;
    println!("{counts} in {} s", start.elapsed().as_secs());
    if counts.failed == 0 && counts.broken == 0 {
        Ok(())
    } else {
        Err("some tests failed".into())
    }
}

/// Runs the benches in release; `rest` goes to them. Both programs are built by one command, or the second
/// would build their libraries again with other features.
pub fn bench(rest: &[String]) -> Result<(), String> {
    let built = ["build", "--release", "-p", "kabinet", "-p", "benches"];
    step("programs", &built)?;
    let here = std::env::current_exe().map_err(|why| format!("where am I: {why}"))?;
    let folder = here
        .ancestors()
        .nth(2)
        .ok_or("a tool outside of a target folder")?;
    let program = folder.join("release/benches");
    let arguments: Vec<&str> = rest.iter().map(String::as_str).collect();
    run::show(&mut run::command(
        &program.display().to_string(),
        &arguments,
    ))
}

/// Files that are made from the code and kept for review: the variable that makes a test write
/// anew what it otherwise compares, and the test.
const DERIVED: [(&str, &[&str]); 2] = [
    ("UPDATE_OPENAPI", &["-p", "kabinet", "--test", "document"]),
    (
        "UPDATE_PLANS",
        &["-p", "whole-product", "--test", "statements"],
    ),
];

/// Writes every derived file anew; what changed is then read and committed.
pub fn derive() -> Result<(), String> {
    for (variable, test) in DERIVED {
        let mut command = run::cargo(&["test", "--quiet"]);
        run::show(command.args(test).env(variable, "1"))?;
    }
    run::show(&mut run::command("git", &["status", "--short"]))
}

/// The program that dies where a test says (F1).
const FAILPOINTS: [&str; 8] = [
    "build",
    "--quiet",
    "-p",
    "kabinet",
    "--features",
    "failpoints",
    "--bin",
    "kabinet-failpoints",
];

fn step(name: &str, arguments: &[&str]) -> Result<(), String> {
    let start = Instant::now();
    run::show(&mut run::cargo(arguments)).map_err(|why| format!("{name}: {why}"))?;
    println!("{name:24} ok, {} s", start.elapsed().as_secs());
    Ok(())
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u32,
    failed: u32,
    ignored: u32,
    /// Of the passed, by engine.
    sqlite: u32,
    postgres: u32,
    /// Test programs that did not end in order.
    broken: u32,
}

impl Counts {
    /// One line of the output of a test program.
    fn read(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            self.passed += number_before(result, " passed");
            self.failed += number_before(result, " failed");
            self.ignored += number_before(result, " ignored");
        } else if let Some(name) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.strip_suffix(" ... ok"))
        {
            self.sqlite += u32::from(name.contains("sqlite::"));
            self.postgres +=
                u32::from(name.contains("postgres::") && !name.starts_with("postgres::tests"));
        }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            passed,
            failed,
            ignored,
            sqlite,
            postgres,
            ..
        } = self;
        write!(
            f,
            "{passed} passed ({sqlite} on SQLite, {postgres} on PostgreSQL), {failed} failed, {ignored} ignored"
        )
    }
}

fn number_before(line: &str, word: &str) -> u32 {
    let before = line.split(word).next().unwrap_or_default();
    let digits = before.rsplit(' ').next().unwrap_or_default();
    if line.contains(word) {
        digits.parse().unwrap_or_default()
    } else {
        0
    }
}

/// One PostgreSQL for the whole run instead of one for each test program.
struct Postgres {
    server: Child,
    address: String,
}

impl Postgres {
    fn start() -> Result<Self, String> {
        let mut command =
            run::cargo(&["run", "--quiet", "-p", "testkit", "--bin", "test-postgres"]);
        let mut server = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|why| format!("test-postgres: {why}"))?;
        let mut address = String::new();
        if let Some(output) = server.stdout.take() {
            let _ = BufReader::new(output).read_line(&mut address);
        }
        let address = address.trim().to_owned();
        if address.is_empty() {
            return Err("the PostgreSQL of the tests did not start".into());
        }
        Ok(Self { server, address })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The server ends when its standard input does.
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

/// Tests that wait more than they work, so that they run beside the others: the program of `tests/` they are in,
/// and how their names begin.
const BESIDE: (&str, &str) = ("kill_points", "killed_at_every_point");

fn tests(rest: &[String]) -> Result<Counts, String> {
    let postgres = Postgres::start()?;
    let mut counts = Counts::default();
    if !rest.is_empty() {
        let mut arguments = vec!["test", "--workspace", "--no-fail-fast"];
        arguments.extend(rest.iter().map(String::as_str));
        if !rest.iter().any(|argument| argument == "--") {
            arguments.push("--");
        }
        arguments.push("--include-ignored");
        follow(spawn(&arguments, &postgres)?, &mut counts)?;
        return Ok(counts);
    }
    step("tests", &["test", "--quiet", "--workspace", "--no-run"])?;
    let (program, names) = BESIDE;
    let test = ["test", "--workspace", "--no-fail-fast"];
    let alone = ["--test", program, "--", "--include-ignored"];
    // The slow ones too: ignored means "not in every quick run", never "not at all".
    let others = ["--", "--include-ignored", "--skip", names];
    let beside = spawn(&[&test[..], &alone].concat(), &postgres)?;
    // Its lines are few and wait in the pipe.
    let shown = follow(
        spawn(&[&test[..], &others].concat(), &postgres)?,
        &mut counts,
    );
    follow(beside, &mut counts)?;
    shown?;
    Ok(counts)
}

fn spawn(arguments: &[&str], postgres: &Postgres) -> Result<Child, String> {
    run::cargo(arguments)
        .env("KABINET_TEST_PG", &postgres.address)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|why| format!("cargo test: {why}"))
}

/// Shows and counts what tests say until they end.
fn follow(mut tests: Child, counts: &mut Counts) -> Result<(), String> {
    if let Some(output) = tests.stdout.take() {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            println!("{line}");
            counts.read(&line);
        }
    }
    let status = tests.wait().map_err(|why| format!("cargo test: {why}"))?;
    counts.broken += u32::from(!status.success());
    Ok(())
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn results_are_added_up() {
        let mut counts = Counts::default();
        for line in [
            "test verify::sqlite::once ... ok",
            "test verify::postgres::once ... ok",
            "test postgres::tests::starts ... ok",
            "test other ... FAILED",
            "test result: FAILED. 12 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
        ] {
            counts.read(line);
        }
        let wanted = Counts {
            passed: 15,
            failed: 1,
            ignored: 2,
            sqlite: 1,
            postgres: 1,
            broken: 0,
        };
        assert_eq!(counts, wanted);
    }
}
