//! A104 by chance: any single tampering with any row is found, in its bucket and at its place.

mod common;

use audit::{Place, Problem};
use common::{Log, raw};
use db::params;
use proptest::prelude::*;
use testkit::TestDb;

const ROWS: i64 = 12;

#[derive(Debug, Clone)]
enum Tampering {
    Action(String),
    At(i64),
    Account(Option<Vec<u8>>),
    ActorKind(String),
    ActorId(Option<Vec<u8>>),
    Event(Vec<u8>),
    OnBehalf(Option<Vec<u8>>),
    Session(Option<Vec<u8>>),
    Details(Vec<u8>),
    Prev(Vec<u8>),
    Hash(Vec<u8>),
    Delete,
    SwapWith(i64),
    Cut,
    CutWithHead,
    Rehash,
    RehashTheRest,
}

fn tampering() -> impl Strategy<Value = Tampering> {
    use Tampering::{
        Account, Action, ActorId, ActorKind, At, Cut, CutWithHead, Delete, Details, Event, Hash,
        OnBehalf, Prev, Rehash, RehashTheRest, Session, SwapWith,
    };
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    let maybe = || prop::option::of(prop::collection::vec(any::<u8>(), 0..40));
    prop_oneof![
        "[a-z.]{0,20}".prop_map(Action),
        any::<i64>().prop_map(At),
        maybe().prop_map(Account),
        "[a-z]{0,10}".prop_map(ActorKind),
        maybe().prop_map(ActorId),
        bytes().prop_map(Event),
        maybe().prop_map(OnBehalf),
        maybe().prop_map(Session),
        bytes().prop_map(Details),
        bytes().prop_map(Prev),
        bytes().prop_map(Hash),
        Just(Delete),
        (1..=ROWS).prop_map(SwapWith),
        Just(Cut),
        Just(CutWithHead),
        Just(Rehash),
        Just(RehashTheRest),
    ]
}

/// Does it; answers the first row that is now wrong, or `None` when nothing changed or nobody can know.
async fn tamper(log: &Log, bucket: u8, seq: i64, tampering: &Tampering) -> Option<i64> {
    use Tampering as T;
    let before = log.values(bucket, seq).await;
    match tampering {
        T::Action(x) => log.raw(&raw::SET_ACTION, params![x, bucket, seq]).await,
        T::At(x) => log.raw(&raw::SET_AT, params![*x, bucket, seq]).await,
        T::Account(x) => {
            log.raw(&raw::SET_ACCOUNT, params![x.as_deref(), bucket, seq])
                .await
        }
        T::ActorKind(x) => log.raw(&raw::SET_ACTOR_KIND, params![x, bucket, seq]).await,
        T::ActorId(x) => {
            log.raw(&raw::SET_ACTOR_ID, params![x.as_deref(), bucket, seq])
                .await
        }
        T::Event(x) => log.raw(&raw::SET_EVENT, params![x, bucket, seq]).await,
        T::OnBehalf(x) => {
            log.raw(&raw::SET_ON_BEHALF, params![x.as_deref(), bucket, seq])
                .await
        }
        T::Session(x) => {
            log.raw(&raw::SET_SESSION, params![x.as_deref(), bucket, seq])
                .await
        }
        T::Details(x) => log.raw(&raw::SET_DETAILS, params![x, bucket, seq]).await,
        T::Prev(x) => log.raw(&raw::SET_PREV, params![x, bucket, seq]).await,
        T::Hash(x) => log.raw(&raw::SET_HASH, params![x, bucket, seq]).await,
        T::Delete => {
            log.raw(&raw::DELETE, params![bucket, seq]).await;
            return Some(seq);
        }
        T::SwapWith(other) if *other == seq => return None,
        T::SwapWith(other) => {
            log.raw(&raw::MOVE, params![1000_i64, bucket, seq]).await;
            log.raw(&raw::MOVE, params![seq, bucket, *other]).await;
            log.raw(&raw::MOVE, params![*other, bucket, 1000_i64]).await;
            return Some(seq.min(*other));
        }
        T::Cut => {
            log.raw(&raw::CUT, params![bucket, seq]).await;
            return (seq < ROWS).then_some(seq + 1);
        }
        T::CutWithHead => {
            log.cut_after(bucket, seq).await;
            // What no seal covers yet can be cut off unseen: that is why there is one every minute.
            return (seq < 8).then_some(seq + 1);
        }
        T::Rehash => {
            let (_, _, head) = log.row(bucket, ROWS).await;
            log.rewrite_from(bucket, seq, seq).await;
            log.raw(&raw::HEAD, params![ROWS, &head, bucket]).await;
            return Some(seq);
        }
        T::RehashTheRest => {
            log.rewrite_from(bucket, seq, ROWS).await;
            return (seq <= 8).then_some(seq);
        }
    }
    let same = before == log.values(bucket, seq).await;
    (!same).then_some(seq)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Rows 1–4 are in the first seal, 5–8 in the second, 9–12 in none.
    #[test]
    fn any_tampering_is_found_where_it_is(seq in 1..=ROWS, second: bool, tampering in tampering()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (bad, report) = runtime.block_on(async {
            let log = Log::new(TestDb::sqlite().await);
            for round in 0..3 {
                log.fill(11, 4).await;
                log.fill(42, 4).await;
                if round < 2 {
                    log.seal().await;
                }
            }
            let bucket = if second { 42 } else { 11 };
            let bad = tamper(&log, bucket, seq, &tampering).await;
            (bad.map(|bad| (bucket, bad)), log.verify().await)
        });
        match (bad, report.problems.as_slice()) {
            (None, []) => {}
            (Some((bucket, bad)), [Problem { place: Place::Entry { bucket: named, seq, from }, .. }]) => {
                prop_assert_eq!(*named, bucket);
                // Named exactly, unless it was hashed anew: then as closely as the seals are.
                let named = if from == seq { bad == *seq } else { (*from..=*seq).contains(&bad) && seq - from < 4 };
                prop_assert!(named, "row {} named {}", bad, report);
                prop_assert!(matches!(tampering, Tampering::Rehash | Tampering::RehashTheRest) || bad == *seq, "{}", report);
            }
            (bad, _) => prop_assert!(false, "{:?}: {}", bad, report),
        }
    }
}
