//! The rules of identity, one file a theme, on both engines.

#[path = "../house/mod.rs"]
mod house;
mod tools;

mod codes;
mod guessing;
mod sending;
