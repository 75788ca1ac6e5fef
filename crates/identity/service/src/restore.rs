//! After a backup was restored: what was ended, used or voided since it was taken must not live again (F18).

pub(crate) mod sql;

use db::{DbError, WriteTx, params};

/// Ends all sessions, and kills all codes, half-finished sign-ins and links. May be repeated.
pub async fn after_restore(tx: &mut WriteTx) -> Result<(), DbError> {
    for statement in sql::ALL {
        tx.execute(statement, params![]).await?;
    }
    Ok(())
}
