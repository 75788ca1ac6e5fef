//! The JSON API on both engines, from the first code to a lifted freeze; what is tried against it; its document.

mod abuse;
mod document;
mod house;
mod page_guard;
mod repeats;
mod second;
mod secrets;
mod walk;
