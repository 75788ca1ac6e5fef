//! Sign-in by a passkey: whoever it is, from the browser's own list (A3). It counts as both factors.

use db::WriteTx;
use identity_core::{guessing::Guesses, next_path::NextPath};
use kernel::{AccountId, Visitor};

use super::{
    Begun, Judged, Purpose, Refusal, RequestOptions, Site, ceremony, options,
    showing::{Shown, verify},
};
use crate::{
    account,
    codes::BrowserKey,
    counters::{self, Counted, KnownBrowser},
    env::{Env, ServiceError, Subject},
    sign_in::{self, Door, Welcome},
};

/// Begins a sign-in. Nothing in the answer depends on any account. `None` where no passkeys are made.
pub async fn begin_sign_in(
    tx: &mut WriteTx,
    env: &Env,
    browser: &BrowserKey,
) -> Result<Option<Begun<RequestOptions>>, ServiceError> {
    let Some(site) = Site::of(env) else {
        return Ok(None);
    };
    let challenge = ceremony::challenge(env);
    let asked = ceremony::Asked::new(&challenge, None, Vec::new());
    let id = ceremony::begin(tx, env, browser, Purpose::SignIn, &asked).await?;
    Ok(Some(Begun {
        ceremony: id,
        options: options::request(&site, &challenge, &[]),
    }))
}

/// A sign-in.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The judged answer.
    pub judged: Judged,
    /// The browser's long-lived token, hashed.
    pub known: Option<[u8; 32]>,
    /// Where to go afterwards.
    pub next: NextPath,
}

/// What became of it.
pub enum Entered {
    /// In.
    In(Box<Welcome>),
    /// Not taken.
    NotTaken(Refusal),
}

/// Signs in.
pub async fn sign_in(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    cmd: &SignIn,
) -> Result<Entered, ServiceError> {
    // Counts come before the account in the order of locks.
    let closed = match cmd.judged.opens() {
        Some(owner) => Closed::lock(tx, env, owner, cmd.known).await?,
        None => Closed::default(),
    };
    let proof = match verify(tx, env, visitor, &cmd.judged, None).await? {
        Shown::NotTaken(why) => return Ok(Entered::NotTaken(why)),
        Shown::Right(proof) => proof,
    };
    closed.open(tx, env).await?;
    let account = account::lock(tx, env, proof.account()).await?;
    let door = Door {
        browser: cmd.judged.which.browser,
        known: cmd.known,
        is_new: false,
    };
    let next = cmd.next.clone();
    let welcome = sign_in::arrive(tx, env, visitor, &account, &[proof], &door, next).await?;
    Ok(Entered::In(Box::new(welcome)))
}

/// What a stronger factor opens again (ID-2a): the counts of wrong codes of the account's identifiers and of
/// this browser. Rows without a count are left alone.
#[derive(Default)]
struct Closed {
    subjects: Vec<(Subject, Counted)>,
    browser: Option<KnownBrowser>,
}

fn is_counted(guesses: &Guesses) -> bool {
    guesses.in_row > 0 || guesses.rest_until.is_some()
}

impl Closed {
    async fn lock(
        tx: &mut WriteTx,
        env: &Env,
        owner: AccountId,
        known: Option<[u8; 32]>,
    ) -> Result<Self, ServiceError> {
        let mut closed = Self::default();
        let Some(account) = account::find(tx, env, owner).await? else {
            return Ok(closed);
        };
        let owned = account::identifiers(tx, &account).await?;
        let mut subjects: Vec<Subject> = owned.iter().map(|owned| owned.subject).collect();
        subjects.sort_unstable();
        for subject in subjects {
            if is_counted(&counters::look_subject(tx, &subject).await?.guesses) {
                let counted = counters::lock_subject(tx, &subject).await?;
                closed.subjects.push((subject, counted));
            }
        }
        if let Some(known) = known {
            closed.browser = counters::lock_browser(tx, owner, &known).await?;
        }
        Ok(closed)
    }

    async fn open(self, tx: &mut WriteTx, env: &Env) -> Result<(), ServiceError> {
        for (subject, counted) in self.subjects {
            let counted = Counted {
                guesses: counted.guesses.right(),
                ..counted
            };
            counters::save_subject(tx, env, &subject, &counted, true).await?;
        }
        if let Some(browser) = self.browser.filter(|browser| is_counted(&browser.guesses)) {
            let browser = KnownBrowser {
                guesses: browser.guesses.right(),
                ..browser
            };
            counters::save_browser(tx, &browser).await?;
        }
        Ok(())
    }
}
