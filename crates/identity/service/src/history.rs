//! What happened to an account, for its owner (ID-14): the audit log itself, opened with the account's key.

use db::ReadTx;
use kernel::Timestamp;

use crate::{env::ServiceError, session::SignedIn};

/// One event.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its place in the log, for the next page.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// The stable name, `sign_in.succeeded`.
    pub action: String,
    /// Who: `customer`, `visitor`, `system`, `staff`, `operator`.
    pub actor: String,
    /// From where.
    pub network: Option<std::net::IpAddr>,
    /// With what.
    pub agent: Option<String>,
    /// Facts, such as `method` → `sms`.
    pub facts: std::collections::BTreeMap<String, String>,
}

/// A page of events before `before` (all when `None`), latest first, at most 100.
pub async fn page(
    tx: &mut ReadTx,
    who: &SignedIn,
    before: Option<i64>,
    limit: u8,
) -> Result<Vec<Event>, ServiceError> {
    let items = audit::history(tx, who.account.id, before, limit).await?;
    items
        .into_iter()
        .map(|item| {
            let details = item
                .details
                .open(&who.account.key)
                .map_err(|_| ServiceError::Inconsistent("sealed details of an event"))?;
            Ok(Event {
                seq: item.seq,
                at: item.at,
                action: item.action,
                actor: item.actor.kind().to_owned(),
                network: details.network,
                agent: details.agent,
                facts: details.facts,
            })
        })
        .collect()
}
