//! ARCHITECTURE: a transaction is not held across hashing, rendering, mail or HTTP. Over a load of sign-ins, the
//! program's own measures tell the longest hold of each transaction that writes: what it computed, as time of its
//! thread, so that a busy machine does not matter; and whether it ever waited for anything but the database.

use std::collections::BTreeMap;

use db::Engine;
use serde_json::{Value, json};
use whole_product::demo::{Demo, code_in};

/// No transaction computes longer, in a build without optimisation; a hash of a password takes several times as
/// long, a page about as long.
const COMPUTES_AT_MOST: f64 = 0.05;

async fn post(demo: &Demo, path: &str, headers: &[(&str, &str)], body: Value) -> Value {
    let mut request = demo
        .http()
        .post(demo.url(&format!("/api/v1{path}")))
        .json(&body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.expect("the demo answers");
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.unwrap_or_default()
}

/// Enters, gives a name and an address, and signs out.
async fn person(demo: &Demo, number: usize) {
    let phone = format!("+7912{number:03}0001");
    let key = |step: &str| format!("{step}-{number}");
    let agent = format!("device {number}");
    let known = demo.messages().await;
    let ask = key("ask");
    let headers = [
        ("idempotency-key", ask.as_str()),
        ("user-agent", agent.as_str()),
    ];
    let asked = post(demo, "/sign-in/codes", &headers, json!({ "phone": phone })).await;
    let flow = asked["flow"].as_str().expect("a flow").to_owned();
    let message = demo.next_message(&phone, &known).await;
    let code = code_in(&message.text, 6).expect("a code").to_owned();
    let (verify, register, email) = (key("verify"), key("register"), key("email"));
    let flow = ("kabinet-flow", flow.as_str());
    post(
        demo,
        "/sign-in/verify",
        &[("idempotency-key", &verify), flow],
        json!({ "code": code }),
    )
    .await;
    let inside = post(
        demo,
        "/sign-in/register",
        &[("idempotency-key", &register), flow],
        json!({ "personal_data": true }),
    )
    .await;
    let bearer = format!(
        "Bearer {}",
        inside["session_token"].as_str().expect("a session")
    );
    let bearer = ("authorization", bearer.as_str());
    let address = json!({ "email": format!("person{number}@kabinet.example") });
    post(
        demo,
        "/email",
        &[("idempotency-key", &email), bearer],
        address,
    )
    .await;
    let out = demo
        .http()
        .delete(demo.url("/api/v1/session"))
        .header(bearer.0, bearer.1)
        .send()
        .await;
    assert!(out.expect("the demo answers").status().is_success());
}

/// The value of every line of a metric: by transaction, its greatest.
fn greatest(metrics: &str, name: &str) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    for line in metrics.lines().filter(|line| line.starts_with(name)) {
        let label = |label: &str| line.split(&format!("{label}=\"")).nth(1)?.split('"').next();
        let is_greatest = label("quantile").is_none_or(|quantile| quantile == "1");
        let value = line.rsplit(' ').next().and_then(|value| value.parse().ok());
        if let (Some(transaction), Some(value), true) = (label("transaction"), value, is_greatest)
            && !line.contains("_sum")
            && !line.contains("_count")
        {
            found.insert(transaction.to_owned(), value);
        }
    }
    found
}

async fn nothing_heavy_is_held(engine: Engine) {
    let mut demo = Demo::start_with(engine, &["--empty", "--log", "warn"]);
    for number in 0..20 {
        person(&demo, number).await;
    }
    let port = demo.server().ops_url();
    let metrics = demo
        .http()
        .get(format!("{port}/metrics"))
        .send()
        .await
        .expect("metrics");
    let metrics = metrics.text().await.expect("text");
    let computed = greatest(&metrics, "kabinet_db_hold_cpu_seconds");
    let held = greatest(&metrics, "kabinet_db_hold_seconds");
    for name in [
        "sign_in.ask",
        "sign_in.verify",
        "sign_in.register",
        "email.add",
        "session.sign_out",
        "notify.handed",
        "jobs.settle",
    ] {
        assert!(
            computed.contains_key(name) && held.contains_key(name),
            "{name} is not measured:\n{metrics}"
        );
    }
    let longest = computed
        .iter()
        .max_by(|a, b| a.1.total_cmp(b.1))
        .expect("measures");
    println!(
        "{engine:?}: {} transactions; the most is computed in {}: {:.1} ms",
        computed.len(),
        longest.0,
        longest.1 * 1e3
    );
    for (transaction, seconds) in &computed {
        // Schema changes are not made while people are served.
        assert!(
            *seconds < COMPUTES_AT_MOST || transaction.starts_with("db.migrate"),
            "{transaction} computes for {seconds} s"
        );
    }
    let foreign = greatest(&metrics, "kabinet_db_foreign_awaits_total");
    assert!(
        foreign.is_empty(),
        "transactions that waited for something else than the database: {foreign:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    nothing_heavy_is_held(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    nothing_heavy_is_held(Engine::Postgres).await;
}
