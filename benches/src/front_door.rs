//! Complete sign-ins through the use cases, on both engines.
//!
//! A sign-in is asking for a code and entering it: two transactions with their limits, the message and its job,
//! the session, the log. It is set against the raw limit of the same run: two durable commits of one row each,
//! written by hand against the driver, grouped as the product groups them. Delivery is not part of it; it
//! happens later. Processor time is that of the whole process: use cases, callers and, on SQLite, the database.

use std::{
    net::IpAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use db::{Db, Engine};
use identity_core::{Policy, challenge::Purpose, consent::Source, next_path::NextPath};
use identity_service::{
    Env, ServiceError,
    breaker::Breaker,
    codes::{self, Ask, Asked, Check},
    session::SessionToken,
    sign_in::{self, Register, Registered, Verified},
};
use kernel::{Chance, Identifier, Locale, Phone, Visitor, code::OneTimeCode};
use vault::{Cost, Crowd, Hasher, OsChance, Typed};

use crate::{
    house::House,
    load::{self, Measured},
};

/// Callers at once.
const CALLERS: usize = 64;
/// Callers at once on a calm day.
const FEW: usize = 4;
/// Both ways take turns.
const ROUNDS: u32 = 5;

/// The system's chance, but a code is always the same, so that the bench can enter it without a phone.
struct KnownCodes;

impl Chance for KnownCodes {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() == 4 {
            // 4 000 000 004 mod 10 = 4; codes are drawn digit by digit from four bytes.
            bytes.copy_from_slice(&4_000_000_004_u32.to_le_bytes());
        } else {
            OsChance.fill(bytes);
        }
    }
}

const CODE: &str = "444444";

fn env(house: &House) -> Env {
    let chance: Arc<dyn Chance> = Arc::new(KnownCodes);
    let policy = Policy {
        send_waits: vec![Duration::ZERO],
        sends_per_hour: 100,
        sends_per_day: 100,
        range_sends: 1_000,
        range_conversion_percent: 0,
        ..Policy::default()
    };
    let vault = house.vault(Arc::clone(&chance));
    let hasher = Hasher::start(
        &vault,
        Arc::clone(&chance),
        Cost::default(),
        Crowd::default(),
    );
    Env {
        hasher: hasher.expect("a thread"),
        vault,
        chance,
        policy: Arc::new(policy),
        breaker: Arc::new(Breaker::default()),
        origin: "https://kabinet.example".into(),
        consent_version: "1".into(),
    }
}

/// Everybody comes from a network of their own.
fn visitor(n: usize) -> Visitor {
    let n = u32::try_from(n).expect("few accounts");
    Visitor {
        network: IpAddr::from((0x0a00_0000 + n * 256 + 1).to_be_bytes()),
        agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
        locale: Locale::Ru,
    }
}

fn phone(n: usize) -> Identifier {
    // Ranges differ in what stands before the last four digits, as a country's customers do.
    let text = format!("+7912{:03}{:04}", n % 1_000, n);
    Identifier::Phone(Phone::parse(&text).expect("a number"))
}

fn key(n: usize, salt: u8) -> [u8; 32] {
    let mut key = [salt; 32];
    key[..8].copy_from_slice(&n.to_be_bytes());
    key
}

/// Asks and enters the code: a sign-in, or the first half of a registration.
async fn sign_in(db: &Db, env: &Env, n: usize) -> Option<SessionToken> {
    let ask = Ask {
        purpose: Purpose::SignIn,
        identifier: phone(n),
        call: false,
        browser: key(n, 1),
        known: Some(key(n, 2)),
        next: NextPath::default(),
        link: None,
        about: None,
    };
    let input = (env.clone(), visitor(n), ask);
    let asked: Result<Asked, ServiceError> = db
        .write("bench.ask", input, |tx, (env, who, ask)| {
            Box::pin(codes::ask(tx, env, who, ask))
        })
        .await;
    assert_eq!(asked.expect("an answer"), Asked::Sent);
    let check = Check {
        purpose: Purpose::SignIn,
        browser: key(n, 1),
        known: Some(key(n, 2)),
        code: OneTimeCode::parse(CODE, 6).expect("a code"),
    };
    let input = (env.clone(), visitor(n), check);
    let verified: Result<Verified, ServiceError> = db
        .write("bench.verify", input, |tx, (env, who, check)| {
            Box::pin(sign_in::verify(tx, env, who, check))
        })
        .await;
    match verified.expect("an answer") {
        Verified::In(welcome) => Some(welcome.token),
        Verified::NeedsConsent => None,
        _ => panic!("the code is right"),
    }
}

async fn register(db: &Db, env: &Env, n: usize) -> SessionToken {
    assert!(sign_in(db, env, n).await.is_none(), "nobody yet");
    let cmd = Register {
        browser: key(n, 1),
        known: Some(key(n, 2)),
        personal_data: true,
        marketing: Vec::new(),
        source: Source::Registration,
    };
    let input = (env.clone(), visitor(n), cmd);
    let registered: Result<Registered, ServiceError> = db
        .write("bench.register", input, |tx, (env, who, cmd)| {
            Box::pin(sign_in::register(tx, env, who, cmd))
        })
        .await;
    match registered.expect("an answer") {
        Registered::In(welcome) => welcome.token,
        _ => panic!("not registered"),
    }
}

/// Both engines' raw limit: one durable row for each call, many callers in one commit.
enum Raw {
    Sqlite(std::sync::mpsc::Sender<(usize, tokio::sync::oneshot::Sender<()>)>),
    Postgres(Vec<(tokio_postgres::Client, tokio_postgres::Statement)>),
}

const TABLE: &str = "CREATE TABLE bench_one (id BIGINT NOT NULL PRIMARY KEY, answer TEXT NOT NULL)";
const ROW: &str = "INSERT INTO bench_one (id, answer) VALUES ($1, $2)";
const ANSWER: &str = "0123456789012345678901234567890123456789";

impl Raw {
    async fn open(house: &House, folder: &Path) -> Self {
        let Some(url) = house.url() else {
            let path = folder.join("raw.sqlite");
            let (send, receive) = std::sync::mpsc::channel();
            std::thread::spawn(move || raw_writer(&path, &receive));
            return Self::Sqlite(send);
        };
        let mut hands = Vec::new();
        for n in 0..crate::db::CONNECTIONS {
            let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
                .await
                .expect("connects");
            tokio::spawn(connection);
            if n == 0 {
                client.batch_execute(TABLE).await.expect("a table");
            }
            let row = client.prepare(ROW).await.expect("prepares");
            hands.push((client, row));
        }
        Self::Postgres(hands)
    }

    async fn one(&self, n: usize) {
        match self {
            Self::Sqlite(send) => {
                let (reply, answer) = tokio::sync::oneshot::channel();
                send.send((n, reply)).expect("the writer lives");
                answer.await.expect("an answer");
            }
            Self::Postgres(hands) => {
                let (client, row) = &hands[n % hands.len()];
                let id = i64::try_from(n).expect("few rows");
                let done = client.execute(row, &[&id, &ANSWER]).await;
                assert_eq!(done.expect("a commit"), 1);
            }
        }
    }
}

fn raw_writer(
    path: &Path,
    calls: &std::sync::mpsc::Receiver<(usize, tokio::sync::oneshot::Sender<()>)>,
) {
    let conn = rusqlite::Connection::open(path).expect("opens");
    conn.pragma_update(None, "journal_mode", "WAL")
        .expect("pragma");
    conn.pragma_update(None, "synchronous", "FULL")
        .expect("pragma");
    conn.execute_batch(TABLE).expect("a table");
    let mut row = conn.prepare(ROW).expect("prepares");
    while let Ok(first) = calls.recv() {
        conn.execute_batch("BEGIN IMMEDIATE").expect("begins");
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some((n, reply)) = next {
            let id = i64::try_from(n).expect("few rows");
            row.execute((id, ANSWER)).expect("a row");
            group.push(reply);
            next = (group.len() < 256).then(|| calls.try_recv().ok()).flatten();
        }
        conn.execute_batch("COMMIT").expect("commits");
        for reply in group {
            let _ = reply.send(());
        }
    }
}

/// Registers those who will sign in, many at a time.
async fn register_all(db: &Db, env: &Env, accounts: usize) -> f64 {
    let began = std::time::Instant::now();
    for first in (0..accounts).step_by(CALLERS) {
        let mut set = tokio::task::JoinSet::new();
        for n in first..(first + CALLERS).min(accounts) {
            let (db, env) = (db.clone(), env.clone());
            set.spawn(async move { register(&db, &env, n).await });
        }
        while let Some(token) = set.join_next().await {
            token.expect("a registration");
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = accounts as f64 / began.elapsed().as_secs_f64();
    rate
}

/// On the database of a house, among those who live there; `accounts` sign in. Printed line by line;
/// answers what the sign-ins were.
pub async fn run(house: &House, engine: Engine, accounts: usize, time: Duration) -> Measured {
    let db = house.db().await;
    let env = env(house);
    let registrations = register_all(&db, &env, accounts).await;
    println!("  registrations {registrations:.0}/s, {CALLERS} callers");
    let folder = tempfile::tempdir().expect("a folder");
    let raw = Arc::new(Raw::open(house, folder.path()).await);
    let me = [std::process::id()];
    let (mut ours, mut bare, mut database) = (Vec::new(), Vec::new(), 0.0);
    let mut first = 0;
    for _ in 0..ROUNDS {
        let theirs = house.database_processes();
        let before = load::cpu(&theirs);
        let (sign_db, sign_env) = (db.clone(), env.clone());
        let from = first;
        let part = load::calls(CALLERS, time / ROUNDS, &me, move |n| {
            let (db, env) = (sign_db.clone(), sign_env.clone());
            async move {
                let token = sign_in(&db, &env, (from + n) % accounts).await;
                assert!(token.is_some(), "a session");
            }
        });
        let part = part.await;
        database += load::cpu(&theirs) - before;
        let (hand, from) = (Arc::clone(&raw), first * 2);
        let pair = load::calls(CALLERS, time / ROUNDS, &me, move |n| {
            let raw = Arc::clone(&hand);
            async move {
                raw.one(from + 2 * n).await;
                raw.one(from + 2 * n + 1).await;
            }
        });
        let pair = pair.await;
        first += usize::try_from(part.done.max(pair.done)).expect("few") + CALLERS;
        ours.push(part);
        bare.push(pair);
    }
    let ours = load::sum(&ours);
    print(&ours, &load::sum(&bare), database, engine);
    // Without a queue in front of it: what a person waits, for both halves together.
    let (sign_db, sign_env) = (db.clone(), env.clone());
    let calm = load::calls(FEW, time / 2, &me, move |n| {
        let (db, env) = (sign_db.clone(), sign_env.clone());
        async move { drop(sign_in(&db, &env, (first + n) % accounts).await) }
    });
    let calm = calm.await;
    println!("    {FEW} callers: {:.0}/s, {}", calm.rate(), calm.times());
    first += usize::try_from(calm.done).expect("few") + FEW;
    beside_hashes(&db, &env, &calm, (first, accounts), time / 2).await;
    db.close();
    ours
}

/// Callers of the flood: more than the pool takes, so that its queue is full.
const FLOOD: usize = 128;

/// Keeps the pool of slow hashes full until told to stop; answers how many were made and refused.
async fn flood(env: Env, stop: Arc<AtomicBool>) -> (usize, usize) {
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..FLOOD {
        let (env, stop) = (env.clone(), Arc::clone(&stop));
        set.spawn(async move {
            let (mut made, mut refused) = (0, 0);
            while !stop.load(Ordering::Relaxed) {
                if let Ok(place) = env.hasher.place() {
                    place.hash(Typed::new(b"flood")).await.expect("a hash");
                    made += 1;
                } else {
                    refused += 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            (made, refused)
        });
    }
    let (mut made, mut refused) = (0, 0);
    while let Some(some) = set.join_next().await {
        let (more, no) = some.expect("a caller");
        (made, refused) = (made + more, refused + no);
    }
    (made, refused)
}

/// A109: sign-ins beside a full pool of slow hashes, against the same without.
async fn beside_hashes(
    db: &Db,
    env: &Env,
    alone: &Measured,
    (first, accounts): (usize, usize),
    time: Duration,
) {
    let stop = Arc::new(AtomicBool::new(false));
    let flooding = tokio::spawn(flood(env.clone(), Arc::clone(&stop)));
    let (sign_db, sign_env) = (db.clone(), env.clone());
    let me = [std::process::id()];
    let beside = load::calls(FEW, time, &me, move |n| {
        let (db, env) = (sign_db.clone(), sign_env.clone());
        async move { drop(sign_in(&db, &env, (first + n) % accounts).await) }
    });
    let beside = beside.await;
    stop.store(true, Ordering::Relaxed);
    let (made, refused) = flooding.await.expect("a flood");
    println!(
        "    beside a flood of slow hashes: {:.0}/s, {}; p99 {:.2} of that without; {made} hashes made, \
         {refused} refused",
        beside.rate(),
        beside.times(),
        beside.p99.as_secs_f64() / alone.p99.as_secs_f64().max(1e-6),
    );
}

fn print(ours: &Measured, bare: &Measured, database: f64, engine: Engine) {
    println!(
        "  {engine:?}: sign-ins {:.0}/s, {:.0} per core, {}; two raw commits {:.0}/s, {}; {:.0} %",
        ours.rate(),
        ours.per_core(),
        ours.times(),
        bare.rate(),
        bare.times(),
        100.0 * ours.rate() / bare.rate()
    );
    if database > 0.0 {
        let with = Measured {
            cpu: ours.cpu + database,
            ..ours.clone()
        };
        println!(
            "    PostgreSQL's own processes counted too: {:.0} per core",
            with.per_core()
        );
    }
}
