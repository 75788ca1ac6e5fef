//! Messages from the transaction that wants them to their end, on both engines.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use db::{BoxFuture, Db, DbError, WriteTx};
use jobs::{Periodic as _, Runner, RunnerSettings};
use kernel::{Clock as _, Email, Identifier, Locale, MessageId, Phone};
use notify::outbox::{self, subject};
use notify::simulated::SimulatedPhone;
use notify::texts::{CodePurpose, Composer, LinkPath, MessageText, SecurityEvent};
use notify::{
    Carrier, Channel, Courier, Delivery, DeliveryReport, DeliveryState, FailureReason, Handed,
    Keeper, LearntCodes, Message, Outgoing, Refusal, ReportState, Reports as _, SendError,
    Suppression, Ways, delivery, send,
};
use parking_lot::Mutex;
use testkit::TestDb;

/// A carrier that answers as it was told, then takes everything.
#[derive(Default)]
struct Scripted {
    plan: Mutex<VecDeque<Result<Handed, SendError>>>,
    sent: Mutex<Vec<Outgoing>>,
}

impl Scripted {
    fn says(&self, answers: impl IntoIterator<Item = Result<Handed, SendError>>) {
        self.plan.lock().extend(answers);
    }
    fn count(&self) -> usize {
        self.sent.lock().len()
    }
}

#[async_trait]
impl Carrier for Scripted {
    async fn deliver(&self, message: &Outgoing) -> Result<Handed, SendError> {
        self.sent.lock().push(message.clone());
        let number = self.count();
        self.plan.lock().pop_front().unwrap_or(Ok(Handed {
            reference: Some(format!("r{number}")),
            calling_number: None,
        }))
    }
    fn name(&self) -> &'static str {
        "scripted"
    }
}

struct House {
    db: TestDb,
    carrier: Arc<Scripted>,
    ways: Ways,
    runner: Runner,
    reports: Keeper,
}

#[derive(Default)]
struct Learnt(Mutex<Vec<(MessageId, String)>>);
impl LearntCodes for Learnt {
    fn learnt<'t>(
        &'t self,
        _: &'t mut WriteTx,
        _: &'t [u8; 32],
        id: MessageId,
        number: &'t str,
    ) -> BoxFuture<'t, Result<(), DbError>> {
        Box::pin(async move {
            self.0.lock().push((id, number.to_owned()));
            Ok(())
        })
    }
}

fn runner(db: &TestDb, ways: &Ways, learnt: Option<Arc<dyn LearntCodes>>) -> Runner {
    let composer = Composer::new(
        &serde_json::from_value(serde_json::json!({"origin": "https://kabinet.example"})).unwrap(),
    );
    let courier = Courier::new(
        db.db(),
        testkit::vault(),
        composer.unwrap(),
        ways.clone(),
        learnt,
    );
    let settings = RunnerSettings {
        owner: "test".to_owned(),
        ..RunnerSettings::default()
    };
    courier.register(Runner::new(
        db.db(),
        testkit::vault(),
        db.chance().clone(),
        settings,
    ))
}

impl House {
    fn new(db: TestDb) -> Self {
        let carrier = Arc::new(Scripted::default());
        let all = Channel::ALL.map(|channel| (channel, carrier.clone() as Arc<dyn Carrier>));
        let ways = Ways::new(all.into());
        let runner = runner(&db, &ways, None);
        let reports = Keeper::new(db.db(), "scripted");
        Self {
            carrier,
            ways,
            runner,
            reports,
            db,
        }
    }

    async fn send(&self, message: Message) -> MessageId {
        queue(&self.db, message).await
    }

    async fn state(&self, id: MessageId) -> Delivery {
        look(&self.db, id).await.unwrap()
    }

    /// Runs what is due, moving the clock on until nothing is left to do or the time is over.
    async fn run_for(&self, span: Duration) {
        let end = self.db.clock().now().saturating_add(span);
        loop {
            self.runner.run_due().await;
            if self.db.clock().now() >= end {
                return;
            }
            self.db.clock().advance(Duration::from_secs(1));
        }
    }

    async fn report(&self, reference: &str, state: ReportState) {
        let at = self.db.clock().now();
        let report = DeliveryReport {
            reference: reference.to_owned(),
            state,
            at,
        };
        self.reports.delivery(report).await.unwrap();
    }
}

async fn queue(db: &TestDb, message: Message) -> MessageId {
    let chance: Arc<dyn kernel::Chance> = db.chance().clone();
    db.write(
        "test.send",
        (message, testkit::vault(), chance),
        |tx, (message, vault, chance)| {
            Box::pin(async move { send(tx, vault, &**chance, message).await })
        },
    )
    .await
    .unwrap()
}

async fn look(db: &Db, id: MessageId) -> Option<Delivery> {
    let found = db.read("test.look", id, |tx, id| {
        Box::pin(async move { delivery(tx, &[*id]).await })
    });
    found.await.map_err(|error: DbError| error).unwrap().pop()
}

fn phone() -> Identifier {
    Identifier::Phone(Phone::parse("+79001234567").unwrap())
}

fn email() -> Identifier {
    Identifier::Email(Email::parse("ivan@example.ru").unwrap())
}

fn code(to: Identifier, channel: Channel) -> Message {
    Message {
        to,
        channel,
        locale: Locale::Ru,
        text: MessageText::Code {
            purpose: CodePurpose::SignIn,
            code: Some("123456".to_owned()),
            number: 1,
            object: None,
            minutes: 5,
        },
        worthless_after: None,
    }
}

fn notice(to: Identifier, channel: Channel) -> Message {
    Message {
        text: MessageText::Security {
            event: SecurityEvent::NewDevice,
            at: kernel::Timestamp::from_secs(1_790_000_000),
            object: None,
            device: None,
            place: None,
            not_me: LinkPath::new("/n/x").unwrap(),
        },
        ..code(to, channel)
    }
}

const FAULT: SendError = SendError::Transient {
    code: "gateway_error",
    retry_after: None,
};
const UNKNOWN: SendError = SendError::Unknown { code: "no_answer" };

testkit::both_engines! {
    /// ID-2: what is known of delivery, step by step.
    async fn from_queued_to_delivered(db: TestDb) {
        let house = House::new(db);
        let start = house.db.clock().now();
        let id = house.send(code(phone(), Channel::Sms)).await;
        let known = house.state(id).await;
        assert_eq!((known.state, known.queued_at, known.handed_at), (DeliveryState::Queued, start, None));
        let later = house.db.clock().advance(Duration::from_secs(1));
        assert_eq!(house.runner.run_due().await, 1);
        let known = house.state(id).await;
        assert_eq!((known.state, known.handed_at, known.settled_at), (DeliveryState::Handed, Some(later), None));
        let later = house.db.clock().advance(Duration::from_secs(2));
        house.report("r1", ReportState::Underway).await;
        assert_eq!(house.state(id).await.state, DeliveryState::Handed);
        house.report("r1", ReportState::Delivered).await;
        let known = house.state(id).await;
        assert_eq!((known.state, known.settled_at, known.reason), (DeliveryState::Delivered, Some(later), None));
        // A24: a repeated or contradicting report changes nothing.
        house.report("r1", ReportState::Failed(FailureReason::Expired)).await;
        assert_eq!(house.state(id).await.state, DeliveryState::Delivered);
        assert_eq!(house.carrier.count(), 1);
        assert!(look(&house.db, MessageId::new(start, &**house.db.chance())).await.is_none());
    }

    /// A report may be quicker than our own note of whose it is.
    async fn a_report_before_its_time(db: TestDb) {
        let house = House::new(db);
        house.report("r1", ReportState::Failed(FailureReason::Undeliverable)).await;
        house.report("of somebody else", ReportState::Delivered).await;
        let id = house.send(code(phone(), Channel::Sms)).await;
        house.runner.run_due().await;
        let known = house.state(id).await;
        assert_eq!((known.state, known.reason.as_deref()), (DeliveryState::Failed, Some("undeliverable")));
        assert_eq!(known.handed_at, Some(house.db.clock().now()));
    }

    /// A message that its transaction took back is never sent.
    async fn undone_is_unsent(db: TestDb) {
        let house = House::new(db);
        let chance: Arc<dyn kernel::Chance> = house.db.chance().clone();
        let undone = house.db.write("test.undone", (code(phone(), Channel::Sms), testkit::vault(), chance), |tx, (message, vault, chance)| {
            Box::pin(async move {
                send(tx, vault, &**chance, message).await?;
                Err::<(), _>(DbError::Busy)
            })
        });
        assert_eq!(undone.await, Err(DbError::Busy));
        assert_eq!(house.runner.run_due().await, 0);
        assert_eq!(house.carrier.count(), 0);
    }

    /// F7: a carrier that fails is tried again with the same message.
    async fn tried_again_with_the_same_code(db: TestDb) {
        let house = House::new(db);
        house.carrier.says([Err(FAULT), Err(SendError::Transient { code: "throttled", retry_after: Some(Duration::from_secs(7)) })]);
        let id = house.send(code(phone(), Channel::Sms)).await;
        house.run_for(Duration::from_secs(30)).await;
        assert_eq!(house.state(id).await.state, DeliveryState::Handed);
        testkit::retried(&house.db, "notify.sms").await;
        let sent = house.carrier.sent.lock();
        assert_eq!(sent.len(), 3);
        assert!(sent.iter().all(|one| one.id == id && one.body == sent[0].body));
    }

    /// F7: an outcome nobody knows is repeated once: at most one duplicate.
    async fn unknown_is_repeated_once(db: TestDb) {
        let house = House::new(db);
        house.carrier.says([Err(UNKNOWN), Err(UNKNOWN)]);
        let id = house.send(notice(phone(), Channel::Sms)).await;
        house.run_for(Duration::from_secs(600)).await;
        assert_eq!(house.carrier.count(), 2);
        let known = house.state(id).await;
        assert_eq!((known.state, known.reason.as_deref()), (DeliveryState::Failed, Some("no_answer")));
    }

    /// F18: a code that is late is not sent, however long nobody was there.
    async fn late_codes_are_not_sent(db: TestDb) {
        let house = House::new(db);
        let id = house.send(code(phone(), Channel::Sms)).await;
        let mut short = code(phone(), Channel::Call);
        short.worthless_after = Some(house.db.clock().now().saturating_add(Duration::from_secs(60)));
        let short = house.send(short).await;
        let lasting = house.send(notice(phone(), Channel::Sms)).await;
        house.db.clock().advance(Duration::from_secs(61));
        house.runner.run_due().await;
        assert_eq!(house.state(short).await.state, DeliveryState::Expired);
        assert_eq!((house.state(id).await.state, house.state(lasting).await.state), (DeliveryState::Handed, DeliveryState::Handed));
        let id = house.send(code(phone(), Channel::Sms)).await;
        let count = house.carrier.count();
        house.db.clock().advance(Duration::from_secs(600));
        house.runner.run_due().await;
        assert_eq!((house.state(id).await.state, house.carrier.count()), (DeliveryState::Expired, count));
    }

    /// F18: after a restore nothing is sent that waited longer than ten minutes.
    async fn a_restore_sends_nothing_old(db: TestDb) {
        let house = House::new(db);
        let old = house.send(notice(phone(), Channel::Sms)).await;
        house.db.clock().advance(Duration::from_secs(601));
        let fresh = house.send(notice(phone(), Channel::Sms)).await;
        let expired = house.db.write("test.restore", (), |tx, ()| {
            Box::pin(outbox::after_restore(tx)) as BoxFuture<'_, Result<u64, DbError>>
        });
        assert_eq!(expired.await, Ok(1));
        house.runner.run_due().await;
        assert_eq!(house.state(old).await.state, DeliveryState::Expired);
        assert_eq!(house.state(fresh).await.state, DeliveryState::Handed);
        assert_eq!(house.carrier.count(), 1);
    }

    /// F7: after five failures the carrier rests, pages see it, and it comes back.
    async fn the_breaker_spares_a_broken_carrier(db: TestDb) {
        let house = House::new(db);
        house.carrier.says(std::iter::repeat_n(Err(FAULT), 5));
        let mut ids = Vec::new();
        // What is on its way when the fifth fails is not called back: the rest comes after it.
        for many in [5, 15] {
            for _ in 0..many {
                ids.push(house.send(notice(phone(), Channel::Sms)).await);
            }
            house.runner.run_due().await;
        }
        assert_eq!(house.carrier.count(), 5);
        assert!(!house.ways.is_up(Channel::Sms) && house.ways.is_up(Channel::Email) && house.ways.has(Channel::Sms));
        house.run_for(Duration::from_secs(120)).await;
        assert!(house.ways.is_up(Channel::Sms));
        for id in ids {
            assert_eq!(house.state(id).await.state, DeliveryState::Handed);
        }
    }

    /// F7: what cannot wait for a resting carrier fails at once, so the page offers another way.
    async fn a_code_does_not_wait_in_vain(db: TestDb) {
        let house = House::new(db);
        house.carrier.says(std::iter::repeat_n(Err(FAULT), 5));
        for _ in 0..5 {
            house.send(notice(phone(), Channel::Sms)).await;
        }
        house.runner.run_due().await;
        let mut message = code(phone(), Channel::Sms);
        message.worthless_after = Some(house.db.clock().now().saturating_add(Duration::from_secs(10)));
        let id = house.send(message).await;
        house.runner.run_due().await;
        let known = house.state(id).await;
        assert_eq!((known.state, known.reason.as_deref()), (DeliveryState::Failed, Some("carrier_rests")));
    }

    /// F8: a greylisting server is waited for; a letter arrives hours later.
    async fn greylisting_is_waited_out(db: TestDb) {
        let house = House::new(db);
        let grey = SendError::Transient { code: "later", retry_after: Some(Duration::from_secs(60)) };
        house.carrier.says(std::iter::repeat_n(Err(grey), 4));
        let id = house.send(notice(email(), Channel::Email)).await;
        for _ in 0..60 {
            house.runner.run_due().await;
            house.db.clock().advance(Duration::from_secs(60));
        }
        assert_eq!((house.state(id).await.state, house.carrier.count()), (DeliveryState::Handed, 5));
        testkit::retried(&house.db, "notify.email").await;
    }

    /// F8: a server that puts a letter off for ever is asked for a day and no longer; the address bears no mark.
    async fn a_letter_is_tried_for_a_day(db: TestDb) {
        let house = House::new(db);
        let later = SendError::Transient { code: "later", retry_after: None };
        house.carrier.says(std::iter::repeat_n(Err(later), 1_000));
        let begun = house.db.clock().now();
        let id = house.send(notice(email(), Channel::Email)).await;
        let mut tries = Vec::new();
        for _ in 0..26 * 60 {
            let before = house.carrier.count();
            house.runner.run_due().await;
            if house.carrier.count() > before {
                tries.push(house.db.clock().now().since(begun));
            }
            house.db.clock().advance(Duration::from_secs(60));
        }
        let known = house.state(id).await;
        assert!(matches!(known.state, DeliveryState::Expired | DeliveryState::Failed), "{known:?}");
        let last = *tries.last().unwrap();
        assert!(Duration::from_secs(1_800) < last && last <= Duration::from_secs(24 * 3_600), "{tries:?}");
        assert!((4..=40).contains(&tries.len()), "{tries:?}");
        let next = house.send(notice(email(), Channel::Email)).await;
        assert_eq!(house.state(next).await.reason, None, "not suppressed");
    }

    /// F7: a call that was not made is tried again, with the same code where we choose it.
    async fn a_call_is_tried_again(db: TestDb) {
        let house = House::new(db);
        house.carrier.says([Err(FAULT)]);
        let id = house.send(code(phone(), Channel::Call)).await;
        house.run_for(Duration::from_secs(10)).await;
        assert_eq!(house.state(id).await.state, DeliveryState::Handed);
        testkit::retried(&house.db, "notify.call").await;
        let sent = house.carrier.sent.lock();
        assert_eq!((sent.len(), sent[0].body == sent[1].body), (2, true));
    }

    /// F8: a hard bounce marks the address; a code is still tried, and its
    /// arrival lifts the mark.
    async fn a_hard_bounce_marks_the_address(db: TestDb) {
        let house = House::new(db);
        house.carrier.says([Err(SendError::Permanent(Refusal::NoSuchAddress))]);
        let bounced = house.send(code(email(), Channel::Email)).await;
        house.runner.run_due().await;
        let known = house.state(bounced).await;
        assert_eq!((known.state, known.reason.as_deref()), (DeliveryState::Failed, Some("no_such_address")));
        let unsent = house.send(notice(email(), Channel::Email)).await;
        assert_eq!(house.state(unsent).await.reason.as_deref(), Some("suppressed"));
        let tried = house.send(code(email(), Channel::Email)).await;
        house.runner.run_due().await;
        assert_eq!(house.state(tried).await.state, DeliveryState::Handed);
        let sent = house.send(notice(email(), Channel::Email)).await;
        house.runner.run_due().await;
        assert_eq!(house.state(sent).await.state, DeliveryState::Handed);
        assert_eq!(house.carrier.count(), 3);
    }

    /// A1: a letter that says nobody is here stands in a code's place, and whoever waits before the page sees
    /// how far it got: it is tried as long, as often and at the same moments as a code, greylisted or bounced.
    async fn a_letter_in_a_codes_place_fares_like_a_code(db: TestDb) {
        let house = House::new(db);
        let grey = || SendError::Transient { code: "later", retry_after: None };
        let gone = || SendError::Permanent(Refusal::NoSuchAddress);
        let life = Duration::from_secs(300);
        let mut seen: Vec<Vec<String>> = Vec::new();
        for text in [code(email(), Channel::Email).text, MessageText::NobodyHere { link: LinkPath::new("/sign-in").unwrap() }] {
            let mut states = Vec::new();
            for answers in [vec![grey(), grey(), grey()], vec![gone()], vec![grey()], vec![gone()], vec![UNKNOWN, UNKNOWN]] {
                house.carrier.says(answers.into_iter().map(Err));
                let start = house.db.clock().now();
                let worthless_after = Some(start.saturating_add(life));
                let id = house.send(Message { text: text.clone(), worthless_after, ..code(email(), Channel::Email) }).await;
                for second in 0..life.as_secs() {
                    house.runner.run_due().await;
                    let known = house.state(id).await;
                    let state = format!("{second} {:?} {:?}", known.state, known.reason);
                    states.push(state);
                    house.db.clock().advance(Duration::from_secs(1));
                }
            }
            seen.push(states);
        }
        assert!(seen[0].iter().any(|state| state.contains("Handed")) && seen[0].iter().any(|state| state.contains("no_such_address")));
        assert_eq!(seen[0], seen[1]);
    }

    /// A22: who asked not to be texted is not, by any purpose, until they say otherwise.
    async fn do_not_text_me(db: TestDb) {
        let house = House::new(db);
        let whose = subject(&testkit::vault(), &phone());
        let change = async |why: Suppression, stop: bool| {
            house.db.write("test.suppress", (whose, why, stop), |tx, (whose, why, stop)| Box::pin(async move {
                if *stop {
                    outbox::suppress(tx, whose, Channel::Sms, *why).await
                } else {
                    outbox::allow(tx, whose, Channel::Sms, *why).await
                }
            })).await.map_err(|error: DbError| error).unwrap();
        };
        change(Suppression::Asked, true).await;
        // A bounce neither replaces the wish nor lifts it.
        change(Suppression::Bounced, true).await;
        change(Suppression::Bounced, false).await;
        for message in [code(phone(), Channel::Sms), notice(phone(), Channel::Sms)] {
            let id = house.send(message).await;
            assert_eq!(house.state(id).await.reason.as_deref(), Some("suppressed"));
        }
        let call = house.send(code(phone(), Channel::Call)).await;
        house.runner.run_due().await;
        assert_eq!((house.state(call).await.state, house.carrier.count()), (DeliveryState::Handed, 1));
        change(Suppression::Asked, false).await;
        let id = house.send(code(phone(), Channel::Sms)).await;
        house.runner.run_due().await;
        assert_eq!(house.state(id).await.state, DeliveryState::Handed);
    }

    /// F11: two runners at once send each message once.
    async fn two_runners_send_once(db: TestDb) {
        let house = House::new(db);
        let other = runner(&house.db, &house.ways, None);
        for _ in 0..100 {
            house.send(notice(phone(), Channel::Sms)).await;
        }
        tokio::join!(house.runner.run_due(), other.run_due());
        house.runner.run_due().await;
        let sent = house.carrier.sent.lock();
        let mut ids: Vec<_> = sent.iter().map(|one| one.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!((sent.len(), ids.len()), (100, 100));
    }

    /// ID-2: a code that the gateway's number spells is told in the same transaction.
    async fn a_learnt_code_is_told(db: TestDb) {
        let house = House::new(db);
        let learnt = Arc::new(Learnt::default());
        let runner = runner(&house.db, &house.ways, Some(learnt.clone()));
        house.carrier.says([Ok(Handed { reference: None, calling_number: Some("+74951234567".to_owned()) })]);
        let id = house.send(code(phone(), Channel::Call)).await;
        runner.run_due().await;
        assert_eq!(*learnt.0.lock(), [(id, "+74951234567".to_owned())]);
    }

    /// The demo: the simulated phone shows the message, and it counts as delivered.
    async fn the_simulated_phone(db: TestDb) {
        let house = House::new(db);
        let reports = Arc::new(Keeper::new(house.db.db(), "simulated"));
        let phone_shown = SimulatedPhone::new(house.db.clock().clone(), Some(reports));
        let carrier: Arc<dyn Carrier> = Arc::new(phone_shown.clone());
        let ways = Ways::new(Channel::ALL.map(|channel| (channel, carrier.clone())).into());
        let runner = runner(&house.db, &ways, None);
        let first = house.send(code(phone(), Channel::Sms)).await;
        runner.run_due().await;
        let call = house.send(code(phone(), Channel::Call)).await;
        runner.run_due().await;
        let letter = house.send(code(email(), Channel::Email)).await;
        runner.run_due().await;
        let shown = phone_shown.messages();
        let ids: Vec<_> = shown.iter().map(|one| one.id).collect();
        assert_eq!(ids, [letter, call, first]);
        assert_eq!(shown[2].text.lines().last(), Some("@kabinet.example #123456"));
        assert_eq!(shown[1].text, "+74950123456");
        assert_eq!((shown[0].to.as_str(), shown[0].channel), ("ivan@example.ru", Channel::Email));
        let json = serde_json::to_value(&shown[2]).unwrap();
        assert_eq!(json["channel"], "sms");
        assert_eq!(json.as_object().unwrap().len(), 5);
        assert_eq!(house.state(first).await.state, DeliveryState::Delivered);
    }

    /// A18: neither code nor address stands in a table.
    async fn a18_nothing_to_read_in_the_tables(db: TestDb) {
        let house = House::new(db);
        house.send(code(phone(), Channel::Sms)).await;
        house.send(code(email(), Channel::Email)).await;
        let Some(file) = house.db.file() else { return };
        for name in std::fs::read_dir(file.parent().unwrap()).unwrap() {
            let bytes = std::fs::read(name.unwrap().path()).unwrap();
            for secret in ["123456", "9001234567", "ivan@example"] {
                assert!(!bytes.windows(secret.len()).any(|found| found == secret.as_bytes()), "{secret}");
            }
        }
    }

    async fn old_rows_are_forgotten(db: TestDb) {
        let house = House::new(db);
        let id = house.send(code(phone(), Channel::Sms)).await;
        house.runner.run_due().await;
        let cleanup = outbox::Cleanup::new(&house.db.db());
        cleanup.run().await.unwrap();
        assert!(look(&house.db, id).await.is_some());
        house.db.clock().advance(Duration::from_secs(31 * 24 * 3600));
        cleanup.run().await.unwrap();
        assert!(look(&house.db, id).await.is_none());
    }

    /// A22, F8: marks of letters that came back, which strangers can make, go after ninety days; what a person
    /// asked for stays.
    async fn old_bounces_are_forgotten(db: TestDb) {
        let house = House::new(db);
        let marks = [([1; 32], Suppression::Bounced), ([2; 32], Suppression::Asked)];
        for mark in marks {
            let done = house.db.write("test.suppress", mark, |tx, (subject, why)| {
                Box::pin(outbox::suppress(tx, subject, Channel::Email, *why)) as BoxFuture<'_, Result<(), DbError>>
            });
            done.await.unwrap();
        }
        let look = async |mark: ([u8; 32], Suppression)| {
            let found = house.db.read("test.look", mark, |tx, (subject, _)| {
                Box::pin(outbox::suppressed(tx, subject, Channel::Email)) as BoxFuture<'_, Result<Option<Suppression>, DbError>>
            });
            found.await.unwrap()
        };
        let cleanup = outbox::Cleanup::new(&house.db.db());
        house.db.clock().advance(Duration::from_secs(90 * 24 * 3600 - 1));
        cleanup.run().await.unwrap();
        assert_eq!(look(marks[0]).await, Some(Suppression::Bounced));
        house.db.clock().advance(Duration::from_secs(2));
        cleanup.run().await.unwrap();
        assert_eq!(look(marks[0]).await, None);
        assert_eq!(look(marks[1]).await, Some(Suppression::Asked));
    }
}
