//! Sign-ins and requests with a session, through the use cases, on both engines.
//!
//! A sign-in is asking for a code and entering it: two transactions with their limits, the message and its job,
//! the session, the log. It is set against the raw limit of the same run: two transactions of the same
//! engine's durable writer with one row each. Delivery is not part of it; it happens later. Sessions found
//! are those of the accounts of this bench.

use std::{
    net::IpAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use db::{
    Db, DbError, DbSettings,
    idempotency::{self, Claim},
};
use identity_core::{Policy, challenge::Purpose, consent::Source, next_path::NextPath};
use identity_service::{
    Env, ServiceError,
    breaker::Breaker,
    codes::{self, Ask, Asked, Check},
    session::{self, SessionToken},
    sign_in::{self, Register, Registered, Verified},
};
use kernel::{Chance, Identifier, Locale, Phone, Visitor, code::OneTimeCode};
use testkit::postgres::{Cluster, Durability};
use vault::{Cost, Crowd, Hasher, OsChance, Typed, Vault};

use crate::db::Ratio;

/// Callers at once.
const CALLERS: usize = 64;
/// Accounts that sign in; each a few times, below the limits of one number.
const ACCOUNTS: usize = 2_000;

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

fn env() -> Env {
    let chance: Arc<dyn Chance> = Arc::new(KnownCodes);
    let policy = Policy {
        send_waits: vec![Duration::ZERO],
        sends_per_hour: 100,
        sends_per_day: 100,
        range_sends: 1_000,
        range_conversion_percent: 0,
        ..Policy::default()
    };
    let vault = Vault::ephemeral(Arc::clone(&chance)).expect("a vault");
    let hasher = Hasher::start(
        &vault,
        Arc::clone(&chance),
        Cost::default(),
        Crowd::default(),
    );
    Env {
        vault,
        hasher: hasher.expect("a thread"),
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

/// How often a second `work` is done by [`CALLERS`] at once, and the 99th percentile of its time.
async fn measure<W, F>(time: Duration, work: W) -> (f64, Duration)
where
    W: Fn(usize) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    measure_by(CALLERS, time, work).await
}

async fn measure_by<W, F>(callers: usize, time: Duration, work: W) -> (f64, Duration)
where
    W: Fn(usize) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let work = Arc::new(work);
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let (work, next) = (Arc::clone(&work), Arc::clone(&next));
        set.spawn(async move {
            let mut times = Vec::new();
            while began.elapsed() < time {
                let one = Instant::now();
                work(next.fetch_add(1, Ordering::Relaxed)).await;
                times.push(one.elapsed());
            }
            times
        });
    }
    let mut times = Vec::new();
    while let Some(some) = set.join_next().await {
        times.extend(some.expect("a caller"));
    }
    let took = began.elapsed();
    times.sort_unstable();
    let p99 = times
        .get(times.len() * 99 / 100)
        .copied()
        .unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = times.len() as f64 / took.as_secs_f64();
    (rate, p99)
}

/// The least a durable command is: one row with a key.
async fn one_row(db: &Db, n: usize) {
    let done: Result<Claim, DbError> = db
        .write("bench.one_row", n, |tx, n| {
            Box::pin(
                async move { idempotency::claim(tx, &n.to_be_bytes(), "bench", &[0; 32]).await },
            )
        })
        .await;
    assert_eq!(done.expect("a commit"), Claim::Fresh);
}

/// Callers that ask for slow hashes at once: more than run and wait, so that some are refused (A109).
const FLOOD: usize = 128;
/// Callers that sign in meanwhile: a server with room to spare, so that what is measured is the flood.
const UNHURRIED: usize = 4;

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
async fn beside_hashes(db: &Db, env: &Env, engine: &str, time: Duration) {
    let sign_ins = || {
        let (db, env) = (db.clone(), env.clone());
        measure_by(UNHURRIED, time, move |n| {
            let (db, env) = (db.clone(), env.clone());
            async move { drop(sign_in(&db, &env, n % ACCOUNTS).await) }
        })
    };
    let (alone, alone_p99) = sign_ins().await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut flooding = tokio::task::JoinSet::new();
    flooding.spawn(flood(env.clone(), Arc::clone(&stop)));
    let (beside, beside_p99) = sign_ins().await;
    stop.store(true, Ordering::Relaxed);
    let flooded = flooding.join_next().await.expect("a flood");
    let (made, refused) = flooded.expect("a flood");
    let ratio = beside_p99.as_secs_f64() / alone_p99.as_secs_f64().max(1e-6);
    println!(
        "{engine}: sign-ins by {UNHURRIED} callers {alone:.0}/s, p99 {:.1} ms; beside a flood of slow hashes \
         {beside:.0}/s, p99 {:.1} ms, ratio {ratio:.2}; {made} hashes made, {refused} refused",
        alone_p99.as_secs_f64() * 1e3,
        beside_p99.as_secs_f64() * 1e3,
    );
}

async fn on(db: Db, engine: &str, time: Duration) {
    db.migrate().await.expect("a schema");
    let env = env();
    let began = Instant::now();
    let mut tokens = Vec::with_capacity(ACCOUNTS);
    for chunk in (0..ACCOUNTS).collect::<Vec<_>>().chunks(CALLERS) {
        let mut set = tokio::task::JoinSet::new();
        for n in chunk.iter().copied() {
            let (db, env) = (db.clone(), env.clone());
            set.spawn(async move { register(&db, &env, n).await });
        }
        while let Some(token) = set.join_next().await {
            tokens.push(token.expect("a registration"));
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let registrations = ACCOUNTS as f64 / began.elapsed().as_secs_f64();
    println!("{engine}: registrations {registrations:.0}/s, {CALLERS} callers");
    let raw_db = db.clone();
    let (raw, _) = measure(time, move |n| {
        let db = raw_db.clone();
        async move { one_row(&db, n).await }
    })
    .await;
    let (sign_db, sign_env) = (db.clone(), env.clone());
    let (rate, p99) = measure(time, move |n| {
        let (db, env) = (sign_db.clone(), sign_env.clone());
        async move { drop(sign_in(&db, &env, n % ACCOUNTS).await) }
    })
    .await;
    let what = format!("{engine}: sign-ins, p99 {} ms", p99.as_millis());
    println!(
        "{}",
        Ratio {
            what,
            seam: rate,
            raw: raw / 2.0
        }
    );
    beside_hashes(&db, &env, engine, time).await;
    let tokens = Arc::new(tokens);
    let (rate, p99) = measure(time, move |n| {
        let (db, env, tokens) = (db.clone(), env.clone(), Arc::clone(&tokens));
        async move {
            let input = (env, tokens[n % tokens.len()].clone());
            let found = db
                .read("bench.session", input, |tx, (env, token)| {
                    Box::pin(session::find(tx, env, token))
                })
                .await;
            assert!(found.expect("an answer").is_some());
        }
    })
    .await;
    println!(
        "{engine}: sessions found {rate:.0}/s, p99 {} µs",
        p99.as_micros()
    );
}

/// Both engines, printed line by line.
pub async fn run(folder: &Path, time: Duration) {
    let settings = DbSettings::Sqlite {
        path: folder.join("front_door.sqlite"),
        readers: 4,
    };
    let db = Db::open(settings, testkit::TestClock::new())
        .await
        .expect("a file");
    on(db, "SQLite", time).await;
    let cluster = Cluster::start(Durability::Full);
    let database = cluster.databases().create();
    let settings = DbSettings::Postgres {
        url: database.url(),
        connections: 32,
    };
    let db = Db::open(settings, testkit::TestClock::new())
        .await
        .expect("a server");
    on(db, "PostgreSQL", time).await;
}
