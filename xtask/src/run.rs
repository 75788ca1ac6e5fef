//! Running other programs.

use std::process::Command;

use crate::tree::workspace;

/// A command in the workspace's folder.
pub fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(workspace());
    command
}

/// Runs it with its output shown; an error names it.
pub fn show(command: &mut Command) -> Result<(), String> {
    let status = command
        .status()
        .map_err(|why| format!("{command:?}: {why}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{command:?} ended with {status}"))
    }
}

/// Cargo, as this tool was started by it.
pub fn cargo(arguments: &[&str]) -> Command {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    command(&cargo, arguments)
}
