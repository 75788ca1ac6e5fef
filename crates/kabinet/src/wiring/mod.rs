//! Settings turned into what the areas want.

pub(crate) mod carriers;
mod places;
mod policy;
pub(crate) mod work;

use std::num::NonZeroUsize;
use std::sync::Arc;

use identity_core::Policy;
use identity_service::{Env, breaker::Breaker};
use vault::{Cost, Crowd, Hasher};
use webkit::Site;

use crate::failure::Failure;
use crate::house::House;

/// Everything the routes and the background tasks stand on.
#[derive(Clone)]
pub(crate) struct Wired {
    pub(crate) env: Env,
    pub(crate) site: Arc<Site>,
}

/// The pool of slow hashes.
fn hasher(house: &House) -> Result<Hasher, Failure> {
    let hashing = &house.settings.hashing;
    let kib = hashing.memory_mib.saturating_mul(1_024);
    let cost = Cost::new(kib, hashing.passes).map_err(Failure::refused)?;
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let usual = Crowd::default().at_once;
    let crowd = Crowd {
        at_once: NonZeroUsize::new(size(hashing.at_once)).unwrap_or(usual),
        waiting: size(hashing.waiting),
    };
    Hasher::start(&house.vault, Arc::clone(&house.chance), cost, crowd).map_err(Failure::failed)
}

/// Puts the parts together.
pub(crate) fn wire(house: &House, is_demo: bool) -> Result<Wired, Failure> {
    let settings = &house.settings;
    let env = Env {
        vault: house.vault.clone(),
        hasher: hasher(house)?,
        chance: Arc::clone(&house.chance),
        policy: Arc::new(Policy {
            channels: carriers::channels(settings, is_demo),
            calls_learnt: !is_demo && carriers::calls_learnt(&settings.call),
            ..policy::of(&settings.limits)
        }),
        breaker: Arc::new(Breaker::default()),
        origin: settings.server.public_origin.as_str().into(),
        consent_version: settings.privacy.consent_version.as_str().into(),
    };
    let site = Arc::new(Site {
        origin: settings.server.public_origin.clone(),
        server: Arc::new(settings.server.clone()),
        clock: Arc::clone(&house.clock),
        chance: Arc::clone(&house.chance),
        vault: house.vault.clone(),
        places: places::of(settings)?,
        is_demo,
    });
    Ok(Wired { env, site })
}
