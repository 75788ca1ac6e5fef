//! The binary: command line, wiring, demo. No logic of the product lives here.
//!
//! | to find | look in |
//! |---|---|
//! | the command line and its exit codes | `cli`, `failure`, `commands` |
//! | what is opened and checked before anything runs | `house` |
//! | settings turned into what the areas want | `wiring` |
//! | connections: limits, timeouts, graceful stop | `server` |
//! | one request: log line, body limit, panics | `edge` |
//! | health and metrics | `operations` |
//! | background tasks | `supervisor`, `background` |
//! | `kabinet demo`: movable clock, simulated phone, sample customers | `demo` |

mod background;
mod cli;
mod commands;
mod demo;
pub mod demo_views;
mod edge;
#[cfg(feature = "failpoints")]
mod failpoint;
mod failure;
mod house;
mod logging;
mod operations;
mod progress;
mod routes;
mod run;
pub mod server;
mod supervisor;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

pub use routes::document;

/// Parses the command line, runs the command and says how it went. Exit codes: see [`cli::EXIT_CODES`].
pub fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(code) => code,
        Err(failure) => {
            failure.tell();
            failure.exit_code()
        }
    }
}
