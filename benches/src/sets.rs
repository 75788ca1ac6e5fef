//! Transfers in sets of 128, as an import or a pay day makes them, on PostgreSQL: three statements of many rows
//! through the seam against one call of a function written by hand for arrays. Bar: 80 %.
//!
//! Each caller has wallets of its own, as jobs over shards have, so that no set waits for another.

use std::{
    fmt::Write as _,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use db::{Db, DbError, Kind, Param, Statement};
use testkit::postgres::TestDatabase;

use crate::db::{ACCOUNTS, ANSWER, NEXT, ROUNDS, Ratio, rate};

/// Transfers of one set.
const SET: i64 = 128;
/// Callers at once.
const CALLERS: i64 = 4;

/// A statement of as many rows as a set has. What the product's macro takes is written out; 1,024 parameters
/// are not.
fn statement(
    name: &'static str,
    (before, after): (&str, &str),
    rows: usize,
    row: &[Kind],
) -> Statement {
    let mut text = before.to_owned();
    let mut place = 0;
    for n in 0..rows {
        text.push_str(if n == 0 { "(" } else { ", (" });
        for column in 0..row.len() {
            place += 1;
            let comma = if column == 0 { "" } else { ", " };
            write!(text, "{comma}${place}").expect("a text");
        }
        text.push(')');
    }
    text.push_str(after);
    let kinds: Vec<Kind> = row.iter().copied().cycle().take(rows * row.len()).collect();
    Statement::new(name, text.leak(), kinds.leak(), &[])
}

static MOVE: LazyLock<Statement> = LazyLock::new(|| {
    let text = (
        "UPDATE bench_wallet SET balance = balance + v.column2 FROM (VALUES ",
        ") AS v WHERE id = v.column1",
    );
    statement("bench.move", text, 256, &[Kind::Int, Kind::Int])
});
static NOTE: LazyLock<Statement> = LazyLock::new(|| {
    let text = (
        "INSERT INTO bench_entry (wallet_id, seq, amount, at) VALUES ",
        "",
    );
    statement("bench.note", text, 256, &[Kind::Int; 4])
});
static KEEP: LazyLock<Statement> = LazyLock::new(|| {
    let text = ("INSERT INTO bench_key (scope, key, answer) VALUES ", "");
    statement(
        "bench.keep",
        text,
        128,
        &[Kind::Int, Kind::Text, Kind::Bytes],
    )
});

const FUNCTION: &str = "
CREATE FUNCTION bench_transfers(p_from BIGINT[], p_to BIGINT[], p_seq BIGINT[], p_key TEXT[], p_answer BYTEA)
RETURNS void AS $$
BEGIN
  UPDATE bench_wallet w SET balance = w.balance + d.amount
    FROM (SELECT unnest(p_from) AS id, -5 AS amount UNION ALL SELECT unnest(p_to), 5) d WHERE w.id = d.id;
  INSERT INTO bench_entry (wallet_id, seq, amount, at)
    SELECT unnest(p_from), unnest(p_seq), -5, 1 UNION ALL SELECT unnest(p_to), unnest(p_seq), 5, 1;
  INSERT INTO bench_key (scope, key, answer) SELECT unnest(p_from), unnest(p_key), p_answer;
END $$ LANGUAGE plpgsql";

/// One set; no wallet twice.
struct Set {
    from: Vec<i64>,
    to: Vec<i64>,
    seq: Vec<i64>,
    key: Vec<String>,
}

static SHIFT: AtomicI64 = AtomicI64::new(0);

impl Set {
    fn next(caller: i64) -> Self {
        let own = ACCOUNTS / CALLERS;
        let shift = SHIFT.fetch_add(7, Ordering::Relaxed);
        // Seven does not divide the number of a caller's wallets, so steps of seven never meet.
        let wallet = |n: i64| caller * own + (shift + 7 * n) % own;
        let first = NEXT.fetch_add(SET, Ordering::Relaxed);
        Self {
            from: (0..SET).map(wallet).collect(),
            to: (SET..2 * SET).map(wallet).collect(),
            seq: (first..first + SET).collect(),
            key: (first..first + SET)
                .map(|n| format!("key-{n:020}"))
                .collect(),
        }
    }
}

async fn ours(db: &Db, set: Set) -> Result<(), DbError> {
    db.write("bench.transfers", set, |tx, set| {
        Box::pin(async move {
            let (mut shift, mut note, mut keep) = (Vec::new(), Vec::new(), Vec::new());
            for (wallets, amount) in [(&set.from, -5_i64), (&set.to, 5)] {
                for (wallet, seq) in wallets.iter().zip(&set.seq) {
                    let int = Param::Int;
                    shift.extend([int(*wallet), int(amount)]);
                    note.extend([int(*wallet), int(*seq), int(amount), int(1)]);
                }
            }
            for (wallet, key) in set.from.iter().zip(&set.key) {
                keep.extend([Param::Int(*wallet), Param::Text(key), Param::Bytes(ANSWER)]);
            }
            tx.defer(&[
                (&MOVE, shift.as_slice()),
                (&NOTE, note.as_slice()),
                (&KEEP, keep.as_slice()),
            ])
            .await
        })
    })
    .await
}

struct Hand(tokio_postgres::Client, tokio_postgres::Statement);

impl Hand {
    async fn open(url: &str) -> Self {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
            .await
            .expect("connects");
        tokio::spawn(connection);
        let call = "SELECT bench_transfers($1, $2, $3, $4, $5)";
        let call = client.prepare(call).await.expect("prepares");
        Self(client, call)
    }

    async fn call(&self, set: &Set) {
        let Self(client, call) = self;
        client
            .query(call, &[&set.from, &set.to, &set.seq, &set.key, &ANSWER])
            .await
            .expect("the call");
    }
}

/// Transfers a second, both ways, on a database that has the wallets.
pub async fn postgres(db: &Db, database: &TestDatabase, time: Duration) -> Ratio {
    database.run(FUNCTION).expect("the function");
    let callers = usize::try_from(CALLERS).expect("few");
    let mut hands = Vec::new();
    for _ in 0..callers {
        hands.push(Hand::open(&database.url()).await);
    }
    let hands = Arc::new(hands);
    let number = |caller: usize| i64::try_from(caller).expect("few");
    let (mut seam, mut raw) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        let db = db.clone();
        seam += rate(callers, time / ROUNDS, move |caller| {
            let db = db.clone();
            async move { ours(&db, Set::next(number(caller))).await.expect("a set") }
        })
        .await;
        let hands = Arc::clone(&hands);
        raw += rate(callers, time / ROUNDS, move |caller| {
            let hands = Arc::clone(&hands);
            async move { hands[caller].call(&Set::next(number(caller))).await }
        })
        .await;
    }
    let transfers = f64::from(u32::try_from(SET).expect("few")) / f64::from(ROUNDS);
    Ratio {
        what: "PostgreSQL, sets of 128, one function call".into(),
        seam: seam * transfers,
        raw: raw * transfers,
    }
}
