//! What the seam costs: the same durable transfer by `db.write` and written by hand against the driver.
//!
//! A transfer is five statements: two balances, two entries, one idempotency key. Between accounts drawn
//! from many, so that rows are rarely hot.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use db::{Db, DbError, DbSettings, Migration, Statement, params};
use testkit::postgres::{Cluster, Durability};

/// Accounts that money moves between.
pub(crate) const ACCOUNTS: i64 = 10_000;
/// Connections to PostgreSQL: the product's default.
pub const CONNECTIONS: usize = 32;
const TABLES: Migration = Migration {
    number: 9100,
    name: "9100_bench_transfer",
    text: "CREATE TABLE bench_wallet (id BIGINT NOT NULL PRIMARY KEY, balance BIGINT NOT NULL) {table};
CREATE TABLE bench_entry (wallet_id BIGINT NOT NULL, seq BIGINT NOT NULL, amount BIGINT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (wallet_id, seq)) {clustered};
CREATE TABLE bench_key (scope BIGINT NOT NULL, key TEXT NOT NULL, answer BYTEA NOT NULL, PRIMARY KEY (scope, key)) {clustered};
",
};

mod sql {
    db::statements! {
        /// Makes a wallet.
        OPEN: "INSERT INTO bench_wallet (id, balance) VALUES ($1, $2)" (Int, Int) -> ();
        /// One balance.
        BALANCE: "SELECT balance FROM bench_wallet WHERE id = $1" (Int) -> (Int);
        /// Moves money.
        MOVE: "UPDATE bench_wallet SET balance = balance + $1 WHERE id = $2" (Int, Int) -> ();
        /// Notes it.
        NOTE: "INSERT INTO bench_entry (wallet_id, seq, amount, at) VALUES ($1, $2, $3, $4)" (Int, Int, Int, Int) -> ();
        /// Keeps the answer.
        KEEP: "INSERT INTO bench_key (scope, key, answer) VALUES ($1, $2, $3)" (Int, Text, Bytes) -> ();
    }
}

const FUNCTION: &str = "
CREATE FUNCTION bench_transfer(p_from BIGINT, p_to BIGINT, p_seq BIGINT, p_key TEXT, p_answer BYTEA) RETURNS void AS $$
BEGIN
  UPDATE bench_wallet SET balance = balance - 5 WHERE id = p_from;
  UPDATE bench_wallet SET balance = balance + 5 WHERE id = p_to;
  INSERT INTO bench_entry (wallet_id, seq, amount, at) VALUES (p_from, p_seq, -5, 1);
  INSERT INTO bench_entry (wallet_id, seq, amount, at) VALUES (p_to, p_seq, 5, 1);
  INSERT INTO bench_key (scope, key, answer) VALUES (p_from, p_key, p_answer);
END $$ LANGUAGE plpgsql";

/// Both ways take turns, so that a disk that is slow for a while is slow for both.
pub(crate) const ROUNDS: u32 = 8;

/// One transfer: from, to (smaller first, so that locks are taken in key order), number, key.
#[derive(Clone)]
struct Transfer {
    pair: [i64; 2],
    seq: i64,
    key: String,
}

/// Numbers never repeat in one run of the program, so that every way may use the same tables.
pub(crate) static NEXT: AtomicI64 = AtomicI64::new(1);

impl Transfer {
    fn next() -> Self {
        let seq = NEXT.fetch_add(1, Ordering::Relaxed);
        let one = seq.wrapping_mul(0x9E37_79B9) % ACCOUNTS;
        let other = (one + 1 + seq % (ACCOUNTS - 1)) % ACCOUNTS;
        Self {
            pair: [one.min(other), one.max(other)],
            seq,
            key: format!("key-{seq:020}"),
        }
    }
}

pub(crate) const ANSWER: &[u8] = b"{\"status\":\"done\",\"number\":1234567890}";

async fn transfer(db: &Db, transfer: Transfer) -> Result<(), DbError> {
    db.write("bench.transfer", transfer, |tx, t| {
        Box::pin(async move {
            let [from, to] = t.pair;
            tx.defer(&[
                (&sql::MOVE, params![-5_i64, from]),
                (&sql::MOVE, params![5_i64, to]),
                (&sql::NOTE, params![from, t.seq, -5_i64, 1_i64]),
                (&sql::NOTE, params![to, t.seq, 5_i64, 1_i64]),
                (&sql::KEEP, params![from, &t.key, ANSWER]),
            ])
            .await
        })
    })
    .await
}

/// How many of `work` end in a second, `callers` at a time.
pub(crate) async fn rate<W, F>(callers: usize, time: Duration, work: W) -> f64
where
    W: Fn(usize) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let work = Arc::new(work);
    let began = Instant::now();
    let mut set = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let work = Arc::clone(&work);
        set.spawn(async move {
            let mut done = 0_u32;
            while began.elapsed() < time {
                work(caller).await;
                done += 1;
            }
            done
        });
    }
    let mut all = 0_u32;
    while let Some(done) = set.join_next().await {
        all += done.expect("a caller");
    }
    f64::from(all) / began.elapsed().as_secs_f64()
}

async fn open(settings: DbSettings) -> Db {
    let db = Db::open(settings, testkit::TestClock::new())
        .await
        .expect("opens");
    let mut all = Migration::all().expect("migrations");
    all.push(TABLES);
    db.migrate_with(&all).await.expect("migrates");
    // In portions: on a busy machine one transaction of them all would not end in time.
    for first in (0..ACCOUNTS).step_by(500) {
        db.write("bench.open", first, |tx, first| {
            Box::pin(async move {
                for id in *first..*first + 500 {
                    tx.defer(&[(&sql::OPEN, params![id, 1_000_000_i64])])
                        .await?;
                }
                Ok::<_, DbError>(())
            })
        })
        .await
        .expect("wallets");
    }
    db
}

/// One line of the answer.
#[derive(Debug, Clone)]
pub struct Ratio {
    /// Engine and number of callers.
    pub what: String,
    /// Transfers a second through the seam.
    pub seam: f64,
    /// Transfers a second by hand.
    pub raw: f64,
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, seam, raw } = self;
        write!(
            f,
            "{what:<44} {seam:>9.0}/s of {raw:>9.0}/s  {:>4.0} %",
            100.0 * seam / raw
        )
    }
}

/// SQLite with 1, 64 and 256 callers: `db.write` against a writer thread by hand that groups in the same way,
/// without names, kinds, savepoints, metrics or time limits. Bar: 60 %.
pub async fn sqlite(folder: &Path, time: Duration) -> Vec<Ratio> {
    let mut answers = Vec::new();
    for callers in [1, 64, 256] {
        let path = folder.join(format!("seam-{callers}.db"));
        let db = open(DbSettings::Sqlite { path, readers: 2 }).await;
        let path = folder.join(format!("raw-{callers}.db"));
        open(DbSettings::Sqlite {
            path: path.clone(),
            readers: 1,
        })
        .await
        .close();
        let (send, receive) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || raw_writer(&path, &receive));
        let (mut seam, mut raw) = (0.0, 0.0);
        for _ in 0..ROUNDS {
            let db = db.clone();
            seam += rate(callers, time / ROUNDS, move |_| {
                let db = db.clone();
                async move { transfer(&db, Transfer::next()).await.expect("a transfer") }
            })
            .await;
            let send = send.clone();
            raw += rate(callers, time / ROUNDS, move |_| {
                let send = send.clone();
                async move {
                    let (reply, answer) = tokio::sync::oneshot::channel();
                    send.send((Transfer::next(), reply))
                        .expect("the writer lives");
                    answer.await.expect("an answer");
                }
            })
            .await;
        }
        db.close();
        drop(send);
        thread.join().expect("the writer ends");
        let (seam, raw) = (seam / f64::from(ROUNDS), raw / f64::from(ROUNDS));
        answers.push(Ratio {
            what: format!("SQLite, {callers} callers"),
            seam,
            raw,
        });
    }
    answers
}

/// A point read on SQLite, one caller: `db.read` against a prepared statement by hand.
pub async fn sqlite_reads(folder: &Path, time: Duration) -> Ratio {
    let path = folder.join("reads.db");
    let db = open(DbSettings::Sqlite {
        path: path.clone(),
        readers: 2,
    })
    .await;
    let seam = rate(1, time, move |_| {
        let (db, id) = (db.clone(), NEXT.fetch_add(1, Ordering::Relaxed) % ACCOUNTS);
        async move {
            let answer: Result<i64, DbError> = db
                .read("bench.balance", id, |tx, id| {
                    Box::pin(async move { tx.query_one(&sql::BALANCE, params![*id]).await?.int(0) })
                })
                .await;
            answer.expect("a balance");
        }
    })
    .await;
    let conn = rusqlite::Connection::open(&path).expect("opens");
    let mut balance = conn.prepare(sql::BALANCE.text).expect("prepares");
    let began = Instant::now();
    let mut done = 0_u32;
    while began.elapsed() < time {
        let id = NEXT.fetch_add(1, Ordering::Relaxed) % ACCOUNTS;
        let found: i64 = balance
            .query_row([id], |row| row.get(0))
            .expect("a balance");
        assert!(found > 0);
        done += 1;
    }
    let raw = f64::from(done) / began.elapsed().as_secs_f64();
    Ratio {
        what: "SQLite, a point read, 1 caller".into(),
        seam,
        raw,
    }
}

type RawCall = (Transfer, tokio::sync::oneshot::Sender<()>);

fn raw_writer(path: &Path, calls: &std::sync::mpsc::Receiver<RawCall>) {
    let conn = rusqlite::Connection::open(path).expect("opens");
    conn.pragma_update(None, "synchronous", "FULL")
        .expect("pragma");
    conn.pragma_update(None, "cache_size", -16_000)
        .expect("pragma");
    let prepare = |statement: &Statement| conn.prepare(statement.text).expect("prepares");
    let (mut shift, mut note, mut keep) = (
        prepare(&sql::MOVE),
        prepare(&sql::NOTE),
        prepare(&sql::KEEP),
    );
    let (mut begin, mut commit) = (
        conn.prepare("BEGIN IMMEDIATE").expect("prepares"),
        conn.prepare("COMMIT").expect("prepares"),
    );
    while let Ok(first) = calls.recv() {
        begin.execute([]).expect("begins");
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some((t, reply)) = next {
            let [from, to] = t.pair;
            shift.execute((-5, from)).expect("moves");
            shift.execute((5, to)).expect("moves");
            note.execute((from, t.seq, -5, 1)).expect("notes");
            note.execute((to, t.seq, 5, 1)).expect("notes");
            keep.execute((from, &t.key, ANSWER)).expect("keeps");
            group.push(reply);
            next = if group.len() < 256 {
                calls.try_recv().ok()
            } else {
                None
            };
        }
        commit.execute([]).expect("commits");
        for reply in group {
            let _ = reply.send(());
        }
    }
}

/// PostgreSQL with 32 connections: `db.write` against the same statements by hand, and against one call of
/// a function in the server (bar: 80 % of that).
pub async fn postgres(time: Duration) -> Vec<Ratio> {
    let cluster = Cluster::start(Durability::Full);
    let database = cluster.databases().create();
    let db = open(DbSettings::Postgres {
        url: database.url(),
        connections: CONNECTIONS,
    })
    .await;
    database.run(FUNCTION).expect("the function");
    let mut hands = Vec::new();
    for _ in 0..CONNECTIONS {
        hands.push(Hand::open(&database.url()).await);
    }
    let hands = Arc::new(hands);
    let (mut seam, mut same, mut function) = (0.0, 0.0, 0.0);
    for _ in 0..ROUNDS {
        let db = db.clone();
        seam += rate(CONNECTIONS, time / ROUNDS, move |_| {
            let db = db.clone();
            async move { transfer(&db, Transfer::next()).await.expect("a transfer") }
        })
        .await;
        let own = Arc::clone(&hands);
        same += rate(CONNECTIONS, time / ROUNDS, move |caller| {
            let hands = Arc::clone(&own);
            async move { hands[caller].statements(&Transfer::next()).await }
        })
        .await;
        let own = Arc::clone(&hands);
        function += rate(CONNECTIONS, time / ROUNDS, move |caller| {
            let hands = Arc::clone(&own);
            async move { hands[caller].function(&Transfer::next()).await }
        })
        .await;
    }
    let [seam, same, function] = [seam, same, function].map(|sum| sum / f64::from(ROUNDS));
    let sets = crate::sets::postgres(&db, &database, time).await;
    db.close();
    vec![
        sets,
        Ratio {
            what: "PostgreSQL, 32 callers, same statements".into(),
            seam,
            raw: same,
        },
        Ratio {
            what: "PostgreSQL, 32 callers, one function call".into(),
            seam,
            raw: function,
        },
    ]
}

struct Hand {
    client: tokio_postgres::Client,
    shift: tokio_postgres::Statement,
    note: tokio_postgres::Statement,
    keep: tokio_postgres::Statement,
    call: tokio_postgres::Statement,
}

impl Hand {
    async fn open(url: &str) -> Self {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
            .await
            .expect("connects");
        tokio::spawn(connection);
        let shift = client.prepare(sql::MOVE.text).await.expect("prepares");
        let note = client.prepare(sql::NOTE.text).await.expect("prepares");
        let keep = client.prepare(sql::KEEP.text).await.expect("prepares");
        let call = "SELECT bench_transfer($1, $2, $3, $4, $5)";
        let call = client.prepare(call).await.expect("prepares");
        Self {
            client,
            shift,
            note,
            keep,
            call,
        }
    }

    async fn statements(&self, t: &Transfer) {
        let [from, to] = t.pair;
        self.client.batch_execute("BEGIN").await.expect("begins");
        self.client
            .execute(&self.shift, &[&-5_i64, &from])
            .await
            .expect("moves");
        self.client
            .execute(&self.shift, &[&5_i64, &to])
            .await
            .expect("moves");
        self.client
            .execute(&self.note, &[&from, &t.seq, &-5_i64, &1_i64])
            .await
            .expect("notes");
        self.client
            .execute(&self.note, &[&to, &t.seq, &5_i64, &1_i64])
            .await
            .expect("notes");
        self.client
            .execute(&self.keep, &[&from, &t.key, &ANSWER])
            .await
            .expect("keeps");
        self.client.batch_execute("COMMIT").await.expect("commits");
    }

    async fn function(&self, t: &Transfer) {
        let [from, to] = t.pair;
        self.client
            .query(&self.call, &[&from, &to, &t.seq, &t.key, &ANSWER])
            .await
            .expect("the call");
    }
}

/// Everything, printed line by line.
pub async fn run(time: Duration) -> Vec<Ratio> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut answers = sqlite(folder.path(), time).await;
    answers.push(sqlite_reads(folder.path(), time).await);
    answers.extend(postgres(time).await);
    for ratio in &answers {
        println!("{ratio}");
    }
    answers
}
