//! The rules of identity, one file a theme, on both engines.

mod house;
mod secret_tools;
mod tools;

mod codes;
mod consent;
mod email;
mod freeze;
mod guessing;
mod leaks;
mod learnt_calls;
mod passkey_answers;
mod passkey_robot;
mod passkey_tools;
mod passkeys;
mod profile;
mod random_walk;
mod rewrap;
mod secrets;
mod sending;
mod sessions;
mod step_up;
mod upkeep;
