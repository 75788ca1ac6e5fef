//! The real program as a process of its own: started, asked, killed, its output kept.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::process::Signal;

use crate::postgres::{free_port, signal};
use crate::watcher::Watcher;

const POLL: Duration = Duration::from_millis(5);
const REQUEST_LIMIT: Duration = Duration::from_secs(5);

/// How to start the program. `{port}` and `{ops}` in arguments and environment become free ports.
#[derive(Clone, Debug)]
pub struct Start {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    ready: String,
    ready_on_ops: bool,
    limit: Duration,
}

impl Start {
    /// `program` is `env!("CARGO_BIN_EXE_kabinet")` of the caller, or [`built`].
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            ready: "/health/ready".into(),
            ready_on_ops: false,
            limit: Duration::from_secs(30),
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<T: Into<String>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Adds a variable to the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The path that answers 200 when the server is ready; on the `{ops}` port if `on_ops`.
    #[must_use]
    pub fn ready(mut self, path: &str, on_ops: bool) -> Self {
        self.ready = path.into();
        self.ready_on_ops = on_ops;
        self
    }

    /// Starts the process and waits until it is ready.
    ///
    /// # Panics
    /// With the output so far, when the process ends or is not ready within 30 s.
    pub fn start(&self) -> Server {
        let mut server = self.spawn(free_port(), free_port());
        server.wait_ready(self);
        server
    }

    /// Starts on the ports of `old`, as a restart after a crash does.
    pub fn start_on(&self, old: &Server) -> Server {
        let mut server = self.spawn(old.port, old.ops);
        server.wait_ready(self);
        server
    }

    /// Starts the process without waiting, for starts that must fail.
    pub fn spawn(&self, port: u16, ops: u16) -> Server {
        let fill = |text: &str| {
            text.replace("{port}", &port.to_string())
                .replace("{ops}", &ops.to_string())
        };
        let started = Instant::now();
        let mut child = Command::new(&self.program)
            .args(self.arguments.iter().map(|argument| fill(argument)))
            .envs(
                self.environment
                    .iter()
                    .map(|(name, value)| (name, fill(value))),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|why| panic!("{}: {why}", self.program.display()));
        let output = Arc::new(Mutex::new(String::new()));
        let readers = vec![
            collect(child.stdout.take(), &output),
            collect(child.stderr.take(), &output),
        ];
        Server {
            watcher: Watcher::guard("kill -KILL -\"$1\"", &[&child.id().to_string()]),
            child,
            port,
            ops,
            output,
            readers: readers.into_iter().flatten().collect(),
            ready_after: Duration::ZERO,
            started,
        }
    }
}

/// The program as `cargo build` left it beside the running test, for packages that cannot use
/// `CARGO_BIN_EXE_…` because the program belongs to another package.
///
/// # Panics
/// When it was not built.
pub fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let file = test
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    file.unwrap_or_else(|| {
        panic!("{name} is not built: run `cargo build -p {name}` or `cargo xtask test`")
    })
}

/// A running process; killed when dropped, also when the test process is killed.
#[derive(Debug)]
pub struct Server {
    child: Child,
    port: u16,
    ops: u16,
    output: Arc<Mutex<String>>,
    readers: Vec<thread::JoinHandle<()>>,
    ready_after: Duration,
    started: Instant,
    #[expect(dead_code, reason = "its drop ends the group if ours did not")]
    watcher: Watcher,
}

/// A bare answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    /// The body, as UTF-8 with replacement.
    pub body: String,
}

impl Server {
    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The address of the operations port.
    pub fn ops_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ops)
    }

    /// The main port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// From the start of the process to its first ready answer.
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Standard output and error so far, for leak searches (A18).
    pub fn output(&self) -> String {
        self.output.lock().clone()
    }

    /// Resident memory, in bytes.
    pub fn memory(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok())
            .map_or(0, |kib| kib * 1024)
    }

    /// `kill -9` (F1).
    pub fn kill(&mut self) {
        signal(self.pid(), Signal::KILL);
        self.wait();
    }

    /// Sends SIGTERM and waits (F20).
    ///
    /// # Panics
    /// When the process has not ended within `limit`.
    pub fn terminate(&mut self, limit: Duration) -> ExitStatus {
        signal(self.pid(), Signal::TERM);
        self.ended(limit)
            .unwrap_or_else(|| panic!("still running {limit:?} after SIGTERM:\n{}", self.output()))
    }

    /// Freezes the process (F22).
    pub fn freeze(&self) {
        signal(self.pid(), Signal::STOP);
    }

    /// Wakes it.
    pub fn thaw(&self) {
        signal(self.pid(), Signal::CONT);
    }

    /// How it ended, if it did within `limit`; then all output has been collected.
    pub fn ended(&mut self, limit: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Ok(Some(_)) = self.child.try_wait() {
                return Some(self.wait());
            }
            if start.elapsed() > limit {
                return None;
            }
            thread::sleep(POLL);
        }
    }

    /// A plain GET on the main port, with extra header lines; without redirects or cookies.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer, std::io::Error> {
        get(self.port, path, headers)
    }

    fn wait(&mut self) -> ExitStatus {
        let status = self.child.wait().expect("our own child");
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        status
    }

    fn wait_ready(&mut self, start: &Start) {
        let port = if start.ready_on_ops {
            self.ops
        } else {
            self.port
        };
        loop {
            if get(port, &start.ready, &[]).is_ok_and(|answer| answer.status == 200) {
                self.ready_after = self.started.elapsed();
                return;
            }
            if let Some(status) = self.ended(Duration::ZERO) {
                panic!("the server ended with {status}:\n{}", self.output());
            }
            assert!(
                self.started.elapsed() < start.limit,
                "the server is not ready after {:?}:\n{}",
                start.limit,
                self.output()
            );
            thread::sleep(POLL);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            eprintln!("--- output of the server ---\n{}", self.output());
        }
    }
}

fn get(port: u16, path: &str, headers: &[(&str, &str)]) -> Result<Answer, std::io::Error> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(REQUEST_LIMIT))?;
    let mut request =
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head
        .split_whitespace()
        .nth(1)
        .and_then(|code| code.parse().ok());
    Ok(Answer {
        status: status.ok_or_else(|| std::io::Error::other("no status line"))?,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}

fn collect(
    from: Option<impl Read + Send + 'static>,
    into: &Arc<Mutex<String>>,
) -> Option<thread::JoinHandle<()>> {
    let (from, into) = (from?, Arc::clone(into));
    let reader = thread::Builder::new()
        .name("server-output".into())
        .spawn(move || {
            let mut lines = BufReader::new(from);
            let mut line = Vec::new();
            while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
                into.lock().push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
    Some(reader.expect("threads are left"))
}

/// A folder for the data of a server, removed when dropped.
pub fn data_folder() -> tempfile::TempDir {
    tempfile::TempDir::with_prefix("kabinet-data-").expect("the temporary folder is writable")
}

/// Every file below `folder` that contains `needle`, for leak searches (A18, A102).
pub fn files_with(folder: &Path, needle: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read(&path)
                .is_ok_and(|bytes| bytes.windows(needle.len()).any(|part| part == needle))
            {
                found.push(path);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVE: &str = "import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'hello')
print('listening', flush=True)
http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), H).serve_forever()";

    #[test]
    fn starts_asks_ends_and_starts_again_on_the_same_port() {
        let start = Start::new(crate::tools::needed(&["python3"])).args(["-c", SERVE, "{port}"]);
        let mut server = start.start();
        assert_eq!(server.get("/", &[]).unwrap().body, "hello");
        assert!(server.memory() > 1024 * 1024);
        let status = server.terminate(Duration::from_secs(5));
        assert!(!status.success());
        assert!(server.output().contains("listening"));
        let again = start.start_on(&server);
        assert_eq!(again.port(), server.port());
    }

    #[test]
    #[should_panic(expected = "no module named nothing_at_all")]
    fn a_server_that_ends_shows_its_output() {
        Start::new(crate::tools::needed(&["python3"]))
            .args(["-c", "raise SystemExit('no module named nothing_at_all')"])
            .start();
    }

    #[test]
    fn leaks_are_found_in_files() {
        let folder = data_folder();
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        std::fs::write(folder.path().join("deep/log"), b"code 123456 sent").unwrap();
        assert_eq!(files_with(folder.path(), b"123456").len(), 1);
        assert!(files_with(folder.path(), b"654321").is_empty());
    }
}
