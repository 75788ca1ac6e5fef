//! Sign-in by a passkey: whoever it is, from the browser's own list (A3). It counts as both factors.

use db::WriteTx;
use identity_core::{assurance::Method, guessing::Guesses, next_path::NextPath};
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
    second_factor::{self, Gate},
    sign_in::{self, Arrival, Door, Welcome},
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
    let shown = [proof.method()];
    let Gate::Open(enough) = second_factor::gate(tx, env, &account, None, &shown).await? else {
        return Err(ServiceError::Inconsistent("a passkey is both factors"));
    };
    let arrival = Arrival {
        account: &account,
        proofs: &[proof],
        door: &door,
        next: cmd.next.clone(),
        enough,
    };
    let welcome = sign_in::arrive(tx, env, visitor, arrival).await?;
    Ok(Entered::In(Box::new(welcome)))
}

/// What became of a passkey that was shown after a right code.
pub enum Second {
    /// In.
    In(Box<Welcome>),
    /// Not taken.
    NotTaken(Refusal),
    /// The code's proof is over, or a passkey would not do: begin anew.
    Over,
}

/// Shows a passkey as the second factor of a sign-in (ID-8, A47): one of the account whose code was right.
pub async fn second(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    judged: &Judged,
    known: Option<[u8; 32]>,
) -> Result<Second, ServiceError> {
    let browser = judged.which.browser;
    let Some(halfway) = sign_in::halfway(tx, env, &browser).await? else {
        return Ok(Second::Over);
    };
    if !halfway.ways.contains(&Method::Passkey) {
        return Ok(Second::Over);
    }
    // A genuine key of somebody else proves nothing of this account, and nothing is said of it.
    if judged
        .opens()
        .is_some_and(|opens| opens != halfway.account.id)
    {
        return Ok(Second::NotTaken(Refusal::No));
    }
    match verify(tx, env, visitor, judged, None).await? {
        Shown::NotTaken(why) => Ok(Second::NotTaken(why)),
        Shown::Right(proof) => {
            let door = (browser, known);
            let welcome = sign_in::with_second(tx, env, visitor, &halfway, door, &proof).await?;
            Ok(Second::In(Box::new(welcome)))
        }
    }
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
