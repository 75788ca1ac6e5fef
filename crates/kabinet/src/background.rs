//! What the server does between requests.

use std::sync::Arc;
use std::time::Duration;

use db::Db;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::failure::Failure;
use crate::house::{self, Clocks, House};
use crate::supervisor::Supervisor;
use crate::wiring::{Wired, carriers::Carriers, work};

/// How often the clock's mark is raised and the verdicts of the whole installation are read.
const OFTEN: Duration = Duration::from_secs(5);

/// Starts everything that runs on its own in each process.
pub(crate) fn start(
    supervisor: &Supervisor,
    house: &House,
    wired: &Wired,
    metrics: PrometheusHandle,
) {
    let (db, honest) = (house.db.clone(), Arc::clone(&house.honest));
    supervisor.every("clock.mark", OFTEN, move || {
        let (db, honest) = (db.clone(), Arc::clone(&honest));
        async move {
            let mut disagrees = honest.disagrees();
            if let Ok(Clocks::Differ(by)) = house::clocks(&db, &honest).await {
                tracing::error!("{}", house::differ_text(by));
                disagrees = true;
            }
            metrics::gauge!("kabinet_clock_disagrees").set(f64::from(u8::from(disagrees)));
            raise_mark(&db).await;
        }
    });
    let (db, env) = (house.db.clone(), wired.env.clone());
    supervisor.every("breaker.refresh", OFTEN, move || {
        let (db, env) = (db.clone(), env.clone());
        async move {
            let read = identity_service::breaker::refresh(&db, &env.breaker, &env.policy).await;
            if let Err(error) = read {
                tracing::warn!(%error, "the state of the breaker could not be read");
            }
        }
    });
    supervisor.every("metrics.upkeep", OFTEN, move || {
        metrics.run_upkeep();
        std::future::ready(())
    });
}

/// Starts the lines of carriers and the runner of jobs.
pub(crate) fn start_jobs(
    supervisor: &Supervisor,
    house: &House,
    wired: &Wired,
    carriers: Carriers,
) -> Result<jobs::Running, Failure> {
    let runner = work::runner(house, &wired.env, carriers.ways())?;
    let stop = supervisor.stopped();
    for link in carriers.links(move || Box::pin(stop.clone().cancelled_owned())) {
        supervisor.once(link);
    }
    Ok(runner.start())
}

/// Writes the present time down, so that a restart goes on from it (F9).
pub(crate) async fn raise_mark(db: &Db) {
    if let Err(error) = db.raise_clock_mark().await {
        tracing::warn!(%error, "the clock's mark could not be raised");
    }
}
