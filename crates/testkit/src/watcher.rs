//! Cleans up after a test process that died, even by `kill -9`.

use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};

/// A shell child that waits for our end of a pipe to close and then runs a clean-up script.
///
/// The kernel closes the pipe whatever ends the test process; Rust opens pipes close-on-exec, so no
/// other child keeps it open. The child has a process group of its own, else Ctrl-C in a terminal
/// would end it before it could clean up.
#[derive(Debug)]
pub(crate) struct Watcher {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Watcher {
    /// `script` runs in `sh` with `arguments` as `$1`, `$2`, … when the returned value is dropped or
    /// the process ends.
    pub(crate) fn guard(script: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(format!("cat >/dev/null\n{script}"))
            .arg("watcher")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("sh exists");
        let pipe = child.stdin.take();
        Self { child, pipe }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.pipe = None;
        // Wait, so that the folder of a finished test is really gone.
        let _ = self.child.wait();
    }
}
