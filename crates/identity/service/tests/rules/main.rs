//! The rules of identity, one file a theme, on both engines.

mod house;
mod tools;

mod codes;
mod consent;
mod email;
mod freeze;
mod guessing;
mod leaks;
mod passkey_answers;
mod passkey_robot;
mod passkey_tools;
mod passkeys;
mod profile;
mod random_walk;
mod sending;
mod sessions;
mod step_up;
mod upkeep;
