//! Why a command ended without doing what it was asked: a text for a person and an exit code for a script.

use std::fmt;
use std::io::Write;
use std::process::ExitCode;

/// What kind of failure, as an exit code. 2 is the command line's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Something failed on the way: database, disk, network.
    Failed = 1,
    /// Not begun: configuration, keys, database or clock are not as they must be.
    Refused = 3,
    /// The verification of the log found tampering.
    Tampered = 4,
}

/// Why a command failed. The text holds no secret and no personal data.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    text: String,
}

impl Failure {
    pub(crate) fn failed(text: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Failed,
            text: text.to_string(),
        }
    }

    pub(crate) fn refused(text: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Refused,
            text: text.to_string(),
        }
    }

    pub(crate) fn tampered(text: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Tampered,
            text: text.to_string(),
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit as u8)
    }

    /// Says why on standard error.
    pub(crate) fn tell(&self) {
        complain(&format!("kabinet: {}", self.text));
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A line on standard error. A closed pipe is nobody's problem.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A line on standard output.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
