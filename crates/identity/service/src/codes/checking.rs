//! Checking a code.

use db::{DbError, WriteTx, params};
use identity_core::{
    challenge::{NotAccepted, Purpose},
    guessing::{self, Guesses, Refused},
};
use kernel::{Timestamp, Visitor, code::OneTimeCode};

use super::{BrowserKey, Proved, flow, known_browser, owner, range_scope, read_challenge, sql};
use crate::{
    breaker::{self, Tally},
    counters::{self, Counted, KnownBrowser, Scope},
    env::{Env, ServiceError, Subject},
    post,
};

/// What a typed code turned out to be.
#[derive(Debug, Clone)]
pub enum Checked {
    /// The code.
    Right(Box<Proved>),
    /// Not it, or not any more.
    NotAccepted(NotAccepted),
    /// Not even looked at.
    Refused(Refused),
}

/// What is checked.
#[derive(Debug, Clone)]
pub struct Check {
    /// What the code has to be for.
    pub purpose: Purpose,
    /// The browser that answers.
    pub browser: BrowserKey,
    /// Its long-lived token, hashed.
    pub known: Option<[u8; 32]>,
    /// What was typed.
    pub code: OneTimeCode,
}

/// Checks a code: counts the try first, then compares (A13, A14). `Ok` with anything but
/// [`Checked::Right`] must be committed all the same, or the try was free.
pub async fn check(
    tx: &mut WriteTx,
    env: &Env,
    visitor: &Visitor,
    cmd: &Check,
) -> Result<Checked, ServiceError> {
    let now = tx.now();
    let Some(flow) = flow(tx, cmd.purpose, &cmd.browser).await? else {
        // The same work as for a code that exists (A7).
        let _ = env.vault.code_mac(&cmd.browser, cmd.code.expose());
        return Ok(Checked::NotAccepted(NotAccepted::Dead));
    };
    let counted = counters::lock_subject(tx, &flow.subject).await?;
    let owner = owner(tx, &flow.subject).await?;
    let known = known_browser(tx, owner, cmd.known.as_ref()).await?;
    let mut wrongs = lock_wrongs(tx, env, visitor).await?;
    let guesses = known
        .as_ref()
        .map_or(&counted.guesses, |known| &known.guesses);
    let network = if known.is_some() {
        Ok(())
    } else {
        wrongs.may_try(env, now)
    };
    if let Err(refused) = guesses.may_try(&env.policy, now).and(network) {
        return Ok(Checked::Refused(refused));
    }
    let row = tx
        .query_opt(&sql::FIND, params![&flow.subject, &flow.challenge])
        .await?;
    let Some(row) = row else {
        return Ok(Checked::NotAccepted(NotAccepted::Dead));
    };
    let mut sent = read_challenge(&row)?;
    if known.is_none() && env.breaker.is_slow() {
        sent.challenge.tries_most = sent.challenge.tries_most.min(env.policy.slow_code_tries);
    }
    let mac = env.vault.code_mac(&sent.salt, cmd.code.expose());
    let live = match sent.challenge.live(cmd.purpose, &cmd.browser, now) {
        Ok(live) => live,
        Err(not_accepted) => return Ok(Checked::NotAccepted(not_accepted)),
    };
    if tx
        .execute(&sql::TRY, params![&flow.subject, &flow.challenge])
        .await?
        != 1
    {
        return Ok(Checked::NotAccepted(NotAccepted::Dead));
    }
    // A call whose number the gateway has yet to tell has no code, and every try is wrong and counted like any
    // other: an answer of its own would tell who is called at all (A7), and free tries would be an oracle of
    // when the number is known.
    let fits = !sent.mac.is_empty() && vault::same(&mac, &sent.mac);
    let judged = live.judge(fits);
    let tally = Tally {
        tries: 1,
        wrong: i64::from(judged.is_err()),
        ..Tally::default()
    };
    if let Err(not_accepted) = judged {
        let guesses = guesses.clone().wrong(&env.policy, now);
        let suspicious = guesses.is_suspicious();
        let tried = Tried {
            counted,
            known,
            has_owner: owner.is_some(),
        };
        tried.save(tx, env, &flow.subject, guesses).await?;
        wrongs.add(tx, env, now).await?;
        if suspicious {
            post::suspicion(tx, env, visitor, &flow.subject).await?;
        }
        breaker::add(tx, &flow.subject, tally).await?;
        return Ok(Checked::NotAccepted(not_accepted));
    }
    let guesses = guesses.clone().right();
    let counted = Counted {
        sends: counted.sends.clone().succeeded(),
        ..counted
    };
    let tried = Tried {
        counted,
        known,
        has_owner: owner.is_some(),
    };
    tried.save(tx, env, &flow.subject, guesses).await?;
    let identifier = env.open_identifier(&flow.sealed)?;
    if let Some(scope) = range_scope(env, &identifier) {
        let range = counters::lock_range(tx, &scope).await?.used();
        counters::save_range(tx, &scope, &range).await?;
    }
    tx.execute_one(&sql::USE, params![now, &flow.subject, &flow.challenge])
        .await?;
    let proved = params![now, &cmd.browser, cmd.purpose.as_str(), &flow.challenge];
    let is_current = tx.execute(&sql::FLOW_PROVED, proved).await? == 1;
    breaker::add(tx, &flow.subject, tally).await?;
    if !is_current {
        // The same browser asked again while this was judged: its flow now names another code, perhaps of
        // another number, and that one was not proved.
        return Ok(Checked::NotAccepted(NotAccepted::Dead));
    }
    Ok(Checked::Right(Box::new(Proved {
        subject: flow.subject,
        identifier,
        channel: sent.channel,
        owner,
        next: flow.next,
    })))
}

/// Who tried a code: a browser that the account knows has a count of its own.
struct Tried {
    counted: Counted,
    known: Option<KnownBrowser>,
    has_owner: bool,
}

impl Tried {
    async fn save(
        self,
        tx: &mut WriteTx,
        env: &Env,
        subject: &Subject,
        guesses: Guesses,
    ) -> Result<(), DbError> {
        let Self {
            counted,
            known,
            has_owner,
        } = self;
        let counted = match known {
            Some(known) => {
                counters::save_browser(tx, &KnownBrowser { guesses, ..known }).await?;
                counted
            }
            None => Counted { guesses, ..counted },
        };
        counters::save_subject(tx, env, subject, &counted, has_owner).await
    }
}

/// The wrong tries of the visitor's address and of its /24 or /64.
struct Wrongs {
    address: ([u8; 32], identity_core::recent::Recent),
    site: ([u8; 32], identity_core::recent::Recent),
}

async fn lock_wrongs(tx: &mut WriteTx, env: &Env, visitor: &Visitor) -> Result<Wrongs, DbError> {
    let address = Scope::Wrong.of(env, visitor);
    let site = Scope::SiteWrong.of(env, visitor);
    // In the order of the keys, as everywhere.
    let (first, second) = if address <= site {
        (address, site)
    } else {
        (site, address)
    };
    let first_stamps = counters::lock_network(tx, &first).await?;
    let second_stamps = counters::lock_network(tx, &second).await?;
    Ok(if first == address {
        Wrongs {
            address: (first, first_stamps),
            site: (second, second_stamps),
        }
    } else {
        Wrongs {
            address: (second, second_stamps),
            site: (first, first_stamps),
        }
    })
}

impl Wrongs {
    fn may_try(&self, env: &Env, now: Timestamp) -> Result<(), Refused> {
        guessing::network_may_try(&self.address.1, &self.site.1, &env.policy, now)
    }

    async fn add(&mut self, tx: &mut WriteTx, env: &Env, now: Timestamp) -> Result<(), DbError> {
        let address = std::mem::take(&mut self.address.1).with(now, env.policy.network_wrong);
        let site = std::mem::take(&mut self.site.1).with(now, env.policy.site_wrong);
        counters::save_network(tx, &self.address.0, &address).await?;
        counters::save_network(tx, &self.site.0, &site).await
    }
}
