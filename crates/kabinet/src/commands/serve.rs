//! `kabinet serve`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kernel::Clock;
use tokio_util::sync::CancellationToken;

use crate::cli::ServeArgs;
use crate::failure::Failure;
use crate::house::{self, Missing, Needs};
use crate::operations::{self, Operations};
use crate::run::{self, Doors};
use crate::supervisor::Supervisor;
use crate::wiring::carriers::Carriers;
use crate::{background, routes, wiring};

/// Checks everything, then serves until it is told to stop.
pub(crate) async fn serve(args: ServeArgs) -> Result<(), Failure> {
    let settings = house::settings(&args.config, Needs::Everything)?;
    let missing = if args.migrate {
        Missing::Made
    } else {
        Missing::Refused
    };
    let house = house::open(settings, missing, |honest| honest as Arc<dyn Clock>).await?;
    if args.migrate {
        house.db.migrate().await.map_err(super::migrate::failure)?;
    }
    house.need_schema().await?;
    house.need_our_key().await?;
    house.honour_clock(args.accept_clock).await?;
    house.settle_restore().await?;
    let metrics = operations::count().map_err(Failure::failed)?;
    let stop = CancellationToken::new();
    let mut carriers = Carriers::of(&house)?;
    let wired = wiring::wire(&house, false)?;
    let supervisor = Supervisor::new(stop.clone());
    let operations = Operations {
        db: house.db.clone(),
        metrics: metrics.clone(),
        stopping: Arc::new(AtomicBool::new(false)),
    };
    let server = &house.settings.server;
    let private = run::listen(server.operations_listen).await?;
    let public = run::listen(server.listen).await?;
    let router = routes::at_the_edge(
        routes::public(&house, &wired, carriers.gateways()),
        &house,
        &wired,
    );
    let running = background::start_jobs(&supervisor, &house, &wired, carriers)?;
    background::start(&supervisor, &house, &wired, metrics);
    tracing::info!(listen = %server.listen, operations = %server.operations_listen, "ready");
    let doors = Doors {
        public: (public, router),
        operations: Some((private, operations::routes(operations.clone()))),
        safety: webkit::visit::safety_lines(&wired.site).into(),
    };
    run::until_signal(&house, doors, &operations, &supervisor, &stop, running).await
}
