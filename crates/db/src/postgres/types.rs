//! Our kinds in the wire types of PostgreSQL.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::{DbError, Kind, Param, Statement, Value};

/// A parameter on the wire.
#[derive(Debug)]
pub(crate) struct PgParam<'a>(pub(crate) Param<'a>);

impl ToSql for PgParam<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self.0 {
            Param::Null => Ok(IsNull::Yes),
            Param::Int(x) => x.to_sql(ty, out),
            Param::Text(x) => x.to_sql(ty, out),
            Param::Bytes(x) => x.to_sql(ty, out),
            Param::Bool(x) => x.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA, Type::BOOL].contains(ty)
    }

    to_sql_checked!();
}

/// The wire type of a kind.
pub(crate) fn pg_type(kind: Kind) -> Type {
    match kind.base() {
        Kind::Text => Type::TEXT,
        Kind::Bytes => Type::BYTEA,
        Kind::Bool => Type::BOOL,
        _ => Type::INT8,
    }
}

/// The wire types of a statement's parameters; given at PREPARE so that the server never guesses.
pub(crate) fn pg_types(kinds: &[Kind]) -> Vec<Type> {
    kinds.iter().copied().map(pg_type).collect()
}

pub(crate) fn read(
    statement: &'static Statement,
    column: usize,
    kind: Kind,
    row: &tokio_postgres::Row,
) -> Result<Value, DbError> {
    let wrong = |why| DbError::Inconsistent {
        statement: statement.name,
        column,
        why,
    };
    let value = match kind.base() {
        Kind::Text => row
            .try_get::<_, Option<String>>(column)
            .map(|x| x.map(Value::Text)),
        Kind::Bytes => row
            .try_get::<_, Option<Vec<u8>>>(column)
            .map(|x| x.map(Value::Bytes)),
        Kind::Bool => row
            .try_get::<_, Option<bool>>(column)
            .map(|x| x.map(Value::Bool)),
        _ => row
            .try_get::<_, Option<i64>>(column)
            .map(|x| x.map(Value::Int)),
    };
    match value.map_err(|_| wrong("another kind than declared"))? {
        Some(value) => Ok(value),
        None if kind.is_optional() => Ok(Value::Null),
        None => Err(wrong("unexpected NULL")),
    }
}
