//! Starting a case (RE-3, A2). What is answered, the statements and the time are the same whether or not the
//! identifier leads to an account: both get a number, and both get a row. The owner, if there is one, is told by a job.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use audit::{Action, Actor, Details, Entry};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use db::{Db, WriteTx, params};
use identity_service::{
    Env, ServiceError,
    codes::BrowserKey,
    neighbours::{self, Window},
};
use jobs::{Handler, Job, JobError, Lease, When};
use kernel::{AccountId, Identifier, Timestamp, Visitor, network};
use notify::texts::SecurityEvent;
use recovery_core::{
    CaseNumber, State,
    limits::{self, Standing},
};
use serde::{Deserialize, Serialize};

use crate::case::{self, CLAIM, CaseId, Claim, Place, sql};

/// A case was started.
pub const STARTED: Action = Action::new("recovery.started");

/// Numbers drawn before giving up; even a billion cases leave it to one chance in a billion billion.
const DRAWS: usize = 20;

/// What became of a start.
#[derive(Debug, Clone)]
pub enum Started {
    /// Open. The same for a known and an unknown identifier.
    Open {
        /// Its number, for the person to note.
        number: CaseNumber,
        /// It has to be handed in by then.
        expires_at: Timestamp,
    },
    /// Too many starts by this network or with this identifier.
    NotNow {
        /// Until then.
        until: Timestamp,
    },
}

/// Starts a case. `identifier` is an old phone or an old address.
pub async fn start(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    identifier: &Identifier,
    browser: &BrowserKey,
) -> Result<Started, ServiceError> {
    let now = tx.now();
    let subject = env.subject(identifier);
    if let Err(until) = neighbours::count(tx, windows(env, visitor, identifier)).await? {
        return Ok(Started::NotNow { until });
    }
    let stranger = case::nobody(env, &subject)?;
    let holder = neighbours::owner(tx, &subject).await?.unwrap_or(stranger);
    tx.execute_one(&sql::HOLDER_TAKE, params![holder.as_bytes(), now])
        .await?;
    let surplus = standing(tx, holder).await? == Standing::Surplus;
    let case = CaseId::new(now, &*env.chance);
    let place = Place { holder, case };
    let number = number(tx, env, place).await?;
    let expires_at: Timestamp = now.saturating_add(limits::DRAFT_LIFE);
    let owner = case::owner_of_key(case)?;
    let wrapped = env.vault.new_data_key(owner)?;
    let key = env.vault.unwrap(owner, &wrapped)?;
    let claim = serde_json::to_vec(&Claim {
        number: number.as_str().to_owned(),
        identifier: neighbours::write_identifier(identifier),
    });
    let claim = claim.map_err(|_| ServiceError::Inconsistent("a claim is JSON"))?;
    let sealed = key.seal(CLAIM, &claim);
    let row = params![
        holder.as_bytes(),
        case.as_bytes(),
        wrapped.as_bytes(),
        &sealed,
        State::Draft.as_str(),
        surplus,
        now,
        expires_at,
    ];
    tx.execute_one(&sql::ADD, row).await?;
    case::seat(tx, browser, place).await?;
    let job = Tell {
        place,
        network: visitor.network,
        agent: visitor.agent.clone(),
    };
    let spread = holder.as_bytes();
    jobs::enqueue(tx, &env.vault, &*env.chance, spread, &job, When::default()).await?;
    Ok(Started::Open { number, expires_at })
}

/// What a start is counted in (A2).
fn windows(env: &Env, visitor: &Visitor, identifier: &Identifier) -> [Window; 2] {
    // One customer usually holds a whole IPv6 /64 (A10).
    let address = match network::canonical(visitor.network) {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        v6 @ IpAddr::V6(_) => network::site(v6),
    };
    let form = identifier.index_form();
    let form = format!("{}:{form}", identifier.kind());
    [
        Window {
            scope: neighbours::scope(env, "recovery.network", &address.to_string()),
            length: limits::NETWORK_WINDOW,
            most: limits::STARTS_A_NETWORK,
        },
        Window {
            scope: neighbours::scope(env, "recovery.identifier", &form),
            length: limits::IDENTIFIER_WINDOW,
            most: limits::STARTS_AN_IDENTIFIER,
        },
    ]
}

/// Whether one more case of a locked holder counts (A40).
async fn standing(tx: &mut WriteTx, holder: AccountId) -> Result<Standing, ServiceError> {
    let now = tx.now();
    let rows = tx.query(&sql::COUNTED, params![holder.as_bytes()]).await?;
    let (mut open, mut lately) = (0_usize, 0_usize);
    for row in rows {
        let state = State::from_name(&row.text(2)?, None)
            .ok_or_else(|| row.wrong(2, "no state of a case"))?;
        let is_over = state == State::Draft && row.timestamp(1)? <= now;
        open = open.saturating_add(usize::from(state.is_open() && !is_over));
        let is_late = now.since(row.timestamp(0)?) < limits::ACCOUNT_WINDOW;
        lately = lately.saturating_add(usize::from(is_late));
    }
    Ok(limits::standing(open, lately))
}

/// Draws a number that no case has.
async fn number(tx: &mut WriteTx, env: &Env, place: Place) -> Result<CaseNumber, ServiceError> {
    let now = tx.now();
    for _ in 0..DRAWS {
        let number = CaseNumber::draw(&*env.chance);
        let index = index(env, &number);
        let row = params![&index, place.holder.as_bytes(), place.case.as_bytes(), now];
        if tx.execute(&sql::NUMBER_CLAIM, row).await? == 1 {
            return Ok(number);
        }
    }
    Err(ServiceError::Inconsistent("no case number is free"))
}

/// What a number is found by.
pub(crate) fn index(env: &Env, number: &CaseNumber) -> [u8; 32] {
    neighbours::scope(env, "recovery.number", number.as_str())
}

/// A case was started. Whether there is an owner to be told is found out by this job, so that the time of the
/// answer tells nothing (A2).
#[derive(Serialize, Deserialize)]
pub struct Tell {
    place: Place,
    network: IpAddr,
    agent: String,
}

impl Job for Tell {
    const KIND: &'static str = "recovery.tell";
}

/// Tells the owner.
pub struct TellOwner {
    /// The database.
    pub db: Db,
    /// The surroundings.
    pub env: Env,
}

#[async_trait]
impl Handler<Tell> for TellOwner {
    async fn run(&self, job: Tell, _: &Lease) -> Result<(), JobError> {
        let input = (self.env.clone(), Arc::new(job));
        let told: Result<(), ServiceError> = self
            .db
            .write("recovery.tell", input, |tx, (env, job)| {
                Box::pin(tell(tx, env, job))
            })
            .await;
        told.map_err(|error| {
            tracing::warn!(%error, "an owner could not be told of a recovery");
            JobError::Again {
                code: "not_told",
                after: None,
            }
        })
    }
}

/// Tells every old channel, with the link that stops the case (A38). Once: the link is kept in the same transaction.
async fn tell(tx: &mut WriteTx, env: &Env, job: &Tell) -> Result<(), ServiceError> {
    let Place { holder, case } = job.place;
    let Some(account) = neighbours::lock(tx, env, holder).await? else {
        return Ok(());
    };
    let secret: [u8; 16] = env.chance.bytes();
    let hash = vault::token_hash(&secret);
    let kept = params![&hash, holder.as_bytes(), case.as_bytes()];
    if tx.execute(&sql::STOP_SET, kept).await? != 1 {
        return Ok(());
    }
    let token = URL_SAFE_NO_PAD.encode([*holder.as_bytes(), secret].concat());
    let visitor = Visitor {
        network: job.network,
        agent: job.agent.clone(),
        locale: account.locale,
    };
    let link = format!("/stop/{token}");
    let event = SecurityEvent::RecoveryStarted;
    neighbours::tell(tx, env, &account, event, &visitor, &link).await?;
    let entry = Entry::new(STARTED, Actor::Visitor)
        .about(account.id)
        .with(Details::of(&visitor).seal(&account.key));
    audit::append(tx, entry).await?;
    Ok(())
}
