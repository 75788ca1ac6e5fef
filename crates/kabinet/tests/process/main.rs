//! The program as a process: what it refuses, what it bounds, how it stops, what the demo has.

mod demo;
mod installation;
mod keys;
mod leaks;
mod limits;
mod records;
mod refusals;
mod slow;
mod stop;
mod wire;
