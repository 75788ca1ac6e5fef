//! The benches run, with sizes so small that nothing is measured: code that is run once a year rots. What is no
//! matter of speed is asserted here: bytes of a first visit (bars of the product: 90 KB, 15 KB of scripts).

use std::time::Duration;

use db::Engine;

/// As short as still lets every caller be answered.
const MOMENT: Duration = Duration::from_millis(400);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfers_by_the_seam_and_by_hand() {
    let ratios = benches::db::run(MOMENT).await;
    assert_eq!(ratios.len(), 7);
    for ratio in ratios {
        assert!(ratio.seam > 0.0 && ratio.raw > 0.0, "{ratio}");
    }
}

/// More than sign in within a moment: nobody asks twice in it.
const SIGNING_IN: usize = 256;

/// A crowd whose sessions the real program accepts, and sign-ins among it.
async fn house_with_a_crowd(engine: Engine) {
    let (house, tokens) = benches::live::house(engine, 100).await;
    assert_eq!(tokens.len(), 100);
    let asked = benches::live::run(&house, &tokens, MOMENT).await;
    assert!(asked.done > 0 && asked.p99 >= asked.p50);
    let signed_in = benches::front_door::run(&house, engine, SIGNING_IN, MOMENT).await;
    assert!(signed_in.done > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_house_on_sqlite() {
    house_with_a_crowd(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_house_on_postgres() {
    house_with_a_crowd(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_visit_is_light() {
    let (all, scripts) = benches::first_visit::run(1).await;
    assert!((1_000..=90_000).contains(&all), "{all} bytes");
    assert!(scripts <= 15_000, "{scripts} bytes of scripts");
}
