//! Forward-only schema changes, one text for both engines.

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use crate::portable::RESTORE_TABLE;
use crate::{Db, DbError, Deadline, Engine, Inner, MigrateError, params, tx::Session};

static FOLDER: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../migrations");

/// One schema change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its number, from 1.
    pub number: i64,
    /// Its folder, `NNNN_<area>_<what>`.
    pub name: &'static str,
    /// Its text, before [`expand`].
    pub text: &'static str,
}

impl Migration {
    /// Every migration this program knows, in order.
    pub fn all() -> Result<Vec<Self>, MigrateError> {
        let mut all = FOLDER
            .dirs()
            .map(|dir| {
                let name = dir.path().to_str().unwrap_or_default();
                let malformed = || MigrateError::Malformed(name.to_owned());
                let number = name.split('_').next().filter(|n| n.len() == 4);
                let number = number.and_then(|n| n.parse().ok()).ok_or_else(malformed)?;
                let file = dir.get_file(dir.path().join("up.sql"));
                let text = file.and_then(|f| f.contents_utf8()).ok_or_else(malformed)?;
                Ok(Self { number, name, text })
            })
            .collect::<Result<Vec<_>, MigrateError>>()?;
        all.sort_by_key(|m| m.number);
        if let Some(pair) = all.array_windows().find(|[a, b]| a.number == b.number) {
            return Err(MigrateError::Malformed(pair[1].name.to_owned()));
        }
        Ok(all)
    }

    /// The SHA-256 of the text: what is released stays as it is.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.text.as_bytes()).into()
    }

    /// The statements, without comments. A statement ends with `;` at the end of a line.
    pub fn steps(&self) -> Vec<String> {
        let mut steps = vec![String::new()];
        for line in self.text.lines() {
            let line = without_comment(line).trim_end();
            let (line, ends) = line
                .strip_suffix(';')
                .map_or((line, false), |line| (line, true));
            if let Some(step) = steps.last_mut() {
                step.push_str(line);
                step.push('\n');
            }
            if ends {
                steps.push(String::new());
            }
        }
        steps
            .iter()
            .map(|step| step.trim().to_owned())
            .filter(|step| !step.is_empty())
            .collect()
    }
}

/// The line up to `--`, unless that stands inside a text.
fn without_comment(line: &str) -> &str {
    let outside = |at: &usize| {
        line.get(..*at)
            .is_some_and(|x| x.matches('\'').count() % 2 == 0)
    };
    let at = line.match_indices("--").map(|(at, _)| at).find(outside);
    at.and_then(|at| line.get(..at)).unwrap_or(line)
}

/// Replaces the type words where the engines differ. SQLite tables are STRICT, so that a wrong type is an
/// error there too; `{clustered}` keeps the rows of one key together.
pub fn expand(step: &str, engine: Engine) -> String {
    let words: &[(&str, &str)] = match engine {
        Engine::Postgres => &[(" {table}", ""), (" {clustered}", "")],
        Engine::Sqlite => &[
            (" {table}", " STRICT"),
            (" {clustered}", " STRICT, WITHOUT ROWID"),
            (" BIGINT", " INTEGER"),
            (" BYTEA", " BLOB"),
            (" BOOLEAN", " INTEGER"),
        ],
    };
    words
        .iter()
        .fold(step.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// What [`Db::migrate`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// Names of the migrations applied now.
    pub applied: Vec<&'static str>,
    /// The number the schema is at.
    pub at: i64,
}

mod sql {
    crate::statements! {
        /// What was applied, in order.
        APPLIED: "SELECT number, name, hash FROM schema_migration ORDER BY number" () -> (Int, Text, Bytes);
        /// Notes one as applied.
        NOTE: "INSERT INTO schema_migration (number, name, hash, at) VALUES ($1, $2, $3, $4)"
            (Int, Text, Bytes, Int) -> ();
    }
}
pub(crate) use sql::ALL as STATEMENTS;

const BASE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
    number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, hash BYTEA NOT NULL, at BIGINT NOT NULL
) {table}";

impl Db {
    /// Brings the schema up to date. Several programs may try at once: one does it, the others find it
    /// done. Each migration is one transaction, so a killed run is simply run again (F17).
    pub async fn migrate(&self) -> Result<Migrated, MigrateError> {
        self.migrate_with(&Migration::all()?).await
    }

    /// The same with a given list, for tests.
    #[doc(hidden)]
    pub async fn migrate_with(&self, all: &[Migration]) -> Result<Migrated, MigrateError> {
        let base = || self.run_step("db.migrate_base", vec![expand(BASE, self.engine())], None);
        // IF NOT EXISTS does not keep two programs from making the table at the same moment on
        // PostgreSQL; the one that lost finds it the second time.
        if base().await.is_err() {
            base().await?;
        }
        let mut done = Migrated {
            applied: Vec::new(),
            at: 0,
        };
        for migration in all {
            done.at = migration.number;
            if self.apply(migration).await? {
                done.applied.push(migration.name);
            }
        }
        let newest = self
            .applied()
            .await?
            .last()
            .map_or(0, |(number, _)| *number);
        if newest > done.at {
            return Err(MigrateError::Newer(newest));
        }
        if self.is_half_restored().await? {
            return Err(MigrateError::HalfRestored);
        }
        Ok(done)
    }

    /// The migrations this program knows and the database lacks.
    pub async fn pending(&self) -> Result<Vec<&'static str>, MigrateError> {
        let applied = self.applied().await.unwrap_or_default();
        let is_applied = |m: &Migration| applied.iter().any(|(number, _)| *number == m.number);
        let restores = applied.iter().any(|(number, _)| *number == RESTORE_TABLE);
        if restores && self.is_half_restored().await? {
            return Err(MigrateError::HalfRestored);
        }
        Ok(Migration::all()?
            .into_iter()
            .filter(|m| !is_applied(m))
            .map(|m| m.name)
            .collect())
    }

    async fn applied(&self) -> Result<Vec<(i64, [u8; 32])>, DbError> {
        self.read("db.migrations", (), |tx, ()| {
            Box::pin(async move {
                let rows = tx.query(&sql::APPLIED, params![]).await?;
                rows.iter()
                    .map(|row| Ok((row.int(0)?, row.array(2)?)))
                    .collect()
            })
        })
        .await
    }

    async fn apply(&self, migration: &Migration) -> Result<bool, MigrateError> {
        let steps = migration
            .steps()
            .iter()
            .map(|s| expand(s, self.engine()))
            .collect();
        self.run_step("db.migrate", steps, Some(migration.clone()))
            .await
    }

    /// Runs schema text; the only SQL that is not a registered statement.
    async fn run_step(
        &self,
        name: &'static str,
        steps: Vec<String>,
        migration: Option<Migration>,
    ) -> Result<bool, MigrateError> {
        self.write_by(
            Deadline::patient(),
            name,
            (steps, migration),
            |tx, (steps, migration)| {
                Box::pin(async move {
                    if let Some(migration) = migration {
                        if let Session::Postgres(session) = &mut tx.session {
                            // Programs that start at once wait here for the one that is at it.
                            session.simple("SET LOCAL statement_timeout = 0").await?;
                            session.simple("SET LOCAL lock_timeout = 0").await?;
                            session
                                .simple("LOCK TABLE schema_migration IN EXCLUSIVE MODE")
                                .await?;
                        }
                        let rows = tx.query(&sql::APPLIED, params![]).await?;
                        for row in &rows {
                            if row.int(0)? == migration.number {
                                return if row.array::<32>(2)? == migration.hash() {
                                    Ok(false)
                                } else {
                                    Err(MigrateError::Changed(migration.name.to_owned()))
                                };
                            }
                        }
                    }
                    let label = migration.as_ref().map_or("base", |m| m.name);
                    for (place, step) in (1_usize..).zip(steps) {
                        let ran = match &mut tx.session {
                            Session::Sqlite(session) => {
                                session.conn.execute_batch(step).map_err(|e| e.to_string())
                            }
                            Session::Postgres(session) => {
                                session.simple(step).await.map_err(|e| e.to_string())
                            }
                        };
                        ran.map_err(|message| MigrateError::Step {
                            name: label.to_owned(),
                            step: place,
                            message,
                        })?;
                    }
                    if let Some(migration) = migration {
                        let now = tx.now();
                        let hash = migration.hash();
                        tx.execute(
                            &sql::NOTE,
                            params![migration.number, migration.name, &hash, now],
                        )
                        .await?;
                    }
                    Ok(true)
                })
            },
        )
        .await
    }

    /// The SQLite file, when there is one.
    pub fn file(&self) -> Option<&std::path::Path> {
        match &*self.inner {
            Inner::Sqlite { path, .. } => Some(path),
            Inner::Postgres { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_in_order_and_split_into_steps() {
        let all = Migration::all().unwrap();
        assert_eq!(all[0].name, "0001_db_base");
        assert_eq!(all[0].steps().len(), 3);
        assert!(all.is_sorted_by(|a, b| a.number < b.number));
    }

    #[test]
    fn comments_and_texts_do_not_break_a_step() {
        let text = "-- a; b\nCREATE TABLE t (\n a BIGINT, -- what; why\n b TEXT CHECK (b <> '--;')\n);\nX;";
        let steps = Migration {
            number: 1,
            name: "t",
            text,
        }
        .steps();
        assert_eq!(
            steps,
            [
                "CREATE TABLE t (\n a BIGINT,\n b TEXT CHECK (b <> '--;')\n)",
                "X"
            ]
        );
    }

    #[test]
    fn type_words_are_expanded_where_the_engines_differ() {
        let step = "CREATE TABLE t (a BIGINT NOT NULL, b BYTEA, c BOOLEAN) {clustered}";
        assert_eq!(
            expand(step, Engine::Sqlite),
            "CREATE TABLE t (a INTEGER NOT NULL, b BLOB, c INTEGER) STRICT, WITHOUT ROWID"
        );
        assert_eq!(
            expand(step, Engine::Postgres),
            "CREATE TABLE t (a BIGINT NOT NULL, b BYTEA, c BOOLEAN)"
        );
    }
}
