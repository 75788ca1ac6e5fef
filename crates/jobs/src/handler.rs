//! Handlers without their types, so that one runner holds them all.

use std::{marker::PhantomData, sync::Arc, time::Duration};

use async_trait::async_trait;
use vault::Vault;

use crate::{Handler, Job, JobError, Lease, job::purpose};

/// A handler of some kind, fed with sealed bytes.
#[async_trait]
pub(crate) trait Erased: Send + Sync {
    async fn run(&self, vault: &Vault, sealed: &[u8], lease: &Lease) -> Result<(), JobError>;
}

/// What the runner knows about a kind.
#[derive(Clone)]
pub(crate) struct Kind {
    pub(crate) handler: Arc<dyn Erased>,
    pub(crate) tries_max: u32,
    pub(crate) time_max: Duration,
}

impl Kind {
    pub(crate) fn of<J: Job>(handler: impl Handler<J>) -> Self {
        Self {
            handler: Arc::new(Typed(handler, PhantomData::<fn(J)>)),
            tries_max: J::TRIES_MAX.max(1),
            time_max: J::TIME_MAX,
        }
    }
}

struct Typed<J, H>(H, PhantomData<fn(J)>);

#[async_trait]
impl<J: Job, H: Handler<J>> Erased for Typed<J, H> {
    async fn run(&self, vault: &Vault, sealed: &[u8], lease: &Lease) -> Result<(), JobError> {
        // Both may be right for a newer program that shares this database, so they are tried again.
        let again = |code| JobError::Again { code, after: None };
        let job: J = {
            let opened = vault
                .open_system(&purpose(J::KIND), sealed)
                .map_err(|_| again("jobs.sealed"))?;
            // The text of the error may quote the payload: it goes nowhere.
            serde_json::from_slice(&opened).map_err(|_| again("jobs.payload"))?
        };
        self.0.run(job, lease).await
    }
}
