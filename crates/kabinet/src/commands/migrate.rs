//! `kabinet migrate`.

use std::sync::Arc;

use db::{HonestClock, MigrateError};
use kernel::Clock;

use crate::cli::ConfigArgs;
use crate::failure::{Failure, say};
use crate::house::{self, Missing, Needs};
use crate::progress;

/// Brings the schema up to date, and makes the database when there is none.
pub(crate) async fn migrate(args: ConfigArgs) -> Result<(), Failure> {
    let settings = house::settings(&args, Needs::Storage)?;
    let clock: Arc<dyn Clock> = Arc::new(HonestClock::start());
    let db = house::open_database(&settings, Missing::Made, clock).await?;
    let spinner = progress::spinner("bringing the schema up to date");
    let migrated = db.migrate().await;
    spinner.finish_and_clear();
    let migrated = migrated.map_err(failure)?;
    for name in &migrated.applied {
        say(&format!("applied {name}"));
    }
    say(&format!("the schema is at migration {}", migrated.at));
    db.close();
    Ok(())
}

/// A database that is not ours to change is a refusal; one that broke on the way is a failure.
pub(crate) fn failure(error: MigrateError) -> Failure {
    match error {
        MigrateError::Step { .. } | MigrateError::Db(_) => Failure::failed(error),
        _ => Failure::refused(error),
    }
}
