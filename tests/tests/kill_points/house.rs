//! The served program with carriers of the test's own, which may die at any moment and is started again.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use db::{DbError, Engine, Statement, WriteTx, params};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use testkit::server::{Server, Start};
use whole_product::carriers::{Carriers, Handed};
use whole_product::wire::{Answer, Wire};

use super::kept::{Kept, program};

const SECRET: &str = "a test secret that signs delivery reports";
/// How long a start takes with everything that it does on its own.
const A_START: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(30);

/// What stands in for waiting, done to the tables: minutes and hours that no test can sit out.
pub mod nudge {
    db::statements! {
        /// The leases of a dead process have run out (60 s).
        LEASES: "UPDATE job SET run_at = 0 WHERE state = 'leased'" () -> ();
        /// Regular work is due, and nobody has it in hand.
        SCHEDULE: "UPDATE schedule SET due_at = 0, lease_until = NULL, lease_owner = NULL" () -> ();
        /// No number was ever sent a code.
        SENDS: "UPDATE code_subject SET sends = $1, calls = $2, step = 0" (Bytes, Bytes) -> ();
        /// No network ever did anything.
        NETWORKS: "DELETE FROM code_network" () -> ();
        /// No range of numbers was ever sent anything.
        RANGES: "DELETE FROM code_range" () -> ();
        /// Nobody guessed anywhere: the scripts' wrong codes would look like spraying.
        TALLY: "DELETE FROM code_tally" () -> ();
        /// The app of nobody has shown a code yet.
        APPS: "UPDATE totp SET last_step = 0" () -> ();
        /// Every open bank section was last used some while ago, though not too long.
        UNUSED: "UPDATE bank_section SET seen_at = seen_at - $1" (Int) -> ();
        /// Every session was last seen long ago, though not too long.
        SEEN: "UPDATE session SET seen_at = seen_at - $1" (Int) -> ();
        /// Every change that waits began long ago, and its owner was told as often as there is to be told.
        HOLDS: "UPDATE identifier_hold SET started_at = started_at - $1, told_at = told_at - $2, told = 3,
            next_at = 0" (Int, Int) -> ();
    }
}

/// Looks at the tables from outside: nothing is there by halves.
mod look {
    db::statements! {
        /// Accounts that no identifier leads to, or without the consent every account begins with.
        HALF: "SELECT COUNT(*) FROM account WHERE account_id NOT IN (SELECT account_id FROM identifier)
            OR account_id NOT IN (SELECT account_id FROM account_identifier)
            OR account_id NOT IN (SELECT account_id FROM consent)" () -> (Int);
        /// Identifiers that lead to no account, and those an account does not know of.
        ASTRAY: "SELECT COUNT(*) FROM identifier WHERE account_id NOT IN (SELECT account_id FROM account)
            OR subject NOT IN (SELECT subject FROM account_identifier)" () -> (Int);
        /// Sessions of nobody.
        ORPHANS: "SELECT COUNT(*) FROM session WHERE account_id NOT IN (SELECT account_id FROM account)" () -> (Int);
        /// Accounts there are.
        ACCOUNTS: "SELECT COUNT(*) FROM account" () -> (Int);
    }
}

/// An installation and its process.
pub struct House {
    pub carriers: Carriers,
    start: Start,
    server: Server,
    kept: Kept,
    /// Times the process died at the armed point.
    pub deaths: usize,
    /// How long each start after a death took.
    pub ready: Vec<Duration>,
    armed: Option<String>,
    numbers: usize,
    people: usize,
}

fn config(carriers: &Carriers) -> String {
    // The waits between codes are what `nudge` takes away; the rest are the limits of one network.
    format!(
        "[privacy]\ncompany_name = \"Example\"\nsupport_phone = \"+7 800 000-00-00\"\n{}",
        carriers.config(SECRET)
    )
}

impl House {
    pub fn new(engine: Engine) -> Self {
        let carriers = Carriers::start();
        let kept = Kept::new(engine, &config(&carriers));
        let created = program(&["keys", "create"], &kept);
        assert!(
            created.status.success(),
            "{}",
            String::from_utf8_lossy(&created.stderr)
        );
        let point = format!("@{}", kept.point_file().display());
        let start = kept.start().env("KABINET_FAILPOINT", &point);
        let server = start.start();
        Self {
            carriers,
            start,
            server,
            kept,
            deaths: 0,
            ready: Vec::new(),
            armed: None,
            numbers: 0,
            people: 0,
        }
    }

    /// What is kept, while the process may run on it.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Every point the present process has passed.
    pub fn passed(&self) -> BTreeSet<String> {
        let text = std::fs::read_to_string(self.kept.point_file().with_extension("passed"));
        text.unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Forgets what was passed.
    pub fn forget_passed(&self) {
        let _ = std::fs::remove_file(self.kept.point_file().with_extension("passed"));
    }

    /// The process dies when it passes the point next.
    pub fn arm(&mut self, point: &str) {
        self.armed = Some(point.to_owned());
        std::fs::write(self.kept.point_file(), point).expect("the folder is ours");
    }

    fn disarm(&mut self) {
        self.armed = None;
        std::fs::write(self.kept.point_file(), "").expect("the folder is ours");
    }

    /// If the process died where it was to, starts it again; what it had leased is free at once.
    fn revive(&mut self, patience: Duration) -> bool {
        let Some(status) = self.server.ended(patience) else {
            return false;
        };
        let armed = self.armed.clone();
        assert!(
            armed.is_some(),
            "the process ended by itself, {status}:\n{}",
            self.server.output()
        );
        self.deaths += 1;
        self.disarm();
        self.nudge(&nudge::LEASES);
        self.server = self.start.start_on(&self.server);
        self.ready.push(self.server.ready_after());
        true
    }

    /// Ends the process and starts it; when a point is armed, until the start ends there.
    pub fn restart(&mut self) {
        for _ in 0..8 {
            self.nudge(&nudge::SCHEDULE);
            self.server.kill();
            self.nudge(&nudge::LEASES);
            if self.armed.is_none() {
                self.server = self.start.start_on(&self.server);
                return;
            }
            let (port, ops) = (self.server.port(), ops_port(&self.server));
            self.server = self.start.spawn(port, ops);
            if self.revive(A_START) {
                return;
            }
        }
    }

    /// Whether a point is armed that was not passed yet.
    pub fn is_armed(&self) -> bool {
        self.armed.is_some()
    }

    /// Another number than any before, and its own range.
    pub fn number(&mut self, last: &str) -> String {
        self.people += 1;
        format!("+79{:05}{last}", 12_000 + self.people)
    }

    /// A key that was not used before.
    pub fn key(&mut self) -> String {
        self.numbers += 1;
        format!("key-{:06}", self.numbers)
    }

    /// A flow of one's own: 32 bytes as base64url.
    pub fn flow(&mut self) -> String {
        self.numbers += 1;
        format!("{:042}A", self.numbers)
    }

    /// Sends a request until it is answered: after a death the very same request again, as a client does.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let key = self.key();
        self.send_keyed(&key, method, path, headers, body)
    }

    /// The same under a key of the caller's.
    pub fn send_keyed(
        &mut self,
        key: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let port = self.server.port();
        let mut all = vec![("Idempotency-Key", key), ("Accept-Language", "en")];
        all.push(("Content-Type", "application/json"));
        all.extend(headers);
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let host = format!("localhost:{port}");
        for _ in 0..20 {
            let asked = Wire::connect([127, 0, 0, 1], port, &host)
                .and_then(|mut wire| wire.ask(method, &format!("/api/v1{path}"), &all, &text));
            match asked {
                // Not carried out, or not known: the same again is what the answer asks for.
                Ok(answer) if answer.status == 503 => {
                    std::thread::sleep(Duration::from_millis(200));
                }
                Ok(answer) => return answer,
                Err(error) => assert!(self.revive(PATIENCE), "{method} {path}: {error}"),
            }
        }
        panic!("{method} {path} is not answered");
    }

    /// The same; the answer must be good.
    pub fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Value {
        let answer = self.send(method, path, headers, body);
        assert!(
            answer.status < 300,
            "{method} {path}: {} {}",
            answer.status,
            answer.body
        );
        serde_json::from_str(&answer.body).unwrap_or_default()
    }

    /// Waits until `wanted` messages to somebody are there; copies of one count once.
    pub fn messages(&mut self, to: &str, wanted: usize) -> Vec<Handed> {
        let began = Instant::now();
        let to = to.trim_start_matches('+');
        loop {
            self.revive(Duration::ZERO);
            let mut messages: Vec<Handed> = Vec::new();
            for handed in self.carriers.handed() {
                if handed.to == to && messages.iter().all(|known| known.id != handed.id) {
                    messages.push(handed);
                }
            }
            if messages.len() >= wanted {
                return messages;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{} of {wanted} messages to {to}: {:?}\n{}",
                messages.len(),
                messages,
                self.server.output()
            );
            std::thread::sleep(Duration::from_millis(15));
        }
    }

    /// The gateway tells that a message arrived.
    pub fn report(&mut self, message: &Handed) {
        let body = json!({ "id": message.id, "state": "delivered" });
        self.signed("/gateway-reports/sms", &body);
    }

    /// The operator tells that a number has another SIM card.
    pub fn signal(&mut self, phone: &str) {
        let body = json!({ "phone": phone, "reason": "sim_changed" });
        self.signed("/number-signals/sms", &body);
    }

    fn signed(&mut self, path: &str, body: &Value) {
        // Signed anew for each try: a signature lives five minutes, which no death takes.
        let at = now_secs().to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length");
        mac.update(format!("{at}.{body}").as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        let headers = [
            ("X-Timestamp", at.as_str()),
            ("X-Signature", signature.as_str()),
        ];
        let answer = self.send("POST", path, &headers, body);
        assert_eq!(answer.status, 204, "{}", answer.body);
    }

    /// Waits until the process has died if it is to, and nothing is left to be done.
    pub fn settle(&mut self) {
        let began = Instant::now();
        loop {
            self.revive(Duration::ZERO);
            let counts = self.kept.read((), |tx, ()| Box::pin(jobs::counts(tx)));
            assert_eq!(counts.dead, 0, "I7: a job is dead");
            if counts.unfinished() == 0 {
                return;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "I7: {} jobs are not done",
                counts.unfinished()
            );
            std::thread::sleep(Duration::from_millis(15));
        }
    }

    /// What holds for the whole installation: nothing is there by halves (I3).
    pub fn whole(&self) -> i64 {
        let count = |statement: &'static Statement| {
            self.kept.read(statement, |tx, statement| {
                Box::pin(async move { tx.query_one(statement, params![]).await?.int(0) })
            })
        };
        assert_eq!(
            (
                count(&look::HALF),
                count(&look::ASTRAY),
                count(&look::ORPHANS)
            ),
            (0, 0, 0)
        );
        count(&look::ACCOUNTS)
    }

    /// I5: the log verifies, to the program's own command.
    pub fn verify(&self) -> String {
        let verified = program(&["audit", "verify"], &self.kept);
        let said = String::from_utf8_lossy(&verified.stdout).into_owned();
        assert!(
            verified.status.success(),
            "I5: {said}{}",
            String::from_utf8_lossy(&verified.stderr)
        );
        said
    }

    /// Runs one nudge, without parameters.
    pub fn nudge(&self, statement: &'static Statement) {
        self.write(statement, |tx, statement| {
            Box::pin(async move { tx.execute(statement, params![]).await.map(drop) })
        });
    }

    /// Takes the waits between codes away, and what was counted of this machine's network.
    pub fn calm(&self) {
        self.write((), |tx, ()| {
            Box::pin(async move {
                let none: &[u8] = &[];
                tx.execute(&nudge::SENDS, params![none, none])
                    .await
                    .map(drop)
            })
        });
        self.nudge(&nudge::NETWORKS);
        self.nudge(&nudge::RANGES);
        self.nudge(&nudge::TALLY);
    }

    /// An hour passes for every session.
    pub fn an_hour_unseen(&self) {
        self.write((), |tx, ()| {
            Box::pin(async move {
                tx.execute(&nudge::SEEN, params![3_600_000_000_i64])
                    .await
                    .map(drop)
            })
        });
    }

    /// Twenty days pass for every change that waits, and regular work is due.
    pub fn holds_are_over(&self) {
        self.write((), |tx, ()| {
            Box::pin(async move {
                let days = 20 * 86_400_000_000_i64;
                tx.execute(&nudge::HOLDS, params![days, days])
                    .await
                    .map(drop)
            })
        });
        self.nudge(&nudge::SCHEDULE);
    }

    /// A minute passes for every open bank section.
    pub fn minutes_unused(&self) {
        self.write((), |tx, ()| {
            Box::pin(async move {
                tx.execute(&nudge::UNUSED, params![90_000_000_i64])
                    .await
                    .map(drop)
            })
        });
    }

    /// Where browsers find it: passkeys want a name.
    pub fn origin(&self) -> String {
        format!("http://localhost:{}", self.server.port())
    }

    /// Messages to somebody so far.
    pub fn count(&mut self, to: &str) -> usize {
        self.settle();
        self.messages(to, 0).len()
    }

    fn write<C, F>(&self, input: C, f: F)
    where
        C: Send + Sync + 'static,
        F: for<'t> Fn(&'t mut WriteTx, &'t C) -> db::BoxFuture<'t, Result<(), DbError>>
            + Send
            + Sync
            + 'static,
    {
        let (runtime, db) = self.kept.open();
        runtime
            .block_on(db.write("test.nudge", input, f))
            .expect("a nudge");
        db.close();
    }
}

fn ops_port(server: &Server) -> u16 {
    server
        .ops_url()
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok())
        .expect("a port")
}

/// Seconds since 1970.
pub fn now_secs() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}
