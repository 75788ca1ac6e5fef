//! Where an address is, roughly, for lists of devices and notices.

use std::sync::Arc;

use config::Settings;
use maxminddb::{Reader, geoip2};
use webkit::site::Places;

use crate::failure::Failure;

/// Looks addresses up in the operator's file, if there is one. The file is read whole, once.
pub(super) fn of(settings: &Settings) -> Result<Places, Failure> {
    let Some(path) = &settings.place.mmdb else {
        return Ok(Arc::new(|_| None));
    };
    let reader = Reader::open_readfile(path).map_err(|error| {
        Failure::refused(format!(
            "place.mmdb: {} is not read: {error}",
            path.display()
        ))
    })?;
    Ok(Arc::new(move |address| {
        let found = reader.lookup(address).ok()?;
        let place: geoip2::City<'_> = found.decode().ok()??;
        let city = name(&place.city.names);
        let country = name(&place.country.names);
        match (city, country) {
            (Some(city), Some(country)) => Some(format!("{city}, {country}")),
            (one, other) => one.or(other).map(ToOwned::to_owned),
        }
    }))
}

/// Russian first, as everywhere.
fn name<'a>(names: &geoip2::Names<'a>) -> Option<&'a str> {
    names.russian.or(names.english)
}
