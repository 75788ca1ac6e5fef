//! Identity decided: what may be asked, tried, kept and shown. Pure: no input, no output, no clock, no chance.
//!
//! | file | decides |
//! |---|---|
//! | `policy` | the numbers, with their defaults and where they come from |
//! | `recent` | how often something happened lately |
//! | `sending` | whether a code may be sent now (ID-2, ID-2b) |
//! | `guessing` | whether a code may be tried now, and what a wrong one costs (ID-2a) |
//! | `challenge` | the life of one code |
//! | `changes` | another phone or e-mail: a change that waits, and who may stop it (CH-1 to CH-4) |
//! | `assurance` | what each sensitive action asks for, and what is still to be shown (step-up) |
//! | `slices` | what leads to the account is not taken away slice by slice (A50) |
//! | `totp` | codes of authenticator apps (ID-8) |
//! | `backup_code` | how backup codes look and are read (ID-8) |
//! | `second_factor` | whether sign-in asks for more than a code (ID-8, ID-8a, A47) |
//! | `handover` | letting a computer in by a phone (ID-7) |
//! | `ways_back` | which loss would lock the owner out (ID-8a) |
//! | `bank_section` | when the bank section locks (ID-9) |
//! | `password`, `passcode`, `code_word` | which chosen secrets are refused (ID-3, RE-9) |
//! | `own` | what is known of a person, and so no secret |
//! | `session` | how long a session lives, which ones must go |
//! | `account` | levels, ways in, freezing (ID-11, ID-8a, ID-13) |
//! | `profile` | personal data and what makes it complete (ID-10) |
//! | `consent` | consents and subscriptions (ID-12) |
//! | `passkeys` | what an authenticator must have said, and when it looks cloned (ID-5, A60, A63) |
//! | `next_path` | where a sign-in may lead afterwards |

pub mod account;
pub mod assurance;
pub mod backup_code;
pub mod bank_section;
pub mod challenge;
pub mod changes;
pub mod code_word;
pub mod consent;
pub mod forgetting;
pub mod guessing;
pub mod handover;
pub mod next_path;
pub mod own;
pub mod passcode;
pub mod passkeys;
pub mod password;
pub mod policy;
pub mod profile;
pub mod recent;
pub mod second_factor;
pub mod sending;
pub mod session;
pub mod slices;
pub mod totp;
pub mod ways_back;

pub use policy::Policy;
