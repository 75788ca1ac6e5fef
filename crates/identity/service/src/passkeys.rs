//! Passkeys (ID-5): made, listed, named, shown, removed.
//!
//! | to find | look in |
//! |---|---|
//! | which site they are for | `site` |
//! | what a browser is asked, what it answers | `options`, `answer` |
//! | ceremonies: asked once, answered once (A59) | `ceremony` |
//! | the key, the signature | `keys` |
//! | adding one | `adding` |
//! | showing one: at sign-in, for a step | `showing`, `entering` |
//! | removing one | `removing` |
//!
//! An answer is judged in three moves: what it needs is read, it is judged outside any transaction, for a
//! signature takes longer than SQL, and then written in one transaction that uses the ceremony up.

mod adding;
mod answer;
mod ceremony;
mod entering;
mod keys;
mod options;
mod removing;
mod showing;
mod site;
pub(crate) mod sql;

pub use adding::{Add, Added, Adding, BeginAdding, JudgedNew, Seen, add, begin_adding, look_new};
pub use answer::{ANSWER_MAX, Assertion, Attestation};
pub use ceremony::{CeremonyId, Purpose, Which};
pub use entering::{Entered, Second, SignIn, begin_sign_in, second, sign_in};
pub use options::{
    Algorithm, CreationOptions, Descriptor, Extensions, Party, RequestOptions, Selection, User,
};
pub(crate) use removing::opens_since;
pub use removing::{Remove, Removed};
pub use showing::{Judged, Looked, Proved, Refusal, Shown, begin_proof, look, prove, verify};
pub use site::Site;

use audit::{Action, Details};
use db::{DbError, ReadTx, Row, WriteTx, params};
use identity_core::passkeys::{NAME_MAX, model};
use kernel::{AccountId, Timestamp, Visitor, text::line};
use serde::{Deserialize, Serialize};
use webauthn_rs_core::proto::COSEKey;

use crate::{
    account::Account,
    env::{self, Env, ServiceError},
    session::SignedIn,
};

kernel::id! {
    /// A passkey in an account's list.
    pub PasskeyId;
}

/// A passkey was added.
pub const ADDED: Action = Action::new("passkey.added");
/// One was removed.
pub const REMOVED: Action = Action::new("passkey.removed");
/// One was given another name.
pub const RENAMED: Action = Action::new("passkey.renamed");
/// An answer in the name of one was not taken.
pub const REFUSED: Action = Action::new("passkey.refused");
/// There may be a copy of one (A63).
pub const SUSPECTED: Action = Action::new("passkey.suspected");

/// What begins: the ceremony's id, and what to hand to the browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Begun<O> {
    /// Comes back with the answer.
    pub ceremony: CeremonyId,
    /// For `navigator.credentials`.
    pub options: O,
}

/// A passkey as it is kept, sealed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The credential's id, base64url.
    id: String,
    key: COSEKey,
    counter: u32,
    is_eligible: bool,
    is_backed_up: bool,
    aaguid: [u8; 16],
    transports: Vec<String>,
    /// The name its owner gave.
    name: Option<String>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept(…)")
    }
}

const SEALED: &str = "identity.passkey";
const HANDLE: &str = "identity.passkey_user";

impl Kept {
    fn open(account: &Account, sealed: &[u8]) -> Result<Self, ServiceError> {
        let plain = account.key.open(SEALED, sealed)?;
        serde_json::from_slice(&plain).map_err(|_| ServiceError::Inconsistent("a sealed passkey"))
    }

    fn seal(&self, account: &Account) -> Result<Vec<u8>, ServiceError> {
        let plain = serde_json::to_vec(self)
            .map_err(|_| ServiceError::Inconsistent("a passkey is JSON"))?;
        Ok(account.key.seal(SEALED, &plain))
    }
}

/// What a credential is found by: a keyed hash of its id.
fn index(env: &Env, credential: &str) -> [u8; 32] {
    env.scope("passkey", credential)
}

fn passkey_id(row: &Row, column: usize) -> Result<PasskeyId, DbError> {
    PasskeyId::from_bytes(&row.array::<16>(column)?).map_err(|_| row.wrong(column, "not an id"))
}

struct OwnedKey {
    id: PasskeyId,
    kept: Kept,
    created_at: Timestamp,
    used_at: Option<Timestamp>,
    suspected_at: Option<Timestamp>,
}

async fn of_account(tx: &mut ReadTx, account: &Account) -> Result<Vec<OwnedKey>, ServiceError> {
    let rows = tx.query(&sql::LIST, params![account.id.as_bytes()]).await?;
    rows.iter()
        .map(|row| {
            Ok(OwnedKey {
                id: passkey_id(row, 0)?,
                kept: Kept::open(account, &row.bytes(1)?)?,
                created_at: row.timestamp(2)?,
                used_at: row.opt_timestamp(3)?,
                suspected_at: row.opt_timestamp(4)?,
            })
        })
        .collect()
}

/// The handle by which authenticators know the account; `None` when it never made a key.
async fn handle(tx: &mut ReadTx, account: &Account) -> Result<Option<Vec<u8>>, ServiceError> {
    let row = tx
        .query_opt(&sql::HANDLE, params![account.id.as_bytes()])
        .await?;
    let Some(row) = row else { return Ok(None) };
    let plain = account.key.open(HANDLE, &row.bytes(0)?)?;
    Ok(Some(plain.to_vec()))
}

/// A passkey in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: PasskeyId,
    /// The name its owner gave, else that of the authenticator's model, when it is known.
    pub name: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last shown.
    pub used_at: Option<Timestamp>,
    /// Whether it is copied to the owner's other devices.
    pub is_synced: bool,
    /// Since when there may be a copy of it in other hands (A63).
    pub suspected_at: Option<Timestamp>,
}

/// The passkeys of an account, oldest first.
pub async fn list(tx: &mut ReadTx, account: &Account) -> Result<Vec<Listed>, ServiceError> {
    let keys = of_account(tx, account).await?;
    Ok(keys
        .into_iter()
        .map(|key| Listed {
            id: key.id,
            name: key
                .kept
                .name
                .or_else(|| model(key.kept.aaguid).map(str::to_owned)),
            created_at: key.created_at,
            used_at: key.used_at,
            is_synced: key.kept.is_backed_up,
            suspected_at: key.suspected_at,
        })
        .collect())
}

/// What an authenticator is told, so that it forgets the keys we no longer take
/// (`signalAllAcceptedCredentials`, WebAuthn Level 3 §5.1.10.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// The site.
    pub rp_id: String,
    /// The account's handle, base64url.
    pub user_id: String,
    /// The keys we take, base64url.
    pub all_accepted_credential_ids: Vec<String>,
}

/// The keys of an account for its authenticators; `None` when it never made one.
pub async fn accepted(
    tx: &mut ReadTx,
    env: &Env,
    account: &Account,
) -> Result<Option<Accepted>, ServiceError> {
    let (Some(site), Some(handle)) = (Site::of(env), handle(tx, account).await?) else {
        return Ok(None);
    };
    let keys = of_account(tx, account).await?;
    Ok(Some(Accepted {
        rp_id: site.id,
        user_id: answer::text(&handle),
        all_accepted_credential_ids: keys.into_iter().map(|key| key.kept.id).collect(),
    }))
}

/// Reads a name as typed: nothing means the default one. `None` when it cannot be a name.
pub fn name(typed: &str) -> Option<Option<String>> {
    if typed.trim().is_empty() {
        return Some(None);
    }
    line(typed, NAME_MAX).map(Some)
}

/// Gives a passkey another name, as [`name`] read it. False when there is none such.
pub async fn rename(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    who: &SignedIn,
    id: PasskeyId,
    name: Option<&str>,
) -> Result<bool, ServiceError> {
    let account = crate::step_up::lock(tx, env, who).await?;
    let Some(row) = lock(tx, account.id, id).await? else {
        return Ok(false);
    };
    let mut kept = Kept::open(&account, &row.bytes(1)?)?;
    if kept.name.as_deref() == name {
        return Ok(true);
    }
    kept.name = name.map(str::to_owned);
    let sealed = kept.seal(&account)?;
    let row = params![&sealed, account.id.as_bytes(), id.as_bytes()];
    tx.execute_one(&sql::SEAL, row).await?;
    audit::append(tx, who.entry(RENAMED, &Details::of(visitor))).await?;
    Ok(true)
}

async fn lock(tx: &mut WriteTx, account: AccountId, id: PasskeyId) -> Result<Option<Row>, DbError> {
    tx.query_opt(&sql::LOCK, params![account.as_bytes(), id.as_bytes()])
        .await
}

/// The account and the passkey of a credential.
async fn owner(
    tx: &mut ReadTx,
    env: &Env,
    credential: &[u8],
) -> Result<Option<(AccountId, PasskeyId)>, DbError> {
    let index = index(env, &answer::text(credential));
    let Some(row) = tx.query_opt(&sql::OWNER, params![&index]).await? else {
        return Ok(None);
    };
    Ok(Some((env::account_id(&row, 0)?, passkey_id(&row, 1)?)))
}
