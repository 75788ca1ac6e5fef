//! Commands that may be repeated happen once (EV-3): the first answer is kept, sealed, in the transaction of
//! its effect, and given again.

use db::{
    BoxFuture, Db, DbError, WriteTx,
    idempotency::{self, Claim},
};
use serde::{Serialize, de::DeserializeOwned};
use vault::Vault;

/// Names a command.
#[derive(Debug, Clone)]
pub struct OnceKey {
    /// Whose: an account's id or a browser's key.
    pub scope: Vec<u8>,
    /// The key the caller chose.
    pub key: String,
    /// What was asked for; the same key with another request is refused.
    pub request: [u8; 32],
}

impl OnceKey {
    /// The key of a form: scope, path and content.
    pub fn of_form(scope: &[u8], path: &str, form: &crate::form::Form) -> Self {
        let request = form.once();
        Self {
            scope: scope.to_vec(),
            key: format!("{path} {}", hex::encode(request)),
            request,
        }
    }
}

/// What a command gave.
#[derive(Debug)]
pub enum Once<T> {
    /// Its answer, now or as it was the first time.
    Done(T),
    /// The key was used for another request.
    Mismatch,
}

const PURPOSE: &str = "webkit.once";

/// Runs a command once. Its answer must be serializable; it may hold secrets, for it is kept sealed.
pub async fn once<C, T, E, F>(
    db: &Db,
    vault: &Vault,
    name: &'static str,
    key: OnceKey,
    input: C,
    command: F,
) -> Result<Once<T>, E>
where
    C: Send + Sync + 'static,
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    E: From<DbError> + Send + 'static,
    F: for<'t> Fn(&'t mut WriteTx, &'t C) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
{
    let input = (key, input, command, vault.clone());
    db.write(name, input, |tx, (key, input, command, vault)| {
        Box::pin(async move {
            let broken = |why| {
                E::from(DbError::Misuse {
                    statement: "once",
                    why,
                })
            };
            match idempotency::claim(tx, &key.scope, &key.key, &key.request).await? {
                Claim::Mismatch => Ok(Once::Mismatch),
                Claim::Replay(sealed) => {
                    let opened = vault
                        .open_system(PURPOSE, &sealed)
                        .map_err(|_| broken("a kept answer does not open"))?;
                    let answer = serde_json::from_slice(&opened)
                        .map_err(|_| broken("a kept answer is not understood"))?;
                    Ok(Once::Done(answer))
                }
                Claim::Fresh => {
                    let answer = command(tx, input).await?;
                    let text = serde_json::to_vec(&answer)
                        .map_err(|_| broken("an answer cannot be kept"))?;
                    let sealed = vault.seal_system(PURPOSE, &text);
                    idempotency::keep(tx, &key.scope, &key.key, &sealed).await?;
                    Ok(Once::Done(answer))
                }
            }
        })
    })
    .await
}
