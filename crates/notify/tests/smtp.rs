//! SMTP against a real mail server (PyPI `aiosmtpd`).

mod common;

use common::{Peer, certificate, outgoing};
use kernel::{Email, Identifier};
use notify::settings::SmtpSettings;
use notify::smtp::Smtp;
use notify::{Body, Carrier as _, Outgoing, Refusal, SendError};
use serde_json::{Value, json};
use testkit::TestClock;

fn settings(port: u16, more: Value) -> SmtpSettings {
    let mut raw = json!({
        "host": "127.0.0.1", "port": port, "security": "none",
        "from": "Кабинет <no-reply@kabinet.example>", "timeout_seconds": 1,
    });
    for (name, value) in more.as_object().unwrap() {
        raw[name] = value.clone();
    }
    serde_json::from_value(raw).unwrap()
}

fn carrier(port: u16, more: Value) -> Smtp {
    Smtp::new(&settings(port, more), TestClock::new()).unwrap()
}

fn letter(subject: &str, unsubscribe: Option<&str>) -> Outgoing {
    let to = Identifier::Email(Email::parse("ivan@example.ru").unwrap());
    outgoing(
        to,
        Body::Email {
            subject: subject.to_owned(),
            text: "Ваш код: 123456\nНикому не сообщайте.".to_owned(),
            html: "<p>Ваш код: <b>123456</b></p>".to_owned(),
            unsubscribe: unsubscribe.map(str::to_owned),
        },
    )
}

#[tokio::test]
async fn a_letter_arrives_whole() {
    let mut server = Peer::python("mail-server.py", &[]).await;
    let carrier = carrier(server.port, json!({"reply_to": "help@kabinet.example"}));
    let message = letter("Код № 3 для входа", None);
    let handed = carrier.deliver(&message).await.unwrap();
    let got = server.event("letter").await;
    assert_eq!(got["to"], json!(["ivan@example.ru"]));
    assert_eq!(got["sender"], "no-reply@kabinet.example");
    assert_eq!(got["hello"], "kabinet.example");
    assert_eq!(
        got["text"]
            .as_str()
            .unwrap()
            .replace("\r\n", "\n")
            .trim_end(),
        "Ваш код: 123456\nНикому не сообщайте."
    );
    assert_eq!(
        got["html"].as_str().unwrap().trim_end(),
        "<p>Ваш код: <b>123456</b></p>"
    );
    let headers = &got["headers"];
    assert_eq!(headers["subject"], "Код № 3 для входа");
    assert_eq!(headers["from"], "Кабинет <no-reply@kabinet.example>");
    assert_eq!(headers["reply-to"], "help@kabinet.example");
    assert_eq!(headers["auto-submitted"], "auto-generated");
    let id = format!("<{}@kabinet.example>", message.id);
    assert_eq!(headers["message-id"], id.as_str());
    assert_eq!(handed.reference, Some(id));
    assert_eq!(headers["date"], "Mon, 02 Mar 2026 09:00:00 +0000");
    assert_eq!(headers["list-unsubscribe"], Value::Null);
}

/// ID-12: marketing can be ended from the message itself, in one click.
#[tokio::test]
async fn marketing_carries_the_way_out() {
    let mut server = Peer::python("mail-server.py", &[]).await;
    let link = "https://kabinet.example/u/abc";
    carrier(server.port, json!({}))
        .deliver(&letter("Скидки", Some(link)))
        .await
        .unwrap();
    let headers = &server.event("letter").await["headers"];
    assert_eq!(headers["list-unsubscribe"], format!("<{link}>"));
    assert_eq!(
        headers["list-unsubscribe-post"],
        "List-Unsubscribe=One-Click"
    );
}

/// A33: nothing in a subject becomes another header.
#[tokio::test]
async fn a_subject_stays_one_line() {
    let mut server = Peer::python("mail-server.py", &[]).await;
    carrier(server.port, json!({}))
        .deliver(&letter("Привет\r\nBcc: evil@example.com\r\n\r\n<b>", None))
        .await
        .unwrap();
    let got = server.event("letter").await;
    assert_eq!(got["headers"]["bcc"], Value::Null);
    assert_eq!(got["to"], json!(["ivan@example.ru"]));
}

/// F8: greylisting is tried again, a hard bounce marks the address.
#[tokio::test]
async fn soft_and_hard_refusals() {
    let mut server = Peer::python("mail-server.py", &[]).await;
    let carrier = carrier(server.port, json!({}));
    let plan = [
        (json!({"do": "grey"}), None, "later"),
        (
            json!({"do": "code", "reply": "452 4.2.2 Full"}),
            None,
            "later",
        ),
        (
            json!({"do": "code", "reply": "550 5.1.1 No such user"}),
            Some(Refusal::NoSuchAddress),
            "",
        ),
        (
            json!({"do": "code", "reply": "553 5.1.3 Bad name"}),
            Some(Refusal::NoSuchAddress),
            "",
        ),
        (
            json!({"do": "code", "reply": "554 5.7.1 Spam"}),
            Some(Refusal::Rejected),
            "",
        ),
    ];
    for (order, permanent, code) in plan {
        server.order(order.clone()).await;
        server.event("planned").await;
        let error = carrier.deliver(&letter("a", None)).await.unwrap_err();
        match permanent {
            Some(refusal) => assert_eq!(error, SendError::Permanent(refusal), "{order}"),
            None => assert!(
                matches!(
                    error,
                    SendError::Transient {
                        retry_after: Some(_),
                        ..
                    }
                ) && error.code() == code,
                "{order}: {error:?}"
            ),
        }
        assert!(!error.is_fault(), "the server works: {order}");
    }
    carrier.deliver(&letter("a", None)).await.unwrap();
}

/// A server that takes the letter and falls silent: nobody knows.
#[tokio::test]
async fn silence_is_unknown() {
    let mut server = Peer::python("mail-server.py", &[]).await;
    server.order(json!({"do": "silent"})).await;
    server.event("planned").await;
    let carrier = carrier(server.port, json!({}));
    let error = carrier.deliver(&letter("a", None)).await.unwrap_err();
    assert_eq!(error, SendError::Unknown { code: "no_answer" });
    assert!(error.is_fault());
}

#[tokio::test]
async fn nobody_listens() {
    let error = carrier(9, json!({}))
        .deliver(&letter("a", None))
        .await
        .unwrap_err();
    assert!(
        error.is_fault() && matches!(error, SendError::Transient { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn tls_and_login() {
    let directory = tempfile::tempdir().unwrap();
    let (cert, key) = certificate(directory.path());
    for (wrap, security) in [("", "starttls"), ("1", "tls")] {
        let mut env = vec![
            ("TLS_CERT", cert.as_str()),
            ("TLS_KEY", key.as_str()),
            ("LOGIN", "kabinet:secret"),
        ];
        if !wrap.is_empty() {
            env.push(("TLS_WRAP", wrap));
        }
        let mut server = Peer::python("mail-server.py", &env).await;
        let with = |password: &str, roots: bool| {
            let mut more = json!({"security": security, "user": "kabinet", "password": password});
            if roots {
                more["roots"] = json!(cert);
            }
            carrier(server.port, more)
        };
        let right = with("secret", true);
        let wrong = with("wrong", true);
        let stranger = with("secret", false);
        right.deliver(&letter("a", None)).await.unwrap();
        let refused = wrong.deliver(&letter("a", None)).await.unwrap_err();
        assert_eq!(refused.code(), "login_refused", "{security}");
        // A certificate nobody vouches for: nothing is sent.
        let unknown = stranger.deliver(&letter("a", None)).await.unwrap_err();
        assert!(
            matches!(unknown, SendError::Transient { .. }),
            "{security}: {unknown:?}"
        );
        let got = server.event("letter").await;
        assert_eq!(
            (&got["tls"], &got["login"]),
            (&json!(true), &json!(true)),
            "{security}"
        );
    }
}

/// With `starttls` nothing goes to a server that offers none.
#[tokio::test]
async fn no_downgrade() {
    let server = Peer::python("mail-server.py", &[]).await;
    let error = carrier(server.port, json!({"security": "starttls"}))
        .deliver(&letter("a", None))
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::Transient { .. }), "{error:?}");
}

#[test]
fn impossible_settings_are_found_at_start() {
    for more in [
        json!({"host": "mail.example.ru"}),
        json!({"from": "nobody"}),
        json!({"reply_to": "a b"}),
        json!({"user": "a"}),
        json!({"security": "tls", "roots": "/nowhere.pem"}),
    ] {
        assert!(
            Smtp::new(&settings(25, more.clone()), TestClock::new()).is_err(),
            "{more}"
        );
    }
}
