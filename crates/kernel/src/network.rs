//! Who asks, as the edge of the house saw it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Locale;

/// Who asks: made once at the edge from the connection and the headers, then
/// passed along as the context of a use case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// The address of the person's own network, behind trusted proxies.
    pub network: IpAddr,
    /// The `User-Agent` header as sent, cut by the edge: never shown raw; see
    /// [`crate::agent::device_name`].
    pub agent: String,
    /// The language to answer in.
    pub locale: Locale,
}

/// The same address in one form: an IPv4 address written as IPv6
/// (`::ffff:192.0.2.1`) becomes IPv4, so that nobody counts as two.
pub fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// The network that limits are counted by: the first 24 bits of an IPv4
/// address, the first 64 of an IPv6 one, the rest zero.
///
/// One customer of a provider usually holds a whole IPv6 /64, so that counting
/// by single addresses would give 2^64 tries (abuse case A10).
pub fn site(address: IpAddr) -> IpAddr {
    match canonical(address) {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            Ipv4Addr::new(a, b, c, 0).into()
        }
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// For showing and for logs: `192.0.2.•`, `2001:db8:1:2:•`.
pub fn masked(address: IpAddr) -> String {
    match canonical(address) {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.•")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}:•")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites() {
        for (address, expected, shown) in [
            ("192.0.2.77", "192.0.2.0", "192.0.2.•"),
            ("::ffff:192.0.2.77", "192.0.2.0", "192.0.2.•"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "2001:db8:1:2:•"),
            ("::1", "::", "0:0:0:0:•"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(site(address).to_string(), expected);
            assert_eq!(site(site(address)), site(address));
            assert_eq!(masked(address), shown);
        }
    }
}
