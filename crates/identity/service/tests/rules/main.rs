//! The rules of identity, one file a theme, on both engines.

mod change_tools;
mod house;
mod secret_tools;
mod steps;
mod tools;

mod backup_codes;
mod changes;
mod codes;
mod consent;
mod doors;
mod email;
mod freeze;
mod guessing;
mod handover;
mod holds;
mod leaks;
mod learnt_calls;
mod numbers;
mod passkey_answers;
mod passkey_robot;
mod passkey_tools;
mod passkeys;
mod profile;
mod random_walk;
mod rewrap;
mod second_factor;
mod secrets;
mod sending;
mod sessions;
mod slices;
mod step_up;
mod step_walk;
mod totp;
mod trusted;
mod upkeep;
