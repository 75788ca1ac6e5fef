//! Networks, for telling our own proxies from strangers.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A network: `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    base: IpAddr,
    bits: u8,
}

/// Not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a network: write an address and the number of fixed bits, like 10.0.0.0/8, with no bits set after them"
)]
pub struct CidrError;

impl Cidr {
    /// Whether an address lies in the network. IPv4 written as IPv6 counts as
    /// IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, kernel::network::canonical(address)) {
            (IpAddr::V4(base), IpAddr::V4(other)) => {
                mask(u128::from(base.to_bits()) << 96, self.bits)
                    == mask(u128::from(other.to_bits()) << 96, self.bits)
            }
            (IpAddr::V6(base), IpAddr::V6(other)) => {
                mask(base.to_bits(), self.bits) == mask(other.to_bits(), self.bits)
            }
            _ => false,
        }
    }

    /// How many addresses' worth of trust it gives: 0 is the whole internet.
    pub const fn bits(&self) -> u8 {
        self.bits
    }
}

/// The first `bits` bits, the rest zero.
fn mask(address: u128, bits: u8) -> u128 {
    let dropped = 128u32.saturating_sub(u32::from(bits));
    address
        .checked_shr(dropped)
        .and_then(|kept| kept.checked_shl(dropped))
        .unwrap_or(0)
}

impl FromStr for Cidr {
    type Err = CidrError;
    fn from_str(text: &str) -> Result<Self, CidrError> {
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text.trim(), None),
        };
        let base: IpAddr = address.parse().map_err(|_| CidrError)?;
        let (most, left) = match base {
            IpAddr::V4(v4) => (32, u128::from(v4.to_bits()) << 96),
            IpAddr::V6(v6) => (128, v6.to_bits()),
        };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| CidrError))?;
        // 10.0.0.1/8 is more likely a mistake than a network.
        if bits > most || mask(left, bits) != left {
            return Err(CidrError);
        }
        Ok(Self { base, bits })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Cidr {
    type Error = CidrError;
    fn try_from(text: String) -> Result<Self, CidrError> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(network: Cidr) -> Self {
        network.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contains() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "a00::"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::1", "::1", "127.0.0.1"),
            ("0.0.0.0/0", "8.8.8.8", "::2"),
        ] {
            let network: Cidr = network.parse().unwrap();
            assert!(
                network.contains(inside.parse().unwrap()),
                "{network} {inside}"
            );
            assert!(
                !network.contains(outside.parse().unwrap()),
                "{network} {outside}"
            );
            assert_eq!(network.to_string().parse(), Ok(network));
        }
        for bad in [
            "",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "10.0.0/8",
            "::/129",
            "10.0.0.0/-1",
            "host/8",
        ] {
            assert_eq!(bad.parse::<Cidr>(), Err(CidrError), "{bad}");
        }
    }
}
