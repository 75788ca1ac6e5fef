//! An outside judge: schemathesis makes requests of the document, right ones and wrong ones, and finds no
//! answer that the document does not know, no 500, no way around the session.
//!
//! The same by hand, against `kabinet demo`:
//!
//! ```text
//! PYTHONPATH=tests/tools SCHEMATHESIS_HOOKS=schemathesis_hooks \
//! target/tools/venv/bin/schemathesis --config-file tests/tools/schemathesis.toml run \
//!     http://127.0.0.1:8080/api/openapi.json --header "Authorization: Bearer <session token>" \
//!     --mode all --phases examples,coverage,fuzzing,stateful --seed 1 --max-examples 40 \
//!     --exclude-operation-id delete_session --exclude-operation-id delete_devices_id
//! ```

use std::process::Output;

use db::Engine;
use serde_json::{Value, json};
use testkit::tools::{python, workspace};
use whole_product::demo::{Demo, code_in};

const ANNA: &str = "+79120000018";

async fn post(demo: &Demo, path: &str, flow: Option<&str>, key: &str, body: Value) -> Value {
    let mut request = demo
        .http()
        .post(demo.url(&format!("/api/v1{path}")))
        .json(&body);
    if let Some(flow) = flow {
        request = request.header("kabinet-flow", flow);
    }
    let answer = request
        .header("idempotency-key", key)
        .send()
        .await
        .expect("the demo answers");
    let status = answer.status();
    let body: Value = answer.json().await.expect("JSON");
    assert!(status.is_success(), "{path}: {status} {body}");
    body
}

/// Registers through the API; answers the session's token.
async fn enter(demo: &Demo) -> String {
    let known = demo.messages().await;
    let asked = post(
        demo,
        "/sign-in/codes",
        None,
        "walk-1",
        json!({ "phone": ANNA }),
    )
    .await;
    let flow = asked["flow"].as_str().expect("a flow").to_owned();
    let message = demo.next_message(ANNA, &known).await;
    let code = code_in(&message.text, 6).expect("a code");
    post(
        demo,
        "/sign-in/verify",
        Some(&flow),
        "walk-2",
        json!({ "code": code }),
    )
    .await;
    let consents = json!({ "personal_data": true });
    let inside = post(demo, "/sign-in/register", Some(&flow), "walk-3", consents).await;
    inside["session_token"]
        .as_str()
        .expect("a token")
        .to_owned()
}

async fn judge(demo: &Demo, token: &str, arguments: &[&str]) -> Output {
    let tools = workspace().join("tests/tools");
    tokio::process::Command::new(python("schemathesis"))
        .arg("--config-file")
        .arg(tools.join("schemathesis.toml"))
        .arg("run")
        .arg(demo.url("/api/openapi.json"))
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args([
            "--mode",
            "all",
            "--seed",
            "1",
            "--max-examples",
            "40",
            "--no-color",
        ])
        .args(arguments)
        .env("PYTHONUTF8", "1")
        .env("PYTHONPATH", &tools)
        .env("SCHEMATHESIS_HOOKS", "schemathesis_hooks")
        .current_dir(demo.data())
        .output()
        .await
        .expect("schemathesis starts")
}

fn assert_clean(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "schemathesis found something:\n{said}\n{wrong}"
    );
    println!("{said}");
}

/// These can end the session that a run is made with, so they come last and alone.
const ENDINGS: [&str; 2] = ["delete_session", "delete_devices_id"];

async fn schemathesis_finds_nothing(engine: Engine) {
    let demo = Demo::start(engine);
    let token = enter(&demo).await;
    let all_but = ENDINGS.map(|id| ["--exclude-operation-id", id]).concat();
    let unit = [&all_but[..], &["--phases", "examples,coverage,fuzzing"]].concat();
    assert_clean(&judge(&demo, &token, &unit).await);
    let stateful = [&all_but[..], &["--phases", "stateful"]].concat();
    assert_clean(&judge(&demo, &token, &stateful).await);
    let session = demo
        .http()
        .get(demo.url("/api/v1/session"))
        .bearer_auth(&token)
        .send()
        .await;
    assert_eq!(
        session.expect("the demo answers").status(),
        200,
        "the session lived through it"
    );
    let only = ENDINGS.map(|id| ["--include-operation-id", id]).concat();
    assert_clean(
        &judge(
            &demo,
            &token,
            &[&only[..], &["--phases", "coverage,fuzzing"]].concat(),
        )
        .await,
    );
}

/// OP-2, EV-2, A107: on SQLite.
#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_on_sqlite() {
    schemathesis_finds_nothing(Engine::Sqlite).await;
}

/// OP-2, EV-2, A107: on PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_on_postgres() {
    schemathesis_finds_nothing(Engine::Postgres).await;
}
