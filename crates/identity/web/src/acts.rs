//! What pages and the API do alike: each command runs once per key, and its answer can be kept and given
//! again (EV-3). This is the one place where the use cases of identity are called for their effects.

mod changes;
mod factors;
mod outcome;
mod passkeys;
mod secrets;
mod sensitive;

use db::{BoxFuture, WriteTx};
use identity_core::{
    assurance::Action,
    challenge::Purpose,
    consent::{MarketingChannel, Source, Topic},
    profile::{Applied, Change},
};
use identity_service::{
    Env, ServiceError, account, bank_section,
    codes::{self, Ask, Check},
    consent, email, freeze,
    link::LinkToken,
    profile, session,
    session::SignedIn,
    sign_in::{self, Register, Registered, Verified},
    step_up,
};
use kernel::{Identifier, Locale, SessionId, Visitor, code::OneTimeCode};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;
use webkit::once::{Once, OnceKey, once};

pub use changes::{AskNewDone, NewDone, StopDone};
pub use factors::{
    BackupShown, BeginDone, Factor, NumberDone, PickUpDone, SecondDone, TotpDone, TrustedDone,
};
pub use outcome::{
    AskDone, ConfirmDone, Entered, FreezeDone, ProfileDone, Refusal, RegisterDone, VerifyDone,
};

pub use passkeys::{AddingDone, Answered, NotTaken, PasskeyDone, ProvedDone, SecondPasskey};
pub use secrets::PasscodeWith;
pub use sensitive::{SensitiveDone, ShownDone};

use crate::state::{Fault, State};

type Input<C> = (Env, Visitor, C);

impl State {
    /// Runs a command once.
    async fn act<C, T, F>(
        &self,
        name: &'static str,
        key: OnceKey,
        visitor: &Visitor,
        cmd: C,
        command: F,
    ) -> Result<Once<T>, Fault>
    where
        C: Send + Sync + 'static,
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
        F: for<'t> Fn(&'t mut WriteTx, &'t Input<C>) -> BoxFuture<'t, Result<T, ServiceError>>
            + Send
            + Sync
            + 'static,
    {
        let input = (self.env.clone(), visitor.clone(), cmd);
        Ok(once(&self.db, &self.site.vault, name, key, input, command).await?)
    }

    /// Asks for a code (ID-1, ID-2).
    pub async fn ask(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        ask: Ask,
    ) -> Result<Once<AskDone>, Fault> {
        self.act(
            "sign_in.ask",
            key,
            visitor,
            ask,
            |tx, (env, visitor, ask)| {
                Box::pin(async move { Ok(codes::ask(tx, env, visitor, ask).await?.into()) })
            },
        )
        .await
    }

    /// Checks a sign-in code.
    pub async fn verify(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        check: Check,
    ) -> Result<Once<VerifyDone>, Fault> {
        self.act(
            "sign_in.verify",
            key,
            visitor,
            check,
            |tx, (env, visitor, check)| {
                Box::pin(async move {
                    Ok(match sign_in::verify(tx, env, visitor, check).await? {
                        Verified::In(welcome) => VerifyDone::In(welcome.into()),
                        Verified::NeedsConsent => VerifyDone::NeedsConsent,
                        Verified::NeedsSecond => VerifyDone::NeedsSecond,
                        Verified::NotAccepted(why) => VerifyDone::Refused(why.into()),
                        Verified::Refused(why) => VerifyDone::Refused(why.into()),
                    })
                })
            },
        )
        .await
    }

    /// Makes an account.
    pub async fn register(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        cmd: Register,
    ) -> Result<Once<RegisterDone>, Fault> {
        self.act(
            "sign_in.register",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, cmd)| {
                Box::pin(async move {
                    Ok(match sign_in::register(tx, env, visitor, cmd).await? {
                        Registered::In(welcome) => RegisterDone::In(welcome.into()),
                        Registered::NeedsSecond => RegisterDone::NeedsSecond,
                        Registered::ConsentMissing => RegisterDone::ConsentMissing,
                        Registered::ProofMissing => RegisterDone::ProofMissing,
                    })
                })
            },
        )
        .await
    }

    /// Confirms an address by code.
    pub async fn confirm_email(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        code: OneTimeCode,
    ) -> Result<Once<ConfirmDone>, Fault> {
        let cmd = (who, code);
        self.act(
            "email.confirm",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, (who, code))| {
                Box::pin(
                    async move { Ok(email::confirm(tx, env, visitor, who, code).await?.into()) },
                )
            },
        )
        .await
    }

    /// Confirms an address by the link's button.
    pub async fn confirm_email_by_link(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        link: LinkToken,
    ) -> Result<Once<ConfirmDone>, Fault> {
        self.act(
            "email.confirm_by_link",
            key,
            visitor,
            link,
            |tx, (env, visitor, link)| {
                Box::pin(
                    async move { Ok(email::confirm_by_link(tx, env, visitor, link).await?.into()) },
                )
            },
        )
        .await
    }

    /// «Это не я» (ID-13). True when it took effect now.
    pub async fn alarm(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        link: LinkToken,
        presser: Option<Arc<SignedIn>>,
    ) -> Result<Once<bool>, Fault> {
        let cmd = (link, presser);
        self.act(
            "freeze.alarm",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, (link, presser))| {
                Box::pin(async move {
                    let done = freeze::alarm(tx, env, visitor, link, presser.as_deref()).await?;
                    Ok(done == freeze::AlarmLink::Open)
                })
            },
        )
        .await
    }

    /// Asks for a code to freeze by, from any browser (ID-13).
    pub async fn ask_freeze(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        identifier: Identifier,
        browser: codes::BrowserKey,
    ) -> Result<Once<AskDone>, Fault> {
        let cmd = (identifier, browser);
        self.act(
            "freeze.ask",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, (identifier, browser))| {
                Box::pin(async move {
                    let asked = freeze::ask_by_code(tx, env, visitor, identifier, *browser).await?;
                    Ok(asked.into())
                })
            },
        )
        .await
    }

    /// Freezes by code.
    pub async fn freeze_by_code(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        check: Check,
    ) -> Result<Once<FreezeDone>, Fault> {
        self.act(
            "freeze.by_code",
            key,
            visitor,
            check,
            |tx, (env, visitor, check)| {
                Box::pin(async move {
                    Ok(match freeze::by_code(tx, env, visitor, check).await? {
                        freeze::ByCode::Done => FreezeDone::Done,
                        freeze::ByCode::NotAccepted(why) => FreezeDone::Refused(why.into()),
                        freeze::ByCode::Refused(why) => FreezeDone::Refused(why.into()),
                    })
                })
            },
        )
        .await
    }

    /// Freezes the account of whoever asks.
    pub async fn freeze_mine(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
    ) -> Result<Once<()>, Fault> {
        self.act(
            "freeze.mine",
            key,
            visitor,
            who,
            |tx, (env, visitor, who)| Box::pin(freeze::freeze_mine(tx, env, visitor, who)),
        )
        .await
    }

    /// Asks for the next code that lifts the freeze.
    pub async fn ask_unfreeze(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
    ) -> Result<Once<Result<Purpose, AskDone>>, Fault> {
        self.act(
            "freeze.ask_lift",
            key,
            visitor,
            who,
            |tx, (env, visitor, who)| {
                Box::pin(async move {
                    let asked = freeze::ask_unfreeze(tx, env, visitor, who).await?;
                    Ok(asked.map_err(AskDone::from))
                })
            },
        )
        .await
    }

    /// Checks a code that lifts the freeze.
    pub async fn unfreeze(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        purpose: Purpose,
        code: OneTimeCode,
    ) -> Result<Once<FreezeDone>, Fault> {
        let cmd = (who, purpose, code);
        self.act(
            "freeze.lift",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, (who, purpose, code))| {
                Box::pin(async move {
                    use freeze::Unfrozen as U;
                    Ok(
                        match freeze::unfreeze(tx, env, visitor, who, *purpose, code).await? {
                            U::Done => FreezeDone::Done,
                            U::Next(purpose) => FreezeDone::Next(purpose),
                            U::NotAccepted(why) => FreezeDone::Refused(why.into()),
                            U::Refused(why) => FreezeDone::Refused(why.into()),
                        },
                    )
                })
            },
        )
        .await
    }

    /// Changes one field of the profile (ID-10). The answer is the stable name of what became of it.
    pub async fn change_profile(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        change: Change,
    ) -> Result<Once<ProfileDone>, Fault> {
        let cmd = (who, change);
        self.act(
            "profile.change",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, (who, change))| {
                Box::pin(async move {
                    Ok(
                        match profile::change(tx, env, visitor, who, change).await? {
                            Applied::Same => ProfileDone::Same,
                            Applied::Accepted => ProfileDone::Accepted,
                            Applied::Waits => ProfileDone::Waits,
                        },
                    )
                })
            },
        )
        .await
    }

    /// Sets the marketing switches (ID-12).
    pub async fn set_subscriptions(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        on: Vec<(MarketingChannel, Topic)>,
        source: Source,
    ) -> Result<Once<usize>, Fault> {
        let cmd = (who, consent::SetSubscriptions { on, source });
        self.act(
            "consent.set",
            key,
            visitor,
            cmd,
            |tx, (env, visitor, (who, cmd))| Box::pin(consent::set(tx, env, visitor, who, cmd)),
        )
        .await
    }

    /// Switches one subscription off by the link of a message.
    pub async fn unsubscribe(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        link: consent::Unsubscribe,
    ) -> Result<Once<()>, Fault> {
        self.act(
            "consent.unsubscribe",
            key,
            visitor,
            link,
            |tx, (env, visitor, link)| Box::pin(consent::unsubscribe(tx, env, visitor, link)),
        )
        .await
    }

    /// Chooses the language of messages.
    pub async fn set_locale(
        &self,
        key: OnceKey,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        locale: Locale,
    ) -> Result<Once<()>, Fault> {
        let cmd = (who.account.id, locale);
        self.act(
            "account.set_locale",
            key,
            visitor,
            cmd,
            |tx, (_, _, (account, locale))| {
                Box::pin(async move { Ok(account::set_locale(tx, *account, *locale).await?) })
            },
        )
        .await
    }

    /// Signs out. Repeating it changes nothing, so it takes no key.
    pub async fn sign_out(&self, visitor: &Visitor, who: Arc<SignedIn>) -> Result<(), Fault> {
        let input = (visitor.clone(), who);
        Ok(self
            .db
            .write("session.sign_out", input, |tx, (visitor, who)| {
                Box::pin(session::sign_out(tx, visitor, who))
            })
            .await?)
    }

    /// Ends one of the person's own sessions; false when there is none such.
    pub async fn end_session(
        &self,
        visitor: &Visitor,
        who: Arc<SignedIn>,
        session: SessionId,
    ) -> Result<bool, Fault> {
        let input = (visitor.clone(), who, session);
        Ok(self
            .db
            .write("session.end", input, |tx, (visitor, who, session)| {
                Box::pin(session::end(tx, visitor, who, *session))
            })
            .await?)
    }

    /// Gives up a sensitive action that waits for a proof.
    pub async fn cancel_step(&self, who: Arc<SignedIn>, action: Action) -> Result<(), Fault> {
        let input = (who, action);
        Ok(self
            .db
            .write("step_up.cancel", input, |tx, (who, action)| {
                Box::pin(step_up::cancel(tx, who, *action))
            })
            .await?)
    }

    /// Locks the bank section at once.
    pub async fn lock_bank(&self, visitor: &Visitor, who: Arc<SignedIn>) -> Result<(), Fault> {
        let input = (visitor.clone(), who);
        Ok(self
            .db
            .write("bank_section.lock", input, |tx, (visitor, who)| {
                Box::pin(bank_section::lock(tx, visitor, who))
            })
            .await?)
    }

    /// Ends every other session.
    pub async fn end_other_sessions(
        &self,
        visitor: &Visitor,
        who: Arc<SignedIn>,
    ) -> Result<u64, Fault> {
        let input = (self.env.clone(), visitor.clone(), who);
        Ok(self
            .db
            .write("session.end_others", input, |tx, (env, visitor, who)| {
                Box::pin(session::end_others(tx, env, visitor, who))
            })
            .await?)
    }
}
