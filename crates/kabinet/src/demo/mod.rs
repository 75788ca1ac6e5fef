//! `kabinet demo`: a whole installation in a folder, with a simulated phone and a clock that can be moved.

mod alias;
mod clock;
mod routes;
mod seed;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use config::Settings;
use identity_web::api::Gateways;
use kernel::Clock;
use notify::Keeper;
use notify::simulated::SimulatedPhone;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use vault::{KeyFile, KeyFileError, OsChance};

use crate::cli::DemoArgs;
use crate::commands::private_folder;
use crate::demo_views::Customer;
use crate::failure::{Failure, say};
use crate::house::{self, House, Missing};
use crate::operations::{self, Operations};
use crate::run::{self, Doors};
use crate::supervisor::Supervisor;
use crate::wiring::carriers::Carriers;
use crate::{background, routes as public_routes, wiring};

pub(crate) use clock::MovableClock;

/// Runs the demo until it is told to stop.
pub(crate) async fn demo(args: DemoArgs) -> Result<(), Failure> {
    let metrics = operations::count().map_err(Failure::failed)?;
    let listener = run::listen(args.listen).await?;
    let address = listener.local_addr().map_err(Failure::failed)?;
    let settings = settings(&args, address)?;
    make_keys(&settings)?;
    let mut movable = None;
    let house = house::open(settings, Missing::Made, |honest| {
        let clock = Arc::new(MovableClock::new(honest));
        movable = Some(Arc::clone(&clock));
        clock
    })
    .await?;
    house
        .db
        .migrate()
        .await
        .map_err(crate::commands::migrate_failure)?;
    house.need_our_key().await?;
    // A database that was used before has a mark, and keeps its people.
    let mark = house.db.clock_mark().await.map_err(Failure::failed)?;
    if mark == kernel::Timestamp::EPOCH && !args.empty {
        seed::seed(&house).await?;
        background::raise_mark(&house.db).await;
    }
    house.honour_clock(true).await?;
    house.settle_restore().await?;
    let movable = movable.ok_or_else(|| Failure::failed("no clock"))?;
    serve(&args, house, movable, listener, metrics).await
}

async fn serve(
    args: &DemoArgs,
    house: House,
    movable: Arc<MovableClock>,
    listener: tokio::net::TcpListener,
    metrics: metrics_exporter_prometheus::PrometheusHandle,
) -> Result<(), Failure> {
    let stop = CancellationToken::new();
    let keeper = Arc::new(Keeper::new(house.db.clone(), "simulated"));
    let phone = SimulatedPhone::new(Arc::clone(&house.clock), Some(keeper));
    let wired = wiring::wire(&house, true)?;
    let supervisor = Supervisor::new(stop.clone());
    background::start(&supervisor, &house, &wired, metrics.clone());
    let running = background::start_jobs(&supervisor, &house, &wired, Carriers::simulated(&phone))?;
    let operations = Operations {
        db: house.db.clone(),
        metrics,
        stopping: Arc::new(AtomicBool::new(false)),
    };
    let tools =
        routes::tools(phone, movable, !args.empty).merge(operations::probes(operations.clone()));
    let all = public_routes::public(&house, &wired, Gateways::default()).merge(tools);
    let router = alias::accept(
        public_routes::at_the_edge(all, &house, &wired),
        &house.settings.server.public_origin,
    );
    let ops = match args.operations_listen {
        Some(address) => Some((
            run::listen(address).await?,
            operations::routes(operations.clone()),
        )),
        None => None,
    };
    let origin = &house.settings.server.public_origin;
    say(&greeting(origin, !args.empty));
    let doors = Doors {
        public: (listener, router),
        operations: ops,
        safety: webkit::visit::safety_lines(&wired.site).into(),
    };
    run::until_signal(&house, doors, &operations, &supervisor, &stop, running).await
}

/// What the terminal says when all is ready.
fn greeting(origin: &str, has_customers: bool) -> String {
    let people =
        Customer::ALL.map(|customer| format!("    {}  {}\n", customer.phone, customer.about));
    let people = if has_customers {
        format!(
            "\nSample customers; any other number opens a new account:\n{}",
            people.concat()
        )
    } else {
        String::new()
    };
    format!(
        "\nThe demo is ready. Open this first:\n\n    {origin}/demo\n\n\
         The cabinet alone: {origin}   Its phone and mailbox: {origin}/demo/phone\n\
         {people}\nStop with Ctrl-C."
    )
}

/// The settings of a demo: everything in one folder, nothing outside.
fn settings(args: &DemoArgs, address: std::net::SocketAddr) -> Result<Settings, Failure> {
    // Variables may set limits, so that a test can ask for more than a person would.
    let mut settings = Settings::load(None).map_err(Failure::refused)?;
    private_folder(&args.data.join("keys"))?;
    settings.data.dir.clone_from(&args.data);
    settings.database.url = args.database.clone().map(SecretString::from);
    settings.server.listen = address;
    let host = if address.ip().is_loopback() || address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    };
    settings.server.public_origin = format!("http://{host}");
    "ООО «Кабинет»".clone_into(&mut settings.privacy.company_name);
    "+7 800 555-00-00".clone_into(&mut settings.privacy.support_phone);
    Ok(settings)
}

fn make_keys(settings: &Settings) -> Result<(), Failure> {
    let now = db::HonestClock::start().now();
    match KeyFile::create(&settings.master_key_file(), now, &OsChance) {
        Ok(_) | Err(KeyFileError::Exists(_)) => Ok(()),
        Err(error) => Err(Failure::failed(error)),
    }
}
