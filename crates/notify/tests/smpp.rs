//! SMPP against a real message centre (npm `smpp`).

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Peer, certificate, outgoing, phone};
use kernel::Clock as _;
use notify::settings::{LongTexts, SmppSettings};
use notify::smpp::{LinkState, Smpp};
use notify::{
    Body, Carrier as _, DeliveryReport, FailureReason, NotKept, Refusal, ReportState, Reports,
    SendError,
};
use serde_json::json;
use testkit::TestClock;
use tokio::sync::{mpsc, oneshot};

const LONG: &str = "Код № 3: 123456. Вход в Кабинет. Никому не сообщайте. Сотрудники не спросят этот код. 😀 Ещё немного текста.\n@kabinet.example #123456";

struct Kept {
    sender: mpsc::UnboundedSender<DeliveryReport>,
    refuse: std::sync::atomic::AtomicBool,
}

#[async_trait::async_trait]
impl Reports for Kept {
    async fn delivery(&self, report: DeliveryReport) -> Result<(), NotKept> {
        if self.refuse.swap(false, std::sync::atomic::Ordering::SeqCst) {
            return Err(NotKept);
        }
        self.sender.send(report).unwrap();
        Ok(())
    }
}

struct Running {
    carrier: Smpp,
    clock: Arc<TestClock>,
    kept: Arc<Kept>,
    reports: mpsc::UnboundedReceiver<DeliveryReport>,
    stop: Option<oneshot::Sender<()>>,
    link: tokio::task::JoinHandle<()>,
}

fn settings(port: u16) -> SmppSettings {
    serde_json::from_value(json!({
        "host": "127.0.0.1", "port": port, "system_id": "kabinet", "password": "secret",
        "sender": "KABINET", "answer_seconds": 1, "enquire_link_seconds": 1,
    }))
    .unwrap()
}

fn run(settings: SmppSettings) -> Running {
    let clock = TestClock::new();
    let (sender, reports) = mpsc::unbounded_channel();
    let kept = Arc::new(Kept {
        sender,
        refuse: false.into(),
    });
    let (carrier, link) = Smpp::new(settings, clock.clone(), kept.clone()).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let link = tokio::spawn(link.run(async {
        let _ = stopped.await;
    }));
    Running {
        carrier,
        clock,
        kept,
        reports,
        stop: Some(stop),
        link,
    }
}

async fn bound(centre: &mut Peer) -> Running {
    let running = run(settings(centre.port));
    tokio::time::timeout(Duration::from_secs(10), running.carrier.bound())
        .await
        .expect("bound");
    running
}

fn sms(text: &str) -> notify::Outgoing {
    outgoing(
        phone(),
        Body::Sms {
            text: text.to_owned(),
        },
    )
}

#[tokio::test]
async fn a_long_russian_text_arrives_whole() {
    let mut centre = Peer::node("smpp-centre.cjs", &[]).await;
    let mut running = bound(&mut centre).await;
    assert_eq!(centre.event("bind").await["version"], 0x34);

    let mut message = sms(LONG);
    message.worthless_after = running.clock.now().checked_add(Duration::from_secs(285));
    let handed = running.carrier.deliver(&message).await.unwrap();
    let first = centre.event("part").await;
    let second = centre.event("part").await;
    let whole = centre.event("message").await;
    assert_eq!(whole["text"], LONG);
    assert_eq!(whole["to"], "79001234567");
    assert_eq!(whole["from"], "KABINET");
    assert_eq!(whole["source_ton"], 5);
    assert_eq!((&whole["parts"], &whole["coding"]), (&json!(2), &json!(8)));
    // A receipt for the last part only; nothing but the header flag in esm_class.
    assert_eq!(
        (&first["registered"], &second["registered"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(first["esm_class"], 0x40);
    assert_eq!(handed.reference.as_deref(), Some("m2"));

    centre
        .order(json!({"do": "receipt", "id": "m2", "stat": "DELIVRD", "tlv": true}))
        .await;
    let report = running.reports.recv().await.unwrap();
    assert_eq!(
        (report.reference.as_str(), report.state),
        ("m2", ReportState::Delivered)
    );
    assert_eq!(centre.event("receipt_answer").await["status"], 0);

    let latin = running
        .carrier
        .deliver(&sms("Code 123456 [GSM] 5€"))
        .await
        .unwrap();
    let one = centre.event("message").await;
    assert_eq!(
        (&one["text"], &one["coding"]),
        (&json!("Code 123456 [GSM] 5€"), &json!(0))
    );
    assert_eq!(one["esm_class"], 0);
    assert_eq!(latin.reference.as_deref(), Some("m3"));
}

#[tokio::test]
async fn a_long_text_as_payload() {
    let mut centre = Peer::node("smpp-centre.cjs", &[]).await;
    let mut settings = settings(centre.port);
    settings.long_texts = LongTexts::Payload;
    let running = run(settings);
    running.carrier.bound().await;
    running.carrier.deliver(&sms(LONG)).await.unwrap();
    let whole = centre.event("message").await;
    assert_eq!(
        (&whole["text"], &whole["payload"]),
        (&json!(LONG), &json!(true))
    );
}

/// A receipt that could not be kept is answered "temporary", so it comes again.
#[tokio::test]
async fn receipts_are_answered_after_they_are_kept() {
    let mut centre = Peer::node("smpp-centre.cjs", &[]).await;
    let mut running = bound(&mut centre).await;
    running
        .kept
        .refuse
        .store(true, std::sync::atomic::Ordering::SeqCst);
    let receipt = json!({"do": "receipt", "id": "m9", "stat": "UNDELIV"});
    centre.order(receipt.clone()).await;
    assert_eq!(centre.event("receipt_answer").await["status"], 0x64);
    centre.order(receipt).await;
    assert_eq!(centre.event("receipt_answer").await["status"], 0);
    let report = running.reports.recv().await.unwrap();
    assert_eq!(
        report.state,
        ReportState::Failed(FailureReason::Undeliverable)
    );
}

/// F7: throttling, silence and refusals are told apart.
#[tokio::test]
async fn every_kind_of_no() {
    let mut centre = Peer::node("smpp-centre.cjs", &[]).await;
    let running = bound(&mut centre).await;
    centre.order(json!({"do": "throttle"})).await;
    centre.order(json!({"do": "status", "status": 0x0B})).await;
    centre.order(json!({"do": "status", "status": 0x08})).await;
    centre.order(json!({"do": "status", "status": 0x45})).await;
    centre.order(json!({"do": "status", "status": 0x01})).await;
    centre.order(json!({"do": "silent"})).await;
    // The orders came by another way than the messages will.
    tokio::time::sleep(Duration::from_millis(200)).await;

    let throttled = running.carrier.deliver(&sms("a")).await.unwrap_err();
    assert!(matches!(
        throttled,
        SendError::Transient {
            code: "throttled",
            retry_after: Some(_)
        }
    ));
    assert!(!throttled.is_fault());
    let next = async || running.carrier.deliver(&sms("a")).await.unwrap_err();
    assert_eq!(next().await, SendError::Permanent(Refusal::NoSuchAddress));
    assert!(next().await.is_fault(), "system error");
    assert!(next().await.is_fault(), "submit failed");
    assert_eq!(next().await, SendError::Permanent(Refusal::Rejected));
    assert_eq!(next().await, SendError::Unknown { code: "no_answer" });
    running.carrier.deliver(&sms("b")).await.unwrap();
}

/// The line comes back by itself after a cut, and signs of life go over it.
#[tokio::test]
async fn the_line_comes_back() {
    let mut centre = Peer::node("smpp-centre.cjs", &[]).await;
    let running = bound(&mut centre).await;
    centre.event("bind").await;
    centre.event("alive").await;
    centre.order(json!({"do": "drop"})).await;
    centre.event("closed").await;
    centre.event("bind").await;
    running.carrier.bound().await;
    running.carrier.deliver(&sms("снова")).await.unwrap();
    assert_eq!(centre.event("message").await["text"], "снова");
}

/// A line cut while a message waits for its answer: nobody knows (F7).
#[tokio::test]
async fn cut_after_sending_is_unknown() {
    let mut centre = Peer::node("smpp-centre.cjs", &[]).await;
    let running = bound(&mut centre).await;
    centre.order(json!({"do": "silent"})).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let carrier = running.carrier.clone();
    let sent = tokio::spawn(async move { carrier.deliver(&sms("a")).await });
    centre.event("message").await;
    centre.order(json!({"do": "drop"})).await;
    assert_eq!(
        sent.await.unwrap(),
        Err(SendError::Unknown { code: "line_lost" })
    );
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_hammered() {
    let mut centre = Peer::node("smpp-centre.cjs", &[]).await;
    let mut settings = settings(centre.port);
    settings.password = "wrong".to_owned().into();
    let running = run(settings);
    centre.event("refused").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(running.carrier.state(), LinkState::Refused);
    let error = running.carrier.deliver(&sms("a")).await.unwrap_err();
    assert_eq!(error.code(), "login_refused");
}

/// F7: without a line the answer comes at once, so nobody waits for it.
#[tokio::test]
async fn without_a_line_the_answer_is_at_once() {
    let running = run(settings(9));
    let started = std::time::Instant::now();
    let error = running.carrier.deliver(&sms("a")).await.unwrap_err();
    assert_eq!(
        error,
        SendError::Transient {
            code: "no_line",
            retry_after: None
        }
    );
    assert!(started.elapsed() < Duration::from_millis(100));
}

/// TLS by the operator's own root; a certificate nobody vouches for is refused.
#[tokio::test]
async fn over_tls() {
    let directory = tempfile::tempdir().unwrap();
    let (cert, key) = certificate(directory.path());
    let mut centre = Peer::node("smpp-centre.cjs", &[("TLS_KEY", &key), ("TLS_CERT", &cert)]).await;
    let with = |roots: Option<&str>| {
        let mut settings = settings(centre.port);
        settings.tls = true;
        settings.roots = roots.map(Into::into);
        run(settings)
    };
    let stranger = with(None);
    let known = with(Some(&cert));
    tokio::time::timeout(Duration::from_secs(10), known.carrier.bound())
        .await
        .expect("bound");
    known.carrier.deliver(&sms("по TLS")).await.unwrap();
    assert_eq!(centre.event("message").await["text"], "по TLS");
    assert_eq!(stranger.carrier.state(), LinkState::Down);
}

/// The contract's rate is kept: eleven messages at ten a second take a second.
#[tokio::test]
async fn not_faster_than_the_contract() {
    let mut centre = Peer::node("smpp-centre.cjs", &[]).await;
    let mut settings = settings(centre.port);
    settings.messages_per_second = 10;
    let running = run(settings);
    running.carrier.bound().await;
    centre.event("bind").await;
    let started = std::time::Instant::now();
    for _ in 0..11 {
        running.carrier.deliver(&sms("a")).await.unwrap();
    }
    assert!(
        started.elapsed() >= Duration::from_millis(950),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn stopping_says_goodbye() {
    let mut centre = Peer::node("smpp-centre.cjs", &[]).await;
    let mut running = bound(&mut centre).await;
    running.stop.take().unwrap().send(()).unwrap();
    centre.event("unbind").await;
    tokio::time::timeout(Duration::from_secs(3), running.link)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(running.carrier.state(), LinkState::Down);
}

#[test]
fn impossible_settings_are_found_at_start() {
    struct Nowhere;
    #[async_trait::async_trait]
    impl Reports for Nowhere {
        async fn delivery(&self, _: DeliveryReport) -> Result<(), NotKept> {
            Ok(())
        }
    }
    for (field, value) in [
        ("password", json!("123456789")),
        ("system_id", json!("кабинет")),
        ("sender", json!("")),
        ("sender", json!("КАБИНЕТ")),
        ("answer_seconds", json!(0)),
    ] {
        let mut raw = json!({"host": "h", "system_id": "k", "password": "p", "sender": "S"});
        raw[field] = value;
        let settings: SmppSettings = serde_json::from_value(raw).unwrap();
        assert!(
            Smpp::new(settings, TestClock::new(), Arc::new(Nowhere)).is_err(),
            "{field}"
        );
    }
}
