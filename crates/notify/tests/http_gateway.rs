//! The HTTP gateway against a mock server.

mod common;

use std::time::Duration;

use common::{outgoing, phone};
use notify::http_gateway::HttpGateway;
use notify::settings::GatewaySettings;
use notify::{Body, Carrier as _, Channel, Refusal, SendError};
use serde_json::{Value, json};
use wiremock::matchers::{body_json, body_string_contains, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn gateway(channel: Channel, settings: Value) -> HttpGateway {
    let settings: GatewaySettings = serde_json::from_value(settings).unwrap();
    HttpGateway::new(settings, channel).unwrap()
}

fn sms(text: &str) -> notify::Outgoing {
    outgoing(
        phone(),
        Body::Sms {
            text: text.to_owned(),
        },
    )
}

fn call(code: Option<&str>) -> notify::Outgoing {
    outgoing(
        phone(),
        Body::Call {
            code: code.map(str::to_owned),
        },
    )
}

/// The settings most tests share.
fn json_settings(server: &MockServer) -> Value {
    json!({
        "url": format!("{}/send", server.uri()),
        "headers": {"authorization": "Bearer {secret}"},
        "secret": "key",
        "body": {"json": {"messages": [{"phone": "{to_digits}", "text": "{text}", "id": "{id}"}]}},
        "success": {"statuses": [200], "pointer": "/status", "equals": "ok"},
        "reference": "/id",
        "errors": {"pointer": "/error", "no_such_address": [21, "nobody"], "throttled": ["slow"], "rejected": ["spam"]},
        "timeout_seconds": 1,
    })
}

#[tokio::test]
async fn json_with_a_token() {
    let server = MockServer::start().await;
    let message = sms("Код \"123456\" {code}\n@kabinet.example #123456");
    Mock::given(method("POST"))
        .and(path("/send"))
        .and(header("authorization", "Bearer key"))
        .and(body_json(json!({"messages": [{
            "phone": "79001234567",
            "text": "Код \"123456\" {code}\n@kabinet.example #123456",
            "id": message.id.to_string(),
        }]})))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"status": "ok", "id": 42})))
        .expect(1)
        .mount(&server)
        .await;
    let handed = gateway(Channel::Sms, json_settings(&server))
        .deliver(&message)
        .await
        .unwrap();
    assert_eq!(handed.reference.as_deref(), Some("42"));
}

#[tokio::test]
async fn form_and_query() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(query_param("to", "+79001234567"))
        .and(body_string_contains("text=%D0%B0%26b%3D1"))
        .respond_with(ResponseTemplate::new(202))
        .expect(1)
        .mount(&server)
        .await;
    let settings = json!({
        "url": format!("{}/send?to={{to}}", server.uri()),
        "body": {"form": {"text": "{text}"}},
    });
    let handed = gateway(Channel::Sms, settings)
        .deliver(&sms("а&b=1"))
        .await
        .unwrap();
    assert_eq!(handed.reference, None);
}

/// ID-2: by call, the code either goes to the gateway …
#[tokio::test]
async fn a_call_with_our_code() {
    let server = MockServer::start().await;
    Mock::given(body_json(json!({"to": "+79001234567", "code": "123456"})))
        .respond_with(ResponseTemplate::new(200))
        .expect(1)
        .mount(&server)
        .await;
    let settings = json!({
        "url": server.uri(),
        "body": {"json": {"to": "{to}", "code": "{code}"}},
    });
    let handed = gateway(Channel::Call, settings)
        .deliver(&call(Some("123456")))
        .await
        .unwrap();
    assert_eq!(handed.calling_number, None);
}

/// … or is learnt from the number that the gateway will call from.
#[tokio::test]
async fn a_call_from_a_number_the_gateway_chooses() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"from": "+74951234567"})))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let settings = json!({"url": server.uri(), "calling_number": "/from"});
    let gateway = gateway(Channel::Call, settings);
    let handed = gateway.deliver(&call(None)).await.unwrap();
    assert_eq!(handed.calling_number.as_deref(), Some("+74951234567"));
    // A18: the number is the code, so it does not print.
    assert!(!format!("{handed:?}").contains("4567"));

    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let error = gateway.deliver(&call(None)).await.unwrap_err();
    assert_eq!(
        error,
        SendError::Unknown {
            code: "no_calling_number"
        }
    );
}

/// F7: 500, malformed, refused, throttled, redirected, silent.
#[tokio::test]
async fn every_kind_of_no() {
    let transient = |code| SendError::Transient {
        code,
        retry_after: None,
    };
    let slow = |secs| SendError::Transient {
        code: "throttled",
        retry_after: Some(Duration::from_secs(secs)),
    };
    let unknown = |code| SendError::Unknown { code };
    let body = |status, body: Value| ResponseTemplate::new(status).set_body_json(body);
    let never = SendError::Permanent;
    for (response, expected) in [
        (ResponseTemplate::new(500), transient("gateway_error")),
        (ResponseTemplate::new(401), transient("login_refused")),
        (ResponseTemplate::new(400), never(Refusal::Rejected)),
        (ResponseTemplate::new(429), slow(2)),
        (
            ResponseTemplate::new(429).insert_header("retry-after", "7"),
            slow(7),
        ),
        (
            ResponseTemplate::new(429).insert_header("retry-after", "999999999999"),
            slow(600),
        ),
        (
            ResponseTemplate::new(503).insert_header("retry-after", "5"),
            slow(5),
        ),
        (
            ResponseTemplate::new(200).set_body_string("<html>"),
            unknown("malformed_answer"),
        ),
        (
            ResponseTemplate::new(200).set_body_string("x".repeat(100_000)),
            unknown("malformed_answer"),
        ),
        (
            body(200, json!({"status": "queue full"})),
            transient("not_taken"),
        ),
        (
            body(200, json!({"error": "21"})),
            never(Refusal::NoSuchAddress),
        ),
        (
            body(400, json!({"error": "nobody"})),
            never(Refusal::NoSuchAddress),
        ),
        (
            body(200, json!({"error": "spam"})),
            never(Refusal::Rejected),
        ),
        (body(500, json!({"error": "slow"})), slow(2)),
        (
            ResponseTemplate::new(200).set_delay(Duration::from_secs(5)),
            unknown("no_answer"),
        ),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(response)
            .mount(&server)
            .await;
        let gateway = gateway(Channel::Sms, json_settings(&server));
        assert_eq!(gateway.deliver(&sms("a")).await, Err(expected));
    }
}

/// A redirect is not followed: the token would go where the answer says.
#[tokio::test]
async fn no_redirect_is_followed() {
    let server = MockServer::start().await;
    let target = format!("{}/elsewhere", server.uri());
    Mock::given(path("/send"))
        .respond_with(ResponseTemplate::new(307).insert_header("location", target))
        .mount(&server)
        .await;
    Mock::given(path("/elsewhere"))
        .respond_with(ResponseTemplate::new(200))
        .expect(0)
        .mount(&server)
        .await;
    let gateway = gateway(Channel::Sms, json_settings(&server));
    assert_eq!(
        gateway.deliver(&sms("a")).await.unwrap_err().code(),
        "redirected"
    );
}

#[tokio::test]
async fn nobody_listens() {
    let gateway = gateway(Channel::Sms, json!({"url": "http://127.0.0.1:9/"}));
    assert_eq!(
        gateway.deliver(&sms("a")).await.unwrap_err().code(),
        "unreachable"
    );
}

#[test]
fn impossible_settings_are_found_at_start() {
    for settings in [
        json!({"url": "http://gateway.example/send"}),
        json!({"url": "ftp://127.0.0.1/"}),
        json!({"url": "https://{text}.example/"}),
        json!({"url": "{secret}"}),
        json!({"url": "https://gateway.example/", "headers": {"a b": "c"}}),
        json!({"url": "https://gateway.example/", "headers": {"a": "c\n"}}),
        json!({"url": "https://gateway.example/", "timeout_seconds": 0}),
        json!({"url": "https://gateway.example/", "reports": {
            "secret": "short", "reference": "/i", "state": "/s", "delivered": [1], "failed": [2],
        }}),
    ] {
        let parsed: GatewaySettings = serde_json::from_value(settings.clone()).unwrap();
        assert!(
            HttpGateway::new(parsed, Channel::Sms).is_err(),
            "{settings}"
        );
    }
}
