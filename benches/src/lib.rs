//! Speed and memory as ratios to a raw limit of the same run.
#![expect(
    clippy::disallowed_methods,
    reason = "a bench reads the real clock and starts its own callers"
)]

pub mod crowd;
pub mod db;
pub mod first_visit;
pub mod front_door;
pub mod hello;
pub mod house;
pub mod live;
pub mod load;
pub mod sets;
