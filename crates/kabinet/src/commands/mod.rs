//! One function for each command.

mod serve;

use std::future::Future;
use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::demo;
use crate::failure::Failure;
use crate::logging::{self, Reader};

/// Runs the command.
pub(crate) fn run(cli: Cli) -> Result<ExitCode, Failure> {
    // Only the first call in a process can fail, by being the second.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let reader = if matches!(cli.command, Command::Serve(_)) {
        Reader::Program
    } else {
        Reader::Person
    };
    logging::start(reader, cli.log);
    match cli.command {
        Command::Demo(args) => wait_for(demo::demo(args))?,
        Command::Serve(args) => wait_for(serve::serve(args))?,
        _ => return Err(Failure::failed("not yet")),
    }
    Ok(ExitCode::SUCCESS)
}

fn wait_for(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("kabinet")
        .build()
        .map_err(Failure::failed)?;
    runtime.block_on(work)
}
