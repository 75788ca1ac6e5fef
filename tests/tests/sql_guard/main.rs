//! The SQL guard: every registered statement and every migration stays within the subset that
//! SQLite, PostgreSQL and PostgreSQL-compatible clusters share, and within one shard.

mod schema;
mod shards;
mod statement;
mod words;

use std::collections::BTreeSet;

use db::{Engine, Migration};
use shards::Shards;

fn page() -> Shards {
    Shards::parse(include_str!("../../../docs/shards.toml"))
}

fn steps() -> Vec<(String, String)> {
    let all = Migration::all().unwrap();
    let steps = all.iter().flat_map(|migration| {
        let expand = |step: &String| {
            (
                migration.name.to_owned(),
                db::expand(step, Engine::Postgres),
            )
        };
        migration.steps().iter().map(expand).collect::<Vec<_>>()
    });
    steps.collect()
}

#[test]
fn every_statement_keeps_the_rules() {
    let shards = page();
    let statements = whole_product::statements();
    let mut findings = Vec::new();
    for statement in &statements {
        let text = statement.text_for(Engine::Postgres);
        let found = statement::check(&shards, statement.name, text, statement.params.len());
        findings.extend(
            found
                .iter()
                .map(|what| format!("{}: {what}", statement.name)),
        );
    }
    for name in shards.sweeps.keys() {
        if !statements.iter().any(|statement| statement.name == name) {
            findings.push(format!("{name}: listed as a sweep, but no such statement"));
        }
    }
    println!("{} statements", statements.len());
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn every_migration_keeps_the_rules() {
    let shards = page();
    let mut findings = Vec::new();
    // Made by the migrator itself, before the first migration.
    let mut made = BTreeSet::from(["schema_migration".to_owned()]);
    for (name, step) in steps() {
        let found = schema::check(&shards, &step);
        findings.extend(found.iter().map(|what| format!("{name}: {what}")));
        made.extend(schema::made(&step));
    }
    for table in shards
        .split
        .keys()
        .chain(&shards.whole)
        .filter(|table| !made.contains(*table))
    {
        findings.push(format!("docs/shards.toml: no migration makes {table}"));
    }
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

mod breaches;
