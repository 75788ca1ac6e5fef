//! The rules of recovery, on both engines.

mod house;
mod limits;
mod start;
mod stop;
mod walk;
