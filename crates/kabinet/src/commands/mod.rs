//! One function for each command.

mod audit;
mod backup;
mod check;
mod keys;
mod migrate;
mod serve;

pub(crate) use keys::private_folder;
pub(crate) use migrate::failure as migrate_failure;

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
    #[cfg(feature = "failpoints")]
    crate::failpoint::arm(&cli.failpoint)?;
    match cli.command {
        Command::Demo(args) => wait_for(demo::demo(args))?,
        Command::Serve(args) => wait_for(serve::serve(args))?,
        Command::Migrate(args) => wait_for(migrate::migrate(args))?,
        Command::Check(args) => wait_for(check::check(args))?,
        Command::Audit(command) => wait_for(audit::run(command))?,
        Command::Backup(args) => wait_for(backup::backup(args))?,
        Command::Restore(args) => wait_for(backup::restore(args))?,
        Command::Keys(command) => wait_for(keys::run(command))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn wait_for(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("kabinet")
        .build()
        .map_err(Failure::failed)?;
    let done = runtime.block_on(work);
    // What still runs has had its time to end.
    runtime.shutdown_background();
    done
}
