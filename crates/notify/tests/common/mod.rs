//! Peers that stand on the other side of a carrier: real servers in their own
//! processes, told what to do on stdin, telling what they saw on stdout.
#![expect(dead_code, reason = "each test file uses its own part")]

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use kernel::{Identifier, MessageId, Timestamp};
use notify::{Body, Outgoing};
use serde_json::Value;
use testkit::SeededChance;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

pub fn outgoing(to: Identifier, body: Body) -> Outgoing {
    Outgoing {
        id: MessageId::new(Timestamp::from_secs(1_790_000_000), &*SeededChance::new(1)),
        to,
        body,
        worthless_after: None,
    }
}

pub fn phone() -> Identifier {
    Identifier::Phone(kernel::Phone::parse("+79001234567").unwrap())
}

fn script(name: &str) -> PathBuf {
    testkit::tools::workspace().join("tests/peers").join(name)
}

/// A running peer; it ends with the test.
pub struct Peer {
    child: Child,
    orders: ChildStdin,
    events: Lines<BufReader<ChildStdout>>,
    pub port: u16,
}

impl Peer {
    pub async fn node(name: &str, env: &[(&str, &str)]) -> Self {
        let modules = testkit::tools::folder().join("node_modules");
        let mut command = Command::new(testkit::tools::needed(&["node"]));
        command.arg(script(name)).env("NODE_MODULES", modules);
        Self::start(command, env).await
    }

    pub async fn python(name: &str, env: &[(&str, &str)]) -> Self {
        let mut command = Command::new(testkit::tools::python("python"));
        command.arg(script(name));
        Self::start(command, env).await
    }

    async fn start(mut command: Command, env: &[(&str, &str)]) -> Self {
        let mut child = command
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the peer starts");
        let orders = child.stdin.take().unwrap();
        let events = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut peer = Self {
            child,
            orders,
            events,
            port: 0,
        };
        let listening = peer.event("listening").await;
        peer.port = u16::try_from(listening["port"].as_u64().unwrap()).unwrap();
        peer
    }

    pub async fn order(&mut self, order: Value) {
        let line = format!("{order}\n");
        self.orders.write_all(line.as_bytes()).await.unwrap();
        self.orders.flush().await.unwrap();
    }

    /// The next event of that kind; others are passed over.
    pub async fn event(&mut self, kind: &str) -> Value {
        let wanted = async {
            loop {
                let line = self
                    .events
                    .next_line()
                    .await
                    .unwrap()
                    .expect("the peer lives");
                let event: Value = serde_json::from_str(&line).unwrap();
                if event["event"] == kind {
                    return event;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wanted)
            .await
            .unwrap_or_else(|_| panic!("no `{kind}` from the peer"))
    }

    /// Stops the process and waits for its end.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }
}

/// A certificate for 127.0.0.1 that signs itself.
pub fn certificate(directory: &std::path::Path) -> (String, String) {
    let path = |name: &str| directory.join(name).display().to_string();
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"])
        .args([
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .args(["-keyout", &path("key.pem"), "-out", &path("cert.pem")])
        .output()
        .expect("openssl runs");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    (path("cert.pem"), path("key.pem"))
}
