//! F1, F20: the process is killed, or told to stop, again and again while people sign in. What was answered is there after each start:
//! every session that was handed out opens, every account is one, and what was not answered can be asked again.

use std::time::Duration;

use db::{Db, DbSettings, Engine};
use serde_json::{Value, json};
use whole_product::demo::{Demo, code_in};

/// F1: so often at random.
const KILLS: usize = 25;
const STOPS: usize = 8;
/// Work that was in hand when the process died is free again after a minute; then it is done.
const SETTLED: Duration = Duration::from_secs(30);
const PEOPLE_AT_ONCE: usize = 6;

#[derive(Clone)]
struct Person {
    base: String,
    http: reqwest::Client,
    number: usize,
}

impl Person {
    fn phone(&self) -> String {
        format!("+7912{:03}{:04}", self.number % 1_000, self.number)
    }

    async fn post(&self, path: &str, flow: Option<&str>, body: Value) -> Option<Value> {
        let key = format!("{path}-{}", self.number);
        let mut request = self
            .http
            .post(format!("{}/api/v1{path}", self.base))
            // Each person has a device of their own; limits are counted by network and device.
            .header("user-agent", format!("device {}", self.number))
            .header("idempotency-key", key)
            .json(&body);
        if let Some(flow) = flow {
            request = request.header("kabinet-flow", flow);
        }
        let answer = request.send().await.ok()?;
        if answer.status().is_server_error() {
            return None;
        }
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.ok()
    }

    async fn code(&self) -> Option<String> {
        for _ in 0..200 {
            let url = format!("{}/demo/messages", self.base);
            let messages: Vec<Value> = self.http.get(url).send().await.ok()?.json().await.ok()?;
            let mine = messages
                .iter()
                .find(|message| message["to"] == self.phone().as_str());
            if let Some(code) = mine.and_then(|message| code_in(message["text"].as_str()?, 6)) {
                return Some(code.to_owned());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    /// Registers; the token, when the server lived long enough to answer.
    async fn enter(self) -> Option<String> {
        let asked = self
            .post("/sign-in/codes", None, json!({ "phone": self.phone() }))
            .await?;
        let flow = asked["flow"].as_str()?.to_owned();
        let code = self.code().await?;
        self.post("/sign-in/verify", Some(&flow), json!({ "code": code }))
            .await?;
        let consent = json!({ "personal_data": true });
        let inside = self.post("/sign-in/register", Some(&flow), consent).await?;
        Some(inside["session_token"].as_str()?.to_owned())
    }
}

async fn account_of(demo: &Demo, token: &str) -> String {
    let answer = demo
        .http()
        .get(demo.url("/api/v1/session"))
        .bearer_auth(token)
        .send()
        .await;
    let answer = answer.expect("the demo answers");
    assert_eq!(
        answer.status(),
        200,
        "I2: a session that was handed out is there"
    );
    let session: Value = answer.json().await.expect("JSON");
    session["account"].as_str().expect("an account").to_owned()
}

/// I5: the log verifies, to the program's own command; what it said.
fn verified(demo: &Demo) -> String {
    let mut command = std::process::Command::new(testkit::server::built("kabinet"));
    command
        .args(["audit", "verify"])
        .env("KABINET_DATA__DIR", demo.data());
    if let Some(database) = demo.database() {
        command.env("KABINET_DATABASE__URL", database.url());
    }
    let output = command.output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "I5: {said}{complained}");
    said
}

/// I7: nothing is left to be done and nothing was given up; how much was done.
async fn settled(demo: &Demo) -> u64 {
    let settings = match demo.database() {
        Some(database) => DbSettings::Postgres {
            url: database.url(),
            connections: 1,
        },
        None => DbSettings::Sqlite {
            path: demo.data().join("kabinet.sqlite"),
            readers: 1,
        },
    };
    let db = Db::open(settings, testkit::TestClock::new()).await;
    let db = db.expect("the database opens beside the program");
    let began = std::time::Instant::now();
    loop {
        let counts = db.read("test.jobs", (), |tx, ()| Box::pin(jobs::counts(tx)));
        let counts = counts.await.expect("the jobs are counted");
        assert_eq!(counts.dead, 0, "I7: {counts:?}");
        if counts.unfinished() == 0 && counts.done > 0 {
            db.close();
            return counts.done;
        }
        assert!(began.elapsed() < SETTLED, "I7: {counts:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// `kill -9`.
    Kill,
    /// SIGTERM: within 10 seconds, with success.
    Stop,
}

async fn ended_again_and_again(engine: Engine, end: End) {
    let mut demo = Demo::start(engine);
    let mut tokens: Vec<String> = Vec::new();
    let (mut tried, mut longest) = (0, Duration::ZERO);
    let ends = if end == End::Kill { KILLS } else { STOPS };
    for kill in 0..ends {
        let mut set = tokio::task::JoinSet::new();
        for person in 0..PEOPLE_AT_ONCE {
            let person = Person {
                base: demo.url(""),
                http: demo.http().clone(),
                number: kill * PEOPLE_AT_ONCE + person + 1,
            };
            set.spawn(person.enter());
            tried += 1;
        }
        // A different moment each time: from the first statement to after the last answer.
        tokio::time::sleep(Duration::from_millis(60 + 170 * (kill % 9) as u64)).await;
        match end {
            End::Kill => demo.kill_and_restart(),
            End::Stop => longest = longest.max(demo.stop_and_restart()),
        }
        while let Some(token) = set.join_next().await {
            tokens.extend(token.expect("a person"));
        }
        let mut accounts = Vec::new();
        for token in &tokens {
            accounts.push(account_of(&demo, token).await);
        }
        let all = accounts.len();
        accounts.sort_unstable();
        accounts.dedup();
        assert_eq!(
            accounts.len(),
            all,
            "I4: each person has an account of their own"
        );
    }
    assert!(!tokens.is_empty(), "some were fast enough to be answered");
    let said = verified(&demo);
    // Whoever was cut off left nothing behind that keeps the next one out.
    demo.advance(Duration::from_secs(4_000)).await;
    let late = Person {
        base: demo.url(""),
        http: demo.http().clone(),
        number: 5_001,
    };
    assert!(
        late.enter().await.is_some(),
        "the door opens after the last end"
    );
    let done = settled(&demo).await;
    println!(
        "I5: {}; I7: {done} jobs are done, none is left or dead",
        said.trim()
    );
    println!(
        "{ends} times {end:?}, the longest in {longest:?}, {tried} tried to enter, {} were answered and are there",
        tokens.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_sqlite() {
    ended_again_and_again(Engine::Sqlite, End::Kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_postgres() {
    ended_again_and_again(Engine::Postgres, End::Kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_on_sqlite() {
    ended_again_and_again(Engine::Sqlite, End::Stop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_on_postgres() {
    ended_again_and_again(Engine::Postgres, End::Stop).await;
}
