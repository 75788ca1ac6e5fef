//! The demo as a person meets it: a process, a simulated phone, a clock that can be moved.

use std::time::{Duration, Instant};

use db::Engine;
use serde::Deserialize;
use tempfile::TempDir;
use testkit::postgres::{TestDatabase, databases};
use testkit::server::{Server, Start, built, data_folder};

/// How long a message may take from the request to the simulated phone.
const DELIVERY: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// A running `kabinet demo` with data of its own.
#[derive(Debug)]
pub struct Demo {
    server: Server,
    start: Start,
    http: reqwest::Client,
    data: TempDir,
    database: Option<TestDatabase>,
}

/// What arrived at the simulated phone or mailbox.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Message {
    /// Unique.
    pub id: serde_json::Value,
    /// When, in the form the demo shows.
    pub at: serde_json::Value,
    /// `sms`, `call` or `email`.
    pub channel: String,
    /// The number or address.
    pub to: String,
    /// All of it.
    pub text: String,
}

impl Demo {
    /// Starts the built program on fresh data.
    pub fn start(engine: Engine) -> Self {
        Self::start_with(engine, &[])
    }

    /// The same with more arguments.
    pub fn start_with(engine: Engine, arguments: &[&str]) -> Self {
        let data = data_folder();
        let database = (engine == Engine::Postgres).then(|| databases().create());
        let folder = data.path().to_str().expect("UTF-8 path");
        let mut start = Start::new(built("kabinet"))
            .args(["demo", "--listen", "127.0.0.1:{port}", "--data", folder])
            .args(["--operations-listen", "127.0.0.1:{ops}"])
            .ready("/health/ready", true);
        if let Some(database) = &database {
            start = start.args(["--database", &database.url()]);
        }
        start = start.args(arguments.iter().copied());
        Self {
            server: start.start(),
            start,
            http: client(),
            data,
            database,
        }
    }

    /// `kill -9`, then a start on the same port and data (F1).
    pub fn kill_and_restart(&mut self) {
        self.server.kill();
        self.server = self.start.start_on(&self.server);
    }

    /// SIGTERM, then a start on the same port and data (F20); how long the stop took.
    pub fn stop_and_restart(&mut self) -> Duration {
        let began = Instant::now();
        let status = self.server.terminate(Duration::from_secs(10));
        let took = began.elapsed();
        assert!(
            status.success(),
            "a stop is an order, not a failure: {status}"
        );
        self.server = self.start.start_on(&self.server);
        took
    }

    /// The process.
    pub fn server(&mut self) -> &mut Server {
        &mut self.server
    }

    /// The folder of its data.
    pub fn data(&self) -> &std::path::Path {
        self.data.path()
    }

    /// Its PostgreSQL database, if that is the engine.
    pub fn database(&self) -> Option<&TestDatabase> {
        self.database.as_ref()
    }

    /// The address of a page.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url())
    }

    /// A client without cookies that follows no redirects.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Everything that arrived, newest first.
    pub async fn messages(&self) -> Vec<Message> {
        let answer = self.http.get(self.url("/demo/messages")).send().await;
        answer
            .expect("the demo answers")
            .json()
            .await
            .expect("a list of messages")
    }

    /// Waits for a message to `to` that is not among `known`, newest first.
    pub async fn next_message(&self, to: &str, known: &[Message]) -> Message {
        let start = Instant::now();
        loop {
            let all = self.messages().await;
            let new = all
                .into_iter()
                .find(|message| message.to == to && known.iter().all(|old| old.id != message.id));
            if let Some(message) = new {
                return message;
            }
            assert!(
                start.elapsed() < DELIVERY,
                "no message to {to} within {DELIVERY:?}"
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// Moves the demo's clock.
    pub async fn advance(&self, by: Duration) {
        let body = serde_json::json!({ "advance_seconds": by.as_secs() });
        let answer = self
            .http
            .post(self.url("/demo/clock"))
            .json(&body)
            .send()
            .await;
        let status = answer.expect("the demo answers").status();
        assert!(status.is_success(), "the clock was not moved: {status}");
    }
}

/// A client for plain HTTP that shows redirects instead of following them.
pub fn client() -> reqwest::Client {
    // Another test of this process may have done it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(10))
        .no_proxy()
        .build()
        .expect("a client")
}

/// The code of a message: its only run of exactly `digits` digits.
pub fn code_in(text: &str, digits: usize) -> Option<&str> {
    text.split(|c: char| !c.is_ascii_digit())
        .find(|run| run.len() == digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_found_among_other_numbers() {
        let text = "Код № 3: 042137. Никому не говорите.\n@kabinet.example #042137";
        assert_eq!(code_in(text, 6), Some("042137"));
        assert_eq!(code_in("Звонок с +7 900 123-45-67", 6), None);
    }
}
