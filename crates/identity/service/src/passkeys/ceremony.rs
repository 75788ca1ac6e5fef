//! Ceremonies: what was asked of an authenticator, for one browser and one purpose, answered once (A59). The
//! keys of browsers keep theirs in the same table, which `device_key` sweeps.

use db::{DbError, ReadTx, WriteTx, params};
use identity_core::passkeys::{CEREMONY_LIFE, Fault};
use kernel::AccountId;
use serde::{Deserialize, Serialize};

use super::{answer::text, sql};
use crate::{
    codes::BrowserKey,
    env::{Env, ServiceError},
};

kernel::id! {
    /// A ceremony.
    pub CeremonyId;
}

/// What a ceremony is for; its answer serves nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signing in, by whoever.
    SignIn,
    /// A new key for an account.
    Add,
    /// Showing a key of an account, for a step.
    Prove,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "passkey_sign_in",
            Self::Add => "passkey_add",
            Self::Prove => "passkey_prove",
        }
    }
}

/// Which ceremony an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Which {
    /// Who was asked: the sitting before sign-in, the session, or the step.
    pub browser: BrowserKey,
    /// The ceremony.
    pub id: CeremonyId,
    /// What for.
    pub purpose: Purpose,
}

/// What was asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Asked {
    /// The challenge, base64url.
    pub(super) challenge: String,
    /// Of whom; nobody in particular at sign-in.
    pub(super) account: Option<AccountId>,
    /// Which keys would do, base64url; none in particular at sign-in.
    pub(super) allowed: Vec<String>,
}

const SEALED: &str = "identity.ceremony";
/// Ceremonies of one browser that may wait at a time: tabs, and the autofill's beside the button's.
const OPEN_MOST: usize = 8;

/// Draws a challenge: 32 random bytes.
pub(super) fn challenge(env: &Env) -> [u8; 32] {
    env.chance.bytes()
}

/// Begins a ceremony. The oldest of this browser give way.
pub(super) async fn begin(
    tx: &mut WriteTx,
    env: &Env,
    browser: &BrowserKey,
    purpose: Purpose,
    asked: &Asked,
) -> Result<CeremonyId, ServiceError> {
    let now = tx.now();
    let open = tx.query(&sql::OPEN, params![browser]).await?;
    for row in open.iter().skip(OPEN_MOST.saturating_sub(1)) {
        tx.execute(&sql::DROP, params![browser, &row.bytes(0)?])
            .await?;
    }
    let id = CeremonyId::new(now, &*env.chance);
    let plain =
        serde_json::to_vec(asked).map_err(|_| ServiceError::Inconsistent("a ceremony is JSON"))?;
    let sealed = env.vault.seal_system(SEALED, &plain);
    let row = params![
        browser,
        id.as_bytes(),
        purpose.as_str(),
        &sealed,
        now,
        now.saturating_add(CEREMONY_LIFE),
    ];
    tx.execute_one(&sql::ASK, row).await?;
    Ok(id)
}

/// What was asked, while it may be answered.
pub(super) async fn look(
    tx: &mut ReadTx,
    env: &Env,
    which: &Which,
) -> Result<Result<Asked, Fault>, ServiceError> {
    let key = params![&which.browser, which.id.as_bytes()];
    let Some(row) = tx.query_opt(&sql::ASKED, key).await? else {
        return Ok(Err(Fault::Ceremony));
    };
    if row.text(0)? != which.purpose.as_str() || row.timestamp(2)? <= tx.now() {
        return Ok(Err(Fault::Ceremony));
    }
    let plain = env.vault.open_system(SEALED, &row.bytes(1)?)?;
    let asked = serde_json::from_slice(&plain)
        .map_err(|_| ServiceError::Inconsistent("a sealed ceremony"))?;
    Ok(Ok(asked))
}

/// Uses a ceremony up, whatever the answer was; false when it was used before.
pub(super) async fn take(tx: &mut WriteTx, which: &Which) -> Result<bool, DbError> {
    let now = tx.now();
    let row = params![
        now,
        &which.browser,
        which.id.as_bytes(),
        which.purpose.as_str(),
        now
    ];
    Ok(tx.execute(&sql::TAKE, row).await? == 1)
}

impl Asked {
    pub(super) fn new(challenge: &[u8], account: Option<AccountId>, allowed: Vec<String>) -> Self {
        Self {
            challenge: text(challenge),
            account,
            allowed,
        }
    }
}
