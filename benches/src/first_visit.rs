//! A first visit in a real browser: what is loaded, and how long a slow phone takes to show it.

use std::time::Duration;

use db::Engine;
use serde_json::{Value, json};
use testkit::browser::{Browser, Look};

use crate::house::House;

/// Slow 4G as page tests define it: 150 ms to the server and back, 1.6 Mbit/s down, 750 kbit/s up.
const SLOW_4G: (f64, f64, f64) = (150.0, 1_600_000.0, 750_000.0);
/// The preset of that name in the browser's own tools: each request waits 562.5 ms, 90 % of the rates.
const PRESET: (f64, f64, f64) = (562.5, 1_440_000.0, 675_000.0);
/// How much slower a simple phone is than this machine.
const CPU_RATE: u32 = 4;

/// Kilobytes over the wire, by the browser's own count: headers and compressed bodies.
const WEIGHT: &str = "(() => {
    const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    const sum = list => list.reduce((n, e) => n + e.transferSize, 0);
    const of = end => sum(all.filter(e => new URL(e.name).pathname.endsWith(end)));
    return JSON.stringify({ all: sum(all), requests: all.length, js: of('.js'), css: of('.css'), fonts: of('.woff2') });
})()";

const LARGEST_PAINT: &str = "new Promise(done => {
    let last = 0;
    new PerformanceObserver(list => { for (const e of list.getEntries()) last = e.startTime; })
        .observe({ type: 'largest-contentful-paint', buffered: true });
    setTimeout(() => done(last), 1500);
})";

/// One visit with an empty profile and cache.
async fn visit(url: &str, slow: Option<(f64, f64, f64)>) -> (f64, Value) {
    let browser = Browser::open(Look::PHONE).await;
    browser.cdp("Network.enable", json!({})).await;
    if let Some((latency, down, up)) = slow {
        let network = json!({
            "offline": false, "latency": latency,
            "downloadThroughput": down / 8.0, "uploadThroughput": up / 8.0,
        });
        browser
            .cdp("Network.emulateNetworkConditions", network)
            .await;
        browser
            .cdp(
                "Emulation.setCPUThrottlingRate",
                json!({ "rate": CPU_RATE }),
            )
            .await;
    }
    browser.goto(url).await.expect("the page opens");
    browser
        .evaluate("document.fonts.ready.then(() => true)")
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let weight = browser.evaluate(WEIGHT).await;
    let weight = serde_json::from_str(weight.as_str().unwrap_or("{}")).expect("an object");
    let paint = browser.evaluate(LARGEST_PAINT).await;
    (paint.as_f64().unwrap_or(0.0), weight)
}

async fn median_paint(url: &str, visits: usize, slow: Option<(f64, f64, f64)>) -> f64 {
    let mut times = Vec::new();
    for _ in 0..visits {
        times.push(visit(url, slow).await.0);
    }
    times.sort_unstable_by(f64::total_cmp);
    times.get(visits / 2).copied().unwrap_or(0.0)
}

/// The door, visited so many times in each way. Printed line by line; answers the bytes of a first visit: all
/// and of scripts.
pub async fn run(visits: usize) -> (u64, u64) {
    let house = House::new(Engine::Sqlite);
    let server = house.serve();
    let url = format!("{}/sign-in", server.url());
    let (_, weight) = visit(&url, None).await;
    println!("first visit of the door, bytes over the wire: {weight}");
    println!(
        "  largest paint, this machine: {:.0} ms",
        median_paint(&url, visits, None).await
    );
    println!(
        "  largest paint, processor {CPU_RATE} times slower, 150 ms and 1.6 Mbit/s: {:.0} ms",
        median_paint(&url, visits, Some(SLOW_4G)).await
    );
    println!(
        "  the same by the browser's preset (562 ms for each request): {:.0} ms",
        median_paint(&url, visits, Some(PRESET)).await
    );
    let bytes = |name: &str| weight[name].as_u64().unwrap_or_default();
    (bytes("all"), bytes("js"))
}
