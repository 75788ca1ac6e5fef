//! What the claimant tells (RE-3): saved page by page, sealed with the case's key. Nothing is compared and nothing is
//! answered but that it was saved (RE-10).

use db::{WriteTx, params};
use identity_service::{Env, ServiceError, codes::BrowserKey};
use recovery_core::{Facts, facts::Operation};

use crate::case::{self, FACTS, sql};

/// One page of facts. An empty text takes back what was told before.
#[derive(Clone)]
pub enum Told {
    /// Who the claimant is.
    Person {
        /// Surname.
        surname: String,
        /// Given name.
        given: String,
        /// Patronymic.
        patronymic: String,
        /// Birth date.
        birth_date: String,
        /// Series and number of the passport.
        passport: String,
    },
    /// What only the owner knows.
    Knowledge {
        /// The month the account was opened.
        opened: String,
        /// The code word.
        code_word: String,
        /// The last two operations.
        operations: [Operation; 2],
    },
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Told(…)")
    }
}

impl Told {
    fn into(self, facts: Facts) -> Facts {
        match self {
            Self::Person {
                surname,
                given,
                patronymic,
                birth_date,
                passport,
            } => Facts {
                surname,
                given,
                patronymic,
                birth_date,
                passport,
                ..facts
            },
            Self::Knowledge {
                opened,
                code_word,
                operations,
            } => Facts {
                opened,
                code_word,
                operations,
                ..facts
            },
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// Saved.
    Done,
    /// The phone to be used is proved first, or nobody could come back to the case.
    PhoneFirst,
    /// This browser works on no case that may be changed.
    NoCase,
}

/// Saves one page.
pub async fn save(
    tx: &mut WriteTx,
    env: &Env,
    browser: &BrowserKey,
    told: &Told,
) -> Result<Saved, ServiceError> {
    let Some(case) = case::lock_mine(tx, env, browser).await? else {
        return Ok(Saved::NoCase);
    };
    if !case.proofs().phone {
        return Ok(Saved::PhoneFirst);
    }
    let facts = told.clone().into(case.facts);
    let text = serde_json::to_vec(&facts);
    let text = text.map_err(|_| ServiceError::Inconsistent("facts are JSON"))?;
    let sealed = case.key.seal(FACTS, &text);
    let now = tx.now();
    let place = case.place;
    let row = params![&sealed, now, place.holder.as_bytes(), place.case.as_bytes()];
    tx.execute_one(&sql::FACTS_SET, row).await?;
    Ok(Saved::Done)
}
