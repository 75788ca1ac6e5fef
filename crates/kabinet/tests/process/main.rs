//! The program as a process: what it refuses, what it bounds, how it stops, what the demo has.

/// Runs each on both engines.
macro_rules! both_engines {
    ($($name:ident)+) => {
        mod sqlite { $(#[test] fn $name() { super::$name(db::Engine::Sqlite) })+ }
        mod postgres { $(#[test] fn $name() { super::$name(db::Engine::Postgres) })+ }
    };
}

mod alarms;
mod clock;
mod demo;
mod gateway;
mod gateways;
mod headers;
mod installation;
mod keys;
mod leaks;
mod limits;
mod messages;
mod outage;
mod records;
mod refusals;
mod roles;
mod sessions;
mod slow;
mod stop;
mod wire;
