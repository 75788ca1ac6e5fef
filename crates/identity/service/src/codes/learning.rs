//! The code of a call whose number the gateway chose (ID-2): the end of that number, learnt when the gateway
//! answers. Until then the challenge has no code and no try of it is right.

use db::{BoxFuture, DbError, WriteTx, params};
use kernel::MessageId;
use notify::{LearntCodes, http_gateway::code_of_number};
use vault::Vault;

use super::sql;
use crate::env::Subject;

/// Gives challenges the codes of their calls.
pub struct LearnCalls {
    vault: Vault,
}

impl LearnCalls {
    /// With the keys that codes are kept under.
    pub fn new(vault: &Vault) -> Self {
        Self {
            vault: vault.clone(),
        }
    }
}

impl LearntCodes for LearnCalls {
    fn learnt<'t>(
        &'t self,
        tx: &'t mut WriteTx,
        subject: &'t Subject,
        message: MessageId,
        number: &'t str,
    ) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(learn(tx, &self.vault, subject, message, number))
    }
}

/// Tries that were made stay counted: a call that is repeated buys none.
async fn learn(
    tx: &mut WriteTx,
    vault: &Vault,
    subject: &Subject,
    message: MessageId,
    number: &str,
) -> Result<(), DbError> {
    let key = params![subject, message.as_bytes()];
    let Some(row) = tx.query_opt(&sql::OF_MESSAGE, key).await? else {
        // Used, replaced or forgotten meanwhile: nobody may enter it any more.
        return Ok(());
    };
    let digits = usize::try_from(row.int(2)?).map_err(|_| row.wrong(2, "out of range"))?;
    let Some(code) = code_of_number(number, digits) else {
        // The carrier lets no such number through; a challenge without a code stays without one.
        return Ok(());
    };
    let mac = vault.code_mac(&row.bytes(1)?, &code);
    let challenge = row.array::<16>(0)?;
    let learnt = params![&mac, subject, &challenge];
    tx.execute_one(&sql::LEARN, learnt).await
}
