//! Ways back in (ID-8a): what an account has, for the meter.

use db::{DbError, ReadTx, params};
use identity_core::{
    account::is_aged,
    ways_back::{self as rules, Key, Number, Outlook, Ways},
};

use crate::{
    account::{self, Account},
    env::{Env, ServiceError},
    passkeys, second_factor, shown,
};

/// What an account has.
pub async fn ways(tx: &mut ReadTx, env: &Env, account: &Account) -> Result<Ways, ServiceError> {
    let has = shown::has(tx, account).await?;
    let owned = account::identifiers(tx, account).await?;
    let now = tx.now();
    let number = account::phone(&owned).map(|phone| Number {
        is_key: has.phone && !is_aged(phone.proved_at, &env.policy, now),
    });
    Ok(Ways {
        number,
        email: has.email,
        passkeys: passkeys(tx, account).await?,
        password: has.password,
        passcode: has.passcode,
        totp: has.totp,
        backup_codes: has.backup_code,
        code_word: has_code_word(tx, account).await?,
        always_second: second_factor::is_on(tx, account.id).await?,
    })
}

/// The passkeys that are still taken. One is lost with its device unless its authenticator said, when it was
/// last shown, that a copy is kept elsewhere (the backup state, WebAuthn Level 3 §6.1.3).
async fn passkeys(tx: &mut ReadTx, account: &Account) -> Result<Vec<Key>, ServiceError> {
    let keys = passkeys::list(tx, account).await?;
    Ok(keys
        .into_iter()
        .filter(|key| key.suspected_at.is_none())
        .map(|key| Key {
            is_synced: key.is_synced,
        })
        .collect())
}

async fn has_code_word(tx: &mut ReadTx, account: &Account) -> Result<bool, DbError> {
    let key = params![account.id.as_bytes()];
    let rows = tx.query(&shown::sql::SECRETS, key).await?;
    for row in &rows {
        if row.text(0)? == "code_word" {
            return Ok(row.int(1)? > 0);
        }
    }
    Ok(false)
}

/// What each loss would mean for whoever asks.
pub async fn outlooks(
    tx: &mut ReadTx,
    env: &Env,
    account: &Account,
) -> Result<[Outlook; 4], ServiceError> {
    Ok(rules::outlooks(&ways(tx, env, account).await?))
}
