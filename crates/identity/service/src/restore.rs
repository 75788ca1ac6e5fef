//! After a backup was restored: what was ended, used or voided since it was taken must not live again (F18).

pub(crate) mod sql;

use db::{DbError, WriteTx, params};
use identity_core::totp;

use crate::changes;

/// Ends all sessions with what they have shown, and kills all codes, half-finished sign-ins and links. Voids every
/// backup code, for nobody knows which were used since, and every code of an authenticator app that could have
/// been taken already. The clocks of changes that wait begin anew. May be repeated.
pub async fn after_restore(tx: &mut WriteTx) -> Result<(), DbError> {
    for statement in sql::ENDED {
        tx.execute(statement, params![]).await?;
    }
    let now = tx.now();
    changes::restart_all(tx).await?;
    tx.execute(&sql::BACKUP_CODES, params![now]).await?;
    let last = totp::last_open_step(now);
    tx.execute(&sql::APPS, params![last, last]).await?;
    Ok(())
}
