//! Speed and memory as ratios to a raw limit of the same run.

pub mod db;
