//! Connections counted by address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use config::Cidr;
use parking_lot::Mutex;

/// Who holds how many connections.
#[derive(Clone)]
pub(super) struct Addresses {
    most: u32,
    exempt: Arc<[Cidr]>,
    held: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

/// One connection's place; given back when dropped.
pub(super) struct Place {
    of: Option<(Addresses, IpAddr)>,
}

impl Addresses {
    pub(super) fn new(most: u32, exempt: Vec<Cidr>) -> Self {
        Self {
            most,
            exempt: exempt.into(),
            held: Arc::default(),
        }
    }

    /// A place for one more connection of the address, or none.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Place> {
        let address = kernel::network::canonical(address);
        if self.exempt.iter().any(|network| network.contains(address)) {
            return Some(Place { of: None });
        }
        let site = counted_as(address);
        let mut held = self.held.lock();
        let count = held.entry(site).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count = count.saturating_add(1);
        drop(held);
        Some(Place {
            of: Some((self.clone(), site)),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((addresses, site)) = &self.of else {
            return;
        };
        let mut held = addresses.held.lock();
        if let Some(count) = held.get_mut(site) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                held.remove(site);
            }
        }
    }
}

/// An IPv4 address is one visitor; an IPv6 visitor has a whole /64.
fn counted_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(_) => kernel::network::site(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// A105: one address has so many places and no more; another is not touched by that.
    #[test]
    fn places_are_counted_and_given_back() {
        let addresses = Addresses::new(2, vec!["10.0.0.0/8".parse().unwrap()]);
        let first = addresses.enter(ip("192.0.2.1")).unwrap();
        let _second = addresses.enter(ip("::ffff:192.0.2.1")).unwrap();
        assert!(addresses.enter(ip("192.0.2.1")).is_none());
        assert!(addresses.enter(ip("192.0.2.2")).is_some());
        drop(first);
        assert!(addresses.enter(ip("192.0.2.1")).is_some());
        let proxies: Vec<_> = (0..10).map(|_| addresses.enter(ip("10.1.2.3"))).collect();
        assert!(proxies.iter().all(Option::is_some));
    }

    #[test]
    fn an_ipv6_visitor_has_one_network() {
        let addresses = Addresses::new(1, vec![]);
        let _held = addresses.enter(ip("2001:db8::1")).unwrap();
        assert!(addresses.enter(ip("2001:db8::2")).is_none());
        assert!(addresses.enter(ip("2001:db8:0:1::1")).is_some());
        drop(_held);
        assert!(addresses.held.lock().is_empty());
    }
}
