//! The demo starts on either engine from nothing, and again on what it left when it was killed.

use db::Engine;
use whole_product::demo::Demo;

async fn starts_and_starts_again(engine: Engine) {
    let mut demo = Demo::start(engine);
    for _ in 0..2 {
        let page = demo.http().get(demo.url("/sign-in")).send().await.unwrap();
        assert_eq!(page.status(), 200);
        demo.messages().await;
        demo.advance(std::time::Duration::from_secs(60)).await;
        println!("ready after {:?}", demo.server().ready_after());
        demo.kill_and_restart();
    }
    let status = demo.server().terminate(std::time::Duration::from_secs(10));
    assert!(
        status.success(),
        "SIGTERM is an order, not a failure: {status}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    starts_and_starts_again(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    starts_and_starts_again(Engine::Postgres).await;
}
