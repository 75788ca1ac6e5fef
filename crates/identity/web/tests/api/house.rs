//! The API inside of its guard, over a real database; the phone is simulated and nobody opens a socket.

use std::sync::{Arc, Mutex};

use axum::{Extension, Router, body::Body, middleware::from_fn_with_state};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use identity_core::Policy;
use identity_service::{
    Env, Suspicion, TellSuspicion,
    breaker::Breaker,
    trusted::{FreezeByTrusted, TrustedFreeze},
};
use identity_web::{
    State,
    api::{self, Gateway, Gateways},
};
use jobs::{Runner, RunnerSettings};
use kernel::{Chance, Clock};
use notify::{
    Courier, Keeper,
    simulated::SimulatedPhone,
    texts::{Composer, TextSettings},
};
use serde_json::{Value, json};
use testkit::TestDb;
use tower::ServiceExt;
use webkit::{Site, visit::guard};

pub const ORIGIN: &str = "https://kabinet.example";
pub const ANNA: &str = "+7 912 000-00-01";
pub const BORIS: &str = "+7 912 000-00-02";
pub const GATEWAY_SECRET: &str = "0123456789abcdef";

pub struct House {
    pub test: TestDb,
    pub env: Env,
    pub phone: SimulatedPhone,
    runner: Runner,
    router: Router,
    keys: Mutex<u32>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Reply {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// `field: code` of the only field that is wrong.
    pub fn wrong(&self) -> String {
        let error = &self.body["errors"][0];
        format!(
            "{}: {}",
            error["field"].as_str().unwrap_or_default(),
            error["code"].as_str().unwrap_or_default()
        )
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// A problem with this status and code (EV-2).
    #[track_caller]
    pub fn refuses(self, status: u16, code: &str) -> Self {
        assert_eq!(
            (self.status.as_u16(), self.code()),
            (status, code),
            "{}",
            self.text
        );
        if [429, 503].contains(&status) {
            let after = self.headers.get(header::RETRY_AFTER);
            let after = after.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
            assert!(
                after.is_some_and(|seconds| seconds > 0),
                "{code} says not when to come back"
            );
        }
        self
    }
}

/// A request being put together.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

pub fn call(method: &str, path: &str) -> Call {
    let path = if path.starts_with("/api/") {
        path.to_owned()
    } else {
        format!("/api/v1{path}")
    };
    Call {
        method: method.parse().unwrap(),
        path,
        headers: vec![("host".into(), "kabinet.example".into())],
        body: Vec::new(),
    }
}

/// The same for a page.
pub fn page(method: &str, path: &str) -> Call {
    Call {
        path: path.to_owned(),
        ..call(method, "")
    }
}

impl Call {
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    pub fn flow(self, flow: &str) -> Self {
        self.with("kabinet-flow", flow)
    }

    pub fn key(self, key: &str) -> Self {
        self.with("idempotency-key", key)
    }

    pub fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string().as_bytes())
    }

    pub fn bytes(mut self, kind: &str, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self.with("content-type", kind)
    }
}

impl House {
    pub fn new(test: TestDb) -> Self {
        let vault = testkit::vault();
        let chance: Arc<dyn Chance> = test.chance().clone();
        let clock: Arc<dyn Clock> = test.clock().clone();
        let env = Env {
            vault: vault.clone(),
            hasher: testkit::hasher(&vault, Arc::clone(&chance)),
            chance: Arc::clone(&chance),
            policy: Arc::new(Policy::default()),
            breaker: Arc::new(Breaker::default()),
            origin: ORIGIN.into(),
            consent_version: "2026-11".into(),
        };
        let site = Arc::new(Site {
            origin: ORIGIN.into(),
            server: Arc::new(config::Server::default()),
            clock: Arc::clone(&clock),
            chance: Arc::clone(&chance),
            vault: vault.clone(),
            places: Arc::new(|_| None),
            is_demo: false,
        });
        let phone = SimulatedPhone::new(clock, Some(Arc::new(Keeper::new(test.db(), "simulated"))));
        let composer = Composer::new(&TextSettings::new(ORIGIN)).unwrap();
        let courier = Courier::new(test.db(), vault.clone(), composer, phone.ways(), None);
        let tell = TellSuspicion {
            db: test.db(),
            env: env.clone(),
        };
        let runner = Runner::new(test.db(), vault, chance, RunnerSettings::default());
        let runner = courier
            .register(runner)
            .handle::<Suspicion>(tell)
            .handle::<TrustedFreeze>(FreezeByTrusted {
                db: test.db(),
                env: env.clone(),
            });
        let gateway = Gateway {
            settings: serde_json::from_value(json!({
                "secret": GATEWAY_SECRET, "reference": "/id", "state": "/status",
                "delivered": ["delivered"], "failed": ["failed"],
            }))
            .unwrap(),
            keeper: Keeper::new(test.db(), "simulated"),
        };
        let state = State {
            db: test.db(),
            env: env.clone(),
            site: Arc::clone(&site),
        };
        let router = api::router()
            .merge(identity_web::pages())
            .with_state(state)
            .layer(Extension(Gateways::new([("sms".to_owned(), gateway)])))
            .layer(from_fn_with_state(site, guard));
        Self {
            test,
            env,
            phone,
            runner,
            router,
            keys: Mutex::new(0),
        }
    }

    /// A key that was not used yet.
    pub fn fresh_key(&self) -> String {
        let mut keys = self.keys.lock().unwrap();
        *keys += 1;
        format!("key-{keys}")
    }

    pub async fn send(&self, call: Call) -> Reply {
        let mut request = Request::builder().method(call.method).uri(&call.path);
        for (name, value) in &call.headers {
            request = request.header(name, value.as_str());
        }
        self.raw(request.body(Body::from(call.body)).unwrap()).await
    }

    pub async fn raw(&self, request: Request<Body>) -> Reply {
        let is_api = request.uri().path().starts_with("/api/");
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if is_api && !parts.status.is_success() && parts.status != StatusCode::NO_CONTENT {
            let kind = parts.headers.get(header::CONTENT_TYPE).unwrap();
            assert_eq!(kind, "application/problem+json", "{} {text}", parts.status);
            assert_eq!(body["status"], parts.status.as_u16());
        }
        Reply {
            status: parts.status,
            headers: parts.headers,
            body,
            text,
        }
    }

    /// A command with a key of its own, when it has none yet.
    pub async fn act(&self, call: Call) -> Reply {
        let has_key = call
            .headers
            .iter()
            .any(|(name, _)| name == "idempotency-key");
        let key = self.fresh_key();
        self.send(if has_key { call } else { call.key(&key) }).await
    }

    /// Delivers what is due; answers the texts for `to`, newest first.
    pub async fn texts(&self, to: &str) -> Vec<String> {
        while self.runner.run_due().await > 0 {}
        let to: String = to.chars().filter(|c| !" -".contains(*c)).collect();
        let messages = self.phone.messages().into_iter();
        messages
            .filter(|message| message.to == to)
            .map(|message| message.text)
            .collect()
    }

    /// The newest code that went to `to`.
    pub async fn code(&self, to: &str) -> String {
        let texts = self.texts(to).await;
        let code = |text: &String| {
            let runs = text.split(|c: char| !c.is_ascii_digit());
            runs.filter(|run| run.len() == 6).last().map(str::to_owned)
        };
        texts.iter().find_map(code).expect("a code")
    }

    /// A code that is not the one.
    pub fn other(code: &str) -> String {
        if code == "000000" {
            "000001".into()
        } else {
            "000000".into()
        }
    }

    pub async fn ask(&self, phone: &str) -> String {
        let asked = self
            .act(call("POST", "/sign-in/codes").json(&json!({ "phone": phone })))
            .await;
        asked.is(202).body["flow"].as_str().unwrap().to_owned()
    }

    /// Signs in or registers; answers the session's and the device's token.
    pub async fn enter(&self, phone: &str) -> (String, Option<String>) {
        let flow = self.ask(phone).await;
        let code = self.code(phone).await;
        let verify = call("POST", "/sign-in/verify")
            .flow(&flow)
            .json(&json!({ "code": code }));
        let mut inside = self.act(verify).await.is(200);
        if inside.body["consent_required"] == true {
            let consent = call("POST", "/sign-in/register").flow(&flow);
            inside = self
                .act(consent.json(&json!({ "personal_data": true })))
                .await
                .is(200);
        }
        let text = |name: &str| inside.body[name].as_str().map(str::to_owned);
        (text("session_token").unwrap(), text("browser_token"))
    }

    pub fn wait(&self, seconds: u64) {
        self.test
            .clock()
            .advance(std::time::Duration::from_secs(seconds));
    }
}

/// Every operation of the document: method, path, operation.
pub fn operations() -> Vec<(String, String, Value)> {
    let document: Value = serde_json::from_str(&api::text_of(&api::api().into_openapi())).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    assert!(all.len() > 30, "the document lists the operations");
    all
}

/// The path of an operation with something in its holes.
pub fn filled(path: &str) -> String {
    path.replace("{id}", "0192a000-0000-7000-8000-000000000000")
        .replace("{token}", "nothing")
        .replace("{gateway}", "sms")
}
