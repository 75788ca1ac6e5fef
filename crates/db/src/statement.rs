//! Registered statements: one SQL text, the kinds of its parameters and columns, both dialects.

use std::sync::OnceLock;

use crate::{DbError, Kind, Param};

/// The engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// SQLite, in this process.
    Sqlite,
    /// PostgreSQL, or a cluster that speaks its protocol.
    Postgres,
}

/// One SQL text, made by [`statements!`](crate::statements!) in a capability's `sql.rs` and nowhere else.
pub struct Statement {
    /// Module path and constant, for errors and plans.
    pub name: &'static str,
    /// The text as written, with `{lock}` and `{skip_locked}` unexpanded.
    pub text: &'static str,
    /// Kinds of `$1`, `$2`, …
    pub params: &'static [Kind],
    /// Kinds of the columns; empty for a statement that returns no rows.
    pub columns: &'static [Kind],
    sqlite: OnceLock<String>,
    postgres: OnceLock<String>,
}

impl Statement {
    /// For the macro.
    pub const fn new(
        name: &'static str,
        text: &'static str,
        params: &'static [Kind],
        columns: &'static [Kind],
    ) -> Self {
        Self {
            name,
            text,
            params,
            columns,
            sqlite: OnceLock::new(),
            postgres: OnceLock::new(),
        }
    }

    /// The text for one engine. The dialect words are all there is: `{lock}` and `{skip_locked}` lock the
    /// selected rows on PostgreSQL and are nothing on SQLite, whose single writer holds the whole file.
    pub fn text_for(&self, engine: Engine) -> &str {
        match engine {
            Engine::Sqlite => self
                .sqlite
                .get_or_init(|| self.text.replace("{skip_locked}", "").replace("{lock}", "")),
            Engine::Postgres => self.postgres.get_or_init(|| {
                self.text
                    .replace("{skip_locked}", " FOR UPDATE SKIP LOCKED")
                    .replace("{lock}", " FOR UPDATE")
            }),
        }
    }

    /// Refuses parameters of another number or kind than declared, before an engine sees them.
    pub(crate) fn check(&self, params: &[Param<'_>]) -> Result<(), DbError> {
        let fits = params.len() == self.params.len()
            && params
                .iter()
                .zip(self.params)
                .all(|(param, kind)| param.fits(*kind));
        if fits {
            Ok(())
        } else {
            Err(DbError::Misuse {
                statement: self.name,
                why: "the parameters are not as declared",
            })
        }
    }
}

impl std::fmt::Debug for Statement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Registers statements: `NAME: "SQL" (parameter kinds) -> (column kinds);`. Also makes `ALL`, the list a
/// test prepares on both engines.
///
/// ```
/// db::statements! {
///     /// Finds a session by its token.
///     FIND: "SELECT session_id, ended_at FROM session WHERE account_id = $1 AND token_hash = $2"
///         (Bytes, Bytes) -> (Bytes, OptInt);
/// }
/// assert_eq!(ALL.len(), 1);
/// ```
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident: $text:literal ($($param:ident),* $(,)?) -> ($($column:ident),* $(,)?);)*) => {
        $(
            $(#[$doc])*
            pub static $name: $crate::Statement = $crate::Statement::new(
                concat!(module_path!(), "::", stringify!($name)),
                $text,
                &[$($crate::Kind::$param),*],
                &[$($crate::Kind::$column),*],
            );
        )*
        /// Every statement of this module.
        pub static ALL: &[&$crate::Statement] = &[$(&$name),*];
    };
}

/// Parameters, each turned by `Param::from`: `params![account.as_bytes(), now, "x"]`.
#[macro_export]
macro_rules! params {
    ($($x:expr),* $(,)?) => { &[$($crate::Param::from($x)),*] as &[$crate::Param<'_>] };
}
