//! The configuration file becomes carriers.

mod common;

use common::{outgoing, phone};
use config::Settings;
use http::HeaderMap;
use notify::setup::{self, ReportRefused};
use notify::webhook::WebhookError;
use notify::{Body, Channel};
use serde_json::json;
use testkit::TestDb;

fn settings(text: &str) -> Settings {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kabinet.toml");
    std::fs::write(&path, text).unwrap();
    Settings::load(Some(&path)).unwrap()
}

#[tokio::test]
async fn the_example_of_each_kind() {
    let db = TestDb::sqlite().await;
    let all = settings(
        r#"
        [server]
        public_origin = "https://kabinet.example"
        [sms]
        kind = "smpp"
        host = "127.0.0.1"
        system_id = "company"
        password = "secret"
        source = "Company"
        [call]
        kind = "http"
        url = "https://calls.example/v1/call"
        headers = { authorization = "Bearer change-me" }
        body = '{"to": "{to}", "code": "{code}", "id": "{id}"}'
        report_secret = "0123456789abcdef0123456789abcdef"
        success = { pointer = "/status", equals = "ok", id_pointer = "/id" }
        [email]
        kind = "smtp"
        host = "smtp.example"
        username = "kabinet"
        password = "secret"
        from = "Company <no-reply@company.example>"
        [privacy]
        company_name = "Ромашка"
        "#,
    );
    let made = setup::carriers(&all, &db, Db::clock(&db)).unwrap();
    assert!(
        Channel::ALL
            .into_iter()
            .all(|channel| made.ways.has(channel))
    );
    assert_eq!(made.links.len(), 1);
    let text = notify::texts::MessageText::Marketing {
        title: "a".to_owned(),
        text: "b".to_owned(),
        unsubscribe: notify::texts::LinkPath::new("/u/1").unwrap(),
    };
    let Ok(Body::Sms { text }) =
        setup::composer(&all)
            .unwrap()
            .compose(&text, Channel::Sms, kernel::Locale::Ru)
    else {
        panic!("no words");
    };
    assert_eq!(text, "Ромашка: a. Отписаться: https://kabinet.example/u/1");

    // A24: a report without a signature, and one for a carrier that sends none.
    let body = json!({"id": "x", "status": "delivered"}).to_string();
    let refused = made
        .webhooks
        .take("call_gateway", &HeaderMap::new(), body.as_bytes())
        .await;
    assert_eq!(
        refused,
        Err(ReportRefused::NotBelieved(WebhookError::Unsigned))
    );
    let refused = made
        .webhooks
        .take("sms_gateway", &HeaderMap::new(), body.as_bytes())
        .await;
    assert_eq!(refused, Err(ReportRefused::Unknown));
}

use db::Db;

#[tokio::test]
async fn nothing_configured_is_no_way_out() {
    let db = TestDb::sqlite().await;
    let made = setup::carriers(&settings(""), &db, Db::clock(&db)).unwrap();
    assert!(
        !Channel::ALL
            .into_iter()
            .any(|channel| made.ways.has(channel))
    );
}

/// A gateway described in the file, form and all, tried for real.
#[tokio::test]
async fn a_form_gateway_of_the_file() {
    use wiremock::matchers::{body_string, header, path};
    let server = wiremock::MockServer::start().await;
    wiremock::Mock::given(path("/send"))
        .and(header("x-key", "k"))
        .and(body_string("text=%D0%B0+%26&to=%2B79001234567"))
        .respond_with(wiremock::ResponseTemplate::new(200).set_body_json(json!({"n": 5})))
        .expect(1)
        .mount(&server)
        .await;
    let db = TestDb::sqlite().await;
    let all = settings(&format!(
        r#"
        [sms]
        kind = "http"
        url = "{}/send"
        headers = {{ x-key = "k" }}
        content_type = "application/x-www-form-urlencoded"
        body = "to={{to}}&text={{text}}"
        success = {{ id_pointer = "/n" }}
        "#,
        server.uri()
    ));
    let made = setup::carriers(&all, &db, Db::clock(&db)).unwrap();
    let message = outgoing(
        phone(),
        Body::Sms {
            text: "а &".to_owned(),
        },
    );
    let handed = made
        .ways
        .carrier(Channel::Sms)
        .unwrap()
        .deliver(&message)
        .await
        .unwrap();
    assert_eq!(handed.reference.as_deref(), Some("5"));
}

#[tokio::test]
async fn impossible_settings_are_found_at_start() {
    let db = TestDb::sqlite().await;
    let http = |more: &str| format!("[sms]\nkind = \"http\"\nurl = \"https://g.example/\"\n{more}");
    for text in [
        http("body = '{\"to\": {to}}'"),
        http("body = 'to'\ncontent_type = \"application/x-www-form-urlencoded\""),
        http("body = 'x'\ncontent_type = \"text/plain\""),
        http("report_secret = \"short\""),
    ] {
        assert!(
            setup::carriers(&settings(&text), &db, Db::clock(&db)).is_err(),
            "{text}"
        );
    }
}
