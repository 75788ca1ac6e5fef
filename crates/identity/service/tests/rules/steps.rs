//! Sensitive actions for the themes: performed, proved, performed again.

use std::sync::Arc;

use db::WriteTx;
use identity_core::{backup_code::BackupCode, challenge::Purpose, totp as rules};
use identity_service::{
    Env, ServiceError, backup_code,
    session::SignedIn,
    sign_in::Welcome,
    step_up::{self, Performed, Progress, Sensitive, StepId, To, Tried as TriedCode},
    totp,
    tries::{Tried, Where},
};
use kernel::{Identifier, code::OneTimeCode};

use crate::house::{ANNA, House, browser, phone, visitor};

pub fn code(text: &str) -> OneTimeCode {
    OneTimeCode::parse(text, 6).unwrap()
}

/// The bytes of a secret as it is shown for typing.
pub fn secret(shown: &str) -> Vec<u8> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in shown.bytes().filter(|b| *b != b' ') {
        let value = letters.iter().position(|l| *l == letter).unwrap();
        bits = bits << 5 | u32::try_from(value).unwrap();
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 255).unwrap());
        }
    }
    bytes
}

impl House {
    pub async fn anna(&self) -> (Welcome, Arc<SignedIn>) {
        let welcome = self.enter(&phone(ANNA), browser(1)).await;
        let who = self.signed_in(&welcome).await;
        (*welcome, who)
    }

    pub async fn perform<C>(
        &self,
        who: &Arc<SignedIn>,
        cmd: C,
        step: Option<StepId>,
    ) -> Performed<C::Done>
    where
        C: Sensitive,
        C::Done: 'static,
    {
        self.write(
            (Arc::clone(who), cmd, step),
            |tx, (env, (who, cmd, step))| {
                Box::pin(
                    async move { step_up::perform(tx, env, &visitor(), who, cmd, *step).await },
                )
            },
        )
        .await
    }

    /// What needs nothing more than the session has shown.
    pub async fn at_once<C>(&self, who: &Arc<SignedIn>, cmd: C) -> C::Done
    where
        C: Sensitive,
        C::Done: 'static,
    {
        match self.perform(who, cmd, None).await {
            Performed::Done(done) => done,
            Performed::Needs(_) => panic!("it needs more"),
            _ => panic!("not done"),
        }
    }

    pub async fn needs<C>(&self, who: &Arc<SignedIn>, cmd: C) -> StepId
    where
        C: Sensitive,
        C::Done: 'static,
    {
        match self.perform(who, cmd, None).await {
            Performed::Needs(step) => step,
            Performed::Done(_) => panic!("done without a proof"),
            Performed::NothingToShow => panic!("nothing to show"),
            Performed::Frozen => panic!("frozen"),
            Performed::TooSoon { until } => panic!("too soon, until {until}"),
        }
    }

    /// Performs with whatever proof an account without anything but its phone needs.
    pub async fn by_phone<C>(&self, who: &Arc<SignedIn>, cmd: C, to: &Identifier) -> C::Done
    where
        C: Sensitive + Clone,
        C::Done: 'static,
    {
        let step = self.needs(who, cmd.clone()).await;
        let progress = self.prove_now(who, step, to).await;
        assert_eq!(progress, Progress::Proved);
        match self.perform(who, cmd, Some(step)).await {
            Performed::Done(done) => done,
            _ => panic!("not done"),
        }
    }

    /// A code as soon as one may be sent; steps live ten minutes, waits between codes fit in.
    pub async fn prove_now(&self, who: &Arc<SignedIn>, step: StepId, to: &Identifier) -> Progress {
        use identity_service::codes::Asked;
        for _ in 0..8 {
            let input = (Arc::clone(who), step);
            let asked = self
                .write(input, |tx, (env, (who, step))| {
                    Box::pin(async move {
                        step_up::ask_code(tx, env, &visitor(), who, *step, To::Phone).await
                    })
                })
                .await;
            match asked {
                Some(Asked::Sent) => {
                    let typed = code(&self.code(to).await);
                    let input = (Arc::clone(who), step, typed);
                    let tried = self
                        .write(input, |tx, (env, (who, step, code))| {
                            Box::pin(async move {
                                let purpose = Purpose::StepUpPhone;
                                step_up::check_code(tx, env, &visitor(), who, *step, purpose, code)
                                    .await
                            })
                        })
                        .await;
                    match tried {
                        TriedCode::Right(progress) => return progress,
                        other => panic!("{other:?}"),
                    }
                }
                Some(Asked::NotNow(not_now)) => self.test.clock().set(not_now.until()),
                other => panic!("{other:?}"),
            }
        }
        panic!("no code was sent")
    }

    /// Connects an app; answers its secret.
    pub async fn with_totp(&self, who: &Arc<SignedIn>) -> Vec<u8> {
        assert_eq!(
            self.at_once(who, totp::Add {}).await,
            totp::Added::Begun,
            "a session of this minute"
        );
        let shown = self.pending(who).await.expect("a secret to read");
        let secret = secret(&shown.secret);
        assert_eq!(
            self.confirm_totp(who, &self.totp(&secret, 0)).await,
            totp::Confirmed::Done
        );
        self.wait(60);
        secret
    }

    pub async fn pending(&self, who: &Arc<SignedIn>) -> Option<totp::Pending> {
        let input = (self.env.clone(), Arc::clone(who));
        self.test
            .read("test.pending", input, |tx, (env, who)| {
                Box::pin(totp::pending(tx, env, who))
            })
            .await
            .unwrap_or_else(|error: ServiceError| panic!("{error}"))
    }

    /// The code that the app shows now, or `off` steps from now.
    pub fn totp(&self, secret: &[u8], off: i64) -> String {
        rules::code(secret, rules::step(self.now()) + off, rules::DIGITS)
    }

    pub async fn confirm_totp(&self, who: &Arc<SignedIn>, typed: &str) -> totp::Confirmed {
        self.write((Arc::clone(who), code(typed)), |tx, (env, (who, code))| {
            Box::pin(async move { totp::confirm(tx, env, &visitor(), who, code).await })
        })
        .await
    }

    /// Checks a code of the app in the name of a session.
    pub async fn try_totp(&self, who: &Arc<SignedIn>, typed: &str) -> Tried<()> {
        self.write((Arc::clone(who), code(typed)), |tx, (env, (who, code))| {
            Box::pin(async move { check_totp(tx, env, who, code).await })
        })
        .await
    }

    /// Checks a backup code in the name of a session; a right one answers its successor.
    pub async fn try_backup(&self, who: &Arc<SignedIn>, code: &BackupCode) -> Tried<BackupCode> {
        self.write((Arc::clone(who), code.clone()), |tx, (env, (who, code))| {
            Box::pin(async move {
                let account = locked(tx, env, who).await?;
                let place = place(env, &account, who);
                let tried = backup_code::check(tx, place, code).await?;
                Ok(tried.map(|used| used.fresh))
            })
        })
        .await
    }
}

db::statements! {
    /// Holds an account.
    HOLD: "SELECT account_id FROM account WHERE account_id = $1{lock}" (Bytes) -> (Bytes);
}

async fn locked(
    tx: &mut WriteTx,
    env: &Env,
    who: &SignedIn,
) -> Result<identity_service::account::Account, ServiceError> {
    let id = who.account.id;
    tx.query_one(&HOLD, db::params![id.as_bytes()]).await?;
    let found = identity_service::account::find(tx, env, id).await?;
    Ok(found.expect("an account"))
}

fn place<'t>(
    env: &'t Env,
    account: &'t identity_service::account::Account,
    who: &SignedIn,
) -> Where<'t> {
    static VISITOR: std::sync::LazyLock<kernel::Visitor> = std::sync::LazyLock::new(visitor);
    Where {
        env,
        visitor: &VISITOR,
        account,
        session: Some(who.session),
    }
}

async fn check_totp(
    tx: &mut WriteTx,
    env: &Env,
    who: &SignedIn,
    code: &OneTimeCode,
) -> Result<Tried<()>, ServiceError> {
    let account = locked(tx, env, who).await?;
    let place = place(env, &account, who);
    Ok(totp::check(tx, place, code).await?.map(drop))
}

/// What a try came to, without what is in it.
pub fn came_to<T>(tried: &Tried<T>) -> &'static str {
    match tried {
        Tried::Right(_) => "right",
        Tried::Used => "used",
        Tried::Wrong => "wrong",
        Tried::Rests { .. } => "rests",
        Tried::Closed => "closed",
        Tried::NotThere => "not there",
    }
}

impl House {
    /// Shows a code of the app for a step.
    pub async fn prove_by_totp(&self, who: &Arc<SignedIn>, step: StepId, typed: &str) -> Progress {
        let input = (Arc::clone(who), step, code(typed));
        self.write(input, |tx, (env, (who, step, code))| {
            Box::pin(async move {
                let account = locked(tx, env, who).await?;
                let tried = totp::check(tx, place(env, &account, who), code).await?;
                let Tried::Right(proof) = tried else {
                    panic!("{}", came_to(&tried))
                };
                step_up::show(tx, env, &visitor(), who, *step, &proof).await
            })
        })
        .await
    }

    /// Shows a backup code for a step; answers its successor.
    pub async fn prove_by_backup(
        &self,
        who: &Arc<SignedIn>,
        step: StepId,
        typed: &BackupCode,
    ) -> BackupCode {
        let input = (Arc::clone(who), step, typed.clone());
        self.write(input, |tx, (env, (who, step, code))| {
            Box::pin(async move {
                let account = locked(tx, env, who).await?;
                let tried = backup_code::check(tx, place(env, &account, who), code).await?;
                let Tried::Right(used) = tried else {
                    panic!("{}", came_to(&tried))
                };
                let progress = step_up::show(tx, env, &visitor(), who, *step, &used.proof).await?;
                assert_eq!(progress, Progress::Proved);
                Ok(used.fresh)
            })
        })
        .await
    }

    /// Performs with a code of the app.
    pub async fn by_totp<C>(&self, who: &Arc<SignedIn>, cmd: C, secret: &[u8]) -> C::Done
    where
        C: Sensitive + Clone,
        C::Done: 'static,
    {
        self.wait(60);
        let step = match self.perform(who, cmd.clone(), None).await {
            Performed::Done(done) => return done,
            Performed::Needs(step) => step,
            _ => panic!("neither done nor asked for"),
        };
        let progress = self.prove_by_totp(who, step, &self.totp(secret, 0)).await;
        assert_eq!(progress, Progress::Proved);
        match self.perform(who, cmd, Some(step)).await {
            Performed::Done(done) => done,
            _ => panic!("not done"),
        }
    }
}
