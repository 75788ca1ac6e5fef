//! Messages of identity: what is said to whom, handed to `notify` in the same transaction.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use db::{
    Db, WriteTx,
    idempotency::{self, Claim},
};
use identity_core::{
    assurance::Action,
    challenge::{Channel, Purpose},
};
use jobs::{Handler, Job, JobError, Lease, When};
use kernel::{Identifier, Locale, MessageId, Timestamp, Visitor, code::OneTimeCode};
use notify::{
    Message,
    texts::{CodePurpose, LinkPath, MessageText, SecurityEvent},
};
use serde::{Deserialize, Serialize};

use crate::{
    account,
    codes::{self, About},
    env::{Env, ServiceError, Subject},
    notice::{self, Notice},
};

/// One message.
pub(crate) struct Post<'a> {
    pub(crate) to: &'a Identifier,
    pub(crate) channel: Channel,
    pub(crate) locale: Locale,
    pub(crate) worthless_after: Option<Timestamp>,
    pub(crate) words: Words,
}

/// What it says. No Debug: it carries links that open what they lead to.
pub(crate) enum Words {
    /// A code; with the path of a link, a letter that confirms an address.
    Code {
        purpose: Purpose,
        /// `None` for a call whose number the gateway chooses.
        code: Option<OneTimeCode>,
        serial: u32,
        link: Option<String>,
        /// The sensitive action it confirms.
        about: Option<About>,
    },
    /// Somebody asked for a code to an address that leads to no account (A1).
    Nobody,
    /// Somebody was named as a trusted person, or no longer is (ID-8a).
    Trusted { is_named: bool },
    /// A security event (ID-13).
    Notice {
        event: SecurityEvent,
        /// What it is about, masked.
        object: Option<String>,
        device: Option<String>,
        place: Option<String>,
        alarm: String,
    },
    /// A change that can be taken back (CH-1, CH-2).
    Change {
        event: SecurityEvent,
        object: String,
        from: Option<Timestamp>,
        device: Option<String>,
        place: Option<String>,
        link: String,
    },
}

/// What a code that confirms an action is for, by name (A15).
const fn action(about: &About) -> CodePurpose {
    match about.action {
        Action::OpenBank => CodePurpose::OpenBank,
        Action::SetPassword => CodePurpose::SetPassword,
        Action::RemovePassword => CodePurpose::RemovePassword,
        Action::SetPasscode => CodePurpose::SetPasscode,
        Action::RemovePasscode => CodePurpose::RemovePasscode,
        Action::AddPasskey => CodePurpose::AddPasskey,
        Action::RemovePasskey => CodePurpose::RemovePasskey,
        Action::AddTotp => CodePurpose::AddTotp,
        Action::RemoveTotp => CodePurpose::RemoveTotp,
        Action::IssueBackupCodes => CodePurpose::IssueBackupCodes,
        Action::AskSecondFactor => CodePurpose::AskSecondFactor,
        Action::DropSecondFactor => CodePurpose::DropSecondFactor,
        Action::SetCodeWord => CodePurpose::SetCodeWord,
        Action::NameTrusted => CodePurpose::NameTrusted,
        Action::RemoveTrusted => CodePurpose::RemoveTrusted,
        Action::LetIn => CodePurpose::LetIn,
        Action::ClearDoubt => CodePurpose::ClearDoubt,
        Action::AddEmail => CodePurpose::AddEmail,
        Action::ApproveMoney => CodePurpose::ApproveMoney,
        Action::ChangePhone | Action::HoldPhone => CodePurpose::ChangePhone,
        Action::ChangeEmail | Action::HoldEmail => CodePurpose::ChangeEmail,
    }
}

fn path(text: &str) -> Result<LinkPath, ServiceError> {
    LinkPath::new(text).map_err(|_| ServiceError::Inconsistent("a path of ours"))
}

fn text(
    env: &Env,
    to: &Identifier,
    words: Words,
    now: Timestamp,
) -> Result<MessageText, ServiceError> {
    let minutes = env.policy.code_life.as_secs() / 60;
    let minutes = u32::try_from(minutes).unwrap_or(u32::MAX);
    Ok(match words {
        Words::Code {
            code: Some(code),
            serial,
            link: Some(link),
            ..
        } => MessageText::ConfirmEmail {
            code: code.expose().to_owned(),
            number: serial,
            link: path(&link)?,
            minutes,
        },
        Words::Code {
            purpose,
            code,
            serial,
            link: _,
            about,
        } => MessageText::Code {
            purpose: match purpose {
                Purpose::SignIn => CodePurpose::SignIn,
                Purpose::ConfirmEmail => CodePurpose::ConfirmEmail,
                Purpose::Freeze | Purpose::TrustedFreeze => CodePurpose::Freeze,
                Purpose::UnfreezePhone | Purpose::UnfreezeEmail => CodePurpose::Unfreeze,
                Purpose::StepUpPhone | Purpose::StepUpEmail => match &about {
                    Some(about) => action(about),
                    None => return Err(ServiceError::Inconsistent("a code that confirms nothing")),
                },
                Purpose::ConfirmNumber => CodePurpose::ConfirmNumber,
                Purpose::RecoveryPhone | Purpose::RecoveryResume => CodePurpose::Recovery,
                Purpose::NewPhone => CodePurpose::NewPhone,
                Purpose::NewEmail => CodePurpose::NewEmail,
            },
            code: code.map(|code| code.expose().to_owned()),
            number: serial,
            object: match about {
                Some(about) => about.target,
                None => (purpose == Purpose::ConfirmEmail).then(|| to.masked()),
            },
            minutes,
        },
        Words::Nobody => MessageText::NobodyHere {
            link: path("/sign-in")?,
        },
        Words::Trusted { is_named } => MessageText::Trusted {
            is_named,
            link: path("/freeze")?,
        },
        Words::Change {
            event,
            object,
            from,
            device,
            place,
            link,
        } => MessageText::Change {
            event,
            at: now,
            object: Some(object),
            from,
            device,
            place,
            link: path(&link)?,
        },
        Words::Notice {
            event,
            object,
            device,
            place,
            alarm,
        } => MessageText::Security {
            event,
            at: now,
            object,
            device,
            place,
            not_me: path(&alarm)?,
        },
    })
}

/// Hands one message to `notify`.
pub(crate) async fn post(
    tx: &mut WriteTx,
    env: &Env,
    post: Post<'_>,
) -> Result<MessageId, ServiceError> {
    let message = Message {
        to: post.to.clone(),
        channel: match post.channel {
            Channel::Sms => notify::Channel::Sms,
            Channel::Call => notify::Channel::Call,
            Channel::Email => notify::Channel::Email,
        },
        locale: post.locale,
        text: text(env, post.to, post.words, tx.now())?,
        worthless_after: post.worthless_after,
    };
    Ok(notify::send(tx, &env.vault, &*env.chance, &message).await?)
}

/// Somebody guesses codes. Whether an owner is there to be told is found out later, by a job, so that a guesser
/// cannot tell by the time an answer takes (A1).
#[derive(Serialize, Deserialize)]
pub struct Suspicion {
    subject: Subject,
    network: IpAddr,
    agent: String,
}

impl Job for Suspicion {
    const KIND: &'static str = "identity.suspicion";
}

/// Leaves word of a suspicion.
pub(crate) async fn suspicion(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    subject: &Subject,
) -> Result<(), ServiceError> {
    let job = Suspicion {
        subject: *subject,
        network: visitor.network,
        agent: visitor.agent.clone(),
    };
    jobs::enqueue(tx, &env.vault, &*env.chance, subject, &job, When::default()).await?;
    Ok(())
}

/// Tells the owner, if there is one.
pub struct TellSuspicion {
    /// The database.
    pub db: Db,
    /// The surroundings.
    pub env: Env,
}

#[async_trait]
impl Handler<Suspicion> for TellSuspicion {
    async fn run(&self, job: Suspicion, lease: &Lease) -> Result<(), JobError> {
        let input = (self.env.clone(), Arc::new(job), lease.job.to_string());
        let told: Result<(), ServiceError> = self
            .db
            .write("identity.suspicion", input, |tx, (env, job, key)| {
                Box::pin(async move {
                    // A server that died after this commit has not written down that the job is done: the
                    // owner is not told again (F1, F11).
                    let scope = Suspicion::KIND.as_bytes();
                    match idempotency::claim(tx, scope, key, &[0; 32]).await? {
                        Claim::Fresh => idempotency::keep(tx, scope, key, &[]).await?,
                        Claim::Replay(_) | Claim::Mismatch => return Ok(()),
                    }
                    let Some(owner) = codes::owner(tx, &job.subject).await? else {
                        return Ok(());
                    };
                    let account = account::lock(tx, env, owner).await?;
                    let visitor = Visitor {
                        network: job.network,
                        agent: job.agent.clone(),
                        locale: account.locale,
                    };
                    notice::tell(tx, env, &visitor, &account, Notice::Suspicious).await?;
                    let details = audit::Details::of(&visitor);
                    let entry =
                        audit::Entry::new(audit::action::CODE_REFUSED, audit::Actor::Visitor)
                            .about(account.id)
                            .with(details.seal(&account.key));
                    audit::append(tx, entry).await?;
                    Ok(())
                })
            })
            .await;
        told.map_err(|error| {
            tracing::warn!(%error, "a suspicion could not be told");
            JobError::Again {
                code: "not_told",
                after: None,
            }
        })
    }
}
