//! Kinds, parameters and rows: the few types both engines share.

use std::borrow::Cow;

use kernel::Timestamp;
use smallvec::SmallVec;

use crate::{DbError, Statement};

/// The kind of a parameter or a column. The `Opt` ones may be NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// BIGINT.
    Int,
    /// TEXT.
    Text,
    /// BYTEA (BLOB on SQLite).
    Bytes,
    /// BOOLEAN (0 or 1 on SQLite).
    Bool,
    /// BIGINT or NULL.
    OptInt,
    /// TEXT or NULL.
    OptText,
    /// BYTEA or NULL.
    OptBytes,
    /// BOOLEAN or NULL.
    OptBool,
}

impl Kind {
    /// The kind without its NULL.
    #[must_use]
    pub const fn base(self) -> Self {
        match self {
            Self::Int | Self::OptInt => Self::Int,
            Self::Text | Self::OptText => Self::Text,
            Self::Bytes | Self::OptBytes => Self::Bytes,
            Self::Bool | Self::OptBool => Self::Bool,
        }
    }

    /// Whether NULL is allowed.
    pub const fn is_optional(self) -> bool {
        matches!(
            self,
            Self::OptInt | Self::OptText | Self::OptBytes | Self::OptBool
        )
    }
}

/// A parameter of a statement, borrowed from the caller.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Param<'a> {
    /// NULL.
    Null,
    /// BIGINT.
    Int(i64),
    /// TEXT.
    Text(&'a str),
    /// BYTEA.
    Bytes(&'a [u8]),
    /// BOOLEAN.
    Bool(bool),
}

impl std::fmt::Debug for Param<'_> {
    // Values may be personal, so only the kind is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Int(_) => "int",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Bool(_) => "bool",
        })
    }
}

impl Param<'_> {
    /// The same value, kept.
    pub(crate) fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Int(x) => Value::Int(x),
            Self::Text(x) => Value::Text(x.to_owned()),
            Self::Bytes(x) => Value::Bytes(x.to_owned()),
            Self::Bool(x) => Value::Bool(x),
        }
    }

    /// Whether the value may stand where `kind` is declared.
    pub(crate) fn fits(self, kind: Kind) -> bool {
        match self {
            Self::Null => kind.is_optional(),
            Self::Int(_) => kind.base() == Kind::Int,
            Self::Text(_) => kind.base() == Kind::Text,
            Self::Bytes(_) => kind.base() == Kind::Bytes,
            Self::Bool(_) => kind.base() == Kind::Bool,
        }
    }
}

macro_rules! param_from {
    ($($from:ty => |$x:ident| $to:expr),* $(,)?) => {
        $(impl<'a> From<$from> for Param<'a> { fn from($x: $from) -> Self { $to } })*
    };
}
param_from! {
    i64 => |x| Param::Int(x),
    i32 => |x| Param::Int(i64::from(x)),
    u32 => |x| Param::Int(i64::from(x)),
    u16 => |x| Param::Int(i64::from(x)),
    u8 => |x| Param::Int(i64::from(x)),
    bool => |x| Param::Bool(x),
    Timestamp => |x| Param::Int(x.as_micros()),
    &'a str => |x| Param::Text(x),
    &'a String => |x| Param::Text(x.as_str()),
    &'a Cow<'a, str> => |x| Param::Text(x.as_ref()),
    &'a [u8] => |x| Param::Bytes(x),
    &'a Vec<u8> => |x| Param::Bytes(x.as_slice()),
}

impl<'a, const N: usize> From<&'a [u8; N]> for Param<'a> {
    fn from(x: &'a [u8; N]) -> Self {
        Param::Bytes(x.as_slice())
    }
}

impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(x: Option<T>) -> Self {
        x.map_or(Param::Null, Into::into)
    }
}

/// A value read from a row.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// NULL.
    Null,
    /// BIGINT.
    Int(i64),
    /// TEXT.
    Text(String),
    /// BYTEA.
    Bytes(Vec<u8>),
    /// BOOLEAN.
    Bool(bool),
}

impl Value {
    /// The same value as a parameter.
    pub fn as_param(&self) -> Param<'_> {
        match self {
            Self::Null => Param::Null,
            Self::Int(x) => Param::Int(*x),
            Self::Text(x) => Param::Text(x),
            Self::Bytes(x) => Param::Bytes(x),
            Self::Bool(x) => Param::Bool(*x),
        }
    }
}

/// One row of an answer. Its getters check the kind, so a wrong guess is an error, never a panic.
pub struct Row {
    statement: &'static Statement,
    values: SmallVec<[Value; 8]>,
}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident, $opt:ident, $variant:ident, $ty:ty;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(&self, column: usize) -> Result<$ty, DbError> {
                match self.value(column)? {
                    Value::$variant(x) => Ok(x.clone()),
                    Value::Null => Err(self.wrong(column, "unexpected NULL")),
                    _ => Err(self.wrong(column, "another kind")),
                }
            }

            /// The same, or `None` for NULL.
            pub fn $opt(&self, column: usize) -> Result<Option<$ty>, DbError> {
                match self.value(column)? {
                    Value::$variant(x) => Ok(Some(x.clone())),
                    Value::Null => Ok(None),
                    _ => Err(self.wrong(column, "another kind")),
                }
            }
        )*
    };
}

impl Row {
    pub(crate) fn new(statement: &'static Statement, values: SmallVec<[Value; 8]>) -> Self {
        Self { statement, values }
    }

    fn value(&self, column: usize) -> Result<&Value, DbError> {
        self.values
            .get(column)
            .ok_or_else(|| self.wrong(column, "no such column"))
    }

    /// The error a caller returns when a value cannot be what the code believes (an unknown status, a
    /// malformed id).
    pub fn wrong(&self, column: usize, why: &'static str) -> DbError {
        DbError::Inconsistent {
            statement: self.statement.name,
            column,
            why,
        }
    }

    getters! {
        /// A BIGINT.
        int, opt_int, Int, i64;
        /// A TEXT.
        text, opt_text, Text, String;
        /// A BYTEA.
        bytes, opt_bytes, Bytes, Vec<u8>;
        /// A BOOLEAN.
        bool, opt_bool, Bool, bool;
    }

    /// A BYTEA of exactly `N` bytes (an id, a hash).
    pub fn array<const N: usize>(&self, column: usize) -> Result<[u8; N], DbError> {
        match self.value(column)? {
            Value::Bytes(x) => x
                .as_slice()
                .try_into()
                .map_err(|_| self.wrong(column, "another length")),
            _ => Err(self.wrong(column, "another kind")),
        }
    }

    /// The same, or `None` for NULL.
    pub fn opt_array<const N: usize>(&self, column: usize) -> Result<Option<[u8; N]>, DbError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            _ => self.array(column).map(Some),
        }
    }

    /// A time: BIGINT microseconds UTC.
    pub fn timestamp(&self, column: usize) -> Result<Timestamp, DbError> {
        self.int(column).map(Timestamp::from_micros)
    }

    /// The same, or `None` for NULL.
    pub fn opt_timestamp(&self, column: usize) -> Result<Option<Timestamp>, DbError> {
        Ok(self.opt_int(column)?.map(Timestamp::from_micros))
    }

    /// Every value, in the order of the columns.
    pub fn values(&self) -> &[Value] {
        &self.values
    }
}
