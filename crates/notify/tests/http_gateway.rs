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

/// An authority, and two certificates of it for 127.0.0.1: one that is good and one whose time is over.
fn authority(folder: &std::path::Path) {
    let script = r#"
set -e; cd "$1"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=127.0.0.1 -keyout key.pem -out csr
cat > conf <<'CONF'
[ca]
default_ca = own
[own]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
x509_extensions = leaf
unique_subject = no
[any]
commonName = supplied
[leaf]
subjectAltName = IP:127.0.0.1
basicConstraints = critical,CA:FALSE
CONF
: > index; echo 01 > serial
sign() { openssl ca -batch -notext -config conf -cert ca.pem -keyfile ca.key -in csr "$@"; }
sign -days 2 -out good.pem
sign -startdate 20240101000000Z -enddate 20240201000000Z -out expired.pem
"#;
    let made = std::process::Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(folder)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// A gateway behind TLS that takes whatever comes; gives its port and counts requests it could read.
async fn behind_tls(
    folder: &std::path::Path,
    certificate: &str,
) -> (u16, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let chain = vec![CertificateDer::from_pem_file(folder.join(certificate)).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let read = std::sync::Arc::new(AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&read);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            if matches!(stream.read(&mut [0; 4096]).await, Ok(1..)) {
                count.fetch_add(1, Ordering::SeqCst);
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    (port, read)
}

/// F7: a gateway whose certificate's time is over gets nothing, and that counts as a failure of it: five of them
/// let it rest. One of the same authority whose time is not over is spoken to.
#[tokio::test]
async fn an_expired_certificate_is_refused() {
    use std::sync::atomic::Ordering;
    let folder = tempfile::tempdir().unwrap();
    authority(folder.path());
    for (certificate, wanted) in [("good.pem", true), ("expired.pem", false)] {
        let (port, read) = behind_tls(folder.path(), certificate).await;
        let settings = json!({
            "url": format!("https://127.0.0.1:{port}/"),
            "body": {"json": {"text": "{text}"}},
            "roots": folder.path().join("ca.pem"),
        });
        let told = gateway(Channel::Sms, settings).deliver(&sms("a")).await;
        assert_eq!(
            read.load(Ordering::SeqCst),
            usize::from(wanted),
            "{certificate}"
        );
        match told {
            Ok(_) => assert!(wanted, "{certificate}"),
            Err(error) => {
                assert!(!wanted && error.is_fault(), "{certificate}: {error:?}");
                assert_eq!(error.code(), "unreachable");
            }
        }
    }
}
