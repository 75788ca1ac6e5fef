//! Many accounts with a live session each, written into a database past the product: registering a million
//! people one after the other would take an hour and measure nothing. The rows are those that a registration
//! leaves behind and a request with a session reads: account, identifier, sealed identifier, session.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use futures_util::pin_mut;
use kernel::{AccountId, Chance, Identifier, Phone, SessionId, Timestamp};
use sha2::{Digest, Sha256};
use tokio_postgres::{binary_copy::BinaryCopyInWriter, types::Type};
use vault::{OsChance, Token, Vault};

/// Rows that travel together.
const CHUNK: usize = 5_000;
/// Most sessions that are asked with; spread over all there are.
const ASKED_WITH: usize = 50_000;
/// What a device is sealed as.
const DEVICE: &[u8] = br#"{"network":"10.1.2.3","agent":"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}"#;

/// One person.
struct Person {
    account: AccountId,
    data_key: Vec<u8>,
    subject: [u8; 32],
    identifier: Vec<u8>,
    session: SessionId,
    token_hash: [u8; 32],
    browser: [u8; 32],
    device: Vec<u8>,
    at: i64,
    /// What the browser carries, of those who will be asked with.
    token: Option<String>,
}

/// Chance that can be drawn again: only for ids, which are no secrets.
struct Drawn(u64);

impl Chance for Drawn {
    fn fill(&self, bytes: &mut [u8]) {
        let hash = Sha256::digest(self.0.to_be_bytes());
        for (to, from) in bytes.iter_mut().zip(hash) {
            *to = from;
        }
    }
}

/// Person `n` of a crowd that registered over the last month.
fn person(vault: &Vault, now: Timestamp, n: u64, of: u64, every: u64) -> Person {
    let month = 30 * 24 * 3_600_000_000_i64;
    let share = i64::try_from(n * 1_000_000 / of.max(1)).expect("a share");
    let born = Timestamp::from_micros(now.as_micros() - month + month / 1_000_000 * share);
    let account = AccountId::new(born, &Drawn(2 * n));
    let session = SessionId::new(born, &Drawn(2 * n + 1));
    let wrapped = vault.new_data_key(account).expect("wraps");
    let key = vault.unwrap(account, &wrapped).expect("unwraps");
    let phone = Phone::parse(&format!("+7{}", 9_000_000_000 + n)).expect("a number");
    let text = format!("phone:{}", phone.as_str());
    let identifier = Identifier::Phone(phone);
    let index = vault.index(identifier.kind(), &identifier.index_form());
    let secret = Token::new(&OsChance);
    let token = n
        .is_multiple_of(every)
        .then(|| format!("{account}.{session}.{}", secret.expose().as_str()));
    Person {
        account,
        data_key: wrapped.as_bytes().to_vec(),
        subject: *index.as_bytes(),
        identifier: key.seal("identity.identifier", text.as_bytes()),
        session,
        token_hash: secret.hash(),
        browser: Token::new(&OsChance).hash(),
        device: key.seal("identity.device", DEVICE),
        at: born.as_micros(),
        token,
    }
}

/// Makes people on every core, in chunks, in the order of their ids.
fn people(vault: &Vault, now: Timestamp, count: u64) -> Vec<Receiver<Vec<Person>>> {
    let every = count.div_ceil(ASKED_WITH as u64).max(1);
    let makers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut ends = Vec::new();
    for maker in 0..makers {
        let (send, receive): (SyncSender<Vec<Person>>, _) = sync_channel(2);
        let vault = vault.clone();
        std::thread::spawn(move || {
            for chunk in (0..count.div_ceil(CHUNK as u64))
                .skip(maker)
                .step_by(makers)
            {
                let first = chunk * CHUNK as u64;
                let last = (first + CHUNK as u64).min(count);
                let made = (first..last).map(|n| person(&vault, now, n, count, every));
                if send.send(made.collect()).is_err() {
                    return;
                }
            }
        });
        ends.push(receive);
    }
    ends
}

/// The chunks of all makers, one after the other.
fn in_turn(ends: Vec<Receiver<Vec<Person>>>) -> impl Iterator<Item = Vec<Person>> {
    let mut turn = 0;
    std::iter::from_fn(move || {
        let chunk = ends[turn % ends.len()].recv().ok();
        turn += 1;
        chunk
    })
}

/// Fills the SQLite file of a migrated installation; gives the tokens to ask with.
pub fn sqlite(path: &Path, vault: &Vault, now: Timestamp, count: u64) -> Vec<String> {
    let mut conn = rusqlite::Connection::open(path).expect("opens");
    conn.pragma_update(None, "cache_size", -256_000)
        .expect("pragma");
    let mut tokens = Vec::new();
    // In the order of the key, or every insert would read and write a page of its own.
    let mut subjects = Vec::new();
    for chunk in in_turn(people(vault, now, count)) {
        let tx = conn.transaction().expect("begins");
        {
            let mut account = tx
                .prepare_cached("INSERT INTO account (account_id, data_key, locale, level, created_at) VALUES (?1, ?2, 'ru', 'limited', ?3)")
                .expect("prepares");
            let mut identifier = tx
                .prepare_cached("INSERT INTO account_identifier (account_id, kind, subject, sealed, verified_at, proved_at) VALUES (?1, 'phone', ?2, ?3, ?4, ?4)")
                .expect("prepares");
            let mut session = tx
                .prepare_cached("INSERT INTO session (account_id, session_id, token_hash, method, browser_hash, device, created_at, seen_at) VALUES (?1, ?2, ?3, 'sms', ?4, ?5, ?6, ?7)")
                .expect("prepares");
            for p in chunk {
                let id = p.account.as_bytes();
                account.execute((id, &p.data_key, p.at)).expect("inserts");
                identifier
                    .execute((id, &p.subject, &p.identifier, p.at))
                    .expect("inserts");
                let row = (
                    id,
                    p.session.as_bytes(),
                    &p.token_hash,
                    &p.browser,
                    &p.device,
                    p.at,
                    now.as_micros(),
                );
                session.execute(row).expect("inserts");
                subjects.push((p.subject, *id, p.at));
                tokens.extend(p.token);
            }
        }
        tx.commit().expect("commits");
    }
    subjects.sort_unstable();
    let tx = conn.transaction().expect("begins");
    {
        let mut claim = tx
            .prepare("INSERT INTO identifier (subject, kind, account_id, claimed_at) VALUES (?1, 'phone', ?2, ?3)")
            .expect("prepares");
        for row in subjects {
            claim.execute(row).expect("inserts");
        }
    }
    tx.commit().expect("commits");
    conn.pragma_update(None, "wal_checkpoint", "TRUNCATE")
        .expect("pragma");
    tokens
}

/// One table and its columns, for COPY.
const TABLES: [(&str, &[Type]); 4] = [
    (
        "account (account_id, data_key, locale, level, created_at)",
        &[Type::BYTEA, Type::BYTEA, Type::TEXT, Type::TEXT, Type::INT8],
    ),
    (
        "identifier (subject, kind, account_id, claimed_at)",
        &[Type::BYTEA, Type::TEXT, Type::BYTEA, Type::INT8],
    ),
    (
        "account_identifier (account_id, kind, subject, sealed, verified_at, proved_at)",
        &[
            Type::BYTEA,
            Type::TEXT,
            Type::BYTEA,
            Type::BYTEA,
            Type::INT8,
            Type::INT8,
        ],
    ),
    (
        "session (account_id, session_id, token_hash, method, browser_hash, device, created_at, seen_at)",
        &[
            Type::BYTEA,
            Type::BYTEA,
            Type::BYTEA,
            Type::TEXT,
            Type::BYTEA,
            Type::BYTEA,
            Type::INT8,
            Type::INT8,
        ],
    ),
];

/// The same on PostgreSQL, by COPY.
pub async fn postgres(url: &str, vault: &Vault, now: Timestamp, count: u64) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("connects");
    tokio::spawn(connection);
    let chunks = Arc::new(Mutex::new(in_turn(people(vault, now, count))));
    let mut tokens = Vec::new();
    loop {
        let chunks = Arc::clone(&chunks);
        let next = tokio::task::spawn_blocking(move || chunks.lock().expect("sound").next());
        let Some(mut chunk) = next.await.expect("a chunk") else {
            break;
        };
        for (place, (table, types)) in TABLES.iter().enumerate() {
            let sink = client
                .copy_in(&format!("COPY {table} FROM STDIN (FORMAT binary)"))
                .await
                .expect("copies");
            let writer = BinaryCopyInWriter::new(sink, types);
            pin_mut!(writer);
            for p in &chunk {
                let (id, subject, seen) = (
                    p.account.as_bytes().as_slice(),
                    p.subject.as_slice(),
                    now.as_micros(),
                );
                let written = match place {
                    0 => {
                        writer
                            .as_mut()
                            .write(&[&id, &p.data_key, &"ru", &"limited", &p.at])
                            .await
                    }
                    1 => {
                        let row: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
                            [&subject, &"phone", &id, &p.at];
                        writer.as_mut().write(&row).await
                    }
                    2 => {
                        writer
                            .as_mut()
                            .write(&[&id, &"phone", &subject, &p.identifier, &p.at, &p.at])
                            .await
                    }
                    _ => {
                        let (session, hash) =
                            (p.session.as_bytes().as_slice(), p.token_hash.as_slice());
                        let browser = p.browser.as_slice();
                        writer
                            .as_mut()
                            .write(&[
                                &id, &session, &hash, &"sms", &browser, &p.device, &p.at, &seen,
                            ])
                            .await
                    }
                };
                written.expect("a row");
            }
            writer.finish().await.expect("copied");
        }
        tokens.extend(chunk.iter_mut().filter_map(|p| p.token.take()));
    }
    client
        .batch_execute("ANALYZE; CHECKPOINT")
        .await
        .expect("settles");
    tokens
}
