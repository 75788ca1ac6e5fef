//! A18: what somebody types, is sent or holds appears in no log line, metric, error or file.

use std::time::Duration;

use db::Engine;
use serde_json::{Value, json};
use testkit::postgres::{TestDatabase, databases};
use testkit::server::{Server, files_with};

use crate::demo::demo;
use crate::wire::{ask, call, connect, get};

const PHONE: &str = "+79120048151";
const DIGITS: &str = "79120048151";
const MAIL: &str = "planted.4815@kabinet.example";

struct Person {
    code: String,
    flow: String,
    token: String,
}

fn newest(server: &Server, to: &str) -> String {
    for _ in 0..200 {
        let (_, messages) = call(server.port(), "GET", "/demo/messages", &[], "");
        let mut of = messages
            .as_array()
            .unwrap()
            .iter()
            .filter(|message| message["to"] == to);
        if let Some(message) = of.next() {
            return message["text"].as_str().unwrap().to_owned();
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("no message to {to}:\n{}", server.output());
}

fn code_in(text: &str) -> String {
    let word = text
        .split(|c: char| !c.is_ascii_digit())
        .find(|word| word.len() == 6);
    word.map_or_else(
        || {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            digits
                .chars()
                .skip(digits.len().saturating_sub(6))
                .collect()
        },
        ToOwned::to_owned,
    )
}

/// Registers through the API, with a wrong code on the way.
fn enter(server: &Server) -> Person {
    let port = server.port();
    let key = |name: &'static str| ("Idempotency-Key", name);
    let body = json!({ "phone": PHONE }).to_string();
    let (status, asked) = call(
        port,
        "POST",
        "/api/v1/sign-in/codes",
        &[key("ask-8f14e45f")],
        &body,
    );
    assert_eq!(status, 202, "{asked}");
    let flow = asked["flow"].as_str().unwrap().to_owned();
    let code = code_in(&newest(server, PHONE));
    let wrong = if code == "000000" { "111111" } else { "000000" };
    for (typed, name) in [(wrong, "verify-1"), (code.as_str(), "verify-2")] {
        let body = json!({ "code": typed }).to_string();
        call(
            port,
            "POST",
            "/api/v1/sign-in/verify",
            &[key(name), ("Kabinet-Flow", &flow)],
            &body,
        );
    }
    let body = json!({ "personal_data": true }).to_string();
    let headers = [key("register-1"), ("Kabinet-Flow", flow.as_str())];
    let (status, entered) = call(port, "POST", "/api/v1/sign-in/register", &headers, &body);
    assert!(status < 300, "{status} {entered}");
    let token = find_token(&entered).unwrap_or_else(|| panic!("no token in {entered}"));
    Person { code, flow, token }
}

/// The longest text with two dots: a session token.
fn find_token(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            (text.matches('.').count() == 2 && text.len() > 60).then(|| text.clone())
        }
        Value::Object(fields) => fields.values().find_map(find_token),
        _ => None,
    }
}

mod sqlite {
    #[test]
    fn nothing_typed_or_sent_is_written_down() {
        super::nothing_typed_or_sent_is_written_down(db::Engine::Sqlite);
    }
}

mod postgres {
    #[test]
    fn nothing_typed_or_sent_is_written_down() {
        super::nothing_typed_or_sent_is_written_down(db::Engine::Postgres);
    }
}

/// Whether a dump shows a text, as text or as the bytes it is.
fn shows(dump: &str, text: &str) -> bool {
    let bytes: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    dump.contains(text) || dump.contains(&bytes)
}

/// Whether six digits stand somewhere by themselves: in megabytes they may well be part of something longer.
fn digits_alone(bytes: &[u8], code: &str) -> bool {
    let part_of_more = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let mut windows = bytes.windows(code.len()).enumerate();
    windows.any(|(at, window)| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        window == code.as_bytes()
            && !part_of_more(before)
            && !part_of_more(bytes.get(at + code.len()))
    })
}

/// Every file of a folder, whole: the database's and its log of changes among them.
fn files(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            // A file of the database may go while it is looked for.
            let bytes = std::fs::read(&path).unwrap_or_default();
            all.push((path, bytes));
        }
    }
    all
}

/// A value that was kept as it is would be found: in the file of changes of a running SQLite, in a dump of
/// PostgreSQL, as text and as bytes.
fn a_planted_value_is_found(folder: &std::path::Path, database: Option<&TestDatabase>) {
    let (code, token) = ("602214", "planted.token.of-nobody_076");
    let hex: String = token.bytes().map(|byte| format!("{byte:02x}")).collect();
    if let Some(database) = database {
        let row = |key: &str, bytes: &str| {
            format!(
                "INSERT INTO idempotency (scope, key, request_hash, answer, at) VALUES ('\\x00', '{key}', '\\x00', '\\x{bytes}', 0)"
            )
        };
        database.run(&row(code, &hex)).unwrap();
        let dump = database.dump().unwrap();
        assert!(shows(&dump, token) && digits_alone(dump.as_bytes(), code));
        database
            .run("DELETE FROM idempotency WHERE at = 0")
            .unwrap();
        return;
    }
    let open = rusqlite::Connection::open(folder.join("kabinet.sqlite")).unwrap();
    open.execute_batch(&format!(
        "CREATE TABLE planted (a TEXT, b BLOB); INSERT INTO planted VALUES (' {code} ', x'{hex}')"
    ))
    .unwrap();
    let in_changes = |text: &str| {
        let found = files_with(folder, text.as_bytes());
        found
            .iter()
            .any(|path| path.to_string_lossy().ends_with("-wal"))
    };
    assert!(in_changes(token), "the file of changes is searched too");
    assert!(
        files(folder)
            .iter()
            .any(|(_, bytes)| digits_alone(bytes, code))
    );
    open.execute_batch("DROP TABLE planted").unwrap();
}

fn nothing_typed_or_sent_is_written_down(engine: Engine) {
    let folder = testkit::server::data_folder();
    let database = (engine == Engine::Postgres).then(|| databases().create());
    let url = database.as_ref().map(TestDatabase::url);
    let mut arguments = vec![
        "--empty",
        "--log",
        "debug",
        "--operations-listen",
        "127.0.0.1:{ops}",
    ];
    arguments.extend(url.iter().flat_map(|url| ["--database", url]));
    let start = demo(folder.path(), &arguments);
    let mut server = start.start();
    let port = server.port();
    let person = enter(&server);
    let bearer = format!("Bearer {}", person.token);
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Idempotency-Key", "mail-1"),
    ];
    let (status, answer) = call(
        port,
        "POST",
        "/api/v1/email",
        &headers,
        &json!({ "email": MAIL }).to_string(),
    );
    assert!(status < 300, "{status} {answer}");
    let letter = newest(&server, MAIL);
    let link = letter
        .split_whitespace()
        .find(|word| word.contains("/email/confirm/"))
        .unwrap();
    let path = link
        .split_once("localhost")
        .unwrap()
        .1
        .split_once('/')
        .map(|(_, path)| format!("/{path}"));
    let secret = link.rsplit('/').next().unwrap().to_owned();
    // Tokens, phones and codes where they do not belong.
    for path in [
        path.unwrap(),
        format!("/not-me/{secret}"),
        format!("/{DIGITS}?code={}", person.code),
        format!("/sign-in?next=/{DIGITS}&phone={PHONE}"),
        format!("/api/v1/{DIGITS}"),
    ] {
        ask(&mut connect(port), &get(port, &path));
    }
    for body in [
        format!("{{\"phone\":\"{PHONE}\""),
        format!("{{\"{DIGITS}\":1}}"),
        format!("\"{DIGITS}"),
    ] {
        call(
            port,
            "POST",
            "/api/v1/sign-in/codes",
            &[("Idempotency-Key", "bad")],
            &body,
        );
    }
    let metrics_port = server
        .ops_url()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let metrics = ask(&mut connect(metrics_port), &get(metrics_port, "/metrics"));
    assert!(metrics.contains("kabinet_http_requests_total"), "{metrics}");
    // While it serves: what was written last is in the file of changes alone.
    let while_serving = files(folder.path());
    assert!(server.terminate(Duration::from_secs(10)).success());
    let log = server.output();
    assert!(
        log.contains("/api/v1/sign-in/verify"),
        "the log names routes: {log}"
    );
    let planted = [
        PHONE,
        DIGITS,
        &DIGITS[1..],
        MAIL,
        &person.code,
        &person.flow,
        &person.token,
        &secret,
    ];
    let dump = database.as_ref().map(|database| database.dump().unwrap());
    if let Some(dump) = &dump {
        let found = shows(dump, "sign_in.succeeded") && shows(dump, "confirm_email");
        assert!(found, "the search finds what is there");
    }
    for text in planted {
        assert!(!log.contains(text), "«{text}» is in the log:\n{log}");
        assert!(!metrics.contains(text), "«{text}» is in the metrics");
        let serving = while_serving.iter().find(|(_, bytes)| {
            if text == person.code {
                digits_alone(bytes, text)
            } else {
                bytes
                    .windows(text.len())
                    .any(|part| part == text.as_bytes())
            }
        });
        assert!(
            serving.is_none(),
            "«{text}» is in {:?}",
            serving.map(|(path, _)| path)
        );
        if text == person.code {
            let here = files(folder.path());
            let here = here.iter().find(|(_, bytes)| digits_alone(bytes, text));
            assert!(
                here.is_none(),
                "the code is in {:?}",
                here.map(|(path, _)| path)
            );
            let shown = dump.as_ref().is_some_and(|dump| {
                let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
                digits_alone(dump.as_bytes(), text) || dump.contains(&hex)
            });
            assert!(!shown, "the code is in the database");
        } else {
            let files = files_with(folder.path(), text.as_bytes());
            assert!(files.is_empty(), "«{text}» is in {files:?}");
            let shown = dump.as_ref().is_some_and(|dump| shows(dump, text));
            assert!(!shown, "«{text}» is in the database");
        }
    }
    a_planted_value_is_found(folder.path(), database.as_ref());
}
