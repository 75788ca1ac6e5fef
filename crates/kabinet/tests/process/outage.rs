//! F2, F5, F6: PostgreSQL is killed, frozen and cut off while people sign in through the served program. What was
//! answered is there once, what was not can be asked again with the same key, and nobody starts anything anew.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::postgres::{Cluster, Durability};
use testkit::proxy::{Proxy, Then};
use testkit::server::Server;

use crate::gateway::Gateway;
use crate::installation::{DATABASE, Installation};
use crate::wire::{ask, connect, connect_from, get, safe, status};

/// A served installation whose PostgreSQL belongs to the test.
struct House {
    server: Server,
    installation: Installation,
    gateway: Gateway,
    proxy: Proxy,
    cluster: Cluster,
    people: AtomicU32,
}

/// Somebody of their own number, address and device.
#[derive(Clone)]
struct Person {
    number: u32,
    flow: String,
}

/// An answer as it came, and how long that took.
struct Said {
    text: String,
    took: Duration,
}

impl Said {
    fn status(&self) -> u16 {
        status(&self.text)
    }

    fn body(&self) -> &str {
        self.text
            .split_once("\r\n\r\n")
            .map_or("", |(_, body)| body)
    }

    fn json(&self) -> Value {
        serde_json::from_str(self.body()).unwrap_or_default()
    }

    /// Whether it is a 503 that says when to come back.
    fn is_later(&self) -> bool {
        self.status() == 503 && self.text.to_lowercase().contains("\r\nretry-after: ")
    }
}

impl Person {
    fn phone(&self) -> String {
        format!("+79{:05}0001", 12_000 + self.number)
    }

    fn key(&self, path: &str) -> String {
        format!("{}-{:05}", path.rsplit('/').next().unwrap(), self.number)
    }
}

impl House {
    fn start() -> Self {
        let cluster = Cluster::start(Durability::Full);
        let proxy = Proxy::start(([127, 0, 0, 1], cluster.port()).into());
        let gateway = Gateway::start();
        let database = cluster.databases().create();
        let name = database.name().to_owned();
        let installation = Installation::ready_in(Some(database), &gateway.config());
        let through = format!("postgres://kabinet@{}/{name}", proxy.address());
        let server = installation.start().env(DATABASE, &through).start();
        Self {
            server,
            installation,
            gateway,
            proxy,
            cluster,
            people: AtomicU32::new(0),
        }
    }

    fn person(&self) -> Person {
        let number = self.people.fetch_add(1, Ordering::SeqCst) + 1;
        let flow = format!("{number:042}A");
        Person { number, flow }
    }

    fn request(&self, person: &Person, method: &str, path: &str, more: &str, body: &str) -> Said {
        let port = self.server.port();
        // Limits are counted by network: each has one of their own.
        let network = u8::try_from(person.number % 200).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
             User-Agent: device {}\r\nContent-Length: {}\r\n{more}\r\n{body}",
            person.number,
            body.len()
        );
        let began = Instant::now();
        let text = ask(
            &mut connect_from([127, 1, network, 1], port),
            request.as_bytes(),
        );
        Said {
            text,
            took: began.elapsed(),
        }
    }

    /// One step of a sign-in; the same again has the same key.
    fn step(&self, person: &Person, path: &str, body: &Value) -> Said {
        let more = format!(
            "Content-Type: application/json\r\nKabinet-Flow: {}\r\nIdempotency-Key: {}\r\n",
            person.flow,
            person.key(path)
        );
        self.request(person, "POST", path, &more, &body.to_string())
    }

    fn ask(&self, person: &Person) -> Said {
        let body = json!({ "phone": person.phone() });
        self.step(person, "/api/v1/sign-in/codes", &body)
    }

    fn session(&self, person: &Person, token: &str) -> Said {
        let more = format!("Authorization: Bearer {token}\r\n");
        self.request(person, "GET", "/api/v1/session", &more, "")
    }

    /// Somebody who is in before anything happens.
    fn keeper(&self, told: &Told) -> (Person, String) {
        let keeper = self.person();
        let token = self.enters(&keeper, told).unwrap();
        let inside = (keeper.clone(), token.clone());
        told.inside.lock().unwrap().push(inside);
        (keeper, token)
    }

    /// A whole sign-in; each step is repeated as long as the answer is to come again later.
    fn enters(&self, person: &Person, told: &Told) -> Option<String> {
        let patiently = |path: &str, body: &Value| {
            for _ in 0..100 {
                let said = self.step(person, path, body);
                told.note(&said);
                match said.status() {
                    503 if told.failed.load(Ordering::SeqCst) => panic!("the test has failed"),
                    503 => std::thread::sleep(Duration::from_millis(100)),
                    200..300 => return said.json(),
                    _ => panic!("{path}: {}", said.text),
                }
            }
            panic!("{path} was never carried out");
        };
        let asked = json!({ "phone": person.phone() });
        patiently("/api/v1/sign-in/codes", &asked);
        // A message that was in hand when the database died waits for its lease, which nobody sits out here.
        let code = self.gateway.code(&person.phone(), Duration::from_secs(5))?;
        patiently("/api/v1/sign-in/verify", &json!({ "code": code }));
        let consent = json!({ "personal_data": true });
        let inside = patiently("/api/v1/sign-in/register", &consent);
        Some(inside["session_token"].as_str().unwrap().to_owned())
    }

    fn health(&self, path: &str) -> Said {
        let ops = self.server.ops_url();
        let port = ops.rsplit(':').next().unwrap().parse().unwrap();
        let began = Instant::now();
        let text = ask(&mut connect(port), &get(port, path));
        Said {
            text,
            took: began.elapsed(),
        }
    }

    /// What people see meanwhile: a page that can be read, in their language, that says what to do.
    fn shows_a_page(&self, person: &Person, token: &str) {
        let more = format!("Cookie: kabinet-session={token}\r\nAccept-Language: ru\r\n");
        let page = self.request(person, "GET", "/profile/data", &more, "");
        assert!(page.is_later(), "{}", page.text);
        safe("a page without its database", &page.text);
        let text = page.text.to_lowercase();
        for needed in [
            "content-type: text/html",
            "<h1",
            "ответ не дошёл",
            "дважды оно не случится",
        ] {
            assert!(text.contains(needed), "no {needed}: {}", page.text);
        }
    }

    /// How long until a session opens and a code can be asked for.
    fn heals(&self, person: &Person, token: &str) -> Duration {
        let began = Instant::now();
        loop {
            let next = self.person();
            if self.session(person, token).status() == 200 && self.ask(&next).status() == 202 {
                return began.elapsed();
            }
            assert!(began.elapsed() < Duration::from_secs(60), "it never heals");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn threads(&self) -> usize {
        let tasks = format!("/proc/{}/task", self.server.pid());
        std::fs::read_dir(tasks).unwrap().count()
    }

    fn count(&self, sql: &str) -> i64 {
        self.installation.sql(sql)[0].parse().unwrap()
    }
}

/// What people were answered under load.
#[derive(Default)]
struct Told {
    stop: AtomicBool,
    failed: AtomicBool,
    later: Mutex<Vec<Duration>>,
    inside: Mutex<Vec<(Person, String)>>,
}

impl Told {
    fn note(&self, said: &Said) {
        if said.status() == 503 {
            assert!(said.is_later(), "{}", said.text);
            self.later.lock().unwrap().push(said.took);
        }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// People who sign in one after another until `stop`.
fn load<'s>(scope: &'s std::thread::Scope<'s, '_>, house: &'s House, told: &'s Told) -> Over<'s> {
    for _ in 0..6 {
        scope.spawn(|| {
            while !told.stop.load(Ordering::SeqCst) {
                let person = house.person();
                if let Some(token) = house.enters(&person, told) {
                    told.inside.lock().unwrap().push((person, token));
                }
            }
        });
    }
    Over(told)
}

/// Ends the load, also when the test fails.
struct Over<'s>(&'s Told);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::SeqCst);
        self.0
            .failed
            .store(std::thread::panicking(), Ordering::SeqCst);
    }
}

/// I2 to I5: who was let in is in, once, and the log verifies.
fn nothing_is_lost(house: &House, told: &Told) {
    let inside = told.inside.lock().unwrap();
    let mut accounts: Vec<String> = Vec::new();
    for (person, token) in inside.iter() {
        let said = house.session(person, token);
        assert_eq!(said.status(), 200, "I2: {}", said.text);
        accounts.push(said.json()["account"].as_str().unwrap().to_owned());
    }
    let all = accounts.len();
    accounts.sort();
    accounts.dedup();
    assert_eq!(accounts.len(), all, "each has an account of their own");
    let kept = house.count("SELECT count(*) FROM account");
    assert_eq!(
        usize::try_from(kept).unwrap(),
        all,
        "I3: nobody is there twice or by halves"
    );
    assert_eq!(
        house.count(
            "SELECT count(*) FROM account WHERE account_id NOT IN (SELECT account_id FROM session)"
        ),
        0
    );
    house.installation.does(&["audit", "verify"]);
    let later = told.later.lock().unwrap();
    println!("{all} entered; {} answers were «later»", later.len());
    assert!(all > 5, "{all} entered");
}

/// F2: killed with its children under load, three times. Who asks is told within 2 s to come later, on pages too;
/// the program is alive all the while, and goes on by itself within 10 s of the database's return.
#[test]
fn a_killed_database_is_outlived() {
    let house = House::start();
    let told = Told::default();
    let (keeper, token) = house.keeper(&told);
    let pid = house.server.pid();
    let (mut refusals, mut healing) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        let _over = load(scope, &house, &told);
        for round in 0..3 {
            std::thread::sleep(Duration::from_millis(900 + 230 * round));
            house.cluster.kill();
            for _ in 0..7 {
                let stranger = house.person();
                for said in [house.ask(&stranger), house.session(&keeper, &token)] {
                    assert!(said.is_later(), "{}", said.text);
                    refusals.push(said.took);
                }
            }
            house.shows_a_page(&keeper, &token);
            assert_eq!(house.health("/health/live").status(), 200);
            assert_eq!(house.health("/health/ready").status(), 503);
            house.cluster.start_again();
            healing.push(house.heals(&keeper, &token));
            assert_eq!(house.health("/health/ready").status(), 200);
        }
    });
    let refused = median(refusals);
    println!("refused in {refused:?}, healed in {healing:?}");
    assert!(refused <= Duration::from_secs(2), "{refused:?}");
    assert!(median(healing) <= Duration::from_secs(10));
    assert_eq!(house.server.pid(), pid);
    nothing_is_lost(&house, &told);
}

/// F5: frozen under load, for longer than anybody waits. Requests end within 5 s, probes are answered meanwhile,
/// threads do not pile up, and 5 s after the waking all is well.
#[test]
fn a_frozen_database_is_not_waited_for() {
    let house = House::start();
    let told = Told::default();
    let (keeper, token) = house.keeper(&told);
    let mut healed = Duration::MAX;
    std::thread::scope(|scope| {
        let _over = load(scope, &house, &told);
        std::thread::sleep(Duration::from_secs(1));
        let threads = house.threads();
        house.cluster.freeze();
        let askers: Vec<_> = (0..24)
            .map(|place| {
                let (house, keeper, token) = (&house, &keeper, &token);
                scope.spawn(move || {
                    let mut took = Vec::new();
                    for _ in 0..2 {
                        let said = if place % 2 == 0 {
                            house.session(keeper, token)
                        } else {
                            house.ask(&house.person())
                        };
                        assert!(said.is_later(), "{}", said.text);
                        took.push(said.took);
                    }
                    took
                })
            })
            .collect();
        let mut probes = Vec::new();
        for _ in 0..7 {
            std::thread::sleep(Duration::from_millis(300));
            let live = house.health("/health/live");
            assert_eq!(live.status(), 200);
            let ready = house.health("/health/ready");
            assert_eq!(ready.status(), 503, "{}", ready.text);
            probes.push(live.took + ready.took);
        }
        house.shows_a_page(&keeper, &token);
        let mut waits: Vec<Duration> = Vec::new();
        for asker in askers {
            waits.extend(asker.join().unwrap());
        }
        let more = house.threads().saturating_sub(threads);
        let most = *waits.iter().max().unwrap();
        println!(
            "{} waits, the longest {most:?}; {more} more threads",
            waits.len()
        );
        let wait = median(waits);
        assert!(wait <= Duration::from_secs(5), "{wait:?}");
        assert!(most <= Duration::from_secs(7), "{most:?}");
        let probe = median(probes);
        assert!(probe <= Duration::from_secs(2), "a probe took {probe:?}");
        assert!(more <= 8, "{more} more threads");
        house.cluster.thaw();
        healed = house.heals(&keeper, &token);
    });
    println!("healed in {healed:?}");
    assert!(healed <= Duration::from_secs(5), "{healed:?}");
    nothing_is_lost(&house, &told);
}

/// F6: the connection is cut during COMMIT, before the server has it and after it was carried out, and nobody can
/// look what became of it. The answer says so, the same request with the same key tells the truth, and nothing
/// happens twice.
#[test]
fn a_cut_commit_is_told_and_happens_once() {
    let house = House::start();
    for then in [Then::CutAfterAnswer, Then::CutBefore] {
        for _ in 0..3 {
            let person = house.person();
            let kept = || house.count("SELECT count(*) FROM account");
            let before = kept();
            // Asking for a code.
            let asked = json!({ "phone": person.phone() });
            cut(&house, &person, then, "/api/v1/sign-in/codes", &asked);
            let again = house.ask(&person);
            assert_eq!(again.status(), 202, "{}", again.text);
            assert_eq!(again.json(), house.ask(&person).json());
            let code = house
                .gateway
                .code(&person.phone(), Duration::from_secs(10))
                .unwrap();
            // The code: what it opened is open once.
            let typed = json!({ "code": code });
            cut(&house, &person, then, "/api/v1/sign-in/verify", &typed);
            let again = house.step(&person, "/api/v1/sign-in/verify", &typed);
            assert_eq!(again.status(), 200, "{}", again.text);
            // The account.
            let consent = json!({ "personal_data": true });
            cut(&house, &person, then, "/api/v1/sign-in/register", &consent);
            let wanted = before + i64::from(then == Then::CutAfterAnswer);
            assert_eq!(kept(), wanted, "{then:?}");
            let inside = house.step(&person, "/api/v1/sign-in/register", &consent);
            assert_eq!(inside.status(), 200, "{}", inside.text);
            assert_eq!(kept(), before + 1, "{then:?}: once");
            let same = house.step(&person, "/api/v1/sign-in/register", &consent);
            assert_eq!(same.json()["session_token"], inside.json()["session_token"]);
            let token = inside.json()["session_token"].as_str().unwrap().to_owned();
            assert_eq!(house.session(&person, &token).status(), 200);
            let sessions = "SELECT count(*) FROM session";
            assert_eq!(house.count(sessions), kept(), "{then:?}: one session each");
            assert_eq!(house.gateway.texts(&person.phone()).len(), 1, "one message");
        }
    }
    house.installation.does(&["audit", "verify"]);
}

/// Sends one step whose COMMIT is cut.
fn cut(house: &House, person: &Person, then: Then, path: &str, body: &Value) {
    let sprung = house.proxy.sprung();
    let key = person.key(path);
    house.proxy.trap_and_refuse(key.as_bytes(), b"COMMIT", then);
    let said = house.step(person, path, body);
    assert_eq!(house.proxy.sprung(), sprung + 1, "{path}: {}", said.text);
    assert!(said.is_later(), "{path}, {then:?}: {}", said.text);
    assert_eq!(said.json()["code"], "outcome_unknown", "{path}, {then:?}");
    house.proxy.resume();
}
