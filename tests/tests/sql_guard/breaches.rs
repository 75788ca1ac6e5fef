//! The guard is shown breaches and must see each of them.

use super::shards::Shards;
use super::{schema, statement};

fn sample() -> Shards {
    Shards::parse(
        r#"
whole = ["currency"]
[split]
session = "account_id"
factor = "account_id"
job = "bucket"
[sweeps]
"sample::SWEEP" = "reads a little of each shard"
"#,
    )
}

fn params(text: &str) -> usize {
    text.matches('$').count()
}

fn passes(text: &str) {
    let found = statement::check(&sample(), "sample::X", text, params(text));
    assert!(found.is_empty(), "{text}: {found:?}");
}

fn breaks(text: &str, what: &str) {
    let found = statement::check(&sample(), "sample::X", text, params(text));
    assert!(
        found.iter().any(|found| found.contains(what)),
        "{text}: wanted {what:?}, found {found:?}"
    );
}

#[test]
fn good_statements_pass() {
    passes("SELECT id FROM session WHERE account_id = $1 AND token_hash = $2 FOR UPDATE");
    passes("SELECT rate FROM currency WHERE code = $1");
    passes(
        "INSERT INTO session (account_id, id, at) VALUES ($1, $2, $3) ON CONFLICT (account_id, id) DO UPDATE SET at = excluded.at",
    );
    passes(
        "UPDATE session SET ended_at = $1 WHERE account_id = $2 AND (ended_at IS NULL OR ended_at > $3)",
    );
    passes("DELETE FROM session WHERE $1 = account_id");
    passes(
        "SELECT s.id FROM session s JOIN factor f ON f.account_id = s.account_id WHERE s.account_id = $1",
    );
    passes(
        "UPDATE job SET lease = $1 WHERE bucket = $2 AND id IN (SELECT id FROM job WHERE bucket = $3 ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED) RETURNING id",
    );
    passes(
        "SELECT s.id FROM session s WHERE s.account_id = $1 AND EXISTS (SELECT 1 FROM factor f WHERE f.account_id = s.account_id)",
    );
}

#[test]
fn a_split_table_without_its_shard_is_seen() {
    breaks(
        "SELECT id FROM session WHERE token_hash = $1",
        "asks session without account_id",
    );
    breaks("SELECT id FROM session", "asks session without account_id");
    breaks(
        "SELECT id FROM session WHERE account_id = $1 OR id = $2",
        "asks session without account_id",
    );
    breaks(
        "SELECT id FROM session WHERE NOT (account_id = $1)",
        "asks session without account_id",
    );
    breaks(
        "SELECT id FROM session WHERE account_id > $1",
        "asks session without account_id",
    );
    breaks(
        "SELECT id FROM session WHERE account_id = account_id",
        "asks session without account_id",
    );
    breaks(
        "UPDATE session SET at = $1 WHERE id = $2",
        "asks session without account_id",
    );
    breaks(
        "DELETE FROM session WHERE at < $1",
        "asks session without account_id",
    );
    breaks(
        "SELECT s.id FROM session s JOIN factor f ON f.id = s.id WHERE s.account_id = $1",
        "asks f without account_id",
    );
    breaks(
        "SELECT s.id FROM session s WHERE s.account_id = $1 AND EXISTS (SELECT 1 FROM factor f WHERE f.id = s.id)",
        "asks f without account_id",
    );
    breaks(
        "SELECT (SELECT max(at) FROM factor) FROM session WHERE account_id = $1",
        "asks factor without account_id",
    );
    breaks(
        "WITH old AS (SELECT id FROM session) SELECT id FROM old",
        "asks session without account_id",
    );
}

#[test]
fn a_subquery_in_an_unread_place_is_seen() {
    breaks(
        "SELECT id FROM session WHERE account_id = $1 ORDER BY (SELECT max(at) FROM factor)",
        "cannot read it",
    );
    breaks(
        "INSERT INTO session (account_id, id) VALUES ($1, (SELECT max(id) FROM factor))",
        "inside VALUES",
    );
}

#[test]
fn two_shard_keys_in_one_statement_are_seen() {
    breaks(
        "SELECT s.id FROM session s JOIN job j ON j.id = s.id WHERE s.account_id = $1 AND j.bucket = $2",
        "several shard keys",
    );
}

#[test]
fn shards_are_inserted_and_never_changed() {
    breaks(
        "INSERT INTO session (id) VALUES ($1)",
        "inserts into session without account_id",
    );
    breaks(
        "INSERT INTO session (account_id, id) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        "ON CONFLICT without account_id",
    );
    breaks(
        "INSERT INTO session (account_id) VALUES ($1) ON CONFLICT ON CONSTRAINT session_pkey DO NOTHING",
        "names a constraint",
    );
    breaks(
        "INSERT INTO session (account_id) VALUES ($1) ON CONFLICT (account_id) DO UPDATE SET account_id = excluded.account_id",
        "changes account_id",
    );
    breaks(
        "UPDATE session SET account_id = $1 WHERE account_id = $2",
        "changes account_id",
    );
}

#[test]
fn words_and_parameters_are_seen() {
    breaks("SELECT now() FROM currency", "NOW");
    breaks("SELECT random() FROM currency", "RANDOM");
    breaks("SELECT nextval('x') FROM currency", "NEXTVAL");
    breaks("SELECT pg_advisory_xact_lock(1) FROM currency", "advisory");
    breaks(
        "UPDATE currency SET at = current_timestamp",
        "CURRENT_TIMESTAMP",
    );
    breaks(
        "WITH RECURSIVE r AS (SELECT 1) SELECT 1 FROM r",
        "RECURSIVE",
    );
    breaks("LISTEN changes", "LISTEN");
    breaks(
        "SELECT rate FROM currency WHERE code = $2 AND at = $1",
        "number in order",
    );
    breaks(
        "SELECT rate FROM currency WHERE code = $1 AND at = $1",
        "number in order",
    );
    breaks("SELECT 1; SELECT 2", "not exactly one");
    breaks("DROP TABLE currency", "not a query");
    breaks("SELECT rate FROM currency JOIN other USING (id)", "join by");
    let undeclared = statement::check(
        &sample(),
        "sample::X",
        "SELECT rate FROM currency WHERE code = $1",
        2,
    );
    assert!(undeclared[0].contains("2 declared"));
}

#[test]
fn a_sweep_is_allowed_by_name_only_and_must_be_one() {
    let sweep = |text: &str| statement::check(&sample(), "sample::SWEEP", text, params(text));
    assert!(sweep("DELETE FROM session WHERE at < $1").is_empty());
    assert!(sweep("DELETE FROM session WHERE account_id = $1")[0].contains("is none"));
}

#[test]
fn migrations_are_held_to_types_and_keys() {
    let found = |step: &str| schema::check(&sample(), step).join("; ");
    let good = "CREATE TABLE session (account_id BYTEA NOT NULL, id BYTEA NOT NULL, at BIGINT NOT NULL DEFAULT 0, on_ BOOLEAN, PRIMARY KEY (account_id, id))";
    assert_eq!(found(good), "");
    assert_eq!(
        found("CREATE UNIQUE INDEX session_token ON session (account_id, token)"),
        ""
    );
    assert_eq!(found("ALTER TABLE session ADD COLUMN place TEXT"), "");
    for (step, what) in [
        (
            "CREATE TABLE session (id BYTEA PRIMARY KEY)",
            "lacks its shard column",
        ),
        (
            "CREATE TABLE session (account_id BYTEA, id BYTEA UNIQUE, PRIMARY KEY (account_id))",
            "lacks its shard column",
        ),
        (
            "CREATE TABLE session (account_id BYTEA, id BYTEA, PRIMARY KEY (account_id), FOREIGN KEY (id) REFERENCES factor (id))",
            "lacks its shard column",
        ),
        ("CREATE TABLE session (account_id BYTEA)", "0 primary keys"),
        (
            "CREATE TABLE stranger (id BYTEA PRIMARY KEY)",
            "neither split nor whole",
        ),
        (
            "CREATE TABLE currency (id UUID PRIMARY KEY)",
            "BIGINT, TEXT, BYTEA or BOOLEAN",
        ),
        (
            "CREATE TABLE currency (id INTEGER PRIMARY KEY)",
            "BIGINT, TEXT, BYTEA or BOOLEAN",
        ),
        (
            "CREATE TABLE currency (id BIGINT PRIMARY KEY, at BIGINT DEFAULT extract_now())",
            "not in the common subset",
        ),
        (
            "CREATE TABLE currency (id BIGINT PRIMARY KEY, at BIGINT DEFAULT now())",
            "NOW",
        ),
        (
            "CREATE TABLE currency (id BIGINT, CONSTRAINT key PRIMARY KEY (id))",
            "CONSTRAINT",
        ),
        (
            "CREATE TABLE currency (id BIGSERIAL PRIMARY KEY)",
            "BIGSERIAL",
        ),
        (
            "CREATE UNIQUE INDEX session_token ON session (token)",
            "lacks its shard column",
        ),
        ("CREATE INDEX ON session (token)", "without a name"),
        ("ALTER TABLE session DROP COLUMN at", "only ADD COLUMN"),
        ("DROP TABLE session", "for each step"),
        (
            "CREATE TRIGGER t AFTER INSERT ON session EXECUTE FUNCTION f()",
            "TRIGGER",
        ),
    ] {
        assert!(
            found(step).contains(what),
            "{step}: wanted {what:?}, found {:?}",
            found(step)
        );
    }
}
