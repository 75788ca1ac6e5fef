//! Identity done: use cases with their SQL. Each is one function over a transaction.
//!
//! | to find | look in |
//! |---|---|
//! | asking for a code, checking one | `codes` |
//! | signing in, registering | `sign_in` |
//! | sessions and devices | `session` |
//! | step-up: what a sensitive action needs first | `step_up`, `shown` |
//! | when something that leads to the account was taken away last | `slices` |
//! | the bank section's lock | `bank_section` |
//! | passkeys | `passkeys` |
//! | password, passcode, code word | `password`, `passcode`, `device_key`, `code_word`, `secret` |
//! | e-mail, its confirmation | `email` |
//! | another phone, another e-mail: at once or after a hold, undoing, stopping | `changes` |
//! | «это не я», freezing, lifting a freeze | `freeze`, `link` |
//! | personal data | `profile` |
//! | consents, subscriptions | `consent` |
//! | authenticator apps, backup codes, what counts their tries | `totp`, `backup_code`, `tries` |
//! | the second factor at sign-in | `second_factor`, `sign_in` |
//! | letting a computer in by a phone | `handover` |
//! | numbers that age, trusted people, the meter of ways back | `number`, `trusted`, `ways_back` |
//! | history | `history` |
//! | limits: what is counted where | `counters`, `breaker` |
//! | after a restored backup | `restore` |
//! | after a new master key | `rewrap` |
//! | what other areas may ask of identity | `neighbours` |
//! | notices to the owner | `notice`, `post` |
//! | forgetting what has served | `upkeep` |

pub mod account;
pub mod backup_code;
pub mod bank_section;
pub mod breaker;
pub mod changes;
pub mod code_word;
pub mod codes;
pub mod consent;
mod counters;
pub mod device_key;
pub mod email;
mod env;
pub mod freeze;
pub mod handover;
pub mod history;
pub mod link;
pub mod neighbours;
pub mod notice;
pub mod number;
pub mod passcode;
pub mod passkeys;
pub mod password;
mod post;
pub mod profile;
pub mod restore;
pub mod rewrap;
pub mod second_factor;
pub mod secret;
pub mod session;
pub mod shown;
pub mod sign_in;
pub mod slices;
pub mod step_up;
pub mod totp;
pub mod tries;
pub mod trusted;
pub mod upkeep;
pub mod ways_back;

pub use env::{Env, ServiceError, Subject};
pub use post::{Suspicion, TellSuspicion};

/// Every statement of this area, for the test that prepares them on both engines.
pub fn statements() -> Vec<&'static db::Statement> {
    [
        account::sql::ALL,
        backup_code::sql::ALL,
        bank_section::sql::ALL,
        breaker::sql::ALL,
        changes::sql::ALL,
        codes::sql::ALL,
        consent::sql::ALL,
        counters::sql::ALL,
        device_key::sql::ALL,
        handover::sql::ALL,
        link::sql::ALL,
        number::sql::ALL,
        passkeys::sql::ALL,
        profile::sql::ALL,
        restore::sql::ALL,
        rewrap::sql::ALL,
        second_factor::sql::ALL,
        secret::sql::ALL,
        session::sql::ALL,
        shown::sql::ALL,
        slices::sql::ALL,
        step_up::sql::ALL,
        totp::sql::ALL,
        trusted::sql::ALL,
    ]
    .concat()
}
