//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// What every exit code means; part of `--help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something failed on the way (database, disk, network)
  2  the command line is not understood
  3  not begun: configuration, keys, database or clock are not as they must be
  4  the verification of the log found tampering";

/// A personal account for a company that is a marketplace and a bank at once.
#[derive(Debug, Parser)]
#[command(name = "kabinet", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// How much is logged.
    #[arg(long, global = true, value_enum, env = "KABINET_LOG", default_value_t = LogLevel::Info)]
    pub(crate) log: LogLevel,
    #[cfg(feature = "failpoints")]
    #[command(flatten)]
    pub(crate) failpoint: FailpointArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run with sample customers, a simulated phone and a clock that can be moved.
    Demo(DemoArgs),
    /// Run the server.
    Serve(ServeArgs),
    /// Bring the database's schema up to date.
    Migrate(ConfigArgs),
    /// Look at configuration, keys, database and clock, and say everything that is wrong.
    Check(CheckArgs),
    /// The log of every action on an account.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Write a copy of the database to a file. The key file is not in it.
    Backup(BackupArgs),
    /// Read a copy into an empty database. Ends all sessions, codes and links, and drops old messages.
    Restore(RestoreArgs),
    /// The key file.
    #[command(subcommand)]
    Keys(KeysCommand),
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// The folder for the demo's data.
    #[arg(long, default_value = "kabinet-demo")]
    pub(crate) data: PathBuf,
    /// A PostgreSQL database to use instead of a file: `postgresql://user@host/name`.
    #[arg(long)]
    pub(crate) database: Option<String>,
    /// Where health and metrics listen; nowhere when not given.
    #[arg(long)]
    pub(crate) operations_listen: Option<SocketAddr>,
    /// Without sample customers.
    #[arg(long)]
    pub(crate) empty: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The configuration file; variables KABINET_<SECTION>__<KEY> stand above it.
    #[arg(long, env = "KABINET_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Start although the machine's clock is far ahead of the database: somebody looked, and it is right.
    #[arg(long)]
    pub(crate) accept_clock: bool,
    /// Bring the schema up to date first.
    #[arg(long)]
    pub(crate) migrate: bool,
}

/// Where a test lets the process die.
#[cfg(feature = "failpoints")]
#[derive(Debug, Args)]
pub(crate) struct FailpointArgs {
    /// `transaction/place`, `transaction/place:N` for the N-th passing, or `@FILE` with the name in it.
    #[arg(long, hide = true, global = true, env = "KABINET_FAILPOINT")]
    pub(crate) failpoint: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Also whether the carriers' hosts can be reached.
    #[arg(long)]
    pub(crate) carriers: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Read the whole log again and name the first bad row of each bucket.
    Verify(AuditArgs),
    /// Write the log as a file that proves itself, for an auditor.
    Export(ExportArgs),
    /// Check an exported file. Needs neither database nor keys.
    VerifyExport(VerifyExportArgs),
    /// Print the public key that signs the log.
    Key(ConfigArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The file of seals, or a copy of it kept elsewhere; the one in the data folder when not given.
    #[arg(long)]
    pub(crate) seals: Option<PathBuf>,
    /// A public key that may have signed, besides that of the key file.
    #[arg(long = "trust", value_name = "PUBLIC_KEY")]
    pub(crate) trusted: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) audit: AuditArgs,
    /// Only this account's entries; of the others their digests.
    #[arg(long)]
    pub(crate) account: Option<String>,
    /// The file to write; it must not exist.
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyExportArgs {
    /// The public key that signs the log (`kabinet audit key`).
    #[arg(long = "trust", value_name = "PUBLIC_KEY", required = true)]
    pub(crate) trusted: Vec<String>,
    /// The exported file.
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The file to write; it must not exist.
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The file to read.
    pub(crate) file: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make the key file of a new installation.
    Create(ConfigArgs),
    /// Make a new master key; the old ones stay for reading.
    Rotate(ConfigArgs),
    /// Say which master keys there are and how many accounts' keys each still wraps.
    Status(ConfigArgs),
    /// Forget an old master key for ever, once it wraps nothing any more.
    Retire(RetireArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RetireArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The name of the key, as `kabinet keys status` says it: 8 hexadecimal digits.
    pub(crate) master: String,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
